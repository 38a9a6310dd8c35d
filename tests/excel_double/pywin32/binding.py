"""The part of pywin32 that is written in Python: how a client's attributes become calls, bound early or late.

Bound early (makepy's classes, what xlwings makes at its first import where it can): names are known beforehand, so an
unknown one is an AttributeError without a call, and every failure arrives as com_error. Bound late: each object is
asked for its type first; where that fails, names are looked up by a call each, a failing look-up arrives as
AttributeError, and so does every failing put.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator
from typing import Any

from tests.excel_double.calls import Access
from tests.excel_double.dispatch import ExcelObject, arguments_of
from tests.excel_double.errors import ExcelError, signed
from tests.excel_double.model import Member
from tests.excel_double.pywin32.interfaces import (
    DISPID_NEWENUM,
    DISPID_VALUE,
    METHOD,
    PROPERTY_GET,
    PROPERTY_PUT,
    Apartments,
    PyIDispatch,
    com_error,
)

BAD_CONTEXT = {signed(code) for code in (0x80020003, 0x8002000E, 0x8002000F, 0x80020005, 0x80070057)}
"""win32com.client.dynamic.ERRORS_BAD_CONTEXT: then what was read as a property is a method."""

Wrap = Callable[[object], Any]


class _Bound:
    """What both bindings do. `_wrap` makes a client's object of what a call gives."""

    _oleobj_: PyIDispatch
    _wrap: Wrap

    def __init__(self, oleobj: PyIDispatch, wrap: Wrap) -> None:
        self.__dict__["_oleobj_"] = oleobj
        self.__dict__["_wrap"] = wrap

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._oleobj_.target.type_name}>"

    def __eq__(self, other: object) -> bool:
        return bool(self._oleobj_ == getattr(other, "_oleobj_", other))

    def __hash__(self) -> int:
        return hash(self._oleobj_)

    def __bool__(self) -> bool:
        return True

    def __call__(self, *args: object, **named: object) -> Any:
        assert not named, "the default member takes its arguments by position"
        return self._wrap(self._oleobj_.Invoke(DISPID_VALUE, 0, METHOD | PROPERTY_GET, True, *args))

    def __iter__(self) -> Iterator[Any]:
        for item in self._oleobj_.Invoke(DISPID_NEWENUM, 0, METHOD | PROPERTY_GET, True):
            yield self._wrap(item)

    def _method(self, member: Member) -> types.MethodType:
        wrap = self._wrap

        def call(self: _Bound, *args: object, **named: object) -> Any:
            try:
                arguments_of(member, Access.CALL, args, named)
            except ExcelError as wrong:
                raise TypeError(f"{member.name}() takes {member.parameters}: {wrong.strerror}") from None
            return wrap(self._oleobj_.use(member.name, Access.CALL, args, named))

        return types.MethodType(call, self)

    def _member(self, name: str) -> tuple[Member | None, bool]:
        """The member that an attribute means, and whether pywin32 makes a method of it."""
        members = self._oleobj_.target.members
        if name in members:
            return members[name], members[name].is_method
        optional = members.get(name.removeprefix("Get")) if name.startswith("Get") else None
        if optional is not None and optional.optional_property:
            return optional, True
        return None, False


class DispatchBaseClass(_Bound):
    """An object bound early."""

    def __getattr__(self, name: str) -> Any:
        member, is_method = self._member(name)
        if member is None:
            raise AttributeError(f"'{self!r}' object has no attribute '{name}'")
        if is_method:
            return self._method(member)
        return self._wrap(self._oleobj_.Invoke(member.dispid, 0, PROPERTY_GET, True))

    def __setattr__(self, name: str, value: object) -> None:
        member, is_method = self._member(name)
        if member is None or is_method or member.readonly:
            raise AttributeError(f"'{self!r}' object has no attribute '{name}'")
        self._oleobj_.Invoke(member.dispid, 0, PROPERTY_PUT, False, value)

    def __len__(self) -> int:
        if "Count" not in self._oleobj_.target.members:
            raise TypeError(f"{self!r} has no len()")
        return int(self.Count)


class CDispatch(_Bound):
    """An object bound late; `_typed`: it could be asked for its type."""

    def __init__(self, oleobj: PyIDispatch, wrap: Wrap) -> None:
        super().__init__(oleobj, wrap)
        try:
            oleobj.GetTypeInfo()
        except com_error:
            self.__dict__["_typed"] = False
        else:
            self.__dict__["_typed"] = True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") and name.endswith("_"):
            raise AttributeError(name)
        member, is_method = self._member(name)
        if self._typed:
            if member is None:
                raise AttributeError(f"<unknown>.{name}")
            if is_method:
                return self._method(member)
            return self._wrap(self._oleobj_.Invoke(member.dispid, 0, PROPERTY_GET, True))
        return self._untyped(name)

    def _untyped(self, name: str) -> Any:
        try:
            dispid = self._oleobj_.GetIDsOfNames(0, name)
        except com_error:
            raise AttributeError(f"<unknown>.{name}") from None
        try:
            return self._wrap(self._oleobj_.Invoke(dispid, 0, PROPERTY_GET, True))
        except com_error as failed:
            if failed.hresult not in BAD_CONTEXT:
                raise
            return self._method(self._oleobj_.target.members[name])

    def __setattr__(self, name: str, value: object) -> None:
        if self._typed:
            member, is_method = self._member(name)
            if member is None or is_method or member.readonly:
                raise AttributeError(f"Property '<unknown>.{name}' can not be set.")
            self._oleobj_.Invoke(member.dispid, 0, PROPERTY_PUT, False, value)
            return
        try:
            dispid = self._oleobj_.GetIDsOfNames(0, name)
            self._oleobj_.Invoke(dispid, 0, PROPERTY_PUT, False, value)
        except com_error:
            raise AttributeError(f"Property '<unknown>.{name}' can not be set.") from None


class CoClassBaseClass:
    """For `isinstance` alone: the double has no coclasses."""


def client(target: ExcelObject) -> Any:
    """An object of the double as a client has it that is bound early, without a desktop; for this thread."""
    apartments = Apartments()
    apartments.enter()

    def wrap(value: object) -> Any:
        return DispatchBaseClass(value, wrap) if isinstance(value, PyIDispatch) else value

    return wrap(PyIDispatch(target, apartments))
