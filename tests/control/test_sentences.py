from collections.abc import Sequence

import pytest

from netstats_xl.app import service
from netstats_xl.app.service import DestinationEntry, Figures, JobEntry, Synced
from netstats_xl.control import sentences
from netstats_xl.domain.results import (
    NameNotResolved,
    Outcome,
    Period,
    Replied,
    SendFailed,
    State,
    Timeout,
)
from netstats_xl.domain.rollups import Summary
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.states import DestinationStatus, JobState, JobStatus
from netstats_xl.domain.targets import Destination, Job, Selector
from netstats_xl.domain.windows import Schedule, parse_interval
from netstats_xl.errors import CellError
from tests.fakes.service import NOW

REPLY = Replied(address="127.0.0.1", rtts_ms=(0.25, 0.75))
SILENCE = Timeout(address="127.0.0.1", sent=4)
BAD = CellError(sheet="Jobs", cell="B7", value="x", message="write y")


def destination(name: str) -> Destination:
    return Destination(id=name, name=name, host="127.0.0.1")


def results_of(outcomes: Sequence[Outcome]) -> list[service.TestResult]:
    return [
        service.TestResult(destination=destination(f"D{number}"), at=NOW, outcome=outcome)
        for number, outcome in enumerate(outcomes, start=1)
    ]


@pytest.mark.parametrize(
    ("outcomes", "told"),
    [
        ([], "No destination was tested."),
        ([REPLY], "D1 answers: 0.5 ms."),
        ([SILENCE], "D1 does not answer: no reply in time."),
        ([NameNotResolved(reason="no such name")], "D1 does not answer: name not resolved: no such name."),
        ([REPLY, REPLY], "All 2 destinations answer."),
        ([REPLY, SILENCE], "1 of 2 destinations answer; no reply from D2."),
        ([SILENCE] * 5, "0 of 5 destinations answer; no reply from D1, D2, D3 and 2 more."),
    ],
)
def test_what_tests_found(outcomes: Sequence[Outcome], told: str) -> None:
    assert sentences.tested(results_of(outcomes)) == told


def found(*addresses: str, reached: bool = True) -> Trace:
    hops = tuple(
        Hop(ttl=ttl, sent=1, replies=(HopReply(address=each, rtt_ms=1.0),) if each else ())
        for ttl, each in enumerate(addresses, start=1)
    )
    return Trace(address="192.0.2.9", hops=hops, reached=reached)


@pytest.mark.parametrize(
    ("traces", "told"),
    [
        ([], "No route was traced."),
        ([found("a", "192.0.2.9")], "D1 is reached, 2 hops away."),
        ([found("192.0.2.9")], "D1 is reached, 1 hop away."),
        ([found("a", "b", "", reached=False)], "D1 is not reached: the last answer comes from hop 2, b."),
        ([found(reached=False)], "D1 is not reached: no router on the way answers."),
        (
            [NameNotResolved(reason="no such name")],
            "The route to D1 cannot be traced: name not resolved: no such name.",
        ),
        ([found("a"), found("b")], "All 2 hosts are reached."),
        ([found("a"), found("b", reached=False)], "1 of 2 hosts are reached; not D2."),
        (
            [found("a"), SendFailed(address="192.0.2.9", reason="no route")],
            "1 of 2 hosts are reached; not D2.",
        ),
    ],
)
def test_what_traces_found(traces: Sequence[Trace | NameNotResolved | SendFailed], told: str) -> None:
    results = [
        service.TraceResult(destination=destination(f"D{number}"), host="h", at=NOW, found=each)
        for number, each in enumerate(traces, start=1)
    ]
    assert sentences.traced(results) == told


def test_a_traced_host_that_is_no_destination_is_told_as_such() -> None:
    result = service.TraceResult(destination=None, host="192.0.2.9", at=NOW, found=found("192.0.2.9"))
    assert sentences.traced([result]) == "192.0.2.9 is reached, 1 hop away."


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"state": State.UP, "last_rtt_ms": 12.3456}, "Router is up, 12.3 ms."),
        ({"state": State.DOWN, "problems": "no reply in time"}, "Router is down: no reply in time."),
    ],
)
def test_how_a_destination_is(status: dict[str, object], told: str) -> None:
    entry = DestinationEntry(
        destination=destination("Router"),
        status=DestinationStatus(destination_id="Router", **status),  # type: ignore[arg-type] # the cases' values
    )
    assert sentences.destination_is(entry) == told


def test_how_a_job_goes() -> None:
    job = Job(
        id="1",
        name="All",
        selectors=(Selector(kind="all"),),
        schedule=Schedule(interval=parse_interval("10s")),
    )
    status = JobStatus(job_id="1", state=JobState.FAILING, last_error="no privilege")
    entry = JobEntry(job=job, status=status, destinations=1)
    assert sentences.job_is(entry) == "All is failing, with 1 destination: no privilege."


@pytest.mark.parametrize(
    ("synced", "told"),
    [
        (Synced(destinations=1, jobs=0), "Read 1 destination and 0 jobs."),
        (
            Synced(destinations=2, jobs=1, cell_errors=(BAD, BAD)),
            "Read 2 destinations and 1 job; 2 cells must be corrected, first Jobs!B7 holds 'x': write y.",
        ),
        (
            Synced(destinations=2, jobs=1, held=True, warnings=("9 of 10 rows would go: confirm it.",)),
            "Nothing was changed. 9 of 10 rows would go: confirm it.",
        ),
    ],
)
def test_what_came_of_reading_the_workbook(synced: Synced, told: str) -> None:
    assert sentences.synced(synced) == told


@pytest.mark.parametrize(
    ("overall", "told"),
    [
        (Summary(), "Nothing was measured in the last 1h."),
        (Summary(rounds_down=2, down_s=20, sent=8), "0 % available, loss 100 % in the last 1h."),
        (Summary(rounds_down=2), "No packet was sent in the last 1h."),
    ],
)
def test_the_figures_that_matter_most(overall: Summary, told: str) -> None:
    period = Period(start=NOW, end=NOW)
    assert sentences.figures(Figures(period=period, overall=overall, destinations=()), "1h") == told


def test_what_was_added_and_what_was_not() -> None:
    assert sentences.added([], [BAD]) == "Nothing was added. Not added: x (write y)."
