"""PivotTables: they compute nothing here, and count how often they were refreshed, and from how many rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from tests.excel_double.collections import Collection
from tests.excel_double.dispatch import Child, getter, method
from tests.excel_double.errors import refuse

if TYPE_CHECKING:
    from tests.excel_double.workbook import Workbook
    from tests.excel_double.worksheet import Worksheet


class PivotCache(Child):
    """What pivots of one source share. `source`: a table's name, or a reference."""

    type_name = "PivotCache"
    stored_defaults: ClassVar[Mapping[str, object]] = {"RefreshOnFileOpen": False}

    def __init__(self, book: Workbook, source: str) -> None:
        super().__init__(book)
        self.book = book
        self.source = source
        self.refreshes = 0
        self.rows_seen = 0

    def check_alive(self) -> None:
        self.book.check_alive()

    @getter("SourceData")
    def _source_data(self) -> str:
        return self.source

    @getter("RecordCount")
    def _record_count(self) -> int:
        return self.rows_seen

    @getter("Index")
    def _index(self) -> int:
        return self.book.pivot_caches.index(self) + 1

    @method("Refresh")
    def refresh(self) -> None:
        """Read the source anew; refused where it is gone."""
        table = self.book.find_table(self.source)
        if table is not None:
            self.rows_seen = table.row_count
        elif (area := self.book.find_area(self.source, None)) is not None and area.rect is not None:
            self.rows_seen = area.rect.rows - 1
        else:
            raise refuse("Reference isn't valid.")
        self.refreshes += 1
        self.application.changed(self.book)


class PivotCaches(Collection):
    """The caches of a workbook."""

    type_name = "PivotCaches"


class PivotTable(Child):
    """A pivot on a sheet."""

    type_name = "PivotTable"

    def __init__(self, sheet: Worksheet, name: str, cache: PivotCache) -> None:
        super().__init__(sheet)
        self.name = name
        self.cache = cache
        self.refreshes = 0

    def check_alive(self) -> None:
        self.parent.check_alive()

    @getter("Name")
    @getter("_Default")
    def _name(self) -> str:
        return self.name

    @getter("SourceData")
    def _source_data(self) -> str:
        return self.cache.source

    @method("PivotCache")
    def _pivot_cache(self) -> PivotCache:
        return self.cache

    @method("RefreshTable")
    def _refresh_table(self) -> bool:
        self.cache.refresh()
        self.refreshes += 1
        return True
