"""The process that does nothing but probe: what it is told, what it answers, and its main function.

It reads orders from its standard input and writes answers to its standard output, each pickled. The first order
is a function that makes its prober, the first answer says whether that went well. It ends with its input, so it
never outlives the process that started it, whatever happens to that.
"""

import asyncio
import os
import pickle
import signal
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import BinaryIO

from netstats_xl.domain.results import RoundResult
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.ports import Prober, ProbeTarget

MakeProber = Callable[[], Prober]
_SWITCH_INTERVAL_S = 0.000_5
"""How soon the probing gets the interpreter back from the threads that read orders and write answers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeOrder:
    """Make a round."""

    number: int
    targets: Sequence[ProbeTarget]
    settings: EchoSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOrder:
    """Give a round up; it may be over already."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How a round ended."""

    number: int
    results: Sequence[RoundResult] | ProbeEngineError | str
    """The results, or why no probe could be sent, or an error that nobody foresaw, in words."""


Order = ProbeOrder | CancelOrder


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
        self._rounds: dict[int, asyncio.Task[None]] = {}
        self.over = asyncio.Event()

    def take(self, order: object) -> None:
        """Begin what is ordered; None: there are no orders any more."""
        match order:
            case ProbeOrder():
                self._rounds[order.number] = asyncio.ensure_future(self._make_round(order))
            case CancelOrder(number=number):
                if number in self._rounds:
                    self._rounds[number].cancel()
            case _:
                self.over.set()

    async def close(self) -> None:
        """End the rounds under way and free the sockets."""
        for task in self._rounds.values():
            task.cancel()
        await self._prober.close()
        self._writer.shutdown(cancel_futures=True)

    async def _make_round(self, order: ProbeOrder) -> None:
        results: Sequence[RoundResult] | ProbeEngineError | str
        try:
            results = tuple(await self._prober.probe(order.targets, order.settings))
        except ProbeEngineError as error:
            results = error
        except Exception as error:  # noqa: BLE001 - the edge of the process: it is told, and probing goes on
            results = repr(error)
        finally:
            del self._rounds[order.number]
        self._writer.submit(send, self._answers, Answer(number=order.number, results=results))


def main() -> None:
    """Serve until there are no more orders."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the process that started this one says when it is over
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    orders, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what anything prints is no answer
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(serve(orders, answers))


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
    send(answers, None)
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
