"""A copy that is open beside its original, in one Excel or in two, and is started for as the ribbon does."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netstats_xl.app.identity import NOT_DRAWN
from netstats_xl.hosting.records import WorkbookRecord, write_record
from netstats_xl.paths import DataFolder
from netstats_xl.wiring.live import settle_identity
from netstats_xl.workbooks.excel.workbook import BookRef, ExcelWorkbook
from tests.excel_double import WindowsEngine, Workbook, windows_engine
from tests.workbooks.excel.live import GUID, TYPED, book_in


@pytest.fixture
def engine() -> Iterator[WindowsEngine]:
    with windows_engine("late") as running:
        yield running


def carried_by(book: Workbook) -> object:
    return book.defined_name("NetStats_id").refers_to


@pytest.mark.parametrize("hint", ["the copy's window", "the original's", "none"])
@pytest.mark.parametrize("excels", [1, 2])
def test_the_copy_alone_is_given_an_identity_of_its_own(
    engine: WindowsEngine, tmp_path: Path, excels: int, hint: str
) -> None:
    original, copy = tmp_path / "A.xlsm", tmp_path / "Copy of A.xlsm"
    original.touch()
    data = DataFolder(tmp_path / "data")
    write_record(data.record(GUID), WorkbookRecord(place=str(original)))
    first = engine.run()
    second = engine.run() if excels == 2 else first
    theirs, ours = book_in(first, str(original)), book_in(second, str(copy))
    window = {"the copy's window": second.hwnd(), "the original's": first.hwnd(), "none": 0}[hint]
    book = ExcelWorkbook(
        BookRef(guid=NOT_DRAWN, window=window, full_name=str(copy)), inputs=[TYPED], tick_s=0.001
    )
    try:
        settled = settle_identity(book, NOT_DRAWN, data)
        assert settled not in (GUID, NOT_DRAWN)
        assert (carried_by(ours), carried_by(theirs)) == (f'="{settled}"', f'="{GUID}"')
        assert book.identity() == settled
        assert book.full_name == str(copy)
    finally:
        book.close()
