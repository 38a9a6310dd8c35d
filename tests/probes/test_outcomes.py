"""What a train found of each line, as outcomes."""

import pytest

from netstats_xl.domain.results import (
    NO_STRAYS,
    Outcome,
    Replied,
    SendFailed,
    Strays,
    TimeExceeded,
    Timeout,
    Unreachable,
)
from netstats_xl.probes.outcomes import found_of
from netstats_xl.probes.packets import Complaint
from netstats_xl.probes.trains import ComplaintReceived, Train, TrainPlan
from tests.probes.fake_channel import addresses


def sent(lines: int, packets: int) -> Train:
    train = Train(addresses(lines), TrainPlan(packets=packets, interval_s=0.1, timeout_s=1))
    train.start(1, 0, 0.0)
    train.next = train.packets
    for k in range(train.packets):
        train.sent_at[k] = 1.0
    return train


def complaint(reason: str, *, time_exceeded: bool = False, reporter: str = "192.0.2.1") -> ComplaintReceived:
    return ComplaintReceived(Complaint(reporter, 3, 1, reason, time_exceeded, 0, 0, b"", None), 1.0)


def outcome_of(train: Train) -> Outcome:
    ((outcome, _),) = found_of(train)
    return outcome


@pytest.mark.parametrize("packets", [1, 2])
def test_each_line_has_its_own_outcome_in_their_order(packets: int) -> None:
    train = sent(4, packets)
    for pass_ in range(packets):
        train.rtts_ms[4 * pass_] = 10.0 + pass_
        train.complaints[4 * pass_ + 2] = complaint("host unreachable")
        train.fail(4 * pass_ + 3, "no route to the host")
    train.stray(0).duplicates = 1
    train.stray(1).late = 2
    assert list(found_of(train)) == [
        (Replied("10.0.0.0", tuple(10.0 + pass_ for pass_ in range(packets))), Strays(duplicates=1)),
        (Timeout(address="10.0.0.1", sent=packets), Strays(late=2)),
        (
            Unreachable(address="10.0.0.2", sent=packets, reporter="192.0.2.1", reason="host unreachable"),
            NO_STRAYS,
        ),
        (SendFailed(address="10.0.0.3", reason="no route to the host"), NO_STRAYS),
    ]


def test_lost_packets_have_no_rtt_and_failed_ones_are_left_out() -> None:
    train = sent(1, 4)
    train.rtts_ms[0], train.rtts_ms[3] = 5.0, 6.0
    train.fail(2, "no route to the host")
    assert outcome_of(train) == Replied("10.0.0.0", (5.0, None, 6.0))


def test_only_what_was_sent_counts_as_lost() -> None:
    train = sent(1, 4)
    train.fail(0, "no route to the host")
    assert outcome_of(train) == Timeout(address="10.0.0.0", sent=3)


def test_the_last_failure_and_the_last_complaint_are_told() -> None:
    train = sent(1, 2)
    train.fail(0, "first")
    train.fail(1, "last")
    assert outcome_of(train) == SendFailed(address="10.0.0.0", reason="last")
    train = sent(1, 2)
    train.complaints[1] = complaint("last", reporter="192.0.2.9")
    train.complaints[0] = complaint("first")
    assert outcome_of(train) == Unreachable(address="10.0.0.0", sent=2, reporter="192.0.2.9", reason="last")


def test_a_time_exceeded_is_an_outcome_of_its_own() -> None:
    train = sent(1, 2)
    train.complaints[0] = complaint("time to live exceeded", time_exceeded=True)
    assert outcome_of(train) == TimeExceeded(address="10.0.0.0", sent=2, reporter="192.0.2.1")


def test_a_reply_outweighs_complaints() -> None:
    train = sent(1, 2)
    train.complaints[0] = complaint("host unreachable")
    train.rtts_ms[1] = 3.0
    assert outcome_of(train) == Replied("10.0.0.0", (None, 3.0))


def test_what_was_never_reached_says_so() -> None:
    train = Train(addresses(1), TrainPlan(packets=1, interval_s=0.1, timeout_s=1))
    assert outcome_of(train) == SendFailed(address="10.0.0.0", reason="it was not reached in time")
