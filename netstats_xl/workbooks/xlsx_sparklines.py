"""Native sparklines."""

from collections.abc import Mapping

from netstats_xl.domain.views import SparklineSpec
from netstats_xl.workbooks.xlsx_formats import XlsxSheet
from netstats_xl.workbooks.xlsx_references import Placed, cell_name, quoted_sheet, range_name
from netstats_xl.workbooks.xlsx_rules import accepted


def insert_sparklines(sheet: XlsxSheet, spec: SparklineSpec, tables: Mapping[str, Placed]) -> None:
    """Draw a sparkline in each filled row of a table, and in those that it has room for."""
    table, source = tables[spec.table], tables[spec.source]
    rows = max(min(table.filled, source.filled), min(table.spec.room, source.spec.room))
    if not rows:
        return
    left, right = source.column(spec.first_column), source.column(spec.last_column)
    at = table.column(spec.column)
    options = {
        "location": [cell_name(table.first_row + row, at) for row in range(rows)],
        "range": [
            f"{quoted_sheet(source.sheet)}!"
            + range_name(source.first_row + row, left, source.first_row + row, right)
            for row in range(rows)
        ],
        "type": spec.kind,
        "series_color": spec.color,
        "empty_cells": "gaps",
        "show_hidden": True,
    }
    accepted(
        sheet.add_sparkline(table.first_row, at, options), f"the sparklines of {spec.table}[{spec.column}]"
    )
