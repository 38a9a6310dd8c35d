"""Where reports go that are asked for."""

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from netstats_xl.app.service import ReportRequest
from netstats_xl.companion import Companion, report_files
from netstats_xl.companion.report_files import check_output, unused
from netstats_xl.domain.levels import Level
from netstats_xl.errors import ConfigurationError, ReportError
from tests.companion.stage import Stage


def started(stage: Stage, folder: Path) -> Companion:
    own = folder / "NetStats.xlsx"
    own.write_bytes(b"the workbook")
    companion = Companion(replace(stage.parts, report_folder=lambda: folder, own_files=(own,)))
    companion.start()
    return companion


def test_a_report_without_a_name_is_named_after_the_workbook_and_its_period(tmp_path: Path) -> None:
    companion = started(Stage(), tmp_path)
    request = ReportRequest(file_format="csv", start="2026-11-22 08:00", end="2026-11-23 08:00")
    first, second = companion.service.report(request), companion.service.report(request)
    assert first.name == "NetStats-20261122T0800-20261123T0800.csv"
    assert second.name == "NetStats-20261122T0800-20261123T0800 (2).csv"
    assert first.parent == tmp_path
    companion.stop()


def test_a_report_may_be_a_parquet_file_of_samples_or_rollups(tmp_path: Path) -> None:
    companion = started(Stage(), tmp_path)
    for rollup in (None, Level.HOUR):
        path = companion.service.report(ReportRequest(file_format="parquet", rollup=rollup))
        assert path.suffix == ".parquet"
        assert path.read_bytes()[:4] == b"PAR1"
    with pytest.raises(ReportError, match="Rollups are written as Parquet alone"):
        companion.service.report(ReportRequest(file_format="csv", rollup=Level.DAY))
    companion.stop()


def test_no_report_takes_the_place_of_the_workbook(tmp_path: Path) -> None:
    companion = started(Stage(), tmp_path)
    with pytest.raises(ConfigurationError, match="is the workbook or the database itself"):
        companion.service.report(ReportRequest(output=tmp_path / "NetStats.xlsx", replace=True))
    assert (tmp_path / "NetStats.xlsx").read_bytes() == b"the workbook"
    companion.stop()


def test_there_is_an_end_to_files_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_files, "MOST_OF_A_NAME", 2)
    for name in ("a.csv", "a (2).csv"):
        (tmp_path / name).touch()
    with pytest.raises(ReportError, match="too many files"):
        unused(tmp_path / "a.csv")


@pytest.mark.parametrize("replace", [True, False])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        pytest.param("a\0b.csv", "character that no path has", id="null character"),
        pytest.param(
            "a\ud800.csv",
            "character that no path has",
            id="half a surrogate pair",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="a name on Windows may hold one"),
        ),
        pytest.param(
            "a" * 300 + ".csv",
            "cannot be written: ",
            id="long name",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="Windows tells it once it is written"),
        ),
    ],
)
def test_a_path_that_no_file_can_have_is_refused_in_plain_words(
    tmp_path: Path, name: str, why: str, replace: bool
) -> None:
    companion = started(Stage(), tmp_path)
    with pytest.raises(ConfigurationError, match=why):
        companion.service.report(ReportRequest(file_format="csv", output=tmp_path / name, replace=replace))
    companion.stop()


@pytest.mark.skipif(sys.platform == "win32", reason="symbolic links take a privilege on Windows")
def test_links_that_lead_round_in_a_circle_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "b.csv")
    (tmp_path / "b.csv").symlink_to(tmp_path / "a.csv")
    for refused in (
        lambda: check_output(tmp_path / "a.csv", "csv", (), replace=True),
        lambda: unused(tmp_path / "a.csv"),
    ):
        with pytest.raises(ConfigurationError, match=r"a\.csv cannot be written: "):
            refused()


def test_who_asks_is_told_what_to_do_about_a_file_that_exists(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    with pytest.raises(ConfigurationError, match=r"left as it is\. Choose another name"):
        check_output(tmp_path / "a.csv", "csv", (), replace=False)
    with pytest.raises(ConfigurationError, match=r"left as it is\. Add --force"):
        check_output(tmp_path / "a.csv", "csv", (), replace=False, remedy="Add --force.")
    check_output(tmp_path / "a.csv", "csv", (), replace=True)


def test_a_folder_below_a_file_holds_nothing_yet(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    check_output(tmp_path / "a" / "b.csv", "csv", (), replace=False)
