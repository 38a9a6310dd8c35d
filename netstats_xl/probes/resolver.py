"""Host names to addresses, off the probing path: a cache, a deadline, and threads that may hang."""

import asyncio
import itertools
import queue
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from netstats_xl.probes.addresses import Address, SockAddr, from_sockaddr

Lookup = Callable[[str], Sequence[SockAddr]]
"""Gives a name's addresses in the system's order of preference; raises what `getaddrinfo` raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unresolved:
    """A name without an address, and why, in words."""

    reason: str


Resolution = Address | Unresolved

_REASONS = {
    socket.EAI_NONAME: "no such name",
    socket.EAI_AGAIN: "the name server gave no answer",
    socket.EAI_FAIL: "the name server failed",
    socket.EAI_FAMILY: "this machine does not have its protocol",
    socket.EAI_MEMORY: "the system is out of memory",
    # Linux's number, then the ones of Windows Sockets.
    -5: "the name has no address",
    11001: "no such name",
    11002: "the name server gave no answer",
    11003: "the name server failed",
    11004: "the name has no address",
}
_PASSING = frozenset({socket.EAI_AGAIN, socket.EAI_FAIL, socket.EAI_MEMORY, 11002, 11003})


def system_lookup(host: str) -> Sequence[SockAddr]:
    """Ask the operating system: hosts file, name servers and all."""
    found = socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)
    return [sockaddr for *_, sockaddr in found]  # type: ignore[misc]  # typeshed allows for the bare tuple of a build without IPv6


@dataclass(slots=True, kw_only=True)
class _Entry:
    """What is known of a name."""

    resolution: Resolution
    expires_at: float


@dataclass(slots=True, kw_only=True)
class _Pending:
    """A look-up that is queued or under way, and who awaits it."""

    waiting: list[tuple[asyncio.AbstractEventLoop, "asyncio.Future[Resolution]"]] = field(
        default_factory=list
    )


class Resolver:
    """Resolves names with a cache. Its methods are for event loops; look-ups run in its own threads.

    A name keeps its address as long as the name server still gives it, so that one destination's history is
    about one host. An expired address goes on being used while it is looked up again, and for as long as the
    name server itself fails; a name that is gone is unresolved at once.
    """

    def __init__(
        self,
        *,
        lookup: Lookup = system_lookup,
        monotonic: Callable[[], float] = time.monotonic,
        deadline_s: float = 2.0,
        keep_s: float = 300.0,
        keep_failure_s: float = 30.0,
        threads: int = 32,
    ) -> None:
        """Begin with an empty cache and no thread.

        Args:
            lookup: asks the system; it may block.
            monotonic: the clock for expiry, s.
            deadline_s: how long `resolve` waits.
            keep_s: how long an address is used before it is looked up again.
            keep_failure_s: how long a failure is.
            threads: how many look-ups go on at once, at most.
        """
        self._lookup = lookup
        self._monotonic = monotonic
        self._deadline_s = deadline_s
        self._keep_s = keep_s
        self._keep_failure_s = keep_failure_s
        self._most_threads = threads
        self._lock = threading.Lock()
        self._cache: dict[str, _Entry] = {}
        self._pending: dict[str, _Pending] = {}
        # Names that failed before go last: a list of dead names must not hold up the good ones.
        self._queue: queue.PriorityQueue[tuple[int, int, str]] = queue.PriorityQueue()
        self._order = itertools.count()
        self._threads = 0
        self._idle = 0

    def known(self, host: str) -> Resolution | None:
        """What is known of a name now, or None; starts a look-up where it has expired. Never blocks."""
        with self._lock:
            entry = self._cache.get(host)
            if entry is None:
                return None
            if entry.expires_at > self._monotonic():
                return entry.resolution
            self._start(host)
            return entry.resolution if isinstance(entry.resolution, Address) else None

    async def resolve(self, host: str) -> Resolution:
        """The name's address, or why there is none, within the deadline.

        A look-up that takes longer goes on, for the next time that the name is asked for.
        """
        known = self.known(host)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Resolution] = loop.create_future()
        with self._lock:
            waiter = (loop, future)
            self._start(host).waiting.append(waiter)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await future
        except TimeoutError:
            return Unresolved(reason=f"no answer from the name server within {self._deadline_s:g} s")

    def _start(self, host: str) -> _Pending:
        """Queue a look-up unless one is under way. The lock is held."""
        pending = self._pending.get(host)
        if pending is None:
            pending = self._pending[host] = _Pending()
            entry = self._cache.get(host)
            failed_before = entry is not None and isinstance(entry.resolution, Unresolved)
            self._queue.put((int(failed_before), next(self._order), host))
            if self._idle < self._queue.qsize() and self._threads < self._most_threads:
                self._threads += 1
                # A daemon: a look-up that hangs must not hold up the end of the program.
                threading.Thread(target=self._work, name="netstats-resolver", daemon=True).start()
        return pending

    def _work(self) -> None:
        while True:
            with self._lock:
                self._idle += 1
            try:
                _, _, host = self._queue.get(timeout=10)
            except queue.Empty:
                with self._lock:
                    self._idle -= 1
                    if self._queue.empty():
                        self._threads -= 1
                        return
                continue
            with self._lock:
                self._idle -= 1
            self._finish(host, self._look_up(host))

    def _look_up(self, host: str) -> tuple[Sequence[Address], Unresolved | None, bool]:
        """The addresses; or why there are none, and whether that may pass."""
        try:
            addresses = [from_sockaddr(sockaddr) for sockaddr in self._lookup(host)]
        except socket.gaierror as error:
            reason = _REASONS.get(error.errno or 0) or f"the look-up failed: {error.strerror or error}"
            return (), Unresolved(reason=reason), error.errno in _PASSING
        except UnicodeError:
            return (), Unresolved(reason="not a valid host name"), False
        except Exception as error:  # noqa: BLE001  # the edge of a thread: whoever awaits the name must hear of it
            return (), Unresolved(reason=f"the look-up failed: {error}"), True
        return addresses, None if addresses else Unresolved(reason="the name has no address"), False

    def _finish(self, host: str, found: tuple[Sequence[Address], Unresolved | None, bool]) -> None:
        addresses, failure, passing = found
        with self._lock:
            before = self._cache.get(host)
            current = (
                before.resolution if before is not None and isinstance(before.resolution, Address) else None
            )
            resolution: Resolution
            if failure is None:
                resolution = current if current is not None and current in addresses else addresses[0]
            else:
                resolution = current if current is not None and passing else failure
            keep_s = self._keep_s if failure is None else self._keep_failure_s
            self._cache[host] = _Entry(resolution=resolution, expires_at=self._monotonic() + keep_s)
            waiting = self._pending.pop(host).waiting
        for loop, future in waiting:
            try:
                loop.call_soon_threadsafe(_settle, future, resolution)
            except RuntimeError:  # the loop was closed: nobody waits any more
                continue


def _settle(future: "asyncio.Future[Resolution]", resolution: Resolution) -> None:
    if not future.done():
        future.set_result(resolution)
