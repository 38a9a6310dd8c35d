"""The template as it is, opened in Excel and fed with the live views: every table and cell finds its place."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from netstats_xl.app.publishing import live_spec, live_view, status_view
from netstats_xl.domain.results import State
from netstats_xl.domain.states import DestinationStatus
from netstats_xl.domain.tables import RowEdits
from netstats_xl.domain.targets import Definitions
from netstats_xl.domain.views import TableSpec
from netstats_xl.sheets import Selection, destination_cells, job_cells
from netstats_xl.workbooks.excel.workbook import BookRef, ExcelWorkbook
from netstats_xl.workbooks.live.values import prepared
from tests.app.report_world import DEAD, GATEWAY, WEB, World, ago, replied, timed_out
from tests.excel_double import (
    DISTURBING,
    ExcelApplication,
    ListObject,
    User,
    WindowsEngine,
    Workbook,
    load_workbook,
    values,
    windows_engine,
)
from tests.workbooks.excel.live import Pauses

TEMPLATE = Path(__file__).parents[3] / "workbook_template" / "NetStats.xlsm"
PATH = r"C:\Users\Ann\NetStats.xlsm"
TABLES = {
    block.name: block
    for sheet in live_spec().sheets
    for block in sheet.blocks
    if isinstance(block, TableSpec)
}
INPUTS = [spec for spec in TABLES.values() if any(column.typed for column in spec.columns)]


@pytest.fixture
def engine() -> Iterator[WindowsEngine]:
    with windows_engine() as running:
        yield running


@pytest.fixture
def excel(engine: WindowsEngine) -> ExcelApplication:
    return engine.run()


@pytest.fixture
def book(excel: ExcelApplication) -> Workbook:
    return load_workbook(excel, TEMPLATE, PATH)


@pytest.fixture
def workbook(book: Workbook) -> Iterator[ExcelWorkbook]:
    clock = Pauses()
    made = ExcelWorkbook(
        BookRef(full_name=PATH), inputs=INPUTS, tick_s=0.001, monotonic=clock.monotonic, pause=clock.pause
    )
    yield made
    made.close()


@pytest.fixture
def world() -> World:
    world = World()
    down = DestinationStatus(destination_id=DEAD.id, state=State.DOWN)
    world.ask(collector="Collecting: 2 up, 1 down", destination_status={DEAD.id: down})
    world.rounds(GATEWAY, ago(minutes=30), *[replied(10.0, 12.0, None)] * 30)
    world.rounds(WEB, ago(minutes=30), *[replied(100.0, 101.0)] * 30)
    world.rounds(DEAD, ago(minutes=30), *[timed_out()] * 30)
    world.run(ago(minutes=1))
    world.event(DEAD, ago(minutes=29), State.UNKNOWN, State.DOWN, "no reply")
    return world


def column(table: ListObject, header: str) -> list[object]:
    position = table.headers.index(header)
    return [row[position] for row in values(table)]


def type_in(workbook: ExcelWorkbook, world: World) -> None:
    """The user's rows, as many as there are definitions, and the inputs as they were read of them."""
    definitions: Definitions = world.store.definitions().active
    workbook.read(["Destinations", "Jobs"])
    destinations = tuple({**destination_cells(each), "ID": each.id} for each in definitions.destinations)
    workbook.edit("Destinations", RowEdits(append=destinations))
    jobs = tuple({**job_cells(each, default_zone="UTC"), "ID": each.id} for each in definitions.jobs)
    workbook.edit("Jobs", RowEdits(append=jobs))
    tables = workbook.read(["Destinations", "Jobs", "Settings", "Selection"])
    assert set(tables) == {"Destinations", "Jobs", "Settings", "Selection"}
    world.ask(
        tables=tables,
        row_ids={
            (name, row.number): row.cells["ID"]
            for name in ("Destinations", "Jobs")
            for row in tables[name].rows
        },
    )


def test_an_identity_is_drawn_for_the_template(workbook: ExcelWorkbook) -> None:
    assert workbook.identity() == "0" * 32
    workbook.set_identity("f" * 32)
    assert workbook.identity() == "f" * 32


def test_everything_is_shown_where_the_design_puts_it(
    workbook: ExcelWorkbook, book: Workbook, excel: ExcelApplication, world: World
) -> None:
    type_in(workbook, world)
    shown = live_view(world.store, world.inputs, Selection())
    workbook.publish(shown)
    assert workbook.flush(30)
    assert workbook.problems == ()
    rows = {name: list(each) for name, each in live_view(world.store, world.inputs, Selection()).rows.items()}
    for name, spec in TABLES.items():
        if name not in rows:
            continue
        columns = prepared(rows[name], spec.columns)
        table = book.table(name)
        for each, wanted in zip(spec.columns, columns, strict=True):
            if not each.typed:
                got = column(table, each.header)[: len(wanted)]
                assert got == (wanted or got), f"{name}: {each.header}"
    assert column(book.table("Destinations"), "Status").count("Down") == 1
    assert not DISTURBING & set(excel.calls.names)
    excel.calls.clear()
    workbook.publish(live_view(world.store, world.inputs, Selection()))
    assert workbook.flush(30)
    assert excel.calls.writes == []


def test_a_status_costs_few_calls_and_follows_the_rows_that_the_user_sorts(
    workbook: ExcelWorkbook, book: Workbook, excel: ExcelApplication, world: World
) -> None:
    type_in(workbook, world)
    workbook.publish(status_view(world.inputs))
    assert workbook.flush(30)
    table = book.table("Destinations")
    before = {row[table.headers.index("Name")]: row for row in values(table)}
    order = list(range(table.row_count, 0, -1))
    User(excel).reorder(table, order)
    with excel.calls.during() as calls:
        workbook.publish(status_view(world.inputs))
        assert workbook.flush(30)
    assert calls.writes == []
    assert {row[table.headers.index("Name")]: row for row in values(table)} == before
    assert len(calls) < 60
