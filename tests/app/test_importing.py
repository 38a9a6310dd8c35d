"""Importing history: whose it is, each round once, and what is told of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import pytest

from netstats_xl.app import importing
from netstats_xl.app.history_sources import USUAL_INTERVAL_S, Source
from netstats_xl.app.importing import Imported, Importing, job_of
from netstats_xl.domain.history import HistoryFormat, HistoryRow
from netstats_xl.domain.results import NO_STRAYS, Batch, Replied, Strays
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.targets import Definitions
from netstats_xl.errors import HistoryInvalid
from tests.contracts.result_store import ALWAYS, OUTCOMES, START, at, destination, job, sample
from tests.fakes.clock import FakeClock
from tests.fakes.history import ScriptedHistory
from tests.fakes.memory_store import MemoryStore

ANSWERED = Replied(address="", rtts_ms=(1.5, 2.5))
MONTH = timedelta(days=30)


def row(
    minutes: float, source: str = "Host 1", *, host: str = "", interval_s: float | None = None
) -> HistoryRow:
    return HistoryRow(source=source, host=host, at=at(minutes), outcome=ANSWERED, interval_s=interval_s)


@pytest.fixture
def store() -> MemoryStore:
    store = MemoryStore()
    known = Definitions(
        destinations=(
            destination(1),
            destination(2),
            destination(3, host="192.0.2.1"),
            destination(4, name="192.0.2.77"),
        ),
        jobs=(job(1),),
    )
    store.save_definitions(known, at=START)
    store.save_definitions(known.model_copy(update={"destinations": (*known.destinations[:3],)}), at=START)
    return store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START + timedelta(days=10))


@pytest.fixture
def importer(store: MemoryStore, clock: FakeClock) -> Importing:
    ids = iter(f"id{number}" for number in range(1_000))
    return Importing(store, clock, lambda: next(ids))


def run(
    importer: Importing,
    history: ScriptedHistory,
    *,
    mapping: Mapping[str, str] | None = None,
    add: bool = False,
    overlapping: bool = False,
    dry_run: bool = False,
) -> Mapping[str, Imported]:
    plan = importer.plan(history, mapping=mapping or {}, add=add)
    return importer.carry_out(history, plan, retention=MONTH, overlapping=overlapping, dry_run=dry_run)


# --- Whose they are


def test_sources_are_known_by_name_then_by_host_the_active_ones_first(importer: Importing) -> None:
    rows = [row(0, "host 2"), row(0, "192.0.2.2"), row(0, "192.0.2.77"), row(0, "x", host="192.0.2.2")]
    plan = importer.plan(ScriptedHistory(rows, notes=["something."]), mapping={}, add=False)
    assert {name: target.id for name, target in plan.targets.items()} == {
        "host 2": "dest2",
        "192.0.2.2": "dest2",
        "192.0.2.77": "dest4",
        "x": "dest2",
    }
    assert not plan.missing
    assert plan.notes == ("something.",)


def test_a_host_that_several_have_is_left_out_with_the_remedy(importer: Importing) -> None:
    plan = importer.plan(ScriptedHistory([row(0, "192.0.2.1"), row(0, "nobody")]), mapping={}, add=False)
    assert plan.missing == {
        "192.0.2.1": "several destinations have this host (Host 1, Host 3): say which with --map",
        "nobody": "the database has no destination of this name or host",
    }
    assert not plan.targets


def test_what_the_user_maps_goes_there(importer: Importing) -> None:
    history = ScriptedHistory([row(0, "Old"), row(0, "Host 1")])
    plan = importer.plan(
        history, mapping={"old": "Host 3", "Host 1": "192.0.2.2", "gone": "Host 1"}, add=True
    )
    assert {name: target.id for name, target in plan.targets.items()} == {"Old": "dest3", "Host 1": "dest2"}
    assert plan.unused == ("gone",)


@pytest.mark.parametrize(
    ("name", "message"), [("nobody", "no destination of this name"), ("192.0.2.1", "several")]
)
def test_a_mapping_to_nobody_is_refused_before_anything_is_stored(
    importer: Importing, store: MemoryStore, name: str, message: str
) -> None:
    with pytest.raises(HistoryInvalid, match=message):
        run(importer, ScriptedHistory([row(0, "Old")]), mapping={"Old": name})
    assert not store.samples(ALWAYS)


def test_what_is_not_known_is_added_as_a_retired_destination_if_that_is_wanted(
    importer: Importing, store: MemoryStore
) -> None:
    before = store.definitions()
    rows = [row(0, "New", host="192.0.2.50"), row(1, "192.0.2.51"), row(2, "new", host="192.0.2.50")]
    run(importer, ScriptedHistory(rows), add=True)
    after = store.definitions()
    assert after.active == before.active
    added = after.retired.destinations[len(before.retired.destinations) :]
    assert [(each.name, each.host) for each in added] == [("New", "192.0.2.50"), ("192.0.2.51", "192.0.2.51")]
    assert len(store.samples(ALWAYS)) == 3


@pytest.mark.parametrize("name", ["a,b", "*", "group:x", "x" * 101, "no host!", "\t"])
def test_a_name_that_the_sheets_would_refuse_is_not_added(
    importer: Importing, store: MemoryStore, name: str
) -> None:
    history = ScriptedHistory([row(0, name)])
    plan = importer.plan(history, mapping={}, add=True)
    assert plan.missing[name].startswith("it cannot be added: ")
    assert importer.carry_out(history, plan, retention=MONTH) == {}
    assert not store.samples(ALWAYS)


def test_too_many_sources_are_refused(importer: Importing, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importing, "MOST_SOURCES", 2)
    with pytest.raises(HistoryInvalid, match="more than 2 destinations"):
        importer.plan(ScriptedHistory([row(0, name) for name in "abc"]), mapping={}, add=False)


# --- What is stored


def test_rounds_become_samples_of_a_retired_job_of_their_format(
    importer: Importing, store: MemoryStore
) -> None:
    strayed = HistoryRow(source="Host 2", at=at(2), outcome=OUTCOMES[1], strays=Strays(late=1))
    history = ScriptedHistory([row(0), row(5, interval_s=30.0), strayed, row(10)], HistoryFormat.SMOKEPING)
    found = run(importer, history)
    assert [
        (each.at, each.destination_id, each.outcome, each.interval_s) for each in store.samples(ALWAYS)
    ] == [
        (at(0), "dest1", ANSWERED, 300.0),
        (at(2), "dest2", OUTCOMES[1], USUAL_INTERVAL_S),
        (at(5), "dest1", ANSWERED, 30.0),
        (at(10), "dest1", ANSWERED, 300.0),
    ]
    assert {each.strays for each in store.samples(ALWAYS)} == {NO_STRAYS, Strays(late=1)}
    kept = store.definitions().retired.jobs[-1]
    assert (kept.id, kept.name, kept.schedule.interval) == (
        "import-smokeping",
        "Imported from SmokePing",
        timedelta(seconds=60),
    )
    assert found == {
        "dest1": Imported(rows=3, new=3, first_at=at(0), last_at=at(10)),
        "dest2": Imported(rows=1, new=1, first_at=at(2), last_at=at(2)),
    }


def test_the_interval_is_the_commonest_gap() -> None:
    source = Source(first_at=at(0), last_at=at(0))
    for minutes in (0, 5, 10, 60, 65, 65, 64, 66, 67):
        source.take(row(minutes))
    assert source.interval_s == 300
    assert source.rows == 9
    assert (source.first_at, source.last_at) == (at(0), at(67))
    even = Source(first_at=at(0), last_at=at(0))
    for minutes in (0, 2, 3, 5, 6):
        even.take(row(minutes))
    assert even.interval_s == 60


@pytest.mark.parametrize(("interval_s", "expected_s"), [(0.2, 1), (300.4, 300), (1e6, 86_400)])
def test_a_jobs_interval_is_one_that_a_schedule_may_have(interval_s: float, expected_s: int) -> None:
    assert job_of(HistoryFormat.CSV, interval_s).schedule.interval == timedelta(seconds=expected_s)


def test_the_same_file_again_and_one_that_overlaps_store_nothing_twice(
    importer: Importing, store: MemoryStore
) -> None:
    history = ScriptedHistory([row(minute) for minute in range(10)])
    run(importer, history)
    assert run(importer, history)["dest1"] == Imported(rows=10, known=10)
    longer = ScriptedHistory([row(minute) for minute in range(5, 15)])
    assert run(importer, longer)["dest1"] == Imported(
        rows=10, new=5, known=5, first_at=at(10), last_at=at(14)
    )
    assert [each.at for each in store.samples(ALWAYS)] == [at(minute) for minute in range(15)]


def test_rounds_that_were_pruned_are_not_imported_again(importer: Importing, store: MemoryStore) -> None:
    history = ScriptedHistory([row(minute) for minute in range(10)])
    run(importer, history)
    store.prune(Cutoffs(raw=at(90)))
    assert run(importer, history)["dest1"] == Imported(rows=10, known=10)
    assert not store.samples(ALWAYS)


def test_a_round_that_a_file_has_twice_is_stored_once(
    importer: Importing, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row(0), row(0), row(1), row(0, "192.0.2.2"), row(0, "Host 2")]
    found = run(importer, ScriptedHistory(rows))
    assert (found["dest1"].known, found["dest2"].known) == (1, 1)
    monkeypatch.setattr(importing, "BATCH_ROWS", 1)
    rows = [row(5), row(6), row(5)]
    assert run(importer, ScriptedHistory(rows))["dest1"].known == 1
    assert len(store.samples(ALWAYS)) == 5


def test_a_file_is_stored_a_batch_at_a_time_and_told_of(
    importer: Importing, store: MemoryStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "BATCH_ROWS", 3)
    history = ScriptedHistory([row(minute) for minute in range(10)])
    told: list[float] = []
    plan = importer.plan(history, mapping={}, add=False, told=told.append)
    importer.carry_out(history, plan, retention=MONTH, told=told.append)
    assert told == pytest.approx([0.1, 0.4, 0.7, 1.0, 0.3, 0.6, 0.9, 1.0])
    assert len(store.samples(ALWAYS)) == 10
    assert len({each.run_id for each in store.samples(ALWAYS)}) == 4


def test_a_dry_run_counts_and_stores_nothing(importer: Importing, store: MemoryStore) -> None:
    run(importer, ScriptedHistory([row(0)]))
    before = store.definitions()
    found = run(importer, ScriptedHistory([row(0), row(1), row(2, "new.example")]), add=True, dry_run=True)
    assert found["dest1"] == Imported(rows=2, new=1, known=1, first_at=at(1), last_at=at(1))
    assert sum(each.new for each in found.values()) == 2
    assert len(store.samples(ALWAYS)) == 1
    assert store.definitions() == before


def test_the_future_and_the_time_before_computers_are_left_out(importer: Importing, clock: FakeClock) -> None:
    old = HistoryRow(source="Host 1", at=datetime.fromisoformat("1970-01-01T00:00:00Z"), outcome=ANSWERED)
    future = HistoryRow(source="Host 1", at=clock.now() + timedelta(seconds=1), outcome=ANSWERED)
    just_now = HistoryRow(source="Host 1", at=clock.now(), outcome=ANSWERED)
    found = run(importer, ScriptedHistory([old, future, just_now]))
    assert (found["dest1"].outside, found["dest1"].new) == (2, 1)


def test_rounds_older_than_raw_results_are_kept_are_counted(importer: Importing, clock: FakeClock) -> None:
    edge = (clock.now() - MONTH - START) / timedelta(minutes=1)
    found = run(importer, ScriptedHistory([row(edge - 1), row(edge), row(edge + 1)]))
    assert (found["dest1"].new, found["dest1"].old) == (3, 1)


def test_our_own_export_does_not_count_again_what_was_measured_here(
    importer: Importing, store: MemoryStore
) -> None:
    store.save(Batch(batch_id="own", samples=[sample(61, OUTCOMES[0])]))
    history = ScriptedHistory([row(59), row(60), row(61), row(120)], HistoryFormat.NETSTATS)
    assert run(importer, history)["dest1"] == Imported(
        rows=4, new=2, measured=2, first_at=at(59), last_at=at(120)
    )
    # What was imported is no result of this database's own.
    again = run(importer, ScriptedHistory([row(62), row(121)], HistoryFormat.NETSTATS))["dest1"]
    assert (again.new, again.measured) == (1, 1)
    wanted = run(importer, ScriptedHistory([row(61)], HistoryFormat.NETSTATS), overlapping=True)
    assert wanted["dest1"].new == 1
    other = run(importer, ScriptedHistory([row(61)], HistoryFormat.SMOKEPING))
    assert other["dest1"].new == 1
