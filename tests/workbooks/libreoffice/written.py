"""Workbooks for LibreOffice to open."""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.workbook.defined_name import DefinedName
from openpyxl.worksheet.table import Table

from tests.contracts.workbook import HEADERS
from tests.workbooks.excel.live import GUID, RANKED, RUNS, TYPED


def two_tables(path: Path) -> Path:
    """A workbook with the tables that the contract speaks of; the columns of the first hold text."""
    book = Workbook()
    destinations = book.active
    assert destinations is not None
    destinations.title = "Destinations"
    destinations.append(HEADERS)
    for row in destinations.iter_rows(min_row=2, max_row=60, max_col=3):
        for cell in row:
            cell.number_format = "@"
    destinations.add_table(Table(displayName="Destinations", ref="A1:C2"))
    shown = book.create_sheet("Shown")
    shown.append(("Name", "RTT (ms)"))
    shown.add_table(Table(displayName="Shown", ref="A1:B2"))
    book.save(path)
    return path


def live_book(path: Path, guid: str = GUID) -> Path:
    """A workbook with the tables and cells of `SPEC`, a sheet of its user's, and an identity; no pivot."""
    book = Workbook()
    first = book.active
    assert first is not None
    first.title = "Destinations"
    for sheet, spec, at in ((first, TYPED, "A1"), ("Runs", RUNS, "B3"), ("Ranked", RANKED, "A3")):
        place = book.create_sheet(sheet) if isinstance(sheet, str) else sheet
        corner = place[at]
        width = len(spec.columns)
        for offset, column in enumerate(spec.columns):
            place.cell(corner.row, corner.column + offset, column.header)
        last = place.cell(corner.row + 1, corner.column + width - 1).coordinate
        place.add_table(Table(displayName=spec.name, ref=f"{at}:{last}"))
    book.create_sheet("Mine")["A1"] = "mine"
    book.defined_names["NetStats_id"] = DefinedName("NetStats_id", attr_text=f'"{guid}"', hidden=True)
    book.defined_names["NetStats_state"] = DefinedName("NetStats_state", attr_text="Ranked!$A$1")
    book.save(path)
    return path
