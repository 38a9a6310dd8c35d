"""What is to be written: pure plans."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.views import Anchor, Column, Kind, TableSpec
from netstats_xl.workbooks.excel.escaping import block_to_write
from netstats_xl.workbooks.live.plan import Plan, Present, plan_output, plan_typed, runs
from netstats_xl.workbooks.live.values import RawCell, value_key

SPEC = TableSpec(
    name="T",
    anchor=Anchor(row=0, column=0),
    columns=(Column(header="Name"), Column(header="Loss (%)", kind=Kind.NUMBER), Column(header="Note")),
)
TYPED = TableSpec(
    name="T",
    anchor=Anchor(row=0, column=0),
    columns=(Column(header="Name", typed=True), Column(header="Host", typed=True), Column(header="Status")),
)
Rows = list[list[RawCell]]


def carried_out(block: Rows, plan: Plan) -> Rows:
    """The block after the plan, as a sheet holds it: apostrophes taken away."""
    rows = [list(row) for row in block]
    while plan.rows is not None and len(rows) <= plan.rows:
        rows.append([None] * len(block[0]))
    for rectangle in plan.writes:
        for down, line in enumerate(block_to_write(rectangle)):
            for right, value in enumerate(line):
                shown = value[1:] if isinstance(value, str) and value.startswith("'") else value
                rows[rectangle.top + down][rectangle.left + right] = shown
    return rows if plan.rows is None else rows[: plan.rows + 1]


def columns(rows: Rows, width: int = 3) -> Rows:
    return [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(width)]


cells = st.none() | st.sampled_from(["a", "b", "=c", 1.0, 0.0, True, False])
blocks = st.integers(0, 6).flatmap(
    lambda count: st.lists(st.lists(cells, min_size=3, max_size=3), min_size=count, max_size=count)
)


@given(present=blocks.filter(bool), wanted=blocks)
def test_a_table_without_a_key_holds_what_is_wanted_afterwards(present: Rows, wanted: Rows) -> None:
    block = [["Name", "Loss (%)", "Note"], *present]
    plan = plan_output(SPEC, Present.of(block), columns(wanted))
    assert carried_out(block, plan)[1:] == (wanted or [[None] * 3])
    again = carried_out(block, plan)
    assert plan_output(SPEC, Present.of(again), columns(wanted)).empty


@given(present=blocks.filter(bool), wanted=blocks, order=st.permutations(range(5)))
def test_the_users_columns_and_the_order_of_columns_stay(
    present: Rows, wanted: Rows, order: list[int]
) -> None:
    full = [["Name", "Loss (%)", "Note", "Mine", "Too"], *([*row, "mine", 5.0] for row in present)]
    block = [[row[position] for position in order] for row in full]
    plan = plan_output(SPEC, Present.of(block), columns(wanted), capacity=len(present))
    after = [[row[order.index(position)] for position in range(5)] for row in carried_out(block, plan)]
    fitting = wanted[: len(present)] or [[None] * 3]
    assert [row[:3] for row in after[1:]] == fitting
    assert all(row[3:] == ["mine", 5.0] for row in after[1:])
    assert plan.left_out == max(0, len(wanted) - len(present))


names = st.lists(st.sampled_from("abcdef"), max_size=6)


@given(present=names.filter(bool), wanted=names)
def test_rows_with_a_key_stay_where_they_are_and_new_ones_follow(
    present: list[str], wanted: list[str]
) -> None:
    spec = replace(SPEC, key="Name")
    block: Rows = [["Name", "Loss (%)", "Note"], *([name, -1.0, "old"] for name in present)]
    rows: Rows = [[name, float(number), None] for number, name in enumerate(wanted)]
    after = carried_out(block, plan_output(spec, Present.of(block), columns(rows)))[1:]
    assert sorted(map(repr, after)) == sorted(map(repr, rows or [[None] * 3]))
    left = wanted.copy()
    stay = []
    for name in present:
        if name in left:
            left.remove(name)
            stay.append(name)
    assert [row[0] for row in after[: len(stay)]] == stay
    assert [row[0] for row in after[len(stay) :] if row[0] is not None] == left


def test_a_key_that_the_sheet_or_the_design_lacks_leaves_the_order_of_the_view() -> None:
    block: Rows = [["Loss (%)"], [1.0], [2.0]]
    for key in ("Name", "Nothing"):
        plan = plan_output(replace(SPEC, key=key), Present.of(block), [["b", "a"], [2.0, 1.0], [None, None]])
        assert carried_out(block, plan) == [["Loss (%)"], [2.0], [1.0]]


rows_typed = st.lists(st.tuples(st.sampled_from(["a", "b", None]), st.sampled_from(["x", None])), max_size=6)


@given(present=rows_typed.filter(bool), wanted=rows_typed)
def test_a_status_stands_beside_the_row_that_it_was_made_for(
    present: list[tuple[str | None, str | None]], wanted: list[tuple[str | None, str | None]]
) -> None:
    block: Rows = [["Status", "Mine", "Host", "Name"], *(["old", 7.0, host, name] for name, host in present)]
    full = [
        [name, host, f"{name}/{host}/{wanted[:n].count((name, host))}"]
        for n, (name, host) in enumerate(wanted)
    ]
    keys = [[value_key(value) for value in column] for column in columns(full)]
    plan = plan_typed(TYPED, Present.of(block), columns(full), keys)
    after = carried_out(block, plan)
    for number, (name, host) in enumerate(present):
        status, *rest = after[number + 1]
        assert rest == [7.0, host, name]
        earlier = present[:number].count((name, host))
        if name is None and host is None:
            assert status is None
        elif wanted.count((name, host)) > earlier:
            assert status == f"{name}/{host}/{earlier}"
        else:
            assert status == "old"


def test_a_sheet_without_any_typed_column_is_left_alone() -> None:
    assert plan_typed(
        TYPED, Present.of([["Status"], ["x"]]), [["a"], ["b"], ["c"]], [["a"], ["b"], [None]]
    ).empty


def test_flags_and_numbers_are_told_apart() -> None:
    block: Rows = [["Name", "Loss (%)", "Note"], [True, 1.0, 0.0]]
    plan = plan_output(SPEC, Present.of(block), [[1.0], [1.0], [False]])
    assert [type(value) for value in carried_out(block, plan)[1]] == [float, float, bool]


def test_only_what_changes_and_what_is_between_is_in_a_rectangle() -> None:
    block: Rows = [["Name", "Loss (%)", "Note"], *([str(n), float(n), "x"] for n in range(5))]
    wanted = columns([list(row) for row in block[1:]])
    wanted[1][2] = wanted[2][3] = 9.0
    (rectangle,) = plan_output(SPEC, Present.of(block), wanted).writes
    assert (rectangle.top, rectangle.left) == (3, 1)
    assert block_to_write(rectangle) == [(9.0, "x"), (3.0, 9.0)]


@pytest.mark.parametrize(("numbers", "found"), [([], []), ([3, 1, 2, 7], [[1, 2, 3], [7]]), ([5], [[5]])])
def test_numbers_fall_into_runs(numbers: list[int], found: list[list[int]]) -> None:
    assert list(runs(numbers)) == found
