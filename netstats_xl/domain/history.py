"""Measurements that were made elsewhere, on their way into the database."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from netstats_xl.domain.results import NO_STRAYS, Outcome, Strays


class HistoryFormat(StrEnum):
    """The kinds of files that are understood."""

    NETSTATS = "netstats"
    """Raw samples, as this program exports them."""
    CSV = "csv"
    """Any table with named columns."""
    SMOKEPING = "smokeping"
    """`rrdtool dump` of SmokePing's RRD."""
    FPING = "fping"
    """A line a packet with its time (`fping -D`)."""
    PINGPLOTTER = "pingplotter"
    """PingPlotter's CSV."""

    @property
    def product(self) -> str:
        """What makes such files, for people."""
        return {
            HistoryFormat.NETSTATS: "netstats_xl",
            HistoryFormat.CSV: "CSV",
            HistoryFormat.SMOKEPING: "SmokePing",
            HistoryFormat.FPING: "fping",
            HistoryFormat.PINGPLOTTER: "PingPlotter",
        }[self]


class DateOrder(StrEnum):
    """What comes first in dates such as 03/04/2026."""

    DAY_FIRST = "dmy"
    MONTH_FIRST = "mdy"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """How a file is to be read, as far as it does not tell itself."""

    zone: str | None = None
    """IANA name of the zone of times without an offset; None: such times cannot be understood."""
    date_order: DateOrder | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    """What a column is (`time`, `host`, `rtt`, ...) -> its header, where a CSV file calls it otherwise."""
    round_s: int | None = None
    """Packets of one destination within this time make a round, s; None: as the format suggests."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRow:
    """One round against one destination."""

    source: str
    """What the file calls the destination."""
    host: str = ""
    """What was probed, where the file tells it besides."""
    at: datetime
    """When it was due, or began, aware UTC."""
    outcome: Outcome
    strays: Strays = NO_STRAYS
    interval_s: float | None = None
    """How much time the round stands for, s, where the file tells it."""
