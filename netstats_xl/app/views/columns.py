"""Columns, number formats and conditional formats that several sheets share."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from netstats_xl.domain.results import State
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.views import (
    BAD,
    GOOD,
    MUTED,
    WARNING,
    AtLeast,
    Column,
    Kind,
    Rule,
    Style,
    TextEquals,
    TextPresent,
)
from netstats_xl.sheets.columns import MS_FORMAT as MS_FORMAT
from netstats_xl.sheets.columns import PERCENT_FORMAT as PERCENT_FORMAT

AVAILABILITY_FORMAT = "[=100]0;[>=99]0.000;0.00"
"""Only what was never down shows as a plain 100."""
SHARE_FORMAT = "[=0]0;[=100]0;0.000"
"""Of a loss as well as of an availability."""
COUNT_FORMAT = "#,##0"
INSTANT_FORMAT = "yyyy-mm-dd hh:mm:ss"
MINUTE_FORMAT = "yyyy-mm-dd hh:mm"
DATE_FORMAT = "yyyy-mm-dd"

RETIRED = "Retired"
DISABLED = "Disabled"

MEAN_RULE = "Arithmetic mean of the RTTs of all packets that were answered."
P95_RULE = (
    "95th percentile of the pooled RTTs by linear interpolation (PERCENTILE.INC), within 1 % where raw "
    "results are many or deleted. Blank below 20 RTTs."
)
JITTER_RULE = "Mean absolute difference of consecutive RTTs of a round; none across a lost packet."
LOSS_RULE = "100 × (1 − packets received / packets sent), from the counts."
AVAILABILITY_RULE = (
    "100 × time up / (time up + time down). A round with at least one reply is up for its job's interval."
)

STATE_RULES: tuple[Rule, ...] = (
    TextEquals(text=State.UP, style=GOOD),
    TextEquals(text=State.DEGRADED, style=WARNING),
    TextEquals(text=State.DOWN, style=BAD),
    TextPresent(style=MUTED),
)
PROBLEM_STYLE = Style(color=WARNING.color)

_LABELS_APART = tuple(
    timedelta(seconds=seconds * unit)
    for unit, numbers in (
        (1, (1, 2, 5, 10, 15, 30)),
        (60, (1, 2, 5, 10, 15, 30)),
        (3_600, (1, 2, 3, 4, 6, 12)),
    )
    for seconds in numbers
) + tuple(timedelta(days=days) for days in (1, 2, 7, 14, 28, 56, 112))


def text(header: str, *, width: float = 16, note: str = "", rules: tuple[Rule, ...] = ()) -> Column:
    """A column of text."""
    return Column(header=header, kind=Kind.TEXT, width=width, note=note, rules=rules)


def instant(header: str, *, note: str = "", number_format: str = INSTANT_FORMAT, width: float = 19) -> Column:
    """A column of local times, in the report's time zone."""
    return Column(header=header, kind=Kind.INSTANT, number_format=number_format, width=width, note=note)


def count(header: str, *, note: str = "", width: float = 10) -> Column:
    """A column of whole numbers."""
    return Column(header=header, kind=Kind.NUMBER, number_format=COUNT_FORMAT, width=width, note=note)


def milliseconds(header: str, *, note: str = "", width: float = 10, rules: tuple[Rule, ...] = ()) -> Column:
    """A column of times in ms; the header says so."""
    return Column(
        header=header, kind=Kind.NUMBER, number_format=MS_FORMAT, width=width, note=note, rules=rules
    )


def loss(header: str, *, note: str = LOSS_RULE, width: float = 10, rules: tuple[Rule, ...] = ()) -> Column:
    """A column of losses in %."""
    return Column(
        header=header, kind=Kind.NUMBER, number_format=PERCENT_FORMAT, width=width, note=note, rules=rules
    )


def availability(header: str, *, note: str = AVAILABILITY_RULE, width: float = 11) -> Column:
    """A column of availabilities in %."""
    return Column(header=header, kind=Kind.NUMBER, number_format=AVAILABILITY_FORMAT, width=width, note=note)


def threshold_rules(*, warning_column: str, critical_column: str) -> tuple[Rule, ...]:
    """Colours for a number that reaches the thresholds in two other columns of its row."""
    return (AtLeast(column=critical_column, style=BAD), AtLeast(column=warning_column, style=WARNING))


def time_axis_format(times: Sequence[CellValue]) -> str:
    """The shortest number format that tells the times of an axis apart, for local times in ascending order."""
    instants = [time for time in times if isinstance(time, datetime)]
    span = instants[-1] - instants[0] if instants else timedelta(0)
    if span > timedelta(days=2):
        return "mm-dd hh:mm"
    return "hh:mm" if span >= timedelta(hours=1) else "hh:mm:ss"


def time_label_step(times: Sequence[CellValue], *, most: int = 10) -> int | None:
    """Every how manyth time of an axis of equal steps to label: a round time apart, and at most `most` labels.

    None where there are too few times to tell.
    """
    instants = [time for time in times if isinstance(time, datetime)]
    if len(instants) < 2:
        return None
    step = instants[1] - instants[0]
    for apart in _LABELS_APART:
        every, rest = divmod(apart, step)
        if every and not rest and 3 * every <= len(instants) <= most * every:
            return every
    return -(-len(instants) // most)
