"""The stream of live events: server-sent events, one direction, which `curl` reads too."""

import asyncio
import json
import logging
import threading
from collections import deque
from contextlib import suppress

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from netstats_xl.app.service import Event, Service

log = logging.getLogger(__name__)

MOST_LISTENERS = 16
MEDIA_TYPE = "text/event-stream"
_MOST_WAITING = 1_000
"""Events kept for a client that reads too slowly; it loses the oldest."""
_HEARTBEAT = b": still here\n\n"
"""A comment, which clients ignore: it shows both sides that the other is there."""


class Listening:
    """Those who listen to a service's events. Its methods belong to the thread of the event loop."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._listeners: set[_Listener] = set()
        self._ended = False

    @property
    def full(self) -> bool:
        """Whether as many listen as may."""
        return len(self._listeners) >= MOST_LISTENERS

    def begin(self, seconds: float | None) -> "EventStream":
        """What happens from now on, for so many seconds at most, or until :meth:`end`."""
        listener = _Listener(self._service)
        if self._ended:
            listener.close()
        else:
            self._listeners.add(listener)
        return EventStream(self._listeners, listener, seconds)

    def end(self) -> None:
        """End all streams, and at once those that are begun later."""
        self._ended = True
        for each in self._listeners:
            each.close()


class EventStream(Response):
    """A response that goes on until the service ends it, the client is gone, or its time is up."""

    def __init__(self, listeners: "set[_Listener]", listener: "_Listener", seconds: float | None) -> None:
        super().__init__(media_type=MEDIA_TYPE)
        del self.headers["content-length"]
        self._listeners, self._listener, self._seconds = listeners, listener, seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI application."""
        loop = asyncio.get_running_loop()
        leaving = loop.create_task(self._until_gone(receive))
        time_up = None if self._seconds is None else loop.call_later(self._seconds, self._listener.close)
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            self._listener.start(loop)
            while (part := await self._listener.next()) is not None:
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._listener.close()
            self._listeners.discard(self._listener)
            leaving.cancel()
            if time_up is not None:
                time_up.cancel()

    async def _until_gone(self, receive: Receive) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._listener.close()


class _Listener:
    """One listener: a thread of its own takes the events, which may be slow to come, and hands them to the loop.

    The thread is a daemon, and ends at the first event or heartbeat after :meth:`close`.
    """

    def __init__(self, service: Service) -> None:
        self._service = service
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._news = asyncio.Event()
        self._closed = threading.Event()

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to listen."""
        if not self._closed.is_set():
            threading.Thread(target=self._take, args=(loop,), name="control-events", daemon=True).start()

    async def next(self) -> bytes | None:
        """What comes next of the stream; None at its end. What came before the end comes first."""
        while not self._waiting:
            if self._closed.is_set():
                return None
            self._news.clear()
            await self._news.wait()
        return self._waiting.popleft()

    def close(self) -> None:
        """Want no more."""
        self._closed.set()
        self._news.set()

    def _take(self, loop: asyncio.AbstractEventLoop) -> None:
        try:
            with self._service.events() as events:
                loop.call_soon_threadsafe(self._put, _HEARTBEAT)  # from here on nothing is missed
                for event in events:
                    if self._closed.is_set():
                        return
                    loop.call_soon_threadsafe(self._put, _HEARTBEAT if event is None else rendered(event))
        except Exception:  # the edge of a thread: the stream ends, and its client may begin another one
            if not loop.is_closed():
                log.exception("a stream of events failed")
        finally:
            with suppress(RuntimeError):  # the loop is closed, and all streams with it
                loop.call_soon_threadsafe(self.close)

    def _put(self, part: bytes) -> None:
        self._waiting.append(part)
        self._news.set()


def rendered(event: Event) -> bytes:
    """The event as the stream carries it: its kind as the event's name, its facts as JSON on one line."""
    return f"event: {event.kind.value}\ndata: {json.dumps(dict(event.data))}\n\n".encode()
