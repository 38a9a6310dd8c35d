"""Brings what waits in the mailbox to the sheets: one table at a time, and all named cells together."""

from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import Any, Protocol

from netstats_xl.domain.views import ChartSpec, PivotSpec, PivotValue, TableSpec, WorkbookView
from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.sheets import normalised
from netstats_xl.workbooks.libreoffice.cells import Cells
from netstats_xl.workbooks.libreoffice.child import Missing, Moved, protected
from netstats_xl.workbooks.live.plan import Plan, Present, Rectangle, plan_output, plan_typed
from netstats_xl.workbooks.live.updates import CellUpdate, TableUpdate, Update
from netstats_xl.workbooks.live.values import Cell

IN_VAIN_S = 15
"""What did not change the cells, whatever the reason, is not written again for so long."""

CHART_TITLES = "chart titles"
"""What a mailbox knows them by."""

Titles = Mapping[str, str]
"""By the chart's name."""


class Ask(Protocol):
    """Asks `uno_side`, attached to the workbook."""

    def __call__(self, what: str, /, **asked: Any) -> Any:
        """The answer."""
        ...


def titles_of(view: WorkbookView) -> Titles:
    """The titles of charts that stand in cells of the view."""
    return {
        block.name: str(view.cells[block.title_cell] or "")
        for sheet in view.spec.sheets
        for block in sheet.blocks
        if isinstance(block, ChartSpec) and block.title_cell is not None and block.title_cell in view.cells
    }


class Delivery:
    """Writes updates; remembers what it needs to write little, as plain data."""

    def __init__(self, pivots_every_s: float, monotonic: Callable[[], float]) -> None:
        """Pivots are computed anew where their source changed, at most every `pivots_every_s`."""
        self._pivots_every_s = pivots_every_s
        self._monotonic = monotonic
        self._stale: dict[str, Sequence[PivotSpec]] = {}
        """Pivots whose source changed, by its name."""
        self._refreshed_at: dict[str, float] = {}
        self._written: dict[str, tuple[Plan, float]] = {}
        self._titles: dict[str, str] = {}
        self.problems: dict[Hashable, str] = {}
        """What cannot be shown as it should, by what it is about."""

    def deliver(
        self, ask: Ask, messages: dict[Hashable, Update | Titles], may_go_on: Callable[[], bool]
    ) -> None:
        """Take out of the messages what is shown now, or cannot be shown; `may_go_on` is asked before each.

        Raises:
            WorkbookBusy, WorkbookClosed: what is left is to be tried again.
        """
        self._put_cells(ask, messages)
        for key, update in list(messages.items()):
            if not may_go_on():
                return
            try:
                if isinstance(update, TableUpdate):
                    self._write_table(ask, update)
                elif isinstance(update, Mapping):
                    self._write_titles(ask, update)
            except (WorkbookBusy, WorkbookClosed):
                raise
            except Moved:
                continue  # read anew the next time
            except WorkbookError as error:
                self.problems[key] = error.message
            else:
                self.problems.pop(key, None)
            del messages[key]
        self._refresh_pivots(ask)

    def forget(self) -> None:
        """Another document, or the same one opened again, is shown from now on."""
        self._refreshed_at.clear()
        self._written.clear()
        self._titles.clear()

    def _put_cells(self, ask: Ask, messages: dict[Hashable, Update | Titles]) -> None:
        cells = {key: each for key, each in messages.items() if isinstance(each, CellUpdate)}
        if not cells:
            return
        left = ask("put", cells={each.name: _stored(each.value) for each in cells.values()})
        for key, each in cells.items():
            self.problems.pop(key, None)
            if each.name in left["missing"]:
                self.problems[key] = (
                    f"The workbook has no cell named {each.name} any more: undo its removal, "
                    "or start again from a new workbook."
                )
            elif each.name in left["protected"]:
                self.problems[key] = protected(left["protected"][each.name])
            del messages[key]

    def _write_titles(self, ask: Ask, titles: Titles) -> None:
        changed = {name: title for name, title in titles.items() if self._titles.get(name) != title}
        if changed:
            ask("charts", titles=changed)
            self._titles |= changed

    def _write_table(self, ask: Ask, update: TableUpdate) -> None:
        spec, typed = update.spec, bool(update.keys)
        wanted = 0 if typed else len(update.columns[0]) if update.columns else 0
        if spec.room:
            wanted = min(wanted, spec.room)
        answer = ask("read", table=spec.name, far=0, rows=wanted, formats=False)
        if answer is None:
            if spec.optional:
                return
            raise WorkbookError(
                f"The workbook has no table {spec.name} any more: undo its removal, "
                "or start again from a new workbook."
            )
        cells = Cells.told(answer)
        present = Present.of([cells.headers, *cells.body])
        columns = [[_stored(value) for value in column] for column in update.columns]
        if typed:
            plan = plan_typed(spec, present, columns, update.keys)
        else:
            capacity = present.rows + _free_rows(spec, present, cells, wanted)
            plan = plan_output(spec, present, columns, capacity=capacity)
        self._note_left_out(spec, plan)
        now = self._monotonic()
        before, at = self._written.get(spec.name, (None, now))
        if plan.empty or (plan == before and now - at < IN_VAIN_S):
            return
        try:
            ask(
                "write",
                table=spec.name,
                area=cells.area,
                **_resizes(plan, present.rows),
                blocks=_blocks(plan, cells),
            )
        except Missing:
            return  # the user took it away meanwhile, and the next push tells
        self._written[spec.name] = plan, now
        if update.pivots:
            self._stale[spec.name] = [pivot for _, pivot in update.pivots]

    def _note_left_out(self, spec: TableSpec, plan: Plan) -> None:
        key = "room", spec.name
        self.problems.pop(key, None)
        if plan.left_out:
            self.problems[key] = (
                f"The table {spec.name} has no room for {plan.left_out} of its rows: clear the cells below it."
            )

    def pivots_due_in(self) -> float | None:
        """In how many seconds a pivot is to be computed anew; None: no source changed."""
        return min(map(self._due_in, self._stale), default=None)

    def _due_in(self, source: str) -> float:
        refreshed_at = self._refreshed_at.get(source)
        return 0 if refreshed_at is None else max(0, refreshed_at + self._pivots_every_s - self._monotonic())

    def _refresh_pivots(self, ask: Ask) -> None:
        for source in [each for each in self._stale if not self._due_in(each)]:
            self._refreshed_at[source] = self._monotonic()
            try:
                ask("refresh", table=source, pivots=list(map(_laid_out, self._stale[source])))
            except (WorkbookBusy, WorkbookClosed):
                del self._refreshed_at[source]
                raise
            except Missing:
                del self._stale[source]  # the user took it away meanwhile
            except WorkbookError as error:
                self.problems["pivots", source] = error.message
            else:
                self.problems.pop(("pivots", source), None)
                del self._stale[source]


def _stored(value: Cell) -> Cell:
    """As LibreOffice gives it back: a flag is a number with a format."""
    return float(value) if isinstance(value, bool) else value


def _laid_out(pivot: PivotSpec) -> Mapping[str, object]:
    """As `uno_side` takes it. LibreOffice has no calculated fields, so ratios are left out."""
    return {
        "name": pivot.name,
        "rows": pivot.rows,
        "columns": pivot.columns,
        "filters": pivot.filters,
        "values": [
            [each.column, each.aggregate.name, each.caption]
            for each in pivot.values
            if isinstance(each, PivotValue)
        ],
    }


def _resizes(plan: Plan, present_rows: int) -> Mapping[str, int | None]:
    """It grows first and shrinks last, so that no row is lost on the way."""
    grows = plan.rows is not None and plan.rows > present_rows
    return {"before": plan.rows if grows else None, "after": None if grows else plan.rows}


def _blocks(plan: Plan, cells: Cells) -> list[list[object]]:
    def block(rectangle: Rectangle) -> list[object]:
        rows = [list(map(_writable, row)) for row in zip(*rectangle.columns, strict=True)]
        return [cells.top + rectangle.top, cells.left + rectangle.left, rows]

    return [block(rectangle) for rectangle in plan.writes]


def _writable(value: object) -> Cell:
    """What another cell held is written as it was, but for an error, which becomes blank."""
    return value if value is None or isinstance(value, str | float) else None


def _free_rows(spec: TableSpec, present: Present, cells: Cells, wanted: int) -> int:
    """How many rows below the table are blank where its columns would grow."""
    positions = present.positions()
    ours = [positions.get(normalised(column.header)) for column in spec.columns]
    taken = (
        number
        for number, row in enumerate(cells.beyond)
        if any(row[position] is not None for position in ours if position is not None)
    )
    return next(taken, max(0, wanted - present.rows))
