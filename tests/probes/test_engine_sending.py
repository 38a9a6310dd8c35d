"""The engine on fake sockets and virtual time: packets that cannot be sent, and rounds at once."""

import errno
from dataclasses import replace

import pytest

from netstats_xl.domain.results import Replied, SendFailed, Strays, Timeout
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.outcomes import found_of
from netstats_xl.probes.trains import TrainPlan
from tests.probes.fake_channel import (
    FOUR,
    ONE,
    Bench,
    addresses,
    answers_after,
    answers_nothing,
)

FAMILIES = pytest.mark.parametrize("family", Family, ids=str)
RAW = pytest.mark.parametrize("raw", [True, False], ids=["raw", "datagram"])


def test_a_full_queue_is_waited_for() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01))
    channel.failures = [OSError(errno.ENOBUFS, "no buffer space"), BlockingIOError(errno.EAGAIN, "again")] * 5
    ((outcome, _),) = bench.play(ONE, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([10.0], abs=0.01)
    assert len(channel.sent) == 1


def test_a_queue_that_stays_full_ends_the_round_after_a_bounded_time_for_all_destinations() -> None:
    bench = Bench()
    channel = bench.channel(answers_nothing)
    channel.failure_of = lambda _to: BlockingIOError(errno.EAGAIN, "again")
    found = bench.play(FOUR, addresses(500))
    assert {outcome.reason for outcome, _ in found if isinstance(outcome, SendFailed)} == {
        "the network interface takes no more packets"
    }
    assert {type(outcome) for outcome, _ in found} == {SendFailed}
    assert 1 < bench.elapsed() < 3


def test_after_a_queue_that_stayed_full_the_next_round_is_patient_again() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01))
    channel.failure_of = lambda _to: BlockingIOError(errno.EAGAIN, "again")
    bench.play(ONE, addresses(1))
    bench.clock.spend(60)
    channel.failure_of = lambda _to: None
    channel.failures = [BlockingIOError(errno.EAGAIN, "again")]
    ((outcome, _),) = bench.play(ONE, addresses(1))
    assert isinstance(outcome, Replied)


def test_a_queue_that_takes_a_few_packets_at_a_time_is_slow_and_not_full_for_good() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01))
    channel.failures = [None, None, OSError(errno.ENOBUFS, "no buffer space")] * 2_000
    found = bench.play(replace(ONE, timeout_s=5.0), addresses(4_000))
    assert {type(outcome) for outcome, _ in found} == {Replied}
    assert bench.elapsed() > 2


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENETUNREACH, "no route to its network"),
        (errno.EPERM, "forbidden by this machine's firewall"),
        (errno.EMSGSIZE, "the packet is larger than the network interface takes"),
    ],
)
@RAW
def test_a_destination_that_cannot_be_sent_to_says_why_and_spoils_no_other(
    number: int, reason: str, raw: bool
) -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01), raw=raw)
    channel.failure_of = lambda to: OSError(number, "x") if to == "10.0.0.1" else None
    (first, _), (failed, _), (last, _) = bench.play(FOUR, addresses(3))
    assert failed == SendFailed(address="10.0.0.1", reason=reason)
    assert isinstance(first, Replied)
    assert isinstance(last, Replied)
    assert bench.elapsed() == pytest.approx(0.76, abs=0.01)


def test_a_round_in_which_nothing_can_be_sent_is_over_at_once() -> None:
    bench = Bench()
    channel = bench.channel(answers_nothing)
    channel.failure_of = lambda _to: OSError(errno.ENETUNREACH, "Network is unreachable")
    found = bench.play(ONE, addresses(100))
    assert {type(outcome) for outcome, _ in found} == {SendFailed}
    assert bench.elapsed() < 0.01


def test_packets_that_could_not_be_sent_count_neither_as_sent_nor_as_lost() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01))
    channel.failures = [OSError(errno.ENETUNREACH, "Network is unreachable")] * 2
    ((outcome, _),) = bench.play(FOUR, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([10.0, 10.0], abs=0.01)


def test_a_sending_that_reports_what_befell_an_earlier_packet_is_tried_again() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01), raw=False)
    channel.failures = [OSError(errno.EHOSTUNREACH, "of another")] * 2
    ((outcome, _),) = bench.play(ONE, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([10.0], abs=0.01)


def test_where_sendings_report_nothing_of_earlier_packets_an_error_is_this_packets() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01), raw=True)
    channel.failures = [OSError(errno.EHOSTUNREACH, "of this")]
    ((outcome, _),) = bench.play(ONE, addresses(1))
    assert outcome == SendFailed(address="10.0.0.0", reason="no route to the host")


def test_rounds_at_the_same_time_keep_to_their_own_settings() -> None:
    bench = Bench()
    bench.channel(answers_after(0.300))
    patient = bench.begin(FOUR, addresses(1))
    hasty = bench.begin(TrainPlan(packets=2, interval_s=0.1, timeout_s=0.2), addresses(1))
    bench.run()
    assert isinstance(found_of(patient)[0][0], Replied)
    # The reply to its first packet comes while the second is waited for; that to the second one is too late.
    assert found_of(hasty) == [(Timeout(address="10.0.0.0", sent=2), Strays())]
    assert bench.over[hasty] == pytest.approx(0.3, abs=0.01)
    assert bench.over[patient] == pytest.approx(1.05, abs=0.01)


def test_both_families_go_on_at_once() -> None:
    bench = Bench()
    bench.channel(answers_after(0.01), family=Family.IPV4)
    bench.channel(answers_after(0.02), family=Family.IPV6)
    trains = [bench.begin(FOUR, addresses(10, family)) for family in Family]
    bench.run()
    for train, rtt_ms in zip(trains, (10, 20), strict=True):
        for outcome, _ in found_of(train):
            assert isinstance(outcome, Replied)
            assert outcome.rtts_ms == pytest.approx([rtt_ms] * 4, abs=0.1)


def test_a_cancelled_round_sends_nothing_more_and_leaves_others_alone() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.400))
    gone, kept = addresses(2)
    doomed, other = bench.begin(FOUR, [gone]), bench.begin(FOUR, [kept])
    bench.at(0.3, lambda: setattr(doomed, "cancelled", True))
    bench.run()
    assert sum(sent.to == gone.text for sent in channel.sent) == 2
    assert sum(sent.to == kept.text for sent in channel.sent) == 4
    assert bench.over[doomed] == pytest.approx(0.3, abs=0.01)
    assert not doomed.complete
    assert other.complete
    assert isinstance(found_of(other)[0][0], Replied)


def test_a_round_that_is_cancelled_when_all_is_sent_is_not_complete() -> None:
    bench = Bench()
    bench.channel(answers_nothing)
    train = bench.begin(ONE, addresses(1))
    bench.at(0.1, lambda: setattr(train, "cancelled", True))
    bench.run()
    assert not train.complete
    assert bench.over[train] == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("plan", [ONE, FOUR], ids=["all sent", "some sent"])
def test_ending_all_leaves_what_was_under_way_incomplete_and_watches_no_socket(plan: TrainPlan) -> None:
    bench = Bench()
    bench.channel(answers_nothing)
    train = bench.begin(plan, addresses(1))
    bench.at(0.1, bench.core.end_all)
    bench.run()
    assert not train.complete
    assert bench.over[train] == pytest.approx(0.1, abs=0.01)
    assert bench.core.sockets == []


def test_sockets_are_watched_while_replies_are_awaited() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01))
    bench.channel(answers_after(0.01), family=Family.IPV6)
    assert bench.core.sockets == []
    train = bench.begin(ONE, addresses(1))
    assert bench.core.sockets == [channel.fileno()]
    bench.run()
    assert train.complete
    assert bench.core.sockets == []
    assert bench.core.work() == pytest.approx(60, abs=0.01)  # nothing to do


def test_what_came_while_nobody_waited_is_taken_away_before_the_first_packet() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01))
    for _ in range(3_000):
        channel.arrive(bench.clock.now_s - 1, b"\0" * 64, "10.0.0.0")
    train = bench.begin(ONE, addresses(1))
    assert channel.next_arrival_at() == float("inf")
    bench.run()
    assert train.complete
