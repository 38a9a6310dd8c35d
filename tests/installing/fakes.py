"""A Windows that is a folder and two dictionaries."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from netstats_xl.installing.edges import Edges, Hive, RegistryValue, Shortcut
from netstats_xl.installing.interpreter import Interpreter
from netstats_xl.installing.marks import StreamMarks


@dataclass
class FakeRegistry:
    """Knows keys whatever their case, as the registry does."""

    values: dict[tuple[Hive, str, str], RegistryValue] = field(default_factory=dict)
    unreadable: set[str] = field(default_factory=set)
    """Keys that this user may not read."""

    def set(self, hive: Hive, key: str, name: str, value: RegistryValue) -> None:
        self.values[hive, key.casefold(), name.casefold()] = value

    def value(self, hive: Hive, key: str, name: str) -> RegistryValue | None:
        self._guard(key)
        return self.values.get((hive, key.casefold(), name.casefold()))

    def subkeys(self, hive: Hive, key: str) -> Sequence[str]:
        self._guard(key)
        start = key.casefold() + "\\"
        below = {
            each[1][len(start) :].split("\\")[0]
            for each in self.values
            if each[0] is hive and each[1].startswith(start)
        }
        return sorted(below)

    def _guard(self, key: str) -> None:
        if key.casefold() in {each.casefold() for each in self.unreadable}:
            raise PermissionError(13, "Access is denied", key)


class FakeShortcuts:
    """Shortcuts as JSON files."""

    def read(self, path: Path) -> Shortcut | None:
        try:
            return Shortcut(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, path: Path, shortcut: Shortcut) -> None:
        path.write_text(json.dumps(asdict(shortcut)), encoding="utf-8")


@dataclass
class FakeFolders:
    """A user's folders below one."""

    root: Path
    onedrive: tuple[Path, ...] = ()

    def documents(self) -> Path:
        return self.root / "Documents"

    def programs(self) -> Path:
        return self.root / "Start Menu" / "Programs"

    def profile(self) -> Path:
        return self.root

    def local_data(self) -> Path:
        return self.root / "AppData" / "Local"

    def cloud(self) -> Sequence[Path]:
        return self.onedrive


@dataclass
class FakeWindows:
    """All of it, with the means to prepare it and look at it."""

    root: Path
    registry: FakeRegistry = field(default_factory=FakeRegistry)
    code_page: str = "cp1252"

    def __post_init__(self) -> None:
        self.folders = FakeFolders(self.root)
        for folder in (self.folders.documents(), self.folders.programs(), self.folders.local_data()):
            folder.mkdir(parents=True)

    @property
    def edges(self) -> Edges:
        return Edges(
            registry=self.registry,
            shortcuts=FakeShortcuts(),
            marks=StreamMarks(),
            folders=self.folders,
            code_page=self.code_page,
        )

    @property
    def python(self) -> Interpreter:
        scripts = self.folders.local_data() / "netstats_xl" / "venv" / "Scripts"
        return Interpreter(
            python=scripts / "python.exe", windowed=scripts / "pythonw.exe", base=r"C:\Python313"
        )

    def files(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()}
