"""Destinations that are tested now, besides the jobs."""

import asyncio
from collections.abc import Sequence

from netstats_xl.app.service import TestResult
from netstats_xl.domain.answers import answer_of
from netstats_xl.domain.results import Replied, describe, packets_of
from netstats_xl.domain.states import mean_rtt_ms
from netstats_xl.domain.targets import Definitions, Destination, EchoSettings
from netstats_xl.domain.windows import to_local
from netstats_xl.ports import Clock, Prober, ProbeTarget

LONGEST_TIMEOUT_MS = 4_000.0
"""Somebody waits for the result."""


async def probe_now(
    prober: Prober, clock: Clock, definitions: Definitions, destinations: Sequence[Destination]
) -> list[TestResult]:
    """Probe the destinations once; their results in the same order.

    Each is probed as the first enabled job that selects it does, but with no more packets than by default.

    Raises:
        ProbeEngineError: no probe can be sent.
    """
    by_echo: dict[EchoSettings, list[Destination]] = {}
    for destination in destinations:
        by_echo.setdefault(_echo_of(definitions, destination), []).append(destination)
    rounds = await asyncio.gather(
        *(
            prober.probe([ProbeTarget(destination_id=each.id, host=each.host) for each in group], echo)
            for echo, group in by_echo.items()
        )
    )
    outcomes = {result.destination_id: result.outcome for results in rounds for result in results}
    at = clock.now()
    return [TestResult(destination=each, at=at, outcome=outcomes[each.id]) for each in destinations]


def render_test(result: TestResult, zone: str) -> str:
    """What a destination's row says of its test: `Test at 12:31:05: 4 of 4 replies, mean 1.23 ms`.

    With what the last reply said, where it said something: `..., mean 1.23 ms: connected`.
    """
    found = describe(result.outcome)
    if isinstance(result.outcome, Replied):
        sent, received = packets_of(result.outcome)
        found = f"{received} of {sent} replies, mean {mean_rtt_ms(result.outcome):.2f} ms"
        if said := answer_of(result.outcome, result.outcome.address):
            found += f": {said}"
    return f"Test at {to_local(result.at, zone):%H:%M:%S}: {found}"


def _echo_of(definitions: Definitions, destination: Destination) -> EchoSettings:
    default = EchoSettings()
    for job in definitions.jobs:
        if job.enabled and job.select((destination,)):
            return job.echo.model_copy(
                update={
                    "packets": min(job.echo.packets, default.packets),
                    "packet_interval_ms": min(job.echo.packet_interval_ms, default.packet_interval_ms),
                    "timeout_ms": min(job.echo.timeout_ms, LONGEST_TIMEOUT_MS),
                }
            )
    return default
