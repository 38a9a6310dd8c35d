"""A process that does without pandas."""

import sys


def do_without_pandas() -> None:
    """Have this process do as if pandas and numpy were not installed, unless it has imported them.

    DuckDB imports both, where they are, with the first value that is bound to a statement, and xlwings when it is
    imported: 43 MB and half a second, for types that nothing here uses. Where they are not, DuckDB looks for them
    on the disk again with each value. Only the start of a process may decide so for all of it.
    """
    for name in ("numpy", "pandas"):
        # None is how Python notes that a module cannot be imported.
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]  # typeshed knows modules alone
