"""What the API answers about routes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Self

from pydantic import Field

from netstats_xl.app.service import TraceResult
from netstats_xl.control.answers import Answer, Part
from netstats_xl.domain.results import describe
from netstats_xl.domain.routes import HopStatistics, Trace, statistics_of


class HopPart(Part):
    """A hop: the routers, or the host itself, that so many hops led to. RTTs are in ms, null without a reply."""

    hop: int = Field(description="From 1.")
    addresses: tuple[str, ...] = Field(
        description="Who answered; several where packets take several ways, none where nobody did."
    )
    names: tuple[str, ...] = Field(description="Of these addresses, each as far as it has one; else empty.")
    sent: int
    received: int
    loss_percent: float | None
    last_ms: float | None
    best_ms: float | None
    mean_ms: float | None
    worst_ms: float | None
    stdev_ms: float | None

    @classmethod
    def of(cls, hop: HopStatistics, names: Mapping[str, str]) -> Self:
        """The part that tells it; `names`: of the addresses that have one."""
        rtts = hop.rtts
        return cls(
            hop=hop.ttl,
            addresses=hop.addresses,
            names=tuple(names.get(address, "") for address in hop.addresses),
            sent=hop.sent,
            received=hop.received,
            loss_percent=hop.loss_percent,
            last_ms=rtts and rtts.last_ms,
            best_ms=rtts and rtts.best_ms,
            mean_ms=rtts and rtts.mean_ms,
            worst_ms=rtts and rtts.worst_ms,
            stdev_ms=rtts and rtts.stdev_ms,
        )


class RoutePart(Part):
    """What a trace found."""

    id: str = Field(description="Of the destination; empty for a host that is none.")
    name: str
    host: str
    at: datetime
    address: str | None = Field(description="Of the host; null where the route could not be traced.")
    reached: bool
    reason: str = Field(description="Why the route could not be traced; empty where it could.")
    hops: tuple[HopPart, ...]

    @classmethod
    def of(cls, result: TraceResult) -> Self:
        """The part that tells it."""
        found, destination = result.found, result.destination
        trace = found if isinstance(found, Trace) else None
        return cls(
            id="" if destination is None else destination.id,
            name=result.host if destination is None else destination.name,
            host=result.host,
            at=result.at,
            address=None if trace is None else trace.address,
            reached=trace is not None and trace.reached,
            reason="" if isinstance(found, Trace) else describe(found),
            hops=() if trace is None else tuple(HopPart.of(hop, trace.names) for hop in statistics_of(trace)),
        )


class RoutesAnswer(Answer):
    """What traces of routes found."""

    routes: tuple[RoutePart, ...]
