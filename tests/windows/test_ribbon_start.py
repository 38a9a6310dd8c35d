"""What a click on the ribbon's Start does: RunPython's very command line, through Windows' command processor."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

import netstats_xl
from tests.workbook_template.runpython import WINDOW, WORKBOOK_ID, run_python

if sys.platform != "win32":
    pytest.skip("xlwings' RunPython is Windows' here", allow_module_level=True)

FULL_NAME = "C:\\Users\\me\\Büro & Söhne (1)\\100 %NOT_SET%'s ^net \U0001f600.xlsm"
PATIENCE_S = 60.0

STUB = """
import os, pathlib, sys, time
here = pathlib.Path(os.environ["NETSTATS_XL_DATA"])
found = chr(10).join([str(os.getpid()), os.getcwd(), *sys.argv[1:]])
(here / "new").write_text(found, encoding="utf-8", newline="")
(here / "new").replace(here / "started.txt")
print("said before there is a log", flush=True)
while not (here / "end.txt").exists():
    time.sleep(0.05)
"""


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


@pytest.fixture
def stub(tmp_path: Path, data: Path) -> dict[str, str]:
    """The environment in which `-m netstats_xl` is a collector that notes how it was started, and waits."""
    package = tmp_path / "stub" / "netstats_xl"
    package.mkdir(parents=True)
    real = str(Path(netstats_xl.__file__).parent)
    (package / "__init__.py").write_text(f"__path__.append({real!r})\n", encoding="utf-8")
    (package / "__main__.py").write_text(STUB, encoding="utf-8")
    stub = str(package.parent)
    # The lab's Python reads the second, any other the first.
    return {**os.environ, "PYTHONPATH": stub, "NETSTATS_WINLAB_CWD": stub, "NETSTATS_XL_DATA": str(data)}


def wait_for(path: Path) -> str:
    deadline = time.monotonic() + PATIENCE_S
    while not path.exists():
        assert time.monotonic() < deadline, f"{path} does not come"
        time.sleep(0.05)
    return path.read_text(encoding="utf-8")


def test_start_returns_while_the_collector_goes_on(tmp_path: Path, data: Path, stub: dict[str, str]) -> None:
    log = tmp_path / "xlwings.log"
    done = subprocess.run(
        run_python(Path(sys.executable), FULL_NAME, str(log)),
        env=stub,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE_S,
        check=False,
    )
    try:
        assert (done.returncode, log.read_text(errors="replace")) == (0, "")
        process, folder, *arguments = wait_for(data / "started.txt").split("\n")
        assert arguments == [
            *("collect", "--live", "--id", WORKBOOK_ID),
            *("--window", str(WINDOW), "--workbook", FULL_NAME),
        ]
        assert Path(folder) == data
        # The command has ended, and whoever ran it could end: the collector is nobody's child.
        assert psutil.pid_exists(int(process))
        # Nothing of Excel's or of the command's is held by it.
        log.unlink()
    finally:
        (data / "end.txt").touch()
    assert "said before" in wait_for(data / "logs" / f"{WORKBOOK_ID}.start.txt")


def test_what_goes_wrong_is_told_by_run_python(tmp_path: Path, data: Path, stub: dict[str, str]) -> None:
    log = tmp_path / "xlwings.log"
    command = run_python(Path(sys.executable), FULL_NAME, str(log)).replace(f"'{WORKBOOK_ID}'", "'nobody'")
    done = subprocess.run(
        command, env=stub, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 1
    assert "'nobody' is no identity of a workbook" in log.read_text(errors="replace")
    assert not (data / "started.txt").exists()
