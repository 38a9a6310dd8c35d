"""Serves the control API on this computer alone, in a thread of its own."""

import asyncio
import logging
import os
import secrets
import socket
import sys
import threading
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from netstats_xl import __version__
from netstats_xl.app.service import Service
from netstats_xl.control.credentials import Endpoint, remove_endpoint, write_endpoint
from netstats_xl.errors import ControlError

log = logging.getLogger(__name__)

_LOOPBACK = "127.0.0.1"
_BACKLOG = 128
_LAST_MOMENT_S = 1.0


class ControlServer:
    """The control channel of one companion. A context manager: starts, and stops at the end of the block."""

    def __init__(
        self, service: Service, *, endpoint: Path, workbook: str, database: str, started_at: datetime
    ) -> None:
        """`endpoint` is where the endpoint file goes; `workbook` and `database` are told in it."""
        self._service = service
        self._path = endpoint
        self._workbook, self._database, self._started_at = workbook, database, started_at
        self._running: _Running | None = None

    def start(self) -> Endpoint:
        """Serve, and write the endpoint file; once this returns, requests are answered.

        Raises:
            ControlError: it cannot be served, or the file cannot be written.
        """
        if self._running is not None:
            return self._running.endpoint
        token = secrets.token_urlsafe(32)
        try:
            listener = _loopback_socket()
        except OSError as error:
            raise ControlError(f"No port of this computer can be listened at: {error}.") from error
        endpoint = Endpoint(
            url=f"http://{_LOOPBACK}:{listener.getsockname()[1]}",
            token=token,
            process=os.getpid(),
            version=__version__,
            started_at=self._started_at,
            workbook=self._workbook,
            database=self._database,
        )
        running = _Running(self._service, endpoint, listener)
        running.start()
        try:
            write_endpoint(self._path, endpoint)
        except OSError as error:
            running.stop(patience_s=_LAST_MOMENT_S)
            raise ControlError(
                f"{self._path}, which tells others how to reach this collector, cannot be written: {error}."
            ) from error
        self._running = running
        return endpoint

    def rename(self, workbook: str) -> None:
        """Tell another name of the workbook in the endpoint file (it was saved under another name)."""
        self._workbook = workbook
        running = self._running
        if running is None or running.endpoint.workbook == workbook:
            return
        running.endpoint = replace(running.endpoint, workbook=workbook)
        try:
            write_endpoint(self._path, running.endpoint)
        except OSError as error:
            log.warning("%s tells an old name of the workbook: %s", self._path, error)

    def stop(self, *, patience_s: float = 5.0) -> None:
        """Remove the endpoint file, end the streams, let requests under way finish, and end the thread.

        Takes a little more than `patience_s` at most: what is not finished by then is dropped. Twice does nothing.
        """
        running, self._running = self._running, None
        if running is not None:
            remove_endpoint(self._path, running.endpoint.token)
            running.stop(patience_s=patience_s)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Running:
    """One server at work. Its thread is a daemon, and so are those that it starts: none keeps the process alive."""

    def __init__(self, service: Service, endpoint: Endpoint, listener: socket.socket) -> None:
        from netstats_xl.control.serving import ApiServer

        self.endpoint = endpoint
        self._listener = listener
        self._server = ApiServer(service, listener, token=endpoint.token)
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="control", daemon=True)

    def start(self) -> None:
        """Begin to answer.

        Raises:
            ControlError: the server does not come up.
        """
        self._thread.start()
        self._ready.wait()
        if self._loop is None:
            raise ControlError("The control channel does not start: the log tells more.")

    def stop(self, *, patience_s: float) -> None:
        """End the server, then the thread."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended by itself
                self._loop.call_soon_threadsafe(self._server.end, patience_s)
        self._thread.join(patience_s + _LAST_MOMENT_S)
        if self._thread.is_alive():
            self._server.give_up()
            self._thread.join(_LAST_MOMENT_S)

    def _run(self) -> None:
        try:
            # The same kind of loop on every system, as for the probing: one way for connections to begin and end.
            with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
                runner.run(self._serve())
        except Exception:  # the edge of a thread
            log.exception("the control channel ended")
        finally:
            self._listener.close()
            self._ready.set()

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        # It listens already: whoever connects before the server accepts is queued, and answered.
        self._loop.call_soon(self._ready.set)
        await self._server.serve()


def _loopback_socket() -> socket.socket:
    """A socket that listens on this computer alone, at a port of the system's choice."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if sys.platform == "win32":
            # Without it another process could listen at the same port, and be sent tokens.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        # Connections inherit it; asyncio itself sets it on Unix alone. Without it an answer's second part waits
        # for the client's delayed acknowledgement: 40 ms on Linux, 200 ms on Windows.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((_LOOPBACK, 0))
        listener.listen(_BACKLOG)
        listener.setblocking(False)
    except OSError:
        listener.close()
        raise
    return listener
