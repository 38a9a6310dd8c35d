"""The engine over Windows' echo service: Windows sends and matches, this program paces and times."""

import math
import struct
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from ipaddress import ip_address
from typing import Protocol

from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.bursts import TrainEngine
from netstats_xl.probes.echo_api import EchoReply, WindowsEchoApi
from netstats_xl.probes.echo_status import (
    REPLIED,
    TIMED_OUT,
    is_out_of_resources,
    reason_not_sent,
    word_of,
)
from netstats_xl.probes.engine_thread import EngineThread
from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.packets import PAYLOAD_HEAD_BYTES, Complaint
from netstats_xl.probes.runner import FullQueue, TrainRunner
from netstats_xl.probes.trains import NAN, ComplaintReceived, Train, WireOptions

_BURST = 32
"""Packets sent before replies are looked at."""
MOST_UNDER_WAY = 4_096
"""Windows keeps each request on its way, and its buffer, in memory that cannot be paged out."""
_GRACE_MS = 20
"""Windows' own time-out is as coarse as its clock: whether a reply came in time is for this program to say."""
_PAYLOAD_HEAD = struct.Struct("!QQ")
_PLACE = (1 << 32) - 1
_LEAST_RTT_S = 1e-7
"""A step of the performance counter: nearer the truth than none."""


class EchoApi(Protocol):
    """What the engine needs of Windows: see `echo_api.WindowsEchoApi`."""

    @property
    def under_way(self) -> int:
        """How many requests are on their way."""
        ...

    def open(self, family: Family) -> None:
        """Get ready for a family.

        Raises:
            BackendUnavailable: the system has it not.
        """
        ...

    def send(self, key: int, address: Address, payload: bytes, timeout_ms: int, options: WireOptions) -> int:
        """Send a request; 0, or why it was not."""
        ...

    def wait(self, seconds: float) -> None:
        """Wait for replies, for `wake`, or so long."""
        ...

    def replies(self) -> Sequence[EchoReply]:
        """What the waits brought."""
        ...

    def wake(self) -> None:
        """End a wait."""
        ...

    def close(self) -> None:
        """Give up what is on its way."""
        ...


class EchoServiceCore(TrainRunner):
    """The trains' runner over the echo service.

    A request gets one answer, a reply or an error: Windows tells of no duplicates, and of no reply after an error or
    after its time-out.
    """

    def __init__(self, api: EchoApi, *, pacer: Pacer, now: Callable[[], float] = time.perf_counter) -> None:
        """Begin with nothing to do.

        Args:
            api: sends; its families are open before a train of theirs begins.
            pacer: says how many packets may go.
            now: the clock that the replies are timed with, s.
        """
        super().__init__(pacer=pacer, burst=_BURST, now=now)
        self._api = api
        self._queue = FullQueue()

    def _send(self, train: Train, count: int) -> int:
        """See `TrainRunner._send`."""
        plan, first = train.plan, train.next
        timeout_ms = math.ceil(plan.timeout_s * 1_000) + _GRACE_MS
        options = plan.options
        for k in range(first, first + count):
            line = k % train.lines
            if plan.ttls is not None:
                options = replace(options, ttl=plan.ttls[line])
            code = 0
            is_full = self._api.under_way >= MOST_UNDER_WAY
            if not is_full:
                key = train.base + k
                payload = _PAYLOAD_HEAD.pack(train.tokens[k], key) + train.filler
                train.sent_at[k] = self._now()
                code = self._api.send(key, train.addresses[line], payload, timeout_ms, options)
                # Replies are timed in a wait: without one here, their times would include the sending of others.
                self._api.wait(0)
                is_full = is_out_of_resources(code) and self._queue.is_worth_waiting(self._now())
            if is_full:
                train.sent_at[k] = NAN
                train.next = k
                self._pause()
                return k - first
            if code:
                self._fail(train, k, reason_not_sent(code))
            else:
                self._queue.taken()
        train.next = first + count
        return count

    def _read(self) -> None:
        """See `TrainRunner._read`."""
        self._api.wait(0)
        self.take(self._api.replies())

    def take(self, replies: Sequence[EchoReply]) -> None:
        """Take note of what became of requests."""
        for reply in replies:
            train, k = self._trains.get(reply.key >> 32), reply.key & _PLACE
            if train is None or train.sent_at[k] != train.sent_at[k]:
                continue  # it is over, or the packet does not count any more
            if reply.status == REPLIED:
                self._answered(train, k, reply)
            elif reply.status != TIMED_OUT:
                self._complained(train, k, reply)

    def _answered(self, train: Train, k: int, reply: EchoReply) -> None:
        line = k % train.lines
        elapsed_s = reply.at - train.sent_at[k]
        if reply.reporter != train.sources[line]:
            train.stray(line).elsewhere = str(ip_address(reply.reporter))
        elif not self._is_ours(train, k, reply.payload):
            train.stray(line).corrupted += 1
        elif elapsed_s > train.timeout_s:
            train.stray(line).late += 1
        else:
            train.rtts_ms[k] = max(elapsed_s, _LEAST_RTT_S) * 1_000
            self._settle(train)

    def _is_ours(self, train: Train, k: int, payload: bytes) -> bool:
        """Whether a reply brings back what was sent. Some hosts send only the beginning of a large payload."""
        sent = _PAYLOAD_HEAD.pack(train.tokens[k], train.base + k) + train.filler
        return len(payload) >= PAYLOAD_HEAD_BYTES and sent.startswith(payload)

    def _complained(self, train: Train, k: int, reply: EchoReply) -> None:
        word = word_of(train.family, reply.status)
        if word is None:
            self._fail(train, k, reason_not_sent(reply.status))
            return
        rtt_ms = max(reply.at - train.sent_at[k], _LEAST_RTT_S) * 1_000
        if rtt_ms > train.timeout_s * 1_000:
            return
        complaint = Complaint(
            str(ip_address(reply.reporter)),
            word.type_,
            word.code,
            word.reason,
            word.time_exceeded,
            identifier=0,  # Windows chooses identifier and sequence number, and keeps them to itself
            sequence=0,
            destination=train.addresses[k % train.lines].packed,
            head=(train.tokens[k], train.base + k),
        )
        train.complaints[k] = ComplaintReceived(complaint, rtt_ms)
        if k in train.settling_complaints:
            self._settle(train)

    def _settle(self, train: Train) -> None:
        train.open -= 1
        if not train.open:
            self._settled.append(train)

    def _look_for_sleep(self) -> None:
        """See `TrainRunner._look_for_sleep`. The performance counter goes on in a sleep."""
        if self._stalled():
            self._void()


class EchoServiceEngine(EngineThread):
    """Runs trains over the echo service."""

    def __init__(self, core: EchoServiceCore, api: EchoApi) -> None:
        """Start the thread, which `core` and `api` belong to from now on."""
        self._api = api
        self._families: set[Family] = set()
        super().__init__(core)

    def ready(self, family: Family) -> ProbeEngineError | None:
        """Get ready for a family; why it cannot be, if it cannot: that is tried again next time."""
        if family in self._families:
            return None
        try:
            self._api.open(family)
        except BackendUnavailable as error:
            return error
        self._families.add(family)
        return None

    def describe(self) -> str:
        """How it reaches the network, in words; empty before the first family is ready."""
        if not self._families:
            return ""
        families = " and ".join(str(family) for family in sorted(self._families))
        return (
            f"{families}: Windows' echo service, timed by the performance counter: about 0.1 ms; "
            "Windows lets no DSCP be set"
        )

    def _wait(self, seconds: float) -> None:
        """See `EngineThread._wait`."""
        self._api.wait(seconds)

    def _wake(self) -> None:
        """See `EngineThread._wake`."""
        self._api.wake()

    def _serve(self) -> None:
        """See `EngineThread`. What is on its way is given up by the thread that sent it."""
        try:
            super()._serve()
        finally:
            self._api.close()


def open_windows_engine(packets_per_second: float | None) -> TrainEngine:
    """The engine over Windows' echo service, which needs no rights.

    Args:
        packets_per_second: at most so many are sent; None: any number.

    Raises:
        BackendUnavailable: this is another system.
    """
    api = WindowsEchoApi()
    return EchoServiceEngine(EchoServiceCore(api, pacer=Pacer(packets_per_second)), api)
