"""Charts, pivots, buttons, and the sentence above the sheet."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import uno
import unohelper
from com.sun.star.awt import Point, Size, XCallback

from .cells import Unrecorded, corners
from .faults import Missing
from .tables import Tables

INFOBAR = "netstats_xl"
DRAWN_WITHIN_S = 5.0
"""So long a title is waited for; it is written all the same where it takes longer."""
SUCCESS, WARNING = 1, 2
"""`com.sun.star.frame.InfobarType`."""


class _InFirstThread(unohelper.Base, XCallback):
    """Work that LibreOffice calls back for in its own first thread, which then does what the work asks of it."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._work = work
        self.done = threading.Event()

    def notify(self, data: Any) -> None:
        """LibreOffice is ready for it."""
        try:
            self._work()
        except Exception:  # noqa: BLE001, S110 - the document may have gone meanwhile; the next push tries again
            pass
        finally:
            self.done.set()


class Drawn(Tables):
    """What the document shows of its tables, and beside them."""

    def charts(self, titles: dict[str, str]) -> None:
        """Give charts of these names these titles: LibreOffice takes no title from a cell.

        It is done in LibreOffice's own first thread, which draws them: charts have locks of their own.
        """
        waiting = _InFirstThread(lambda: self._write_titles(titles))
        self._first_thread.addCallback(waiting, None)
        waiting.done.wait(DRAWN_WITHIN_S)

    def _write_titles(self, titles: dict[str, str]) -> None:
        for sheet in self._sheets():
            charts = sheet.Charts
            page = sheet.DrawPage
            for shape in (page.getByIndex(number) for number in range(page.Count if charts.Count else 0)):
                title = titles.get(shape.Name)
                if title is None or not charts.hasByName(getattr(shape, "PersistName", "")):
                    continue
                chart = charts.getByName(shape.PersistName).EmbeddedObject
                if chart.HasMainTitle and chart.Title.String != title:
                    chart.Title.String = title

    def refresh(self, table: str, pivots: list[dict[str, Any]]) -> None:
        """Compute pivots over a table anew, as far as there are such.

        LibreOffice knows cells as their source, and none of their fields after loading a file whose table was blank:
        then they are laid out by what is told of each: `rows`, `columns`, `filters`, and `values` of a column, a
        function and a caption.
        """
        found = self._range(table)
        if found is None:
            raise Missing(table)
        for sheet in self._sheets():
            present = sheet.DataPilotTables
            for pivot in pivots:
                if present.hasByName(pivot["name"]):
                    with Unrecorded(self._open):
                        _compute(present.getByName(pivot["name"]), found[1], pivot)

    def buttons(self, sheets: list[list[Any]], faces: list[list[str]]) -> None:
        """Have each sheet `[name, column]` of these show buttons `[name, label, help]`, and hear of their presses.

        They stand side by side in the first row, from that column on. Those of these names that are there already give
        way to new ones: who heard of their presses may have died, which LibreOffice tells whoever presses them next;
        and one that was pressed would be drawn so for ever.
        """
        names = [name for name, _, _ in faces]
        for sheet_name, column in sheets:
            if not self._open.Sheets.hasByName(sheet_name):
                continue
            sheet = self._open.Sheets.getByName(sheet_name)
            with Unrecorded(self._open):
                for shape, model in controls(sheet.DrawPage):
                    if model.Name in names:
                        sheet.DrawPage.remove(shape)
                left = sheet.getCellByPosition(column, 0).Position.X + 100
                for name, label, explanation in faces:
                    self._add_button(sheet.DrawPage, left, name, label, explanation)
                    left += 2900
        self._open.CurrentController.FormDesignMode = False

    def tell(self, sentence: str, bad: bool) -> None:
        """Show a sentence above the sheet, in the place of the one before."""
        controller = self._open.CurrentController
        if controller.hasInfobar(INFOBAR):
            controller.removeInfobar(INFOBAR)
        controller.appendInfobar(INFOBAR, "Network Stats", sentence, WARNING if bad else SUCCESS, (), True)

    def _add_button(self, page: Any, left: int, name: str, label: str, explanation: str) -> None:
        model = self._open.createInstance("com.sun.star.form.component.CommandButton")
        model.Name, model.Label, model.HelpText = name, label, explanation
        # A toggle tells its model that it was pressed, whichever sheet and window it is shown in.
        model.Toggle, model.FocusOnClick, model.Printable = True, False, False
        shape = self._open.createInstance("com.sun.star.drawing.ControlShape")
        shape.Control = model
        shape.Position, shape.Size = Point(left, 60), Size(2800, 600)
        page.add(shape)
        shape.Name = name
        model.addPropertyChangeListener("State", self._listener)


def _compute(pivot: Any, source: Any, design: dict[str, Any]) -> None:
    before = pivot.SourceRange
    if before.Sheet != source.Sheet or corners(before) != corners(source):
        pivot.SourceRange = source
    if not pivot.DataFields.Count and not pivot.RowFields.Count:
        fields = pivot.DataPilotFields
        for where, key in (("PAGE", "filters"), ("ROW", "rows"), ("COLUMN", "columns")):
            for name in design[key]:
                if fields.hasByName(name):
                    fields.getByName(name).Orientation = _orientation(where)
        for name, function, caption in design["values"]:
            if fields.hasByName(name):
                field = fields.getByName(name)
                field.Orientation = _orientation("DATA")
                field.Function = uno.Enum("com.sun.star.sheet.GeneralFunction", function)
                field.Name = caption
    pivot.refresh()


def _orientation(where: str) -> Any:
    return uno.Enum("com.sun.star.sheet.DataPilotFieldOrientation", where)


def controls(page: Any) -> list[tuple[Any, Any]]:
    """The shapes of a sheet that are controls, each with its model."""
    shapes = [page.getByIndex(number) for number in range(page.Count)]
    return [
        (shape, shape.Control)
        for shape in shapes
        if shape.supportsService("com.sun.star.drawing.ControlShape")
    ]
