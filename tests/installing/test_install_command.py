"""`netstats-xl install` and `uninstall`, from the command line to a fake Windows."""

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from netstats_xl import wiring
from netstats_xl.cli import main
from netstats_xl.commands import install as install_command
from netstats_xl.commands.install import stop_collectors
from netstats_xl.errors import ControlError, ControlTimeout
from netstats_xl.installing.edges import Hive
from netstats_xl.paths import DataFolder
from tests.installing.fakes import FakeWindows


@pytest.fixture
def fake(windows: FakeWindows, monkeypatch: pytest.MonkeyPatch) -> FakeWindows:
    monkeypatch.setenv("NETSTATS_XL_DATA", str(windows.folders.local_data() / "netstats_xl"))
    monkeypatch.setattr(wiring, "installer_edges", lambda: windows.edges)
    monkeypatch.setattr(wiring, "copy_macro_template", lambda path: path.write_bytes(b"x"))
    windows.registry.set(Hive.CLASSES, r"Excel.Application\CurVer", "", "Excel.Application.16")
    return windows


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


def test_install_and_uninstall_say_what_they_do(
    fake: FakeWindows, capsys: pytest.CaptureFixture[str]
) -> None:
    before = fake.files()
    assert run("install") == 0
    said = capsys.readouterr().out
    assert "[1/4] Copy the workbook" in said
    assert "Installed for Excel 16." in said
    assert run("uninstall") == 0
    assert "Uninstalled." in capsys.readouterr().out
    assert fake.files() - before == {"Documents/NetStats.xlsm"}


def test_dry_runs_change_nothing(fake: FakeWindows, capsys: pytest.CaptureFixture[str]) -> None:
    before = fake.files()
    assert run("install", "--dry-run") == 0
    assert "Copy the workbook" in capsys.readouterr().out
    assert fake.files() == before
    run("install")
    before = fake.files()
    assert run("uninstall", "--dry-run", "--remove-data") == 0
    assert "Remove" in capsys.readouterr().out
    assert fake.files() == before


def test_what_will_not_work_is_said_and_no_reason_to_fail(
    fake: FakeWindows, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.registry.set(Hive.USER, r"Software\Policies\Microsoft\Office\16.0\Excel\Security", "vbawarnings", 4)
    assert run("install") == 0
    said = capsys.readouterr().out
    assert "WILL NOT WORK: The ribbon's buttons" in said
    assert "No security setting was changed." in said


def test_a_step_that_did_not_work_makes_the_command_fail(
    fake: FakeWindows, capsys: pytest.CaptureFixture[str]
) -> None:
    fake.folders.documents().rmdir()
    fake.folders.documents().write_text("in the way")
    assert run("install") == 1
    assert "Did not work: Copy the workbook" in capsys.readouterr().err


def test_a_removal_that_did_not_work_makes_the_command_fail(
    fake: FakeWindows, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run("install")

    def refuse(path: Path, missing_ok: bool = False) -> None:
        raise PermissionError(13, "in use", str(path))

    monkeypatch.setattr(Path, "unlink", refuse)
    assert run("uninstall") == 1
    assert "Did not work: Remove" in capsys.readouterr().err


def test_uninstalling_what_was_never_installed_says_so(
    fake: FakeWindows, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("uninstall") == 0
    assert "Nothing is recorded as installed" in capsys.readouterr().out


def test_the_workbook_may_go_elsewhere(fake: FakeWindows, tmp_path: Path) -> None:
    assert run("install", "--workbook", str(tmp_path / "Own.xlsm")) == 0
    assert (tmp_path / "Own.xlsm").exists()


class FakeClient:
    """A companion that ends at the second look, or never."""

    def __init__(self, path: Path, *, ends: bool, error: ControlError | None = None) -> None:
        self.path, self.ends, self.error = path, ends, error
        self.endpoint = SimpleNamespace(workbook="Net.xlsm")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")

    def __enter__(self) -> "FakeClient":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def shutdown(self) -> None:
        if self.error:
            raise self.error

    def wait(self, _: float) -> None:
        if self.ends:
            self.path.unlink(missing_ok=True)


@pytest.mark.parametrize("ends", [True, False])
def test_collectors_are_told_to_end_and_waited_for(
    tmp_path: Path, ends: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = FakeClient(tmp_path / "companions" / "a.txt", ends=ends)
    monkeypatch.setattr(wiring, "companions", lambda _: iter([(client.path, client)]))
    assert stop_collectors(client.wait) == (0 if ends else 1)
    said = capsys.readouterr()
    assert "Stopping the collector of Net.xlsm" in said.out
    assert ("did not end" in said.err) is not ends


def test_a_collector_that_goes_on_keeps_everything_installed(
    fake: FakeWindows, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run("install")
    client = FakeClient(
        fake.folders.local_data() / "netstats_xl" / "companions" / "a.txt",
        ends=False,
        error=ControlTimeout("It does not answer."),
    )
    monkeypatch.setattr(wiring, "companions", lambda _: iter([(client.path, client)]))
    monkeypatch.setattr(install_command, "STOP_WITHIN_S", 0)
    before = fake.files()
    assert run("uninstall") == 1
    assert fake.files() == before
    assert "It does not answer." in capsys.readouterr().err


def test_without_collectors_there_is_nothing_to_stop(fake: FakeWindows) -> None:
    assert list(wiring.companions(DataFolder(fake.root))) == []
    assert run("install", "--stop-collectors") == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows is what the installer is for")
@pytest.mark.parametrize("command", ["install", "uninstall"])
def test_other_systems_are_told_what_works_there(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command) == 1
    assert "netstats-xl run" in capsys.readouterr().err
