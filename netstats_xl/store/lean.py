"""A process that does without pandas, does not stop to look for garbage, and whose threads take short turns."""

import gc
import sys


def do_without_pandas() -> None:
    """Have this process do as if pandas, numpy and pyarrow were not installed, unless it has imported them.

    DuckDB imports the first two, where they are, with the first value that is bound to a statement, pyarrow with the
    first Arrow table, and xlwings pandas when it is imported: 43 MB and half a second, for types that nothing here
    uses. Where they are not, DuckDB looks for them on the disk again with each value and each table. Only the start of
    a process may decide so for all of it.
    """
    for name in ("numpy", "pandas", "pyarrow"):
        # None is how Python notes that a module cannot be imported.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # typeshed knows modules alone


def look_for_garbage_seldom() -> None:
    """Have this process look for garbage in cycles more seldom: there is next to none.

    A look at all objects takes some 50 ms where 1,000 destinations are known, and with Python's usual thresholds every
    tenth answer would wait for one. Only the start of a process may decide so for all of it.
    """
    gc.set_threshold(20_000, 10, 100)


def take_short_turns() -> None:
    """Have a thread that computes let others go on after a twentieth of a millisecond, not after Python's five.

    To save a batch asks for the interpreter a dozen times: after each statement, and each look at a file. While an
    answer was computed, it took 60 ms for 10 ms of work. On Windows threads wait for the interpreter by the
    millisecond: with less they would not wait but ask without a pause. Only the start of a process may decide so for
    all of it.
    """
    sys.setswitchinterval(0.001 if sys.platform == "win32" else 0.000_05)
