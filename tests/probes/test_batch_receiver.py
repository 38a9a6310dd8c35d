"""Many messages in one call, for real, from UDP sockets on the loopback: they are stamped as ICMP sockets are."""

import ctypes
import socket
import sys
import time
from collections.abc import Iterator

import pytest

from netstats_xl.probes.addresses import Family
from netstats_xl.probes.batch_receiver import BatchReceiver
from netstats_xl.probes.echo_socket import batch_receiver
from netstats_xl.probes.matching import Message
from netstats_xl.probes.socket_options import ask_for_stamps, read_wall_lead_ns

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="recvmmsg is Linux's")

LOOPBACK = {Family.IPV4: "127.0.0.1", Family.IPV6: "::1"}
KIND = {Family.IPV4: socket.AF_INET, Family.IPV6: socket.AF_INET6}


class Pair:
    """Two UDP sockets: what one sends the other receives in batches."""

    def __init__(self, family: Family, *, stamps: bool = True) -> None:
        self.near = socket.socket(KIND[family], socket.SOCK_DGRAM)
        self.far = socket.socket(KIND[family], socket.SOCK_DGRAM)
        self.source = socket.inet_pton(KIND[family], LOOPBACK[family])
        try:
            self.near.bind((LOOPBACK[family], 0))
        except OSError as error:
            self.close()
            pytest.skip(f"this machine has no {LOOPBACK[family]}: {error}")
        self.far.connect(self.near.getsockname())
        self.near.setblocking(False)
        self.near.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        if stamps:
            assert ask_for_stamps(self.near)
        self.receiver = BatchReceiver(self.near, family)

    def receive(self) -> tuple[list[Message], bool]:
        return self.receiver.receive(*divmod(read_wall_lead_ns(), 1_000_000_000))

    def close(self) -> None:
        self.near.close()
        self.far.close()


@pytest.fixture(params=list(Family), ids=str)
def pair(request: pytest.FixtureRequest) -> Iterator[Pair]:
    made = Pair(request.param)
    yield made
    made.close()


def texts(messages: list[Message]) -> list[bytes]:
    return [bytes(data[start:end]) for data, start, end, _, _ in messages]


def test_messages_come_in_order_with_their_sender_and_when_the_kernel_had_them(pair: Pair) -> None:
    sent: list[tuple[float, float]] = []
    for number in range(10):
        before = time.perf_counter()
        pair.far.send(bytes([number]) * (number + 1))
        sent.append((before, time.perf_counter()))
    messages, drained = pair.receive()
    assert drained
    assert texts(messages) == [bytes([number]) * (number + 1) for number in range(10)]
    assert {source for _, _, _, source, _ in messages} == {pair.source}
    for (before, after), (*_, at) in zip(sent, messages, strict=True):
        assert at is not None
        assert before - 0.001 < at < after + 0.001


def test_more_messages_than_a_batch_are_read_in_several(pair: Pair) -> None:
    for number in range(150):
        pair.far.send(number.to_bytes(2, "big"))
    found: list[bytes] = []
    rounds: list[bool] = []
    for _ in range(10):
        messages, drained = pair.receive()
        found += texts(messages)
        rounds.append(drained)
        if drained:
            break
    assert found == [number.to_bytes(2, "big") for number in range(150)]
    assert rounds == [False, False, True]


def test_a_whole_batch_may_be_the_last_one(pair: Pair) -> None:
    for _ in range(64):
        pair.far.send(b"x")
    assert len(pair.receive()[0]) == 64
    assert pair.receive() == ([], True)


def test_nothing_to_read_is_told_at_once(pair: Pair) -> None:
    assert pair.receive() == ([], True)


@pytest.mark.parametrize("size", [0, 1, 8_972 + 68])
def test_a_message_of_any_size_that_a_reply_may_have_comes_whole(pair: Pair, size: int) -> None:
    for filling in (b"a", b"b"):
        pair.far.send(filling * size)
    messages, _ = pair.receive()
    assert texts(messages) == [b"a" * size, b"b" * size]


def test_batches_leave_nothing_behind_for_the_next_one(pair: Pair) -> None:
    for _ in range(3):
        pair.far.send(b"long" * 100)
        pair.far.send(b"short")
        assert texts(pair.receive()[0]) == [b"long" * 100, b"short"]


def test_without_stamps_there_is_no_time() -> None:
    pair = Pair(Family.IPV4, stamps=False)
    try:
        pair.far.send(b"x")
        ((*_, at),) = pair.receive()[0]
        assert at is None
    finally:
        pair.close()


def test_an_error_about_an_earlier_packet_is_passed_over(pair: Pair) -> None:
    there = pair.far.getsockname()
    pair.far.close()
    pair.near.connect(there)
    pair.near.send(b"nobody listens")  # the loopback says so at once
    assert pair.receive() == ([], False)
    assert pair.receive() == ([], True)


def test_a_closed_socket_has_nothing_left() -> None:
    pair = Pair(Family.IPV4)
    pair.close()
    assert pair.receive() == ([], True)


def test_another_system_has_no_such_call(monkeypatch: pytest.MonkeyPatch) -> None:
    pair = Pair(Family.IPV4)
    try:
        with monkeypatch.context() as patched:
            patched.setattr(sys, "platform", "darwin")
            assert batch_receiver(pair.near, Family.IPV4) is None
        with monkeypatch.context() as patched:
            patched.setattr(ctypes, "CDLL", lambda _name, use_errno: object())
            assert batch_receiver(pair.near, Family.IPV4) is None
        assert batch_receiver(pair.near, Family.IPV4) is not None
    finally:
        pair.close()
