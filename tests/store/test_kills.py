"""A process that is killed while it writes loses nothing that it acknowledged."""

from pathlib import Path

import pytest

from tests.store.killing import Findings, kill_again_and_again

pytestmark = pytest.mark.trials

KILLS = 10
"""`python -m tests.store.killing` kills as often as it is told."""


def test_whatever_a_process_is_killed_in_nothing_is_lost_or_there_twice_and_the_rollups_are_right(
    tmp_path: Path,
) -> None:
    findings = Findings()
    kill_again_and_again(tmp_path, KILLS, 5, findings)
    assert findings.kills.total() == KILLS
    assert findings.acknowledged > 10 * KILLS
    # A second is the goal on a machine that has nothing else to do.
    assert max(findings.reopened_s) < (10, "")
