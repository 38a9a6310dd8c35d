"""How a COM call reaches an object of the double: one way for every member, checked against Excel's model."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from tests.excel_double.calls import Access
from tests.excel_double.errors import (
    BAD_PARAMETER_COUNT,
    MEMBER_NOT_FOUND,
    PARAMETER_NOT_OPTIONAL,
    TYPE_MISMATCH,
    UNKNOWN_NAME,
    ExcelError,
)
from tests.excel_double.model import Member, object_model

if TYPE_CHECKING:
    from tests.excel_double.application import ExcelApplication

Function = Callable[..., Any]


class NotDoubled(NotImplementedError):
    """Excel has this member, and the double does not do it."""


@dataclass(frozen=True, slots=True)
class Registration:
    """Which member a function of a class serves."""

    member: str
    access: Access


def _serves(member: str, access: Access) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        function.__dict__.setdefault("serves", []).append(Registration(member, access))
        return function

    return register


def getter(member: str) -> Callable[[Function], Function]:
    """The function is called where this property is read."""
    return _serves(member, Access.GET)


def setter(member: str) -> Callable[[Function], Function]:
    """The function is called where this property is put."""
    return _serves(member, Access.PUT)


def method(member: str) -> Callable[[Function], Function]:
    """The function is called where this method is; its parameters are passed by position."""
    return _serves(member, Access.CALL)


class ExcelObject:
    """An object of Excel's. `type_name` is its type in Excel's model."""

    type_name: ClassVar[str] = ""
    served: ClassVar[Mapping[tuple[str, Access], Function]] = {}
    stored_defaults: ClassVar[Mapping[str, object]] = {}

    def __init__(self, application: ExcelApplication) -> None:
        self.application = application
        self.stored: dict[str, object] = dict(self.stored_defaults)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        served: dict[tuple[str, Access], Function] = dict(cls.served)
        for each in vars(cls).values():
            for registration in getattr(each, "serves", ()):
                served[registration.member, registration.access] = each
        cls.served = served
        if not cls.type_name:
            return
        members = object_model().members(cls.type_name)
        unknown = {name for name, _ in served if name not in members} | set(cls.stored_defaults) - set(
            members
        )
        assert not unknown, f"{cls.type_name} has no {', '.join(sorted(unknown))}"

    @property
    def members(self) -> Mapping[str, Member]:
        """What Excel's model says this object has."""
        return object_model().members(self.type_name)

    def check_alive(self) -> None:
        """Raise an ExcelError where the object is no longer there."""

    def items(self) -> Sequence[ExcelObject]:
        """What an enumeration of this object gives."""
        raise ExcelError(MEMBER_NOT_FOUND)


class Child(ExcelObject):
    """An object within the application."""

    def __init__(self, parent: ExcelObject) -> None:
        super().__init__(parent.application)
        self.parent = parent


def member_of(target: ExcelObject, name: str) -> Member:
    """What the model says of a member; raises DISP_E_UNKNOWNNAME as GetIDsOfNames does."""
    try:
        return target.members[name]
    except KeyError:
        raise ExcelError(UNKNOWN_NAME) from None


def invoke(
    target: ExcelObject,
    name: str,
    access: Access,
    args: Sequence[object] = (),
    named: Mapping[str, object] | None = None,
) -> Any:
    """Call a member as another process does: logged, failing where a failure was demanded, refused where Excel would.

    Raises:
        ExcelError: the call fails.
        NotDoubled: Excel would do it; the double does not.
    """
    application = target.application
    member = member_of(target, name)
    with application.lock:
        application.admit(application.calls.add(target.type_name, name, access))
        target.check_alive()
        given = arguments_of(member, access, args, named or {})
        if access is Access.PUT:
            _check_enumeration(member, given[0])
        function = target.served.get((name, access))
        if function is not None:
            return function(target, *given)
        if name in target.stored_defaults:
            if access is Access.PUT:
                target.stored[name] = given[0]
                return None
            return target.stored[name]
        if name == "Application":
            return application
        if name == "Parent" and isinstance(target, Child):
            return target.parent
        raise NotDoubled(f"the double does not do {access} {target.type_name}.{name}")


def enumerate_items(target: ExcelObject) -> Iterator[Any]:
    """What `for ... in target` gives: one call for the enumerator, and one for each item."""
    application = target.application
    with application.lock:
        application.admit(application.calls.add(target.type_name, "_NewEnum", Access.GET))
        target.check_alive()
        items = target.items()
    for item in items:
        application.admit(application.calls.add(target.type_name, "_NewEnum.Next", Access.CALL))
        yield item


def default_member(target: ExcelObject) -> str:
    """The member that `target(...)` calls."""
    for name in ("Item", "_Default"):
        if (name, Access.CALL) in target.served or (name, Access.GET) in target.served:
            return name
    raise ExcelError(MEMBER_NOT_FOUND)


def arguments_of(
    member: Member, access: Access, args: Sequence[object], named: Mapping[str, object]
) -> list[object]:
    """The arguments by position, those left out as None; ExcelError where the model has other parameters."""
    if access is Access.PUT:
        if member.is_method or member.optional_property or member.readonly:
            raise ExcelError(MEMBER_NOT_FOUND)
        if len(args) != 1 or named:
            raise ExcelError(BAD_PARAMETER_COUNT)
        return list(args)
    if access is Access.CALL and not member.is_method and not member.optional_property:
        raise ExcelError(MEMBER_NOT_FOUND)
    if access is Access.GET and member.is_method:
        # A method is no property; pywin32 takes either answer for the sign that it is a method.
        raise ExcelError(PARAMETER_NOT_OPTIONAL if member.required else MEMBER_NOT_FOUND)
    if len(args) > len(member.parameters):
        raise ExcelError(BAD_PARAMETER_COUNT)
    if not set(named) <= set(member.parameters[len(args) :]):
        raise ExcelError(UNKNOWN_NAME)
    given = [*args, *(named.get(name) for name in member.parameters[len(args) :])]
    if any(value is None for value in given[: member.required]):
        raise ExcelError(PARAMETER_NOT_OPTIONAL)
    return given


def _check_enumeration(member: Member, value: object) -> None:
    values = object_model().enums.get(member.value_type)
    if values is None or value is False or value == 0:
        return
    if isinstance(value, bool) or value not in values.values():
        raise ExcelError(TYPE_MISMATCH)
