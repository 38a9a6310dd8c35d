"""The whole error tree.

::

    NetstatsError                     code, a message for the user, retryable
      ConfigurationError
        SheetInvalid                  a tuple of CellError
        NotFound
        RoundUnderWay                 retryable
        HistoryInvalid
      WorkbookError
        WorkbookBusy                  retryable
        WorkbookClosed
        ViewUnsupported
      StoreError
        StoreLocked                   retryable
        StoreCorrupt
          StoreDamaged
          StoreLogDamaged
          StoreUnrecognised
        StoreTooNew
        StoreFull                     retryable
        StoreReadOnly                 retryable
        StoreMoved                    retryable
        StoreUnreachable              retryable
        MigrationFailed
      ProbeEngineError
        PrivilegeMissing
        BackendUnavailable
      ControlError
        CompanionNotRunning
        CompanionStopping             retryable
        VersionMismatch
        Unauthorized
        ControlTimeout                retryable
      ReportError
      InstallError

An adapter translates a third party's exceptions into these once, at its edge, with ``raise ... from``.
Outcomes of a probe (a timeout, an unresolvable name) are results, never exceptions:
see :mod:`netstats_xl.domain.results`.
"""

from dataclasses import dataclass
from typing import ClassVar


class NetstatsError(Exception):
    """The root: `str(error)` is one message in plain words that names the thing and the remedy."""

    code: ClassVar[str] = "error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class ConfigurationError(NetstatsError):
    """What the user configured cannot be used."""

    code = "configuration"


@dataclass(frozen=True, slots=True, kw_only=True)
class CellError:
    """One bad cell: where it is, what it holds, what is wrong with it and what would be right."""

    sheet: str
    cell: str
    """A1 address (`B7`), or a path for a source without cells (`destinations[3].host`)."""
    value: str
    message: str
    """What is wrong and what would be right, in one or two sentences."""

    def __str__(self) -> str:
        shown = f" holds {self.value!r}" if self.value else ""
        return f"{self.sheet}!{self.cell}{shown}: {self.message}"


class SheetInvalid(ConfigurationError):
    """Cells that cannot be understood; `cell_errors` lists every one of them."""

    code = "sheet_invalid"

    def __init__(self, message: str, cell_errors: tuple[CellError, ...] = ()) -> None:
        super().__init__(message)
        self.cell_errors = cell_errors


class NotFound(ConfigurationError):
    """There is no destination or job of this ID or name."""

    code = "not_found"


class RoundUnderWay(ConfigurationError):
    """What was asked for cannot be begun now: a round of the job is going on, or too many routes are to be traced."""

    code = "round_under_way"
    retryable = True


class HistoryInvalid(ConfigurationError):
    """A file of earlier measurements cannot be understood as what it is taken for."""

    code = "history_invalid"


class WorkbookError(NetstatsError):
    """A workbook cannot be read or written."""

    code = "workbook"


class WorkbookBusy(WorkbookError):
    """The workbook, or the program that shows it, cannot answer now."""

    code = "workbook_busy"
    retryable = True


class WorkbookClosed(WorkbookError):
    """The live workbook was closed."""

    code = "workbook_closed"


class ViewUnsupported(WorkbookError):
    """The adapter cannot show this view."""

    code = "view_unsupported"


class StoreError(NetstatsError):
    """The database cannot be read or written."""

    code = "store"


class StoreLocked(StoreError):
    """Another process has the database open."""

    code = "store_locked"
    retryable = True


class StoreCorrupt(StoreError):
    """The database file is damaged, or is no database."""

    code = "store_corrupt"


class StoreDamaged(StoreCorrupt):
    """A part of the database file does not hold what was written there, or is missing."""

    code = "store_damaged"


class StoreLogDamaged(StoreCorrupt):
    """The write-ahead log beside the database file is damaged, or is that of another file."""

    code = "store_log_damaged"


class StoreUnrecognised(StoreCorrupt):
    """The file does not begin as a database does."""

    code = "store_unrecognised"


class StoreTooNew(StoreError):
    """The database was written by a newer version of this program, or of DuckDB."""

    code = "store_too_new"


class StoreFull(StoreError):
    """The disk is full."""

    code = "store_full"
    retryable = True


class StoreReadOnly(StoreError):
    """The database, or the folder that holds it, may not be written."""

    code = "store_read_only"
    retryable = True


class StoreMoved(StoreError):
    """The database file was deleted, moved or replaced while it was open."""

    code = "store_moved"
    retryable = True


class StoreUnreachable(StoreError):
    """The disk or drive that holds the database does not do what it is asked to."""

    code = "store_unreachable"
    retryable = True


class MigrationFailed(StoreError):
    """The database's tables could not be brought to this version; nothing was changed."""

    code = "migration_failed"


class ProbeEngineError(NetstatsError):
    """Probes cannot be sent at all."""

    code = "probe_engine"


class PrivilegeMissing(ProbeEngineError):
    """The operating system does not let this user send ICMP echo requests."""

    code = "privilege_missing"


class BackendUnavailable(ProbeEngineError):
    """The operating system lacks what the probe needs, for example IPv6."""

    code = "backend_unavailable"


class ControlError(NetstatsError):
    """A companion at work cannot be asked."""

    code = "control"


class CompanionNotRunning(ControlError):
    """No companion collects for this workbook."""

    code = "companion_not_running"


class CompanionStopping(ControlError):
    """The companion at work is ending, and does nothing more that it is asked for."""

    code = "companion_stopping"
    retryable = True


class VersionMismatch(ControlError):
    """The companion at work is of another version, which this one cannot talk to."""

    code = "version_mismatch"


class Unauthorized(ControlError):
    """The companion does not take the token."""

    code = "unauthorized"


class ControlTimeout(ControlError):
    """The companion did not answer in time."""

    code = "control_timeout"
    retryable = True


class ReportError(NetstatsError):
    """A report cannot be made as asked."""

    code = "report"


class InstallError(NetstatsError):
    """The product cannot be put where its user finds it, or not be taken away."""

    code = "install"
