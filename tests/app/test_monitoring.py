"""Rounds, missed ticks and states, with a clock and a network that do as they are told."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from netstats_xl.app.backlog import Backlog
from netstats_xl.app.monitoring import Monitoring
from netstats_xl.domain.results import (
    NO_STRAYS,
    Batch,
    JobRun,
    JobTotals,
    LatestSample,
    MissedReason,
    NameNotResolved,
    Outcome,
    Replied,
    RoundResult,
    RunCompleted,
    RunFailed,
    RunMissed,
    Sample,
    SendFailed,
    State,
    StateChanged,
    Strays,
    Timeout,
)
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.states import JobState
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
from netstats_xl.errors import PrivilegeMissing
from netstats_xl.ports import ProbeTarget
from tests.fakes.clock import FakeClock

AT = datetime(2026, 11, 23, 8, 0, 0, tzinfo=UTC)
REPLY = Replied(address="127.0.0.1", rtts_ms=(1.0, 2.0))
SILENCE = Timeout(address="127.0.0.1", sent=2)


class Network:
    """A prober that answers by host, and may take its time or fail."""

    def __init__(self, outcomes: Mapping[str, Outcome]) -> None:
        self.outcomes = dict(outcomes)
        self.rounds: list[list[str]] = []
        self.error: Exception | None = None
        self.strays = NO_STRAYS
        """Of every result."""
        self.gate = asyncio.Event()
        self.gate.set()

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        self.rounds.append([target.host for target in targets])
        await self.gate.wait()
        if self.error:
            raise self.error
        return [
            RoundResult(
                destination_id=target.destination_id,
                outcome=self.outcomes[target.host],
                strays=self.strays,
            )
            for target in targets
        ]

    async def trace(self, host: str, settings: TraceSettings) -> Trace | NameNotResolved | SendFailed:
        raise AssertionError("nobody asks for a route here")

    async def limit(self, packets_per_second: int) -> None:
        """Any will do."""

    def describe(self) -> str:
        return "a network by hand"

    async def close(self) -> None:
        """Nothing to close."""


class Saved:
    """A store that only takes batches."""

    def __init__(self) -> None:
        self.runs: list[JobRun] = []
        self.samples: list[Sample] = []
        self.events: list[StateChanged] = []

    def save(self, batch: Batch) -> None:
        self.runs.extend(batch.runs)
        self.samples.extend(batch.samples)
        self.events.extend(batch.events)


def destination(name: str, **more: object) -> Destination:
    return Destination.model_validate({"id": f"id-{name}", "name": name, "host": f"{name}.example", **more})


def job(interval_s: int = 10, **more: object) -> Job:
    fields = {
        "id": "job",
        "name": "All",
        "selectors": (Selector(kind="all"),),
        "schedule": Schedule(interval=timedelta(seconds=interval_s)),
    }
    return Job.model_validate({**fields, **more})


class Bench:
    """A monitoring with everything around it under control."""

    def __init__(
        self,
        destinations: Sequence[Destination],
        jobs: Sequence[Job],
        outcomes: Mapping[str, Outcome],
        *,
        settings: Settings | None = None,
        states: Mapping[str, State] | None = None,
        latest: Mapping[str, LatestSample] | None = None,
        totals: Mapping[str, JobTotals] | None = None,
    ) -> None:
        self.clock = FakeClock(AT)
        self.network = Network(outcomes)
        self.saved = Saved()
        numbers = count()
        self.backlog = Backlog(self.saved, self.clock, lambda: f"id{next(numbers)}")  # type: ignore[arg-type]  # saves only
        self.monitoring = Monitoring(
            self.network,
            self.clock,
            self.backlog,
            lambda: f"run{next(numbers)}",
            states=states or {},
            latest=latest or {},
            totals=totals or {},
        )
        self.settings = settings or Settings()
        self.load(destinations, jobs)

    def load(self, destinations: Sequence[Destination], jobs: Sequence[Job]) -> None:
        self.monitoring.load(Definitions(destinations=tuple(destinations), jobs=tuple(jobs)), self.settings)

    async def tick(self, *, after_s: float, job_id: str = "job") -> None:
        self.clock.advance(seconds=after_s)
        await self.monitoring.tick(job_id)
        self.backlog.flush()

    def missed(self) -> list[tuple[int, MissedReason]]:
        return [
            (run.outcome.ticks, run.outcome.reason)
            for run in self.saved.runs
            if isinstance(run.outcome, RunMissed)
        ]


def test_a_due_tick_makes_a_round_whose_samples_bear_the_ticks_instant() -> None:
    bench = Bench([destination("a"), destination("b")], [job()], {"a.example": REPLY, "b.example": SILENCE})
    asyncio.run(bench.tick(after_s=10.2))
    assert [(sample.at, sample.destination_id, sample.interval_s) for sample in bench.saved.samples] == [
        (AT + timedelta(seconds=10), "id-a", 10.0),
        (AT + timedelta(seconds=10), "id-b", 10.0),
    ]
    (run,) = bench.saved.runs
    assert run.tick_at == AT + timedelta(seconds=10)
    assert run.outcome == RunCompleted(up=1, down=1)
    assert {sample.run_id for sample in bench.saved.samples} == {run.run_id}


def test_a_call_before_the_tick_or_twice_for_one_tick_does_nothing() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})

    async def calls() -> None:
        await bench.tick(after_s=9)
        await bench.tick(after_s=1)
        await bench.tick(after_s=0.1)

    asyncio.run(calls())
    assert len(bench.network.rounds) == 1


def test_only_enabled_selected_destinations_are_probed() -> None:
    chosen = job(selectors=(Selector(kind="group", value="LAN"),))
    destinations = [
        destination("a", group="lan"),
        destination("b"),
        destination("c", group="lan", enabled=False),
    ]
    bench = Bench(destinations, [chosen], {"a.example": REPLY})
    asyncio.run(bench.tick(after_s=10))
    assert bench.network.rounds == [["a.example"]]


def test_ticks_that_passed_while_the_machine_slept_are_counted_once_and_not_made_up_for() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})

    async def calls() -> None:
        await bench.tick(after_s=10)
        await bench.tick(after_s=3_600.5)
        await bench.tick(after_s=9.5)

    asyncio.run(calls())
    # The tick at the moment of waking is on time, the 359 before it are lost.
    assert bench.missed() == [(359, MissedReason.LATE)]
    assert len(bench.network.rounds) == 3
    (missed,) = [run for run in bench.saved.runs if isinstance(run.outcome, RunMissed)]
    assert missed.tick_at == AT + timedelta(seconds=20)
    assert isinstance(missed.outcome, RunMissed)
    assert missed.outcome.last_tick_at == AT + timedelta(seconds=3_600)


def test_a_tick_noticed_too_late_is_missed_rather_than_made_off_the_grid() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})
    asyncio.run(bench.tick(after_s=15.1))
    assert bench.missed() == [(1, MissedReason.LATE)]
    assert bench.network.rounds == []


def test_a_round_that_outlasts_its_interval_costs_the_next_tick_and_that_is_counted() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})

    async def calls() -> None:
        bench.network.gate.clear()
        bench.clock.advance(seconds=10)
        long_round = asyncio.create_task(bench.monitoring.tick("job"))
        await asyncio.sleep(0)
        await bench.tick(after_s=10)
        bench.network.gate.set()
        await long_round
        await bench.tick(after_s=10)

    asyncio.run(calls())
    assert bench.missed() == [(1, MissedReason.OVERRUN)]
    assert len(bench.network.rounds) == 2
    assert sorted({sample.at for sample in bench.saved.samples}) == [
        AT + timedelta(seconds=10),
        AT + timedelta(seconds=30),
    ]


def test_a_clock_set_back_makes_no_tick_twice() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})

    async def calls() -> None:
        await bench.tick(after_s=20)
        bench.clock.set(AT + timedelta(seconds=10))
        await bench.tick(after_s=0)

    asyncio.run(calls())
    assert [sample.at for sample in bench.saved.samples] == [AT + timedelta(seconds=20)]


def test_a_clock_set_back_by_much_does_not_end_the_measurement() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})

    async def calls() -> None:
        await bench.tick(after_s=20)
        bench.clock.set(AT - timedelta(hours=1))
        await bench.tick(after_s=0)
        await bench.tick(after_s=10)

    asyncio.run(calls())
    assert [sample.at - AT for sample in bench.saved.samples] == [
        timedelta(seconds=20),
        timedelta(seconds=-3_590),
    ]


def test_state_changes_become_events_after_k_of_n_rounds() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})

    async def calls() -> None:
        await bench.tick(after_s=10)
        bench.network.outcomes["a.example"] = SILENCE
        for _ in range(3):
            await bench.tick(after_s=10)

    asyncio.run(calls())
    assert [(event.at - AT, event.before, event.after) for event in bench.saved.events] == [
        (timedelta(seconds=10), State.UNKNOWN, State.UP),
        (timedelta(seconds=40), State.UP, State.DOWN),
    ]
    status = bench.monitoring.destination_status()["id-a"]
    assert status.state is State.DOWN
    assert status.last_rtt_ms is None
    assert status.loss_percent == 100
    assert status.last_seen_at == AT + timedelta(seconds=10)
    assert status.problems == "no reply in time"


def test_the_destinations_own_thresholds_go_before_the_settings() -> None:
    own = destination("a", thresholds=Thresholds(rtt_warning_ms=1.2))
    bench = Bench(
        [own, destination("b")],
        [job()],
        {"a.example": REPLY, "b.example": REPLY},
        settings=Settings(thresholds=Thresholds(rtt_warning_ms=50)),
    )

    async def calls() -> None:
        for _ in range(3):
            await bench.tick(after_s=10)

    asyncio.run(calls())
    states = {key: status.state for key, status in bench.monitoring.destination_status().items()}
    assert states == {"id-a": State.DEGRADED, "id-b": State.UP}


def test_a_name_that_cannot_be_resolved_is_down_and_spoils_no_other() -> None:
    outcomes: dict[str, Outcome] = {"a.example": NameNotResolved(reason="unknown name"), "b.example": REPLY}
    bench = Bench([destination("a"), destination("b")], [job()], outcomes)
    asyncio.run(bench.tick(after_s=10))
    status = bench.monitoring.destination_status()
    assert status["id-a"].loss_percent is None
    assert status["id-a"].problems == "name not resolved: unknown name"
    assert status["id-b"].last_rtt_ms == 1.5


def test_a_job_whose_round_cannot_be_made_is_failing_until_one_can() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})

    async def failing() -> None:
        bench.network.error = PrivilegeMissing("May not send.")
        await bench.tick(after_s=10)

    asyncio.run(failing())
    status = bench.monitoring.job_status(running=True)["job"]
    assert (status.state, status.last_error) == (JobState.FAILING, "May not send.")
    assert [run.outcome for run in bench.saved.runs] == [RunFailed(error="May not send.")]
    assert bench.saved.samples == []
    bench.network.error = None
    asyncio.run(bench.tick(after_s=10))
    status = bench.monitoring.job_status(running=True)["job"]
    assert (status.state, status.last_error, status.rounds_done) == (JobState.RUNNING, "", 1)


def test_an_unforeseen_failure_is_recorded_and_not_hidden() -> None:
    bench = Bench([destination("a")], [job()], {})
    with pytest.raises(KeyError):
        asyncio.run(bench.tick(after_s=10))
    bench.backlog.flush()
    (run,) = bench.saved.runs
    assert isinstance(run.outcome, RunFailed)
    assert "KeyError" in run.outcome.error


def test_totals_go_on_from_what_was_done_before() -> None:
    totals = {"job": JobTotals(rounds_done=100, ticks_missed=7, last_run_at=AT - timedelta(days=1))}
    bench = Bench([destination("a")], [job()], {"a.example": REPLY}, totals=totals)
    asyncio.run(bench.tick(after_s=30))
    status = bench.monitoring.job_status(running=True)["job"]
    assert (status.rounds_done, status.ticks_missed) == (101, 9)
    assert status.last_run_at == AT + timedelta(seconds=30)
    assert status.next_run_at == AT + timedelta(seconds=40)


def test_a_destination_keeps_the_state_that_the_store_knew_of_it() -> None:
    latest = LatestSample(destination_id="id-a", at=AT, outcome=REPLY, last_reply_at=AT)
    bench = Bench(
        [destination("a")],
        [job()],
        {"a.example": SILENCE},
        states={"id-a": State.UP},
        latest={"id-a": latest},
    )
    assert bench.monitoring.destination_status()["id-a"].state is State.UP
    asyncio.run(bench.tick(after_s=10))
    assert bench.saved.events == []
    assert bench.monitoring.destination_status()["id-a"].last_seen_at == AT


def test_a_changed_schedule_starts_afresh_and_an_unchanged_one_goes_on() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})

    async def calls() -> None:
        bench.clock.advance(seconds=25)
        bench.load([destination("a")], [job()])
        await bench.monitoring.tick("job")
        bench.clock.advance(seconds=20)
        bench.load([destination("a")], [job(interval_s=5)])
        await bench.monitoring.tick("job")
        await bench.tick(after_s=5)

    asyncio.run(calls())
    # The ticks at 10 s (and 20 s, noticed 5 s late: just within half the interval) belong to the old schedule.
    assert bench.missed() == [(1, MissedReason.LATE)]
    assert [sample.at - AT for sample in bench.saved.samples] == [
        timedelta(seconds=20),
        timedelta(seconds=50),
    ]


def test_ticks_of_jobs_that_are_gone_or_disabled_do_nothing() -> None:
    bench = Bench([destination("a")], [job(enabled=False)], {"a.example": REPLY})

    async def calls() -> None:
        await bench.tick(after_s=10)
        await bench.tick(after_s=10, job_id="gone")

    asyncio.run(calls())
    assert bench.network.rounds == []
    status = bench.monitoring.job_status(running=True)["job"]
    assert (status.state, status.next_run_at) == (JobState.DISABLED, None)


def test_nothing_is_due_next_when_nobody_collects() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})
    status = bench.monitoring.job_status(running=False)["job"]
    assert (status.state, status.next_run_at) == (JobState.STOPPED, None)


def test_replies_that_count_for_nothing_are_stored_and_told() -> None:
    bench = Bench([destination("a")], [job()], {"a.example": REPLY})
    bench.network.strays = Strays(duplicates=2)
    asyncio.run(bench.tick(after_s=10))
    assert [sample.strays for sample in bench.saved.samples] == [Strays(duplicates=2)]
    status = bench.monitoring.destination_status()["id-a"]
    assert (status.state, status.answer, status.problems) == (State.UP, "127.0.0.1", "2 duplicate replies")
