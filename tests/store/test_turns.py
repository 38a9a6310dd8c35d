"""How the threads of a process that saves results take turns."""

import sys

from netstats_xl.store.turns import LONGEST_TURN_S, take_short_turns


def test_a_thread_gives_way_after_a_millisecond() -> None:
    before = sys.getswitchinterval()
    try:
        take_short_turns()
        assert sys.getswitchinterval() == LONGEST_TURN_S == 0.001
    finally:
        sys.setswitchinterval(before)
