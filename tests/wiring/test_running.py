"""The companions at work: found by their workbook, their identity or their database."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netstats_xl.control.credentials import Endpoint, write_endpoint
from netstats_xl.control.server import ControlServer
from netstats_xl.domain.targets import Settings
from netstats_xl.errors import CompanionNotRunning, ConfigurationError, StoreLocked
from netstats_xl.hosting.records import WorkbookRecord, write_record
from netstats_xl.paths import DataFolder, companion_id, holder_path
from netstats_xl.wiring import answering, find_companion, identity_of, log_in_use, log_of
from netstats_xl.wiring.collecting import hold
from netstats_xl.wiring.files import database_path, file_workbook, write_template
from netstats_xl.wiring.running import is_live, is_same, known_as
from netstats_xl.workbooks.macro_template import copy_template
from tests.fakes.service import FakeService

ID = "0123456789abcdef" * 2
AT = datetime(2026, 11, 23, 8, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> DataFolder:
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))
    return DataFolder(tmp_path / "data")


class Companions:
    """Control channels of companions that do nothing else."""

    def __init__(self, data: DataFolder, stack: ExitStack) -> None:
        self._data = data
        self._stack = stack

    def start(self, id_: str, workbook: Path | str, database: Path) -> None:
        self._stack.enter_context(
            ControlServer(
                FakeService(),
                endpoint=self._data.endpoint(id_),
                workbook=str(workbook),
                database=str(database),
                started_at=AT,
            )
        )


@pytest.fixture
def companions(data: DataFolder) -> Iterator[Companions]:
    with ExitStack() as stack:
        yield Companions(data, stack)


def killed(data: DataFolder, id_: str, workbook: Path) -> None:
    """Leave the endpoint file of a companion that was killed."""
    endpoint = Endpoint(
        url="http://127.0.0.1:9",
        token="t",
        process=1,
        version="0",
        started_at=AT,
        workbook=str(workbook),
        database="d",
    )
    write_endpoint(data.endpoint(id_), endpoint)


def test_a_companion_is_found_by_its_workbook_or_its_database(companions: Companions, tmp_path: Path) -> None:
    for name in ("a", "b"):
        companions.start(name * 32, tmp_path / f"{name}.xlsx", tmp_path / f"{name}.duckdb")
    for name in ("a", "b"):
        for found in (
            find_companion(tmp_path / f"{name}.xlsx"),
            find_companion(database=tmp_path / f"{name}.duckdb"),
        ):
            with found:
                assert found.endpoint.workbook == str(tmp_path / f"{name}.xlsx")
                assert "message" in found.health()
    with pytest.raises(ConfigurationError, match="Several collectors"):
        find_companion()


def test_the_only_one_need_not_be_named(companions: Companions, data: DataFolder, tmp_path: Path) -> None:
    killed(data, "b" * 32, tmp_path / "b.xlsx")
    with pytest.raises(CompanionNotRunning, match="No collector is at work"):
        find_companion()
    companions.start("a" * 32, tmp_path / "a.xlsx", tmp_path / "a.duckdb")
    with find_companion() as client:
        assert client.endpoint.workbook == str(tmp_path / "a.xlsx")
    ((_, client),) = answering()
    with client:
        assert client.endpoint.workbook == str(tmp_path / "a.xlsx")
    with pytest.raises(CompanionNotRunning, match=r"b\.xlsx"):
        find_companion(tmp_path / "b.xlsx")


def test_a_live_workbook_is_found_by_its_identity_wherever_it_is(
    companions: Companions, tmp_path: Path
) -> None:
    copy_template(tmp_path / "Net.xlsm", workbook_id=ID)
    companions.start(ID, Path("somewhere else"), tmp_path / "data.duckdb")
    with find_companion(tmp_path / "Net.xlsm") as client:
        assert client.endpoint.workbook == "somewhere else"


@pytest.mark.parametrize("told", ["A.xlsm", "https://example.sharepoint.com/Documents/A.xlsm"])
def test_the_companion_of_the_original_is_not_that_of_a_copy(
    companions: Companions, tmp_path: Path, told: str
) -> None:
    original, copy = tmp_path / "A.xlsm", tmp_path / "Copy of A.xlsm"
    copy_template(original, workbook_id=ID)
    shutil.copy(original, copy)
    companions.start(ID, told if "://" in told else original, tmp_path / "A.duckdb")
    with pytest.raises(CompanionNotRunning, match="Copy of A"):
        find_companion(copy)
    with find_companion(original) as client:
        assert client.endpoint.database == str(tmp_path / "A.duckdb")


def test_the_companion_of_a_copy_comes_before_that_of_an_original_that_is_gone(
    companions: Companions, tmp_path: Path
) -> None:
    copy = tmp_path / "Copy of A.xlsm"
    copy_template(copy, workbook_id=ID)
    for id_, workbook in ((ID, tmp_path / "gone.xlsm"), ("f" * 32, copy)):
        companions.start(id_, workbook, tmp_path / f"{id_}.duckdb")
        with find_companion(copy) as client:
            assert client.endpoint.workbook == str(workbook)


def test_a_copy_for_excel_is_not_known_by_what_it_carries(
    data: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netstats_xl.wiring.running.is_live", lambda _: True)
    original, copy = tmp_path / "A.xlsm", tmp_path / "Copy of A.xlsm"
    copy_template(original, workbook_id=ID)
    shutil.copy(original, copy)
    assert known_as(copy) == ID
    write_record(data.record(ID), WorkbookRecord(place=str(original)))
    assert (known_as(original), known_as(copy)) == (ID, "0" * 32)
    original.unlink()
    assert known_as(copy) == ID


def test_what_a_companion_is_known_by(data: DataFolder, tmp_path: Path) -> None:
    write_template(tmp_path / "Net.xlsx", zone="UTC")
    copy_template(tmp_path / "Net.xlsm", workbook_id=ID)
    copy_template(tmp_path / "New.xlsm", workbook_id="0" * 32)
    assert known_as(tmp_path / "Net.xlsx") == companion_id(tmp_path / "Net.duckdb")
    assert known_as(tmp_path / "Net.xlsx", tmp_path / "o.duckdb") == companion_id(tmp_path / "o.duckdb")
    assert known_as(tmp_path / "Net.xlsm") == ID
    assert log_of(tmp_path / "Net.xlsm") == data.log(ID)
    assert identity_of(tmp_path / "New.xlsm") is None
    assert identity_of(tmp_path / "Net.xlsx") is None
    fresh = "0" * 32 if is_live(tmp_path / "New.xlsm") else companion_id(tmp_path / "New.duckdb")
    assert known_as(tmp_path / "New.xlsm") == fresh


def test_a_live_workbook_has_one_database_however_it_is_read(data: DataFolder, tmp_path: Path) -> None:
    copy_template(tmp_path / "Net.xlsm", workbook_id=ID)
    assert database_path(tmp_path / "Net.xlsm", Settings()) == data.database(ID)
    assert database_path(tmp_path / "Net.xlsm", Settings(database="d")) == tmp_path / "d"
    assert file_workbook(tmp_path / "Net.xlsm").read(("Jobs",))["Jobs"].headers


def test_the_log_is_that_of_the_companion_at_work_or_of_the_last(
    companions: Companions, data: DataFolder, tmp_path: Path
) -> None:
    write_template(tmp_path / "Net.xlsx", zone="UTC")
    assert log_in_use(tmp_path / "Net.xlsx") == data.log(companion_id(tmp_path / "Net.duckdb"))
    with pytest.raises(CompanionNotRunning):
        log_in_use()
    companions.start("a" * 32, tmp_path / "a.xlsx", tmp_path / "a.duckdb")
    assert log_in_use() == data.log("a" * 32)


def test_who_holds_a_database_is_named_also_before_it_answers_and_with_another_data_folder(
    data: DataFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = tmp_path / "a.duckdb"
    with hold(database, "a" * 32, workbook="a.xlsx"):
        monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "other"))
        with (
            pytest.raises(StoreLocked, match=rf"process {os.getpid()}, which collects for a\.xlsx since"),
            hold(database, "b" * 32, workbook="b.xlsx"),
        ):
            pass


def test_where_the_lock_tells_nothing_its_holder_is_known_by_its_endpoint(
    companions: Companions, tmp_path: Path
) -> None:
    database = tmp_path / "a.duckdb"
    with hold(database, "a" * 32, workbook="a.xlsx"):
        holder_path(database).unlink()
        with (
            pytest.raises(StoreLocked, match="another process"),
            hold(database, "b" * 32, workbook="b.xlsx"),
        ):
            pass
        companions.start("c" * 32, tmp_path / "c.xlsx", tmp_path / "c.duckdb")
        companions.start("d" * 32, tmp_path / "d.xlsx", database)
        with (
            pytest.raises(StoreLocked, match=r"which collects for .*d\.xlsx since"),
            hold(database, "b" * 32, workbook="b.xlsx"),
        ):
            pass


def test_paths_are_the_same_by_whatever_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert is_same(str(tmp_path / "a.xlsx"), Path("a.xlsx"))
    assert not is_same(str(tmp_path / "a.xlsx"), Path("b.xlsx"))
    assert not is_same("https://example.sharepoint.com/a.xlsx", Path("a.xlsx"))
    assert not is_same("bad \0 name", Path("a.xlsx"))
