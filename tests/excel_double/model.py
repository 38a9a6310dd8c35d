"""Excel's object model as data: which members each type has, with their parameters, and the enumerations."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("object_model.json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A property or method of a type."""

    name: str
    is_method: bool
    """Also a property that has a parameter which must be given: pywin32 makes a method of it."""
    required: int = 0
    parameters: tuple[str, ...] = ()
    readonly: bool = True
    value_type: str = ""
    """Of a property: the type's name, or the enumeration's."""
    optional_property: bool = False
    """A property whose every parameter is optional: read without, and `Get<name>` takes them."""
    dispid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectModel:
    """The types and enumerations that the double serves."""

    types: Mapping[str, Mapping[str, Member]]
    enums: Mapping[str, Mapping[str, int]]

    def members(self, type_name: str) -> Mapping[str, Member]:
        """The members of a type by name; KeyError: the double serves no such type."""
        return self.types[type_name]

    def constant(self, name: str) -> int:
        """The value of a constant; AttributeError as from `win32com.client.constants` where there is none."""
        for values in self.enums.values():
            if name in values:
                return values[name]
        raise AttributeError(name)


@cache
def object_model() -> ObjectModel:
    """The model of `object_model.json`."""
    data = json.loads(SOURCE.read_text(encoding="utf-8"))
    supplement = data["supplement"]
    optional = supplement["optional_properties"]["members"]
    raw = data["types"] | {name: entry["members"] for name, entry in supplement["types"].items()}
    return ObjectModel(
        types={
            type_name: {
                name: _member(name, entry, dispid, name in optional.get(type_name, ()))
                for dispid, (name, entry) in enumerate(members.items(), start=1)
            }
            for type_name, members in raw.items()
        },
        enums=data["enums"],
    )


def _member(name: str, entry: Mapping[str, object], dispid: int, optional_property: bool) -> Member:
    if entry["kind"] == "property":
        return Member(
            name=name,
            is_method=False,
            readonly=bool(entry["readonly"]),
            value_type=str(entry["type"]),
            dispid=dispid,
        )
    parameters = entry["params"]
    required = entry["required"]
    assert isinstance(parameters, list)
    assert isinstance(required, int)
    return Member(
        name=name,
        is_method=not optional_property,
        required=required,
        parameters=tuple(parameters),
        value_type=str(entry["returns"]),
        optional_property=optional_property,
        dispid=dispid,
    )
