"""Workbooks for LibreOffice to open."""

from pathlib import Path

from openpyxl import Workbook
from openpyxl.worksheet.table import Table

from tests.contracts.workbook import HEADERS


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
