"""One LibreOffice for all tests of a module."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netstats_xl.workbooks.libreoffice.program import find_program
from tests.workbooks.libreoffice.office import Office, office
from tests.workbooks.office import SOFFICE


@pytest.fixture(scope="module", autouse=True)
def counting() -> Iterator[None]:
    """Count the coverage of `uno_side` too, where LibreOffice's Python can load what this one counts with.

    pytest-cov starts counting in Pythons of this environment alone. It is counted with `--cov`, where the configured
    folder is what is counted; not with `--cov=PACKAGE`, which that Python cannot import.
    """
    program = find_program()
    if not {"COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"} & set(os.environ) or program is None:
        yield
        return
    version = subprocess.run(
        [program.python(), "-c", "import sys; print(*sys.version_info[:2])"],
        capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    with pytest.MonkeyPatch.context() as patch:
        if version.stdout.split() == [str(each) for each in sys.version_info[:2]]:
            import coverage

            patch.setenv("NETSTATS_XL_TESTS_COVERAGE", str(Path(coverage.__file__).parents[1]))
            patch.setenv("PYTHONPATH", str(Path(__file__).with_name("counted")))
        yield


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """A LibreOffice."""
    if SOFFICE is None:
        pytest.skip("LibreOffice's soffice is not on the path")
    with office(tmp_path_factory.mktemp("libreoffice")) as found:
        yield found
