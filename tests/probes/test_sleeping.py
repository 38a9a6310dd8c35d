"""The computer sleeps in mid-round: what was answered counts, the rest was not sent, and rounds end."""

import sys
from collections.abc import Callable
from dataclasses import replace

import pytest

from netstats_xl.domain.results import Replied, SendFailed, Timeout
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.outcomes import found_of
from netstats_xl.probes.sleeping import suspended_s
from netstats_xl.probes.trains import TrainPlan
from tests.probes.fake_channel import (
    FOUR,
    ONE,
    Arrival,
    Bench,
    Request,
    addresses,
    answers_after,
    answers_nothing,
)

SLEPT = "the computer slept while the packets were on their way"
HOUR_S = 3_600.0


def suspend(bench: Bench) -> None:
    """The monotonic clock stands still meanwhile, as on Linux."""
    bench.clock.suspended_s += HOUR_S


def stall(bench: Bench) -> None:
    """The monotonic clock goes on meanwhile, as on Windows."""
    bench.clock.spend(HOUR_S)


KINDS = pytest.mark.parametrize(
    ("exact", "sleep"), [(True, suspend), (False, suspend), (False, stall)], ids=["stamps", "none", "stall"]
)
Sleep = Callable[[Bench], None]


@KINDS
def test_what_was_on_its_way_in_a_sleep_is_not_sent_rather_than_lost(exact: bool, sleep: Sleep) -> None:
    bench = Bench()
    bench.channel(answers_nothing, exact=exact)
    train = bench.begin(ONE, addresses(3))
    bench.at(0.3, lambda: sleep(bench))
    bench.run()
    assert train.complete
    assert [outcome for outcome, _ in found_of(train)] == [
        SendFailed(address=each.text, reason=SLEPT) for each in addresses(3)
    ]


@KINDS
def test_a_round_goes_on_after_a_sleep_with_what_was_answered_before(exact: bool, sleep: Sleep) -> None:
    bench = Bench()

    def answer(request: Request) -> list[Arrival]:
        return [] if len(channel.sent) == 2 else [(0.02, request.reply(), request.to)]

    channel = bench.channel(answer, exact=exact)
    train = bench.begin(FOUR, addresses(1))
    bench.at(0.3, lambda: sleep(bench))
    bench.run()
    ((outcome, _),) = found_of(train)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([20.0] * 3, abs=0.5)


@KINDS
def test_what_was_lost_before_a_sleep_stays_lost(exact: bool, sleep: Sleep) -> None:
    bench = Bench()
    bench.channel(answers_nothing, exact=exact)
    train = bench.begin(TrainPlan(packets=2, interval_s=1.0, timeout_s=0.2), addresses(1))
    bench.at(1.1, lambda: sleep(bench))
    bench.run()
    assert [outcome for outcome, _ in found_of(train)] == [Timeout(address="10.0.0.0", sent=1)]


def test_what_the_kernel_stamped_before_the_sleep_counts_also_when_it_is_read_after_it() -> None:
    bench = Bench()
    bench.channel(answers_after(0.11))
    train = bench.begin(ONE, addresses(1))

    def sleep_after_the_arrival() -> None:
        bench.clock.spend(0.05)
        suspend(bench)

    bench.at(0.1, sleep_after_the_arrival)
    bench.run()
    ((outcome, _),) = found_of(train)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([110.0], abs=0.1)


@KINDS
def test_an_answer_that_comes_after_the_sleep_tells_no_rtt(exact: bool, sleep: Sleep) -> None:
    bench = Bench()
    bench.channel(lambda request: [(HOUR_S, request.reply(), request.to)], exact=exact)
    train = bench.begin(replace(ONE, packets=2, timeout_s=0.9, interval_s=0.5), addresses(1))
    bench.at(0.3, lambda: sleep(bench))
    bench.run()
    assert train.complete
    ((outcome, strays),) = found_of(train)
    assert outcome == Timeout(address="10.0.0.0", sent=1)  # the packet that went after it
    assert strays.late == 0


@KINDS
def test_routers_that_answered_before_a_sleep_have_answered(exact: bool, sleep: Sleep) -> None:
    bench = Bench()

    def answer(request: Request) -> list[Arrival]:
        return [] if request.options.ttl == 3 else [(0.02, request.error(11, 0), "192.0.2.1")]

    bench.channel(answer, exact=exact)
    train = bench.begin(replace(ONE, ttls=(1, 2, 3)), addresses(1) * 3)
    bench.at(0.3, lambda: sleep(bench))
    bench.run()
    assert bench.over[train] % HOUR_S == pytest.approx(0.3, abs=0.05)
    assert set(train.complaints) == {0, 1}
    assert train.failures == {2: SLEPT}
    assert train.open == 0


def test_a_stall_changes_nothing_where_the_kernel_stamps() -> None:
    bench = Bench()
    bench.channel(answers_after(0.02))
    train = bench.begin(ONE, addresses(1))
    bench.at(0.01, lambda: bench.clock.spend(10))
    bench.run()
    ((outcome, _),) = found_of(train)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([20.0], abs=0.1)


def test_where_one_socket_has_no_stamps_a_stall_spoils_the_rounds_of_all() -> None:
    bench = Bench()
    bench.channel(answers_nothing, exact=True)
    bench.channel(answers_nothing, exact=False, family=Family.IPV6)
    trains = [bench.begin(ONE, addresses(1, family)) for family in Family]
    bench.at(0.3, lambda: stall(bench))
    bench.run()
    for train in trains:
        assert isinstance(found_of(train)[0][0], SendFailed)


@pytest.mark.parametrize("exact", [True, False])
def test_rounds_after_a_sleep_are_as_ever(exact: bool) -> None:
    bench = Bench()
    bench.channel(answers_after(0.02), exact=exact)
    bench.play(ONE, addresses(1))
    suspend(bench)
    stall(bench)
    ((outcome, _),) = bench.play(FOUR, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([20.0] * 4, abs=0.5)


def test_how_long_this_computer_slept_never_shrinks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert suspended_s() >= 0 - 1e-3  # two clocks, read one after the other
    monkeypatch.setattr(sys, "platform", "win32")
    assert suspended_s() == 0
