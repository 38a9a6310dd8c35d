"""What was imported, remembered for ever; and what was measured here."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from netstats_xl.domain.results import Period, Sample
from netstats_xl.domain.targets import DestinationId, JobId
from netstats_xl.store.appending import append, utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.selection import Parameters, aware

_HOUR = timedelta(hours=1)


def remember(
    cursor: Cursor,
    samples: Sequence[Sample],
    jobs: Mapping[JobId, int],
    destinations: Mapping[DestinationId, int],
) -> None:
    """Note the ticks of imported samples, within the transaction that saves them."""
    append(
        cursor,
        "imported",
        [
            ("job", "INTEGER", [jobs[sample.job_id] for sample in samples]),
            ("destination", "INTEGER", [destinations[sample.destination_id] for sample in samples]),
            ("tick", "TIMESTAMP", [sample.at for sample in samples]),
        ],
    )


def imported_ticks(
    cursor: Cursor, job_id: JobId, within: Mapping[DestinationId, Period]
) -> frozenset[tuple[DestinationId, datetime]]:
    """As `ports.ResultStore.imported_ticks`."""
    rows = cursor.execute(
        f"""
        WITH {_WITHIN}
        SELECT id, tick FROM imported JOIN wanted ON destination = key AND tick >= start AND tick < until
        WHERE job IN (SELECT key FROM jobs WHERE id = $job)
            AND tick >= (SELECT min(start) FROM wanted) AND tick < (SELECT max(until) FROM wanted)
        """,  # noqa: S608 - built from constants
        {**_within(within), "job": job_id},
    ).fetchall()
    return frozenset((destination_id, aware(tick)) for destination_id, tick in rows)


def measured_hours(
    cursor: Cursor, within: Mapping[DestinationId, Period], apart_from: Collection[JobId]
) -> frozenset[tuple[DestinationId, datetime]]:
    """As `ports.ResultStore.measured_hours`.

    In some zones the buckets of an hour begin at half past an hour of UTC: such a one counts for both.
    """
    rows = cursor.execute(
        f"""
        WITH {_WITHIN},
        found AS (
            SELECT id, tick AS first, tick AS last, job
            FROM samples JOIN wanted ON destination = key
                AND tick >= date_trunc('hour', start) AND tick < date_trunc('hour', until) + INTERVAL 1 HOUR
            UNION ALL
            SELECT id, bucket, bucket + INTERVAL 59 MINUTE, job
            FROM roll_1h JOIN wanted ON destination = key AND bucket > start - INTERVAL 2 HOUR AND bucket < until
        ),
        counted AS (SELECT * FROM found WHERE job NOT IN (
            SELECT key FROM jobs WHERE id IN (SELECT unnest($apart::VARCHAR[]))
        ))
        SELECT id, date_trunc('hour', first) FROM counted UNION SELECT id, date_trunc('hour', last) FROM counted
        """,  # noqa: S608 - built from constants
        {**_within(within), "apart": sorted(apart_from)},
    ).fetchall()
    hours = ((destination_id, aware(hour)) for destination_id, hour in rows)
    return frozenset(
        (destination_id, hour)
        for destination_id, hour in hours
        if within[destination_id].start - _HOUR < hour < within[destination_id].end
    )


_WITHIN = """
    wanted AS (
        SELECT destinations.id, key, start, until FROM (
            SELECT unnest($ids::VARCHAR[]) AS id, unnest($starts::TIMESTAMP[]) AS start,
                unnest($ends::TIMESTAMP[]) AS until
        ) AS asked JOIN destinations ON destinations.id = asked.id
    )
"""


def _within(within: Mapping[DestinationId, Period]) -> Parameters:
    return {
        "ids": list(within),
        "starts": [utc_naive(period.start) for period in within.values()],
        "ends": [utc_naive(period.end) for period in within.values()],
    }
