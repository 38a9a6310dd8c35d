"""How LibreOffice is opened, where it listens, and the parts of a collector for a workbook in it."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.paths import DataFolder
from netstats_xl.wiring import libreoffice as module
from netstats_xl.wiring.libreoffice import address, connect_libreoffice, open_in_libreoffice
from netstats_xl.workbooks.libreoffice import program, workbook
from netstats_xl.workbooks.libreoffice.program import Program

ID = "0123456789abcdef" * 2


class Book:
    """A `LibreOfficeWorkbook` whose revisions are these errors, and then one."""

    made: "list[Book]"
    errors: list[WorkbookError]

    def __init__(self, ref: object, **settings: Any) -> None:
        self.ref, self.settings, self.closed = ref, settings, 0
        self.full_name = "/Net.ods"
        Book.made.append(self)

    def revision(self) -> str:
        if Book.errors:
            raise Book.errors.pop(0)
        return "1"

    def identity(self) -> str:
        self.revision()
        return ID

    def close(self) -> None:
        self.closed += 1


@pytest.fixture(autouse=True)
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))
    return DataFolder(tmp_path / "data")


@pytest.fixture
def shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Path, str | None]]]:
    """What a stand-in for LibreOffice's program was asked to show."""
    found: list[tuple[Path, str | None]] = []
    Book.made, Book.errors = [], []
    monkeypatch.setattr(workbook, "LibreOfficeWorkbook", Book)
    monkeypatch.setattr(program, "require_program", lambda: Program(soffice=tmp_path / "soffice"))
    monkeypatch.setattr(Program, "show", lambda _, path, where: found.append((path, where)))
    monkeypatch.setattr(module, "LOOK_EVERY_S", 0.001)
    yield found
    assert [each.closed for each in Book.made] == [1] * len(Book.made)


def test_where_it_listens_is_drawn_anew_at_each_start_and_only_its_user_reads_it(
    shown: list[tuple[Path, str | None]], data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(WorkbookClosed, match="netstats-xl open"):
        address()
    for _ in range(2):
        monkeypatch.setattr(module, "_listens", lambda _: False)
        Book.errors = [WorkbookClosed("closed")]
        open_in_libreoffice(Path("/Net.ods"))
        assert shown[-1] == (Path("/Net.ods"), address())
    assert shown[0][1] != shown[1][1]
    if sys.platform != "win32":
        assert data.libreoffice.stat().st_mode & 0o077 == 0


def test_one_that_listens_already_goes_on_to_listen_there(
    shown: list[tuple[Path, str | None]], data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    data.path.mkdir()
    data.libreoffice.write_text("pipe,name=known", encoding="utf-8")
    monkeypatch.setattr(module, "_listens", lambda _: True)
    Book.errors = [WorkbookClosed("closed")]
    open_in_libreoffice(Path("/Net.ods"))
    assert shown == [(Path("/Net.ods"), None)]
    assert address() == "pipe,name=known"


def test_an_address_that_cannot_be_kept_or_read_is_told_of(
    shown: list[tuple[Path, str | None]], data: DataFolder
) -> None:
    data.path.write_text("", encoding="utf-8")
    Book.errors = [WorkbookClosed("closed")]
    with pytest.raises(WorkbookError, match="cannot be"):
        open_in_libreoffice(Path("/Net.ods"))
    assert shown == []
    data.path.unlink()
    data.libreoffice.mkdir(parents=True)
    with pytest.raises(WorkbookError, match="cannot be read"):
        address()


def test_a_workbook_that_is_open_already_is_not_opened_again(shown: list[tuple[Path, str | None]]) -> None:
    open_in_libreoffice(Path("/Net.ods"))
    assert shown == []


def test_it_is_opened_and_waited_for(shown: list[tuple[Path, str | None]]) -> None:
    Book.errors = [WorkbookClosed("closed"), WorkbookClosed("closed"), WorkbookBusy("loading")]
    open_in_libreoffice(Path("/Net.ods"))
    assert shown == [(Path("/Net.ods"), address())]


def test_one_that_is_not_shown_in_time_is_told_of(
    shown: list[tuple[Path, str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "OPEN_WITHIN_S", 0.01)
    Book.errors = [WorkbookClosed("closed")] * 10_000
    with pytest.raises(WorkbookError, match=r"LibreOffice does not show Net\.ods. If it asks something"):
        open_in_libreoffice(Path("/Net.ods"))
    assert len(shown) == 1


def test_what_waiting_does_not_help_with_is_told_at_once(shown: list[tuple[Path, str | None]]) -> None:
    Book.errors = [WorkbookError("No Python here can reach LibreOffice.")]
    with pytest.raises(WorkbookError, match="No Python here"):
        open_in_libreoffice(Path("/Net.ods"))
    assert shown == []


def test_the_parts_are_made_for_the_identity_that_the_workbook_carries(
    shown: list[tuple[Path, str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: dict[str, Any] = {}

    def parts(book: Book, place: str, id_: str, *, serve: object) -> str:
        asked.update(place=place, id=id_, serve=serve)
        return "parts"

    monkeypatch.setattr(module, "live_parts", parts)
    settled: list[str] = []
    assert connect_libreoffice("/Net.ods", identity=ID, settled=settled.append) == "parts"  # type: ignore[comparison-overlap]  # the stand-in's
    assert (asked["place"], asked["id"], settled) == ("/Net.ods", ID, [ID])
    (book,) = Book.made
    assert set(book.settings["buttons"]) == {"Dashboard", "Destinations", "Jobs"}
    book.close()
    assert shown == []


@pytest.mark.usefixtures("shown")
def test_where_the_parts_cannot_be_made_the_workbook_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise WorkbookError("no database")

    monkeypatch.setattr(module, "live_parts", fail)
    with pytest.raises(WorkbookError, match="no database"):
        connect_libreoffice("/Net.ods", identity=ID)


@pytest.mark.usefixtures("shown")
def test_a_button_tells_its_sentence_in_the_workbook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "live_parts", lambda *_, **__: None)
    with suppress(WorkbookError):
        connect_libreoffice("/Net.ods", identity=ID)
    (book,) = Book.made
    told: list[tuple[str, bool]] = []
    monkeypatch.setattr(book, "tell", lambda sentence, bad: told.append((sentence, bad)), raising=False)
    book.settings["pressed"]("NetStats_start")
    assert told == [("The collector is starting. Try again in a moment.", True)]
    book.close()
