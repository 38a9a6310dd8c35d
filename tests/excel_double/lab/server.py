"""The process of one Excel: its windows, its objects for COM, and a line to the test that started it.

Run as `python -m tests.excel_double.lab.server FILE`: it writes the port of its line to FILE.

An object answers the names of Excel's model, and those of pywin32's getters (`GetResize`): without a type library,
which the double has none of, pywin32 does not make them itself. Failures arrive as Excel gives them but for one:
pywin32's server side turns an exception whose details hold a DISP_E code into that code alone.
"""

import ctypes
import os
import sys
import threading
import time
from multiprocessing.connection import Connection, Listener
from pathlib import Path
from pickle import PicklingError
from typing import Any

import pythoncom
import pywintypes
import win32api
import win32con
import win32event
import win32gui
from win32com.server.exception import COMException
from win32com.server.policy import BasicWrapPolicy
from win32com.server.util import NewEnum

from tests import excel_double
from tests.excel_double.application import ExcelApplication
from tests.excel_double.calls import Access
from tests.excel_double.desktop import DESK, FRAME, PANE
from tests.excel_double.dispatch import ExcelObject, default_member, invoke
from tests.excel_double.errors import MEMBER_NOT_FOUND, UNKNOWN_NAME, ExcelError
from tests.excel_double.windows import Window
from tests.excel_double.workbook import Workbook

WM_GETOBJECT = 0x003D
NATIVE_OBJECT = -16
GETTER = 1 << 16
"""Added to a property's number: it is read by pywin32's getter, with arguments."""
OK, NO_ARGUMENT = 0, -1
IDISPATCH = (ctypes.c_byte * 16)()
"""The interface's identity, once `main` has filled it in."""
KEY = b"excel double"


class Policy(BasicWrapPolicy):  # type: ignore[misc]  # pywin32 has no types
    """How an object of the double answers IDispatch."""

    def _wrap_(self, target: ExcelObject) -> None:
        self.target = target

    def _query_interface_(self, iid: object) -> int:
        return 0

    def _getidsofnames_(self, names: tuple[str, ...], lcid: int) -> tuple[int, ...]:
        application, members = self.target.application, self.target.members
        try:
            with application.lock:
                application.admit(application.calls.add(self.target.type_name, "GetIDsOfNames", Access.GET))
        except ExcelError as failed:
            raise COMException(scode=failed.hresult) from None
        name = names[0]
        plain = name.removeprefix("Get")
        if name in members:
            first = members[name].dispid
        elif name != plain and plain in members and members[plain].optional_property:
            name, first = plain, members[plain].dispid + GETTER
        else:
            raise COMException(scode=ExcelError(UNKNOWN_NAME).hresult)
        try:
            return first, *(members[name].parameters.index(parameter) for parameter in names[1:])
        except ValueError:
            raise COMException(scode=ExcelError(UNKNOWN_NAME).hresult) from None

    def _invoke_(
        self, dispid: int, lcid: int, flags: int, args: tuple[object, ...]
    ) -> tuple[int, int, object]:
        try:
            result = self._answer(dispid, flags, [_received(arg) for arg in args])
        except ExcelError as failed:
            if failed.excepinfo is None:
                return failed.hresult, NO_ARGUMENT, None
            _, source, text, _, _, scode = failed.excepinfo
            raise COMException(desc=text, scode=scode, source=source) from None
        # A result in a tuple of one: a tuple by itself would be taken for several results.
        return OK, NO_ARGUMENT, None if flags & pythoncom.DISPATCH_PROPERTYPUT else (result,)

    def _answer(self, dispid: int, flags: int, args: list[object]) -> object:
        if dispid == pythoncom.DISPID_NEWENUM:
            application = self.target.application
            application.admit(application.calls.add(self.target.type_name, "_NewEnum", Access.GET))
            self.target.check_alive()
            return NewEnum([wrapped(item) for item in self.target.items()])
        by_getter, number = divmod(dispid, GETTER)
        name = self._name(number)
        member = self.target.members[name]
        if flags & (pythoncom.DISPATCH_PROPERTYPUT | pythoncom.DISPATCH_PROPERTYPUTREF):
            access = Access.PUT
        elif by_getter or args or (member.is_method and flags & pythoncom.DISPATCH_METHOD):
            access = Access.CALL
        else:
            access = Access.GET
        if by_getter and not flags & pythoncom.DISPATCH_METHOD:
            raise ExcelError(MEMBER_NOT_FOUND)
        result = invoke(self.target, name, access, args)
        return wrapped(result) if isinstance(result, ExcelObject) else result

    def _name(self, number: int) -> str:
        if number == pythoncom.DISPID_VALUE:
            return default_member(self.target)
        for name, member in self.target.members.items():
            if member.dispid == number:
                return name
        raise ExcelError(MEMBER_NOT_FOUND)


def wrapped(target: ExcelObject) -> Any:
    """The object as COM hands it out."""
    return pythoncom.WrapObject(Policy(target), pythoncom.IID_IDispatch)


def _received(arg: object) -> object:
    """An argument as the double takes it: its own objects instead of pointers to them."""
    if isinstance(arg, pythoncom.TypeIIDs[pythoncom.IID_IDispatch]):
        return pythoncom.UnwrapObject(arg).target
    return arg


class Windows:
    """The windows of this Excel: a frame, desk and pane for each workbook, of the classes that Excel's have."""

    def __init__(self, application: ExcelApplication) -> None:
        self.application = application
        self._panes: dict[int, Window] = {}
        self._frames: dict[Workbook, int] = {}
        self._accessibility = ctypes.WinDLL("oleacc")  # type: ignore[attr-defined]  # Windows alone has it
        self._accessibility.LresultFromObject.restype = ctypes.c_ssize_t
        self._accessibility.LresultFromObject.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
        self._pywin32 = ctypes.PyDLL(pythoncom.__file__)
        self._pywin32.PyCom_InterfaceFromPyObject.argtypes = [
            ctypes.py_object, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int,
        ]  # fmt: skip
        for name in (FRAME, DESK, PANE):
            described = win32gui.WNDCLASS()
            described.lpszClassName = name
            described.lpfnWndProc = self._answer
            described.hInstance = win32api.GetModuleHandle(None)
            win32gui.RegisterClass(described)

    def update(self) -> None:
        """Show a window for each open workbook, and no other."""
        for book in set(self._frames) - set(self.application.books):
            win32gui.DestroyWindow(self._frames.pop(book))
        for book in self.application.books:
            if book not in self._frames:
                self._show(book)

    def _show(self, book: Workbook) -> None:
        style = win32con.WS_OVERLAPPEDWINDOW
        title = f"{book.name} - Excel"
        frame = win32gui.CreateWindow(FRAME, title, style, 0, 0, 400, 300, 0, 0, 0, None)
        desk = win32gui.CreateWindow(DESK, "", win32con.WS_CHILD, 0, 0, 400, 300, frame, 0, 0, None)
        pane = win32gui.CreateWindow(PANE, book.name, win32con.WS_CHILD, 0, 0, 400, 300, desk, 0, 0, None)
        book.window.handle = frame
        self._panes[pane] = book.window
        self._frames[book] = frame

    def _answer(self, handle: int, message: int, wparam: int, lparam: int) -> int:
        wanted = ctypes.c_long(lparam & 0xFFFFFFFF).value
        if message == WM_GETOBJECT and wanted == NATIVE_OBJECT and handle in self._panes:
            return self._hand_out(self._panes[handle], wparam)
        return int(win32gui.DefWindowProc(handle, message, wparam, lparam))

    def _hand_out(self, window: Window, wparam: int) -> int:
        pointer = ctypes.c_void_p()
        if not self._pywin32.PyCom_InterfaceFromPyObject(
            wrapped(window), IDISPATCH, ctypes.byref(pointer), 0
        ):
            return 0
        return int(self._accessibility.LresultFromObject(IDISPATCH, wparam, pointer))


class Line:
    """Runs what the test sends, between two calls: expressions give their value, statements None."""

    def __init__(self, application: ExcelApplication) -> None:
        self.application = application
        self.names: dict[str, object] = {
            **{name: getattr(excel_double, name) for name in excel_double.__all__},
            "excel": application,
            "user": excel_double.User(application),
            "end_process": lambda: os._exit(3),
            "sleep": time.sleep,
        }
        self.shown = threading.Event()
        """Set whenever the windows are those of the open workbooks."""

    def serve(self, connection: Connection) -> None:
        """Until the test hangs up: then the process ends."""
        while True:
            try:
                text = connection.recv()
            except (EOFError, OSError):
                os._exit(0)
            try:
                with self.application.lock:
                    answer = self._run(text)
            except Exception as failed:
                answer = failed
            self.shown.clear()
            self.shown.wait()
            try:
                connection.send(answer)
            except (TypeError, AttributeError, PicklingError):
                connection.send(repr(answer))

    def _run(self, text: str) -> object:
        try:
            code = compile(text, "<test>", "eval")
        except SyntaxError:
            exec(compile(text, "<test>", "exec"), self.names)
            return None
        return eval(code, self.names)


def main(path: Path) -> None:
    """Be an Excel until the test hangs up, or Excel is quit."""
    pythoncom.CoInitialize()
    ole32 = ctypes.OleDLL("ole32")  # type: ignore[attr-defined]  # Windows alone has it
    ole32.CLSIDFromString("{00020400-0000-0000-C000-000000000046}", IDISPATCH)
    application = ExcelApplication()
    application.process_id = os.getpid()
    application.com_time = lambda epoch, days: pywintypes.Time((days - 25_569) * 86_400)
    windows = Windows(application)
    line = Line(application)
    with Listener(("127.0.0.1", 0), authkey=KEY) as listener:
        port = listener.address[1]
        temporary = path.with_suffix(".new")
        temporary.write_text(str(port))
        temporary.replace(path)
        connection = listener.accept()
    threading.Thread(target=line.serve, args=(connection,), daemon=True).start()
    while not application.gone:
        with application.lock:
            windows.update()
        line.shown.set()
        win32gui.PumpWaitingMessages()
        win32event.MsgWaitForMultipleObjects([], False, 10, win32con.QS_ALLINPUT)
    os._exit(0)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
