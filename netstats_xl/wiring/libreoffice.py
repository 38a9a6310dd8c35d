"""The parts of a companion whose workbook is open in LibreOffice, and how LibreOffice is opened."""

import time
from collections.abc import Callable
from pathlib import Path

from netstats_xl.errors import WorkbookClosed, WorkbookError
from netstats_xl.files import replacing
from netstats_xl.parts import Parts
from netstats_xl.paths import DataFolder, data_folder, make_private
from netstats_xl.wiring.live import live_parts, settle_identity, typed_tables

OPEN_WITHIN_S = 120.0
"""LibreOffice's first start of all takes long."""
LOOK_EVERY_S = 0.3


def connect_libreoffice(
    workbook: str, *, identity: str, settled: Callable[[str], None] = lambda _: None
) -> Parts:
    """The parts for collecting for a workbook that LibreOffice shows, or will show.

    Args:
        workbook: Its path.
        identity: What it carries; zeros where none was drawn yet.
        settled: Is told the identity that it has from now on.

    Raises:
        WorkbookBusy: LibreOffice did not answer for a minute, and the workbook has no identity yet.
        WorkbookClosed: it is not open, and has no identity yet.
        WorkbookError: there is no LibreOffice here, or no Python that reaches it.
    """
    from netstats_xl.workbooks.libreoffice.finding import DocumentRef
    from netstats_xl.workbooks.libreoffice.pressing import BUTTONS, SHEETS, Pressing
    from netstats_xl.workbooks.libreoffice.program import require_program
    from netstats_xl.workbooks.libreoffice.workbook import LibreOfficeWorkbook

    pressing = Pressing(lambda sentence, bad: book.tell(sentence, bad=bad))
    book = LibreOfficeWorkbook(
        DocumentRef(path=workbook, guid=identity),
        address=address,
        python=require_program().python,
        inputs=typed_tables(),
        buttons=dict.fromkeys(SHEETS, BUTTONS),
        pressed=pressing.press,
        changed=pressing.note_change,
    )
    try:
        id_ = settle_identity(book, identity, data_folder())
        settled(id_)
        return live_parts(book, book.full_name or workbook, id_, serve=pressing.serve)
    except BaseException:
        book.close()
        raise


def address(data: DataFolder | None = None) -> str:
    """Where this user's LibreOffice listens, as `open_in_libreoffice` wrote it down.

    Raises:
        WorkbookClosed: it was never started so.
        WorkbookError: it cannot be read.
    """
    path = (data or data_folder()).libreoffice
    try:
        return path.read_text(encoding="utf-8").strip()
    except FileNotFoundError as error:
        raise WorkbookClosed(
            "LibreOffice cannot be reached. `netstats-xl open` opens the workbook so that it can."
        ) from error
    except OSError as error:
        raise WorkbookError(f"{path} cannot be read: {error.strerror or error}.") from error


def _write_down(found: str) -> None:
    path = data_folder().libreoffice
    try:
        make_private(path.parent)
        with replacing(path) as temporary:
            temporary.touch(mode=0o600)
            temporary.write_text(found, encoding="utf-8")
    except OSError as error:
        raise WorkbookError(f"{path} cannot be written: {error.strerror or error}.") from error


def open_in_libreoffice(workbook: Path) -> None:
    """Have LibreOffice show the workbook, and wait until it does.

    Raises:
        WorkbookError: there is no LibreOffice here, or it does not show the workbook in time.
    """
    from netstats_xl.workbooks.libreoffice.finding import DocumentRef
    from netstats_xl.workbooks.libreoffice.program import new_address, require_program
    from netstats_xl.workbooks.libreoffice.workbook import LibreOfficeWorkbook

    program = require_program()
    book = LibreOfficeWorkbook(
        DocumentRef(path=str(workbook)), address=address, python=program.python, inputs=()
    )
    try:
        if _is_open(book.revision):
            return
        new = None if _listens(program.python) else new_address()
        if new is not None:
            _write_down(new)
        program.show(workbook, new)
        give_up_at_s = time.monotonic() + OPEN_WITHIN_S
        while not _is_open(book.revision):
            if time.monotonic() > give_up_at_s:
                raise WorkbookError(
                    f"LibreOffice does not show {workbook.name}. If it asks something, answer it, and try again; "
                    "if it runs already, close all its windows first."
                )
            time.sleep(LOOK_EVERY_S)
    finally:
        book.close()


def _listens(python: Callable[[], str]) -> bool:
    """Whether a LibreOffice that `open_in_libreoffice` started runs still."""
    from netstats_xl.workbooks.libreoffice.child import Child, Gone

    child = Child(python, lambda _: None)
    try:
        child.ask("connect", address=address())
    except (Gone, WorkbookClosed):
        return False
    finally:
        child.close()
    return True


def _is_open(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except WorkbookClosed:
        return False
    except WorkbookError as error:
        if not error.retryable:
            raise
        return False
    return True
