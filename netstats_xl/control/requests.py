"""What the API is sent: rows as a user would type them, by the sheets' own keys, and commands."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netstats_xl.app.path_tests import DEFAULT_SIZES, LARGEST_PAYLOAD, MOST_SIZES, SMALLEST_PAYLOAD
from netstats_xl.app.service import RowCells
from netstats_xl.domain.tables import CellValue

_AT_LEAST_ONE: dict[str, Any] = {"minProperties": 1}

Text = Annotated[str, Field(max_length=10_000)]
Name = Annotated[str, Field(min_length=1, max_length=100)]
Texts = list[Name] | Text
"""Terms, or a text in which commas separate them."""
Milliseconds = Annotated[float, Field(ge=0.001, le=600_000)]
Percent = Annotated[float, Field(ge=0, le=100)]
PacketTime = Annotated[float, Field(ge=10, le=60_000)]
Host = Annotated[str, Field(min_length=1, max_length=1_000)]
Id = Annotated[str, Field(min_length=1, max_length=100)]


class Request(BaseModel):
    """A request's body: no unknown fields, and no text where a number belongs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class _Some(Request):
    """A request that names at least one of its fields."""

    model_config = ConfigDict(json_schema_extra=_AT_LEAST_ONE)

    @model_validator(mode="after")
    def _at_least_one(self) -> Self:
        if not self.model_fields_set:
            raise ValueError("name at least one of " + ", ".join(type(self).model_fields))
        return self


class _Row(Request):
    """Cells of a row of the user's. What is not named stays, or is blank in a new row; null makes it blank."""

    def cells(self) -> RowCells:
        """What the user would type, by the column's key."""
        return {
            key: _typed(getattr(self, key)) for key in type(self).model_fields if key in self.model_fields_set
        }


def _typed(value: object) -> CellValue:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(str, value))
    assert value is None or isinstance(value, (str, int, float)), "no field of a row holds anything else"
    return value


class _DestinationCells(_Row):
    group: Text | None = None
    tags: Texts | None = None
    enabled: bool | None = None
    rtt_warning_ms: Milliseconds | None = None
    rtt_critical_ms: Milliseconds | None = None
    loss_warning_percent: Percent | None = None
    loss_critical_percent: Percent | None = None
    notes: Text | None = None


class NewDestination(_DestinationCells):
    """A row for the Destinations table."""

    name: Name
    host: Name


class DestinationChange(_DestinationCells, _Some):
    """Cells of a row of the Destinations table that change."""

    name: Name = ""
    host: Name = ""


class _JobCells(_Row):
    start: Text | None = Field(default=None, description="2026-11-23 08:00, in the job's time zone.")
    end: Text | None = Field(
        default=None, description="As start; from this moment on it does not run any more."
    )
    windows: Text | None = Field(default=None, description="Mon-Fri 08:00-18:00; Sat 09:00-12:00")
    zone: Text | None = Field(default=None, description="Europe/Berlin; blank: as the Settings sheet says.")
    packets: Annotated[int, Field(ge=1, le=100)] | None = None
    packet_interval_ms: PacketTime | None = None
    payload_bytes: Annotated[int, Field(ge=16, le=1_472)] | None = None
    timeout_ms: PacketTime | None = None
    ttl: Annotated[int, Field(ge=1, le=255)] | None = None
    dscp: Annotated[int, Field(ge=0, le=63)] | Text | None = Field(
        default=None, description="0 to 63, or a name such as EF, AF41 or CS5."
    )
    metrics: Texts | None = None
    enabled: bool | None = None


_DESTINATIONS = Field(description="Names of destinations, group:x, tag:y, or *.")
_INTERVAL = Field(description="10s, 5m, 1h30m or 1d; a number means seconds.")
Interval = Annotated[str, Field(min_length=1, max_length=100)] | Annotated[float, Field(ge=1, le=86_400)]


class NewJob(_JobCells):
    """A row for the Jobs table."""

    name: Name
    destinations: Annotated[list[Name] | Text, _DESTINATIONS]
    interval: Annotated[Interval, _INTERVAL]


class JobChange(_JobCells, _Some):
    """Cells of a row of the Jobs table that change."""

    name: Name = ""
    destinations: Annotated[list[Name] | Text, _DESTINATIONS] = ""
    interval: Annotated[Interval, _INTERVAL] = ""


class Chosen(_Some):
    """Destinations, or jobs, by ID or by name."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=10_000)] = []
    names: Annotated[list[Name], Field(min_length=1, max_length=10_000)] = []


class ToTrace(_Some):
    """Whose routes are traced: destinations by ID or by name, and hosts that need not be any."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=16)] = []
    names: Annotated[list[Name], Field(min_length=1, max_length=16)] = []
    hosts: Annotated[list[Host], Field(min_length=1, max_length=16)] = []
    rounds: Annotated[int, Field(ge=1, le=20)] = Field(default=3, description="Packets a hop.")


class Expand(Request):
    """Which rows of the Destinations table are expanded: by ID or by name; none named: all that hold a block."""

    ids: Annotated[list[Id], Field(min_length=1, max_length=10_000)] | None = None


class NewHosts(Request):
    """Hosts that become destinations named after them; blocks and ranges stand for their addresses."""

    hosts: Annotated[str, Field(min_length=1, max_length=100_000)] = Field(
        description="Addresses, host names, services (tcp://server:443), blocks and ranges (10.0.0.0/28), separated "
        "by commas, semicolons or white space."
    )


class PathHost(Request):
    """What the way to is tested."""

    host: Annotated[str, Field(min_length=1, max_length=300)] = Field(
        description="Name of a destination, or an address or a host name."
    )


class Sweep(PathHost):
    """Which payload sizes are tried."""

    sizes: Annotated[
        list[Annotated[int, Field(ge=SMALLEST_PAYLOAD, le=LARGEST_PAYLOAD)]],
        Field(min_length=1, max_length=MOST_SIZES),
    ] = Field(default=list(DEFAULT_SIZES), description="Bytes of payload.")


class Updates(Request):
    """Whether anything is pushed into the workbook."""

    paused: bool


class SelectionChange(_Some):
    """What the sheets show."""

    details_of: Name = Field(default="", description="Name of a destination or a job.")
    period: Name = Field(default="", description="24h, 7d, ...")


class WorkbookNews(Request):
    """What happened to the workbook."""

    event: Literal["changed", "saved", "closing", "opened"]


class Sync(Request):
    """How the workbook is read."""

    confirmed: bool = Field(default=False, description="Whether most of its rows may go at once.")


class BackupWanted(Request):
    """A verified copy of the database."""

    output: Annotated[str, Field(min_length=1, max_length=1_000)] | None = Field(
        default=None,
        description="Whole path of the file; null: a backup where the nightly ones are.",
    )
    read_only: bool = Field(
        default=False, description="Whether the copy is write-protected, for other programs."
    )
    replace: bool = Field(
        default=False,
        description="Whether a file of that path may be replaced. A copy that is write-protected always is.",
    )


class Export(Request):
    """Raw samples of a time range, as CSV."""

    model_config = ConfigDict(validate_by_name=True, validate_by_alias=True)

    output: Annotated[str, Field(min_length=1, max_length=1_000)] | None = Field(
        default=None,
        description="Whole path of the file; null: beside the workbook, under a name that is free.",
    )
    start: Name = Field(default="-24h", alias="from", description="-24h, 2026-11-23, 2026-11-23 08:00, ...")
    end: Name = Field(default="now", alias="to")
    jobs: Annotated[list[Name], Field(max_length=10_000)] = Field(default=[], description="Names; none: all.")
    destinations: Annotated[list[Name], Field(max_length=10_000)] = Field(
        default=[], description="Names; none: all."
    )
    replace: bool = Field(default=False, description="Whether a file of that path may be replaced.")


class Report(Export):
    """A report of a time range."""

    format: Literal["xlsx", "csv", "parquet"] = "xlsx"
    rollup: Literal["minute", "hour", "day", "month"] | None = Field(
        default=None, description="Of Parquet: minutes, hours, days or months in the place of raw samples."
    )
