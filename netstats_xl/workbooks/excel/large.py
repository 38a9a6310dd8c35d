"""Large tables: what they were left with, so that Excel need not stop to hand over all of it at every push."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from netstats_xl.domain.views import TableSpec
from netstats_xl.workbooks.excel.busy import Com
from netstats_xl.workbooks.excel.tables import LiveTable
from netstats_xl.workbooks.live.plan import Plan, Present, Rectangle, plan_output
from netstats_xl.workbooks.live.values import Cell
from netstats_xl.workbooks.xlsx_parts import Area

LARGE = 10_000
"""So many cells are worth the trouble."""
TRUSTED_S = 600
"""As long as this nobody looks whether the user changed a cell that is not to be written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A table as a push left it."""

    place: Area
    present: Present
    read_at: float

    @classmethod
    def after(cls, place: Area, present: Present, plan: Plan, now: float) -> "Left | None":
        """What a plan left of a table that was read; None: it is small, or got another size."""
        if plan.rows is not None or plan.left_out or present.rows * len(present.columns) < LARGE:
            return None
        return cls(place=place, present=_carried_out(present, plan), read_at=now)

    def trusted(self, place: Area, now: float) -> bool:
        """Whether the table may be taken to be as it was left."""
        return self.place == place and now - self.read_at < TRUSTED_S

    def plan(self, spec: TableSpec, wanted: Sequence[Sequence[Cell]]) -> Plan | None:
        """What to do if it is; None: more than a rectangle within it."""
        plan = plan_output(spec, self.present, wanted, capacity=self.present.rows)
        if plan.rows is not None or plan.left_out or len(plan.writes) > 1:
            return None
        return plan

    def cells(self, table: LiveTable, rectangle: Rectangle) -> Com | None:
        """The rectangle's cells, if they and the header hold what they were left with. Four calls.

        A table that the user sorted, or whose columns he moved, does not.
        """
        place = self.place
        header = Area(place.first_row, place.first_column, place.first_row, place.last_column)
        if _rows(table.range(header).get("Value2")) != [tuple(self.present.headers)]:
            return None
        cells = table.range(rectangle.within(place))
        top, bottom = rectangle.top - 1, rectangle.top - 1 + len(rectangle.columns[0])
        columns = self.present.columns[rectangle.left : rectangle.left + len(rectangle.columns)]
        expected = list(zip(*(column[top:bottom] for column in columns), strict=True))
        return cells if _rows(cells.get("Value2")) == expected else None

    def carried_out(self, plan: Plan) -> "Left":
        """As the plan leaves it."""
        return replace(self, present=_carried_out(self.present, plan))


def _rows(block: object) -> list[tuple[object, ...]]:
    """The rows of a block, be it of a single cell."""
    return [tuple(row) for row in block] if isinstance(block, tuple) else [(block,)]


def _carried_out(present: Present, plan: Plan) -> Present:
    columns = list(present.columns)
    for rectangle in plan.writes:
        for position, values in enumerate(rectangle.columns, start=rectangle.left):
            changed = list(columns[position])
            changed[rectangle.top - 1 : rectangle.top - 1 + len(values)] = values
            columns[position] = changed
    return replace(present, columns=columns)
