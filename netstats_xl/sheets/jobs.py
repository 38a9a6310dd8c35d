"""Rows of the Jobs table <-> jobs."""

import math
from datetime import UTC, datetime, timedelta
from functools import partial

from netstats_xl.domain.dscp import parse_dscp, render_dscp
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.targets import EchoSettings, Job, Metric, Selector
from netstats_xl.domain.windows import (
    Schedule,
    WeeklyWindow,
    ever_ticks,
    from_local,
    parse_interval,
    parse_windows,
    parse_zone,
    render_interval,
    render_windows,
    to_local,
)
from netstats_xl.sheets.cells import (
    as_duration,
    as_syntax,
    parse_flag,
    parse_list,
    parse_moment,
    parse_name,
    parse_number,
    parse_whole,
    unique,
)
from netstats_xl.sheets.job_columns import JOB_COLUMNS, ROUTE
from netstats_xl.sheets.nearest import nearest
from netstats_xl.sheets.rows import RowReader, parse_id

_HEADERS = {column.key: column.header for column in JOB_COLUMNS}
_METRICS = {metric.value.casefold(): metric for metric in Metric} | {
    "average": Metric.MEAN,
    "avg": Metric.MEAN,
    "minimum": Metric.MIN,
    "maximum": Metric.MAX,
    "median": Metric.P50,
    "std": Metric.STDEV,
    "jitter rfc 3550": Metric.JITTER_RFC3550,
}
_ALL = frozenset({"all", "*"})
_PLACEHOLDER = timedelta(minutes=1)
"""Stands in for an interval that is missing or bad; the row is invalid then."""


def parse_job(reader: RowReader, *, default_zone: str) -> Job:
    """The row as a job, with the ID "" where it has none; what is bad in it is noted in the reader.

    Start and end are local times in the job's zone. Whether its selectors select anything is not looked at
    here.
    """
    reader.require("name", "write a name that appears only once in this table")
    reader.require("destinations", "write names of destinations, group:x, tag:y, or * for all of them")
    reader.require("interval", "write for example 10s, 5m or 1h")
    echo = _read_echo(reader)
    metrics, trace_routes = reader.read("metrics", _parse_metrics, (tuple(Metric), False))
    return Job(
        id=parse_id(reader.value("id")),
        name=reader.read("name", partial(parse_name, what="the name of a job"), ""),
        selectors=reader.read("destinations", parse_selectors, ()),
        schedule=_read_schedule(reader, echo, default_zone),
        echo=echo,
        metrics=metrics,
        trace_routes=trace_routes,
        enabled=reader.read("enabled", parse_flag, True),
    )


def job_cells(job: Job, *, default_zone: str = "") -> dict[str, CellValue]:
    """What the user would type for the job, and its ID, by header.

    The time zone is blank where it is `default_zone`. Of a local time that the clock repeats, the first is
    meant.
    """
    schedule, echo = job.schedule, job.echo
    cells: dict[str, CellValue] = {
        "name": job.name,
        "destinations": ", ".join(map(render_selector, job.selectors)),
        "start": None if schedule.start_at is None else to_local(schedule.start_at, schedule.zone),
        "end": None if schedule.end_at is None else to_local(schedule.end_at, schedule.zone),
        "interval": render_interval(schedule.interval),
        "windows": render_windows(schedule.windows) or None,
        "zone": None if schedule.zone == default_zone else schedule.zone,
        "packets": echo.packets,
        "packet_interval_ms": echo.packet_interval_ms,
        "payload_bytes": echo.payload_bytes,
        "timeout_ms": echo.timeout_ms,
        "ttl": echo.ttl,
        "dscp": None if echo.dscp is None else render_dscp(echo.dscp),
        "metrics": _render_metrics(job),
        "enabled": "yes" if job.enabled else "no",
        "id": job.id or None,
    }
    return {_HEADERS[key]: value for key, value in cells.items()}


def parse_selectors(value: CellValue) -> tuple[Selector, ...]:
    """The terms of a job's list of destinations, each once."""
    selectors = tuple(map(_parse_selector, parse_list(value)))
    if not selectors:
        raise ValueError("there is no name in it: write names of destinations, group:x, tag:y, or *")
    rendered = unique(map(render_selector, selectors))
    return tuple(map(_parse_selector, rendered))


def render_selector(selector: Selector) -> str:
    """The term as the user types it."""
    match selector.kind:
        case "all":
            return "*"
        case "name":
            return selector.value
        case _:
            return f"{selector.kind}:{selector.value}"


def _parse_selector(term: str) -> Selector:
    if term == "*":
        return Selector(kind="all")
    head, colon, tail = term.partition(":")
    kind = head.strip().casefold()
    if colon and (kind == "group" or kind == "tag"):
        if not tail.strip():
            raise ValueError(f"{kind}: names no {kind}: write for example {kind}:x")
        return Selector(kind=kind, value=tail.strip())
    return Selector(kind="name", value=term)


def _read_echo(reader: RowReader) -> EchoSettings:
    default = EchoSettings()
    packet_interval = partial(parse_number, unit="ms", low=10, high=60_000)
    return EchoSettings(
        packets=reader.read("packets", partial(parse_whole, low=1, high=100), default.packets),
        packet_interval_ms=reader.read("packet_interval_ms", packet_interval, default.packet_interval_ms),
        payload_bytes=reader.read(
            "payload_bytes", partial(parse_whole, unit="bytes", low=16, high=1_472), default.payload_bytes
        ),
        timeout_ms=reader.read("timeout_ms", packet_interval, default.timeout_ms),
        ttl=reader.read("ttl", partial(parse_whole, low=1, high=255), default.ttl),
        dscp=reader.read("dscp", lambda value: parse_dscp(as_syntax(value)), default.dscp),
    )


def _read_schedule(reader: RowReader, echo: EchoSettings, default_zone: str) -> Schedule:
    before = len(reader.errors)
    zone = reader.read("zone", lambda value: parse_zone(as_syntax(value)), default_zone)
    interval = reader.read("interval", lambda value: parse_interval(as_duration(value)), None)
    windows = reader.read("windows", _parse_weekly_windows, ())
    start_at = reader.read("start", partial(_parse_instant, zone=zone), None)
    end_at = reader.read("end", partial(_parse_instant, zone=zone), None)
    if start_at is not None and end_at is not None and start_at >= end_at:
        reader.refuse("end", "the end is not after the start: write a later end, or leave it blank")
    if interval is None or len(reader.errors) > before:
        return Schedule(interval=_PLACEHOLDER, zone=default_zone)
    _refuse_long_round(reader, echo, interval)
    schedule = Schedule(interval=interval, start_at=start_at, end_at=end_at, windows=windows, zone=zone)
    if not ever_ticks(schedule):
        key = "windows" if windows else "end"
        reader.refuse(
            key,
            f"no round would ever be due: every {render_interval(interval)}, counted from midnight, none "
            "falls between start and end and into the weekly windows; widen them or shorten the interval",
        )
    return schedule


def _refuse_long_round(reader: RowReader, echo: EchoSettings, interval: timedelta) -> None:
    longest_s = echo.longest_round_s
    if longest_s <= interval.total_seconds():
        return
    reader.refuse(
        "interval",
        f"a round may last {longest_s:g} s ({echo.packets} packets, one every {echo.packet_interval_ms:g} "
        f"ms, and a timeout of {echo.timeout_ms:g} ms), longer than the interval: write at least "
        f"{math.ceil(longest_s)}s, or send fewer packets, faster, or with a shorter timeout",
    )


def _parse_instant(value: CellValue, *, zone: str) -> datetime:
    moment = parse_moment(value)
    return from_local(moment, zone) if moment.tzinfo is None else moment.astimezone(UTC)


def _parse_weekly_windows(value: CellValue) -> tuple[WeeklyWindow, ...]:
    return parse_windows(as_syntax(value))


def _parse_metrics(value: CellValue) -> tuple[tuple[Metric, ...], bool]:
    """The metrics, and whether routes are traced; naming no other metric than that asks for all of them."""
    terms = [term for term in parse_list(value) if term.casefold() != ROUTE]
    trace_routes = len(terms) < len(parse_list(value))
    if any(term.casefold() in _ALL for term in terms):
        return tuple(Metric), trace_routes
    metrics = []
    for term in terms:
        metric = _METRICS.get(term.casefold())
        if metric is None:
            raise ValueError(
                f"{term!r} is no metric{nearest(term, (*_METRICS, ROUTE))}: "
                f"write some of {', '.join(Metric)}, or all; and {ROUTE} to trace routes as well"
            )
        metrics.append(metric)
    return tuple(dict.fromkeys(metrics)) or tuple(Metric), trace_routes


def _render_metrics(job: Job) -> str:
    metrics = ["all"] if set(job.metrics) == set(Metric) else [*job.metrics]
    return ", ".join([*metrics, ROUTE] if job.trace_routes else metrics)
