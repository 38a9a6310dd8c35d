"""Text that the code page of a Windows pipe cannot hold."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from netstats_xl.commands.workbook import new

if sys.platform != "win32":
    pytest.skip("only Windows gives a pipe another encoding than UTF-8", allow_module_level=True)


@pytest.mark.parametrize("encoding", ["cp1252", "cp437", "cp932"])
def test_a_name_outside_the_code_page_fails_no_command(tmp_path: Path, encoding: str) -> None:
    new(tmp_path / "Łódź 東京.xlsx", None)
    done = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "netstats_xl", "check", "Łódź 東京.xlsx"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    missing = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-m", "netstats_xl", "check", "Gdańsk 京都.xlsx"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONUTF8": "0", "PYTHONIOENCODING": encoding},
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert missing.returncode == 3
    assert b"There is no workbook Gda" in missing.stderr
    assert b"Traceback" not in missing.stderr
