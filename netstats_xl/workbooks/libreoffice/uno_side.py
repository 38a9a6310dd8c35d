"""The other half of this package: it runs in LibreOffice's own Python, and answers in lines of JSON.

It is started as a script, by a Python that can import `uno`, which may be as old as 3.8; it imports nothing else of
the project. Each line on its standard input asks for one thing, `{"id": 1, "do": "read", ...}`; the answer is
`{"id": 1, "is": ...}`, or `{"id": 1, "error": kind, "message": ...}`. What nobody asked for, such as a change by the
user, is told in lines with `event`. It ends where its standard input does.

Cells are counted from 0. A cell is null where it is blank, text, a number, or `{"error": "#N/A"}`.
"""

from __future__ import annotations

import json
import re
import sys
import threading
from collections.abc import Callable
from typing import Any

import uno
import unohelper
from com.sun.star.awt import Point, Size, XCallback
from com.sun.star.beans import XPropertyChangeListener
from com.sun.star.beans.PropertyState import AMBIGUOUS_VALUE as DIFFERING
from com.sun.star.table import CellRangeAddress
from com.sun.star.uno import RuntimeException
from com.sun.star.util import XChangesListener, XCloseListener

GONE = ("DisposedException", "NoConnectException", "ConnectionSetupException", "CloseVetoException")
"""What LibreOffice's exceptions are called where it has ended, or the document was closed."""
MOST_CELLS = 4000
"""So many are written at once: LibreOffice answers its user in between."""
LAST_ROW = 1048575
INFOBAR = "netstats_xl"
DRAWN_WITHIN_S = 5.0
"""So long a title is waited for; it is written all the same where it takes longer."""
SUCCESS, WARNING = 1, 2
"""`com.sun.star.frame.InfobarType`."""
TIME, DURATION = 4, 8196
"""`com.sun.star.util.NumberFormat`."""
ELAPSED = re.compile(r"\[(\w)\1*\]")
"""In the code of a number format: hours, minutes or seconds that go on counting, in any language."""


class Missing(Exception):
    """The document has no such table, cell or sheet."""


class Moved(Exception):
    """A table does not stand where it was when it was read."""


class Protected(Exception):
    """The user protected the sheet."""


class Gone(Exception):
    """No document is attached to, or none any more."""


class Teller:
    """Writes lines, whole, from whichever thread."""

    def __init__(self, stream: Any) -> None:
        self._stream, self._lock = stream, threading.Lock()

    def tell(self, message: dict[str, Any]) -> None:
        """Write one."""
        line = json.dumps(message, separators=(",", ":"), allow_nan=False) + "\n"
        with self._lock:
            self._stream.write(line.encode("ascii"))
            self._stream.flush()


class Listener(unohelper.Base, XChangesListener, XCloseListener, XPropertyChangeListener):
    """Tells what the user does. LibreOffice waits for it, so it does nothing else."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self.active = True

    def changesOccurred(self, event: Any) -> None:  # noqa: N802 - UNO's name
        """He typed, pasted or deleted something."""
        self._tell({"event": "changed"})

    def propertyChange(self, event: Any) -> None:  # noqa: N802 - UNO's name
        """He pressed a button."""
        if event.NewValue == 1:
            self._tell({"event": "pressed", "name": event.Source.Name})

    def queryClosing(self, event: Any, owns: bool) -> None:  # noqa: N802 - UNO's name
        """He may."""

    def notifyClosing(self, event: Any) -> None:  # noqa: N802 - UNO's name
        """He closed the document."""
        self._tell({"event": "closed"})

    def disposing(self, event: Any) -> None:
        """LibreOffice ends."""
        self._tell({"event": "closed"})

    def _tell(self, message: dict[str, Any]) -> None:
        if self.active:
            self._teller.tell(message)


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


class Office:
    """A LibreOffice, and one of its documents."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._desktop: Any = None
        self._first_thread: Any = None
        self._document: Any = None
        self._listener: Listener | None = None

    def do(self, what: str, asked: dict[str, Any]) -> Any:
        """One of the public methods below."""
        return getattr(self, what.lstrip("_"))(**asked)

    def steps(self, steps: list[list[Any]]) -> None:
        """Several, `[what, asked]`, one after the other; the first that fails ends it."""
        for what, asked in steps:
            self.do(what, asked)

    # --- which document ---

    def connect(self, address: str) -> None:
        """Reach the LibreOffice that listens there: `pipe,name=NAME` or `socket,host=127.0.0.1,port=PORT`."""
        self.leave()
        local = uno.getComponentContext()
        resolver = local.ServiceManager.createInstanceWithContext("com.sun.star.bridge.UnoUrlResolver", local)
        context = resolver.resolve("uno:" + address + ";urp;StarOffice.ComponentContext")
        manager = context.ServiceManager
        self._desktop = manager.createInstanceWithContext("com.sun.star.frame.Desktop", context)
        self._first_thread = manager.createInstanceWithContext("com.sun.star.awt.AsyncCallback", context)

    def documents(self, identity: str) -> list[dict[str, str]]:
        """Every spreadsheet that is open, with what its defined name `identity` holds."""
        if self._desktop is None:
            raise Gone("no LibreOffice is connected to")
        found = []
        components = self._desktop.Components.createEnumeration()
        while components.hasMoreElements():
            each = components.nextElement()
            if each.supportsService("com.sun.star.sheet.SpreadsheetDocument"):
                names = each.NamedRanges
                content = names.getByName(identity).Content if names.hasByName(identity) else ""
                found.append(
                    {
                        "uid": each.RuntimeUID,
                        "path": _path(each.URL),
                        "title": each.Title,
                        "identity": content,
                    }
                )
        return found

    def use(self, uid: str) -> None:
        """Attach to a document, and hear of its changes."""
        self.leave()
        components = self._desktop.Components.createEnumeration()
        while components.hasMoreElements():
            each = components.nextElement()
            if each.supportsService("com.sun.star.sheet.SpreadsheetDocument") and each.RuntimeUID == uid:
                self._listener = Listener(self._teller)
                each.addChangesListener(self._listener)
                each.addCloseListener(self._listener)
                self._document = each
                return
        raise Gone("the document was closed")

    def leave(self) -> None:
        """Attach to no document any more."""
        listener, document = self._listener, self._document
        self._listener = self._document = None
        if listener is not None:
            listener.active = False
            try:
                document.removeChangesListener(listener)
                document.removeCloseListener(listener)
            except Exception:  # noqa: BLE001, S110 - it has gone, and its listeners with it
                pass

    @property
    def _open(self) -> Any:
        if self._document is None:
            raise Gone("no document is attached to")
        return self._document

    def place(self) -> dict[str, Any]:
        """What the document is called now, where it lies, and whether it has changes that are not saved."""
        document = self._open
        return {"path": _path(document.URL), "title": document.Title, "modified": document.isModified()}

    def identify(self, name: str, content: str) -> None:
        """Make a defined name hold this; it is added where it is missing."""
        names = self._open.NamedRanges
        with _Unrecorded(self._open):
            if names.hasByName(name):
                names.getByName(name).Content = content
            else:
                origin = uno.createUnoStruct("com.sun.star.table.CellAddress")
                names.addNewByName(name, content, origin, 0)

    # --- reading ---

    def tables(self) -> dict[str, list[Any]]:
        """Every table: its name, and the sheet and the area where it stands: with its header, without its totals."""
        ranges, sheets = self._open.DatabaseRanges, self._open.Sheets.ElementNames
        found = {}
        for name in ranges.ElementNames:
            area = _without_totals(ranges.getByName(name))
            found[name] = [sheets[area.Sheet], *_corners(area)]
        return found

    def read(self, table: str, far: int, rows: int, formats: bool) -> dict[str, Any] | None:
        """A table and the blank or other cells below it; null: there is none of this name, compared without case.

        As far down as `far` rows below it, and as so many `rows` below its header, without blank rows at the end.
        With `formats` the sorts of number formats (`com.sun.star.util.NumberFormat`) of its numbers are told, as
        far as they are more than plain: by row and column within what is told.
        """
        found = self._range(table)
        if found is None:
            return None
        name, area = found
        sheet = self._open.Sheets.getByIndex(area.Sheet)
        top, left, bottom, right = _corners(area)
        last = min(max(bottom + far, top + rows), LAST_ROW)
        cells = sheet.getCellRangeByPosition(left, top, right, last)
        found_rows = _rows(cells)
        while len(found_rows) > bottom - top + 1 and all(cell is None for cell in found_rows[-1]):
            found_rows.pop()
        return {
            "name": name,
            "sheet": sheet.Name,
            "area": [top, left, bottom, right],
            "totals": bool(self._open.DatabaseRanges.getByName(name).TotalsRow),
            "rows": found_rows,
            "formats": self._formats(cells, found_rows) if formats else [],
            "first_day": _day(self._open.NullDate),
        }

    def _range(self, table: str) -> tuple[str, Any] | None:
        ranges = self._open.DatabaseRanges
        for name in ranges.ElementNames:
            if name.casefold() == table.casefold():
                return name, _without_totals(ranges.getByName(name))
        return None

    def _formats(self, cells: Any, rows: list[list[Any]]) -> list[list[int]]:
        known: dict[int, int] = {}
        found: list[list[int]] = []
        for column in range(len(rows[0])):
            numbers = [row for row in range(1, len(rows)) if isinstance(rows[row][column], float)]
            waiting = [numbers] if numbers else []
            while waiting:
                part = waiting.pop()
                cells_of_part = cells.getCellRangeByPosition(column, part[0], column, part[-1])
                # Where formats differ, what it gives for the property is a default.
                if len(part) > 1 and cells_of_part.getPropertyState("NumberFormat") == DIFFERING:
                    half = len(part) // 2
                    waiting += [part[:half], part[half:]]
                    continue
                key = cells_of_part.NumberFormat
                if key not in known:
                    known[key] = _sort(self._open.NumberFormats.getByKey(key))
                found += [[row, column, known[key]] for row in part]
        return found

    def _named(self, name: str) -> Any:
        names = self._open.NamedRanges
        if not names.hasByName(name):
            return None
        found = names.getByName(name)
        # Of a cell that was removed with its sheet LibreOffice gives the one that took its place.
        return None if "#REF!" in found.Content else found.ReferredCells

    # --- writing: never recorded for Undo, as far as LibreOffice can be kept from it ---

    def write(
        self,
        table: str,
        area: list[int],
        before: int | None,
        blocks: list[list[Any]],
        after: int | None,
    ) -> None:
        """Write blocks `[row, column, rows]` of cells into a table that still stands there.

        `before`, `after`: how many rows below its header it has from now on, before and after they are written.
        """
        found = self._range(table)
        if found is None:
            raise Missing(table)
        name, place = found
        if _corners(place) != area:
            raise Moved(table)
        if before is not None:
            self._resize(name, place, before)
        sheet = self._open.Sheets.getByIndex(place.Sheet)
        try:
            for row, column, rows in blocks:
                self._write_rows(sheet, row, column, rows)
        except Protected:
            if before is not None:
                self._resize(name, place, place.EndRow - place.StartRow)
            raise
        if after is not None:
            self._resize(name, place, after)

    def put(self, cells: dict[str, Any]) -> dict[str, Any]:
        """Write named cells that hold something else.

        What was not written: the names that are `missing`, and by name the sheets that are `protected`.
        """
        missing, protected = [], {}
        for name, value in cells.items():
            cell = self._named(name)
            if cell is None:
                missing.append(name)
            elif _rows(cell)[0][0] != value:
                address = cell.RangeAddress
                sheet = self._open.Sheets.getByIndex(address.Sheet)
                try:
                    self._write_rows(sheet, address.StartRow, address.StartColumn, [[value]])
                except Protected as error:
                    protected[name] = str(error)
        return {"missing": missing, "protected": protected}

    def insert(self, table: str, area: list[int], rows: int) -> None:
        """Have a table grow by so many rows at its end; what stands below it within its columns moves down."""
        name, place = self._unmoved(table, area)
        sheet = self._unprotected(place.Sheet)
        below = _address(
            place.Sheet, place.EndRow + 1, place.StartColumn, place.EndRow + rows, place.EndColumn
        )
        sheet.insertCells(below, uno.Enum("com.sun.star.sheet.CellInsertMode", "DOWN"))
        self._resize(name, place, place.EndRow - place.StartRow + rows)

    def delete(self, table: str, area: list[int], rows: list[int]) -> None:
        """Delete rows of a table, by their number on the sheet; what stands below within its columns moves up."""
        name, place = self._unmoved(table, area)
        sheet = self._unprotected(place.Sheet)
        for row in sorted(rows, reverse=True):
            cells = _address(place.Sheet, row, place.StartColumn, row, place.EndColumn)
            sheet.removeRange(cells, uno.Enum("com.sun.star.sheet.CellDeleteMode", "UP"))
        left = _without_totals(self._open.DatabaseRanges.getByName(name))
        wanted = area[2] - len(rows)
        if left.EndRow != wanted or left.StartRow != area[0]:
            self._resize(name, place, wanted - area[0])

    def _unprotected(self, number: int) -> Any:
        sheet = self._open.Sheets.getByIndex(number)
        if sheet.isProtected():  # it would do nothing, and tell nothing
            raise Protected(sheet.Name)
        return sheet

    def _unmoved(self, table: str, area: list[int]) -> tuple[str, Any]:
        found = self._range(table)
        if found is None:
            raise Missing(table)
        if _corners(found[1]) != area:
            raise Moved(table)
        return found

    def _resize(self, name: str, place: Any, rows: int) -> None:
        found = self._open.DatabaseRanges.getByName(name)
        last = place.StartRow + rows + int(found.TotalsRow)
        area = _address(place.Sheet, place.StartRow, place.StartColumn, last, place.EndColumn)
        with _Unrecorded(self._open):
            found.DataArea = area

    def _write_rows(self, sheet: Any, row: int, column: int, rows: list[list[Any]]) -> None:
        width = len(rows[0])
        step = max(1, MOST_CELLS // width)
        for first in range(0, len(rows), step):
            part = tuple(tuple(map(_stored, each)) for each in rows[first : first + step])
            top = row + first
            cells = sheet.getCellRangeByPosition(column, top, column + width - 1, top + len(part) - 1)
            try:
                with _Unrecorded(self._open):
                    cells.setDataArray(part)
            except RuntimeException as error:
                if sheet.isProtected():
                    raise Protected(sheet.Name) from error
                raise

    # --- charts, pivots, buttons ---

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
                    with _Unrecorded(self._open):
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
            with _Unrecorded(self._open):
                for shape, model in _controls(sheet.DrawPage):
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

    def _sheets(self) -> list[Any]:
        sheets = self._open.Sheets
        return [sheets.getByIndex(number) for number in range(sheets.Count)]


class _Unrecorded:
    """Keeps what is written from the user's list of Undo. Writing itself may end the lock, and so does leaving."""

    def __init__(self, document: Any) -> None:
        self._manager = document.UndoManager

    def __enter__(self) -> None:
        self._manager.lock()

    def __exit__(self, *exception: object) -> None:
        self._manager.unlock()


def _address(sheet: int, top: int, left: int, bottom: int, right: int) -> Any:
    return CellRangeAddress(sheet, left, top, right, bottom)


def _without_totals(table: Any) -> Any:
    """The area of a table with its header and without its row of totals."""
    area = table.DataArea
    area.EndRow -= int(table.TotalsRow)
    return area


def _corners(area: Any) -> list[int]:
    return [area.StartRow, area.StartColumn, area.EndRow, area.EndColumn]


def _rows(cells: Any) -> list[list[Any]]:
    """What cells hold, as JSON can tell it."""
    held = cells.getDataArray()
    found = [[None if cell == "" else cell for cell in row] for row in held]
    for row, values in enumerate(held):
        if None in values:  # an error
            for column, value in enumerate(values):
                if value is None:
                    found[row][column] = {"error": cells.getCellByPosition(column, row).String}
    return found


def _stored(value: Any) -> Any:
    """A value as `setDataArray` takes it, which reads no text as anything else."""
    if value is None:
        return ""
    return float(value) if isinstance(value, (int, float)) else value


def _path(url: str) -> str:
    return str(uno.fileUrlToSystemPath(url)) if url.startswith("file:") else url


def _compute(pivot: Any, source: Any, design: dict[str, Any]) -> None:
    before = pivot.SourceRange
    if before.Sheet != source.Sheet or _corners(before) != _corners(source):
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


def _sort(form: Any) -> int:
    """The sort of a number format; LibreOffice takes a duration for a time of day."""
    sort = int(form.Type)
    return sort | DURATION if sort & TIME and ELAPSED.search(form.FormatString) else sort


def _day(date: Any) -> list[int]:
    return [date.Year, date.Month, date.Day]


def _controls(page: Any) -> list[tuple[Any, Any]]:
    """The shapes of a sheet that are controls, each with its model."""
    shapes = [page.getByIndex(number) for number in range(page.Count)]
    return [
        (shape, shape.Control)
        for shape in shapes
        if shape.supportsService("com.sun.star.drawing.ControlShape")
    ]


def _answer(office: Office, request: dict[str, Any]) -> dict[str, Any]:
    asked = {key: value for key, value in request.items() if key not in ("id", "do")}
    try:
        return {"id": request["id"], "is": office.do(request["do"], asked)}
    except Moved as error:
        return {"id": request["id"], "error": "moved", "message": str(error)}
    except Missing as error:
        return {"id": request["id"], "error": "missing", "message": str(error)}
    except Protected as error:
        return {"id": request["id"], "error": "protected", "message": str(error)}
    except Gone as error:
        return {"id": request["id"], "error": "gone", "message": str(error)}
    except Exception as error:  # noqa: BLE001 - the edge of this process: whoever asked hears of it
        name = type(error).__name__.rpartition(".")[2]
        # A bridge that breaks in mid-call tells a plain RuntimeException.
        gone = name in GONE or "disposed" in str(error) or "bridge" in str(error)
        return {
            "id": request["id"],
            "error": "gone" if gone else "refused",
            "message": name + ": " + (getattr(error, "Message", "") or str(error)),
        }


def main(kind: type[Office] = Office) -> None:
    """Answer until nobody asks any more."""
    teller = Teller(sys.stdout.buffer)
    # What some library prints must not come between the lines.
    sys.stdout = sys.stderr
    office = kind(teller)
    teller.tell({"event": "ready", "python": sys.version.split()[0]})
    for line in sys.stdin.buffer:
        teller.tell(_answer(office, json.loads(line)))
    office.leave()


if __name__ == "__main__":
    main()
