"""Traceroute over a train engine: which packets go with which TTL, and the route that their answers show."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from netstats_xl.domain.results import SendFailed
from netstats_xl.domain.routes import Hop, HopReply, Trace
from netstats_xl.domain.targets import TraceSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address
from netstats_xl.probes.bursts import TrainEngine, run_train
from netstats_xl.probes.trains import Train, TrainPlan, WireOptions

_BLOCK = 8
"""TTLs that are tried at once: a near host gets no more packets than these before it is found to be near."""
_SILENT = 8
"""After so many TTLs in a row that nobody answers, no greater one is tried."""
_SPACING_S = 0.01


@dataclass(slots=True)
class _Findings:
    """Answers by TTL."""

    sent: dict[int, int] = field(default_factory=dict)
    replies: dict[int, list[HopReply]] = field(default_factory=dict)
    end: int | None = None
    """The TTL that the host itself answered at, or a router that it said cannot be reached."""
    reached: bool = False
    failure: str = ""

    def take(self, train: Train) -> None:
        """Add what a train with TTLs found."""
        assert train.plan.ttls is not None, "a trace has TTLs"
        for k in range(train.packets):
            ttl = train.plan.ttls[k % train.lines]
            if k in train.failures:
                self.failure = train.failures[k]
                continue
            self.sent[ttl] = self.sent.get(ttl, 0) + 1
            replies = self.replies.setdefault(ttl, [])
            complaint = train.complaints.get(k)
            if train.rtts_ms[k] == train.rtts_ms[k]:
                replies.append(HopReply(address=train.addresses[0].text, rtt_ms=train.rtts_ms[k]))
                self._ends_at(ttl, reached=True)
            elif complaint is not None:
                replies.append(HopReply(address=complaint.complaint.reporter, rtt_ms=complaint.rtt_ms))
                if not complaint.complaint.time_exceeded:
                    self._ends_at(ttl, reached=False)

    def _ends_at(self, ttl: int, *, reached: bool) -> None:
        if self.end is None or ttl < self.end:
            self.end = ttl
        self.reached = self.reached or reached

    def last_answer(self) -> int:
        """The greatest TTL that somebody answered; 0: none."""
        return max((ttl for ttl, replies in self.replies.items() if replies), default=0)


async def trace(engine: TrainEngine, address: Address, settings: TraceSettings) -> Trace | SendFailed:
    """The route to an address; its family is ready.

    Raises:
        BackendUnavailable: the engine was closed.
    """
    findings = _Findings()
    tried = 0
    while tried < settings.max_hops and findings.end is None and tried - findings.last_answer() < _SILENT:
        block = range(tried + 1, min(tried + _BLOCK, settings.max_hops) + 1)
        await _probe(engine, address, settings, findings, ttls=block, packets=1)
        tried = block[-1]
        if not findings.sent:
            return SendFailed(address=address.text, reason=findings.failure)
    length = findings.end or findings.last_answer() or 1
    if settings.rounds > 1:
        ttls = range(1, length + 1)
        await _probe(engine, address, settings, findings, ttls=ttls, packets=settings.rounds - 1)
    length = findings.end or length
    hops = tuple(
        Hop(ttl=ttl, sent=findings.sent.get(ttl, 0), replies=tuple(findings.replies.get(ttl, ())))
        for ttl in range(1, length + 1)
    )
    return Trace(address=address.text, hops=hops, reached=findings.reached)


async def _probe(
    engine: TrainEngine,
    address: Address,
    settings: TraceSettings,
    findings: _Findings,
    *,
    ttls: Sequence[int],
    packets: int,
) -> None:
    plan = TrainPlan(
        packets=packets,
        interval_s=settings.interval_ms / 1_000,
        timeout_s=settings.timeout_ms / 1_000,
        payload_bytes=settings.payload_bytes,
        options=WireOptions(dscp=settings.dscp),
        ttls=ttls,
        one_way=True,
        spacing_s=min(_SPACING_S, settings.interval_ms / 1_000 / len(ttls)),
    )
    train = Train([address] * len(ttls), plan)
    await run_train(engine, train)
    if not train.complete:
        raise BackendUnavailable("The prober was closed before the trace was over.")
    findings.take(train)
