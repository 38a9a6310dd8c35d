"""The sheets that the user types into, as templates have them."""

from netstats_xl.domain.views import (
    BLUE,
    GREEN,
    HINT,
    ORANGE,
    TITLE,
    Anchor,
    Color,
    SheetSpec,
    TableSpec,
    TextSpec,
)
from netstats_xl.sheets import destinations_spec, jobs_spec, settings_spec

SPARE_ROWS = 20
"""Blank rows within the tables for the user to type into."""

_TABLE = Anchor(row=3, column=0)


def destinations_table() -> TableSpec:
    """The Destinations table, where its sheet has it."""
    return destinations_spec(_TABLE, spare_rows=SPARE_ROWS)


def jobs_table() -> TableSpec:
    """The Jobs table, where its sheet has it."""
    return jobs_spec(_TABLE, spare_rows=SPARE_ROWS)


def destinations_sheet(table: TableSpec, *, hint: str) -> SheetSpec:
    """The Destinations sheet; `hint`: what to know of the columns that fill themselves."""
    return _sheet(table, "Destinations: what is measured", f"One host a row. {hint}", BLUE)


def jobs_sheet(table: TableSpec, *, hint: str) -> SheetSpec:
    """The Jobs sheet."""
    return _sheet(table, "Jobs: which destinations, when and how", hint, GREEN)


def settings_sheet() -> SheetSpec:
    """The Settings sheet."""
    hint = "Write into the column Value. Blank means the default."
    return _sheet(settings_spec(_TABLE), "Settings", hint, ORANGE)


def _sheet(table: TableSpec, title: str, hint: str, color: Color) -> SheetSpec:
    return SheetSpec(
        name=table.name,
        blocks=(
            TextSpec(anchor=Anchor(row=0, column=0), text=title, style=TITLE),
            TextSpec(anchor=Anchor(row=1, column=0), text=hint, style=HINT),
            table,
        ),
        freeze=Anchor(row=_TABLE.row + 1, column=1),
        repeat_rows=(_TABLE.row, _TABLE.row),
        tab_color=color,
    )
