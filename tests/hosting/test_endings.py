"""Being told to end."""

import os
import signal
import sys
import threading

import pytest

from netstats_xl.hosting.endings import StopRequest, ending_on_signals


def test_one_thread_waits_until_another_asks() -> None:
    stop = StopRequest()
    assert not stop.wait(0)
    asking = threading.Thread(target=stop.ask)
    asking.start()
    assert stop.wait()
    asking.join()
    stop.ask()
    assert stop.asked
    assert stop.wait(0)


def test_waiting_ends_with_the_time() -> None:
    assert not StopRequest().wait(0.01)


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows lets no process send itself a signal that can be caught"
)
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_asks_and_the_second_one_does_what_it_did_before(name: str) -> None:
    number = signal.Signals[name]
    caught: list[int] = []
    before = signal.signal(number, lambda caught_number, _frame: caught.append(caught_number))
    try:
        stop = StopRequest()
        with ending_on_signals(stop):
            os.kill(os.getpid(), number)
            assert stop.wait(60)
            assert caught == []
            os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert caught == [number, number]
    finally:
        signal.signal(number, before)
