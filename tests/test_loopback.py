"""The demo's own ports."""

import socket

import pytest

from netstats_xl.commands.loopback import loopback_ports
from netstats_xl.domain.endpoints import TcpPort, parse_endpoint


def connect(cell: str) -> None:
    endpoint = parse_endpoint(cell)
    assert isinstance(endpoint, TcpPort)
    with socket.create_connection((endpoint.host, endpoint.port), timeout=5) as connection:
        assert connection.recv(1) == b""  # it was accepted, and closed


def test_they_accept_and_refuse_while_the_block_lasts() -> None:
    with loopback_ports() as ports:
        assert ports.accepting[0].startswith("tcp://127.0.0.1:")
        for cell in (*ports.accepting, *ports.accepting):
            connect(cell)
        with pytest.raises(ConnectionRefusedError):
            connect(ports.refusing)
    for cell in ports.accepting:
        with pytest.raises(ConnectionRefusedError):
            connect(cell)


def test_a_computer_without_ipv6_has_those_of_ipv4(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "has_ipv6", False)
    with loopback_ports() as ports:
        assert len(ports.accepting) == 1
        connect(ports.accepting[0])
