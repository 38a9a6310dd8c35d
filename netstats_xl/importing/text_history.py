"""What all readers of measurements in text files have in common."""

from netstats_xl.domain.history import HistoryOptions
from netstats_xl.importing.text import TextFile


class TextHistory:
    """The part of a `ports.HistoryFile` that is the same whatever the file's format."""

    def __init__(self, file: TextFile, options: HistoryOptions) -> None:
        self._file = file
        self._options = options
        self.notes: tuple[str, ...] = ()
        """As `ports.HistoryFile.notes`."""

    @property
    def part_read(self) -> float:
        """As `ports.HistoryFile.part_read`."""
        return self._file.part_read
