"""Conditional formats and data validations of a table's columns."""

from typing import assert_never

from netstats_xl.domain.views import (
    AtLeast,
    NumberBetween,
    OneOf,
    OneOfColumn,
    Rule,
    TableSpec,
    TextEquals,
    TextPresent,
    Validation,
)
from netstats_xl.errors import ViewUnsupported
from netstats_xl.workbooks.xlsx_formats import Formats, XlsxSheet
from netstats_xl.workbooks.xlsx_references import cell_name, list_name


def add_rules(sheet: XlsxSheet, table: TableSpec, first_row: int, last_row: int, formats: Formats) -> None:
    """Lay the rules and validations of every column over its cells, from `first_row` to `last_row` (from 0)."""
    for offset, column in enumerate(table.columns):
        at = table.anchor.column + offset
        where = (first_row, at, last_row, at)
        for rule in column.rules:
            # The first that holds wins: Excel tests them in the order in which they are added.
            options = {
                "type": "formula",
                "criteria": _condition(rule, table, first_row, at),
                "format": formats.conditional(rule.style),
                "stop_if_true": True,
            }
            accepted(sheet.conditional_format(*where, options), f"a rule of {table.name}[{column.header}]")
        if column.validation is not None:
            accepted(
                sheet.data_validation(*where, _validation(column.validation)),
                f"the validation of {table.name}[{column.header}]",
            )


def accepted(code: object, what: str) -> None:
    """Check what XlsxWriter returned: it answers with a negative number where it left something out.

    Raises:
        ViewUnsupported: it did.
    """
    if isinstance(code, int) and code < 0:
        raise ViewUnsupported(f"The spreadsheet format does not take {what}.")


def _condition(rule: Rule, table: TableSpec, row: int, column: int) -> str:
    cell = cell_name(row, column, column_fixed=True)
    match rule:
        case TextEquals(text=text):
            return f'={cell}="{text.replace(chr(34), chr(34) * 2)}"'
        case TextPresent():
            return f"=LEN({cell})>0"
        case AtLeast(value=value, column=header):
            # A text is above every number to Excel, hence ISNUMBER.
            if header is None:
                return "=FALSE" if value is None else f"=AND(ISNUMBER({cell}),{cell}>={value!r})"
            headers = [each.header for each in table.columns]
            limit = cell_name(row, table.anchor.column + headers.index(header), column_fixed=True)
            if value is None:
                return f"=AND(ISNUMBER({cell}),ISNUMBER({limit}),{cell}>={limit})"
            return f"=AND(ISNUMBER({cell}),{cell}>=IF(ISNUMBER({limit}),{limit},{value!r}))"
        case _:
            assert_never(rule)


def _validation(validation: Validation) -> dict[str, object]:
    options: dict[str, object] = {"error_title": "Not understood", "ignore_blank": True}
    match validation:
        case OneOf(choices=choices, message=message, strict=strict):
            listed = {"validate": "list", "source": list(choices), "show_error": strict}
            return options | listed | {"error_message": message}
        case OneOfColumn(source=source, message=message):
            # A name, since a validation may not refer to a table's column itself.
            listed = {"validate": "list", "source": "=" + list_name(source), "show_error": False}
            return options | listed | {"error_message": message}
        case NumberBetween(low=low, high=high, message=message):
            between = {"validate": "decimal", "criteria": "between", "minimum": low, "maximum": high}
            return options | between | {"error_message": message}
        case _:
            assert_never(validation)
