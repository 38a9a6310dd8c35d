"""A process that does without pandas, and seldom looks for garbage."""

import subprocess
import sys
import tomllib
from pathlib import Path

SCRIPT = """
import sys
import tomllib
from pathlib import Path
from netstats_xl.domain.results import Batch, RunCompleted
from netstats_xl.domain.targets import Definitions
from netstats_xl.store.duckdb_store import DuckDbStore
from netstats_xl.store.lean import do_without_pandas
from tests.contracts.result_store import ALWAYS, OUTCOMES, START, destination, job, run, sample

do_without_pandas()
store = DuckDbStore.open(Path(sys.argv[1]))
store.save_definitions(Definitions(destinations=(destination(1),), jobs=(job(1),)), at=START)
samples = [sample(minute, outcome) for minute, outcome in enumerate(OUTCOMES)]
store.save(Batch(batch_id="a", samples=samples, runs=[run(0, RunCompleted(up=1, down=0))]))
assert store.samples(ALWAYS) == samples
assert store.summaries(ALWAYS) and store.latest(ALWAYS) and store.info().samples
store.close()
print([name for name in sys.modules if name.startswith(("numpy.", "pandas."))])
"""


def test_nothing_of_pandas_and_numpy_is_loaded_where_a_process_does_without_them(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path / "results.duckdb")],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_a_process_that_has_them_keeps_them() -> None:
    script = """
import numpy
from netstats_xl.store.lean import do_without_pandas

do_without_pandas()
import numpy as again

assert again is numpy
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_a_process_looks_for_garbage_more_seldom_than_python_would_but_goes_on_doing_so() -> None:
    script = """
import gc
from netstats_xl.store.lean import look_for_garbage_seldom

usual = gc.get_threshold()
look_for_garbage_seldom()
print(gc.isenabled(), all(now >= before > 0 for now, before in zip(gc.get_threshold(), usual)))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout.strip(), done.stderr) == ("True True", "")


def test_threads_take_short_turns() -> None:
    script = """
import sys
import tomllib
from netstats_xl.store.lean import take_short_turns

usual = sys.getswitchinterval()
take_short_turns()
assert (0.00099 if sys.platform == "win32" else 0) < sys.getswitchinterval() < usual
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_command_has_the_settings_that_python_m_has() -> None:
    project = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text("utf-8"))[
        "project"
    ]
    module, name = project["scripts"]["netstats-xl"].split(":")
    script = f"""
import gc
import sys
import tomllib
from {module} import {name}

usual = gc.get_threshold()[0], sys.getswitchinterval()
sys.argv[1:] = ["--version"]
try:
    {name}()
except SystemExit as ended:
    assert not ended.code
assert gc.get_threshold()[0] > usual[0]
assert sys.getswitchinterval() < usual[1]
assert sys.modules["pandas"] is None
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
