"""Rows of the Destinations table."""

from datetime import date, datetime, time

import pytest

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.targets import Destination, Thresholds
from netstats_xl.sheets import destination_cells
from tests.sheets.tables import destinations, problems, read

GOOD: dict[str, CellValue] = {"Name": "web", "Host": "192.0.2.1"}


def destination(**cells: CellValue) -> Destination:
    """The destination that a good row with these further cells gives."""
    reading = read(destinations(GOOD | {key.replace("_", " "): value for key, value in cells.items()}))
    assert reading.errors == ()
    return reading.destinations[0]


def bad(cells: dict[str, CellValue]) -> dict[str, str]:
    """What is wrong with a row that has these cells."""
    reading = read(destinations(GOOD | cells))
    assert reading.destinations == ()
    return problems(reading)


def test_a_row_with_every_cell_filled_becomes_a_destination() -> None:
    row: dict[str, CellValue] = {
        "Name": "  Berlin   core ",
        "Host": "2001:DB8::1",
        "Group": "Offices",
        "Tags": "voip; core,\nVOIP, ",
        "Enabled": "no",
        "RTT warning (ms)": "10,5 ms",
        "RTT critical (ms)": 20,
        "Loss warning (%)": "2%",
        "Loss critical (%)": 5.5,
        "Notes": "two\nlines",
        "Status": "Up",
        "ID": "0123456789ab",
    }
    reading = read(destinations(row))
    assert reading.errors == ()
    assert reading.destinations == (
        Destination(
            id="0123456789ab",
            name="Berlin core",
            host="2001:db8::1",
            group="Offices",
            tags=("voip", "core"),
            enabled=False,
            thresholds=Thresholds(
                rtt_warning_ms=10.5, rtt_critical_ms=20, loss_warning_percent=2, loss_critical_percent=5.5
            ),
            notes="two\nlines",
        ),
    )
    assert reading.destination_rows == (5,)


def test_what_is_blank_has_its_default() -> None:
    assert destination() == Destination(id="", name="web", host="192.0.2.1")


def test_zero_is_not_blank() -> None:
    found = destination(**{"Loss_warning_(%)": 0})
    assert found.thresholds.loss_warning_percent == 0


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (10.0, "10"),
        (7, "7"),
        (1.5, "1.5"),
        (True, "TRUE"),
        ("a\u00a0b", "a b"),
        ("\u200bzero\ufeff", "zero"),
        ("tab\there", "tab here"),
        ("half \ud800", "half \ufffd"),
        ("Zu\u0308rich", "Zürich"),
        ("=cmd|' /C calc'!A0", "=cmd|' /C calc'!A0"),
    ],
)
def test_a_name_is_the_text_that_the_cell_shows(value: CellValue, name: str) -> None:
    assert destination(Name=value).name == name


@pytest.mark.parametrize("value", ["yes", "YES", " x ", "true", True, 1, 1.0, "1", "on", "y", None, ""])
def test_enabled_is_yes_in_many_spellings_and_when_blank(value: CellValue) -> None:
    assert destination(Enabled=value).enabled


@pytest.mark.parametrize("value", ["no", "No", "false", False, 0, 0.0, "0", "off", "n"])
def test_enabled_is_no_in_many_spellings(value: CellValue) -> None:
    assert not destination(Enabled=value).enabled


@pytest.mark.parametrize(
    ("cells", "cell", "told"),
    [
        ({"Name": None}, "A5", "must not be blank"),
        ({"Name": "  "}, "A5", "must not be blank"),
        ({"Name": "a,b"}, "A5", "comma"),
        ({"Name": "a\nb"}, "A5", "line break"),
        ({"Name": "*"}, "A5", "cannot be *"),
        ({"Name": "Group:x"}, "A5", "group:"),
        ({"Name": "x" * 101}, "A5", "at most 100"),
        ({"Name": date(2026, 2, 1)}, "A5", "format the cell as text"),
        ({"Name": ErrorValue("#N/A")}, "A5", "shows an error"),
        ({"Host": None}, "B5", "must not be blank"),
        ({"Host": "10.0.0.0/28"}, "B5", "expand"),
        ({"Host": 10.1}, "B5", "IPv4"),
        ({"Host": time(10, 1)}, "B5", "format the cell as text"),
        ({"Group": "a;b"}, "C5", "semicolon"),
        ({"Tags": "ok, tag:x"}, "D5", "tag:"),
        ({"Enabled": "maybe"}, "E5", "write yes or no"),
        ({"Enabled": ErrorValue("#REF!")}, "E5", "shows an error"),
        ({"RTT warning (ms)": 0}, "F5", "from 0.001 to 600,000"),
        ({"RTT warning (ms)": -1}, "F5", "from 0.001"),
        ({"RTT warning (ms)": "fast"}, "F5", "10 or 10 ms"),
        ({"RTT warning (ms)": "1,000"}, "F5", "1.000 or 1000"),
        ({"RTT warning (ms)": True}, "F5", "no number"),
        ({"RTT warning (ms)": datetime(2026, 1, 1)}, "F5", "no number"),  # noqa: DTZ001 - as a cell holds it
        ({"RTT warning (ms)": float("nan")}, "F5", "from 0.001"),
        ({"RTT warning (ms)": 10**400}, "F5", "from 0.001"),
        ({"RTT warning (ms)": 30, "RTT critical (ms)": 20}, "F5", "30 is above the critical one, 20"),
        ({"Loss critical (%)": 101}, "I5", "from 0 to 100"),
        ({"Loss warning (%)": 5, "Loss critical (%)": 1}, "H5", "above the critical"),
        ({"Notes": "x" * 10_001}, "J5", "at most 10,000"),
    ],
)
def test_a_bad_cell_says_what_is_wrong_and_makes_only_its_row_invalid(
    cells: dict[str, CellValue], cell: str, told: str
) -> None:
    found = bad(cells)
    assert list(found) == [f"Destinations!{cell}"]
    assert told in found[f"Destinations!{cell}"]


def test_every_bad_cell_of_a_row_is_told_at_once() -> None:
    found = bad({"Name": "", "Host": "x y", "Enabled": "perhaps", "RTT warning (ms)": "slow"})
    assert list(found) == [f"Destinations!{cell}" for cell in ("A5", "B5", "E5", "F5")]


def test_the_error_shows_the_value_as_the_cell_does() -> None:
    reading = read(destinations(GOOD | {"Host": "a b" * 100}))
    (error,) = reading.errors
    assert error.value.startswith("a ba b")
    assert len(error.value) == 80
    reading = read(destinations(GOOD | {"Enabled": ErrorValue("#N/A")}))
    assert reading.errors[0].value == "#N/A"


@pytest.mark.parametrize(
    "written", ["1 000 ms", "1000", "1000 MS", "1’000", "1e3", "+1000.0", "1000,0", 1000]
)
def test_numbers_are_understood_as_they_are_typed(written: CellValue) -> None:
    assert destination(**{"RTT_warning_(ms)": written}).thresholds.rtt_warning_ms == 1000


@pytest.mark.parametrize(
    ("value", "id_"),
    [
        ("0123456789AB", "0123456789ab"),
        (12345, "000000012345"),
        (123456789012.0, "123456789012"),
        ("not an id", ""),
        (-1, ""),
        (True, ""),
        (ErrorValue("#N/A"), ""),
        (None, ""),
    ],
)
def test_what_is_no_id_counts_as_none(value: CellValue, id_: str) -> None:
    assert destination(ID=value).id == id_


def test_a_destination_written_as_cells_leaves_the_status_to_others_and_defaults_blank() -> None:
    cells = destination_cells(Destination(id="", name="web", host="192.0.2.1"))
    assert cells == {
        "Name": "web",
        "Host": "192.0.2.1",
        "Group": None,
        "Tags": None,
        "Enabled": "yes",
        "RTT warning (ms)": None,
        "RTT critical (ms)": None,
        "Loss warning (%)": None,
        "Loss critical (%)": None,
        "Notes": None,
        "ID": None,
    }


@pytest.mark.parametrize(
    ("written", "host"),
    [
        (" TCP://Server.example:443/ ", "tcp://Server.example:443"),
        ("dns://192.0.2.53:53?name=www.example.com", "dns://192.0.2.53?name=www.example.com"),
        ("HTTPS://intranet.example/", "https://intranet.example"),
        ("http://[2001:DB8::1]:8080/status?x=1", "http://[2001:db8::1]:8080/status?x=1"),
    ],
)
def test_a_host_may_be_a_service(written: str, host: str) -> None:
    found = destination(Host=written)
    assert found.host == host
    assert (
        destination(**{key: value for key, value in destination_cells(found).items() if key == "Host"})
        == found
    )


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("server.example:443", "write tcp://server.example:443"),
        ("tcp://server.example", "the port is missing"),
        ("dns://192.0.2.53", "the name to ask for is missing"),
        ("ftp://server.example", "is no kind of probe"),
        ("https://me@server.example", "a user name does not belong here"),
    ],
)
def test_a_service_that_is_written_wrong_is_told_with_the_remedy(host: str, told: str) -> None:
    (message,) = bad({"Host": host}).values()
    assert told in message
