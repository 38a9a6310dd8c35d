"""What every `ports.ResultStore` does. A subclass gives the store by the fixture `open_store`."""

import csv
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path
from random import Random

import duckdb
import pytest

from netstats_xl.domain.levels import Level
from netstats_xl.domain.results import (
    EVERYTHING,
    NO_STRAYS,
    Batch,
    HttpAnswer,
    JobRun,
    JobTotals,
    LatestSample,
    MissedReason,
    NameNotResolved,
    Outcome,
    Period,
    Refused,
    Replied,
    RunCompleted,
    RunFailed,
    RunMissed,
    RunOutcome,
    Sample,
    Scope,
    SendFailed,
    ServiceFailed,
    State,
    StateChanged,
    Strays,
    TimeExceeded,
    Timeout,
    TracedRoute,
    TraceReason,
    Unreachable,
    rtts_of,
)
from netstats_xl.domain.retention import Announcement, Cutoffs, DeletionRecord, Keeping
from netstats_xl.domain.rollups import Summary, jitter_rfc3550, summarise
from netstats_xl.domain.route_records import follow
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.targets import (
    Definitions,
    Destination,
    EchoSettings,
    Job,
    Metric,
    Selector,
    Settings,
    StatePolicy,
    Thresholds,
)
from netstats_xl.domain.windows import Schedule, WeeklyWindow
from netstats_xl.errors import StoreError
from netstats_xl.ports import Dimension, Progress, ResultStore, StoredDefinitions

START = datetime(2026, 3, 29, 0, 0, tzinfo=UTC)
ALWAYS = Period(start=START - timedelta(days=1), end=START + timedelta(days=30))
OUTCOMES: tuple[Outcome, ...] = (
    Replied(address="192.0.2.1", rtts_ms=(10.0, None, 12.5, 40.25)),
    Timeout(address="192.0.2.2", sent=4),
    Unreachable(address="2001:db8::1", sent=2, reporter="192.0.2.254", reason="host unreachable"),
    NameNotResolved(reason="no such host"),
    SendFailed(address="192.0.2.3", reason="network is unreachable"),
    Replied(address="192.0.2.1", rtts_ms=(0.125,)),
    TimeExceeded(address="192.0.2.4", sent=3, reporter="192.0.2.254"),
    Refused(address="192.0.2.5", sent=2),
    ServiceFailed(address="192.0.2.53", sent=4, reason="NXDOMAIN: no such name"),
    Unreachable(address="192.0.2.6", sent=1, reporter="", reason="host unreachable"),
    Replied(address="192.0.2.53", rtts_ms=(2.5, 1.5), answer="192.0.2.80, 192.0.2.81"),
    Replied(
        address="192.0.2.80",
        rtts_ms=(30.5,),
        http=HttpAnswer(status=200, total_ms=35.25, certificate_days=61.5),
    ),
    Replied(address="192.0.2.80", rtts_ms=(None, 8.0), http=HttpAnswer(status=302, total_ms=9.0)),
)
STRAYS = (
    Strays(duplicates=2),
    Strays(late=3, corrupted=1),
    Strays(elsewhere="192.0.2.99"),
    Strays(duplicates=1, late=2, corrupted=3, elsewhere="2001:db8::99"),
)
OpenStore = Callable[[], ResultStore]


def at(minutes: float) -> datetime:
    """An instant of these tests."""
    return START + timedelta(minutes=minutes)


def sample(minutes: float, outcome: Outcome, *, job: str = "job1", destination: str = "dest1") -> Sample:
    """A sample whose run is named after its job and tick."""
    return Sample(
        at=at(minutes),
        job_id=job,
        destination_id=destination,
        run_id=f"{job}-{minutes}",
        interval_s=60.0 if job == "job1" else 300.0,
        outcome=outcome,
    )


def run(minutes: float, outcome: RunOutcome, *, job: str = "job1") -> JobRun:
    """A run that took two seconds."""
    return JobRun(
        run_id=f"{job}-{minutes}",
        job_id=job,
        tick_at=at(minutes),
        started_at=at(minutes),
        finished_at=at(minutes) + timedelta(seconds=2),
        outcome=outcome,
    )


def changed(minutes: float, after: State, *, destination: str = "dest1") -> StateChanged:
    """A change of state from Unknown."""
    return StateChanged(
        at=at(minutes), destination_id=destination, before=State.UNKNOWN, after=after, reason="2 of 3 rounds"
    )


def traced(
    minutes: float, *hops: str, destination: str = "dest1", reason: TraceReason = TraceReason.SCHEDULED
) -> TracedRoute:
    """A trace to 192.0.2.9, at each of whose hops one of two packets came back, from these addresses on."""
    address = "192.0.2.9"
    found = Trace(
        address=address,
        hops=tuple(
            Hop(ttl=ttl, sent=2, replies=(HopReply(address=each, rtt_ms=ttl + minutes / 8),) if each else ())
            for ttl, each in enumerate(hops, start=1)
        ),
        reached=address in hops,
        names={each: f"name of {each}" for each in hops if each},
    )
    return TracedRoute(at=at(minutes), destination_id=destination, reason=reason, trace=found)


def destination(number: int, **changes: object) -> Destination:
    """A destination in full."""
    return Destination(
        id=f"dest{number}",
        name=f"Host {number}",
        host=f"192.0.2.{number}",
        group="Köln",
        tags=("a", "b"),
        thresholds=Thresholds(rtt_warning_ms=12.5, loss_critical_percent=50),
        notes="first\nsecond",
    ).model_copy(update=changes)


def job(number: int, **changes: object) -> Job:
    """A job in full."""
    return Job(
        id=f"job{number}",
        name=f"Job {number}",
        selectors=(Selector(kind="group", value="Köln"), Selector(kind="all")),
        schedule=Schedule(
            interval=timedelta(minutes=5),
            start_at=START,
            end_at=START + timedelta(days=365),
            windows=(WeeklyWindow(days=(0, 1, 4), start_minute=480, end_minute=1_080),),
            zone="Europe/Berlin",
        ),
        echo=EchoSettings(packets=7, packet_interval_ms=12.5),
        metrics=(Metric.P95, Metric.JITTER_RFC3550),
        enabled=False,
    ).model_copy(update=changes)


def a_busy_hour(seed: int = 1) -> list[Sample]:
    """Two jobs on three destinations for 90 minutes, every kind of outcome; RTTs that a 32-bit float holds exactly."""
    random = Random(seed)
    samples = []
    for minute, job_id, number in product(range(90), ("job1", "job2"), (1, 2, 3)):
        if job_id == "job2" and minute % 5:
            continue
        rtts = tuple(
            None if random.random() < 0.1 else random.randrange(1, 64 * 200) / 64
            for _ in range(random.randint(1, 9))
        )
        outcome: Outcome = (
            random.choice(OUTCOMES[1:5])
            if number == 3 or all(rtt is None for rtt in rtts)
            else Replied(address=f"192.0.2.{number}", rtts_ms=rtts)
        )
        samples.append(sample(minute, outcome, job=job_id, destination=f"dest{number}"))
    return samples


def assert_same(found: Summary, expected: Summary) -> None:
    """Equal, but for the rounding of sums, and of each round's jitter to a microsecond."""
    for name in Summary.__dataclass_fields__:
        value = getattr(expected, name)
        most = 0.0005 * expected.rounds_up + 1e-9 if name == "jitter_sum_ms" else 1e-9
        assert getattr(found, name) == (
            None if value is None else pytest.approx(value, rel=1e-6, abs=most)
        ), name


class ResultStoreContract:
    """Runs over the fake and over every adapter."""

    @pytest.fixture
    def open_store(self, tmp_path: Path) -> OpenStore:
        raise NotImplementedError("the subclass gives its store")

    @pytest.fixture
    def store(self, open_store: OpenStore) -> Iterator[ResultStore]:
        store = open_store()
        yield store
        store.close()

    # --- Definitions

    def test_an_empty_store_knows_nothing(self, store: ResultStore) -> None:
        assert store.definitions() == StoredDefinitions()
        assert store.latest(ALWAYS) == {}
        assert store.states() == {}
        assert store.job_totals() == {}
        assert list(store.summaries(ALWAYS)) == []
        assert list(store.summaries(ALWAYS, by=[Dimension.JOB], edges=[START])) == []
        assert store.jitter_rfc3550(ALWAYS) == {}
        assert list(store.samples(ALWAYS)) == []
        assert list(store.runs(ALWAYS)) == []
        assert list(store.events(ALWAYS)) == []
        assert store.current_routes(ALWAYS.end) == {}
        assert list(store.routes(ALWAYS)) == []
        assert not store.imported_ticks("job1", {"dest1": ALWAYS})
        assert not store.measured_hours({"dest1": ALWAYS})
        assert store.prune(Cutoffs(raw=START)) == 0
        assert (store.info().samples, store.info().first_sample_at, store.info().last_sample_at) == (
            0,
            None,
            None,
        )

    def test_definitions_come_back_as_they_were_saved(self, store: ResultStore) -> None:
        definitions = Definitions(destinations=(destination(2), destination(1)), jobs=(job(2), job(1)))
        store.save_definitions(definitions, at=START)
        assert store.definitions() == StoredDefinitions(active=definitions)

    def test_saving_the_same_definitions_again_changes_nothing(self, store: ResultStore) -> None:
        definitions = Definitions(destinations=(destination(1),), jobs=(job(1),))
        store.save_definitions(definitions, at=START)
        store.save_definitions(definitions, at=at(5))
        assert store.definitions() == StoredDefinitions(active=definitions)

    def test_settings_and_stopped_jobs_come_back_as_they_were_saved_last(self, store: ResultStore) -> None:
        changed = Settings(
            zone="Europe/Berlin",
            when_closed="stop",
            thresholds=Thresholds(rtt_warning_ms=1.5),
            state_policy=StatePolicy(rounds=2, out_of=3),
        )
        store.save_settings(Settings())
        store.save_settings(changed)
        store.save_stopped(["job2", "job1", "job2"])
        store.save_stopped({"job2", "job3"})
        kept = store.definitions()
        assert (kept.settings, kept.stopped) == (changed, frozenset({"job2", "job3"}))
        store.save_stopped(())
        assert store.definitions().stopped == frozenset()

    def test_settings_and_stopped_jobs_outlast_a_change_of_the_definitions(self, store: ResultStore) -> None:
        store.save_settings(Settings(retention_days=3))
        store.save_stopped({"job1"})
        definitions = Definitions(destinations=(destination(1),), jobs=(job(1),))
        store.save_definitions(definitions, at=START)
        assert store.definitions() == StoredDefinitions(
            active=definitions, settings=Settings(retention_days=3), stopped=frozenset({"job1"})
        )

    def test_a_changed_definition_replaces_the_old_one_under_its_id(self, store: ResultStore) -> None:
        store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=START)
        renamed = Definitions(destinations=(destination(1, name="New"),), jobs=(job(1, name="New job"),))
        store.save_definitions(renamed, at=at(5))
        assert store.definitions() == StoredDefinitions(active=renamed)

    def test_what_is_no_longer_defined_is_retired_and_kept_the_first_retired_first(
        self, store: ResultStore
    ) -> None:
        everything = Definitions(
            destinations=(destination(1), destination(2), destination(3)), jobs=(job(1), job(2))
        )
        store.save_definitions(everything, at=START)
        store.save_definitions(
            Definitions(destinations=(destination(1), destination(2)), jobs=(job(2),)), at=at(1)
        )
        store.save_definitions(Definitions(destinations=(destination(2),)), at=at(2))
        assert store.definitions() == StoredDefinitions(
            active=Definitions(destinations=(destination(2),)),
            retired=Definitions(destinations=(destination(3), destination(1)), jobs=(job(1), job(2))),
        )

    def test_a_retired_destination_that_is_defined_again_is_active_again_with_its_history(
        self, store: ResultStore
    ) -> None:
        store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=START)
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
        store.save_definitions(Definitions(), at=at(1))
        back = Definitions(destinations=(destination(1, name="Back"),), jobs=(job(1),))
        store.save_definitions(back, at=at(2))
        assert store.definitions() == StoredDefinitions(active=back)
        assert [each.destination_id for each in store.samples(ALWAYS)] == ["dest1"]

    # --- Saving and reading back

    def test_samples_of_every_outcome_come_back_as_they_were_saved(self, store: ResultStore) -> None:
        samples = [sample(minute, outcome) for minute, outcome in enumerate(OUTCOMES)]
        store.save(Batch(batch_id="a", samples=samples))
        assert list(store.samples(ALWAYS)) == samples

    def test_a_rare_outcome_among_thousands_is_kept(self, store: ResultStore) -> None:
        common = [sample(0, OUTCOMES[1], destination=f"dest{number}") for number in range(5_000)]
        rare = [sample(0, OUTCOMES[0], destination="rare1"), sample(0, OUTCOMES[2], destination="rare2")]
        store.save(Batch(batch_id="a", samples=[*common[:777], *rare, *common[777:]]))
        scope = Scope(destination_ids=frozenset({"rare1", "rare2"}))
        assert list(store.samples(ALWAYS, scope=scope)) == rare

    def test_a_round_of_one_unanswered_destination_is_kept(self, store: ResultStore) -> None:
        store.save(Batch(batch_id="a", samples=[sample(0, Timeout(address="", sent=1))]))
        assert [each.outcome for each in store.samples(ALWAYS)] == [Timeout(address="", sent=1)]

    def test_replies_that_count_for_nothing_come_back_as_they_were_saved(self, store: ResultStore) -> None:
        strayed = [
            replace(sample(minute, OUTCOMES[0]), strays=strays) for minute, strays in enumerate(STRAYS)
        ]
        samples = [*strayed, sample(len(STRAYS), OUTCOMES[1])]
        store.save(Batch(batch_id="a", samples=samples))
        assert list(store.samples(ALWAYS)) == samples
        assert store.latest(ALWAYS)["dest1"].strays == NO_STRAYS
        latest = store.latest(Period(start=START, end=at(len(STRAYS))))["dest1"]
        assert latest.strays == STRAYS[-1]

    def test_instants_keep_their_microseconds(self, store: ResultStore) -> None:
        precise = sample(1 / 60e6, OUTCOMES[0])
        assert precise.at.microsecond == 1
        store.save(Batch(batch_id="a", samples=[precise]))
        assert [each.at for each in store.samples(ALWAYS)] == [precise.at]

    def test_a_batch_that_is_saved_twice_is_kept_once(self, store: ResultStore) -> None:
        batch = Batch(
            batch_id="a",
            runs=[run(0, RunCompleted(up=1, down=0))],
            samples=[sample(0, OUTCOMES[0])],
            events=[changed(0, State.UP)],
        )
        store.save(batch)
        store.save(batch)
        assert (list(store.runs(ALWAYS)), list(store.samples(ALWAYS)), list(store.events(ALWAYS))) == (
            batch.runs,
            batch.samples,
            batch.events,
        )

    def test_an_empty_batch_may_be_saved(self, store: ResultStore) -> None:
        store.save(Batch(batch_id="a"))
        assert store.info().samples == 0

    def test_samples_of_what_was_never_defined_are_kept_and_add_no_definition(
        self, store: ResultStore
    ) -> None:
        samples = [sample(0, OUTCOMES[0], job="unknown job", destination="unknown destination")]
        store.save(Batch(batch_id="a", samples=samples))
        assert list(store.samples(ALWAYS)) == samples
        assert store.definitions() == StoredDefinitions()

    def test_samples_come_by_time_then_job_then_destination_whatever_the_order_saved(
        self, store: ResultStore
    ) -> None:
        samples = a_busy_hour()
        shuffled = Random(2).sample(samples, len(samples))
        store.save(Batch(batch_id="a", samples=shuffled[:100]))
        store.save(Batch(batch_id="b", samples=shuffled[100:]))
        assert list(store.samples(ALWAYS)) == samples

    def test_a_period_includes_its_start_and_excludes_its_end(self, store: ResultStore) -> None:
        store.save(Batch(batch_id="a", samples=[sample(minute, OUTCOMES[0]) for minute in (0, 1, 2)]))
        found = store.samples(Period(start=at(0), end=at(2)))
        assert [each.at for each in found] == [at(0), at(1)]

    def test_a_scope_narrows_samples_runs_and_events(self, store: ResultStore) -> None:
        store.save(
            Batch(
                batch_id="a",
                samples=a_busy_hour(),
                runs=[run(0, RunCompleted(up=1, down=2)), run(0, RunFailed(error="no"), job="job2")],
                events=[changed(0, State.UP), changed(1, State.DOWN, destination="dest2")],
            )
        )
        scope = Scope(job_ids=frozenset({"job2"}), destination_ids=frozenset({"dest1", "dest3", "nobody"}))
        expected = [
            each
            for each in a_busy_hour()
            if each.job_id == "job2" and each.destination_id in ("dest1", "dest3")
        ]
        assert list(store.samples(ALWAYS, scope=scope)) == expected
        assert [each.job_id for each in store.runs(ALWAYS, scope=scope)] == ["job2"]
        assert [each.destination_id for each in store.events(ALWAYS, scope=scope)] == ["dest1"]
        nothing = Scope(job_ids=frozenset(), destination_ids=frozenset())
        assert not store.samples(ALWAYS, scope=nothing)
        assert not store.runs(ALWAYS, scope=nothing)
        assert not store.events(ALWAYS, scope=nothing)

    @pytest.mark.parametrize(
        ("limit", "kept"), [(0, []), (2, [3, 4]), (9, [0, 1, 2, 3, 4]), (None, [0, 1, 2, 3, 4])]
    )
    def test_a_limit_keeps_the_last(self, store: ResultStore, limit: int | None, kept: list[int]) -> None:
        store.save(
            Batch(
                batch_id="a",
                samples=[sample(minute, OUTCOMES[1]) for minute in range(5)],
                runs=[run(minute, RunCompleted(up=0, down=1)) for minute in range(5)],
                events=[changed(minute, State.UP) for minute in range(5)],
            )
        )
        wanted = [at(minute) for minute in kept]
        assert [each.at for each in store.samples(ALWAYS, limit=limit)] == wanted
        assert [each.tick_at for each in store.runs(ALWAYS, limit=limit)] == wanted
        assert [each.at for each in store.events(ALWAYS, limit=limit)] == wanted

    def test_runs_of_every_outcome_come_back_as_they_were_saved(self, store: ResultStore) -> None:
        runs = [
            run(0, RunCompleted(up=3, down=1)),
            run(1, RunMissed(ticks=4, reason=MissedReason.LATE, last_tick_at=at(4))),
            run(5, RunFailed(error="no privilege")),
            run(6, RunMissed(ticks=1, reason=MissedReason.OVERRUN, last_tick_at=at(6))),
        ]
        store.save(Batch(batch_id="a", runs=runs))
        assert list(store.runs(ALWAYS)) == runs

    # --- What is last known

    def test_latest_is_each_destinations_last_sample_and_last_reply_within_the_period(
        self, store: ResultStore
    ) -> None:
        samples = [
            sample(0, OUTCOMES[0]),
            sample(1, OUTCOMES[1]),
            sample(2, OUTCOMES[5]),
            sample(0, OUTCOMES[2], destination="dest2"),
            sample(9, OUTCOMES[0], destination="dest3"),
        ]
        store.save(Batch(batch_id="a", samples=samples))
        assert store.latest(Period(start=at(0), end=at(2))) == {
            "dest1": LatestSample(destination_id="dest1", at=at(1), outcome=OUTCOMES[1], last_reply_at=at(0)),
            "dest2": LatestSample(destination_id="dest2", at=at(0), outcome=OUTCOMES[2], last_reply_at=None),
        }
        assert store.latest(Period(start=at(1), end=at(2)))["dest1"].last_reply_at is None

    def test_of_two_jobs_at_one_tick_the_latest_is_of_the_one_with_the_greater_id(
        self, store: ResultStore
    ) -> None:
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0], job="job2"), sample(0, OUTCOMES[1])]))
        latest = store.latest(ALWAYS)["dest1"]
        assert latest.outcome == OUTCOMES[0]
        assert latest.last_reply_at == at(0)

    def test_states_are_those_after_the_last_events(self, store: ResultStore) -> None:
        store.save(Batch(batch_id="a", events=[changed(5, State.DOWN), changed(1, State.UP)]))
        store.save(Batch(batch_id="b", events=[changed(3, State.DEGRADED, destination="dest2")]))
        assert store.states() == {"dest1": State.DOWN, "dest2": State.DEGRADED}

    def test_of_two_events_at_one_instant_the_one_saved_last_counts_and_comes_last(
        self, store: ResultStore
    ) -> None:
        events = [changed(5, State.DOWN), changed(5, State.UP)]
        store.save(Batch(batch_id="a", events=events))
        assert store.states() == {"dest1": State.UP}
        assert list(store.events(ALWAYS)) == events

    def test_job_totals_count_rounds_and_missed_ticks_and_show_the_last_runs_error(
        self, store: ResultStore
    ) -> None:
        missed = RunMissed(ticks=7, reason=MissedReason.OVERRUN, last_tick_at=at(9))
        store.save(
            Batch(batch_id="a", runs=[run(0, RunFailed(error="old")), run(1, RunCompleted(up=1, down=0))])
        )
        store.save(Batch(batch_id="b", runs=[run(2, missed), run(3, missed, job="job2")]))
        store.save(Batch(batch_id="c", runs=[run(4, RunCompleted(up=1, down=0), job="job3")]))
        store.save(Batch(batch_id="d", runs=[run(5, RunFailed(error="no socket"), job="job3")]))
        assert store.job_totals() == {
            "job1": JobTotals(rounds_done=1, ticks_missed=7, last_run_at=at(1), last_error=""),
            "job2": JobTotals(ticks_missed=7),
            "job3": JobTotals(rounds_done=1, last_run_at=at(5), last_error="no socket"),
        }

    # --- Statistics

    @pytest.mark.parametrize("by", [(), (Dimension.JOB,), (Dimension.DESTINATION,), tuple(Dimension)])
    @pytest.mark.parametrize("edges", [(), (at(-30), at(30), at(60), at(80)), (at(10), at(11.5))])
    def test_summaries_agree_with_the_domains_for_every_grouping(
        self, store: ResultStore, by: tuple[Dimension, ...], edges: tuple[datetime, ...]
    ) -> None:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
        period = Period(start=at(3), end=at(75))
        groups: dict[tuple[datetime | None, str, str], list[Sample]] = {}
        for each in a_busy_hour():
            begun = [edge for edge in edges if edge <= each.at]
            if period.start <= each.at < period.end and (begun or not edges):
                key = (
                    begun[-1] if begun else None,
                    each.job_id if Dimension.JOB in by else "",
                    each.destination_id if Dimension.DESTINATION in by else "",
                )
                groups.setdefault(key, []).append(each)
        found = store.summaries(period, by=by, edges=edges)
        keys = sorted(groups, key=lambda key: (key[0] or START, *key[1:]))
        assert [(each.bucket_at, each.job_id or "", each.destination_id or "") for each in found] == keys
        for group, key in zip(found, keys, strict=True):
            assert_same(group.summary, summarise(groups[key]))

    def test_summaries_keep_to_the_scope(self, store: ResultStore) -> None:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
        scope = Scope(job_ids=frozenset({"job2"}), destination_ids=frozenset({"dest1", "dest2"}))
        wanted = [
            each
            for each in a_busy_hour()
            if scope.includes(job_id=each.job_id, destination_id=each.destination_id)
        ]
        [found] = store.summaries(ALWAYS, scope=scope)
        assert_same(found.summary, summarise(wanted))
        assert not store.summaries(ALWAYS, scope=Scope(job_ids=frozenset({"nobody"})))

    def test_summaries_of_buckets_meet_without_gap_or_overlap(self, store: ResultStore) -> None:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
        [whole] = store.summaries(ALWAYS)
        parts = store.summaries(ALWAYS, edges=[at(minute) for minute in range(0, 90, 7)])
        assert sum(each.summary.sent for each in parts) == whole.summary.sent
        assert sum(each.summary.up_s for each in parts) == whole.summary.up_s

    @pytest.mark.parametrize(
        ("rounds", "p95", "p99"),
        [(19, False, False), (20, True, False), (99, True, False), (100, True, True)],
    )
    def test_percentiles_need_their_number_of_rtts(
        self, store: ResultStore, rounds: int, p95: bool, p99: bool
    ) -> None:
        outcome = Replied(address="192.0.2.1", rtts_ms=(4.0, None))
        store.save(Batch(batch_id="a", samples=[sample(minute, outcome) for minute in range(rounds)]))
        [found] = store.summaries(ALWAYS)
        assert found.summary.p50_ms == 4.0
        assert (found.summary.p95_ms, found.summary.p99_ms) == (4.0 if p95 else None, 4.0 if p99 else None)

    def test_a_summary_of_unanswered_rounds_has_counts_and_no_rtts(self, store: ResultStore) -> None:
        samples = [sample(minute, OUTCOMES[1 + minute % 4]) for minute in range(8)]
        store.save(Batch(batch_id="a", samples=samples))
        [found] = store.summaries(ALWAYS, by=[Dimension.DESTINATION])
        assert found.summary == summarise(samples)
        assert found.summary.rtt_mean_ms is None
        assert found.summary.loss_percent == 100

    def test_jitter_rfc3550_agrees_with_the_domains(self, store: ResultStore) -> None:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
        found = store.jitter_rfc3550(ALWAYS, scope=Scope(job_ids=frozenset({"job1"})))
        expected = {}
        for number in (1, 2):
            of_pair = [
                each
                for each in a_busy_hour()
                if (each.job_id, each.destination_id) == ("job1", f"dest{number}")
            ]
            expected["job1", f"dest{number}"] = jitter_rfc3550(rtts_of(each.outcome) for each in of_pair)
        assert found == pytest.approx(expected, rel=1e-9)

    def test_jitter_rfc3550_remembers_a_change_over_many_rounds(self, store: ResultStore) -> None:
        early, late = (1_000.0, 5_000.0), (8.0, 9.0)
        rounds = [early] * 40 + [late] * 1_000
        samples = [sample(minute, Replied(address="a", rtts_ms=rtts)) for minute, rtts in enumerate(rounds)]
        store.save(Batch(batch_id="a", samples=samples))
        assert store.jitter_rfc3550(ALWAYS)["job1", "dest1"] == pytest.approx(
            jitter_rfc3550(rounds), rel=1e-9
        )

    def test_a_histogram_counts_rtts_from_each_edge_up_to_the_next(self, store: ResultStore) -> None:
        rtts = (0.5, 1.0, None, 1.5, 2.0, 2.0, 3.5, 4.0, 9.0)
        store.save(
            Batch(
                batch_id="a",
                samples=[
                    sample(0, Replied(address="a", rtts_ms=rtts)),
                    sample(0, Replied(address="a", rtts_ms=(1.25,)), destination="dest2"),
                    sample(1, Timeout(address="a", sent=3)),
                ],
            )
        )

        def scope_of(job: str) -> Scope:
            return Scope(job_ids=frozenset({job}), destination_ids=frozenset({"dest1"}))

        found = store.histogram(ALWAYS, (1.0, 2.0, 3.0, 4.0), scope=scope_of("job1"))
        assert list(found) == [2, 2, 1]
        assert list(store.histogram(ALWAYS, (1.0, 2.0, 3.0), scope=scope_of("job2"))) == [0, 0]
        assert list(store.histogram(ALWAYS, (1.0, 2.0, 3.0, 4.0))) == [3, 2, 1]

    # --- Routes

    def test_a_route_comes_back_with_its_statistics_and_names(self, store: ResultStore) -> None:
        first = traced(0, "10.0.0.1", "", "192.0.2.9", reason=TraceReason.DOWN)
        store.save(Batch(batch_id="a", routes=[first]))
        expected = follow(None, first)
        assert expected.reason is TraceReason.DOWN
        assert store.current_routes(ALWAYS.end) == {"dest1": expected}
        assert list(store.routes(ALWAYS)) == [expected]

    def test_the_same_route_again_is_the_same_record_with_the_statistics_of_all_traces(
        self, store: ResultStore
    ) -> None:
        traces = [traced(minute, "10.0.0.1", "192.0.2.9") for minute in range(4)]
        store.save(Batch(batch_id="a", routes=traces[:2]))
        store.save(Batch(batch_id="b", routes=traces[2:3]))
        store.save(Batch(batch_id="c", routes=traces[3:]))
        expected = follow(follow(follow(follow(None, traces[0]), traces[1]), traces[2]), traces[3])
        assert expected.traces == 4
        assert list(store.routes(ALWAYS)) == [expected]

    def test_a_route_that_changed_is_a_record_of_its_own_that_tells_how(self, store: ResultStore) -> None:
        before, after = traced(0, "10.0.0.1", "192.0.2.9"), traced(5, "10.0.0.2", "192.0.2.9")
        back = traced(9, "10.0.0.1", "192.0.2.9")
        store.save(Batch(batch_id="a", routes=[before, after]))
        store.save(Batch(batch_id="b", routes=[back]))
        found = list(store.routes(ALWAYS))
        assert [(each.first_at, each.traces, each.change) for each in found] == [
            (at(0), 1, ""),
            (at(5), 1, "hop 1: 10.0.0.1 -> 10.0.0.2"),
            (at(9), 1, "hop 1: 10.0.0.2 -> 10.0.0.1"),
        ]
        assert store.current_routes(ALWAYS.end) == {"dest1": found[-1]}

    def test_a_batch_of_routes_that_is_saved_twice_counts_once(self, store: ResultStore) -> None:
        batch = Batch(batch_id="a", routes=[traced(0, "10.0.0.1"), traced(1, "10.0.0.1")])
        store.save(batch)
        store.save(batch)
        assert [each.traces for each in store.routes(ALWAYS)] == [2]

    def test_current_routes_are_those_found_before_an_instant(self, store: ResultStore) -> None:
        store.save(
            Batch(
                batch_id="a",
                routes=[
                    traced(0, "10.0.0.1"),
                    traced(0, "10.0.0.5", destination="dest2"),
                    traced(5, "10.0.0.2"),
                ],
            )
        )

        def firsts(minutes: float, scope: Scope = EVERYTHING) -> dict[str, datetime]:
            return {
                each: record.first_at
                for each, record in store.current_routes(at(minutes), scope=scope).items()
            }

        assert firsts(0) == {}
        assert firsts(5) == {"dest1": at(0), "dest2": at(0)}
        assert firsts(6) == {"dest1": at(5), "dest2": at(0)}
        assert firsts(6, Scope(destination_ids=frozenset({"dest2"}))) == {"dest2": at(0)}
        assert firsts(6, Scope(job_ids=frozenset({"no job"}))) == {"dest1": at(5), "dest2": at(0)}

    def test_routes_keep_to_period_scope_and_limit(self, store: ResultStore) -> None:
        routes = [traced(minute, f"10.0.0.{minute}") for minute in range(5)]
        others = [traced(minute, f"10.0.1.{minute}", destination="dest2") for minute in (2, 3)]
        store.save(Batch(batch_id="a", routes=[*routes, *others]))
        mine = Scope(destination_ids=frozenset({"dest1"}))

        def firsts(period: Period, limit: int | None = None) -> list[datetime]:
            return [each.first_at for each in store.routes(period, scope=mine, limit=limit)]

        assert firsts(ALWAYS) == [at(minute) for minute in range(5)]
        assert firsts(Period(start=at(1), end=at(3))) == [at(1), at(2)]
        assert firsts(ALWAYS, limit=2) == [at(3), at(4)]
        assert len(store.routes(ALWAYS)) == 7

    def test_a_name_with_characters_that_are_none_costs_nothing_else(self, store: ResultStore) -> None:
        odd = traced(0, "10.0.0.1")
        odd = replace(odd, trace=replace(odd.trace, names={"10.0.0.1": "a\udc80b"}))
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])], routes=[odd]))
        [found] = store.routes(ALWAYS)
        assert found.names["10.0.0.1"].startswith("a")
        assert len(store.samples(ALWAYS)) == 1

    # --- Imported history

    def test_rtts_in_no_known_order_come_back_so_and_have_no_jitter(self, store: ResultStore) -> None:
        unordered = Replied(address="", rtts_ms=(1.0, 5.0, 2.0), in_order=False)
        samples = [sample(0, unordered), sample(1, Replied(address="", rtts_ms=(1.0, 3.0)))]
        store.save(Batch(batch_id="a", samples=samples))
        assert list(store.samples(ALWAYS)) == samples
        [found] = store.summaries(ALWAYS)
        assert (found.summary.jitter_pairs, found.summary.jitter_ms) == (1, 2.0)
        assert found.summary == summarise(samples)
        assert store.jitter_rfc3550(ALWAYS) == {("job1", "dest1"): jitter_rfc3550([(1.0, 3.0)])}

    def test_ticks_of_imported_samples_are_known_also_when_they_were_pruned(self, store: ResultStore) -> None:
        store.save(
            Batch(
                batch_id="a",
                samples=[
                    sample(0, OUTCOMES[0]),
                    sample(5, OUTCOMES[1]),
                    sample(5, OUTCOMES[1], destination="dest2"),
                    sample(5, OUTCOMES[1], destination="dest3"),
                    sample(7, OUTCOMES[1], job="job2"),
                ],
                imported=True,
            )
        )
        store.save(Batch(batch_id="b", samples=[sample(6, OUTCOMES[0])]))
        within = {"dest1": ALWAYS, "dest2": Period(start=at(5), end=at(6)), "nobody": ALWAYS}
        expected = {("dest1", at(0)), ("dest1", at(5)), ("dest2", at(5))}
        assert set(store.imported_ticks("job1", within)) == expected
        assert set(store.imported_ticks("job2", within)) == {("dest1", at(7))}
        assert not store.imported_ticks("job1", {"dest1": Period(start=at(1), end=at(5))})
        assert not store.imported_ticks("no job", within)
        assert not store.imported_ticks("job1", {})
        store.prune(Cutoffs(raw=at(90)))
        assert not store.samples(ALWAYS)
        assert set(store.imported_ticks("job1", within)) == expected

    def test_hours_are_those_in_which_other_jobs_measured(self, store: ResultStore) -> None:
        store.save(
            Batch(
                batch_id="a",
                samples=[
                    sample(59, OUTCOMES[0]),
                    sample(60, OUTCOMES[1]),
                    sample(200, OUTCOMES[1], job="job2"),
                    sample(60, OUTCOMES[1], destination="dest2"),
                ],
            )
        )
        within = {"dest1": ALWAYS, "nobody": ALWAYS}
        assert set(store.measured_hours(within)) == {("dest1", at(0)), ("dest1", at(60)), ("dest1", at(180))}
        assert set(store.measured_hours(within, apart_from=["job2", "job3"])) == {
            ("dest1", at(0)),
            ("dest1", at(60)),
        }
        assert set(store.measured_hours({"dest1": Period(start=at(61), end=at(180))})) == {("dest1", at(60))}

    def test_what_is_kept_as_retired_leaves_the_rest_alone(self, store: ResultStore) -> None:
        active = Definitions(destinations=(destination(1),), jobs=(job(1),))
        store.save_definitions(active, at=START)
        more = Definitions(
            destinations=(destination(1, name="Other"), destination(2)), jobs=(job(2), job(1, name="Other"))
        )
        for minutes in (1, 2):
            store.save_retired(more, at=at(minutes))
        expected = StoredDefinitions(
            active=active, retired=Definitions(destinations=(destination(2),), jobs=(job(2),))
        )
        assert store.definitions() == expected
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0], job="job2", destination="dest2")]))
        assert store.definitions() == expected
        assert len(store.samples(ALWAYS)) == 1
        everything = Definitions(destinations=(destination(1), destination(2)), jobs=(job(1), job(2)))
        store.save_definitions(everything, at=at(3))
        assert store.definitions() == StoredDefinitions(active=everything)

    # --- Pruning and facts

    def test_pruning_keeps_routes_that_were_found_since_and_each_destinations_last(
        self, store: ResultStore
    ) -> None:
        store.save(
            Batch(
                batch_id="a",
                routes=[
                    traced(0, "10.0.0.1"),
                    traced(3, "10.0.0.2"),
                    traced(9, "10.0.0.2"),
                    traced(20, "10.0.0.3"),
                    traced(1, "10.0.0.9", destination="dest2"),
                ],
            )
        )
        assert store.prune(Cutoffs(raw=at(5))) == 0
        assert [each.first_at for each in store.routes(ALWAYS)] == [at(1), at(3), at(20)]
        store.prune(Cutoffs(raw=at(90)))
        assert {each: record.first_at for each, record in store.current_routes(ALWAYS.end).items()} == {
            "dest1": at(20),
            "dest2": at(1),
        }
        # What is pruned is not known any more, and the route goes on from its last record.
        store.save(Batch(batch_id="b", routes=[traced(91, "10.0.0.3")]))
        assert [(each.first_at, each.traces) for each in store.routes(ALWAYS)] == [(at(1), 1), (at(20), 2)]

    def test_pruning_deletes_what_is_older_and_counts_the_samples(self, store: ResultStore) -> None:
        store.save(
            Batch(
                batch_id="a",
                samples=[sample(minute, OUTCOMES[0]) for minute in range(5)],
                runs=[run(minute, RunCompleted(up=1, down=0)) for minute in range(5)],
                events=[changed(minute, State.UP) for minute in range(5)],
            )
        )
        assert store.prune(Cutoffs(raw=at(2))) == 2
        assert [each.at for each in store.samples(ALWAYS)] == [at(2), at(3), at(4)]
        assert [each.tick_at for each in store.runs(ALWAYS)] == [at(2), at(3), at(4)]
        assert [each.at for each in store.events(ALWAYS)] == [at(2), at(3), at(4)]
        assert store.prune(Cutoffs(raw=at(2))) == 0

    def test_pruning_keeps_states_and_job_totals(self, store: ResultStore) -> None:
        missed = RunMissed(ticks=7, reason=MissedReason.LATE, last_tick_at=at(9))
        store.save(
            Batch(
                batch_id="a",
                runs=[run(0, RunCompleted(up=1, down=0)), run(1, missed), run(2, RunFailed(error="no"))],
                events=[changed(0, State.UP), changed(1, State.DOWN)],
            )
        )
        states, totals = store.states(), store.job_totals()
        for minutes in (1, 30):
            store.prune(Cutoffs(raw=at(minutes)))
            assert (store.states(), store.job_totals()) == (states, totals)
        store.save(Batch(batch_id="b", runs=[run(40, RunCompleted(up=1, down=0))]))
        assert store.job_totals() == {"job1": JobTotals(rounds_done=2, ticks_missed=7, last_run_at=at(40))}

    def test_what_is_remembered_of_deletions_survives(self, open_store: OpenStore) -> None:
        with closing(open_store()) as store:
            assert store.deletions() == DeletionRecord()
            announced = Announcement(announced_at=at(5), keeping=Keeping(raw_days=30), first_at=at(1))
            for record in (DeletionRecord(announced=announced), DeletionRecord(pruned_at=at(9))):
                store.save_deletions(record)
                assert store.deletions() == record

    def test_usage_counts_all_samples_and_the_recent_ones(self, store: ResultStore) -> None:
        usage = store.usage(at(0))
        assert (usage.samples, usage.recent_samples, usage.first_at) == (0, 0, None)
        assert (usage.minutes, usage.rollups) == (0, 0)
        store.save(Batch(batch_id="a", samples=[sample(minute, OUTCOMES[0]) for minute in range(5)]))
        usage = store.usage(at(3))
        assert (usage.samples, usage.recent_samples, usage.first_at) == (5, 2, at(0))

    def test_info_tells_how_many_samples_there_are_and_from_when_to_when(self, store: ResultStore) -> None:
        store.save(Batch(batch_id="a", samples=[sample(3, OUTCOMES[0]), sample(1, OUTCOMES[3])]))
        info = store.info()
        assert (info.samples, info.first_sample_at, info.last_sample_at) == (2, at(1), at(3))
        assert info.schema_version >= 1
        assert info.location

    def test_closing_twice_does_nothing(self, open_store: OpenStore) -> None:
        store = open_store()
        store.close()
        store.close()

    # --- CSV

    def test_a_csv_has_a_row_for_each_sample_in_order_with_local_times(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=START)
        samples = [sample(58 + minute, outcome) for minute, outcome in enumerate(OUTCOMES)]
        store.save(Batch(batch_id="a", samples=samples[::-1]))
        path = tmp_path / "samples.csv"
        path.write_text("old")
        assert store.export_csv(path, ALWAYS, zone="Europe/Berlin") == len(samples)
        rows = read_csv(path)
        assert rows[0] == [
            "Time", "Job", "Destination", "Host", "Address", "Outcome", "Sent", "Received", "Loss (%)",
            "RTT mean (ms)", "RTT min (ms)", "RTT max (ms)", "RTTs (ms)", "Reason", "Answer", "HTTP status",
            "HTTP total (ms)", "Certificate (days)", "Duplicate replies", "Late replies", "Corrupted replies",
            "Answered by",
        ]  # fmt: skip
        nothing_more = ["", "", "", "", "0", "0", "0", ""]
        # The clocks went from 02:00 to 03:00 within it.
        assert [row[0] for row in rows[1:4]] == [
            "2026-03-29T01:58:00+01:00", "2026-03-29T01:59:00+01:00", "2026-03-29T03:00:00+02:00",
        ]  # fmt: skip
        assert rows[1][1:] == [
            "Job 1", "Host 1", "192.0.2.1", "192.0.2.1", "replied", "4", "3", "25.0", "20.9167", "10.0", "40.25",
            "10.0 * 12.5 40.25", "", *nothing_more,
        ]  # fmt: skip
        assert [row[5] for row in rows[2:]] == [
            "timeout", "unreachable", "not resolved", "not sent", "replied", "time exceeded", "refused",
            "service failed", "unreachable", "replied", "replied", "replied",
        ]  # fmt: skip
        assert rows[2][6:] == ["4", "0", "100.0", "", "", "", "* * * *", "no reply in time", *nothing_more]
        assert rows[4][6:] == [
            "0", "0", "", "", "", "", "", "name not resolved: no such host", *nothing_more,
        ]  # fmt: skip
        assert [row[13] for row in rows[7:]] == [
            "passed too many routers (says 192.0.2.254)", "connection refused", "NXDOMAIN: no such name",
            "host unreachable", "", "", "",
        ]  # fmt: skip
        assert [row[14:18] for row in rows[11:]] == [
            ["192.0.2.80, 192.0.2.81", "", "", ""],
            ["", "200", "35.25", "61.5"],
            ["", "302", "9.0", ""],
        ]

    def test_a_csv_tells_the_replies_that_count_for_nothing(self, store: ResultStore, tmp_path: Path) -> None:
        samples = [
            replace(sample(minute, OUTCOMES[0]), strays=strays) for minute, strays in enumerate(STRAYS)
        ]
        store.save(Batch(batch_id="a", samples=samples))
        store.export_csv(tmp_path / "samples.csv", ALWAYS)
        assert [row[18:] for row in read_csv(tmp_path / "samples.csv")[1:]] == [
            ["2", "0", "0", ""],
            ["0", "3", "1", ""],
            ["0", "0", "0", "192.0.2.99"],
            ["1", "2", "3", "2001:db8::99"],
        ]

    def test_a_csv_keeps_to_period_and_scope(self, store: ResultStore, tmp_path: Path) -> None:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
        period, scope = Period(start=at(10), end=at(20)), Scope(destination_ids=frozenset({"dest2"}))
        count = store.export_csv(tmp_path / "samples.csv", period, scope=scope)
        assert count == len(store.samples(period, scope=scope)) == 12
        rows = read_csv(tmp_path / "samples.csv")[1:]
        assert {row[2] for row in rows} == {"dest2"}
        assert (rows[0][0], rows[-1][0]) == ("2026-03-29T00:10:00+00:00", "2026-03-29T00:19:00+00:00")

    def test_a_csv_of_no_samples_has_its_header(self, store: ResultStore, tmp_path: Path) -> None:
        assert store.export_csv(tmp_path / "samples.csv", ALWAYS) == 0
        assert len(read_csv(tmp_path / "samples.csv")) == 1

    @pytest.mark.parametrize(
        "text",
        [
            "=1+1",
            "+1",
            "-1",
            "@SUM(1)",
            "\t=1",
            "\r=1",
            "＝1",
            "a;=1",
            'a",=1',
            "a\n=1",
            "  =1",
            "=cmd|'/c calc'!A0",
        ],
    )
    def test_no_text_in_a_csv_can_be_taken_for_a_formula(
        self, store: ResultStore, tmp_path: Path, text: str
    ) -> None:
        named = Definitions(destinations=(destination(1, name=text, host=text),), jobs=(job(1, name=text),))
        store.save_definitions(named, at=START)
        outcomes: list[Outcome] = [
            Unreachable(address=text, sent=1, reporter=text, reason=text),
            NameNotResolved(reason=text),
            SendFailed(address=text, reason=text),
            TimeExceeded(address=text, sent=1, reporter=text),
            ServiceFailed(address=text, sent=1, reason=text),
            Unreachable(address=text, sent=1, reporter="", reason=text),
            Replied(address=text, rtts_ms=(1.0,), answer=text),
        ]
        samples = [
            replace(sample(minute, outcome), strays=Strays(elsewhere=text))
            for minute, outcome in enumerate(outcomes)
        ]
        store.save(Batch(batch_id="a", samples=samples))
        store.export_csv(tmp_path / "samples.csv", ALWAYS)
        content = (tmp_path / "samples.csv").read_text(encoding="utf-8-sig")
        for separator in (",", ";", "\t", "|"):
            for row in csv.reader(content.splitlines(), delimiter=separator):
                for cell in row:
                    assert not cell.strip(' "').startswith(("=", "+", "-", "@", "\t", "\r", "＝")), (
                        cell,
                        separator,
                    )

    def test_a_backup_is_a_file_in_one_step_and_tells_how_far_it_is(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        store.save(Batch(batch_id="hour", samples=a_busy_hour()))
        target = tmp_path / "copy.duckdb"
        target.write_text("what was there before")
        heard: list[Progress] = []
        store.backup(target, heard.append)
        assert target.read_bytes() != b"what was there before"
        assert [each.name for each in tmp_path.iterdir() if "copy" in each.name] == [target.name]
        assert {each.doing for each in heard} == {"copying", "verifying"}
        assert heard[-1].done == heard[-1].total > 0

    def test_a_backup_that_has_no_place_says_so(self, store: ResultStore, tmp_path: Path) -> None:
        with pytest.raises(StoreError):
            store.backup(tmp_path / "nowhere" / "copy.duckdb")
        with pytest.raises(StoreError):
            store.backup(tmp_path)

    # --- Parquet

    def test_a_parquet_file_has_a_row_for_each_sample_in_order(
        self, store: ResultStore, tmp_path: Path
    ) -> None:
        store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=START)
        samples = [sample(minute, outcome) for minute, outcome in enumerate(OUTCOMES)]
        store.save(Batch(batch_id="a", samples=samples[::-1]))
        path = tmp_path / "Büro's samples.parquet"
        path.write_text("old")
        assert store.export_parquet(path, ALWAYS) == len(samples)
        found = read_parquet(path)
        assert [row["at_utc"] for row in found] == [each.at.replace(tzinfo=None) for each in samples]
        assert [row["rtts_ms"] for row in found] == [
            list(each.outcome.rtts_ms) if isinstance(each.outcome, Replied) else None for each in samples
        ]
        assert {(row["job"], row["destination"], row["interval_s"]) for row in found} == {
            ("Job 1", "Host 1", 60.0)
        }
        assert found[0]["loss_percent"] == 25

    def test_a_parquet_file_keeps_to_period_and_scope(self, store: ResultStore, tmp_path: Path) -> None:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
        period = Period(start=at(10), end=at(20))
        scope = Scope(job_ids=frozenset({"job1", "nobody"}), destination_ids=frozenset({"dest2"}))
        path = tmp_path / "samples.parquet"
        assert store.export_parquet(path, period, scope=scope) == 10
        assert {(row["job_id"], row["destination_id"]) for row in read_parquet(path)} == {("job1", "dest2")}

    @pytest.mark.parametrize("rollup", [None, *Level])
    def test_a_parquet_file_of_nothing_has_its_columns(
        self, store: ResultStore, tmp_path: Path, rollup: Level | None
    ) -> None:
        path = tmp_path / "nothing.parquet"
        assert store.export_parquet(path, ALWAYS, rollup=rollup) == 0
        with duckdb.connect() as connection:
            columns = connection.execute("DESCRIBE FROM read_parquet(?)", [str(path)]).fetchall()
        assert ("availability_percent" in {column[0] for column in columns}) == (rollup is not None)


def read_parquet(path: Path) -> list[dict[str, object]]:
    """The rows of a Parquet file, by column."""
    with duckdb.connect() as connection:
        result = connection.execute("FROM read_parquet(?)", [str(path)])
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def read_csv(path: Path) -> list[list[str]]:
    """The rows of a CSV file as Excel would read them."""
    content = path.read_bytes()
    assert content.startswith(b"\xef\xbb\xbf")
    return list(csv.reader(content.decode("utf-8-sig").splitlines()))
