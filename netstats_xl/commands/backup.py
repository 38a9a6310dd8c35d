"""`backup` and `snapshot`: verified copies of a database, by the collector at work or right here."""

from collections.abc import Callable, Mapping
from concurrent.futures import Future, wait
from pathlib import Path
from threading import Thread
from typing import Any

from netstats_xl import wiring
from netstats_xl.commands.asking import say
from netstats_xl.commands.here import DEFAULT_WORKBOOK
from netstats_xl.commands.progress import shown
from netstats_xl.companion.backup_files import BackupFolder, check_copy
from netstats_xl.control.client import ControlClient
from netstats_xl.domain.windows import to_local
from netstats_xl.errors import CompanionNotRunning, StoreError
from netstats_xl.ports import OnProgress, Progress

PATIENCE_S = 24 * 3_600.0
"""How long a collector may take for a copy."""
LOOK_EVERY_S = 0.5
REMEDY = "Choose another name with --to, or add --force."


def backup(source: Path | None, to: Path | None, *, force: bool) -> None:
    """Make a verified copy of a workbook's database: where the nightly ones are, or in `to`."""
    path = _copy(source, to, force=force, read_only=False)
    say(f"Backup: {path}")


def snapshot(source: Path | None, to: Path | None, *, force: bool) -> None:
    """Make a write-protected copy for other programs; one made before is replaced."""
    if to is None:
        database = _database(source)
        to = database.with_name(f"{database.stem} snapshot.duckdb")
    path = _copy(source, to, force=force, read_only=True)
    say(
        f'Snapshot: {path}\nOther programs can read it; for DuckDB\'s own: duckdb -readonly "{path.name}". The same '
        "command again replaces it; on Windows, close it in the other program first."
    )


def find(source: Path | None) -> ControlClient:
    """The collector at work for a workbook or a database file; without either, the only one.

    Raises:
        CompanionNotRunning: there is none.
    """
    if source is None or source.suffix.casefold() in wiring.WORKBOOKS:
        return wiring.find_companion(source)
    return wiring.find_companion(database=source)


def existing(database: Path) -> Path:
    """The database, which is there.

    Raises:
        StoreError: it is not, or it is a folder.
    """
    if database.is_dir():
        raise StoreError(f"{database} is a folder: name a workbook or a database file.")
    if not database.exists():
        raise StoreError(f"There is no database at {database}. `netstats-xl run` or `start` makes one.")
    return database


def _database(source: Path | None) -> Path:
    try:
        with find(source) as client:
            return Path(client.endpoint.database)
    except CompanionNotRunning:
        return wiring.database_of(source or DEFAULT_WORKBOOK)[0]


def _copy(source: Path | None, to: Path | None, *, force: bool, read_only: bool) -> Path:
    try:
        with find(source) as client, shown() as show:
            if to is not None:
                check_copy(to, (Path(client.endpoint.database),), replace=force, remedy=REMEDY)
            wanted: dict[str, object] = {"read_only": read_only, "replace": force}
            if to is not None:
                wanted["output"] = str(to.absolute())
            return _ask(client, wanted, show)
    except CompanionNotRunning:
        return _copy_here(source or DEFAULT_WORKBOOK, to, force=force, read_only=read_only)


def _copy_here(source: Path, to: Path | None, *, force: bool, read_only: bool) -> Path:
    database, zone = wiring.database_of(source)
    existing(database)
    if to is not None:
        check_copy(to, (source, database), replace=force, remedy=REMEDY)
    store = wiring.open_store(database, spare_core=False)
    try:
        now = to_local(wiring.clock().now(), zone).replace(tzinfo=None)
        folder = BackupFolder(database)
        target = to.absolute() if to is not None else folder.target(now)
        with shown() as show:
            store.backup(target, show, read_only=read_only)
        if to is None:
            folder.rotate(now)
    finally:
        store.close()
    return target


def _ask(client: ControlClient, wanted: Mapping[str, object], show: OnProgress) -> Path:
    """Have the collector make the copy, and show meanwhile how far it is."""
    answer: Future[Mapping[str, Any]] = Future()
    with ControlClient(client.endpoint, patience_s=PATIENCE_S) as working:
        # A daemon: who does not want to wait for the answer need not.
        Thread(target=_settle, args=(answer, lambda: working.backup(**wanted)), daemon=True).start()
        try:
            while not wait([answer], timeout=LOOK_EVERY_S).done:
                told = client.backup_status()
                if told["doing"]:
                    show(Progress(doing=told["doing"], done=told["done"], total=told["total"]))
            return Path(answer.result()["path"])
        except KeyboardInterrupt:
            say("The collector goes on with the copy; `netstats-xl stop` would end it.", err=True)
            raise


def _settle(answer: "Future[Mapping[str, Any]]", ask: Callable[[], Mapping[str, Any]]) -> None:
    try:
        answer.set_result(ask())
    except BaseException as error:  # noqa: BLE001 - the edge of a thread: who waits for the answer raises it
        answer.set_exception(error)
