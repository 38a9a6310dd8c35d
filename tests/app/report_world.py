"""A small world to report on: definitions, scripted rounds, and what the report is asked for."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from netstats_xl.app.outlook import Outlook, look
from netstats_xl.app.publishing import ReportInputs, report_view
from netstats_xl.app.retaining import Retaining
from netstats_xl.domain.results import (
    Batch,
    JobRun,
    Outcome,
    Period,
    Replied,
    RunCompleted,
    RunOutcome,
    Sample,
    State,
    StateChanged,
    Timeout,
    TracedRoute,
    TraceReason,
)
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.targets import Definitions, Destination, Job, Selector, Settings
from netstats_xl.domain.windows import Schedule
from tests.app.view_checks import CheckedView, check_view
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore

END = datetime(2026, 11, 23, 13, 0, tzinfo=UTC)
DAY = Period(start=END - timedelta(days=1), end=END)
ZONE = "Europe/Berlin"

GATEWAY = Destination(id="d1", name="Gateway", host="10.0.0.1", group="Core", tags=("lan",))
WEB = Destination(id="d2", name="Web shop", host="www.example.com", group="Internet")
DEAD = Destination(id="d3", name="Printer", host="10.0.0.9", group="Core")
PING = Job(
    id="j1",
    name="Every minute",
    selectors=(Selector(kind="all"),),
    schedule=Schedule(interval=timedelta(minutes=1), zone=ZONE),
)
WORLD = Definitions(destinations=(GATEWAY, WEB, DEAD), jobs=(PING,))


def timed_out(packets: int = 4) -> Timeout:
    """A round without a reply."""
    return Timeout(address="10.0.0.9", sent=packets)


def replied(*rtts_ms: float | None) -> Replied:
    """A round with these RTTs; None is a lost packet."""
    return Replied(address="10.0.0.1", rtts_ms=rtts_ms)


class World:
    """A store that is filled by script, and reports from it."""

    def __init__(self, definitions: Definitions = WORLD) -> None:
        self.store = MemoryStore()
        self.store.save_definitions(definitions, at=DAY.start)
        self.inputs = ReportInputs(
            definitions=definitions,
            settings=Settings(zone=ZONE),
            period=DAY,
            generated_at=END,
            version="1.2.3",
            source="NetStats.xlsx",
        )
        self._batches = 0

    def outlook(self) -> Outlook:
        """How large the store is and becomes, at the end of the period."""
        settings, clock = self.inputs.settings, FakeClock(END)
        deletion = Retaining(self.store, clock).next(settings)
        return look(
            self.store, self.inputs.definitions, settings, stopped=(), now=clock.now(), deletion=deletion
        )

    def rounds(
        self,
        destination: Destination,
        at: datetime,
        *outcomes: Outcome,
        job: Job = PING,
        every: timedelta | None = None,
    ) -> None:
        """Save a round each interval from `at` on."""
        step = every or job.schedule.interval
        self._save(
            samples=[
                Sample(
                    at=at + number * step,
                    job_id=job.id,
                    destination_id=destination.id,
                    run_id=f"{job.id}-{number}",
                    interval_s=step.total_seconds(),
                    outcome=outcome,
                )
                for number, outcome in enumerate(outcomes)
            ]
        )

    def run(
        self, at: datetime, outcome: RunOutcome | None = None, job: Job = PING, duration_s: float = 1.25
    ) -> None:
        """Save a run of a job."""
        run = JobRun(
            run_id=f"{job.id}-{at:%H%M%S}",
            job_id=job.id,
            tick_at=at,
            started_at=at,
            finished_at=at + timedelta(seconds=duration_s),
            outcome=outcome or RunCompleted(up=2, down=1),
        )
        self._save(runs=[run])

    def event(
        self, destination: Destination, at: datetime, before: State, after: State, reason: str = ""
    ) -> None:
        """Save a change of state."""
        change = StateChanged(at=at, destination_id=destination.id, before=before, after=after, reason=reason)
        self._save(events=[change])

    def trace(
        self,
        destination: Destination,
        at: datetime,
        *hops: str,
        reached: bool = True,
        reason: TraceReason = TraceReason.SCHEDULED,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Save a trace whose hops answered from these addresses after as many ms, each all four packets.

        An empty address: nobody answered; one with a `?` after it: two of the packets were not answered.
        """
        found = Trace(
            address=hops[-1].rstrip("?") if reached else destination.host,
            hops=tuple(_hop(ttl, address) for ttl, address in enumerate(hops, start=1)),
            reached=reached,
            names=names or {},
        )
        self._save(routes=[TracedRoute(at=at, destination_id=destination.id, reason=reason, trace=found)])

    def _save(
        self,
        runs: Sequence[JobRun] = (),
        samples: Sequence[Sample] = (),
        events: Sequence[StateChanged] = (),
        routes: Sequence[TracedRoute] = (),
    ) -> None:
        self._batches += 1
        self.store.save(
            Batch(batch_id=str(self._batches), runs=runs, samples=samples, events=events, routes=routes)
        )

    def ask(self, **changes: object) -> None:
        """Change what the report is asked for."""
        self.inputs = replace(self.inputs, **changes)  # type: ignore[arg-type]  # the tests name the fields

    def report(self) -> CheckedView:
        """The report, after every check that holds of any view."""
        return check_view(report_view(self.store, self.inputs))


def _hop(ttl: int, address: str) -> Hop:
    answered = 0 if not address else 2 if address.endswith("?") else 4
    reply = HopReply(address=address.rstrip("?"), rtt_ms=float(ttl))
    return Hop(ttl=ttl, sent=4, replies=(reply,) * answered)


def ago(**duration: float) -> datetime:
    """So long before the period's end."""
    return END - timedelta(**duration)


def local(at: datetime) -> datetime:
    """The instant as Berlin's clocks show it in November."""
    return (at + timedelta(hours=1)).replace(tzinfo=None)
