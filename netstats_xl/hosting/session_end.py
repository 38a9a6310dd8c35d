"""Windows' notice that the user's session ends: it goes to windows, and to programs without one not at all.

A console's handler is no way: it is not called in a program that has loaded user32.dll, as pywin32 does, nor in one
without a console. So a window that is never shown waits for WM_ENDSESSION.
https://learn.microsoft.com/en-us/windows/console/registering-a-control-handler-function
"""

import sys

if sys.platform == "win32":
    import ctypes
    import threading
    from collections.abc import Callable
    from ctypes import wintypes
    from typing import Self

    WM_CLOSE, WM_DESTROY, WM_QUERYENDSESSION, WM_ENDSESSION = 0x0010, 0x0002, 0x0011, 0x0016
    WINDOW_CLASS = "netstats_xl session end"
    END_WITHIN_S = 20.0
    """How long the system is kept waiting; by default it ends the process after 5 s."""

    _RESULT = ctypes.c_ssize_t
    _PROCEDURE = ctypes.WINFUNCTYPE(_RESULT, wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)

    class _WindowClass(ctypes.Structure):
        _fields_ = (
            ("style", wintypes.UINT),
            ("procedure", _PROCEDURE),
            ("class_extra", ctypes.c_int),
            ("window_extra", ctypes.c_int),
            ("instance", wintypes.HINSTANCE),
            ("icon", wintypes.HANDLE),
            ("cursor", wintypes.HANDLE),
            ("background", wintypes.HANDLE),
            ("menu_name", wintypes.LPCWSTR),
            ("class_name", wintypes.LPCWSTR),
        )

    class SessionEnd:
        """Within its block, `ask` is called when the user's session ends, and the system waits for the block's end.

        Where no window can be made, as in a service, nothing is noticed.
        """

        def __init__(self, ask: Callable[[], None]) -> None:
            self._ask = ask
            self._made, self._over = threading.Event(), threading.Event()
            self._window: int | None = None
            self._user32 = _user32()
            self._procedure = _PROCEDURE(self._take)
            # A daemon: where the block ends with an error, nothing waits for a window.
            self._thread = threading.Thread(target=self._serve, name="netstats-session-end", daemon=True)

        def __enter__(self) -> Self:
            self._thread.start()
            self._made.wait()
            return self

        def __exit__(self, *_: object) -> None:
            self._over.set()
            if self._window:
                self._user32.PostMessageW(self._window, WM_CLOSE, 0, 0)
                self._thread.join(2.0)

        def _serve(self) -> None:
            user32 = self._user32
            # The class lives as long as the process; its windows' procedure must do so no less, so each has its own.
            name = f"{WINDOW_CLASS} {id(self)}"
            window_class = _WindowClass(procedure=self._procedure, class_name=name)
            try:
                if user32.RegisterClassW(ctypes.byref(window_class)):
                    self._window = user32.CreateWindowExW(
                        0, name, WINDOW_CLASS, 0, 0, 0, 0, 0, None, None, None, None
                    )
            finally:
                self._made.set()
            message = wintypes.MSG()
            while self._window and user32.GetMessageW(ctypes.byref(message), None, 0, 0) > 0:
                user32.DispatchMessageW(ctypes.byref(message))
            user32.UnregisterClassW(name, None)

        def _take(self, window: int, message: int, first: int, second: int) -> int:
            if message == WM_QUERYENDSESSION:
                return 1
            if message == WM_ENDSESSION:
                if first:
                    self._ask()
                    self._over.wait(END_WITHIN_S)
                return 0
            if message == WM_DESTROY:
                self._user32.PostQuitMessage(0)
                return 0
            return int(self._user32.DefWindowProcW(window, message, first, second))

    def _user32() -> "ctypes.WinDLL":
        user32 = ctypes.WinDLL("user32", use_last_error=True)
        user32.CreateWindowExW.restype = wintypes.HWND
        user32.CreateWindowExW.argtypes = (
            wintypes.DWORD,
            wintypes.LPCWSTR,
            wintypes.LPCWSTR,
            wintypes.DWORD,
            *[ctypes.c_int] * 4,
            wintypes.HWND,
            wintypes.HANDLE,
            wintypes.HINSTANCE,
            wintypes.LPVOID,
        )
        message = (wintypes.HWND, wintypes.UINT, wintypes.WPARAM, wintypes.LPARAM)
        user32.DefWindowProcW.restype = _RESULT
        user32.DefWindowProcW.argtypes = message
        user32.PostMessageW.argtypes = message
        user32.UnregisterClassW.argtypes = (wintypes.LPCWSTR, wintypes.HINSTANCE)
        return user32
