"""Carrying out what was planned, step by step; what was made is recorded at once."""

import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import assert_never

from netstats_xl.errors import NetstatsError
from netstats_xl.files import replacing
from netstats_xl.installing import plan, record, removal
from netstats_xl.installing.edges import Edges
from netstats_xl.installing.plan import Adopt, CopyWorkbook, InstallStep, Leave, WriteConf, WriteShortcut
from netstats_xl.installing.record import Record
from netstats_xl.installing.removal import RemovalStep, RemoveFile, RemoveFolder, RemoveIfEmpty, RestoreConf

Say = Callable[[str], None]


@dataclass(slots=True, kw_only=True)
class Installation:
    """Carries out steps. One that fails is told, and the others are done all the same."""

    edges: Edges
    record: Record
    record_path: Path
    copy_template: Callable[[Path], None]
    """Writes a new workbook, whole or not at all."""
    say: Say
    problems: list[str] = field(default_factory=list)

    def install(self, steps: Sequence[InstallStep]) -> None:
        """Do the steps of an installation; `problems` tells what did not work."""
        for number, step in enumerate(steps, start=1):
            self.say(f"[{number}/{len(steps)}] {plan.tell(step)}")
            self._try(plan.tell(step), partial(self._install, step))

    def remove(self, steps: Sequence[RemovalStep]) -> None:
        """Do the steps of a removal, and forget the record where all of them worked."""
        for number, step in enumerate(steps, start=1):
            self.say(f"[{number}/{len(steps)}] {removal.tell(step)}")
            self._try(removal.tell(step), partial(_remove, step))
        if not self.problems:
            self._try(f"Remove {self.record_path}", lambda: self.record_path.unlink(missing_ok=True))
            _remove_if_empty(self.record_path.parent)

    def _try(self, what: str, action: Callable[[], None]) -> None:
        try:
            action()
        except NetstatsError as error:
            self.problems.append(f"{what}: {error.message}")
        except OSError as error:
            self.problems.append(f"{what}: {error.strerror or error}")

    def _install(self, step: InstallStep) -> None:
        match step:
            case CopyWorkbook(path=path):
                self._make_folder(path.parent)
                self.copy_template(path)
                self.edges.marks.unmark(path)
                self._keep(self.record.with_workbook(path))
            case WriteConf(content=content, record=conf):
                self._make_folder(conf.path.parent)
                with replacing(conf.path) as temporary:
                    temporary.write_bytes(content)
                self._keep(replace(self.record, conf=conf))
            case WriteShortcut(path=path, shortcut=shortcut):
                self._make_folder(path.parent)
                self.edges.shortcuts.write(path, shortcut)
                self._keep(self.record.with_shortcut(path, shortcut))
            case Adopt(shortcut=shortcut_there, workbook=workbook):
                found = self.record
                if shortcut_there is not None:
                    found = found.with_shortcut(*shortcut_there)
                if workbook is not None:
                    found = found.with_workbook(workbook)
                if found != self.record:
                    self._keep(found)
            case Leave():
                pass
            case _:
                assert_never(step)

    def _make_folder(self, folder: Path) -> None:
        missing = [each for each in (folder, *folder.parents) if not each.exists()]
        for each in reversed(missing):
            each.mkdir(exist_ok=True)
            self._keep(self.record.with_folder(each))

    def _keep(self, changed: Record) -> None:
        self.record = changed
        record.save(changed, self.record_path)


def _remove(step: RemovalStep) -> None:
    match step:
        case RemoveFile(path=path):
            path.unlink(missing_ok=True)
        case RestoreConf(path=path, content=content):
            with replacing(path) as temporary:
                temporary.write_bytes(content)
        case RemoveIfEmpty(path=path):
            _remove_if_empty(path)
        case RemoveFolder(path=path):
            shutil.rmtree(path)
        case Leave():
            pass
        case _:
            assert_never(step)


def _remove_if_empty(folder: Path) -> None:
    with suppress(OSError):  # something lies in it, or it is gone already
        folder.rmdir()
