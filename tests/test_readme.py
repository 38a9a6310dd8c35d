"""The README's commands are those that exist."""

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from netstats_xl.cli import app, main

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", README, re.DOTALL) for line in block.splitlines() if line
]


def test_set_up_demo_and_tests_are_two_commands_and_one_each() -> None:
    everywhere = [line for line in COMMANDS if "Live.xlsx" not in line]
    assert everywhere[:4] == [
        "python3 -m venv .venv",
        ".venv/bin/pip install -e '.[dev]'",
        ".venv/bin/netstats-xl demo",
        ".venv/bin/pytest",
    ]


def test_ci_runs_the_same_set_up_and_test_commands() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert "python3 -m venv .venv\n" in script
    assert re.search(r"^\.venv/bin/pip install .*-e '\.\[dev\]'$", script, re.MULTILINE)
    assert re.search(r"^\.venv/bin/pytest --cov", script, re.MULTILINE)


@pytest.mark.parametrize(
    "command", [line for line in COMMANDS if "netstats-xl" in line and line != ".venv/bin/netstats-xl demo"]
)
def test_each_command_line_is_understood(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = shlex.split(command)[1:]
    if arguments[0] != "new":
        with pytest.raises(SystemExit):
            main(["new", "NetStats.xlsx"])
    # What they do takes time, or needs a collector.
    if arguments[0] in ("open", "run", "start", "stop", "status"):
        arguments = [arguments[0], "--help"]
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code in (0, None), capsys.readouterr().err


def test_every_command_of_the_table_has_help(capsys: pytest.CaptureFixture[str]) -> None:
    rows = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    named = {name for row in rows for name in re.findall(r"`([a-z]+)", row)}
    listed = {command.name or "" for command in get_command(app).commands.values()}  # type: ignore[attr-defined]  # typer's own group has them
    assert named == {name for name in listed if not get_command(app).commands[name].hidden}  # type: ignore[attr-defined]  # as above
    for name in sorted(named):
        with pytest.raises(SystemExit) as ended:
            main([name, "--help"])
        assert ended.value.code == 0
    assert "Usage" in capsys.readouterr().out


def test_the_pictures_are_there() -> None:
    names = re.findall(r"!\[[^\]]+\]\(([^)]+)\)", README)
    assert len(names) >= 2
    for name in names:
        assert (ROOT / name).read_bytes().startswith(b"\x89PNG")
