"""Years of measurements, made up: their rollups are written straight into the tables, by SQL.

A *model* month of hours is drawn for each destination, its days are what its hours add up to, and each month of the
history has the first days of the model: so hours and days agree to the packet. The last days have raw rows. Minutes are
kept for those alone, as if the user had limited them. Of what decision 26 says of the levels all holds: how far they
are sealed, and what of them was deleted. The store itself seals the rest: minutes and hours of the raw rows, months.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb

from benchmarks.storing.rounds import INTERVAL, LOSS, OUTAGES, PACKETS, definitions
from netstats_xl.domain.levels import Level
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.percentiles import with_percentiles
from netstats_xl.store.rolling import TABLES, all_columns_of

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
_JOB = 1
_VARIANTS = 64
"""How many different hours each spread of RTTs has."""
_SPREADS = 8
_WIDTH = "(0.02 + 0.03 * spread)"
"""How wide the logistic distribution of the RTTs' logarithms is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """What is made up."""

    destinations: int
    end: datetime
    """The tick after the newest one, aware UTC."""
    raw: timedelta
    """How long the raw rows and the minutes reach back."""
    hours: timedelta
    """How long the hours reach back."""
    days: timedelta
    """How long days and months reach back."""

    @property
    def raw_start(self) -> datetime:
        """The first raw tick: a whole hour."""
        return _floor(self.end - self.raw, HOUR)

    @property
    def hours_start(self) -> datetime:
        """The first hour: the first of the raw rows, or a midnight before."""
        return (
            min(_midnight(self.end - self.hours), self.raw_start) if self.hours > self.raw else self.raw_start
        )

    @property
    def days_start(self) -> datetime:
        """The first day."""
        return min(_midnight(self.end - self.days), _midnight(self.hours_start))


def simulate(path: Path, history: History, *, raw_of: Path | None = None) -> None:
    """Make a database of the history; `raw_of`: another one with the same end and raw rows, to copy these from."""
    store = DuckDbStore.open(path)
    store.save_definitions(definitions(history.destinations), at=history.days_start)
    store.close()
    midnight = _midnight(history.raw_start)
    with duckdb.connect(path) as connection:
        connection.execute("SET memory_limit = '4GB'")
        connection.execute("SELECT setseed(0.5)")
        _make_traits(connection)
        if history.days_start < midnight or history.hours_start < history.raw_start:
            _make_model(connection)
            for first, after in _months(history.days_start, midnight):
                _roll_month(connection, Level.DAY, "day", first, after)
            for first, after in _months(history.hours_start, history.raw_start):
                _roll_month(connection, Level.HOUR, "hour", first, after)
        if raw_of is None:
            _draw_raw(connection, history)
            _make_events(connection, history)
            sealed = history.raw_start
        else:
            sealed = _copy_raw(connection, history, raw_of)
        _seal(connection, history, sealed)
    # The rest follows from the raw rows, the hours and the days, as it does in the field.
    store = DuckDbStore.open(path, now=lambda: history.end)
    while store.roll_up():
        pass
    store.close()


def _make_traits(connection: duckdb.DuckDBPyConnection) -> None:
    """What sort of network each destination lies in. `shift` is its least usual RTT, in bins: 1 to 200 ms."""
    connection.execute(
        f"""
        CREATE TEMP TABLE traits AS
        SELECT key AS destination, host AS address, (235 + hash(key) % 260)::INTEGER AS shift,
            (hash(key + 1e6) % {_SPREADS})::INTEGER AS spread, (hash(key + 2e6) % 10)::INTEGER AS amplitude,
            (hash(key + 3e6) % 24)::INTEGER AS phase
        FROM destinations ORDER BY key
        """
    )


def _make_model(connection: duckdb.DuckDBPyConnection) -> None:
    """`templates`: hours of each spread, in bins and RTTs of a destination whose shift is 0. `hours` and `days`: the
    model month of each destination.
    """
    rounds = HOUR // INTERVAL
    connection.execute(
        f"""
        CREATE TEMP TABLE packets AS
        SELECT spread, variant, round, packet,
            CASE WHEN NOT down AND u >= {LOSS}
                THEN {_WIDTH} * ln(greatest(u - {LOSS}, 1e-4) / (1 - u)) / ln(1.02) END AS x
        FROM (
            SELECT *, random() AS u FROM (
                SELECT spread, variant, round,
                    (variant = 0 AND round < {rounds // 3}) OR random() < {OUTAGES} AS down
                FROM range({_SPREADS}) s(spread), range({_VARIANTS}) v(variant), range({rounds}) r(round)
            ), range({PACKETS}) p(packet)
        )
        """
    )
    connection.execute(
        """
        CREATE TEMP TABLE templates AS
        WITH paired AS (
            SELECT *, pow(1.02, x) AS rtt,
                pow(1.02, lag(x) OVER (PARTITION BY spread, variant, round ORDER BY packet)) AS before
            FROM packets
        ), rounds AS (
            SELECT spread, variant, round, count(x) AS received FROM packets GROUP BY ALL
        ), ups AS (
            SELECT spread, variant, count(*) FILTER (received > 0) AS up, count(*) FILTER (received = 0) AS down
            FROM rounds GROUP BY ALL
        ), figures AS (
            SELECT spread, variant, count(*) AS sent, count(x) AS received, min(rtt) AS low, max(rtt) AS high,
                sum(rtt) AS total, sum(rtt * rtt) AS squares, sum(abs(rtt - before)) AS jitter,
                count(rtt - before) AS pairs, min(floor(x))::INTEGER AS first_bin, max(floor(x))::INTEGER AS last_bin
            FROM paired GROUP BY ALL
        ), counts AS (
            SELECT spread, variant, floor(x)::INTEGER AS bin, count(*)::UINTEGER AS n
            FROM packets WHERE x IS NOT NULL GROUP BY ALL
        ), bins AS (
            SELECT spread, variant, list(coalesce(n, 0)::UINTEGER ORDER BY bin) AS bins
            FROM (SELECT spread, variant, unnest(range(first_bin, last_bin + 1))::INTEGER AS bin FROM figures)
                LEFT JOIN counts USING (spread, variant, bin)
            GROUP BY ALL
        )
        SELECT * FROM figures JOIN ups USING (spread, variant) JOIN bins USING (spread, variant)
        """
    )
    connection.execute("DROP TABLE packets")
    interval_ms = INTERVAL // timedelta(milliseconds=1)
    connection.execute(
        f"""
        CREATE TEMP TABLE hours AS
        WITH chosen AS (
            SELECT day, hour, destination, spread, (random() * {_VARIANTS - 1})::INTEGER AS variant,
                shift + round(amplitude * (1 + sin(2 * pi() * (hour + phase) / 24)) + random() * 4)::INTEGER AS shift
            FROM range(1, 32) d(day), range(24) h(hour), traits
        )
        SELECT day, hour, destination, up, down, up * {interval_ms} AS up_ms, down * {interval_ms} AS down_ms, sent,
            received, round(low * unit)::INTEGER AS low_us, round(high * unit)::INTEGER AS high_us,
            round(total * unit)::BIGINT AS total_us, round(squares * unit * unit)::HUGEINT AS squares_us2,
            round(jitter * unit)::BIGINT AS jitter_us, pairs AS jitter_pairs,
            (first_bin + shift)::SMALLINT AS first_bin, bins
        FROM (SELECT *, 10 * pow(1.02, shift) AS unit FROM chosen) JOIN templates USING (spread, variant)
        ORDER BY day, hour, destination
        """
    )
    connection.execute(
        """
        CREATE TEMP TABLE plain_days AS
        WITH bounds AS (
            SELECT day, destination, min(first_bin) AS first_bin, max(first_bin + len(bins)) AS after FROM hours
            GROUP BY ALL
        ), counts AS (
            SELECT day, destination, bin, sum(n)::UINTEGER AS n FROM (
                SELECT day, destination, unnest(range(first_bin, first_bin + len(bins)))::INTEGER AS bin,
                    unnest(bins) AS n FROM hours
                UNION ALL SELECT day, destination, unnest(range(first_bin, after))::INTEGER, 0 FROM bounds
            ) GROUP BY ALL
        ), merged AS (
            SELECT day, destination, min(bin)::SMALLINT AS first_bin, list(n ORDER BY bin) AS bins FROM counts
            GROUP BY ALL
        )
        SELECT day, destination, sum(up)::BIGINT, sum(down)::BIGINT, sum(up_ms)::BIGINT, sum(down_ms)::BIGINT,
            sum(sent)::BIGINT, sum(received)::BIGINT, min(low_us) AS low_us, max(high_us) AS high_us,
            sum(total_us)::BIGINT, sum(squares_us2)::HUGEINT, sum(jitter_us)::BIGINT, sum(jitter_pairs)::BIGINT,
            any_value(merged.first_bin) AS first_bin, any_value(merged.bins) AS bins
        FROM hours JOIN merged USING (day, destination) GROUP BY day, destination ORDER BY day, destination
        """
    )
    connection.execute(
        f"CREATE TEMP TABLE days AS {with_percentiles('FROM plain_days')} ORDER BY day, destination"
    )


def _roll_month(
    connection: duckdb.DuckDBPyConnection, level: Level, unit: str, first: datetime, after: datetime
) -> None:
    """The model's hours or days as those from `first` on and before `after`, within a month.

    Hours lie as the store leaves them: those of a month together, of the last one those of each week, and of the last
    week those of each day. Days will, once it has sealed their months.
    """
    hours = " + to_hours(hour)" if unit == "hour" else ""
    monday = f"{after - timedelta(days=after.weekday()):%Y-%m-%d}"
    together = f"date_trunc(CASE WHEN begun < TIMESTAMP '{monday}' THEN 'week' ELSE 'day' END, begun), "
    order = f"ORDER BY {together if after.day > 1 else ''}destination // 8, begun, destination"
    connection.execute(
        f"""
        INSERT INTO {TABLES[level]} ({all_columns_of(level)})
        SELECT begun, {_JOB}, * EXCLUDE (begun, day{", hour" if unit == "hour" else ""})
        FROM (
            SELECT $month::TIMESTAMP + to_days((day - 1)::INTEGER){hours} AS begun, *
            FROM {unit}s
        ) WHERE begun >= $first AND begun < $after {order if unit == "hour" else ""}
        """,
        {"month": _naive(_midnight(first).replace(day=1)), "first": _naive(first), "after": _naive(after)},
    )


def _copy_raw(connection: duckdb.DuckDBPyConnection, history: History, source: Path) -> datetime:
    """The raw rows, their minutes and hours of another database; until when these are sealed."""
    connection.execute(f"ATTACH '{source}' AS source (READ_ONLY)")
    for table in ("samples", "run_ids", "runs", "events", "roll_1m"):
        connection.execute(f"INSERT INTO {table} SELECT * FROM source.{table}")
    connection.execute(
        "INSERT INTO roll_1h SELECT * FROM source.roll_1h WHERE bucket >= ?", [_naive(history.raw_start)]
    )
    connection.execute("DETACH source")
    return _floor(history.end, HOUR)


def _draw_raw(connection: duckdb.DuckDBPyConnection, history: History) -> None:
    """Raw rows, and what refers to them, hour after hour as they would have come."""
    seconds = INTERVAL.total_seconds()
    packets = range(1, PACKETS + 1)
    # From one draw each: whether the packet is lost, and a log-logistic RTT of whole µs.
    draws = ", ".join(
        f"CASE WHEN NOT down AND u{k} >= {LOSS} THEN "
        f"greatest(round(base * pow(greatest(u{k} - {LOSS}, 1e-4) / (1 - u{k}), width), 3), 0.001)::FLOAT END AS r{k}"
        for k in packets
    )
    rtts = ", ".join(f"r{k}" for k in packets)
    pairs = [f"r{k + 1}::DOUBLE - r{k}" for k in range(1, PACKETS)]
    received = " + ".join(f"(r{k} IS NOT NULL)::USMALLINT" for k in packets)
    at = history.raw_start
    while at < history.end:
        after = min(at + HOUR, history.end)
        parameters = {"first": _naive(at), "after": _naive(after)}
        connection.execute(
            f"""
            INSERT INTO samples (tick, job, destination, run, interval_s, outcome, address, sent, received,
                jitter_sum_ms, jitter_pairs, rtts_ms)
            WITH ticks AS (
                SELECT tick, epoch(tick)::BIGINT // {seconds:.0f} AS run FROM (SELECT unnest(generate_series(
                    $first::TIMESTAMP, $after::TIMESTAMP - INTERVAL {seconds:.0f} SECOND,
                    INTERVAL {seconds:.0f} SECOND)) AS tick)
            ), rounds AS MATERIALIZED (
                SELECT tick, run, destination, address, random() < {OUTAGES} AS down, {_WIDTH} AS width,
                    {", ".join(f"random() AS u{k}" for k in packets)},
                    0.01 * pow(1.02, shift + amplitude * (1 + sin(2 * pi() * (hour(tick) + phase) / 24))) AS base
                FROM ticks, traits
            ), drawn AS MATERIALIZED (SELECT tick, run, destination, address, {draws} FROM rounds)
            SELECT tick, {_JOB}, destination, run, {seconds},
                CASE WHEN {received} > 0 THEN 'replied' ELSE 'timeout' END, address, {PACKETS}, {received},
                round(({" + ".join(f"coalesce(abs({pair}), 0)" for pair in pairs)}) * 1000) / 1000,
                {" + ".join(f"(({pair}) IS NOT NULL)::USMALLINT" for pair in pairs)},
                CASE WHEN {received} > 0 THEN [{rtts}] END
            FROM drawn ORDER BY tick, destination
            """,
            parameters,
        )
        at = after
    ticks = f"SELECT DISTINCT run, tick FROM samples WHERE tick >= '{_naive(history.raw_start)}' ORDER BY run"
    connection.execute(f"INSERT INTO run_ids SELECT run, 'run-' || run, tick FROM ({ticks})")
    connection.execute(
        f"""
        INSERT INTO runs SELECT run, {_JOB}, tick, tick, tick + INTERVAL 2 SECOND, 'completed',
            {history.destinations}, 0, NULL, NULL, NULL FROM ({ticks})
        """
    )


def _make_events(connection: duckdb.DuckDBPyConnection, history: History) -> None:
    """Each destination went up when it was first measured, and now and then down and up again since."""
    connection.execute(
        """
        INSERT INTO events
        SELECT row_number() OVER (ORDER BY tick), tick, destination, before, after, 'made up' FROM (
            SELECT $start::TIMESTAMP AS tick, destination, 'Unknown' AS before, 'Up' AS after FROM traits
            UNION ALL
            SELECT $start::TIMESTAMP + to_seconds(((n * 7919 + destination * 104729) % $seconds)::BIGINT),
                destination, 'Up', 'Up' FROM traits, range(20) r(n)
        )
        """,
        {
            "start": _naive(history.raw_start),
            "seconds": int((history.end - history.raw_start).total_seconds()),
        },
    )


def _seal(connection: duckdb.DuckDBPyConnection, history: History, until: datetime) -> None:
    """Note how far each level is sealed, since when it could be made again, and since when it is kept."""
    raw, hours, days = history.raw_start, history.hours_start, history.days_start
    levels = {
        "1m": (until, raw, raw),
        "1h": (until, raw, hours),
        "1d": (_midnight(raw), hours, days) if days < _midnight(raw) else (None, hours, None),
        "1mo": (None, days, None),
    }
    for level, instants in levels.items():
        connection.execute(
            "UPDATE levels SET sealed_until = ?, made_from = ?, kept_from = ? WHERE level = ?",
            [*(at and _naive(at) for at in instants), level],
        )


def _months(start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """The parts of each month between two midnights."""
    while start < end:
        year, month = divmod(start.year * 12 + start.month, 12)
        following = datetime.combine(date(year, month + 1, 1), datetime.min.time(), UTC)
        yield start, min(following, end)
        start = following


def _midnight(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % step


def _naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)
