"""The input tables as data: what each column is called, what it means and what may be typed into it."""

from dataclasses import dataclass

from netstats_xl.domain.results import State
from netstats_xl.domain.views import (
    BAD,
    GOOD,
    MUTED,
    READ_ONLY,
    WARNING,
    AtLeast,
    Column,
    Kind,
    NumberBetween,
    OneOf,
    Rule,
    TextEquals,
    TextPresent,
    Validation,
)

DESTINATIONS = "Destinations"
JOBS = "Jobs"
SETTINGS = "Settings"
INPUT_TABLES = (DESTINATIONS, JOBS, SETTINGS)
"""The names of the tables, and of the sheets that they stand on."""

MS_FORMAT = "[<1]0.000;[<100]0.00;#,##0.0"
"""Of measured times: three or four digits that mean something, down to 1 µs."""
PERCENT_FORMAT = "[=0]0;[<1]0.000;0.00"
"""Of losses: one packet lost in 1,000 shows as 0.100, none as a plain 0."""

YES_NO = OneOf(choices=("yes", "no"), message="Write yes or no. Blank means yes.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SheetColumn:
    """A column of an input table."""

    key: str
    """Its name in YAML, and within the program."""
    column: Column
    required: bool = False
    """A table without it cannot be read; other typed columns may be missing and have their defaults then."""

    @property
    def header(self) -> str:
        """As the sheet shows it."""
        return self.column.header

    @property
    def typed(self) -> bool:
        """Whether the user fills it: neither a status column nor the hidden ID."""
        return self.column.typed


def text_column(
    key: str,
    header: str,
    width: float,
    note: str,
    *,
    required: bool = False,
    validation: Validation | None = None,
) -> SheetColumn:
    """A column that the user types text into."""
    column = Column(
        header=header, number_format="@", width=width, note=note, typed=True, validation=validation
    )
    return SheetColumn(key=key, column=column, required=required)


def number_column(
    key: str, header: str, width: float, note: str, *, low: float, high: float, form: str = ""
) -> SheetColumn:
    """A column that the user types numbers from `low` to `high` into, with the format code `form`.

    By default they show as they were typed. (`0.###` would show 2 as `2.`)
    """
    validation = NumberBetween(
        low=low, high=high, message=f"Write a number from {low:,g} to {high:,g}, or leave it blank."
    )
    column = Column(
        header=header,
        kind=Kind.NUMBER,
        number_format=form,
        width=width,
        note=note,
        typed=True,
        validation=validation,
    )
    return SheetColumn(key=key, column=column)


def instant_column(key: str, header: str, note: str) -> SheetColumn:
    """A column that the user types dates with times into."""
    column = Column(
        header=header, kind=Kind.INSTANT, number_format="yyyy-mm-dd hh:mm", width=17, note=note, typed=True
    )
    return SheetColumn(key=key, column=column)


def status_column(
    key: str,
    header: str,
    width: float,
    note: str,
    *,
    kind: Kind = Kind.TEXT,
    form: str = "",
    rules: tuple[Rule, ...] = (),
) -> SheetColumn:
    """A column that the program fills."""
    column = Column(
        header=header, kind=kind, number_format=form, width=width, note=note, style=READ_ONLY, rules=rules
    )
    return SheetColumn(key=key, column=column)


def id_column(what: str) -> SheetColumn:
    """The hidden column with the row's identity."""
    note = (
        f"Identifies the {what}, so that its history stays with it when it is renamed. The program fills it."
    )
    return SheetColumn(
        key="id",
        column=Column(header="ID", number_format="@", width=15, note=note, hidden=True, style=READ_ONLY),
    )


_STATUS_RULES: tuple[Rule, ...] = (
    TextEquals(text=State.UP, style=GOOD),
    TextEquals(text=State.DEGRADED, style=WARNING),
    TextEquals(text=State.DOWN, style=BAD),
    TextEquals(text=State.UNKNOWN, style=MUTED),
)
_DEGRADED = (
    "A destination that answers counts as degraded from this value on. Blank: as the Settings sheet says."
)

DESTINATION_COLUMNS: tuple[SheetColumn, ...] = (
    text_column(
        "name",
        "Name",
        22,
        "What reports and jobs call it. Each name only once; no comma or semicolon.",
        required=True,
    ),
    text_column(
        "host",
        "Host",
        26,
        "One a row. An address or a host name is pinged. tcp://server:443 is connected to, "
        "dns://192.0.2.53?name=www.example.com asked, https://server/ requested.",
        required=True,
    ),
    text_column("group", "Group", 13, "Jobs can name it: group:Offices. One group a destination, or blank."),
    text_column("tags", "Tags", 12, "Jobs can name them: tag:voip. Several are separated by commas."),
    text_column(
        "enabled",
        "Enabled",
        10,
        "yes or no. Blank means yes. One that is off is not probed.",
        validation=YES_NO,
    ),
    number_column(
        "rtt_warning_ms",
        "RTT warning (ms)",
        11,
        _DEGRADED,
        low=0.001,
        high=600_000,
    ),
    number_column(
        "rtt_critical_ms",
        "RTT critical (ms)",
        11,
        _DEGRADED,
        low=0.001,
        high=600_000,
    ),
    number_column("loss_warning_percent", "Loss warning (%)", 11, _DEGRADED, low=0, high=100),
    number_column("loss_critical_percent", "Loss critical (%)", 11, _DEGRADED, low=0, high=100),
    text_column("notes", "Notes", 20, "Anything that helps you."),
    status_column(
        "status",
        "Status",
        11,
        "Up: it answers. Degraded: it answers beyond a threshold. Down: it does not. Unknown: not measured.",
        rules=_STATUS_RULES,
    ),
    status_column(
        "last_rtt_ms",
        "Last RTT (ms)",
        11,
        "Mean round-trip time of the last round; of a connection, question or request, the time to its answer. "
        "Blank where it had no reply.",
        kind=Kind.NUMBER,
        form=MS_FORMAT,
        rules=(
            AtLeast(column="RTT critical (ms)", style=BAD),
            AtLeast(column="RTT warning (ms)", style=WARNING),
        ),
    ),
    status_column(
        "loss_percent",
        "Loss (%)",
        10,
        "Packets lost in the last round, of those sent.",
        kind=Kind.NUMBER,
        form=PERCENT_FORMAT,
        rules=(
            AtLeast(column="Loss critical (%)", style=BAD),
            AtLeast(column="Loss warning (%)", style=WARNING),
        ),
    ),
    status_column(
        "answer",
        "Answer",
        24,
        "What the last reply said: the address that a name has, a web server's status, total time and certificate.",
    ),
    status_column(
        "last_seen_at",
        "Last seen",
        19,
        "When it last answered, in the time zone of the Settings sheet.",
        kind=Kind.INSTANT,
        form="yyyy-mm-dd hh:mm:ss",
    ),
    status_column(
        "problems",
        "Problems",
        42,
        "What is wrong with the row or the destination.",
        rules=(TextPresent(style=WARNING),),
    ),
    id_column("destination"),
)
