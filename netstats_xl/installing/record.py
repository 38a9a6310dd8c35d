"""What an installation made, so that it can be taken away again: exactly that, and nothing else."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from netstats_xl.errors import InstallError
from netstats_xl.files import replacing
from netstats_xl.installing.edges import Shortcut

FILE_NAME = "installed.json"
_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfRecord:
    """What was written into xlwings' settings, and what stood there before; bytes as Latin-1 text."""

    path: Path
    written: Mapping[str, str]
    before: Mapping[str, str | None]
    """None: the key was not there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What an installation made."""

    workbooks: tuple[Path, ...] = ()
    """Copies of the template, the latest last. They are the user's, and stay."""
    shortcuts: Mapping[Path, Shortcut] = field(default_factory=dict)
    folders: tuple[Path, ...] = ()
    """Folders that were not there, the outer before the inner."""
    conf: ConfRecord | None = None

    def with_workbook(self, path: Path) -> "Record":
        """With this one as the latest."""
        return replace(self, workbooks=(*(each for each in self.workbooks if each != path), path))

    def with_shortcut(self, path: Path, shortcut: Shortcut) -> "Record":
        """With this shortcut, in the place of an older one at the path."""
        return replace(self, shortcuts={**self.shortcuts, path: shortcut})

    def with_folder(self, path: Path) -> "Record":
        """With this folder, too."""
        return self if path in self.folders else replace(self, folders=(*self.folders, path))


def load(path: Path) -> Record | None:
    """The record in the file; None where there is none.

    Raises:
        InstallError: it cannot be read or understood.
    """
    try:
        return _parsed(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InstallError(
            f"{path}, which says what was installed, cannot be read: {error!r}. Remove it and install again; what it "
            "listed then stays until you remove it yourself."
        ) from error


def save(record: Record, path: Path) -> None:
    """Write it whole, or leave the old one.

    Raises:
        OSError: it cannot be written.
    """
    content = {
        "format": _FORMAT,
        "workbooks": [str(each) for each in record.workbooks],
        "shortcuts": [{"path": str(each), **asdict(shortcut)} for each, shortcut in record.shortcuts.items()],
        "folders": [str(each) for each in record.folders],
        "conf": None
        if record.conf is None
        else {
            "path": str(record.conf.path),
            "written": dict(record.conf.written),
            "before": dict(record.conf.before),
        },
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _parsed(content: Any) -> Record:
    if content["format"] != _FORMAT:
        raise ValueError(f"its format is {content['format']}, not {_FORMAT}")
    conf = content["conf"]
    return Record(
        workbooks=tuple(Path(each) for each in content["workbooks"]),
        shortcuts={
            Path(each["path"]): Shortcut(**{key: value for key, value in each.items() if key != "path"})
            for each in content["shortcuts"]
        },
        folders=tuple(Path(each) for each in content["folders"]),
        conf=None
        if conf is None
        else ConfRecord(path=Path(conf["path"]), written=dict(conf["written"]), before=dict(conf["before"])),
    )
