"""Rows of the input tables <-> models, with an error for each bad cell. No I/O."""

from netstats_xl.sheets.choices import CHOICES, choice_rows
from netstats_xl.sheets.columns import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    INPUT_TABLES,
    JOBS,
    SETTINGS,
    SheetColumn,
)
from netstats_xl.sheets.destinations import destination_cells
from netstats_xl.sheets.job_columns import JOB_COLUMNS
from netstats_xl.sheets.jobs import job_cells, parse_selectors
from netstats_xl.sheets.reading import InvalidRow, Reading, read_definitions
from netstats_xl.sheets.retention import RETENTION
from netstats_xl.sheets.rows import normalised
from netstats_xl.sheets.selection import (
    SELECTION,
    Selection,
    chosen,
    read_selection,
    selection_cells,
)
from netstats_xl.sheets.setting_rows import SETTING_COLUMNS, SETTING_NAMES, SETTING_ROWS, SettingRow
from netstats_xl.sheets.settings import setting_values, settings_rows
from netstats_xl.sheets.specs import (
    destinations_spec,
    jobs_spec,
    offering,
    selection_spec,
    settings_spec,
)

__all__ = [
    "CHOICES",
    "DESTINATIONS",
    "DESTINATION_COLUMNS",
    "INPUT_TABLES",
    "JOBS",
    "JOB_COLUMNS",
    "RETENTION",
    "SELECTION",
    "SETTINGS",
    "SETTING_COLUMNS",
    "SETTING_NAMES",
    "SETTING_ROWS",
    "InvalidRow",
    "Reading",
    "Selection",
    "SettingRow",
    "SheetColumn",
    "choice_rows",
    "chosen",
    "destination_cells",
    "destinations_spec",
    "job_cells",
    "jobs_spec",
    "normalised",
    "offering",
    "parse_selectors",
    "read_definitions",
    "read_selection",
    "selection_cells",
    "selection_spec",
    "setting_values",
    "settings_rows",
    "settings_spec",
]
