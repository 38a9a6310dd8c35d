"""`collect`, which nobody looks at: what it does beside another collector, and where its log tells of a failure."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import NoReturn, Self

import pytest

from netstats_xl.commands import collect
from netstats_xl.errors import CompanionNotRunning, StoreLocked, WorkbookClosed
from netstats_xl.hosting.instance import HeldElsewhere, Holder, InstanceLock
from netstats_xl.paths import DataFolder

ZEROS, DRAWN = "0" * 32, "a" * 32
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


class Client:
    """Of a companion of process 7."""

    class Endpoint:
        process = 7

    endpoint = Endpoint()

    def __init__(self, told: list[str]) -> None:
        self._told = told

    def workbook_event(self, event: str) -> None:
        self._told.append(event)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(collect, "LOOK_EVERY_S", 0)
    return DataFolder(tmp_path / "data")


def connecting(error: Exception) -> Callable[..., NoReturn]:
    def connect(_: str, *, settled: Callable[[str], None], **__: object) -> NoReturn:
        settled(DRAWN)
        raise error

    return connect


def collect_with(monkeypatch: pytest.MonkeyPatch, error: Exception, workbook: Path) -> int:
    monkeypatch.setattr("netstats_xl.wiring.connect_live", connecting(error))
    return collect.collect_live(str(workbook), identity=ZEROS, window=0, app="excel")


def held_for(workbook: Path, database: Path) -> HeldElsewhere:
    return HeldElsewhere(database, Holder(process=7, since=AT, workbook=str(workbook)))


def answers(monkeypatch: pytest.MonkeyPatch, *, after: int) -> list[str]:
    """The events that a companion is told which answers the question after so many."""
    told, asked = list[str](), list[Path]()

    def find(workbook: Path) -> Client:
        asked.append(workbook)
        if len(asked) <= after:
            raise CompanionNotRunning("not yet")
        return Client(told)

    monkeypatch.setattr("netstats_xl.wiring.find_companion", find)
    return told


def test_a_failed_start_is_logged_under_the_identity_that_was_drawn(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with pytest.raises(WorkbookClosed):
        collect_with(monkeypatch, WorkbookClosed("It is not open."), tmp_path / "Net.xlsm")
    assert "ERROR" in data.log(DRAWN).read_text(encoding="utf-8")
    assert "cannot start: It is not open." in data.log(DRAWN).read_text(encoding="utf-8")
    assert not data.log(ZEROS).exists()


def test_one_that_was_started_at_the_same_moment_is_waited_for(
    data: DataFolder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workbook, database = tmp_path / "Net.xlsm", tmp_path / "Net.duckdb"
    told = answers(monkeypatch, after=3)
    with InstanceLock.take(database, Holder(process=7, since=AT, workbook=str(workbook))):
        assert collect_with(monkeypatch, held_for(workbook, database), workbook) == 0
    assert told == ["opened"]
    assert capsys.readouterr().out == f"Process 7 collects for {workbook} already.\n"
    assert not data.log(DRAWN).exists()


def test_one_that_takes_long_to_answer_is_named_all_the_same(
    data: DataFolder,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    workbook, database = tmp_path / "Net.xlsm", tmp_path / "Net.duckdb"
    monkeypatch.setattr(collect, "ANSWERS_WITHIN_S", 0)
    answers(monkeypatch, after=99)
    with InstanceLock.take(database, Holder(process=7, since=AT, workbook=str(workbook))):
        assert collect_with(monkeypatch, held_for(workbook, database), workbook) == 0
    assert capsys.readouterr().out == f"Process 7 collects for {workbook} already.\n"


@pytest.mark.parametrize("other", ["Net.xlsm", "Other.xlsm"])
def test_where_none_collects_for_the_workbook_it_fails_and_no_error_is_logged(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, other: str
) -> None:
    """The other one ended while it was waited for, or collects for another workbook."""
    answers(monkeypatch, after=99)
    error = held_for(tmp_path / other, tmp_path / "Net.duckdb")
    with pytest.raises(StoreLocked, match="process 7"):
        collect_with(monkeypatch, error, tmp_path / "Net.xlsm")
    logged = data.log(DRAWN).read_text(encoding="utf-8")
    assert "WARNING" in logged
    assert "ERROR" not in logged


def test_a_database_that_no_collector_has_open_is_not_waited_for(
    data: DataFolder, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answers(monkeypatch, after=99)
    with pytest.raises(StoreLocked, match="PID 9"):
        collect_with(monkeypatch, StoreLocked("python (PID 9) has it open."), tmp_path / "Net.xlsm")
