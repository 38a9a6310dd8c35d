"""Texts come from the network and from users: whatever they hold, they stay texts, and the file stays valid."""

import re
import zipfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netstats_xl.domain.views import (
    BLUE,
    CellSpec,
    ChartKind,
    ChartSpec,
    Column,
    ColumnRef,
    SeriesSpec,
    SheetSpec,
    TextSpec,
    WorkbookSpec,
    WorkbookView,
)
from netstats_xl.workbooks.xlsx_values import LONGEST_TEXT, clean_text
from netstats_xl.workbooks.xlsx_writer import write_workbook
from tests.workbooks.written import at, cell, number, part, parts, sheet_of, table, view_of, written

FORMULAS = [
    "=cmd|' /C calc'!A0", "=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "{=1+1}", "=HYPERLINK(\"http://x\",\"y\")",
    "http://example.com/", "mailto:a@b", "internal:Sheet!A1", "123", "1e5", "TRUE", "#N/A", "'=1+1", " =1+1",
]  # fmt: skip
ODDITIES = {
    "bell \x07 and nul \x00": "bell � and nul �",
    "half a pair \ud83d": "half a pair �",
    "not a character \ufffe\uffff": "not a character ��",
    "line\r\nline\rline": "line\nline\nline",
    "😀 emoji, 日本語, עברית": "😀 emoji, 日本語, עברית",
    " spaces around ": " spaces around ",
    "<b>&amp;</b> ]]>": "<b>&amp;</b> ]]>",
    "tab\there": "tab\there",
}
STREAMED = pytest.mark.parametrize("streamed", [False, True], ids=["cell by cell", "streamed"])


@STREAMED
def test_no_text_becomes_a_formula_a_link_or_a_number(tmp_path: Path, streamed: bool) -> None:
    view = view_of(table("Text", streamed=streamed), rows={"Things": [(text,) for text in FORMULAS]})
    path = written(view, tmp_path)
    sheet = sheet_of(path)
    cells = [cell(sheet, f"A{row}") for row in range(2, 2 + len(FORMULAS))]
    assert [each.value for each in cells] == FORMULAS
    # openpyxl takes a text that looks like a formula for one, so the file itself is asked.
    xml = part(path, "xl/worksheets/sheet1.xml")
    assert "<f>" not in xml
    assert "<hyperlink" not in xml
    assert re.findall(r'<c r="A(?:[2-9]|\d\d)"[^>]*t="(\w+)"', xml) == [
        "inlineStr" if streamed else "s"
    ] * len(FORMULAS)


@STREAMED
def test_odd_characters_are_kept_or_visibly_replaced(tmp_path: Path, streamed: bool) -> None:
    view = view_of(table("Text", streamed=streamed), rows={"Things": [(text,) for text in ODDITIES]})
    sheet = sheet_of(written(view, tmp_path))
    assert [cell(sheet, f"A{row}").value for row in range(2, 2 + len(ODDITIES))] == list(ODDITIES.values())


@STREAMED
def test_a_text_is_cut_where_excel_stops(tmp_path: Path, streamed: bool) -> None:
    texts = ["x" * 40_000, "x" + "😀" * 20_000, "y" * LONGEST_TEXT]
    view = view_of(table("Text", streamed=streamed), rows={"Things": [(text,) for text in texts]})
    sheet = sheet_of(written(view, tmp_path))
    read = [str(cell(sheet, f"A{row}").value) for row in (2, 3, 4)]
    assert read == ["x" * LONGEST_TEXT, "x" + "😀" * 16_383, "y" * LONGEST_TEXT]


@STREAMED
def test_what_looks_like_an_escape_stays_as_it_was_typed(tmp_path: Path, streamed: bool) -> None:
    view = view_of(table("Text", streamed=streamed), rows={"Things": [("_x0041_",)]})
    path = written(view, tmp_path)
    with zipfile.ZipFile(path) as package:
        everything = b"".join(package.read(name) for name in package.namelist())
    # Excel decodes _x0041_ to A, and _x005F_x0041_ to _x0041_.
    assert everything.count(b"_x005F_x0041_") == 1


@STREAMED
def test_markup_that_xlsxwriter_would_take_for_its_own_stays_text(tmp_path: Path, streamed: bool) -> None:
    texts = ["<r></broken></r>", "<r><t>rich</t></r>"]
    view = view_of(table("Text", streamed=streamed), rows={"Things": [(text,) for text in texts]})
    sheet = sheet_of(written(view, tmp_path))
    assert [str(cell(sheet, f"A{row}").value).rstrip() for row in (2, 3)] == texts


def test_names_from_the_network_do_no_harm_anywhere_in_a_chart_or_sheet(tmp_path: Path) -> None:
    evil = '=Sheet!A1&"<x>"\x01'
    chart = ChartSpec(
        name="evil <chart>",
        anchor=at(0, 4),
        width_px=300,
        height_px=200,
        kind=ChartKind.LINE,
        title=evil,
        description=evil,
        series=(
            SeriesSpec(
                name="Other!B2",
                values=ColumnRef(table="Things", column="n"),
                categories=ColumnRef(table="Things", column=evil),
                color=BLUE,
            ),
        ),
    )
    things = table(Column(header=evil, note=evil), number("n"))
    sheet = SheetSpec(
        name="It's <&> 100 %",
        blocks=(things, chart, TextSpec(anchor=at(8), text=evil), CellSpec(name="c_1", anchor=at(9))),
    )
    view = WorkbookView(
        spec=WorkbookSpec(title=evil, sheets=(sheet,)),
        rows={"Things": [(evil, 1), ("b", 2)]},
        cells={"c_1": evil},
    )
    path = written(view, tmp_path)
    for name in parts(path):
        if name.endswith((".xml", ".rels")):
            ET.fromstring(part(path, name))
    chart_xml = part(path, "xl/charts/chart1.xml")
    references = re.findall("<c:f>([^<]*)</c:f>", chart_xml)
    assert references == ["'It''s &lt;&amp;&gt; 100 %'!$A$2:$A$3", "'It''s &lt;&amp;&gt; 100 %'!$B$2:$B$3"]
    shown = sheet_of(path, "It's <&> 100 %")
    assert shown["A9"].value == clean_text(evil)
    assert shown["A10"].value == clean_text(evil)


def test_the_header_in_the_cell_is_the_one_in_the_table(tmp_path: Path) -> None:
    headers = ["Two\nlines", "a_x0041_b", "<r>x</r>", "  spaced  ", 'quote "q"', "bell\x07", "=1+1"]
    things = table(*headers)
    sheet = sheet_of(written(view_of(things), tmp_path))
    in_cells = [each.value for each in sheet["A1:G1"][0]]
    assert in_cells == sheet.tables["Things"].column_names
    assert in_cells[0] == "Two\nlines"
    assert in_cells[6] == "=1+1"


@given(st.text(st.characters(exclude_categories=[]), max_size=60))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_makes_a_file_that_reads_back_the_same_both_ways(tmp_path: Path, text: str) -> None:
    other = table("Text", name="Others", streamed=True)
    view = view_of(
        table("Text"),
        rows={"Things": [(text,)], "Others": [(text,)]},
        more=[SheetSpec(name="B", blocks=(other,))],
    )
    path = tmp_path / "any.xlsx"
    write_workbook(view, path)
    one, two = (sheet_of(path, name)["A2"].value for name in ("Sheet", "B"))
    assert (one or "").rstrip() == (two or "").rstrip()
    if text and "_x" not in text:
        assert two == clean_text(text)


@given(st.text(st.characters(exclude_categories=[])), st.integers(0, 40))
def test_a_cleaned_text_fits_and_cleaning_it_again_changes_nothing(text: str, longest: int) -> None:
    cleaned = clean_text(text, longest)
    assert len(cleaned.encode("utf-16-le")) <= 2 * longest
    assert clean_text(cleaned, longest) == cleaned
