"""The ribbon and the macros as sources: what they name is there, and what they say of the product is so."""

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import xmlschema
from fastapi.routing import APIRoute
from lark import Lark, UnexpectedInput
from pyopenvba.interpreter import parse_module

from netstats_xl.app.service import Synced
from netstats_xl.app.views.routes_sheet import ROUTES
from netstats_xl.control import sentences
from netstats_xl.domain.views import CellSpec, TableSpec
from netstats_xl.sheets import DESTINATION_COLUMNS, JOB_COLUMNS
from netstats_xl.sheets.setting_rows import SETTING_COLUMNS
from netstats_xl.workbooks.template import live_template_view
from netstats_xl.workbooks.xlsx_checks import blocks_of
from tests.fakes.service import FakeService
from tests.workbook_template.desk import modules_of, runnable
from workbook_template import build

DATA = Path(__file__).with_name("data")
FILES = [*(f"{name}.bas" for name in build.MODULES), "ThisWorkbook.cls"]
CONTROL = "control As IRibbonControl"
SIGNATURES = {
    "onLoad": "ribbon As IRibbonUI",
    "button": CONTROL,
    "toggleButton": f"{CONTROL}, pressed As Boolean",
    "gallery": f"{CONTROL}, selectedId As String, selectedIndex As Integer",
    "get": f"{CONTROL}, ByRef returnedVal",
}
"""Of the callbacks, as Microsoft's "Customizing the 2007 Office Fluent Ribbon for Developers" lists them for VBA."""
_SUB = re.compile(r"^Public Sub (\w+)\((.*)\)\r$", re.MULTILINE)


@pytest.fixture(scope="module")
def grammar() -> Lark:
    return Lark((DATA / "vba.lark").read_text(), parser="lalr")


def ribbon() -> ET.Element:
    return ET.fromstring(build.RIBBON.read_bytes())


def callbacks() -> dict[str, str]:
    """The signature that each callback of the ribbon must have, by its name."""
    found = {}
    for element in ribbon().iter():
        for attribute, value in element.attrib.items():
            if attribute == "onAction":
                found[value] = SIGNATURES[element.tag.partition("}")[2]]
            elif attribute.startswith("get"):
                found[value] = SIGNATURES["get"]
            elif attribute == "onLoad":
                found[value] = SIGNATURES["onLoad"]
    return found


def procedures() -> dict[str, str]:
    return dict(_SUB.findall(build.source_of("Ribbon.bas")))


def body_of(name: str) -> list[str]:
    source = build.source_of("Ribbon.bas")
    return source.partition(f"Public Sub {name}(")[2].partition("End Sub")[0].splitlines()[1:]


def constant(name: str) -> str:
    source = "".join(build.source_of(each) for each in FILES)
    found = re.search(rf'Const {name} As String = "([^"]*)"', source)
    assert found is not None
    return found[1]


def test_the_ribbon_is_valid() -> None:
    schema = xmlschema.XMLSchema(DATA / "customUI.xsd")
    assert [error.reason for error in schema.iter_errors(build.RIBBON)] == []


def test_each_callback_of_the_ribbon_has_a_procedure_of_the_right_signature() -> None:
    wanted = callbacks()
    assert len(wanted) > 25
    assert {name: procedures().get(name) for name in wanted} == wanted


def test_no_procedure_with_a_signature_of_the_ribbon_is_left_over() -> None:
    assert {name for name, signature in procedures().items() if CONTROL in signature} == set(callbacks()) - {
        "Ribbon_Load"
    }


@pytest.mark.parametrize("name", sorted(callbacks()))
def test_each_callback_handles_errors_before_it_does_anything(name: str) -> None:
    lines = [line.strip() for line in body_of(name)]
    first = next(line for line in lines if not line.startswith("Dim "))
    assert first in ("On Error Resume Next", "On Error GoTo Failed")
    assert first == "On Error Resume Next" or "Failed:" in lines


def test_what_excel_asks_for_to_draw_the_tab_asks_nobody() -> None:
    reaches_out = re.compile(r"\b(Ask|Tell|Order|TellEvent|LearnState|RunPython|MsgBox|InputBox)\b")
    assert [
        name
        for name in procedures()
        if name.startswith("Get_") and reaches_out.search("\n".join(body_of(name)))
    ] == []


def test_controls_explain_themselves_and_have_keys_of_their_own() -> None:
    keys = []
    for element in ribbon().iter():
        kind = element.tag.partition("}")[2]
        if kind in ("button", "toggleButton", "gallery"):
            assert element.attrib["screentip"], element.attrib
            assert 0 < len(element.attrib["supertip"]) <= 1024, element.attrib
            keys.append(element.attrib["keytip"])
    assert len(keys) == len(set(keys)) == 18


def test_icons_are_offices_own() -> None:
    known = {line for line in (DATA / "image_mso.txt").read_text().splitlines() if not line.startswith("#")}
    assert {value for each in ribbon().iter() if (value := each.attrib.get("imageMso"))} == known


@pytest.mark.parametrize("name", FILES)
def test_sources_are_ascii_with_the_line_ends_of_vba(name: str) -> None:
    source = build.source_of(name)
    assert source.isascii()
    assert not re.search(r"(?<!\r)\n|\r(?!\n)|[ \t]\r\n|\t", source)
    assert "\r\nOption Explicit\r\n" in f"\r\n{source}"
    assert source.endswith("\r\n")


@pytest.mark.parametrize("name", FILES)
def test_our_modules_are_what_the_grammar_says(grammar: Lark, name: str) -> None:
    grammar.parse(logical_lines(build.source_of(name)))


@pytest.mark.parametrize("name", FILES)
def test_the_grammar_refuses_what_is_broken(grammar: Lark, name: str) -> None:
    """Without any one of the lines that end something, or of the brackets and words that a line needs."""
    needed = re.compile(
        r"^ *(End (Sub|Function|If|Select)|Next|Loop)\r\n|[()]| Then(?=\r)|(?<=On Error )\w+", re.MULTILINE
    )
    removed = 0
    for procedure in procedures_of(build.source_of(name)):
        grammar.parse(logical_lines(procedure))
        for each in needed.finditer(procedure):
            if "'" in line_at(procedure, each.start()) or in_text(procedure, each.start()):
                continue
            removed += 1
            with pytest.raises(UnexpectedInput):
                grammar.parse(logical_lines(procedure[: each.start()] + procedure[each.end() :]))
    assert removed >= 18


def test_every_module_of_the_template_can_be_run(live_template: Path) -> None:
    for name, kind, source in modules_of(live_template):
        parse_module(runnable(source), name=name, kind=kind)


def procedures_of(source: str) -> list[str]:
    """Each as a module of its own: together all of a module but what it declares."""
    first, *others = re.split(r"^(?=(?:Public|Private) (?:Sub|Function) )", source, flags=re.MULTILINE)
    assert "End Sub" not in first
    assert "End Function" not in first
    return [f"Option Explicit\r\n{each}" for each in others]


def line_at(source: str, position: int) -> str:
    return source[source.rfind("\n", 0, position) + 1 : source.find("\r", position)]


def in_text(source: str, position: int) -> bool:
    return source[source.rfind("\n", 0, position) + 1 : position].count('"') % 2 == 1


def logical_lines(source: str) -> str:
    return source.replace("\r\n", "\n").replace(" _\n", " ")


def test_every_path_that_the_macros_ask_for_is_a_route_of_the_api() -> None:
    from netstats_xl.control.companion_routes import companion_routes
    from netstats_xl.control.destination_routes import destination_routes
    from netstats_xl.control.events import Listening
    from netstats_xl.control.job_routes import job_routes

    service = FakeService()
    routers = (
        destination_routes(service),
        job_routes(service),
        companion_routes(service, Listening(service)),
    )
    known = {route.path for router in routers for route in router.routes if isinstance(route, APIRoute)}
    asked = {path for name in FILES for path in re.findall(r'"(/v1/[^"]*)"', build.source_of(name))}
    assert len(asked) == 16
    assert asked <= known


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("DESTINATION_HEADERS", DESTINATION_COLUMNS),
        ("JOB_HEADERS", JOB_COLUMNS),
        ("SETTING_HEADERS", SETTING_COLUMNS),
    ],
)
def test_typed_columns_are_the_products(name: str, columns: "tuple[object, ...]") -> None:
    from netstats_xl.sheets.columns import SheetColumn

    typed = [each.header for each in columns if isinstance(each, SheetColumn) and each.typed]
    assert constant(name) == "|" + "|".join(typed) + "|"


def test_the_macros_know_the_tables_and_cells_of_the_template() -> None:
    spec = live_template_view().spec
    headers = {table.name: {each.header for each in table.columns} for _, table in blocks_of(spec, TableSpec)}
    for name in ("DESTINATIONS", "JOBS", "OVERVIEW"):
        assert constant("NAME_HEADER") in headers[constant(name)]
    assert constant("ID_HEADER") in headers[constant("DESTINATIONS")] & headers[constant("JOBS")]
    selection = headers[constant("SELECTION_TABLE")]
    assert constant("SELECTION_HEADERS").strip("|").split("|") == [
        each.header
        for _, table in blocks_of(spec, TableSpec)
        if table.name == constant("SELECTION_TABLE")
        for each in table.columns
        if each.typed
    ]
    assert "Period" in selection
    assert "NetStats_state" in {cell.name for _, cell in blocks_of(spec, CellSpec)}
    assert constant("SETTINGS") in headers
    assert constant("ROUTES_TABLE") == ROUTES


def test_the_macros_know_the_collectors_words() -> None:
    service = FakeService()
    service.paused = True
    assert constant("UPDATES_PAUSED") in service.health().summary
    held = Synced(destinations=1, jobs=1, held=True, warnings=("5 of 6 rows are gone.",))
    assert sentences.synced(held).startswith(constant("HELD_BACK"))
