"""A million packets that are nearly, or not at all, what a socket should receive: none breaks the matcher, and none
counts that is not the answer to a request under way.

Packets are made in bulk from a seed: Hypothesis chooses it, and which ways of spoiling packets take part.
"""

import random
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netstats_xl.probes.packets import parse_quoted
from tests.probes.fuzz_messages import SPOILERS, batches, bulk, error_about, reply_to
from tests.probes.fuzz_world import ERRORS, HEAD, KINDS, NOW, Counted, Kind, Received, Sent, World

pytestmark = pytest.mark.trials

PACKETS = 1_000_000
EXAMPLES = 250
BULK = 1_010


def rtt_ms(received: Received, sent: Sent, read_at: float) -> float:
    """What a reply tells: by the kernel's word where that can be true, else by when it was read."""
    sent_at, at = sent.train.sent_at[sent.k], received.at
    return ((at if at is not None and sent_at < at <= read_at else read_at) - sent_at) * 1_000


def judge(world: World, batch: Sequence[Received], counted: Sequence[Counted], read_at: float) -> None:
    """Make sure that for each packet that something counted for there was something that may, with the RTT it tells."""
    answered = [
        (sent.train, sent.k, rtt_ms(received, sent, read_at))
        for received in batch
        if (sent := world.answered_by(received)) is not None
    ]
    complained = [(each.train, each.k) for received in batch for each in world.complained_of(received.icmp)]
    for train, k, as_reply in counted:
        fits = (train, k, train.rtts_ms[k]) in answered if as_reply else (train, k) in complained
        if not fits:
            shown = "; ".join(f"{each.icmp.hex()} from {each.source.hex()}" for each in batch)
            raise AssertionError(f"a forgery counted for packet {k} of train {train.number}: {shown}")


def play(kind: Kind, seed: int, ways: Sequence[str]) -> int:
    """Let a matcher have a bulk of messages; how many counted."""
    world = World(kind=kind, rng=random.Random(seed))
    total = 0
    for batch in batches(world.rng, bulk(world, ways, BULK)):
        read_at = world.rng.choice((NOW, NOW, NOW, NOW + 1.4999, NOW + 1.6, NOW + 60))
        counted = world.give(batch, read_at)
        total += len(counted)
        if counted:
            judge(world, batch, counted, read_at)
    assert all(0 <= train.open <= train.packets for train in world.trains.values())
    return total


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_of_a_million_packets_none_breaks_the_matcher_and_no_forgery_counts(kind: Kind) -> None:
    played = counted = 0

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=[HealthCheck.too_slow]
    )
    @given(
        seed=st.integers(0, 2**64 - 1),
        ways=st.lists(st.sampled_from(sorted(SPOILERS)), min_size=1, unique=True),
    )
    def any_packets(seed: int, ways: list[str]) -> None:
        nonlocal played, counted
        counted += play(kind, seed, ways)
        played += BULK

    any_packets()
    assert played >= PACKETS / len(KINDS)
    assert counted > played / 100, "hardly anything counted: what was tried?"


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_every_reply_and_every_error_counts_once_whatever_came_before(kind: Kind) -> None:
    @settings(max_examples=10, deadline=None, database=None)
    @given(seed=st.integers(0, 2**64 - 1))
    def any_order(seed: int) -> None:
        world = World(kind=kind, rng=random.Random(seed))
        for batch in batches(world.rng, bulk(world, sorted(SPOILERS), 200)):
            world.give([received._replace(at=None) for received in batch], NOW + 60)  # all too late
        world.rng.shuffle(world.genuine)
        for sent in world.genuine:
            complaints = world.give([error_about(world, sent)], NOW)
            assert [each.as_reply for each in complaints] in ([], [False])
            assert world.give([reply_to(world, sent)] * 2, NOW) == [(sent.train, sent.k, True)]
            assert world.give([reply_to(world, sent)], NOW) == []
        settled = [train for train in world.trains.values() if train.family is kind.family]
        assert [train.open for train in settled] == [20, 0, 0]  # 20 of the first were not sent yet

    any_order()


@pytest.mark.parametrize("kind", [KINDS["IPv4, datagram"], KINDS["IPv6, datagram"]], ids=str)
def test_what_a_datagram_sockets_error_queue_quotes_is_judged_likewise(kind: Kind) -> None:
    @settings(max_examples=50, deadline=None, database=None)
    @given(seed=st.integers(0, 2**64 - 1))
    def any_quotes(seed: int) -> None:
        world = World(kind=kind, rng=random.Random(seed))
        rng, counted = world.rng, 0
        for _ in range(500):
            sent, other = rng.choice(world.genuine), rng.choice(world.genuine)
            quoted = sent.icmp[: rng.choice((8, HEAD, 200))]
            if rng.random() < 0.8:
                quoted = SPOILERS[rng.choice(sorted(SPOILERS))](world, quoted)
            to = (sent if rng.random() < 0.9 else other).address.packed
            type_, code = rng.choice(ERRORS[kind.family])
            complaint = parse_quoted(
                quoted,
                family=kind.family,
                reporter="10.9.9.9",
                type_=type_,
                code=code,
                destination=to,
            )
            if complaint is not None:
                world.matcher.complain(complaint, NOW)
            for train, k, as_reply in world.changes():
                counted += 1
                assert not as_reply
                assert any(each.train is train and each.k == k for each in world.quoted(quoted, to)), (
                    quoted.hex()
                )
        assert counted > 10

    any_quotes()
