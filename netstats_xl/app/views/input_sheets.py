"""The sheets that the user types into, as templates have them."""

from netstats_xl.app.views.storage import storage_table
from netstats_xl.domain.views import (
    BLUE,
    GREEN,
    HEADING,
    HINT,
    ORANGE,
    TITLE,
    Anchor,
    Block,
    Color,
    SheetSpec,
    TableSpec,
    TextSpec,
)
from netstats_xl.sheets import SETTING_ROWS, destinations_spec, jobs_spec, settings_spec

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


def settings_sheet(*, storage: bool = False) -> SheetSpec:
    """The Settings sheet; `storage`: with facts of the database below, which a live workbook shows."""
    hint = "Write into the column Value. Blank means the default."
    below = _TABLE.row + len(SETTING_ROWS) + 3
    facts = (
        TextSpec(anchor=Anchor(row=below, column=0), text="The database", style=HEADING),
        storage_table(Anchor(row=below + 1, column=0)),
    )
    return _sheet(settings_spec(_TABLE), "Settings", hint, ORANGE, below=facts if storage else ())


def _sheet(
    table: TableSpec, title: str, hint: str, color: Color, *, below: tuple[Block, ...] = ()
) -> SheetSpec:
    return SheetSpec(
        name=table.name,
        blocks=(
            TextSpec(anchor=Anchor(row=0, column=0), text=title, style=TITLE),
            TextSpec(anchor=Anchor(row=1, column=0), text=hint, style=HINT),
            table,
            *below,
        ),
        freeze=Anchor(row=_TABLE.row + 1, column=1),
        repeat_rows=(_TABLE.row, _TABLE.row),
        tab_color=color,
    )
