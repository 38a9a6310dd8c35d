"""Where the files of the user's companions lie."""

from pathlib import Path

import pytest

from netstats_xl.paths import FOLDER_VARIABLE, companion_id, data_folder


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
