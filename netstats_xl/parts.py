"""What a companion is made of, whichever technology serves it."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from netstats_xl.app.publishing import ReportInputs
from netstats_xl.app.service import Service
from netstats_xl.domain.targets import Settings
from netstats_xl.domain.views import WorkbookView
from netstats_xl.ports import Clock, Prober, Publisher, ResultStore, Workbook
from netstats_xl.scheduling import Scheduler
from netstats_xl.scheduling.scheduler import OnError

DEFAULT_PERIOD = "24h"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the user of a live workbook chose to see."""

    details_of: str = ""
    """Name of a destination or a job; empty: none chosen."""
    period: str = DEFAULT_PERIOD


class LiveViews(Protocol):
    """Makes the views of a live workbook."""

    def status(self, inputs: ReportInputs) -> WorkbookView:
        """The columns that tell how things are; cheap."""
        ...

    def everything(self, store: ResultStore, inputs: ReportInputs, selection: Selection) -> WorkbookView:
        """All sheets."""
        ...


class Server(Protocol):
    """A control channel."""

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
    open_prober: Callable[[], Prober]
    open_store: Callable[[Settings], ResultStore]
    open_memory_store: Callable[[], ResultStore]
    make_scheduler: Callable[[OnError], Scheduler]
    new_id: Callable[[], str]
    default_zone: str
    report_to: Callable[[Path], Publisher]
    """A report file at a path."""
    report_folder: Path
    """Where reports without a place of their own go."""
    own_files: tuple[Path, ...] = ()
    """The workbook, where it is a file: no report may take its place."""
    hold: Callable[[Settings], AbstractContextManager[object]] = lambda _: nullcontext()
    """Keeps other companions off the database.

    Raises:
        StoreLocked: another one has it.
    """
    make_server: Callable[[Service, Settings, str, datetime], Server] | None = None
    """Serves the control channel of a companion that began then, with its database at this location."""
    live_views: LiveViews | None = None
    """What is shown in a workbook that is open in a spreadsheet program; None: it is a file."""
    last_settings: Callable[[], Settings] = Settings
    """The settings that tell where the database of a live workbook is which cannot be reached now."""
    cpu_s: Callable[[], float] = time.process_time
    """The processor time that this process has used."""
