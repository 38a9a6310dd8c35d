"""Whether the computer slept: clocks that go on meanwhile, beside those that do not."""

import sys
import time

SLEPT = "the computer slept while the packets were on their way"
"""Why a packet counts neither as answered nor as lost."""


def suspended_s() -> float:
    """How long the computer has slept so far, s, where the monotonic clock does not count that; else 0.

    Linux's `CLOCK_MONOTONIC` stands still in a sleep and `CLOCK_BOOTTIME` goes on (man 2 clock_gettime); of macOS'
    clocks `CLOCK_UPTIME_RAW` stands still and `CLOCK_MONOTONIC` goes on (man 3 clock_gettime). Windows' performance
    counter goes on: there a sleep shows as a pause.
    """
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME) - time.clock_gettime(time.CLOCK_MONOTONIC)
    if sys.platform == "darwin":
        return time.clock_gettime(time.CLOCK_MONOTONIC) - time.clock_gettime(time.CLOCK_UPTIME_RAW)
    return 0.0
