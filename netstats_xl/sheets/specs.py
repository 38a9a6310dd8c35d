"""The input tables as specs that an adapter renders."""

from collections.abc import Mapping
from dataclasses import replace

from netstats_xl.domain.targets import Metric
from netstats_xl.domain.views import (
    Anchor,
    Column,
    ColumnRef,
    OneOf,
    OneOfColumn,
    TableSpec,
    Validation,
)
from netstats_xl.sheets.choices import CHOICES, DETAILS_OF, GROUPS, JOB_DESTINATIONS
from netstats_xl.sheets.columns import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    JOBS,
    SETTINGS,
    SheetColumn,
)
from netstats_xl.sheets.job_columns import JOB_COLUMNS, ROUTE
from netstats_xl.sheets.selection import PERIODS, SELECTION, SELECTION_COLUMNS
from netstats_xl.sheets.setting_rows import SETTING_COLUMNS

_INTERVALS = ("10s", "30s", "1m", "5m", "15m", "1h")


def _offered(column: str, what: str) -> OneOfColumn:
    return OneOfColumn(source=ColumnRef(table=CHOICES, column=column), message=f"Choose or write {what}.")


LIVE_VALIDATIONS: Mapping[tuple[str, str], Validation] = {
    (DESTINATIONS, "Group"): _offered(GROUPS, "a group"),
    (JOBS, "Destinations"): _offered(JOB_DESTINATIONS, "names of destinations, group:x, tag:y or *"),
    (JOBS, "Interval"): OneOf(
        choices=_INTERVALS, message="Write for example 10s, 5m or 1h30m.", strict=False
    ),
    (JOBS, "Metrics"): OneOf(
        choices=(*Metric, ROUTE), message="Write one or more, separated by commas.", strict=False
    ),
    (SELECTION, "Details of"): _offered(DETAILS_OF, "the name of a destination or a job"),
    (SELECTION, "Period"): OneOf(choices=PERIODS, message="Write for example 12h, 7d or 4w.", strict=False),
}
"""What the cells of a live workbook offer besides, by table and header; other input is taken as well."""


def selection_spec(anchor: Anchor) -> TableSpec:
    """The Selection table: one row."""
    columns = tuple(each.column for each in SELECTION_COLUMNS)
    return TableSpec(name=SELECTION, anchor=anchor, columns=columns, autofilter=False)


def offering(table: TableSpec) -> TableSpec:
    """The input table as it stands in a live workbook, with drop-downs over the table of choices."""
    columns = tuple(
        replace(column, validation=LIVE_VALIDATIONS.get((table.name, column.header), column.validation))
        for column in table.columns
    )
    return replace(table, columns=columns)


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
