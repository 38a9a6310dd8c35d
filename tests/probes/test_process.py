"""The prober in a process of its own: what it does over there comes back, also its failures and its end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import pytest

from netstats_xl.domain.results import NameNotResolved, RoundResult, SendFailed, Timeout
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.ports import Prober, ProbeTarget
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.process import ProcessProber
from netstats_xl.probes.resolver import Resolver
from netstats_xl.probes.worker import PART, MakeProber
from tests.contracts.prober import SETTINGS, RoutesContract, on_selector_loop, targets
from tests.contracts.prober import MakeProber as MakeContractProber
from tests.probes.test_prober_contract import offline_lookup, skip_unless_it_may_send

Ask = Callable[[str], "asyncio.Task[str]"]


class OddProber:
    """A prober of another process; the host says what it does."""

    def __init__(self) -> None:
        self.cancelled = 0
        self.limits: list[int] = []

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        host = targets[0].host
        if len(targets) > 1:
            return [
                RoundResult(target.destination_id, Timeout(address=target.host, sent=settings.packets))
                for target in targets
            ]
        if host == "dies":
            os._exit(3)
        if host == "fails":
            raise BackendUnavailable("no network over here")
        if host == "breaks":
            raise ZeroDivisionError("nobody foresaw this")
        if host == "waits":
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        if host == "prints":
            print("something that is no answer", flush=True)
        if host == "is interrupted":
            os.kill(os.getpid(), signal.SIGINT)
        known = {"pid": os.getpid(), "cancelled": self.cancelled, "limits": self.limits}
        answer = str(known.get(host, host))
        return [
            RoundResult(
                destination_id=targets[0].destination_id,
                outcome=Timeout(address=answer, sent=settings.packets),
            )
        ]

    async def trace(self, host: str, settings: TraceSettings) -> Trace | NameNotResolved | SendFailed:
        if host == "fails":
            raise BackendUnavailable("no network over here")
        if host == "waits":
            await self.probe(targets("waits"), SETTINGS)
        if host == "nowhere":
            return NameNotResolved(reason="no such name")
        hop = Hop(ttl=1, sent=settings.rounds, replies=(HopReply(address=host, rtt_ms=1.5),))
        return Trace(address=host, hops=(hop,), reached=True, names={host: "a.example"})

    async def limit(self, packets_per_second: int) -> None:
        self.limits.append(packets_per_second)

    def describe(self) -> str:
        return "odd"

    async def close(self) -> None:
        """Nothing to free."""


def make_nothing(error: Exception) -> Prober:
    raise error


def end_at_once() -> Prober:
    os._exit(3)


def probe_offline() -> Prober:
    prober = IcmpProber(resolver=Resolver(lookup=offline_lookup))
    prober.check_privilege()
    return prober


class TestProcessProber(RoutesContract):
    @pytest.fixture
    def make_prober(self) -> MakeContractProber:
        skip_unless_it_may_send()
        return lambda: ProcessProber.open(probe_offline)


def with_odd_prober(steps: Callable[[Ask], Coroutine[Any, Any, None]]) -> None:
    """Run steps with a function that probes a host over there and gives what it answered."""

    async def main() -> None:
        prober = ProcessProber.open(OddProber)

        async def ask(host: str) -> str:
            (result,) = await prober.probe(targets(host), SETTINGS)
            assert isinstance(result.outcome, Timeout)
            return result.outcome.address

        try:
            await steps(lambda host: asyncio.ensure_future(ask(host)))
        finally:
            await prober.close()

    on_selector_loop(main())


def test_rounds_are_made_in_one_other_process() -> None:
    async def steps(ask: Ask) -> None:
        first, second = await asyncio.gather(ask("pid"), ask("pid"))
        assert first == second != str(os.getpid())

    with_odd_prober(steps)


def test_what_is_printed_over_there_disturbs_no_answer() -> None:
    async def steps(ask: Ask) -> None:
        assert await ask("prints") == "prints"

    with_odd_prober(steps)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one process")
def test_an_interrupt_ends_no_round() -> None:
    async def steps(ask: Ask) -> None:
        assert await ask("is interrupted") == "is interrupted"

    with_odd_prober(steps)


def test_a_probe_engine_error_comes_back_as_it_is() -> None:
    async def steps(ask: Ask) -> None:
        with pytest.raises(BackendUnavailable, match="no network over here"):
            await ask("fails")
        assert await ask("afterwards") == "afterwards"

    with_odd_prober(steps)


def test_an_error_that_nobody_foresaw_is_told_and_the_next_round_is_made() -> None:
    async def steps(ask: Ask) -> None:
        with pytest.raises(RuntimeError, match="ZeroDivisionError"):
            await ask("breaks")
        assert await ask("afterwards") == "afterwards"

    with_odd_prober(steps)


def test_when_the_process_ends_its_rounds_fail_and_the_next_one_starts_another() -> None:
    async def steps(ask: Ask) -> None:
        before = await ask("pid")
        waiting = ask("waits")
        with pytest.raises(BackendUnavailable, match="has ended, and the next round starts it again"):
            await ask("dies")
        with pytest.raises(BackendUnavailable, match="has ended"):
            await waiting
        assert await ask("pid") not in (before, str(os.getpid()))

    with_odd_prober(steps)


def test_a_round_that_is_given_up_here_is_given_up_there() -> None:
    async def steps(ask: Ask) -> None:
        waiting = ask("waits")
        await ask("afterwards")  # so that it is under way
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await ask("cancelled") == "1"

    with_odd_prober(steps)


def test_closing_ends_rounds_under_way_and_the_process() -> None:
    async def main() -> int:
        prober = ProcessProber.open(OddProber)
        (result,) = await prober.probe(targets("pid"), SETTINGS)
        assert isinstance(result.outcome, Timeout)
        waiting = asyncio.ensure_future(prober.probe(targets("waits"), SETTINGS))
        await prober.probe(targets("afterwards"), SETTINGS)
        await prober.close()
        with pytest.raises(BackendUnavailable, match="was closed before the round was over"):
            await waiting
        return int(result.outcome.address)

    process = on_selector_loop(main())
    if sys.platform != "win32":
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (partial(make_nothing, PrivilegeMissing("ask the administrator")), PrivilegeMissing, "administrator"),
        (partial(make_nothing, ZeroDivisionError("odd")), BackendUnavailable, "ZeroDivisionError"),
        (end_at_once, BackendUnavailable, "has ended"),
    ],
)
def test_a_process_that_cannot_probe_says_so_at_the_start(
    make: MakeProber, error: type[ProbeEngineError], words: str
) -> None:
    with pytest.raises(error, match=words):
        ProcessProber.open(make)


def test_a_process_that_cannot_be_started_is_reported_with_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(BackendUnavailable, match="cannot be started"):
        ProcessProber.open(OddProber)


def with_prober(steps: Callable[[ProcessProber], Coroutine[Any, Any, None]]) -> None:
    """Run steps with a prober whose process is up."""

    async def main() -> None:
        prober = ProcessProber.open(OddProber)
        try:
            await steps(prober)
        finally:
            await prober.close()

    on_selector_loop(main())


def test_rounds_of_any_size_arrive_whole_and_in_order() -> None:
    async def steps(prober: ProcessProber) -> None:
        for count in (2, PART - 1, PART, PART + 1, 1_000, 4 * PART + 1):
            asked = [ProbeTarget(destination_id=f"id-{n}", host=f"host-{n}") for n in range(count)]
            results = await prober.probe(asked, SETTINGS)
            assert [result.destination_id for result in results] == [each.destination_id for each in asked]
            assert [result.outcome for result in results] == [
                Timeout(address=each.host, sent=SETTINGS.packets) for each in asked
            ]

    with_prober(steps)


def test_large_rounds_at_once_do_not_mix() -> None:
    async def steps(prober: ProcessProber) -> None:
        async def one(name: str) -> None:
            asked = [ProbeTarget(destination_id=f"{name}-{n}", host=f"{name}-{n}") for n in range(700)]
            results = await prober.probe(asked, SETTINGS)
            assert [result.destination_id for result in results] == [each.host for each in asked]

        await asyncio.gather(*(one(f"round-{number}") for number in range(5)))

    with_prober(steps)


def test_a_large_round_that_is_given_up_leaves_nothing_behind() -> None:
    async def steps(prober: ProcessProber) -> None:
        asked = [ProbeTarget(destination_id=str(n), host=str(n)) for n in range(1_000)]
        for _ in range(20):
            doomed = asyncio.ensure_future(prober.probe(asked, SETTINGS))
            await asyncio.sleep(0)
            doomed.cancel()
            with pytest.raises(asyncio.CancelledError):
                await doomed
        assert len(await prober.probe(asked, SETTINGS)) == 1_000

    with_prober(steps)


def test_a_route_is_traced_over_there() -> None:
    async def steps(prober: ProcessProber) -> None:
        found = await prober.trace("10.0.0.1", TraceSettings(rounds=7))
        assert found == Trace(
            address="10.0.0.1",
            hops=(Hop(ttl=1, sent=7, replies=(HopReply(address="10.0.0.1", rtt_ms=1.5),)),),
            reached=True,
            names={"10.0.0.1": "a.example"},
        )
        assert await prober.trace("nowhere", TraceSettings()) == NameNotResolved(reason="no such name")
        with pytest.raises(BackendUnavailable, match="no network over here"):
            await prober.trace("fails", TraceSettings())

    with_prober(steps)


def test_a_trace_that_is_given_up_here_is_given_up_there() -> None:
    async def steps(prober: ProcessProber) -> None:
        await prober.probe(targets("before"), SETTINGS)  # so that the process takes orders in turn
        waiting = asyncio.ensure_future(prober.trace("waits", TraceSettings()))
        await prober.probe(targets("afterwards"), SETTINGS)  # so that it is under way
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        for _ in range(100):  # a round that is asked for at once may be answered before the trace has ended
            (result,) = await prober.probe(targets("cancelled"), SETTINGS)
            if result.outcome == Timeout(address="1", sent=SETTINGS.packets):
                return
        pytest.fail("the trace goes on over there")

    with_prober(steps)


async def limits_of(prober: ProcessProber) -> str:
    (result,) = await prober.probe(targets("limits"), SETTINGS)
    assert isinstance(result.outcome, Timeout)
    return result.outcome.address


def test_a_limit_holds_over_there_and_survives_a_restart_of_the_process() -> None:
    async def steps(prober: ProcessProber) -> None:
        assert await limits_of(prober) == "[]"
        for limit in (500, 700):
            await prober.limit(limit)
        assert await limits_of(prober) == "[500, 700]"
        with pytest.raises(BackendUnavailable, match="has ended"):
            await prober.probe(targets("dies"), SETTINGS)
        assert await limits_of(prober) == "[700]"

    with_prober(steps)


def test_a_limit_that_is_set_before_the_process_starts_holds_from_its_start() -> None:
    async def main() -> None:
        prober = ProcessProber(OddProber)
        await prober.limit(500)
        assert await limits_of(prober) == "[500]"
        await prober.close()

    on_selector_loop(main())


def test_it_describes_what_the_process_over_there_does() -> None:
    async def steps(prober: ProcessProber) -> None:
        assert prober.describe() == "odd"

    assert ProcessProber(OddProber).describe() == ""
    with_prober(steps)
