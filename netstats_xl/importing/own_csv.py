"""Raw samples as this program exports them (`store/csv_export.py`), back again.

What the export leaves out is not known here either: a round's run, and its job's interval, which the rounds' times
tell again. The apostrophes that keep a text from being a formula are taken away (decision 9).
"""

import re
from collections.abc import Callable, Iterator, Mapping

from netstats_xl.domain.history import HistoryFormat, HistoryRow
from netstats_xl.domain.results import (
    HttpAnswer,
    NameNotResolved,
    Outcome,
    Refused,
    Replied,
    SendFailed,
    ServiceFailed,
    Strays,
    TimeExceeded,
    Timeout,
    Unreachable,
)
from netstats_xl.errors import HistoryInvalid
from netstats_xl.importing.csv_table import Cells, cells, header_of
from netstats_xl.importing.text_history import TextHistory
from netstats_xl.importing.times import Times

NEEDED = ("Time", "Job", "Destination", "Host", "Address", "Outcome", "Sent", "RTTs (ms)", "Reason")
"""Without these columns it is no export of ours; later versions have added others."""
_GUARD_OF_SPACE = re.compile(r"^'(?=[\t\r\n])")
_GUARD = re.compile(r"""((?:^|[;,|"\t\r\n])\s*)'(?=[=+\-@＝＋－＠])""")
_SAYS = re.compile(r"(.*) \(says (.*)\)", re.DOTALL)


class OwnCsv(TextHistory):
    """A `ports.HistoryFile` of our own export."""

    format = HistoryFormat.NETSTATS

    def rows(self) -> Iterator[HistoryRow]:
        """As `ports.HistoryFile.rows`."""
        missing = [name for name in NEEDED if name not in header_of(self._file)]
        if missing:
            raise HistoryInvalid(
                f"{self._file.path} is no export of netstats_xl: it has no column {missing[0]!r}. --as csv reads any "
                "table."
            )
        times = Times(self._options.zone, self._options.date_order)
        for row in cells(self._file):
            source = _plain(row.get("Destination"))
            if not source:
                raise row.invalid("Destination", "no destination is named")
            yield HistoryRow(
                source=source,
                host=_plain(row.get("Host")),
                at=row.time("Time", times, source),
                outcome=_outcome(row),
                strays=Strays(
                    duplicates=row.count("Duplicate replies") or 0,
                    late=row.count("Late replies") or 0,
                    corrupted=row.count("Corrupted replies") or 0,
                    elsewhere=_plain(row.get("Answered by")),
                ),
            )


def _outcome(row: Cells) -> Outcome:
    parse = _OUTCOMES.get(row.get("Outcome"))
    if parse is None:
        raise row.invalid("Outcome", f"{row.get('Outcome')!r} is none of {', '.join(_OUTCOMES)}")
    return parse(row, _plain(row.get("Address")), _plain(row.get("Reason")))


def _replied(row: Cells, address: str, _: str) -> Outcome:
    rtts = row.rtts("RTTs (ms)")
    if all(rtt is None for rtt in rtts):
        raise row.invalid("RTTs (ms)", "a round with a reply has an RTT")
    status = row.count("HTTP status")
    http = None
    if status is not None:
        http = HttpAnswer(
            status=status,
            total_ms=row.decimal("HTTP total (ms)") or 0.0,
            certificate_days=row.decimal("Certificate (days)"),
        )
    return Replied(address=address, rtts_ms=rtts, answer=_plain(row.get("Answer")), http=http)


def _sent(row: Cells) -> int:
    return row.count("Sent") or 0


def _unreachable(row: Cells, address: str, reason: str) -> Outcome:
    said = _SAYS.fullmatch(reason)
    reason, reporter = (said[1], said[2]) if said else (reason, "")
    return Unreachable(address=address, sent=_sent(row), reporter=_plain(reporter), reason=reason)


def _exceeded(row: Cells, address: str, reason: str) -> Outcome:
    said = _SAYS.fullmatch(reason)
    return TimeExceeded(address=address, sent=_sent(row), reporter=_plain(said[2]) if said else "")


_OUTCOMES: Mapping[str, Callable[[Cells, str, str], Outcome]] = {
    "replied": _replied,
    "timeout": lambda row, address, _: Timeout(address=address, sent=_sent(row)),
    "unreachable": _unreachable,
    "time exceeded": _exceeded,
    "refused": lambda row, address, _: Refused(address=address, sent=_sent(row)),
    "service failed": lambda row, address, reason: ServiceFailed(
        address=address, sent=_sent(row), reason=reason
    ),
    "not resolved": lambda _, __, reason: NameNotResolved(reason=reason.removeprefix("name not resolved: ")),
    "not sent": lambda _, address, reason: SendFailed(
        address=address, reason=reason.removeprefix("not sent: ")
    ),
}


def _plain(text: str) -> str:
    """The text without the apostrophes of `store/csv_export.py`."""
    return _GUARD.sub(r"\1", _GUARD_OF_SPACE.sub("", text)).strip()
