"""PingPlotter's CSV (*File*, *Export to file*).

Nothing official describes it: what is said here is from a public program that reads such files of 2023, and from
PingPlotter's questions and answers on its text export. UTF-8 with a byte order mark: a line `Host Information`; a line
a hop, `number,name,address`; a line `Sample Information`; then a line a trace, its local time as Windows writes it and
the RTT of each hop, ms. `*` is a lost packet, `N/A` a hop to which none was sent. The last hop is the target.

PingPlotter sends one packet a trace: those of a minute make a round (`--round` says otherwise).
"""

import csv
from collections.abc import Iterator
from typing import NamedTuple

from netstats_xl.domain.history import HistoryFormat, HistoryRow
from netstats_xl.importing.csv_table import Cells
from netstats_xl.importing.rounds import ROUND_S, Rounds
from netstats_xl.importing.text_history import TextHistory
from netstats_xl.importing.times import Times

HOSTS = "Host Information"
SAMPLES = "Sample Information"
_TIME = "time"
_NOT_SENT = "N/A"


class _Target(NamedTuple):
    hops: int
    name: str


class PingPlotter(TextHistory):
    """A `ports.HistoryFile` of PingPlotter's."""

    format = HistoryFormat.PINGPLOTTER

    def rows(self) -> Iterator[HistoryRow]:
        """As `ports.HistoryFile.rows`; the target's, not those of the hops before it."""
        times = Times(self._options.zone, self._options.date_order)
        rounds = Rounds(self._options.round_s or ROUND_S)
        reader = csv.reader(self._file.lines())
        not_sent = 0
        try:
            target = self._target(reader)
            for values in reader:
                if not any(values):
                    continue
                if len(values) <= target.hops:
                    raise self._file.invalid(
                        reader.line_num, f"it has {len(values)} cells where {target.hops + 1} are needed"
                    )
                row = Cells(
                    self._file, reader.line_num, (_TIME, target.name), (values[0], values[target.hops])
                )
                if row.get(target.name).upper() == _NOT_SENT:
                    not_sent += 1
                    continue
                at = row.time(_TIME, times, target.name)
                rtt = row.rtt(target.name, row.get(target.name))
                try:
                    yield from rounds.add(target.name, at, reader.line_num, rtt)
                except ValueError as error:
                    raise row.invalid(_TIME, str(error)) from error
        except csv.Error as error:
            raise self._file.invalid(reader.line_num, f"this is no CSV ({error})") from error
        yield from rounds.rest()
        hops = target.hops - 1
        self.notes = tuple(
            note
            for note in (
                f"RTTs of the {hops} hops before {target.name}: routes are not imported." if hops else "",
                f"{not_sent:,} traces that sent {target.name} no packet." if not_sent else "",
            )
            if note
        )

    def _target(self, reader: "csv._reader") -> _Target:  # type: ignore[name-defined]  # typeshed's own name for it
        """The last hop, by its name or, without one, by its address; how many hops there are."""
        hops = 0
        name = ""
        for values in reader:
            first = values[0].strip() if values else ""
            if first == SAMPLES:
                if hops:
                    return _Target(hops, name)
                break
            if first == HOSTS or not first:
                continue
            if len(values) < 3:
                raise self._file.invalid(reader.line_num, "a hop has a number, a name and an address")
            hops += 1
            name = next((text.strip() for text in (values[2], values[1]) if text.strip(" -")), "")
        raise self._file.invalid(
            max(reader.line_num, 1),
            f"PingPlotter's export names its hops and then says {SAMPLES!r}, which is missing",
        )
