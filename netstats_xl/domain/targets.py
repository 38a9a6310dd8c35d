"""What the user wants to be measured: destinations, jobs, and the settings they fall back on."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netstats_xl.domain.windows import Schedule

DestinationId = str
JobId = str


class Model(BaseModel):
    """A frozen value with no unknown fields."""

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_timedelta="float")


Milliseconds = Annotated[float, Field(gt=0, le=600_000, allow_inf_nan=False)]
Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class Thresholds(Model):
    """When a destination that answers counts as degraded. None: that threshold is not set."""

    rtt_warning_ms: Milliseconds | None = None
    rtt_critical_ms: Milliseconds | None = None
    loss_warning_percent: Percent | None = None
    loss_critical_percent: Percent | None = None

    @model_validator(mode="after")
    def _warning_below_critical(self) -> "Thresholds":
        for warning, critical, what in (
            (self.rtt_warning_ms, self.rtt_critical_ms, "RTT"),
            (self.loss_warning_percent, self.loss_critical_percent, "loss"),
        ):
            if warning is not None and critical is not None and warning > critical:
                raise ValueError(f"the {what} warning threshold is above the critical one")
        return self

    def or_else(self, default: "Thresholds") -> "Thresholds":
        """These thresholds, with `default`'s where one is not set.

        Where only one of a pair is set and the default of the other contradicts it (a warning above the
        critical), the one that the user set wins and the default is left out.
        """

        def pair(
            warning: float | None,
            critical: float | None,
            default_warning: float | None,
            default_critical: float | None,
        ) -> tuple[float | None, float | None]:
            merged_warning = default_warning if warning is None else warning
            merged_critical = default_critical if critical is None else critical
            if (
                merged_warning is not None
                and merged_critical is not None
                and merged_warning > merged_critical
            ):
                return (merged_warning, None) if critical is None else (None, merged_critical)
            return merged_warning, merged_critical

        rtt = pair(self.rtt_warning_ms, self.rtt_critical_ms, default.rtt_warning_ms, default.rtt_critical_ms)
        loss = pair(
            self.loss_warning_percent,
            self.loss_critical_percent,
            default.loss_warning_percent,
            default.loss_critical_percent,
        )
        return Thresholds(
            rtt_warning_ms=rtt[0],
            rtt_critical_ms=rtt[1],
            loss_warning_percent=loss[0],
            loss_critical_percent=loss[1],
        )


class Destination(Model):
    """A host that jobs measure, defined once and used by many jobs."""

    id: DestinationId
    name: str
    host: str
    """What is probed, as `domain.endpoints.canonical` writes it: an address or a host name, or `tcp://`, `dns://` or
    `http(s)://`."""
    group: str = ""
    tags: tuple[str, ...] = ()
    enabled: bool = True
    thresholds: Thresholds = Thresholds()
    notes: str = ""


class Selector(Model):
    """One term of a job's destination list: a name, `group:x`, `tag:y` or `*`. Compared without case."""

    kind: Literal["name", "group", "tag", "all"]
    value: str = ""

    def selects(self, destination: Destination) -> bool:
        """Whether this term names the destination."""
        wanted = self.value.casefold()
        if self.kind == "all":
            return True
        if self.kind == "name":
            return destination.name.casefold() == wanted
        if self.kind == "group":
            return destination.group.casefold() == wanted
        return any(tag.casefold() == wanted for tag in destination.tags)


class Metric(StrEnum):
    """The figures a job's details can show; each is defined in `domain/rollups.py`."""

    MEAN = "mean"
    MIN = "min"
    MAX = "max"
    P50 = "p50"
    P95 = "p95"
    P99 = "p99"
    STDEV = "stdev"
    JITTER = "jitter"
    JITTER_RFC3550 = "jitter (RFC 3550)"
    LOSS = "loss"
    AVAILABILITY = "availability"
    MOS = "MOS"


class EchoSettings(Model):
    """How one round probes one destination."""

    packets: Annotated[int, Field(ge=1, le=100)] = 4
    packet_interval_ms: Annotated[float, Field(ge=10, le=60_000, allow_inf_nan=False)] = 250
    """From one packet to the next, to the same destination, ms."""
    payload_bytes: Annotated[int, Field(ge=16, le=8_972)] = 56
    """ICMP data after the 8-byte header. 1,472 fits an unfragmented Ethernet frame, 8,972 a jumbo frame."""
    timeout_ms: Annotated[float, Field(ge=10, le=60_000, allow_inf_nan=False)] = 1_000
    """How long each packet's reply is waited for, ms."""
    ttl: Annotated[int, Field(ge=1, le=255)] | None = None
    """How many routers a packet may pass (IPv6: its hop limit); None: as the system has it."""
    dscp: Annotated[int, Field(ge=0, le=63)] | None = None
    """Differentiated services code point of the packets (RFC 2474); None: as the system has it."""
    dont_fragment: bool = False
    """Whether a packet that is larger than a link on its way is refused rather than cut."""

    @property
    def longest_round_s(self) -> float:
        """How long a round lasts when the last packet is not answered, s."""
        return ((self.packets - 1) * self.packet_interval_ms + self.timeout_ms) / 1_000


class TraceSettings(Model):
    """How a route is traced."""

    rounds: Annotated[int, Field(ge=1, le=100)] = 3
    """Packets a hop."""
    max_hops: Annotated[int, Field(ge=1, le=64)] = 30
    interval_ms: Annotated[float, Field(ge=100, le=60_000, allow_inf_nan=False)] = 500
    """From one packet to the next with the same TTL, ms."""
    timeout_ms: Annotated[float, Field(ge=10, le=60_000, allow_inf_nan=False)] = 1_000
    """How long each reply is waited for, ms."""
    payload_bytes: Annotated[int, Field(ge=16, le=8_972)] = 56
    dscp: Annotated[int, Field(ge=0, le=63)] | None = None
    resolve_names: bool = True
    """Whether the routers' names are looked up."""


class Job(Model):
    """Which destinations to measure, when, and how."""

    id: JobId
    name: str
    selectors: tuple[Selector, ...]
    schedule: Schedule
    echo: EchoSettings = EchoSettings()
    metrics: tuple[Metric, ...] = tuple(Metric)
    trace_routes: bool = False
    """Whether the routes to its destinations are traced with its rounds; `route` among the metrics asks for it."""
    enabled: bool = True

    def select(self, destinations: Iterable[Destination]) -> tuple[Destination, ...]:
        """The enabled destinations that this job measures, in the order given, each once."""
        return tuple(
            destination
            for destination in destinations
            if destination.enabled and any(selector.selects(destination) for selector in self.selectors)
        )


class StatePolicy(Model):
    """How many rounds (k of the last n) it takes to change a destination's state."""

    rounds: Annotated[int, Field(ge=1, le=100)] = 3
    out_of: Annotated[int, Field(ge=1, le=100)] = 3

    @model_validator(mode="after")
    def _k_of_n(self) -> "StatePolicy":
        if self.rounds > self.out_of:
            raise ValueError("the number of rounds that must agree is above the number of rounds looked at")
        if 2 * self.rounds <= self.out_of:
            raise ValueError("more than half of the rounds looked at must agree")
        return self


class Engine(StrEnum):
    """How echo requests get to the network."""

    AUTOMATIC = "automatic"
    """The most exact one that this user may use."""
    RAW = "raw"
    """Raw sockets: they need a privilege (Linux: root or CAP_NET_RAW; Windows: an elevated program)."""
    DATAGRAM = "datagram"
    """Datagram ICMP sockets (Linux, macOS)."""
    WINDOWS = "windows"
    """Windows' own echo service, which needs no rights."""


class Settings(Model):
    """What the Settings sheet holds."""

    database: str = ""
    """Path of the database, relative to the workbook's folder. Empty: beside the workbook, under its name."""
    report_every_s: Annotated[int, Field(ge=10, le=86_400)] = 60
    report_period_h: Annotated[int, Field(ge=1, le=24 * 366)] = 24
    """How far back the report that `run` keeps fresh reaches, h."""
    details_limit: Annotated[int, Field(ge=0, le=200)] = 30
    """How many pairs of job and destination the Details sheet of a report shows."""
    retention_days: Annotated[int, Field(ge=1, le=36_500)] = 30
    """How long raw results are kept."""
    minutes_retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """How long rollups by the minute are kept, at least as long as raw results. None: for ever."""
    rollups_retention_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    """How long rollups by the hour, day and month are kept, at least as long as those by the minute. None: for ever."""
    refresh_every_s: Annotated[int, Field(ge=2, le=86_400)] = 30
    """How often the sheets of a workbook that is open are refreshed, s."""
    when_closed: Literal["collect", "stop"] = "collect"
    """What happens when a workbook that is open is closed."""
    zone: str = "UTC"
    """IANA name of the time zone that the report is written in, and of jobs that name none."""
    thresholds: Thresholds = Thresholds(
        rtt_warning_ms=100, rtt_critical_ms=250, loss_warning_percent=2, loss_critical_percent=10
    )
    state_policy: StatePolicy = StatePolicy()
    packets_per_second: Annotated[int, Field(ge=10, le=100_000)] = 2_000
    """How many packets are sent a second, at most, by all jobs together."""
    engine: Engine = Engine.AUTOMATIC
    """How echo requests are sent; it holds from the next start of the collector on."""

    @model_validator(mode="after")
    def _coarser_is_kept_longer(self) -> "Settings":
        minutes, rollups = self.minutes_retention_days, self.rollups_retention_days
        if minutes is not None and minutes < self.retention_days:
            raise ValueError("rollups by the minute would go before the raw results")
        if rollups is not None and (minutes is None or rollups < minutes):
            raise ValueError("rollups by the hour would go before those by the minute")
        return self


class Definitions(Model):
    """Everything that the user defined, as far as it is valid."""

    destinations: tuple[Destination, ...] = ()
    jobs: tuple[Job, ...] = ()

    def destination(self, destination_id: DestinationId) -> Destination | None:
        """The destination with this ID, or None."""
        return next((each for each in self.destinations if each.id == destination_id), None)

    def job(self, job_id: JobId) -> Job | None:
        """The job with this ID, or None."""
        return next((each for each in self.jobs if each.id == job_id), None)
