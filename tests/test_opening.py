"""`open` and `new` for a workbook that lives in LibreOffice."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from netstats_xl import wiring
from netstats_xl.app.identity import NOT_DRAWN
from netstats_xl.cli import main
from netstats_xl.commands import opening, starting
from netstats_xl.errors import WorkbookError
from netstats_xl.wiring import libreoffice_identity, write_template
from netstats_xl.workbooks.libreoffice import template
from netstats_xl.workbooks.libreoffice.program import Program

Netstats = Callable[..., int]


@pytest.fixture
def netstats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Netstats:
    """Runs the command in a folder of its own, and returns its exit code."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int | None)
        return ended.value.code or 0

    return run


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What LibreOffice, which is not there, was asked to show."""
    found: list[Path] = []
    monkeypatch.setattr(wiring, "open_in_libreoffice", found.append)
    return found


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The collectors that would have been started."""
    found: list[dict[str, Any]] = []

    def start(workbook: Path, **of: Any) -> int:
        found.append({"workbook": workbook, **of})
        return 0

    monkeypatch.setattr(starting, "start_live", start)
    return found


def has_excel(monkeypatch: pytest.MonkeyPatch, present: bool) -> None:
    monkeypatch.setattr(wiring, "has_excel", lambda: present)


# --- new ---


def test_a_new_live_workbook_carries_an_identity_and_is_never_overwritten(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("new", "--live", "Net.xlsx") == 0
    assert "netstats-xl open Net.xlsx" in capsys.readouterr().out
    path = tmp_path / "Net.xlsx"
    before = path.read_bytes()
    assert libreoffice_identity(path) not in (None, "0" * 32)
    assert netstats("check", "Net.xlsx") == 0
    assert netstats("new", "--live", "Net.xlsx") == 3
    assert path.read_bytes() == before


def test_the_workbook_of_a_file_is_another_than_a_live_one(netstats: Netstats, tmp_path: Path) -> None:
    assert netstats("new", "Net.xlsx") == 0
    assert libreoffice_identity(tmp_path / "Net.xlsx") is None


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--live", "Net.csv"), 3, ".xlsx"),
        (("--live", "Net.xlsx", "--time-zone", "Asia/Tokyo"), 2, "its sheet Settings"),
        (("Net.ods", "--time-zone", "Asia/Tokyo"), 2, "its sheet Settings"),
    ],
)
def test_what_a_live_workbook_cannot_be_is_told(
    netstats: Netstats,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    assert netstats("new", *arguments) == code
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not [each for each in tmp_path.iterdir() if each.name != "data"]


def test_an_ods_is_written_by_libreoffice(
    netstats: Netstats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(_: Program, source: Path, folder: Path) -> Path:
        target = folder / "new.ods"
        target.write_bytes(b"made of " + source.name.encode())
        return target

    monkeypatch.setattr(Program, "convert", convert)
    monkeypatch.setattr(template, "require_program", lambda: Program(soffice=tmp_path / "soffice"))
    assert netstats("new", "Net.ods") == 0
    assert (tmp_path / "Net.ods").read_bytes() == b"made of new.xlsx"
    assert netstats("new", "Net.ods") == 3


def test_without_a_libreoffice_there_is_no_ods_and_the_remedy_is_told(
    netstats: Netstats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("NETSTATS_XL_SOFFICE", str(tmp_path / "none"))
    assert netstats("new", "Net.ods") == 3
    assert "NETSTATS_XL_SOFFICE" in capsys.readouterr().err
    assert not (tmp_path / "Net.ods").exists()


# --- open ---


@pytest.mark.parametrize(
    ("name", "excel", "app"),
    [
        ("Net.xlsm", False, "excel"),
        ("Net.XLSM", True, "excel"),
        ("Net.xlsx", True, "excel"),
        ("Net.xlsx", False, "libreoffice"),
        ("Net.ods", True, "libreoffice"),
        ("Net.ODS", False, "libreoffice"),
    ],
)
def test_excel_is_chosen_where_there_is_one_and_for_its_own_files(
    monkeypatch: pytest.MonkeyPatch, name: str, excel: bool, app: str
) -> None:
    has_excel(monkeypatch, excel)
    assert opening.choose_app(Path(name)) == app


def test_a_workbook_is_opened_and_a_collector_started_on_it(
    netstats: Netstats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    opened: list[Path],
    started: list[dict[str, Any]],
) -> None:
    has_excel(monkeypatch, False)
    assert netstats("new", "--live", "Net.xlsx") == 0
    path = tmp_path / "Net.xlsx"
    assert netstats("open", "Net.xlsx") == 0
    assert opened == [path]
    assert started == [{"workbook": path, "identity": libreoffice_identity(path), "app": "libreoffice"}]


def test_the_program_can_be_named(
    netstats: Netstats, monkeypatch: pytest.MonkeyPatch, opened: list[Path], started: list[dict[str, Any]]
) -> None:
    has_excel(monkeypatch, True)
    assert netstats("new", "--live", "Net.xlsx") == 0
    assert netstats("open", "Net.xlsx", "--app", "libreoffice") == 0
    assert len(opened) == len(started) == 1


@pytest.mark.usefixtures("started")
def test_a_file_that_is_not_there_is_told_of_with_the_remedy(
    netstats: Netstats, opened: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("open", "Net.ods") == 3
    assert "netstats-xl new --live Net.ods" in capsys.readouterr().err
    assert opened == []


def test_a_workbook_that_is_not_live_is_told_of_with_the_remedy(
    netstats: Netstats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    opened: list[Path],
    started: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    has_excel(monkeypatch, False)
    write_template(tmp_path / "Net.xlsx", zone="UTC")
    assert netstats("open", "Net.xlsx") == 3
    assert "has no sheets for live figures" in capsys.readouterr().err
    assert (opened, started) == ([], [])


def test_a_workbook_of_excels_is_not_opened_in_libreoffice(
    netstats: Netstats, tmp_path: Path, opened: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Net.xlsm").write_bytes(b"")
    assert netstats("open", "Net.xlsm", "--app", "libreoffice") == 3
    assert "Net.xlsm is for Excel" in capsys.readouterr().err
    assert opened == []


@pytest.mark.skipif(sys.platform == "win32", reason="there may be an Excel")
def test_without_an_excel_the_way_to_libreoffice_is_told(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Net.xlsm").write_bytes(b"")
    assert netstats("open", "Net.xlsm") == 3
    assert "netstats-xl new --live NetStats.ods" in capsys.readouterr().err


def test_what_libreoffice_does_not_show_has_no_collector(
    netstats: Netstats,
    monkeypatch: pytest.MonkeyPatch,
    started: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def fail(workbook: Path) -> None:
        raise WorkbookError(f"LibreOffice does not show {workbook.name}.")

    has_excel(monkeypatch, False)
    monkeypatch.setattr(wiring, "open_in_libreoffice", fail)
    assert netstats("new", "--live", "Net.xlsx") == 0
    assert netstats("open", "Net.xlsx") == 3
    assert "does not show Net.xlsx" in capsys.readouterr().err
    assert started == []


# --- in Excel ---

on_windows = pytest.mark.skipif(sys.platform != "win32", reason="Excel is reached on Windows alone")


@on_windows
@pytest.mark.parametrize("live", [True, False])
def test_in_excel_a_workbook_is_opened_as_by_a_double_click_and_a_collector_started_on_it(
    netstats: Netstats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[dict[str, Any]],
    live: bool,
) -> None:
    shown: list[Path] = []
    monkeypatch.setattr(os, "startfile", shown.append, raising=False)
    path = tmp_path / "Net.xlsx"
    assert netstats("new", *(["--live"] if live else []), "Net.xlsx") == 0
    identity = libreoffice_identity(path) or NOT_DRAWN
    assert netstats("open", "Net.xlsx", "--app", "excel") == 0
    assert shown == [path]
    assert started == [{"workbook": path, "identity": identity, "app": "excel"}]


@on_windows
def test_a_file_that_windows_cannot_open_is_told_of_and_nothing_started(
    netstats: Netstats,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    started: list[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    def refuse(_: Path) -> None:
        raise OSError(22, "No application is associated with this file")

    monkeypatch.setattr(os, "startfile", refuse, raising=False)
    (tmp_path / "Net.xlsm").write_bytes(b"")
    assert netstats("open", "Net.xlsm") == 3
    assert "No application is associated" in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert started == []
