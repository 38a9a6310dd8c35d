"""The About sheet: how each figure is defined, what the report covers, and what it leaves out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from netstats_xl.app.views import columns
from netstats_xl.app.views.findings import Findings
from netstats_xl.app.views.glossary import COLORS, figure_rows
from netstats_xl.app.views.parts import Filling, SheetPart
from netstats_xl.app.views.storage import report_facts
from netstats_xl.domain.rollups import Summary
from netstats_xl.domain.views import (
    BAD,
    GOOD,
    HEADING,
    MUTED,
    TITLE,
    WARNING,
    Anchor,
    Block,
    Column,
    Row,
    SheetSpec,
    TableSpec,
    TextEquals,
    TextSpec,
)

SHEET = "About"

_RULE_WIDTH = 100
_FACT_COLUMNS = (columns.text("Fact", width=26), Column(header="Value", width=18))
_FIGURE_COLUMNS = (
    columns.text("Figure", width=26),
    columns.text("Unit", width=18),
    columns.text("Rule", width=_RULE_WIDTH),
    columns.text("Shown on", width=34),
)
_COLOR_COLUMNS = (
    Column(
        header="Looks like",
        width=26,
        rules=(
            TextEquals(text="Good", style=GOOD),
            TextEquals(text="Warning", style=WARNING),
            TextEquals(text="Bad", style=BAD),
            TextEquals(text="Muted", style=MUTED),
        ),
    ),
    Column(header="In charts", width=18),
    columns.text("Meaning", width=_RULE_WIDTH),
)
_NOTICE_COLUMNS = (Column(header="Note", width=26),)
_PROBLEM_COLUMNS = (
    columns.text("Cell", width=26),
    columns.text("Value", width=18),
    columns.text("What is wrong, and what would be right", width=_RULE_WIDTH),
)


REPORT, NOTES, PROBLEMS = "About_report", "About_notes", "About_problems"
_FIGURES_TABLE, _COLORS_TABLE = "About_figures", "About_colours"
_COLUMNS = {
    REPORT: _FACT_COLUMNS,
    NOTES: _NOTICE_COLUMNS,
    _FIGURES_TABLE: _FIGURE_COLUMNS,
    _COLORS_TABLE: _COLOR_COLUMNS,
    PROBLEMS: _PROBLEM_COLUMNS,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AboutLook:
    """What differs from one About sheet to the next."""

    title: str
    subject: str
    """The heading of the facts."""
    rows: Mapping[str, int]
    """How many rows each table has, or stays below; of the last one it does not matter."""
    room: int = 0
    """Rows that the last table, that of the bad cells, may grow into."""


def about_sheet(look: AboutLook) -> SheetSpec:
    """The sheet."""
    headings = (
        (REPORT, look.subject),
        (NOTES, "Warnings, and what was left out"),
        (_FIGURES_TABLE, "How each figure is defined"),
        (_COLORS_TABLE, "What the colours mean"),
        (PROBLEMS, "Bad cells in the workbook"),
    )
    blocks: list[Block] = [TextSpec(anchor=Anchor(row=0, column=0), text=look.title, style=TITLE)]
    row = 2
    for table, heading in headings:
        blocks.append(TextSpec(anchor=Anchor(row=row, column=0), text=heading, style=HEADING))
        blocks.append(
            TableSpec(
                name=table,
                anchor=Anchor(row=row + 1, column=0),
                columns=_COLUMNS[table],
                autofilter=False,
                room=look.room if table == PROBLEMS else 0,
            )
        )
        row += look.rows.get(table, 1) + 3
    return SheetSpec(name=SHEET, blocks=tuple(blocks), freeze=Anchor(row=1, column=0), gridlines=False)


def about_filling(findings: Findings, left_out: Sequence[str]) -> Filling:
    """What fills it; `left_out`: what the other sheets do not show, in sentences."""
    inputs = findings.inputs
    problems: tuple[Row, ...] = tuple(
        (f"{error.sheet}!{error.cell}", error.value, error.message) for error in inputs.cell_errors
    )
    notices: tuple[Row, ...] = tuple(
        (notice,) for notice in (*inputs.warnings, *left_out, *_fewer_percentiles(findings.overall))
    )
    return Filling(
        rows={
            REPORT: _facts(findings),
            NOTES: notices or (("Nothing was left out.",),),
            **constant_rows(),
            PROBLEMS: problems or (("none", None, None),),
        }
    )


def _fewer_percentiles(overall: Summary) -> Sequence[str]:
    """Said where the percentiles of the period do not rest on all of its RTTs."""
    if not 0 < overall.percentiles_of < overall.received:
        return ()
    return (
        f"The percentiles rest on {overall.percentiles_of:,} of the {overall.received:,} RTTs of the period: of the "
        "others only minutes are left, which keep no percentiles. A period that begins and ends at whole hours "
        "leaves none out.",
    )


def constant_rows() -> dict[str, Sequence[Row]]:
    """The rows that are the same in every workbook."""
    return {_FIGURES_TABLE: figure_rows(), _COLORS_TABLE: COLORS}


def about(findings: Findings, left_out: Sequence[str]) -> SheetPart:
    """The sheet of a report."""
    rows = {table: tuple(rows) for table, rows in about_filling(findings, left_out).rows.items()}
    look = AboutLook(
        title="About this report",
        subject="This report",
        rows={table: len(of_table) for table, of_table in rows.items()},
    )
    return SheetPart(spec=about_sheet(look), rows=rows)


def _facts(findings: Findings) -> tuple[Row, ...]:
    inputs, info = findings.inputs, findings.info

    def instant(at: datetime | None) -> str:
        return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else "none"

    facts = {
        "Period from": f"{instant(findings.local(inputs.period.start))} (inclusive)",
        "Period to": f"{instant(findings.local(inputs.period.end))} (exclusive)",
        "Time zone": inputs.settings.zone,
        "Generated": instant(findings.local(inputs.generated_at)),
        "Covers": _scope(findings),
        "Workbook": inputs.source,
        "Program": f"netstats_xl {inputs.version}",
        **({"Sent by": inputs.engine} if inputs.engine else {}),
        "Database": info.location,
        "Database size": "not known" if info.size_bytes is None else f"{info.size_bytes / 1e6:,.1f} MB",
        **(report_facts(inputs.outlook) if inputs.outlook is not None else {}),
        "Database schema": f"version {info.schema_version}",
        "Rounds in the database": f"{info.samples:,}",
        "First round": instant(findings.local(info.first_sample_at)),
        "Last round": instant(findings.local(info.last_sample_at)),
        **{name[:1].upper() + name[1:]: value for name, value in info.details.items()},
    }
    return tuple(facts.items())


def _scope(findings: Findings) -> str:
    scope = findings.inputs.scope
    jobs = (
        "all jobs"
        if scope.job_ids is None
        else "job " + ", ".join(map(findings.job_label, sorted(scope.job_ids)))
    )
    if scope.destination_ids is None:
        return f"{jobs}, all destinations"
    return f"{jobs}, destination {', '.join(map(findings.destination_label, sorted(scope.destination_ids)))}"
