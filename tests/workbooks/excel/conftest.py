from collections.abc import Iterator

import pytest

from tests.excel_double import WindowsEngine, windows_engine


@pytest.fixture(params=["early", "late"])
def engine(request: pytest.FixtureRequest) -> Iterator[WindowsEngine]:
    """xlwings' Windows engine over the double, in both ways in which pywin32 binds."""
    with windows_engine(request.param) as running:
        yield running
