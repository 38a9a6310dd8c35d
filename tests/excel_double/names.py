"""Defined names: of cells, or of a constant; hidden ones too."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

from tests.excel_double.areas import Area, address, quoted
from tests.excel_double.collections import Collection
from tests.excel_double.dispatch import Child, getter, method, setter
from tests.excel_double.errors import DISCONNECTED, ExcelError, refuse
from tests.excel_double.ranges import Range

if TYPE_CHECKING:
    from tests.excel_double.workbook import Workbook
    from tests.excel_double.worksheet import Worksheet


class Name(Child):
    """A defined name. `scope`: the sheet that it belongs to; None: the workbook."""

    type_name = "Name"
    stored_defaults: ClassVar[Mapping[str, object]] = {"Visible": True, "Comment": ""}

    def __init__(
        self,
        book: Workbook,
        name: str,
        refers_to: str | Area,
        *,
        hidden: bool = False,
        scope: Worksheet | None = None,
    ) -> None:
        super().__init__(book)
        self.book = book
        self.plain_name = name
        self.refers_to = refers_to
        self.scope = scope
        self.stored["Visible"] = not hidden
        self.deleted = False

    @property
    def name(self) -> str:
        """As Excel gives it: with its sheet, where it belongs to one."""
        return f"{quoted(self.scope.name)}!{self.plain_name}" if self.scope is not None else self.plain_name

    def check_alive(self) -> None:
        self.book.check_alive()
        if self.deleted:
            raise ExcelError(DISCONNECTED)

    @getter("Name")
    @getter("NameLocal")
    def _name(self) -> str:
        return self.name

    @getter("RefersTo")
    @getter("Value")
    @getter("_Default")
    def text(self) -> str:
        """The formula that it stands for."""
        match self.refers_to:
            case Area(rect=None):
                return "=#REF!"
            case Area(sheet=sheet, rect=rect) if rect is not None:
                return f"={quoted(sheet.name)}!{address(rect)}"
            case _:
                return str(self.refers_to)

    @setter("RefersTo")
    @setter("Value")
    def _put_refers_to(self, text: str) -> None:
        self.refers_to = self.book.referred(text)
        self.application.changed(self.book)

    @getter("RefersToRange")
    def _refers_to_range(self) -> Range:
        if isinstance(self.refers_to, Area) and self.refers_to.rect is not None:
            return Range(Area(self.refers_to.sheet, self.refers_to.rect))
        raise refuse("The name refers to no range.")

    @getter("Index")
    def _index(self) -> int:
        return self.book.names.index(self) + 1

    @method("Delete")
    def _delete(self) -> None:
        self.deleted = True
        self.book.names.remove(self)
        self.application.changed(self.book)


class Names(Collection):
    """The names of a workbook, its sheets' and the hidden ones among them, by alphabet."""

    type_name = "Names"
    missing = "no such name"

    def __init__(self, book: Workbook, source: Callable[[], Sequence[Name]]) -> None:
        super().__init__(book, source)
        self.book = book

    @method("Add")
    def _add(self, name: object, refers_to: object, visible: object, *_: object) -> Name:
        text = refers_to.sheet_reference if isinstance(refers_to, Range) else str(refers_to)
        added = self.book.add_name(str(name), text, hidden=visible is False)
        self.application.changed(self.book)
        return added
