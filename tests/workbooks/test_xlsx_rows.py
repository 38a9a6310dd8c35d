"""Rows written into the user's workbook."""

import re
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netstats_xl.app.row_edits import expand_blocks
from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.sheets import DESTINATIONS, INPUT_TABLES, JOBS, read_definitions
from netstats_xl.workbooks.template import SPARE_ROWS, demo_view, template_view
from netstats_xl.workbooks.xlsx_reader import read_tables
from netstats_xl.workbooks.xlsx_rows import append_rows
from netstats_xl.workbooks.xlsx_writer import write_workbook
from tests.workbooks.office import SOFFICE, audit, needs_libreoffice, saved_by_libreoffice

NOON = datetime(2026, 11, 23, 12, 30)  # noqa: DTZ001 - a workbook knows no time zone


def by_xlsxwriter(path: Path) -> Path:
    """The template, as this program writes it: three destinations and twenty spare rows."""
    write_workbook(template_view("UTC"), path)
    return path


def by_openpyxl(path: Path) -> Path:
    """The template, loaded and saved by openpyxl."""
    book = openpyxl.load_workbook(by_xlsxwriter(path))
    book.save(path)
    return path


def by_libreoffice(path: Path) -> Path:
    """The template, opened and saved by LibreOffice."""
    if SOFFICE is None:
        pytest.skip("LibreOffice's soffice is not on the path")
    saved_by_libreoffice(by_xlsxwriter(path), path.parent / "lo").replace(path)
    return path


MAKERS = [
    pytest.param(by_xlsxwriter, id="XlsxWriter"),
    pytest.param(by_openpyxl, id="openpyxl"),
    pytest.param(by_libreoffice, id="LibreOffice", marks=pytest.mark.libreoffice),
]


def hosts(number: int, first: int = 1) -> list[dict[str, CellValue]]:
    return [
        {"Name": f"host {index}", "Host": f"10.0.{index // 250}.{index % 250}"}
        for index in range(first, first + number)
    ]


def names(path: Path) -> list[CellValue]:
    return [row.cells["Name"] for row in read_tables(path, [DESTINATIONS])[DESTINATIONS].rows]


def findings(path: Path) -> list[str]:
    """What openxml-audit finds; without the figures, since it counts the cells that openpyxl writes inline."""
    return [re.sub(r"\d+ inline-string", "inline-string", finding) for finding in audit(path)]


def changed_parts(before: Path, after: Path) -> set[str]:
    with zipfile.ZipFile(before) as old, zipfile.ZipFile(after) as new:
        assert old.namelist() == new.namelist()
        return {name for name in old.namelist() if old.read(name) != new.read(name)}


@pytest.mark.parametrize("make", MAKERS)
def test_rows_go_into_the_spare_rows_and_only_the_sheet_changes(
    make: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = make(tmp_path / "NetStats.xlsx")
    found_before = findings(path)
    before = names(path)
    backup = append_rows(path, "destinations", hosts(SPARE_ROWS))
    assert names(path) == [*before, *(row["Name"] for row in hosts(SPARE_ROWS))]
    assert len(changed_parts(backup, path)) == 1
    assert findings(path) == found_before
    assert read_definitions(read_tables(path, INPUT_TABLES), default_zone="UTC").errors == ()


@pytest.mark.parametrize("make", MAKERS)
def test_the_table_grows_beyond_its_spare_rows(make: Callable[[Path], Path], tmp_path: Path) -> None:
    path = make(tmp_path / "NetStats.xlsx")
    found_before = findings(path)
    backup = append_rows(path, DESTINATIONS, hosts(300))
    assert len(changed_parts(backup, path)) == 2
    assert findings(path) == found_before
    assert len(names(path)) == 303
    book = openpyxl.load_workbook(path)
    sheet = book[DESTINATIONS]
    table = sheet.tables[DESTINATIONS]
    assert table.ref == "A4:Q307"
    assert table.autoFilter is not None
    assert table.autoFilter.ref == "A4:Q307"
    assert sheet.cell(307, 1).value == "host 300"
    assert sheet.cell(307, 1).number_format == sheet.cell(5, 1).number_format
    enabled = [each for each in sheet.data_validations.dataValidation if "E5" in each.sqref]
    assert ["E307" in each.sqref for each in enabled] == [True]
    rules = [each.sqref for each in sheet.conditional_formatting if "K5" in each.sqref]
    assert rules
    assert all("K307" in each for each in rules)
    assert read_definitions(read_tables(path, INPUT_TABLES), default_zone="UTC").errors == ()


@needs_libreoffice
def test_libreoffice_shows_the_rows(tmp_path: Path) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    append_rows(path, DESTINATIONS, hosts(40))
    assert names(saved_by_libreoffice(path, tmp_path / "lo")) == names(path)


def test_a_block_is_expanded_in_the_users_workbook(tmp_path: Path) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    append_rows(path, DESTINATIONS, [{"Name": "lan", "Host": "10.9.0.0/26", "Group": "LAN"}])
    edits = expand_blocks(read_tables(path, [DESTINATIONS])[DESTINATIONS]).edits
    append_rows(path, DESTINATIONS, edits.append, replace=edits.replace)
    reading = read_definitions(read_tables(path, INPUT_TABLES), default_zone="UTC")
    assert reading.errors == ()
    lan = [each for each in reading.destinations if each.group == "LAN"]
    assert [each.host for each in lan] == [f"10.9.0.{last}" for last in range(1, 63)]
    assert audit(path) == []


def test_the_workbook_as_it_was_is_kept_under_a_name_of_its_own(tmp_path: Path) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    before = path.read_bytes()
    first = append_rows(path, DESTINATIONS, hosts(1))
    assert first == tmp_path / "NetStats (before expand).xlsx"
    assert first.read_bytes() == before
    between = path.read_bytes()
    second = append_rows(path, DESTINATIONS, hosts(1, 2))
    assert (second.name, second.read_bytes()) == ("NetStats (before expand 2).xlsx", between)
    assert first.read_bytes() == before
    assert append_rows(path, JOBS, [], reason="import").name == "NetStats (before import).xlsx"
    assert len(list(tmp_path.iterdir())) == 4


def test_only_the_named_cells_of_a_replaced_row_change(tmp_path: Path) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    before = read_tables(path, [DESTINATIONS])[DESTINATIONS].rows
    append_rows(path, DESTINATIONS, [], replace={6: {"host": "192.0.2.9", "Notes": "", "Group": None}})
    after = read_tables(path, [DESTINATIONS])[DESTINATIONS].rows
    assert after[1].cells == {**before[1].cells, "Host": "192.0.2.9", "Notes": None, "Group": None}
    assert (after[0], after[2]) == (before[0], before[2])


def plain(
    path: Path, *, below: int = 0, totals: bool = False, calculated: bool = False, rows: int = 2
) -> Path:
    """A workbook with the table `T` (A, B, C) from B2, some rows, and perhaps a note `below` blank rows further."""
    book = xlsxwriter.Workbook(str(path))
    sheet = book.add_worksheet()
    columns: list[dict[str, object]] = [{"header": "A"}, {"header": "B"}, {"header": "C"}]
    if calculated:
        columns[2]["formula"] = "=[@B]*2"
    date_format = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
    last = 1 + rows + totals
    sheet.add_table(1, 1, last, 3, {"name": "T", "columns": columns, "total_row": totals})
    for row in range(2, 2 + rows):
        sheet.write_string(row, 1, f"row {row}")
        sheet.write_datetime(row, 2, NOON, date_format) if not calculated else sheet.write_number(row, 2, row)
    if below:
        sheet.write_string(last + below, 1, "a note")
    book.close()
    return path


def column(path: Path, header: str) -> list[CellValue]:
    return [row.cells[header] for row in read_tables(path, ["T"])["T"].rows]


def test_values_of_every_type_read_back_as_themselves(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx")
    values: list[CellValue] = [
        "text",
        " kept  spaces \n",
        "=1+1",
        "_x0041_",
        "<b>&amp;",
        True,
        False,
        7,
        -2.5,
        1e300,
        ErrorValue("#N/A"),
    ]
    append_rows(path, "T", [{"A": value, "C": "x"} for value in values])
    assert column(path, "A")[2:] == values
    moments: list[CellValue] = [NOON, date(2026, 1, 2)]
    append_rows(path, "T", [{"B": moment, "C": "x"} for moment in moments])
    assert column(path, "B")[-2:] == [NOON, datetime(2026, 1, 2)]  # noqa: DTZ001 - a workbook knows no time zone
    append_rows(path, "T", [{"A": time(6)}, {"A": timedelta(hours=36)}])
    assert column(path, "A")[-2:] == [0.25, 1.5]
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert (sheet.cell(7, 2).value, sheet.cell(7, 2).data_type) == ("=1+1", "s")
    assert audit(path) == []


def test_what_xml_forbids_does_not_break_the_file(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx")
    append_rows(path, "T", [{"A": "a\x00b\ud800c\uffff"}])
    assert column(path, "A")[-1] == "a\ufffdb\ufffdc\ufffd"
    assert audit(path) == []


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(
    st.lists(
        st.text(
            st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\uffff\ufffe"),
            min_size=1,
        ).filter(lambda text: bool(text.strip())),
        min_size=1,
        max_size=5,
    )
)
def test_any_text_reads_back_as_itself(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "book.xlsx"
    plain(path)
    append_rows(path, "T", [{"A": text} for text in texts]).unlink()
    assert column(path, "A")[2:] == texts


def test_new_cells_look_like_those_above(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx")
    append_rows(path, "T", [{"B": NOON}])
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert sheet.cell(5, 3).number_format == "yyyy-mm-dd hh:mm"
    assert sheet.cell(5, 3).value == NOON
    assert sheet.dimensions == "B2:D5"


def test_rows_typed_right_below_the_table_are_taken_into_it(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx", below=1)
    assert column(path, "A") == ["row 2", "row 3", "a note"]
    append_rows(path, "T", [{"A": "new"}])
    assert column(path, "A") == ["row 2", "row 3", "a note", "new"]
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert sheet.tables["T"].ref == "B2:D6"


def test_an_empty_table_is_filled_from_its_first_row(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet().add_table(1, 1, 2, 1, {"name": "T", "columns": [{"header": "A"}]})
    book.close()
    append_rows(path, "T", [{"A": "x"}, {"A": "y"}])
    assert [(row.number, row.cells["A"]) for row in read_tables(path, ["T"])["T"].rows] == [
        (3, "x"),
        (4, "y"),
    ]
    assert audit(path) == []


def test_what_stands_below_is_never_overwritten(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx", below=3)
    before = path.read_bytes()
    with pytest.raises(WorkbookError, match="row 7 of the sheet Sheet1 is in the way") as caught:
        append_rows(path, "T", [{"A": "x"}] * 3)
    assert not caught.value.retryable
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
    append_rows(path, "T", [{"A": "x"}] * 2)
    assert column(path, "A") == ["row 2", "row 3", "x", "x", "a note"]


def test_merged_cells_and_other_tables_below_are_in_the_way(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx")
    book = openpyxl.load_workbook(path)
    sheet = book.active
    assert sheet is not None
    sheet.merge_cells("D9:F9")
    book.save(path)
    with pytest.raises(WorkbookError, match="row 9"):
        append_rows(path, "T", [{"A": "x"}] * 5)
    append_rows(path, "T", [{"A": "x"}] * 4)


def test_a_totals_row_stays_where_it_is(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx", totals=True)
    with pytest.raises(WorkbookError, match="Turn the totals row off"):
        append_rows(path, "T", [{"A": "x"}])


def test_the_end_of_the_sheet_is_the_end(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match="which the sheet does not have"):
        append_rows(plain(tmp_path / "book.xlsx"), "T", [{"A": "x"}] * 1_048_573)


def test_calculated_columns_go_on_and_are_calculated_when_the_file_is_opened(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx", calculated=True)
    append_rows(path, "T", [{"A": "x", "B": 21, "C": "ignored"}])
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert sheet.cell(5, 4).value == sheet.cell(4, 4).value
    assert sheet.cell(5, 3).value == 21
    with zipfile.ZipFile(path) as package:
        assert b'fullCalcOnLoad="1"' in package.read("xl/workbook.xml")
    assert audit(path) == []


def test_the_chain_of_calculations_goes_when_formulas_are_added(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx", calculated=True)
    chained = tmp_path / "chained.xlsx"
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/calcChain"
    content = "application/vnd.openxmlformats-officedocument.spreadsheetml.calcChain+xml"
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(chained, "w") as out:
        for name in source.namelist():
            text = source.read(name).decode()
            if name == "[Content_Types].xml":
                text = text.replace(
                    "</Types>", f'<Override PartName="/xl/calcChain.xml" ContentType="{content}"/></Types>'
                )
            if name == "xl/_rels/workbook.xml.rels":
                relation = f'<Relationship Id="rId99" Type="{kind}" Target="calcChain.xml"/>'
                text = text.replace("</Relationships>", f"{relation}</Relationships>")
            out.writestr(name, text)
        out.writestr(
            "xl/calcChain.xml", f'<calcChain xmlns="{main}"><c r="D3" i="1"/><c r="D4"/></calcChain>'
        )
    assert audit(chained) == []
    append_rows(chained, "T", [{"A": "x", "B": 1}])
    assert audit(chained) == []
    with zipfile.ZipFile(chained) as package:
        assert "xl/calcChain.xml" not in package.namelist()
        assert b"calcChain" not in package.read("[Content_Types].xml") + package.read(
            "xl/_rels/workbook.xml.rels"
        )


def test_a_formula_is_not_overwritten(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx", calculated=True)
    with pytest.raises(WorkbookError, match="The cell D3 holds a formula"):
        append_rows(path, "T", [], replace={3: {"C": 5}})


def test_a_workbook_that_is_open_elsewhere_is_left_alone(tmp_path: Path) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    for lock, program in (("~$NetStats.xlsx", "Excel"), (".~lock.NetStats.xlsx#", "LibreOffice")):
        (tmp_path / lock).write_text("me")
        with pytest.raises(WorkbookBusy, match=f"open in {program}"):
            append_rows(path, DESTINATIONS, hosts(1))
        (tmp_path / lock).unlink()


def test_a_workbook_saved_in_between_is_left_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    before = path.read_bytes()

    def saved_meanwhile(source: Path, target: Path) -> None:
        write_workbook(demo_view("UTC"), source)

    monkeypatch.setattr("netstats_xl.workbooks.xlsx_rows.shutil.copystat", saved_meanwhile)
    with pytest.raises(WorkbookBusy, match="saved by another program just now"):
        append_rows(path, DESTINATIONS, hosts(1))
    assert "Branch 1" in names(path)
    assert (tmp_path / "NetStats (before expand).xlsx").read_bytes() == before


def test_unknown_tables_and_columns_are_named(tmp_path: Path) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    with pytest.raises(WorkbookError, match="has no table named Nothing"):
        append_rows(path, "Nothing", hosts(1))
    with pytest.raises(WorkbookError, match="has no column 'Rack'"):
        append_rows(path, DESTINATIONS, [{"Name": "x", "Rack": 1}])
    append_rows(path, DESTINATIONS, [{"Name": "x", "Host": "::1", "Rack": None}])
    assert names(path)[-1] == "x"


def test_a_folder_that_may_not_be_written_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    before = path.read_bytes()

    def refused(self: Path, data: bytes) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "write_bytes", refused)
    with pytest.raises(WorkbookError, match="cannot be written"):
        append_rows(path, DESTINATIONS, hosts(1))
    assert path.read_bytes() == before


def test_copies_are_not_kept_without_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    monkeypatch.setattr("netstats_xl.workbooks.xlsx_rows._MOST_COPIES", 1)
    append_rows(path, DESTINATIONS, hosts(1))
    with pytest.raises(WorkbookError, match="Delete some of them"):
        append_rows(path, DESTINATIONS, hosts(1))


def test_a_removed_row_becomes_blank_and_nothing_else_moves(tmp_path: Path) -> None:
    path = by_xlsxwriter(tmp_path / "NetStats.xlsx")
    before = read_tables(path, [DESTINATIONS])[DESTINATIONS].rows
    backup = append_rows(path, DESTINATIONS, [], remove=[before[1].number], reason="changes", keep_once=True)
    after = read_tables(path, [DESTINATIONS])[DESTINATIONS].rows
    assert after == (before[0], *before[2:])
    assert len(changed_parts(backup, path)) == 1
    assert audit(path) == []


def test_rows_that_were_removed_at_the_end_are_filled_again(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx", rows=3)
    append_rows(path, "T", [{"A": "new"}], remove=[4, 5])
    assert [(row.number, row.cells["A"]) for row in read_tables(path, ["T"])["T"].rows] == [
        (3, "row 2"),
        (4, "new"),
    ]


def test_removing_all_rows_leaves_a_table_that_can_be_filled(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx")
    append_rows(path, "T", [], remove=[3, 4])
    assert column(path, "A") == []
    append_rows(path, "T", [{"A": "x"}])
    assert column(path, "A") == ["x"]
    assert audit(path) == []


def test_calculated_columns_of_a_removed_row_stay_and_other_formulas_are_not_removed(tmp_path: Path) -> None:
    path = plain(tmp_path / "book.xlsx", calculated=True)
    append_rows(path, "T", [], remove=[3])
    sheet = openpyxl.load_workbook(path).active
    assert sheet is not None
    assert (sheet.cell(3, 2).value, sheet.cell(3, 3).value) == (None, None)
    assert str(sheet.cell(3, 4).value).startswith("=")
    book = openpyxl.load_workbook(path)
    assert book.active is not None
    book.active["B4"] = "=1+1"
    book.save(path)
    before = saved_with_values(path)
    with pytest.raises(WorkbookError, match="Row 4 of the sheet Sheet1 holds formulas"):
        append_rows(path, "T", [], remove=[4])
    assert path.read_bytes() == before


def saved_with_values(path: Path) -> bytes:
    """The file with a value beside each formula, as a spreadsheet program saves it; openpyxl writes none."""
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    parts["xl/worksheets/sheet1.xml"] = re.sub(
        rb"<v ?/>|<v></v>", b"<v>2</v>", parts["xl/worksheets/sheet1.xml"]
    )
    with zipfile.ZipFile(path, "w") as out:
        for name, content in parts.items():
            out.writestr(name, content)
    return path.read_bytes()
