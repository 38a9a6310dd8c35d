"""A matcher with packets on their way, and what may count for one of them: judged by the bytes that were sent."""

import random
import struct
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import NamedTuple

from netstats_xl.probes.addresses import Address, Family, parse_literal
from netstats_xl.probes.matching import Matcher, Message
from netstats_xl.probes.trains import Train, TrainPlan

IDENTIFIER = 0x5A17
NOW = 1_000.0
TIMEOUT_S = 2.0
HEAD = 24
"""Of an echo message: its header, token and index."""
ROUTER = {Family.IPV4: bytes((10, 9, 9, 9)), Family.IPV6: b"\xfd\x09" + bytes(13) + b"\x09"}
SLOT_BYTES, SLOTS = 512, 32
"""Of the buffer that messages lie in."""
REQUEST, REPLY = {Family.IPV4: 8, Family.IPV6: 128}, {Family.IPV4: 0, Family.IPV6: 129}
ERRORS = {
    Family.IPV4: [(3, 0), (3, 1), (3, 4), (11, 0), (11, 1), (12, 0)],
    Family.IPV6: [(1, 0), (1, 3), (2, 0), (3, 0), (4, 1)],
}


ERROR_TYPES = {family: {type_ for type_, _ in errors} for family, errors in ERRORS.items()}


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A socket that packets come from."""

    family: Family
    ip_header: bool
    own_identifier: bool
    verify: bool


KINDS = {
    "IPv4, raw": Kind(family=Family.IPV4, ip_header=True, own_identifier=True, verify=True),
    "IPv4, datagram": Kind(family=Family.IPV4, ip_header=False, own_identifier=False, verify=False),
    "IPv6, raw": Kind(family=Family.IPV6, ip_header=False, own_identifier=True, verify=False),
    "IPv6, datagram": Kind(family=Family.IPV6, ip_header=False, own_identifier=False, verify=False),
}


class Sent(NamedTuple):
    """A request that was sent."""

    train: Train
    k: int
    icmp: bytes
    address: Address


class Received(NamedTuple):
    """A message as the socket gives it."""

    icmp: bytes
    source: bytes
    """Packed."""
    at: float | None = None
    """When the kernel had it."""


class Counted(NamedTuple):
    """A packet that something counted for."""

    train: Train
    k: int
    as_reply: bool
    """Else an ICMP error did."""


def total(data: bytes) -> int:
    """The ones' complement sum of the 16-bit words, modulo 0xFFFF: 0 where the checksum is right."""
    return int.from_bytes(data + bytes(len(data) % 2), "big") % 0xFFFF


def with_checksum(icmp: bytes) -> bytes:
    zeroed = icmp[:2] + bytes(2) + icmp[4:]
    return icmp[:2] + (0xFFFF - total(zeroed)).to_bytes(2, "big") + icmp[4:] if len(icmp) >= 4 else icmp


@dataclass(kw_only=True)
class World:
    """A matcher with packets on their way, and what was done to it."""

    kind: Kind
    rng: random.Random
    sent: dict[bytes, Sent] = field(default_factory=dict)
    """By sequence number, token and index, as they stand in the packet."""
    trains: dict[int, Train] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.matcher = Matcher(
            self.kind.family,
            self.trains,
            identifier=IDENTIFIER if self.kind.own_identifier else None,
            ip_header=self.kind.ip_header,
            verify_checksum=self.kind.verify,
            on_settled=lambda _train: None,
        )
        self.buffer = bytearray(SLOT_BYTES * SLOTS)
        other = Family.IPV6 if self.kind.family is Family.IPV4 else Family.IPV4
        self.launch(1, self.kind.family, lines=60, packets=2, payload=56, sequence=0xFFC0, sent=100)
        self.launch(2, self.kind.family, lines=40, packets=1, payload=16, sequence=7, sent=40)
        self.launch(3, self.kind.family, lines=30, packets=1, payload=101, sequence=7, sent=30, ttls=True)
        self.launch(4, other, lines=20, packets=1, payload=56, sequence=7, sent=20)
        self.genuine = [each for each in self.sent.values() if each.train.family is self.kind.family]
        self.by_sequence: dict[bytes, list[Sent]] = {}
        for each in self.genuine:
            self.by_sequence.setdefault(each.icmp[6:8], []).append(each)
        self.snapshots = {number: self.snapshot(train) for number, train in self.trains.items()}

    def launch(
        self,
        number: int,
        family: Family,
        *,
        lines: int,
        packets: int,
        payload: int,
        sequence: int,
        sent: int,
        ttls: bool = False,
    ) -> None:
        """Put a train on its way, of which so many packets are sent."""
        prefix = "10.1.0." if family is Family.IPV4 else "fd01::"
        literals = [parse_literal(f"{prefix}{line + 1}") for line in range(lines)]
        plan = TrainPlan(
            packets=packets,
            interval_s=1.0,
            timeout_s=TIMEOUT_S,
            payload_bytes=payload,
            ttls=range(1, lines + 1) if ttls else None,
        )
        addresses = [each for each in literals if each is not None]
        train = Train(addresses, plan, random_bytes=self.rng.randbytes)
        train.start(number, sequence, NOW - 1)
        for k in range(sent):
            train.sent_at[k] = NOW - 0.5
            address = train.addresses[k % lines]
            tail = struct.pack("!HQQ", (sequence + k) & 0xFFFF, train.tokens[k], (number << 32) + k)
            head = struct.pack("!BBHH", REQUEST[family], 0, 0, IDENTIFIER)
            self.sent[tail] = Sent(train, k, with_checksum(head + tail + train.filler), address)
        train.next = sent
        self.trains[number] = train

    def snapshot(self, train: Train) -> tuple[bytes, int]:
        return train.rtts_ms.tobytes(), len(train.complaints)

    def give(self, batch: Sequence[Received], read_at: float) -> list[Counted]:
        """Let the matcher have some messages; which packets it took them for."""
        messages: list[Message] = []
        for number, received in enumerate(batch):
            header = b""
            if self.kind.ip_header:
                options = 4 * (self.rng.random() < 0.1)
                header = bytes([0x45 + options // 4]) + self.rng.randbytes(19 + options)
            data, start = header + received.icmp, number * SLOT_BYTES
            # As in the product what an earlier, longer message left stays behind it.
            self.buffer[start : start + len(data)] = data
            messages.append((self.buffer, start, start + len(data), received.source, received.at))
        self.matcher.take(messages, read_at)
        return self.changes()

    def changes(self) -> list[Counted]:
        """What counts that did not before."""
        found: list[Counted] = []
        for number, train in self.trains.items():
            before, after = self.snapshots[number], self.snapshot(train)
            if before == after:
                continue
            self.snapshots[number] = after
            if before[0] != after[0]:
                bits = zip(array("Q", before[0]), array("Q", after[0]), strict=True)
                changed = [k for k, (old, new) in enumerate(bits) if old != new]
                rtts_before = array("d", before[0])
                assert all(isnan(rtts_before[k]) for k in changed), (
                    "the RTT of an answered packet was changed"
                )
                assert all(0 < train.rtts_ms[k] <= TIMEOUT_S * 1_000 for k in changed)
                found += [Counted(train, k, True) for k in changed]
            found += [Counted(train, k, False) for k in list(train.complaints)[before[1] :]]
        return found

    # --- What may count ---------------------------------------------------------------------------------

    def identifier_fits(self, identifier: bytes) -> bool:
        return not self.kind.own_identifier or identifier == IDENTIFIER.to_bytes(2, "big")

    def answered_by(self, received: Received) -> Sent | None:
        """The request that this answers: everything it carried comes back, or its beginning, from where it went."""
        icmp, family = received.icmp, self.kind.family
        sent = self.sent.get(icmp[6:HEAD])
        if sent is None or icmp[0] != REPLY[family] or not self.identifier_fits(icmp[4:6]):
            return None
        fits = sent.icmp[HEAD:].startswith(icmp[HEAD:]) and received.source == sent.address.packed
        return sent if fits and sent.train.family is family else None

    def complained_of(self, icmp: bytes) -> list[Sent]:
        """The requests that an ICMP error may be about: those of which it quotes all that it quotes of the message."""
        family = self.kind.family
        if len(icmp) < 8 or icmp[0] not in ERROR_TYPES[family]:
            return []
        quoted = icmp[8:]
        header = max((quoted[0] & 15) * 4, 20) if family is Family.IPV4 and quoted else 40
        if len(quoted) < header + 8:
            return []
        protocol, to = (quoted[9], quoted[16:20]) if family is Family.IPV4 else (quoted[6], quoted[24:40])
        return self.quoted(quoted[header:], to) if protocol == (1 if family is Family.IPV4 else 58) else []

    def quoted(self, inner: bytes, to: bytes) -> list[Sent]:
        family = self.kind.family
        if len(inner) < 8 or inner[0] != REQUEST[family] or not self.identifier_fits(inner[4:6]):
            return []
        sent = self.sent.get(inner[6:HEAD])
        if len(inner) >= HEAD:
            candidates = [sent] if sent is not None else []
        else:
            candidates = self.by_sequence.get(inner[6:8], [])
        return [each for each in candidates if each.address.packed == to and each.train.family is family]
