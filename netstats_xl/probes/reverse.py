"""The names of addresses, for routes: looked up off the probing path, with a cache and a deadline."""

import asyncio
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
        self._free = most_at_once
        self._known: dict[str, tuple[str, float]] = {}

    async def names_of(self, addresses: Iterable[str]) -> dict[str, str]:
        """The names of those addresses that have one and whose name is known within the deadline.

        A look-up that takes longer goes on, for the next time that the name is asked for; one for which no thread
        is free is made then.
        """
        wanted = list(dict.fromkeys(addresses))
        loop, now = asyncio.get_running_loop(), self._monotonic()
        waiting: list[asyncio.Future[None]] = []
        for address in wanted:
            if self._known.get(address, ("", now))[1] > now or not self._free:
                continue
            self._free -= 1
            done: asyncio.Future[None] = loop.create_future()
            waiting.append(done)
            threading.Thread(
                target=self._work, args=(address, loop, done), name="netstats-names", daemon=True
            ).start()
        if waiting:
            await asyncio.wait(waiting, timeout=self._deadline_s)
        return {address: name for address in wanted if (name := self._known.get(address, ("", 0.0))[0])}

    def _work(self, address: str, loop: asyncio.AbstractEventLoop, done: "asyncio.Future[None]") -> None:
        try:
            name = self._lookup(address)
        except Exception:  # noqa: BLE001 - the edge of a thread: whatever the system raises, there is no name
            name = ""

        def finish() -> None:
            self._free += 1
            self._known[address] = (name, self._monotonic() + self._keep_s)
            if not done.done():
                done.set_result(None)

        with suppress(RuntimeError):  # the loop was closed: nobody waits any more
            loop.call_soon_threadsafe(finish)
