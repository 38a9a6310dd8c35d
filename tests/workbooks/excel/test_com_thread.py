"""The thread that talks to Excel: whoever calls is answered, and nothing but its end ends it."""

import threading
from concurrent.futures import Future
from types import SimpleNamespace
from typing import cast

import pytest

from netstats_xl.errors import WorkbookBusy, WorkbookClosed
from netstats_xl.workbooks.excel import com_thread
from netstats_xl.workbooks.excel.com_thread import ComThread, UnderWay
from netstats_xl.workbooks.excel.engine import Engine

PATIENCE_S = 10.0


class Messages:
    """The messages of the thread's window, which cannot be seen to at first."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.seen_to = threading.Event()

    def pump(self) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("The window has gone.")
        self.seen_to.set()


def thread(messages: Messages | None = None) -> ComThread:
    com = SimpleNamespace(
        CoInitialize=lambda: None,
        CoUninitialize=lambda: None,
        PumpWaitingMessages=(messages or Messages()).pump,
    )
    engine = cast("Engine", SimpleNamespace(pythoncom=com))
    return ComThread(lambda: engine, lambda: None)


def test_messages_that_cannot_be_seen_to_do_not_end_it(caplog: pytest.LogCaptureFixture) -> None:
    messages = Messages(failures=1)
    com = thread(messages)
    assert com.call(lambda _: 1, PATIENCE_S) == 1
    assert com.call(lambda _: 2, PATIENCE_S) == 2
    assert messages.seen_to.wait(PATIENCE_S)
    assert "The window has gone." in caplog.text
    com.stop()


def test_whoever_calls_while_it_ends_is_refused_at_once() -> None:
    com = thread()
    answers: list[type[Exception]] = []
    callers = [threading.Thread(target=_call, args=(com, answers)) for _ in range(20)]
    com.call(lambda _: None, PATIENCE_S)
    for each in callers[:10]:
        each.start()
    com.stop()
    for each in callers[10:]:
        each.start()
    for each in callers:
        each.join(PATIENCE_S)
    assert answers == [WorkbookClosed] * 20


def _call(com: ComThread, answers: list[type[Exception]]) -> None:
    try:
        while True:
            com.call(lambda _: None, PATIENCE_S)
    except (WorkbookBusy, WorkbookClosed) as error:
        answers.append(type(error))


def test_a_call_that_comes_in_as_it_ends_is_refused() -> None:
    """In the order that leaves a call behind: it is put in after the thread has left its loop."""
    com = thread()
    com.call(lambda _: None, PATIENCE_S)
    refuse = com._refuse_calls
    left, called = threading.Event(), threading.Event()

    def refuse_later() -> None:
        left.set()
        assert called.wait(PATIENCE_S)
        refuse()

    com._refuse_calls = refuse_later  # type: ignore[method-assign]  # to come in between
    stopping = threading.Thread(target=com.stop)
    stopping.start()
    assert left.wait(PATIENCE_S)
    with pytest.raises(WorkbookClosed):
        com.call(lambda _: None, PATIENCE_S)
    called.set()
    stopping.join(PATIENCE_S)


def test_where_it_ends_by_itself_calls_are_refused_at_once() -> None:
    com = thread()
    entered, ended = threading.Event(), threading.Event()
    answers: list[type[Exception]] = []

    def end(_: Engine) -> None:
        entered.set()
        assert ended.wait(PATIENCE_S)
        com._wait = None  # type: ignore[assignment, method-assign]  # whatever ends it

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(threading, "excepthook", lambda _: None)
        ending = threading.Thread(target=lambda: com.call(end, PATIENCE_S))
        ending.start()
        assert entered.wait(PATIENCE_S)
        waiting = threading.Thread(target=_call, args=(com, answers))
        waiting.start()
        ended.set()
        for each in (ending, waiting):
            each.join(PATIENCE_S)
    assert answers == [WorkbookClosed]
    with pytest.raises(WorkbookClosed):
        com.call(lambda _: None, PATIENCE_S)


def test_what_was_begun_is_told_from_what_never_will_be(monkeypatch: pytest.MonkeyPatch) -> None:
    com = thread()
    entered, go_on, done = threading.Event(), threading.Event(), list[str]()

    class BegunFirst(Future[object]):
        def result(self, timeout: float | None = None) -> object:
            assert entered.wait(PATIENCE_S)
            return super().result(timeout)

    def slow(_: Engine) -> None:
        entered.set()
        assert go_on.wait(PATIENCE_S)
        done.append("slow")

    with monkeypatch.context() as patch:
        patch.setattr(com_thread, "Future", BegunFirst)
        with pytest.raises(UnderWay):
            com.call(slow, 0.01)
    with pytest.raises(WorkbookBusy) as never:
        com.call(lambda _: done.append("never"), 0.01)
    assert not isinstance(never.value, UnderWay)
    go_on.set()
    com.call(lambda _: done.append("next"), PATIENCE_S)
    assert done == ["slow", "next"]
    com.stop()
