"""The engine on fake sockets and virtual time: what counts as an answer."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest

from netstats_xl.domain.results import Replied, SendFailed, Strays, TimeExceeded, Timeout, Unreachable
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.outcomes import found_of
from netstats_xl.probes.packets import sum_of_words
from netstats_xl.probes.trains import TrainPlan, WireOptions
from tests.probes.fake_channel import (
    FOUR,
    IDENTIFIER,
    ONE,
    ROUTER,
    Arrival,
    Bench,
    Request,
    addresses,
    answers_after,
    answers_nothing,
    flipped,
)

FAMILIES = pytest.mark.parametrize("family", Family, ids=str)
RAW = pytest.mark.parametrize("raw", [True, False], ids=["raw", "datagram"])


def offsets(requests: Sequence[Request]) -> list[float]:
    """When each request went after the first one, s."""
    return [each.at - requests[0].at for each in requests]


@FAMILIES
@RAW
def test_rtts_are_the_time_from_sending_to_arrival(family: Family, raw: bool) -> None:
    bench = Bench()
    bench.channel(answers_after(0.020), family=family, raw=raw)
    ((outcome, strays),) = bench.play(FOUR, addresses(1, family))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([20.0] * 4, abs=0.01)
    assert outcome.address == addresses(1, family)[0].text
    assert strays == Strays()


@FAMILIES
def test_requests_carry_their_numbers_and_have_the_size_and_checksum_asked_for(family: Family) -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.001), family=family)
    plan = replace(FOUR, payload_bytes=1_473)
    bench.play(plan, addresses(3, family))
    assert {len(each.payload) for each in channel.sent} == {1_473}
    assert {each.packet[0] for each in channel.sent} == {8 if family is Family.IPV4 else 128}
    assert {int.from_bytes(each.packet[4:6], "big") for each in channel.sent} == {IDENTIFIER}
    assert {sum_of_words(each.packet) for each in channel.sent} == {0}
    assert [each.sequence for each in channel.sent] == list(range(12))


def test_packets_to_one_destination_are_an_interval_apart_and_carry_the_payload_asked_for() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.001))
    bench.play(FOUR, addresses(1))
    assert offsets(channel.sent) == pytest.approx([0, 0.25, 0.5, 0.75], abs=0.002)
    assert {len(sent.payload) for sent in channel.sent} == {FOUR.payload_bytes}


def test_the_kernels_stamp_takes_the_wait_in_the_socket_off_the_rtt() -> None:
    bench = Bench()
    bench.channel(answers_after(0.020))
    train = bench.begin(ONE, addresses(1))
    bench.at(0.010, lambda: bench.clock.spend(0.5))
    bench.run()
    ((outcome, _),) = found_of(train)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([20.0], abs=0.01)


def test_without_stamps_an_rtt_lasts_until_the_reading() -> None:
    bench = Bench()
    bench.channel(answers_after(0.020), exact=False)
    train = bench.begin(ONE, addresses(1))
    bench.at(0.010, lambda: bench.clock.spend(0.5))
    bench.run()
    ((outcome, _),) = found_of(train)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([510.0], abs=0.5)


@pytest.mark.parametrize("shift_s", [-3_600.0, 3_600.0, -0.051, 0.001])
def test_a_stamp_that_lies_before_the_sending_or_after_the_reading_is_not_believed(shift_s: float) -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.050))
    channel.stamp_shift_s = shift_s
    ((outcome, _),) = bench.play(ONE, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([50.0], abs=0.01)


def test_no_reply_is_a_timeout_when_the_last_packets_time_is_over() -> None:
    bench = Bench()
    bench.channel(answers_nothing)
    ((outcome, _),) = bench.play(FOUR, addresses(1))
    assert outcome == Timeout(address="10.0.0.0", sent=4)
    assert bench.elapsed() == pytest.approx(1.75, abs=0.01)


def test_a_round_is_over_when_its_last_packet_is_answered() -> None:
    bench = Bench()
    bench.channel(answers_after(0.020))
    bench.play(FOUR, addresses(50))
    assert bench.elapsed() == pytest.approx(0.77, abs=0.01)


def test_a_late_reply_is_a_lost_packet_and_is_told() -> None:
    bench = Bench()
    bench.channel(answers_after(1.001))
    ((outcome, strays),) = bench.play(FOUR, addresses(1))
    assert outcome == Timeout(address="10.0.0.0", sent=4)
    assert strays == Strays(late=3)  # the last one comes when the round is over


def test_a_late_reply_to_one_packet_does_not_answer_another() -> None:
    bench = Bench()

    def late_once(request: Request) -> list[Arrival]:
        return [(1.100 if len(channel.sent) == 1 else 0.010, request.reply(), request.to)]

    channel = bench.channel(late_once)
    plan = TrainPlan(packets=3, interval_s=0.8, timeout_s=1.0)
    ((outcome, strays),) = bench.play(plan, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms[0] is None
    assert outcome.rtts_ms[1:] == pytest.approx([10.0, 10.0], abs=0.01)
    assert strays == Strays(late=1)


def test_replies_to_a_round_that_is_over_count_nowhere() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(1.5))
    bench.play(ONE, addresses(1))
    channel.answer = answers_nothing
    ((outcome, strays),) = bench.play(ONE, addresses(1))
    assert outcome == Timeout(address="10.0.0.0", sent=1)
    assert strays == Strays()


def test_duplicate_replies_count_once_and_are_told() -> None:
    bench = Bench()
    bench.channel(lambda request: [(delay, request.reply(), request.to) for delay in (0.01, 0.02, 0.03)])
    ((outcome, strays),) = bench.play(FOUR, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([10.0] * 4, abs=0.01)
    assert strays == Strays(duplicates=6)  # the round is over with the last packet's first reply


@pytest.mark.parametrize(
    "forge",
    [
        lambda request: request.reply(token=request.token ^ 1),
        lambda request: request.reply(index=request.index ^ 1),
        lambda request: request.reply(index=request.index ^ (1 << 32)),
        lambda request: request.reply(sequence=request.sequence ^ 1),
        lambda request: request.reply(identifier=IDENTIFIER ^ 1),
    ],
    ids=["token", "place", "train", "sequence", "identifier"],
)
@FAMILIES
def test_a_reply_with_a_wrong_head_sequence_or_identifier_counts_nowhere(
    forge: Callable[[Request], bytes], family: Family
) -> None:
    bench = Bench()
    bench.channel(lambda request: [(0.01, forge(request), request.to)], family=family)
    found = bench.play(ONE, addresses(2, family))
    assert [outcome for outcome, _ in found] == [
        Timeout(address=each.text, sent=1) for each in addresses(2, family)
    ]
    assert {strays for _, strays in found} == {Strays()}


def test_on_a_datagram_socket_the_identifier_is_the_kernels_and_is_not_compared() -> None:
    bench = Bench()
    bench.channel(lambda request: [(0.01, request.reply(identifier=4_711), request.to)], raw=False)
    ((outcome, _),) = bench.play(ONE, addresses(1))
    assert isinstance(outcome, Replied)


@RAW
def test_a_reply_from_another_address_does_not_count_and_is_told(raw: bool) -> None:
    bench = Bench()
    bench.channel(lambda request: [(0.01, request.reply(), "198.51.100.7")], raw=raw)
    ((outcome, strays),) = bench.play(FOUR, addresses(1))
    assert outcome == Timeout(address="10.0.0.0", sent=4)
    assert strays == Strays(elsewhere="198.51.100.7")


@pytest.mark.parametrize("bit", [8, 100, 400])
def test_a_reply_with_a_flipped_bit_does_not_count_and_is_told(bit: int) -> None:
    bench = Bench()
    bench.channel(lambda request: [(0.01, flipped(request.reply(), bit), request.to)])
    ((outcome, strays),) = bench.play(FOUR, addresses(1))
    assert outcome == Timeout(address="10.0.0.0", sent=4)
    assert strays == Strays(corrupted=4)


@FAMILIES
@RAW
def test_an_altered_payload_with_a_right_checksum_does_not_count_and_is_told(
    family: Family, raw: bool
) -> None:
    bench = Bench()
    rest = bytes(40)
    bench.channel(lambda request: [(0.01, request.reply(rest=rest), request.to)], family=family, raw=raw)
    ((outcome, strays),) = bench.play(FOUR, addresses(1, family))
    assert isinstance(outcome, Timeout)
    assert strays == Strays(corrupted=4)


@pytest.mark.parametrize("kept", [0, 1, 39])
def test_a_reply_that_is_cut_behind_its_head_is_a_reply(kept: int) -> None:
    bench = Bench()

    def cut(request: Request) -> list[Arrival]:
        return [(0.01, request.reply(rest=request.packet[24 : 24 + kept]), request.to)]

    bench.channel(cut)
    ((outcome, strays),) = bench.play(FOUR, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([10.0] * 4, abs=0.01)
    assert strays == Strays()


def test_a_reply_that_is_cut_within_its_head_is_none() -> None:
    bench = Bench()
    bench.channel(lambda request: [(0.01, request.reply()[:23], request.to)])
    ((outcome, strays),) = bench.play(ONE, addresses(1))
    assert outcome == Timeout(address="10.0.0.0", sent=1)
    assert strays == Strays()


@FAMILIES
@RAW
def test_an_icmp_error_makes_a_destination_unreachable(family: Family, raw: bool) -> None:
    bench = Bench()
    type_, code = (3, 1) if family is Family.IPV4 else (1, 3)
    bench.channel(
        lambda request: [(0.01, request.error(type_, code), ROUTER[family])], family=family, raw=raw
    )
    ((outcome, _),) = bench.play(FOUR, addresses(1, family))
    assert outcome == Unreachable(
        address=addresses(1, family)[0].text,
        sent=4,
        reporter=ROUTER[family],
        reason=f"host unreachable (type {type_}, code {code})",
    )
    assert bench.elapsed() == pytest.approx(1.75, abs=0.01)  # it settles nothing: replies are waited for


def test_an_icmp_error_from_the_error_queue_makes_a_destination_unreachable() -> None:
    bench = Bench()
    bench.channel(lambda request: [(0.01, request.complaint(), "")], raw=False)
    ((outcome, _),) = bench.play(FOUR, addresses(1))
    assert outcome == Unreachable(
        address="10.0.0.0", sent=4, reporter="192.0.2.254", reason="host unreachable (type 3, code 1)"
    )


@FAMILIES
@pytest.mark.parametrize("quoted_bytes", [8, 23, 24, None])
def test_an_icmp_error_that_quotes_little_is_understood(family: Family, quoted_bytes: int | None) -> None:
    bench = Bench()
    type_, code = (3, 13) if family is Family.IPV4 else (1, 1)
    bench.channel(
        lambda request: [(0.01, request.error(type_, code, quoted_bytes=quoted_bytes), ROUTER[family])],
        family=family,
    )
    found = bench.play(FOUR, addresses(5, family))
    assert {type(outcome) for outcome, _ in found} == {Unreachable}


def test_a_packet_that_passed_too_many_routers_says_so() -> None:
    bench = Bench()
    bench.channel(lambda request: [(0.01, request.error(11, 0), ROUTER[Family.IPV4])])
    ((outcome, _),) = bench.play(FOUR, addresses(1))
    assert outcome == TimeExceeded(address="10.0.0.0", sent=4, reporter="192.0.2.254")


def test_a_reply_outweighs_an_icmp_error() -> None:
    bench = Bench()
    bench.channel(
        lambda request: [(0.01, request.error(), ROUTER[Family.IPV4]), (0.02, request.reply(), request.to)]
    )
    ((outcome, _),) = bench.play(ONE, addresses(1))
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([20.0], abs=0.01)


def test_an_icmp_error_that_quotes_another_payload_or_destination_counts_nowhere() -> None:
    def forged(request: Request) -> list[Arrival]:
        other = replace(request, packet=request.packet[:8] + bytes(8) + request.packet[16:])
        return [
            (0.01, other.error(), ROUTER[Family.IPV4]),
            (0.01, request.error(to="10.9.9.9"), ROUTER[Family.IPV4]),
            (0.01, request.error(to="10.9.9.9", quoted_bytes=8), ROUTER[Family.IPV4]),
        ]

    bench = Bench()
    bench.channel(forged)
    ((outcome, _),) = bench.play(ONE, addresses(1))
    assert outcome == Timeout(address="10.0.0.0", sent=1)


def test_an_icmp_error_that_comes_late_counts_nowhere() -> None:
    bench = Bench()
    bench.channel(lambda request: [(1.1, request.error(), ROUTER[Family.IPV4])])
    ((outcome, _),) = bench.play(FOUR, addresses(1))
    assert outcome == Timeout(address="10.0.0.0", sent=4)


def test_no_two_packets_on_their_way_have_the_same_numbers() -> None:
    for raw in (True, False):
        bench = Bench()
        channel = bench.channel(answers_after(0.9), raw=raw)
        found = bench.play(FOUR, addresses(2_000))
        assert all(isinstance(outcome, Replied) for outcome, _ in found)
        assert len({(sent.sequence, sent.to) for sent in channel.sent}) == 8_000
        assert len({sent.index for sent in channel.sent}) == 8_000
        assert len({sent.token for sent in channel.sent}) == 8_000


@pytest.mark.untraced
def test_a_round_of_more_packets_than_sequence_numbers_tells_them_apart_by_their_index() -> None:
    bench = Bench()

    def out_of_order(request: Request) -> list[Arrival]:
        # All are on their way at once, and overtake each other.
        return [(1.5 + 0.1 * (request.index % 4), request.reply(), request.to)]

    channel = bench.channel(out_of_order)
    found = bench.play(TrainPlan(packets=100, interval_s=0.01, timeout_s=3.0), addresses(700))
    assert len(channel.sent) == 70_000
    for line, (outcome, strays) in enumerate(found):
        assert isinstance(outcome, Replied)
        places = range(line, 70_000, 700)
        assert outcome.rtts_ms == pytest.approx([1_500 + 100 * (k % 4) for k in places], abs=0.5)
        assert strays == Strays()


@pytest.mark.untraced
def test_an_icmp_error_with_eight_bytes_is_about_the_last_packet_of_its_number() -> None:
    bench = Bench()

    def answer(request: Request) -> list[Arrival]:
        if request.index & 0xFFFF_FFFF == 66_536:
            return [(0.1, request.error(quoted_bytes=8), ROUTER[Family.IPV4])]
        return [(0.1, request.reply(), request.to)]

    bench.channel(answer)
    # Place 1,000 has the same sequence number, and another destination than place 66,536.
    train = bench.begin(TrainPlan(packets=100, interval_s=0.01, timeout_s=2.0), addresses(700))
    bench.run()
    assert set(train.complaints) == {66_536}


def test_options_are_set_for_each_round_and_with_ttls_for_each_packet() -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01))
    options = WireOptions(ttl=9, dscp=46, dont_fragment=True)
    bench.play(replace(ONE, options=options), addresses(3))
    bench.play(ONE, addresses(1))
    bench.play(replace(ONE, options=WireOptions(dscp=8), ttls=(1, 2, 3)), addresses(1) * 3)
    assert [each.options for each in channel.sent] == [
        *[options] * 3,
        WireOptions(),
        *[WireOptions(ttl=ttl, dscp=8) for ttl in (1, 2, 3)],
    ]


@RAW
def test_where_an_option_cannot_be_set_nothing_is_sent_and_the_reason_is_told(raw: bool) -> None:
    bench = Bench()
    channel = bench.channel(answers_after(0.01), raw=raw)
    channel.refuses = lambda options: options.dont_fragment
    found = bench.play(replace(FOUR, options=WireOptions(dont_fragment=True)), addresses(2))
    reason = "the system refused: this system has no such option"
    assert [outcome for outcome, _ in found] == [
        SendFailed(address=each.text, reason=reason) for each in addresses(2)
    ]
    assert not channel.sent


def test_with_ttls_an_icmp_error_settles_a_packet_and_the_rtt_of_each_is_known() -> None:
    bench = Bench()

    def answer(request: Request) -> list[Arrival]:
        ttl = request.options.ttl
        if ttl == 3:
            return [(0.03, request.reply(), request.to)]
        return [(0.01 * (ttl or 0), request.error(11, 0), f"192.0.2.{ttl}")]

    bench.channel(answer)
    train = bench.begin(replace(ONE, ttls=(1, 2, 3)), addresses(1) * 3)
    bench.run()
    assert bench.over[train] == pytest.approx(0.03, abs=0.005)
    assert {k: each.complaint.reporter for k, each in train.complaints.items()} == {
        0: "192.0.2.1",
        1: "192.0.2.2",
    }
    assert [train.complaints[k].rtt_ms for k in (0, 1)] == pytest.approx([10, 20], abs=0.01)
    assert train.rtts_ms[2] == pytest.approx(30, abs=0.01)


def test_with_ttls_a_reply_after_an_icmp_error_settles_nothing_twice() -> None:
    bench = Bench()

    def answer(request: Request) -> list[Arrival]:
        if request.options.ttl == 2:
            return [(0.5, request.reply(), request.to)]
        return [
            (0.01, request.error(11, 0), ROUTER[Family.IPV4]),
            (0.02, request.reply(), request.to),
            (0.03, request.error(11, 0), ROUTER[Family.IPV4]),
        ]

    bench.channel(answer)
    train = bench.begin(replace(ONE, ttls=(1, 2)), addresses(1) * 2)
    bench.run()
    assert bench.over[train] == pytest.approx(0.5, abs=0.01)
    assert train.open == 0
