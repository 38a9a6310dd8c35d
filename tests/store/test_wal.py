"""DuckDB's own log, counted without DuckDB."""

from pathlib import Path

import pytest

from netstats_xl.store.wal import checksum, read_log
from tests.store.flipping import BATCHES_IN_LOG, NAME, Victim


@pytest.fixture
def log(tmp_path: Path, victim: Victim) -> Path:
    path = tmp_path / f"{NAME}.wal"
    path.write_bytes(victim.log)
    return path


def test_every_commit_of_a_whole_log_is_counted(log: Path) -> None:
    content = read_log(log)
    assert content is not None
    assert (content.commits, content.commits_after, content.is_counted) == (BATCHES_IN_LOG, 0, True)
    assert content.whole_bytes == content.size_bytes == log.stat().st_size


def test_a_flipped_bit_ends_what_is_whole_and_the_commits_after_it_are_counted(log: Path) -> None:
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 1
    log.write_bytes(content)
    found = read_log(log)
    assert found is not None
    assert 0 < found.commits < BATCHES_IN_LOG
    assert found.commits + found.commits_after == BATCHES_IN_LOG
    assert found.is_counted
    assert found.whole_bytes <= len(content) // 2


def test_a_log_that_was_cut_is_whole_up_to_its_last_commit(log: Path) -> None:
    content = log.read_bytes()
    log.write_bytes(content[:-3])
    found = read_log(log)
    assert found is not None
    assert (found.commits, found.commits_after, found.is_counted) == (BATCHES_IN_LOG - 1, 0, False)


@pytest.mark.parametrize("position", [0, 4, 60])
def test_of_a_log_whose_beginning_is_not_understood_nothing_is_said(log: Path, position: int) -> None:
    content = bytearray(log.read_bytes())
    content[position] ^= 1
    log.write_bytes(content)
    assert read_log(log) is None


def test_a_log_that_is_not_there_or_empty_holds_nothing(log: Path) -> None:
    log.write_bytes(b"")
    assert read_log(log) is None
    log.unlink()
    assert read_log(log) is None


def test_the_checksum_of_no_bytes_is_its_seed() -> None:
    assert checksum(b"") == 5381
