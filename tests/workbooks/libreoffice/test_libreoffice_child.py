"""The way to the process in LibreOffice's Python: answers, events, late ones, and its end."""

import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.workbooks.libreoffice import child as module
from netstats_xl.workbooks.libreoffice.child import (
    Child,
    Gone,
    Missing,
    Moved,
    UnderWay,
    can_reach_libreoffice,
    first_that_can,
)

SCRIPTED = Path(__file__).with_name("scripted_child.py")


@pytest.fixture
def heard() -> list[str]:
    return []


@pytest.fixture
def child(heard: list[str]) -> Iterator[Child]:
    made = Child(lambda: sys.executable, lambda told: heard.append(told["event"]), script=(SCRIPTED,))
    yield made
    made.close()


def test_it_starts_with_the_first_question_and_answers_with_whatever_text(child: Child) -> None:
    assert child.pid is None
    for value in (None, 1.5, "büro\n\u2028", [["a", {"error": "#N/A"}]]):
        assert child.ask("echo", value=value) == value
    assert child.pid is not None


def test_events_are_heard_in_between(child: Child, heard: list[str]) -> None:
    child.ask("event", name="changed")
    assert heard == ["ready", "changed"]


@pytest.mark.parametrize(("kind", "error"), [("gone", Gone), ("moved", Moved), ("missing", Missing)])
def test_what_happened_is_told_by_the_type_of_the_error(
    child: Child, kind: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match="Sheet"):
        child.ask("error", kind=kind)


def test_what_is_refused_is_told_in_plain_words(child: Child) -> None:
    with pytest.raises(WorkbookError, match=r"The sheet Sheet is protected. Remove its protection: Tools"):
        child.ask("error", kind="protected")
    with pytest.raises(WorkbookError, match="LibreOffice refuses it: Sheet"):
        child.ask("error", kind="refused")


def test_a_late_answer_belongs_to_nobody_else(child: Child) -> None:
    child.ask("echo", value=0)
    with pytest.raises(UnderWay, match="cannot answer now"):
        child.ask("slow", within_s=0.05, s=0.4)
    with pytest.raises(WorkbookBusy) as caught:
        child.ask("echo", within_s=0.05, value=1)
    assert not isinstance(caught.value, UnderWay)
    assert child.ask("echo", value=2) == 2


def test_whoever_waits_for_another_ones_question_is_told_in_time(child: Child) -> None:
    child.ask("echo", value=0)
    asking = threading.Thread(target=child.ask, args=("slow",), kwargs={"s": 0.5})
    asking.start()
    while not child._asking.locked():
        time.sleep(0.001)
    with pytest.raises(WorkbookBusy):
        child.ask("echo", within_s=0.05, value=1)
    asking.join()


def test_many_threads_each_get_their_own_answer(child: Child) -> None:
    found: dict[int, object] = {}

    def ask(number: int) -> None:
        found[number] = child.ask("echo", value=number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert found == {number: number for number in range(20)}


def test_one_that_ends_is_gone_and_the_next_question_starts_another(child: Child) -> None:
    first = child.ask("echo", value=1), child.pid
    with pytest.raises(Gone, match="has ended"):
        child.ask("end")
    assert child.ask("echo", value=2) == 2
    assert child.pid not in (None, first[1])


def test_one_that_hears_nothing_any_more_is_gone(child: Child) -> None:
    child.ask("deaf", s=0.5)
    with pytest.raises(Gone):
        child.ask("echo", within_s=5, value=1)


def test_what_is_no_answer_is_passed_over(child: Child) -> None:
    assert child.ask("garbage") == "after garbage"
    assert child.ask("echo", value=1) == 1


def test_it_can_be_closed_twice_and_asked_again(child: Child) -> None:
    child.close()
    child.ask("echo", value=1)
    child.close()
    child.close()
    assert child.pid is None
    assert child.ask("echo", value=2) == 2


def test_one_that_does_not_end_is_ended(child: Child, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_END_WITHIN_S", 0.05)
    child.ask("deaf", s=60)
    process = child._process
    assert process is not None
    child.close()
    assert process.poll() is not None


def test_a_python_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    nothing = Child(lambda: str(tmp_path / "python"), lambda _: None, script=(SCRIPTED,))
    with pytest.raises(WorkbookError, match="cannot be started"):
        nothing.ask("echo", value=1)


def test_the_first_python_that_reaches_libreoffice_is_taken() -> None:
    assert first_that_can(["a", "b", "c"], lambda python: python in "bc") == "b"
    with pytest.raises(WorkbookError, match="python3-uno"):
        first_that_can(["a"], lambda _: False)


def test_a_python_is_asked_whether_it_reaches_libreoffice(tmp_path: Path) -> None:
    for name in ("uno", "unohelper"):
        (tmp_path / f"{name}.py").write_text("")
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\nPYTHONPATH='{tmp_path}' exec '{sys.executable}' \"$@\"\n")
    script.chmod(0o755)
    assert can_reach_libreoffice(str(script)) is (sys.platform != "win32")
    assert not can_reach_libreoffice(str(tmp_path / "none"))
    assert not can_reach_libreoffice(sys.executable, timeout_s=0.0001)


def test_a_process_that_is_worn_is_ended_between_two_questions(
    child: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUESTIONS_A_LIFE", 3)
    child.ask("echo", value=1)
    first = child.pid
    assert not child.end_if_worn()
    child.ask("echo", value=2)
    with pytest.raises(UnderWay):
        child.ask("slow", within_s=0.05, s=0.4)
    # It still owes an answer.
    assert not child.end_if_worn()
    assert child.ask("echo", value=4) == 4
    assert child.pid == first
    assert child.end_if_worn()
    assert child.pid is None
    assert child.ask("echo", value=5) == 5
    assert child.pid not in (None, first)
    assert not child.end_if_worn()
