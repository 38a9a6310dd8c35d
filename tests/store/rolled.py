"""Rollups of samples by the obvious way, in Python, for a store's tables."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime

from netstats_xl.domain.histograms import bin_of, percentile_of
from netstats_xl.domain.levels import Level, bucket_of
from netstats_xl.domain.results import Sample, packets_of, rtts_of
from netstats_xl.domain.rollups import P95_NEEDS, P99_NEEDS, jitter_differences
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.database import Cursor
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.rolling import all_columns_of, keeps_percentiles


def roll_up(store: DuckDbStore, samples: Sequence[Sample], *, zone: str = "UTC") -> None:
    """Find what the samples add up to at each level, and keep it beside the levels' tables."""

    def fill(cursor: Cursor) -> None:
        keys = {
            table: dict(cursor.execute(f"SELECT id, key FROM {table}").fetchall())
            for table in ("jobs", "destinations")
        }
        for level in Level:
            cursor.execute(f"CREATE TABLE whole_{level.value} AS FROM roll_{level.value}")
            groups: dict[tuple[datetime, str, str], list[Sample]] = defaultdict(list)
            for each in samples:
                groups[bucket_of(level, each.at, zone), each.job_id, each.destination_id].append(each)
            for number, ((bucket, job_id, destination_id), of_bucket) in enumerate(groups.items()):
                row: list[object] = [
                    utc_naive(bucket),
                    keys["jobs"][job_id],
                    keys["destinations"][destination_id],
                    *_figures(of_bucket),
                    *([] if level is Level.MINUTE else _bins(of_bucket)),
                ]
                if keeps_percentiles(level):
                    # Now and then they are not known, as of a database of an older version.
                    row += [None] * 3 if number % 5 == 0 else _percentiles(of_bucket)
                columns = all_columns_of(level)
                marks = ", ".join("?" * len(row))
                cursor.execute(f"INSERT INTO whole_{level.value} ({columns}) VALUES ({marks})", row)

    store._database.write(fill, committed=lambda _: None)


def seal(store: DuckDbStore, until: Mapping[Level, datetime], *, zone: str = "UTC") -> None:
    """Have each level hold what was found of the samples before this instant, where a bucket begins; nothing else."""

    def reveal(cursor: Cursor) -> None:
        for level in Level:
            sealed = None if level not in until else utc_naive(until[level])
            name = level.value
            cursor.execute(f"DELETE FROM roll_{name}")
            cursor.execute(f"INSERT INTO roll_{name} FROM whole_{name} WHERE bucket < ?", [sealed])
            cursor.execute(
                "UPDATE levels SET sealed_until = ?, zone = ? WHERE level = ?", [sealed, zone, name]
            )

    store._database.write(reveal, committed=lambda _: None)


def _rtts(samples: Sequence[Sample]) -> list[float]:
    return [rtt for each in samples for rtt in rtts_of(each.outcome) if rtt is not None]


def _figures(samples: Sequence[Sample]) -> list[int | None]:
    up = [each for each in samples if packets_of(each.outcome)[1]]
    down = [each for each in samples if not packets_of(each.outcome)[1]]
    microseconds = [round(rtt * 1_000) for rtt in _rtts(samples)]
    differences = [jitter_differences(rtts_of(each.outcome)) for each in samples]
    return [
        len(up),
        len(down),
        sum(round(each.interval_s * 1_000) for each in up),
        sum(round(each.interval_s * 1_000) for each in down),
        sum(packets_of(each.outcome)[0] for each in samples),
        len(microseconds),
        min(microseconds, default=None),
        max(microseconds, default=None),
        sum(microseconds),
        sum(each * each for each in microseconds),
        sum(round(sum(each) * 1_000) for each in differences),
        sum(map(len, differences)),
    ]


def _bins(samples: Sequence[Sample]) -> tuple[int | None, list[int] | None]:
    counted = Counter(bin_of(rtt) for rtt in _rtts(samples))
    if not counted:
        return None, None
    first, last = min(counted), max(counted)
    return first, [counted[number] for number in range(first, last + 1)]


def _percentiles(samples: Sequence[Sample]) -> list[float | None]:
    rtts = _rtts(samples)
    microseconds = [round(rtt * 1_000) for rtt in rtts]
    return [
        percentile_of(
            Counter(map(bin_of, rtts)),
            percent,
            low_ms=min(microseconds) / 1_000,
            high_ms=max(microseconds) / 1_000,
        )
        if len(rtts) >= needs
        else None
        for percent, needs in ((50, 1), (95, P95_NEEDS), (99, P99_NEEDS))
    ]
