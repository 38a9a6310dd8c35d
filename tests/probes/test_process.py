"""The prober in a process of its own: what it does over there comes back, also its failures and its end."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import pytest

from netstats_xl.domain.results import RoundResult, Timeout
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.ports import Prober, ProbeTarget
from netstats_xl.probes.icmp import IcmpProber
from netstats_xl.probes.process import ProcessProber
from netstats_xl.probes.resolver import Resolver
from netstats_xl.probes.worker import MakeProber
from tests.contracts.prober import SETTINGS, ProberContract, on_selector_loop, targets
from tests.contracts.prober import MakeProber as MakeContractProber
from tests.probes.test_prober_contract import offline_lookup

Ask = Callable[[str], "asyncio.Task[str]"]


class OddProber:
    """A prober of another process; the host says what it does."""

    def __init__(self) -> None:
        self.cancelled = 0

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        host = targets[0].host
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
        answer = {"pid": str(os.getpid()), "cancelled": str(self.cancelled)}.get(host, host)
        return [
            RoundResult(
                destination_id=targets[0].destination_id,
                outcome=Timeout(address=answer, sent=settings.packets),
            )
        ]

    async def close(self) -> None:
        """Nothing to free."""


def make_nothing(error: Exception) -> Prober:
    raise error


def end_at_once() -> Prober:
    os._exit(3)


def probe_offline() -> Prober:
    return IcmpProber(resolver=Resolver(lookup=offline_lookup))


class TestProcessProber(ProberContract):
    @pytest.fixture
    def make_prober(self) -> MakeContractProber:
        try:
            IcmpProber.open()
        except PrivilegeMissing as error:
            pytest.skip(f"echo requests cannot be sent: {error.message}")
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
