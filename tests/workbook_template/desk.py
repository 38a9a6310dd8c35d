"""A desk with an Excel on it that runs the template's own VBA: pyOpenVBA's interpreter and its model of Excel.

What the macros reach outside Excel is real where it can be (files, HTTP to a server on 127.0.0.1), and written down
where it cannot (programs that are started, dialogs, the ribbon being drawn anew).
"""
# pyOpenVBA has no types:
# mypy: disable-error-code="misc,untyped-decorator"

import re
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pyopenvba import ExcelFile, VBAModuleKind
from pyopenvba.apps.excel import ExcelApplication
from pyopenvba.apps.excel._bridge import ExcelBridge
from pyopenvba.apps.excel._io import load_workbook
from pyopenvba.apps.excel._model import Application, Workbook
from pyopenvba.interpreter import (
    EMPTY,
    MISSING,
    Interpreter,
    VBAInt,
    VBAObject,
    VBARuntimeError,
    _runtime,
    member,
    method,
)
from pyopenvba.interpreter._objects import MemberSpec
from pyopenvba.interpreter._values import to_bool, to_text

from tests.workbook_template.components import Control, FileSystem, RibbonUI, ServerXmlHttp, Shell, local_path

_runtime.parse_module = cache(
    _runtime.parse_module
)  # a hundred desks run the same modules, which parsing takes longest of


class _Application(Application):
    """Excel with what the model lacks."""

    vba_type_name = "Application"
    desk: "Desk"

    @member
    def Hwnd(self) -> object:  # noqa: N802
        return VBAInt(0x1A2B3C, "Long")

    @method
    def OnTime(self, _: Any, procedure: Any, __: Any = MISSING, schedule: Any = MISSING) -> object:  # noqa: N802
        if schedule is MISSING or to_bool(schedule):
            self.desk.scheduled.append(to_text(procedure))
        else:
            self.desk.scheduled.remove(to_text(procedure))
        return EMPTY

    @method
    def GetSaveAsFilename(self, *arguments: Any) -> object:  # noqa: N802
        self.desk.save_dialogs.append([to_text(each) for each in arguments])
        return self.desk.file_chosen


class _Bridge(ExcelBridge):
    def __init__(self, desk: "Desk", application: Application) -> None:
        super().__init__(application)
        self._desk = desk

    def create(self, type_name_: str) -> object:
        made: dict[str, Callable[[], VBAObject]] = {
            "msxml2.serverxmlhttp.6.0": lambda: ServerXmlHttp(self._desk),
            "scripting.filesystemobject": FileSystem,
            "wscript.shell": lambda: Shell(self._desk),
        }
        if type_name_.casefold() in self._desk.lacks:
            raise VBARuntimeError(429, "ActiveX component can't create object")
        return made[type_name_.casefold()]()


class Desk:
    """Excel with a live workbook open in it."""

    def __init__(self, workbook: Path, data: Path) -> None:
        self.variables = {"NETSTATS_XL_DATA": str(data)}
        self.requests: list[ServerXmlHttp] = []
        self.commands: list[str] = []
        self.scheduled: list[str] = []
        self.save_dialogs: list[list[str]] = []
        self.opened_files: list[str] = []
        self.file_chosen: object = False
        self.programs: set[str] = set()
        """Paths of programs that are there, as Windows writes them."""
        self.lacks: set[str] = set()
        self.policy_forbids_programs = False
        self.impatient = False
        """Whether time flies for whoever waits for an answer; else it stands still, however long one takes here."""
        self.events_done = 0
        """How often Excel was let do what others want of it."""
        self.while_waiting: Callable[[], None] = lambda: None
        """What the user does while an answer is waited for."""
        self.ribbon = RibbonUI()
        self.control = Control()
        self.excel = ExcelApplication()
        application = _Application()
        application.desk = self
        self.excel.application = application
        self.interpreter = Interpreter(_Bridge(self, application))
        self.excel.interpreter = application.interpreter = self.interpreter
        self._give_intrinsics()
        Workbook.vba_add_member(
            MemberSpec(name="FollowHyperlink", kind="method", getter=_follow, parameters=("Address",))
        )
        self.book = load_workbook(application, workbook)
        application.workbooks_.books.append(self.book)
        application.activate_book(self.book)
        self._now = datetime(2026, 11, 24, 12, 0, 0)  # noqa: DTZ001 - Excel knows no zones
        self.interpreter.freeze(self._now)
        modules = modules_of(workbook)
        for name, kind, source in modules:
            self.excel.add_module(runnable(source), name=name, kind=kind)
        getters = "".join(
            f"Public Function Value_{name}(control)\r\nDim v\r\nGet_{name} control, v\r\n"
            f"Value_{name} = v\r\nEnd Function\r\n"
            for name in re.findall(r"Public Sub Get_(\w+)\(", "".join(source for _, _, source in modules))
        )
        self.excel.add_module(getters, name="Probe")

    @property
    def dialogs(self) -> list[str]:
        """What message and input boxes said so far."""
        return [text for _, text, _, _ in self.interpreter.dialogs]

    def answer_with(self, *answers: object) -> None:
        """What the user answers to the next boxes."""
        self.interpreter.answers.extend(answers)

    def run(self, procedure: str, *arguments: object) -> Any:
        """Run a procedure: `Module.Name`."""
        return self.excel.run(procedure, *arguments)

    def load_ribbon(self) -> None:
        """Excel shows the tab."""
        self.run("Ribbon.Ribbon_Load", self.ribbon)

    def click(self, callback: str, *arguments: object) -> None:
        """The user clicks a control with this `onAction`."""
        self.run(f"Ribbon.{callback}", self.control, *arguments)

    def shows(self, getter: str) -> Any:
        """What a `Get_...` callback tells Excel now."""
        return self.run(f"Probe.Value_{getter}", self.control)

    def sheet(self, name: str) -> Any:
        """A sheet, for tests to write on."""
        return self.excel.sheet(name)

    def select(self, sheet: str, reference: str) -> None:
        """The user goes to a sheet and selects cells there."""
        self.sheet(sheet).sheet.Activate()
        self.sheet(sheet).sheet.vba_get("Range", [reference]).vba_get("Select", [])

    def passes(self, time: timedelta) -> None:
        """Time passes for the macros."""
        if self.impatient:
            self._now += time * 100
        self.interpreter.freeze(self._now)

    def told(self) -> list[tuple[str, str, str]]:
        """What was sent so far: method, path and body."""
        for request in self.requests:
            request.finish()
        return [(each.verb, urlsplit(each.url).path, each.body) for each in self.requests]

    def _give_intrinsics(self) -> None:
        def do_events(*_: object) -> object:
            self.events_done += 1
            self.while_waiting()
            return VBAInt(0, "Integer")

        def environ(_: object, arguments: Sequence[object], __: object) -> object:
            return self.variables.get(to_text(arguments[0]), "")

        def get_attr(_: object, arguments: Sequence[object], __: object) -> object:
            if to_text(arguments[0]) not in self.programs and not local_path(arguments[0]).is_file():
                raise VBARuntimeError(53, "File not found")
            return VBAInt(32, "Integer")

        self.interpreter._intrinsics = {
            **self.interpreter._intrinsics,
            "doevents": do_events,
            "environ": environ,
            "getattr": get_attr,
        }


def modules_of(workbook: Path) -> list[tuple[str, str, str]]:
    """The VBA modules of a workbook: name, kind and source."""
    with ExcelFile(workbook) as book:
        return [(each.name, _kind(each.name, each.kind), each.source) for each in book.vba_project().modules]


def runnable(source: str) -> str:
    """The source as pyOpenVBA takes it: unlike Excel, it reads no comments behind directives such as `#If`, and
    neither compares the text `False` with a flag nor deletes files, as xlwings does.
    """
    source = re.sub(r"^([ \t]*#[^'\r\n]*?)[ \t]+'[^\r\n]*", r"\1", source, flags=re.MULTILINE)
    source = source.replace(
        'GetConfig("SHOW CONSOLE", False) = True', 'CBool(GetConfig("SHOW CONSOLE", False))'
    )
    return source.replace("Kill LOG_FILE", "")


def _kind(name: str, kind: VBAModuleKind) -> str:
    if kind is VBAModuleKind.standard:
        return "standard"
    return "class" if name == "Dictionary" else "document"


def _follow(book: Workbook, address: object) -> object:
    desk: Desk = book.application.desk
    if desk.policy_forbids_programs:
        raise VBARuntimeError(1004, "Cannot open the specified file.")
    desk.opened_files.append(to_text(address))
    return EMPTY
