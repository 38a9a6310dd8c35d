"""An echo socket without a network, at the level of bytes, and a bench that runs the engine on it on virtual time."""

import heapq
import itertools
import socket
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_address

from netstats_xl.probes.addresses import Address, Family, SockAddr, from_sockaddr
from netstats_xl.probes.engine import EchoCore
from netstats_xl.probes.matching import Matcher, Message
from netstats_xl.probes.outcomes import Found, found_of
from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.packets import ECHO_HEAD, ECHO_REPLY, Complaint, sum_of_words
from netstats_xl.probes.trains import Train, TrainPlan, WireOptions

ROUTER = {Family.IPV4: "192.0.2.254", Family.IPV6: "2001:db8::fe"}
IDENTIFIER = 0x4E53
_READ_AT_ONCE = 64
_SENDING_S = 2e-6
_MOST_STEPS = 2_000_000
_file_numbers = itertools.count(1_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An echo request that the fake took."""

    at: float
    to: str
    family: Family
    packet: bytes
    options: WireOptions

    @property
    def sequence(self) -> int:
        return int(ECHO_HEAD.unpack_from(self.packet)[4])

    @property
    def token(self) -> int:
        return int(ECHO_HEAD.unpack_from(self.packet)[5])

    @property
    def index(self) -> int:
        return int(ECHO_HEAD.unpack_from(self.packet)[6])

    @property
    def payload(self) -> bytes:
        """The ICMP data."""
        return self.packet[8:]

    def reply(
        self,
        *,
        identifier: int | None = None,
        sequence: int | None = None,
        token: int | None = None,
        index: int | None = None,
        rest: bytes | None = None,
    ) -> bytes:
        """What its destination sends back, with other values where they are given and the right checksum."""
        _, _, _, own_identifier, own_sequence, own_token, own_index = ECHO_HEAD.unpack_from(self.packet)
        head = ECHO_HEAD.pack(
            ECHO_REPLY[self.family],
            0,
            0,
            own_identifier if identifier is None else identifier,
            own_sequence if sequence is None else sequence,
            own_token if token is None else token,
            own_index if index is None else index,
        )
        return with_checksum(head + (self.packet[ECHO_HEAD.size :] if rest is None else rest))

    def error(
        self, type_: int = 3, code: int = 1, *, quoted_bytes: int | None = None, to: str | None = None
    ) -> bytes:
        """What a router says about it, quoting so many bytes after the IP header; None: all of them."""
        quoted = self.packet[:quoted_bytes]
        if self.family is Family.IPV4:
            header = b"\x45" + bytes(8) + b"\x01" + bytes(6) + socket.inet_aton(to or self.to)
        else:
            packed = socket.inet_pton(socket.AF_INET6, to or self.to)
            header = b"\x60" + bytes(5) + b"\x3a" + bytes(17) + packed
        return with_checksum(struct.pack("!BBH4x", type_, code, 0) + header + quoted)

    def complaint(self, *, reason: str = "host unreachable (type 3, code 1)") -> Complaint:
        """What the error queue of a datagram socket tells about it."""
        return Complaint(
            ROUTER[self.family],
            3,
            1,
            reason,
            False,
            0,
            self.sequence,
            socket.inet_aton(self.to),
            (self.token, self.index),
        )


Arrival = tuple[float, bytes | Complaint, str]
"""So long after the request, s, this ICMP message or entry of the error queue comes from this address."""
Answer = Callable[[Request], Sequence[Arrival]]


def with_checksum(icmp: bytes) -> bytes:
    """The message with its right Internet checksum."""
    zeroed = icmp[:2] + bytes(2) + icmp[4:]
    return zeroed[:2] + struct.pack("!H", 0xFFFF - sum_of_words(zeroed)) + zeroed[4:]


def flipped(message: bytes, bit: int) -> bytes:
    """The message with one bit the other way round."""
    changed = bytearray(message)
    changed[bit >> 3] ^= 0x80 >> (bit & 7)
    return bytes(changed)


def answers_after(delay_s: float) -> Answer:
    """Every request is answered after so long."""
    return lambda request: [(delay_s, request.reply(), request.to)]


def answers_nothing(_request: Request) -> Sequence[Arrival]:
    """No request is answered."""
    return []


@dataclass(slots=True)
class VirtualClock:
    """A monotonic clock that goes on when it is told to, and one that counts the computer's sleep."""

    now_s: float = 1_000.0
    suspended_s: float = 0.0

    def now(self) -> float:
        return self.now_s

    def suspended(self) -> float:
        return self.suspended_s

    def spend(self, seconds: float) -> None:
        self.now_s += seconds


class FakeChannel:
    """An `EchoChannel` whose answers to each request a function gives."""

    def __init__(
        self,
        answer: Answer,
        *,
        now: Callable[[], float],
        spend: Callable[[float], None] = lambda _seconds: None,
        family: Family = Family.IPV4,
        raw: bool = True,
        exact: bool = True,
    ) -> None:
        """`spend` is told how long each sending takes; `raw` and `exact` say what kind of socket is played."""
        self.answer = answer
        self.family = family
        self.own_identifiers = raw
        self.ip_header = self.verify_checksum = raw and family is Family.IPV4
        self.reports_earlier_failures = not raw
        self.exact = exact
        self.sent: list[Request] = []
        self.failures: list[OSError | None] = []
        """What the next sendings raise, one after the other; None: nothing."""
        self.failure_of: Callable[[str], OSError | None] = lambda _to: None
        """What sending to an address raises."""
        self.applied: list[WireOptions] = []
        """The options set, without repetitions."""
        self.refuses: Callable[[WireOptions], bool] = lambda _options: False
        """Which options cannot be set."""
        self.stamp_shift_s = 0.0
        """How wrong the kernel's stamps are."""
        self.closed = False
        self.on_arrival: Callable[[], None] = lambda: None
        self._now = now
        self._spend = spend
        self._number = next(_file_numbers)
        self._order = itertools.count()
        self._arrivals: list[tuple[float, int, bytes | Complaint, str]] = []

    def fileno(self) -> int:
        return self._number

    def apply(self, options: WireOptions) -> None:
        if self.refuses(options):
            raise OSError(92, "this system has no such option")
        if not self.applied or self.applied[-1] != options:
            self.applied.append(options)

    def sendto(self, packet: bytearray, to: SockAddr) -> object:
        assert not self.closed, "the socket is closed"
        self._spend(_SENDING_S)
        failure = self.failures.pop(0) if self.failures else self.failure_of(to[0])
        if failure is not None:
            raise failure
        request = Request(
            at=self._now(),
            to=to[0],
            family=self.family,
            packet=bytes(packet),
            options=self.applied[-1] if self.applied else WireOptions(),
        )
        self.sent.append(request)
        for delay_s, message, source in self.answer(request):
            self.arrive(self._now() + delay_s, message, source)
        return len(packet)

    def arrive(self, at: float, message: bytes | Complaint, source: str) -> None:
        """Let a message come at this time, s."""
        heapq.heappush(self._arrivals, (at, next(self._order), message, source))
        self.on_arrival()

    def next_arrival_at(self) -> float:
        return self._arrivals[0][0] if self._arrivals else float("inf")

    def receive(self, matcher: Matcher) -> bool:
        messages: list[Message] = []
        while self.next_arrival_at() <= self._now() and len(messages) < _READ_AT_ONCE:
            at, _, message, source = heapq.heappop(self._arrivals)
            if isinstance(message, Complaint):
                matcher.complain(message, self._now())
                continue
            # Messages lie behind one another in a buffer, and what follows a short one is not its own.
            data = b"\x45" + bytes(19) + message if self.ip_header else message
            buffer = bytearray(b"\xff" * 7 + data + b"\xff" * 64)
            stamp = at + self.stamp_shift_s if self.exact else None
            messages.append((buffer, 7, 7 + len(data), ip_address(source).packed, stamp))
        matcher.take(messages, self._now())
        return len(messages) < _READ_AT_ONCE

    def describe(self) -> str:
        return f"{self.family}: fake"

    def close(self) -> None:
        self.closed = True


def addresses(count: int, family: Family = Family.IPV4) -> list[Address]:
    """So many addresses."""
    if family is Family.IPV6:
        return [from_sockaddr((f"2001:db8::{n // 65_536:x}:{n % 65_536:x}", 0, 0, 0)) for n in range(count)]
    return [from_sockaddr((f"10.{n // 65_536}.{n // 256 % 256}.{n % 256}", 0)) for n in range(count)]


@dataclass(slots=True, kw_only=True)
class Bench:
    """An `EchoCore` on virtual time, with a channel a family."""

    rate: float | None = None
    clock: VirtualClock = field(default_factory=VirtualClock)
    core: EchoCore = field(init=False)
    channels: dict[Family, FakeChannel] = field(default_factory=dict)
    over: dict[Train, float] = field(default_factory=dict)
    """When each train ended, s since the bench began."""
    began_at: float = field(init=False)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)
    _running: int = 0

    def __post_init__(self) -> None:
        self.began_at = self.clock.now_s
        self.core = EchoCore(
            identifier=IDENTIFIER,
            pacer=Pacer(self.rate),
            now=self.clock.now,
            suspended=self.clock.suspended,
        )

    def channel(
        self, answer: Answer, *, family: Family = Family.IPV4, raw: bool = True, exact: bool = True
    ) -> FakeChannel:
        """A channel of this bench."""
        made = FakeChannel(
            answer, now=self.clock.now, spend=self.clock.spend, family=family, raw=raw, exact=exact
        )
        self.channels[family] = made
        self.core.open(made)
        return made

    def begin(self, plan: TrainPlan, to: Sequence[Address]) -> Train:
        """Have a train begin now."""
        train = Train(to, plan)

        def end() -> None:
            if train not in self.over:
                self.over[train] = self.elapsed()
                self._running -= 1

        train.on_end = end
        self._running += 1
        self.core.begin(train)
        return train

    def elapsed(self) -> float:
        """Since the bench began, s."""
        return self.clock.now_s - self.began_at

    def at(self, seconds: float, event: Callable[[], None]) -> None:
        """Have something happen so long after the bench began."""
        heapq.heappush(self._events, (self.began_at + seconds, next(self._order), event))

    def run(self) -> None:
        """Go on until every train is over and everything has happened."""
        for _ in range(_MOST_STEPS):
            while self._events and self._events[0][0] <= self.clock.now_s:
                heapq.heappop(self._events)[2]()
            wait_s = self.core.work()
            if not self._running and not self._events:
                return
            watched = set(self.core.sockets)
            arrivals = [each.next_arrival_at() for each in self.channels.values() if each.fileno() in watched]
            wakes_at = min([self.clock.now_s + wait_s, *arrivals, *(each[0] for each in self._events[:1])])
            self.clock.now_s = max(self.clock.now_s, wakes_at) + 1e-7
        raise AssertionError("the trains do not end")

    def play(self, plan: TrainPlan, to: Sequence[Address]) -> Sequence[Found]:
        """Run a train, and nothing else, to its end."""
        train = self.begin(plan, to)
        self.run()
        assert train.complete
        return found_of(train)


ONE = TrainPlan(packets=1, interval_s=0.25, timeout_s=1.0)
FOUR = replace(ONE, packets=4)
