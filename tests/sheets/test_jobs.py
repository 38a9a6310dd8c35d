"""Rows of the Jobs table."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.targets import EchoSettings, Job, Metric, Selector
from netstats_xl.domain.windows import Schedule, WeeklyWindow
from netstats_xl.sheets import job_cells
from tests.sheets.tables import destinations, jobs, problems, read, settings

HOSTS = destinations(
    {"Name": "web", "Host": "192.0.2.1", "Group": "Offices", "Tags": "voip"},
    {"Name": "mail", "Host": "192.0.2.2"},
)
GOOD: dict[str, CellValue] = {"Name": "ping", "Destinations": "web", "Interval": "10s"}


def job(zone: str = "UTC", **cells: CellValue) -> Job:
    """The job that a good row with these further cells gives."""
    reading = read(
        HOSTS, jobs(GOOD | {key.replace("_", " "): value for key, value in cells.items()}), default_zone=zone
    )
    assert reading.errors == ()
    return reading.jobs[0]


def bad(cells: dict[str, CellValue]) -> dict[str, str]:
    """What is wrong with a row that has these cells."""
    reading = read(HOSTS, jobs(GOOD | cells))
    assert reading.jobs == ()
    return problems(reading)


def test_a_row_with_every_cell_filled_becomes_a_job() -> None:
    row: dict[str, CellValue] = {
        "Name": "ping",
        "Destinations": "web; group:offices, Tag: voip\n*, WEB",
        "Start": datetime(2026, 7, 1, 8, 0),  # noqa: DTZ001 - as a cell holds it
        "End": "2026-12-31 18:00",
        "Interval": "5m",
        "Weekly windows": "Mon–Fri 08:00–18:00",
        "Time zone": "europe/berlin",
        "Packets": "10",
        "Packet interval (ms)": 100.0,
        "Payload (bytes)": "1,472".replace(",", ""),
        "Timeout (ms)": "500 ms",
        "TTL": 12.0,
        "DSCP": "ef",
        "Metrics": "mean, P95; jitter (rfc 3550), mos",
        "Enabled": "no",
        "ID": "ffffffffffff",
    }
    reading = read(HOSTS, jobs(row))
    assert reading.errors == ()
    assert reading.jobs == (
        Job(
            id="ffffffffffff",
            name="ping",
            selectors=(
                Selector(kind="name", value="web"),
                Selector(kind="group", value="offices"),
                Selector(kind="tag", value="voip"),
                Selector(kind="all"),
            ),
            schedule=Schedule(
                interval=timedelta(minutes=5),
                start_at=datetime(2026, 7, 1, 6, 0, tzinfo=UTC),
                end_at=datetime(2026, 12, 31, 17, 0, tzinfo=UTC),
                windows=(WeeklyWindow(days=(0, 1, 2, 3, 4), start_minute=480, end_minute=1080),),
                zone="Europe/Berlin",
            ),
            echo=EchoSettings(
                packets=10, packet_interval_ms=100, payload_bytes=1472, timeout_ms=500, ttl=12, dscp=46
            ),
            metrics=(Metric.MEAN, Metric.P95, Metric.JITTER_RFC3550, Metric.MOS),
            enabled=False,
        ),
    )
    assert reading.job_rows == (5,)


def test_what_is_blank_has_its_default_and_the_settings_zone() -> None:
    reading = read(HOSTS, jobs(GOOD), settings(zone="Asia/Tokyo"))
    assert reading.errors == ()
    assert reading.jobs[0] == Job(
        id="",
        name="ping",
        selectors=(Selector(kind="name", value="web"),),
        schedule=Schedule(interval=timedelta(seconds=10), zone="Asia/Tokyo"),
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("10s", 10),
        ("1h30m", 5400),
        (10, 10),
        (10.0, 10),
        ("10", 10),
        (time(0, 5), 300),
        (timedelta(minutes=1), 60),
    ],
)
def test_an_interval_is_understood_as_it_is_typed(value: CellValue, seconds: int) -> None:
    assert job(Interval=value).schedule.interval == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("value", "at"),
    [
        ("2026-07-01 08:00", datetime(2026, 7, 1, 6, 0, tzinfo=UTC)),
        ("2026-07-01T08:00:30", datetime(2026, 7, 1, 6, 0, 30, tzinfo=UTC)),
        ("2026-07-01", datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),
        ("2026-07-01T08:00+00:00", datetime(2026, 7, 1, 8, 0, tzinfo=UTC)),
        (date(2026, 7, 1), datetime(2026, 6, 30, 22, 0, tzinfo=UTC)),
        (datetime(2026, 3, 29, 2, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),  # noqa: DTZ001 - skipped hour
        (datetime(2026, 10, 25, 2, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),  # noqa: DTZ001 - repeated hour
    ],
)
def test_a_start_is_local_time_in_the_jobs_zone(value: CellValue, at: datetime) -> None:
    assert job("Europe/Berlin", Start=value).schedule.start_at == at


@pytest.mark.parametrize(
    ("value", "dscp"), [("AF41", 34), ("CS5", 40), (46, 46), (46.0, 46), ("0", 0), (None, None)]
)
def test_a_dscp_is_a_name_or_a_number(value: CellValue, dscp: int | None) -> None:
    assert job(DSCP=value).echo.dscp == dscp


def test_a_job_written_as_cells_names_its_dscp() -> None:
    cells = [job_cells(job(DSCP=number)) for number in (46, 3, None)]
    assert [(each["DSCP"], each["TTL"]) for each in cells] == [("EF", None), ("3", None), (None, None)]


@pytest.mark.parametrize("value", ["all", "*", "mean, ALL", None])
def test_all_metrics_are_meant_by_all_and_by_blank(value: CellValue) -> None:
    assert job(Metrics=value).metrics == tuple(Metric)


@pytest.mark.parametrize(
    ("value", "metrics", "shown"),
    [
        ("route", tuple(Metric), "all, route"),
        ("all, Route", tuple(Metric), "all, route"),
        ("route; mean, ROUTE", (Metric.MEAN,), "mean, route"),
    ],
)
def test_the_metric_route_asks_for_traces_besides_the_others(
    value: str, metrics: tuple[Metric, ...], shown: str
) -> None:
    found = job(Metrics=value)
    assert (found.metrics, found.trace_routes) == (metrics, True)
    assert job_cells(found)["Metrics"] == shown


@pytest.mark.parametrize("value", ["all", "*", None, "mean"])
def test_routes_are_traced_only_where_that_is_asked_for(value: CellValue) -> None:
    assert not job(Metrics=value).trace_routes


def test_a_metric_may_be_called_what_people_call_it() -> None:
    assert job(Metrics="average, median, avg").metrics == (Metric.MEAN, Metric.P50)


@pytest.mark.parametrize(
    ("cells", "cell", "told"),
    [
        ({"Name": None}, "A5", "must not be blank"),
        ({"Destinations": None}, "B5", "must not be blank"),
        ({"Destinations": " ; ,"}, "B5", "no name in it"),
        ({"Destinations": "group:"}, "B5", "names no group"),
        ({"Destinations": "wev"}, "B5", "did you mean 'web'?"),
        ({"Destinations": "group:Ofices"}, "B5", "did you mean 'group:Offices'?"),
        ({"Destinations": "tag:zzz"}, "B5", "no destination has the tag 'zzz': correct it"),
        ({"Start": "tomorrow"}, "C5", "2026-11-23 08:00"),
        ({"Start": 45000}, "C5", "no date"),
        ({"Start": datetime(1900, 1, 1)}, "C5", "from 1990"),  # noqa: DTZ001 - as a cell holds it
        ({"Start": time(8, 0)}, "C5", "no date"),
        ({"Start": "2026-01-02", "End": "2026-01-02"}, "D5", "not after the start"),
        ({"Interval": None}, "E5", "must not be blank"),
        ({"Interval": "often"}, "E5", "10s"),
        ({"Interval": True}, "E5", "no interval"),
        ({"Interval": 1e300}, "E5", "no interval"),
        ({"Interval": float("nan")}, "E5", "no interval"),
        ({"Interval": "2d"}, "E5", "1 day"),
        ({"Interval": ErrorValue("#VALUE!")}, "E5", "shows an error"),
        ({"Interval": "1s"}, "E5", "a round may last 1.75 s"),
        ({"Weekly windows": "Mon 25:00-26:00"}, "F5", "08:00-18:00"),
        ({"Time zone": "Europe/Berln"}, "G5", "Europe/Berlin"),
        ({"Packets": 0}, "H5", "from 1 to 100"),
        ({"Packets": 1.5}, "H5", "whole number"),
        ({"TTL": 0}, "L5", "from 1 to 255"),
        ({"TTL": 256}, "L5", "from 1 to 255"),
        ({"DSCP": "gold"}, "M5", "EF, AF41 or CS5"),
        ({"DSCP": 184}, "M5", "is DSCP 46"),
        ({"Payload (bytes)": 1_473}, "J5", "from 16 to 1,472"),
        ({"Packet interval (ms)": 1}, "I5", "from 10"),
        ({"Payload (bytes)": "9000"}, "J5", "from 16 to 1,472"),
        ({"Timeout (ms)": "soon"}, "K5", "10 ms"),
        ({"Metrics": "mena"}, "N5", "did you mean 'mean'?"),
        ({"Enabled": 2}, "O5", "yes or no"),
    ],
)
def test_a_bad_cell_says_what_is_wrong_and_makes_only_its_row_invalid(
    cells: dict[str, CellValue], cell: str, told: str
) -> None:
    found = bad(cells)
    assert list(found) == [f"Jobs!{cell}"]
    assert told in found[f"Jobs!{cell}"]


def test_a_round_as_long_as_the_interval_is_allowed() -> None:
    assert job(Interval="1s", Packets=1).echo.longest_round_s == 1.0


def test_a_schedule_without_any_tick_is_refused() -> None:
    found = bad({"Start": "2026-01-01 00:00:01", "End": "2026-01-01 00:00:09"})
    assert "no round would ever be due" in found["Jobs!D5"]
    found = bad({"Interval": "1d", "Weekly windows": "Mon 08:00-18:00"})
    assert "no round would ever be due" in found["Jobs!F5"]


def test_all_bad_cells_of_a_row_are_told_at_once() -> None:
    found = bad({"Name": "", "Interval": "x", "Weekly windows": "y", "Packets": "z"})
    assert sorted(found) == ["Jobs!A5", "Jobs!E5", "Jobs!F5", "Jobs!H5"]


def test_a_job_written_as_cells_leaves_the_default_zone_blank() -> None:
    made = job("Europe/Berlin", Start="2026-07-01 08:00", **{"Weekly_windows": "daily 08:00-09:00"})
    cells = job_cells(made, default_zone="Europe/Berlin")
    assert cells["Time zone"] is None
    assert cells["Start"] == datetime(2026, 7, 1, 8, 0)  # noqa: DTZ001 - as a cell holds it
    assert cells["Metrics"] == "all"
    assert job_cells(made)["Time zone"] == "Europe/Berlin"
