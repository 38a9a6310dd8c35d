"""What other programs read of the database: plain views, whose figures are those of the domain."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netstats_xl.domain import histograms
from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import Batch, Replied, RunCompleted, Sample, State, rtts_of
from netstats_xl.domain.rollups import jitter_differences, summarise
from netstats_xl.domain.targets import Definitions
from netstats_xl.store.appending import utc_naive
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.migrations import migrate
from netstats_xl.store.rolling import TABLES, columns_of
from netstats_xl.store.views import VIEWS
from tests.contracts.result_store import (
    OUTCOMES,
    START,
    a_busy_hour,
    changed,
    destination,
    job,
    run,
    sample,
    traced,
)

DOCS = Path(__file__).parents[2] / "docs" / "open-data.md"
ROLLUPS = {
    "v_minutely": Level.MINUTE,
    "v_hourly": Level.HOUR,
    "v_daily": Level.DAY,
    "v_monthly": Level.MONTH,
}
Row = dict[str, object]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A database with something in every table, closed."""
    path = tmp_path / "résultats.duckdb"
    with closing(DuckDbStore.open(path)) as store:
        definitions = Definitions(
            destinations=(destination(1), destination(2), destination(3)), jobs=(job(1), job(2))
        )
        store.save_definitions(definitions, at=START)
        store.save(
            Batch(
                batch_id="a",
                samples=[*a_busy_hour(), sample(200, OUTCOMES[11])],
                runs=[run(0, RunCompleted(up=1, down=2))],
                events=[changed(1, State.DOWN)],
                routes=[traced(2, "10.0.0.1", "192.0.2.9")],
            )
        )
    return path


@pytest.fixture
def database() -> Iterator[duckdb.DuckDBPyConnection]:
    """The tables in memory, with three destinations and two jobs."""
    with duckdb.connect() as connection:
        migrate(connection, Path("memory"))
        for number in (1, 2, 3):
            connection.execute(
                "INSERT INTO destinations VALUES (?, ?, ?, '192.0.2.1', '', 0, true, NULL, NULL)",
                [number, f"dest{number}", f"Host {number}"],
            )
            connection.execute(
                "INSERT INTO jobs VALUES (?, ?, ?, 0, true, NULL, NULL)",
                [number, f"job{number}", f"Job {number}"],
            )
        yield connection


def rows(connection: duckdb.DuckDBPyConnection, sql: str) -> list[Row]:
    result = connection.execute(sql)
    names = [column[0] for column in result.description or ()]
    return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def roll_up(
    connection: duckdb.DuckDBPyConnection, level: Level, bucket: datetime, samples: Sequence[Sample]
) -> None:
    """Add rollup rows of these samples: one for each job and destination, found the slow and obvious way."""
    for pair in {(each.job_id, each.destination_id) for each in samples}:
        mine = [each for each in samples if (each.job_id, each.destination_id) == pair]
        rtts = [rtt for each in mine for rtt in rtts_of(each.outcome) if rtt is not None]
        microseconds = [round(rtt * 1_000) for rtt in rtts]
        differences = [each for one in mine for each in jitter_differences(rtts_of(one.outcome))]
        answered = [isinstance(each.outcome, Replied) for each in mine]
        bins = Counter(histograms.bin_of(rtt) for rtt in rtts)
        first = min(bins) if bins else None
        values = [
            utc_naive(bucket),
            int(pair[0][-1]),
            int(pair[1][-1]),
            sum(answered),
            len(answered) - sum(answered),
            round(1_000 * sum(each.interval_s for each, up in zip(mine, answered, strict=True) if up)),
            round(1_000 * sum(each.interval_s for each, up in zip(mine, answered, strict=True) if not up)),
            sum(len(rtts_of(each.outcome)) for each in mine),
            len(rtts),
            min(microseconds, default=None),
            max(microseconds, default=None),
            sum(microseconds),
            sum(each * each for each in microseconds),
            round(1_000 * sum(differences)),
            len(differences),
        ]
        if level is not Level.MINUTE:
            values += [first, None if first is None else [bins[bin_] for bin_ in range(first, max(bins) + 1)]]
        columns, marks = columns_of(level), ", ".join("?" * len(values))
        connection.execute(f"INSERT INTO {TABLES[level]} ({columns}) VALUES ({marks})", values)


def test_every_view_answers_in_a_file_that_another_program_opens(path: Path) -> None:
    with duckdb.connect(str(path), read_only=True) as connection:
        names = re.findall(r"CREATE VIEW (\w+)", " ".join(VIEWS))
        counts = {name: len(rows(connection, f"FROM {name}")) for name in names}
    assert counts == {
        "v_samples": len(a_busy_hour()) + 1,
        "v_minutely": 0,
        "v_hourly": 0,
        "v_daily": 0,
        "v_monthly": 0,
        "v_destinations": 3,
        "v_jobs": 2,
        "v_runs": 1,
        "v_events": 1,
        "v_routes": 1,
    }


def test_the_documentation_tells_every_column_of_every_view(
    database: duckdb.DuckDBPyConnection,
) -> None:
    parts = re.split(r"^### ", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for name in re.findall(r"CREATE VIEW (\w+)", " ".join(VIEWS)):
        columns = [column for column, *_ in database.execute(f"DESCRIBE {name}").fetchall()]
        [part] = [each for each in parts if f"`{name}`" in each.splitlines()[0]]
        told = [
            column
            for column, text in re.findall(r"^\| `(\w+)` \|(.*)", part, re.MULTILINE)
            if f"not in `{name}`" not in text
        ]
        assert told == columns, name


def test_samples_show_names_losses_and_times_in_utc(path: Path) -> None:
    with duckdb.connect(str(path), read_only=True) as connection:
        [first] = rows(
            connection,
            "FROM v_samples WHERE at_utc = '2026-03-29 00:00' AND job = 'Job 1' AND host = '192.0.2.1'",
        )
        [web] = rows(connection, "FROM v_samples WHERE http_status IS NOT NULL")
    expected = a_busy_hour()[0]
    rtts = list(rtts_of(expected.outcome))
    answered = [rtt for rtt in rtts if rtt is not None]
    assert first["destination"] == "Host 1"
    assert (first["sent"], first["received"], first["rtts_ms"]) == (len(rtts), len(answered), rtts)
    assert first["loss_percent"] == pytest.approx(100 * (len(rtts) - len(answered)) / len(rtts))
    assert (first["rtt_min_ms"], first["rtt_max_ms"]) == (min(answered), max(answered))
    assert first["rtt_mean_ms"] == pytest.approx(sum(answered) / len(answered))
    assert first["jitter_ms"] == summarise([expected]).jitter_ms
    assert (web["http_status"], web["total_ms"], web["certificate_days"]) == (200, 35.25, 61.5)


def test_pandas_reads_the_views_as_numbers_and_times(path: Path) -> None:
    with duckdb.connect(str(path)) as connection:
        roll_up(connection, Level.HOUR, START, a_busy_hour())
        hours = connection.execute("FROM v_hourly").df()
        samples = connection.execute("FROM v_samples").df()
    assert {hours[name].dtype.kind for name in ("sent", "received", "rounds_up", "percentile_rtts")} == {"i"}
    assert {hours[name].dtype.kind for name in ("loss_percent", "rtt_stdev_ms", "p50_ms")} == {"f"}
    assert hours["at_utc"].dtype.kind == samples["at_utc"].dtype.kind == "M"


rtts_of_a_round = st.lists(
    st.one_of(st.none(), st.integers(1, 600_000_000).map(lambda us: us / 1_000)), min_size=1, max_size=8
)


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rounds=st.lists(st.tuples(rtts_of_a_round, st.integers(1, 3), st.integers(0, 3)), max_size=40),
    many=st.integers(0, 130),
    view=st.sampled_from(sorted(ROLLUPS)),
)
def test_partial_rows_of_a_bucket_add_up_to_the_domains_figures(
    database: duckdb.DuckDBPyConnection,
    rounds: list[tuple[list[float | None], int, int]],
    many: int,
    view: str,
) -> None:
    database.execute(f"DELETE FROM {TABLES[ROLLUPS[view]]}")
    samples = [
        (
            sample(
                index,
                Replied(address="192.0.2.1", rtts_ms=tuple(rtts)) if any(rtts) else OUTCOMES[1],
                destination=f"dest{number}",
            ),
            part,
        )
        for index, (rtts, number, part) in enumerate(rounds)
    ]
    random = Random(many)
    samples += [
        (sample(index, Replied(address="a", rtts_ms=(random.randrange(1, 90_000) / 64,))), index % 3)
        for index in range(many)
    ]
    for part in range(4):
        roll_up(database, ROLLUPS[view], START, [each for each, of_part in samples if of_part == part])
    for row in rows(database, f"FROM {view}"):
        mine = [each for each, _ in samples if each.destination_id == row["destination_id"]]
        _check(row, mine)
    assert {row["destination_id"] for row in rows(database, f"FROM {view}")} == {
        each.destination_id for each, _ in samples
    }


def _check(row: Row, samples: list[Sample]) -> None:
    expected = summarise(samples)
    assert (row["sent"], row["received"]) == (expected.sent, expected.received)
    assert (row["rounds_up"], row["rounds_down"]) == (expected.rounds_up, expected.rounds_down)
    assert (row["up_s"], row["down_s"]) == (expected.up_s, expected.down_s)
    assert row["availability_percent"] == pytest.approx(expected.availability_percent)
    assert row["loss_percent"] == pytest.approx(expected.loss_percent)
    # Sums are kept in whole microseconds.
    for name, value in (
        ("rtt_min_ms", expected.rtt_min_ms),
        ("rtt_mean_ms", expected.rtt_mean_ms),
        ("rtt_max_ms", expected.rtt_max_ms),
        ("jitter_ms", expected.jitter_ms),
        ("rtt_stdev_ms", expected.stdev_ms),
    ):
        assert row[name] == (None if value is None else pytest.approx(value, rel=1e-6, abs=2e-3)), name
    if "p50_ms" not in row:
        return
    rtts = [rtt for each in samples for rtt in rtts_of(each.outcome) if rtt is not None]
    bins = Counter(map(histograms.bin_of, rtts))
    assert row["percentile_rtts"] == len(rtts)
    for percent, needs in ((50, 1), (95, 20), (99, 100)):
        found = row[f"p{percent}_ms"]
        if len(rtts) < needs:
            assert found is None
            continue
        wanted = histograms.percentile_of(bins, percent, low_ms=min(rtts), high_ms=max(rtts))
        assert found == pytest.approx(wanted, rel=1e-9, abs=1e-3), percent


def test_buckets_jobs_and_destinations_stay_apart(database: duckdb.DuckDBPyConnection) -> None:
    outcome = Replied(address="a", rtts_ms=(1.0, 2.0))
    for hour in range(2):
        roll_up(
            database,
            Level.HOUR,
            START + timedelta(hours=hour),
            [
                sample(0, outcome, job=f"job{which}", destination=f"dest{number}")
                for which in (1, 2)
                for number in (1, 2)
            ],
        )
    found = rows(database, "FROM v_hourly")
    assert len(found) == 8
    assert {row["sent"] for row in found} == {2}
    assert len({(row["at_utc"], row["job"], row["destination"]) for row in found}) == 8
