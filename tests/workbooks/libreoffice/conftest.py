"""One LibreOffice for all tests of a module."""

from collections.abc import Iterator

import pytest

from tests.workbooks.libreoffice.office import Office, office
from tests.workbooks.office import SOFFICE


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A LibreOffice."""
    if SOFFICE is None:
        pytest.skip("LibreOffice's soffice is not on the path")
    with office(tmp_path_factory.mktemp("libreoffice")) as found:
        yield found
