"""Whatever a call into Excel raises has its place in the error tree; and a busy Excel is asked politely."""

import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest

import tests.excel_double.errors as double
from netstats_xl.errors import WorkbookBusy, WorkbookClosed, WorkbookError
from netstats_xl.workbooks.excel.busy import LONGEST_PAUSE_S, LONGEST_WAIT_S, SHORTEST_PAUSE_S, Patience
from netstats_xl.workbooks.excel.engine import Engine, load_engine
from netstats_xl.workbooks.excel.faults import (
    EXCEPTIONS,
    HRESULTS,
    Gone,
    Missing,
    Refused,
    Verdict,
    code,
    translated,
    verdict,
)
from netstats_xl.workbooks.live.mailbox import Mailbox
from tests.excel_double import BUSY, WindowsEngine
from tests.excel_double.errors import Failure

FACTS = {
    0x80010001: WorkbookBusy,
    0x8001010A: WorkbookBusy,
    0x800AC472: WorkbookBusy,
    0x800A03EC: Refused,
    0x800706BA: Gone,
    0x80010108: Gone,
    0x80020006: Refused,
    0x8002000B: Missing,
}
"""What is known of Excel's own errors (xlwings and pywin32 threads, and Microsoft's documentation)."""


@pytest.fixture
def loaded(engine: WindowsEngine) -> Engine:
    return load_engine()


def com_error(loaded: Engine, hresult: int, scode: int | None = None) -> Exception:
    details = None if scode is None else (0, "Microsoft Excel", "told", None, 0, double.signed(scode))
    error: Exception = loaded.pywintypes.com_error(double.signed(hresult), "said", details, None)
    return error


@pytest.mark.parametrize(("number", "kind"), FACTS.items())
def test_a_number_means_the_same_bare_and_in_the_details(
    loaded: Engine, number: int, kind: type[WorkbookError]
) -> None:
    for error in (com_error(loaded, number), com_error(loaded, 0x80020009, number)):
        assert code(error) == number
        assert type(translated(error)) is kind


def test_every_failure_that_the_double_knows_is_mapped() -> None:
    failures = [value for value in vars(double).values() if isinstance(value, Failure)]
    numbers = {failure.scode or failure.hresult for failure in failures}
    assert len(numbers) > 10
    assert numbers <= set(HRESULTS)


def test_every_exception_that_a_call_may_raise_is_mapped(loaded: Engine) -> None:
    for kind in loaded.exceptions:
        if kind is loaded.pywintypes.com_error:
            continue
        names = {each.__name__ for each in kind.__mro__}
        assert names & set(EXCEPTIONS), kind
    assert verdict(loaded.xl.ExcelBusyError()) is Verdict.BUSY
    assert verdict(AttributeError("Resize")) is Verdict.BUSY
    assert verdict(loaded.pywintypes.error(1400, "FindWindowEx", "Invalid window handle.")) is Verdict.GONE
    assert verdict(PermissionError(13, "denied")) is Verdict.GONE


def test_every_exception_class_of_xlwings_engine_is_mapped(loaded: Engine) -> None:
    source = Path(loaded.xl.__file__).read_text(encoding="utf-8")
    own = re.findall(r"^class (\w+)\(Exception\)", source, flags=re.MULTILINE)
    assert own
    assert set(own) <= set(EXCEPTIONS)


def test_every_verdict_has_words_that_tell_what_to_do(loaded: Engine) -> None:
    for number in [*HRESULTS, 0x80004001]:
        error = translated(com_error(loaded, number))
        assert len(error.message) > 40
        assert "{" not in error.message
    assert "0x800A03EC: told" in translated(com_error(loaded, 0x80020009, 0x800A03EC)).message
    assert verdict(com_error(loaded, 0x80004001)) is Verdict.FAILED
    assert verdict(com_error(loaded, 0x80020009, 0x80004001)) is Verdict.FAILED
    assert verdict(com_error(loaded, 0x80020009)) is Verdict.BUSY
    assert verdict(KeyError("x")) is Verdict.FAILED
    assert translated(com_error(loaded, 0x80020009)).message


def test_an_object_that_is_gone_counts_as_closed() -> None:
    assert issubclass(Gone, WorkbookClosed)


# --- patience ---


def raising(*errors: Exception) -> Callable[[], str]:
    waiting = list(errors)

    def access() -> str:
        if waiting:
            raise waiting.pop(0)
        return "done"

    return access


@pytest.mark.parametrize("failure", BUSY)
def test_a_busy_excel_is_asked_again_after_pauses_that_grow_and_differ(
    loaded: Engine, failure: Failure
) -> None:
    taken: list[float] = []
    patience = Patience(loaded, taken.append, random.Random(3))
    errors = [com_error(loaded, failure.hresult, failure.scode) for _ in range(4)]
    assert patience.ask(raising(*errors)) == "done"
    assert len(set(taken)) == 4
    assert all(SHORTEST_PAUSE_S <= seconds <= LONGEST_PAUSE_S for seconds in taken)


def test_it_is_asked_for_two_seconds_at_most_over_all_calls(loaded: Engine) -> None:
    taken: list[float] = []
    patience = Patience(loaded, taken.append, random.Random(3))
    busy = com_error(loaded, 0x80010001)
    assert patience.ask(raising(busy, busy)) == "done"
    with pytest.raises(WorkbookBusy) as caught:
        patience.ask(raising(*[busy] * 1_000))
    assert caught.value.__cause__ is busy
    assert LONGEST_WAIT_S - LONGEST_PAUSE_S <= sum(taken) <= LONGEST_WAIT_S


def test_an_impatient_one_asks_once(loaded: Engine) -> None:
    patience = Patience(loaded, lambda _: pytest.fail("it waited"), random.Random(3)).impatient()
    for number in (0x80010001, 0x800A03EC):
        with pytest.raises(WorkbookError):
            patience.ask(raising(com_error(loaded, number)))


@pytest.mark.parametrize(
    ("number", "attempts"), [(0x800A03EC, 2), (0x800706BA, 1), (0x8002000B, 1), (0x80004005, 1)]
)
def test_a_refusal_is_repeated_once_and_an_end_never(loaded: Engine, number: int, attempts: int) -> None:
    asked = 0

    def access() -> None:
        nonlocal asked
        asked += 1
        raise com_error(loaded, number)

    with pytest.raises(WorkbookError):
        Patience(loaded, lambda _: None, random.Random(3)).ask(access)
    assert asked == attempts


def test_what_nobody_foresaw_is_not_taken_for_excels_doing(loaded: Engine) -> None:
    with pytest.raises(ZeroDivisionError):
        Patience(loaded, lambda _: None, random.Random(3)).ask(raising(ZeroDivisionError()))


# --- the mailbox ---


def test_of_each_subject_the_newest_message_waits() -> None:
    mailbox: Mailbox[int] = Mailbox()
    mailbox.put({"a": 1, "b": 1})
    mailbox.put({"a": 2})
    taken = mailbox.take()
    assert (taken, len(mailbox)) == ({"a": 2, "b": 1}, 2)
    mailbox.put({"a": 3})
    mailbox.give_back(taken)
    assert mailbox.take() == {"a": 3, "b": 1}
    mailbox.give_back({})
    assert len(mailbox) == 0
