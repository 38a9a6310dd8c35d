"""How a run is asked to end on Windows."""

import signal
import sys

import pytest

from netstats_xl.hosting.endings import StopRequest, ending_on_signals

if sys.platform != "win32":
    pytest.skip(
        "Ctrl+Break exists on Windows alone; the others are tested by tests/e2e", allow_module_level=True
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGBREAK])
def test_each_request_to_end_is_heard_once_and_then_as_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    stop = StopRequest()
    with ending_on_signals(stop):
        assert not stop.asked
        signal.raise_signal(number)
        assert stop.asked
        assert signal.getsignal(number) == before  # a second one interrupts at once
    assert signal.getsignal(number) == before
