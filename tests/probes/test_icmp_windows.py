"""The engine over Windows' echo service, with the service played on a clock of its own."""

from collections.abc import Callable

import pytest

from netstats_xl.domain.results import Outcome, Replied, SendFailed, TimeExceeded, Timeout, Unreachable
from netstats_xl.probes.addresses import Address, Family, parse_literal
from netstats_xl.probes.icmp_windows import MOST_UNDER_WAY, EchoServiceCore
from netstats_xl.probes.outcomes import found_of
from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.packets import PAYLOAD_HEAD_BYTES
from netstats_xl.probes.trains import Train, TrainPlan, WireOptions
from tests.probes.fake_echo_api import (
    Answer,
    Answered,
    PlayedApi,
    SentRequest,
    answers_after,
    answers_nothing,
)

THREE = TrainPlan(packets=3, interval_s=0.25, timeout_s=1.0)
ONE = TrainPlan(packets=1, interval_s=0.25, timeout_s=1.0)
NO_RESOURCES = 1_450


def address(text: str) -> Address:
    found = parse_literal(text)
    assert found is not None
    return found


def addresses(count: int) -> list[Address]:
    return [address(f"10.{n // 65_536}.{n // 256 % 256}.{n % 256}") for n in range(count)]


class Stage:
    """A core over the played service."""

    def __init__(self, answer: Answer, *, packets_per_second: float | None = None) -> None:
        self.api = PlayedApi(answer)
        self.core = EchoServiceCore(self.api, pacer=Pacer(packets_per_second), now=self.api.now)
        self.over: list[Train] = []

    def begin(self, *to: str | Address, plan: TrainPlan = THREE) -> Train:
        train = Train([address(each) if isinstance(each, str) else each for each in to], plan)
        train.on_end = lambda: self.over.append(train)
        self.core.begin(train)
        return train

    def run(self, *trains: Train, most: int = 100_000) -> None:
        """Until these are over."""
        for _ in range(most):
            wait_s = self.core.work()
            if all(train in self.over for train in trains):
                return
            self.api.wait(wait_s)
        raise AssertionError("the trains do not end")

    def play(self, *to: str | Address, plan: TrainPlan = THREE) -> Train:
        train = self.begin(*to, plan=plan)
        self.run(train)
        assert train.complete
        return train


def outcome(answer: Answer, plan: TrainPlan = THREE, to: str = "10.0.0.1") -> Outcome:
    (found,) = found_of(Stage(answer).play(to, plan=plan))
    return found[0]


def test_each_reply_is_timed_by_this_program() -> None:
    found = outcome(lambda request: Answered(5.0 + request.number))
    assert isinstance(found, Replied)
    assert found.rtts_ms == pytest.approx((5.0, 6.0, 7.0))


def test_a_lines_packets_are_an_interval_apart_and_no_two_payloads_are_the_same() -> None:
    stage = Stage(answers_after(5.0))
    stage.play("10.0.0.1")
    begin = stage.api.sent[0].at
    assert [request.at - begin for request in stage.api.sent] == pytest.approx([0.0, 0.25, 0.5], abs=0.001)
    assert {len(request.payload) for request in stage.api.sent} == {THREE.payload_bytes}
    assert len({request.payload[:8] for request in stage.api.sent}) == 3


def test_a_reply_is_timed_before_the_next_packet_goes() -> None:
    stage = Stage(answers_after(0.5))
    stage.api.sending_takes_s = 0.001
    train = stage.play(*addresses(20), plan=ONE)
    assert list(train.rtts_ms) == pytest.approx([1.0] * 20)


def test_a_reply_within_the_clocks_step_took_some_time() -> None:
    (rtt_ms,) = Stage(answers_after(0.0)).play("10.0.0.1", plan=ONE).rtts_ms
    assert 0 < rtt_ms < 0.001


def test_silence_is_a_timeout_once_the_last_packets_time_is_over() -> None:
    stage = Stage(answers_nothing)
    begin = stage.api.now_s
    (found,) = found_of(stage.play("10.0.0.9"))
    assert found[0] == Timeout(address="10.0.0.9", sent=3)
    assert stage.api.now_s - begin == pytest.approx(1.5, abs=0.005)


def test_windows_is_given_longer_than_the_time_out_and_what_comes_in_between_is_late() -> None:
    stage = Stage(lambda request: Answered(1_010.0 if request.number == 0 else 2.0))
    ((found, strays),) = found_of(stage.play("10.0.0.1"))
    assert isinstance(found, Replied)
    assert found.rtts_ms[0] is None
    assert found.rtts_ms[1:] == pytest.approx((2.0, 2.0))
    assert strays.late == 1
    assert min(request.timeout_ms for request in stage.api.sent) > 1_010


@pytest.mark.parametrize(
    ("to", "status", "reason"),
    [
        ("10.0.0.8", 11_002, "network unreachable"),
        ("10.0.0.8", 11_003, "host unreachable"),
        ("10.0.0.8", 11_009, "packet too big for the path, and fragmenting is not allowed"),
        ("fd00::8", 11_004, "administratively prohibited"),
        ("fd00::8", 11_009, "packet too big for the path"),
    ],
)
def test_an_icmp_error_makes_a_destination_unreachable(to: str, status: int, reason: str) -> None:
    reporter = "fd00::254" if ":" in to else "10.0.0.254"
    found = outcome(lambda _: Answered(1.0, status, reporter), to=to)
    assert found == Unreachable(address=to, sent=3, reporter=reporter, reason=reason)


@pytest.mark.parametrize(("to", "status"), [("10.0.0.8", 11_013), ("fd00::8", 11_013), ("fd00::8", 11_041)])
def test_a_router_that_lets_a_packet_no_further_is_told(to: str, status: int) -> None:
    reporter = "fd00::254" if ":" in to else "10.0.0.254"
    found = outcome(lambda _: Answered(1.0, status, reporter), to=to)
    assert found == TimeExceeded(address=to, sent=3, reporter=reporter)


def test_an_error_after_the_time_out_is_none() -> None:
    found = outcome(lambda _: Answered(1_010.0, 11_003, "10.0.0.254"))
    assert found == Timeout(address="10.0.0.1", sent=3)


def test_with_a_ttl_for_each_line_an_error_settles_its_packet_and_has_a_time() -> None:
    def answer(request: SentRequest) -> Answered:
        ttl = request.options.ttl or 0
        return Answered(float(ttl), 11_013, f"10.9.9.{ttl}") if ttl < 3 else Answered(3.0)

    stage = Stage(answer)
    plan = TrainPlan(packets=2, interval_s=0.1, timeout_s=5.0, ttls=(1, 2, 3), options=WireOptions(dscp=46))
    begin = stage.api.now_s
    train = stage.play(*["10.0.0.1"] * 3, plan=plan)
    assert stage.api.now_s - begin < 1  # nothing was left to wait for
    assert [request.options for request in stage.api.sent[:3]] == [WireOptions(ttl, 46) for ttl in (1, 2, 3)]
    told = [train.complaints[k] for k in (0, 1, 3, 4)]
    assert sorted(train.complaints) == [0, 1, 3, 4]
    assert [each.rtt_ms for each in told] == pytest.approx([1.0, 2.0] * 2)
    assert [each.complaint.reporter for each in told] == ["10.9.9.1", "10.9.9.2"] * 2
    assert {each.complaint.time_exceeded for each in told} == {True}
    assert [train.rtts_ms[2], train.rtts_ms[5]] == pytest.approx([3.0, 3.0])


def test_options_go_with_every_packet() -> None:
    options = WireOptions(ttl=7, dscp=10, dont_fragment=True)
    stage = Stage(answers_after(1.0))
    stage.play("10.0.0.1", plan=TrainPlan(packets=2, interval_s=0.1, timeout_s=1.0, options=options))
    assert [request.options for request in stage.api.sent] == [options] * 2


def test_a_reply_from_another_address_counts_for_nothing_and_is_told() -> None:
    ((found, strays),) = found_of(Stage(lambda _: Answered(1.0, reporter="10.0.0.77")).play("10.0.0.1"))
    assert found == Timeout(address="10.0.0.1", sent=3)
    assert strays.elsewhere == "10.0.0.77"


@pytest.mark.parametrize(
    "change",
    [
        lambda payload: b"\0" * 8 + payload[8:],
        lambda payload: payload[:-1] + bytes([payload[-1] ^ 1]),
        lambda payload: payload[:8],
        lambda payload: payload + b"more",
        lambda payload: b"",
    ],
    ids=["another token", "a bit at the end", "too short to be told", "longer", "empty"],
)
def test_a_payload_that_does_not_come_back_as_it_was_is_corrupted(change: Callable[[bytes], bytes]) -> None:
    stage = Stage(lambda request: Answered(1.0, payload=change(request.payload)))
    ((found, strays),) = found_of(stage.play("10.0.0.1"))
    assert found == Timeout(address="10.0.0.1", sent=3)
    assert strays.corrupted == 3


def test_the_beginning_of_a_large_payload_is_a_reply() -> None:
    found = outcome(lambda request: Answered(1.0, payload=request.payload[:PAYLOAD_HEAD_BYTES]))
    assert isinstance(found, Replied)


@pytest.mark.parametrize(
    ("code", "reason"),
    [(1_231, "no route to its network"), (5, "not permitted"), (4_242, "error 4242")],
)
def test_what_windows_does_not_send_is_no_loss_and_spoils_no_other(code: int, reason: str) -> None:
    stage = Stage(lambda request: code if request.to == "10.0.0.7" else Answered(1.0))
    (failed, _), (fine, _) = found_of(stage.play("10.0.0.7", "10.0.0.1"))
    assert isinstance(failed, SendFailed)
    assert reason in failed.reason
    assert isinstance(fine, Replied)
    assert len(fine.rtts_ms) == 3


def test_a_train_of_which_nothing_can_be_sent_is_over_at_once() -> None:
    stage = Stage(lambda _: 1_231)
    begin = stage.api.now_s
    stage.play("10.0.0.7", plan=ONE)
    assert stage.api.now_s == begin


@pytest.mark.parametrize(
    ("status", "reason"), [(11_050, "firewall"), (11_018, "not an address"), (11_999, "error 11999")]
)
def test_what_windows_could_not_send_after_all_is_no_loss(status: int, reason: str) -> None:
    found = outcome(lambda _: Answered(1.0, status, "0.0.0.0"))  # nobody's address, as Windows gives it
    assert isinstance(found, SendFailed)
    assert reason in found.reason


def test_a_moment_without_resources_is_waited_for() -> None:
    stage = Stage(lambda request: NO_RESOURCES if request.number < 5 else Answered(1.0))
    ((found, _),) = found_of(stage.play("10.0.0.1"))
    assert isinstance(found, Replied)
    assert len(found.rtts_ms) == 3


def test_a_lasting_want_of_resources_is_told_and_is_no_loss() -> None:
    stage = Stage(lambda _: NO_RESOURCES)
    begin = stage.api.now_s
    ((found, _),) = found_of(stage.play("10.0.0.1"))
    assert isinstance(found, SendFailed)
    assert "memory" in found.reason
    assert 1 <= stage.api.now_s - begin < 5


def test_no_more_requests_are_on_their_way_than_windows_should_hold_and_all_go() -> None:
    count = MOST_UNDER_WAY + 404
    stage = Stage(answers_nothing)
    train = stage.play(*addresses(count), plan=ONE)
    assert stage.api.most_under_way == MOST_UNDER_WAY
    assert {request.to for request in stage.api.sent} == {each.text for each in addresses(count)}
    assert all(isinstance(found, Timeout) for found, _ in found_of(train))


def test_the_pace_is_kept_over_all_trains() -> None:
    stage = Stage(answers_after(1.0), packets_per_second=500)
    stage.run(stage.begin(*addresses(250), plan=ONE), stage.begin(*addresses(250), plan=ONE))
    sent = [request.at for request in stage.api.sent]
    assert len(sent) == 500
    assert sent[-1] - sent[0] == pytest.approx(1.0, abs=0.1)


def test_sending_makes_a_pause_for_orders_and_goes_on_at_once() -> None:
    stage = Stage(answers_after(1.0))
    stage.api.sending_takes_s = 0.001
    train = stage.begin(*addresses(1_000), plan=ONE)
    assert stage.core.work() == 0
    assert 32 <= len(stage.api.sent) <= 128
    stage.run(train)
    assert len(stage.api.sent) == 1_000


def test_a_wait_that_is_over_at_once_is_a_wait_all_the_same() -> None:
    stage = Stage(answers_after(1.0), packets_per_second=2_000)
    stage.play(*addresses(1_000), plan=ONE)
    assert stage.api.waits < 2_500  # one for a packet and one for a reply, and none in vain


def test_trains_at_once_keep_to_their_own_settings() -> None:
    stage = Stage(answers_after(300.0))
    patient = stage.begin("10.0.0.1")
    hasty = stage.begin("10.0.0.2", plan=TrainPlan(packets=2, interval_s=0.1, timeout_s=0.2))
    stage.run(patient, hasty)
    assert isinstance(found_of(patient)[0][0], Replied)
    assert found_of(hasty)[0][0] == Timeout(address="10.0.0.2", sent=2)


def test_what_was_on_its_way_while_the_computer_slept_counts_for_nothing() -> None:
    stage = Stage(lambda request: Answered(3_000.0 if request.number == 1 else 2.0))
    plan = TrainPlan(packets=3, interval_s=10.0, timeout_s=60.0)
    train = stage.begin("10.0.0.1", plan=plan)
    wait_s = stage.core.work()
    while len(stage.api.sent) < 2:
        stage.api.wait(wait_s)
        wait_s = stage.core.work()
    stage.api.now_s += 600  # asleep
    stage.api.wait(0)  # the reply is told now
    stage.run(train)
    assert list(train.failures) == [1]
    assert train.complete
    ((found, strays),) = found_of(train)
    assert isinstance(found, Replied)
    assert found.rtts_ms == pytest.approx((2.0, 2.0))
    assert strays.late == 0


def test_a_train_whose_every_packet_was_slept_over_is_over() -> None:
    stage = Stage(lambda _: Answered(3_000.0))
    train = stage.begin("10.0.0.1", plan=TrainPlan(packets=1, interval_s=1.0, timeout_s=60.0))
    stage.core.work()
    stage.api.now_s += 600
    stage.core.work()
    assert train in stage.over
    assert isinstance(found_of(train)[0][0], SendFailed)


def test_a_train_that_is_given_up_sends_no_more_and_its_replies_are_nobodys() -> None:
    stage = Stage(answers_after(50.0))
    train = stage.begin("10.0.0.1")
    stage.core.work()
    train.cancelled = True
    stage.core.work()
    assert stage.over == [train]
    assert not train.complete
    other = stage.play("10.0.0.2")
    assert [request.to for request in stage.api.sent].count("10.0.0.1") == 1
    assert train.rtts_ms[0] != train.rtts_ms[0]
    assert isinstance(found_of(other)[0][0], Replied)


def test_ipv6_is_equal() -> None:
    stage = Stage(lambda request: Answered(1.0, payload=request.payload[:PAYLOAD_HEAD_BYTES]))
    train = stage.play("fd00::1", "::1.2.3.4")
    assert train.family is Family.IPV6
    assert [type(found) for found, _ in found_of(train)] == [Replied] * 2
