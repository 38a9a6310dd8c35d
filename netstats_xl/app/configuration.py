"""What the tables say and what is stored -> the definitions in force: which row is which, new, or gone."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from netstats_xl.domain.targets import Definitions, Destination, Job
from netstats_xl.ports import StoredDefinitions
from netstats_xl.sheets import DESTINATIONS, JOBS, InvalidRow, Reading

Thing = TypeVar("Thing", Destination, Job)

HOW_TO_CONFIRM = (
    "If this is meant, confirm it: by Validate on the ribbon, or by starting once with --confirm-removals. "
    "Else put the rows back and save."
)
_FEW = 10
"""A table with so many stored rows, or fewer, may lose them all at once."""
_MOST_TRIES = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sync:
    """What comes of a reading."""

    definitions: Definitions
    """To be in force from now on. Of invalid rows the stored definition; where `held`, what was stored."""
    added: tuple[str, ...] = ()
    """Names of the destinations and jobs that were not active before."""
    changed: tuple[str, ...] = ()
    retired: tuple[str, ...] = ()
    """Names of those that are no longer active; where `held`, of those that would be."""
    held: str | None = None
    """Why nothing was changed, in sentences, with the remedy; None where all was applied."""
    new_ids: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """IDs that rows do not show yet, by table and row number; to be written into the workbook."""
    row_ids: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """The ID of each row that has one, valid or not, by table and row number."""


def reconcile(
    reading: Reading, stored: StoredDefinitions, new_id: Callable[[], str], *, confirmed: bool = False
) -> Sync:
    """Find out which stored destination or job each row is, and what changes.

    - A row with an ID keeps it, unless it is a copy whose original is gone: see `_is_another`. Of several
      rows with the same ID one keeps it, the one that still has the stored name or else the first; the
      others are copies, and become new.
    - A row without an ID is the stored thing of its name or, failing that, of its host if there is just one
      such and just one such row; first among the active ones, then among the retired ones. Otherwise it is
      new. A copy is known again by its name in the same way.
    - An invalid row that is known in these ways keeps its stored definition in force, and changes nothing.
    - What is stored as active and has no row is retired; of a table that cannot be read, nothing is.
    - Where that would retire more than half of more than ten rows of a table, nothing at all is changed until
      it is `confirmed`.
    """
    destinations = _Table(
        name=DESTINATIONS,
        rows=_rows(DESTINATIONS, reading.destinations, reading.destination_rows, reading.invalid),
        active=stored.active.destinations,
        retired=stored.retired.destinations,
        readable=DESTINATIONS not in reading.unreadable,
    ).matched(new_id)
    jobs = _Table(
        name=JOBS,
        rows=_rows(JOBS, reading.jobs, reading.job_rows, reading.invalid),
        active=stored.active.jobs,
        retired=stored.retired.jobs,
        readable=JOBS not in reading.unreadable,
    ).matched(new_id)
    held = [] if confirmed else [*_too_many(destinations, "destinations"), *_too_many(jobs, "jobs")]
    both = (destinations, jobs)
    return Sync(
        definitions=stored.active
        if held
        else Definitions(destinations=destinations.things, jobs=jobs.things),
        added=() if held else tuple(name for each in both for name in each.added),
        changed=() if held else tuple(name for each in both for name in each.changed),
        retired=tuple(name for each in both for name in each.retired),
        held=f"{' and '.join(held)} would be removed at once: no change is applied. {HOW_TO_CONFIRM}"
        if held
        else None,
        new_ids={} if held else {key: id_ for each in both for key, id_ in each.new_ids.items()},
        row_ids={key: id_ for each in both for key, id_ in each.row_ids.items()},
    )


@dataclass(slots=True, kw_only=True)
class _Row(Generic[Thing]):
    """A row, and the ID that it turns out to have."""

    number: int
    written_id: str
    name: str
    host: str
    thing: Thing | None
    """None: the row is invalid."""
    id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Matched(Generic[Thing]):
    """A table after its rows were matched with what is stored."""

    active: int
    """How many were active before."""
    things: tuple[Thing, ...]
    added: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...]
    new_ids: Mapping[tuple[str, int], str]
    row_ids: Mapping[tuple[str, int], str]


def _rows(
    table: str, things: Sequence[Thing], numbers: Sequence[int], invalid: Sequence[InvalidRow]
) -> list[_Row[Thing]]:
    rows: list[_Row[Thing]] = [
        _Row(number=number, written_id=thing.id, name=thing.name, host=_host(thing), thing=thing)
        for thing, number in zip(things, numbers, strict=True)
    ]
    rows += [
        _Row(number=row.number, written_id=row.id, name=row.name, host=row.host, thing=None)
        for row in invalid
        if row.table == table
    ]
    return sorted(rows, key=lambda row: row.number)


def _host(thing: Destination | Job) -> str:
    return thing.host if isinstance(thing, Destination) else ""


def _is_another(
    row: _Row[Thing], own: Destination | Job | None, other: Destination | Job | None, hosts: Collection[str]
) -> bool:
    """Whether a row is not what its ID says: it was copied with the ID, got its own, and the original is gone.

    `own` is what is stored under the ID. `other` is active, has the row's name, and its ID stands in no row;
    `hosts` are those of all such. What a row shares with `own` alone speaks for its ID: it was renamed, or moved.
    """
    host = row.host.casefold()
    if own is not None and row.name.casefold() == own.name.casefold():
        return False
    if other is not None and host == _host(other).casefold():
        return True
    moved = own is None or host != _host(own).casefold()
    return moved and (other is not None or (own is not None and host in hosts))


@dataclass(slots=True, kw_only=True)
class _Table(Generic[Thing]):
    """Matches the rows of a table with what is stored."""

    name: str
    rows: list[_Row[Thing]]
    active: Sequence[Thing]
    retired: Sequence[Thing]
    readable: bool
    claimed: set[str] = field(default_factory=set)

    def matched(self, new_id: Callable[[], str]) -> _Matched[Thing]:
        self._claim_written_ids()
        for stored in (self.active, self.retired[::-1]):  # of what is retired, the latest first
            self._claim_by_name(stored)
        self._claim_by_host(self.active, [row for row in self.rows if not row.id])
        self._claim_by_host(self.retired, [row for row in self.rows if not row.id and not row.written_id])
        taken = {thing.id for thing in (*self.active, *self.retired)} | self.claimed
        for row in self.rows:
            if not row.id and row.thing is not None:
                row.id = _fresh(new_id, taken)
        return self._outcome()

    def _claim_written_ids(self) -> None:
        """Give each written ID to one row: the one that still has the stored name, else the first.

        The other rows go on as if they had none: a file's IDs are not rewritten, so a copy shows the ID of
        its original at every reading.
        """
        known = {thing.id: thing for thing in (*self.retired, *self.active)}
        names = {id_: thing.name.casefold() for id_, thing in known.items()}
        written = {row.written_id for row in self.rows}
        shown = Counter(row.name.casefold() for row in self.rows)
        unseen = [thing for thing in self.active if thing.id not in written]
        shown_hosts = Counter(row.host.casefold() for row in self.rows)
        # A name or a host that several rows show tells nothing of which row is the other thing.
        others = {thing.name.casefold(): thing for thing in unseen if shown[thing.name.casefold()] == 1}
        hosts = {host for thing in unseen if (host := _host(thing).casefold()) and shown_hosts[host] == 1}
        rows_by_id: dict[str, list[_Row[Thing]]] = {}
        for row in self.rows:
            other = others.get(row.name.casefold())
            if row.written_id and not _is_another(row, known.get(row.written_id), other, hosts):
                rows_by_id.setdefault(row.written_id, []).append(row)
        for id_, rows in rows_by_id.items():
            self._claim(next((row for row in rows if row.name.casefold() == names.get(id_)), rows[0]), id_)

    def _claim_by_name(self, stored: Sequence[Thing]) -> None:
        """Match names; where several stored things have one name, the one that has the row's host too goes first.

        That happens when a row took the name of one whose own row is invalid: the same must match at every reading.
        """
        free: dict[str, list[Thing]] = {}
        for thing in stored:
            if thing.id not in self.claimed:
                free.setdefault(thing.name.casefold(), []).append(thing)
        valid_first = sorted(self.rows, key=lambda row: row.thing is None)
        for row in valid_first:
            named = [] if row.id else free.get(row.name.casefold(), [])
            if named:
                same_host = [thing for thing in named if _host(thing).casefold() == row.host.casefold()]
                found = (same_host or named)[0]
                named.remove(found)
                self._claim(row, found.id)

    def _claim_by_host(self, stored: Sequence[Thing], rows: Collection[_Row[Thing]]) -> None:
        """Match where just one of the rows, and just one of those that nobody claimed, has the host."""
        free = [thing for thing in stored if thing.id not in self.claimed]
        stored_hosts = Counter(_host(thing).casefold() for thing in free)
        row_hosts = Counter(row.host.casefold() for row in rows)
        ids = {_host(thing).casefold(): thing.id for thing in free}
        for row in rows:
            host = row.host.casefold()
            if host and row_hosts[host] == stored_hosts[host] == 1:
                self._claim(row, ids[host])

    def _claim(self, row: _Row[Thing], id_: str) -> None:
        row.id = id_
        self.claimed.add(id_)

    def _outcome(self) -> _Matched[Thing]:
        before = {thing.id: thing for thing in self.active}
        valid = [_with_id(row.thing, row.id) for row in self.rows if row.thing is not None]
        if self.readable:
            things = tuple(filter(None, (_in_force(row, before) for row in self.rows)))
        else:
            things = tuple(self.active)
        kept = {thing.id for thing in things}
        return _Matched(
            active=len(self.active),
            things=things,
            added=tuple(thing.name for thing in valid if thing.id not in before),
            changed=tuple(thing.name for thing in valid if thing.id in before and thing != before[thing.id]),
            retired=tuple(thing.name for thing in self.active if thing.id not in kept),
            new_ids={
                (self.name, row.number): row.id
                for row in self.rows
                if row.thing is not None and row.id != row.written_id
            },
            row_ids={(self.name, row.number): row.id for row in self.rows if row.id},
        )


def _in_force(row: _Row[Thing], before: Mapping[str, Thing]) -> Thing | None:
    return before.get(row.id) if row.thing is None else _with_id(row.thing, row.id)


def _with_id(thing: Thing, id_: str) -> Thing:
    return thing.model_copy(update={"id": id_})


def _fresh(new_id: Callable[[], str], taken: set[str]) -> str:
    for _ in range(_MOST_TRIES):
        if (id_ := new_id()) not in taken:
            taken.add(id_)
            return id_
    raise ValueError(f"the source of new IDs gave {_MOST_TRIES} that are taken")


def _too_many(table: _Matched[Thing], what: str) -> Iterator[str]:
    if table.active > _FEW and 2 * len(table.retired) > table.active:
        yield f"{len(table.retired)} of {table.active} {what}"
