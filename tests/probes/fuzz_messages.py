"""Messages as hosts and routers might send them, and ways to spoil them. All chance comes from the world's seed."""

import random
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from netstats_xl.probes.addresses import Family
from tests.probes.fuzz_world import (
    ERRORS,
    HEAD,
    NOW,
    REPLY,
    ROUTER,
    SLOTS,
    Received,
    Sent,
    World,
    with_checksum,
)

T = TypeVar("T")


def pick(rng: random.Random, those: Sequence[T]) -> T:
    """As `Random.choice`, in a third of its time."""
    return those[int(rng.random() * len(those))]


def reply_to(world: World, sent: Sent) -> Received:
    type_ = REPLY[sent.train.family]
    identifier = sent.icmp[4:6] if world.kind.own_identifier else world.rng.randbytes(2)
    return Received(with_checksum(bytes([type_, 0, 0, 0]) + identifier + sent.icmp[6:]), sent.address.packed)


def error_about(world: World, sent: Sent) -> Received:
    rng, family = world.rng, world.kind.family
    type_, code = pick(rng, ERRORS[family])
    if family is Family.IPV4:
        words = pick(rng, (0, 0, 0, 1, 10))
        header = (
            bytes([0x45 + words]) + bytes(8) + b"\x01" + bytes(6) + sent.address.packed + bytes(4 * words)
        )
    else:
        header = b"\x60" + bytes(5) + b"\x3a\x01" + bytes(16) + sent.address.packed
    quoted = header + sent.icmp[: pick(rng, (8, 20, HEAD, 28, 2_000))]
    return Received(with_checksum(bytes([type_, code, 0, 0]) + bytes(4) + quoted), ROUTER[family])


def position(rng: random.Random, data: bytes) -> int:
    return int(rng.random() * len(data))


def flip_bits(world: World, icmp: bytes) -> bytes:
    spoiled = bytearray(icmp)
    for _ in range(1 + int(world.rng.random() * 3)):
        spoiled[position(world.rng, icmp)] ^= 1 << int(world.rng.random() * 8)
    return bytes(spoiled)


def flip_in_head(world: World, icmp: bytes) -> bytes:
    spoiled = bytearray(icmp)
    spoiled[position(world.rng, icmp[:HEAD])] ^= 1 << int(world.rng.random() * 8)
    return bytes(spoiled)


def truncate(world: World, icmp: bytes) -> bytes:
    return icmp[: position(world.rng, icmp)]


def extend(world: World, icmp: bytes) -> bytes:
    return icmp + world.rng.randbytes(1 + int(world.rng.random() * 40))


def splice(world: World, icmp: bytes) -> bytes:
    """The beginning of one and the end of another."""
    other = message(world).icmp
    at = position(world.rng, icmp)
    return icmp[:at] + other[at if world.rng.random() < 0.7 else position(world.rng, other) :]


def overwrite(world: World, icmp: bytes) -> bytes:
    at, size = position(world.rng, icmp), 1 + int(world.rng.random() * 16)
    filled = bytes(size) if world.rng.random() < 0.5 else world.rng.randbytes(size)
    return icmp[:at] + filled[: len(icmp) - at] + icmp[at + size :]


def move(world: World, icmp: bytes) -> bytes:
    at = position(world.rng, icmp)
    return icmp[at:] + icmp[:at]


def guess(world: World, icmp: bytes) -> bytes:
    """A message whose token or index is another packet's, or none's."""
    rng = world.rng
    other = pick(rng, world.genuine).icmp
    token = other[8:16] if rng.random() < 0.5 else rng.randbytes(8)
    number, place = (
        pick(rng, (1, 2, 3, 4, 5, 0xFFFF_FFFF)),
        pick(rng, (0, 1, 39, 99, 100, 119, 120, 0xFFFF_FFFF)),
    )
    index = icmp[16:HEAD] if rng.random() < 0.3 else struct.pack("!II", number, place)
    return icmp[:8] + token + index + icmp[HEAD:]


def nonsense(world: World, icmp: bytes) -> bytes:
    """Random bytes of a type that is looked at."""
    return bytes([pick(world.rng, (0, 3, 11, 129, 1, 2, 255))]) + world.rng.randbytes(len(icmp))


SPOILERS: dict[str, Callable[[World, bytes], bytes]] = {
    each.__name__: each
    for each in (flip_bits, flip_in_head, truncate, extend, splice, overwrite, move, guess, nonsense)
}


def message(world: World) -> Received:
    """What a host or a router might send."""
    make = reply_to if world.rng.random() < 0.6 else error_about
    return make(world, pick(world.rng, world.genuine))


def source(world: World, received: Received) -> bytes:
    """Now and then another address than the one that should have sent it."""
    if world.rng.random() < 0.9:
        return received.source
    return pick(world.rng, (pick(world.rng, world.genuine).address.packed, ROUTER[world.kind.family]))


def stamp(rng: random.Random) -> float | None:
    """When the kernel says that it had a message, which may be nonsense."""
    return pick(rng, (None, NOW, NOW - 0.1, 0.0, NOW + 3_600, float("nan"), NOW - 0.5))


def bulk(world: World, ways: Sequence[str], size: int) -> list[Received]:
    """Messages in any order: spoiled in these ways, as they should be, and again."""
    rng = world.rng
    made: list[Received] = []
    for _ in range(size):
        roll = rng.random()
        if made and roll < 0.05:
            made.append(pick(rng, made))
            continue
        received = message(world)
        icmp = received.icmp
        if roll < 0.97:
            for _ in range(1 if rng.random() < 0.7 else 2):
                if icmp:
                    icmp = SPOILERS[pick(rng, ways)](world, icmp)
            if rng.random() < 0.5:
                icmp = with_checksum(icmp)
        made.append(Received(icmp, source(world, received), stamp(rng)))
    rng.shuffle(made)
    return made


def batches(rng: random.Random, messages: Sequence[Received]) -> Iterator[Sequence[Received]]:
    """The messages as they may be read: one by one, or some at once."""
    at = 0
    while at < len(messages):
        size = pick(rng, (1, 1, 2, 5, SLOTS))
        yield messages[at : at + size]
        at += size
