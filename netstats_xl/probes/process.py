"""A prober in a process of its own, so that whatever else this one does cannot disturb the measurement.

Python runs one thread at a time. While a report is written, a probing thread in the same process would wait for
its turn, and where the kernel gives no receive times (Windows) each wait would lengthen an RTT.
"""

import asyncio
from collections.abc import Sequence
from threading import Lock
from typing import Self

from netstats_xl.domain.results import RoundResult
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes.choice import open_prober
from netstats_xl.probes.probing_process import ProbingProcess
from netstats_xl.probes.worker import (
    MakeProber,
    Traced,
)


class ProcessProber:
    """A `ports.Prober` that has its rounds made by another process.

    Should that process end, the rounds under way fail, and the next round starts another.
    """

    def __init__(self, make: MakeProber = open_prober) -> None:
        """Start nothing yet.

        Args:
            make: makes the prober, over there: a function that can be pickled.
        """
        self._make = make
        self._process: ProbingProcess | None = None
        self._limit: int | None = None
        self._closed = False
        self._starting = Lock()

    @classmethod
    def open(cls, make: MakeProber = open_prober) -> Self:
        """A prober whose process is up and can send.

        Raises:
            PrivilegeMissing: the system does not let this user; the message says what to do.
            BackendUnavailable: it has no ICMP sockets, or lets us start no process.
        """
        prober = cls(make)
        prober._ready_process()
        return prober

    async def probe(self, targets: Sequence[ProbeTarget], settings: EchoSettings) -> Sequence[RoundResult]:
        """See `ports.Prober.probe`."""
        process = await self._process_here()
        return await process.probe(targets, settings)

    async def trace(self, host: str, settings: TraceSettings) -> Traced:
        """See `ports.Prober.trace`."""
        process = await self._process_here()
        return await process.trace(host, settings)

    async def limit(self, packets_per_second: int) -> None:
        """See `ports.Prober.limit`; it holds for a process that is started later, too."""
        self._limit = packets_per_second
        if self._process is not None:
            self._process.limit(packets_per_second)

    def describe(self) -> str:
        """See `ports.Prober.describe`."""
        return self._process.described if self._process is not None else ""

    async def close(self) -> None:
        """See `ports.Prober.close`. Rounds under way raise `BackendUnavailable`."""
        await asyncio.to_thread(self._close)

    async def _process_here(self) -> "ProbingProcess":
        process = self._process
        if process is None or not process.alive or self._closed:
            process = await asyncio.to_thread(self._ready_process)
        return process

    def _close(self) -> None:
        with self._starting:
            self._closed = True
            process, self._process = self._process, None
        if process is not None:
            process.end()

    def _ready_process(self) -> "ProbingProcess":
        """The process, started anew where need be."""
        with self._starting:
            if self._closed:
                raise BackendUnavailable("The prober is closed. Start the program again.")
            if self._process is not None and not self._process.alive:
                self._process.end()
                self._process = None
            if self._process is None:
                self._process = ProbingProcess.start(self._make)
                if self._limit is not None:
                    self._process.limit(self._limit)
            return self._process
