"""What befalls the store is told by the companion, in the notices and so wherever they are shown."""

from dataclasses import replace
from datetime import UTC, datetime

from netstats_xl.companion import Companion
from netstats_xl.domain.incidents import Incident, IncidentKind
from netstats_xl.domain.targets import Settings
from netstats_xl.ports import ResultStore, StoreWatcher
from tests.companion.stage import Stage

INCIDENT = Incident(
    kind=IncidentKind.SET_ASIDE,
    at=datetime(2026, 11, 26, 13, 30, tzinfo=UTC),
    database="results.duckdb",
    reason="computed checksum 1 does not match",
    kept=("results damaged 2026-11-26 1430.duckdb",),
)


def started(stage: Stage, *incidents: Incident) -> tuple[Companion, StoreWatcher]:
    """A companion whose store meets these incidents when it is opened, and its watcher."""
    watchers = list[StoreWatcher]()

    def open_store(_: Settings, watcher: StoreWatcher) -> ResultStore:
        watchers.append(watcher)
        for incident in incidents:
            watcher.note_incident(incident)
        return stage.store

    companion = Companion(replace(stage.parts, open_store=open_store))
    companion.start()
    return companion, watchers[0]


def test_damage_that_is_met_at_the_start_is_told_by_the_wall_clock_of_the_workbook() -> None:
    companion, _ = started(Stage(), INCIDENT)
    (warning,) = companion.snapshot().warnings
    assert "found damaged on 2026-11-26 at 14:30 (computed checksum" in warning  # Berlin
    companion.stop()


def test_damage_that_is_met_while_collecting_is_told_and_what_was_remembered_of_the_past_is_forgotten() -> (
    None
):
    companion, watcher = started(Stage())
    before = companion._collecting.past_changes
    watcher.note_incident(INCIDENT)
    assert companion._collecting.past_changes == before + 1
    assert any("results damaged" in each for each in companion.service.health().warnings)
    companion.stop()


def test_a_disk_that_runs_full_is_told_until_there_is_room_again() -> None:
    companion, watcher = started(Stage())
    watcher.note_room(640_000_000)
    assert companion.snapshot().warnings == (
        "Only 640 MB are left on the disk of the database. Free some space: before the disk is full, results are no "
        "longer saved but wait in memory.",
    )
    watcher.note_room(None)
    assert companion.snapshot().warnings == ()
    companion.stop()
