"""Who an open workbook is, and where what belongs to it lies."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from netstats_xl.app.identity import NOT_DRAWN
from netstats_xl.domain.incidents import Incident
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.hosting.records import WorkbookRecord, read_record, write_record
from netstats_xl.paths import DataFolder
from netstats_xl.wiring import live
from netstats_xl.wiring.live import connect_live, folder_of, live_parts, settle_identity, typed_tables
from tests.companion.stage import OpenWorkbook

ID = "0123456789abcdef" * 2
OTHER = "f" * 32


class Carrying(OpenWorkbook):
    """An open workbook that carries an identity."""

    def __init__(self, carried: str, place: str, *errors: WorkbookError) -> None:
        super().__init__()
        self.carried = carried
        self.full_name = place
        self.errors = list(errors)

    def identity(self) -> str:
        if self.errors:
            raise self.errors.pop(0)
        return self.carried

    def set_identity(self, guid: str) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.carried = guid


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))
    return DataFolder(tmp_path / "data")


def no_pause(_: float) -> None:
    pass


def test_a_workbook_keeps_the_identity_that_it_carries_also_after_it_was_moved(
    data: DataFolder, tmp_path: Path
) -> None:
    book = Carrying(ID, str(tmp_path / "new.xlsm"))
    assert settle_identity(book, ID, data) == ID
    write_record(data.record(ID), WorkbookRecord(place=str(tmp_path / "gone.xlsm")))
    assert settle_identity(book, ID, data) == ID
    write_record(data.record(ID), WorkbookRecord(place="https://example.sharepoint.com/old.xlsm"))
    assert settle_identity(book, ID, data) == ID


@pytest.mark.parametrize("carried", [NOT_DRAWN, "", "../../../etc/passwd"])
def test_one_without_an_identity_is_given_one(data: DataFolder, carried: str) -> None:
    book = Carrying(carried, "Book1")
    settled = settle_identity(book, NOT_DRAWN, data)
    assert book.carried == settled
    assert len(settled) == 32
    assert settled != NOT_DRAWN


def test_a_copy_is_given_an_identity_of_its_own(data: DataFolder, tmp_path: Path) -> None:
    original = tmp_path / "original.xlsm"
    original.write_text("there")
    write_record(data.record(ID), WorkbookRecord(place=str(original)))
    book = Carrying(ID, str(tmp_path / "copy.xlsm"))
    settled = settle_identity(book, ID, data)
    assert settled not in (ID, NOT_DRAWN)
    assert book.carried == settled


def test_a_busy_excel_is_asked_again(data: DataFolder) -> None:
    busy = WorkbookBusy("A cell is being edited.")
    book = Carrying(NOT_DRAWN, "Book1", busy, busy)
    assert settle_identity(book, NOT_DRAWN, data, pause=no_pause) == book.carried


def test_where_excel_cannot_be_asked_it_is_who_it_was_said_to_be(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "BUSY_FOR_S", 0.0)
    for error in (WorkbookBusy("A dialog is open."), WorkbookClosed("It is not open.")):
        assert settle_identity(Carrying(ID, "", *[error] * 9), OTHER, data, pause=no_pause) == OTHER
        for nothing in (NOT_DRAWN, "no identity"):
            with pytest.raises(type(error)):
                settle_identity(Carrying(ID, "", *[error] * 9), nothing, data, pause=no_pause)


def test_who_it_is_from_now_on_is_told_also_where_the_start_fails_after_that(
    data: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "Net.xlsm")
    book = Carrying(NOT_DRAWN, place)

    def fail(*_: object) -> NoReturn:
        raise WorkbookClosed("It is not open any more.")

    monkeypatch.setattr("netstats_xl.workbooks.excel.workbook.ExcelWorkbook", lambda *_, **__: book)
    monkeypatch.setattr(live, "live_parts", fail)
    told = list[str]()
    with pytest.raises(WorkbookClosed):
        connect_live(place, identity=NOT_DRAWN, window=0, settled=told.append)
    assert told == [book.carried]
    assert told != [NOT_DRAWN]


def test_the_tables_that_the_user_types_into_are_those_that_are_read() -> None:
    assert [table.name for table in typed_tables()] == ["Destinations", "Jobs", "Selection", "Settings"]


class Unheard:
    """A watcher that does not listen."""

    def note_incident(self, incident: Incident) -> None:
        pass

    def note_room(self, free_bytes: int | None) -> None:
        pass


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The databases that were opened."""
    opened: list[Path] = []
    monkeypatch.setattr(live, "open_store", lambda path, watcher: opened.append(path))
    return opened


def test_the_database_lies_in_the_data_folder_unless_the_settings_name_one(
    data: DataFolder, tmp_path: Path, held: list[Path]
) -> None:
    book = Carrying(ID, str(tmp_path / "Net.xlsm"))
    parts = live_parts(book, book.full_name, ID)
    parts.open_store(Settings(), Unheard())
    assert held[-1] == data.database(ID)
    assert held[-1].parent.is_dir()
    parts.open_store(Settings(database="own.duckdb"), Unheard())
    assert held[-1] == tmp_path / "own.duckdb"
    parts.open_store(Settings(database=str(tmp_path / "sub" / "whole.duckdb")), Unheard())
    assert held[-1] == tmp_path / "sub" / "whole.duckdb"
    book.full_name = "https://example.sharepoint.com/Net.xlsm"
    parts.open_store(Settings(database="own.duckdb"), Unheard())
    assert held[-1] == data.database(ID).parent / "own.duckdb"


def test_where_it_was_seen_is_remembered_for_a_start_without_it(data: DataFolder, tmp_path: Path) -> None:
    book = Carrying(ID, str(tmp_path / "Net.xlsm"))
    parts = live_parts(book, book.full_name, ID)
    assert parts.live is not None
    assert parts.live.last_settings() == Settings()
    for _ in range(2):
        parts.live.note_place(book.full_name, str(tmp_path / "own.duckdb"))
    assert read_record(data.record(ID)) == WorkbookRecord(
        place=book.full_name, database=str(tmp_path / "own.duckdb")
    )
    assert parts.live.last_settings().database == str(tmp_path / "own.duckdb")


def test_reports_go_beside_the_workbook_or_into_the_users_documents(data: DataFolder, tmp_path: Path) -> None:
    book = Carrying(ID, str(tmp_path / "Net.xlsm"))
    parts = live_parts(book, book.full_name, ID)
    assert parts.report_folder() == tmp_path
    book.full_name = "https://example.sharepoint.com/Net.xlsm"
    assert parts.report_folder().is_absolute()
    assert folder_of(book.full_name) is None
    assert folder_of("Book1") is None
    assert folder_of(str(tmp_path / "absent" / "Net.xlsm")) is None


def test_its_control_channel_is_found_under_its_identity(data: DataFolder, tmp_path: Path) -> None:
    book = Carrying(ID, str(tmp_path / "Net.xlsm"))
    parts = live_parts(book, book.full_name, ID)
    make: Callable[..., object] | None = parts.make_server
    assert make is not None
    server = make(None, Settings(), parts.clock.now())
    assert vars(server)["_path"] == data.endpoint(ID)


def test_only_one_companion_holds_a_database(data: DataFolder, tmp_path: Path) -> None:
    book = Carrying(ID, str(tmp_path / "Net.xlsm"))
    parts = live_parts(book, book.full_name, ID)
    with parts.hold(Settings()), pytest.raises(Exception, match="in use"), parts.hold(Settings()):
        pass
    with parts.hold(Settings()):
        assert data.log(ID).exists()
