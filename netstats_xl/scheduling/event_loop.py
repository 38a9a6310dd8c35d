"""An event loop in a thread of its own, and the bridge to it."""

import asyncio
from collections.abc import Callable, Collection, Coroutine, Mapping
from concurrent.futures import wait
from contextlib import suppress
from threading import Thread, current_thread
from typing import TypeVar

Result = TypeVar("Result")
OnStray = Callable[[Exception], None]

_CANCEL_GRACE_S = 1.0
"""How long a cancelled coroutine may take to end."""
_POLL_S = 0.2
"""Waiting in such pieces lets Ctrl+C through on Windows, where a wait for a lock cannot be interrupted."""


class LoopThread:
    """An event loop in a daemon thread. It begins when it is made, and must be stopped.

    It is a selector loop on every system, since raw sockets need `add_reader`. `on_stray` is called on its
    thread with an exception that nobody waits for, for example of a socket's callback.
    """

    def __init__(self, *, name: str, on_stray: OnStray) -> None:
        self._on_stray = on_stray
        self._loop = asyncio.SelectorEventLoop()
        self._loop.set_exception_handler(self._take_stray)
        self._thread = Thread(target=self._serve, name=name, daemon=True)
        self._thread.start()

    def call(self, callback: Callable[[], object]) -> None:
        """Have the loop call something soon; does nothing once the loop has ended."""
        with suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(callback)

    def run(self, coroutine: Coroutine[object, None, Result]) -> Result:
        """Run a coroutine on the loop, and wait for its result or its exception.

        Raises:
            RuntimeError: the loop has ended or ends meanwhile, or this is its own thread.
            CancelledError: of `concurrent.futures`; the loop was stopped meanwhile.
        """
        problem = ""
        if current_thread() is self._thread:
            problem = "the event loop's own thread would wait for itself"
        elif not self._thread.is_alive():
            problem = "the event loop has ended"
        if problem:
            coroutine.close()
            raise RuntimeError(problem)
        future = asyncio.run_coroutine_threadsafe(coroutine, self._loop)
        try:
            while not wait((future,), timeout=_POLL_S).done and self._thread.is_alive():
                pass
        except BaseException:
            future.cancel()  # nobody waits for it any more, for example after Ctrl+C
            raise
        if not future.done():
            raise RuntimeError("the event loop ended meanwhile")
        return future.result()

    def stop(self) -> None:
        """Cancel what is left on the loop, and end it. Stopping twice does nothing."""
        if self._thread.is_alive():
            self.run(self._end())
            self.call(self._loop.stop)
            self._thread.join(_CANCEL_GRACE_S)

    def _serve(self) -> None:
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    async def _end(self) -> None:
        await finish(asyncio.all_tasks() - {asyncio.current_task()}, timeout_s=0.0)
        await self._loop.shutdown_asyncgens()

    def _take_stray(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, object]) -> None:
        error = context.get("exception")
        self._on_stray(error if isinstance(error, Exception) else RuntimeError(str(context.get("message"))))


async def finish(tasks: Collection["asyncio.Task[None]"], *, timeout_s: float) -> None:
    """Wait for tasks; after `timeout_s` cancel them, and wait no longer than a moment."""
    pending = set(tasks)
    if pending and timeout_s > 0:
        _, pending = await asyncio.wait(pending, timeout=timeout_s)
    for task in pending:
        task.cancel()
    if pending:
        await asyncio.wait(pending, timeout=_CANCEL_GRACE_S)
