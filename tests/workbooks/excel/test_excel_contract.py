"""A workbook in Excel keeps the contract of a workbook."""

from collections.abc import Iterator

import pytest

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Anchor, Column, TableSpec
from netstats_xl.workbooks.excel.workbook import BookRef, ExcelWorkbook
from tests.contracts.workbook import HEADERS, Bench, WorkbookContract
from tests.excel_double import User, WindowsEngine, add_table, values
from tests.workbooks.excel.live import GUID, PATH, Pauses


class TestExcelWorkbook(WorkbookContract):
    @pytest.fixture
    def bench(self, engine: WindowsEngine) -> Iterator[Bench]:
        excel = engine.run()
        book = excel.open(PATH, "Destinations", "Shown")
        book.add_name("NetStats_id", f'="{GUID}"', hidden=True)
        add_table(book.sheet("Shown"), "Shown", ["Name", "RTT (ms)"])
        user, clock = User(excel), Pauses()
        columns = tuple(Column(header=header, typed=header != "ID") for header in HEADERS)
        workbook = ExcelWorkbook(
            BookRef(guid=GUID, full_name=PATH),
            inputs=[TableSpec(name="Destinations", anchor=Anchor(row=0, column=0), columns=columns)],
            tick_s=0.001,
            monotonic=clock.monotonic,
            pause=clock.pause,
        )

        def type_rows(rows: list[tuple[CellValue, ...]]) -> None:
            sheet = book.sheet("Destinations")
            if book.find_table("Destinations") is not None:
                user.delete_table(book.table("Destinations"))
            add_table(sheet, "Destinations", HEADERS, rows, text=HEADERS)
            workbook.note_change()

        def shown() -> list[tuple[object, ...]]:
            assert workbook.flush(10)
            return values(book.table("Shown"))

        yield Bench(workbook=workbook, type_rows=type_rows, shown=shown)
        workbook.close()
