"""A train engine without a network or a thread, for the tests of what is built on one."""

import asyncio
from collections.abc import Callable

from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.packets import Complaint
from netstats_xl.probes.trains import ComplaintReceived, Train

Answer = float | ComplaintReceived | str | None
"""What befalls a packet: a reply after so many ms, an ICMP error, a failure to send, or nothing."""
Play = Callable[[Train, int], Answer]
_GIVEN_UP_AFTER_S = 0.001
"""So long the engine takes to end a train that was given up."""


def answered(rtt_ms: float) -> Play:
    """Every packet is answered after so long."""
    return lambda _train, _k: rtt_ms


def silent(_train: Train, _k: int) -> Answer:
    """No packet is answered."""
    return None


def router_says(reporter: str, rtt_ms: float, *, time_exceeded: bool = True) -> ComplaintReceived:
    """An ICMP error."""
    type_, reason = (11, "time to live exceeded") if time_exceeded else (3, "host unreachable")
    code = 0 if time_exceeded else 1
    complaint = Complaint(
        reporter, type_, code, f"{reason} (type {type_}, code {code})", time_exceeded, 0, 0, b"", None
    )
    return ComplaintReceived(complaint, rtt_ms)


class FakeTrainEngine:
    """A `TrainEngine` on the running loop: a function says what befalls each packet of a train."""

    def __init__(self, play: Play | None = None, **refusals: ProbeEngineError) -> None:
        """Without `play`, all packets are answered; `refusals` are families it cannot get ready for, and why."""
        self.play = play or answered(10.0)
        self.refusals = refusals
        self.begun: list[tuple[float, Train]] = []
        """Every train, and when it began on the loop's clock, s."""
        self.given_up: list[Train] = []
        self.under_way: set[Train] = set()
        self.asked_for: list[Family] = []
        """The families that it was to get ready for, in order."""
        self.limits: list[float | None] = []
        self.closed = False

    @property
    def alive(self) -> bool:
        return not self.closed

    def ready(self, family: Family) -> ProbeEngineError | None:
        self.asked_for.append(family)
        return self.refusals.get(family.name)

    def begin(self, train: Train) -> None:
        if self.closed:
            raise BackendUnavailable("The prober is closed. Start the program again.")
        loop = asyncio.get_running_loop()
        begin = loop.time()
        assert self.refusals.get(train.family.name) is None
        self.begun.append((begin, train))
        self.under_way.add(train)
        train.start(len(self.begun), 0, begin)
        over_at = begin
        for k in range(train.packets):
            pass_, line = divmod(k, train.lines)
            train.sent_at[k] = begin + pass_ * train.plan.interval_s + line * train.plan.spacing_s
            over_at = max(over_at, train.sent_at[k] + self._befall(train, k))
        train.next = train.packets
        loop.call_at(over_at, self._end, train, True)

    def give_up(self, train: Train) -> None:
        train.cancelled = True
        self.given_up.append(train)
        asyncio.get_running_loop().call_later(_GIVEN_UP_AFTER_S, self._end, train, False)

    def limit(self, packets_per_second: float | None) -> None:
        self.limits.append(packets_per_second)

    def describe(self) -> str:
        ready = sorted({each for each in self.asked_for if each.name not in self.refusals})
        return "; ".join(f"{family}: fake" for family in ready)

    def close(self) -> None:
        self.closed = True
        for train in list(self.under_way):
            self._end(train, False)

    def _befall(self, train: Train, k: int) -> float:
        """Note what befalls a packet; after how many seconds nothing more can."""
        answer = self.play(train, k)
        timeout_s = train.plan.timeout_s
        match answer:
            case str():
                train.fail(k, answer)
                return 0.0
            case ComplaintReceived():
                train.complaints[k] = answer
                return answer.rtt_ms / 1_000 if train.plan.ttls is not None else timeout_s
            case float():
                train.rtts_ms[k] = answer
                return answer / 1_000
            case None:
                return timeout_s

    def _end(self, train: Train, complete: bool) -> None:
        if train in self.under_way:
            self.under_way.remove(train)
            train.complete = complete
            train.on_end()
