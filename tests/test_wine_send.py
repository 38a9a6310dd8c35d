"""The mended `send` of the lab's Wine: it tries again for a while, and no longer."""

import socket
import time
from collections.abc import Iterator

import pytest

from tests.wine_send import patient


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.setblocking(False)
        theirs.settimeout(5)
        yield ours, theirs


def test_what_was_refused_for_a_moment_is_sent(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    refusals = [BlockingIOError(), BlockingIOError()]

    def refusing_at_first(sock: socket.socket, data: bytes) -> int:
        if refusals:
            raise refusals.pop()
        return socket.socket.send(sock, data)

    assert patient(refusing_at_first)(ours, b"!") == 1
    assert theirs.recv(10) == b"!"


def test_a_socket_that_stays_full_is_told(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, _ = pair
    send = patient(socket.socket.send, patience_s=0.05)

    def fill() -> None:
        for _ in range(10_000):
            send(ours, bytes(65_536))

    began = time.monotonic()
    with pytest.raises(BlockingIOError):
        fill()
    assert time.monotonic() - began >= 0.05
