"""What waits in the mailbox, brought to a LibreOffice that answers by script."""

from collections.abc import Callable, Hashable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import (
    Anchor,
    Axis,
    ChartKind,
    ChartSpec,
    PivotRatio,
    PivotSpec,
    SheetSpec,
    TableSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.libreoffice.child import Missing, Moved
from netstats_xl.workbooks.libreoffice.delivery import CHART_TITLES, IN_VAIN_S, Delivery, titles_of
from netstats_xl.workbooks.live.updates import updates_of
from tests.fakes.clock import FakeClock
from tests.workbooks.excel.live import PIVOT, RUNS, view
from tests.workbooks.libreoffice.told import told

HEADERS = [column.header for column in RUNS.columns]
JOB: list[tuple[CellValue, ...]] = [(None, "j", 1.0)]


class Scripted:
    """A LibreOffice with one table of Runs, which does not change by what is written."""

    def __init__(self, *rows: Sequence[object], beyond: Sequence[Sequence[object]] = ()) -> None:
        self.table: dict[str, Any] | None = told(
            *rows or [(None, None, None)], headers=HEADERS, name="Runs", beyond=beyond, top=2, left=1
        )
        self.asked: list[tuple[str, dict[str, Any]]] = []
        self.errors: dict[str, Exception] = {}
        self.left: dict[str, Any] = {"missing": [], "protected": {}}

    def __call__(self, what: str, /, **asked: Any) -> Any:
        self.asked.append((what, asked))
        if what in self.errors:
            raise self.errors[what]
        return {"read": self.table, "put": self.left}.get(what)

    def questions(self, what: str) -> list[dict[str, Any]]:
        return [asked for each, asked in self.asked if each == what]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(datetime(2026, 11, 27, tzinfo=UTC))


@pytest.fixture
def delivery(clock: FakeClock) -> Delivery:
    return Delivery(60, clock.monotonic)


Deliver = Callable[..., dict[Hashable, Any]]


@pytest.fixture
def deliver(delivery: Delivery) -> Deliver:
    def bring(
        office: Scripted, shown: WorkbookView, may_go_on: Callable[[], bool] = lambda: True
    ) -> dict[Hashable, Any]:
        messages: dict[Hashable, Any] = dict(updates_of(shown))
        delivery.deliver(office, messages, may_go_on)
        return messages

    return bring


def problems(delivery: Delivery) -> list[str]:
    return list(delivery.problems.values())


def test_a_table_that_grows_is_resized_first_and_one_that_shrinks_last(deliver: Deliver) -> None:
    office = Scripted()
    assert deliver(office, view(Runs=[*JOB, (None, "k", 2.0)])) == {}
    (written,) = office.questions("write")
    assert (written["area"], written["before"], written["after"]) == ([2, 1, 3, 3], 2, None)
    assert written["blocks"] == [[3, 2, [["j", 1.0], ["k", 2.0]]]]
    office = Scripted((None, "j", 1.0), (None, "k", 2.0))
    deliver(office, view(Runs=JOB))
    (written,) = office.questions("write")
    assert (written["before"], written["after"], written["blocks"]) == (None, 1, [[4, 2, [[None, None]]]])


def test_what_is_shown_already_is_not_written(deliver: Deliver) -> None:
    office = Scripted(*JOB)
    deliver(office, view(Runs=JOB))
    assert office.questions("write") == []


def test_what_is_written_in_vain_is_not_written_again_at_once(deliver: Deliver, clock: FakeClock) -> None:
    office = Scripted()
    for _ in range(3):
        deliver(office, view(Runs=JOB))
    assert len(office.questions("write")) == 1
    clock.advance(seconds=IN_VAIN_S)
    deliver(office, view(Runs=JOB))
    assert len(office.questions("write")) == 2


def test_after_forgetting_everything_is_written_again(deliver: Deliver, delivery: Delivery) -> None:
    office = Scripted()
    deliver(office, view(Runs=JOB))
    delivery.forget()
    deliver(office, view(Runs=JOB))
    assert len(office.questions("write")) == 2


def test_a_table_that_moved_is_shown_the_next_time(deliver: Deliver, delivery: Delivery) -> None:
    office = Scripted()
    office.errors["write"] = Moved("Runs")
    assert list(deliver(office, view(Runs=JOB))) == [("table", "runs")]
    assert problems(delivery) == []
    office.errors.clear()
    assert deliver(office, view(Runs=JOB)) == {}
    assert len(office.questions("write")) == 2


@pytest.mark.parametrize("error", [WorkbookBusy("busy"), WorkbookClosed("closed")])
@pytest.mark.parametrize("what", ["put", "read", "write", "refresh"])
def test_what_cannot_be_shown_now_waits(
    deliver: Deliver, delivery: Delivery, error: WorkbookError, what: str
) -> None:
    office = Scripted()
    office.errors[what] = error
    with pytest.raises(type(error)):
        deliver(office, view({"NetStats_state": "on"}, Runs=JOB))
    assert problems(delivery) == []
    if what == "refresh":
        assert delivery.pivots_due_in() == 0


def test_a_refused_table_is_told_of_until_it_can_be_written(deliver: Deliver, delivery: Delivery) -> None:
    office = Scripted()
    office.errors["write"] = WorkbookError("The sheet Runs is protected.")
    assert deliver(office, view(Runs=JOB)) == {}
    assert problems(delivery) == ["The sheet Runs is protected."]
    office.errors.clear()
    deliver(office, view(Runs=JOB))
    assert problems(delivery) == []


def test_a_table_that_is_not_there_is_told_of_unless_it_may_be_absent(
    deliver: Deliver, delivery: Delivery
) -> None:
    office = Scripted()
    office.table = None
    optional = TableSpec(name="May be", anchor=Anchor(row=0, column=0), columns=RUNS.columns, optional=True)
    shown = WorkbookView(
        spec=WorkbookSpec(title="t", sheets=(SheetSpec(name="s", blocks=(RUNS, optional)),)),
        rows={"Runs": JOB, "May be": JOB},
    )
    assert deliver(office, shown) == {}
    (problem,) = problems(delivery)
    assert problem.startswith("The workbook has no table Runs any more: undo its removal")


def test_a_table_that_is_taken_away_meanwhile_is_no_problem_yet(deliver: Deliver, delivery: Delivery) -> None:
    office = Scripted()
    office.errors["write"] = Missing("Runs")
    assert deliver(office, view(Runs=JOB)) == {}
    assert problems(delivery) == []


def test_rows_without_room_are_left_out_and_told_of(deliver: Deliver, delivery: Delivery) -> None:
    office = Scripted((None, None, None), beyond=[(None, None, None), (None, "note", None)])
    deliver(office, view(Runs=[(None, f"j{n}", 1.0) for n in range(4)]))
    assert office.questions("write")[0]["before"] == 2
    assert problems(delivery) == ["The table Runs has no room for 2 of its rows: clear the cells below it."]
    deliver(office, view(Runs=JOB))
    assert problems(delivery) == []


def test_cells_that_are_missing_or_protected_are_told_of_and_keep_nothing_from_being_shown(
    deliver: Deliver, delivery: Delivery
) -> None:
    office = Scripted()
    office.left = {"missing": [], "protected": {"NetStats_state": "Dashboard"}}
    assert deliver(office, view({"NetStats_state": True}, Runs=JOB)) == {}
    assert office.questions("put") == [{"cells": {"NetStats_state": 1.0}}]
    assert problems(delivery) == [
        "The sheet Dashboard is protected. Remove its protection: Tools, Protect Sheet."
    ]
    assert len(office.questions("write")) == 1
    office.left = {"missing": ["NetStats_state"], "protected": {}}
    deliver(office, view({"NetStats_state": True}))
    assert problems(delivery)[0].startswith("The workbook has no cell named NetStats_state any more")
    office.left["missing"] = []
    deliver(office, view({"NetStats_state": True}))
    assert problems(delivery) == []


def test_it_stops_between_two_tables_where_it_must_not_go_on(deliver: Deliver) -> None:
    office = Scripted()
    left = deliver(office, view({"NetStats_state": "on"}, Runs=JOB), lambda: False)
    assert list(left) == [("table", "runs")]
    assert [what for what, _ in office.asked] == ["put"]


# --- pivots ---


def test_pivots_are_computed_anew_now_and_then_where_their_source_changed(
    deliver: Deliver, delivery: Delivery, clock: FakeClock
) -> None:
    office = Scripted()
    assert delivery.pivots_due_in() is None
    deliver(office, view(Runs=JOB))
    (asked,) = office.questions("refresh")
    assert asked == {
        "table": "Runs",
        "pivots": [
            {
                "name": "ByJob",
                "rows": ("Job",),
                "columns": (),
                "filters": (),
                "values": [["RTT (ms)", "AVERAGE", "Mean"]],
            }
        ],
    }
    assert delivery.pivots_due_in() is None
    deliver(office, view(Runs=[(None, "k", 2.0)]))
    assert delivery.pivots_due_in() == 60
    clock.advance(seconds=60)
    delivery.deliver(office, {}, lambda: True)
    assert len(office.questions("refresh")) == 2
    assert delivery.pivots_due_in() is None


def test_ratios_are_left_out_for_libreoffice_has_no_calculated_fields(deliver: Deliver) -> None:
    ratio = PivotRatio(caption="Share", plus="RTT (ms)", divisor="RTT (ms)")
    pivot = PivotSpec(
        name="P", anchor=PIVOT.anchor, source="Runs", rows=("Job",), values=(*PIVOT.values, ratio)
    )
    sheets = (SheetSpec(name="Runs", blocks=(RUNS,)), SheetSpec(name="Pivot", blocks=(pivot,)))
    office = Scripted()
    deliver(office, WorkbookView(spec=WorkbookSpec(title="t", sheets=sheets), rows={"Runs": JOB}))
    assert [each[2] for each in office.questions("refresh")[0]["pivots"][0]["values"]] == ["Mean"]


def test_a_pivot_that_cannot_be_computed_is_told_of_and_tried_again_later(
    deliver: Deliver, delivery: Delivery, clock: FakeClock
) -> None:
    office = Scripted()
    office.errors["refresh"] = WorkbookError("LibreOffice refuses it.")
    deliver(office, view(Runs=JOB))
    assert problems(delivery) == ["LibreOffice refuses it."]
    assert delivery.pivots_due_in() == 60
    office.errors.clear()
    clock.advance(seconds=60)
    delivery.deliver(office, {}, lambda: True)
    assert (problems(delivery), delivery.pivots_due_in()) == ([], None)


def test_a_pivot_whose_table_is_taken_away_is_forgotten(deliver: Deliver, delivery: Delivery) -> None:
    office = Scripted()
    office.errors["refresh"] = Missing("Runs")
    deliver(office, view(Runs=JOB))
    assert (problems(delivery), delivery.pivots_due_in()) == ([], None)


# --- titles of charts ---


def chart(name: str, title_cell: str | None) -> ChartSpec:
    return ChartSpec(
        name=name,
        anchor=Anchor(row=0, column=0),
        width_px=100,
        height_px=100,
        kind=ChartKind.LINE,
        title="Title",
        title_cell=title_cell,
        description="d",
        series=(),
        category_axis=Axis(),
        value_axis=Axis(),
    )


def test_the_titles_of_charts_are_those_of_their_cells() -> None:
    charts = (chart("A", "Title_a"), chart("B", "Title_b"), chart("C", None), chart("D", "Absent"))
    spec = WorkbookSpec(title="t", sheets=(SheetSpec(name="s", blocks=charts),))
    assert titles_of(WorkbookView(spec=spec, rows={}, cells={"Title_a": "RTT of x", "Title_b": None})) == {
        "A": "RTT of x",
        "B": "",
    }


def test_only_titles_that_changed_are_told(delivery: Delivery) -> None:
    office = Scripted()
    for titles in ({"A": "1", "B": "1"}, {"A": "1", "B": "2"}, {"A": "1", "B": "2"}):
        delivery.deliver(office, {CHART_TITLES: titles}, lambda: True)
    assert office.questions("charts") == [{"titles": {"A": "1", "B": "1"}}, {"titles": {"B": "2"}}]


def test_a_header_that_the_user_renamed_is_not_written() -> None:
    office = Scripted()
    assert office.table is not None
    office.table["rows"][0][1] = "Renamed"
    messages: dict[Hashable, Any] = dict(updates_of(view(Runs=JOB)))
    Delivery(60, lambda: 0.0).deliver(office, messages, lambda: True)
    assert office.questions("write")[0]["blocks"] == [[3, 3, [[1.0]]]]


def test_an_error_between_what_changes_becomes_blank(deliver: Deliver) -> None:
    office = Scripted((None, "j", 1.0), (None, "k", {"error": "#N/A"}), (None, "l", 3.0))
    deliver(office, view(Runs=[(None, "j", 9.0), (None, "k", None), (None, "l", 9.0)]))
    assert office.questions("write")[0]["blocks"] == [[3, 3, [[9.0], [None], [9.0]]]]
