"""The three tables together: headers, selectors, names, what is missing."""

from collections.abc import Mapping
from dataclasses import replace

from netstats_xl.domain.tables import CellValue, ErrorValue, RawRow, RawTable
from netstats_xl.domain.targets import Settings
from netstats_xl.sheets import DESTINATIONS, INPUT_TABLES, JOBS, SETTINGS, InvalidRow, read_definitions
from tests.sheets.tables import destinations, jobs, problems, read, settings, table

WEB: dict[str, CellValue] = {"Name": "web", "Host": "192.0.2.1"}
PING: dict[str, CellValue] = {"Name": "ping", "Destinations": "*", "Interval": "10s"}


def test_columns_are_found_by_header_in_any_order_and_spelling() -> None:
    odd = table(
        DESTINATIONS,
        ("  rtt  WARNING (MS) ", "My own", "host", "NAME"),
        {"  rtt  WARNING (MS) ": 5, "My own": ErrorValue("#N/A"), "host": "::1", "NAME": "web"},
    )
    reading = read(odd)
    assert reading.errors == ()
    assert (reading.destinations[0].name, reading.destinations[0].host) == ("web", "::1")
    assert reading.destinations[0].thresholds.rtt_warning_ms == 5


def test_a_bad_cell_in_a_moved_column_has_its_own_address() -> None:
    odd = table(DESTINATIONS, ("Host", "Name"), {"Host": "a b", "Name": "web"})
    assert list(problems(read(odd))) == ["Destinations!A5"]


def test_a_missing_required_column_is_one_error_and_makes_the_table_unreadable() -> None:
    reading = read(table(DESTINATIONS, ("Name", "Group"), {"Name": "a"}, {"Name": "b"}), jobs(PING))
    assert "has no column 'Host'" in problems(reading)["Destinations!A4"]
    assert reading.unreadable == {DESTINATIONS}
    assert [job.name for job in reading.jobs] == ["ping"]


def test_a_required_cell_in_a_table_without_columns_is_told_by_its_header() -> None:
    nothing = RawTable(name=JOBS, sheet=JOBS, headers=(), rows=(RawRow(number=0, cells={}),))
    reading = read(nothing)
    assert [error.cell for error in reading.errors] == [
        "jobs[1].name",
        "jobs[1].destinations",
        "jobs[1].interval",
    ]


def test_a_repeated_header_is_an_error_and_the_first_one_is_read() -> None:
    reading = read(
        table(DESTINATIONS, ("Name", "Host", "host "), {"Name": "web", "Host": "::1", "host ": "bad host"})
    )
    assert "a second column" in problems(reading)["Destinations!C4"]
    assert reading.destinations[0].host == "::1"


def test_missing_tables_are_told_with_the_remedy_and_are_unreadable() -> None:
    reading = read_definitions({}, default_zone="Asia/Tokyo")
    assert {error.sheet for error in reading.errors} == set(INPUT_TABLES)
    assert all("netstats-xl new" in error.message for error in reading.errors)
    assert reading.unreadable == {DESTINATIONS, JOBS}
    assert reading.settings == Settings(zone="Asia/Tokyo")


def test_a_job_naming_what_an_unreadable_table_holds_is_not_blamed() -> None:
    reading = read_definitions({JOBS: jobs(PING | {"Destinations": "web"})}, default_zone="UTC")
    assert [job.name for job in reading.jobs] == ["ping"]


def test_rows_that_the_user_cleared_are_no_rows_though_an_id_is_left() -> None:
    reading = read(destinations(WEB, {"ID": "0123456789ab", "Status": "Up"}, {"Name": " ", "Host": "\u00a0"}))
    assert reading.errors == ()
    assert (reading.destination_rows, reading.invalid) == ((5,), ())


def apart(table: RawTable, *cells: Mapping[str, CellValue]) -> RawTable:
    """The table with these below it, from row 20 on."""
    rows = [RawRow(number=number, cells=row) for number, row in enumerate(cells, start=20)]
    return replace(table, rows_apart=rows)


def test_rows_apart_from_the_table_are_one_error_and_count_as_bad_rows_not_as_removed_ones() -> None:
    below = apart(destinations(WEB), WEB | {"Name": "b", "ID": "0123456789ab"}, {"Name": "?"}, WEB)
    reading = read(below, jobs(PING | {"Destinations": "b"}))
    assert [each.name for each in reading.destinations] == ["web"]
    assert [(each.number, each.id, each.name) for each in reading.invalid] == [
        (20, "0123456789ab", "b"),
        (22, "", "web"),
    ]
    assert len(reading.errors) == 2
    assert "rows 20 to 22 stand below the table Destinations" in problems(reading)["Destinations!A20"]
    assert "correct Destinations!A20 first" in problems(reading)["Jobs!B5"]


def test_one_row_apart_is_told_as_one_and_a_note_below_the_table_is_none_of_ours() -> None:
    table = apart(destinations(WEB), {"Name": "Written by hand"}, {"Host": "192.0.2.9"})
    assert read(table).errors == ()
    one = read(apart(destinations(WEB), WEB | {"Name": "b"}))
    assert "row 20 stands below the table Destinations, apart from it, and is not read" in str(one.errors)


def test_a_setting_apart_from_its_table_is_told() -> None:
    table = RawTable(name=SETTINGS, sheet=SETTINGS, headers=("Setting", "Value"), rows=())
    note, setting = {"Setting": "Contact", "Value": "desk 4"}, {"Setting": "Report every", "Value": "5m"}
    reading = read_definitions({SETTINGS: apart(table, note, setting)}, default_zone="UTC")
    told = [str(error) for error in reading.errors if error.sheet == SETTINGS]
    assert len(told) == 1
    assert "row 21 stands below the table Settings" in told[0]


def test_a_repeated_name_is_an_error_of_the_second_row_that_names_the_first() -> None:
    reading = read(destinations(WEB, WEB | {"Name": "WEB", "ID": "0123456789ab"}, WEB | {"Name": "other"}))
    assert "A5 has this name already" in problems(reading)["Destinations!A6"]
    assert [each.name for each in reading.destinations] == ["web", "other"]
    assert reading.invalid == (
        InvalidRow(table=DESTINATIONS, number=6, id="0123456789ab", name="WEB", host="192.0.2.1"),
    )


def test_jobs_may_be_called_like_destinations_but_not_like_each_other() -> None:
    reading = read(destinations(WEB), jobs(PING | {"Name": "web"}, PING | {"Name": "Web"}))
    assert list(problems(reading)) == ["Jobs!A6"]


def test_good_rows_go_on_working_beside_bad_ones() -> None:
    reading = read(
        destinations({"Name": "bad", "Host": "?"}, WEB), jobs(PING | {"Interval": "x"}, PING | {"Name": "b"})
    )
    assert [each.name for each in reading.destinations] == ["web"]
    assert (reading.destination_rows, reading.job_rows) == ((6,), (6,))
    assert [(row.table, row.number) for row in reading.invalid] == [(DESTINATIONS, 5), (JOBS, 5)]


def test_a_job_that_names_a_bad_row_goes_on_and_says_so() -> None:
    reading = read(
        destinations({"Name": "bad", "Host": "?", "Group": "g"}, WEB),
        jobs(PING | {"Destinations": "web, bad"}, PING | {"Name": "second", "Destinations": "group:G"}),
    )
    assert [job.name for job in reading.jobs] == ["ping", "second"]
    found = problems(reading)
    assert found["Jobs!B5"] == "'bad' selects only rows that are not valid: correct Destinations!B5 first"
    assert "'group:G' selects only rows that are not valid" in found["Jobs!B6"]


def test_a_selector_that_selects_nothing_makes_the_job_invalid() -> None:
    reading = read(destinations(WEB), jobs(PING | {"Destinations": "web, x1, tag:y"}))
    assert reading.jobs == ()
    message = problems(reading)["Jobs!B5"]
    assert "no destination is named 'x1'" in message
    assert "no destination has the tag 'y'" in message


def test_a_star_selects_without_complaint_even_where_there_is_nothing_yet() -> None:
    assert read(jobs(PING)).errors == ()


def test_a_disabled_destination_may_be_named() -> None:
    assert read(destinations(WEB | {"Enabled": "no"}), jobs(PING | {"Destinations": "web"})).errors == ()


def test_a_great_many_misspelled_names_are_all_told_and_only_the_first_get_a_proposal() -> None:
    many = [PING | {"Name": f"j{number}", "Destinations": "wep"} for number in range(100)]
    messages = list(problems(read(destinations(WEB), jobs(*many))).values())
    assert len(messages) == 100
    assert sum("did you mean 'web'?" in message for message in messages) == 20


def test_settings_do_not_stop_the_other_tables() -> None:
    reading = read(destinations(WEB), jobs(PING), settings(zone="Nowhere"), default_zone="Asia/Tokyo")
    assert list(problems(reading)) == ["Settings!B5"]
    assert reading.jobs[0].schedule.zone == "Asia/Tokyo"


def test_a_job_whose_rounds_can_never_end_in_time_is_told_and_goes_on() -> None:
    hosts = destinations(*({"Name": f"d{number}", "Host": "192.0.2.1"} for number in range(30)))
    every_second: dict[str, CellValue] = {
        "Name": "Fast",
        "Destinations": "*",
        "Interval": "1s",
        "Packets": 1,
        "Timeout (ms)": 500,
    }
    slow = every_second | {"Name": "Slow", "Interval": "3s"}
    reading = read(hosts, jobs(every_second, slow), settings(packets_per_second=10))
    assert [job.name for job in reading.jobs] == ["Fast", "Slow"]
    assert problems(reading) == {
        "Jobs!E5": "this job sends 30 x 1 packets every 1s: 30 a second, more than the 10 of Settings, so its rounds "
        "cannot end in time and some are missed. Write an interval of at least 3s, fewer packets or destinations, or, "
        "if the network can take it, more Packets a second in Settings"
    }
    assert read(hosts, jobs(every_second)).errors == ()
