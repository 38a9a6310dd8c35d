"""The rows of the Settings table that say how long results are kept."""

from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.targets import Settings
from netstats_xl.sheets.cells import as_syntax, parse_whole
from netstats_xl.sheets.setting_reader import SettingValues
from netstats_xl.sheets.setting_rows import SETTING_NAMES

RAW, MINUTES, ROLLUPS = "retention_days", "minutes_retention_days", "rollups_retention_days"
RETENTION = (RAW, MINUTES, ROLLUPS)
"""Their keys, the finest first."""
_FOR_EVER = frozenset({"for ever", "forever", "ever", "always", "all", "none", "-"})


def read_retention(values: SettingValues, default: Settings) -> tuple[int, int | None, int | None]:
    """For how many days raw results, minutes and coarser rollups are kept; what is finer never outlives the coarser."""
    raw = values.read(RAW, _parse_days, default.retention_days)
    minutes, rollups = (values.read(key, _parse_days_or_ever, None) for key in (MINUTES, ROLLUPS))
    if minutes is not None and minutes < raw:
        values.refuse(
            f"these rollups would go before the raw results, which are kept for {raw} days: write {raw} or more, "
            f"leave it blank to keep them for ever, or lower {SETTING_NAMES[RAW]}",
            MINUTES,
        )
        minutes = None
    if rollups is not None and (minutes is None or rollups < minutes):
        kept, write = (
            ("for ever", "leave it blank, too")
            if minutes is None
            else (f"for {minutes} days", f"write {minutes} or more, leave it blank to keep them for ever")
        )
        values.refuse(
            f"these rollups would go before those by the minute, which are kept {kept}: {write}, or write "
            f"{rollups} or less as {SETTING_NAMES[MINUTES]}",
            ROLLUPS,
        )
        rollups = None
    return raw, minutes, rollups


def _parse_days(value: CellValue) -> int:
    return parse_whole(value, unit="days", low=1, high=36_500)


def _parse_days_or_ever(value: CellValue) -> int | None:
    if isinstance(value, str) and as_syntax(value).casefold() in _FOR_EVER:
        return None
    return _parse_days(value)
