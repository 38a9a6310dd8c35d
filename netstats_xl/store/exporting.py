"""Files for other programs: written beside their place, then put there in one step."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import duckdb

from netstats_xl.errors import ReportError
from netstats_xl.files import replacing
from netstats_xl.store.database import Cursor


@contextmanager
def replaced(path: Path) -> Iterator[Path]:
    """As `files.replacing`.

    Raises:
        ReportError: the file cannot be written.
    """
    try:
        with replacing(path) as temporary:
            yield temporary
    except IsADirectoryError as error:
        raise ReportError(f"{path} cannot be written: it is a folder. Name a file.") from error
    except OSError as error:
        raise ReportError(
            f"The file {path} cannot be written ({error.strerror or error}). Close the program that has it open, "
            "or choose another place."
        ) from error


def copy(cursor: Cursor, sql: str, target: Path, options: str, parameters: Mapping[str, object]) -> int:
    """Have DuckDB write what the question finds to a file, within `replaced`; how many rows there are.

    Raises:
        OSError: the file cannot be written.
        duckdb.Error: the question cannot be answered.
    """
    place = str(target).replace("'", "''")
    try:
        [(count,)] = cursor.execute(f"COPY ({sql}) TO '{place}' ({options})", dict(parameters)).fetchall()
    except duckdb.IOException as error:
        if str(target) in str(error):
            raise OSError(str(error)) from error
        raise
    return int(count)
