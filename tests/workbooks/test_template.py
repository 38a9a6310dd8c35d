"""The workbooks that a user begins with."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from netstats_xl.domain.targets import Definitions, Destination, Settings
from netstats_xl.domain.views import Anchor, Column, OneOf, TableSpec, TextSpec, WorkbookView
from netstats_xl.domain.windows import Phase, phase
from netstats_xl.sheets import (
    DESTINATION_COLUMNS,
    DESTINATIONS,
    INPUT_TABLES,
    JOB_COLUMNS,
    JOBS,
    SETTING_ROWS,
    SETTINGS,
    Reading,
    destinations_spec,
    jobs_spec,
    read_definitions,
)
from netstats_xl.workbooks.template import SPARE_ROWS, demo_definitions, demo_view, template_view
from netstats_xl.workbooks.xlsx_reader import read_tables
from netstats_xl.workbooks.xlsx_writer import write_workbook
from tests.workbooks.office import audit

VIEWS = {"template": template_view("Europe/Berlin"), "demo": demo_view("Europe/Berlin")}


def tables(view: WorkbookView) -> dict[str, TableSpec]:
    blocks = (block for sheet in view.spec.sheets for block in sheet.blocks)
    return {block.name: block for block in blocks if isinstance(block, TableSpec)}


def written_and_read(view: WorkbookView, path: Path) -> Reading:
    write_workbook(view, path)
    return read_definitions(read_tables(path, INPUT_TABLES), default_zone="UTC")


@pytest.mark.parametrize("name", VIEWS)
def test_the_sheets_stand_in_their_order_with_frozen_headers(name: str) -> None:
    sheets = VIEWS[name].spec.sheets
    assert [sheet.name for sheet in sheets] == [DESTINATIONS, JOBS, SETTINGS, "Help"]
    for sheet in sheets[:3]:
        table = tables(VIEWS[name])[sheet.name]
        assert sheet.freeze == Anchor(row=table.anchor.row + 1, column=1)
        assert sheet.repeat_rows == (table.anchor.row, table.anchor.row)


@pytest.mark.parametrize("name", VIEWS)
def test_the_tables_have_every_column_and_room_to_type(name: str) -> None:
    found = tables(VIEWS[name])
    assert [column.header for column in found[DESTINATIONS].columns] == [
        each.header for each in DESTINATION_COLUMNS
    ]
    assert [column.header for column in found[JOBS].columns] == [each.header for each in JOB_COLUMNS]
    assert found[DESTINATIONS].spare_rows == found[JOBS].spare_rows == SPARE_ROWS
    assert all(column.note for table in found.values() for column in table.columns)


@pytest.mark.parametrize("name", VIEWS)
def test_the_workbook_is_valid_for_excel_and_for_us(name: str, tmp_path: Path) -> None:
    path = tmp_path / f"{name}.xlsx"
    reading = written_and_read(VIEWS[name], path)
    assert audit(path) == []
    assert reading.errors == ()
    assert reading.invalid == ()
    assert all([*(each.id for each in reading.destinations), *(each.id for each in reading.jobs)])
    assert reading.settings.zone == "Europe/Berlin"


def test_the_template_measures_this_computer_alone(tmp_path: Path) -> None:
    reading = written_and_read(VIEWS["template"], tmp_path / "new.xlsx")
    assert {each.host for each in reading.destinations} == {"127.0.0.1", "::1", "localhost"}
    assert [each.name for each in reading.jobs[0].select(reading.destinations)] == [
        each.name for each in reading.destinations
    ]
    assert reading.settings == Settings(zone="Europe/Berlin")


def test_the_demo_reads_back_as_it_was_made(tmp_path: Path) -> None:
    reading = written_and_read(VIEWS["demo"], tmp_path / "demo.xlsx")
    made = demo_definitions("Europe/Berlin")
    assert Definitions(destinations=reading.destinations, jobs=reading.jobs) == made
    assert reading.settings == Settings(zone="Europe/Berlin", report_every_s=10, report_period_h=1)


def test_the_demo_shows_every_kind_of_trouble() -> None:
    made = demo_definitions("UTC")
    hosts = [each.host for each in made.destinations]
    assert {"127.0.0.1", "::1", "no-such-host.invalid"} <= set(hosts)
    assert sum(host.startswith("127.") for host in hosts) >= 5
    assert any(not each.enabled for each in made.destinations)
    wednesday = datetime(2026, 11, 25, 12, tzinfo=UTC)
    assert {phase(each.schedule, wednesday) for each in made.jobs if each.enabled} == {
        Phase.OPEN,
        Phase.OUTSIDE,
    }
    assert any(not each.enabled for each in made.jobs)
    assert all(1 <= each.schedule.interval.total_seconds() <= 2 for each in made.jobs)


def test_ids_differ_and_are_the_same_in_each_copy() -> None:
    one, other = demo_definitions("UTC"), demo_definitions("UTC")
    assert one == other
    ids = [*(each.id for each in one.destinations), *(each.id for each in one.jobs)]
    assert len(set(ids)) == len(ids)
    assert all(len(each) == 12 for each in ids)


def test_given_definitions_and_settings_take_the_place_of_the_examples(tmp_path: Path) -> None:
    mine = Definitions(destinations=(Destination(id="0123456789ab", name="only", host="192.0.2.1"),))
    view = template_view("UTC", mine, Settings(retention_days=7))
    reading = written_and_read(view, tmp_path / "mine.xlsx")
    assert reading.destinations == mine.destinations
    assert reading.jobs == ()
    assert reading.settings.retention_days == 7


def test_the_help_is_short_and_names_the_commands() -> None:
    help_sheet = VIEWS["template"].spec.sheets[-1]
    texts = [block.text for block in help_sheet.blocks if isinstance(block, TextSpec)]
    assert len(texts) < 40
    assert all(len(text) <= 105 for text in texts)
    for command in ("run", "expand", "check"):
        assert any(f"netstats-xl {command} NetStats.xlsx" in text for text in texts)


def test_settings_are_shown_with_a_row_and_a_description_each() -> None:
    rows = list(VIEWS["template"].rows[SETTINGS])
    assert [row[0] for row in rows] == [row.name for row in SETTING_ROWS]


def test_specs_take_the_users_own_columns_at_the_right() -> None:
    mine = Column(header="Rack")
    for spec, columns in (
        (destinations_spec(Anchor(row=1, column=2), extra=(mine,)), DESTINATION_COLUMNS),
        (jobs_spec(Anchor(row=1, column=2), extra=(mine,)), JOB_COLUMNS),
    ):
        assert spec.columns == (*(each.column for each in columns), mine)
        assert spec.anchor == Anchor(row=1, column=2)
        assert spec.spare_rows == 0


def test_typed_columns_status_columns_and_the_id_are_told_apart() -> None:
    for columns in (DESTINATION_COLUMNS, JOB_COLUMNS):
        assert [each.header for each in columns if each.column.hidden] == ["ID"]
        assert not any(each.typed for each in columns if each.column.hidden or each.column.rules)
        assert all(each.typed for each in columns if each.required)
        choices = [each.column.validation for each in columns if isinstance(each.column.validation, OneOf)]
        assert [choice.choices for choice in choices] == [("yes", "no")]
