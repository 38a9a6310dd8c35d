"""How a run is asked to end on Windows."""

import signal
import sys

import pytest

from netstats_xl.commands.collect import _stop_on_signals

if sys.platform != "win32":
    pytest.skip(
        "Ctrl+Break exists on Windows alone; the others are tested by tests/e2e", allow_module_level=True
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGBREAK])
def test_each_request_to_end_is_heard_once_and_then_as_before(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with _stop_on_signals() as stop:
        assert not stop.is_set()
        signal.raise_signal(number)
        assert stop.is_set()
        assert signal.getsignal(number) == before  # a second one interrupts at once
    assert signal.getsignal(number) == before
