"""A period and a scope -> a report."""

import re
from datetime import UTC, datetime, time, timedelta

from netstats_xl.app.publishing import ReportInputs, report_view
from netstats_xl.domain.results import Period
from netstats_xl.domain.windows import from_local, to_local
from netstats_xl.errors import ReportError
from netstats_xl.ports import Publisher, ResultStore

_AGO = re.compile(r"[-−–]?\s*(\d{1,6})\s*([a-z]+)(?:\s+ago)?", re.IGNORECASE)
_UNITS = {
    unit: timedelta(seconds=seconds)
    for seconds, units in (
        (1, ("s", "sec", "second", "seconds")),
        (60, ("m", "min", "minute", "minutes")),
        (3_600, ("h", "hour", "hours")),
        (86_400, ("d", "day", "days")),
        (7 * 86_400, ("w", "week", "weeks")),
    )
    for unit in units
}
_EARLIEST = datetime(1970, 1, 3, tzinfo=UTC)
"""Before any measurement, and far enough from the calendar's start for the period before this one."""
_HINT = (
    "write a date (2026-11-23), a date and time ('2026-11-23 08:00'), today, yesterday, now, "
    "or how long ago (24h, 7d)"
)


class Reporting:
    """Makes reports from a store, and publishes them."""

    def __init__(self, store: ResultStore, publisher: Publisher) -> None:
        self._store = store
        self._publisher = publisher

    def publish(self, inputs: ReportInputs) -> str:
        """Make the report and publish it; where it is to be seen.

        Raises:
            StoreError: the store cannot answer.
            WorkbookError: the report cannot be shown.
        """
        return self._publisher.publish(report_view(self._store, inputs))


def parse_period(start: str, end: str, now: datetime, zone: str) -> Period:
    """The period from `start` to `end` (exclusive), each as a user writes it, in the time zone `zone`.

    A date alone is the midnight that it begins with. What is after `now` cannot have been measured yet: an
    end in the future counts as now.

    Raises:
        ReportError: one of them cannot be understood, or the period is empty; the message says the remedy.
    """
    start_at = parse_instant(start, now, zone, what="start")
    end_at = min(parse_instant(end, now, zone, what="end"), now)
    if start_at > now:
        raise ReportError(
            f"The report's start, {start.strip()!r}, is in the future: nothing was measured then."
        )
    if start_at >= end_at:
        raise ReportError(
            f"The report's start, {to_local(start_at, zone):%Y-%m-%d %H:%M:%S}, is not before its end, "
            f"{to_local(end_at, zone):%Y-%m-%d %H:%M:%S} ({zone}), so nothing lies between --from and --to: "
            "choose an earlier start or a later end."
        )
    return Period(start=start_at, end=end_at)


def parse_instant(text: str, now: datetime, zone: str, *, what: str) -> datetime:
    """An instant as a user writes it, aware UTC.

    `what` names it in messages. Local times follow `windows.from_local` where the clock skips or repeats.

    Raises:
        ReportError: it cannot be understood.
    """
    wanted = " ".join(text.split()).casefold()
    midnight = datetime.combine(to_local(now, zone).date(), time())
    if wanted == "now":
        return now
    if wanted == "today":
        return from_local(midnight, zone)
    if wanted == "yesterday":
        return from_local(midnight - timedelta(days=1), zone)
    try:
        if ago := _AGO.fullmatch(wanted):
            instant = now - int(ago[1]) * _unit(ago[2])
        else:
            parsed = datetime.fromisoformat(wanted.upper())
            instant = from_local(parsed, zone) if parsed.tzinfo is None else parsed.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ReportError(f"The report's {what}, {text.strip()!r}, cannot be understood: {_HINT}.") from error
    if instant < _EARLIEST:
        raise ReportError(f"The report's {what}, {text.strip()!r}, is too far in the past.")
    return instant


def _unit(name: str) -> timedelta:
    unit = _UNITS.get(name.casefold())
    if unit is None:
        raise ValueError(f"{name!r} is no unit of time")
    return unit
