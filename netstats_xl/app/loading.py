"""From the user's tables to the definitions in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from netstats_xl.app.configuration import Sync, reconcile
from netstats_xl.domain.demand import demands_of, job_warnings, total_warnings
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import CellError, StoreError, WorkbookError
from netstats_xl.ports import Clock, ResultStore, Workbook
from netstats_xl.sheets import (
    DESTINATIONS,
    JOBS,
    RETENTION,
    SELECTION,
    SETTINGS,
    Reading,
    Selection,
    read_definitions,
    read_selection,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of reading the workbook, or of recalling what was read of it last."""

    definitions: Definitions
    settings: Settings
    selection: Selection = field(default_factory=Selection)
    """What a workbook that is open is to show."""
    tables: Mapping[str, RawTable] = field(default_factory=dict)
    """As read; none where the workbook was not."""
    row_ids: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """The ID of each row of `tables` that has one, by the table's name and the row's number."""
    cell_errors: tuple[CellError, ...] = ()
    warnings: tuple[str, ...] = ()
    """What the user should know besides the bad cells, in sentences."""
    held: bool = False
    """Whether nothing was changed because most rows would go at once; a warning says so."""
    saved: bool = True
    """Whether the store has all of it, and the rows their IDs unless these are to wait; if not, load again later."""


class Loading:
    """Reads the workbook's tables and makes them the store's definitions."""

    def __init__(
        self,
        workbook: Workbook,
        store: ResultStore,
        clock: Clock,
        new_id: Callable[[], str],
        *,
        default_zone: str,
    ) -> None:
        """`default_zone`: the time zone where the Settings sheet names none."""
        self._workbook = workbook
        self._store = store
        self._clock = clock
        self._new_id = new_id
        self._default_zone = default_zone
        self.ids_wait = False
        """Whether new rows are given their IDs later: their user wants nothing to be written now."""

    def load(self, *, confirmed: bool = False) -> Loaded:
        """Read, reconcile with what is stored, and save; `confirmed`: most rows may be retired at once.

        Raises:
            WorkbookError: the workbook cannot be read; `WorkbookClosed` where it is not open: see `recall`.
            StoreError: the definitions of before cannot be read.
        """
        tables = self._workbook.read((DESTINATIONS, JOBS, SETTINGS, SELECTION))
        reading = read_definitions(tables, default_zone=self._default_zone)
        stored = self._store.definitions()
        sync = reconcile(reading, stored, self._new_id, confirmed=confirmed)
        settings = _settings(reading, tables.get(SETTINGS), stored.settings)
        selection, selection_errors = read_selection(
            tables.get(SELECTION),
            definitions=sync.definitions,
            default_period_h=settings.report_period_h,
        )
        unsaved, without_ids = self._save(sync, settings), self._write_ids(sync)
        warnings = [sync.held] if sync.held else []
        if unsaved is not None:
            warnings.append(f"The definitions are not saved yet: {unsaved.message}")
        if without_ids is not None and not without_ids.retryable:
            warnings.append(f"New rows have no ID yet: {without_ids.message}")
        warnings += _demand_warnings(sync.definitions, settings)
        return Loaded(
            definitions=sync.definitions,
            settings=settings,
            selection=selection,
            tables=tables,
            row_ids=sync.row_ids,
            cell_errors=(*reading.errors, *selection_errors),
            warnings=tuple(warnings),
            held=sync.held is not None,
            saved=unsaved is None and without_ids is None,
        )

    def recall(self) -> Loaded:
        """What was read last, from the store: for a time when the workbook is not open.

        Raises:
            StoreError: it cannot be read.
        """
        stored = self._store.definitions()
        settings = stored.settings or Settings(zone=self._default_zone)
        return Loaded(
            definitions=stored.active,
            settings=settings,
            selection=Selection(period_h=settings.report_period_h),
            warnings=_demand_warnings(stored.active, settings),
        )

    def _save(self, sync: Sync, settings: Settings) -> StoreError | None:
        """Why it could not be done."""
        try:
            self._store.save_definitions(sync.definitions, at=self._clock.now())
            self._store.save_settings(settings)
        except StoreError as error:
            return error
        return None

    def _write_ids(self, sync: Sync) -> WorkbookError | None:
        """Why it could not be done; until it is, the rows are known by name and host."""
        if self.ids_wait:
            return None
        try:
            for table in {table for table, _ in sync.new_ids}:
                self._workbook.write_ids(
                    table, {row: id_ for (name, row), id_ in sync.new_ids.items() if name == table}
                )
        except WorkbookError as error:
            return error
        return None


def _settings(reading: Reading, table: RawTable | None, stored: Settings | None) -> Settings:
    """The settings in force: what is wrong on the sheet must not have results deleted sooner than before."""
    if stored is None:
        return reading.settings
    if table is None:
        return stored
    if any(error.sheet == table.sheet for error in reading.errors):
        return reading.settings.model_copy(update={key: getattr(stored, key) for key in RETENTION})
    return reading.settings


def _demand_warnings(definitions: Definitions, settings: Settings) -> tuple[str, ...]:
    demands, limit = demands_of(definitions), settings.packets_per_second
    return (*job_warnings(demands, limit), *total_warnings(demands, limit))
