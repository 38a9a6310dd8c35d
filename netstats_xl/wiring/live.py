"""The parts of a companion whose workbook is open in a spreadsheet program: in Excel, if nothing else is said."""

import re
import time
import uuid
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeVar

from netstats_xl.app.identity import NOT_DRAWN, identify
from netstats_xl.app.service import Service
from netstats_xl.domain.targets import Settings
from netstats_xl.domain.views import TableSpec
from netstats_xl.errors import WorkbookBusy, WorkbookClosed
from netstats_xl.hosting.records import WorkbookRecord, read_record, write_record
from netstats_xl.parts import Live, LiveWorkbook, Parts, Server
from netstats_xl.paths import DataFolder, data_folder, make_private
from netstats_xl.wiring.collecting import control_server, hold, make_scheduler, open_prober
from netstats_xl.wiring.files import clock, new_id, open_store, report_file, system_zone

BUSY_FOR_S = 60.0
"""How long Excel may be busy at the start: its user may be typing, or looking at a dialog."""
_PAUSE_S = 0.5
_ID = re.compile(r"[0-9a-f]{32}")

Answer = TypeVar("Answer")


class IdentifiedWorkbook(LiveWorkbook, Protocol):
    """A live workbook that carries an identity."""

    def identity(self) -> str:
        """The one that it carries; empty: none."""
        ...

    def set_identity(self, guid: str) -> None:
        """Have it carry this one."""
        ...


def connect_live(
    workbook: str, *, identity: str, window: int, settled: Callable[[str], None] = lambda _: None
) -> Parts:
    """The parts for collecting for a workbook that Excel shows, or will show.

    Args:
        workbook: What Excel calls it: a path or a web address.
        identity: What it carries; zeros where none was drawn yet.
        window: A window of the Excel that shows it; 0: unknown.
        settled: Is told the identity that it has from now on.

    Raises:
        WorkbookBusy: Excel did not answer for a minute, and the workbook has no identity yet.
        WorkbookClosed: it is not open, and has no identity yet.
    """
    from netstats_xl.workbooks.excel.workbook import BookRef, ExcelWorkbook

    book = ExcelWorkbook(BookRef(guid=identity, window=window, full_name=workbook), inputs=typed_tables())
    try:
        id_ = settle_identity(book, identity, data_folder())
        settled(id_)
        return live_parts(book, book.full_name or workbook, id_)
    except BaseException:
        book.close()
        raise


def typed_tables() -> list[TableSpec]:
    """The tables of a live workbook that its user types into."""
    from netstats_xl.app.views.live_sheets import live_spec

    return [
        block
        for sheet in live_spec().sheets
        for block in sheet.blocks
        if isinstance(block, TableSpec) and any(column.typed for column in block.columns)
    ]


def settle_identity(
    book: IdentifiedWorkbook, given: str, data: DataFolder, *, pause: Callable[[float], None] = time.sleep
) -> str:
    """The identity that the workbook has from now on: its own or, for a copy or a new one, one that is drawn.

    Where Excel cannot be asked, it is the one that was given.

    Raises:
        WorkbookBusy: Excel did not answer for a minute, and none was given.
        WorkbookClosed: the workbook is not open, and none was given.
    """
    try:
        found = _patiently(book.identity, pause)
        record = read_record(data.record(found)) if _ID.fullmatch(found) else None
        settled = identify(
            found,
            present=book.full_name,
            recorded=record.place if record is not None else None,
            still_there=record is not None and _is_there(record.place),
            draw=lambda: uuid.uuid4().hex,
        )
        if settled != found:
            _patiently(lambda: book.set_identity(settled), pause)
    except (WorkbookBusy, WorkbookClosed):
        if given == NOT_DRAWN or not _ID.fullmatch(given):
            raise
        return given
    return settled


def live_parts(
    book: LiveWorkbook, name: str, id_: str, *, serve: Callable[[Service], None] = lambda _: None
) -> Parts:
    """The parts for collecting for this workbook, under this identity; `serve`: see `Live`."""
    from netstats_xl.app.views.live import LiveViews

    data = data_folder()

    def path_of(settings: Settings) -> Path:
        if not settings.database:
            path = data.database(id_)
            make_private(path.parent)
            return path
        # Not beside a workbook that has a web address: no database can lie there.
        return (folder_of(book.full_name or name) or data.database(id_).parent) / Path(
            settings.database
        ).expanduser()

    def last_settings() -> Settings:
        record = read_record(data.record(id_))
        return Settings(database=record.database if record is not None else "")

    def make_server(service: Service, settings: Settings, started_at: datetime) -> Server:
        return control_server(
            service, id_, workbook=book.full_name or name, database=str(path_of(settings)), at=started_at
        )

    def note_place(place: str, database: str) -> None:
        record = WorkbookRecord(place=place, database=database)
        if record != read_record(data.record(id_)):
            write_record(data.record(id_), record)

    return Parts(
        clock=clock(),
        workbook=book,
        workbook_name=name,
        open_prober=open_prober,
        open_store=lambda settings, watcher: open_store(path_of(settings), watcher=watcher),
        open_memory_store=lambda: open_store(None),
        make_scheduler=make_scheduler,
        new_id=new_id,
        default_zone=system_zone(),
        report_to=report_file,
        report_folder=lambda: folder_of(book.full_name or name) or _documents(),
        hold=lambda settings: hold(path_of(settings), id_, workbook=book.full_name or name),
        make_server=make_server,
        live=Live(
            book=book, views=LiveViews(), last_settings=last_settings, note_place=note_place, serve=serve
        ),
    )


def folder_of(place: str) -> Path | None:
    """The folder of a workbook; None for a web address, and for one that was never saved."""
    if place.lower().startswith(("http://", "https://")):
        return None
    folder = Path(place).parent
    return folder if folder.is_absolute() and folder.is_dir() else None


def _documents() -> Path:
    from platformdirs import user_documents_path

    return user_documents_path()


def _is_there(place: str) -> bool:
    """Whether a file is at a place. Of a web address nobody can tell here: a rename must keep the history."""
    try:
        return Path(place).exists()
    except (OSError, ValueError):
        return False


def _patiently(ask: Callable[[], Answer], pause: Callable[[float], None]) -> Answer:
    """Ask again while Excel is busy."""
    give_up_at_s = time.monotonic() + BUSY_FOR_S
    while True:
        try:
            return ask()
        except WorkbookBusy:
            if time.monotonic() > give_up_at_s:
                raise
            pause(_PAUSE_S)
