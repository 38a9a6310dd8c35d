"""Samples or rollups as a Parquet file: the columns of the views, which `docs/open-data.md` tells."""

from pathlib import Path

from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import Period, Scope
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.exporting import copy, replaced
from netstats_xl.store.selection import Parameters

_VIEWS = {
    None: "v_samples",
    Level.MINUTE: "v_minutely",
    Level.HOUR: "v_hourly",
    Level.DAY: "v_daily",
    Level.MONTH: "v_monthly",
}


def export(cursor: Cursor, path: Path, period: Period, scope: Scope, rollup: Level | None) -> int:
    """As `ports.ResultStore.export_parquet`.

    Raises:
        ReportError: the file cannot be written.
        duckdb.Error: the results cannot be read.
    """
    where = "at_utc >= $start AND at_utc < $end"
    parameters: Parameters = {"start": utc_naive(period.start), "end": utc_naive(period.end)}
    for column, ids in (("job_id", scope.job_ids), ("destination_id", scope.destination_ids)):
        if ids is not None:
            where += f" AND {column} IN (SELECT unnest(${column}::VARCHAR[]))"
            parameters[column] = sorted(ids)
    sql = f"SELECT * FROM {_VIEWS[rollup]} WHERE {where} ORDER BY at_utc, job_id, destination_id"  # noqa: S608 - built from constants; values are bound
    with replaced(path) as temporary:
        return copy(cursor, sql, temporary, "FORMAT parquet, COMPRESSION zstd", parameters)
