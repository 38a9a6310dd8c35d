"""The template as a spreadsheet program prints it."""

import shutil
import subprocess
from pathlib import Path

import pytest

TEMPLATE = Path(__file__).parents[2] / "workbook_template" / "NetStats.xlsm"
HEADINGS = (
    "Network statistics",
    "Destinations: what is measured",
    "Jobs: which destinations, when and how",
    "Details",
    "Trends",
    "Routes",
    "Pivot",
    "Settings",
    "About",
    "Help",
)


@pytest.mark.libreoffice
@pytest.mark.skipif(
    shutil.which("soffice") is None or shutil.which("pdftotext") is None,
    reason="needs LibreOffice's soffice and poppler's pdftotext",
)
def test_every_sheet_is_printed_and_no_cell_shows_an_error(tmp_path: Path) -> None:
    profile = f"-env:UserInstallation={(tmp_path / 'profile').as_uri()}"
    subprocess.run(
        ["soffice", profile, "--headless", "--convert-to", "pdf", "--outdir", tmp_path, TEMPLATE],
        check=True,
        capture_output=True,
        timeout=180,
    )
    printed = subprocess.run(
        ["pdftotext", "-layout", tmp_path / "NetStats.pdf", "-"], check=True, capture_output=True, timeout=60
    ).stdout.decode()
    assert [heading for heading in HEADINGS if heading not in printed] == []
    assert "This computer" in printed  # an example to begin with
    errors = ("###", "#NAME?", "#REF!", "#VALUE!", "#N/A", "#DIV/0!", "Err:")
    assert [error for error in errors if error in printed] == []
