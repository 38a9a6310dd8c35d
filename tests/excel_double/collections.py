"""Excel's collections: by number from 1, or by name without case."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from tests.excel_double.dispatch import Child, ExcelObject, getter, method
from tests.excel_double.errors import BAD_INDEX, TYPE_MISMATCH, ExcelError, refuse


class Collection(Child):
    """A collection over the objects that `source` gives; each has a `name`."""

    missing: ClassVar[str] = ""
    """What Excel says of an item that is not there; empty: invalid index."""

    def __init__(self, parent: ExcelObject, source: Callable[[], Sequence[ExcelObject]]) -> None:
        super().__init__(parent)
        self._source = source

    def check_alive(self) -> None:
        self.parent.check_alive()

    def items(self) -> Sequence[ExcelObject]:
        return list(self._source())

    def find(self, index: object) -> ExcelObject:
        """The item of that number or name."""
        items = self.items()
        if isinstance(index, str):
            for item in items:
                if getattr(item, "name", None) is not None and item.name.casefold() == index.casefold():  # type: ignore[attr-defined]  # items have names
                    return item
        elif isinstance(index, int | float):
            if 1 <= int(index) <= len(items):
                return items[int(index) - 1]
        else:
            raise ExcelError(TYPE_MISMATCH)
        raise refuse(self.missing) if self.missing else ExcelError(BAD_INDEX)

    @method("Item")
    def _item(self, index: object, *_: object) -> ExcelObject:
        return self.find(index)

    @getter("Count")
    def _count(self) -> int:
        return len(self._source())
