"""A round as a benchmark sees it, whoever made it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of a prober over many addresses."""

    wall_s: float
    cpu_s: float
    """User and system time of the process."""
    rtts_ms: Mapping[str, tuple[float | None, ...]]
    """Of each address: the RTT of each packet, or None where it was lost."""
    memory_mb: float = 0.0
    """The most that the process held during the round over what it held before."""

    def lost(self, dead: Iterable[str] = ()) -> int:
        """Packets without a reply, to hosts other than these."""
        silent = frozenset(dead)
        return sum(
            rtt is None for address, rtts in self.rtts_ms.items() if address not in silent for rtt in rtts
        )


def addresses(network: str, count: int) -> list[str]:
    """So many addresses of a network given by the first two numbers of them, `127.1`."""
    return [f"{network}.{number // 250}.{number % 250 + 1}" for number in range(count)]
