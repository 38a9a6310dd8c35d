"""The user sorts, moves, inserts, renames and types while pushes run: his cells stay his."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from netstats_xl.domain.tables import CellValue, RawTable
from netstats_xl.errors import WorkbookBusy
from netstats_xl.sheets import normalised
from tests.excel_double import BUSY, windows_engine
from tests.workbooks.excel.live import RANKED, RUNS, TYPED, Live, book_in, live, view

Cells = dict[tuple[str, int, int], object]

NAMES = st.sampled_from(["a", "b", "=c", "'d", "007", "-1", "MAR1", "e"])
HOSTS = st.sampled_from(["::1", "10.0.0.1", "=cmd|' /C calc'!A0", None])
OURS = {
    spec.name: {normalised(c.header) for c in spec.columns if not c.typed} for spec in (TYPED, RUNS, RANKED)
}


class UserAtWork(RuleBasedStateMachine):
    """Actions of the user between pushes, in any order."""

    @initialize(rows=st.lists(st.tuples(NAMES, HOSTS), min_size=1, max_size=5), late=st.booleans())
    def open(self, rows: list[tuple[str, str | None]], late: bool) -> None:
        self.stack = ExitStack()
        engine = self.stack.enter_context(windows_engine("late" if late else "early"))
        self.bench: Live = self.stack.enter_context(
            live(engine, destinations=[tuple(_typed(value) for value in row) for row in rows])
        )
        self.user, self.sheets, self.count = self.bench.user, 0, 0
        self.user.type(self.bench.book.sheet("Mine"), "B2:C3", [["mine", 1.0], ["'=too", 2.0]])
        self.read = self._read()

    def teardown(self) -> None:
        self.stack.close()

    @property
    def _table(self):  # type: ignore[no-untyped-def]  # what the double gives
        return self.bench.book.table("Destinations")

    def _read(self) -> RawTable:
        return self.bench.workbook.read(["Destinations"])["Destinations"]

    def _wanted(self, raw: RawTable) -> list[tuple[CellValue, ...]]:
        """What the live view shows for what was read: the typed cells, and a status made of them."""
        rows: list[tuple[CellValue, ...]] = []
        for row in raw.rows:
            typed = [row.cells.get(c.header) for c in TYPED.columns if c.typed]
            if any(value is not None for value in typed):
                rows.append((*typed, _status(typed[0], typed[1]), float(self.count), f"id {typed[0]}"))
        return rows

    def _snapshot(self) -> Cells:
        """Every cell that is not the adapter's to write."""
        book, ours = self.bench.book, set[tuple[str, int, int]]()
        for name, headers in OURS.items():
            table = book.table(name)
            body = table.body
            depth = 60 if name != "Destinations" else 0  # output tables grow and shrink
            for offset, header in enumerate(table.headers):
                if normalised(header) in headers:
                    rows = range(body.top, max(body.bottom, body.top + depth) + 1)
                    ours |= {(table.sheet.name, row, body.left + offset) for row in rows}
        cell = book.defined_name("NetStats_state").refers_to
        return {
            (sheet.name, row, column): (cell_.value, cell_.formula)
            for sheet in book.sheets
            for (row, column), cell_ in sheet.cells.items()
            if (sheet.name, row, column) not in ours
            and not (not isinstance(cell, str) and cell.sheet is sheet and cell.rect is not None
                     and cell.rect.holds(row, column))
        }  # fmt: skip

    def _push(self, raw: RawTable, *, flush: bool = True) -> None:
        self.count += 1
        before = self._snapshot()
        shown = view(
            {"NetStats_state": f"=state {self.count}"},
            Destinations=self._wanted(raw),
            Runs=[(None, "=job", float(n)) for n in range(self.count % 6)],
            Ranked=[(f"n{n}", float(self.count)) for n in range(self.count % 4)],
        )
        self.bench.workbook.publish(shown)
        if flush:
            assert self.bench.workbook.flush(10)
        assert self._snapshot() == before

    # --- the companion ---

    @rule()
    def read_and_push(self) -> None:
        self.read = self._read()
        self._push(self.read)
        for row in self._rows():
            if any(value is not None for value in row[:4]):
                assert (row[4], row[5]) == (_status(row[0], row[1]), float(self.count))
            else:
                assert row[4:7] == (None, None, None)

    @rule()
    def push_what_was_read_before(self) -> None:
        known = [row[:2] for row in self._wanted(self.read)]
        before = list(self._rows())
        self._push(self.read)
        for old, new in zip(before, self._rows(), strict=True):
            if new[4] == old[4]:
                continue
            # A status that changed is that of the row that it stands in.
            blank = all(value is None for value in new[:4])
            assert new[4] == (None if blank else _status(new[0], new[1]))
            assert blank or (new[0], new[1]) in known

    @rule()
    def the_revision_is_asked_for(self) -> None:
        self.bench.workbook.note_change()
        first = self.bench.workbook.revision()
        self._push(self.read)
        self.bench.workbook.note_change()
        assert self.bench.workbook.revision() == first

    # --- the user ---

    @rule(header=st.sampled_from(["Name", "Host", "Status", "Last RTT (ms)"]), descending=st.booleans())
    def sort(self, header: str, descending: bool) -> None:
        self.user.sort(self._table, header, descending=descending)

    @rule(which=st.sampled_from(["Ranked", "Runs"]), data=st.data())
    def sort_an_output(self, which: str, data: st.DataObject) -> None:
        table = self.bench.book.table(which)
        self.user.sort(table, data.draw(st.sampled_from(table.headers)))

    @rule(data=st.data())
    def move_a_column(self, data: st.DataObject) -> None:
        headers = self._table.headers
        header, before = data.draw(st.permutations(headers).map(lambda each: each[:2]))
        self.user.move_column(self._table, header, before)

    @rule(row=st.integers(1, 4), sheet=st.integers(0, 4))
    def insert_rows_on_a_sheet(self, row: int, sheet: int) -> None:
        self.user.insert_rows(self.bench.book.sheets[sheet], 1, row)

    @precondition(lambda self: len(self._table.headers) < 10)
    @rule(formula=st.booleans())
    def add_a_column(self, formula: bool) -> None:
        rows = self._table.row_count
        self.sheets += 1
        self.user.add_column(self._table, f"Own {self.sheets}", ["=1+1" if formula else "own"] * rows)

    @rule()
    def rename_a_sheet(self) -> None:
        self.sheets += 1
        self.user.rename_sheet(self._table.sheet, f"Renamed {self.sheets}")

    @rule(sheet=st.integers(0, 4))
    def move_a_table(self, sheet: int) -> None:
        self.count += 1
        self.user.move_table(
            self.bench.book.table("Ranked"), self.bench.book.sheets[sheet], 200 * self.count, 20
        )

    @rule(name=NAMES, host=HOSTS, at=st.integers(1, 3))
    def insert_a_row(self, name: str, host: str | None, at: int) -> None:
        number = min(at, self._table.row_count + 1)
        self.user.add_row(self._table, [None], at=number)
        self._type(number, name, host)

    @precondition(lambda self: self._table.row_count > 1)
    @rule(data=st.data())
    def delete_a_row(self, data: st.DataObject) -> None:
        self.user.delete_row(self._table, data.draw(st.integers(1, self._table.row_count)))

    @rule(name=st.none() | NAMES, host=HOSTS, data=st.data())
    def type_into_a_row(self, name: str | None, host: str | None, data: st.DataObject) -> None:
        self._type(data.draw(st.integers(1, self._table.row_count)), name, host)

    def _type(self, number: int, name: str | None, host: str | None) -> None:
        table = self._table
        for header, value in (("Name", name), ("Host", host)):
            row, left = table.body.top + number - 1, table.column_rect(header).left
            cell = table.sheet.range(_address(row, left))
            self.user.type(table.sheet, _address(row, left), _typed(value))
            assert cell is not None

    @rule()
    def copy_and_be_left_alone(self) -> None:
        # Between two turns: one that has begun to write cannot know.
        self.bench.workbook._thread.call(lambda _: self.user.copy(self.bench.book.sheet("Mine"), "B2"), 10)
        before = self.bench.book.sheet("Mine").cells.copy()
        self.bench.workbook.publish(view({"NetStats_state": "copying"}))
        self.bench.workbook.flush(0.002)
        assert self.bench.excel.cut_copy_mode
        assert self.bench.book.sheet("Mine").cells == before
        self.bench.excel.cut_copy_mode = 0

    @rule(number=st.integers(0, len(BUSY) - 1))
    def stay_in_a_cell(self, number: int) -> None:
        self.user.start_editing(BUSY[number], reads_too=bool(number % 2))
        before = self._snapshot()
        self.bench.workbook.publish(view({"NetStats_state": "editing"}))
        try:
            self.bench.workbook.read(["Destinations"])
            self.bench.workbook.flush(0.002)
        except WorkbookBusy:
            pass
        assert self._snapshot() == before
        self.user.finish()

    @rule()
    def close_and_open_again(self) -> None:
        rows = [row[:4] for row in self._rows()]
        self.user.close(self.bench.book)
        self.bench.workbook.publish(view(Ranked=[("while closed", 1.0)]))
        assert not self.bench.workbook.flush(1)
        with self.bench.excel.lock:  # a workbook is not seen before it is open
            self.bench.book = book_in(
                self.bench.excel, destinations=[tuple(map(_typed, row)) for row in rows]
            )
            self.user.type(self.bench.book.sheet("Mine"), "B2:C3", [["mine", 1.0], ["'=too", 2.0]])
        assert self.bench.workbook.flush(5)
        assert self.bench.rows("Ranked") == [("while closed", 1.0)]
        self.read = self._read()

    # --- what holds at all times ---

    @invariant()
    def no_text_became_a_formula_and_his_cells_are_there(self) -> None:
        formulas = [
            cell.formula
            for sheet in self.bench.book.sheets
            for cell in sheet.cells.values()
            if cell.formula is not None
        ]
        assert set(formulas) <= {"=1+1"}
        mine = (
            {cell.value for cell in self.bench.book.sheet("Mine").cells.values()} if self._has_mine else set()
        )
        assert not self._has_mine or {"mine", "=too"} <= mine

    @property
    def _has_mine(self) -> bool:
        return any(sheet.name == "Mine" for sheet in self.bench.book.sheets)

    @invariant()
    def nothing_of_excel_is_held(self) -> None:
        assert self.bench.held() == 0

    def _rows(self) -> Iterator[tuple[object, ...]]:
        """The rows of Destinations with the columns in the design's order."""
        table = self._table
        order = [[normalised(h) for h in table.headers].index(normalised(c.header)) for c in TYPED.columns]
        for row in self.bench.rows("Destinations"):
            yield tuple(row[position] for position in order)


def _typed(value: object) -> object:
    """As a user types text that he does not want to be taken for anything else."""
    return "'" + value if isinstance(value, str) else value


def _status(name: object, host: object) -> str:
    return f"={name}@{host}"


def _address(row: int, column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return f"{letters}{row}"


@pytest.mark.untraced
def test_whatever_the_user_does_his_cells_stay_his() -> None:
    run_state_machine_as_test(
        UserAtWork,
        settings=settings(
            max_examples=40, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
        ),
    )
