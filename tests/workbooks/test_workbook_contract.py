"""The fake and the file keep the contract of a workbook."""

from pathlib import Path

import pytest
from openpyxl import Workbook as OpenpyxlWorkbook
from openpyxl import load_workbook
from openpyxl.worksheet.table import Table

from netstats_xl.domain.tables import CellValue
from netstats_xl.workbooks.xlsx import XlsxWorkbook
from netstats_xl.workbooks.xlsx_writer import XlsxFile
from tests.contracts.workbook import HEADERS, Bench, WorkbookContract
from tests.fakes.memory_workbook import MemoryWorkbook, raw_table


class TestMemoryWorkbook(WorkbookContract):
    @pytest.fixture
    def bench(self) -> Bench:
        workbook = MemoryWorkbook()
        return Bench(
            workbook=workbook,
            type_rows=lambda rows: workbook.set(raw_table("Destinations", HEADERS, *rows)),
            shown=lambda: [tuple(row) for row in workbook.published[-1]["Shown"]],
        )


class TestXlsxWorkbook(WorkbookContract):
    @pytest.fixture
    def bench(self, tmp_path: Path) -> Bench:
        source, report = tmp_path / "Net.xlsx", tmp_path / "Net-report.xlsx"

        def type_rows(rows: list[tuple[CellValue, ...]]) -> None:
            book = OpenpyxlWorkbook()
            sheet = book.worksheets[0]
            sheet.title = "Destinations"
            for row in (HEADERS, *rows):
                sheet.append(list(row))
            sheet.add_table(Table(displayName="Destinations", ref=f"A1:C{len(rows) + 1}"))
            book.save(source)

        def shown() -> list[tuple[object, ...]]:
            sheet = load_workbook(report)["Shown"]
            return [tuple(cell.value for cell in row) for row in sheet.iter_rows(min_row=2)]

        return Bench(workbook=XlsxWorkbook(source, XlsxFile(report)), type_rows=type_rows, shown=shown)
