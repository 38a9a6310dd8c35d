"""The names of addresses, for routes: looked up off the probing path, with a cache and a deadline."""

import asyncio
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from netstats_xl.probes.addresses import parse_literal

Lookup = Callable[[str], str]
"""The name of an address; it may block, and raises `OSError` where there is none."""


def system_lookup(address: str) -> str:
    """Ask the operating system: hosts file, name servers and all.

    Raises:
        OSError: it has no name, or no name server answers.
    """
    found = parse_literal(address)
    if found is None:
        raise OSError(f"{address} is no address")
    name, _ = socket.getnameinfo(found.sockaddr, socket.NI_NAMEREQD)
    return name


class ReverseNames:
    """Looks names up, for one event loop, in threads that may hang without holding anything up."""

    def __init__(
        self,
        *,
        lookup: Lookup = system_lookup,
        monotonic: Callable[[], float] = time.monotonic,
        deadline_s: float = 2.0,
        keep_s: float = 3_600.0,
        most_at_once: int = 8,
    ) -> None:
        """Begin with an empty cache.

        Args:
            lookup: asks the system.
            monotonic: the clock for expiry, s.
            deadline_s: how long `names_of` waits.
            keep_s: how long a name, or the lack of one, is believed.
            most_at_once: how many look-ups go on at once.
        """
        self._lookup = lookup
        self._monotonic = monotonic
        self._deadline_s = deadline_s
        self._keep_s = keep_s
        self._most_threads = most_at_once
        self._threads = 0
        self._queue: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._asked: dict[str, asyncio.Future[None]] = {}
        self._known: dict[str, tuple[str, float]] = {}

    async def names_of(self, addresses: Iterable[str]) -> dict[str, str]:
        """The names of those addresses that have one and whose name is known within the deadline.

        A look-up that takes longer goes on, for the next time that the name is asked for.
        """
        wanted = list(dict.fromkeys(addresses))
        loop, now = asyncio.get_running_loop(), self._monotonic()
        waiting = [self._ask(address, loop) for address in wanted if self._expires_at(address) <= now]
        if waiting:
            await asyncio.wait(waiting, timeout=self._deadline_s)
        return {address: name for address in wanted if (name := self._known.get(address, ("", 0.0))[0])}

    def _expires_at(self, address: str) -> float:
        return self._known.get(address, ("", float("-inf")))[1]

    def _ask(self, address: str, loop: asyncio.AbstractEventLoop) -> "asyncio.Future[None]":
        """Have an address looked up; done once its name, or the lack of one, is known."""
        found = self._asked.get(address)
        if found is None:
            found = self._asked[address] = loop.create_future()
            self._queue.put(address)
            if self._threads < self._most_threads:
                self._threads += 1
                threading.Thread(target=self._work, args=(loop,), name="netstats-names", daemon=True).start()
        return found

    def _work(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look up what waits, until nothing does."""
        while True:
            try:
                address = self._queue.get_nowait()
            except queue.Empty:
                break
            try:
                name = self._lookup(address)
            except Exception:  # noqa: BLE001 - the edge of a thread: whatever the system raises, there is no name
                name = ""
            with suppress(RuntimeError):  # the loop was closed: nobody waits any more
                loop.call_soon_threadsafe(self._finish, address, name)
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(self._end_thread, loop)

    def _finish(self, address: str, name: str) -> None:
        self._known[address] = (name, self._monotonic() + self._keep_s)
        done = self._asked.pop(address, None)
        if done is not None and not done.done():
            done.set_result(None)

    def _end_thread(self, loop: asyncio.AbstractEventLoop) -> None:
        """A thread has found nothing to do; what was asked for at that moment gets another."""
        self._threads -= 1
        if not self._queue.empty():
            self._threads += 1
            threading.Thread(target=self._work, args=(loop,), name="netstats-names", daemon=True).start()
