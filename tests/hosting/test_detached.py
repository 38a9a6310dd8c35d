"""Starting a process apart."""

import os
import sys
from pathlib import Path

import pytest

from netstats_xl import __version__
from netstats_xl.hosting.detached import start_detached


def test_it_runs_on_its_own_and_what_it_prints_goes_to_the_file(tmp_path: Path) -> None:
    output = tmp_path / "out.txt"
    output.write_text("of the start before, and longer than what is printed now")
    process = start_detached(["--version"], folder=tmp_path, output=output)
    assert process.wait(60) == 0
    assert output.read_text().split() == ["netstats-xl", __version__]


def test_it_prints_nowhere_where_no_file_is_named(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    assert start_detached(["--wrong"], folder=tmp_path).wait(60) == 2
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform == "win32", reason="sessions are a matter of POSIX")
def test_it_has_a_session_of_its_own(tmp_path: Path) -> None:
    process = start_detached(["--version"], folder=tmp_path)
    try:
        assert os.getsid(process.pid) != os.getsid(0)
    finally:
        process.wait(60)
