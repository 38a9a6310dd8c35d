"""The mark of the web as NTFS keeps it: a stream of the file, reached as `file:Zone.Identifier`."""

from contextlib import suppress
from pathlib import Path

_STREAM = ":Zone.Identifier"


class StreamMarks:
    """Marks in alternate data streams."""

    def marked(self, path: Path) -> bool:
        """Whether the file carries the mark; False also on disks that know no streams."""
        try:
            with _stream(path).open("rb"):
                return True
        except OSError:
            return False

    def unmark(self, path: Path) -> None:
        """Take the mark off."""
        # A disk that knows no streams may call the name wrong: then there is no mark on it.
        if self.marked(path):
            with suppress(FileNotFoundError):
                _stream(path).unlink()


def _stream(path: Path) -> Path:
    return path.with_name(path.name + _STREAM)
