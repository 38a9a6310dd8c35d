"""Definitions as a YAML file: the same columns as the sheets', under their short names."""

from collections.abc import Hashable, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import yaml

from netstats_xl.domain.tables import CellValue, RawRow, RawTable
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import CellError, ConfigurationError, SheetInvalid
from netstats_xl.files import replacing
from netstats_xl.sheets import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    JOB_COLUMNS,
    JOBS,
    SETTING_COLUMNS,
    SETTING_ROWS,
    SETTINGS,
    SheetColumn,
    destination_cells,
    job_cells,
    setting_values,
)

_DEEPEST = 20
_MOST_BYTES = 64 * 2**20
_COLUMNS: Mapping[str, Sequence[SheetColumn]] = {DESTINATIONS: DESTINATION_COLUMNS, JOBS: JOB_COLUMNS}
_SEPARATORS = {"windows": "; "}
"""How the items of a list are joined into the text of a cell; others by commas."""
_HEADER = (
    "# Destinations, jobs and settings of Network Stats. What is left out has its default, as in the workbook.\n"
    "# Take it over into a workbook with: netstats-xl config import\n"
)


def read_yaml(path: Path) -> Mapping[str, RawTable]:
    """The file's definitions as the tables that a workbook would have, for `sheets.read_definitions`.

    Raises:
        SheetInvalid: the file is not built as it should be; every such place is named.
        ConfigurationError: it cannot be read, or is no YAML.
    """
    root = _loaded(path)
    if root is None:
        root = {}
    builder = _Builder(path.name)
    if not isinstance(root, dict):
        builder.refuse("", root, "the file must hold the keys destinations, jobs and settings")
        root = {}
    for key, value in root.items():
        if key not in ("settings", "destinations", "jobs"):
            builder.refuse(str(key), value, "this key is not known: write destinations, jobs or settings")
    tables = {
        DESTINATIONS: builder.table(DESTINATIONS, root.get("destinations")),
        JOBS: builder.table(JOBS, root.get("jobs")),
        SETTINGS: builder.settings(root.get("settings")),
    }
    if builder.errors:
        raise SheetInvalid(f"{path} is not built as it should be in these places:", tuple(builder.errors))
    return tables


def render_yaml(definitions: Definitions, settings: Settings, *, ascii_only: bool = False) -> str:
    """The definitions as the text of a YAML file. Read again, they are the same.

    With `ascii_only`, other characters are written as escapes, so that no code page can lose them.
    """
    content = {
        "settings": {key: value for key, value in setting_values(settings).items() if value is not None},
        "destinations": [
            _item(DESTINATION_COLUMNS, destination_cells(destination))
            for destination in definitions.destinations
        ],
        "jobs": [_item(JOB_COLUMNS, job_cells(job)) for job in definitions.jobs],
    }
    return _HEADER + yaml.safe_dump(content, allow_unicode=not ascii_only, sort_keys=False, width=110)


def write_yaml(path: Path, definitions: Definitions, settings: Settings) -> None:
    """Write the definitions to a YAML file, replacing it atomically.

    Raises:
        ConfigurationError: the file cannot be written.
    """
    text = render_yaml(definitions, settings)
    try:
        with replacing(path) as temporary:
            temporary.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}.") from error


def _item(columns: Sequence[SheetColumn], cells: Mapping[str, CellValue]) -> dict[str, CellValue]:
    found = {column.key: cells.get(column.header) for column in columns}
    return {key: value for key, value in found.items() if value is not None}


class _Loader(yaml.SafeLoader):
    """Refuses what a person cannot have meant: keys that appear twice, and very deep nesting."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self.depth += 1
        if self.depth > _DEEPEST:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]  # absent from the stubs
            raise yaml.composer.ComposerError(None, None, f"this is nested more than {_DEEPEST} deep", mark)
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, object]:
        keys = set()
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            if key is not None and key in keys:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} appears twice", key_node.start_mark
                )
            keys.add(key)
        return super().construct_mapping(node, deep)


def _loaded(path: Path) -> object:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ConfigurationError(
            f"There is no file {path}. `netstats-xl config export` writes one."
        ) from error
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be read: {error.strerror or error}.") from error
    if len(data) > _MOST_BYTES:
        raise ConfigurationError(
            f"{path} has more than {_MOST_BYTES // 2**20} MB: divide it into several files."
        )
    try:
        return yaml.load(data, _Loader)  # noqa: S506 - a subclass of SafeLoader
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark is not None else ""
        raise ConfigurationError(
            f"{path}{where} is no proper YAML: {error.problem or error.context}."
        ) from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:
        # ValueError: a date such as 2026-02-30, or a number of thousands of digits.
        raise ConfigurationError(f"{path} is no proper YAML: {error}.") from error


class _Builder:
    """Makes tables of what the file holds, and collects what does not fit."""

    def __init__(self, source: str) -> None:
        self._source = source
        self.errors: list[CellError] = []

    def refuse(self, where: str, value: object, message: str) -> None:
        """Note what is wrong at a place of the file."""
        shown = "" if isinstance(value, (dict, list)) else str(value)[:80]
        self.errors.append(CellError(sheet=self._source, cell=where or "file", value=shown, message=message))

    def table(self, name: str, items: object) -> RawTable:
        """The list under `destinations` or `jobs` as a table."""
        columns = {column.key: column for column in _COLUMNS[name]}
        key = name.lower()
        rows = []
        if not isinstance(items, list):
            if items is not None:
                self.refuse(key, items, "this must be a list: begin each item with `- `")
            items = []
        for number, item in enumerate(items):
            if not isinstance(item, dict):
                self.refuse(
                    f"{key}[{number}]", item, "this must hold keys and values, for example name: and host:"
                )
                continue
            cells = {}
            for field, value in item.items():
                where = f"{key}[{number}].{field}"
                if field not in columns:
                    self.refuse(where, value, f"this key is not known: write one of {', '.join(columns)}")
                else:
                    cells[str(field)] = self._cell(where, value, _SEPARATORS.get(str(field), ", "))
            rows.append(RawRow(number=number, cells=cells))
        return RawTable(name=name, sheet=self._source, headers=tuple(columns), rows=tuple(rows), header_row=0)

    def settings(self, items: object) -> RawTable:
        """The keys under `settings` as a table."""
        if not isinstance(items, dict):
            if items is not None:
                self.refuse("settings", items, "this must hold keys and values, for example report_every: 1m")
            items = {}
        known = {row.key for row in SETTING_ROWS}
        rows = []
        for number, (key, value) in enumerate(items.items()):
            if key not in known:
                self.refuse(
                    f"settings.{key}",
                    value,
                    f"this key is not known: write one of {', '.join(sorted(known))}",
                )
            else:
                cells = {"setting": str(key), "value": self._cell(f"settings.{key}", value, ", ")}
                rows.append(RawRow(number=number, cells=cells))
        headers = tuple(column.key for column in SETTING_COLUMNS)
        return RawTable(name=SETTINGS, sheet=self._source, headers=headers, rows=tuple(rows), header_row=0)

    def _cell(self, where: str, value: object, separator: str) -> CellValue:
        if isinstance(value, list) and all(isinstance(each, (str, int, float)) for each in value):
            return separator.join(str(each) for each in value)
        if isinstance(value, datetime) and value.tzinfo is not None:
            return value.isoformat()
        if value is None or isinstance(value, (str, bool, int, float, date)):
            return value
        self.refuse(where, value, "this must be a text, a number, yes or no, a date, or a list of texts")
        return None
