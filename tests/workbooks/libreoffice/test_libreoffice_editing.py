"""Edits of the user's tables in LibreOffice, as steps: into the very rows that were read."""

import pytest

from netstats_xl.domain.tables import RowEdits
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.workbooks.libreoffice.cells import Cells
from netstats_xl.workbooks.libreoffice.editing import (
    LAST_ROW,
    Steps,
    edit_steps,
    id_steps,
    known_of,
    refuse_moved,
)
from tests.workbooks.libreoffice.told import cells

TYPED, OURS = {"name", "host"}, {"status", "id"}
A, B, BLANK = ("a", "h1", "Up", "1"), ("b", "h2", "Up", "2"), (None, None, None, None)


def steps(table: Cells, edits: RowEdits, free_below: int = 1_000) -> Steps:
    return edit_steps(table, edits, typed=TYPED, ours=OURS, free_below=free_below)


def write(
    table: Cells, *blocks: list[object], area: list[int] | None = None, before: int | None = None
) -> object:
    asked = {
        "table": table.name,
        "area": area or table.area,
        "before": before,
        "blocks": [*blocks],
        "after": None,
    }
    return "write", asked


def test_of_a_row_only_the_named_cells_are_written() -> None:
    table = cells(A, B, top=3, left=1)
    found = steps(table, RowEdits(replace={6: {"host": "::1", "ID": None}}))
    assert found == [write(table, [5, 2, [["::1"]]], [5, 4, [[None]]])]


def test_new_rows_go_into_blank_ones_and_what_is_ours_there_becomes_blank() -> None:
    table = cells(A, (None, None, "stale", None), BLANK)
    found = steps(table, RowEdits(append=({"Name": "c"},)))
    assert found == [write(table, [2, 0, [["c"]]], [2, 2, [[None, None]]])]


def test_a_table_grows_over_blank_cells() -> None:
    table = cells(A)
    grow, fill = steps(table, RowEdits(append=({"Name": "b"}, {"Name": "c"})))
    assert grow == write(table, before=3)
    assert fill[1]["area"] == [0, 0, 3, 3]


def test_rows_that_it_never_took_in_become_its_own_as_it_grows() -> None:
    table = cells(A, beyond=[B])
    grow, fill = steps(table, RowEdits(append=({"Name": "c"},)))
    assert grow == write(table, before=3)
    assert fill[1]["blocks"] == [[3, 0, [["c"]]], [3, 2, [[None, None]]]]


@pytest.mark.parametrize("distance", [1, 2])
def test_what_stands_apart_moves_down_and_is_not_touched(distance: int) -> None:
    table = cells(A, beyond=[*[BLANK] * distance, ("far", None, None, None)])
    grow, _ = steps(table, RowEdits(append=({"Name": "b"}, {"Name": "c"})))
    assert grow == ("insert", {"table": table.name, "area": table.area, "rows": 2})


def test_rows_right_below_stay_before_new_ones_where_others_move_down() -> None:
    table = cells(A, beyond=[B, BLANK, ("far", None, None, None)])
    take_in, insert, fill = steps(table, RowEdits(append=({"Name": "c"}, {"Name": "d"})))
    assert take_in == write(table, before=2)
    assert insert == ("insert", {"table": table.name, "area": [0, 0, 2, 3], "rows": 2})
    assert fill[1]["area"] == [0, 0, 4, 3]


def test_another_table_or_totals_below_move_down() -> None:
    for table, free in ((cells(A), 0), (cells(A, totals=True, beyond=[("Total", None, None, None)]), 100)):
        (what, asked), _ = steps(table, RowEdits(append=({"Name": "b"},)), free_below=free)
        assert (what, asked["rows"]) == ("insert", 1)


def test_rows_are_removed_last_and_those_that_it_never_took_in_are_emptied() -> None:
    table = cells(A, B, beyond=[("c", None, None, None)])
    found = steps(table, RowEdits(remove=(2, 4), replace={3: {"Name": "B"}}))
    assert found == [
        write(table, [2, 0, [["B"]]], [3, 0, [[None] * 4]]),
        ("delete", {"table": table.name, "area": table.area, "rows": [1]}),
    ]


def test_an_unknown_column_is_refused_unless_nothing_is_to_stand_there() -> None:
    with pytest.raises(WorkbookError, match="no column 'Rack'"):
        steps(cells(A), RowEdits(append=({"Rack": 7},)))
    assert steps(cells(A), RowEdits(replace={2: {"Rack": None}})) == []


def test_a_sheet_has_an_end() -> None:
    with pytest.raises(WorkbookError, match="no room"):
        steps(cells(A, top=LAST_ROW - 1), RowEdits(append=({"Name": "b"},)))


def test_ids_are_written_where_there_are_none() -> None:
    table = cells(A, ("b", "h2", None, None), beyond=[("c", None, None, None)])
    assert id_steps(table, {2: "x", 3: "y", 4: "z"}) == [write(table, [2, 3, [["y"]]])]
    assert id_steps(table, {2: "x"}) == []
    assert id_steps(cells(("a",), headers=("Name",)), {2: "x"}) == []


def test_rows_are_known_by_what_was_typed_and_by_their_id() -> None:
    known = known_of(cells(A, B))
    refuse_moved(cells(("a", "h1", "Down", "1"), B), known, TYPED, [2, 3])
    for now in (
        cells(("a", "h9", "Up", "1"), B),
        cells(("a", "h1", "Up", "9"), B),
        cells(B, A),
        cells(A),
        cells(("a", "h1", "Up", "1"), B, headers=("Name", "Renamed", "Status", "ID")),
    ):
        with pytest.raises(WorkbookBusy, match="changed or moved just now"):
            refuse_moved(now, known, TYPED, [2, 3])
    with pytest.raises(WorkbookBusy):
        refuse_moved(cells(A, B), {}, TYPED, [2])


def test_where_nobody_said_what_is_typed_every_cell_counts() -> None:
    known = known_of(cells(A))
    with pytest.raises(WorkbookBusy):
        refuse_moved(cells(("a", "h1", "Down", "1")), known, None, [2])
    assert edit_steps(
        cells((None, None, "x", None), BLANK),
        RowEdits(append=({"Name": "b"},)),
        typed=None,
        ours=(),
        free_below=9,
    ) == [write(cells(BLANK, BLANK), [2, 0, [["b"]]])]
