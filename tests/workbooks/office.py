"""What other programs make of a workbook: openxml-audit's schemas, and LibreOffice."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

import pytest
from openxml_audit import OpenXmlValidator

P = ParamSpec("P")
SOFFICE = shutil.which("soffice")
_MISSING = pytest.mark.skipif(SOFFICE is None, reason="LibreOffice's soffice is not on the path")


def needs_libreoffice(test: Callable[P, None]) -> Callable[P, None]:
    """Mark a test that runs LibreOffice."""
    return pytest.mark.libreoffice(_MISSING(test))


def audit(path: Path) -> list[str]:
    """What openxml-audit finds wrong with a workbook; empty for one that Excel opens cleanly."""
    result = OpenXmlValidator().validate(str(path))
    return [str(error) for error in result.errors]


def saved_by_libreoffice(path: Path, folder: Path) -> Path:
    """The workbook as LibreOffice saves it as .xlsx, in another folder."""
    assert SOFFICE is not None
    folder.mkdir(parents=True, exist_ok=True)
    profile = (folder / "profile").absolute().as_uri()
    command = [SOFFICE, "--headless", f"-env:UserInstallation={profile}", "--convert-to", "xlsx", "--outdir"]
    subprocess.run([*command, str(folder), str(path)], check=True, capture_output=True, timeout=180)
    return folder / path.name
