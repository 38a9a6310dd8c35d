"""How many packets may go: never more than the rate, and not less either."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.probes.pacing import Pacer

MADE_UP_S = 0.05
TOGETHER = 12
"""Ten packets go together, and rounding."""


@given(
    rate=st.floats(1, 100_000),
    steps=st.lists(st.tuples(st.floats(0, 0.5), st.integers(1, 64), st.integers(0, 64)), max_size=60),
)
def test_never_more_go_than_the_rate_and_a_small_burst(
    rate: float, steps: list[tuple[float, int, int]]
) -> None:
    pacer = Pacer(rate)
    now, sent = 1_000.0, [(1_000.0, 0)]
    for pause_s, most, taken in steps:
        now += pause_s
        count = min(pacer.allowance(now, most), taken)
        assert 0 <= count <= most
        pacer.sent(count)
        sent.append((now, count))
    # In every stretch of time, from any sending to any later one.
    for first in range(len(sent)):
        total = 0
        for at, count in sent[first:]:
            total += count
            assert total <= rate * (at - sent[first][0] + MADE_UP_S) + TOGETHER


@given(rate=st.floats(10, 100_000), most=st.integers(1, 64))
def test_who_comes_when_told_to_sends_at_the_full_rate(rate: float, most: int) -> None:
    pacer = Pacer(rate)
    now, total = 1_000.0, 0
    for _ in range(200):
        now = max(now, pacer.free_at())
        count = pacer.allowance(now, most)
        assert count > 0
        pacer.sent(count)
        total += count
    assert total >= rate * (now - 1_000.0) * 0.999


def test_packets_that_were_not_sent_for_long_are_not_made_up_for() -> None:
    pacer = Pacer(1_000)
    pacer.allowance(100.0, 1)
    pacer.sent(1)
    total = 0
    for _ in range(10_000):
        count = pacer.allowance(200.0, 32)
        if not count:
            break
        pacer.sent(count)
        total += count
    assert 50 <= total <= 50 + TOGETHER


def test_a_limit_holds_from_then_on_and_none_is_none() -> None:
    pacer = Pacer(None)
    assert pacer.allowance(0.0, 1_000) == 1_000
    pacer.sent(1_000)
    assert pacer.free_at() == 0.0
    pacer.limit(10)
    assert pacer.allowance(100.0, 1_000) < 5
    pacer.limit(None)
    assert pacer.allowance(100.0, 1_000) == 1_000


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_no_packets_a_second_are_no_limit(rate: float) -> None:
    with pytest.raises(ValueError, match="packets a second"):
        Pacer(rate)
