"""Jobs at their ticks, on a clock that the tests set."""

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import CancelledError, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, tzinfo
from queue import Empty, Queue

import pytest

from netstats_xl.domain.windows import Schedule, last_tick
from netstats_xl.scheduling import Scheduler, SystemClock, TickTrigger, event_loop
from tests.fakes.clock import FakeClock

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)
HOURLY = Schedule(interval=timedelta(hours=1))
PATIENCE_S = 10.0
"""How long a test waits for what must come; only a failing one waits as long."""


class WatchedClock(FakeClock):
    """Lets a test wait until the scheduler has looked at it a few times more."""

    def __init__(self, now: datetime) -> None:
        super().__init__(now)
        self._looks = 0
        self._looked = threading.Condition()

    def now(self) -> datetime:
        with self._looked:
            self._looks += 1
            self._looked.notify_all()
        return super().now()

    def wait_for_looks(self, count: int) -> None:
        with self._looked:
            wanted = self._looks + count
            assert self._looked.wait_for(lambda: self._looks >= wanted, PATIENCE_S)


class Bench:
    """A scheduler on a fake clock, and what its jobs and its errors were."""

    def __init__(self, clock: WatchedClock) -> None:
        self.clock = clock
        self.delays: dict[str, timedelta] = {}
        """How long after their ticks jobs begin; others begin at once."""
        self.fired: Queue[str] = Queue()
        self.errors: Queue[tuple[str, Exception]] = Queue()
        self.scheduler = Scheduler(
            on_error=self._fail,
            clock=clock,
            wake_every_s=0.005,
            delay=lambda job_id, _: self.delays.get(job_id, timedelta(0)),
        )

    def _fail(self, name: str, error: Exception) -> None:
        self.errors.put((name, error))

    async def fire(self, job_id: str) -> None:
        self.fired.put(job_id)

    def next_fired(self) -> str:
        return self.fired.get(timeout=PATIENCE_S)

    def assert_nothing_fires(self) -> None:
        self.clock.wait_for_looks(
            6
        )  # a look, and what it sets off, are done well before the one after the next
        with pytest.raises(Empty):
            self.fired.get_nowait()

    def next_error(self) -> tuple[str, Exception]:
        return self.errors.get(timeout=PATIENCE_S)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    clock = WatchedClock(NOON)

    class FakeDatetime(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]  # APScheduler needs no more
            assert tz is UTC
            return FakeClock.now(clock)

    monkeypatch.setattr("apscheduler.schedulers.base.datetime", FakeDatetime)
    bench = Bench(clock)
    yield bench
    bench.scheduler.stop(0)
    assert "netstats-scheduler" not in {thread.name for thread in threading.enumerate()}


def test_the_system_clock_tells_utc_and_never_goes_back() -> None:
    clock = SystemClock()
    assert clock.now().utcoffset() == timedelta(0)
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(minutes=1)
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)


LATER = timedelta(milliseconds=300)


@pytest.mark.parametrize(
    ("previous", "now", "expected"),
    [
        (None, NOON, NOON + LATER),
        (None, NOON + LATER, NOON + timedelta(hours=1) + LATER),
        (NOON + LATER, NOON + LATER, NOON + timedelta(hours=1) + LATER),
        (None, NOON + timedelta(hours=7, minutes=1), NOON + timedelta(hours=8) + LATER),
        (NOON + timedelta(hours=3) + LATER, NOON, NOON + timedelta(hours=4) + LATER),
    ],
)
def test_with_a_delay_the_trigger_fires_so_long_after_each_tick(
    previous: datetime | None, now: datetime, expected: datetime
) -> None:
    assert TickTrigger(HOURLY, LATER).get_next_fire_time(previous, now) == expected


def test_with_a_delay_the_last_tick_before_the_end_fires_too() -> None:
    short = HOURLY.model_copy(update={"end_at": NOON + timedelta(hours=1, milliseconds=100)})
    at = NOON + timedelta(hours=1)
    assert TickTrigger(short, LATER).get_next_fire_time(NOON + LATER, at) == at + LATER
    assert TickTrigger(short, LATER).get_next_fire_time(at + LATER, at + LATER) is None


@pytest.mark.parametrize(
    ("previous", "now", "expected"),
    [
        (None, NOON, NOON + timedelta(hours=1)),
        (NOON, NOON, NOON + timedelta(hours=1)),
        (NOON, NOON + timedelta(seconds=1), NOON + timedelta(hours=1)),
        (NOON, NOON + timedelta(hours=7, minutes=1), NOON + timedelta(hours=8)),
        (NOON + timedelta(hours=3), NOON, NOON + timedelta(hours=4)),
    ],
)
def test_the_trigger_fires_after_now_and_after_the_tick_before(
    previous: datetime | None, now: datetime, expected: datetime
) -> None:
    assert TickTrigger(HOURLY).get_next_fire_time(previous, now) == expected


def test_the_trigger_of_a_schedule_that_is_over_never_fires() -> None:
    over = HOURLY.model_copy(update={"end_at": NOON})
    assert TickTrigger(over).get_next_fire_time(None, NOON) is None


def test_a_job_fires_at_each_tick_and_not_before(bench: Bench) -> None:
    bench.scheduler.set_jobs({"a": HOURLY}, bench.fire)
    bench.scheduler.start()
    for _ in range(3):
        bench.clock.advance(seconds=3_599)
        bench.assert_nothing_fires()
        bench.clock.advance(seconds=1)
        assert bench.next_fired() == "a"


def test_jobs_of_the_same_ticks_begin_each_at_its_own_moment(bench: Bench) -> None:
    bench.delays = {"b": timedelta(milliseconds=200), "c": timedelta(milliseconds=400)}
    bench.clock.advance(seconds=1)
    bench.scheduler.set_jobs({"c": HOURLY, "b": HOURLY, "a": HOURLY}, bench.fire)
    bench.scheduler.start()
    for _ in range(2):
        bench.clock.set(bench.clock.now().replace(minute=59, second=59, microsecond=0))
        bench.assert_nothing_fires()
        bench.clock.advance(seconds=1)
        assert bench.next_fired() == "a"
        for job_id in ("b", "c"):
            bench.clock.advance(seconds=0.199)
            bench.assert_nothing_fires()
            bench.clock.advance(seconds=0.001)
            assert bench.next_fired() == job_id


def test_after_the_machine_slept_a_job_fires_once_and_then_at_the_next_tick(bench: Bench) -> None:
    bench.scheduler.start()
    bench.scheduler.set_jobs({"a": HOURLY}, bench.fire)
    bench.clock.set(NOON + timedelta(hours=9, minutes=30))
    assert bench.next_fired() == "a"
    bench.assert_nothing_fires()
    bench.clock.advance(seconds=1_799)
    bench.assert_nothing_fires()
    bench.clock.advance(seconds=1)
    assert bench.next_fired() == "a"


def test_after_the_clock_was_set_back_a_job_fires_at_the_next_tick_of_the_new_time(bench: Bench) -> None:
    bench.scheduler.start()
    bench.scheduler.set_jobs({"a": HOURLY}, bench.fire)
    bench.clock.set(NOON - timedelta(hours=5, minutes=30))
    bench.assert_nothing_fires()
    bench.clock.advance(seconds=1_800)
    assert bench.next_fired() == "a"
    bench.assert_nothing_fires()


def test_new_jobs_replace_the_old_ones(bench: Bench) -> None:
    quarterly = Schedule(interval=timedelta(minutes=15))
    bench.scheduler.start()
    bench.scheduler.set_jobs({"gone": HOURLY, "kept": HOURLY, "changed": HOURLY}, bench.fire)
    bench.scheduler.set_jobs({"kept": HOURLY, "changed": quarterly, "new": quarterly}, bench.fire)
    bench.clock.advance(seconds=900)
    assert {bench.next_fired(), bench.next_fired()} == {"changed", "new"}
    bench.assert_nothing_fires()
    bench.clock.advance(seconds=2_700)
    assert {bench.next_fired() for _ in range(3)} == {"kept", "changed", "new"}
    bench.assert_nothing_fires()


def test_giving_the_same_jobs_again_loses_no_tick_that_is_due(bench: Bench) -> None:
    begun, go_on = threading.Event(), threading.Event()

    async def hold_the_loop() -> None:
        begun.set()
        go_on.wait(PATIENCE_S)

    bench.scheduler.start()
    bench.scheduler.set_jobs({"a": HOURLY}, bench.fire)
    with ThreadPoolExecutor(1) as pool:
        holding = pool.submit(bench.scheduler.run, hold_the_loop())
        assert begun.wait(PATIENCE_S)
        bench.clock.advance(seconds=3_600)
        bench.scheduler.set_jobs({"a": HOURLY}, bench.fire)
        go_on.set()
        holding.result(PATIENCE_S)
    assert bench.next_fired() == "a"


def test_a_job_whose_last_tick_is_past_can_be_removed_or_given_anew(bench: Bench) -> None:
    bench.scheduler.start()
    short = HOURLY.model_copy(update={"end_at": NOON + timedelta(hours=1, minutes=1)})
    bench.scheduler.set_jobs({"removed": short, "renewed": short}, bench.fire)
    bench.clock.advance(seconds=3_600)
    assert {bench.next_fired(), bench.next_fired()} == {"removed", "renewed"}
    bench.scheduler.set_jobs({"renewed": HOURLY}, bench.fire)
    bench.clock.advance(seconds=3_600)
    assert bench.next_fired() == "renewed"


def test_a_job_that_fails_is_reported_and_fires_again(bench: Bench) -> None:
    async def fail(job_id: str) -> None:
        raise ValueError(f"no {job_id}")

    bench.scheduler.set_jobs({"a": HOURLY}, fail)
    bench.scheduler.start()
    for _ in range(2):
        bench.clock.advance(seconds=3_600)
        name, error = bench.next_error()
        assert (name, str(error)) == ("a", "no a")


def test_a_round_that_outlasts_its_interval_is_the_applications_business_within_bounds(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    async def linger(job_id: str) -> None:
        bench.fired.put(job_id)
        await asyncio.Event().wait()

    bench.scheduler.set_jobs({"slow": HOURLY}, linger)
    bench.scheduler.start()
    for _ in range(3):
        bench.clock.advance(seconds=3_600)
        assert bench.next_fired() == "slow"
    bench.clock.advance(seconds=3_600)
    bench.assert_nothing_fires()
    bench.scheduler.stop(0)
    assert capfd.readouterr() == ("", "")


def test_the_loop_is_a_selector_loop_in_a_thread_of_its_own(bench: Bench) -> None:
    async def where() -> tuple[str, bool]:
        loop = asyncio.get_running_loop()
        return threading.current_thread().name, isinstance(loop, asyncio.SelectorEventLoop)

    bench.scheduler.start()
    assert bench.scheduler.run(where()) == ("netstats-scheduler", True)


def test_chores_run_again_and_again_coroutines_on_the_loop_and_others_in_a_worker(bench: Bench) -> None:
    threads: Queue[str] = Queue()

    def sync_chore() -> None:
        threads.put(threading.current_thread().name.rpartition("_")[0] or "main")

    async def async_chore() -> None:
        threads.put(threading.current_thread().name)

    bench.scheduler.every("early", 0.001, sync_chore)
    bench.scheduler.start()
    assert [threads.get(timeout=PATIENCE_S) for _ in range(3)] == ["netstats-chore"] * 3
    bench.scheduler.every("early", 0.001, async_chore)
    while threads.get(timeout=PATIENCE_S) != "netstats-scheduler":
        pass
    bench.clock.wait_for_looks(6)  # the chore that was replaced has ended by now
    while not threads.empty():
        threads.get()
    assert [threads.get(timeout=PATIENCE_S) for _ in range(3)] == ["netstats-scheduler"] * 3


def test_a_chore_that_fails_is_reported_and_goes_on(bench: Bench) -> None:
    def fail() -> None:
        raise OSError("disk full")

    bench.scheduler.every("save", 0.001, fail)
    bench.scheduler.start()
    assert [(name, str(error)) for name, error in (bench.next_error(), bench.next_error())] == [
        ("save", "disk full")
    ] * 2


def test_a_slow_chore_neither_overlaps_itself_nor_holds_up_jobs(bench: Bench) -> None:
    begun, go_on = threading.Semaphore(0), threading.Event()

    def linger() -> None:
        begun.release()
        go_on.wait(PATIENCE_S)

    bench.scheduler.every("slow", 0.001, linger)
    bench.scheduler.set_jobs({"a": HOURLY}, bench.fire)
    bench.scheduler.start()
    assert begun.acquire(timeout=PATIENCE_S)
    bench.clock.advance(seconds=3_600)
    assert bench.next_fired() == "a"
    assert not begun.acquire(blocking=False)
    go_on.set()
    assert begun.acquire(timeout=PATIENCE_S)


def test_a_chore_can_be_done_before_its_time(bench: Bench) -> None:
    done: Queue[str] = Queue()
    bench.scheduler.every("hourly", 3_600, lambda: done.put("hourly"))
    bench.scheduler.soon("hourly")  # too early: nothing runs yet
    bench.scheduler.start()
    bench.scheduler.soon("hourly")
    assert done.get(timeout=PATIENCE_S) == "hourly"
    bench.scheduler.soon("unknown")
    bench.scheduler.soon("hourly")
    assert done.get(timeout=PATIENCE_S) == "hourly"
    assert done.empty()


def test_a_chore_that_is_wanted_while_it_is_under_way_is_done_again(bench: Bench) -> None:
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)

    def linger() -> None:
        begun.release()
        go_on.acquire(timeout=PATIENCE_S)

    bench.scheduler.every("slow", 3_600, linger)
    bench.scheduler.start()
    bench.scheduler.soon("slow")
    assert begun.acquire(timeout=PATIENCE_S)
    bench.scheduler.soon("slow")
    go_on.release()
    assert begun.acquire(timeout=PATIENCE_S)
    go_on.release()


def test_run_hands_over_results_and_exceptions(bench: Bench) -> None:
    async def divide(by: int) -> float:
        return 1 / by

    bench.scheduler.start()
    assert bench.scheduler.run(divide(2)) == 0.5
    with pytest.raises(ZeroDivisionError):
        bench.scheduler.run(divide(0))


def test_run_is_refused_where_it_would_wait_for_ever(bench: Bench) -> None:
    async def nothing() -> None:
        pass

    async def wait_for_itself() -> None:
        bench.scheduler.run(nothing())

    with pytest.raises(RuntimeError, match="does not run"):
        bench.scheduler.run(nothing())
    bench.scheduler.start()
    with pytest.raises(RuntimeError, match="would wait for itself"):
        bench.scheduler.run(wait_for_itself())
    bench.scheduler.stop(0)
    with pytest.raises(RuntimeError, match="has ended"):
        bench.scheduler.run(nothing())


def test_an_interrupted_wait_cancels_what_it_waited_for(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancelled = threading.Event()
    begun = threading.Event()

    async def linger() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def interrupt(*_: object, **__: object) -> None:
        assert begun.wait(PATIENCE_S)
        raise KeyboardInterrupt

    bench.scheduler.start()
    with monkeypatch.context() as patch:
        patch.setattr(event_loop, "wait", interrupt)
        with pytest.raises(KeyboardInterrupt):
            bench.scheduler.run(linger())
    assert cancelled.wait(PATIENCE_S)


def linger_until(
    bench: Bench, ended: "Queue[str]", release: asyncio.Event
) -> Callable[[str], Awaitable[None]]:
    async def linger(job_id: str) -> None:
        bench.fired.put(job_id)
        try:
            await release.wait()
        except asyncio.CancelledError:
            ended.put("cancelled")
            raise
        ended.put("finished")

    return linger


async def set_event(event: asyncio.Event) -> None:
    event.set()


def test_draining_waits_for_rounds_under_way_and_begins_none(bench: Bench) -> None:
    ended: Queue[str] = Queue()
    release = asyncio.Event()
    bench.scheduler.set_jobs({"a": HOURLY}, linger_until(bench, ended, release))
    bench.scheduler.start()
    bench.clock.advance(seconds=3_600)
    assert bench.next_fired() == "a"
    with ThreadPoolExecutor(1) as pool:
        draining = pool.submit(bench.scheduler.drain, PATIENCE_S)
        with pytest.raises(TimeoutError):
            draining.result(0.05)
        bench.scheduler.run(set_event(release))
        draining.result(PATIENCE_S)
    assert ended.get_nowait() == "finished"
    bench.clock.advance(seconds=3_600)
    bench.scheduler.set_jobs({"b": HOURLY}, bench.fire)
    bench.scheduler.every("late", 0.001, lambda: bench.fired.put("late"))
    bench.scheduler.run(asyncio.sleep(0))
    assert bench.fired.empty()
    bench.scheduler.drain(PATIENCE_S)


def test_what_outlasts_the_draining_is_cancelled(bench: Bench) -> None:
    ended: Queue[str] = Queue()
    bench.scheduler.set_jobs({"a": HOURLY}, linger_until(bench, ended, asyncio.Event()))
    bench.scheduler.start()
    bench.clock.advance(seconds=3_600)
    assert bench.next_fired() == "a"
    bench.scheduler.drain(0.01)
    assert ended.get_nowait() == "cancelled"
    assert bench.errors.empty()


def test_stopping_cancels_what_waits_on_the_loop_and_may_be_done_twice(bench: Bench) -> None:
    begun = threading.Event()

    async def linger() -> None:
        begun.set()
        await asyncio.Event().wait()

    bench.scheduler.start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bench.scheduler.run, linger())
        assert begun.wait(PATIENCE_S)
        bench.scheduler.stop(PATIENCE_S)
        bench.scheduler.stop(PATIENCE_S)
        with pytest.raises(CancelledError):
            waiting.result(PATIENCE_S)


def test_stopping_does_not_wait_for_ever_for_what_refuses_to_be_cancelled(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_loop, "_CANCEL_GRACE_S", 0.05)
    begun, refused = threading.Event(), threading.Event()

    async def refuse() -> None:
        while not refused.is_set():
            begun.set()
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                refused.set()
        await asyncio.Event().wait()

    bench.scheduler.start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bench.scheduler.run, refuse())
        assert begun.wait(PATIENCE_S)
        bench.scheduler.stop(0)
        assert refused.is_set()
        with pytest.raises(RuntimeError, match="ended meanwhile"):
            waiting.result(PATIENCE_S)


def test_a_scheduler_starts_once(bench: Bench) -> None:
    bench.scheduler.start()
    with pytest.raises(RuntimeError, match="starts once"):
        bench.scheduler.start()
    bench.scheduler.stop(0)
    with pytest.raises(RuntimeError, match="starts once"):
        bench.scheduler.start()


def test_a_scheduler_that_never_started_can_be_stopped(bench: Bench) -> None:
    bench.scheduler.stop(0)
    bench.scheduler.stop(0)
    with pytest.raises(RuntimeError, match="starts once"):
        bench.scheduler.start()


def test_an_exception_that_nobody_waits_for_is_reported_and_not_printed(
    bench: Bench, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise OSError("a socket's callback")

    async def call_soon() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(fail)
        loop.call_exception_handler({"message": "only words"})

    bench.scheduler.start()
    bench.scheduler.run(call_soon())
    reported = [bench.next_error(), bench.next_error()]
    assert [(name, str(error)) for name, error in reported] == [
        ("event loop", "only words"),
        ("event loop", "a socket's callback"),
    ]
    assert capfd.readouterr() == ("", "")


def test_a_handler_of_errors_that_fails_itself_stops_nothing(caplog: pytest.LogCaptureFixture) -> None:
    attempts = threading.Semaphore(0)

    def fail() -> None:
        attempts.release()
        raise OSError("disk full")

    def fail_too(name: str, error: Exception) -> None:
        raise ValueError(f"cannot report {name}")

    scheduler = Scheduler(on_error=fail_too)
    scheduler.every("save", 0.001, fail)
    scheduler.start()
    with caplog.at_level(logging.ERROR):
        assert attempts.acquire(timeout=PATIENCE_S)
        assert attempts.acquire(timeout=PATIENCE_S)
        scheduler.stop(PATIENCE_S)
    assert "The handler of errors failed on an error of save" in caplog.text


def test_on_the_real_clock_a_job_of_one_second_fires_on_the_second() -> None:
    every_second = Schedule(interval=timedelta(seconds=1))
    fired: Queue[datetime] = Queue()

    async def note(job_id: str) -> None:
        fired.put(datetime.now(UTC))

    scheduler = Scheduler(on_error=lambda name, error: None)
    scheduler.start()
    scheduler.set_jobs({"a": every_second}, note)
    begun = datetime.now(UTC)
    try:
        ticks = [last_tick(every_second, fired.get(timeout=PATIENCE_S)) for _ in range(2)]
    finally:
        scheduler.stop(PATIENCE_S)
    assert ticks[0] is not None
    assert ticks[1] is not None
    assert begun - timedelta(seconds=1) < ticks[0] < ticks[1]
