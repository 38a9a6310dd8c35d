"""Where LibreOffice is found on a computer, how it is started, and which of its Pythons is taken."""

import re
import socket
import sys
from pathlib import Path

import pytest

from netstats_xl.errors import WorkbookError
from netstats_xl.workbooks.libreoffice import program as module
from netstats_xl.workbooks.libreoffice.program import (
    PROGRAM_VARIABLE,
    Program,
    find_program,
    new_address,
    require_program,
)

# They stand in for LibreOffice by shell scripts.
pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a POSIX shell")


def script(path: Path, text: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """No LibreOffice below /opt."""
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))


def test_the_one_that_is_named_is_taken_and_no_other(tmp_path: Path) -> None:
    script(tmp_path / "bin" / "soffice")
    mine = script(tmp_path / "mine")
    path = str(tmp_path / "bin")
    assert find_program({PROGRAM_VARIABLE: str(mine), "PATH": path}) == Program(soffice=mine)
    assert find_program({PROGRAM_VARIABLE: str(tmp_path / "none"), "PATH": path}) is None


@pytest.mark.parametrize("name", ["soffice", "libreoffice"])
def test_it_is_looked_for_on_the_path(tmp_path: Path, name: str) -> None:
    found = script(tmp_path / name)
    assert find_program({"PATH": str(tmp_path)}) == Program(soffice=found)


def test_on_a_mac_it_is_looked_for_among_the_applications(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    asked: list[Path] = []

    def is_file(path: Path) -> bool:
        asked.append(path)
        return False

    monkeypatch.setattr(Path, "is_file", is_file)
    assert find_program({"PATH": str(tmp_path)}) is None
    assert asked[-1] == Path("/Applications/LibreOffice.app/Contents/MacOS/soffice")


def test_the_newest_below_opt_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = [
        script(tmp_path / f"libreoffice{each}" / "program" / "soffice") for each in ("7.4", "24.2", "7.6")
    ]
    monkeypatch.setattr(Path, "glob", lambda *_: iter(found))
    taken = find_program({"PATH": str(tmp_path)})
    assert taken is not None
    assert taken.soffice in found


@pytest.mark.usefixtures("nowhere")
def test_without_one_the_remedy_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert find_program({"PATH": str(tmp_path)}) is None
    monkeypatch.setattr(module, "find_program", lambda: None)
    with pytest.raises(WorkbookError, match=rf"Install it, or name its program .* {PROGRAM_VARIABLE}"):
        require_program()
    here = Program(soffice=tmp_path / "soffice")
    monkeypatch.setattr(module, "find_program", lambda: here)
    assert require_program() == here


def test_its_own_python_comes_first(tmp_path: Path) -> None:
    soffice = script(tmp_path / "program" / "soffice")
    own = script(tmp_path / "program" / "python")
    link = tmp_path / "bin" / "soffice"
    link.parent.mkdir()
    link.symlink_to(soffice)
    pythons = Program(soffice=link).pythons()
    assert pythons[0] == str(own)
    assert pythons[-1] == sys.executable


def test_the_first_python_that_reaches_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "first_that_can", lambda pythons: pythons[-1])
    assert Program(soffice=tmp_path / "soffice").python() == sys.executable


def test_it_is_started_so_that_it_listens_and_shows_the_workbook(tmp_path: Path) -> None:
    soffice = script(tmp_path / "soffice", f'for each in "$@"; do echo "$each"; done > "{tmp_path}/told"')
    workbook = tmp_path / "Ann's büro.ods"
    process = Program(soffice=soffice).show(workbook, "pipe,name=p", ["--headless"])
    assert process.wait(10) == 0
    assert (tmp_path / "told").read_text(encoding="utf-8").splitlines() == [
        *("--accept=pipe,name=p;urp", "--norestore", "--headless", str(workbook))
    ]


def test_one_that_cannot_be_started_is_told_of(tmp_path: Path) -> None:
    nothing = Program(soffice=tmp_path / "soffice")
    with pytest.raises(WorkbookError, match="LibreOffice cannot be started"):
        nothing.show(tmp_path / "a.ods", "pipe,name=p")
    with pytest.raises(WorkbookError, match=r"cannot write an \.ods file"):
        nothing.convert(tmp_path / "a.xlsx", tmp_path)


def test_what_it_converts_stands_in_the_folder(tmp_path: Path) -> None:
    soffice = script(tmp_path / "soffice", f'touch "{tmp_path}/out/a.ods"')
    (tmp_path / "out").mkdir()
    assert (
        Program(soffice=soffice).convert(tmp_path / "a.xlsx", tmp_path / "out") == tmp_path / "out" / "a.ods"
    )


def test_a_conversion_that_makes_nothing_fails_or_takes_too_long_is_told_of(tmp_path: Path) -> None:
    with pytest.raises(WorkbookError, match=r"wrote no \.ods file. Close all its windows"):
        Program(soffice=script(tmp_path / "nothing")).convert(tmp_path / "a.xlsx", tmp_path)
    for name, text in (("fails", "exit 1"), ("slow", "exec sleep 60")):
        with pytest.raises(WorkbookError, match=r"cannot write an \.ods file"):
            Program(soffice=script(tmp_path / name, text)).convert(
                tmp_path / "a.xlsx", tmp_path, within_s=0.2
            )


def test_addresses_are_pipes_of_names_that_nobody_guesses() -> None:
    one, other = new_address(windows=False), new_address(windows=False)
    assert one != other
    assert re.fullmatch(r"pipe,name=netstats_xl_[0-9a-f]{32}", one)


def test_on_windows_where_everybody_may_open_its_pipes_it_is_a_free_port_of_the_loopback_address() -> None:
    found = re.fullmatch(r"socket,host=127\.0\.0\.1,port=(\d+)", new_address(windows=True))
    assert found is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", int(found[1])))
