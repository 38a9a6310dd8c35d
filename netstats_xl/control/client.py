"""Asks a companion at work: what the command line does where one runs."""

import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pydantic import ValidationError

from netstats_xl.control.credentials import Endpoint, read_endpoint
from netstats_xl.control.problems import Problem, error_of
from netstats_xl.errors import (
    CompanionNotRunning,
    ControlError,
    ControlTimeout,
    NotFound,
    VersionMismatch,
)

if TYPE_CHECKING:
    import httpx

Json = Mapping[str, Any]
"""What a companion answers."""

_CONNECT_S = 2.0
_LONGEST_SILENCE_S = 60.0
"""Of a stream of events, whose heartbeats come every few seconds, s."""
_LONGEST_ID = 100
_PATH_PATIENCE_S = 120.0
"""A path on which large packets are lost takes a minute to test, s."""


class ControlClient:
    """Asks the companion at an endpoint. A context manager: frees its connection at the end of the block.

    Every method raises a `ControlError` where the companion cannot be asked, or the companion's own error: its
    class, message, and bad cells. Answers are mappings as the API's OpenAPI page describes them; each has a
    `message`, one sentence for the user. May be used from one thread at a time.
    """

    def __init__(self, endpoint: Endpoint, *, patience_s: float = 30.0) -> None:
        """`patience_s` is how long an answer is waited for."""
        self.endpoint = endpoint
        self._patience_s = patience_s
        self._connection: httpx.Client | None = None

    @classmethod
    def find(cls, path: Path, *, patience_s: float = 30.0) -> Self:
        """The client of the companion that wrote this endpoint file; whether it still runs, the first request tells.

        Raises:
            CompanionNotRunning: none did.
            ControlError: the file cannot be read.
        """
        try:
            endpoint = read_endpoint(path)
        except OSError as error:
            raise ControlError(
                f"{path}, which tells how to reach the collector, cannot be read: {error}."
            ) from error
        if endpoint is None:
            raise CompanionNotRunning(
                "No collector is at work for this workbook: start one with `netstats-xl start`, or with Start on "
                "the ribbon."
            )
        return cls(endpoint, patience_s=patience_s)

    def health(self) -> Json:
        """How the companion is."""
        return self.ask("GET", "/v1/health")

    def destinations(self, **wanted: str | int) -> Json:
        """The destinations that match: `text`, `group`, `tag`, `state`, `enabled` (yes or no), `offset`, `limit`."""
        return self.ask("GET", "/v1/destinations", query=wanted)

    def destination(self, destination_id: str) -> Json:
        """A destination and how it is."""
        return self.ask("GET", f"/v1/destinations/{_segment(destination_id)}")

    def create_destination(self, **cells: object) -> Json:
        """Write a row into the Destinations table, by the sheet's keys: `name`, `host`, `group`, ..."""
        return self.ask("POST", "/v1/destinations", cells)

    def change_destination(self, destination_id: str, **cells: object) -> Json:
        """Write cells of a destination's row; None makes a cell blank."""
        return self.ask("PATCH", f"/v1/destinations/{_segment(destination_id)}", cells)

    def delete_destination(self, destination_id: str) -> Json:
        """Remove a destination's row; its results stay."""
        return self.ask("DELETE", f"/v1/destinations/{_segment(destination_id)}")

    def add_hosts(self, hosts: str) -> Json:
        """Make a destination of each host in a text, named after it."""
        return self.ask("POST", "/v1/destinations/add", {"hosts": hosts})

    def expand(self, ids: Collection[str] | None = None) -> Json:
        """Make rows of the blocks in the Destinations table, or in these rows of it."""
        return self.ask("POST", "/v1/destinations/expand", {} if ids is None else {"ids": list(ids)})

    def test(self, *, ids: Collection[str] = (), names: Collection[str] = ()) -> Json:
        """Probe destinations now."""
        return self.ask("POST", "/v1/destinations/test", _chosen(ids, names))

    def path_mtu(self, host: str) -> Json:
        """Find the path MTU to a destination by name, or to any host."""
        return self.ask("POST", "/v1/destinations/mtu", {"host": host}, patience_s=_PATH_PATIENCE_S)

    def sweep(self, host: str, sizes: Collection[int]) -> Json:
        """Loss and RTT by payload size, of a destination by name or of any host."""
        body = {"host": host, "sizes": list(sizes)}
        return self.ask("POST", "/v1/destinations/sweep", body, patience_s=_PATH_PATIENCE_S)

    def trace(
        self,
        *,
        ids: Collection[str] = (),
        names: Collection[str] = (),
        hosts: Collection[str] = (),
        rounds: int = 3,
    ) -> Json:
        """Trace the routes to destinations, and to hosts that need not be any, now; `rounds`: packets a hop."""
        chosen = {**_chosen(ids, names), **({"hosts": list(hosts)} if hosts else {})}
        return self.ask("POST", "/v1/destinations/trace", {**chosen, "rounds": rounds})

    def jobs(self) -> Json:
        """The jobs in force."""
        return self.ask("GET", "/v1/jobs")

    def job(self, job_id: str) -> Json:
        """A job and how it goes."""
        return self.ask("GET", f"/v1/jobs/{_segment(job_id)}")

    def create_job(self, **cells: object) -> Json:
        """Write a row into the Jobs table, by the sheet's keys."""
        return self.ask("POST", "/v1/jobs", cells)

    def change_job(self, job_id: str, **cells: object) -> Json:
        """Write cells of a job's row; None makes a cell blank."""
        return self.ask("PATCH", f"/v1/jobs/{_segment(job_id)}", cells)

    def delete_job(self, job_id: str) -> Json:
        """Remove a job's row; its results stay."""
        return self.ask("DELETE", f"/v1/jobs/{_segment(job_id)}")

    def start_jobs(self, *, ids: Collection[str] = (), names: Collection[str] = ()) -> Json:
        """Let jobs that were stopped run again."""
        return self.ask("POST", "/v1/jobs/start", _chosen(ids, names))

    def stop_jobs(self, *, ids: Collection[str] = (), names: Collection[str] = ()) -> Json:
        """Stop jobs."""
        return self.ask("POST", "/v1/jobs/stop", _chosen(ids, names))

    def run_jobs(self, *, ids: Collection[str] = (), names: Collection[str] = ()) -> Json:
        """Make one round of each of these jobs now."""
        return self.ask("POST", "/v1/jobs/run", _chosen(ids, names))

    def job_metrics(self, job_id: str, period: str = "24h") -> Json:
        """The statistics of a job."""
        return self.ask("GET", f"/v1/jobs/{_segment(job_id)}/metrics", query={"period": period})

    def dashboard(self, period: str = "24h") -> Json:
        """The statistics of all destinations."""
        return self.ask("GET", "/v1/dashboard", query={"period": period})

    def refresh(self) -> Json:
        """Show the latest figures now."""
        return self.ask("POST", "/v1/refresh")

    def sync(self, *, confirmed: bool = False) -> Json:
        """Read the workbook now; `confirmed`: most rows may go at once."""
        return self.ask("POST", "/v1/sync", {"confirmed": confirmed})

    def pause_updates(self, paused: bool) -> Json:
        """Push nothing into the workbook, or push again."""
        return self.ask("POST", "/v1/updates", {"paused": paused})

    def select(self, **selection: str) -> Json:
        """Choose what the sheets show: `details_of`, `period`."""
        return self.ask("PUT", "/v1/selection", selection)

    def workbook_event(self, event: str) -> Json:
        """Tell what happened to the workbook: `opened`, for example."""
        return self.ask("POST", "/v1/workbook", {"event": event})

    def report(self, **request: object) -> Json:
        """Write a report: `format`, `output`, `from`, `to`, `jobs`, `destinations`, `replace`; its `path` is told."""
        return self.ask("POST", "/v1/report", request)

    def export(self, **request: object) -> Json:
        """Write raw samples as CSV; as :meth:`report`, without `format`."""
        return self.ask("POST", "/v1/export", request)

    def backup(self, **request: object) -> Json:
        """Make a verified copy of the database: `output`, `read_only`, `replace`; its `path` is told."""
        return self.ask("POST", "/v1/backup", request)

    def backup_status(self) -> Json:
        """How a backup goes that is being made."""
        return self.ask("GET", "/v1/backup")

    def shutdown(self) -> Json:
        """End the companion."""
        return self.ask("POST", "/v1/shutdown")

    def events(self, *, seconds: float | None = None) -> Iterator[tuple[str, Json]]:
        """What happens from now on, as (kind, facts), until the companion stops or so many seconds are over."""
        import httpx

        timeout = httpx.Timeout(_LONGEST_SILENCE_S, connect=_CONNECT_S)
        query = {} if seconds is None else {"seconds": seconds}
        with (
            self._translated(),
            self._connected().stream("GET", "/v1/events", params=query, timeout=timeout) as response,
        ):
            if response.status_code != 200:
                response.read()
                self._answer(response)
            kind = ""
            for line in response.iter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    kind = value
                elif name == "data":
                    yield kind, self._parsed(value)

    def ask(
        self,
        method: str,
        path: str,
        body: Json | None = None,
        *,
        query: Mapping[str, str | int] | None = None,
        patience_s: float | None = None,
    ) -> Json:
        """The answer to any request of the API; `patience_s` where it takes longer than others do."""
        import httpx

        timeout = httpx.Timeout(patience_s or self._patience_s, connect=_CONNECT_S)
        with self._translated():
            response = self._connected().request(method, path, json=body, params=query or {}, timeout=timeout)
        return self._answer(response)

    def close(self) -> None:
        """Free the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _connected(self) -> "httpx.Client":
        if self._connection is None:
            import httpx

            self._connection = httpx.Client(
                base_url=self.endpoint.url,
                headers={"Authorization": f"Bearer {self.endpoint.token}", "Accept": "application/json"},
                timeout=httpx.Timeout(self._patience_s, connect=_CONNECT_S),
                # Shorter than the server's: a connection that it is about to close is not used again.
                limits=httpx.Limits(keepalive_expiry=2.0),
                # Nothing of the environment: a proxy would be handed the token.
                trust_env=False,
            )
        return self._connection

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """httpx's errors as ours."""
        import httpx

        try:
            yield
        except httpx.ConnectTimeout as error:
            raise self._gone() from error
        except httpx.TimeoutException as error:
            raise ControlTimeout(
                f"The collector (process {self.endpoint.process}) did not answer in time: it may be busy. "
                "Try again, or look into its log."
            ) from error
        except (httpx.ConnectError, httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError) as error:
            raise self._gone() from error
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
            raise ControlError(f"The collector cannot be asked: {error}.") from error

    def _gone(self) -> CompanionNotRunning:
        return CompanionNotRunning(
            f"The collector (process {self.endpoint.process}) does not answer: it has ended. Start one with "
            "`netstats-xl start`, or with Start on the ribbon."
        )

    def _answer(self, response: "httpx.Response") -> Json:
        answer = self._parsed(response.text)
        if response.is_success:
            return answer
        try:
            problem = Problem.model_validate(answer)
        except ValidationError as error:
            raise self._stranger() from error
        raise error_of(problem)

    def _parsed(self, text: str) -> Json:
        try:
            found = json.loads(text)
        except ValueError as error:
            raise self._stranger() from error
        if not isinstance(found, dict):
            raise self._stranger()
        return found

    def _stranger(self) -> VersionMismatch:
        from netstats_xl import __version__

        return VersionMismatch(
            f"What answers at {self.endpoint.url} is no collector of this version ({__version__}; that one says "
            f"{self.endpoint.version}): stop it, and start it again."
        )


def _chosen(ids: Collection[str], names: Collection[str]) -> Json:
    return {key: list(values) for key, values in (("ids", ids), ("names", names)) if values}


def _segment(id_: str) -> str:
    """An ID as a part of a path; what cannot be one is asked nobody."""
    if not (id_.isascii() and id_.isalnum() and len(id_) <= _LONGEST_ID):
        raise NotFound(f"{id_[:_LONGEST_ID]!r} is no ID: list what there is to see the IDs.")
    return id_
