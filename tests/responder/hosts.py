"""What each host, or each network of like hosts, does with a request, and what it counted. No I/O."""

import ipaddress
import random
from collections.abc import Iterator
from dataclasses import replace

from tests.responder.settings import Host, Router
from tests.responder.wire import Marks, Request, icmp_message, ip_packet, plain_reply

Answer = tuple[float, bytes]
"""After how long, s, and the packet."""
_LAB_ROUTER = {4: "10.77.0.254", 16: "fd77::fe"}
_PLAIN = Host()


class PlayedHost:
    """One host, or a network of hosts that are alike: its behaviour and its counts."""

    def __init__(self, host: Host) -> None:
        self.requests = 0
        self.replies = 0
        self.first = 0
        """The first address of its network."""
        self.marks: dict[tuple[int, int, int, int], int] = {}
        self.set(host)

    def set(self, host: Host) -> None:
        self.host = host
        self.random = random.Random(host.seed)
        self.since_set = 0
        self.at_router = [0] * len(host.path)
        self.delay_s = host.delay_ms / 1_000
        self.dead_every = host.dead_every
        self.plain = host == replace(_PLAIN, delay_ms=host.delay_ms, dead_every=host.dead_every)
        """Whether every request is answered, the same way, after the same time."""

    def arrived(self) -> dict[Marks, int]:
        """How many requests came with which marks."""
        return {Marks(tos, ttl, bool(df), length): n for (tos, ttl, df, length), n in self.marks.items()}

    def is_dead(self, destination: bytes) -> bool:
        """Whether that one of a network's hosts is; only of a network with `dead_every`."""
        return (int.from_bytes(destination, "big") - self.first) % self.dead_every == 0

    def answers(self, request: Request) -> Iterator[Answer]:
        """Count a request; what it brings back."""
        host, marks = self.host, request.marks
        self.requests += 1
        self.since_set += 1
        mark = (marks.traffic_class, marks.ttl, marks.dont_fragment, marks.length)
        self.marks[mark] = self.marks.get(mark, 0) + 1
        if self.dead_every and self.is_dead(request.destination):
            return
        if self.plain and (request.packet[0] == 0x45 or len(request.source) == 16):
            yield self.delay_s, plain_reply(request.packet)
            return
        router = self._router_where_it_ends(request)
        if router is not None:
            yield from router
            return
        if host.mtu and request.marks.length > host.mtu and request.marks.dont_fragment:
            yield from self._too_big(request)
            return
        if host.forged:
            # The right numbers, but not what the request carried: whoever only guesses cannot know that.
            yield 0.0, self._reply(request, bytes(len(request.icmp) - 8))
        if host.dead or self._loses():
            return
        delay_s = self._delay_s()
        ipv4 = len(request.source) == 4
        if host.unreachable_from:
            code = host.unreachable_code if host.unreachable_code is not None else 1 if ipv4 else 3
            yield delay_s, self._error(request, host.unreachable_from, 3 if ipv4 else 1, code)
        elif host.time_exceeded_from:
            yield delay_s, self._time_exceeded(request, host.time_exceeded_from)
        else:
            answer = self._reply(request, request.icmp[8:])
            for _ in range(host.copies):
                yield delay_s, answer

    def _router_where_it_ends(self, request: Request) -> list[Answer] | None:
        """The answer of the router at which the TTL ends, or no answer; None where the packet gets farther."""
        number = request.marks.ttl - 1
        if not 0 <= number < len(self.host.path):
            return None
        router: Router = self.host.path[number]
        self.at_router[number] += 1
        count = self.at_router[number]
        if not router.address or (router.lose_every and count % router.lose_every == 0):
            return []
        address = router.or_address if router.or_address and count % 2 == 0 else router.address
        return [(router.delay_ms / 1_000, self._time_exceeded(request, address))]

    def _too_big(self, request: Request) -> list[Answer]:
        host, ipv4 = self.host, len(request.source) == 4
        router = host.mtu_from
        if router is None:
            router = host.path[-1].address if host.path else _LAB_ROUTER[len(request.source)]
        if not router:
            return []
        # The next hop's MTU: RFC 1191 puts it into the last 16 bits, RFC 4443 into all 32.
        rest = host.mtu.to_bytes(4, "big")
        return [(self._delay_s(), self._error(request, router, *((3, 4) if ipv4 else (2, 0)), rest))]

    def _time_exceeded(self, request: Request, router: str) -> bytes:
        return self._error(request, router, 11 if len(request.source) == 4 else 3, 0)

    def _error(self, request: Request, reporter: str, type_: int, code: int, rest: bytes = bytes(4)) -> bytes:
        source, destination = ipaddress.ip_address(reporter).packed, request.source
        quoted = request.packet[: self.host.quote_bytes]
        message = icmp_message(type_, code, rest, quoted, source=source, destination=destination)
        return ip_packet(source, destination, message)

    def _reply(self, request: Request, body: bytes) -> bytes:
        host, destination = self.host, request.source
        source = ipaddress.ip_address(host.answers_from).packed if host.answers_from else request.destination
        type_ = 0 if len(source) == 4 else 129
        if host.truncate_to is not None:
            body = body[: max(host.truncate_to - 8, 0)]
        flipped = body[:-1] + bytes((body[-1] ^ 1,)) if body else body
        if host.corrupt == "payload":
            body = flipped
        message = icmp_message(type_, 0, request.icmp[4:8], body, source=source, destination=destination)
        if host.corrupt == "checksum":
            message = message[:8] + flipped
        if host.truncate_to is not None:
            message = message[: host.truncate_to]
        return ip_packet(source, destination, message)

    def _loses(self) -> bool:
        host = self.host
        return bool(
            (host.lose_every and self.since_set % host.lose_every == 0)
            or (host.lose_share and self.random.random() < host.lose_share)
        )

    def _delay_s(self) -> float:
        host = self.host
        delay_ms = (
            host.delays_ms[(self.since_set - 1) % len(host.delays_ms)] if host.delays_ms else host.delay_ms
        )
        shift_ms = self.random.uniform(-host.jitter_ms, host.jitter_ms) if host.jitter_ms else 0.0
        return max(0.0, delay_ms + shift_ms) / 1_000
