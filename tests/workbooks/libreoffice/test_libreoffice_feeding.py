"""The thread that shows what was published: together, later where it must, and never after its end."""

import threading
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import pytest

from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.libreoffice import feeding as module
from netstats_xl.workbooks.libreoffice.delivery import Delivery
from netstats_xl.workbooks.libreoffice.feeding import Feeding
from netstats_xl.workbooks.live.updates import CellUpdate
from tests.workbooks.libreoffice.live import until

TICK_S = 0.001


class Sheets:
    """Takes what it is brought, or raises what comes next."""

    def __init__(self) -> None:
        self.shown: list[dict[Hashable, Any]] = []
        self.errors: list[Exception] = []
        self.takes: Callable[[], bool] = lambda: True
        self.may_go_on: Callable[[], bool] = lambda: False

    def bring(self, messages: dict[Hashable, Any], may_go_on: Callable[[], bool]) -> None:
        self.may_go_on = may_go_on
        if self.errors:
            raise self.errors.pop(0)
        if self.takes():
            self.shown.append(dict(messages))
            messages.clear()


@pytest.fixture
def sheets() -> Sheets:
    return Sheets()


@pytest.fixture
def due() -> list[float | None]:
    """When pivots are due."""
    return [None]


@pytest.fixture
def feeding(sheets: Sheets, due: list[float | None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Feeding]:
    monkeypatch.setattr(module, "CLOSED_TICK_S", 0.005)
    delivery = Delivery(60, lambda: 0.0)
    monkeypatch.setattr(delivery, "pivots_due_in", lambda: due[0])
    made = Feeding(delivery, sheets.bring, TICK_S)
    yield made
    made.stop()


def message(value: str, name: str = "a") -> dict[Hashable, Any]:
    return {name: CellUpdate(name=name, value=value)}


def test_what_is_put_is_shown_and_flushing_waits_for_it(feeding: Feeding, sheets: Sheets) -> None:
    assert feeding.flush(1)
    feeding.put(message("1"))
    assert feeding.flush(5)
    assert sheets.shown == [message("1")]


def test_what_is_put_while_something_is_shown_comes_next_and_the_newest_only(
    feeding: Feeding, sheets: Sheets
) -> None:
    entered, leave = threading.Event(), threading.Event()

    def take() -> bool:
        entered.set()
        return leave.wait(5)

    sheets.takes = take
    feeding.put(message("1"))
    assert entered.wait(5)
    feeding.put(message("2"))
    feeding.put(message("3"))
    leave.set()
    assert feeding.flush(5)
    assert sheets.shown == [message("1"), message("3")]


def test_while_held_nothing_is_shown_and_flushing_does_not_wait(feeding: Feeding, sheets: Sheets) -> None:
    feeding.hold(True)
    assert feeding.held
    feeding.put(message("1"))
    assert not feeding.flush(30)
    assert sheets.shown == []
    feeding.hold(False)
    assert feeding.flush(5)
    assert sheets.shown == [message("1")]


def test_holding_ends_what_is_under_way_after_the_table_that_is_being_written(
    feeding: Feeding, sheets: Sheets
) -> None:
    feeding.put(message("1"))
    assert feeding.flush(5)
    assert sheets.may_go_on()
    feeding.hold(True)
    assert not sheets.may_go_on()


@pytest.mark.parametrize("error", [WorkbookBusy("busy"), WorkbookError("refused"), WorkbookClosed("closed")])
def test_what_could_not_be_shown_is_tried_again(
    feeding: Feeding, sheets: Sheets, error: WorkbookError
) -> None:
    sheets.errors = [error] * 3
    feeding.put(message("1"))
    until(lambda: sheets.shown == [message("1")], 5)


def test_flushing_a_closed_workbook_does_not_wait(feeding: Feeding, sheets: Sheets) -> None:
    sheets.errors = [WorkbookClosed("closed")] * 100_000
    feeding.put(message("1"))
    assert not feeding.flush(60)
    sheets.errors = []
    until(lambda: sheets.shown == [message("1")], 5)
    assert feeding.flush(5)


def test_flushing_ends_in_time(feeding: Feeding, sheets: Sheets) -> None:
    sheets.takes = lambda: False
    feeding.put(message("1"))
    assert not feeding.flush(0.05)


def test_pivots_are_computed_when_they_are_due_with_nothing_to_show(
    feeding: Feeding, sheets: Sheets, due: list[float | None]
) -> None:
    due[0] = 0.005
    feeding.put(message("1"))
    assert feeding.flush(5)
    due[0] = 0

    def take() -> bool:
        due[0] = None
        return True

    sheets.takes = take
    until(lambda: {} in sheets.shown, 5)


def test_after_its_end_nothing_is_shown_any_more(feeding: Feeding, sheets: Sheets) -> None:
    feeding.put(message("1"))
    assert feeding.flush(5)
    feeding.stop()
    feeding.stop()
    feeding.put(message("2"))
    assert feeding.flush(1)
    assert sheets.shown == [message("1")]


def test_its_end_ends_whoever_waits(feeding: Feeding, sheets: Sheets) -> None:
    sheets.takes = lambda: False
    feeding.put(message("1"))
    ending = threading.Timer(0.02, feeding.stop)
    ending.start()
    assert not feeding.flush(60)
    ending.join()


def test_it_can_be_ended_by_what_it_does_itself(feeding: Feeding, sheets: Sheets) -> None:
    def take() -> bool:
        feeding.stop()
        return True

    sheets.takes = take
    feeding.put(message("1"))
    until(lambda: sheets.shown == [message("1")], 5)
