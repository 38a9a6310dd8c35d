"""Jobs at their ticks, and chores every so often."""

import asyncio
import inspect
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import TypeVar

from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger

from netstats_xl.domain.windows import Schedule, next_tick
from netstats_xl.ports import Clock
from netstats_xl.scheduling.clock import SystemClock
from netstats_xl.scheduling.event_loop import LoopThread, finish

Result = TypeVar("Result")
Action = Callable[[], Awaitable[None]] | Callable[[], None]
OnError = Callable[[str, Exception], None]
Delay = Callable[[str, Schedule], timedelta]

_WAKE_EVERY_S = 5.0
_CLOCK_SET_BACK_S = 1.0
"""Smaller steps of the wall clock are left alone."""
_MOST_INSTANCES = 3
"""Whether rounds may overlap is for the application to say; this only bounds the damage."""

_log = logging.getLogger(__name__)


def at_once(job_id: str, schedule: Schedule) -> timedelta:
    """No delay."""
    return timedelta(0)


class TickTrigger(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """Fires a fixed time after a schedule's ticks; those that are overdue never fire in a burst."""

    def __init__(self, schedule: Schedule, delay: timedelta = timedelta(0)) -> None:
        """`delay`: how long after each tick."""
        self.schedule = schedule
        self.delay = delay

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first time after both, aware UTC; None where there is none."""
        tick = next_tick(self.schedule, max(previous_fire_time or now, now) - self.delay)
        return None if tick is None else tick + self.delay


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Chore:
    name: str
    every_s: float
    action: Action
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set to begin it before its time, or to find that there is nothing to begin any more."""


class Scheduler:
    """Runs jobs at their ticks and chores every so often, on an event loop in a thread of its own.

    What an action raises goes to `on_error` (with the job's ID, the chore's name or `event loop`), on the
    loop's thread, and stops nothing. A scheduler starts once and stops once. Its methods may be called from
    any thread, save that those that wait (`run`, `drain`, `stop`) refuse the loop's own.
    """

    def __init__(
        self,
        *,
        on_error: OnError,
        clock: Clock | None = None,
        wake_every_s: float = _WAKE_EVERY_S,
        delay: Delay = at_once,
    ) -> None:
        """`wake_every_s`: how often due times are compared with the wall clock anew.

        The loop's timers are monotonic and may stand still while the machine sleeps. `delay` says, of a job's ID and
        schedule, how long after its ticks it begins.
        """
        self._on_error = on_error
        self._delay = delay
        self._clock = clock or SystemClock()
        self._wake_every_s = wake_every_s
        self._lock = Lock()
        self._thread: LoopThread | None = None
        self._closed = False
        self._draining = False
        self._apscheduler = AsyncIOScheduler(timezone=UTC)
        self._workers = ThreadPoolExecutor(4, thread_name_prefix="netstats-chore")
        self._schedules: dict[str, Schedule] = {}
        self._action: Callable[[str], Awaitable[None]] | None = None
        self._chores: dict[str, _Chore] = {}
        self._busy: set[asyncio.Task[None]] = set()
        self._wall_ahead_s = 0.0

    def start(self) -> None:
        """Begin. Jobs and chores may be given before or after.

        Raises:
            RuntimeError: it was started or stopped before.
        """
        with self._lock:
            if self._thread is not None or self._closed:
                raise RuntimeError("a scheduler starts once")
            # Its warnings (a skipped instance, a cancelled job) are the application's to tell.
            logging.getLogger("apscheduler").setLevel(logging.CRITICAL)
            self._wall_ahead_s = self._measure_wall()
            self._thread = LoopThread(name="netstats-scheduler", on_stray=partial(self._report, "event loop"))
            # Waited for: a job that is added while APScheduler starts may be lost.
            self._thread.run(self._begin_all())
        self.every("wake-up", self._wake_every_s, self._look_again)

    def set_jobs(self, schedules: Mapping[str, Schedule], action: Callable[[str], Awaitable[None]]) -> None:
        """Run `action(job_id)` at each tick of these schedules, or its delay later, and of no others.

        A job whose schedule did not change goes on undisturbed, and no round under way is cut off. The action
        may be called while it is still at work on the job's tick before. Does nothing once draining.
        """
        with self._lock:
            if self._closed:
                return
            self._action = action
            for job_id in self._schedules.keys() - schedules.keys():
                with suppress(JobLookupError):  # its last tick is past: APScheduler forgot it
                    self._apscheduler.remove_job(job_id)
            for job_id, schedule in schedules.items():
                if self._schedules.get(job_id) != schedule:
                    self._schedule(job_id, schedule)
            self._schedules = dict(schedules)

    def every(self, name: str, seconds: float, action: Action) -> None:
        """Do a chore every so many seconds, for the first time after as many.

        It replaces one of the same name. A coroutine function runs on the loop, any other callable in a
        worker thread. A chore never overlaps itself: one that takes longer than its time is begun again at
        once. Does nothing once draining.
        """
        chore = _Chore(name=name, every_s=seconds, action=action)
        with self._lock:
            if self._closed:
                return
            before, self._chores[name] = self._chores.get(name), chore
            if self._thread is not None:
                self._thread.call(partial(self._begin, chore))
                if before is not None:
                    self._thread.call(before.wake.set)

    def soon(self, name: str) -> None:
        """Do this chore now rather than at its time; again, where it is under way. Does nothing for an unknown name."""
        with self._lock:
            chore = self._chores.get(name)
            if chore is not None and self._thread is not None:
                self._thread.call(chore.wake.set)

    def run(self, coroutine: Coroutine[object, None, Result]) -> Result:
        """Run a coroutine on the loop, and wait for its result or its exception.

        Raises:
            RuntimeError: the scheduler does not run, or this is the loop's own thread.
            CancelledError: of `concurrent.futures`; the scheduler was stopped meanwhile.
        """
        if self._thread is None:
            coroutine.close()
            raise RuntimeError("the scheduler does not run")
        return self._thread.run(coroutine)

    def drain(self, timeout_s: float) -> None:
        """Begin nothing any more, and wait for what is under way; after `timeout_s` it is cancelled.

        The loop goes on for :meth:`run`, so that what lives on it can be closed. Draining twice does nothing.
        """
        with self._lock:
            self._closed = True
        if self._thread is not None and not self._draining:
            self._thread.run(self._drain(timeout_s))

    def stop(self, timeout_s: float) -> None:
        """Drain, then end the loop and its thread. Stopping twice does nothing.

        A chore in a worker thread cannot be cancelled: the process ends no sooner than it does.
        """
        self.drain(timeout_s)
        if self._thread is not None:
            self._thread.stop()
        self._workers.shutdown(wait=False, cancel_futures=True)

    def _schedule(self, job_id: str, schedule: Schedule) -> None:
        self._apscheduler.add_job(
            self._fire,
            TickTrigger(schedule, self._delay(job_id, schedule)),
            args=(job_id,),
            id=job_id,
            replace_existing=True,
            misfire_grace_time=None,
            coalesce=True,
            max_instances=_MOST_INSTANCES,
        )

    def _measure_wall(self) -> float:
        return self._clock.now().timestamp() - self._clock.monotonic()

    # From here on, all on the loop's thread.

    async def _begin_all(self) -> None:
        self._apscheduler.start()
        for chore in self._chores.values():
            self._begin(chore)

    def _begin(self, chore: _Chore) -> None:
        task = asyncio.ensure_future(self._do_again_and_again(chore))
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)

    async def _do_again_and_again(self, chore: _Chore) -> None:
        took_s = 0.0
        while await self._due(chore, chore.every_s - took_s):
            began_s = time.perf_counter()
            try:
                if inspect.iscoroutinefunction(chore.action):
                    await chore.action()
                else:
                    await asyncio.get_running_loop().run_in_executor(self._workers, chore.action)
            except Exception as error:  # noqa: BLE001 - the edge of a callback: a failing chore stops no other
                self._report(chore.name, error)
            took_s = time.perf_counter() - began_s

    async def _due(self, chore: _Chore, seconds: float) -> bool:
        """Wait for the chore's time; whether it is to be done then."""
        with suppress(TimeoutError):
            await asyncio.wait_for(chore.wake.wait(), max(seconds, 0.0))
        chore.wake.clear()
        return not self._draining and self._chores[chore.name] is chore

    async def _fire(self, job_id: str) -> None:
        task = asyncio.current_task()
        if self._draining or self._action is None or task is None:
            return
        self._busy.add(task)
        task.add_done_callback(self._busy.discard)
        try:
            await self._action(job_id)
        except Exception as error:  # noqa: BLE001 - the edge of a job: a failing one stops no other
            self._report(job_id, error)

    async def _look_again(self) -> None:
        """Compare due times with the wall clock; where it was set back, they are made anew."""
        wall_ahead_s = self._measure_wall()
        if wall_ahead_s < self._wall_ahead_s - _CLOCK_SET_BACK_S:
            with self._lock:
                for job_id, schedule in self._schedules.items():
                    self._schedule(job_id, schedule)
        self._wall_ahead_s = wall_ahead_s
        self._apscheduler.wakeup()

    async def _drain(self, timeout_s: float) -> None:
        self._draining = True
        for chore in self._chores.values():
            chore.wake.set()
        self._apscheduler.remove_all_jobs()
        await asyncio.sleep(0)  # what APScheduler has just begun enters itself as busy, or leaves
        await finish(self._busy, timeout_s=timeout_s)
        self._apscheduler.shutdown(wait=False)  # not before: it cancels what is under way

    def _report(self, name: str, error: Exception) -> None:
        try:
            self._on_error(name, error)
        except Exception:  # noqa: BLE001 - the edge of a callback
            _log.exception("The handler of errors failed on an error of %s", name)
