"""Times as files write them -> instants."""

import re
from datetime import UTC, datetime, timedelta

from netstats_xl.domain.history import DateOrder
from netstats_xl.domain.windows import from_local

MOST_SERIES = 100_000
"""Of how many series the last instant is remembered, for hours that the clock repeats."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"(\d{9,14})(?:[.,](\d{1,9}))?")
_YEAR_FIRST = re.compile(r"\d{4}[-/]\d{1,2}[-/]\d{1,2}(?!\d).*")
_YEAR_LAST = re.compile(
    r"(?P<first>\d{1,2})(?P<dash>[./-])(?P<second>\d{1,2})(?P=dash)(?P<year>\d{4}|\d{2}),? +"
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<s>\d\d)(?:[.,](?P<part>\d{1,9}))?)? *(?P<half>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_WORDS = "%a %b %d %H:%M:%S %Y"
"""As C's `%c` and `ctime` write it."""
_NEEDS_ORDER = "{text!r} may begin with the day or the month: say --date-order dmy or --date-order mdy"
_NEEDS_ZONE = "{text!r} has no UTC offset: say whose clock it is, for example --zone Europe/Berlin"


class Times:
    """Understands times: seconds or milliseconds since 1970, ISO 8601, and dates as people write them."""

    def __init__(self, zone: str | None, order: DateOrder | None) -> None:
        """`zone`: of times without an offset; `order`: of dates that may be read either way."""
        self._zone = zone
        self._order = order
        self._order_is_given = order is not None
        self._last: dict[str, datetime] = {}

    def parse(self, text: str, series: str = "") -> datetime:
        """The instant, aware UTC.

        A local time that the clock shows twice is the first of the two, unless the row before of the same `series`
        was later than that.

        Raises:
            ValueError: in plain words, what is wrong and what would help.
        """
        text = re.sub(r"\s+", " ", text).strip()
        if number := _NUMBER.fullmatch(text):
            return self._of_number(number[1], number[2] or "")
        read = self._local(text)
        if read.tzinfo is not None:
            return read.astimezone(UTC)
        if self._zone is None:
            raise ValueError(_NEEDS_ZONE.format(text=text))
        return self._of_clock(read, self._zone, series)

    @staticmethod
    def _of_number(whole: str, part: str) -> datetime:
        """Ten digits and fewer are seconds until the year 2286; milliseconds have had twelve since 1973."""
        if len(whole) <= 11:
            return _EPOCH + timedelta(seconds=int(whole), microseconds=int(f"{part:0<6}"[:6]))
        return _EPOCH + timedelta(milliseconds=int(whole))

    def _local(self, text: str) -> datetime:
        try:
            if _YEAR_FIRST.fullmatch(text):
                return datetime.fromisoformat(text.replace("/", "-"))
            if found := _YEAR_LAST.fullmatch(text):
                return self._of_groups(text, {key: value or "" for key, value in found.groupdict().items()})
            return datetime.strptime(text, _WORDS)  # noqa: DTZ007 - the caller gives it its zone
        except _Ambiguous as error:
            raise ValueError(str(error)) from None
        except ValueError as error:
            raise ValueError(
                f"{text!r} is no time that can be understood: write for example 2026-11-23T08:00:00+01:00, or seconds "
                "since 1970"
            ) from error

    def _of_groups(self, text: str, found: dict[str, str]) -> datetime:
        first, second = int(found["first"]), int(found["second"])
        order = self._order_of(text, first, second, found["dash"])
        day, month = (first, second) if order is DateOrder.DAY_FIRST else (second, first)
        year = int(found["year"]) + (2000 if len(found["year"]) == 2 else 0)
        hour = int(found["hour"])
        if half := found["half"].casefold():
            if not 1 <= hour <= 12:
                raise ValueError("no hour of half a day")
            hour = hour % 12 + (12 if half.startswith("p") else 0)
        part = int(f"{found['part']:0<6}"[:6])
        return datetime(year, month, day, hour, int(found["minute"]), int(found["s"] or 0), part)  # noqa: DTZ001 - the caller gives it its zone

    def _order_of(self, text: str, first: int, second: int, dash: str) -> DateOrder:
        """The order of a date; what one date of the file tells holds for the rest of it."""
        if dash == ".":
            return DateOrder.DAY_FIRST  # nobody writes the month first with points
        told = DateOrder.DAY_FIRST if first > 12 else DateOrder.MONTH_FIRST if second > 12 else None
        if told is not None and self._order not in (None, told):
            known = "as --date-order says" if self._order_is_given else "as the dates before it"
            raise _Ambiguous(f"{text!r} is not written {known}: its day and month are the other way round")
        if told is not None:
            self._order = told
        if self._order is None:
            if first == second:
                return DateOrder.DAY_FIRST  # the same either way
            raise _Ambiguous(_NEEDS_ORDER.format(text=text))
        return self._order

    def _of_clock(self, local: datetime, zone: str, series: str) -> datetime:
        at = from_local(local, zone)
        later = from_local(local, zone, second=True)
        last = self._last.get(series)
        if last is not None and at <= last < later:
            at = later
        if last is not None or len(self._last) < MOST_SERIES:
            self._last[series] = at
        return at


class _Ambiguous(ValueError):
    """A date that may be read either way."""
