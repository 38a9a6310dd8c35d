"""Serves the control API on this computer alone, in a thread of its own."""

from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from netstats_xl.app.service import Service
from netstats_xl.control.credentials import Endpoint


class ControlServer:
    """The control channel of one companion. A context manager: starts, and stops at the end of the block."""

    def __init__(
        self, service: Service, *, endpoint: Path, workbook: str, database: str, started_at: datetime
    ) -> None:
        """`endpoint` is where the endpoint file goes; `workbook` and `database` are told in it."""
        self._service = service
        self._path = endpoint
        self._workbook, self._database, self._started_at = workbook, database, started_at

    def start(self) -> Endpoint:
        """Serve, and write the endpoint file; once this returns, requests are answered.

        Raises:
            ControlError: it cannot be served, or the file cannot be written.
        """
        raise NotImplementedError

    def rename(self, workbook: str) -> None:
        """Tell another name of the workbook in the endpoint file (it was saved under another name)."""
        raise NotImplementedError

    def stop(self, *, patience_s: float = 5.0) -> None:
        """Remove the endpoint file, end the streams, let requests under way finish, and end the thread.

        Takes a little more than `patience_s` at most: what is not finished by then is dropped. Twice does nothing.
        """
        raise NotImplementedError

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
