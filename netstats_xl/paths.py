"""Where the files of this user's companions lie, and what a companion is known by."""

import hashlib
import os
import sys
from dataclasses import dataclass
from pathlib import Path

FOLDER_VARIABLE = "NETSTATS_XL_DATA"
"""Name of the environment variable that puts the user's data folder elsewhere."""


@dataclass(frozen=True, slots=True)
class DataFolder:
    """The user's data folder; none of its files need exist, nor the folder itself."""

    path: Path

    def endpoint(self, companion_id: str) -> Path:
        """Where the companion at work tells how to reach it; only the user may read it."""
        return self.path / "companions" / f"{companion_id}.txt"

    @property
    def endpoints(self) -> Path:
        """The folder of what all companions at work tell."""
        return self.path / "companions"

    def record(self, companion_id: str) -> Path:
        """What is known lastingly of a live workbook: where it was seen last."""
        return self.path / "workbooks" / f"{companion_id}.txt"

    @property
    def records(self) -> Path:
        """The folder of what is known of all live workbooks."""
        return self.path / "workbooks"

    def database(self, companion_id: str) -> Path:
        """The database of a live workbook whose settings name none: it survives that the workbook is moved."""
        return self.path / "data" / f"{companion_id}.duckdb"

    @property
    def libreoffice(self) -> Path:
        """Where the user's LibreOffice listens; only the user may read it."""
        return self.path / "libreoffice.txt"

    def log(self, companion_id: str) -> Path:
        """The companion's log; older parts of it are `.log.1` and so on."""
        return self.path / "logs" / f"{companion_id}.log"


def data_folder() -> DataFolder:
    """The present user's: `%LOCALAPPDATA%\\netstats_xl` on Windows, or what the environment names instead."""
    if elsewhere := os.environ.get(FOLDER_VARIABLE, "").strip():
        return DataFolder(Path(elsewhere).expanduser().absolute())
    from platformdirs import user_data_path

    return DataFolder(user_data_path("netstats_xl", appauthor=False, roaming=False))


def companion_id(database: Path) -> str:
    """What the companion of a workbook without an identity of its own is known by: 32 hexadecimal digits.

    The same database has the same one, by whatever path it is named; on Windows, in whatever case.
    """
    return hashlib.sha256(
        os.path.normcase(database.resolve()).encode("utf-8", "surrogateescape")
    ).hexdigest()[:32]


def lock_path(database: Path) -> Path:
    """The file whose lock the companion of the database holds."""
    return database.with_name(f"{database.name}.lock")


def holder_path(database: Path) -> Path:
    """The file that tells who holds that lock, while it is held."""
    return database.with_name(f"{database.name}.lock.txt")


def make_private(folder: Path) -> None:
    """Make a folder of the user's own, with those above it that are missing; one that exists stays as it is.

    On POSIX only the user may look into what is made: hosts and results are nobody else's matter. On Windows they
    lie in the user's profile.

    Raises:
        OSError: it cannot be made.
    """
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    for each in reversed(missing or [folder]):
        each.mkdir(mode=0o777 if sys.platform == "win32" else 0o700, exist_ok=True)
