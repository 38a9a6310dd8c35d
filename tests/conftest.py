"""What holds for all tests."""

import os
import sys
import tempfile
from collections.abc import Generator

import pytest
from hypothesis import settings

# No test touches the user's own data folder, nor asks a collector that is at work on this computer.
_data = tempfile.TemporaryDirectory(prefix="netstats-tests-", ignore_cleanup_errors=True)
os.environ["NETSTATS_XL_DATA"] = _data.name

# No test is timed: these machines are shared. CI looks at the same examples every time, so that a change is judged
# by what it changed; runs by hand look for new ones.
settings.register_profile("project", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("project")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Trials and what is marked so run untraced, with their processes: tracing takes longer than they do."""
    coverage = sys.modules.get("coverage")  # not everywhere installed
    tracing = coverage.Coverage.current() if coverage is not None else None
    if tracing is None or not ({"trials", "untraced"} & {mark.name for mark in item.iter_markers()}):
        return (yield)
    tracing.stop()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("COVERAGE_PROCESS_CONFIG", raising=False)  # by which `patch = ["subprocess"]` tells them
        try:
            return (yield)
        finally:
            tracing.start()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A worker of pytest-xdist sends what was printed and logged as UTF-8, which has no lone surrogates."""
    report = yield
    report.sections = [
        (name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections
    ]
    return report
