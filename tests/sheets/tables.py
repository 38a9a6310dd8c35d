"""Tables as a workbook's reader gives them, written briefly."""

from collections.abc import Mapping
from typing import Final

from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.sheets import DESTINATIONS, JOBS, SETTINGS, Reading, read_definitions

FIRST_ROW: Final = 5
DESTINATION_HEADERS: Final = (
    "Name",
    "Host",
    "Group",
    "Tags",
    "Enabled",
    "RTT warning (ms)",
    "RTT critical (ms)",
    "Loss warning (%)",
    "Loss critical (%)",
    "Notes",
    "Status",
    "ID",
)
JOB_HEADERS: Final = (
    "Name",
    "Destinations",
    "Start",
    "End",
    "Interval",
    "Weekly windows",
    "Time zone",
    "Packets",
    "Packet interval (ms)",
    "Payload (bytes)",
    "Timeout (ms)",
    "TTL",
    "DSCP",
    "Metrics",
    "Enabled",
    "ID",
)


def table(name: str, headers: tuple[str, ...], *rows: Mapping[str, CellValue]) -> RawTable:
    """A table whose header is row 4 and whose first column is A."""
    return RawTable(
        name=name,
        sheet=name,
        headers=headers,
        rows=[RawRow(number=number, cells=row) for number, row in enumerate(rows, start=FIRST_ROW)],
        columns={header: chr(ord("A") + index) for index, header in enumerate(headers)},
        header_row=FIRST_ROW - 1,
    )


def destinations(*rows: Mapping[str, CellValue]) -> RawTable:
    """A Destinations table; the names are A5, A6 and so on, the hosts B5."""
    return table(DESTINATIONS, DESTINATION_HEADERS, *rows)


def jobs(*rows: Mapping[str, CellValue]) -> RawTable:
    """A Jobs table; the names are A5, A6 and so on, the destinations B5, the intervals E5."""
    return table(JOBS, JOB_HEADERS, *rows)


def settings(**values: CellValue) -> RawTable:
    """A Settings table with these keys; the first value is B5."""
    rows = [{"Setting": key, "Value": value} for key, value in values.items()]
    return table(SETTINGS, ("Setting", "Value", "What it does"), *rows)


def read(*tables: RawTable, default_zone: str = "UTC") -> Reading:
    """What the tables say; those that are not given are empty."""
    all_tables = {each.name: each for each in (destinations(), jobs(), settings(), *tables)}
    return read_definitions(all_tables, default_zone=default_zone)


def problems(reading: Reading) -> dict[str, str]:
    """The message of each bad cell, by `Sheet!A1`."""
    found: dict[str, str] = {}
    for error in reading.errors:
        found.setdefault(f"{error.sheet}!{error.cell}", error.message)
    assert len(found) == len(reading.errors), reading.errors
    return found
