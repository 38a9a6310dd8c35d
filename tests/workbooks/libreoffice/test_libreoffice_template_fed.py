"""The template as it is, opened in LibreOffice and fed with the live views: everything finds its place."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from netstats_xl.app.publishing import live_spec, live_view, status_view
from netstats_xl.domain.results import State
from netstats_xl.domain.states import DestinationStatus
from netstats_xl.domain.tables import RowEdits
from netstats_xl.domain.views import PivotSpec, TableSpec
from netstats_xl.sheets import Selection, destination_cells, job_cells
from netstats_xl.workbooks.libreoffice.cells import Cells
from netstats_xl.workbooks.libreoffice.delivery import titles_of
from netstats_xl.workbooks.libreoffice.finding import DocumentRef
from netstats_xl.workbooks.libreoffice.template import read_identity, write_template
from netstats_xl.workbooks.live.values import prepared
from tests.app.report_world import DEAD, GATEWAY, WEB, World, ago, replied, timed_out
from tests.workbooks.libreoffice.live import Live, live
from tests.workbooks.libreoffice.office import Office

pytestmark = pytest.mark.libreoffice

TABLES = {
    block.name: block
    for sheet in live_spec().sheets
    for block in sheet.blocks
    if isinstance(block, TableSpec)
}
PIVOTS = {
    block.name for sheet in live_spec().sheets for block in sheet.blocks if isinstance(block, PivotSpec)
}
INPUTS = [spec for spec in TABLES.values() if any(column.typed for column in spec.columns)]
USER_TABLES = ("Destinations", "Jobs", "Settings", "Selection")


@dataclass
class Fed:
    """The template, and the world that is shown in it."""

    bench: Live
    world: World

    def show(self) -> None:
        """Everything, as it is now."""
        self.bench.show(live_view(self.world.store, self.world.inputs, Selection()))

    def cells(self, table: str) -> Cells:
        """A table, as it stands."""
        return Cells.told(
            self.bench.workbook._connection._child.ask("read", table=table, far=0, rows=0, formats=False)
        )

    def asked(self) -> list[tuple[str, dict[str, Any]]]:
        """What LibreOffice is asked for from now on."""
        found: list[tuple[str, dict[str, Any]]] = []
        self.bench.before_asking(lambda what, question: found.append((what, question)))
        return found


@pytest.fixture(scope="module", params=[".xlsx", ".ods"])
def fed(
    request: pytest.FixtureRequest, running: Office, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fed]:
    path = tmp_path_factory.mktemp("template") / f"NetStats{request.param}"
    write_template(path)
    identity = read_identity(path)
    assert identity is not None
    ref = DocumentRef(path=str(path), guid=identity)
    with live(running, path, ref=ref, inputs=INPUTS, pivots_every_s=0) as bench:
        world = made_world()
        assert bench.workbook.identity() == identity
        type_in(bench, world)
        yield Fed(bench=bench, world=world)


def made_world() -> World:
    world = World()
    down = DestinationStatus(destination_id=DEAD.id, state=State.DOWN)
    world.ask(collector="Collecting: 2 up, 1 down", destination_status={DEAD.id: down})
    world.rounds(GATEWAY, ago(minutes=30), *[replied(10.0, 12.0, None)] * 30)
    world.rounds(WEB, ago(minutes=30), *[replied(100.0, 101.0)] * 30)
    world.rounds(DEAD, ago(minutes=30), *[timed_out()] * 30)
    world.run(ago(minutes=1))
    world.event(DEAD, ago(minutes=29), State.UNKNOWN, State.DOWN, "no reply")
    return world


def type_in(bench: Live, world: World) -> None:
    """The rows of the definitions, in the place of the template's examples, and the inputs as they were read."""
    definitions = world.store.definitions().active
    destinations = tuple({**destination_cells(each), "ID": each.id} for each in definitions.destinations)
    jobs = tuple({**job_cells(each, default_zone="UTC"), "ID": each.id} for each in definitions.jobs)
    for table, rows in (("Destinations", destinations), ("Jobs", jobs)):
        examples = tuple(row.number for row in bench.read(table).rows)
        bench.workbook.edit(table, RowEdits(append=rows, remove=examples))
    tables = bench.workbook.read(USER_TABLES)
    assert set(tables) == set(USER_TABLES)
    row_ids = {
        (name, row.number): row.cells["ID"] for name in ("Destinations", "Jobs") for row in tables[name].rows
    }
    world.ask(tables=tables, row_ids=row_ids)


def test_everything_is_shown_where_the_design_puts_it_and_only_once(fed: Fed) -> None:
    fed.show()
    assert fed.bench.problems() == ()
    wanted = live_view(fed.world.store, fed.world.inputs, Selection())
    for name, rows in wanted.rows.items():
        cells = fed.cells(name)
        positions = {header: position for position, header in enumerate(cells.headers)}
        for each, values in zip(
            TABLES[name].columns, prepared(list(rows), TABLES[name].columns), strict=True
        ):
            if not each.typed:
                held = [row[positions[each.header]] for row in cells.body[: len(values)]]
                assert held == [float(v) if isinstance(v, bool) else v for v in values], (name, each.header)
    statuses = fed.cells("Destinations")
    at = list(statuses.headers).index("Status")
    assert [row[at] for row in statuses.body].count("Down") == 1
    asked = fed.asked()
    fed.show()
    assert {what for what, _ in asked} <= {"read", "put", "place"}


def test_nothing_of_it_can_be_undone(fed: Fed) -> None:
    before = fed.bench.user("undoable")
    fed.world.ask(collector="Collecting: 3 up")
    fed.show()
    assert fed.bench.user("undoable") == before


def test_the_titles_of_charts_follow_their_cells(fed: Fed) -> None:
    fed.show()
    titles = titles_of(live_view(fed.world.store, fed.world.inputs, Selection()))
    shown = fed.bench.user("titles")
    assert titles
    assert {name: shown[name] for name in titles} == titles


def test_pivots_are_computed_anew_with_their_source(fed: Fed) -> None:
    fed.show()
    found = dict(map(reversed, fed.bench.user("pivots")))
    assert PIVOTS
    assert set(found) == PIVOTS
    name = "Pivot_destinations"
    shown = fed.bench.user("pivot", sheet=found[name], name=name)
    captions = ["Mean of means (ms)", "Worst p95 (ms)", "Worst loss (%)", "Packets lost"]
    assert ["Destination", *captions] in [row[:5] for row in shown]
    before = {row[0]: row[1:5] for row in shown}
    assert before["Web shop"] == [100.5, 101.0, 0.0, 0.0]
    fed.world.rounds(GATEWAY, ago(hours=3), *[replied(500.0, 700.0)] * 30)
    fed.show()
    after = {row[0]: row[1:5] for row in fed.bench.user("pivot", sheet=found[name], name=name)}
    assert after["Web shop"] == before["Web shop"]
    assert after["Gateway"][1] == 700.0
    assert fed.bench.problems() == ()


def test_a_status_costs_little_and_follows_the_rows_that_the_user_sorts(fed: Fed) -> None:
    fed.bench.show(status_view(fed.world.inputs))
    before = {row[0]: list(row) for row in fed.cells("Destinations").body}
    fed.bench.user("sort", table="Destinations", column=0, descending=True)
    asked = fed.asked()
    fed.bench.show(status_view(fed.world.inputs))
    assert "write" not in [what for what, _ in asked]
    assert len(asked) < 20
    assert {row[0]: list(row) for row in fed.cells("Destinations").body} == before
