"""Where reports go that are asked for."""

from dataclasses import replace
from pathlib import Path

import pytest

from netstats_xl.app.service import ReportRequest
from netstats_xl.companion import Companion, report_files
from netstats_xl.companion.report_files import unused
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
