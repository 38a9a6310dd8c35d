"""SmokePing's RRD, as `rrdtool dump FILE.rrd FILE.xml` writes it (versions 0003 and 0004).

After rrdtool's `src/rrd_dump.c` and SmokePing's `lib/Smokeping/probes/base.pm`. The data sources are `uptime`, `loss`,
`median` and `ping1` to `pingN`; each row is preceded by a comment with its time, `<!-- ... / 1500000000 -->`, which is
the end of the step that the row stands for. Of a round of N packets SmokePing keeps the number lost and the RTTs in
seconds, sorted, in the middle of the N places, the places of lost packets at both ends unknown. So the order of the
packets is lost, and with it the jitter.

RRD has put each round into a step of its own: a round that was not made exactly at a step's edge is shared between two,
in proportion, and so may its losses be. The part of a lost packet is carried over to the next row, so that the losses
of a stretch of time stay right. Only the archive of single steps holds rounds. Those of several steps hold means and
extremes of sorted values, of which no percentile and no loss of a round can be told: they are left out.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from lxml import etree

from netstats_xl.domain.history import HistoryFormat, HistoryOptions, HistoryRow
from netstats_xl.domain.results import Replied, Timeout
from netstats_xl.errors import HistoryInvalid
from netstats_xl.importing.csv_table import LONGEST_RTT_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TIME = re.compile(r"/ (-?\d{1,12})\s*$")
_PING = re.compile(r"ping(\d{1,4})")
_LATEST_S = 253_402_300_799
_MOST_SOURCES = 2_000
_LONGEST_TEXT = 1_000


class SmokePing:
    """A `ports.HistoryFile` of SmokePing's; the file's name stands for the destination."""

    format = HistoryFormat.SMOKEPING

    def __init__(self, path: Path, options: HistoryOptions) -> None:
        self._path = path
        self.part_read = 0.0
        self.notes: tuple[str, ...] = ()

    def rows(self) -> Iterator[HistoryRow]:
        """As `ports.HistoryFile.rows`."""
        try:
            size = max(self._path.stat().st_size, 1)
            with self._path.open("rb") as file:
                dump = _Dump(self._path)
                # Neither entities nor a DTD are needed, and each may be a trap.
                events = etree.iterparse(
                    file,
                    events=("start", "end", "comment"),
                    resolve_entities=False,
                    no_network=True,
                    load_dtd=False,
                    huge_tree=False,
                )
                for event, node in events:
                    yield from dump.take(event, node)
                    self.part_read = min(file.tell() / size, 1.0)
                self.notes = dump.left_out()
        except etree.XMLSyntaxError as error:
            raise HistoryInvalid(
                f"{self._path} is no XML that can be read ({error}): write it again with `rrdtool dump`."
            ) from error
        except OSError as error:
            raise HistoryInvalid(f"{self._path} cannot be read: {error.strerror or error}.") from error
        self.part_read = 1.0


class _Dump:
    """What is known of a dump while it is read. Nodes are dropped as soon as they are complete."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source = path.stem
        self._step_s = 0
        self._names: list[str] = []
        self._function = ""
        self._steps_a_row = 0
        self._chosen = False
        """Whether the archive of rounds has come already."""
        self._in_chosen = False
        self._at: datetime | None = None
        self._values: list[float] = []
        self._pings: list[int] = []
        self._loss = -1
        self._owed = 0.0
        """Part of a lost packet that was not counted yet."""
        self._left: Counter[tuple[str, int]] = Counter()

    def take(self, event: str, node: etree._Element) -> Iterator[HistoryRow]:
        if event == "start":
            if node.getparent() is None:
                self._refuse_entities(node)
            return
        if event == "comment":
            self._note_time(node)
            return
        name = etree.QName(node).localname
        text = (node.text or "").strip()
        if len(text) > _LONGEST_TEXT:
            raise self._invalid(node, f"<{name}> holds {len(text):,} characters")
        if name == "v":
            self._take_value(node, text)
        elif name == "row":
            yield from self._row(node)
        else:
            self._take_head(node, name, text)
        self._drop(node)

    def left_out(self) -> tuple[str, ...]:
        """What archives were left out, and why."""
        if not self._chosen:
            raise HistoryInvalid(
                f"{self._path} has no archive of single rounds (AVERAGE, 1 step a row): nothing can be imported."
            )
        if not self._left:
            return ()
        archives = ", ".join(f"{function} of {steps} rounds" for function, steps in sorted(self._left))
        return (
            f"{sum(self._left.values()):,} rows of consolidated archives ({archives}): means and extremes of several "
            "rounds, of which no percentile and no loss can be told.",
        )

    def _refuse_entities(self, root: etree._Element) -> None:
        dtd: etree.DTD | None = root.getroottree().docinfo.internalDTD  # None without a document type
        if dtd is not None and list(dtd.iterentities()):  # type: ignore[attr-defined]  # the stubs lack it
            raise HistoryInvalid(
                f"{self._path} declares entities, which no dump of rrdtool does: it is not read."
            )
        if etree.QName(root).localname != "rrd":
            raise HistoryInvalid(f"{self._path} is no dump of rrdtool: it begins with <{root.tag}>.")

    def _note_time(self, comment: etree._Element) -> None:
        found = _TIME.search((comment.text or "")[-40:])
        if found and 0 <= int(found[1]) <= _LATEST_S:
            self._at = _EPOCH + timedelta(seconds=int(found[1]))

    def _take_head(self, node: etree._Element, name: str, text: str) -> None:
        parent = node.getparent()
        above = "" if parent is None else etree.QName(parent).localname
        if name == "step" and above == "rrd":
            self._step_s = self._whole(node, text)
        elif name == "name" and above == "ds":
            if len(self._names) >= _MOST_SOURCES:
                raise self._invalid(node, f"there are more than {_MOST_SOURCES:,} data sources")
            self._names.append(text)
        elif name == "cf":
            self._function = text
        elif name == "pdp_per_row":
            self._steps_a_row = self._whole(node, text)
            self._in_chosen = not self._chosen and self._function == "AVERAGE" and self._steps_a_row == 1
            if self._in_chosen:
                self._begin(node)

    def _begin(self, node: etree._Element) -> None:
        self._chosen = True
        if not 1 <= self._step_s <= 86_400:
            raise self._invalid(node, f"a step of {self._step_s} s is none of SmokePing's")
        places = {
            int(found[1]): place for place, name in enumerate(self._names) if (found := _PING.fullmatch(name))
        }
        if "loss" not in self._names or not places or sorted(places) != list(range(1, len(places) + 1)):
            raise HistoryInvalid(
                f"{self._path} is no RRD of SmokePing's: it has the data sources {', '.join(self._names[:8])}, not "
                "loss and ping1, ping2 and so on."
            )
        self._loss = self._names.index("loss")
        self._pings = [places[number] for number in sorted(places)]

    def _take_value(self, node: etree._Element, text: str) -> None:
        if len(self._values) >= len(self._names):
            raise self._invalid(node, f"a row has more than {len(self._names)} values")
        try:
            self._values.append(float(text))
        except ValueError:
            raise self._invalid(node, f"{text[:80]!r} is no number") from None

    def _row(self, node: etree._Element) -> Iterator[HistoryRow]:
        values, self._values = self._values, []
        at, self._at = self._at, None
        if not self._in_chosen:
            self._left[self._function, self._steps_a_row] += 1
            return
        if len(values) != len(self._names):
            raise self._invalid(node, f"a row has {len(values)} values where {len(self._names)} are needed")
        if at is None:
            raise self._invalid(node, "a row has no comment with its time before it")
        if math.isnan(values[self._loss]):
            return
        sent = len(self._pings)
        if not 0 <= values[self._loss] <= sent:
            raise self._invalid(node, f"{values[self._loss]:g} of {sent} packets cannot have been lost")
        rtts = [1_000 * values[place] for place in self._pings if not math.isnan(values[place])]
        if not all(0 <= rtt <= LONGEST_RTT_MS for rtt in rtts):
            raise self._invalid(node, "an RTT is negative, or longer than ten minutes")
        answered = self._answered(values[self._loss], sent, rtts)
        address = ""
        lost = (None,) * (sent - len(answered))
        yield HistoryRow(
            source=self._source,
            at=at - timedelta(seconds=self._step_s),
            outcome=Replied(address=address, rtts_ms=(*answered, *lost), in_order=False)
            if answered
            else Timeout(address=address, sent=sent),
            interval_s=float(self._step_s),
        )

    def _answered(self, loss: float, sent: int, rtts: list[float]) -> list[float]:
        """The RTTs of as many packets as were answered: of those that two rounds share, the middle ones."""
        lost = min(max(round(loss + self._owed), 0), sent)
        lost = max(lost, sent - len(rtts))
        self._owed = min(max(self._owed + loss - lost, -1.0), 1.0)
        extra = len(rtts) - (sent - lost)
        # SmokePing leaves the first half, rounded down, of the lost packets' places at the lower end.
        return rtts[extra // 2 : len(rtts) - (extra - extra // 2)]

    def _whole(self, node: etree._Element, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            raise self._invalid(node, f"{text[:80]!r} is no whole number") from None

    def _invalid(self, node: etree._Element, what: str) -> HistoryInvalid:
        return HistoryInvalid(f"{self._path}, line {node.sourceline}: {what}.")

    @staticmethod
    def _drop(node: etree._Element) -> None:
        """Empty the node, and take away what is before it; the node itself lxml needs until it has moved on."""
        node.clear()
        parent = node.getparent()
        if parent is not None:
            while node.getprevious() is not None:
                del parent[0]
