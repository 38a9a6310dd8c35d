"""The process that does nothing but probe: what it is told, what it answers, and its main function.

It reads orders from its standard input and writes answers to its standard output, each pickled. The first order
is a function that makes its prober, the first answer says whether that went well. It ends with its input, so it
never outlives the process that started it, whatever happens to that.
"""

import asyncio
import gc
import os
import pickle
import signal
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import BinaryIO

from netstats_xl.domain.results import NameNotResolved, RoundResult, SendFailed
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.ports import Prober, ProbeTarget

MakeProber = Callable[[], Prober]
_SWITCH_INTERVAL_S = 0.001 if sys.platform == "win32" else 0.000_5
"""How soon the probing gets the interpreter back from the threads that read orders and write answers. On Windows a
thread waits for it by the millisecond, and with less would ask for it without a pause."""


PART = 250
"""Targets or results a message: a message is pickled in one go, and for so long no packet is sent or timed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOrder:
    """Make a round of these targets, and of those of the orders before it with the same number."""

    number: int
    targets: Sequence[ProbeTarget]
    settings: EchoSettings
    more: bool = False
    """Whether another order follows with more targets."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceOrder:
    """Trace a route."""

    number: int
    host: str
    settings: TraceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class LimitOrder:
    """Send no more packets a second."""

    packets_per_second: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Give a round or a trace up; it may be over already."""

    number: int


Traced = Trace | NameNotResolved | SendFailed
Found = Sequence[RoundResult] | Traced
Work = Callable[[], Coroutine[None, None, Found]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a round or a trace ended."""

    number: int
    found: Found | ProbeEngineError | str
    """What was found, or why no probe could be sent, or an error that nobody foresaw, in words."""
    more: bool = False
    """Whether another answer follows with more results of the same round."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The prober can send."""

    described: str
    """How it reaches the network: see `ports.Prober.describe`."""


Order = ProbeOrder | TraceOrder | LimitOrder | CancelOrder


def send(stream: BinaryIO, message: object) -> None:
    """Write a message.

    Raises:
        OSError: the other process has gone.
    """
    pickle.dump(message, stream, protocol=pickle.HIGHEST_PROTOCOL)
    stream.flush()


def receive(stream: BinaryIO) -> object:
    """Wait for a message.

    Raises:
        EOFError: the other process has gone.
    """
    return pickle.load(stream)  # noqa: S301 - the other end is this program too, through a pipe of our own


class Worker:
    """Carries out orders with a prober, on the running event loop."""

    def __init__(self, prober: Prober, answers: BinaryIO) -> None:
        self._prober = prober
        self._answers = answers
        # A pipe that the other process is slow to read must not hold the probing up.
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="answers")
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._targets: dict[int, list[ProbeTarget]] = {}
        self.over = asyncio.Event()

    def take(self, order: object) -> None:
        """Begin what is ordered; None: there are no orders any more."""
        match order:
            case ProbeOrder(number=number):
                targets = self._targets.setdefault(number, [])
                targets.extend(order.targets)
                if not order.more:
                    del self._targets[number]
                    self._begin(number, partial(self._prober.probe, targets, order.settings))
            case TraceOrder(number=number):
                self._begin(number, partial(self._prober.trace, order.host, order.settings))
            case LimitOrder():
                self._limiting = asyncio.ensure_future(self._prober.limit(order.packets_per_second))
            case CancelOrder(number=number):
                if number in self._tasks:
                    self._tasks[number].cancel()
            case _:
                self.over.set()

    async def close(self) -> None:
        """End what is under way and free the sockets."""
        for task in self._tasks.values():
            task.cancel()
        await self._prober.close()
        self._writer.shutdown(cancel_futures=True)

    def _begin(self, number: int, work: Work) -> None:
        task = self._tasks[number] = asyncio.ensure_future(self._carry_out(number, work))
        # Not within the task: one that is cancelled before its first step never gets there.
        task.add_done_callback(lambda _: self._tasks.pop(number))

    async def _carry_out(self, number: int, work: Work) -> None:
        found: Found | ProbeEngineError | str
        try:
            found = await work()
        except ProbeEngineError as error:
            found = error
        except Exception as error:  # noqa: BLE001 - the edge of the process: it is told, and probing goes on
            found = repr(error)
        self._writer.submit(self._answer, number, found)

    def _answer(self, number: int, found: Found | ProbeEngineError | str) -> None:
        if isinstance(found, list):
            while len(found) > PART:
                send(self._answers, Answer(number=number, found=found[:PART], more=True))
                found = found[PART:]
        send(self._answers, Answer(number=number, found=found))


def main() -> None:
    """Serve until there are no more orders."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the process that started this one says when it is over
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    spare_the_collector()
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what anything prints is no answer
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(serve(orders, answers))


def spare_the_collector() -> None:
    """Look for garbage in cycles seldom: results hold none, and each look would stop the probing."""
    gc.freeze()
    gc.set_threshold(100_000, 20, 50)


async def serve(orders: BinaryIO, answers: BinaryIO) -> None:
    """Make the prober, say how that went, and carry out orders until they end."""
    try:
        make = receive(orders)
        if not callable(make):
            raise TypeError(f"the first order is no function: {make!r}")
        prober: Prober = make()
    except ProbeEngineError as error:
        send(answers, error)
        return
    except Exception as error:  # noqa: BLE001 - the edge of the process: whoever waits for the answer shows it
        send(answers, BackendUnavailable(f"Probing could not begin: {error!r}. Please report it."))
        return
    send(answers, Ready(described=prober.describe()))
    worker = Worker(prober, answers)
    loop = asyncio.get_running_loop()
    Thread(target=_read_on, args=(orders, loop, worker), name="orders", daemon=True).start()
    try:
        await worker.over.wait()
    finally:
        await worker.close()


def _read_on(orders: BinaryIO, loop: asyncio.AbstractEventLoop, worker: Worker) -> None:
    order: object = ()
    while order is not None:
        try:
            order = receive(orders)
        except Exception:  # noqa: BLE001 - whatever ends the orders, this process must end too
            order = None
        loop.call_soon_threadsafe(partial(worker.take, order))
