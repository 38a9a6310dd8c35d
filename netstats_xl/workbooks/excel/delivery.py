"""Brings what waits in the mailbox to the sheets: one table, cell or pivot at a time."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from netstats_xl.domain.views import TableSpec
from netstats_xl.errors import WorkbookError
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.excel.busy import Com, Patience
from netstats_xl.workbooks.excel.escaping import block_to_write, escaped
from netstats_xl.workbooks.excel.faults import Refused
from netstats_xl.workbooks.excel.large import Left
from netstats_xl.workbooks.excel.tables import LiveTable, Places, below, block_of
from netstats_xl.workbooks.live.plan import Plan, Present, plan_output, plan_typed
from netstats_xl.workbooks.live.updates import CellUpdate, TableUpdate, Update
from netstats_xl.workbooks.live.values import raw_key
from netstats_xl.workbooks.xlsx_parts import Area

MOST_CALLS = 10
"""A refresh of a table takes no more calls than this; what is left to do is done in the next tick."""
IN_VAIN_S = 15
"""What did not change the cells, whatever the reason, is not written again for so long: each write costs the Undo."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The workbook, for one tick."""

    sheets: Com
    names: Com

    @classmethod
    def of(cls, book: Com) -> "Target":
        """What every update of a tick begins with."""
        return cls(sheets=book.get("Worksheets"), names=book.get("Names"))


class Delivery:
    """Writes updates; remembers what it needs to write little, as plain data."""

    def __init__(self, places: Places, pivots_every_s: float) -> None:
        self._places = places
        self._pivots_every_s = pivots_every_s
        self._stale: dict[str, Sequence[tuple[str, str]]] = {}
        """Pivots whose source changed, by its name."""
        self._refreshed_at: dict[str, float] = {}
        self._written: dict[str, tuple[Plan, float]] = {}
        """What was written last, and when, by the table's name."""
        self._left: dict[str, Left] = {}
        """Large tables, by name."""
        self.problems: dict[Hashable, str] = {}
        """What cannot be shown as it should, by what it is about."""

    def deliver(self, target: Target, update: Update, patience: Patience, now: float) -> bool:
        """Make a table or cell show what it shall; False: not yet all of it. `now` is monotonic.

        Raises:
            WorkbookBusy, WorkbookClosed: it is to be tried again.
            WorkbookError: it cannot be shown.
        """
        if isinstance(update, CellUpdate):
            self._write_cell(target.names, update)
            return True
        first = patience.calls
        table = self._places.find(target.sheets, update.spec.name, update.sheet)
        if table is None and update.spec.optional:
            return True
        if table is None:
            raise WorkbookError(
                f"The workbook has no table {update.spec.name} any more: undo its removal, "
                "or start again from a new workbook."
            )
        return self._write_table(table, update, patience, first, now)

    def _write_cell(self, names: Com, update: CellUpdate) -> None:
        try:
            cell = names.act("Item", update.name).get("RefersToRange")
        except Refused as error:
            raise WorkbookError(
                f"The workbook has no cell named {update.name} any more: undo its removal, "
                "or start again from a new workbook."
            ) from error
        if raw_key(cell.get("Value2")) != raw_key(update.value):
            cell.put("Value2", escaped(update.value))

    def _write_table(
        self, table: LiveTable, update: TableUpdate, patience: Patience, first: int, now: float
    ) -> bool:
        spec, place = update.spec, table.place()
        left = self._left.pop(spec.name, None)
        if left is not None and left.trusted(place, now) and (plan := left.plan(spec, update.columns)):
            return self._write_as_left(table, update, left, plan)
        present_rows = place.last_row - place.first_row
        typed = any(column.typed for column in spec.columns)
        wanted_rows = 0 if typed else len(update.columns[0])
        if spec.room:
            wanted_rows = min(wanted_rows, spec.room)
        area = below(place, max(0, wanted_rows - present_rows))
        cells = table.range(area)
        block = block_of(cells)
        present = Present.of(block[: present_rows + 1])
        if typed:
            plan = plan_typed(spec, present, update.columns, update.keys)
        else:
            capacity = present_rows + _free_rows(spec, present, block[present_rows + 1 :])
            plan = plan_output(spec, present, update.columns, capacity=capacity)
        self._note_left_out(update, plan)
        before, at = self._written.get(spec.name, (None, now))
        if plan == before and now - at < IN_VAIN_S:
            return True
        if not self._carry_out(table, place, area, cells, plan, patience, first + MOST_CALLS):
            return False
        if not plan.empty:
            self._written[spec.name] = plan, now
            self._note_changed(update)
        if not typed and (now_left := Left.after(place, present, plan, now)):
            self._left[spec.name] = now_left
        return True

    def _write_as_left(self, table: LiveTable, update: TableUpdate, left: Left, plan: Plan) -> bool:
        """Write into a large table without reading all of it; False: it is to be read after all."""
        for rectangle in plan.writes:
            cells = left.cells(table, rectangle)
            if cells is None:
                return False
            cells.put("Value2", block_to_write(rectangle))
            self._note_changed(update)
        self._left[update.spec.name] = left.carried_out(plan)
        return True

    def _note_changed(self, update: TableUpdate) -> None:
        if update.pivots:
            self._stale[update.spec.name] = [(sheet, pivot.name) for sheet, pivot in update.pivots]

    def _note_left_out(self, update: TableUpdate, plan: Plan) -> None:
        key = "room", update.spec.name
        self.problems.pop(key, None)
        if plan.left_out:
            self.problems[key] = (
                f"The table {update.spec.name} has no room for {plan.left_out} of its rows: "
                "clear the cells below it."
            )

    def _carry_out(
        self,
        table: LiveTable,
        place: Area,
        area: Area,
        cells: Com,
        plan: Plan,
        patience: Patience,
        limit: int,
    ) -> bool:
        """Grow, write, shrink, in this order, so that no row is lost on the way; False: more is to be done."""
        present_rows = place.last_row - place.first_row
        target = place if plan.rows is None else _with_rows(place, plan.rows)
        if plan.rows is not None and plan.rows > present_rows:
            table.table.do("Resize", cells if target == area else table.range(target), writes=True)
        for rectangle in plan.writes:
            if patience.calls + 2 > limit:
                return False
            table.range(rectangle.within(place)).put("Value2", block_to_write(rectangle))
        if plan.rows is not None and plan.rows < present_rows:
            if patience.calls + 2 > limit:
                return False
            table.table.do("Resize", table.range(target), writes=True)
        return True

    def pivots_due_in(self, now: float) -> float | None:
        """In how many seconds a pivot is to be computed anew; None: no source changed."""
        return min((self._due_in(source, now) for source in self._stale), default=None)

    def _due_in(self, source: str, now: float) -> float:
        refreshed_at = self._refreshed_at.get(source)
        return 0 if refreshed_at is None else max(0, refreshed_at + self._pivots_every_s - now)

    def refresh_pivots(self, target: Target, now: float) -> None:
        """Compute pivots anew whose source changed, if it is time.

        Pivots over one source share what they hold: one is computed for all.
        """
        for source in [each for each in self._stale if not self._due_in(each, now)]:
            pivot = _pivot(target.sheets, self._stale[source])
            if pivot is not None:
                pivot.act("RefreshTable", writes=True)
            self._refreshed_at[source] = now
            del self._stale[source]

    def forget(self) -> None:
        """Another workbook, or the same one opened again, is shown from now on."""
        self._refreshed_at.clear()
        self._written.clear()
        self._left.clear()


def _free_rows(spec: TableSpec, present: Present, beyond: Sequence[Sequence[object]]) -> int:
    """How many rows below the table are blank where its columns would grow."""
    positions = present.positions()
    ours = [positions.get(normalised(column.header)) for column in spec.columns]
    taken = (
        number
        for number, row in enumerate(beyond)
        if any(row[position] is not None for position in ours if position is not None)
    )
    return next(taken, len(beyond))


def _with_rows(place: Area, rows: int) -> Area:
    return Area(place.first_row, place.first_column, place.first_row + rows, place.last_column)


def _pivot(sheets: Com, pivots: Sequence[tuple[str, str]]) -> Com | None:
    """The first of the pivots that the workbook has; a sheet may have been renamed."""
    for sheet_name, name in pivots:
        try:
            found: Com = sheets.do("Item", sheet_name).act("PivotTables", name)
        except Refused:
            continue
        return found
    for number in range(1, sheets.get("Count") + 1):
        sheet = sheets.do("Item", number)
        for _, name in pivots:
            try:
                found = sheet.act("PivotTables", name)
            except Refused:
                continue
            return found
    return None
