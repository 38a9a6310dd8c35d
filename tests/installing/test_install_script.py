"""`install.ps1`, as far as it can be judged without PowerShell: its grammar, and that all it names exists.

It cannot be run here: PowerShell is in no registry that these tests may use, and Wine's is a stub. So it has little
logic, and what it calls has tests of its own.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import typer
from typer.core import TyperGroup

from netstats_xl.cli import app

if TYPE_CHECKING:
    from tree_sitter import Node

tree_sitter = pytest.importorskip("tree_sitter", reason="a development tool")
tree_sitter_powershell = pytest.importorskip("tree_sitter_powershell", reason="a development tool")

SCRIPT = Path(__file__).parents[2] / "install.ps1"
SOURCE = SCRIPT.read_bytes()
TEXT = SOURCE.decode("ascii")

CMDLETS = {
    "Get-ChildItem": {"LiteralPath", "Force"},
    "Get-Command": {"Name", "CommandType", "All", "ErrorAction"},
    "Get-Item": {"Path", "ErrorAction"},
    "Get-Process": set(),
    "Join-Path": {"Path", "ChildPath"},
    "New-Object": {"TypeName", "Property"},
    "Remove-Item": {"LiteralPath", "Recurse", "Force"},
    "Resolve-Path": {"LiteralPath"},
    "Select-Object": {"First"},
    "Set-StrictMode": {"Version"},
    "Start-Sleep": {"Milliseconds"},
    "Test-Path": {"LiteralPath", "PathType"},
    "Where-Object": set(),
    "ForEach-Object": set(),
    "Write-Host": set(),
    "Write-Verbose": set(),
}
"""Every cmdlet that the script may use, with the parameters that Windows PowerShell 5.1 documents and it needs."""

AUTOMATIC = {
    "_", "args", "ErrorActionPreference", "false", "LASTEXITCODE", "Matches", "null", "PSCmdlet", "PSScriptRoot",
    "true",
}  # fmt: skip
"""Variables that PowerShell 5.1 itself sets."""


def below(node: "Node", *kinds: str) -> Iterator["Node"]:
    if node.type in kinds:
        yield node
    for child in node.children:
        yield from below(child, *kinds)


def text(node: "Node") -> str:
    return (node.text or b"").decode("ascii")


ROOT = tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language())).parse(SOURCE).root_node
COMMANDS = list(below(ROOT, "command"))


def name_of(command: "Node") -> str:
    return next(
        (text(each) for each in command.children if each.type in ("command_name", "foreach_command")), ""
    )


def parameters_of(command: "Node") -> list[str]:
    elements = [each for each in command.children if each.type == "command_elements"]
    return [
        text(each).removeprefix("-").rstrip(":")
        for element in elements
        for each in element.children
        if each.type == "command_parameter"
    ]


def functions() -> dict[str, set[str]]:
    found = {}
    for function in below(ROOT, "function_statement"):
        name = next(text(each) for each in function.children if each.type == "function_name")
        blocks = list(below(function, "param_block"))
        found[name] = {
            text(next(below(each, "variable"))).removeprefix("$")
            for block in blocks
            for each in below(block, "script_parameter")
        }
    return found


def product_calls() -> list[list[str]]:
    """The arguments after `-m netstats_xl` of each call, with those that are added to the variable later."""
    calls = []
    for match in re.finditer(r"@\('-m', 'netstats_xl', ([^)]*)\)(.*?)Invoke-Program", TEXT, re.DOTALL):
        added = re.findall(r"\$arguments \+= .*", match[2])
        calls.append(re.findall(r"'([a-z-]+)'", match[1]) + re.findall(r"'(--[a-z-]+)'", "\n".join(added)))
    calls.extend(
        re.findall(r"'([a-z-]+)'", match)
        for match in re.findall(r"Invoke-Program .*@\('-m', 'netstats_xl', ([^)]*)\)", TEXT)
    )
    return calls


def test_it_parses() -> None:
    assert not ROOT.has_error
    assert {"function_statement", "param_block", "try_statement", "foreach_statement"} <= kinds(ROOT)


def kinds(node: "Node") -> set[str]:
    return {node.type}.union(*(kinds(child) for child in node.children))


def test_it_is_ascii_so_that_windows_powershell_reads_it_right_without_a_mark() -> None:
    assert max(SOURCE) < 128
    assert b"\t" not in SOURCE


def test_every_command_is_a_known_cmdlet_or_one_of_its_functions_with_parameters_that_exist() -> None:
    known = {**CMDLETS, **functions()}
    seen = set()
    for command in COMMANDS:
        name = name_of(command)
        if text(command).startswith("& $Path @Arguments"):
            continue
        assert name in known, text(command)
        assert set(parameters_of(command)) <= known[name], text(command)
        seen.add(name)
    assert seen == set(known), "a function or a cmdlet of the list is not used"


def test_a_wrong_parameter_would_be_found() -> None:
    (command,) = below(
        tree_sitter.Parser(tree_sitter.Language(tree_sitter_powershell.language()))
        .parse(b"Remove-Item -LiteralPath $x -Recurs")
        .root_node,
        "command",
    )
    assert parameters_of(command) == ["LiteralPath", "Recurs"]


def test_functions_are_called_with_all_that_they_need() -> None:
    for command in COMMANDS:
        wanted = functions().get(name_of(command), set()) - {"Seconds"}
        assert set(parameters_of(command)) >= wanted, text(command)


def test_every_variable_is_set_somewhere() -> None:
    found = {name.casefold() for name in re.findall(r"\$([A-Za-z_]\w*)\b(?!:)", TEXT)}
    assigned = {name.casefold() for name in re.findall(r"\$(\w+)\s*(?:\+|-)?=(?!=)", TEXT)}
    declared = {
        text(next(below(each, "variable"))).removeprefix("$").casefold()
        for each in below(ROOT, "script_parameter")
    }
    looped = {name.casefold() for name in re.findall(r"foreach \(\$(\w+) in", TEXT)}
    unset = found - assigned - declared - looped - {name.casefold() for name in AUTOMATIC}
    assert not unset
    assert {"venv", "candidate", "package", "works", "_"} <= found


@pytest.mark.parametrize(
    "never",
    [
        "Set-ExecutionPolicy", "RunAs", "Set-ItemProperty", "New-ItemProperty", "New-Item", "reg add", "reg.exe",
        "MpPreference", "Unblock-File", "Invoke-Expression", "Invoke-WebRequest", "Start-Process", "DownloadString",
        "Trusted Locations", "vbawarnings", "AccessVBOM", "netsh", "schtasks", "Set-Content", "SetValue",
        "Add-Type", "EncodedCommand",
    ],
)  # fmt: skip
def test_it_changes_no_setting_asks_for_no_rights_and_fetches_nothing_itself(never: str) -> None:
    code = re.sub(r"<#.*?#>", "", TEXT, flags=re.DOTALL)
    assert never.casefold() not in code.casefold()


def test_the_machines_registry_is_only_read() -> None:
    lines = [line.strip() for line in TEXT.splitlines() if "HKLM:" in line or "HKCU:" in line]
    assert lines == [
        r"foreach ($root in 'HKCU:\Software\Python', 'HKLM:\Software\Python', 'HKLM:\Software\Wow6432Node\Python') {"
    ]
    assert TEXT.count("$root") == 2
    assert r'Get-Item -Path "$root\*\*\InstallPath"' in TEXT


def test_it_removes_nothing_but_its_environment_and_the_empty_folder_around_it() -> None:
    removed = [text(each) for each in COMMANDS if name_of(each) == "Remove-Item"]
    assert removed == [
        "Remove-Item -LiteralPath $Venv -Recurse -Force",
        "Remove-Item -LiteralPath $DataFolder",
    ]
    assert "$VenvMark" in TEXT.split("$isOurs =")[1].splitlines()[0]


def test_what_changes_something_asks_should_process_first() -> None:
    """Each change stands below a ShouldProcess, or takes `--dry-run` where that says no."""
    before = ""
    for line in TEXT.splitlines():
        if re.search(r"Remove-Item .*-Recurse|@\('-m', 'venv'|'--stop-collectors'|Arguments \$pip", line):
            assert "ShouldProcess" in "\n".join(before.splitlines()[-8:]), line
        before += line + "\n"
    assert TEXT.count("'--dry-run'") == 2
    assert TEXT.count("SupportsShouldProcess = $true") == 1


def test_each_call_of_the_product_is_a_command_with_options_that_it_has() -> None:
    group = typer.main.get_command(app)
    assert isinstance(group, TyperGroup)
    calls = product_calls()
    assert {call[0] for call in calls} == {"install", "uninstall"}
    options = set()
    for command, *given in calls:
        known = {option for parameter in group.commands[command].params for option in parameter.opts}
        assert set(given) <= known
        options |= {(command, option) for option in given}
    assert options == {
        ("install", "--workbook"),
        ("install", "--dry-run"),
        ("install", "--stop-collectors"),
        ("uninstall", "--remove-data"),
        ("uninstall", "--dry-run"),
    }


def test_its_question_to_a_python_is_answered_as_it_expects() -> None:
    pieces = re.search(r'\$question = "(.*)" \+\n\s*"(.*)"', TEXT)
    assert pieces is not None
    question = pieces[1] + pieces[2]
    assert '"' not in question  # Windows PowerShell would not pass it on
    assert "$" not in question
    answer = subprocess.run(
        [sys.executable, "-c", question], capture_output=True, text=True, check=True, timeout=60
    ).stdout.strip()
    pattern = re.search(r"-notmatch '(\^3 .*\$)'", TEXT)
    assert pattern is not None
    match = re.match(pattern[1], answer)
    assert match is not None
    assert match.groups() == (str(sys.version_info[1]), "64", "0")
    for wrong in ("3 10 64 0", "3 14 64 0", "2 11 64 0", "3 113 64 0", "", "Python was not found"):
        assert not re.match(pattern[1], wrong)


LAUNCHERS = {
    "of Python 3.9": " -3.10-64 *\n -3.11-64\n -3.12-32\n",
    "of Python 3.11 and later": " -V:3.14 *        Python 3.14 (64-bit)\n -V:3.11          Python 3.11 (64-bit)\n"
    " -V:3.12-32       Python 3.12 (32-bit)\n -V:3.13t         Python 3.13 (64-bit, freethreaded)\n",
    "of the install manager": " -V:3.14[-64] *   Python 3.14.0\n -V:3.12[-64]     Python 3.12.10\n"
    " -V:3.11-64 Python 3.11\n",
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_the_launchers_list_is_understood(launcher: str) -> None:
    pattern = re.search(r'-match "(-\(V:\)\?3\\\.\$minor\\b)"', TEXT)
    assert pattern is not None
    minors = [n for n in (13, 12, 11) if re.search(pattern[1].replace("$minor", str(n)), LAUNCHERS[launcher])]
    assert minors == [12, 11]


def test_the_exit_codes_are_those_of_its_help() -> None:
    promised = re.search(r"Exit codes: (.*?)\.\n\n", TEXT, re.DOTALL)
    assert promised is not None
    told = {int(code) for code in re.findall(r"(?:^|; )(?:\n)?(\d) ", promised[1].replace("\n", " "))}
    used = {int(code) for code in re.findall(r"-Code (\d)|exit (\d)", TEXT) for code in code if code}
    assert told == used


def test_versions_that_it_takes_are_the_packages() -> None:
    project = (SCRIPT.parent / "pyproject.toml").read_text(encoding="utf-8")
    assert 'requires-python = ">=3.11,<3.14"' in project
    assert "foreach ($minor in 13, 12, 11)" in TEXT
