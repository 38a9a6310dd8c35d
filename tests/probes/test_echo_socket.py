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
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.echo_socket import EchoSocket, Mode, open_echo_socket, remedy, translate
from netstats_xl.probes.packets import Complaint, Reply
from netstats_xl.probes.send_failures import is_queue_full, reason_of_failure

HEAD = bytes(range(16))
REPLY = struct.pack("!BBHHH", 0, 0, 0, 7, 9) + HEAD
IPV4_HEADER = b"\x45" + bytes(19)


class FakeSocket:
    """A `socket.socket` that plays what was written down for it."""

    def __init__(self, *, plays: Sequence[bytes | OSError] = (), send_errors: Sequence[OSError] = ()) -> None:
        self.plays = list(plays)
        self.send_errors = list(send_errors)
        self.error_queue: list[tuple[bytes, list[tuple[int, int, bytes]], tuple[str, int]]] = []
        self.ancillary: list[tuple[int, int, bytes]] = []
        self.options: dict[tuple[int, int], int | bytes] = {}
        self.refused_options: set[tuple[int, int]] = set()
        self.sent: list[bytes] = []
        self.blocking = True

    def setblocking(self, flag: bool) -> None:
        self.blocking = flag

    def setsockopt(self, level: int, option: int, value: int | bytes) -> None:
        if (level, option) in self.refused_options:
            raise OSError(errno.ENOPROTOOPT, "Protocol not available")
        self.options[level, option] = value

    def fileno(self) -> int:
        return 42

    def sendto(self, packet: bytes, to: tuple[str, int]) -> None:
        if self.send_errors:
            raise self.send_errors.pop(0)
        self.sent.append(packet)

    def recvfrom(self, size: int) -> tuple[bytes, tuple[str, int]]:
        if not self.plays:
            raise BlockingIOError
        played = self.plays.pop(0)
        if isinstance(played, OSError):
            raise played
        return played[:size], ("10.0.0.1", 0)

    def recvmsg(
        self, size: int, ancillary_size: int, flags: int = 0
    ) -> tuple[bytes, list[tuple[int, int, bytes]], int, tuple[str, int]]:
        if flags == socket_options.MSG_ERRQUEUE:
            if not self.error_queue:
                raise BlockingIOError
            quoted, ancillary, sent_to = self.error_queue.pop(0)
            return quoted, ancillary, 0, sent_to
        data, sender = self.recvfrom(size)
        return data, self.ancillary, 0, sender

    def close(self) -> None: ...


class FakeIcmplibSocket(icmplib.ICMPv4Socket):  # type: ignore[misc]  # icmplib has no types
    """icmplib's socket around a fake one."""

    def __init__(self, fake: FakeSocket) -> None:
        self._sock = fake
        self._privileged = True


def echo_socket_on(fake: FakeSocket, *, mode: Mode = Mode.RAW, family: Family = Family.IPV4) -> EchoSocket:
    return EchoSocket(FakeIcmplibSocket(fake), family=family, mode=mode)


@pytest.fixture(params=["linux", "darwin", "win32"])
def platform(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    monkeypatch.setattr(sys, "platform", name)
    return name


@pytest.fixture
def on_linux(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")


def test_replies_are_read_on_every_system(platform: str) -> None:
    echo = echo_socket_on(FakeSocket(plays=[IPV4_HEADER + REPLY]))
    arrivals, drained = echo.receive(10)
    assert [arrival.message for arrival in arrivals] == [Reply(7, 9, HEAD)]
    assert drained
    assert arrivals[0].stamped_at is None
    assert ("from the kernel" in echo.describe()) == (platform == "linux")


def test_a_datagram_socket_delivers_no_ip_header_on_linux_and_one_on_macos(platform: str) -> None:
    packet = REPLY if platform == "linux" else IPV4_HEADER + REPLY
    echo = echo_socket_on(FakeSocket(plays=[packet]), mode=Mode.DATAGRAM)
    arrivals, _ = echo.receive(10)
    assert [arrival.message for arrival in arrivals] == [Reply(7, 9, HEAD)]
    assert echo.own_identifiers == (platform != "linux")


def test_errors_that_the_system_reports_while_reading_are_passed_over() -> None:
    echo = echo_socket_on(FakeSocket(plays=[OSError(errno.EHOSTUNREACH, "x"), IPV4_HEADER + REPLY]))
    arrivals, drained = echo.receive(10)
    assert len(arrivals) == 1
    assert drained


def test_no_more_packets_than_the_limit_are_read_at_once() -> None:
    echo = echo_socket_on(FakeSocket(plays=[IPV4_HEADER + REPLY] * 5))
    assert [(len(arrivals), drained) for arrivals, drained in (echo.receive(3), echo.receive(3))] == [
        (3, False),
        (2, True),
    ]


def test_the_kernels_stamp_is_converted_to_the_monotonic_clock(
    on_linux: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_700_000_000_000_000_000)
    monkeypatch.setattr(time, "perf_counter_ns", lambda: 50_000_000_000)
    fake = FakeSocket(plays=[IPV4_HEADER + REPLY])
    stamp = struct.pack("@ll", 1_699_999_999, 750_000_000)
    fake.ancillary = [(socket.SOL_SOCKET, 1, b"else"), (socket.SOL_SOCKET, 35, stamp)]
    ((_, _, stamped_at),), _ = echo_socket_on(fake).receive(1)
    assert stamped_at == pytest.approx(49.75)


def test_a_system_that_gives_no_stamps_or_queues_still_works(on_linux: None) -> None:
    fake = FakeSocket(plays=[REPLY])
    fake.refused_options = {(socket.SOL_SOCKET, 35), (socket.SOL_SOCKET, 33), (socket.IPPROTO_IP, 11)}
    echo = echo_socket_on(fake, mode=Mode.DATAGRAM)
    arrivals, _ = echo.receive(1)
    assert len(arrivals) == 1
    assert fake.options[socket.SOL_SOCKET, socket.SO_RCVBUF] == 4 << 20


def test_requests_carry_their_numbers_and_head_and_have_the_size_asked_for() -> None:
    fake = FakeSocket()
    echo_socket_on(fake).send(identifier=7, sequence=9, head=HEAD, payload_bytes=1_472, to=("127.0.0.1", 0))
    (packet,) = fake.sent
    assert len(packet) == 8 + 1_472
    assert struct.unpack("!BBxxHH", packet[:8]) == (8, 0, 7, 9)
    assert packet[8:24] == HEAD


def test_a_sending_that_reports_what_befell_an_earlier_packet_is_tried_again(on_linux: None) -> None:
    fake = FakeSocket(send_errors=[OSError(errno.EHOSTUNREACH, "of another")] * 2)
    echo = echo_socket_on(fake, mode=Mode.DATAGRAM)
    echo.send(identifier=0, sequence=1, head=HEAD, payload_bytes=16, to=("127.0.0.1", 0))
    assert len(fake.sent) == 1


def test_an_error_that_stays_is_this_packets(on_linux: None) -> None:
    fake = FakeSocket(send_errors=[OSError(errno.EHOSTUNREACH, "of this")] * 9)
    with pytest.raises(OSError, match="of this"):
        echo_socket_on(fake, mode=Mode.DATAGRAM).send(
            identifier=0, sequence=1, head=HEAD, payload_bytes=16, to=("127.0.0.1", 0)
        )
    with pytest.raises(OSError, match="of this"):
        echo_socket_on(fake).send(identifier=0, sequence=1, head=HEAD, payload_bytes=16, to=("127.0.0.1", 0))


def test_a_full_queue_is_reported_at_once(on_linux: None) -> None:
    fake = FakeSocket(send_errors=[BlockingIOError(errno.EAGAIN, "again")])
    with pytest.raises(BlockingIOError):
        echo_socket_on(fake, mode=Mode.DATAGRAM).send(
            identifier=0, sequence=1, head=HEAD, payload_bytes=16, to=("127.0.0.1", 0)
        )


def extended_error(origin: int, type_: int, code: int, offender: bytes) -> bytes:
    return struct.pack("@IBBBBII", 113, origin, type_, code, 0, 0, 0) + offender


def test_the_error_queue_tells_who_complains_about_which_request(on_linux: None) -> None:
    fake = FakeSocket()
    request = struct.pack("!BBHHH", 8, 0, 0, 7, 9) + HEAD
    offender = struct.pack("@HH4s8x", socket.AF_INET, 0, bytes([10, 0, 0, 254]))
    level = (socket.IPPROTO_IP, 11)
    fake.error_queue = [
        (request, [(*level, extended_error(2, 3, 1, offender))], ("10.0.0.5", 0)),
        (request, [(*level, extended_error(1, 0, 0, offender))], ("10.0.0.5", 0)),  # the system's own error
        (request, [(*level, extended_error(2, 5, 0, offender))], ("10.0.0.5", 0)),  # a redirect
        (request, [(*level, b"short")], ("10.0.0.5", 0)),
        (REPLY, [(*level, extended_error(2, 3, 1, offender))], ("10.0.0.5", 0)),  # not about a request
    ]
    arrivals, _ = echo_socket_on(fake, mode=Mode.DATAGRAM).receive(10)
    assert [arrival.message for arrival in arrivals] == [
        Complaint("10.0.0.254", "host unreachable", 7, 9, bytes([10, 0, 0, 5]), HEAD)
    ]


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
    ],
)
def test_each_failure_to_send_has_a_reason_in_words(error: OSError, reason: str) -> None:
    assert reason_of_failure(error) == reason


def test_windows_own_numbers_go_before_the_translated_ones() -> None:
    error = OSError(errno.EINVAL, "x")
    error.winerror = 10055  # type: ignore[attr-defined]  # exists on Windows alone
    assert is_queue_full(error)
