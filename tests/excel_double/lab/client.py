"""The test's side of the lab: starts Excels in processes of their own, and works on the desktop where they stand."""

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Client, Connection
from pathlib import Path
from typing import Any

import win32api
import win32con
import win32service

from tests.excel_double.lab.server import KEY
from tests.wine import on_wine

PATIENCE_S = 60.0
DESKTOP = "netstats_xl_tests"
ROOT = Path(__file__).parents[3]


class LabExcel:
    """An Excel in another process. It ends with its line."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.process_id = int(self.do("excel.process_id"))

    def do(self, text: str) -> Any:
        """What a line of Python gives there (or its repr), with `excel`, `user` and what `excel_double` exports."""
        self._connection.send(text)
        answer = self._connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer

    def kill(self) -> None:
        """End its process at once."""
        with suppress(OSError, win32api.error):
            handle = win32api.OpenProcess(
                win32con.PROCESS_TERMINATE | win32con.SYNCHRONIZE, False, self.process_id
            )
            win32api.TerminateProcess(handle, 1)
        self._connection.close()


class LabDesktop:
    """The desktop that the Excels stand on.

    Under Wine without a display windows exist on a desktop alone that has the null driver: its explorer makes one.
    Enumerating windows sees those of the calling thread's desktop, so threads must join it before they touch COM.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._excels: list[LabExcel] = []
        self._launchers: list[subprocess.Popen[bytes]] = []

    def start_excel(self, *setup: str) -> LabExcel:
        """An Excel, once these lines have run in it."""
        port = self._folder / f"excel-{len(self._excels)}.port"
        command = [sys.executable, "-m", "tests.excel_double.lab.server", str(port)]
        if on_wine():
            command = ["explorer.exe", f"/desktop={DESKTOP},800x600,null", *command]
        self._launchers.append(subprocess.Popen(command, cwd=ROOT))
        until = time.monotonic() + PATIENCE_S
        while not port.exists():
            assert time.monotonic() < until, "the Excel did not start"
            time.sleep(0.02)
        excel = LabExcel(Client(("127.0.0.1", int(port.read_text())), authkey=KEY))
        self._excels.append(excel)
        for line in setup:
            excel.do(line)
        return excel

    def close(self) -> None:
        """End all of them."""
        for excel in self._excels:
            excel.kill()
        for process in self._launchers:
            process.wait(PATIENCE_S)

    def join(self) -> None:
        """Put the calling thread on the desktop; before it touches a window or COM."""
        if on_wine():
            win32service.OpenDesktop(DESKTOP, 0, False, win32con.MAXIMUM_ALLOWED).SetThreadDesktop()

    @contextmanager
    def joined_by_new_threads(self) -> Iterator[None]:
        """Threads that start within join the desktop, as the thread of an adapter must."""
        run = threading.Thread.run
        join = self.join

        def joining(thread: threading.Thread) -> None:
            join()
            run(thread)

        vars_of_thread: Any = threading.Thread
        vars_of_thread.run = joining
        try:
            yield
        finally:
            vars_of_thread.run = run

    def call(self, function: Callable[[], object], timeout_s: float = PATIENCE_S) -> Any:
        """What the function gives on a thread of the desktop; the test fails where it takes too long."""
        results: list[Any] = []
        errors: list[BaseException] = []

        def work() -> None:
            try:
                results.append(function())
            except BaseException as error:
                errors.append(error)

        with self.joined_by_new_threads():
            thread = threading.Thread(target=work, daemon=True)
            thread.start()
            thread.join(timeout_s)
        assert not thread.is_alive(), f"no answer within {timeout_s} s"
        if errors:
            raise errors[0]
        return results[0]
