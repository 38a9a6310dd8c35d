"""fping's output with a time before each line: `fping -D -l`, `-D -c N`, `-D -C N`, and `-J` (5.3 and later).

After fping's manual (version 5), its `doc/fping-json.md` and its `src/output.c`:

    [1795718877.33689] 192.0.2.1 : [0], 64 bytes, 0.049 ms (0.049 avg, 0% loss)
    [1795718880.58988] 192.0.2.9 : [0], timed out (NaN avg, 100% loss)
    {"resp": {"timestamp": "1795718877.33689", "host": "192.0.2.1", "seq": 0, "size": 64, "rtt": 0.049}}

A line is a packet, its number in brackets; the time is that of the reply, or of when it was given up. With
`--timestamp-format` it may be an ISO time or one without an offset. Packets of a host within the same minute make a
round (`--round` says otherwise).

What has no time cannot be imported: any output without `-D`, and what `-C N -q` sums up in a line. What has no packets
neither: `-q`, `-Q` and `--outage` tell means and counts alone.
"""

import json
import re
from collections.abc import Iterator
from typing import NamedTuple

from netstats_xl.domain.history import HistoryFormat, HistoryRow
from netstats_xl.errors import HistoryInvalid
from netstats_xl.importing.csv_table import LONGEST_RTT_MS
from netstats_xl.importing.rounds import ROUND_S, Rounds
from netstats_xl.importing.text_history import TextHistory
from netstats_xl.importing.times import Times

_PACKET = re.compile(
    r"(?:\[(?P<time>[^\]]{1,40})\] )?(?P<host>\S{1,255}) +: \[(?P<number>\d{1,9})\], "
    r"(?:\d+ bytes, (?P<rtt>[\d.e+]{1,12}) ms\b|timed out\b).*"
)
_JSON = re.compile(r'\{ *"(?:resp|timeout)" *:.*')
_OTHER = re.compile(r"xmt/rcv/%|^\S+ +: +(?:[\d.]+|-)(?: (?:[\d.]+|-))*\s*$|: duplicate for \[")
"""Sums, and replies that came twice."""


class _Packet(NamedTuple):
    time: str | None
    host: str
    number: int
    rtt_ms: float | None


class Fping(TextHistory):
    """A `ports.HistoryFile` of fping's."""

    format = HistoryFormat.FPING

    def rows(self) -> Iterator[HistoryRow]:
        """As `ports.HistoryFile.rows`."""
        times = Times(self._options.zone, self._options.date_order)
        rounds = Rounds(self._options.round_s or ROUND_S)
        packets = others = 0
        for line, text in enumerate(self._file.lines(), start=1):
            packet = packet_in(text)
            if packet is None:
                others += bool(text.strip())
                continue
            if packet.time is None:
                raise HistoryInvalid(
                    f"{self._file.path}, line {line}: this output of fping does not say when the packets were sent, so "
                    "it cannot be imported. Run fping with -D, which writes the time before each line."
                )
            packets += 1
            try:
                at = times.parse(packet.time, packet.host)
                yield from rounds.add(packet.host, at, packet.number, packet.rtt_ms)
            except ValueError as error:
                raise self._file.invalid(line, str(error)) from error
        if not packets:
            raise HistoryInvalid(
                f"{self._file.path} has no packet of fping's with its time: sums (-q, -Q, -C with -q, --outage) cannot "
                "be imported. Run fping with -D and without -q."
            )
        yield from rounds.rest()
        if others:
            self.notes = (f"{others:,} lines that tell of no single packet: sums and messages.",)


def looks_like_fping(line: str) -> bool:
    """Whether fping may have written the line."""
    return packet_in(line) is not None or _OTHER.search(line) is not None


def packet_in(line: str) -> _Packet | None:
    """The packet that a line tells of; None where it tells of none."""
    line = line.strip()
    if _JSON.fullmatch(line):
        return _of_json(line)
    found = _PACKET.fullmatch(line)
    if found is None:
        return None
    return _Packet(found["time"], found["host"], int(found["number"]), _rtt(found["rtt"]))


def _of_json(line: str) -> _Packet | None:
    try:
        told = json.loads(line)
    except (ValueError, RecursionError):  # deep nesting is no line of fping's
        return None
    fields = told.get("resp", told.get("timeout"))
    if not isinstance(fields, dict):
        return None
    time, host, number = fields.get("timestamp"), fields.get("host"), fields.get("seq")
    if not isinstance(host, str) or not host or not isinstance(number, int):
        return None
    return _Packet(
        None if time is None else str(time),
        host,
        number,
        _rtt(str(fields["rtt"])) if "rtt" in fields else None,
    )


def _rtt(text: str | None) -> float | None:
    """The RTT, ms; one that cannot be is that of no reply."""
    if text is None:
        return None
    try:
        rtt = float(text)
    except ValueError:
        return None
    return rtt if 0 <= rtt <= LONGEST_RTT_MS else None
