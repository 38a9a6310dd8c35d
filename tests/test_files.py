import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from netstats_xl.files import replace_or_number, replacing, temporary_beside


def names(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


def lock(monkeypatch: pytest.MonkeyPatch, locked: Callable[[Path], bool]) -> None:
    """Have these files refuse to be replaced, as Windows does with a file that Excel has open."""
    really_replace = Path.replace

    def replace(self: Path, target: Path) -> Path:
        if locked(target):
            raise PermissionError(13, "The process cannot access the file", str(target))
        return really_replace(self, target)

    monkeypatch.setattr(Path, "replace", replace)
    monkeypatch.setattr("netstats_xl.files._PAUSES_S", (0.0, 0.0))


def test_what_was_written_replaces_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    with replacing(path) as temporary:
        assert temporary.parent == path.parent
        temporary.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert names(tmp_path) == ["report.csv"]


def test_a_failing_block_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as temporary:
            temporary.write_text("half of the n")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["report.csv"]


def test_a_block_that_wrote_nothing_is_an_error_and_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    path.write_text("old")
    with pytest.raises(FileNotFoundError), replacing(path):
        pass
    assert path.read_text() == "old"


def test_two_writers_of_one_file_do_not_meet(tmp_path: Path) -> None:
    path = tmp_path / "report.csv"
    with replacing(path) as first, replacing(path) as second:
        assert first != second
        first.write_text("first")
        second.write_text("second")
    assert path.read_text() == "first"  # the outer block ends last


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such permissions")
def test_the_new_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    usual = tmp_path / "usual"
    usual.touch()
    with replacing(tmp_path / "report.csv") as temporary:
        temporary.write_text("new")
    assert (tmp_path / "report.csv").stat().st_mode == usual.stat().st_mode


def test_a_locked_file_gets_a_numbered_sibling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = tmp_path / "NetStats-report.xlsx"
    wanted.write_text("open in Excel")
    lock(monkeypatch, lambda target: target == wanted)
    temporary = tmp_path / "new"
    temporary.write_text("new")
    assert replace_or_number(temporary, wanted) == tmp_path / "NetStats-report (2).xlsx"
    assert (tmp_path / "NetStats-report (2).xlsx").read_text() == "new"
    assert wanted.read_text() == "open in Excel"


def test_a_locked_sibling_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = tmp_path / "r.xlsx"
    lock(monkeypatch, lambda target: target.name in ("r.xlsx", "r (2).xlsx"))
    temporary = tmp_path / "new"
    temporary.write_text("new")
    assert replace_or_number(temporary, wanted).name == "r (3).xlsx"


def test_a_lock_of_a_moment_is_waited_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted, temporary = tmp_path / "r.xlsx", tmp_path / "new"
    left = [True, True, True, True]
    lock(monkeypatch, lambda target: bool(left) and left.pop())
    temporary.write_text("new")
    assert replace_or_number(temporary, wanted).name == "r (3).xlsx"  # the third refusal was not a moment's
    left[:] = [True, True]
    temporary.write_text("newer")
    assert replace_or_number(temporary, wanted) == wanted
    left[:] = [True, True]
    with replacing(wanted) as other:
        other.write_text("newest")
    assert wanted.read_text() == "newest"


def test_an_unlocked_file_is_replaced_in_its_place(tmp_path: Path) -> None:
    wanted, temporary = tmp_path / "r.xlsx", tmp_path / "new"
    wanted.write_text("old")
    temporary.write_text("new")
    assert replace_or_number(temporary, wanted) == wanted
    assert wanted.read_text() == "new"
    assert not temporary.exists()


def test_a_folder_in_which_everything_is_locked_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock(monkeypatch, lambda target: True)
    temporary = tmp_path / "new"
    temporary.write_text("new")
    with pytest.raises(PermissionError) as raised:
        replace_or_number(temporary, tmp_path / "r.xlsx")
    assert raised.value.filename == str(tmp_path / "r.xlsx")
    assert temporary.exists()


def test_what_a_killed_process_left_behind_is_removed_once_it_is_old(tmp_path: Path) -> None:
    path = tmp_path / "r.xlsx"
    abandoned, recent = tmp_path / ".r.xlsx.aaaa.tmp", tmp_path / ".r.xlsx.bbbb.tmp"
    other = tmp_path / ".other.xlsx.cccc.tmp"
    two_hours_ago = time.time() - 7200
    for each in (abandoned, recent, other):
        each.write_text("half")
    for each in (abandoned, other):
        os.utime(each, (two_hours_ago, two_hours_ago))
    with replacing(path) as temporary:
        temporary.write_text("new")
    assert names(tmp_path) == [".other.xlsx.cccc.tmp", ".r.xlsx.bbbb.tmp", "r.xlsx"]


def test_a_missing_folder_is_an_error_of_the_writing_not_of_the_tidying(tmp_path: Path) -> None:
    missing = tmp_path / "missing" / "r.xlsx"
    with pytest.raises(FileNotFoundError), temporary_beside(missing) as temporary:
        temporary.write_text("new")


@pytest.mark.parametrize("name", ["", ".", "..", "/", "folder"])
def test_a_folder_cannot_be_replaced_and_is_named_before_any_work_is_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    worked = False
    with pytest.raises(IsADirectoryError) as raised, replacing(Path(name)):
        worked = True
    assert raised.value.filename == str(Path(name))
    assert not worked
    assert names(tmp_path) == ["folder"]
