"""What is to be done for an installation, decided from what is there: nothing is touched here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from netstats_xl.installing import xlwings_conf
from netstats_xl.installing.edges import Shortcut
from netstats_xl.installing.interpreter import Interpreter
from netstats_xl.installing.record import ConfRecord, Record

MENU_FOLDER = "Network Stats"
WORKBOOK_LINK = "Network Stats.lnk"
COLLECTOR_LINK = "Start the collector.lnk"
WORKBOOK_NAME = "NetStats.xlsm"


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What was found."""

    workbook: Path
    """Where the workbook is to lie."""
    workbook_exists: bool
    interpreter: Interpreter
    menu: Path
    """This user's part of the Start menu."""
    conf: Path
    conf_content: bytes | None
    """None: there is no such file."""
    conf_values: Mapping[str, bytes]
    """What it should say."""
    shortcuts: Mapping[Path, Shortcut | None] = field(default_factory=dict)
    """Those of the wanted ones whose files are there; None: the file is no shortcut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CopyWorkbook:
    """Copy the template, and take the mark of the web off the copy."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteConf:
    """Write xlwings' settings."""

    content: bytes
    record: ConfRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteShortcut:
    """Write a shortcut."""

    path: Path
    shortcut: Shortcut


@dataclass(frozen=True, slots=True, kw_only=True)
class Adopt:
    """Leave what is right already, and keep in mind that it is this installation's."""

    says: str
    shortcut: tuple[Path, Shortcut] | None = None
    workbook: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Leave:
    """Leave what is somebody else's."""

    says: str


InstallStep = CopyWorkbook | WriteConf | WriteShortcut | Adopt | Leave


def wanted_shortcuts(workbook: Path, interpreter: Interpreter, menu: Path) -> dict[Path, Shortcut]:
    """The entries of the Start menu, by their files."""
    folder = menu / MENU_FOLDER
    return {
        folder / WORKBOOK_LINK: Shortcut(
            target=str(workbook),
            description="Network latency and loss, live in Excel",
        ),
        folder / COLLECTOR_LINK: Shortcut(
            target=str(interpreter.windowed),
            # -P: nothing that lies where it is started from is imported by mistake.
            arguments=f'-P -m netstats_xl start "{workbook}"',
            description="Starts measuring for the workbook, without Excel's help",
        ),
    }


def plan_install(situation: Situation, record: Record) -> tuple[InstallStep, ...]:
    """The steps, in their order; a second run finds everything right."""
    return (_workbook(situation), _conf(situation, record), *_shortcuts(situation, record))


def tell(step: InstallStep) -> str:
    """What the step does, for the user."""
    match step:
        case CopyWorkbook(path=path):
            return f"Copy the workbook to {path}, and take the mark of the web off the copy"
        case WriteConf(record=record):
            return f"Write xlwings' settings into {record.path}"
        case WriteShortcut(path=path):
            return f"Put '{path.stem}' into the Start menu: {path}"
        case Adopt(says=says) | Leave(says=says):
            return says


def _workbook(situation: Situation) -> InstallStep:
    path = situation.workbook
    if situation.workbook_exists:
        return Adopt(says=f"Keep {path}: it is there already, and stays as it is", workbook=path)
    return CopyWorkbook(path=path)


def _conf(situation: Situation, record: Record) -> InstallStep:
    now = xlwings_conf.values(situation.conf_content or b"")
    wanted = situation.conf_values
    earlier = record.conf if record.conf is not None and record.conf.path == situation.conf else None
    if earlier is not None and all(now.get(key) == value for key, value in wanted.items()):
        return Leave(says=f"Keep xlwings' settings in {situation.conf}: they are right already")
    before = {key: _text(now.get(key)) for key in wanted}
    if earlier is not None:
        # What we wrote ourselves is not what the user had.
        for key, value in before.items():
            if key in earlier.before and value == earlier.written.get(key):
                before[key] = earlier.before[key]
    return WriteConf(
        content=xlwings_conf.merged(situation.conf_content or b"", wanted),
        record=ConfRecord(
            path=situation.conf,
            written={key: value.decode("latin-1") for key, value in wanted.items()},
            before=before,
        ),
    )


def _shortcuts(situation: Situation, record: Record) -> list[InstallStep]:
    steps: list[InstallStep] = []
    wanted = wanted_shortcuts(situation.workbook, situation.interpreter, situation.menu)
    for path, shortcut in wanted.items():
        there = situation.shortcuts.get(path)
        ours = there is not None and same(there, record.shortcuts.get(path))
        if path not in situation.shortcuts or (ours and not same(there, shortcut)):
            steps.append(WriteShortcut(path=path, shortcut=shortcut))
        elif same(there, shortcut):
            steps.append(
                Adopt(
                    says=f"Keep '{path.stem}' in the Start menu: it is right already",
                    shortcut=(path, shortcut),
                )
            )
        else:
            steps.append(
                Leave(
                    says=f"Keep {path}: it is not as it was made. Remove it and install again to have it made anew"
                )
            )
    return steps


def same(one: Shortcut | None, other: Shortcut | None) -> bool:
    """Whether both start the same; Windows may change the rest of the file, and the case of paths."""
    if one is None or other is None:
        return False
    return (one.target.casefold(), one.arguments) == (other.target.casefold(), other.arguments)


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode("latin-1")
