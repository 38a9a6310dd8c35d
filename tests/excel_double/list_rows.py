"""The rows of a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from tests.excel_double.areas import Area, Rect
from tests.excel_double.dispatch import Child, ExcelObject, getter, method
from tests.excel_double.errors import refuse
from tests.excel_double.ranges import Range

if TYPE_CHECKING:
    from tests.excel_double.tables import ListObject


class ListRows(Child):
    """The rows of a table."""

    type_name = "ListRows"

    def __init__(self, table: ListObject) -> None:
        super().__init__(table)
        self.table = table

    def check_alive(self) -> None:
        self.table.check_alive()

    def items(self) -> Sequence[ExcelObject]:
        return [ListRow(self.table, number) for number in range(1, self.table.row_count + 1)]

    @getter("Count")
    def _count(self) -> int:
        return self.table.row_count

    @method("Item")
    def _item(self, index: object) -> ListRow:
        if not isinstance(index, int | float) or not 1 <= int(index) <= self.table.row_count:
            raise refuse("Subscript out of range")
        return ListRow(self.table, int(index))

    @method("Add")
    def _add(self, position: object, always_insert: object) -> ListRow:
        number = self.table.row_count + 1
        if position is not None:
            if not isinstance(position, int | float) or not 1 <= int(position) <= number:
                raise refuse("no such position")
            number = int(position)
        self.table.add_row(number, always_insert=bool(always_insert))
        self.application.changed(self.table.sheet.book)
        return ListRow(self.table, number)


class ListRow(Child):
    """A row of data, by its number."""

    type_name = "ListRow"

    def __init__(self, table: ListObject, number: int) -> None:
        super().__init__(table)
        self.table = table
        self._area = Area(table.sheet, self._rect(number))

    def _rect(self, number: int) -> Rect:
        row = self.table.body.top + number - 1
        return Rect(row, self.table.rect.left, row, self.table.rect.right)

    def check_alive(self) -> None:
        self.table.check_alive()
        if self._area.rect is None:
            raise refuse("The row was deleted.")

    @getter("Index")
    def _index(self) -> int:
        assert self._area.rect is not None
        return self._area.rect.top - self.table.body.top + 1

    @getter("Range")
    def _range(self) -> Range:
        return Range(self._area)

    @method("Delete")
    def _delete(self) -> None:
        assert self._area.rect is not None
        table, row = self.table, self._area.rect.top
        if table.body.rows == 1:
            # A table keeps a row; deleting the last one blanks it.
            table.sheet.clear_contents(self._area.rect)
            table.vacant = True
            return
        table.sheet.shift_up(row, 1, table.rect.left, table.rect.right)
        table.application.changed(table.sheet.book)
