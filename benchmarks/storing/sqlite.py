"""The peer: SQLite with the plain schema that one would begin with.

One row a round: small integer keys, the usual figures of ping, and the RTTs as a JSON text; an index on
(destination, ts); write-ahead log. Each commit is as durable as ours (`synchronous=FULL`).
"""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from netstats_xl.domain.results import Sample, packets_of, rtts_of
from netstats_xl.domain.rollups import jitter_differences

Row = tuple[object, ...]
DAY = timedelta(days=1)
_COLUMNS = (
    "ts INTEGER NOT NULL, destination INTEGER NOT NULL, job INTEGER NOT NULL, outcome TEXT NOT NULL, "
    "sent INTEGER NOT NULL, received INTEGER NOT NULL, rtt_min REAL, rtt_avg REAL, rtt_max REAL, jitter REAL, "
    "rtts TEXT"
)
_INSERT = "INSERT INTO rounds VALUES (?,?,?,?,?,?,?,?,?,?,?)"
_FIGURES = (
    "count(*), sum(received > 0), sum(sent), sum(received), min(rtt_min), max(rtt_max), "
    "sum(rtt_avg * received), avg(jitter), group_concat(rtts)"
)


class Sqlite:
    """A database of rounds."""

    def __init__(self, path: Path, *, indexed: bool) -> None:
        self.path = path
        self._keys: dict[str, int] = {}
        self._connection = sqlite3.connect(path, isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute(f"CREATE TABLE IF NOT EXISTS rounds ({_COLUMNS})")
        if indexed:
            self.index()

    def index(self) -> None:
        """Make the index."""
        self._connection.execute("CREATE INDEX IF NOT EXISTS rounds_of ON rounds (destination, ts)")

    def save(self, samples: Sequence[Sample]) -> None:
        """Save them in one transaction."""
        self._connection.execute("BEGIN")
        self._connection.executemany(_INSERT, map(self._row, samples))
        self._connection.execute("COMMIT")

    def fill(self, samples: Sequence[Sample]) -> None:
        """Take samples in a transaction that nobody waits for."""
        self.fill_rows([list(map(self._row, samples))])

    def fill_rows(self, rows: Iterable[Sequence[Row]]) -> None:
        """Take rows of the table in large transactions that nobody waits for."""
        self._connection.execute("PRAGMA synchronous=OFF")
        for some in rows:
            self._connection.execute("BEGIN")
            self._connection.executemany(_INSERT, some)
            self._connection.execute("COMMIT")
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._connection.execute("PRAGMA synchronous=FULL")

    def dashboard(
        self, now: datetime, destinations: Sequence[int], *, indexed: bool
    ) -> Mapping[int, Sequence[float]]:
        """The last outcome and the statistics of 24 h of each destination.

        SQLite has no percentiles. The fastest way that was found: it adds the figures up and joins the RTTs' texts of
        each destination, and numpy finds the percentiles. With an index each destination is a statement of its own;
        without one there is one statement over the table.
        """
        since, until = _ms(now - DAY), _ms(now)
        with closing(self._connection.cursor()) as cursor:
            if not indexed:
                # Of the columns beside max(ts), SQLite takes the values of the row that has it.
                rows = cursor.execute(
                    f"SELECT destination, max(ts), outcome, {_FIGURES} FROM rounds WHERE ts >= ? AND ts < ? "
                    "GROUP BY destination",
                    (since, until),
                )
                return {key: _figures(row) for key, _, _, *row in rows}
            found = {}
            for key in destinations:
                cursor.execute(
                    "SELECT ts, outcome FROM rounds WHERE destination = ? AND ts < ? ORDER BY ts DESC LIMIT 1",
                    (key, until),
                ).fetchone()
                [row] = cursor.execute(
                    f"SELECT {_FIGURES} FROM rounds WHERE destination = ? AND ts >= ? AND ts < ?",
                    (key, since, until),
                )
                found[key] = _figures(row)
            return found

    def close(self) -> None:
        """Release the file."""
        self._connection.close()

    def _row(self, sample: Sample) -> Row:
        sent, received = packets_of(sample.outcome)
        in_order = rtts_of(sample.outcome)
        rtts = [rtt for rtt in in_order if rtt is not None]
        differences = jitter_differences(in_order)
        keys = self._keys
        return (
            _ms(sample.at),
            keys.setdefault(sample.destination_id, len(keys) + 1),
            keys.setdefault(sample.job_id, len(keys) + 1),
            type(sample.outcome).__name__,
            sent,
            received,
            min(rtts, default=None),
            sum(rtts) / len(rtts) if rtts else None,
            max(rtts, default=None),
            sum(differences) / len(differences) if differences else None,
            json.dumps([rtt and round(rtt, 4) for rtt in in_order]) if rtts else None,
        )


def _figures(row: Sequence[object]) -> Sequence[float]:
    """Count, up, sent, received, min, max, sum, jitter; then p50, p95, p99 and the standard deviation."""
    *figures, texts = row
    joined = str(texts or "").replace("[", "").replace("]", "")
    rtts = np.array([rtt for rtt in json.loads(f"[{joined}]") if rtt is not None])
    more = [*np.percentile(rtts, (50, 95, 99)).tolist(), float(rtts.std())] if len(rtts) else []
    return [*(each or 0.0 for each in figures), *more]


def _ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)
