"""`import`: earlier measurements into the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import typer

from netstats_xl import wiring
from netstats_xl.app.history_sources import Plan
from netstats_xl.app.importing import Imported, Importing
from netstats_xl.commands.asking import counted, parsed
from netstats_xl.domain.history import DateOrder, HistoryFormat, HistoryOptions
from netstats_xl.domain.targets import Settings
from netstats_xl.domain.windows import parse_duration, parse_zone, to_local
from netstats_xl.errors import CompanionNotRunning, ConfigurationError, StoreError, StoreLocked
from netstats_xl.ports import HistoryFile
from netstats_xl.sheets import SETTINGS, read_definitions
from netstats_xl.sheets.cells import shown

MOST_LISTED = 20
LONGEST_ROUND = timedelta(hours=1)
_EVERY = 0.1
"""How much more of a file is read before it is told again."""


def import_files(
    files: Sequence[Path],
    workbook: Path,
    *,
    database: Path | None,
    kind: str | None,
    mapping: Mapping[str, str],
    add: bool,
    dry_run: bool,
    options: HistoryOptions,
    overlapping: bool,
) -> int:
    """Import the files, one after the other; 1 where hosts were left out, else 0."""
    path = _database(workbook, database)
    histories = [
        wiring.open_history(file, None if kind is None else HistoryFormat(kind), options) for file in files
    ]
    _refuse_collector(path)
    try:
        store = wiring.open_store(path, spare_core=False)
    except StoreLocked as error:
        raise StoreLocked(f"{error.message} Nothing was imported.") from error
    complete = True
    try:
        settings = store.definitions().settings or Settings(zone=wiring.system_zone())
        importing = Importing(store, wiring.clock(), wiring.new_id)
        for file, history in zip(files, histories, strict=True):
            plan = importing.plan(history, mapping=mapping, add=add, told=_Told(f"Reading {file.name}"))
            found = importing.carry_out(
                history,
                plan,
                retention=timedelta(days=settings.retention_days),
                overlapping=overlapping,
                dry_run=dry_run,
                told=_Told(f"{'Comparing' if dry_run else 'Importing'} {file.name}"),
            )
            _tell(file, history, plan, found, settings, dry_run)
            complete = complete and not plan.missing
    finally:
        store.close()
    return 0 if complete else 1


def read_mapping(given: Sequence[str], file: Path | None) -> Mapping[str, str]:
    """OLD=NAME of the options, and of the file's lines; of the same OLD the option counts."""
    mapping = {}
    if file is not None:
        try:
            lines = file.read_text(encoding="utf-8-sig").splitlines()
        except (OSError, ValueError) as error:
            raise ConfigurationError(
                f"{file} cannot be read: {error}. It is a text of lines OLD=NAME."
            ) from error
        for line in lines:
            if line.strip() and not line.startswith("#"):
                old, name = parsed(_pair, line, f"--map-file {file}")
                mapping[old] = name
    for each in given:
        old, name = parsed(_pair, each, "--map")
        mapping[old] = name
    return mapping


def read_options(
    *, zone: str | None, date_order: str | None, columns: str | None, round_length: str | None
) -> HistoryOptions:
    """How the files are to be read, from the texts of the options."""
    round_s = None
    if round_length is not None:
        length = parsed(_round, round_length, "--round")
        round_s = int(length.total_seconds())
    pairs = [] if columns is None else [parsed(_pair, each, "--columns") for each in columns.split(",")]
    return HistoryOptions(
        zone=None if zone is None else parsed(parse_zone, zone, "--zone"),
        date_order=None if date_order is None else DateOrder(date_order),
        columns={what.casefold(): name for what, name in pairs},
        round_s=round_s,
    )


def _round(text: str) -> timedelta:
    length = parse_duration(text)
    if length > LONGEST_ROUND:
        raise ValueError("a round is at most an hour long: write for example 10s, 1m")
    return length


def _pair(text: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not sign or not left.strip() or not right.strip():
        raise ValueError("write OLD=NAME, what the file says before the sign and what it stands for after it")
    return left.strip(), right.strip()


def _database(workbook: Path, database: Path | None) -> Path:
    if database is None:
        tables = wiring.file_workbook(workbook).read((SETTINGS,))
        database = wiring.database_path(workbook, read_definitions(tables, default_zone="UTC").settings)
    if not database.exists():
        raise StoreError(
            f"There is no database at {database}. `netstats-xl run` or `start` makes one, and with it the destinations "
            "that the rounds go to; --database names another."
        )
    return database


def _refuse_collector(database: Path) -> None:
    try:
        with wiring.find_companion(database=database) as client:
            workbook = client.endpoint.workbook
    except CompanionNotRunning:
        return
    raise ConfigurationError(
        f"The collector of {workbook} is at work and has the database for itself. Stop it (`netstats-xl stop "
        f'"{workbook}"`), import, and start it again.'
    )


class _Told:
    """Tells now and then how far it is, beside what is printed."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._next = _EVERY

    def __call__(self, part: float) -> None:
        if part >= self._next and part < 1:
            typer.echo(f"{self._what}: {part:.0%}", err=True)
            self._next = part + _EVERY


def _tell(
    file: Path,
    history: HistoryFile,
    plan: Plan,
    found: Mapping[str, Imported],
    settings: Settings,
    dry_run: bool,
) -> None:
    rows = sum(source.rows for source in plan.sources.values())
    sources = counted(len(plan.sources), "destination")
    typer.echo(f"{file} ({history.format.product}): {_rounds(rows)} of {sources}")
    names = {target.id: target.name for target in plan.targets.values()}
    for destination_id, counts in sorted(found.items(), key=lambda each: names[each[0]].casefold())[
        :MOST_LISTED
    ]:
        typer.echo(f"  {shown(names[destination_id])}: {_counts(counts, settings.zone, dry_run)}")
    if len(found) > MOST_LISTED:
        typer.echo(f"  and {len(found) - MOST_LISTED} more destinations")
    for name, why in list(plan.missing.items())[:MOST_LISTED]:
        typer.echo(f"  left out: {shown(name)} ({_rounds(plan.sources[name].rows)}), {why}")
    if len(plan.missing) > MOST_LISTED:
        typer.echo(f"  left out: {len(plan.missing) - MOST_LISTED} more")
    if plan.missing:
        typer.echo(
            '  --map "OLD=NAME" says which destination of yours one is; --add takes it as a retired one.'
        )
    for note in plan.notes:
        typer.echo(f"  left out: {note}")
    for old in plan.unused:
        typer.echo(f"  --map: the file has no {shown(old)!r}.")
    _tell_totals(list(found.values()), settings, dry_run)


def _tell_totals(found: Sequence[Imported], settings: Settings, dry_run: bool) -> None:
    new, old = sum(each.new for each in found), sum(each.old for each in found)
    typer.echo(f"  {'Would import' if dry_run else 'Imported'} {_rounds(new)}.")
    if old:
        typer.echo(
            f"  {_rounds(old)} of them: older than the {settings.retention_days} days for which single rounds "
            "are kept. The next clean-up deletes them; their minutes, hours, days and months stay."
        )


def _counts(counts: Imported, zone: str, dry_run: bool) -> str:
    parts = []
    if counts.first_at is not None and counts.last_at is not None:
        period = f"{_local(counts.first_at, zone)} to {_local(counts.last_at, zone)}"
        parts.append(f"{counts.new:,} {'to import' if dry_run else 'imported'}, {period}")
    for number, what in (
        (counts.known, "imported before"),
        (counts.measured, "in hours that were measured here (--overlapping takes them)"),
        (counts.outside, "in the future or before 1970"),
    ):
        if number:
            parts.append(f"{number:,} {what}")
    return "; ".join(parts)


def _local(at: datetime, zone: str) -> str:
    return f"{to_local(at, zone):%Y-%m-%d %H:%M}"


def _rounds(number: int) -> str:
    return "1 round" if number == 1 else f"{number:,} rounds"
