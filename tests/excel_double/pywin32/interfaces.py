"""The part of pywin32 that is written in C: interface pointers, their errors, and the threads they belong to."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import Any
from weakref import WeakSet

from tests.excel_double.calls import Access
from tests.excel_double.dispatch import ExcelObject, default_member, enumerate_items, invoke, member_of
from tests.excel_double.errors import (
    MEMBER_NOT_FOUND,
    NOT_INITIALIZED,
    WRONG_THREAD,
    ExcelError,
    Failure,
)

METHOD, PROPERTY_GET, PROPERTY_PUT = 1, 2, 4
DISPID_VALUE, DISPID_NEWENUM = 0, -4


class com_error(Exception):  # noqa: N801  (pywin32's name)
    """`pywintypes.com_error`."""

    def __init__(self, hresult: int, strerror: str, excepinfo: object, argerror: object) -> None:
        super().__init__(hresult, strerror, excepinfo, argerror)
        self.hresult = hresult
        self.strerror = strerror
        self.excepinfo = excepinfo
        self.argerror = argerror


class error(Exception):  # noqa: N801  (pywin32's name)
    """`pywintypes.error`: of a function of Windows."""

    def __init__(self, code: int, function: str, text: str) -> None:
        super().__init__(code, function, text)
        self.winerror = code
        self.funcname = function
        self.strerror = text


class TimeType(dt.datetime):
    """`pywintypes.TimeType`."""


class Apartments:
    """Which threads have initialised COM, and which interface pointers are held."""

    def __init__(self) -> None:
        self._counts: dict[int, int] = {}
        self.held: WeakSet[PyIDispatch] = WeakSet()

    def enter(self) -> None:
        """CoInitialize."""
        thread = threading.get_ident()
        self._counts[thread] = self._counts.get(thread, 0) + 1

    def leave(self) -> None:
        """CoUninitialize."""
        thread = threading.get_ident()
        self._counts[thread] = max(0, self._counts.get(thread, 0) - 1)

    @property
    def entered(self) -> bool:
        """Whether the calling thread may use COM."""
        return self._counts.get(threading.get_ident(), 0) > 0


@contextmanager
def _as_com_error() -> Iterator[None]:
    try:
        yield
    except ExcelError as failed:
        raise com_error(failed.hresult, failed.strerror, failed.excepinfo, None) from None


class PyIDispatch:
    """A pointer to an object of the double, of the thread that got it."""

    def __init__(self, target: ExcelObject, apartments: Apartments) -> None:
        self.target = target
        self.apartments = apartments
        self._thread = threading.get_ident()
        apartments.held.add(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, PyIDispatch) and other.target is self.target

    def __hash__(self) -> int:
        return id(self.target)

    def _check_thread(self) -> None:
        if self._thread != threading.get_ident():
            raise ExcelError(WRONG_THREAD)
        if not self.apartments.entered:
            raise ExcelError(NOT_INITIALIZED)

    def QueryInterface(self, iid: object, use_iid: object = None) -> PyIDispatch:  # noqa: N802
        """The same pointer."""
        return self

    def GetIDsOfNames(self, lcid: int, name: str) -> int:  # noqa: N802
        """The number of a member: one call."""
        with _as_com_error():
            self._check_thread()
            self._roundtrip("GetIDsOfNames")
            return member_of(self.target, name).dispid

    def GetTypeInfo(self, index: int = 0) -> TypeInfo:  # noqa: N802
        """What type it is: one call."""
        with _as_com_error():
            self._check_thread()
            self._roundtrip("GetTypeInfo")
            return TypeInfo(self.target.type_name)

    def _roundtrip(self, name: str) -> None:
        application = self.target.application
        with application.lock:
            application.admit(application.calls.add(self.target.type_name, name, Access.GET))

    def Invoke(self, dispid: int, lcid: int, flags: int, wants_result: object, *args: object) -> Any:  # noqa: N802
        """One call, its arguments by position."""
        with _as_com_error():
            self._check_thread()
            if dispid == DISPID_NEWENUM:
                return self.enumerate()
            name = self._name(dispid)
            if flags & PROPERTY_PUT:
                access = Access.PUT
            elif self.target.members[name].is_method or args:
                access = Access.CALL
            else:
                access = Access.GET
            if access is Access.CALL and not flags & (METHOD | PROPERTY_GET):
                raise ExcelError(MEMBER_NOT_FOUND)
            return self.use(name, access, args, {})

    def InvokeTypes(  # noqa: N802
        self, dispid: int, lcid: int, flags: int, result_type: object, types: object, *args: object
    ) -> Any:
        """As Invoke."""
        return self.Invoke(dispid, lcid, flags, True, *args)

    def _name(self, dispid: int) -> str:
        if dispid == DISPID_VALUE:
            return default_member(self.target)
        for name, member in self.target.members.items():
            if member.dispid == dispid:
                return name
        raise ExcelError(MEMBER_NOT_FOUND)

    def use(self, name: str, access: Access, args: Sequence[object], named: dict[str, object]) -> Any:
        """One call; a com_error where it fails."""
        with _as_com_error():
            self._check_thread()
            given = [self._to_variant(arg) for arg in args]
            result = invoke(
                self.target, name, access, given, {key: self._to_variant(arg) for key, arg in named.items()}
            )
            return self._from_variant(result)

    def enumerate(self) -> Iterator[Any]:
        """What an enumeration gives."""
        items = enumerate_items(self.target)
        while True:
            with _as_com_error():
                self._check_thread()
                try:
                    item = next(items)
                except StopIteration:
                    return
            yield self._from_variant(item)

    def _from_variant(self, value: object) -> object:
        if isinstance(value, ExcelObject):
            return PyIDispatch(value, self.apartments)
        return value

    def _to_variant(self, value: object) -> object:
        pointer = getattr(value, "_oleobj_", value)
        if isinstance(pointer, PyIDispatch):
            return pointer.target
        return to_variant(value)


class TypeInfo:
    """Of an object: the name of its type."""

    def __init__(self, type_name: str) -> None:
        self.type_name = type_name

    def GetDocumentation(self, member: int) -> tuple[str, None, int, None]:  # noqa: N802
        """Its name first."""
        return self.type_name, None, 0, None


def to_variant(value: object) -> object:
    """What arrives of an argument in another process; TypeError where pywin32 cannot convert it.

    As pywin32 312 does it: rows of different lengths and bytes do arrive, and it is Excel that refuses them.
    """
    match value:
        case None | bool() | int() | float() | str() | bytes() | Decimal() | dt.datetime():
            return value
        case list() | tuple():
            return [to_variant(item) for item in value]
    if hasattr(value, "__float__"):
        # Such as numpy's integers.
        return float(value)
    kind = type(value).__name__
    raise TypeError(f"Objects of type '{kind}' can not be converted to a COM VARIANT")


def failure(code: Failure) -> com_error:
    """The com_error of a failure."""
    failed = ExcelError(code)
    return com_error(failed.hresult, failed.strerror, failed.excepinfo, None)
