"""What the API takes agrees with what the sheets take."""

from typing import Any

import pytest
from pydantic import BaseModel

from netstats_xl.control.requests import DestinationChange, JobChange, NewDestination, NewJob
from netstats_xl.domain.views import NumberBetween
from netstats_xl.sheets import DESTINATION_COLUMNS, JOB_COLUMNS, SheetColumn

ROWS = [
    (NewDestination, DESTINATION_COLUMNS),
    (DestinationChange, DESTINATION_COLUMNS),
    (NewJob, JOB_COLUMNS),
    (JobChange, JOB_COLUMNS),
]


@pytest.mark.parametrize(("model", "columns"), ROWS)
def test_a_row_has_the_columns_that_a_user_fills(
    model: type[BaseModel], columns: tuple[SheetColumn, ...]
) -> None:
    assert set(model.model_fields) == {column.key for column in columns if column.typed}


@pytest.mark.parametrize(("model", "columns"), ROWS)
def test_numbers_have_the_bounds_of_their_columns(
    model: type[BaseModel], columns: tuple[SheetColumn, ...]
) -> None:
    properties = model.model_json_schema()["properties"]
    bounded = 0
    for column in columns:
        if isinstance(rule := column.column.validation, NumberBetween):
            number = next(each for each in _alternatives(properties[column.key]) if "maximum" in each)
            assert (number["minimum"], number["maximum"]) == (rule.low, rule.high)
            bounded += 1
    assert bounded == (4 if columns is DESTINATION_COLUMNS else 5)


@pytest.mark.parametrize(("model", "columns"), [ROWS[0], ROWS[2]])
def test_a_new_row_wants_what_the_sheet_wants(
    model: type[BaseModel], columns: tuple[SheetColumn, ...]
) -> None:
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    assert required == {column.key for column in columns if column.required}


def test_what_is_not_named_is_not_written_and_null_makes_blank() -> None:
    row = DestinationChange.model_validate({"group": None, "tags": ["a", "b"], "enabled": True, "notes": ""})
    assert dict(row.cells()) == {"group": None, "tags": "a, b", "enabled": "yes", "notes": ""}


def test_what_a_new_row_requires_may_not_be_made_blank_by_null() -> None:
    for cells in ({"name": None}, {"host": None}, {"name": ""}):
        with pytest.raises(ValueError, match=r"name|host"):
            DestinationChange.model_validate(cells)


def _alternatives(schema: dict[str, Any]) -> list[dict[str, Any]]:
    found = schema.get("anyOf", [schema])
    assert isinstance(found, list)
    return found
