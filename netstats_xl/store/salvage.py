"""What can still be read of a damaged database."""

from contextlib import suppress
from pathlib import Path

import duckdb

from netstats_xl.errors import StoreError
from netstats_xl.ports import StoredDefinitions
from netstats_xl.store import catalogue


def read_definitions(path: Path) -> StoredDefinitions | None:
    """The definitions in a database, which is only read; None where they cannot be read, or there are none."""
    with suppress(duckdb.Error, StoreError), duckdb.connect(":memory:") as connection:
        location = str(path).replace("'", "''")
        connection.execute(f"ATTACH '{location}' AS store (READ_ONLY)")
        connection.execute("USE store")
        found = catalogue.load(connection)
        return found if found != StoredDefinitions() else None
    return None
