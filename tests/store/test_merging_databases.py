"""Merging databases: what one has and the other has not is brought over, once, and nothing is counted twice."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netstats_xl.domain.results import Batch, Period, RunCompleted, Sample, State
from netstats_xl.domain.retention import Cutoffs
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import StoreCorrupt, StoreError, StoreLocked
from netstats_xl.ports import Progress
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.merging_databases import Merged, merge_into
from netstats_xl.store.migrations import MIGRATIONS, migrate
from netstats_xl.store.verifying import verify
from tests.contracts.result_store import (
    ALWAYS,
    OUTCOMES,
    START,
    a_busy_hour,
    at,
    changed,
    destination,
    job,
    run,
    sample,
    traced,
)

NOW = START + timedelta(days=2)


@contextmanager
def opened(path: Path, now: datetime = NOW) -> Iterator[DuckDbStore]:
    store = DuckDbStore.open(path, now=lambda: now)
    try:
        yield store
    finally:
        store.close()


@pytest.fixture
def here(tmp_path: Path) -> Path:
    return tmp_path / "here.duckdb"


@pytest.fixture
def there(tmp_path: Path) -> Path:
    return tmp_path / "thére 'x'.duckdb"


def everything(store: DuckDbStore) -> Sequence[object]:
    return (
        sorted(store.samples(ALWAYS), key=lambda each: (each.at, each.job_id, each.destination_id)),
        store.runs(ALWAYS),
        sorted(store.events(ALWAYS), key=lambda each: each.at),
        store.routes(ALWAYS),
    )


def test_what_was_measured_since_comes_over_once(here: Path, there: Path) -> None:
    first = Batch(
        batch_id="first",
        samples=a_busy_hour(),
        runs=[run(1, RunCompleted(up=1, down=0))],
        events=[changed(1, State.UP)],
        routes=[traced(1, "192.0.2.254", "192.0.2.9")],
    )
    since = Batch(
        batch_id="since",
        samples=[
            sample(100 + each, outcome, destination=f"new{each % 3}") for each, outcome in enumerate(OUTCOMES)
        ],
        runs=[run(100, RunCompleted(up=2, down=1))],
        events=[changed(101, State.DOWN)],
        routes=[traced(102, "192.0.2.254", "192.0.2.9"), traced(103, "192.0.2.253", "192.0.2.9")],
    )
    with opened(here) as store:
        store.save(first)
    with opened(there) as store:
        store.save(
            Batch(batch_id="other keys", samples=[sample(-5, OUTCOMES[0], destination="zzz", job="zzz")])
        )
        store.save(first)
        store.save(since)
        wanted, states = everything(store), store.states()
    with opened(here) as store:
        heard: list[Progress] = []
        merged = merge_into(store, there, heard.append, now=NOW, newer=True)
        assert merged == Merged(samples=len(OUTCOMES) + 1, runs=1, events=1, routes=2)
        assert everything(store) == wanted
        assert store.states() == states
        assert heard[-1].done == heard[-1].total
        assert merge_into(store, there, now=NOW, newer=True) == Merged()
        assert everything(store) == wanted
        store.save(since)  # a batch that was saved there
        assert everything(store) == wanted
    assert verify(here).flaws == ()


def test_an_older_one_does_not_change_what_holds(here: Path, there: Path) -> None:
    with opened(there) as store:
        store.save_definitions(
            Definitions(destinations=(destination(1), destination(2)), jobs=(job(2),)), at=START
        )
        store.save_settings(Settings(zone="Asia/Tokyo"))
        store.save_stopped(["job2"])
        store.save(Batch(batch_id="old", samples=[sample(0, OUTCOMES[0])], events=[changed(0, State.UP)]))
    mine = Definitions(destinations=(destination(1, name="Renamed"),), jobs=(job(1),))
    with opened(here) as store:
        store.save_definitions(mine, at=START)
        store.save_settings(Settings(zone="Europe/Berlin"))
        store.save(Batch(batch_id="new", events=[changed(10, State.DOWN)], routes=[traced(9, "192.0.2.9")]))
        merge_into(store, there, now=NOW, newer=False)
        stored = store.definitions()
        assert (stored.active, stored.stopped) == (mine, frozenset())
        assert stored.settings == Settings(zone="Europe/Berlin")
        assert [each.id for each in stored.retired.destinations] == ["dest2"]
        assert [each.id for each in stored.retired.jobs] == ["job2"]
        assert store.states() == {"dest1": State.DOWN}
        assert store.info().samples == 1


def test_a_newer_ones_definitions_and_settings_hold(here: Path, there: Path) -> None:
    theirs = Definitions(destinations=(destination(2),), jobs=(job(1),))
    with opened(there) as store:
        store.save_definitions(theirs, at=START)
        store.save_settings(Settings(zone="Asia/Tokyo"))
        store.save_stopped(["job1"])
    with opened(here) as store:
        store.save_definitions(Definitions(destinations=(destination(1),)), at=START)
        merge_into(store, there, now=NOW, newer=True)
        stored = store.definitions()
        assert (stored.active, stored.stopped) == (theirs, frozenset(["job1"]))
        assert stored.settings == Settings(zone="Asia/Tokyo")
        assert [each.id for each in stored.retired.destinations] == ["dest1"]


def test_a_route_that_both_know_is_the_one_with_more_traces(here: Path, there: Path) -> None:
    for path, traces in ((here, 2), (there, 5)):
        with opened(path) as store:
            for each in range(traces):
                store.save(Batch(batch_id=str(each), routes=[traced(each, "192.0.2.9")]))
    with opened(here) as store:
        assert merge_into(store, there, now=NOW, newer=True).routes == 1
        assert [each.traces for each in store.routes(ALWAYS)] == [5]
        store.save(Batch(batch_id="next", routes=[traced(9, "192.0.2.9")]))
        assert [each.traces for each in store.routes(ALWAYS)] == [6]


def test_samples_that_were_deleted_here_are_in_the_rollups_already_and_are_left_out(
    here: Path, there: Path
) -> None:
    rows = a_busy_hour()
    later = START + timedelta(hours=10)
    with opened(there) as store:
        store.save(Batch(batch_id="a", samples=rows))
        store.save(Batch(batch_id="b", samples=[sample(600, OUTCOMES[0])]))
    with opened(here, later) as store:
        store.save(Batch(batch_id="a", samples=rows))
        while store.roll_up():
            pass
        deleted = store.prune(Cutoffs(raw=at(60)))
        assert deleted
        merged = merge_into(store, there, now=NOW, newer=False)
        assert (merged.samples, merged.left_out) == (1, deleted)
    assert verify(here, rollups=True).flaws == ()


def test_it_is_told_of_what_time_only_the_other_one_has_rollups(here: Path, there: Path) -> None:
    later = START + timedelta(days=4)
    with opened(here, later) as store:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
    with opened(there, later) as store:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
        day = [sample(minutes, OUTCOMES[0]) for minutes in range(24 * 60, 48 * 60)]
        store.save(Batch(batch_id="b", samples=day))
        store.save(Batch(batch_id="c", samples=[sample(72 * 60, OUTCOMES[0])]))
        while store.roll_up():
            pass
    with opened(here, later) as store:
        assert merge_into(store, there, now=NOW, newer=True).rolled_up is None, "the samples are there"
    with opened(there, later) as store:
        assert store.prune(Cutoffs(raw=at(60 * 60))) == len(a_busy_hour()) + len(day)
    end = day[-1].at + timedelta(microseconds=1)
    with opened(here.with_name("empty.duckdb"), later) as store:
        merged = merge_into(store, there, now=NOW, newer=True)
        assert merged.samples == 1
        assert merged.rolled_up == Period(start=START, end=end)
    with opened(here.with_name("older.duckdb"), later) as store:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))
        merged = merge_into(store, there, now=NOW, newer=True)
        assert merged.rolled_up == Period(start=at(24 * 60), end=end)
    with opened(here, later) as store:
        assert merge_into(store, there, now=NOW, newer=True).rolled_up is None, "all of it is here"


def test_late_samples_from_another_database_are_added_to_the_rollups(here: Path, there: Path) -> None:
    rows = a_busy_hour()
    later = START + timedelta(hours=10)
    with opened(there) as store:
        store.save(Batch(batch_id="all", samples=rows))
    with opened(here, later) as store:
        store.save(Batch(batch_id="some", samples=[*rows[::2], sample(500, OUTCOMES[0])]))
        while store.roll_up():
            pass
        assert merge_into(store, there, now=NOW, newer=False).samples == len(rows) // 2
    assert verify(here, rollups=True).flaws == ()


def test_what_was_imported_there_counts_as_imported_here(here: Path, there: Path) -> None:
    imported = sample(0, OUTCOMES[0], job="import-csv")
    with opened(there) as store:
        store.save(Batch(batch_id="file", samples=[imported], imported=True))
    with opened(here) as store:
        assert merge_into(store, there, now=NOW, newer=False).samples == 1
        within = {imported.destination_id: ALWAYS}
        assert store.imported_ticks("import-csv", within) == {(imported.destination_id, imported.at)}


@pytest.mark.untraced
@pytest.mark.parametrize(("column", "row_group", "readable"), [("address", 2, 100_000), ("tick", 1, 20_000)])
def test_of_a_damaged_database_comes_over_what_can_be_read(
    here: Path, there: Path, column: str, row_group: int, readable: int
) -> None:
    rows, first = 150_000, 122_880
    with opened(there) as store:
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    for start, end in ((1, first), (first, rows)):
        with opened(there) as store:  # each of its own: row groups that are written together share blocks
            store.change(
                lambda cursor, start=start, end=end: cursor.execute(  # type: ignore[misc]  # mypy cannot infer a lambda with a default
                    "INSERT INTO samples SELECT tick + to_milliseconds(i * 100), job, destination, run, interval_s, "
                    "outcome, md5(i::VARCHAR), reporter, reason, sent, received, jitter_sum_ms, jitter_pairs, "
                    "[random()::FLOAT], NULL, NULL, NULL, NULL, NULL, NULL, NULL "
                    f"FROM (FROM samples LIMIT 1), range({start}, {end}) AS numbers(i)"
                )
            )
    with duckdb.connect(str(there), read_only=True) as plain:
        [(block,)] = plain.execute(
            "SELECT max(block_id) FROM pragma_storage_info('samples') "
            "WHERE row_group_id = ? AND column_name = ? AND segment_type <> 'VALIDITY'",
            [row_group, column],
        ).fetchall()
    content = bytearray(there.read_bytes())
    content[3 * 4_096 + block * 262_144 + 40] ^= 0x55
    there.write_bytes(content)
    assert verify(there).flaws
    with opened(here) as store:
        merged = merge_into(store, there, now=NOW, newer=True)
        assert merged.unreadable
        assert readable < merged.samples < rows - 1_000
        assert store.info().samples == merged.samples
    assert verify(here).flaws == ()


def test_being_broken_off_loses_nothing_and_the_rest_comes_the_next_time(here: Path, there: Path) -> None:
    with opened(there) as store:
        store.save(Batch(batch_id="a", samples=a_busy_hour()))

    def break_off(progress: Progress) -> None:
        if progress.done > 100:
            raise KeyboardInterrupt

    with opened(here) as store:
        with pytest.raises(KeyboardInterrupt):
            merge_into(store, there, break_off, now=NOW, newer=True)
        before = store.info().samples
        assert 0 < before < len(a_busy_hour())
        assert merge_into(store, there, now=NOW, newer=True).samples == len(a_busy_hour()) - before


def test_what_is_no_database_of_this_version_is_refused(here: Path, there: Path, tmp_path: Path) -> None:
    with opened(here) as store:
        with pytest.raises(StoreError, match="no database at"):
            merge_into(store, there, now=NOW, newer=False)
        with pytest.raises(StoreLocked):
            merge_into(store, here, now=NOW, newer=False)
        there.write_text("Dear diary, " * 2_000)
        with pytest.raises(StoreCorrupt):
            merge_into(store, there, now=NOW, newer=False)
        old = tmp_path / "old.duckdb"
        with duckdb.connect(str(old)) as plain:
            migrate(plain, old, migrations=MIGRATIONS[:3])
        with pytest.raises(StoreError, match="schema version 3"):
            merge_into(store, old, now=NOW, newer=False)
        assert store.info().samples == 0


@pytest.mark.trials
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_two_databases_share_merging_gives_each_result_once(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("merging")
    rows = a_busy_hour()[:60]
    where = data.draw(
        st.lists(st.sampled_from(["here", "there", "both"]), min_size=len(rows), max_size=len(rows))
    )
    for name in ("here", "there"):
        mine: list[Sample] = [
            each for each, place in zip(rows, where, strict=True) if place in (name, "both")
        ]
        with opened(folder / f"{name}.duckdb") as store:
            cut = data.draw(st.integers(min_value=0, max_value=len(mine)))
            store.save(Batch(batch_id=f"{name} 1", samples=mine[:cut]))
            store.save(Batch(batch_id=f"{name} 2", samples=mine[cut:]))
    with opened(folder / "here.duckdb") as store:
        merged = merge_into(store, folder / "there.duckdb", now=NOW, newer=True)
        assert merged.samples == where.count("there")
        found = sorted(store.samples(ALWAYS), key=lambda each: (each.at, each.job_id, each.destination_id))
        assert found == sorted(rows, key=lambda each: (each.at, each.job_id, each.destination_id))
