"""TCP connections: connected, refused, in vain, and not even begun."""

import asyncio
import errno
import os
import socket
import sys

import pytest

from netstats_xl.domain.results import Refused, Replied, SendFailed, Timeout, Unreachable
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.probes import tcp
from netstats_xl.probes.addresses import Address, parse_literal
from netstats_xl.probes.attempts import Finding
from netstats_xl.probes.services import ServiceProber
from netstats_xl.probes.tcp import connect, failure, has_route, not_sent
from tests.contracts.prober import on_selector_loop
from tests.probes.servers import closed_port, looked_up, tcp_server


def address(text: str) -> Address:
    found = parse_literal(text)
    assert found is not None
    return found


HOSTS = pytest.mark.parametrize("host", ["127.0.0.1", "::1"])


@HOSTS
def test_a_connection_is_timed_and_closed_at_once(host: str) -> None:
    async def main() -> Finding:
        async with tcp_server(host=host) as server:
            found = await connect(address(host), server.port)
            await asyncio.wait_for(server.all_ended.wait(), 5)
            assert server.made == 1
            return found

    found = on_selector_loop(main())
    assert isinstance(found, Replied)
    assert (found.address, found.answer) == (host, "connected")
    assert found.rtts_ms[0] is not None
    assert 0 < found.rtts_ms[0] < 1_000


@HOSTS
def test_a_port_that_nothing_listens_at_refuses(host: str) -> None:
    assert on_selector_loop(connect(address(host), closed_port(host))) == Refused(address=host, sent=1)


def full_listener() -> tuple[socket.socket, list[socket.socket]]:
    """A listener whose queue is full: the system answers no further connection."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen(0)
    waiting = []
    for _ in range(4):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex(listener.getsockname())
        waiting.append(sock)
    return listener, waiting


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse where a listener's queue is full")
def test_a_connection_that_nobody_answers_is_given_up_after_its_own_time() -> None:
    listener, waiting = full_listener()
    port = listener.getsockname()[1]
    prober = ServiceProber(resolver=looked_up(), packets_per_second=1_000)
    settings = EchoSettings(packets=2, packet_interval_ms=10, timeout_ms=50)
    found = on_selector_loop(prober.probe([f"tcp://127.0.0.1:{port}"], settings))
    for sock in (listener, *waiting):
        sock.close()
    assert found == [Timeout(address="127.0.0.1", sent=2)]


@pytest.mark.parametrize(
    ("number", "left", "found"),
    [
        (errno.ECONNREFUSED, False, Refused(address="192.0.2.1", sent=1)),
        (10061, True, Refused(address="192.0.2.1", sent=1)),
        (errno.ETIMEDOUT, True, Timeout(address="192.0.2.1", sent=1)),
        (
            errno.EHOSTUNREACH,
            True,
            Unreachable(address="192.0.2.1", sent=1, reporter="", reason="host unreachable"),
        ),
        (
            errno.ENETUNREACH,
            True,
            Unreachable(address="192.0.2.1", sent=1, reporter="", reason="network unreachable"),
        ),
        (errno.ENETUNREACH, False, SendFailed(address="192.0.2.1", reason="no route to its network")),
        (errno.EHOSTUNREACH, False, SendFailed(address="192.0.2.1", reason="no route to the host")),
        (errno.EPERM, False, SendFailed(address="192.0.2.1", reason="forbidden by this machine's firewall")),
        (
            errno.EBADF,
            True,
            SendFailed(address="192.0.2.1", reason=f"the system refused: {os.strerror(errno.EBADF)}"),
        ),
    ],
)
def test_each_error_of_a_connection_is_an_outcome(number: int, left: bool, found: Finding) -> None:
    assert failure(address("192.0.2.1"), number, left=left) == found


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE, 10024])
def test_a_lack_of_sockets_names_the_remedy(number: int) -> None:
    reason = not_sent(address("192.0.2.1"), OSError(number, "too many")).reason
    assert "open" in reason
    assert "allow this program more open files, or probe fewer" in reason


def test_where_no_socket_can_be_opened_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> socket.socket:
        raise OSError(errno.EMFILE, "Too many open files")

    async def main() -> Finding:
        monkeypatch.setattr(socket, "socket", refuse)
        try:
            return await connect(address("127.0.0.1"), 9)
        finally:
            monkeypatch.undo()

    found = on_selector_loop(main())
    assert isinstance(found, SendFailed)
    assert found.reason.startswith(
        "this program has too many sockets open: allow this program more open files"
    )


def test_a_scope_and_a_port_are_kept_in_a_socket_address() -> None:
    assert tcp.with_port(("fe80::1", 0, 0, 3), 80) == ("fe80::1", 80, 0, 3)
    assert tcp.with_port(("192.0.2.1", 0), 80) == ("192.0.2.1", 80)


def test_loopback_has_a_route_and_a_link_local_address_without_an_interface_has_none() -> None:
    assert has_route(address("127.0.0.1"))
    assert not has_route(address("fe80::1"))
