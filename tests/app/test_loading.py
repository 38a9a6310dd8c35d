"""From the workbook to what is in force, and back from the store where there is no workbook."""

from datetime import UTC, datetime
from itertools import count

import pytest

from netstats_xl.app.loading import Loading
from netstats_xl.domain.tables import CellValue, RawTable
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import StoreFull, WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.sheets import DESTINATIONS, JOBS, SELECTION, SETTINGS, Selection
from tests.fakes.clock import FakeClock
from tests.fakes.memory_store import MemoryStore
from tests.fakes.memory_workbook import MemoryWorkbook, raw_table

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)


class FullStore(MemoryStore):
    """One that may refuse to save."""

    full = False

    def save_definitions(self, definitions: Definitions, *, at: datetime) -> None:
        self._refuse()
        super().save_definitions(definitions, at=at)

    def save_settings(self, settings: Settings) -> None:
        self._refuse()
        super().save_settings(settings)

    def _refuse(self) -> None:
        if self.full:
            raise StoreFull("The disk is full.")


def destinations(*names: str) -> RawTable:
    return raw_table(
        DESTINATIONS, ("Name", "Host", "ID"), *((name, f"{name}.example", None) for name in names)
    )


def settings(**values: CellValue) -> RawTable:
    return raw_table(SETTINGS, ("Setting", "Value"), *values.items())


def workbook() -> MemoryWorkbook:
    return MemoryWorkbook(
        destinations("a", "b"),
        raw_table(JOBS, ("Name", "Destinations", "Interval"), ("All", "*", "10s")),
        settings(zone="Europe/Berlin", retention_days=7),
        raw_table(SELECTION, ("Details of", "Period"), ("b", "7d")),
    )


def loading(book: MemoryWorkbook, store: MemoryStore) -> Loading:
    numbers = count(1)
    return Loading(book, store, FakeClock(NOW), lambda: f"{next(numbers):012x}", default_zone="UTC")


def test_all_that_the_workbook_says_is_loaded_and_stored() -> None:
    book, store = workbook(), MemoryStore()
    loaded = loading(book, store).load()
    assert [each.name for each in loaded.definitions.destinations] == ["a", "b"]
    assert (loaded.settings.zone, loaded.settings.retention_days) == ("Europe/Berlin", 7)
    assert loaded.selection == Selection(details_of="b", period_h=168)
    assert (loaded.saved, loaded.held, loaded.warnings, loaded.cell_errors) == (True, False, (), ())
    stored = store.definitions()
    assert (stored.active, stored.settings) == (loaded.definitions, loaded.settings)
    assert book.ids == {
        (DESTINATIONS, 2): "000000000001",
        (DESTINATIONS, 3): "000000000002",
        (JOBS, 2): "000000000003",
    }


def test_what_was_loaded_last_is_recalled_without_the_workbook() -> None:
    book, store = workbook(), MemoryStore()
    loaded = loading(book, store).load()
    book.error = WorkbookClosed("The workbook is not open.")
    again = loading(book, store)
    with pytest.raises(WorkbookClosed):
        again.load()
    recalled = again.recall()
    assert (recalled.definitions, recalled.settings) == (loaded.definitions, loaded.settings)
    assert (recalled.tables, recalled.cell_errors, recalled.saved) == ({}, (), True)


def test_where_nothing_was_stored_the_defaults_are_recalled() -> None:
    numbers = count(1)
    fresh = Loading(
        workbook(), MemoryStore(), FakeClock(NOW), lambda: str(next(numbers)), default_zone="Asia/Tokyo"
    ).recall()
    assert (fresh.definitions, fresh.settings) == (Definitions(), Settings(zone="Asia/Tokyo"))
    assert fresh.selection == Selection(period_h=24)


def test_the_period_shown_is_the_settings_where_none_is_chosen() -> None:
    book, store = workbook(), MemoryStore()
    book.set(settings(report_period="2d"))
    book.set(raw_table(SELECTION, ("Details of", "Period"), (None, None)))
    assert loading(book, store).load().selection == Selection(period_h=48)
    assert loading(book, store).recall().selection == Selection(period_h=48)


def test_a_bad_selection_is_a_bad_cell_and_nothing_else() -> None:
    book, store = workbook(), MemoryStore()
    book.set(raw_table(SELECTION, ("Details of", "Period"), ("nobody", "soon")))
    loaded = loading(book, store).load()
    assert [error.cell for error in loaded.cell_errors] == ["A2", "B2"]
    assert loaded.selection == Selection()
    assert len(loaded.definitions.destinations) == 2


def test_definitions_are_in_force_although_the_store_takes_none_and_are_saved_later() -> None:
    book, store = workbook(), FullStore()
    store.full = True
    load = loading(book, store)
    loaded = load.load()
    assert len(loaded.definitions.destinations) == 2
    assert not loaded.saved
    assert loaded.warnings == ("The definitions are not saved yet: The disk is full.",)
    store.full = False
    assert load.load().saved
    assert store.definitions().settings is not None


@pytest.mark.parametrize(
    ("error", "warnings"),
    [
        (WorkbookBusy("A cell is being edited."), ()),
        (WorkbookError("The sheet is protected."), ("New rows have no ID yet: The sheet is protected.",)),
    ],
)
def test_ids_that_cannot_be_written_keep_nothing_from_being_in_force(
    error: WorkbookError, warnings: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    book, store = workbook(), MemoryStore()

    def refused(table: str, ids: object) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(book, "write_ids", refused)
        loaded = loading(book, store).load()
    assert len(store.definitions().active.destinations) == 2
    assert (loaded.saved, loaded.warnings) == (False, warnings)
    again = loading(book, store).load()
    assert again.saved
    assert again.definitions == loaded.definitions
    assert len(book.ids) == 3


def test_ids_wait_for_a_user_who_wants_nothing_to_be_written() -> None:
    book, store = workbook(), MemoryStore()
    load = loading(book, store)
    load.ids_wait = True
    loaded = load.load()
    assert (loaded.saved, loaded.warnings, book.ids) == (True, (), {})
    load.ids_wait = False
    assert load.load().definitions == loaded.definitions
    ids = {each.id for each in loaded.definitions.destinations}
    assert set(book.ids.values()) == ids | {each.id for each in loaded.definitions.jobs}


def test_a_change_that_is_held_tells_how_to_confirm_it() -> None:
    book, store = workbook(), MemoryStore()
    book.set(destinations(*(f"d{number}" for number in range(12))))
    load = loading(book, store)
    load.load()
    book.set(destinations("d0"))
    held = load.load()
    assert held.held
    assert len(held.definitions.destinations) == 12
    (warning,) = held.warnings
    assert "Validate on the ribbon" in warning
    assert "--confirm-removals" in warning
    confirmed = load.load(confirmed=True)
    assert not confirmed.held
    assert len(confirmed.definitions.destinations) == 1


def test_settings_that_are_gone_or_wrong_have_no_result_deleted_sooner() -> None:
    book, store = workbook(), MemoryStore()
    book.set(settings(zone="Europe/Berlin", retention_days=3_650))
    loading(book, store).load()
    book.set(settings(zone="Asia/Tokyo", retention_days="ten years"))
    loaded = loading(book, store).load()
    assert (loaded.settings.retention_days, loaded.settings.zone) == (3_650, "Asia/Tokyo")
    assert any("ten years" in error.value for error in loaded.cell_errors)
    book.set(settings(minutes_retention_days=3_600, retention_days=3_650))
    contradiction = loading(book, store).load()
    assert contradiction.settings.minutes_retention_days is None
    assert [error.cell for error in contradiction.cell_errors] == ["B2"]
    book.set(settings(zone="Asia/Tokyo", retention_days="ten years"))
    loading(book, store).load()
    del book.tables[SETTINGS]
    gone = loading(book, store).load()
    assert (gone.settings.retention_days, gone.settings.zone) == (3_650, "Asia/Tokyo")
    assert store.definitions().settings == gone.settings


def test_jobs_that_ask_for_more_than_may_be_sent_are_told_also_when_they_are_recalled() -> None:
    book, store = workbook(), MemoryStore()
    names = [f"d{number}" for number in range(30)]
    book.set(destinations(*names))
    book.set(
        raw_table(JOBS, ("Name", "Destinations", "Interval"), ("All", "*", "10s"), ("Again", "*", "10s"))
    )
    book.set(settings(packets_per_second=20))
    (together,) = loading(book, store).load().warnings
    assert together.startswith("All jobs together send 24 packets a second")
    assert loading(book, store).recall().warnings == (together,)
    book.set(settings(packets_per_second=10))
    loaded = loading(book, store).load()
    assert [warning.partition(":")[0] for warning in loaded.warnings] == [
        "Job All sends 30 x 4 packets every 10s",
        "Job Again sends 30 x 4 packets every 10s",
        "All jobs together send 24 packets a second while they run, more than the 10 of Settings",
    ]
    assert [error.cell for error in loaded.cell_errors if error.sheet == JOBS] == ["C2", "C3"]
    assert len(loaded.definitions.jobs) == 2
