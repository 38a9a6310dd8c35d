"""What the user of a live workbook chose to see, and what the drop-downs offer."""

from datetime import timedelta

import pytest

from netstats_xl.domain.tables import CellValue, ErrorValue, RawTable
from netstats_xl.domain.targets import Definitions, Destination, Job, Selector
from netstats_xl.domain.views import Anchor, OneOf, OneOfColumn
from netstats_xl.domain.windows import Schedule
from netstats_xl.errors import CellError
from netstats_xl.sheets import (
    SELECTION,
    Selection,
    choice_rows,
    chosen,
    destinations_spec,
    jobs_spec,
    offering,
    read_selection,
    selection_cells,
    selection_spec,
)
from netstats_xl.sheets.specs import LIVE_VALIDATIONS
from tests.sheets.tables import table

WEB = Destination(id="d1", name="Web", host="a.example", group="Shops", tags=("voip", "Core"))
MAIL = Destination(id="d2", name="Mail", host="b.example", group="shops", tags=("core",))


def job(name: str) -> Job:
    return Job(
        id=name,
        name=name,
        selectors=(Selector(kind="all"),),
        schedule=Schedule(interval=timedelta(seconds=10)),
    )


WORLD = Definitions(destinations=(WEB, MAIL), jobs=(job("Every 10 s"), job("web")))


def written(details_of: CellValue = None, period: CellValue = None) -> RawTable:
    return table(SELECTION, ("Period", "Details of"), {"Details of": details_of, "Period": period})


def read(selection: RawTable | None) -> tuple[Selection, tuple[CellError, ...]]:
    return read_selection(selection, definitions=WORLD, default_period_h=36)


@pytest.mark.parametrize("nothing", [None, table(SELECTION, ("Details of", "Period")), written()])
def test_where_nothing_is_chosen_the_worst_is_shown_for_the_reports_period(nothing: RawTable | None) -> None:
    assert read(nothing) == (Selection(details_of="", period_h=36), ())


@pytest.mark.parametrize(
    ("typed", "hours", "shown"),
    [("1h", 1, "1h"), ("24h", 24, "24h"), (" 7 D ", 168, "7d"), (12.0, 12, "12h")],
)
def test_a_period_is_understood_as_it_is_typed(typed: CellValue, hours: int, shown: str) -> None:
    selection, errors = read(written("mail", typed))
    assert (selection.details_of, selection.period_h, selection.period, errors) == ("mail", hours, shown, ())


@pytest.mark.parametrize(
    ("details_of", "period", "cell", "told"),
    [
        ("Mial", "1h", "B5", "did you mean 'Mail'?"),
        ("job:Mail", "1h", "B5", "no destination and no job has this name"),
        ("Web", "soon", "A5", "24h, 7d or 4w"),
        ("Web", "400d", "A5", "from 1h to 366d"),
        (ErrorValue("#N/A"), "1h", "B5", "shows an error"),
    ],
)
def test_what_is_not_understood_is_told_and_has_its_default(
    details_of: CellValue, period: CellValue, cell: str, told: str
) -> None:
    selection, [error] = read(written(details_of, period))
    assert (error.sheet, error.cell) == (SELECTION, cell)
    assert told in error.message
    good = {"A5": Selection(details_of="Web", period_h=36), "B5": Selection(period_h=1)}
    assert selection == good[cell]


def test_a_table_without_its_columns_is_as_good_as_none() -> None:
    assert read(table(SELECTION, ("Something",), {"Something": "else"})) == (Selection(period_h=36), ())


def test_a_second_column_of_the_same_name_is_told() -> None:
    twice = table(SELECTION, ("Period", " PERIOD"), {"Period": "1h", " PERIOD": "2h"})
    selection, [error] = read(twice)
    assert selection.period_h == 1
    assert "a second column" in error.message


def test_a_name_means_the_destination_before_the_job() -> None:
    assert chosen("WEB", WORLD) == WEB
    assert chosen("job:web", WORLD) == WORLD.jobs[1]
    assert chosen("every 10 S", WORLD) == WORLD.jobs[0]
    assert chosen("", WORLD) is None


def test_a_choice_is_written_into_its_cells_alone() -> None:
    assert selection_cells(details_of="Web") == {"Details of": "Web"}
    assert selection_cells(details_of="", period="7d") == {"Details of": None, "Period": "7d"}
    assert selection_cells() == {}


def test_the_drop_downs_offer_what_can_be_named() -> None:
    job_destinations, groups, details_of = zip(*choice_rows(WORLD), strict=True)
    assert job_destinations == ("*", "group:shops", "tag:core", "tag:voip", "Web", "Mail")
    assert groups == ("shops", None, None, None, None, None)
    # A job that shares its name with a destination is told apart, and understood again.
    assert details_of == ("Web", "Mail", "Every 10 s", "job:web", None, None)
    assert [chosen(name, WORLD) for name in details_of if name] == [WEB, MAIL, *WORLD.jobs]


def test_without_definitions_a_job_can_still_name_everything() -> None:
    assert choice_rows(Definitions()) == (("*", None, None),)


def test_every_cell_that_offers_something_takes_other_input_but_yes_and_no() -> None:
    anchor = Anchor(row=0, column=0)
    tables = [
        offering(spec) for spec in (destinations_spec(anchor), jobs_spec(anchor), selection_spec(anchor))
    ]
    offered = {
        (each.name, column.header): column.validation
        for each in tables
        for column in each.columns
        if isinstance(column.validation, OneOf | OneOfColumn)
    }
    strict = {
        where for where, validation in offered.items() if isinstance(validation, OneOf) and validation.strict
    }
    assert strict == {("Destinations", "Enabled"), ("Jobs", "Enabled")}
    assert set(LIVE_VALIDATIONS) == set(offered) - strict
