"""The HTTP server itself: uvicorn over the API. Importing it imports FastAPI, so it is imported when one starts."""

import asyncio
import math
import socket

import uvicorn
from anyio.to_thread import current_default_thread_limiter

from netstats_xl.app.service import Service
from netstats_xl.control.api import create_api
from netstats_xl.control.events import Listening

MOST_CONNECTIONS = 128
_MOST_HEADER_BYTES = 16_384
_MOST_THREADS = 16
"""Requests that wait for the service at once; more are queued."""
_KEEP_ALIVE_S = 5
_ACCEPTING_S = 0.02


class ApiServer:
    """Serves the API on a socket that listens already, in a selector event loop of whoever runs :meth:`serve`."""

    def __init__(self, service: Service, listener: socket.socket, *, token: str) -> None:
        self._listener = listener
        self._listening = Listening(service)
        api = create_api(service, token=token, port=listener.getsockname()[1], listening=self._listening)
        self._server = _Waiting(
            uvicorn.Config(
                api,
                http="h11",
                ws="none",
                lifespan="off",
                interface="asgi3",
                log_config=None,
                log_level="warning",
                access_log=False,
                server_header=False,
                # It would be that of the start: uvicorn's clock is not wound up (see _Waiting).
                date_header=False,
                proxy_headers=False,
                h11_max_incomplete_event_size=_MOST_HEADER_BYTES,
                limit_concurrency=MOST_CONNECTIONS,
                timeout_keep_alive=_KEEP_ALIVE_S,
            )
        )

    async def serve(self) -> None:
        """Answer until :meth:`end`."""
        current_default_thread_limiter().total_tokens = _MOST_THREADS
        await self._server.serve(sockets=[self._listener])
        await self._server.drop_connections()

    def end(self, patience_s: float) -> None:
        """End the streams of events now, and the rest within so many seconds. In the thread of the event loop."""
        self._listening.end()
        self._server.config.timeout_graceful_shutdown = max(math.ceil(patience_s), 1)
        self._server.end()

    def give_up(self) -> None:
        """Wait for nothing more."""
        self._server.force_exit = True


class _Waiting(uvicorn.Server):
    """A server that sleeps until it is asked or ended; uvicorn's own looks ten times a second whether to end."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._ended = asyncio.Event()

    async def main_loop(self) -> None:
        """Between the start and the end."""
        await self._ended.wait()
        for each in self.servers:
            _accept_no_more(each)
        # A connection that was accepted just now is known a few turns of the loop later: it is to be told, too.
        await asyncio.sleep(_ACCEPTING_S)

    async def drop_connections(self) -> None:
        """Close what was not closed in good time, before the loop closes under it."""
        for each in list(self.server_state.connections):
            each.transport.abort()
        await asyncio.sleep(0)

    def end(self) -> None:
        """End the main loop."""
        self.should_exit = True
        self._ended.set()


def _accept_no_more(server: asyncio.Server) -> None:
    """Let whoever connects wait.

    The server is not closed yet: it would fail over a connection that it accepted in this very turn of the loop, and
    leave it open.
    """
    loop = asyncio.get_running_loop()
    for each in server.sockets:
        loop.remove_reader(each.fileno())
