"""How often everything is shown anew."""

from datetime import UTC, datetime

from netstats_xl.companion.notices import Notices
from netstats_xl.companion.rhythm import Rhythm
from tests.fakes.clock import FakeClock


def make_clock() -> FakeClock:
    return FakeClock(datetime(2026, 11, 23, 8, tzinfo=UTC))


def test_the_first_view_is_due_at_once_and_the_next_after_its_time() -> None:
    clock = make_clock()
    rhythm = Rhythm(clock)
    assert rhythm.due
    rhythm.begin()
    rhythm.made(cpu_s=0.01, every_s=30)
    clock.advance(seconds=29)
    assert not rhythm.due
    clock.advance(seconds=1)
    assert rhythm.due


def test_what_is_dear_is_made_less_often() -> None:
    clock = make_clock()
    rhythm = Rhythm(clock)
    rhythm.begin()
    rhythm.made(cpu_s=1, every_s=30)
    clock.advance(seconds=199)
    assert not rhythm.due
    clock.advance(seconds=1)
    assert rhythm.due


def test_what_is_very_dear_holds_the_next_view_up_ten_times_as_long_at_most() -> None:
    clock = make_clock()
    rhythm = Rhythm(clock)
    rhythm.begin()
    rhythm.made(cpu_s=100, every_s=30)
    clock.advance(seconds=299)
    assert not rhythm.due
    clock.advance(seconds=1)
    assert rhythm.due


def test_a_view_that_is_wanted_is_due_even_where_one_is_being_made() -> None:
    clock = make_clock()
    rhythm = Rhythm(clock)
    rhythm.begin()
    rhythm.want()
    rhythm.made(cpu_s=100, every_s=30)
    assert rhythm.due


def test_a_notice_stands_until_its_cause_has_gone() -> None:
    notices = Notices()
    notices.set("save", "2 results wait")
    notices.set("report", "not up to date")
    notices.set("save", "3 results wait")
    assert notices.texts() == ("3 results wait", "not up to date")
    assert notices.texts("report", "store") == ("not up to date",)
    notices.clear("save")
    notices.clear("store")
    assert notices.texts() == ("not up to date",)
