"""The process that sends the probes, as the one that started it sees it: orders go in, answers come out."""

import asyncio
import contextlib
import itertools
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor, wait
from threading import Lock, Thread
from typing import BinaryIO, Self, TypeVar, cast

from netstats_xl.domain.results import RoundResult
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes.worker import (
    PART,
    Answer,
    CancelOrder,
    Found,
    LimitOrder,
    MakeProber,
    Order,
    ProbeOrder,
    Ready,
    Traced,
    TraceOrder,
    receive,
    send,
)

START_WITHIN_S = 60.0
_STOP_WITHIN_S = 3.0
_POLL_S = 0.2
"""Waiting in such pieces lets Ctrl+C through on Windows, where a wait for a lock cannot be interrupted."""

Result = TypeVar("Result")


class ProbingProcess:
    """One process, and the rounds that it makes."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the process has no pipes")
        self._process = process
        self._orders, self._answers = cast(BinaryIO, process.stdin), cast(BinaryIO, process.stdout)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="netstats-orders")
        self._numbers = itertools.count()
        self._lock = Lock()
        self._waiting: dict[int, Future[Found]] = {}
        self._parts: dict[int, list[RoundResult]] = {}
        self.described = ""
        """How it reaches the network, once it is ready."""
        self.alive = True
        """Whether it takes orders."""
        self._ended_by_us = False
        self._ready: Future[None] = Future()
        self._reader = Thread(target=self._read_on, name="netstats-answers", daemon=True)
        self._reader.start()

    @classmethod
    def start(cls, make: MakeProber) -> Self:
        """Start it, and wait until it can send.

        Raises:
            ProbeEngineError: it cannot.
        """
        # The path of this process, and not the current folder, where any file could pose as a module.
        code = f"import sys; sys.path[:] = {sys.path!r}; from netstats_xl.probes.worker import main; main()"
        try:
            process = subprocess.Popen(  # noqa: S603 - our own code, and no shell
                [sys.executable, "-P", "-c", code],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl+C is for the process that the user started.
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                start_new_session=True,
            )
        except OSError as error:
            raise BackendUnavailable(
                f"The process that sends the probes cannot be started: {error.strerror or error}. "
                "Let this program start processes, and free memory if there is none left."
            ) from error
        started = cls(process)
        try:
            started._order(make).result()
            for _ in range(int(START_WITHIN_S / _POLL_S)):
                if wait((started._ready,), timeout=_POLL_S).done:
                    started._ready.result()
                    return started
            raise BackendUnavailable(
                f"The process that sends the probes did not begin within {START_WITHIN_S:g} s. "
                "Start the program again when the computer is less busy."
            )
        except BaseException:
            started.end()
            raise

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        """Have a round made."""
        number = next(self._numbers)
        parts = [targets[first : first + PART] for first in range(0, len(targets), PART)] or [()]
        orders = [
            ProbeOrder(number=number, targets=tuple(part), settings=settings, more=part is not parts[-1])
            for part in parts
        ]
        return cast(Sequence[RoundResult], await self._ask(number, orders))

    async def trace(self, host: str, settings: TraceSettings) -> Traced:
        """Have a route traced."""
        number = next(self._numbers)
        return cast(
            Traced, await self._ask(number, [TraceOrder(number=number, host=host, settings=settings)])
        )

    def limit(self, packets_per_second: int) -> None:
        """Have no more packets sent a second."""
        self._order(LimitOrder(packets_per_second=packets_per_second))

    async def _ask(self, number: int, orders: Sequence[Order]) -> Found:
        over: Future[Found] = Future()
        with self._lock:
            if not self.alive:
                raise self._why_ended()
            self._waiting[number] = over
        for order in orders:
            self._order(order)
        try:
            return await asyncio.wrap_future(over)
        except asyncio.CancelledError:
            self._order(CancelOrder(number=number))
            raise
        finally:
            with self._lock:
                self._waiting.pop(number, None)
                self._parts.pop(number, None)

    def end(self) -> None:
        """End it, and wait until it has gone. Ending twice does nothing."""
        with self._lock:
            self.alive = False
            self._ended_by_us = True
        with contextlib.suppress(RuntimeError):  # it was ended before
            self._writer.submit(self._hang_up)
        self._writer.shutdown(wait=False)
        try:
            self._process.wait(_STOP_WITHIN_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(_STOP_WITHIN_S)

    def _order(self, order: Order | MakeProber) -> "Future[None]":
        """In a thread, as a pipe that is full makes its writer wait."""
        try:
            return self._writer.submit(self._send, order)
        except RuntimeError:  # it was ended meanwhile: the reader tells those who wait
            nothing: Future[None] = Future()
            nothing.set_result(None)
            return nothing

    def _send(self, order: Order | MakeProber) -> None:
        # Where the process has gone, the reader finds that out, and tells those who wait.
        with contextlib.suppress(OSError):
            send(self._orders, order)

    def _hang_up(self) -> None:
        with contextlib.suppress(OSError):
            self._orders.close()

    def _read_on(self) -> None:
        """Pass answers to those who wait for them, until the process has gone."""
        try:
            self._take_first(receive(self._answers))
            while True:
                self._take(receive(self._answers))
        except Exception:  # noqa: BLE001 - whatever ends the reading: whoever waits must be told
            with self._lock:
                self.alive = False
                waiting = list(self._waiting.values())
            fail(self._ready, self._why_ended())
            for over in waiting:
                fail(over, self._why_ended())
        finally:
            self._answers.close()

    def _take_first(self, answer: object) -> None:
        match answer:
            case Exception():
                self._ready.set_exception(answer)
            case Ready(described=described):
                self.described = described
                self._ready.set_result(None)
            case _:
                raise TypeError(f"{answer!r} is no answer")

    def _take(self, answer: object) -> None:
        if not isinstance(answer, Answer):
            raise TypeError(f"{answer!r} is no answer")
        with self._lock:
            over = self._waiting.get(answer.number)
            found = answer.found
            if over is not None and isinstance(found, list):
                parts = self._parts.setdefault(answer.number, [])
                parts.extend(found)
                if answer.more:
                    return
                found = parts
        if over is None or not over.set_running_or_notify_cancel():
            return
        match found:
            case str() as problem:
                over.set_exception(RuntimeError(f"the process that sends the probes met {problem}"))
            case ProbeEngineError() as error:
                over.set_exception(error)
            case _:
                over.set_result(found)

    def _why_ended(self) -> BackendUnavailable:
        if self._ended_by_us:
            return BackendUnavailable("The prober was closed before the round was over.")
        return BackendUnavailable(
            "The process that sends the probes has ended, and the next round starts it again. "
            "If this happens often, look for what ends it: a lack of memory, or a security program."
        )


def fail(future: Future[Result], error: Exception) -> None:
    """Tell whoever waits for it; does nothing where it is over."""
    with contextlib.suppress(InvalidStateError):
        future.set_exception(error)
