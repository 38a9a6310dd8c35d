"""The files of a database's backups: where they lie, and what no copy may take the place of."""

import stat
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

from netstats_xl.companion.report_files import exists, looking
from netstats_xl.domain.backups import Backup, backups_of, folder_name, newest, outdated
from netstats_xl.errors import ConfigurationError, StoreError
from netstats_xl.paths import make_private

REMEDY = "Choose another name, or say that it is to be replaced."
"""What to do about a file that exists, for who asked over the API."""


class BackupFolder:
    """The folder beside a database that holds its backups; it need not exist. Times are naive, of the wall clock."""

    def __init__(self, database: Path) -> None:
        self._stem = database.stem
        self.path = database.with_name(folder_name(database.stem))

    def backups(self) -> tuple[tuple[Backup, Path], ...]:
        """All backups of the database, those before migrations too, the oldest first; none where it cannot be read."""
        return tuple((each, self.path / each.name) for each in backups_of(self._stem, self._names()))

    def newest(self, now: datetime) -> Backup | None:
        """The newest of the ordinary ones."""
        return newest(self._stem, self._names(), now=now)

    def target(self, now: datetime) -> Path:
        """Where a backup that is begun now goes; the folder is made.

        Raises:
            StoreError: the folder cannot be made.
        """
        try:
            make_private(self.path)
        except OSError as error:
            raise StoreError(
                f"The folder {self.path} for backups cannot be made: {error.strerror or error}. Remove what is in its "
                "way, or give this user the right to write there."
            ) from error
        return self.path / Backup(stem=self._stem, at=now.replace(second=0, microsecond=0)).name

    def rotate(self, now: datetime) -> None:
        """Delete the backups that are kept no longer; one that cannot be deleted now is the next time."""
        for name in outdated(self._stem, self._names(), now=now):
            with suppress(OSError):
                (self.path / name).unlink()

    def _names(self) -> list[str]:
        try:
            return [each.name for each in self.path.iterdir() if each.is_file()]
        except OSError:
            return []


def check_copy(output: Path, own: Sequence[Path], *, replace: bool, remedy: str = REMEDY) -> None:
    """See that a copy of the database may be written to this place.

    A copy for other programs, which is write-protected, may always be replaced: a database in use never is.

    Raises:
        ConfigurationError: the workbook or the database is there, or a file that may not be replaced, or there is no
            such folder.
    """
    with looking(output):
        is_own = output.resolve() in [path.resolve() for path in own]
        is_folder, has_folder = output.is_dir(), output.parent.is_dir()
        taken = exists(output) and bool(output.stat().st_mode & stat.S_IWRITE)
    if is_own:
        raise ConfigurationError(f"{output} is the workbook or the database itself. Choose another name.")
    if is_folder:
        raise ConfigurationError(f"{output} is a folder. Name a file in it for the copy.")
    if not has_folder:
        raise ConfigurationError(
            f"The folder {output.parent} does not exist. Create it, or choose another place."
        )
    if taken and not replace:
        raise ConfigurationError(f"{output} exists already, and is left as it is. {remedy}")
