"""Another database of this program, which may be damaged: what can be read of it, and what cannot."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import duckdb

from netstats_xl.errors import StoreError
from netstats_xl.store.database import Cursor
from netstats_xl.store.faults import fault_of
from netstats_xl.store.reading import open_read_only

Result = TypeVar("Result")


class OtherDatabase:
    """The other database. What cannot be read of it is noted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.unreadable: list[str] = []

    def ask(self, what: str, query: Callable[[Cursor], Result]) -> Result:
        """What the query returns; a cursor of its own for each, so that no damage outlasts a question.

        Raises:
            StoreError: it cannot be read.
        """
        with open_read_only(self._path) as cursor:
            try:
                return query(cursor)
            except duckdb.Error as error:
                message = fault_of(error, self._path).error.message
                raise StoreError(f"{what} cannot be read: {message}") from error

    def try_to_ask(self, what: str, query: Callable[[Cursor], Result], otherwise: Result) -> Result:
        """What the query returns; where it cannot be read, that is noted."""
        try:
            return self.ask(what, query)
        except StoreError as error:
            self.unreadable.append(error.message)
            return otherwise
