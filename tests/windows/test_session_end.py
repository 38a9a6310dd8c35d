"""The end of the user's session, as Windows tells it to windows."""

import ctypes
import sys
import threading
from collections.abc import Callable

import pytest

from netstats_xl.hosting.endings import StopRequest, ending_on_signals
from tests.wine import on_wine

if sys.platform != "win32":
    pytest.skip("the session's end is told to windows on Windows alone", allow_module_level=True)

assert sys.platform == "win32"  # mypy on another system reads no further

from netstats_xl.hosting.session_end import (  # noqa: E402 - it has them on Windows alone
    WINDOW_CLASS,
    WM_ENDSESSION,
    WM_QUERYENDSESSION,
)

user32 = ctypes.WinDLL("user32")
user32.FindWindowW.restype = ctypes.c_void_p
user32.SendMessageW.argtypes = (ctypes.c_void_p, ctypes.c_uint, ctypes.c_size_t, ctypes.c_ssize_t)


def find_window() -> int:
    window = user32.FindWindowW(None, WINDOW_CLASS)
    if window is None and on_wine():
        pytest.skip("this Wine makes no windows: set HKCU\\Software\\Wine\\Drivers Graphics to null")
    assert isinstance(window, int)
    return window


def in_a_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_the_sessions_end_asks_to_stop_and_waits_until_all_is_saved() -> None:
    stop, order = StopRequest(), list[str]()
    with ending_on_signals(stop):
        window = find_window()
        assert user32.SendMessageW(window, WM_QUERYENDSESSION, 0, 0) == 1
        assert not stop.asked

        def end_session() -> None:
            user32.SendMessageW(window, WM_ENDSESSION, 1, 0)
            order.append("the system goes on")

        system = in_a_thread(end_session)
        assert stop.wait(60)
        order.append("saved")
    system.join(60)
    assert order == ["saved", "the system goes on"]
    assert not user32.FindWindowW(None, WINDOW_CLASS)


def test_a_session_that_does_not_end_after_all_stops_nothing() -> None:
    stop = StopRequest()
    with ending_on_signals(stop):
        user32.SendMessageW(find_window(), WM_ENDSESSION, 0, 0)
        assert not stop.asked
