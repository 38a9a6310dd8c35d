"""Tables out of workbook files."""

import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter
from hypothesis import HealthCheck, given, settings
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from lxml import etree
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.table import Table

from netstats_xl.domain.tables import CellValue, ErrorValue, RawTable
from netstats_xl.errors import WorkbookBusy, WorkbookError
from netstats_xl.sheets import INPUT_TABLES, read_definitions
from netstats_xl.workbooks.template import demo_view
from netstats_xl.workbooks.xlsx_parts import Area, column_letters, column_number, reading
from netstats_xl.workbooks.xlsx_reader import read_tables
from netstats_xl.workbooks.xlsx_writer import write_workbook
from tests.workbooks.office import needs_libreoffice, saved_by_libreoffice

NOON = datetime(2026, 11, 23, 12, 30, 15)  # noqa: DTZ001 - a workbook knows no time zone


def with_table(
    path: Path,
    rows: Sequence[Sequence[object]],
    *,
    below: Sequence[Sequence[object]] = (),
    formats: Mapping[int, str] | None = None,
    options: Mapping[str, object] | None = None,
) -> Path:
    """A workbook with the table `T` (A, B) from cell C4 of the second sheet, and rows below it."""
    book = xlsxwriter.Workbook(str(path))
    book.add_worksheet("First").write("A1", "not a table")
    sheet = book.add_worksheet("Second")
    sheet.add_table(
        3,
        2,
        3 + len(rows),
        3,
        {"name": "T", "columns": [{"header": "A"}, {"header": "B"}], **(options or {})},
    )
    for number, row in enumerate([*rows, *below], start=4):
        for column, value in enumerate(row, start=2):
            code = (formats or {}).get(column - 2)
            sheet.write(number, column, value, book.add_format({"num_format": code}) if code else None)
    book.close()
    return path


def values(path: Path, header: str = "A") -> list[CellValue]:
    """The values of a column of the table `T`."""
    return [row.cells[header] for row in read_tables(path, ["T"])["T"].rows]


def test_a_table_is_found_by_name_without_case_wherever_it_stands(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["x", 1], ["y", 2.5]])
    tables = read_tables(path, ["t", "Missing"])
    assert list(tables) == ["t"]
    assert tables["t"] == RawTable(
        name="T",
        sheet="Second",
        headers=("A", "B"),
        rows=tables["t"].rows,
        columns={"A": "C", "B": "D"},
        header_row=4,
    )
    assert [(row.number, dict(row.cells)) for row in tables["t"].rows] == [
        (5, {"A": "x", "B": 1}),
        (6, {"A": "y", "B": 2.5}),
    ]
    assert tables["t"].address(6, "B") == "D6"


def test_values_have_the_type_that_the_cell_shows(tmp_path: Path) -> None:
    rows = [["text", True], [" spaced ", False], [NOON, 10], [date(2026, 1, 2), 10.5], [time(8, 30), -3]]
    path = with_table(tmp_path / "book.xlsx", rows, formats={})
    assert values(path, "B") == [True, False, 10, 10.5, -3]
    dates = with_table(tmp_path / "dates.xlsx", [[NOON], [date(2026, 1, 2)]], formats={0: "dd.mm.yyyy hh:mm"})
    assert values(dates) == [NOON, datetime(2026, 1, 2)]  # noqa: DTZ001 - a workbook knows no time zone
    times = with_table(tmp_path / "times.xlsx", [[time(8, 30)]], formats={0: "hh:mm"})
    assert values(times) == [time(8, 30)]
    lengths = with_table(tmp_path / "lengths.xlsx", [[timedelta(hours=30)]], formats={0: "[h]:mm"})
    assert values(lengths) == [timedelta(hours=30)]


def test_a_date_beyond_the_calendar_is_the_number_that_it_is(tmp_path: Path) -> None:
    assert values(with_table(tmp_path / "book.xlsx", [[1e9]], formats={0: "yyyy-mm-dd"})) == [1e9]


def test_a_percentage_is_what_the_cell_shows(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [[0.02], [0.125]], formats={0: "0.0%"})
    assert values(path) == ["2%", "12.5%"]
    assert values(with_table(tmp_path / "b.xlsx", [[0.5]], formats={0: '0.0" %"'})) == [0.5]


def test_formulas_have_their_last_value_and_errors_are_errors(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "book.xlsx"))
    sheet = book.add_worksheet()
    sheet.add_table(0, 0, 5, 0, {"name": "T", "columns": [{"header": "A"}]})
    for row, (formula, value) in enumerate(
        [("=1+1", 2), ('="a"&"b"', "ab"), ("=NA()", "#N/A"), ("=1>0", True), ("=A9", "")], start=1
    ):
        sheet.write_formula(row, 0, formula, None, value)
    book.close()
    assert values(tmp_path / "book.xlsx") == [2, "ab", ErrorValue("#N/A"), True]


def test_blank_rows_are_left_out_and_row_numbers_stay_true(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["x"], [None], ["", None], ["y"], [None]])
    assert [(row.number, row.cells["A"]) for row in read_tables(path, ["T"])["T"].rows] == [
        (5, "x"),
        (8, "y"),
    ]


def test_rows_right_below_the_table_belong_to_it_until_a_blank_one(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["x"]], below=[["y"], ["z"], [None], ["a note"]])
    assert values(path) == ["x", "y", "z"]


def test_what_stands_below_a_blank_row_is_no_row_but_is_given_apart(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["x"]], below=[["y"], [None], ["z", 1], [None], ["far"]])
    table = read_tables(path, ["T"])["T"]
    assert [(row.number, row.cells["A"]) for row in table.rows] == [(5, "x"), (6, "y")]
    assert [(row.number, row.cells) for row in table.rows_apart] == [
        (8, {"A": "z", "B": 1}),
        (10, {"A": "far", "B": None}),
    ]


def test_reading_ends_where_ten_thousand_rows_below_a_table_are_blank(tmp_path: Path) -> None:
    blank = [[None]] * 10_000
    near = with_table(tmp_path / "near.xlsx", [["x"]], below=[*blank[1:], ["y"]])
    far = with_table(tmp_path / "far.xlsx", [["x"]], below=[*blank, ["y"]])
    assert [row.number for row in read_tables(near, ["T"])["T"].rows_apart] == [10_005]
    assert read_tables(far, ["T"])["T"].rows_apart == ()


def test_what_stands_below_a_totals_row_or_belongs_to_another_table_is_not_taken(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["A"], ["x"], ["Total"], ["below"], ["B"], ["other"]):
        sheet.append(row)
    totals = Table(displayName="T", ref="A1:A3")
    totals.totalsRowCount = 1
    sheet.add_table(totals)
    sheet.add_table(Table(displayName="U", ref="A5:A6"))
    book.save(tmp_path / "totals.xlsx")
    assert values(tmp_path / "totals.xlsx") == ["x"]
    totals.totalsRowCount = None
    totals.ref = "A1:A4"
    book.save(tmp_path / "plain.xlsx")
    assert values(tmp_path / "plain.xlsx") == ["x", "Total", "below"]


def test_two_tables_side_by_side_are_read_in_one_go(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (["A", None, "B"], ["x", None, "1"], ["y", None, "2"], [None, None, "3"]):
        sheet.append(row)
    sheet.add_table(Table(displayName="T", ref="A1:A3"))
    sheet.add_table(Table(displayName="U", ref="C1:C2"))
    book.save(tmp_path / "book.xlsx")
    tables = read_tables(tmp_path / "book.xlsx", ["U", "T"])
    assert list(tables) == ["U", "T"]
    assert [row.cells["A"] for row in tables["T"].rows] == ["x", "y"]
    assert [row.cells["B"] for row in tables["U"].rows] == ["1", "2", "3"]


def edited(path: Path, part: str, change: Callable[[str], str]) -> Path:
    """The workbook with one part's text changed, in another file."""
    target = path.with_name(f"edited-{path.name}")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as out:
        for entry in source.infolist():
            content = source.read(entry)
            if entry.filename == part:
                text = change(content.decode())
                assert text.encode() != content
                content = text.encode()
            out.writestr(entry, content)
    return target


def test_texts_of_every_kind_are_read_as_they_look(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["one"], ["two"], ["three"]])
    sheet = edited(
        path,
        "xl/sharedStrings.xml",
        lambda xml: (
            xml.replace("<t>one</t>", "<r><t>ri</t></r><r><rPr><b/></rPr><t>ch</t></r><rPh><t>no</t></rPh>")
            .replace("<t>two</t>", "<t>line_x000A_break _x005F_x0041_</t>")
            .replace("<t>three</t>", "<!-- a comment --><t/>")
        ),
    )
    assert values(sheet) == ["rich", "line\nbreak _x0041_"]
    inline = edited(
        path,
        "xl/worksheets/sheet2.xml",
        lambda xml: (
            re.sub(r'<c r="C5" t="s"><v>\d+</v>', '<c r="C5" t="inlineStr"><is><t>in</t></is>', xml)
            .replace('<c r="C6" t="s">', '<c r="C6" t="inlineStr">')
            .replace('<c r="C7" t="s"><v>4</v>', '<c r="C7" t="d"><v>2026-11-23T12:30:15Z</v>')
        ),
    )
    assert values(inline)[0] == "in"


def test_cells_and_rows_without_addresses_follow_on_each_other(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["x", "y"]])
    bare = edited(
        path,
        "xl/worksheets/sheet2.xml",
        lambda xml: xml.replace('<c r="D5" ', "<c ").replace('<row r="5" ', "<row "),
    )
    assert values(bare, "B") == ["y"]


def test_dates_count_from_1904_where_the_workbook_says_so(tmp_path: Path) -> None:
    book = xlsxwriter.Workbook(str(tmp_path / "book.xlsx"), {"date_1904": True})
    sheet = book.add_worksheet()
    sheet.add_table(0, 0, 1, 0, {"name": "T", "columns": [{"header": "A"}]})
    sheet.write_datetime(1, 0, NOON, book.add_format({"num_format": "yyyy-mm-dd"}))
    book.close()
    assert values(tmp_path / "book.xlsx") == [NOON]


def test_a_header_repeated_in_the_cells_is_read_from_the_first_column(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["x", "y"]])
    twice = edited(path, "xl/sharedStrings.xml", lambda xml: xml.replace("<t>B</t>", "<t>A</t>"))
    table = read_tables(twice, ["T"])["T"]
    assert table.headers == ("A", "A")
    assert table.rows[0].cells == {"A": "x"}


def test_a_table_without_a_header_row_has_the_names_of_its_columns(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["x", "y"]], options={"header_row": False})
    (row,) = read_tables(path, ["T"])["T"].rows
    assert (row.number, row.cells) == (5, {"A": "x", "B": "y"})


def test_the_values_agree_with_openpyxls(tmp_path: Path) -> None:
    path = tmp_path / "demo.xlsx"
    write_workbook(demo_view("Europe/Berlin"), path)
    book = openpyxl.load_workbook(path, data_only=True)
    tables = read_tables(path, INPUT_TABLES)
    assert set(tables) == set(INPUT_TABLES)
    for name, table in tables.items():
        sheet = book[name]
        for row in table.rows:
            for header, value in row.cells.items():
                assert sheet[table.address(row.number, header)].value == value


def test_fifteen_hundred_rows_are_read(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [[f"host {number}", number] for number in range(1_500)])
    assert values(path, "B") == list(range(1_500))


@needs_libreoffice
def test_what_libreoffice_saved_reads_as_before(tmp_path: Path) -> None:
    path = tmp_path / "demo.xlsx"
    write_workbook(demo_view("Europe/Berlin"), path)
    before = read_definitions(read_tables(path, INPUT_TABLES), default_zone="UTC")
    after = read_definitions(
        read_tables(saved_by_libreoffice(path, tmp_path / "lo"), INPUT_TABLES), default_zone="UTC"
    )
    assert before.errors == ()
    assert after == before


OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)


def zipped(path: Path, parts: Mapping[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as out:
        for name, text in parts.items():
            out.writestr(name, text)
    return path


@pytest.mark.parametrize(
    ("content", "error", "told"),
    [
        (b"", WorkbookBusy, "is incomplete: it is being saved"),
        (b"PK\x03\x04half a file", WorkbookBusy, "is incomplete: it is being saved"),
        (b"name,host\r\na,b\r\n", WorkbookError, "no Excel workbook: save it as .xlsx"),
        (OLE, WorkbookError, "old format (.xls)"),
        (OLE + "EncryptedPackage".encode("utf-16-le"), WorkbookError, "protected by a password"),
    ],
)
def test_what_is_no_workbook_says_what_it_is_and_what_to_do(
    tmp_path: Path, content: bytes, error: type[WorkbookError], told: str
) -> None:
    path = tmp_path / "book.xlsx"
    path.write_bytes(content)
    with pytest.raises(WorkbookError, match=re.escape(str(path))) as caught:
        read_tables(path, ["T"])
    assert type(caught.value) is error
    assert told in caught.value.message


RELATION = '<Relationship Id="r1" Type="http://x/officeDocument" Target="{}"/>'
RELATIONSHIPS = f'<Relationships xmlns="http://r">{RELATION}</Relationships>'


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        (
            {"mimetype": "application/vnd.oasis.opendocument.spreadsheet"},
            "an OpenDocument file: save it as an Excel",
        ),
        ({"readme.txt": "no workbook"}, "is no workbook: save it as an Excel workbook"),
        ({"_rels/.rels": RELATIONSHIPS.format("xl/workbook.bin")}, "a binary workbook (.xlsb)"),
        ({"_rels/.rels": RELATIONSHIPS.format("xl/workbook.xml")}, "is damaged"),
    ],
)
def test_packages_of_other_programs_are_named(tmp_path: Path, parts: dict[str, str], told: str) -> None:
    with pytest.raises(WorkbookError) as caught:
        read_tables(zipped(tmp_path / "book.xlsx", parts), ["T"])
    assert told in caught.value.message


def test_a_file_that_is_not_there_says_how_to_make_one(tmp_path: Path) -> None:
    path = tmp_path / "none.xlsx"
    with pytest.raises(WorkbookError, match=re.escape(f"`netstats-xl new {path}` makes one")):
        read_tables(path, ["T"])
    spaced = tmp_path / "a folder" / "none.xlsx"
    with pytest.raises(WorkbookError, match=re.escape(f'`netstats-xl new "{spaced}"` makes one')):
        read_tables(spaced, ["T"])
    with pytest.raises(WorkbookError, match="is a folder"):
        read_tables(tmp_path, ["T"])


def test_damaged_parts_are_told_apart_from_a_file_being_saved(tmp_path: Path) -> None:
    path = with_table(tmp_path / "book.xlsx", [["x"]])
    for part, change in (
        ("xl/worksheets/sheet2.xml", lambda xml: xml.replace("</row>", "</wrong>")),
        ("xl/worksheets/sheet2.xml", lambda xml: re.sub(r'(<c r="C5" t="s"><v>)\d+', r"\g<1>99", xml)),
        ("xl/tables/table1.xml", lambda xml: xml.replace('ref="C4', 'ref="?')),
        ("xl/workbook.xml", lambda xml: xml[:100]),
    ):
        with pytest.raises(WorkbookError, match="is damaged: open it in the spreadsheet program") as caught:
            read_tables(edited(path, part, change), ["T"])
        assert not caught.value.retryable


@pytest.mark.parametrize(
    ("raised", "error", "told"),
    [
        (FileNotFoundError(2, "no such file"), WorkbookError, "There is no workbook"),
        (IsADirectoryError(21, "a directory"), WorkbookError, "is a folder"),
        (PermissionError(13, "denied"), WorkbookBusy, "another program has locked it"),
        (OSError(5, "Input/output error"), WorkbookError, "cannot be read: Input/output error"),
        (zipfile.BadZipFile("bad"), WorkbookBusy, "incomplete"),
        (EOFError(), WorkbookBusy, "incomplete"),
        (zlib.error("bad"), WorkbookError, "damaged"),
        (etree.LxmlError("bad"), WorkbookError, "damaged"),
        (KeyError("part"), WorkbookError, "damaged"),
        (IndexError("text"), WorkbookError, "damaged"),
        (struct.error("short"), WorkbookError, "damaged"),
        (lzma.LZMAError("bad"), WorkbookError, "damaged"),
        (NotImplementedError("method 97"), WorkbookError, "packed in a way"),
        (RuntimeError("encrypted"), WorkbookError, "password"),
        (ValueError("number"), WorkbookError, "damaged"),
        (OverflowError("number"), WorkbookError, "damaged"),
    ],
)
def test_each_exception_of_the_libraries_has_its_translation(
    raised: Exception, error: type[WorkbookError], told: str
) -> None:
    with pytest.raises(WorkbookError) as caught, reading(Path("book.xlsx")):
        raise raised
    assert type(caught.value) is error
    assert told in caught.value.message
    assert caught.value.__cause__ is raised


@pytest.fixture(scope="module")
def demo_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("demo") / "demo.xlsx"
    write_workbook(demo_view("UTC"), path)
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(path.with_name("stored.xlsx"), "w") as out:
        for entry in source.infolist():
            out.writestr(entry.filename, source.read(entry))  # stored, so that a change reaches the XML
    return path.with_name("stored.xlsx").read_bytes()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_no_damage_whatever_raises_anything_but_a_workbook_error(
    tmp_path: Path, demo_bytes: bytes, data: st.DataObject
) -> None:
    content = bytearray(demo_bytes)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at : at + data.draw(st.integers(0, 5))] = data.draw(st.binary(max_size=5))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    path = tmp_path / "damaged.xlsx"
    path.write_bytes(bytes(content))
    try:
        tables = read_tables(path, INPUT_TABLES)
    except WorkbookError:
        return  # said in our terms, as it should be
    read_definitions(tables, default_zone="UTC")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_no_change_to_the_xml_raises_anything_but_a_workbook_error(
    tmp_path: Path, demo_bytes: bytes, data: st.DataObject
) -> None:
    source = tmp_path / "source.xlsx"
    source.write_bytes(demo_bytes)
    parts = ["xl/worksheets/sheet1.xml", "xl/tables/table1.xml", "xl/workbook.xml", "xl/styles.xml"]
    part = data.draw(st.sampled_from(parts))

    def change(xml: str) -> str:
        at = data.draw(st.integers(60, len(xml) - 1))
        return xml[:at] + data.draw(st.sampled_from(["", "9", "x", '"', "<", "-1", "é"])) + xml[at + 1 :]

    try:
        tables = read_tables(edited_anyhow(source, part, change), INPUT_TABLES)
    except WorkbookError:
        return  # said in our terms, as it should be
    read_definitions(tables, default_zone="UTC")


def edited_anyhow(path: Path, part: str, change: Callable[[str], str]) -> Path:
    target = path.with_name("changed.xlsx")
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(target, "w") as out:
        for entry in source.infolist():
            content = source.read(entry)
            out.writestr(
                entry.filename, change(content.decode()).encode() if entry.filename == part else content
            )
    return target


@hypothesis_settings(deadline=None)
@given(st.integers(1, 16_384))
def test_column_letters_and_numbers_agree(number: int) -> None:
    assert column_number(column_letters(number)) == number
    assert column_letters(number) == get_column_letter(number)


def test_areas_are_written_as_they_are_read() -> None:
    assert str(Area.parse("$B$4:F20")) == "B4:F20"
    assert Area.parse("C7") == Area(7, 3, 7, 3)
    with pytest.raises(ValueError, match="no reference"):
        Area.parse("#REF!")
