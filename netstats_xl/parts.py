"""What a companion is made of, whichever technology serves it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from netstats_xl.app.publishing import ReportInputs
from netstats_xl.app.service import Service, WorkbookState
from netstats_xl.domain.targets import Definitions, Engine, Settings
from netstats_xl.domain.views import WorkbookView
from netstats_xl.ports import Clock, Prober, Publisher, ResultStore, StoreWatcher, Workbook
from netstats_xl.scheduling import Scheduler
from netstats_xl.scheduling.scheduler import OnError
from netstats_xl.sheets import Selection


class LiveViews(Protocol):
    """Makes the views of a live workbook."""

    def status(self, inputs: ReportInputs) -> WorkbookView:
        """The columns that tell how things are; cheap."""
        ...

    def everything(self, store: ResultStore, inputs: ReportInputs, selection: Selection) -> WorkbookView:
        """All sheets."""
        ...

    def forget(self) -> None:
        """Ask the store everything anew: results of the past were saved late, or deleted."""
        ...


class LiveWorkbook(Workbook, Protocol):
    """A workbook that is open in a spreadsheet program, or may be."""

    @property
    def full_name(self) -> str:
        """Its path or web address when it was seen last."""
        ...

    @property
    def state(self) -> WorkbookState:
        """Whether it is open, cannot answer or be written now, or is closed, as far as is known."""
        ...

    @property
    def problems(self) -> tuple[str, ...]:
        """What cannot be shown in it, and what would help."""
        ...

    def note_change(self) -> None:
        """Its user changed something: the next `revision` looks at once."""
        ...

    def hold(self, held: bool) -> None:
        """While held, nothing is written but what `edit` is asked for; then what was published is shown."""
        ...

    def flush(self, within_s: float) -> bool:
        """Wait until all that was published is shown; whether it is."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Live:
    """What a companion needs besides for a workbook that is open in a spreadsheet program."""

    book: LiveWorkbook
    views: LiveViews
    last_settings: Callable[[], Settings]
    """The settings that tell where the database is while the workbook cannot be reached."""
    note_place: Callable[[str, str], None]
    """Remembers lastingly where the workbook was seen, and where its database is."""
    serve: Callable[[Service], None] = lambda _: None
    """Has the workbook's own buttons, if it has any, reach the service."""


class Server(Protocol):
    """A control channel."""

    def rename(self, workbook: str) -> None:
        """Tell another name of the workbook."""
        ...

    def start(self) -> object:
        """Serve.

        Raises:
            ControlError: it cannot be done.
        """
        ...

    def stop(self) -> None:
        """Serve no more, once what is under way is answered. Stopping twice does nothing."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What a companion is made of."""

    clock: Clock
    workbook: Workbook
    workbook_name: str
    open_prober: Callable[[Definitions, Engine], Prober]
    """What sends the probes of such definitions, with this engine.

    Raises:
        ConfigurationError: the environment asks for an engine that there is not.
        ProbeEngineError: nothing of these definitions can be probed.
    """
    open_store: Callable[[Settings, StoreWatcher], ResultStore]
    """The store that the settings name; the watcher hears what befalls it."""
    open_memory_store: Callable[[], ResultStore]
    make_scheduler: Callable[[OnError], Scheduler]
    new_id: Callable[[], str]
    default_zone: str
    report_to: Callable[[Path], Publisher]
    """A report file at a path."""
    report_folder: Callable[[], Path]
    """Where reports without a place of their own go."""
    own_files: tuple[Path, ...] = ()
    """The workbook, where it is a file: no report may take its place."""
    hold: Callable[[Settings], AbstractContextManager[object]] = lambda _: nullcontext()
    """Keeps other companions off the database.

    Raises:
        StoreLocked: another one has it.
    """
    make_server: Callable[[Service, Settings, datetime], Server] | None = None
    """Serves the control channel of a companion that began then."""
    live: Live | None = None
    """None: the workbook is a file."""
    cpu_s: Callable[[], float] = time.process_time
    """The processor time that this process has used."""
