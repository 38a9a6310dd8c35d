"""Counts what runs in LibreOffice's Python, where the tests' coverage is counted. See `counting` in `conftest`."""

import os
import sys

sys.path.append(os.environ["NETSTATS_XL_TESTS_COVERAGE"])
import coverage

coverage.process_startup()
sys.path.pop()
