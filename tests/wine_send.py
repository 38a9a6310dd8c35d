"""Mends the Wine that stands in for Windows here: sometimes a non-blocking socket that has room refuses to send.

It does so, and its `select` finds no room, while another thread has yet to come back from sending over that socket. An
event loop that two threads wake in turn with `call_soon_threadsafe`, and nothing else, missed one call in some 30,000
under Wine 8 and slept for ever: asyncio takes that error for a pipe that is full, and so wakes the loop anyway. Windows
refuses only where there is no room. `.ci/windows-lab` lays this module into the lab's Python, where a `.pth` file has
each process call `mend`.
"""

import socket
import time
from collections.abc import Callable

PATIENCE_S = 1.0
_PAUSE_S = 0.001


def patient(send: Callable[..., int], patience_s: float = PATIENCE_S) -> Callable[..., int]:
    """`socket.socket.send`, tried again for so long where it would block.

    Raises:
        BlockingIOError: there is no room for longer.
    """

    def send_soon(sock: socket.socket, data: bytes, *flags: int) -> int:
        ends_at = time.monotonic() + patience_s
        while True:
            try:
                return send(sock, data, *flags)
            except BlockingIOError:
                if time.monotonic() > ends_at:
                    raise
                time.sleep(_PAUSE_S)

    return send_soon


def mend() -> None:
    """Have every socket of this process send so."""
    setattr(socket.socket, "send", patient(socket.socket.send))  # noqa: B010 - a method of another's class
