"""A second program opens what we wrote, and finds and computes the same."""

import csv
import random
from datetime import datetime, timedelta
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from netstats_xl.domain.views import (
    BLUE,
    ORANGE,
    VERMILLION,
    Aggregate,
    ChartKind,
    ChartSpec,
    Column,
    ColumnRef,
    Kind,
    PivotChartSpec,
    PivotRatio,
    PivotSpec,
    PivotValue,
    Row,
    SeriesSpec,
    SheetSpec,
    WorkbookView,
)
from tests.workbooks.written import at, converted, needs_libreoffice, number, table, view_of, written

pytestmark = [pytest.mark.libreoffice, needs_libreoffice]

HEADERS = ("Destination", "Group", "Start", "Hour", "Sent", "Received", "RTT sum (ms)", "p95 (ms)")
START = datetime(2026, 11, 22)  # noqa: DTZ001 - a workbook knows no time zone
HOSTILE = ["=1+1", "+1", "@x", "<r>x</r>", "_x0041_", "tab\there", "😀", "bell\x07"]


def hourly_rows() -> list[Row]:
    draw = random.Random(5)
    rows: list[Row] = []
    for hour in range(24):
        for name, group in (("web", "core"), ("Mail", "core"), ("dns", "edge"), ("dead", "edge")):
            sent = draw.randint(100, 400)
            received = 0 if name == "dead" else sent - draw.randint(0, 9)
            mean = draw.uniform(5, 90)
            at_hour = START + timedelta(hours=hour)
            answered = (mean * received, mean * 2) if received else (None, None)
            rows.append((name, group, at_hour, hour, sent, received, *answered))
    return rows


def report(rows: list[Row]) -> WorkbookView:
    source = table(
        "Destination", "Group", Column(header="Start", kind=Kind.INSTANT), *(number(each) for each in HEADERS[3:]),
        name="Hourly", streamed=True,
    )  # fmt: skip
    worst = PivotValue(
        column="p95 (ms)", aggregate=Aggregate.MAX, caption="Worst p95 (ms)", number_format="0.00"
    )
    sent = PivotValue(column="Sent", aggregate=Aggregate.SUM, caption="Packets sent")
    mean = PivotValue(column="p95 (ms)", aggregate=Aggregate.AVERAGE, caption="Mean of p95 (ms)")
    loss = PivotRatio(caption="Loss (%)", plus="Sent", minus="Received", divisor="Sent", factor=100)
    by_destination = PivotSpec(
        name="By_destination", anchor=at(2), source="Hourly", rows=("Destination",), filters=("Group",),
        values=(worst, sent, loss),
    )  # fmt: skip
    by_hour = PivotSpec(
        name="By_hour", anchor=at(2, 6), source="Hourly", rows=("Hour",), columns=("Group",), values=(mean,)
    )
    nested = PivotSpec(
        name="Nested", anchor=at(2, 12), source="Hourly", rows=("Group", "Destination"), values=(sent, mean)
    )
    chart = PivotChartSpec(
        name="Chart", anchor=at(32), width_px=480, height_px=300, kind=ChartKind.COLUMN, title="Pivot chart",
        description="d", pivot="By_hour", colors=(BLUE, ORANGE),
    )  # fmt: skip
    loss_chart = ChartSpec(
        name="Sent", anchor=at(32, 8), width_px=480, height_px=300, kind=ChartKind.LINE, title="Line chart",
        description="d",
        series=(
            SeriesSpec(
                name="Sent", values=ColumnRef(table="Hourly", column="Sent"),
                categories=ColumnRef(table="Hourly", column="Start"), color=VERMILLION,
            ),
        ),
    )  # fmt: skip
    return view_of(
        by_destination, by_hour, nested, chart, loss_chart, rows={"Hourly": rows},
        more=[SheetSpec(name="Hourly", blocks=(source,))],
    )  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return hourly_rows()


@pytest.fixture(scope="module")
def frame(rows: list[Row]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(HEADERS))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("libreoffice")


@pytest.fixture(scope="module")
def path(folder: Path, rows: list[Row]) -> Path:
    return written(report(rows), folder, "report.xlsx")


@pytest.fixture(scope="module")
def computed(path: Path, folder: Path) -> list[list[str]]:
    """The first sheet as LibreOffice shows it, cell by cell."""
    with converted(path, "csv", folder).open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def body(computed: list[list[str]], top: int, left: int, width: int) -> dict[str, list[str]]:
    """The rows of a pivot, by their first label, down to its total."""
    found: dict[str, list[str]] = {}
    for row in computed[top:]:
        found[row[left]] = row[left + 1 : left + width]
        if row[left] == "Total Result":
            return found
    raise AssertionError("the pivot has no total: LibreOffice did not compute it")


def numbers(texts: list[str]) -> list[float | None]:
    return [float(each.replace(",", "")) if each else None for each in texts]


def test_the_pivot_by_row_agrees_with_pandas(computed: list[list[str]], frame: pd.DataFrame) -> None:
    found = body(computed, 6, 0, 3)
    expected = frame.pivot_table(
        index="Destination", values=["p95 (ms)", "Sent"], aggfunc={"p95 (ms)": "max", "Sent": "sum"}
    )
    worst = {**expected["p95 (ms)"].dropna(), "Total Result": frame["p95 (ms)"].max()}
    sent = {**expected["Sent"], "Total Result": frame["Sent"].sum()}
    assert {name: numbers(each)[1] for name, each in found.items()} == sent
    assert {name: numbers(each)[0] for name, each in found.items() if name != "dead"} == pytest.approx(
        worst, abs=0.005
    )


def test_the_pivot_of_rows_and_columns_agrees_with_pandas(
    computed: list[list[str]], frame: pd.DataFrame
) -> None:
    found = body(computed, 4, 6, 4)
    expected = frame.pivot_table(
        index="Hour",
        columns="Group",
        values="p95 (ms)",
        aggfunc="mean",
        margins=True,
        margins_name="Total Result",
    )
    assert [*found] == [*(str(hour) for hour in range(24)), "Total Result"]
    for name, each in found.items():
        label = name if name == "Total Result" else int(name)
        assert numbers(each) == pytest.approx(list(expected.T[label]), rel=1e-6)


def test_nested_rows_agree_with_pandas_and_have_no_subtotals(
    computed: list[list[str]], frame: pd.DataFrame
) -> None:
    found = [row[12:16] for row in computed[4:9]]
    sent = frame.groupby(["Group", "Destination"])["Sent"].sum()
    labels = [("core", "Mail"), ("", "web"), ("edge", "dead"), ("", "dns"), ("Total Result", "")]
    assert [(row[0], row[1]) for row in found] == labels
    assert [float(row[2]) for row in found] == [
        sent["core", "Mail"], sent["core", "web"], sent["edge", "dead"], sent["edge", "dns"], sent.sum(),
    ]  # fmt: skip


def test_our_own_result_stands_where_libreoffice_puts_its_own(
    path: Path, computed: list[list[str]], frame: pd.DataFrame
) -> None:
    """So that a chart over the pivot's cells is right before and after it is computed anew."""
    ours = openpyxl.load_workbook(path)["Sheet"]
    for column in (2, 8, 9, 10, 15):
        for row in range(5, 9):
            shown, kept = computed[row - 1][column - 1], ours.cell(row, column).value
            if isinstance(kept, (int, float)):
                assert float(shown) == pytest.approx(kept, abs=0.005)


def test_every_cell_of_a_streamed_table_is_read(path: Path, folder: Path, rows: list[Row]) -> None:
    sheet = openpyxl.load_workbook(converted(path, "xlsx", folder))["Hourly"]
    read = [list(row) for row in sheet.iter_rows(min_row=2, max_row=1 + len(rows), values_only=True)]
    for found, expected in zip(read, rows, strict=True):
        assert found[:6] == list(expected[:6])
        assert found[6:] == pytest.approx(list(expected[6:]))


def test_the_charts_survive_and_the_page_can_be_printed(path: Path, folder: Path) -> None:
    sheet = openpyxl.load_workbook(converted(path, "xlsx", folder))["Sheet"]
    assert len(sheet._charts) == 2  # type: ignore[attr-defined] # openpyxl has no public list of them
    assert converted(path, "pdf", folder).read_bytes().startswith(b"%PDF")


@pytest.mark.parametrize("streamed", [False, True])
def test_hostile_texts_are_shown_as_texts(tmp_path: Path, streamed: bool) -> None:
    view = view_of(table("Text", streamed=streamed), rows={"Things": [(text,) for text in HOSTILE]})
    with converted(written(view, tmp_path), "csv", tmp_path).open(encoding="utf-8", newline="") as file:
        shown = [row[0] for row in csv.reader(file)][1:]
    expected = [text.replace("\x07", "�") for text in HOSTILE]
    assert [each.rstrip() for each in shown] == expected
