"""The engine on a fake socket and virtual time."""

import asyncio
import errno
from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from netstats_xl.domain.results import Outcome, Replied, SendFailed, Timeout, Unreachable
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, from_sockaddr
from netstats_xl.probes.engine import EchoEngine
from netstats_xl.probes.packets import Complaint, Reply
from tests.probes.fake_channel import Answers, FakeChannel, Sent, answers_after, answers_nothing
from tests.probes.virtual_loop import on_virtual_loop

FOUR = EchoSettings(packets=4, packet_interval_ms=250, timeout_ms=1_000)
ONE = EchoSettings(packets=1, packet_interval_ms=250, timeout_ms=1_000)
TOLERANCE_S = 1e-6


def addresses(count: int) -> list[Address]:
    return [from_sockaddr((f"10.{n // 65_536}.{n // 256 % 256}.{n % 256}", 0)) for n in range(count)]


def new_engine() -> EchoEngine:
    loop = asyncio.get_running_loop()
    return EchoEngine(loop, now=loop.time)


def play(channel: FakeChannel, settings: EchoSettings, *, count: int = 1) -> Sequence[Outcome]:
    """A round against so many addresses, and nothing else."""

    async def main() -> Sequence[Outcome]:
        engine = new_engine()
        try:
            return await engine.run([(address, channel) for address in addresses(count)], settings)
        finally:
            engine.close()
            channel.close()

    return on_virtual_loop(main())


def test_rtts_are_the_time_from_sending_to_arrival() -> None:
    (outcome,) = play(FakeChannel(answers_after(0.020)), FOUR)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([20.0] * 4, abs=0.01)
    assert outcome.address == "10.0.0.0"


def test_packets_to_one_destination_are_an_interval_apart_and_carry_the_payload_asked_for() -> None:
    channel = FakeChannel(answers_after(0.001))
    play(channel, FOUR)
    offsets = [sent.at - channel.sent[0].at for sent in channel.sent]
    assert offsets == pytest.approx([0, 0.25, 0.5, 0.75], abs=TOLERANCE_S)
    assert {sent.payload_bytes for sent in channel.sent} == {FOUR.payload_bytes}


def test_the_kernels_stamp_takes_the_wait_in_the_socket_off_the_rtt() -> None:
    channel = FakeChannel(answers_after(0.050))
    channel.stamp_lag_s = 0.030
    (outcome,) = play(channel, ONE)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([20.0], abs=0.01)


@pytest.mark.parametrize("lag_s", [-3_600.0, 3_600.0, 0.051])
def test_a_stamp_that_lies_before_the_sending_or_after_the_reading_is_not_believed(lag_s: float) -> None:
    channel = FakeChannel(answers_after(0.050))
    channel.stamp_lag_s = lag_s
    (outcome,) = play(channel, ONE)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([50.0], abs=0.01)


def test_no_reply_is_a_timeout_when_the_last_packets_time_is_over() -> None:
    async def main() -> tuple[Sequence[Outcome], float]:
        channel, engine = FakeChannel(answers_nothing), new_engine()
        begin = asyncio.get_running_loop().time()
        outcomes = await engine.run([(addresses(1)[0], channel)], FOUR)
        lasted = asyncio.get_running_loop().time() - begin
        engine.close()
        channel.close()
        return outcomes, lasted

    outcomes, lasted = on_virtual_loop(main())
    assert list(outcomes) == [Timeout(address="10.0.0.0", sent=4)]
    assert lasted == pytest.approx(FOUR.longest_round_s, abs=0.01)


def test_a_late_reply_is_a_lost_packet() -> None:
    (outcome,) = play(FakeChannel(answers_after(1.001)), FOUR)
    assert outcome == Timeout(address="10.0.0.0", sent=4)


def test_a_late_reply_to_one_packet_does_not_answer_another() -> None:
    def late_once(sent: Sent) -> Answers:
        return [(1.100 if len(channel.sent) == 1 else 0.010, sent.reply())]

    channel = FakeChannel(late_once)
    settings = EchoSettings(packets=3, packet_interval_ms=800, timeout_ms=1_000)
    (outcome,) = play(channel, settings)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms[0] is None
    assert outcome.rtts_ms[1:] == pytest.approx([10.0, 10.0], abs=0.01)


def test_duplicate_replies_count_once() -> None:
    (outcome,) = play(FakeChannel(lambda sent: [(0.01, sent.reply()), (0.02, sent.reply())] * 2), FOUR)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([10.0] * 4, abs=0.01)


@pytest.mark.parametrize(
    "forge",
    [
        lambda reply: reply._replace(head=b"\0" * 16),
        lambda reply: reply._replace(sequence=reply.sequence ^ 1),
        lambda reply: reply._replace(identifier=reply.identifier ^ 1),
    ],
    ids=["head", "sequence", "identifier"],
)
def test_a_reply_with_a_wrong_head_sequence_or_identifier_counts_nowhere(
    forge: Callable[[Reply], Reply],
) -> None:
    outcomes = play(FakeChannel(lambda sent: [(0.01, forge(sent.reply()))]), ONE)
    assert list(outcomes) == [Timeout(address="10.0.0.0", sent=1)]


def test_on_a_datagram_socket_the_identifier_is_the_kernels_and_is_not_compared() -> None:
    channel = FakeChannel(
        lambda sent: [(0.01, sent.reply()._replace(identifier=4_711))], own_identifiers=False
    )
    (outcome,) = play(channel, ONE)
    assert isinstance(outcome, Replied)


def test_an_icmp_error_makes_a_destination_unreachable() -> None:
    (outcome,) = play(FakeChannel(lambda sent: [(0.01, sent.complaint())]), FOUR)
    assert outcome == Unreachable(
        address="10.0.0.0", sent=4, reporter="192.0.2.254", reason="host unreachable"
    )


def test_a_reply_outweighs_an_icmp_error() -> None:
    (outcome,) = play(FakeChannel(lambda sent: [(0.01, sent.complaint()), (0.02, sent.reply())]), ONE)
    assert isinstance(outcome, Replied)


def test_an_icmp_error_that_quotes_another_payload_or_destination_counts_nowhere() -> None:
    def forged(sent: Sent) -> Answers:
        elsewhere: Complaint = sent.complaint()._replace(destination=b"\x0a\x09\x09\x09")
        return [(0.01, sent.complaint(head=b"\0" * 16)), (0.01, elsewhere)]

    assert list(play(FakeChannel(forged), ONE)) == [Timeout(address="10.0.0.0", sent=1)]


def test_no_two_packets_on_their_way_have_the_same_numbers() -> None:
    for own_identifiers in (True, False):
        channel = FakeChannel(answers_after(0.9), own_identifiers=own_identifiers)
        outcomes = play(channel, FOUR, count=2_000)
        assert all(isinstance(outcome, Replied) for outcome in outcomes)
        assert len({(sent.identifier, sent.sequence, sent.to) for sent in channel.sent}) == 8_000
        assert len({sent.head for sent in channel.sent}) == 8_000


def test_the_first_packets_are_spread_over_the_packet_interval_and_the_first_goes_at_once() -> None:
    async def main() -> list[float]:
        channel, engine = FakeChannel(answers_after(0.001)), new_engine()
        begin = asyncio.get_running_loop().time()
        await engine.run([(address, channel) for address in addresses(1_000)], ONE)
        engine.close()
        channel.close()
        return [sent.at - begin for sent in channel.sent]

    offsets = on_virtual_loop(main())
    assert offsets[0] == pytest.approx(0, abs=TOLERANCE_S)
    assert offsets[-1] == pytest.approx(0.25, abs=0.002)
    assert offsets == sorted(offsets)
    assert max(later - earlier for earlier, later in pairwise(offsets)) < 0.002


def test_a_full_queue_is_waited_for() -> None:
    channel = FakeChannel(answers_after(0.01))
    channel.failures = [OSError(errno.ENOBUFS, "no buffer space"), BlockingIOError(errno.EAGAIN, "again")] * 5
    (outcome,) = play(channel, ONE)
    assert isinstance(outcome, Replied)
    assert len(channel.sent) == 1


def test_a_queue_that_stays_full_ends_the_round_after_a_bounded_time_for_all_destinations() -> None:
    async def main() -> tuple[Sequence[Outcome], float]:
        channel, engine = FakeChannel(answers_nothing), new_engine()
        channel.always_fails = BlockingIOError(errno.EAGAIN, "again")
        begin = asyncio.get_running_loop().time()
        outcomes = await engine.run([(address, channel) for address in addresses(500)], FOUR)
        lasted = asyncio.get_running_loop().time() - begin
        engine.close()
        channel.close()
        return outcomes, lasted

    outcomes, lasted = on_virtual_loop(main())
    assert {type(outcome) for outcome in outcomes} == {SendFailed}
    assert lasted < 3


def test_a_destination_that_cannot_be_sent_to_says_why_and_spoils_no_other() -> None:
    async def main() -> Sequence[Outcome]:
        engine = new_engine()
        broken, good = FakeChannel(answers_nothing), FakeChannel(answers_after(0.01))
        broken.always_fails = OSError(errno.ENETUNREACH, "Network is unreachable")
        first, second = addresses(2)
        outcomes = await engine.run([(first, broken), (second, good)], FOUR)
        engine.close()
        broken.close()
        good.close()
        return outcomes

    failed, replied = on_virtual_loop(main())
    assert failed == SendFailed(address="10.0.0.0", reason="no route to its network")
    assert isinstance(replied, Replied)


def test_packets_that_could_not_be_sent_count_neither_as_sent_nor_as_lost() -> None:
    channel = FakeChannel(answers_after(0.01))
    channel.failures = [OSError(errno.ENETUNREACH, "Network is unreachable")] * 2
    (outcome,) = play(channel, FOUR)
    assert isinstance(outcome, Replied)
    assert outcome.rtts_ms == pytest.approx([10.0, 10.0], abs=0.01)


def test_rounds_at_the_same_time_keep_to_their_own_settings() -> None:
    async def main() -> tuple[Sequence[Outcome], Sequence[Outcome]]:
        channel, engine = FakeChannel(answers_after(0.300)), new_engine()
        hasty = EchoSettings(packets=2, packet_interval_ms=100, timeout_ms=200)
        request = [(addresses(1)[0], channel)]
        found = await asyncio.gather(engine.run(request, FOUR), engine.run(request, hasty))
        engine.close()
        channel.close()
        return found[0], found[1]

    (patient,), (hasty,) = on_virtual_loop(main())
    assert isinstance(patient, Replied)
    assert hasty == Timeout(address="10.0.0.0", sent=2)


def test_a_cancelled_round_sends_nothing_more_and_leaves_others_alone() -> None:
    async def main() -> tuple[int, int, Sequence[Outcome]]:
        channel, engine = FakeChannel(answers_after(0.400)), new_engine()
        gone, kept = addresses(2)
        doomed = asyncio.ensure_future(engine.run([(gone, channel)], FOUR))
        other = asyncio.ensure_future(engine.run([(kept, channel)], FOUR))
        await asyncio.sleep(0.3)  # virtual time
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doomed
        outcomes = await other
        to_gone = sum(sent.to == gone.text for sent in channel.sent)
        to_kept = sum(sent.to == kept.text for sent in channel.sent)
        engine.close()
        channel.close()
        return to_gone, to_kept, outcomes

    to_gone, to_kept, (outcome,) = on_virtual_loop(main())
    assert (to_gone, to_kept) == (2, 4)
    assert isinstance(outcome, Replied)


def test_closing_ends_rounds_under_way_with_an_error_and_stops_watching_the_socket() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        channel, engine = FakeChannel(answers_nothing), new_engine()
        under_way = asyncio.ensure_future(engine.run([(addresses(1)[0], channel)], FOUR))
        await asyncio.sleep(0.3)  # virtual time
        engine.close()
        with pytest.raises(BackendUnavailable, match="closed"):
            await under_way
        assert loop.remove_reader(channel.fileno()) is False
        channel.close()

    on_virtual_loop(main())


def test_a_round_of_nothing_is_over_at_once() -> None:
    async def main() -> Sequence[Outcome]:
        return await new_engine().run([], FOUR)

    assert list(on_virtual_loop(main())) == []
