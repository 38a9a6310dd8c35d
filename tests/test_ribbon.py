"""What RunPython calls."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from netstats_xl import ribbon

WORKBOOK_ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[list[str], Path, Path]]:
    calls: list[tuple[list[str], Path, Path]] = []

    def start(arguments: list[str], *, folder: Path, output: Path) -> None:
        assert folder.is_dir()
        assert output.parent.is_dir()
        calls.append((arguments, folder, output))

    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(ribbon, "start_detached", start)
    return calls


def test_the_collector_is_started_for_the_workbook_away_from_its_folder(
    started: list[tuple[list[str], Path, Path]], tmp_path: Path
) -> None:
    ribbon.start(WORKBOOK_ID, 1715004, r"C:\Büro\Net Stats.xlsm")
    wanted = ["collect", "--live", "--id", WORKBOOK_ID, "--window", "1715004"]
    data = tmp_path / "data"
    assert started == [
        (
            [*wanted, "--workbook", r"C:\Büro\Net Stats.xlsm"],
            data,
            data / "logs" / f"{WORKBOOK_ID}.start.txt",
        )
    ]


def test_both_halves_of_a_character_are_put_together(started: list[tuple[list[str], Path, Path]]) -> None:
    ribbon.start(WORKBOOK_ID, 1, "\ud83d\ude00.xlsm")
    ribbon.start(WORKBOOK_ID, 1, "\ud83d.xlsm")
    assert [call[0][-1] for call in started] == ["\U0001f600.xlsm", "\ufffd.xlsm"]


@pytest.mark.parametrize("bad", ["", "0" * 31, "A" * 32, "../" + "0" * 29])
def test_what_is_no_identity_starts_nothing(started: list[tuple[list[str], Path, Path]], bad: str) -> None:
    with pytest.raises(ValueError, match="no identity"):
        ribbon.start(bad, 1, "Net.xlsm")
    assert started == []


def test_it_imports_nothing_heavy() -> None:
    script = (
        "import sys, json; import netstats_xl.ribbon; netstats_xl.ribbon.data_folder(); "
        "print(json.dumps(sorted({each.partition('.')[0] for each in sys.modules})))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60
    )
    heavy = {
        "duckdb",
        "pandas",
        "numpy",
        "pydantic",
        "fastapi",
        "xlwings",
        "lxml",
        "typer",
        "rich",
        "asyncio",
        "httpx",
    }
    assert heavy & set(json.loads(done.stdout)) == set()
