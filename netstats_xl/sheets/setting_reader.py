"""Reads the rows of the Settings table."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from netstats_xl.domain.tables import CellValue
from netstats_xl.errors import CellError
from netstats_xl.sheets.cells import shown
from netstats_xl.sheets.rows import RowReader

T = TypeVar("T")
Default = TypeVar("Default")


class SettingReader(RowReader):
    """Reads the Value cell of a setting's row."""

    def error(self, key: str, message: str) -> CellError:
        """An error of a cell; without cells, its address names the setting: `settings.report_every`."""
        error = RowReader.error(self, key, message)
        if self.layout.table.columns:
            return error
        setting = shown(self.value("setting")).lower()
        return CellError(sheet=error.sheet, cell=f"settings.{setting}", value=error.value, message=message)


@dataclass(frozen=True, slots=True)
class SettingValues:
    """The rows of the settings that the table has, by the setting's key."""

    readers: Mapping[str, SettingReader]

    def read(self, key: str, parse: Callable[[CellValue], T], default: Default) -> T | Default:
        """The setting's value; `default` where its row is missing, blank or bad."""
        reader = self.readers.get(key)
        return default if reader is None else reader.read("value", parse, default)

    def refuse(self, message: str, *keys: str) -> None:
        """Note an error at the first of these settings that has a value."""
        readers = [self.readers[key] for key in keys if key in self.readers]
        typed = [reader for reader in readers if reader.value("value") is not None] or readers
        typed[0].refuse("value", message)
