"""Commands that `pythonw` runs have no console: what they say is shown when they end."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from netstats_xl.cli import main, windowless
from netstats_xl.cli.windowless import shown_without_a_console


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, bool]]:
    texts: list[tuple[str, bool]] = []
    monkeypatch.setattr(windowless, "message_box", lambda text, failed: texts.append((text, failed)))
    return texts


@contextmanager
def no_console() -> Iterator[None]:
    streams = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = None  # as pythonw has it
    try:
        yield
        assert sys.stdout is None
    finally:
        sys.stdout, sys.stderr = streams


def test_what_a_command_says_is_shown_when_it_ends(shown: list[tuple[str, bool]]) -> None:
    with no_console(), pytest.raises(SystemExit):
        main(["--version"])
    ((text, failed),) = shown
    assert text.startswith("netstats-xl ")
    assert not failed


def test_an_error_is_shown_as_one(shown: list[tuple[str, bool]], tmp_path: Path) -> None:
    with no_console(), pytest.raises(SystemExit):
        main(["check", str(tmp_path / "none.xlsx")])
    ((text, failed),) = shown
    assert "There is no workbook" in text
    assert failed


def test_a_crash_is_shown_as_one(shown: list[tuple[str, bool]]) -> None:
    with no_console(), pytest.raises(RuntimeError), shown_without_a_console():
        raise RuntimeError
    ((text, failed),) = shown
    assert text
    assert failed


def test_nothing_to_say_shows_nothing(shown: list[tuple[str, bool]]) -> None:
    with no_console(), shown_without_a_console():
        pass
    assert shown == []


def test_with_a_console_nothing_is_shown(
    shown: list[tuple[str, bool]], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("netstats-xl ")
    assert shown == []


@pytest.mark.skipif(sys.platform == "win32", reason="there it waits for a click")
def test_other_systems_have_no_such_window() -> None:
    windowless.message_box("x", True)


def test_a_program_without_streams_ends_with_the_commands_code() -> None:
    """As `pythonw -m netstats_xl` is: `python` with its streams closed before it begins."""
    code = (
        "import sys; sys.stdout = sys.stderr = None\n"
        "from netstats_xl.cli import main, windowless\n"
        "windowless.message_box = lambda text, failed: sys.__stdout__.write(f'{failed}: {text}')\n"
        "main(['check', 'none.xlsx'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 3
    assert done.stdout.startswith("True: netstats-xl: There is no workbook")
