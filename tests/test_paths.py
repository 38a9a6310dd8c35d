"""Where the files of the user's companions lie."""

import sys
from pathlib import Path

import pytest

from netstats_xl.paths import FOLDER_VARIABLE, companion_id, data_folder, make_private


def test_the_users_data_folder_is_the_systems_unless_the_environment_names_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    assert data_folder().path == tmp_path
    monkeypatch.setenv(FOLDER_VARIABLE, " ")
    assert data_folder().path.name == "netstats_xl"
    assert data_folder().path.is_absolute()


def test_each_companion_has_files_of_its_own(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    folder = data_folder()
    files = [folder.endpoint("a"), folder.record("a"), folder.database("a"), folder.log("a")]
    assert [file.relative_to(tmp_path).as_posix() for file in files] == [
        "companions/a.txt",
        "workbooks/a.txt",
        "data/a.duckdb",
        "logs/a.log",
    ]
    assert folder.endpoint("a").parent == folder.endpoints
    assert folder.record("a").parent == folder.records


def test_a_database_has_one_companion_whatever_path_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "sub").mkdir()
    whole = companion_id(tmp_path / "Net.duckdb")
    assert len(whole) == 32
    assert int(whole, 16) >= 0
    assert companion_id(Path("Net.duckdb")) == whole
    assert companion_id(tmp_path / "sub" / ".." / "Net.duckdb") == whole
    assert companion_id(tmp_path / "Other.duckdb") != whole


def test_a_folder_is_made_with_those_above_it(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")
    make_private(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").is_dir()
    (tmp_path / "file").touch()
    for bad in (tmp_path / "file", tmp_path / "file" / "c"):
        with pytest.raises(OSError, match="file"):
            make_private(bad)


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are a matter of POSIX")
def test_only_the_user_may_look_into_a_folder_that_is_made(tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    shared.mkdir()
    shared.chmod(0o755)
    make_private(shared / "a" / "b")
    assert [each.stat().st_mode & 0o777 for each in (shared, shared / "a", shared / "a" / "b")] == [
        0o755,
        0o700,
        0o700,
    ]
