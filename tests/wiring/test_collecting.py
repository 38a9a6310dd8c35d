"""What the parts of a companion are made with."""

import pickle
from collections.abc import Callable
from datetime import timedelta

import pytest

from netstats_xl.domain.demand import start_delay
from netstats_xl.domain.targets import Definitions, Destination, Engine
from netstats_xl.domain.windows import Schedule
from netstats_xl.errors import ConfigurationError
from netstats_xl.ports import Prober
from netstats_xl.probes import choice
from netstats_xl.probes.echo_choice import ENGINE_VARIABLE
from netstats_xl.probes.process import ProcessProber
from netstats_xl.scheduling import scheduler
from netstats_xl.wiring.collecting import make_scheduler, open_prober

PINGS = Definitions(destinations=(Destination(id="1", name="One", host="192.0.2.1"),))
SERVICES = Definitions(
    destinations=(
        Destination(id="1", name="One", host="tcp://192.0.2.1:443"),
        Destination(id="2", name="Two", host="192.0.2.2", enabled=False),
    )
)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What each probing process is told to make, in the place of the process."""
    orders: list[tuple[object, ...]] = []

    def note(make: Callable[[], Prober]) -> None:
        there = pickle.loads(pickle.dumps(make))
        orders.append((there.func, *there.args, there.keywords))

    monkeypatch.setattr(ProcessProber, "open", note)
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    return orders


def test_the_engine_reaches_the_probing_process(asked: list[tuple[object, ...]]) -> None:
    open_prober(PINGS)
    open_prober(PINGS, Engine.DATAGRAM)
    assert asked == [
        (choice.open_prober, Engine.AUTOMATIC, {"pings": True}),
        (choice.open_prober, Engine.DATAGRAM, {"pings": True}),
    ]


def test_who_has_nothing_to_ping_needs_no_right_to(asked: list[tuple[object, ...]]) -> None:
    open_prober(SERVICES)
    assert asked == [(choice.open_prober, Engine.AUTOMATIC, {"pings": False})]


def test_the_environments_engine_goes_before_the_settings(
    asked: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, "raw")
    open_prober(PINGS, Engine.DATAGRAM)
    assert asked == [(choice.open_prober, Engine.RAW, {"pings": True})]


def test_a_wrong_word_in_the_environment_starts_no_process(
    asked: list[tuple[object, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, "fast")
    with pytest.raises(ConfigurationError, match="no such engine"):
        open_prober(PINGS)
    assert asked == []


def test_each_jobs_rounds_begin_at_its_own_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Heard at the trigger, which the scheduler's own tests look at."""
    delays: list[timedelta] = []

    class Heard(scheduler.TickTrigger):
        def __init__(self, schedule: Schedule, delay: timedelta) -> None:
            delays.append(delay)
            super().__init__(schedule, delay)

    async def nothing(job_id: str) -> None:
        """Never called: the scheduler is not started."""

    monkeypatch.setattr(scheduler, "TickTrigger", Heard)
    every_minute = Schedule(interval=timedelta(minutes=1))
    made = make_scheduler(lambda name, error: None)
    made.set_jobs({"a": every_minute, "b": every_minute}, nothing)
    made.stop(0)
    assert delays == [start_delay(each, every_minute.interval) for each in ("a", "b")]
    assert delays[0] != delays[1]
