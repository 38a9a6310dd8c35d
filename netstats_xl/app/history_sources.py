"""What a file of earlier measurements has of whom, and which destinations of ours they are."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from netstats_xl.domain.endpoints import canonical_host
from netstats_xl.domain.history import HistoryRow
from netstats_xl.domain.targets import Destination
from netstats_xl.errors import HistoryInvalid
from netstats_xl.ports import StoredDefinitions
from netstats_xl.sheets.cells import parse_name

GAPS_LOOKED_AT = 1_000
"""Gaps between rounds of a source, of which the commonest is its interval."""
LONGEST_INTERVAL_S = 86_400.0
USUAL_INTERVAL_S = 60.0
"""Where a single round tells none."""
_UNKNOWN = "the database has no destination of this name or host"


@dataclass(slots=True, kw_only=True)
class Source:
    """What the file has of one destination."""

    host: str = ""
    rows: int = 0
    first_at: datetime
    last_at: datetime
    gaps: Counter[timedelta] = field(default_factory=Counter)
    _before: datetime | None = None

    def take(self, row: HistoryRow) -> None:
        """Count a row."""
        self.rows += 1
        self.first_at, self.last_at = min(self.first_at, row.at), max(self.last_at, row.at)
        if self._before is not None and row.at > self._before and sum(self.gaps.values()) < GAPS_LOOKED_AT:
            self.gaps[row.at - self._before] += 1
        self._before = row.at

    @property
    def interval_s(self) -> float:
        """The commonest gap, s; of several the shortest."""
        if not self.gaps:
            return USUAL_INTERVAL_S
        most = max(self.gaps.values())
        shortest = min(gap for gap, count in self.gaps.items() if count == most)
        return min(max(shortest.total_seconds(), 0.001), LONGEST_INTERVAL_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """Where each source of a file goes."""

    sources: Mapping[str, Source]
    targets: Mapping[str, Destination]
    """Of the sources that have a destination."""
    added: tuple[Destination, ...] = ()
    """Those of the targets that the database does not know yet."""
    missing: Mapping[str, str] = field(default_factory=dict)
    """Why a source has no destination."""
    unused: tuple[str, ...] = ()
    """What was mapped and is not in the file."""
    notes: tuple[str, ...] = ()
    """What reading the file left out."""


def map_sources(
    sources: Mapping[str, Source],
    stored: StoredDefinitions,
    mapping: Mapping[str, str],
    *,
    new_id: Callable[[], str] | None,
    notes: Sequence[str] = (),
) -> Plan:
    """Find each source's destination: the one that `mapping` says, or the one of its name or host.

    `new_id` gives the IDs of destinations that are not known and are to be added; None: they are left out.

    Raises:
        HistoryInvalid: what `mapping` says is not known, or may be several.
    """
    given = {old.casefold(): name for old, name in mapping.items()}
    names = {name.casefold() for name in sources}
    targets: dict[str, Destination] = {}
    added: dict[str, Destination] = {}
    missing: dict[str, str] = {}
    for name, source in sources.items():
        wanted = given.get(name.casefold())
        known = _find(stored, (wanted,) if wanted is not None else (name, source.host))
        if isinstance(known, Destination):
            targets[name] = known
        elif wanted is not None:
            raise HistoryInvalid(
                f"{name!r} is to go to {wanted!r}, but {known or _UNKNOWN}. The names are those of the sheet "
                "Destinations, as they were when the collector ran last."
            )
        elif known or new_id is None:
            missing[name] = known or _UNKNOWN
        else:
            try:
                new = _added(name, source.host, new_id)
            except ValueError as error:
                missing[name] = f"it cannot be added: {error}"
            else:
                targets[name] = added.setdefault(new.name.casefold(), new)
    return Plan(
        sources=sources,
        targets=targets,
        added=tuple(added.values()),
        missing=missing,
        unused=tuple(old for old in mapping if old.casefold() not in names),
        notes=tuple(notes),
    )


def _added(name: str, host: str, new_id: Callable[[], str]) -> Destination:
    """A destination of this name, by the checks of the sheets.

    Raises:
        ValueError: the name, or the host, cannot be that of a destination.
    """
    checked = parse_name(name, what="the name of a destination")
    return Destination(id=new_id(), name=checked, host=canonical_host(host or name))


def _find(stored: StoredDefinitions, names: Iterable[str]) -> Destination | str:
    """The destination of one of these names or hosts, active ones first; else why it is not clear, or nothing."""
    wanted = [name.casefold() for name in names if name]
    for definitions in (stored.active, stored.retired):
        for what in ("name", "host"):
            for name in wanted:
                found = [each for each in definitions.destinations if getattr(each, what).casefold() == name]
                if len(found) == 1:
                    return found[0]
                if found:
                    listed = ", ".join(each.name for each in found[:5])
                    return f"several destinations have this {what} ({listed}): say which with --map"
    return ""
