"""Rows -> models -> rows, and whatever else may stand in a cell."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import IPv6Address

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from netstats_xl.domain.tables import CellValue, ErrorValue, RawRow, RawTable
from netstats_xl.domain.targets import (
    Destination,
    EchoSettings,
    Engine,
    Job,
    Metric,
    Selector,
    Settings,
    StatePolicy,
    Thresholds,
)
from netstats_xl.domain.windows import Schedule, WeeklyWindow, ever_ticks, from_local, to_local
from netstats_xl.sheets import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    JOB_COLUMNS,
    JOBS,
    SETTING_ROWS,
    SETTINGS,
    SheetColumn,
    destination_cells,
    job_cells,
    read_definitions,
    settings_rows,
)
from tests.sheets.tables import destinations, read, table

ZONES = ["UTC", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Pacific/Apia"]

ids = st.from_regex(r"[0-9a-f]{12}", fullmatch=True)
names = (
    st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=30)
    .map(lambda text: read_name(text))
    .filter(bool)
)
hosts = st.one_of(
    st.ip_addresses(v=4).map(str).filter(lambda text: int(text.split(".")[0]) not in (0, *range(224, 256))),
    st.integers(2**125, 2**126 - 1).map(lambda number: str(IPv6Address(number))),
    st.from_regex(r"[a-z][a-z0-9]{0,10}(\.[a-z][a-z0-9]{0,10}){0,3}", fullmatch=True),
)


def read_name(text: str) -> str:
    """The text as a name that parses to itself, or "" where it cannot be one."""
    reading = read(destinations({"Name": text, "Host": "::1"}))
    name = reading.destinations[0].name if reading.destinations else ""
    again = read(destinations({"Name": name, "Host": "::1"})).destinations
    return name if again and again[0].name == name else ""


def thresholds() -> st.SearchStrategy[Thresholds]:
    def pair(low: float, high: float) -> st.SearchStrategy[tuple[float | None, float | None]]:
        numbers = st.floats(low, high, allow_subnormal=False)
        either = st.tuples(st.none() | numbers, st.none() | numbers)
        return either.map(lambda two: two if None in two else (min(two), max(two)))  # type: ignore[type-var]  # no None

    return st.builds(
        lambda rtt, loss: Thresholds(
            rtt_warning_ms=rtt[0],
            rtt_critical_ms=rtt[1],
            loss_warning_percent=loss[0],
            loss_critical_percent=loss[1],
        ),
        pair(0.001, 600_000),
        pair(0, 100),
    )


a_destination = st.builds(
    Destination,
    id=ids | st.just(""),
    name=names,
    host=hosts,
    group=names | st.just(""),
    tags=st.lists(names, max_size=3, unique_by=str.casefold).map(tuple),
    enabled=st.booleans(),
    thresholds=thresholds(),
    notes=names | st.just(""),
)
instants = st.datetimes(datetime(1991, 1, 1), datetime(2198, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 - bounds
    lambda at: at.replace(microsecond=0)
)
weekly_windows = st.builds(
    WeeklyWindow,
    days=st.lists(st.integers(0, 6), min_size=1, max_size=7, unique=True).map(tuple),
    start_minute=st.integers(0, 1_439),
    end_minute=st.integers(1, 1_440),
)


@st.composite
def a_job(draw: st.DrawFn) -> Job:
    zone = draw(st.sampled_from(ZONES))
    ends = sorted(draw(st.lists(instants, max_size=2, unique=True)))
    first_of_repeated = [from_local(to_local(at, zone), zone) for at in ends]
    start, end = ([*first_of_repeated, None, None])[:2]
    if start is not None and end is not None and start >= end:
        end = None
    interval = timedelta(seconds=draw(st.integers(60, 86_400)))
    windows = tuple(draw(st.lists(weekly_windows, max_size=2)))
    schedule = Schedule(interval=interval, start_at=start, end_at=end, windows=windows, zone=zone)
    if not ever_ticks(schedule):
        schedule = Schedule(interval=interval, zone=zone)
    return Job(
        id=draw(ids | st.just("")),
        name=draw(names),
        selectors=(Selector(kind="all"),),
        schedule=schedule,
        echo=EchoSettings(
            ttl=draw(st.none() | st.integers(1, 255)),
            dscp=draw(st.none() | st.integers(0, 63)),
            packets=draw(st.integers(1, 10)),
            packet_interval_ms=draw(st.floats(10, 1_000)),
            payload_bytes=draw(st.integers(16, 1_472)),
            timeout_ms=draw(st.floats(10, 10_000)),
        ),
        metrics=tuple(
            draw(st.lists(st.sampled_from(Metric), min_size=1, unique=True).filter(lambda m: len(m) < 12))
        )
        if draw(st.booleans())
        else tuple(Metric),
        trace_routes=draw(st.booleans()),
        enabled=draw(st.booleans()),
    )


@hypothesis_settings(deadline=None)
@given(a_destination)
def test_a_destination_written_as_a_row_reads_back_as_itself(destination: Destination) -> None:
    reading = read(full_table(DESTINATIONS, DESTINATION_COLUMNS, destination_cells(destination)))
    assert reading.errors == ()
    assert reading.destinations == (destination,)
    assert destination_cells(reading.destinations[0]) == destination_cells(destination)


@hypothesis_settings(deadline=None)
@given(a_job(), st.sampled_from(ZONES))
def test_a_job_written_as_a_row_reads_back_as_itself(job: Job, default_zone: str) -> None:
    cells = job_cells(job, default_zone=default_zone)
    reading = read(full_table(JOBS, JOB_COLUMNS, cells), default_zone=default_zone)
    assert reading.errors == ()
    assert reading.jobs == (job,)
    assert job_cells(reading.jobs[0], default_zone=default_zone) == cells


@st.composite
def retentions(draw: st.DrawFn) -> dict[str, int | None]:
    """For how long raw results and rollups are kept, the finer not longer."""
    raw = draw(st.integers(1, 36_500))
    minutes = draw(st.none() | st.integers(raw, 36_500))
    rollups = None if minutes is None else draw(st.none() | st.integers(minutes, 36_500))
    return {
        "retention_days": raw,
        "minutes_retention_days": minutes,
        "rollups_retention_days": rollups,
    }


@hypothesis_settings(deadline=None)
@given(
    st.builds(
        Settings,
        database=names | st.just(""),
        report_every_s=st.integers(10, 86_400),
        report_period_h=st.integers(1, 24 * 366),
        details_limit=st.integers(0, 200),
        zone=st.sampled_from(ZONES),
        thresholds=thresholds(),
        state_policy=st.integers(1, 100).flatmap(
            lambda out_of: st.builds(
                StatePolicy, rounds=st.integers(out_of // 2 + 1, out_of), out_of=st.just(out_of)
            )
        ),
        packets_per_second=st.integers(10, 100_000),
        engine=st.sampled_from(Engine),
    ),
    retentions(),
)
def test_settings_written_as_rows_read_back_as_themselves(
    settings: Settings, kept: dict[str, int | None]
) -> None:
    settings = Settings.model_validate({**dict(settings), **kept})
    rows = [
        dict(zip(("Setting", "Value", "What it does"), row, strict=True)) for row in settings_rows(settings)
    ]
    reading = read(table(SETTINGS, ("Setting", "Value", "What it does"), *rows), default_zone="Asia/Tokyo")
    assert reading.errors == ()
    assert reading.settings == settings


def full_table(name: str, columns: tuple[SheetColumn, ...], cells: Mapping[str, CellValue]) -> RawTable:
    return table(name, tuple(column.header for column in columns), cells)


anything: st.SearchStrategy[CellValue] = st.one_of(
    st.none(),
    st.text(max_size=20),
    st.sampled_from(
        ["10.0.0.0/28", "group:", "*", "a,b", "1e999", "Mon-Fri", "10:00", "2026-13-01", "9" * 5_000]
    ),
    st.integers(),
    st.sampled_from([10**5_000, -(10**5_000)]),
    st.floats(),
    st.booleans(),
    st.datetimes(),
    st.dates(),
    st.times(),
    st.timedeltas(),
    st.sampled_from(["#N/A", "#REF!", ""]).map(ErrorValue),
)


def rows_of(columns: tuple[str, ...]) -> st.SearchStrategy[list[dict[str, CellValue]]]:
    return st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(columns, anything)), max_size=4)


@hypothesis_settings(deadline=None)
@given(
    rows_of(tuple(column.header for column in DESTINATION_COLUMNS)),
    rows_of(tuple(column.key for column in JOB_COLUMNS)),
    st.lists(
        st.tuples(st.sampled_from([row.name for row in SETTING_ROWS]) | st.text(max_size=5), anything),
        max_size=6,
    ),
    st.booleans(),
)
def test_whatever_stands_in_the_cells_reading_never_raises_and_tells_of_each_row_that_it_leaves_out(
    destination_rows: list[dict[str, CellValue]],
    job_rows: list[dict[str, CellValue]],
    setting_rows: list[tuple[str, CellValue]],
    with_cells: bool,
) -> None:
    tables = {
        DESTINATIONS: full_rows(
            DESTINATIONS, [column.header for column in DESTINATION_COLUMNS], destination_rows, with_cells
        ),
        JOBS: full_rows(JOBS, [column.key for column in JOB_COLUMNS], job_rows, with_cells),
        SETTINGS: full_rows(
            SETTINGS,
            ["Setting", "Value"],
            [{"Setting": name, "Value": value} for name, value in setting_rows],
            with_cells,
        ),
    }
    reading = read_definitions(tables, default_zone="UTC")
    blamed = {error.cell for error in reading.errors}
    for row in reading.invalid:
        addresses = {tables[row.table].address(row.number, header) for header in tables[row.table].headers}
        assert addresses & blamed
    assert len(reading.destinations) == len(reading.destination_rows)
    assert len(reading.jobs) == len(reading.job_rows)
    assert all(str(error) and error.message for error in reading.errors)


def full_rows(name: str, headers: list[str], rows: list[dict[str, CellValue]], with_cells: bool) -> RawTable:
    return RawTable(
        name=name,
        sheet=name,
        headers=headers,
        rows=[RawRow(number=number, cells=row) for number, row in enumerate(rows)],
        columns={header: f"A{chr(ord('A') + index)}" for index, header in enumerate(headers)}
        if with_cells
        else {},
    )
