"""Runs trains in turn: which packets are due, when a train is over, when to come again. Pure but for the clock.

How packets are sent and what comes back belongs to the subclasses: `engine.EchoCore` over sockets,
`icmp_windows.EchoServiceCore` over Windows' echo service.
"""

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable
from contextlib import suppress

from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.sleeping import SLEPT
from netstats_xl.probes.trains import Train

_EARLY_S = 0.001
"""So much early a packet may go: a few at each waking cost less than one at each. Its RTT is its own."""
_LONGEST_TURN_S = 0.05
"""After so long a sending, orders are looked at, the closing for one, and then it goes on."""
_IDLE_S = 60.0
_STALL_S = 2.0
"""A pause of this program, or a sleep of the computer, that is longer than any burden explains."""
FULL_QUEUE_PAUSE_S = 0.002
_FULL_QUEUE_PATIENCE_S = 1.0


class FullQueue:
    """Since when the system has taken no packet, and so whether to go on trying."""

    __slots__ = ("_since",)

    def __init__(self) -> None:
        """Not full."""
        self._since: float | None = None

    def taken(self) -> None:
        """The system took a packet."""
        self._since = None

    def is_worth_waiting(self, now: float) -> bool:
        """The system took a packet not; whether the queue has been full only for a short while."""
        if self._since is None:
            self._since = now
        return now - self._since < _FULL_QUEUE_PATIENCE_S


class TrainRunner(ABC):
    """What an engine's thread does, a piece at a time; it belongs to that thread."""

    def __init__(self, *, pacer: Pacer, burst: int, now: Callable[[], float]) -> None:
        """Begin with nothing to do.

        Args:
            pacer: says how many packets may go.
            burst: so many packets at most are sent before what came back is taken.
            now: the monotonic clock that packets are timed with, s.
        """
        self._pacer = pacer
        self._burst = burst
        self._now = now
        self._trains: dict[int, Train] = {}
        self._sending: deque[Train] = deque()
        self._settled: list[Train] = []
        self._number = 0
        self._sequence = 0
        self._paused_until = 0.0
        self._awake_at = self._expected_at = now()
        """When `work` was over last, and when it is called next at the latest."""

    @property
    def pacer(self) -> Pacer:
        """Says how many packets may go."""
        return self._pacer

    def begin(self, train: Train) -> None:
        """Take a train in, of a family that is ready: its first packet is due now."""
        self._number = (self._number + 1) & 0xFFFF_FFFF
        train.start(self._number, self._sequence, self._now())
        self._sequence = (self._sequence + train.packets) & 0xFFFF
        self._trains[self._number] = train
        self._sending.append(train)

    def work(self) -> float:
        """Read what has arrived, send what is due, end what is over; in how many seconds to come again."""
        self._look_for_sleep()
        self._read()
        now = self._now()
        if now >= self._paused_until:
            self._send_due(now)
        now = self._now()
        self._end_trains(now)
        due_in_s = self._due_in(now)
        self._awake_at, self._expected_at = now, now + due_in_s
        return due_in_s

    def end_all(self) -> None:
        """End every train as it is, complete or not."""
        for train in list(self._trains.values()):
            train.cancelled = train.open > 0
            self._end(train)

    # --- What differs -------------------------------------------------------------------------------------

    @abstractmethod
    def _send(self, train: Train, count: int) -> int:
        """Send so many packets of a train; how many were dealt with before the queue was full.

        Where it was, `_paused_until` says until when nothing is sent.
        """

    @abstractmethod
    def _read(self) -> None:
        """Take what has arrived."""

    @abstractmethod
    def _look_for_sleep(self) -> None:
        """Let what was on its way while the computer slept count for nothing: see `_stalled`, `_void`."""

    # --- What they share ----------------------------------------------------------------------------------

    def _send_due(self, now: float) -> None:
        """Send bursts of the trains in turn until nothing is due any more, the pace is reached, or for a while."""
        idle, turn_ends_at = 0, now + _LONGEST_TURN_S
        while self._sending and idle < len(self._sending):
            train = self._sending[0]
            allowed = 0 if train.cancelled else min(train.ready(now + _EARLY_S), self._burst)
            if allowed:
                allowed = self._pacer.allowance(now, allowed)
                if not allowed:
                    return
                self._pacer.sent(self._send(train, allowed))
                self._read()
                now = self._now()
                if now < self._paused_until or now > turn_ends_at:
                    return
            if train.cancelled or train.next == train.packets:
                self._sending.popleft()
            else:
                idle = 0 if allowed else idle + 1
                self._sending.rotate(-1)

    def _pause(self) -> None:
        """Send nothing for a moment: the queue is full."""
        self._paused_until = self._now() + FULL_QUEUE_PAUSE_S

    def _fail(self, train: Train, k: int, reason: str) -> None:
        """A packet could not be sent."""
        train.fail(k, reason)
        if not train.open:
            self._settled.append(train)

    def _stalled(self) -> bool:
        """Whether `work` is called far later than it asked for."""
        return self._now() - self._expected_at > _STALL_S

    def _void(self) -> None:
        """Let what is on its way count for nothing: the computer slept."""
        for train in self._trains.values():
            train.void_unanswered(SLEPT, self._awake_at)
            if not train.open:
                self._settled.append(train)

    def _end_trains(self, now: float) -> None:
        for train in self._settled:
            self._end(train)
        self._settled.clear()
        over = [
            train
            for train in self._trains.values()
            if train.cancelled or (train.next == train.packets and train.ends_at() <= now)
        ]
        for train in over:
            self._end(train)

    def _end(self, train: Train) -> None:
        if self._trains.pop(train.number, None) is None:
            return
        train.complete = train.next == train.packets and not train.cancelled
        if not train.complete:
            with suppress(ValueError):
                self._sending.remove(train)
        train.on_end()

    def _due_in(self, now: float) -> float:
        due = [train.ends_at() for train in self._trains.values() if train.next == train.packets]
        if self._sending:
            sending = min(train.due_at() for train in self._sending)
            due.append(max(sending, self._pacer.free_at(), self._paused_until))
        return min(max(min(due, default=now + _IDLE_S) - now, 0.0), _IDLE_S)
