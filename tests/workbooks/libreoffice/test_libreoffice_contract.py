"""A workbook in LibreOffice keeps the contract of a workbook."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import Anchor, Column, TableSpec
from netstats_xl.workbooks.libreoffice.finding import DocumentRef
from netstats_xl.workbooks.libreoffice.workbook import LibreOfficeWorkbook
from tests.contracts.workbook import HEADERS, Bench, WorkbookContract
from tests.workbooks.libreoffice.office import ODS, XLSX, Office
from tests.workbooks.libreoffice.written import two_tables

pytestmark = pytest.mark.libreoffice

COLUMNS = tuple(Column(header=header, typed=header != "ID") for header in HEADERS)
INPUT = TableSpec(name="Destinations", anchor=Anchor(row=0, column=0), columns=COLUMNS)


class _LibreOfficeContract(WorkbookContract):
    suffix: str

    @pytest.fixture
    def bench(self, running: Office, tmp_path: Path) -> Iterator[Bench]:
        path = two_tables(tmp_path / "Book.xlsx")
        running.do("open", path=str(path))
        running.do(
            "save",
            path=str(path.with_suffix(self.suffix)),
            filter_name=ODS if self.suffix == ".ods" else XLSX,
        )
        workbook = LibreOfficeWorkbook(
            DocumentRef(path=str(path.with_suffix(self.suffix))),
            address=lambda: running.address,
            python=lambda: running.python,
            inputs=[INPUT],
            tick_s=0.01,
        )

        def type_rows(rows: list[tuple[CellValue, ...]]) -> None:
            running.do("type", sheet="Destinations", cell="A2", rows=[[None] * 3] * 10)
            running.do("type", sheet="Destinations", cell="A2", rows=[list(row) for row in rows])
            running.do("resize", table="Destinations", rows=max(1, len(rows)))
            # LibreOffice tells of what is typed in its window, not of what a program does in its user's place.
            workbook.note_change()

        def shown() -> list[tuple[object, ...]]:
            assert workbook.flush(10)
            values = running.do("values", sheet="Shown", area="A2:B9")
            return [tuple(row) for row in values if row != [None, None]]

        yield Bench(workbook=workbook, type_rows=type_rows, shown=shown)
        workbook.close()
        running.do("close")


class TestLibreOfficeXlsx(_LibreOfficeContract):
    suffix = ".xlsx"


class TestLibreOfficeOds(_LibreOfficeContract):
    suffix = ".ods"
