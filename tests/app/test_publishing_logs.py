"""The Runs and Events sheets."""

from datetime import timedelta

import pytest

from netstats_xl.domain.results import MissedReason, RunFailed, RunMissed, State
from tests.app.report_world import DAY, DEAD, GATEWAY, World, ago, local


def test_runs_are_listed_newest_first_with_their_outcome() -> None:
    world = World()
    world.run(ago(minutes=5))
    world.run(
        ago(minutes=4),
        RunMissed(ticks=3, reason=MissedReason.OVERRUN, last_tick_at=ago(minutes=2)),
        duration_s=0,
    )
    world.run(ago(minutes=1), RunFailed(error="no socket"), duration_s=0.25)

    failed, missed, completed = world.report().records("Runs")

    assert completed == {
        "Tick": local(ago(minutes=5)),
        "Job": "Every minute",
        "Outcome": "Completed",
        "Started": local(ago(minutes=5)),
        "Duration (s)": 1.25,
        "Up": 2,
        "Down": 1,
        "Missed ticks": None,
        "Reason": "",
    }
    assert (missed["Outcome"], missed["Missed ticks"], missed["Up"]) == ("Missed", 3, None)
    assert missed["Reason"] == "the round before was still going on; the last one was due 2026-11-23 13:58:00"
    assert (failed["Outcome"], failed["Reason"], failed["Duration (s)"]) == ("Failed", "no socket", 0.25)


def test_events_are_listed_newest_first_with_how_long_the_former_state_lasted() -> None:
    world = World()
    world.event(GATEWAY, ago(minutes=50), State.UNKNOWN, State.UP, "first reply")
    world.event(DEAD, ago(minutes=40), State.UNKNOWN, State.DOWN)
    world.event(GATEWAY, ago(minutes=20), State.UP, State.DOWN, "no reply in time")

    events = world.report().records("Events")

    assert [event["Destination"] for event in events] == ["Gateway", "Printer", "Gateway"]
    assert events[0] == {
        "Time": local(ago(minutes=20)),
        "Destination": "Gateway",
        "From": "Up",
        "To": "Down",
        "Former state lasted (min)": 30,
        "Reason": "no reply in time",
    }
    assert events[1]["Former state lasted (min)"] is None


def test_only_runs_and_events_of_the_period_are_listed() -> None:
    world = World()
    world.run(DAY.start - timedelta(seconds=1))
    world.run(DAY.start)
    world.event(GATEWAY, DAY.end, State.UP, State.DOWN)

    report = world.report()

    assert report.column("Runs", "Tick") == [local(DAY.start)]
    assert report.rows["Events"] == []


def test_the_newest_are_kept_where_there_are_too_many_and_about_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netstats_xl.app.views.logs.LIMIT", 2)
    world = World()
    for minutes in (9, 8, 7):
        world.run(ago(minutes=minutes))

    report = world.report()

    assert report.column("Runs", "Tick") == [local(ago(minutes=7)), local(ago(minutes=8))]
    assert report.column("About_notes", "Note") == [
        "Runs: the newest 2 of the period are shown; there may be older ones."
    ]
