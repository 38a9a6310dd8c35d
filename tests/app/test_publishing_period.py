"""Periods as users write them, and publishing."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.app.reporting import Reporting, parse_period
from netstats_xl.domain.results import Period
from netstats_xl.domain.views import WorkbookView
from netstats_xl.errors import ReportError
from tests.app.report_world import GATEWAY, World, ago, replied

NOW = datetime(2026, 11, 23, 13, 37, 5, tzinfo=UTC)
BERLIN = "Europe/Berlin"


def utc(*parts: int) -> datetime:
    """An instant."""
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]  # year, month, day ...


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-20", utc(2026, 11, 19, 23)),
        ("2026-11-20 08:00", utc(2026, 11, 20, 7)),
        ("2026-11-20T08:00:30", utc(2026, 11, 20, 7, 0, 30)),
        ("2026-11-20 08:00Z", utc(2026, 11, 20, 8)),
        ("2026-11-20T08:00+05:30", utc(2026, 11, 20, 2, 30)),
        ("  yesterday ", utc(2026, 11, 21, 23)),
        ("Today", utc(2026, 11, 22, 23)),
        ("-24h", NOW - timedelta(days=1)),
        ("24h", NOW - timedelta(days=1)),
        ("7d ago", NOW - timedelta(days=7)),
        ("7 days ago", NOW - timedelta(days=7)),
        ("-90m", NOW - timedelta(minutes=90)),
        ("30s", NOW - timedelta(seconds=30)),
        ("2w", NOW - timedelta(days=14)),
    ],
)
def test_a_start_can_be_written_in_many_ways(text: str, instant: datetime) -> None:
    assert parse_period(text, "now", NOW, BERLIN) == Period(start=instant, end=NOW)


def test_yesterday_to_today_is_the_whole_local_day() -> None:
    period = parse_period("yesterday", "today", NOW, BERLIN)

    assert period == Period(start=utc(2026, 11, 21, 23), end=utc(2026, 11, 22, 23))


def test_today_is_the_users_day_not_utcs() -> None:
    late = utc(2026, 11, 23, 23, 30)

    assert parse_period("today", "now", late, BERLIN).start == utc(2026, 11, 23, 23)


def test_the_day_on_which_the_clock_goes_back_has_25_hours() -> None:
    assert parse_period("2026-10-25", "2026-10-26", NOW, BERLIN).length == timedelta(hours=25)


def test_an_end_in_the_future_counts_as_now() -> None:
    assert parse_period("today", "2026-12-24", NOW, BERLIN).end == NOW


@pytest.mark.parametrize(
    ("start", "end", "message"),
    [
        ("soon", "now", "start, 'soon', cannot be understood: write a date"),
        ("", "now", "start, '', cannot be understood"),
        ("2026-13-01", "now", "start, '2026-13-01', cannot be understood"),
        ("yesterday", "5 parsecs", "end, '5 parsecs', cannot be understood"),
        (
            "today",
            "yesterday",
            "is not before its end, 2026-11-22 00:00:00 (Europe/Berlin), so nothing lies between --from and --to: "
            "choose an earlier start",
        ),
        ("now", "now", "nothing lies between --from and --to"),
        ("2026-12-24", "now", "start, '2026-12-24', is in the future"),
        ("0001-01-01", "now", "0001-01-01"),
        ("1950-01-01", "now", "too far in the past"),
        ("999999d", "now", "cannot be understood"),
    ],
)
def test_what_cannot_be_a_period_is_refused_in_plain_words(start: str, end: str, message: str) -> None:
    with pytest.raises(ReportError, match=r"^The report's ") as caught:
        parse_period(start, end, NOW, BERLIN)

    assert message in str(caught.value)


@given(st.text(max_size=20), st.text(max_size=20))
def test_whatever_is_written_gives_a_period_or_a_report_error(start: str, end: str) -> None:
    try:
        period = parse_period(start, end, NOW, BERLIN)
    except ReportError:
        return
    assert period.start < period.end <= NOW


@given(st.integers(min_value=1, max_value=2_900), st.sampled_from("smhdw"))
def test_a_duration_reaches_back_from_now(number: int, unit: str) -> None:
    length = number * {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}[unit]

    assert parse_period(f"-{number}{unit}", "now", NOW, BERLIN).length == timedelta(seconds=length)


def test_publishing_hands_the_view_to_the_publisher_and_says_where_it_went() -> None:
    world = World()
    world.rounds(GATEWAY, ago(minutes=1), replied(1.0))
    published: list[WorkbookView] = []

    class Shelf:
        def publish(self, view: WorkbookView) -> str:
            published.append(view)
            return "on the shelf"

    assert Reporting(world.store, Shelf()).publish(world.inputs) == "on the shelf"
    assert published[0].spec.sheets[0].name == "Dashboard"
