"""From the user's tables to the definitions in force."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from netstats_xl.app.configuration import Sync, reconcile
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import CellError, StoreError
from netstats_xl.ports import Clock, ResultStore, Workbook
from netstats_xl.sheets import DESTINATIONS, JOBS, SETTINGS, read_definitions


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """What came of reading the workbook."""

    definitions: Definitions
    settings: Settings
    tables: Mapping[str, RawTable]
    row_ids: Mapping[tuple[str, int], str]
    cell_errors: tuple[CellError, ...]
    warnings: tuple[str, ...]
    """What the user should know besides the bad cells, in sentences."""
    saved: bool
    """Whether the store has these definitions; if not, load again later."""


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

    def load(self, *, confirmed: bool = False) -> Loaded:
        """Read, reconcile with what is stored, and save; `confirmed`: most rows may be retired at once.

        Raises:
            WorkbookError: the workbook cannot be read.
            StoreError: the definitions of before cannot be read.
        """
        tables = self._workbook.read((DESTINATIONS, JOBS, SETTINGS))
        reading = read_definitions(tables, default_zone=self._default_zone)
        sync = reconcile(reading, self._store.definitions(), self._new_id, confirmed=confirmed)
        warnings = [sync.held] if sync.held else []
        saved = True
        try:
            self._store.save_definitions(sync.definitions, at=self._clock.now())
        except StoreError as error:
            saved = False
            warnings.append(f"The definitions are not saved yet: {error.message}")
        self._write_ids(sync)
        return Loaded(
            definitions=sync.definitions,
            settings=reading.settings,
            tables=tables,
            row_ids=sync.row_ids,
            cell_errors=reading.errors,
            warnings=tuple(warnings),
            saved=saved,
        )

    def _write_ids(self, sync: Sync) -> None:
        for table in {table for table, _ in sync.new_ids}:
            self._workbook.write_ids(
                table, {row: id_ for (name, row), id_ in sync.new_ids.items() if name == table}
            )
