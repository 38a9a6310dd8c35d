"""Puts the stand-ins for pywin32 in place, and takes them away again."""

from __future__ import annotations

import atexit
import builtins
import ctypes
import datetime as dt
import importlib
import sys
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Literal

import pytest

from tests.excel_double.application import ExcelApplication
from tests.excel_double.desktop import Desktop
from tests.excel_double.errors import NOT_INITIALIZED, UNKNOWN_NAME, signed
from tests.excel_double.pywin32 import interfaces
from tests.excel_double.pywin32.binding import CDispatch, CoClassBaseClass, DispatchBaseClass
from tests.excel_double.pywin32.interfaces import Apartments, PyIDispatch

Binding = Literal["early", "late"]
ENGINE = "xlwings._xlwindows"
NATIVE_OBJECT = -16
NEXT_WINDOW = 2


class WindowsEngine:
    """xlwings' Windows engine over the Excels of a desktop, while `windows_engine` is entered."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self.desktop = Desktop()
        self.apartments = Apartments()
        self.cleanup_registered = False
        """Whether xlwings' clean-up, which kills Excels, would run at the end of the process."""
        self.started: list[str] = []
        """What was asked to be started anew, such as `Excel.Application`."""
        self._pointers: dict[int, PyIDispatch] = {}

    def run(self, application: ExcelApplication | None = None) -> ExcelApplication:
        """Put an Excel on the desktop."""
        application = application or ExcelApplication()
        application.com_time = _com_time
        return self.desktop.run(application)

    @property
    def references(self) -> int:
        """How many COM references are held."""
        return len(self.apartments.held)

    def bind(self, value: object) -> Any:
        """A client's object for a pointer; anything else as it is."""
        if not isinstance(value, PyIDispatch):
            return value
        return (DispatchBaseClass if self.binding == "early" else CDispatch)(value, self.bind)

    # --- what Windows' own functions answer ---

    def find_window(self, parent: int, after: int, class_name: str | None, title: str | None) -> int:
        """FindWindowEx."""
        if parent in self.desktop.vanishing or (parent and self.desktop.window(parent) is None):
            raise interfaces.error(1400, "FindWindowEx", "Invalid window handle.")
        for window in self.desktop.windows():
            if window.parent == parent and class_name in (None, window.class_name):
                return window.handle
        return 0

    def top_window(self, parent: int | None) -> int:
        """GetTopWindow."""
        windows = self.desktop.top_level()
        return windows[0].handle if windows else 0

    def get_window(self, handle: int, relation: int) -> int:
        """GetWindow, for the next one alone."""
        assert relation == NEXT_WINDOW
        handles = [window.handle for window in self.desktop.top_level()]
        if handle not in handles:
            return 0
        position = handles.index(handle) + 1
        return handles[position] if position < len(handles) else 0

    def process_of(self, handle: int) -> tuple[int, int]:
        """GetWindowThreadProcessId: the thread, and the process."""
        window = self.desktop.window(handle)
        if window is None:
            raise interfaces.error(1400, "GetWindowThreadProcessId", "Invalid window handle.")
        return window.process_id + 1, window.process_id

    def accessible_object(self, handle: int, kind: int, iid: object, pointer: Any) -> int:
        """AccessibleObjectFromWindow; an OSError where it fails."""
        if not self.apartments.entered:
            raise OSError(signed(NOT_INITIALIZED.hresult), "CoInitialize has not been called.")
        target = self.desktop.native_object(handle)
        if target is None or kind != NATIVE_OBJECT:
            raise OSError(signed(0x80004005), "Unspecified error")
        self._pointers[len(self._pointers) + 1] = PyIDispatch(target, self.apartments)
        pointer._obj.value = len(self._pointers)
        return 0

    def object_from_pointer(self, pointer: Any, iid: object, add_reference: bool) -> PyIDispatch:
        """PyCom_PyObjectFromIUnknown."""
        taken = self._pointers[pointer.value]
        self._pointers[pointer.value] = None  # type: ignore[assignment]  # taken once, so that nothing holds it
        return taken

    def start(self, program: str, *_: object, **__: object) -> Any:
        """DispatchEx: starts a program anew, which no test wants."""
        self.started.append(program)
        raise interfaces.failure(UNKNOWN_NAME)


@contextmanager
def windows_engine(binding: Binding = "early") -> Iterator[WindowsEngine]:
    """xlwings with its Windows engine over the double, as if on Windows; all of it is gone afterwards.

    Within: `import xlwings` and the modules of pywin32 (pythoncom, pywintypes, win32com.client, win32gui, ...).
    """
    if sys.platform == "win32":
        pytest.skip("the stand-ins for pywin32 are for systems without it")
    importlib.import_module("pandas")  # before the stand-ins are there: it looks for what they seem to be
    import xlwings

    engine = WindowsEngine(binding)
    with ExitStack() as stack:
        for name, module in _modules(engine).items():
            stack.enter_context(_replaced(sys.modules, name, module))
        for name, value in _ctypes(engine).items():
            stack.enter_context(_replaced(vars(ctypes), name, value))
        stack.enter_context(_exit_functions(engine))
        stack.enter_context(_replaced(vars(builtins), "WindowsError", OSError))
        sys.modules.pop(ENGINE, None)
        stack.callback(sys.modules.pop, ENGINE, None)
        module = importlib.import_module(ENGINE)
        stack.callback(vars(xlwings).pop, "_xlwindows", None)
        stack.callback(atexit.unregister, module.cleanup)
        added = xlwings.Engine(impl=module.engine)
        before = list(xlwings.engines.engines), dict(xlwings.engines.engines_by_name), xlwings.engines.active
        xlwings.engines.add(added)
        vars(xlwings.engines)["active"] = added
        try:
            yield engine
        finally:
            xlwings.engines.engines, xlwings.engines.engines_by_name, xlwings.engines.active = before


_ABSENT = object()


@contextmanager
def _replaced(namespace: Any, name: str, value: object) -> Iterator[None]:
    before = namespace.get(name, _ABSENT)
    namespace[name] = value
    try:
        yield
    finally:
        if before is _ABSENT:
            namespace.pop(name, None)
        else:
            namespace[name] = before


@contextmanager
def _exit_functions(engine: WindowsEngine) -> Iterator[None]:
    """Tells whether xlwings' clean-up is registered; it is never really."""
    register, unregister = atexit.register, atexit.unregister

    def is_cleanup(function: Callable[..., object]) -> bool:
        return getattr(function, "__module__", "") == ENGINE

    def registering(function: Callable[..., object], *args: Any, **named: Any) -> Callable[..., object]:
        if is_cleanup(function):
            engine.cleanup_registered = True
            return function
        return register(function, *args, **named)

    def unregistering(function: Callable[..., object]) -> None:
        if is_cleanup(function):
            engine.cleanup_registered = False
        unregister(function)

    with (
        _replaced(vars(atexit), "register", registering),
        _replaced(vars(atexit), "unregister", unregistering),
    ):
        yield


def _module(name: str, **contents: object) -> types.ModuleType:
    module = types.ModuleType(name)
    vars(module).update(contents)
    return module


def _modules(engine: WindowsEngine) -> dict[str, types.ModuleType]:
    client = _module(
        "win32com.client",
        CDispatch=CDispatch,
        CoClassBaseClass=CoClassBaseClass,
        Dispatch=engine.bind,
        DispatchBaseClass=DispatchBaseClass,
        DispatchEx=engine.start,
    )
    pythoncom = _module(
        "pythoncom",
        __file__="pythoncom.dll",
        CoInitialize=engine.apartments.enter,
        CoInitializeEx=lambda _: engine.apartments.enter(),
        CoUninitialize=engine.apartments.leave,
        PumpWaitingMessages=lambda *_: 0,
        COINIT_APARTMENTTHREADED=2,
        DISPATCH_METHOD=interfaces.METHOD,
        DISPATCH_PROPERTYGET=interfaces.PROPERTY_GET,
        DISPATCH_PROPERTYPUT=interfaces.PROPERTY_PUT,
        com_error=interfaces.com_error,
        ole_error=interfaces.com_error,
    )
    pywintypes = _module(
        "pywintypes",
        com_error=interfaces.com_error,
        error=interfaces.error,
        TimeType=interfaces.TimeType,
        IID=lambda text: text,
    )
    messages = dict.fromkeys(("MB_OK", "MB_OKCANCEL", "MB_YESNO", "MB_YESNOCANCEL"), 0)
    return {
        "pywintypes": pywintypes,
        "pythoncom": pythoncom,
        "win32api": _module("win32api"),
        "win32con": _module("win32con", **messages, MB_ICONINFORMATION=64, MB_ICONWARNING=48),
        "win32com": _module("win32com", client=client, __path__=[]),
        "win32com.client": client,
        "win32gui": _module("win32gui", FindWindowEx=engine.find_window),
        "win32process": _module("win32process", GetWindowThreadProcessId=engine.process_of),
        "win32timezone": _module("win32timezone", TimeZoneInfo=types.SimpleNamespace(utc=lambda: dt.UTC)),
    }


def _ctypes(engine: WindowsEngine) -> dict[str, object]:
    user32 = types.SimpleNamespace(GetTopWindow=engine.top_window, GetWindow=engine.get_window)
    oledll = types.SimpleNamespace(
        ole32=types.SimpleNamespace(CLSIDFromString=lambda text, iid: 0),
        oleacc=types.SimpleNamespace(AccessibleObjectFromWindow=engine.accessible_object),
    )

    class Library:
        """`pythoncom` as a library of C functions."""

        def __init__(self, path: str) -> None:
            def converter(pointer: object, iid: object, add_reference: bool) -> PyIDispatch:
                return engine.object_from_pointer(pointer, iid, add_reference)

            self.PyCom_PyObjectFromIUnknown = converter

    return {"windll": types.SimpleNamespace(user32=user32), "oledll": oledll, "PyDLL": Library}


def _com_time(epoch: dt.datetime, days: float) -> object:
    instant = epoch + dt.timedelta(days=days)
    return interfaces.TimeType(*instant.timetuple()[:6], instant.microsecond, tzinfo=dt.UTC)
