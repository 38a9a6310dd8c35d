"""Any CSV with named columns: a row a round.

A column for the time and one for the destination, and the RTTs: each in one cell (`rtts`), or one a row (`rtt`).
`sent` and `received` tell of lost packets that have no mark of their own. What the columns are called is looked up in
`NAMES`, or said with `--columns`. The user's own tables are of this kind, and what other monitors export.

A mean RTT of several packets is refused: to take it for each of them would falsify percentiles and deviation.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache

from netstats_xl.domain.history import HistoryFormat, HistoryRow
from netstats_xl.domain.results import Outcome, Replied, Timeout
from netstats_xl.errors import HistoryInvalid
from netstats_xl.importing.csv_table import Cells, cells, column_of, header_of
from netstats_xl.importing.rounds import Rounds, address_in
from netstats_xl.importing.text_history import TextHistory
from netstats_xl.importing.times import Times

NAMES: Mapping[str, tuple[str, ...]] = {
    "time": ("time", "timestamp", "datetime", "date", "date/time", "at", "at_utc", "when", "time (utc)"),
    "host": ("host", "destination", "target", "address", "ip", "hostname", "name", "server"),
    "rtts": ("rtts", "rtts_ms", "rtts (ms)", "rtt list"),
    "rtt": ("rtt", "rtt_ms", "rtt (ms)", "latency", "latency_ms", "latency (ms)", "ping", "ping_ms", "ms"),
    "sent": ("sent", "packets_sent", "packets sent", "xmt", "transmitted"),
    "received": ("received", "packets_received", "packets received", "rcv", "replies"),
    "interval": ("interval", "interval_s", "interval (s)", "step"),
}
"""What a column is, and what it may be called, without regard to case."""


class GenericCsv(TextHistory):
    """A `ports.HistoryFile` of named columns."""

    format = HistoryFormat.CSV

    def rows(self) -> Iterator[HistoryRow]:
        """As `ports.HistoryFile.rows`."""
        columns = self._columns()
        times = Times(self._options.zone, self._options.date_order)
        rounds = None if self._options.round_s is None else Rounds(self._options.round_s)
        number = 0
        address_of = lru_cache(1_000)(address_in)  # the same few again and again
        for row in cells(self._file):
            source = row.get(columns["host"])
            if not source:
                raise row.invalid(columns["host"], "no destination is named")
            at = row.time(columns["time"], times, source)
            rtts, known = self._rtts(row, columns)
            interval_s = row.decimal(columns["interval"]) if "interval" in columns else None
            if interval_s is not None and not 0 < interval_s <= 86_400:
                raise row.invalid(columns["interval"], "an interval is more than 0 s and at most a day")
            if not rtts:
                continue  # nothing was sent
            if rounds is None:
                yield HistoryRow(
                    source=source,
                    at=at,
                    outcome=_outcome(address_of(source), rtts, known),
                    interval_s=interval_s,
                )
                continue
            try:
                for rtt in rtts:
                    number += 1
                    yield from rounds.add(source, at, number, rtt)
            except ValueError as error:
                raise row.invalid(columns["time"], str(error)) from error
        if rounds is not None:
            yield from rounds.rest()

    def _columns(self) -> dict[str, str]:
        header = header_of(self._file)
        unknown = set(self._options.columns) - set(NAMES)
        if unknown:
            raise HistoryInvalid(
                f"--columns knows {', '.join(NAMES)}, and not {', '.join(sorted(unknown))}: write for example "
                "--columns time=Zeit,host=Ziel,rtt=Antwortzeit"
            )
        found = {}
        for what, names in NAMES.items():
            try:
                name = column_of(header, names, self._options.columns, what)
            except KeyError:
                raise HistoryInvalid(
                    f"{self._file.path} has no column {self._options.columns[what]!r}; it has {_listed(header)}."
                ) from None
            if name is not None:
                found[what] = name
        missing = [what for what in ("time", "host") if what not in found]
        if "rtt" not in found and "rtts" not in found:
            missing.append("rtt")
        if missing:
            raise HistoryInvalid(
                f"{self._file.path} has no column for {' and '.join(missing)}; it has {_listed(header)}. Say which "
                f"they are, for example --columns {','.join(f'{what}=NAME' for what in missing)}; --as says what "
                "kind of file it is, if not a table."
            )
        return found

    def _rtts(self, row: Cells, columns: Mapping[str, str]) -> tuple[tuple[float | None, ...], bool]:
        """The RTT of each packet, and whether their order is known."""
        sent = row.count(columns["sent"]) if "sent" in columns else None
        received = row.count(columns["received"]) if "received" in columns else None
        column = columns["rtts"] if "rtts" in columns else columns["rtt"]
        rtts = row.rtts(column) if "rtts" in columns else (row.rtt(column, row.get(column)),)
        answered = tuple(rtt for rtt in rtts if rtt is not None)
        if received is not None and received > 1 and "rtts" not in columns:
            raise row.invalid(
                columns["received"],
                f"{received} packets were answered and the row has one RTT, which is then a mean: write all of them "
                "into one column `rtts`, separated by spaces",
            )
        if received is not None and received != len(answered):
            raise row.invalid(columns["received"], f"the row has {len(answered)} RTTs, not {received}")
        if sent is None:
            return (rtts, True) if rtts else ((None,), True)
        if sent < len(answered):
            raise row.invalid(
                columns["sent"], f"the row has {len(answered)} RTTs, so more than {sent} were sent"
            )
        if sent == len(rtts):
            return rtts, True
        return (*answered, *(None,) * (sent - len(answered))), False


def _outcome(address: str, rtts: tuple[float | None, ...], in_order: bool) -> Outcome:
    if all(rtt is None for rtt in rtts):
        return Timeout(address=address, sent=len(rtts))
    return Replied(address=address, rtts_ms=rtts, in_order=in_order)


def _listed(header: tuple[str, ...]) -> str:
    shown = ", ".join(repr(name[:40]) for name in header[:12])
    return f"{shown}, ..." if len(header) > 12 else shown
