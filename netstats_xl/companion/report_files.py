"""Reports and raw samples of any time range, as files."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from netstats_xl import __version__
from netstats_xl.app.outlook import Outlook
from netstats_xl.app.publishing import ReportInputs
from netstats_xl.app.reporting import Reporting, parse_period
from netstats_xl.app.scoping import scope_of
from netstats_xl.app.service import ReportRequest
from netstats_xl.domain.results import Period
from netstats_xl.domain.tables import RawTable
from netstats_xl.domain.targets import Settings
from netstats_xl.domain.windows import to_local
from netstats_xl.errors import CellError, ConfigurationError, ReportError
from netstats_xl.ports import Publisher, ResultStore

MOST_OF_A_NAME = 999
REMEDY = "Choose another name, or say that it is to be replaced."
"""What to do about a file that exists, for who asked over the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportSource:
    """What a report is about, besides what the store holds."""

    name: str
    """Of the workbook, or of the database where there is none."""
    stem: str
    """What the names of files begin with that have none of their own."""
    folder: Path
    """Where these go."""
    own: Sequence[Path] = ()
    """The workbook and the database: no report may take their place."""
    settings: Settings
    tables: Mapping[str, RawTable] = field(default_factory=dict)
    row_ids: Mapping[tuple[str, int], str] = field(default_factory=dict)
    cell_errors: tuple[CellError, ...] = ()
    outlook: Outlook | None = None
    """How large the store is and becomes; None where that is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What was written."""

    path: Path
    samples: int | None = None
    """Of an export: how many samples, or buckets of rollups."""


def write_report(
    store: ResultStore,
    request: ReportRequest,
    source: ReportSource,
    *,
    now: datetime,
    report_to: Callable[[Path], Publisher],
) -> Written:
    """Write what was asked for; `report_to` gives the report file at a path.

    Raises:
        ReportError: the period or a name cannot be understood.
        ConfigurationError: the output's name is not right, or taken.
        StoreError: the store cannot answer.
        WorkbookError: the file cannot be written.
    """
    period = parse_period(request.start, request.end, now, source.settings.zone)
    path = _output(request, source, period)
    scope = scope_of(store, jobs=request.jobs, destinations=request.destinations)
    if request.rollup is not None and request.file_format != "parquet":
        raise ReportError("Rollups are written as Parquet alone: choose that format, or no rollup.")
    if request.file_format == "parquet":
        rows = store.export_parquet(path, period, scope=scope, rollup=request.rollup)
        return Written(path=path, samples=rows)
    if request.file_format == "csv":
        return Written(
            path=path, samples=store.export_csv(path, period, scope=scope, zone=source.settings.zone)
        )
    stored = store.definitions()
    inputs = ReportInputs(
        period=period,
        generated_at=now,
        version=__version__,
        source=source.name,
        settings=source.settings,
        definitions=stored.active,
        retired=stored.retired,
        scope=scope,
        tables=source.tables,
        row_ids=source.row_ids,
        cell_errors=source.cell_errors,
        outlook=source.outlook,
    )
    return Written(path=Path(Reporting(store, report_to(path)).publish(inputs)))


def check_output(
    output: Path, file_format: str, own: Sequence[Path], *, replace: bool, remedy: str = REMEDY
) -> None:
    """See that the output may be written; `remedy` is what to do where it exists and may not be replaced.

    Raises:
        ConfigurationError: its suffix is another format's, it is the workbook or the database itself, it exists
            and may not be replaced, or no file can have such a path.
    """
    if output.suffix.casefold() != f".{file_format}":
        raise ConfigurationError(
            f"{output} would hold a .{file_format} file: give it a name that ends in .{file_format}."
        )
    with looking(output):
        is_own = output.resolve() in [path.resolve() for path in own]
        taken = exists(output)
    if is_own:
        raise ConfigurationError(f"{output} is the workbook or the database itself. Choose another name.")
    if taken and not replace:
        raise ConfigurationError(f"{output} exists already, and is left as it is. {remedy}")


def unused(path: Path) -> Path:
    """The path, or `NAME (2).xlsx` and so on where it is taken.

    Raises:
        ReportError: too many are.
        ConfigurationError: it cannot be found out.
    """
    with looking(path):
        if not exists(path):
            return path
        for number in range(2, MOST_OF_A_NAME + 1):
            candidate = path.with_name(f"{path.stem} ({number}){path.suffix}")
            if not exists(candidate):
                return candidate
    raise ReportError(
        f"{path.parent} holds too many files named like {path.name}. Give the report another name."
    )


def exists(path: Path) -> bool:
    """As `Path.exists`, which takes a path that cannot be looked at for one where nothing is, or raises, at will."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


@contextmanager
def looking(path: Path) -> Iterator[None]:
    """What the operating system, or Python, has against a path as an error of ours.

    Raises:
        ConfigurationError: it has something against it.
    """
    try:
        yield
    except OSError as error:
        why = error.strerror or str(error)
    except RuntimeError:  # which `resolve` makes of it
        why = "symbolic links lead round in a circle"
    except ValueError:
        why = "it holds a character that no path has"
    else:
        return
    raise ConfigurationError(f"{path} cannot be written: {why}. Choose another name or folder.")


def _output(request: ReportRequest, source: ReportSource, period: Period) -> Path:
    if request.output is None:
        ends = [f"{to_local(at, source.settings.zone):%Y%m%dT%H%M}" for at in (period.start, period.end)]
        return unused(source.folder / f"{source.stem}-{'-'.join(ends)}.{request.file_format}")
    check_output(request.output, request.file_format, source.own, replace=request.replace)
    return request.output
