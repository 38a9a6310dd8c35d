"""The room that results take, in words: a table on the Settings sheet, facts of a report, lines for a terminal."""

from datetime import datetime, timedelta

from netstats_xl.app.outlook import RECENT, Outlook
from netstats_xl.app.retaining import Deletion
from netstats_xl.domain.forecast import HOUR_BYTES, MINUTE_BYTES
from netstats_xl.domain.views import READ_ONLY, Anchor, Column, Row, TableSpec
from netstats_xl.domain.windows import to_local
from netstats_xl.sheets import RETENTION, SETTING_NAMES

STORAGE = "StorageFacts"
ROWS = 9
"""Rows of the table, always."""

_UNITS = (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3))
_RAW, _MINUTES, _ROLLUPS = (SETTING_NAMES[key] for key in RETENTION)
_YEAR_DAYS = 365
_BLANK: Row = (None, None, None)


def storage_table(anchor: Anchor) -> TableSpec:
    """The table, in columns as wide as those of the Settings table above it."""
    return TableSpec(
        name=STORAGE,
        anchor=anchor,
        columns=(
            Column(header="Fact", width=37, style=READ_ONLY, note="Told by the collector while it runs."),
            Column(header="Figure", width=30, style=READ_ONLY),
            Column(header="What it means", width=104, style=READ_ONLY),
        ),
        autofilter=False,
        optional=True,
    )


def storage_rows(outlook: Outlook | None) -> tuple[Row, ...]:
    """The rows of the table, always as many; None: nothing is known yet."""
    if outlook is None:
        unknown: Row = (
            "Database size",
            None,
            "Told once the collector runs, with its growth and what is deleted next.",
        )
        return (unknown, *[_BLANK] * (ROWS - 1))
    return (
        _size_now(outlook),
        _measured(outlook),
        _growth(outlook),
        *_sizes_to_come(outlook),
        _free(outlook),
        ("Next deletion", _when(outlook.deletion, outlook.zone), f"{_capital(_goes(outlook))}."),
        ("As of", f"{to_local(outlook.at, outlook.zone):%Y-%m-%d %H:%M}", "Sizes to come are estimates."),
    )


def report_facts(outlook: Outlook) -> dict[str, str]:
    """What an About sheet tells."""
    return {"Database growth": _outlook_of_size(outlook), "Next deletion": _next_deletion(outlook)}


def status_lines(outlook: Outlook) -> tuple[str, ...]:
    """What is told in a terminal."""
    usage = outlook.forecast.usage
    size = "in memory" if usage.file_bytes is None else size_text(usage.file_bytes)
    free = "" if usage.free_bytes is None else f"; {size_text(usage.free_bytes)} free on its disk"
    return (
        f"Database size: {size}; {_outlook_of_size(outlook)}{free}",
        f"Next deletion: {_next_deletion(outlook)}",
    )


def announcement(deletion: Deletion, zone: str) -> str:
    """What the user is told of a deletion that is larger than those of every night, before it is done."""
    keeping, found = deletion.keeping, deletion.found
    cutoffs = keeping.cutoffs(deletion.at)
    parts = (
        (counted(found.samples, "result"), found.samples, cutoffs.raw, _RAW, keeping.raw_days),
        ("rollups by the minute", found.minutes, cutoffs.minutes, _MINUTES, keeping.minutes_days),
        ("coarser rollups", found.rollups, cutoffs.rollups, _ROLLUPS, keeping.rollups_days),
    )
    goes = [
        f"{what} older than {_day(cutoff, zone)}" for what, rows, cutoff, _, _ in parts if rows and cutoff
    ]
    asked_by = [f"{setting}: {days}" for _, rows, _, setting, days in parts if rows]
    return (
        f"On {_when(deletion, zone)} {' and '.join(goes)} will be deleted, because Settings says "
        f"{', '.join(asked_by)}. To keep them, write more days there before."
    )


def size_text(size_bytes: float) -> str:
    """A size in its unit, with three digits: `1.23 GB`."""
    for unit, factor in _UNITS:
        if size_bytes >= 0.9995 * factor:
            figure = size_bytes / factor
            digits = 2 if figure < 9.995 else 1 if figure < 99.95 else 0
            return f"{figure:,.{digits}f} {unit}"
    return f"{size_bytes:.0f} bytes"


def counted(number: int, what: str) -> str:
    """`1 result`, `12 results`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _size_now(outlook: Outlook) -> Row:
    usage = outlook.forecast.usage
    if usage.file_bytes is None:
        lost = "Results are kept in memory only, and are lost when the collector ends."
        return ("Database size", "in memory", lost)
    return (
        "Database size",
        size_text(usage.file_bytes),
        f"{usage.file_bytes:,} bytes; raw results about {size_text(usage.raw_bytes)}, rollups about "
        f"{size_text(usage.rollup_bytes)}, free for new ones {size_text(usage.reusable_bytes)}.",
    )


def _measured(outlook: Outlook) -> Row:
    fact, a_day = "Stored a day, measured", outlook.samples_a_day
    if a_day is None:
        return (fact, "not known yet", "That takes a day of results.")
    usage = outlook.forecast.usage
    each = usage.raw_bytes / usage.samples
    return (
        fact,
        size_text(a_day * each),
        f"{a_day:,.0f} results a day on average of the last {RECENT.days} days, about {each:.0f} bytes each; "
        "their rollups come on top.",
    )


def _growth(outlook: Outlook) -> Row:
    growth = outlook.forecast.growth
    return (
        "Growth by the present jobs",
        f"{size_text(growth.total_bytes)} a day",
        f"{growth.rounds:,.0f} results a day: raw {size_text(growth.raw_bytes)}, by the minute "
        f"{size_text(growth.minute_bytes)}, by the hour and day {size_text(growth.coarse_bytes)}.",
    )


def _sizes_to_come(outlook: Outlook) -> tuple[Row, ...]:
    """One for each setting, which it is what becomes of."""
    keeping, size = outlook.forecast.keeping, outlook.forecast.file_bytes
    return (
        ("Size in 30 days", size_text(size(30)), _levels_off("Raw results", keeping.raw_days)),
        ("Size in a year", size_text(size(_YEAR_DAYS)), _levels_off("Minute rollups", keeping.minutes_days)),
        (
            "Size in 5 years",
            size_text(size(5 * _YEAR_DAYS + 1)),
            _levels_off("Hourly and coarser rollups", keeping.rollups_days),
        ),
    )


def _levels_off(what: str, days: int | None) -> str:
    if days is None:
        return f"{what} are kept for ever: they grow on."
    return f"{what} are kept for {counted(days, 'day')}: then as many go as come."


def _free(outlook: Outlook) -> Row:
    fact, free, full = "Free on its disk", outlook.forecast.usage.free_bytes, outlook.forecast.full_after_days
    if free is None:
        return (fact, "not known", None)
    if full is None:
        return (fact, size_text(free), "At this rate that is enough for ten years and more.")
    return (
        fact,
        size_text(free),
        f"At this rate it is used up in {_long(full)}, on about {_full_on(outlook, full)}.",
    )


def _full_on(outlook: Outlook, days: float) -> str:
    return _day(outlook.at + timedelta(days=days), outlook.zone)


def _long(days: float) -> str:
    if days < 1:
        return "less than a day"
    if days < 2 * _YEAR_DAYS:
        return counted(round(days), "day")
    return f"{days / _YEAR_DAYS:.1f} years"


def _outlook_of_size(outlook: Outlook) -> str:
    forecast = outlook.forecast
    return (
        f"the present jobs add {size_text(forecast.growth.total_bytes)} a day, "
        f"{size_text(forecast.file_bytes(_YEAR_DAYS))} are expected in a year"
    )


def _next_deletion(outlook: Outlook) -> str:
    return f"{_when(outlook.deletion, outlook.zone)}: {_goes(outlook)}"


def _goes(outlook: Outlook) -> str:
    """What goes next, in words, without when."""
    deletion, usage = outlook.deletion, outlook.forecast.usage
    found, zone, cutoffs = deletion.found, outlook.zone, deletion.keeping.cutoffs(deletion.at)
    parts = []
    if found.samples:
        share = usage.raw_bytes * found.samples / max(usage.samples, found.samples)
        parts.append(
            f"{counted(found.samples, 'result')} older than {_day(cutoffs.raw, zone)}, about {size_text(share)}; "
            "their rollups stay"
        )
    for rows, cutoff, what, row_bytes in (
        (found.minutes, cutoffs.minutes, "minute rollup", MINUTE_BYTES),
        (found.rollups, cutoffs.rollups, "hourly or coarser rollup", HOUR_BYTES),
    ):
        if rows and cutoff is not None:
            size = size_text(rows * row_bytes)
            parts.append(f"{counted(rows, what)} older than {_day(cutoff, zone)}, about {size}")
    return "; ".join(parts) or "nothing is old enough"


def _when(deletion: Deletion, zone: str) -> str:
    return f"{to_local(deletion.at, zone):%Y-%m-%d at about %H:%M}"


def _day(at: datetime, zone: str) -> str:
    return f"{to_local(at, zone):%Y-%m-%d}"


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
