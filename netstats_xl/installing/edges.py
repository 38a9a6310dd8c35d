"""What the installer asks of the system, as capabilities: Windows provides them, tests fake them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Hive(StrEnum):
    """A root of the registry."""

    USER = "HKCU"
    MACHINE = "HKLM"
    CLASSES = "HKCR"


RegistryValue = int | str | bytes | Sequence[str]
"""What a value holds: REG_DWORD and REG_QWORD, REG_SZ, REG_BINARY, REG_MULTI_SZ."""


class Registry(Protocol):
    """Reads the registry. It has no method that writes: no setting of the system is changed."""

    def value(self, hive: Hive, key: str, name: str) -> RegistryValue | None:
        """A value; `""` names the key's default. None: there is none.

        Raises:
            PermissionError: this user may not read it.
        """
        ...

    def subkeys(self, hive: Hive, key: str) -> Sequence[str]:
        """Names of the keys below; none where the key is not there.

        Raises:
            PermissionError: this user may not read it.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortcut:
    """What a `.lnk` file says."""

    target: str
    """Full path of the program or document."""
    arguments: str = ""
    folder: str = ""
    """Where it starts; empty: anywhere."""
    description: str = ""


class Shortcuts(Protocol):
    """Reads and writes `.lnk` files."""

    def read(self, path: Path) -> Shortcut | None:
        """What the file says; None where there is no shortcut that can be read."""
        ...

    def write(self, path: Path, shortcut: Shortcut) -> None:
        """Write the file, in a folder that exists.

        Raises:
            OSError: it cannot be written.
        """
        ...


class Marks(Protocol):
    """The mark of the web: the stream `Zone.Identifier` of a file that came from the internet."""

    def marked(self, path: Path) -> bool:
        """Whether the file carries the mark; False where it is not there."""
        ...

    def unmark(self, path: Path) -> None:
        """Take the mark off; nothing happens where there is none.

        Raises:
            OSError: it cannot be taken off.
        """
        ...


class Folders(Protocol):
    """The user's own folders, wherever they were moved to (another disk, a network share, OneDrive)."""

    def documents(self) -> Path:
        """Where the user keeps documents."""
        ...

    def programs(self) -> Path:
        """This user's part of the Start menu."""
        ...

    def profile(self) -> Path:
        """`%USERPROFILE%`."""
        ...

    def local_data(self) -> Path:
        """`%LOCALAPPDATA%`."""
        ...

    def cloud(self) -> Sequence[Path]:
        """The roots of folders that OneDrive keeps in step."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """All of the system that the installer touches, but plain files."""

    registry: Registry
    shortcuts: Shortcuts
    marks: Marks
    folders: Folders
    code_page: str
    """The encoding of this Windows for programs that know no Unicode, as Python names it."""
