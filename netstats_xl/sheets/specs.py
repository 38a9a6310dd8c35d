"""The input tables as specs that an adapter renders."""

from netstats_xl.domain.views import Anchor, Column, TableSpec
from netstats_xl.sheets.columns import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    JOBS,
    SETTINGS,
    SheetColumn,
)
from netstats_xl.sheets.job_columns import JOB_COLUMNS
from netstats_xl.sheets.setting_rows import SETTING_COLUMNS


def destinations_spec(anchor: Anchor, *, extra: tuple[Column, ...] = (), spare_rows: int = 0) -> TableSpec:
    """The Destinations table, with `extra` columns of the user's to the right."""
    return _spec(DESTINATIONS, DESTINATION_COLUMNS, anchor, extra=extra, spare_rows=spare_rows)


def jobs_spec(anchor: Anchor, *, extra: tuple[Column, ...] = (), spare_rows: int = 0) -> TableSpec:
    """The Jobs table, with `extra` columns of the user's to the right."""
    return _spec(JOBS, JOB_COLUMNS, anchor, extra=extra, spare_rows=spare_rows)


def settings_spec(anchor: Anchor) -> TableSpec:
    """The Settings table: a row a setting."""
    columns = tuple(each.column for each in SETTING_COLUMNS)
    return TableSpec(name=SETTINGS, anchor=anchor, columns=columns, autofilter=False)


def _spec(
    name: str, columns: tuple[SheetColumn, ...], anchor: Anchor, *, extra: tuple[Column, ...], spare_rows: int
) -> TableSpec:
    return TableSpec(
        name=name,
        anchor=anchor,
        columns=tuple(each.column for each in columns) + extra,
        spare_rows=spare_rows,
    )
