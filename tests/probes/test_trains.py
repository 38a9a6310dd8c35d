"""A train's packets: when each is due, and what is known of each."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.results import NO_STRAYS, Strays
from netstats_xl.probes.packets import ECHO_HEAD, sum_of_words
from netstats_xl.probes.trains import Train, TrainPlan
from tests.probes.fake_channel import addresses

BEGIN = 1_000.0
PLAN = TrainPlan(packets=3, interval_s=0.2, timeout_s=1.0)


def begun(lines: int, plan: TrainPlan = PLAN) -> Train:
    train = Train(addresses(lines), plan)
    train.start(7, 100, BEGIN)
    return train


def send(train: Train, count: int, at: float) -> None:
    for k in range(train.next, train.next + count):
        train.sent_at[k] = at
    train.next += count


def test_packets_are_due_by_passes_over_the_lines() -> None:
    train = begun(4)
    assert (train.packets, train.open, train.base) == (12, 12, 7 << 32)
    assert train.ready(BEGIN) == 4
    send(train, 3, BEGIN)
    assert train.ready(BEGIN) == 1  # never beyond the end of a pass
    send(train, 1, BEGIN)
    assert train.ready(BEGIN + 0.199) == 0
    assert train.due_at() == pytest.approx(BEGIN + 0.2)
    assert train.ready(BEGIN + 0.2001) == 4
    send(train, 4, BEGIN + 0.2)
    send(train, 4, BEGIN + 0.4)
    assert train.ready(BEGIN + 9) == 0
    assert train.ends_at() == pytest.approx(BEGIN + 1.4)


def test_nothing_is_due_before_it_begins() -> None:
    assert begun(4).ready(BEGIN - 0.001) == 0


def test_lines_are_spaced() -> None:
    train = begun(4, replace(PLAN, spacing_s=0.01))
    assert [train.ready(BEGIN + since) for since in (0, 0.0095, 0.0105, 0.5)] == [1, 1, 2, 4]
    send(train, 2, BEGIN)
    assert train.due_at() == pytest.approx(BEGIN + 0.02)
    assert train.ready(BEGIN + 0.015) == 0


def test_a_line_that_fell_behind_keeps_half_the_interval() -> None:
    train = begun(2)
    send(train, 1, BEGIN)
    send(train, 1, BEGIN + 0.15)
    assert train.ready(BEGIN + 0.21) == 1  # the second line's packet has hardly gone
    send(train, 1, BEGIN + 0.21)
    assert train.ready(BEGIN + 0.21) == 0
    assert train.due_at() == pytest.approx(BEGIN + 0.25)
    assert train.ready(BEGIN + 0.2501) == 1


def test_packets_that_failed_hold_nothing_up() -> None:
    train = begun(1)
    train.sent_at[0] = BEGIN
    train.next = 1
    train.fail(0, "no route to the host")
    assert train.open == 2
    assert train.due_at() == pytest.approx(BEGIN + 0.2)
    assert train.ready(BEGIN + 0.201) == 1
    for k in (1, 2):
        train.fail(k, "no route to the host")
    train.next = 3
    assert train.ends_at() == BEGIN


@given(
    lines=st.integers(1, 5),
    packets=st.integers(1, 5),
    spacing_s=st.sampled_from([0.0, 0.01, 0.03]),
    stalls=st.lists(st.floats(0, 1.0), max_size=8),
)
def test_whoever_comes_when_packets_are_due_finds_them_ready(
    lines: int, packets: int, spacing_s: float, stalls: list[float]
) -> None:
    train = begun(lines, replace(PLAN, packets=packets, spacing_s=spacing_s))
    now = BEGIN
    last: dict[int, float] = {}
    for _ in range(train.packets):
        now = max(now, train.due_at()) + (stalls.pop() if stalls else 0.0)
        assert train.ready(now + 1e-6) >= 1
        line = train.next % lines
        assert now - last.get(line, 0) >= PLAN.interval_s / 2 - 1e-6
        last[line] = now
        send(train, 1, now)
    assert train.ready(now + 99) == 0


def test_tokens_are_random_and_each_has_its_own() -> None:
    train, other = begun(1_000), begun(1_000)
    assert len({*train.tokens, *other.tokens}) == 6_000


def test_packets_that_go_one_way_have_one_checksum() -> None:
    train = begun(8, replace(PLAN, packets=30, ttls=tuple(range(1, 9)), one_way=True))
    sums = set()
    for k in range(train.packets):
        sequence = (train.sequence + k) & 0xFFFF
        head = ECHO_HEAD.pack(8, 0, 0, 1, sequence, train.tokens[k], train.base + k)
        sums.add(sum_of_words(head + train.filler))
    assert len(sums) == 1
    assert len(set(train.tokens)) == train.packets


def test_strays_are_told_by_line() -> None:
    train = begun(3)
    train.stray(1).duplicates += 2
    train.stray(1).late += 1
    train.stray(2).elsewhere = "10.9.9.9"
    assert [train.strays_of(line) for line in range(3)] == [
        NO_STRAYS,
        Strays(duplicates=2, late=1),
        Strays(elsewhere="10.9.9.9"),
    ]
