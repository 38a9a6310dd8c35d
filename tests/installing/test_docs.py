"""The guides say what is there: labels of the ribbon, commands, options, routes; and their examples run."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import typer
from typer.core import TyperGroup

from netstats_xl.cli import app
from netstats_xl.control.api import create_application
from netstats_xl.control.describing import describe
from netstats_xl.control.events import Listening
from netstats_xl.control.server import ControlServer
from netstats_xl.installing.plan import COLLECTOR_LINK, MENU_FOLDER, WORKBOOK_LINK, WORKBOOK_NAME
from netstats_xl.sheets.setting_rows import SETTING_ROWS
from tests.fakes.service import NOW, FakeService

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
GUIDE = (DOCS / "user-guide.md").read_text(encoding="utf-8")
CHECKS = (DOCS / "first-run-on-excel.md").read_text(encoding="utf-8")
API = (DOCS / "api.md").read_text(encoding="utf-8")
SCRIPT = (ROOT / "install.ps1").read_text(encoding="ascii")


def labels() -> set[str]:
    tree = ET.parse(ROOT / "workbook_template" / "ribbon.xml")
    return {label for each in tree.iter() if (label := each.get("label"))} | {"Period"}


@pytest.mark.parametrize("text", [GUIDE, CHECKS], ids=["guide", "check list"])
def test_what_stands_in_bold_is_a_label_of_the_ribbon_or_of_windows(text: str) -> None:
    others = {"Enable Content", "Unblock", "no", "[K]"}
    assert set(re.findall(r"\*\*([^*]+)\*\*", text)) <= labels() | others


def test_the_guide_names_every_button() -> None:
    buttons = {
        label
        for each in ET.parse(ROOT / "workbook_template" / "ribbon.xml").iter()
        if each.tag.endswith(("button", "toggleButton")) and (label := each.get("label"))
    }
    missing = {label for label in buttons if label not in GUIDE}
    assert missing <= {"About"}


def test_settings_that_the_guide_names_are_rows_of_the_sheet() -> None:
    named = re.findall(r"\*Settings\*, \*([^*]+)\*", GUIDE)
    assert named
    assert set(named) <= {row.name for row in SETTING_ROWS}


def test_the_guides_and_the_ribbon_name_the_start_menus_entries_as_they_are_made() -> None:
    collector = COLLECTOR_LINK.removesuffix(".lnk")
    assert f"*{collector}*" in GUIDE
    assert f"*{MENU_FOLDER}*" in GUIDE
    assert WORKBOOK_NAME in GUIDE
    assert f"{MENU_FOLDER}.lnk" == WORKBOOK_LINK
    vba = "".join(
        path.read_text(encoding="ascii") for path in (ROOT / "workbook_template" / "vba").glob("*.bas")
    )
    assert f"{MENU_FOLDER} > {collector}" in vba


def test_commands_that_the_guides_name_exist() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    found = re.findall(r"(?:netstats-xl|-m netstats_xl) ([a-z]+)((?: --[a-z-]+)*)", GUIDE + CHECKS + SCRIPT)
    assert {"install", "report"} <= {name for name, _ in found}
    for name, options in found:
        known = {option for each in group.commands[name].params for option in each.opts} | {"--help"}
        assert set(options.split()) <= known


def test_parameters_of_the_script_that_the_guides_name_exist() -> None:
    given = set(
        re.findall(
            r"(?:install\.ps1|`)[^`\n]*? ?-(Uninstall|Workbook|WhatIf|RemoveData|Package)\b", GUIDE + CHECKS
        )
    )
    declared = set(re.findall(r"\[(?:string|switch)\] \$(\w+)", SCRIPT.split("Set-StrictMode")[0]))
    assert {"Uninstall", "WhatIf", "Workbook", "RemoveData"} <= given
    assert given <= declared | {"WhatIf"}


def test_the_check_list_has_every_thing_that_nobody_could_try() -> None:
    """Those that the facts about Excel mark as commonly known."""
    assert CHECKS.count("**[K]**") == 1 + 3
    for fact in ("copy mode", "EnableEvents", "ScreenUpdating"):
        assert fact in CHECKS
    numbers = re.findall(r"^\| ([A-H])(\d+) \|", CHECKS, re.MULTILINE)
    for letter in "ABCDEFGH":
        own = [int(number) for each, number in numbers if each == letter]
        assert own == list(range(1, len(own) + 1))


def test_every_route_is_in_the_guide_and_no_other() -> None:
    service = FakeService()
    application, _ = create_application(service, Listening(service))
    described = {
        f"{method.upper()} {path}"
        for path, methods in describe(application)["paths"].items()
        for method in methods
        if method in ("get", "post", "put", "patch", "delete")
    }
    told = re.findall(r"^\| `((?:GET|POST|PUT|PATCH|DELETE) [^`?]*)[^`]*`", API, re.MULTILINE)
    assert set(told) == described
    assert len(told) == len(described)


@pytest.fixture
def collector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path))
    server = ControlServer(
        FakeService(),
        endpoint=tmp_path / "companions" / "0.txt",
        workbook="Net.xlsm",
        database="Net.duckdb",
        started_at=NOW,
    )
    server.start()
    yield tmp_path
    server.stop()


def test_the_python_example_runs(collector: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = re.findall(r"```python\n(.*?)```", API, re.DOTALL)
    exec(compile(example, "docs/api.md", "exec"), {})
    assert capsys.readouterr().out.startswith("Collecting")


def test_the_shells_example_is_what_a_shell_understands() -> None:
    (example,) = re.findall(r"```sh\n(.*?)```", API, re.DOTALL)
    joined = example.replace("\\\n", " ")
    calls = [shlex.split(line) for line in joined.splitlines() if line.startswith("curl")]
    assert [call[-1].replace("$url", "") for call in calls] == [
        "/v1/dashboard?period=1h",
        "/v1/jobs/run",
        "/v1/events",
    ]
    assert all("Authorization: Bearer $token" in call for call in calls)


def test_links_of_the_guides_lead_somewhere() -> None:
    headings = {
        re.sub(r"[^a-z0-9 -]", "", heading.casefold()).replace(" ", "-")
        for heading in re.findall(r"^## (.*)$", GUIDE, re.MULTILINE)
    }
    assert set(re.findall(r"\]\(#([^)]+)\)", GUIDE)) <= headings
