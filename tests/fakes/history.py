"""A file of history that a test writes down."""

from collections.abc import Iterator, Sequence

from netstats_xl.domain.history import HistoryFormat, HistoryRow


class ScriptedHistory:
    """A `ports.HistoryFile` of these rows."""

    def __init__(
        self, rows: Sequence[HistoryRow], kind: HistoryFormat = HistoryFormat.CSV, notes: Sequence[str] = ()
    ) -> None:
        self.format = kind
        self.part_read = 0.0
        self.notes = tuple(notes)
        self._rows = rows

    def rows(self) -> Iterator[HistoryRow]:
        for index, row in enumerate(self._rows, start=1):
            self.part_read = index / len(self._rows)
            yield row
