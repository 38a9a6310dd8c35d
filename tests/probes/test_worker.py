"""What the probing process does with its orders, without a process."""

import asyncio
import io
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from netstats_xl.domain.results import NameNotResolved
from netstats_xl.domain.targets import TraceSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes.worker import (
    PART,
    Answer,
    CancelOrder,
    LimitOrder,
    ProbeOrder,
    Ready,
    TraceOrder,
    Worker,
    receive,
    send,
    serve,
)
from tests.contracts.prober import SETTINGS, on_selector_loop
from tests.fakes.scripted_network import ScriptedProber, ScriptedRound, replied


def messages(stream: io.BytesIO) -> list[object]:
    """What was written so far."""
    copy = io.BytesIO(stream.getvalue())
    found: list[object] = []
    while copy.tell() < len(stream.getvalue()):
        found.append(receive(copy))
    return found


def order(number: int, *hosts: str, more: bool = False) -> ProbeOrder:
    some = [ProbeTarget(destination_id=host, host=host) for host in hosts]
    return ProbeOrder(number=number, targets=some, settings=SETTINGS, more=more)


def with_worker(prober: ScriptedProber, steps: Callable[[Worker], Coroutine[Any, Any, None]]) -> list[object]:
    """Run steps with a worker; what it answered."""
    answers = io.BytesIO()

    async def main() -> None:
        worker = Worker(prober, answers)
        await steps(worker)
        for _ in range(1_000):
            if not worker._tasks:
                break
            await asyncio.sleep(0)
        worker._writer.shutdown()
        await worker.close()

    on_selector_loop(main())
    return messages(answers)


def test_the_orders_of_a_round_are_one_round() -> None:
    prober = ScriptedProber(dict.fromkeys("abc", replied(1.0)))

    async def steps(worker: Worker) -> None:
        worker.take(order(7, "a", more=True))
        worker.take(order(7, "b", more=True))
        assert prober.rounds == []
        worker.take(order(7, "c"))

    (answer,) = with_worker(prober, steps)
    assert isinstance(answer, Answer)
    assert (answer.number, answer.more) == (7, False)
    assert isinstance(answer.found, list)
    assert [result.destination_id for result in answer.found] == ["a", "b", "c"]
    assert [[target.host for target in each.targets] for each in prober.rounds] == [["a", "b", "c"]]


def test_many_results_are_answered_in_parts() -> None:
    hosts = [f"host-{number}" for number in range(2 * PART + 1)]

    async def steps(worker: Worker) -> None:
        worker.take(order(1, *hosts))

    answers = with_worker(ScriptedProber(), steps)
    found: list[str] = []
    for answer in answers:
        assert isinstance(answer, Answer)
        assert isinstance(answer.found, list)
        found += [result.destination_id for result in answer.found]
    assert [answer.more for answer in answers if isinstance(answer, Answer)] == [True, True, False]
    assert found == hosts


def test_a_round_that_is_cancelled_before_it_began_leaves_nothing_behind() -> None:
    prober = ScriptedProber()

    async def steps(worker: Worker) -> None:
        worker.take(order(1, "a"))
        worker.take(CancelOrder(number=1))
        worker.take(CancelOrder(number=99))  # it is over already
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert worker._tasks == {}

    assert with_worker(prober, steps) == []


def test_a_round_that_is_cancelled_answers_nothing_and_the_next_one_does() -> None:
    gate = asyncio.Event()

    async def wait(_round: ScriptedRound) -> None:
        await gate.wait()

    prober = ScriptedProber(before_round=wait)

    async def steps(worker: Worker) -> None:
        worker.take(order(1, "a"))
        await asyncio.sleep(0)
        worker.take(CancelOrder(number=1))
        worker.take(order(2, "b"))
        gate.set()

    (answer,) = with_worker(prober, steps)
    assert isinstance(answer, Answer)
    assert answer.number == 2


def test_traces_and_limits_are_carried_out() -> None:
    prober = ScriptedProber()

    async def steps(worker: Worker) -> None:
        worker.take(LimitOrder(packets_per_second=300))
        worker.take(TraceOrder(number=3, host="a", settings=TraceSettings(rounds=2)))

    answers = with_worker(prober, steps)
    assert answers == [Answer(number=3, found=NameNotResolved(reason="no such name"))]
    assert prober.limits == [300]
    assert prober.traced == [("a", TraceSettings(rounds=2))]


def test_errors_are_answers() -> None:
    prober = ScriptedProber({"odd": lambda _number: 1 / 0})  # type: ignore[dict-item,return-value]  # it breaks

    async def steps(worker: Worker) -> None:
        worker.take(order(1, "odd"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        prober.error = BackendUnavailable("no network")
        worker.take(order(2, "a"))

    unforeseen, foreseen = with_worker(prober, steps)
    assert isinstance(unforeseen, Answer)
    assert "ZeroDivisionError" in str(unforeseen.found)
    assert isinstance(foreseen, Answer)
    assert isinstance(foreseen.found, BackendUnavailable)


def served(*orders: object, cut: int = 0) -> list[object]:
    """What is answered to these orders, the last of which lacks so many bytes."""
    stream = io.BytesIO()
    for each in orders:
        send(stream, each)
    stream.truncate(len(stream.getvalue()) - cut)
    stream.seek(0)
    answers = io.BytesIO()
    on_selector_loop(serve(stream, answers))
    return messages(answers)


def test_the_first_answer_tells_that_it_is_ready_and_how_it_sends() -> None:
    assert served(ScriptedProber) == [Ready(described="scripted network")]


def test_it_ends_with_its_orders_also_in_the_middle_of_one() -> None:
    assert served(ScriptedProber, order(1, "a"), cut=5) == [Ready(described="scripted network")]


def refuse() -> ScriptedProber:
    raise BackendUnavailable("no network")


def break_down() -> ScriptedProber:
    raise ZeroDivisionError("odd")


@pytest.mark.parametrize(
    ("first", "words"),
    [(refuse, "no network"), (break_down, "ZeroDivisionError"), ("no function", "no function")],
)
def test_where_there_can_be_no_prober_the_first_answer_says_why(first: object, words: str) -> None:
    (answer,) = served(first)
    assert isinstance(answer, BackendUnavailable)
    assert words in answer.message
