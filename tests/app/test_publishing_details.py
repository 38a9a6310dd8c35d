"""The Details and Trends sheets: figures, time steps, histograms, limits, days on which the clock changes."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from netstats_xl.app.views.columns import time_label_step
from netstats_xl.domain.results import Period, State
from netstats_xl.domain.states import DestinationStatus
from netstats_xl.domain.targets import Definitions, Metric
from netstats_xl.domain.views import ChartKind, TableSpec
from netstats_xl.domain.windows import from_local
from tests.app.report_world import (
    DAY,
    DEAD,
    END,
    GATEWAY,
    PING,
    WEB,
    ZONE,
    World,
    ago,
    local,
    replied,
    timed_out,
)


def stats(report: object, number: int = 1) -> dict[str, tuple[object, object]]:
    """A statistics block as figure -> (value, unit)."""
    rows = report.rows[f"Stats_{number:03d}"]  # type: ignore[attr-defined]  # a CheckedView
    return {figure: (value, unit) for figure, value, unit in rows}


def test_the_statistics_block_shows_every_metric_exactly() -> None:
    world = World(Definitions(destinations=(GATEWAY,), jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=50), *[replied(10.0, 12.0, None, 40.0)] * 40, timed_out())

    block = stats(world.report())

    assert block["Rounds"] == (41, "")
    assert block["Packets sent"] == (164, "")
    assert block["Packets received"] == (120, "")
    assert block["Mean RTT"] == (20.667, "ms")
    assert block["Min RTT"] == (10, "ms")
    assert block["Max RTT"] == (40, "ms")
    assert block["Median RTT (p50)"] == (12, "ms")
    assert block["p95 RTT"] == (40, "ms")
    assert block["p99 RTT"] == (40, "ms")
    assert block["Stdev of RTT"] == (13.695, "ms")
    assert block["Jitter"] == (2, "ms")
    assert block["Jitter (RFC 3550)"] == (pytest.approx(2 * (1 - (15 / 16) ** 40), abs=6e-4), "ms")
    assert block["Loss"] == (pytest.approx(26.8293, abs=1e-4), "%")
    assert block["Availability"] == (pytest.approx(100 * 40 / 41, abs=1e-4), "%")
    assert block["MOS"] == (2.24, "of 4.5")


def test_only_the_metrics_that_the_job_asks_for_are_shown() -> None:
    job = PING.model_copy(update={"metrics": (Metric.LOSS, Metric.MEAN)})
    world = World(Definitions(destinations=(GATEWAY,), jobs=(job,)))
    world.rounds(GATEWAY, ago(minutes=3), replied(1.0))

    assert list(stats(world.report())) == ["Rounds", "Packets sent", "Packets received", "Mean RTT", "Loss"]


def test_one_loss_in_a_thousand_is_not_zero() -> None:
    world = World(Definitions(destinations=(GATEWAY,), jobs=(PING,)))
    world.rounds(
        GATEWAY, ago(minutes=300), *[replied(1.0, 1.0, 1.0, 1.0)] * 249, replied(1.0, 1.0, 1.0, None)
    )

    assert stats(world.report())["Loss"] == (0.1, "%")


def test_pairs_come_worst_first_and_those_without_data_last() -> None:
    slow = GATEWAY.model_copy(update={"id": "d4", "name": "Slow"})
    idle = GATEWAY.model_copy(update={"id": "d5", "name": "Idle"})
    world = World(Definitions(destinations=(idle, GATEWAY, slow, WEB, DEAD), jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=10), *[replied(1.0, 1.0, 1.0, 1.0)] * 10)
    world.rounds(slow, ago(minutes=10), *[replied(9.0, 9.0, 9.0, 9.0)] * 10)
    world.rounds(WEB, ago(minutes=10), *[replied(1.0, 1.0, 1.0, None)] * 10)
    world.rounds(DEAD, ago(minutes=10), *[timed_out()] * 10)
    states = {"d1": State.DEGRADED, "d2": State.UP, "d3": State.DOWN, "d4": State.UP, "d5": State.DOWN}
    world.ask(
        destination_status={
            key: DestinationStatus(destination_id=key, state=state) for key, state in states.items()
        }
    )

    texts = world.report().texts("Details")

    assert texts[1].startswith("Showing all 5 pairs of job and destination.")
    assert [text.removeprefix("Every minute: ") for text in texts[2:]] == [
        "Printer",
        "Gateway",
        "Web shop",
        "Slow",
        "Idle   (no data in this period)",
    ]


@pytest.mark.parametrize(
    ("pairs", "limit", "stated"),
    [(1, 1, "Showing the only pair of job and destination."), (2, 1, "; 1 is left out ")],
)
def test_the_sheet_counts_a_single_pair_in_correct_words(pairs: int, limit: int, stated: str) -> None:
    world = World(Definitions(destinations=(GATEWAY, WEB)[:pairs], jobs=(PING,)))
    world.ask(settings=world.inputs.settings.model_copy(update={"details_limit": limit}))

    assert stated in world.report().texts("Details")[1]


def test_the_sheet_and_about_state_the_limit() -> None:
    several = tuple(GATEWAY.model_copy(update={"id": f"d{n}", "name": f"D{n}"}) for n in range(7))
    world = World(Definitions(destinations=several, jobs=(PING,)))
    world.rounds(several[4], ago(minutes=5), timed_out())
    world.ask(settings=world.inputs.settings.model_copy(update={"details_limit": 2}))

    report = world.report()

    stated = "Showing 2 of 7 pairs of job and destination; 5 are left out (the setting 'Details shown' is the limit)."
    assert report.texts("Details")[1].startswith(stated)
    assert f"Details: {stated}" in report.column("About_notes", "Note")
    assert len(report.charts("Details")) == 4


def test_disabled_jobs_and_destinations_are_in_detail_only_with_data() -> None:
    off = WEB.model_copy(update={"enabled": False})
    stopped = PING.model_copy(update={"id": "j2", "name": "Stopped", "enabled": False})
    world = World(Definitions(destinations=(GATEWAY, off, DEAD), jobs=(PING, stopped)))
    world.rounds(DEAD, ago(minutes=5), replied(1.0), job=stopped)

    headings = world.report().texts("Details")[2:]

    assert headings == [
        "Stopped: Printer",
        "Every minute: Gateway   (no data in this period)",
        "Every minute: Printer   (no data in this period)",
    ]


def test_a_retired_job_and_one_that_nothing_is_known_of_keep_their_data() -> None:
    world = World(Definitions(destinations=(GATEWAY,), jobs=()))
    world.ask(retired=Definitions(jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=5), replied(1.0, 1.0), job=PING)
    world.rounds(GATEWAY, ago(minutes=5), replied(1.0, None), job=PING.model_copy(update={"id": "gone"}))

    headings = world.report().texts("Details")[2:]

    assert headings == ["(unknown job gone): Gateway", "Every minute (retired): Gateway"]


def test_the_series_keeps_extremes_and_shows_gaps_on_a_true_time_axis() -> None:
    world = World(Definitions(destinations=(GATEWAY,), jobs=(PING,)))
    quick = PING.model_copy(
        update={"schedule": PING.schedule.model_copy(update={"interval": timedelta(seconds=1)})}
    )
    world.ask(definitions=Definitions(destinations=(GATEWAY,), jobs=(quick,)))
    hour_before = ago(hours=1)
    outcomes = [replied(5.0)] * 1_800
    outcomes[777] = replied(900.0)
    world.rounds(GATEWAY, hour_before, *outcomes, job=quick, every=timedelta(seconds=1))
    world.rounds(GATEWAY, ago(seconds=1), timed_out(), job=quick, every=timedelta(seconds=1))

    series = world.report().rows["Series_001"]

    assert len(series) == 360
    times = [row[0] for row in series]
    assert times[0] == local(hour_before)
    assert {after - before for before, after in pairwise(times)} == {timedelta(seconds=10)}  # type: ignore[operator]  # times
    assert series[77][1:] == (94.5, 900, 0)
    assert series[300] == (local(hour_before) + timedelta(seconds=3_000), None, None, None)
    assert series[-1][1:] == (None, None, 100)


def test_a_step_is_never_shorter_than_the_jobs_interval() -> None:
    slow = PING.model_copy(
        update={"id": "j2", "schedule": PING.schedule.model_copy(update={"interval": timedelta(minutes=45)})}
    )
    world = World(Definitions(destinations=(GATEWAY,), jobs=(slow,)))
    world.rounds(GATEWAY, DAY.start, *[replied(1.0)] * 32, job=slow)

    series = world.report().rows["Series_001"]

    assert {after[0] - before[0] for before, after in pairwise(series)} == {timedelta(hours=1)}  # type: ignore[operator]  # times
    assert all(row[1] == 1.0 for row in series)


def test_the_axis_reaches_from_the_first_sample_to_the_last() -> None:
    world = World(Definitions(destinations=(GATEWAY,), jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=130), *[replied(1.0)] * 20)

    series = world.report().rows["Series_001"]

    assert [series[0][0], series[-1][0]] == [local(ago(minutes=130)), local(ago(minutes=111))]
    assert len(series) == 20


def test_the_histogram_counts_every_reply_once_and_its_last_bin_is_open() -> None:
    world = World(Definitions(destinations=(GATEWAY,), jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=200), *[replied(10.0, 11.0, 12.0, 13.0)] * 120, replied(500.0))

    bins = world.report().rows["Histogram_001"]

    assert sum(count for _, count in bins) == 481  # type: ignore[misc]  # counts
    assert bins[-1] == ("≥13.2", 1)
    assert bins[0] == ("10", 120)


def test_a_destination_that_never_replied_has_charts_that_say_so() -> None:
    world = World(Definitions(destinations=(DEAD,), jobs=(PING,)))
    world.rounds(DEAD, ago(minutes=5), timed_out())

    report = world.report()

    assert report.rows["Histogram_001"] == [("", None)]
    assert [chart.title for chart in report.charts("Details")] == [
        "Every minute: Printer: no reply in this period",
        "No replies",
    ]


def test_two_blocks_are_on_each_printed_page() -> None:
    several = tuple(GATEWAY.model_copy(update={"id": f"d{n}", "name": f"D{n}"}) for n in range(5))
    report = World(Definitions(destinations=several, jobs=(PING,))).report()

    tables = [table for name, table in report.tables.items() if name.startswith("Stats_")]
    headings = [table.anchor.row - 1 for table in tables]
    assert report.sheets["Details"].page_starts == (headings[2], headings[4])


def test_each_value_has_the_digits_that_its_unit_needs() -> None:
    world = World(Definitions(destinations=(GATEWAY,), jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=5), replied(1.0, None))

    value = world.report().tables["Stats_001"].columns[1]

    assert value.number_format == "#,##0"
    assert value.format_by is not None
    assert value.format_by.column == "Unit"
    units = {str(row[2]) for row in world.report().rows["Stats_001"]}
    assert units - {""} == set(value.format_by.formats)


def test_the_labels_of_a_time_axis_are_a_round_time_apart() -> None:
    start = datetime(2026, 11, 23, 14, 25, tzinfo=UTC)

    def every(step: timedelta, steps: int) -> timedelta | None:
        found = time_label_step([start + number * step for number in range(steps)])
        return None if found is None else found * step

    assert every(timedelta(minutes=5), 312) == timedelta(hours=3)
    assert every(timedelta(seconds=1), 25) == timedelta(seconds=5)
    assert every(timedelta(hours=1), 8) == timedelta(hours=1)
    assert every(timedelta(days=1), 30) == timedelta(days=7)
    assert every(timedelta(minutes=7), 100) == timedelta(minutes=70)
    assert every(timedelta(hours=1), 1) is None


def test_each_block_has_a_line_chart_with_loss_columns_on_a_second_axis_and_a_histogram() -> None:
    world = World(Definitions(destinations=(GATEWAY, WEB), jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=5), replied(1.0, None, None, None))

    report = world.report()

    lines, histogram = report.charts("Details")[:2]
    assert lines.kind is ChartKind.LINE
    assert [(series.name, series.kind, series.secondary) for series in lines.series] == [
        ("Max RTT (ms)", None, False),
        ("Mean RTT (ms)", None, False),
        ("Loss (%)", ChartKind.COLUMN, True),
    ]
    assert lines.secondary_axis.high == 100
    assert histogram.kind is ChartKind.COLUMN
    blocks = [block for block in report.blocks["Details"] if isinstance(block, TableSpec)]
    assert blocks[1].anchor.row - blocks[0].anchor.row == 18


def test_trends_put_this_period_beside_the_previous_by_position() -> None:
    world = World()
    world.rounds(GATEWAY, ago(hours=1), *[replied(10.0, 10.0, 10.0, None)] * 10)
    world.rounds(WEB, ago(hours=1), *[replied(30.0, 30.0)] * 10)
    world.rounds(GATEWAY, ago(hours=25), *[replied(50.0)] * 10)

    hours = world.report().records("Trend_hours")

    assert len(hours) == 24
    assert hours[23] == {
        "Hour": local(ago(hours=1)),
        "Mean (ms)": 18,
        "p95 (ms)": 30,
        "Loss (%)": pytest.approx(100 * 10 / 60),
        "Avail. (%)": 100,
        "Hour before": local(ago(hours=25)),
        "Mean before (ms)": 50,
        "p95 before (ms)": None,
        "Loss before (%)": 0,
        "Avail. before (%)": 100,
    }
    assert hours[0]["Mean (ms)"] is None


def test_trends_by_day_follow_the_local_midnight() -> None:
    world = World()
    world.rounds(GATEWAY, datetime(2026, 11, 22, 22, 59, tzinfo=UTC), replied(1.0), replied(3.0))

    days = world.report().records("Trend_days")

    assert [(day["Day"], day["Mean (ms)"]) for day in days] == [
        (datetime(2026, 11, 22), 1),  # noqa: DTZ001  # a workbook's local time
        (datetime(2026, 11, 23), 3),  # noqa: DTZ001  # a workbook's local time
    ]


def test_the_day_on_which_the_clock_goes_back_has_25_hours_beside_the_24_before() -> None:
    start = datetime(2026, 10, 24, 22, tzinfo=UTC)
    world = World()
    world.rounds(GATEWAY, start, *[replied(float(hour)) for hour in range(1, 26)], every=timedelta(hours=1))
    world.ask(period=Period(start=start, end=start + timedelta(hours=25)))

    report = world.report()

    hours = report.records("Trend_hours")
    assert len(hours) == 25
    assert [hour["Hour"] for hour in hours[1:5]] == [
        datetime(2026, 10, 25, hour)  # noqa: DTZ001  # a workbook's local time
        for hour in (1, 2, 2, 3)
    ]
    assert [hour["Mean (ms)"] for hour in hours] == list(range(1, 26))
    assert report.column("Hourly", "Hour")[1:5] == [1, 2, 2, 3]
    assert len(report.records("Trend_days")) == 1


@pytest.mark.parametrize(
    ("day", "hours", "beside"),
    [
        (datetime(2026, 10, 25), 25, {1: 1, 2: 2, 3: None, 4: 3, 24: 23}),  # noqa: DTZ001  # a local date
        (datetime(2026, 10, 26), 25, {1: 1, 2: 2, 3: 3, 4: 4, 24: 24}),  # noqa: DTZ001  # a local date
        (datetime(2026, 3, 29), 24, {1: 1, 2: 2, 3: 3, 23: 23}),  # noqa: DTZ001  # a local date
    ],
    ids=["goes back", "after that", "goes forward"],
)
def test_trends_put_a_day_beside_the_day_before_by_the_local_clock_where_it_changes(
    day: datetime, hours: int, beside: dict[int, int | None]
) -> None:
    yesterday, today, tomorrow = (from_local(day + timedelta(days=n), ZONE) for n in (-1, 0, 1))
    world = World(Definitions(destinations=(GATEWAY,), jobs=(PING,)))
    length = (today - yesterday) // timedelta(hours=1)
    world.rounds(GATEWAY, yesterday, *[replied(float(n)) for n in range(length)], every=timedelta(hours=1))
    world.ask(period=Period(start=today, end=tomorrow), generated_at=tomorrow)

    report = world.report()

    rows = report.records("Trend_hours")
    assert len(rows) == hours
    assert {position: rows[position]["Mean before (ms)"] for position in beside} == beside
    (only_day,) = report.records("Trend_days")
    assert (only_day["Day"], only_day["Day before"]) == (day, day - timedelta(days=1))
    assert f"Previous: {day - timedelta(days=1):%Y-%m-%d} 00:00 to {day:%Y-%m-%d} 00:00" in " ".join(
        report.texts("Trends")
    )


def test_long_periods_show_the_last_31_days_by_hour_and_say_so() -> None:
    world = World()
    world.rounds(GATEWAY, ago(days=35), replied(1.0))
    world.rounds(GATEWAY, ago(minutes=5), replied(3.0))
    world.rounds(GATEWAY, ago(days=40, minutes=5), replied(7.0))
    world.ask(period=Period(start=END - timedelta(days=40), end=END))

    report = world.report()

    stated = "Trends: by hour, the last 31 days of the period are shown."
    hours = report.records("Trend_hours")
    assert len(hours) == 31 * 24
    assert stated in report.texts("Trends")
    assert stated in report.column("About_notes", "Note")
    assert (hours[-1]["Mean (ms)"], hours[-1]["Mean before (ms)"]) == (3, 7)
    assert report.records("Trend_days")[5]["Mean (ms)"] == 1


def test_a_previous_period_is_in_the_charts_only_where_it_has_data() -> None:
    world = World(Definitions(destinations=(GATEWAY,), jobs=(PING,)))
    world.rounds(GATEWAY, ago(minutes=5), replied(1.0))

    for chart in world.report().charts("Trends"):
        assert [series.name for series in chart.series] == ["This period"]
        assert not chart.legend
        assert chart.title.endswith("(no data before)")

    world.rounds(GATEWAY, ago(hours=30), replied(1.0))

    for chart in world.report().charts("Trends"):
        assert [series.name for series in chart.series] == ["This period", "Previous period"]
        assert chart.legend
