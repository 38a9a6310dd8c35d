"""The engine on fake sockets and virtual time: the pace, and when each packet goes."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.probes.fake_channel import (
    FOUR,
    ONE,
    Arrival,
    Bench,
    Request,
    addresses,
    answers_after,
)

MADE_UP_S, TOGETHER = 0.05, 12
"""What the pace lets through besides: so much time that was not used, and so many packets at once."""


def offsets(requests: Sequence[Request]) -> list[float]:
    """When each request went after the first one, s."""
    return [each.at - requests[0].at for each in requests]


def most_within(requests: Sequence[Request], window_s: float) -> int:
    """How many went in the busiest stretch of so many seconds."""
    times = sorted(each.at for each in requests)
    first = most = 0
    for last, at in enumerate(times):
        while times[first] < at - window_s:
            first += 1
        most = max(most, last - first + 1)
    return most


@pytest.mark.parametrize("rate", [100, 2_000, 50_000])
def test_the_pace_is_kept_over_several_rounds_and_reached(rate: int) -> None:
    bench = Bench(rate=rate)
    channel = bench.channel(answers_after(0.005))
    count = rate // 4
    for _ in range(3):
        bench.begin(ONE, addresses(count))
    bench.begin(replace(FOUR, interval_s=0.01), addresses(max(rate // 40, 1)))
    bench.run()
    assert most_within(channel.sent, 0.1) <= rate * (0.1 + MADE_UP_S) + TOGETHER
    lasted = channel.sent[-1].at - channel.sent[0].at
    assert lasted == pytest.approx(len(channel.sent) / rate, rel=0.1)


def test_a_round_begun_while_another_is_sent_need_not_wait_for_it() -> None:
    bench = Bench(rate=1_000)
    bench.channel(answers_after(0.005))
    long = bench.begin(ONE, addresses(2_000))
    short = bench.begin(ONE, addresses(100))
    bench.run()
    assert bench.over[short] < 0.3
    assert bench.over[long] == pytest.approx(2.1, abs=0.1)


def test_a_changed_pace_holds_for_what_is_under_way() -> None:
    bench = Bench(rate=100)
    channel = bench.channel(answers_after(0.005))
    bench.begin(ONE, addresses(1_000))
    bench.at(1.0, lambda: bench.core.pacer.limit(10_000))
    bench.run()
    assert channel.sent[-1].at - channel.sent[0].at == pytest.approx(1.09, abs=0.05)


def test_without_a_pace_replies_are_read_between_bursts() -> None:
    bench = Bench()
    waiting: list[int] = []

    def answer(request: Request) -> list[Arrival]:
        waiting.append(sum(at <= bench.clock.now_s for at, *_ in channel._arrivals))
        return [(0.0, request.reply(), request.to)]

    channel = bench.channel(answer)
    bench.play(ONE, addresses(1_000))
    assert max(waiting) <= 32


def test_a_lines_packets_never_bunch_up_after_a_stall() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.005))
    bench.begin(replace(FOUR, packets=8), addresses(3))
    bench.at(0.6, lambda: bench.clock.spend(0.9))
    bench.run()
    for address in addresses(3):
        times = [each.at for each in channel.sent if each.to == address.text]
        assert len(times) == 8
        assert min(later - earlier for earlier, later in pairwise(times)) >= 0.125 - 0.002


def test_lines_are_spaced_where_the_plan_says_so() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.005))
    bench.play(replace(ONE, packets=2, spacing_s=0.01), addresses(8))
    assert offsets(channel.sent) == pytest.approx(
        [0.25 * pass_ + 0.01 * line for pass_ in range(2) for line in range(8)], abs=0.0015
    )
