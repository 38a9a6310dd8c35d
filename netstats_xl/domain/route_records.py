"""Routes over time: when a trace found the same route again, when another one, and what changed then.

**Two traces found the same route** where nothing in the one contradicts the other:

- the host has the same address, and was reached by both or by neither;
- where both reached it, it is as many hops away;
- at each hop before it at which both got an answer, at least one address is common to both.

So a hop that is silent, as many routers are now and then, contradicts nothing; neither does one that answers from
several addresses, as where load is balanced, as long as one of them is known there. A record remembers all addresses
that its traces found at a hop, so that what was once seen to balance is no change any more. How many hops were
silent behind the last answer says nothing, either.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from netstats_xl.domain.results import TracedRoute, TraceReason
from netstats_xl.domain.routes import HopStatistics, Trace, merge_hops, statistics_of
from netstats_xl.domain.targets import DestinationId

_MOST_HOPS_TOLD = 3
"""A route that takes another way from some hop on differs in most of those behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRecord:
    """A route to a destination, for as long as traces found the same, and the statistics of all of them."""

    destination_id: DestinationId
    first_at: datetime
    """When the first trace that found it began, aware UTC."""
    last_at: datetime
    traces: int
    address: str
    """Of the host."""
    hops: tuple[HopStatistics, ...]
    """In order of the TTL, up to the host, or to the last one that answered."""
    reached: bool
    """Whether the host itself answers."""
    reason: TraceReason
    """Of the first trace."""
    change: str = ""
    """How it differs from the route before, in words; empty where none is known."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Host names by address, of those that have one."""


def follow(record: RouteRecord | None, traced: TracedRoute) -> RouteRecord:
    """The record after one more trace: the same one with its statistics, or a new one where the route changed.

    `record` is the destination's last one; None: it was never traced.
    """
    trace = traced.trace
    change = "" if record is None else describe_change(record, trace)
    if record is None or change:
        return RouteRecord(
            destination_id=traced.destination_id,
            first_at=traced.at,
            last_at=traced.at,
            traces=1,
            address=trace.address,
            hops=statistics_of(trace),
            reached=trace.reached,
            reason=traced.reason,
            change=change,
            names=dict(trace.names),
        )
    hops = merge_hops(record.hops, statistics_of(trace))
    known = {record.address, *(address for hop in hops for address in hop.addresses)}
    names = {**record.names, **trace.names}
    return replace(
        record,
        last_at=max(record.last_at, traced.at),  # the clock may have been set back
        traces=record.traces + 1,
        hops=hops,
        names={address: name for address, name in names.items() if address in known},
    )


def describe_change(record: RouteRecord, trace: Trace) -> str:
    """How a trace's route differs from the record's, in words; empty where it is the same (see above)."""
    told = []
    if record.address != trace.address:
        told.append(f"host: {record.address} -> {trace.address}")
    if record.reached and not trace.reached:
        told.append("no longer reached")
    if trace.reached and not record.reached:
        told.append("reached")
    if record.reached and trace.reached and (longer := len(trace.hops) - len(record.hops)):
        told.append(f"{_hops(abs(longer))} {'longer' if longer > 0 else 'shorter'}")
    hops = list(_changed_hops(record, trace))
    told += hops[:_MOST_HOPS_TOLD]
    more = len(hops) - _MOST_HOPS_TOLD
    if more > 0:
        told.append(f"and {more} more")
    return "; ".join(told)


def _changed_hops(record: RouteRecord, trace: Trace) -> Iterator[str]:
    before = {hop.ttl: hop.addresses for hop in record.hops if record.address not in hop.addresses}
    for hop in trace.hops:
        known = before.get(hop.ttl, ())
        if trace.address not in hop.addresses and known and hop.addresses and not {*known} & {*hop.addresses}:
            yield f"hop {hop.ttl}: {' or '.join(known)} -> {' or '.join(hop.addresses)}"


def _hops(number: int) -> str:
    return f"{number} hop" if number == 1 else f"{number} hops"
