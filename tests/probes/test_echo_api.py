"""Windows' echo service as it is called: with its libraries played, and for real in test_icmp_windows_here."""

import ctypes
import gc
import struct

import pytest

from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, Family, from_sockaddr
from netstats_xl.probes.echo_api import WindowsEchoApi
from netstats_xl.probes.echo_status import GENERAL_FAILURE, TIMED_OUT
from netstats_xl.probes.trains import WireOptions
from tests.probes.fake_iphlpapi import PlayedWindows

HERE = from_sockaddr(("127.0.0.1", 0))
HERE6 = from_sockaddr(("fe80::1", 0, 0, 3))
PAYLOAD = bytes(range(56))
NO_OPTIONS = WireOptions()


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> PlayedWindows:
    played = PlayedWindows()

    def set_error(number: int) -> None:
        played.last_error = number

    monkeypatch.setattr(ctypes, "WinDLL", played.library, raising=False)
    monkeypatch.setattr(ctypes, "WINFUNCTYPE", ctypes.CFUNCTYPE, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", lambda: played.last_error, raising=False)
    monkeypatch.setattr(ctypes, "set_last_error", set_error, raising=False)
    return played


@pytest.fixture
def api(windows: PlayedWindows) -> WindowsEchoApi:
    opened = WindowsEchoApi()
    for family in Family:
        opened.open(family)
    return opened


def send(
    api: WindowsEchoApi, to: Address = HERE, *, payload: bytes = PAYLOAD, options: WireOptions = NO_OPTIONS
) -> int:
    return api.send(1 << 63 | 5, to, payload, 1_020, options)


def test_a_request_goes_as_the_interface_asks_for(windows: PlayedWindows, api: WindowsEchoApi) -> None:
    windows.last_error = 87  # of an earlier call
    assert send(api) == 0
    (request,) = windows.sent
    assert (request.to, request.payload, request.timeout_ms) == (b"\x7f\0\0\1", PAYLOAD, 1_020)
    assert request.options is None
    assert request.reply_bytes == 40 + 56 + 16
    assert api.under_way == 1


def test_an_ipv6_request_has_its_scope(windows: PlayedWindows, api: WindowsEchoApi) -> None:
    assert send(api, HERE6) == 0
    (request,) = windows.sent
    assert (request.to, request.scope) == (HERE6.packed, 3)
    assert request.reply_bytes == 36 + 56 + 16


def test_a_small_payload_leaves_room_for_an_errors_data(windows: PlayedWindows, api: WindowsEchoApi) -> None:
    send(api, payload=PAYLOAD[:16])
    assert windows.sent[0].reply_bytes == 40 + 24 + 16


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (WireOptions(ttl=5), (5, 0, 0, 0, 0)),
        (WireOptions(dscp=46), (128, 184, 0, 0, 0)),
        (WireOptions(ttl=255, dscp=0, dont_fragment=True), (255, 0, 2, 0, 0)),
    ],
)
def test_options_are_those_of_the_header(
    windows: PlayedWindows, api: WindowsEchoApi, options: WireOptions, told: tuple[int, ...]
) -> None:
    send(api, options=options)
    assert windows.sent[0].options == told


def test_a_reply_is_told_with_its_host_its_payload_and_its_time(
    windows: PlayedWindows, api: WindowsEchoApi
) -> None:
    send(api)
    windows.answer4(windows.sent[0], 0, b"\x7f\0\0\2", PAYLOAD)
    assert list(api.replies()) == []
    api.wait(0)
    (reply,) = api.replies()
    assert (reply.key, reply.status, reply.reporter) == (1 << 63 | 5, 0, b"\x7f\0\0\2")
    assert reply.payload == PAYLOAD
    assert reply.at > 0
    assert api.under_way == 0
    assert list(api.replies()) == []


def test_an_ipv6_reply_is_told_with_the_beginning_of_its_payload(
    windows: PlayedWindows, api: WindowsEchoApi
) -> None:
    send(api, HERE6)
    windows.answer6(windows.sent[0], 0, HERE6.packed, PAYLOAD)
    api.wait(0.5)
    (reply,) = api.replies()
    assert (reply.status, reply.reporter, reply.payload) == (0, HERE6.packed, PAYLOAD[:16])


@pytest.mark.parametrize("status", [TIMED_OUT, 11_003, 11_013])
def test_an_error_is_told_with_its_reporter(windows: PlayedWindows, api: WindowsEchoApi, status: int) -> None:
    send(api)
    windows.parsed = 0
    windows.answer4(windows.sent[0], status, b"\x0a\0\0\1", b"")
    api.wait(0.5)
    (reply,) = api.replies()
    assert (reply.status, reply.reporter, reply.payload) == (status, b"\x0a\0\0\1", b"")


@pytest.mark.parametrize(("code", "status"), [(1_231, 1_231), (0, GENERAL_FAILURE)])
def test_a_buffer_without_a_reply_is_none(
    windows: PlayedWindows, api: WindowsEchoApi, code: int, status: int
) -> None:
    send(api)
    windows.parsed = 0
    windows.answer4(windows.sent[0], 0, bytes(4), b"")
    api.wait(0.5)
    windows.last_error = code
    (reply,) = api.replies()
    assert (reply.status, reply.payload) == (status, b"")


@pytest.mark.parametrize("elsewhere", [-4_096, 4_096])
def test_data_that_lie_outside_the_buffer_are_not_read(
    windows: PlayedWindows, api: WindowsEchoApi, elsewhere: int
) -> None:
    send(api)
    windows.answer4(windows.sent[0], 0, b"\x7f\0\0\1", PAYLOAD, elsewhere=elsewhere)
    api.wait(0)
    (reply,) = api.replies()
    assert reply.payload == b""


def test_what_is_not_sent_says_why_and_is_not_on_its_way(windows: PlayedWindows, api: WindowsEchoApi) -> None:
    windows.fails_with = 1_231
    assert send(api) == 1_231
    assert api.under_way == 0


def test_waits_are_alertable_on_the_millisecond_and_a_look_takes_no_wake_away(
    windows: PlayedWindows, api: WindowsEchoApi
) -> None:
    api.wait(0)
    api.wait(0.0001)
    api.wait(0.0016)
    api.wait(60.0)
    look, *waits = windows.waits
    assert look == (0, True)
    assert waits == [(1, True), (2, True), (60_000, True)]
    assert windows.calls[-2:] == ["timeBeginPeriod", "timeEndPeriod"]


def test_the_event_is_freed_with_the_service(windows: PlayedWindows) -> None:
    api = WindowsEchoApi()
    api.wake()
    assert windows.calls == ["CreateEventW", "SetEvent"]
    del api
    gc.collect()
    assert windows.calls == ["CreateEventW", "SetEvent", "CloseHandle"]


def test_closing_waits_until_windows_writes_no_more(windows: PlayedWindows, api: WindowsEchoApi) -> None:
    send(api)
    windows.answer4(windows.sent[0], TIMED_OUT, bytes(4), b"")
    api.close()
    assert api.under_way == 0
    assert windows.calls[-4:] == ["IcmpCloseHandle", "IcmpCloseHandle", "timeBeginPeriod", "timeEndPeriod"]


def test_a_family_is_opened_once(windows: PlayedWindows, api: WindowsEchoApi) -> None:
    api.open(Family.IPV4)
    assert windows.calls == ["CreateEventW", "IcmpCreateFile", "Icmp6CreateFile"]


@pytest.mark.parametrize("handle", [None, (1 << 8 * struct.calcsize("P")) - 1])
def test_a_family_that_windows_does_not_open_says_what_to_do(
    windows: PlayedWindows, handle: int | None
) -> None:
    windows.handle, windows.last_error = handle, 5
    with pytest.raises(BackendUnavailable, match=r"no IPv4 echo request be sent \(error 5\)\. Enable IPv4"):
        WindowsEchoApi().open(Family.IPV4)


def test_a_windows_without_icmpv6_lacks_only_that(windows: PlayedWindows) -> None:
    windows.without = frozenset({"Icmp6SendEcho2"})
    api = WindowsEchoApi()
    api.open(Family.IPV4)
    with pytest.raises(BackendUnavailable, match="IPv6"):
        api.open(Family.IPV6)
