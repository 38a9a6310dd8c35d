"""Which packet a message is about: bytes in, the trains' arrays filled."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from netstats_xl.domain.results import Strays
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.matching import Matcher, Unmatched
from netstats_xl.probes.packets import request_template
from netstats_xl.probes.trains import Train, TrainPlan, WireOptions
from tests.probes.fake_channel import IDENTIFIER, ROUTER, Request, addresses, flipped

SENT_AT, READ_AT = 100.0, 100.5
PLAN = TrainPlan(packets=2, interval_s=0.25, timeout_s=1.0)
LINES = 3
IPV4_HEADER = b"\x45" + bytes(19)


class Stage:
    """Trains whose packets were all sent, and what matches messages with them."""

    def __init__(
        self, family: Family = Family.IPV4, *, raw: bool = True, plan: TrainPlan = PLAN, lines: int = LINES
    ) -> None:
        self.family = family
        self.ip_header = raw and family is Family.IPV4
        self.trains: dict[int, Train] = {}
        self.settled: list[Train] = []
        self.matcher = Matcher(
            family,
            self.trains,
            identifier=IDENTIFIER if raw else None,
            ip_header=self.ip_header,
            verify_checksum=self.ip_header,
            on_settled=self.settled.append,
        )
        self.train = self.add(Train(addresses(lines, family), plan))

    def add(self, train: Train, *, sequence: int = 0xFFFE) -> Train:
        """Have a train on its way; its sequence numbers pass the end of their range."""
        number = len(self.trains) + 1
        train.start(number, sequence, SENT_AT)
        train.next = train.packets
        for k in range(train.packets):
            train.sent_at[k] = SENT_AT
        self.trains[number] = train
        return train

    def request(self, k: int, train: Train | None = None) -> Request:
        """Packet k, as it went."""
        train = train or self.train
        packet = request_template(self.family, IDENTIFIER, train.plan.payload_bytes)
        packet[6:8] = ((train.sequence + k) & 0xFFFF).to_bytes(2, "big")
        packet[8:24] = train.tokens[k].to_bytes(8, "big") + (train.base + k).to_bytes(8, "big")
        return Request(
            at=SENT_AT,
            to=train.addresses[k % train.lines].text,
            family=self.family,
            packet=bytes(packet),
            options=WireOptions(),
        )

    def take(
        self, icmp: bytes, source: bytes, *, at: float | None = READ_AT - 0.1, header: bytes = IPV4_HEADER
    ) -> None:
        """Take a message that lies somewhere in a buffer."""
        data = header + icmp if self.ip_header else icmp
        buffer = bytearray(b"\x01" * 5 + data + b"\xff" * 100)
        self.matcher.take([(buffer, 5, 5 + len(data), source, at)], READ_AT)

    def source(self, line: int = 0) -> bytes:
        return self.train.addresses[line].packed

    @property
    def answered(self) -> list[int]:
        """The packets of the train with an RTT."""
        return [k for k, rtt in enumerate(self.train.rtts_ms) if rtt == rtt]


@pytest.fixture(params=[(Family.IPV4, True), (Family.IPV4, False), (Family.IPV6, True), (Family.IPV6, False)])
def stage(request: pytest.FixtureRequest) -> Stage:
    family, raw = request.param
    return Stage(family, raw=raw)


def test_each_reply_answers_its_packet_in_any_order(stage: Stage) -> None:
    for k in (5, 0, 3, 2, 4, 1):
        stage.take(stage.request(k).reply(), stage.source(k % LINES), at=SENT_AT + 0.01 * (k + 1))
    assert list(stage.train.rtts_ms) == pytest.approx([10, 20, 30, 40, 50, 60])
    assert stage.train.open == 0
    assert stage.settled == [stage.train]
    assert stage.matcher.unmatched == Unmatched()


def test_replies_of_several_trains_are_taken_in_one_go() -> None:
    stage = Stage()
    other = stage.add(Train(addresses(LINES), PLAN))
    messages = []
    for k in range(6):
        for train in (stage.train, other):
            data = bytearray(IPV4_HEADER + stage.request(k, train).reply())
            messages.append((data, 0, len(data), stage.source(k % LINES), None))
    stage.matcher.take(messages, READ_AT)
    assert [train.open for train in (stage.train, other)] == [0, 0]
    assert list(other.rtts_ms) == pytest.approx([500] * 6)


@pytest.mark.parametrize("option_words", [0, 1, 10])
def test_a_reply_is_read_behind_an_ipv4_header_of_any_length(option_words: int) -> None:
    stage = Stage()
    header = bytes([0x45 + option_words]) + bytes(19 + 4 * option_words)
    stage.take(stage.request(0).reply(), stage.source(), header=header)
    assert stage.answered == [0]


def test_a_clock_too_coarse_to_show_any_time_still_gives_an_rtt_above_zero(stage: Stage) -> None:
    stage.train.sent_at[0] = READ_AT
    stage.take(stage.request(0).reply(), stage.source(), at=None)
    assert 0 < stage.train.rtts_ms[0] < 0.001


@pytest.mark.parametrize(
    ("at", "rtt_ms"), [(SENT_AT, 500), (READ_AT + 0.1, 500), (READ_AT, 500), (None, 500)]
)
def test_a_stamp_is_believed_between_sending_and_reading(at: float | None, rtt_ms: float) -> None:
    stage = Stage()
    stage.take(stage.request(0).reply(), stage.source(), at=at)
    assert stage.train.rtts_ms[0] == pytest.approx(rtt_ms)


def test_a_packet_that_was_not_sent_yet_cannot_be_answered(stage: Stage) -> None:
    stage.train.next = 1
    stage.take(stage.request(1).reply(), stage.source(1))
    assert stage.answered == []
    assert stage.matcher.unmatched == Unmatched(unknown=1)


def test_a_packet_that_counts_for_nothing_any_more_is_neither_answered_nor_late(stage: Stage) -> None:
    stage.train.fail(0, "the computer slept")
    stage.take(stage.request(0).reply(), stage.source())
    assert stage.answered == []
    assert stage.train.strays_of(0) == Strays()


def test_what_was_forgotten_is_not_on_its_way_any_more(stage: Stage) -> None:
    stage.trains.clear()
    stage.take(stage.request(0).reply(), stage.source())
    assert stage.answered == []
    assert stage.matcher.unmatched == Unmatched(unknown=1)


def test_a_forgery_is_counted_as_such(stage: Stage) -> None:
    stage.take(stage.request(0).reply(token=7), stage.source())
    stage.take(stage.request(0).reply(sequence=7), stage.source())
    assert stage.answered == []
    assert stage.matcher.unmatched == Unmatched(forged=2)


def test_an_answer_of_the_other_family_is_from_elsewhere() -> None:
    stage = Stage(Family.IPV6)
    other = stage.add(Train(addresses(1), PLAN))
    stage.take(stage.request(0, other).reply(), stage.source())
    assert other.rtts_ms[0] != other.rtts_ms[0]
    assert other.strays_of(0) == Strays(elsewhere="2001:db8::")


@given(bit=st.integers(0, 8 * 64 - 1), k=st.integers(0, 5))
def test_a_raw_ipv4_reply_with_any_bit_flipped_is_never_accepted(bit: int, k: int) -> None:
    stage = Stage()
    reply = stage.request(k).reply()
    assert len(reply) == 64
    stage.take(flipped(reply, bit), stage.source(k % LINES))
    assert stage.answered == []
    stage.take(reply, stage.source(k % LINES))
    assert stage.answered == [k]


@given(data=st.data(), family=st.sampled_from(Family), raw=st.booleans(), k=st.integers(0, 5))
def test_no_mutation_of_a_reply_is_accepted_unless_it_carries_the_same(
    data: st.DataObject, family: Family, raw: bool, k: int
) -> None:
    """Where the kernel verifies the checksum, a mutation with another checksum never gets here, or has it right."""
    stage = Stage(family, raw=raw)
    reply = stage.request(k).reply()
    start = 0 if stage.ip_header else 4
    pieces = st.tuples(st.integers(start, 63), st.binary(min_size=1, max_size=20))
    mutated = bytearray(reply)
    for place, piece in data.draw(st.lists(pieces, min_size=1, max_size=4)):
        mutated[place : place + len(piece)] = piece
    if not raw:
        mutated[4:6] = reply[4:6]  # the kernel's own identifier: it gave the reply to this socket
    length = data.draw(st.integers(0, len(mutated)))
    mutated = mutated[:length] if data.draw(st.booleans()) else mutated
    cut = mutated == reply[: len(mutated)] and len(mutated) >= 24
    assume(not cut)
    stage.take(bytes(mutated), stage.source(k % LINES))
    assert stage.answered == []


@given(source=st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16), k=st.integers(0, 5))
def test_a_reply_from_any_other_address_is_never_accepted(source: bytes, k: int) -> None:
    stage = Stage()
    assume(source != stage.source(k % LINES))
    stage.take(stage.request(k).reply(), source)
    assert stage.answered == []
    assert stage.train.strays_of(k % LINES).elsewhere


@given(
    icmp=st.binary(max_size=120),
    source=st.binary(min_size=4, max_size=4),
    family=st.sampled_from(Family),
    raw=st.booleans(),
    at=st.none() | st.floats(),
    header=st.binary(max_size=80),
)
def test_no_bytes_from_the_network_raise_or_are_accepted(
    icmp: bytes, source: bytes, family: Family, raw: bool, at: float | None, header: bytes
) -> None:
    stage = Stage(family, raw=raw)
    stage.take(icmp, source, at=at, header=header)
    assert stage.answered == []
    assert not stage.train.complaints


@given(
    type_=st.sampled_from([0, 1, 2, 3, 4, 5, 8, 11, 12, 128, 129]),
    code=st.integers(0, 255),
    quoted_bytes=st.none() | st.integers(0, 70),
    family=st.sampled_from(Family),
    cut=st.integers(0, 150),
)
def test_no_icmp_error_raises_or_answers_a_packet(
    type_: int, code: int, quoted_bytes: int | None, family: Family, cut: int
) -> None:
    stage = Stage(family)
    message = stage.request(0).error(type_, code, quoted_bytes=quoted_bytes)
    stage.take(message[:cut], stage.source())
    assert stage.answered == []


# --- ICMP errors ------------------------------------------------------------------------------------------


def router(stage: Stage) -> bytes:
    return {Family.IPV4: b"\xc0\0\x02\xfe", Family.IPV6: bytes.fromhex("20010db8" + "00" * 11 + "fe")}[
        stage.family
    ]


@pytest.mark.parametrize("quoted_bytes", [8, 23, 24, None])
def test_an_error_is_about_the_packet_that_it_quotes(stage: Stage, quoted_bytes: int | None) -> None:
    for k in (4, 1):
        stage.take(stage.request(k).error(quoted_bytes=quoted_bytes), router(stage), at=SENT_AT + 0.01 * k)
    assert set(stage.train.complaints) == {1, 4}
    assert stage.train.complaints[4].complaint.reporter == ROUTER[stage.family]
    assert stage.train.complaints[4].rtt_ms == pytest.approx(40)
    assert stage.train.open == 6  # replies are waited for all the same


def test_a_complaint_is_matched_by_destination_too(stage: Stage) -> None:
    request = stage.request(0)
    for quoted_bytes in (8, None):
        elsewhere = addresses(9, stage.family)[8].text
        stage.take(request.error(to=elsewhere, quoted_bytes=quoted_bytes), router(stage))
        assert not stage.train.complaints
    stage.take(request.error(), router(stage))
    assert set(stage.train.complaints) == {0}


def test_an_error_about_another_programs_packet_is_none() -> None:
    stage = Stage()
    request = stage.request(0)
    other = Request(
        at=0,
        to=request.to,
        family=request.family,
        packet=request.packet[:4] + b"\0\1" + request.packet[6:],
        options=WireOptions(),
    )
    stage.take(other.error(), router(stage))
    assert not stage.train.complaints


def test_an_error_with_a_wrong_checksum_is_none() -> None:
    stage = Stage()
    stage.take(flipped(stage.request(0).error(), 30 * 8), router(stage))
    assert not stage.train.complaints


def test_an_error_about_a_packet_that_was_not_sent_yet_or_whose_train_is_over_is_none(stage: Stage) -> None:
    stage.train.next = 1
    for quoted_bytes in (8, None):
        stage.take(stage.request(1).error(quoted_bytes=quoted_bytes), router(stage))
    error = stage.request(0).error()
    stage.trains.clear()
    stage.take(error, router(stage))
    assert not stage.train.complaints


def test_an_error_in_time_is_kept_and_neither_a_second_nor_a_late_one(stage: Stage) -> None:
    stage.take(stage.request(0).error(), router(stage), at=SENT_AT + 0.1)
    stage.take(stage.request(0).error(), router(stage), at=SENT_AT + 0.2)
    stage.take(stage.request(1).error(), router(stage), at=SENT_AT + 1.1)
    assert {k: round(each.rtt_ms) for k, each in stage.train.complaints.items()} == {0: 100}


def test_eight_quoted_bytes_mean_the_last_packet_of_that_number() -> None:
    stage = Stage(plan=TrainPlan(packets=70_000, interval_s=0.01, timeout_s=1.0), lines=1)
    stage.take(stage.request(10).error(quoted_bytes=8), router(stage))
    assert set(stage.train.complaints) == {10 + 65_536}


def test_where_errors_settle_packets_each_packet_is_settled_once() -> None:
    stage = Stage(plan=TrainPlan(packets=1, interval_s=1, timeout_s=1, ttls=(1, 2)), lines=2)
    stage.take(stage.request(0).error(11, 0), router(stage))
    stage.take(stage.request(0).error(11, 0), router(stage))
    stage.take(stage.request(0).reply(), stage.source())
    assert (stage.train.open, stage.settled) == (1, [])
    stage.take(stage.request(1).reply(), stage.source(1))
    stage.take(stage.request(1).error(11, 0), router(stage))
    assert (stage.train.open, stage.settled) == (0, [stage.train])
