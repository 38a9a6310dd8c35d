"""What the installer's tests share."""

from pathlib import Path

import pytest

from tests.installing.fakes import FakeWindows


@pytest.fixture
def windows(tmp_path: Path) -> FakeWindows:
    return FakeWindows(tmp_path / "Łucja")
