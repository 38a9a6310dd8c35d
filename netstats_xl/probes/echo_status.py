"""What Windows says about an echo request, by its numbers: ICMP's errors, and why a request was not sent. Pure."""

from typing import NamedTuple

from netstats_xl.probes.addresses import Family

REPLIED = 0
TIMED_OUT = 11_010
GENERAL_FAILURE = 11_050
_PASSES = frozenset({8, 1_450, 11_006})
"""Out of memory or of resources: trying again in a moment may do."""


class Word(NamedTuple):
    """An ICMP error: its type and code, as far as Windows tells them apart, and its reason."""

    type_: int
    code: int
    reason: str
    time_exceeded: bool = False


_WORDS: dict[Family, dict[int, Word]] = {
    # IP_STATUS: ipexport.h. What several codes share has the first one here.
    Family.IPV4: {
        11_002: Word(3, 0, "network unreachable"),
        11_003: Word(3, 1, "host unreachable"),
        11_004: Word(3, 2, "protocol unreachable"),
        11_005: Word(3, 3, "port unreachable"),
        11_009: Word(3, 4, "packet too big for the path, and fragmenting is not allowed"),
        11_012: Word(3, 5, "source route failed"),
        11_013: Word(11, 0, "time to live exceeded", time_exceeded=True),
        11_014: Word(11, 1, "fragments not reassembled in time"),
        11_015: Word(12, 0, "parameter problem"),
        11_040: Word(3, 1, "destination unreachable"),
    },
    Family.IPV6: {
        11_002: Word(1, 0, "no route to the destination"),
        11_003: Word(1, 3, "host unreachable"),
        11_004: Word(1, 1, "administratively prohibited"),
        11_005: Word(1, 4, "port unreachable"),
        11_009: Word(2, 0, "packet too big for the path"),
        11_013: Word(3, 0, "hop limit exceeded", time_exceeded=True),
        11_014: Word(3, 1, "fragments not reassembled in time"),
        11_015: Word(4, 0, "parameter problem"),
        11_040: Word(1, 3, "destination unreachable"),
        11_041: Word(3, 0, "hop limit exceeded", time_exceeded=True),
        11_042: Word(4, 0, "parameter problem"),
        11_043: Word(4, 1, "parameter problem"),
        11_045: Word(1, 2, "beyond the scope of the source address"),
    },
}

_NOT_SENT = {
    # winerror.h, then IP_STATUS.
    5: "not permitted",
    87: "not an address that can be probed",
    1_231: "no route to its network",
    1_232: "no route to the host",
    11_007: "Windows does not set the options asked for",
    11_008: "the network interface failed",
    11_011: "not an address that can be probed",
    11_018: "not an address that can be probed",
    GENERAL_FAILURE: "no network that leads there is connected, or this computer's firewall forbids it",
}


def word_of(family: Family, status: int) -> Word | None:
    """The ICMP error that an IP_STATUS stands for; None: it is nobody's word on the network."""
    return _WORDS[family].get(status)


def is_out_of_resources(number: int) -> bool:
    """Whether trying again in a moment may do."""
    return number in _PASSES


def reason_not_sent(number: int) -> str:
    """Why a request was not sent, in words."""
    if number in _PASSES:
        return "Windows is out of memory for more packets"
    return _NOT_SENT.get(number) or f"Windows refused (error {number})"
