"""A round of attempts at one service: when each begins, how long it may take, and what they come to."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from netstats_xl.domain.results import (
    Outcome,
    Refused,
    Replied,
    SendFailed,
    ServiceFailed,
    Timeout,
    Unreachable,
)
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.probes.outcomes import whole_microseconds
from netstats_xl.probes.sleeping import SLEPT, suspended_s
from netstats_xl.probes.turns import Turns

Finding = Replied | Timeout | Unreachable | Refused | ServiceFailed | SendFailed
"""What one attempt found: an outcome with one packet sent."""
LONGEST_LATENESS_S = 2.0
"""A time-out that comes later than this says nothing of the server: the computer slept."""
Attempt = Callable[[], Awaitable[Finding]]
"""Makes one attempt; it is cancelled when its time is over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What the attempts of one kind share, over all rounds. For one event loop."""

    turns: Turns
    places: asyncio.Semaphore
    """How many of them go on at once, at most: each has a socket."""
    packets: int
    """How many packets an attempt takes at least, for the turns."""


async def make_attempts(attempt: Attempt, *, address: str, settings: EchoSettings, room: Room) -> Outcome:
    """Make `settings.packets` attempts, one each `packet_interval_ms`, each with `timeout_ms` of its own.

    An attempt that waits for a place or its turn begins later, and its time begins then. `address` is what the
    outcome names.
    """
    interval_s, timeout_s = settings.packet_interval_ms / 1_000, settings.timeout_ms / 1_000
    began_at = time.monotonic()
    async with asyncio.TaskGroup() as group:
        tasks = []
        for number in range(settings.packets):
            if number:
                await asyncio.sleep(max(0.0, began_at + number * interval_s - time.monotonic()))
            tasks.append(group.create_task(_in_its_turn(attempt, address, timeout_s, room)))
    return fold([task.result() for task in tasks], address)


async def _in_its_turn(attempt: Attempt, address: str, timeout_s: float, room: Room) -> Finding:
    async with room.places:
        await room.turns.turn(room.packets)
        began_at_s, slept_s = time.monotonic(), suspended_s()
        try:
            async with asyncio.timeout(timeout_s):
                return await attempt()
        except TimeoutError:  # also the system's own, ETIMEDOUT
            late_s = time.monotonic() - began_at_s - timeout_s
            if late_s > LONGEST_LATENESS_S or suspended_s() - slept_s > LONGEST_LATENESS_S:
                return SendFailed(address=address, reason=SLEPT)
            return Timeout(address=address, sent=1)
        except Exception as error:  # noqa: BLE001 - the edge of an attempt: it must not cost the others their results
            return SendFailed(address=address, reason=f"the probe itself failed, please report it: {error!r}")


def fold(findings: Sequence[Finding], address: str) -> Outcome:
    """What the attempts of a round come to.

    With a reply it is a reply, and attempts without one are lost packets. Else it is the last reason that
    something else than silence gave, for all attempts that left this machine.
    """
    if any(isinstance(each, Replied) for each in findings):
        return _replies(findings, address)
    sent = [each for each in findings if not isinstance(each, SendFailed)]
    if not sent:
        return findings[-1]
    told = [each for each in sent if not isinstance(each, (Timeout, Replied))]
    return replace(told[-1], sent=len(sent)) if told else Timeout(address=address, sent=len(sent))


def _replies(findings: Sequence[Finding], address: str) -> Replied:
    """An attempt that could not even be made counts neither as sent nor as lost."""
    rtts = tuple(_rtt_ms(each) for each in findings if not isinstance(each, SendFailed))
    last = next(each for each in reversed(findings) if isinstance(each, Replied))
    return Replied(address=address, rtts_ms=rtts, answer=last.answer, http=last.http)


def _rtt_ms(attempt: Finding) -> float | None:
    rtt_ms = attempt.rtts_ms[0] if isinstance(attempt, Replied) else None
    return None if rtt_ms is None else whole_microseconds(rtt_ms)
