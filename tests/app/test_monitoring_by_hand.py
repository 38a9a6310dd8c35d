"""What a user does besides the jobs' times: stop and start a job, run it once, test destinations."""

import asyncio
from datetime import timedelta

import pytest

from netstats_xl.app.backlog import RoundRecord
from netstats_xl.app.monitoring import Monitoring
from netstats_xl.app.testing import LONGEST_TIMEOUT_MS
from netstats_xl.domain.results import Outcome, RunCompleted, RunFailed, State
from netstats_xl.domain.states import JobState
from netstats_xl.domain.targets import EchoSettings, Selector, Settings
from netstats_xl.domain.windows import Schedule
from netstats_xl.errors import NotFound, PrivilegeMissing, RoundUnderWay
from tests.app.test_monitoring import AT, REPLY, SILENCE, Bench, destination, job
from tests.fakes.scripted_network import ScriptedProber, replied

BOTH: dict[str, Outcome] = {"a.example": REPLY, "b.example": SILENCE}


def state(bench: Bench) -> JobState:
    return bench.monitoring.job_status(running=True)["job"].state


def test_a_stopped_job_makes_no_round_and_its_ticks_are_not_missed() -> None:
    bench = Bench([destination("a")], [job()], BOTH)

    async def calls() -> None:
        await bench.tick(after_s=10)
        bench.monitoring.set_stopped({"job"})
        assert state(bench) is JobState.STOPPED
        assert bench.monitoring.job_status(running=True)["job"].next_run_at is None
        await bench.tick(after_s=3_600)
        bench.monitoring.set_stopped(())
        assert state(bench) is JobState.RUNNING
        await bench.tick(after_s=0)
        await bench.tick(after_s=10)

    asyncio.run(calls())
    assert [sample.at - AT for sample in bench.saved.samples] == [
        timedelta(seconds=10),
        timedelta(seconds=3_620),
    ]
    assert bench.missed() == []


def test_a_job_stopped_again_and_others_stay_as_they_are() -> None:
    bench = Bench([destination("a")], [job(), job(id="other", name="Other")], BOTH)

    async def calls() -> None:
        bench.monitoring.set_stopped({"job"})
        bench.monitoring.set_stopped({"job"})
        await bench.tick(after_s=10)
        await bench.tick(after_s=0, job_id="other")

    asyncio.run(calls())
    assert {sample.job_id for sample in bench.saved.samples} == {"other"}
    assert bench.monitoring.stopped == {"job"}


def test_what_a_job_is_besides_stopped_goes_by_what_matters_most() -> None:
    bench = Bench([destination("a")], [job()], BOTH)

    async def failing() -> None:
        bench.network.error = PrivilegeMissing("May not send.")
        await bench.tick(after_s=10)

    asyncio.run(failing())
    bench.monitoring.set_stopped({"job", "long gone"})
    assert state(bench) is JobState.STOPPED
    bench.load([destination("a")], [job(enabled=False)])
    assert state(bench) is JobState.DISABLED


def test_a_round_run_once_stands_for_no_time_and_counts_as_a_run() -> None:
    bench = Bench([destination("a"), destination("b")], [job()], BOTH)

    async def calls() -> None:
        await bench.tick(after_s=10)
        bench.clock.advance(seconds=3.5)
        run = await bench.monitoring.run_once("job")
        assert run.outcome == RunCompleted(up=1, down=1)
        await bench.tick(after_s=6.5)

    asyncio.run(calls())
    assert [(sample.at - AT, sample.interval_s) for sample in bench.saved.samples[::2]] == [
        (timedelta(seconds=10), 10.0),
        (timedelta(seconds=13.5), 0.0),
        (timedelta(seconds=20), 10.0),
    ]
    assert bench.monitoring.job_status(running=True)["job"].rounds_done == 3
    assert bench.missed() == []


@pytest.mark.parametrize("how", ["stopped", "disabled", "over"])
def test_a_job_can_be_run_once_whatever_its_times(how: str) -> None:
    over = Schedule(interval=timedelta(seconds=10), end_at=AT - timedelta(days=1))
    jobs = {"stopped": job(), "disabled": job(enabled=False), "over": job(schedule=over)}
    bench = Bench([destination("a")], [jobs[how]], BOTH)
    bench.monitoring.set_stopped({"job"} if how == "stopped" else ())
    run = asyncio.run(bench.monitoring.run_once("job"))
    bench.backlog.flush()
    assert run.outcome == RunCompleted(up=1, down=0)
    assert len(bench.saved.samples) == 1


def test_a_round_is_not_run_beside_another_of_its_job_and_costs_no_tick() -> None:
    bench = Bench([destination("a")], [job()], BOTH)

    async def calls() -> None:
        bench.network.gate.clear()
        bench.clock.advance(seconds=9)
        once = asyncio.create_task(bench.monitoring.run_once("job"))
        await asyncio.sleep(0)
        with pytest.raises(RoundUnderWay, match="A round of the job All is going on"):
            await bench.monitoring.run_once("job")
        bench.clock.advance(seconds=1)
        tick = asyncio.create_task(bench.monitoring.tick("job"))
        await asyncio.sleep(0)
        bench.network.gate.set()
        await asyncio.gather(once, tick)
        bench.network.gate.clear()
        bench.clock.advance(seconds=10)
        tick = asyncio.create_task(bench.monitoring.tick("job"))
        await asyncio.sleep(0)
        with pytest.raises(RoundUnderWay):
            await bench.monitoring.run_once("job")
        bench.network.gate.set()
        await tick
        await bench.monitoring.run_once("job")

    asyncio.run(calls())
    bench.backlog.flush()
    assert [sample.at - AT for sample in bench.saved.samples] == [
        timedelta(seconds=second) for second in (9, 10, 20, 20)
    ]
    assert bench.missed() == []


def test_a_round_run_once_that_cannot_be_made_is_recorded_and_told() -> None:
    bench = Bench([destination("a")], [job()], BOTH)
    bench.network.error = PrivilegeMissing("May not send.")
    run = asyncio.run(bench.monitoring.run_once("job"))
    assert run.outcome == RunFailed(error="May not send.")
    assert state(bench) is JobState.FAILING


def test_a_job_that_is_not_there_cannot_be_run() -> None:
    bench = Bench([destination("a")], [job()], BOTH)
    with pytest.raises(NotFound, match="no job with the ID 'gone'"):
        asyncio.run(bench.monitoring.run_once("gone"))


def test_a_test_is_told_in_the_row_until_the_next_round_and_never_stored() -> None:
    bench = Bench(
        [destination("a"), destination("b")], [job()], BOTH, settings=Settings(zone="Europe/Berlin")
    )

    def problems() -> tuple[str, str]:
        status = bench.monitoring.destination_status()
        return status["id-a"].problems, status["id-b"].problems

    async def calls() -> None:
        bench.clock.advance(seconds=5)
        results = await bench.monitoring.test(["id-b", "id-a", "id-b"])
        assert [(each.destination.name, each.outcome) for each in results] == [("b", SILENCE), ("a", REPLY)]
        assert problems() == (
            "Test at 09:00:05: 2 of 2 replies, mean 1.50 ms",
            "Test at 09:00:05: no reply in time",
        )
        assert bench.monitoring.destination_status()["id-a"].state is State.UNKNOWN
        bench.backlog.flush()
        assert (bench.saved.samples, bench.saved.runs) == ([], [])
        await bench.tick(after_s=5)
        assert problems() == ("", "no reply in time")

    asyncio.run(calls())


def test_a_test_of_a_host_that_was_changed_is_forgotten_and_others_are_not() -> None:
    bench = Bench([destination("a"), destination("b")], [job()], BOTH)
    asyncio.run(bench.monitoring.test(["id-a", "id-b"]))
    bench.load([destination("a", notes="new"), destination("b", host="a.example")], [job()])
    status = bench.monitoring.destination_status()
    assert status["id-a"].problems.startswith("Test at")
    assert status["id-b"].problems == ""
    bench.load([], [job()])
    bench.load([destination("a")], [job()])
    assert bench.monitoring.destination_status()["id-a"].problems == ""


def test_a_test_probes_as_the_destinations_job_does_but_not_for_long() -> None:
    slow = EchoSettings(packets=50, packet_interval_ms=10_000, payload_bytes=1_000, timeout_ms=60_000)
    quick = EchoSettings(packets=1, packet_interval_ms=10, timeout_ms=20)
    bench = Bench([], [], {})
    prober = ScriptedProber({f"{name}.example": replied(1.0) for name in "abcd"})
    monitoring = Monitoring(
        prober, bench.clock, bench.backlog, lambda: "run", states={}, latest={}, totals={}
    )
    by_name = {
        "slow": job(id="slow", selectors=(Selector(kind="name", value="a"),), echo=slow),
        "quick": job(id="quick", selectors=(Selector(kind="name", value="b"),), echo=quick),
        "off": job(id="off", selectors=(Selector(kind="name", value="c"),), echo=quick, enabled=False),
    }
    bench.monitoring = monitoring
    bench.load(
        [destination("a"), destination("b"), destination("c"), destination("d")], list(by_name.values())
    )
    asyncio.run(monitoring.test(["id-a", "id-b", "id-c", "id-d"]))
    asked = {target.host[0]: each.settings for each in prober.rounds for target in each.targets}
    assert asked == {
        "a": EchoSettings(payload_bytes=1_000, timeout_ms=LONGEST_TIMEOUT_MS),
        "b": quick,
        "c": EchoSettings(),
        "d": EchoSettings(),
    }
    assert len(prober.rounds) == 3


def test_a_disabled_destination_can_be_tested_and_one_that_is_not_there_cannot() -> None:
    bench = Bench([destination("a", enabled=False)], [job()], BOTH)
    (result,) = asyncio.run(bench.monitoring.test(["id-a"]))
    assert result.outcome == REPLY
    with pytest.raises(NotFound, match="no destination with the ID 'gone'"):
        asyncio.run(bench.monitoring.test(["id-a", "gone"]))


def test_a_listener_hears_of_every_record_once_the_statuses_show_it() -> None:
    bench = Bench([], [], BOTH)
    heard: list[tuple[RoundRecord, State, int]] = []

    def hear(record: RoundRecord) -> None:
        status = monitoring.destination_status()["id-a"]
        heard.append((record, status.state, monitoring.job_status(running=True)["job"].rounds_done))

    monitoring = Monitoring(
        bench.network,
        bench.clock,
        bench.backlog,
        lambda: "run",
        states={},
        latest={},
        totals={},
        on_record=hear,
    )
    bench.monitoring = monitoring
    bench.load([destination("a")], [job()])

    async def calls() -> None:
        await bench.tick(after_s=10)
        await bench.tick(after_s=25.5)

    asyncio.run(calls())
    assert [(len(record.samples), len(record.events), state, done) for record, state, done in heard] == [
        (1, 1, State.UP, 1),
        (0, 0, State.UP, 1),
    ]
