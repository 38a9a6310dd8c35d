"""How the threads of a process that saves results take turns."""

import sys

LONGEST_TURN_S = 0.001


def take_short_turns() -> None:
    """Have a thread of Python code give way to others after a millisecond, not five. Only the start of a process may
    decide so for all of it.

    Saving a batch waits for its turn a dozen times, after each statement, while others make answers of rows.
    """
    sys.setswitchinterval(LONGEST_TURN_S)
