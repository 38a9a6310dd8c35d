"""Asks a companion at work: what the command line does where one runs."""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Self

from netstats_xl.control.credentials import Endpoint

Json = Mapping[str, object]


class ControlClient:
    """Asks the companion at an endpoint. A context manager: frees its connection at the end of the block.

    Every method raises a `ControlError` where the companion cannot be asked, or the companion's own error: its
    class, message, and bad cells. Answers are mappings as the API's OpenAPI page describes them; each has a
    `message`, one sentence for the user.
    """

    def __init__(self, endpoint: Endpoint, *, patience_s: float = 30.0) -> None:
        """`patience_s` is how long an answer is waited for."""
        self.endpoint = endpoint
        self._patience_s = patience_s

    @classmethod
    def find(cls, path: Path, *, patience_s: float = 30.0) -> Self:
        """The client of the companion that wrote this endpoint file.

        Raises:
            CompanionNotRunning: none did, or it has ended.
        """
        raise NotImplementedError

    def health(self) -> Json:
        """How the companion is."""
        raise NotImplementedError

    def destinations(self, **wanted: object) -> Json:
        """The destinations that match: `text`, `group`, `tag`, `state`, `enabled`, `offset`, `limit`."""
        raise NotImplementedError

    def jobs(self) -> Json:
        """The jobs in force."""
        raise NotImplementedError

    def test(self, *, ids: Collection[str] = (), names: Collection[str] = ()) -> Json:
        """Probe destinations now."""
        raise NotImplementedError

    def start_jobs(self, *, ids: Collection[str] = (), names: Collection[str] = ()) -> Json:
        """Let jobs that were stopped run again."""
        raise NotImplementedError

    def stop_jobs(self, *, ids: Collection[str] = (), names: Collection[str] = ()) -> Json:
        """Stop jobs."""
        raise NotImplementedError

    def run_jobs(self, *, ids: Collection[str] = (), names: Collection[str] = ()) -> Json:
        """Make one round of each of these jobs now."""
        raise NotImplementedError

    def dashboard(self, period: str = "24h") -> Json:
        """The statistics of all destinations."""
        raise NotImplementedError

    def job_metrics(self, job_id: str, period: str = "24h") -> Json:
        """The statistics of a job."""
        raise NotImplementedError

    def refresh(self) -> Json:
        """Show the latest figures now."""
        raise NotImplementedError

    def sync(self) -> Json:
        """Read the workbook now."""
        raise NotImplementedError

    def report(self, **request: object) -> Json:
        """Write a report; its `path` is in the answer."""
        raise NotImplementedError

    def export(self, **request: object) -> Json:
        """Write raw samples as CSV; its `path` is in the answer."""
        raise NotImplementedError

    def workbook_event(self, event: str) -> Json:
        """Tell what happened to the workbook: `opened`, for example."""
        raise NotImplementedError

    def shutdown(self) -> Json:
        """End the companion."""
        raise NotImplementedError

    def events(self, *, seconds: float | None = None) -> Iterator[tuple[str, Json]]:
        """What happens from now on, as (kind, facts)."""
        raise NotImplementedError

    def close(self) -> None:
        """Free the connection."""
        raise NotImplementedError

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
