"""Raw samples as a CSV file: written by DuckDB in slices of time, so that memory stays small whatever the period.

UTF-8 with a byte order mark, without which Excel takes the file for the system's old code page. Commas between
fields, points in numbers, `\\n` between lines. Times are local, ISO 8601 with the UTC offset. Rows are in order of
time, then job ID, then destination ID.
"""

import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import BinaryIO, NamedTuple

from netstats_xl.domain.results import Period, Scope
from netstats_xl.domain.zones import ceil_s, floor_s, instant, stretches
from netstats_xl.store.database import Cursor
from netstats_xl.store.exporting import copy, replaced
from netstats_xl.store.selection import aware, in_period, in_scope

SLICE_ROWS = 40_000
"""A slice is sorted in memory: some 100 bytes a row."""

_FORMULA_STARTS = r"[=+\-@＝＋－＠]"
_GUARDS = (
    # At the start, and after what a spreadsheet program may take for the end of a field or line.
    (rf'((?:^|[;,|"\t\r\n])\s*)({_FORMULA_STARTS})', r"\1''\2"),
    (r"^([\t\r\n])", r"''\1"),
)


def _guarded(column: str) -> str:
    """SQL for the text with an apostrophe before what could be taken for a formula."""
    for pattern, replacement in _GUARDS:
        column = f"regexp_replace({column}, '{pattern}', '{replacement}', 'g')"
    return column


_UNREACHABLE = _guarded("concat(reason, CASE WHEN reporter <> '' THEN concat(' (says ', reporter, ')') END)")
_TIME_EXCEEDED = _guarded("concat('passed too many routers (says ', reporter, ')')")
_NOT_RESOLVED = _guarded("concat('name not resolved: ', reason)")
_NOT_SENT = _guarded("concat('not sent: ', reason)")
COLUMNS: tuple[tuple[str, str], ...] = (
    ("Time", "replace(strftime(tick + to_seconds($offset), '%Y-%m-%dT%H:%M:%S.%f'), '.000000', '') || $suffix"),
    ("Job", "job_name"),
    ("Destination", "destination_name"),
    ("Host", "host_name"),
    ("Address", _guarded("address")),
    ("Outcome", "outcome"),
    ("Sent", "sent"),
    ("Received", "received"),
    ("Loss (%)", "round(100 * (sent - received) / nullif(sent, 0), 4)"),
    ("RTT mean (ms)", "round(list_avg(rtts_ms), 4)"),
    ("RTT min (ms)", "list_min(rtts_ms)"),
    ("RTT max (ms)", "list_max(rtts_ms)"),
    # `[1.5, NULL, 2.25]` -> `1.5 * 2.25`
    ("RTTs (ms)", "CASE WHEN rtts_ms IS NULL THEN nullif(rtrim(repeat('* ', sent)), '') ELSE "
                  "replace(replace(rtts_ms::VARCHAR, 'NULL', '*'), ', ', ' ')[2:-2] END"),
    # As domain.results.describe.
    ("Reason", "CASE outcome WHEN 'timeout' THEN 'no reply in time' "
               f"WHEN 'unreachable' THEN {_UNREACHABLE} "
               f"WHEN 'time exceeded' THEN {_TIME_EXCEEDED} "
               "WHEN 'refused' THEN 'connection refused' "
               f"WHEN 'service failed' THEN {_guarded('reason')} "
               f"WHEN 'not resolved' THEN {_NOT_RESOLVED} "
               f"WHEN 'not sent' THEN {_NOT_SENT} END"),
    ("Answer", f"CASE WHEN outcome = 'replied' THEN {_guarded('reason')} END"),
    ("HTTP status", "http_status"),
    ("HTTP total (ms)", "round(total_ms, 4)"),
    ("Certificate (days)", "round(certificate_days, 2)"),
    ("Duplicate replies", "coalesce(duplicates, 0)"),
    ("Late replies", "coalesce(late, 0)"),
    ("Corrupted replies", "coalesce(corrupted, 0)"),
    ("Answered by", _guarded("elsewhere")),
)  # fmt: skip
"""The header of each column, and its value in SQL."""

_SQL = f"""
    SELECT {", ".join(value for _, value in COLUMNS)}
    FROM (SELECT * FROM samples WHERE <where>)
        JOIN (SELECT key, id AS job_id, {_guarded("name")} AS job_name FROM jobs) AS j ON j.key = job
        JOIN (
            SELECT key, id AS destination_id, {_guarded("name")} AS destination_name, {_guarded("host")} AS host_name
            FROM destinations
        ) AS d ON d.key = destination
    ORDER BY tick, job_id, destination_id
"""  # noqa: S608 - built from constants; values are bound


def export(cursor: Cursor, path: Path, period: Period, scope: Scope, zone: str) -> int:
    """As `ports.ResultStore.export_csv`.

    Raises:
        ReportError: the file cannot be written.
        duckdb.Error: the samples cannot be read.
    """
    with replaced(path) as temporary:
        part = temporary.with_suffix(".part.tmp")
        try:
            with temporary.open("wb") as output:
                output.write(("\ufeff" + ",".join(header for header, _ in COLUMNS) + "\n").encode())
                return sum(
                    _append(cursor, output, part, one, scope) for one in _slices(cursor, period, scope, zone)
                )
        finally:
            part.unlink(missing_ok=True)


class _Slice(NamedTuple):
    """A stretch of time with one UTC offset."""

    period: Period
    offset_s: int


def _append(cursor: Cursor, output: BinaryIO, part: Path, one: _Slice, scope: Scope) -> int:
    """Write a slice's rows to `part`, then on to `output`; how many they are."""
    when, when_parameters = in_period(one.period)
    which, which_parameters = in_scope(scope)
    hours, minutes = divmod(abs(one.offset_s) // 60, 60)
    suffix = f"{'-' if one.offset_s < 0 else '+'}{hours:02}:{minutes:02}"
    sql = _SQL.replace("<where>", when + which)
    values = when_parameters | which_parameters | {"offset": one.offset_s, "suffix": suffix}
    count = copy(cursor, sql, part, "FORMAT csv, HEADER false", values)
    with part.open("rb") as written:
        shutil.copyfileobj(written, output, 1 << 20)
    return count


def _slices(cursor: Cursor, period: Period, scope: Scope, zone: str) -> Iterator[_Slice]:
    """The period where it has samples, cut where slices get long and where the zone's offset changes."""
    for start, end in _cuts(cursor, period, scope):
        first, last = max(start, period.start), min(end, period.end)
        offset_s: int | None = None
        for stretch in stretches(zone, floor_s(first), ceil_s(last)):
            if offset_s is not None and stretch.offset != offset_s:
                yield _Slice(Period(start=first, end=instant(stretch.start)), offset_s)
                first = instant(stretch.start)
            offset_s = stretch.offset
        if offset_s is not None:
            yield _Slice(Period(start=first, end=last), offset_s)


def _cuts(cursor: Cursor, period: Period, scope: Scope) -> Iterator[tuple[datetime, datetime]]:
    """Stretches of whole hours with about `SLICE_ROWS` samples, or parts of an hour that has more."""
    when, when_parameters = in_period(period)
    which, which_parameters = in_scope(scope)
    hours = cursor.execute(
        f"SELECT date_trunc('hour', tick), count(*) FROM samples WHERE {when}{which} GROUP BY ALL ORDER BY 1",  # noqa: S608 - built from constants; values are bound
        when_parameters | which_parameters,
    ).fetchall()
    hour_length = timedelta(hours=1)
    start, end, rows = None, None, 0
    for naive, count in hours:
        hour = aware(naive)
        if start is not None and end is not None and rows + count > SLICE_ROWS:
            yield start, end
            start, rows = None, 0
        if count > SLICE_ROWS:
            pieces = -(-count // SLICE_ROWS)
            edges = [hour + hour_length * index / pieces for index in range(pieces + 1)]
            yield from pairwise(edges)
            continue
        start = hour if start is None else start
        end, rows = hour + hour_length, rows + count
    if start is not None and end is not None:
        yield start, end
