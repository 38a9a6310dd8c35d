"""What is to be done to take an installation away, decided from its record and what is there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netstats_xl.installing import xlwings_conf
from netstats_xl.installing.edges import Shortcut
from netstats_xl.installing.plan import Leave, same
from netstats_xl.installing.record import ConfRecord, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """What is still there of an installation."""

    shortcuts: Mapping[Path, Shortcut | None] = field(default_factory=dict)
    """Those of the recorded ones whose files are there; None: the file is no shortcut."""
    conf_content: bytes | None = None
    workbooks: Sequence[Path] = ()
    """Those of the recorded ones that are there."""
    data: Sequence[Path] = ()
    """Folders of measurements, logs and the like that are there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFile:
    """Remove a file."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreConf:
    """Give xlwings' settings back what stood there before."""

    path: Path
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveIfEmpty:
    """Remove a folder that was made, unless something lies in it."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveFolder:
    """Remove a folder with all that lies in it."""

    path: Path


RemovalStep = RemoveFile | RestoreConf | RemoveIfEmpty | RemoveFolder | Leave


def plan_removal(record: Record, remains: Remains, *, remove_data: bool) -> tuple[RemovalStep, ...]:
    """The steps, in their order. Workbooks always stay; what the user changed stays; data stay unless told."""
    steps: list[RemovalStep] = []
    for path, shortcut in record.shortcuts.items():
        if path in remains.shortcuts:
            if same(remains.shortcuts[path], shortcut):
                steps.append(RemoveFile(path=path))
            else:
                steps.append(Leave(says=f"Keep {path}: it was changed since"))
    if record.conf is not None and remains.conf_content is not None:
        steps.extend(_conf(record.conf, remains.conf_content))
    steps.extend(RemoveIfEmpty(path=path) for path in reversed(record.folders))
    steps.extend(Leave(says=f"Keep your workbook {path}") for path in remains.workbooks)
    if remove_data:
        steps.extend(RemoveFolder(path=path) for path in remains.data)
    elif remains.data:
        steps.append(Leave(says=f"Keep your measurements and logs in {remains.data[0].parent}"))
    return tuple(steps)


def tell(step: RemovalStep) -> str:
    """What the step does, for the user."""
    match step:
        case RemoveFile(path=path):
            return f"Remove {path}"
        case RestoreConf(path=path):
            return f"Take this product's settings out of {path}"
        case RemoveIfEmpty(path=path):
            return f"Remove the folder {path}, if it is empty"
        case RemoveFolder(path=path):
            return f"Remove {path} with all that lies in it"
        case Leave(says=says):
            return says


def _conf(record: ConfRecord, content: bytes) -> list[RemovalStep]:
    now = xlwings_conf.values(content)
    back = {
        key: None if before is None else before.encode("latin-1")
        for key, before in record.before.items()
        if now.get(key) == record.written[key].encode("latin-1")
    }
    restored = xlwings_conf.merged(content, back)
    if not restored.strip():
        return [RemoveFile(path=record.path)]
    if restored == content:
        return [Leave(says=f"Keep {record.path}: nothing of this product is in it any more")]
    return [RestoreConf(path=record.path, content=restored)]
