"""What a report is made of besides the store's measurements."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from netstats_xl.app.outlook import Outlook
from netstats_xl.domain.results import EVERYTHING, Period, Scope
from netstats_xl.domain.states import DestinationStatus, JobStatus
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Definitions, DestinationId, JobId, Settings
from netstats_xl.errors import CellError


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportInputs:
    """One report: what was asked for, what the user defined, and what is known about its state."""

    period: Period
    generated_at: datetime
    """Aware UTC."""
    version: str
    """This program's."""
    source: str
    """Name of the workbook, or of the database, that the report is about."""
    settings: Settings
    definitions: Definitions
    """The active ones."""
    retired: Definitions = field(default_factory=Definitions)
    scope: Scope = EVERYTHING
    tables: Mapping[str, RawTable] = field(default_factory=dict)
    """The user's `Destinations` and `Jobs` as read; one that is missing is rendered from the definitions."""
    row_ids: Mapping[tuple[str, int], str] = field(default_factory=dict)
    """The ID of each row of `tables`, by the table's name and the row's number."""
    cell_errors: tuple[CellError, ...] = ()
    destination_status: Mapping[DestinationId, DestinationStatus] = field(default_factory=dict)
    """As of the period's end; what is missing is derived from the store's samples and events."""
    job_status: Mapping[JobId, JobStatus] = field(default_factory=dict)
    """As of the period's end; what is missing is derived from the store's totals."""
    collector: str = ""
    """How the collector is, in one line, for a workbook that is open: `Collecting: 12 up, 1 down`."""
    engine: str = ""
    """What sends the probes now and how exactly it times, in words; empty where nothing does."""
    outlook: Outlook | None = None
    """How large the store is and becomes; None where that is not known."""
    warnings: tuple[str, ...] = ()
    """What the reader must know, for example that results could not be saved."""
