"""How many packets may go now: flood safety. Pure."""

_LONGEST_ARREARS_S = 0.05
"""Packets that were not sent when they might have been are made up for so far, and no further."""
_AT_ONCE, _LONGEST_AHEAD_S = 10, 0.005
"""So many packets may go together, and none so much before its time: waking up costs more than a packet does."""


class Pacer:
    """Lets at most so many packets a second go, over all trains, in small bursts."""

    def __init__(self, packets_per_second: float | None) -> None:
        """None: any number."""
        self._interval_s = 0.0
        self._free_at = 0.0
        self.limit(packets_per_second)

    def limit(self, packets_per_second: float | None) -> None:
        """Let so many packets a second go from now on; None: any number.

        Raises:
            ValueError: it is no positive number.
        """
        if packets_per_second is not None and not packets_per_second > 0:
            raise ValueError(f"{packets_per_second} packets a second are none")
        self._interval_s = 1 / packets_per_second if packets_per_second else 0.0
        self._ahead_s = min(_AT_ONCE * self._interval_s, _LONGEST_AHEAD_S)

    def allowance(self, now: float, most: int) -> int:
        """How many packets may go now, at most `most`; `now` is in seconds and never goes back."""
        if not self._interval_s:
            return most
        if now < self._free_at:
            return 0
        self._free_at = max(self._free_at, now - max(_LONGEST_ARREARS_S, self._interval_s))
        return min(most, max(int((now + self._ahead_s - self._free_at) / self._interval_s), 1))

    def sent(self, packets: int) -> None:
        """So many packets went, of those that were allowed."""
        self._free_at += packets * self._interval_s

    def free_at(self) -> float:
        """When the next packet may go, s."""
        return self._free_at if self._interval_s else 0.0
