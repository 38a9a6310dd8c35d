"""The commands that need neither network nor time, called in this process."""

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from openpyxl import load_workbook

from netstats_xl import __version__
from netstats_xl.cli import main
from netstats_xl.sheets import INPUT_TABLES, Reading, read_definitions
from netstats_xl.wiring import file_workbook, identity_of, open_store

Netstats = Callable[..., int]
YAML = """
settings: {zone: Europe/Berlin}
destinations:
  - {name: here, host: 127.0.0.1, group: lan}
  - {name: block, host: 192.0.2.0/30, group: lan}
jobs:
  - {name: Loop, destinations: here, interval: 10s}
"""


@pytest.fixture
def netstats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Netstats:
    """Runs the command in a folder of its own, and returns its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int | None)
        return ended.value.code or 0

    return run


def test_version_is_told(netstats: Netstats, capsys: pytest.CaptureFixture[str]) -> None:
    assert netstats("--version") == 0
    assert capsys.readouterr().out == f"netstats-xl {__version__}\n"


def test_a_wrong_call_is_code_2(netstats: Netstats, capsys: pytest.CaptureFixture[str]) -> None:
    assert netstats("measure") == 2
    assert netstats("run", "--forever") == 2
    assert netstats("report", "--format", "pdf") == 2
    assert "pdf" in capsys.readouterr().err


def test_a_new_workbook_is_valid_and_never_overwrites(netstats: Netstats, tmp_path: Path) -> None:
    assert netstats("new", "Net.xlsx", "--time-zone", "Asia/Tokyo") == 0
    before = (tmp_path / "Net.xlsx").read_bytes()
    assert netstats("check", "Net.xlsx") == 0
    assert netstats("new", "Net.xlsx") == 3
    assert (tmp_path / "Net.xlsx").read_bytes() == before


def test_a_new_live_workbook_has_an_identity_and_never_overwrites(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("new", "Net.xlsm") == 0
    assert "Open it in Excel" in capsys.readouterr().out
    before = (tmp_path / "Net.xlsm").read_bytes()
    identity = identity_of(tmp_path / "Net.xlsm")
    assert netstats("new", "Net.xlsm") == 3
    assert (tmp_path / "Net.xlsm").read_bytes() == before
    assert netstats("new", "Other.xlsm") == 0
    assert identity_of(tmp_path / "Other.xlsm") not in (None, identity)
    assert netstats("new", "Third.xlsm", "--time-zone", "Asia/Tokyo") == 2
    assert not (tmp_path / "Third.xlsm").exists()


def test_an_unknown_time_zone_is_refused_with_a_proposal(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("new", "Net.xlsx", "--time-zone", "Europe/Berlim") == 2
    assert "Europe/Berlin" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_workbook_that_is_not_there_is_told_with_the_remedy(
    netstats: Netstats, capsys: pytest.CaptureFixture[str]
) -> None:
    assert netstats("check", "Net.xlsx") == 3
    assert "netstats-xl new" in capsys.readouterr().err


def put(path: Path, values: dict[tuple[str, str, int], str]) -> None:
    """Put values into a workbook, by table, header, and number of the row below the header."""
    book = load_workbook(path)
    for (name, header, row), value in values.items():
        sheet = book[name]
        header_cell = sheet[sheet.tables[name].ref][0]
        (column,) = [cell.column for cell in header_cell if cell.value == header]
        sheet.cell(row=header_cell[0].row + row, column=column, value=value)
    book.save(path)


def read(path: Path) -> Reading:
    return read_definitions(file_workbook(path).read(INPUT_TABLES), default_zone="UTC")


def spoil(path: Path) -> None:
    """Put a wrong interval and a wrong host into the examples, as a user would."""
    put(path, {("Jobs", "Interval", 1): "soon", ("Destinations", "Host", 2): "ftp://x.example"})


@pytest.mark.parametrize("encoding", ["cp1252", "cp850", "utf-8", "utf-16"])
def test_what_is_printed_for_programs_survives_any_code_page(
    netstats: Netstats, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    name = "Łódź ü 東京"
    (tmp_path / "net.yaml").write_text(YAML.replace("here", name).replace("/30", ""), encoding="utf-8")
    netstats("config", "import", "net.yaml", f"{name}.xlsx")

    def printed(*arguments: str) -> str:
        output = io.BytesIO()
        with monkeypatch.context() as patched:
            patched.setattr(sys, "stdout", io.TextIOWrapper(output, encoding=encoding, write_through=True))
            assert netstats(*arguments) == 0
        return output.getvalue().decode(encoding)

    assert yaml.safe_load(printed("config", "export", f"{name}.xlsx"))["destinations"][0]["name"] == name
    assert json.loads(printed("check", "--json", f"{name}.xlsx"))["workbook"] == f"{name}.xlsx"


def test_check_lists_every_bad_cell_for_people(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    spoil(tmp_path / "Net.xlsx")
    capsys.readouterr()
    assert netstats("check", "Net.xlsx") == 1
    output = capsys.readouterr().out
    assert "Destinations!B6 holds 'ftp://x.example'" in output
    assert "Jobs!E5 holds 'soon'" in output


def test_check_lists_every_bad_cell_for_programs(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    capsys.readouterr()
    assert netstats("check", "Net.xlsx", "--json") == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    spoil(tmp_path / "Net.xlsx")
    assert netstats("check", "Net.xlsx", "--json") == 1
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    cells = {(error["sheet"], error["cell"], error["value"]) for error in found["errors"]}
    assert {("Destinations", "B6", "ftp://x.example"), ("Jobs", "E5", "soon")} <= cells
    assert all(error["message"] for error in found["errors"])


def test_check_tells_of_jobs_that_ask_for_too_much_together(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hosts = [f"{{name: h{number}, host: 192.0.2.{number}}}" for number in range(1, 31)]
    jobs = [f"{{name: {name}, destinations: '*', interval: 10s}}" for name in ("Early", "Late")]
    text = (
        f"settings: {{packets_per_second: 20}}\ndestinations: [{', '.join(hosts)}]\njobs: [{', '.join(jobs)}]"
    )
    (tmp_path / "net.yaml").write_text(text, encoding="utf-8")
    assert netstats("config", "import", "net.yaml", "Net.xlsx") == 0
    capsys.readouterr()
    assert netstats("check", "Net.xlsx") == 0
    assert "Warning: All jobs together send 24 packets a second" in capsys.readouterr().out
    assert netstats("check", "Net.xlsx", "--json") == 0
    (warning,) = json.loads(capsys.readouterr().out)["warnings"]
    assert "more than the 20 of Settings" in warning


def test_definitions_go_to_yaml_and_back_unchanged(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    assert netstats("config", "export", "Net.xlsx", "--output", "net.yaml") == 0
    assert netstats("config", "import", "net.yaml", "Copy.xlsx") == 0
    assert netstats("check", "Copy.xlsx") == 0
    capsys.readouterr()
    netstats("config", "export", "Net.xlsx")
    first = capsys.readouterr().out
    netstats("config", "export", "Copy.xlsx")
    assert capsys.readouterr().out == first
    assert (tmp_path / "net.yaml").read_text(encoding="utf-8") == first


def test_an_export_never_overwrites_unless_told_to(netstats: Netstats, tmp_path: Path) -> None:
    netstats("new", "Net.xlsx")
    (tmp_path / "net.yaml").write_text("mine", encoding="utf-8")
    assert netstats("config", "export", "Net.xlsx", "-o", "net.yaml") == 3
    assert (tmp_path / "net.yaml").read_text(encoding="utf-8") == "mine"
    assert netstats("config", "export", "Net.xlsx", "-o", "net.yaml", "--force") == 0


def test_an_export_tells_what_it_left_out(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    spoil(tmp_path / "Net.xlsx")
    assert netstats("config", "export", "Net.xlsx", "-o", "net.yaml") == 1
    assert "Destinations!B6" in capsys.readouterr().err


def test_an_import_with_errors_changes_nothing(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "net.yaml").write_text(YAML, encoding="utf-8")
    assert netstats("config", "import", "net.yaml", "Net.xlsx") == 3
    assert "destinations[1].host" in capsys.readouterr().err
    assert not (tmp_path / "Net.xlsx").exists()


def test_an_import_into_a_workbook_adds_what_is_new_and_keeps_a_copy(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    before = (tmp_path / "Net.xlsx").read_bytes()
    good = "\n".join(line for line in YAML.splitlines() if "block" not in line)
    (tmp_path / "net.yaml").write_text(good, encoding="utf-8")
    assert netstats("config", "import", "net.yaml", "Net.xlsx") == 0
    assert netstats("check", "Net.xlsx") == 0
    assert "Destinations: 1 row added" in capsys.readouterr().out
    assert netstats("config", "import", "net.yaml", "Net.xlsx") == 0
    assert "Destinations: nothing to add." in capsys.readouterr().out
    (copy,) = [path for path in tmp_path.glob("*before*") if path.read_bytes() == before]
    assert copy.suffix == ".xlsx"


def test_an_import_changes_rows_of_the_same_name_only_when_told_to(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "\n".join(line for line in YAML.splitlines() if "block" not in line)
    (tmp_path / "net.yaml").write_text(good, encoding="utf-8")
    netstats("config", "import", "net.yaml", "Net.xlsx")
    before = read(tmp_path / "Net.xlsx")
    (tmp_path / "net.yaml").write_text(good.replace("127.0.0.1", "127.0.0.9"), encoding="utf-8")
    assert netstats("config", "import", "net.yaml", "Net.xlsx") == 0
    assert "Destinations: 1 row of the same name left alone" in capsys.readouterr().out
    netstats("config", "export", "Net.xlsx")
    assert "host: 127.0.0.1" in capsys.readouterr().out
    assert netstats("config", "import", "net.yaml", "Net.xlsx", "--update") == 0
    assert "Destinations: 0 rows added, 1 changed" in capsys.readouterr().out
    netstats("config", "export", "Net.xlsx")
    assert "host: 127.0.0.9" in capsys.readouterr().out
    assert read(tmp_path / "Net.xlsx").destinations[0].id == before.destinations[0].id != ""


def test_blocks_become_rows_on_request(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    put(tmp_path / "Net.xlsx", {("Destinations", "Host", 1): "192.0.2.0/29"})
    assert netstats("check", "Net.xlsx") == 1
    assert "netstats-xl expand" in capsys.readouterr().out
    assert netstats("expand", "Net.xlsx") == 0
    assert "Made 6 rows of 1 block" in capsys.readouterr().out
    assert netstats("check", "Net.xlsx") == 0
    assert netstats("expand", "Net.xlsx") == 0
    assert "no blocks" in capsys.readouterr().out


def test_a_report_without_a_database_says_what_makes_one(
    netstats: Netstats, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    assert netstats("report", "Net.xlsx") == 4
    assert "netstats-xl run" in capsys.readouterr().err


def test_a_duration_that_is_none_is_refused_before_anything_starts(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    for wrong in ("a while", "", "0s"):
        assert netstats("run", "Net.xlsx", "--for", wrong) == 2
        assert "--for" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Net.xlsx"]


def test_no_command_writes_over_the_workbook_or_the_database_even_when_forced(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    open_store(tmp_path / "Net.duckdb").close()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert netstats("report", "Net.xlsx", "-o", "Net.xlsx", "--force") == 3
    assert netstats("report", "Net.xlsx", "-o", "Net.duckdb", "--format", "csv", "--force") == 3
    assert netstats("config", "export", "Net.xlsx", "-o", "Net.xlsx", "--force") == 3
    assert netstats("run", "Net.xlsx", "--report", "Net.duckdb", "--for", "1s") == 3
    assert netstats("run", "Net.xlsx", "--report", "Net.xlsx", "--for", "1s") == 3
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_the_suffix_of_the_output_says_the_format(netstats: Netstats, tmp_path: Path) -> None:
    netstats("new", "Net.xlsx")
    open_store(tmp_path / "Net.duckdb").close()
    assert netstats("report", "Net.xlsx", "-o", "raw.csv") == 0
    assert (tmp_path / "raw.csv").read_text(encoding="utf-8-sig").startswith("Time,")
    assert netstats("report", "Net.xlsx", "-o", "raw.csv", "--format", "xlsx") == 3
    assert netstats("new", "Old.xls") == 3
    assert not (tmp_path / "Old.xls").exists()


def test_a_report_of_a_job_that_is_not_known_proposes_one_that_is(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    netstats("new", "Net.xlsx")
    open_store(tmp_path / "Net.duckdb").close()
    assert netstats("report", "Net.xlsx", "--job", "Loop") == 6
    assert "knows no job named 'Loop'" in capsys.readouterr().err


def test_an_empty_report_is_a_report(netstats: Netstats, tmp_path: Path) -> None:
    netstats("new", "Net.xlsx")
    open_store(tmp_path / "Net.duckdb").close()
    assert netstats("report", "Net.xlsx", "--from", "yesterday", "--to", "today") == 0
    assert netstats("report", "Net.xlsx", "--from", "yesterday", "--to", "today") == 0
    assert len(list(tmp_path.glob("Net-2*.xlsx"))) == 2


def test_settings_are_imported_into_a_workbook_when_told_to(netstats: Netstats, tmp_path: Path) -> None:
    netstats("new", "Net.xlsx", "--time-zone", "Asia/Tokyo")
    good = "\n".join(line for line in YAML.splitlines() if "block" not in line)
    (tmp_path / "net.yaml").write_text(good, encoding="utf-8")
    assert netstats("config", "import", "net.yaml", "Net.xlsx") == 0
    assert read(tmp_path / "Net.xlsx").settings.zone == "Asia/Tokyo"
    assert netstats("config", "import", "net.yaml", "Net.xlsx", "--update") == 0
    assert read(tmp_path / "Net.xlsx").settings.zone == "Europe/Berlin"


def test_an_unreadable_workbook_is_told_to_programs_too(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Net.xlsx").write_bytes(b"no workbook")
    assert netstats("check", "Net.xlsx", "--json") == 3
    found = json.loads(capsys.readouterr().out)
    assert found["ok"] is False
    assert "Net.xlsx" in found["error"]


@pytest.mark.parametrize("arguments", [("check", "."), ("run", "."), ("expand", "."), ("demo", "taken")])
def test_a_folder_or_a_file_in_the_wrong_place_is_told_in_plain_words(
    arguments: tuple[str, ...], netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    assert netstats(*arguments) in (1, 3)
    assert capsys.readouterr().err.startswith("netstats-xl: ")


def test_an_interrupt_ends_a_command_with_the_code_that_shells_expect(
    netstats: Netstats, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("netstats_xl.commands.workbook.check", interrupted)
    assert netstats("check", "Net.xlsx") == 130
