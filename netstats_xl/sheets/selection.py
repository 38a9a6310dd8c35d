"""What the user of a live workbook chose to see: the table with one row on the sheet Details."""

from collections.abc import Collection
from dataclasses import dataclass

from netstats_xl.domain.tables import CellValue, RawTable
from netstats_xl.domain.targets import Definitions, Destination, Job
from netstats_xl.errors import CellError
from netstats_xl.sheets.cells import parse_text, plain
from netstats_xl.sheets.choices import JOB_PREFIX
from netstats_xl.sheets.columns import SheetColumn, text_column
from netstats_xl.sheets.nearest import nearest
from netstats_xl.sheets.rows import RowReader, match_headers
from netstats_xl.sheets.settings import parse_period_h, render_period

SELECTION = "Selection"
"""Name of the table."""
PERIODS = ("1h", "24h", "7d", "30d")
"""What is offered; any other is taken as well."""

SELECTION_COLUMNS: tuple[SheetColumn, ...] = (
    text_column(
        "details_of",
        "Details of",
        28,
        "Name of a destination or a job. Blank: the pair of job and destination that is worst off.",
    ),
    text_column(
        "period",
        "Period",
        18,
        "What all sheets show, up to now: 1h, 24h, 7d, 30d, 12h. Blank: as the Settings sheet says for reports.",
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """What the sheets show."""

    details_of: str = ""
    """Name of a destination or a job; `job:` before it means the job. Empty: the pair that is worst off."""
    period_h: int = 24
    """How far back they reach, h."""

    @property
    def period(self) -> str:
        """The period as a user writes it: `24h`."""
        return render_period(self.period_h)


def read_selection(
    table: RawTable | None, *, definitions: Definitions, default_period_h: int
) -> tuple[Selection, tuple[CellError, ...]]:
    """What the table says, with a default wherever it is missing, blank or bad; and what is bad.

    Only the first row counts.
    """
    default = Selection(period_h=default_period_h)
    if table is None or not table.rows:
        return default, ()
    layout, errors = match_headers(table, SELECTION_COLUMNS)
    if layout is None:
        return default, tuple(errors)
    reader = RowReader(layout=layout, row=table.rows[0])

    def known(value: CellValue) -> str:
        name = plain(parse_text(value))
        if chosen(name, definitions) is None:
            near = nearest(name, _names(definitions))
            raise ValueError(f"no destination and no job has this name{near}: choose one, or leave it blank")
        return name

    selection = Selection(
        details_of=reader.read("details_of", known, ""),
        period_h=reader.read("period", parse_period_h, default_period_h),
    )
    return selection, (*errors, *reader.errors)


def chosen(details_of: str, definitions: Definitions) -> Destination | Job | None:
    """What the name means: a destination, or else a job; `job:` before it means the job. None: neither."""
    wanted = details_of.casefold()
    found: list[Destination | Job] = [
        each for each in definitions.destinations if each.name.casefold() == wanted
    ]
    jobs = {wanted, *([wanted.removeprefix(JOB_PREFIX).strip()] if wanted.startswith(JOB_PREFIX) else [])}
    found += [each for each in definitions.jobs if each.name.casefold() in jobs]
    return found[0] if found else None


def selection_cells(*, details_of: str | None = None, period: str | None = None) -> dict[str, CellValue]:
    """The cells to write for a choice, by header; None leaves one as it is. An empty text is a blank cell."""
    given = {"details_of": details_of, "period": period}
    return {
        column.header: given[column.key] or None
        for column in SELECTION_COLUMNS
        if given[column.key] is not None
    }


def _names(definitions: Definitions) -> Collection[str]:
    return [
        *(destination.name for destination in definitions.destinations),
        *(job.name for job in definitions.jobs),
    ]
