"""When routes are traced: asked for, scheduled, and by themselves; how many at once; and what is left out."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from netstats_xl.app import trace_queue, tracing
from netstats_xl.app.backlog import RoundRecord
from netstats_xl.app.tracing import Tracing
from netstats_xl.companion.notices import Notices
from netstats_xl.domain.results import (
    JobRun,
    NameNotResolved,
    Outcome,
    Replied,
    RunCompleted,
    RunFailed,
    Sample,
    SendFailed,
    State,
    StateChanged,
    Timeout,
    TracedRoute,
    TraceReason,
)
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import (
    Definitions,
    Destination,
    EchoSettings,
    Job,
    Selector,
    Settings,
    Thresholds,
    TraceSettings,
)
from netstats_xl.domain.windows import Schedule
from netstats_xl.errors import PrivilegeMissing, ProbeEngineError, RoundUnderWay
from tests.fakes.clock import FakeClock
from tests.fakes.scripted_network import ScriptedProber

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
FOUND = Trace(address="192.0.2.9", hops=(), reached=True)
SLOW = Replied(address="192.0.2.9", rtts_ms=(300.0,))
QUICK = Replied(address="192.0.2.9", rtts_ms=(3.0,))
SILENT = Timeout(address="192.0.2.9", sent=1)


class HeldProber(ScriptedProber):
    """Its traces wait for `gate`, and it counts how many are under way."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way: list[str] = []
        self.most = 0
        self.odd: Exception | None = None

    async def trace(self, host: str, settings: TraceSettings) -> Trace | NameNotResolved | SendFailed:
        assert host not in self.under_way, "a host is traced twice at once"
        self.under_way.append(host)
        self.most = max(self.most, len(self.under_way))
        try:
            self.traced.append((host, settings))
            await self.gate.wait()
            if self.odd is not None:
                raise self.odd
            if self.error is not None:
                raise self.error
            return self.traces.get(host, (FOUND,))[0]
        finally:
            self.under_way.remove(host)

    @property
    def hosts(self) -> list[str]:
        return [host for host, _ in self.traced]


class Routes:
    """A backlog that only takes routes."""

    def __init__(self) -> None:
        self.added: list[TracedRoute] = []

    def add_route(self, traced: TracedRoute) -> None:
        self.added.append(traced)


class World:
    """Tracing, and all that is around it."""

    def __init__(self, destinations: int = 2, *, trace_routes: bool = True, **echo: Any) -> None:
        self.prober, self.clock, self.routes, self.notices = HeldProber(), FakeClock(AT), Routes(), Notices()
        self.errors: list[tuple[str, Exception]] = []
        self.tracing = Tracing(
            self.prober,
            self.clock,
            self.routes,  # type: ignore[arg-type]  # takes routes only
            warnings=self.notices,
            on_error=lambda name, error: self.errors.append((name, error)),
        )
        self.destinations = tuple(
            Destination(id=f"d{number}", name=f"D{number}", host=f"h{number}")
            for number in range(destinations)
        )
        self.job = Job(
            id="job",
            name="Job",
            selectors=(Selector(kind="all"),),
            schedule=Schedule(interval=timedelta(seconds=10), zone="UTC"),
            echo=EchoSettings(**echo),
            trace_routes=trace_routes,
        )
        self.load()

    def load(self, *destinations: Destination) -> None:
        self.destinations = destinations or self.destinations
        other = self.job.model_copy(update={"id": "other", "name": "Other", "trace_routes": False})
        self.tracing.load(
            Definitions(destinations=self.destinations, jobs=(self.job, other)),
            Settings(thresholds=Thresholds(rtt_critical_ms=250)),
        )

    def round(
        self, seconds: float, outcome: Outcome = QUICK, *, down: Sequence[str] = (), job: str = "job"
    ) -> RoundRecord:
        """The record of a round at so many seconds, all of whose destinations found this."""
        tick_at = AT + timedelta(seconds=seconds)
        run = JobRun(
            run_id="run",
            job_id=job,
            tick_at=tick_at,
            started_at=tick_at,
            finished_at=tick_at,
            outcome=RunCompleted(up=1, down=0),
        )
        samples = [
            Sample(
                at=tick_at, job_id=job, destination_id=each.id, run_id="run", interval_s=10, outcome=outcome
            )
            for each in self.destinations
        ]
        events = [
            StateChanged(at=tick_at, destination_id=each, before=State.UP, after=State.DOWN, reason="")
            for each in down
        ]
        return RoundRecord(run=run, samples=samples, events=events)

    async def note(self, seconds: float, outcome: Outcome = QUICK, **more: Any) -> None:
        """Note a round at so many seconds, and let what may be traced be traced."""
        self.clock.advance(seconds=max(0.0, seconds - (self.clock.now() - AT).total_seconds()))
        self.tracing.note(self.round(seconds, outcome, **more))
        await settle()


async def settle() -> None:
    """Let what can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def run(test: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(30):
            await test()

    asyncio.run(bounded())


# --- Asked for


def test_what_is_asked_for_is_traced_told_and_stored() -> None:
    async def test() -> None:
        world = World()
        world.prober.traces = {"h1": (NameNotResolved(reason="no such name"),)}
        found = await world.tracing.trace(world.destinations, hosts=["192.0.2.7"], rounds=5)
        assert [(each.destination and each.destination.id, each.host, each.at) for each in found] == [
            ("d0", "h0", AT),
            ("d1", "h1", AT),
            (None, "192.0.2.7", AT),
        ]
        assert [each.found for each in found] == [FOUND, NameNotResolved(reason="no such name"), FOUND]
        assert {settings.rounds for _, settings in world.prober.traced} == {5}
        # A name that does not exist has no route; a host that is no destination has no place in the store.
        assert world.routes.added == [
            TracedRoute(at=AT, destination_id="d0", reason=TraceReason.ASKED, trace=FOUND)
        ]

    run(test)


def test_what_cannot_be_sent_is_told_to_who_asked_and_to_nobody_else() -> None:
    async def test() -> None:
        world = World()
        world.prober.error = PrivilegeMissing("You may not send.")
        with pytest.raises(PrivilegeMissing, match="You may not send"):
            await world.tracing.trace(world.destinations[:1], rounds=3)
        assert world.notices.texts() == ()

    run(test)


def test_who_asks_for_the_same_host_twice_gets_two_traces_one_after_the_other() -> None:
    async def test() -> None:
        world = World()
        both = asyncio.gather(
            world.tracing.trace(world.destinations[:1], rounds=3),
            world.tracing.trace([], hosts=[" H0 "], rounds=7),
        )
        await settle()
        await both
        assert [(host, settings.rounds) for host, settings in world.prober.traced] == [("h0", 3), (" H0 ", 7)]
        assert world.prober.most == 1

    run(test)


def test_a_trace_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracing, "LOOKING_UP_S", 0.0)
    monkeypatch.setattr(tracing, "_longest_s", lambda settings, packets_per_second: 0.0)

    async def test() -> None:
        world = World()
        world.prober.gate.clear()
        with pytest.raises(ProbeEngineError, match=r"The trace to h0 did not end within 0 s"):
            await world.tracing.trace(world.destinations[:1], rounds=3)

    run(test)


def test_a_trace_has_time_for_its_rounds_its_time_outs_and_its_turn_among_others() -> None:
    settings = TraceSettings(rounds=3, max_hops=30, interval_ms=500, timeout_ms=1_000)
    assert tracing._longest_s(settings, 2_000) == pytest.approx(1.5 + 30 + 8 * 90 / 2_000)
    assert tracing._longest_s(settings, 10) == pytest.approx(1.5 + 30 + 72)


# --- Scheduled


def test_a_job_traces_its_destinations_with_its_rounds_but_once_a_minute_at_most() -> None:
    async def test() -> None:
        world = World(dscp=46)
        for seconds in range(0, 130, 10):
            await world.note(seconds)
        assert world.prober.hosts == ["h0", "h1"] * 3
        assert [(each.at, each.reason) for each in world.routes.added[::2]] == [
            (AT + timedelta(seconds=seconds), TraceReason.SCHEDULED) for seconds in (0, 60, 120)
        ]
        assert {settings.dscp for _, settings in world.prober.traced} == {46}

    run(test)


def test_a_job_that_does_not_ask_for_it_traces_nothing() -> None:
    async def test() -> None:
        world = World(trace_routes=False)
        await world.note(0)
        assert world.prober.hosts == []

    run(test)


def test_a_round_that_failed_traces_nothing() -> None:
    async def test() -> None:
        world = World()
        record = world.round(0)
        failed = JobRun(
            run_id="run", job_id="job", tick_at=AT, started_at=AT, finished_at=AT, outcome=RunFailed(error="")
        )
        world.tracing.note(RoundRecord(run=failed, samples=record.samples))
        await settle()
        assert world.prober.hosts == []

    run(test)


def test_a_clock_that_was_set_back_does_not_keep_the_traces_waiting() -> None:
    async def test() -> None:
        world = World(1)
        await world.note(3_600)
        await world.note(10)
        assert world.prober.hosts == ["h0", "h0"]

    run(test)


def test_not_more_than_some_are_traced_at_once_and_none_twice() -> None:
    async def test() -> None:
        world = World(20)
        world.prober.gate.clear()
        await world.note(0)
        await world.note(60)
        assert len(world.prober.under_way) == trace_queue.MOST_AT_ONCE == 8
        world.prober.gate.set()
        await settle()
        assert world.prober.most == 8
        assert sorted(world.prober.hosts) == sorted(each.host for each in world.destinations)

    run(test)


def test_what_nobody_has_room_for_is_left_out_told_and_first_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trace_queue, "MOST_WAITING", 3)
    monkeypatch.setattr(trace_queue, "MOST_AT_ONCE", 1)

    async def test() -> None:
        world = World(6)
        world.prober.gate.clear()
        await world.note(0)  # h0 is under way, h1 to h3 wait
        assert world.notices.texts() == (
            "2 traces of routes were left out, because more are due than can be made: trace fewer destinations (the "
            "metric route on the sheet Jobs), or less often.",
        )
        world.prober.gate.set()
        await settle()
        assert world.prober.hosts == ["h0", "h1", "h2", "h3"]
        await world.note(60)
        assert world.prober.hosts[4:7] == ["h4", "h5", "h0"]

    run(test)


def test_the_warning_goes_when_nothing_waits_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_queue, "MOST_WAITING", 1)
    monkeypatch.setattr(trace_queue, "MOST_AT_ONCE", 1)

    async def test() -> None:
        world = World(3)
        world.prober.gate.clear()
        await world.note(0)
        assert world.notices.texts("traces left out")[0].startswith("1 trace of a route was left out")
        world.prober.gate.set()
        await settle()
        assert world.notices.texts() == ()

    run(test)


# --- By itself


def test_a_destination_that_goes_down_is_traced_at_once_and_not_again_within_five_minutes() -> None:
    async def test() -> None:
        world = World(trace_routes=False)
        await world.note(0, down=["d1"])
        await world.note(100, down=["d1"])
        await world.note(290, down=["d0"])
        assert world.prober.hosts == ["h1", "h0"]
        await world.note(300, down=["d1"])
        assert world.prober.hosts == ["h1", "h0", "h1"]
        assert {each.reason for each in world.routes.added} == {TraceReason.DOWN}

    run(test)


def test_a_critical_rtt_is_traced_once_as_long_as_it_stays_so() -> None:
    async def test() -> None:
        world = World(1, trace_routes=False)
        for seconds in (0, 10, 400, 800):
            await world.note(seconds, SLOW)
        assert world.prober.hosts == ["h0"]
        await world.note(810, SILENT)  # says nothing of the RTT
        await world.note(820, SLOW)
        assert world.prober.hosts == ["h0"]
        await world.note(830, QUICK)
        await world.note(840, SLOW)
        assert [each.reason for each in world.routes.added] == [TraceReason.CRITICAL] * 2

    run(test)


def test_a_critical_rtt_that_comes_back_within_five_minutes_is_traced_when_they_are_over() -> None:
    async def test() -> None:
        world = World(1, trace_routes=False)
        for seconds, outcome in ((0, SLOW), (10, QUICK), (20, SLOW), (290, SLOW)):
            await world.note(seconds, outcome)
        assert world.prober.hosts == ["h0"]
        await world.note(300, SLOW)
        await world.note(700, SLOW)
        assert world.prober.hosts == ["h0", "h0"]

    run(test)


def test_several_jobs_that_find_an_rtt_critical_make_one_trace() -> None:
    async def test() -> None:
        world = World(1, trace_routes=False)
        for seconds in (0, 400):
            for job in ("job", "other"):
                await world.note(seconds, SLOW, job=job)
        # It is critical still for the one of them.
        await world.note(410, QUICK)
        await world.note(820, SLOW)
        assert world.prober.hosts == ["h0"]

    run(test)


def test_a_destinations_own_threshold_counts() -> None:
    async def test() -> None:
        world = World(1, trace_routes=False)
        own = Thresholds(rtt_critical_ms=500)
        none = Thresholds(rtt_warning_ms=400)  # contradicts the default, which therefore does not hold
        world.load(
            Destination(id="d0", name="D0", host="h0", thresholds=own),
            Destination(id="d1", name="D1", host="h1", thresholds=none),
            Destination(id="d2", name="D2", host="h2"),
        )
        await world.note(0, SLOW)
        assert world.prober.hosts == ["h2"]

    run(test)


def test_what_is_no_longer_in_force_is_not_traced_and_forgotten() -> None:
    async def test() -> None:
        world = World(2, trace_routes=False)
        await world.note(0, down=["d1"])
        both = world.destinations
        world.load(both[0])
        await world.note(10, down=["d1"])
        assert world.prober.hosts == ["h1"]
        world.load(*both)
        await world.note(20, down=["d1"])
        assert world.prober.hosts == ["h1", "h1"]

    run(test)


def test_the_urgent_goes_first_and_takes_the_place_of_what_is_scheduled(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trace_queue, "MOST_WAITING", 3)
    monkeypatch.setattr(trace_queue, "MOST_AT_ONCE", 1)

    async def test() -> None:
        world = World(4)
        world.prober.gate.clear()
        await world.note(0)  # h0 is under way; h1, h2, h3 wait
        await world.note(1, down=["d2"])  # waits already, and is more urgent now
        asked = asyncio.ensure_future(world.tracing.trace([], hosts=["asked"], rounds=3))
        await settle()
        assert world.notices.texts("traces left out")[0].startswith("1 trace of a route was left out")
        world.prober.gate.set()
        await asked
        await settle()
        assert world.prober.hosts == ["h0", "asked", "h2", "h1"]
        assert [each.reason for each in world.routes.added] == [
            TraceReason.SCHEDULED,
            TraceReason.DOWN,
            TraceReason.SCHEDULED,
        ]
        # What had to give way is not as if it had been traced.
        await world.note(11)
        assert world.prober.hosts[4:] == ["h3"]

    run(test)


def test_where_only_the_urgent_waits_the_asked_for_takes_its_place_and_at_last_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trace_queue, "MOST_WAITING", 1)
    monkeypatch.setattr(trace_queue, "MOST_AT_ONCE", 1)

    async def test() -> None:
        world = World(3, trace_routes=False)
        world.prober.gate.clear()
        await world.note(0, down=["d0", "d1", "d2"])
        assert world.notices.texts("traces left out")[0].startswith("1 trace")
        asked = asyncio.ensure_future(world.tracing.trace([], hosts=["a"], rounds=3))
        await settle()
        with pytest.raises(RoundUnderWay, match="Too many routes"):
            await world.tracing.trace([], hosts=["b"], rounds=3)
        await world.note(1, down=["d2"])
        world.prober.gate.set()
        await asked
        assert world.prober.hosts == ["h0", "a"]

    run(test)


# --- Failures and the end


def test_a_failing_trace_is_a_warning_until_one_succeeds() -> None:
    async def test() -> None:
        world = World(1)
        world.prober.error = PrivilegeMissing("You may not send.")
        await world.note(0)
        assert world.notices.texts() == ("The route to h0 could not be traced: You may not send.",)
        world.prober.error = None
        await world.note(60)
        assert world.notices.texts() == ()
        assert len(world.routes.added) == 1

    run(test)


def test_what_nobody_foresaw_is_reported_and_the_next_trace_is_made() -> None:
    async def test() -> None:
        world = World(1)
        world.prober.odd = ValueError("odd")
        await world.note(0)
        assert [(name, repr(error)) for name, error in world.errors] == [
            ("tracing routes", "ValueError('odd')")
        ]
        world.prober.odd = None
        await world.note(60)
        assert len(world.routes.added) == 1

    run(test)


def test_at_the_end_nothing_is_left_under_way_and_nothing_begins() -> None:
    async def test() -> None:
        world = World(20)
        world.prober.gate.clear()
        asked = [
            asyncio.ensure_future(world.tracing.trace([], hosts=[f"a{number}"], rounds=3))
            for number in range(10)
        ]
        await settle()
        await world.note(0)
        begun = len(world.prober.hosts)
        late = asyncio.ensure_future(world.tracing.trace([], hosts=["late"], rounds=3))
        await world.tracing.close()
        results = await asyncio.gather(*asked, late, return_exceptions=True)
        assert {type(each) for each in results} <= {asyncio.CancelledError, RoundUnderWay}
        assert world.prober.under_way == []
        await world.note(60, down=["d3"])
        with pytest.raises(RoundUnderWay):
            await world.tracing.trace([], hosts=["a"], rounds=3)
        assert len(world.prober.hosts) == begun
        assert world.routes.added == []

    run(test)


def test_a_trace_that_was_not_begun_yet_is_given_up_as_well() -> None:
    async def test() -> None:
        world = World(1)
        asked = asyncio.ensure_future(world.tracing.trace([], hosts=["a"], rounds=3))
        for _ in range(2):  # its task exists then, and had no turn yet
            await asyncio.sleep(0)
        await world.tracing.close()
        with pytest.raises(asyncio.CancelledError):
            await asked
        assert world.prober.hosts == []

    run(test)


def test_who_asked_and_went_away_spoils_nothing() -> None:
    async def test() -> None:
        world = World(1)
        world.prober.gate.clear()
        asked = asyncio.ensure_future(world.tracing.trace(world.destinations, rounds=3))
        await settle()
        asked.cancel()
        await settle()
        world.prober.gate.set()
        await settle()
        assert len(world.routes.added) == 1
        world.prober.gate.clear()
        world.prober.error = PrivilegeMissing("You may not send.")
        again = asyncio.ensure_future(world.tracing.trace(world.destinations, rounds=3))
        await settle()
        again.cancel()
        world.prober.gate.set()
        await settle()
        assert world.errors == []

    run(test)
