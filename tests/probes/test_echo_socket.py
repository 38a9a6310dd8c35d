"""The socket itself: what it asks of the system and how it takes its answers. No packet leaves."""

import errno
import socket
import struct
import sys
import time
from collections.abc import Sequence

import icmplib
import pytest
from icmplib import exceptions as icmplib_errors

from netstats_xl.errors import BackendUnavailable, PrivilegeMissing, ProbeEngineError
from netstats_xl.probes import echo_socket, socket_options
from netstats_xl.probes.addresses import Family, from_sockaddr
from netstats_xl.probes.echo_socket import EchoSocket, Mode, open_echo_socket
from netstats_xl.probes.matching import Matcher
from netstats_xl.probes.opening_failures import remedy, translate
from netstats_xl.probes.packets import request_template
from netstats_xl.probes.send_failures import is_queue_full, reason_of_failure
from netstats_xl.probes.trains import Train, TrainPlan, WireOptions
from tests.probes.fake_channel import IDENTIFIER, Request

IPV4_HEADER = b"\x45" + bytes(19)
PLAN = TrainPlan(packets=1, interval_s=1, timeout_s=60)
FAKE_FILE = 1 << 20
"""No file has this number: what is read from it by another way than the fake's fails."""


class FakeSocket:
    """A `socket.socket` that plays what was written down for it."""

    def __init__(self, *, plays: Sequence[bytes | OSError] = (), source: str = "10.0.0.1") -> None:
        self.plays = list(plays)
        self.source = source
        self.error_queue: list[tuple[bytes, list[tuple[int, int, bytes]], tuple[str, int]]] = []
        self.ancillary: list[tuple[int, int, bytes]] = []
        self.options: dict[tuple[int, int], int | bytes] = {}
        self.refused_options: set[tuple[int, int]] = set()
        self.sent: list[bytes] = []
        self.blocking = True
        self.closed = False

    def setblocking(self, flag: bool) -> None:
        self.blocking = flag

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        if (level, option) in self.refused_options:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")
        self.options[level, option] = value

    def getsockopt(self, level: int, option: int) -> int:
        if (level, option) in self.refused_options:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")
        value = self.options.get((level, option), 64)
        assert isinstance(value, int)
        return value

    def fileno(self) -> int:
        return FAKE_FILE

    def sendto(self, packet: bytes, to: tuple[str, int]) -> None:
        self.sent.append(bytes(packet))

    def recvfrom_into(self, buffer: bytearray) -> tuple[int, tuple[str, int]]:
        if not self.plays:
            raise BlockingIOError
        played = self.plays.pop(0)
        if isinstance(played, OSError):
            raise played
        size = min(len(played), len(buffer))
        buffer[:size] = played[:size]
        return size, (self.source, 0)

    def recvmsg_into(
        self, buffers: Sequence[bytearray], ancillary_size: int
    ) -> tuple[int, list[tuple[int, int, bytes]], int, tuple[str, int]]:
        size, sender = self.recvfrom_into(buffers[0])
        return size, self.ancillary, 0, sender

    def recvmsg(
        self, size: int, ancillary_size: int, flags: int
    ) -> tuple[bytes, list[tuple[int, int, bytes]], int, tuple[str, int]]:
        assert flags == socket_options.MSG_ERRQUEUE
        if not self.error_queue:
            raise BlockingIOError
        quoted, ancillary, sent_to = self.error_queue.pop(0)
        return quoted, ancillary, 0, sent_to

    def close(self) -> None:
        self.closed = True


class FakeIcmplibSocket(icmplib.ICMPv4Socket):  # type: ignore[misc]  # icmplib has no types
    """icmplib's socket around a fake one."""

    def __init__(self, fake: FakeSocket) -> None:
        self._sock = fake
        self._privileged = True


def echo_socket_on(fake: FakeSocket, *, mode: Mode = Mode.RAW, family: Family = Family.IPV4) -> EchoSocket:
    return EchoSocket(FakeIcmplibSocket(fake), family=family, mode=mode)


@pytest.fixture(autouse=True)
def _one_call_a_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fake has no file for `recvmmsg` to read: see `test_batch_receiver` for that."""
    monkeypatch.setattr(echo_socket, "batch_receiver", lambda _sock, _family: None)


@pytest.fixture(params=["linux", "darwin", "win32"])
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setattr(sys, "platform", name)
    return name


@pytest.fixture
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


class Awaiting:
    """A train that was sent, and what a socket's messages are matched with."""

    def __init__(self, echo: EchoSocket, *, lines: int = 1) -> None:
        self.family = echo.family
        to = [
            from_sockaddr(
                (f"10.0.0.{n + 1}", 0) if self.family is Family.IPV4 else (f"fd77::{n + 1:x}", 0, 0, 0)
            )
            for n in range(lines)
        ]
        self.train = Train(to, PLAN)
        self.train.start(1, 0, 0.0)
        self.train.next = lines
        for k in range(lines):
            self.train.sent_at[k] = time.perf_counter()
        self.matcher = Matcher(
            self.family,
            {1: self.train},
            identifier=IDENTIFIER if echo.own_identifiers else None,
            ip_header=echo.ip_header,
            verify_checksum=echo.verify_checksum,
            on_settled=lambda _train: None,
        )

    def request(self, k: int = 0) -> Request:
        packet = request_template(self.family, IDENTIFIER, PLAN.payload_bytes)
        packet[6:8] = k.to_bytes(2, "big")
        packet[8:24] = struct.pack("!QQ", self.train.tokens[k], self.train.base + k)
        address = self.train.addresses[k]
        return Request(at=0, to=address.text, family=self.family, packet=bytes(packet), options=WireOptions())

    @property
    def answered(self) -> int:
        return sum(rtt == rtt for rtt in self.train.rtts_ms)


def test_replies_are_read_on_every_system(platform: str) -> None:
    fake = FakeSocket()
    echo = echo_socket_on(fake)
    awaiting = Awaiting(echo)
    fake.plays = [IPV4_HEADER + awaiting.request().reply()]
    assert echo.receive(awaiting.matcher)
    assert awaiting.answered == 1
    assert echo.exact == (platform == "linux")
    assert ("from the kernel" in echo.describe()) == (platform == "linux")


def test_a_datagram_socket_delivers_no_ip_header_on_linux_and_one_on_macos(platform: str) -> None:
    fake = FakeSocket()
    echo = echo_socket_on(fake, mode=Mode.DATAGRAM)
    awaiting = Awaiting(echo)
    reply = awaiting.request().reply()
    fake.plays = [reply if platform == "linux" else IPV4_HEADER + reply]
    echo.receive(awaiting.matcher)
    assert awaiting.answered == 1
    assert echo.own_identifiers == echo.verify_checksum == (platform != "linux")
    assert echo.reports_earlier_failures == (platform == "linux")


def test_an_ipv6_socket_delivers_no_ip_header(platform: str) -> None:
    fake = FakeSocket(source="fd77::1")
    echo = echo_socket_on(fake, family=Family.IPV6)
    awaiting = Awaiting(echo)
    fake.plays = [awaiting.request().reply()]
    echo.receive(awaiting.matcher)
    assert awaiting.answered == 1


def test_errors_that_the_system_reports_while_reading_are_passed_over(platform: str) -> None:
    fake = FakeSocket()
    echo = echo_socket_on(fake)
    awaiting = Awaiting(echo)
    fake.plays = [OSError(errno.EHOSTUNREACH, "x"), IPV4_HEADER + awaiting.request().reply()]
    assert echo.receive(awaiting.matcher)
    assert awaiting.answered == 1


def test_messages_are_read_in_batches(platform: str) -> None:
    fake = FakeSocket()
    echo = echo_socket_on(fake)
    awaiting = Awaiting(echo)
    fake.plays = [IPV4_HEADER + awaiting.request().reply()] * 100
    assert not echo.receive(awaiting.matcher)
    left = len(fake.plays)
    assert 0 < left < 100
    assert echo.receive(awaiting.matcher)
    assert fake.plays == []
    assert awaiting.train.strays_of(0).duplicates == 99


def test_the_kernels_stamp_is_converted_to_the_monotonic_clock(
    on_linux: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    monkeypatch.setattr(time, "perf_counter_ns", lambda: 50_000_000_000)
    monkeypatch.setattr(time, "perf_counter", lambda: 50.0)
    fake = FakeSocket()
    echo = echo_socket_on(fake)
    awaiting = Awaiting(echo)
    awaiting.train.sent_at[0] = 49.5
    fake.plays = [IPV4_HEADER + awaiting.request().reply()]
    stamp = struct.pack("@ll", 1_699_999_999, 750_000_000)
    fake.ancillary = [(socket.SOL_SOCKET, 1, b"else"), (socket.SOL_SOCKET, 35, stamp)]
    echo.receive(awaiting.matcher)
    assert awaiting.train.rtts_ms[0] == pytest.approx(250)


def test_a_system_that_gives_no_stamps_or_queues_still_works(on_linux: None) -> None:
    fake = FakeSocket()
    fake.refused_options = {(socket.SOL_SOCKET, 35), (socket.SOL_SOCKET, 33), (socket.IPPROTO_IP, 11)}
    echo = echo_socket_on(fake, mode=Mode.DATAGRAM)
    awaiting = Awaiting(echo)
    fake.plays = [awaiting.request().reply()]
    echo.receive(awaiting.matcher)
    assert awaiting.answered == 1
    assert not echo.exact
    assert fake.options[socket.SOL_SOCKET, socket.SO_RCVBUF] == 4 << 20


def test_what_is_sent_goes_to_the_socket_as_it_is() -> None:
    fake = FakeSocket()
    echo = echo_socket_on(fake)
    assert not fake.blocking
    assert echo.fileno() == FAKE_FILE
    echo.sendto(bytearray(b"as it is"), ("127.0.0.1", 0))
    assert fake.sent == [b"as it is"]
    echo.close()
    assert fake.closed


def test_options_of_the_ip_header_are_set(on_linux: None) -> None:
    fake = FakeSocket()
    echo_socket_on(fake).apply(WireOptions(ttl=7))
    assert fake.options[socket.IPPROTO_IP, socket.IP_TTL] == 7


def extended_error(origin: int, type_: int, code: int, offender: bytes) -> bytes:
    return struct.pack("@IBBBBII", 113, origin, type_, code, 0, 0, 0) + offender


def test_the_error_queue_tells_who_complains_about_which_request(on_linux: None) -> None:
    fake = FakeSocket()
    echo = echo_socket_on(fake, mode=Mode.DATAGRAM)
    awaiting = Awaiting(echo, lines=6)
    offender = struct.pack("@HH4s8x", socket.AF_INET, 0, bytes([10, 0, 0, 254]))
    level = (socket.IPPROTO_IP, 11)

    def entry(k: int, data: bytes, quoted: bytes | None = None) -> None:
        packet = awaiting.request(k).packet if quoted is None else quoted
        fake.error_queue.append((packet, [(*level, data)], (f"10.0.0.{k + 1}", 0)))

    entry(0, extended_error(2, 3, 1, offender))
    entry(1, extended_error(1, 0, 0, offender))  # the system's own error
    entry(2, extended_error(2, 5, 0, offender))  # a redirect
    entry(3, b"short")
    entry(4, extended_error(2, 3, 1, offender), awaiting.request(4).reply())  # not about a request
    entry(5, extended_error(2, 11, 0, offender))
    assert echo.receive(awaiting.matcher)
    assert {
        k: (each.complaint.reporter, each.complaint.reason) for k, each in awaiting.train.complaints.items()
    } == {
        0: ("10.0.0.254", "host unreachable (type 3, code 1)"),
        5: ("10.0.0.254", "time to live exceeded (type 11, code 0)"),
    }


def test_the_error_queue_tells_who_complains_over_ipv6(on_linux: None) -> None:
    fake = FakeSocket()
    echo = echo_socket_on(fake, mode=Mode.DATAGRAM, family=Family.IPV6)
    awaiting = Awaiting(echo)
    router = socket.inet_pton(socket.AF_INET6, "fd77::fe")
    offender = struct.pack("@HHI16sI", socket.AF_INET6, 0, 0, router, 0)
    data = extended_error(3, 1, 3, offender)
    fake.error_queue = [(awaiting.request().packet, [(socket.IPPROTO_IPV6, 25, data)], ("fd77::1", 0))]
    echo.receive(awaiting.matcher)
    assert awaiting.train.complaints[0].complaint.reporter == "fd77::fe"


def test_ipv4_filters_let_replies_and_errors_pass_on_linux(on_linux: None) -> None:
    fake = FakeSocket()
    echo_socket_on(fake)
    mask = fake.options[255, 1]
    assert isinstance(mask, bytes)
    (blocked,) = struct.unpack("@I", mask)
    assert [type_ for type_ in range(32) if not blocked >> type_ & 1] == [0, 3, 11, 12]


def test_ipv6_filters_let_the_same_types_pass_on_linux_and_macos_which_mean_bits_the_opposite_way(
    platform: str,
) -> None:
    fake = FakeSocket()
    echo_socket_on(fake, family=Family.IPV6)
    found = [value for (level, _), value in fake.options.items() if level == socket.IPPROTO_ICMPV6]
    if platform == "win32":
        assert not found
        return
    (mask,) = found
    assert isinstance(mask, bytes)
    bits = struct.unpack("@8I", mask)
    set_means_pass = platform == "darwin"
    passing = [type_ for type_ in range(256) if bool(bits[type_ >> 5] >> (type_ & 31) & 1) == set_means_pass]
    assert passing == [1, 2, 3, 4, 129]


def icmplib_errors_all() -> list[type[Exception]]:
    return [
        kind
        for kind in vars(icmplib_errors).values()
        if isinstance(kind, type) and issubclass(kind, icmplib_errors.ICMPLibError)
    ]


@pytest.mark.parametrize("kind", icmplib_errors_all(), ids=lambda kind: str(kind.__name__))
def test_every_error_of_icmplib_has_one_of_ours(kind: type[Exception]) -> None:
    error = kind.__new__(kind)
    ours = translate(error, Family.IPV4)
    assert isinstance(ours, ProbeEngineError)
    assert isinstance(ours, PrivilegeMissing) == (kind is icmplib_errors.SocketPermissionError)


def test_an_error_that_the_table_lacks_is_not_hidden() -> None:
    with pytest.raises(KeyError):
        translate(ValueError("new"), Family.IPV4)


def fake_socket_module(monkeypatch: pytest.MonkeyPatch, *refusals: OSError) -> None:
    """Let the first openings of a socket fail so."""
    left = list(refusals)

    def create(_self: object, _type: int) -> FakeSocket:
        if left:
            raise left.pop(0)
        return FakeSocket()

    monkeypatch.setattr(icmplib.ICMPv4Socket, "_create_socket", create)
    monkeypatch.setattr(icmplib.ICMPv6Socket, "_create_socket", create)


def test_without_the_privilege_for_a_raw_socket_a_datagram_socket_serves(
    on_linux: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_socket_module(monkeypatch, PermissionError(errno.EPERM, "not permitted"))
    assert open_echo_socket(Family.IPV4).mode is Mode.DATAGRAM


def test_without_any_privilege_the_error_tells_the_remedy_for_the_system(
    platform: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_socket_module(monkeypatch, *[PermissionError(errno.EACCES, "denied")] * 2)
    monkeypatch.setattr(echo_socket, "_EVERY_ADDRESS", {Family.IPV4: None, Family.IPV6: None})
    with pytest.raises(PrivilegeMissing) as caught:
        open_echo_socket(Family.IPV6)
    assert remedy(platform) in caught.value.message
    assert isinstance(caught.value.__cause__, icmplib_errors.SocketPermissionError)


def test_a_refusal_counts_for_more_than_a_mode_that_the_system_lacks(
    on_linux: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake_socket_module(
        monkeypatch,
        PermissionError(errno.EPERM, "denied"),
        OSError(errno.EPROTONOSUPPORT, "no such protocol"),
    )
    with pytest.raises(PrivilegeMissing):
        open_echo_socket(Family.IPV4)


def test_a_system_without_ipv6_is_named_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_socket_module(monkeypatch, OSError(errno.EAFNOSUPPORT, "Address family not supported"))
    with pytest.raises(BackendUnavailable, match="no IPv6"):
        open_echo_socket(Family.IPV6)


def test_any_other_failure_to_open_a_socket_is_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    fake_socket_module(monkeypatch, OSError(errno.EMFILE, "Too many open files"))
    with pytest.raises(BackendUnavailable, match="Too many open files"):
        open_echo_socket(Family.IPV4)


@pytest.mark.parametrize(
    ("platform_name", "words"),
    [
        ("linux", ["ping_group_range", "setcap cap_net_raw+ep"]),
        ("darwin", ["sudo"]),
        ("win32", ["administrator"]),
    ],
)
def test_the_remedy_is_exact_on_each_system(platform_name: str, words: list[str]) -> None:
    assert all(word in remedy(platform_name) for word in words)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ENETUNREACH, "x"), "no route to its network"),
        (OSError(errno.EHOSTUNREACH, "x"), "no route to the host"),
        (OSError(errno.EPERM, "x"), "forbidden by this machine's firewall"),
        (OSError(10065, "x"), "no route to the host"),
        (OSError(errno.ENOBUFS, "x"), "the network interface takes no more packets"),
        (OSError(errno.EBADF, "Bad file descriptor"), "the system refused: Bad file descriptor"),
        (OSError("no number"), "the system refused: no number"),
        (OSError(errno.EMSGSIZE, "x"), "the packet is larger than the network interface takes"),
    ],
)
def test_each_failure_to_send_has_a_reason_in_words(error: OSError, reason: str) -> None:
    assert reason_of_failure(error) == reason


def test_windows_own_numbers_go_before_the_translated_ones() -> None:
    error = OSError(errno.EINVAL, "x")
    error.winerror = 10055  # type: ignore[attr-defined]  # exists on Windows alone
    assert is_queue_full(error)
