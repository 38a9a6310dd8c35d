"""The Settings table <-> settings."""

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Literal

from pydantic import ValidationError

from netstats_xl.domain.tables import CellValue, RawTable
from netstats_xl.domain.targets import Engine, Settings, StatePolicy, Thresholds
from netstats_xl.domain.views import Row
from netstats_xl.domain.windows import parse_interval, parse_zone
from netstats_xl.errors import CellError
from netstats_xl.sheets.cells import as_duration, as_syntax, parse_number, parse_text, parse_whole, shown
from netstats_xl.sheets.destinations import above
from netstats_xl.sheets.nearest import nearest
from netstats_xl.sheets.retention import read_retention
from netstats_xl.sheets.rows import match_headers, normalised
from netstats_xl.sheets.setting_reader import SettingReader, SettingValues
from netstats_xl.sheets.setting_rows import SETTING_COLUMNS, SETTING_NAMES, SETTING_ROWS

_Off = Literal["off"]

_HOURS = {"h": 1, "d": 24, "w": 168}
_PERIOD = re.compile(r"(\d{1,5})\s*(?:(h)(?:ours?)?|(d)(?:ays?)?|(w)(?:eeks?)?)", re.IGNORECASE)
_LONGEST_PERIOD_H = 24 * 366
_OFF = frozenset({"none", "off", "no", "-"})
_ENGINES = {
    "auto": Engine.AUTOMATIC,
    "raw sockets": Engine.RAW,
    "raw socket": Engine.RAW,
    "datagram sockets": Engine.DATAGRAM,
    "dgram": Engine.DATAGRAM,
    "windows service": Engine.WINDOWS,
}
_KEYS_BY_NAME = {
    normalised(name): row.key
    for row in SETTING_ROWS
    for name in (row.key, row.name, row.earlier_name)
    if name
}


def read_settings(table: RawTable, *, default_zone: str) -> tuple[Settings, list[CellError]]:
    """The settings of the table, with a default wherever a row is missing, blank or bad; and what is bad."""
    layout, errors = match_headers(table, SETTING_COLUMNS)
    if layout is None:
        return Settings(zone=default_zone), errors
    readers: dict[str, SettingReader] = {}
    for row in table.rows:
        reader = SettingReader(layout=layout, row=row)
        name = normalised(shown(reader.value("setting")))
        key = _KEYS_BY_NAME.get(name)
        if key is not None and key not in readers:
            readers[key] = reader
        elif key is not None:
            errors.append(reader.error("setting", "this setting has a row above already: delete one of them"))
        elif name or not layout.is_blank(row):
            near = nearest(name, tuple(SETTING_NAMES.values()))
            errors.append(
                reader.error(
                    "setting",
                    f"there is no such setting{near}: write one of {', '.join(SETTING_NAMES.values())}",
                )
            )
    apart = [
        row for row in layout.rows_apart() if normalised(shown(layout.value(row, "setting"))) in _KEYS_BY_NAME
    ]
    if apart:
        errors.append(layout.apart_error(apart))
    settings = _settings(SettingValues(readers), default_zone)
    return settings, errors + [error for reader in readers.values() for error in reader.errors]


def settings_rows(settings: Settings) -> tuple[Row, ...]:
    """The rows of the Settings table: setting, value, what it does."""
    values = setting_values(settings)
    return tuple((row.name, values[row.key], row.description) for row in SETTING_ROWS)


def setting_values(settings: Settings) -> dict[str, CellValue]:
    """What the user would type for each setting, by its key."""
    thresholds = settings.thresholds
    return {
        "database": settings.database or None,
        "report_every": _render_seconds(settings.report_every_s),
        "report_period": render_period(settings.report_period_h),
        "details_limit": settings.details_limit,
        "refresh_every": _render_seconds(settings.refresh_every_s),
        "when_closed": settings.when_closed,
        "retention_days": settings.retention_days,
        "minutes_retention_days": settings.minutes_retention_days,
        "rollups_retention_days": settings.rollups_retention_days,
        "zone": settings.zone,
        "rtt_warning_ms": _or_none(thresholds.rtt_warning_ms),
        "rtt_critical_ms": _or_none(thresholds.rtt_critical_ms),
        "loss_warning_percent": _or_none(thresholds.loss_warning_percent),
        "loss_critical_percent": _or_none(thresholds.loss_critical_percent),
        "rounds": settings.state_policy.rounds,
        "out_of": settings.state_policy.out_of,
        "packets_per_second": settings.packets_per_second,
        "engine": str(settings.engine),
    }


def _settings(values: SettingValues, default_zone: str) -> Settings:
    default = Settings()
    raw_days, minutes_days, rollups_days = read_retention(values, default)
    return Settings(
        database=values.read("database", partial(parse_text, most=1_000), default.database),
        report_every_s=values.read("report_every", _parse_report_every, default.report_every_s),
        report_period_h=values.read("report_period", parse_period_h, default.report_period_h),
        details_limit=values.read(
            "details_limit", partial(parse_whole, low=0, high=200), default.details_limit
        ),
        refresh_every_s=values.read("refresh_every", _parse_refresh_every, default.refresh_every_s),
        when_closed=values.read("when_closed", _parse_when_closed, default.when_closed),
        retention_days=raw_days,
        minutes_retention_days=minutes_days,
        rollups_retention_days=rollups_days,
        zone=values.read("zone", lambda value: parse_zone(as_syntax(value)), default_zone),
        thresholds=_thresholds(values, default.thresholds),
        state_policy=_state_policy(values, default.state_policy),
        packets_per_second=values.read(
            "packets_per_second", partial(parse_whole, low=10, high=100_000), default.packets_per_second
        ),
        engine=values.read("engine", _parse_engine, default.engine),
    )


def _thresholds(values: SettingValues, default: Thresholds) -> Thresholds:
    """What the user set wins; a default that contradicts it is left out."""
    limits = {
        "rtt_warning_ms": partial(parse_number, unit="ms", low=0.001, high=600_000),
        "rtt_critical_ms": partial(parse_number, unit="ms", low=0.001, high=600_000),
        "loss_warning_percent": partial(parse_number, unit="%", low=0, high=100),
        "loss_critical_percent": partial(parse_number, unit="%", low=0, high=100),
    }
    read: dict[str, float | _Off | None] = {
        key: values.read(key, partial(_number_or_off, parse=parse), None) for key, parse in limits.items()
    }
    for what in ("rtt_{}_ms", "loss_{}_percent"):
        warning_key, critical_key = what.format("warning"), what.format("critical")
        warning, critical = read[warning_key], read[critical_key]
        if isinstance(warning, float) and isinstance(critical, float) and warning > critical:
            values.refuse(above(warning, critical), warning_key)
            read[warning_key] = read[critical_key] = None
    typed = {key: value for key, value in read.items() if isinstance(value, float)}
    kept = {key: getattr(default, key) for key, value in read.items() if value != "off"}
    return Thresholds(**typed).or_else(Thresholds(**kept))


def _state_policy(values: SettingValues, default: StatePolicy) -> StatePolicy:
    whole = partial(parse_whole, low=1, high=100)
    rounds = values.read("rounds", whole, default.rounds)
    out_of = values.read("out_of", whole, rounds)
    try:
        return StatePolicy(rounds=rounds, out_of=out_of)
    except ValidationError:
        values.refuse(
            f"{rounds} of the last {out_of} rounds cannot decide: more than half of them must agree, and no "
            f"more than there are; write {out_of // 2 + 1} to {out_of} rounds that must agree",
            "out_of",
            "rounds",
        )
        return default


def _number_or_off(value: CellValue, *, parse: Callable[[CellValue], float]) -> float | _Off | None:
    if value is False or (isinstance(value, str) and as_syntax(value).casefold() in _OFF):
        return "off"
    return parse(value)


def _parse_report_every(value: CellValue) -> int:
    seconds = int(parse_interval(as_duration(value)).total_seconds())
    if seconds < 10:
        raise ValueError("a report takes its time: write 10s or more")
    return seconds


def _parse_refresh_every(value: CellValue) -> int:
    seconds = int(parse_interval(as_duration(value)).total_seconds())
    if seconds < 2:
        raise ValueError("the sheets would never come to rest: write 2s or more")
    return seconds


def _parse_when_closed(value: CellValue) -> Literal["collect", "stop"]:
    match parse_text(value).casefold():
        case "collect" | "collecting" | "go on" | "continue":
            return "collect"
        case "stop" | "stops":
            return "stop"
        case _:
            raise ValueError("this is neither collect nor stop: write one of them")


def _parse_engine(value: CellValue) -> Engine:
    word = parse_text(value).casefold()
    try:
        return Engine(_ENGINES.get(word, word))
    except ValueError as error:
        raise ValueError(
            f"there is no such engine{nearest(word, tuple(Engine))}: write one of {', '.join(Engine)}"
        ) from error


def parse_period_h(value: CellValue) -> int:
    """A period in hours, as a user writes it: `24h`, `7d`, `4w`, or a number of hours.

    Raises:
        ValueError: what is wrong with it.
    """
    if not isinstance(value, str) or not (match := _PERIOD.fullmatch(as_syntax(value))):
        try:
            return parse_whole(value, low=1, high=_LONGEST_PERIOD_H)
        except ValueError as error:
            raise ValueError("this is no period: write for example 24h, 7d or 4w, at most 366d") from error
    unit = next(each for each in match.groups()[1:] if each)
    hours = int(match[1]) * _HOURS[unit.lower()]
    if not 1 <= hours <= _LONGEST_PERIOD_H:
        raise ValueError("the period must be from 1h to 366d")
    return hours


def render_period(hours: int) -> str:
    """What the user would type for so many hours."""
    return f"{hours // 24}d" if hours % 24 == 0 and hours > 24 else f"{hours}h"


def _render_seconds(seconds: int) -> str:
    for unit, length_s in (("h", 3_600), ("m", 60)):
        if seconds % length_s == 0:
            return f"{seconds // length_s}{unit}"
    return f"{seconds}s"


def _or_none(threshold: float | None) -> CellValue:
    return "none" if threshold is None else math.floor(threshold) if threshold.is_integer() else threshold
