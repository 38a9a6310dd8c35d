"""`netstats-xl install` and `uninstall` with Windows' own shell, registry and files.

The documents and the Start menu are moved into a folder of the test's first, as OneDrive or an administrator moves
them: nothing of the user who runs the tests is touched. What the shell says of itself is read back through it.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from netstats_xl.errors import InstallError
from netstats_xl.installing import xlwings_conf
from netstats_xl.installing.edges import Hive, Shortcut
from netstats_xl.installing.plan import COLLECTOR_LINK, MENU_FOLDER, WORKBOOK_LINK
from netstats_xl.installing.record import FILE_NAME
from netstats_xl.workbooks.macro_template import ID_NAME, UNDRAWN
from tests.wine import on_wine

if sys.platform != "win32":
    pytest.skip("the installer is for Windows", allow_module_level=True)

import winreg
import zipfile

from netstats_xl.installing import windows

SHELL_FOLDERS = r"Software\Microsoft\Windows\CurrentVersion\Explorer\User Shell Folders"
EXCEL_POLICY = r"Software\Policies\Microsoft\Office\16.0\Excel\Security"
TEST_KEY = r"Software\netstats_xl tests"
PATIENCE_S = 120.0


DEFENDER_RULES = r"SOFTWARE\Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules"
on_a_throwaway_windows = pytest.mark.skipif(
    not on_wine() and "CI" not in os.environ,
    reason="moves the documents of whoever runs it, if only for seconds",
)
on_wines_registry = pytest.mark.skipif(not on_wine(), reason="policies of a real Windows are not touched")


@contextmanager
def registry_value(
    key: str, name: str, value: str | int, kind: int, *, root: int = winreg.HKEY_CURRENT_USER
) -> Iterator[None]:
    """The value in the registry for the block; afterwards what was there before."""
    with winreg.CreateKeyEx(root, key, 0, winreg.KEY_ALL_ACCESS) as opened:
        try:
            before: tuple[Any, int] | None = winreg.QueryValueEx(opened, name)
        except FileNotFoundError:
            before = None
        winreg.SetValueEx(opened, name, 0, kind, value)
        try:
            yield
        finally:
            if before is None:
                winreg.DeleteValue(opened, name)
            else:
                winreg.SetValueEx(opened, name, 0, before[1], before[0])


@dataclass
class User:
    """A user whose folders were moved."""

    home: Path

    @property
    def documents(self) -> Path:
        return self.home / "OneDrive" / "Dokumente"

    @property
    def menu(self) -> Path:
        return self.home / "Menü" / MENU_FOLDER

    @property
    def conf(self) -> Path:
        return self.home / ".netstats_xl" / "netstats_xl.conf"

    @property
    def data(self) -> Path:
        return self.home / "AppData" / "Local" / "netstats_xl"

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {
            **os.environ,
            "USERPROFILE": str(self.home),
            "LOCALAPPDATA": str(self.home / "AppData" / "Local"),
            "NETSTATS_XL_DATA": str(self.data),
            "PYTHONIOENCODING": "utf-8",
        }
        return subprocess.run(
            [sys.executable, "-m", "netstats_xl", *arguments],
            env=environment,
            capture_output=True,
            encoding="utf-8",
            timeout=PATIENCE_S,
            check=False,
        )

    def files(self) -> set[str]:
        # Without streams: Wine keeps them as files of their own.
        found = (path.relative_to(self.home).as_posix() for path in self.home.rglob("*") if path.is_file())
        return {name for name in found if ":" not in name}


@pytest.fixture
def user(tmp_path: Path) -> Iterator[User]:
    user = User(tmp_path / "Łucja")
    user.documents.mkdir(parents=True)
    user.menu.parent.mkdir()
    with (
        registry_value(SHELL_FOLDERS, "Personal", str(user.documents), winreg.REG_SZ),
        registry_value(SHELL_FOLDERS, "Programs", str(user.menu.parent), winreg.REG_SZ),
    ):
        yield user


def identity(workbook: Path) -> str:
    with zipfile.ZipFile(workbook) as package:
        found = re.search(
            rf'name="{ID_NAME}"[^>]*>\W*([0-9a-f]{{32}})', package.read("xl/workbook.xml").decode()
        )
    assert found is not None
    return found[1]


@on_a_throwaway_windows
def test_folders_that_were_moved_are_found_where_they_are_now(user: User) -> None:
    folders = windows.windows_edges().folders
    assert folders.documents() == user.documents
    assert folders.programs() == user.menu.parent


@on_a_throwaway_windows
def test_install_and_uninstall_leave_the_workbook_and_nothing_else(user: User) -> None:
    done = user.run("install")
    assert done.returncode == 0, done.stderr
    assert user.files() == {
        "OneDrive/Dokumente/NetStats.xlsm",
        f"Menü/{MENU_FOLDER}/{WORKBOOK_LINK}",
        f"Menü/{MENU_FOLDER}/{COLLECTOR_LINK}",
        ".netstats_xl/netstats_xl.conf",
        f"AppData/Local/netstats_xl/{FILE_NAME}",
    }
    assert "[4/4]" in done.stdout
    again = user.run("install")
    assert again.returncode == 0
    assert again.stdout.count("Keep") == 4
    away = user.run("uninstall")
    assert away.returncode == 0, away.stderr
    assert user.files() == {"OneDrive/Dokumente/NetStats.xlsm"}
    assert not user.menu.exists()
    assert not user.conf.parent.exists()


@on_a_throwaway_windows
def test_the_copy_is_a_workbook_with_an_identity_of_its_own_and_without_a_mark(user: User) -> None:
    user.run("install")
    first = user.documents / "NetStats.xlsm"
    second = user.home / "Zweite.xlsm"
    assert user.run("install", "--workbook", str(second)).returncode == 0
    assert len({identity(first), identity(second), UNDRAWN}) == 3
    assert not windows.windows_edges().marks.marked(first)


@on_a_throwaway_windows
def test_the_shortcuts_say_to_the_shell_what_they_should(user: User) -> None:
    user.run("install")
    links = windows.windows_edges().shortcuts
    workbook = str(user.documents / "NetStats.xlsm")
    assert links.read(user.menu / WORKBOOK_LINK) == Shortcut(
        target=workbook,
        description="Network latency and loss, live in Excel",
    )
    starts = links.read(user.menu / COLLECTOR_LINK)
    assert starts is not None
    assert starts.target.casefold() == str(Path(sys.executable).with_name("pythonw.exe")).casefold()
    assert starts.arguments == f'-P -m netstats_xl start "{workbook}"'


@on_a_throwaway_windows
def test_a_shortcut_that_the_user_changed_through_the_shell_stays(user: User) -> None:
    user.run("install")
    changed = Shortcut(target=r"C:\windows\notepad.exe", arguments="é")
    windows.windows_edges().shortcuts.write(user.menu / COLLECTOR_LINK, changed)
    assert user.run("uninstall").returncode == 0
    assert windows.windows_edges().shortcuts.read(user.menu / COLLECTOR_LINK) == changed


@on_a_throwaway_windows
def test_xlwings_settings_name_this_python_and_keep_the_users_lines(user: User) -> None:
    user.conf.parent.mkdir()
    mine = '"PYTHONPATH","D:\\\\bücher"\r\n'.encode("cp1252")
    user.conf.write_bytes(mine)
    assert user.run("install").returncode == 0
    content = user.conf.read_bytes()
    assert content.startswith(mine)
    python = xlwings_conf.values(content)["INTERPRETER_WIN"].decode("cp1252")
    assert Path(os.path.expandvars(python)) == Path(sys.executable)
    assert user.run("uninstall").returncode == 0
    assert user.conf.read_bytes() == mine


@on_a_throwaway_windows
def test_a_dry_run_changes_nothing(user: User) -> None:
    done = user.run("install", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert str(user.documents / "NetStats.xlsm") in done.stdout
    assert user.files() == set()


@on_wines_registry
def test_a_macro_policy_in_the_registry_is_told_and_left_as_it_is(user: User) -> None:
    with registry_value(EXCEL_POLICY, "vbawarnings", 4, winreg.REG_DWORD):
        done = user.run("install")
        assert done.returncode == 0
        assert rf"HKCU\{EXCEL_POLICY}\VBAWarnings = 4" in done.stdout
        assert windows.windows_edges().registry.value(Hive.USER, EXCEL_POLICY, "vbawarnings") == 4
    assert "VBAWarnings" not in user.run("install").stdout


@on_wines_registry
def test_a_trusted_location_of_the_user_lifts_it(user: User) -> None:
    location = r"Software\Microsoft\Office\16.0\Excel\Security\Trusted Locations\Location77"
    with (
        registry_value(EXCEL_POLICY, "vbawarnings", 4, winreg.REG_DWORD),
        registry_value(location, "Path", str(user.documents) + "\\", winreg.REG_SZ),
    ):
        assert "VBAWarnings" not in user.run("install", "--dry-run").stdout
    winreg.DeleteKey(winreg.HKEY_CURRENT_USER, location)


@on_wines_registry
def test_a_rule_of_defender_is_told_with_the_start_menu_as_the_way_out(user: User) -> None:
    rule = "d4f940ab-401b-4efc-aadc-ad5f3c50688a"
    with registry_value(DEFENDER_RULES, rule, "1", winreg.REG_SZ, root=winreg.HKEY_LOCAL_MACHINE):
        told = user.run("install", "--dry-run").stdout
    assert "WILL NOT WORK: Start on the ribbon" in told
    assert DEFENDER_RULES in told
    assert "Start menu" in told


@on_a_throwaway_windows
def test_a_missing_excel_is_told(user: User) -> None:
    if windows.windows_edges().registry.value(Hive.CLASSES, r"Excel.Application\CurVer", ""):
        pytest.skip("this Windows has an Excel, or a stand-in of another test's")
    assert "Windows knows of no Excel here" in user.run("install", "--dry-run").stdout


def test_values_of_every_kind_are_read() -> None:
    registry = windows.windows_edges().registry
    with (
        registry_value(TEST_KEY, "number", 7, winreg.REG_DWORD),
        registry_value(TEST_KEY, "text", "é", winreg.REG_SZ),
        registry_value(TEST_KEY, "path", r"%SystemRoot%\x", winreg.REG_EXPAND_SZ),
        registry_value(TEST_KEY + r"\below", "", "x", winreg.REG_SZ),
    ):
        assert registry.value(Hive.USER, TEST_KEY, "number") == 7
        assert registry.value(Hive.USER, TEST_KEY, "text") == "é"
        assert registry.value(Hive.USER, TEST_KEY, "path") == os.path.expandvars(r"%SystemRoot%\x")
        assert registry.value(Hive.USER, TEST_KEY, "nothing") is None
        assert list(registry.subkeys(Hive.USER, TEST_KEY)) == ["below"]
    winreg.DeleteKey(winreg.HKEY_CURRENT_USER, TEST_KEY + r"\below")
    winreg.DeleteKey(winreg.HKEY_CURRENT_USER, TEST_KEY)
    assert registry.value(Hive.USER, TEST_KEY, "number") is None
    assert list(registry.subkeys(Hive.USER, TEST_KEY)) == []


def test_the_mark_of_the_web_is_seen_and_taken_off(tmp_path: Path) -> None:
    """Wine keeps the stream as a file beside: what is tried there is the path, not NTFS."""
    path = tmp_path / "x.xlsm"
    path.write_bytes(b"x")
    marks = windows.windows_edges().marks
    assert not marks.marked(path)
    with Path(f"{path}:Zone.Identifier").open("w") as stream:
        stream.write("[ZoneTransfer]\nZoneId=3\n")
    assert marks.marked(path)
    marks.unmark(path)
    assert not marks.marked(path)
    marks.unmark(path)
    assert path.read_bytes() == b"x"
    assert on_wine() or list(tmp_path.iterdir()) == [path]


def test_what_is_no_shortcut_is_read_as_none(tmp_path: Path) -> None:
    links = windows.windows_edges().shortcuts
    assert links.read(tmp_path / "none.lnk") is None
    (tmp_path / "text.lnk").write_text("x")
    assert links.read(tmp_path / "text.lnk") is None
    with pytest.raises(OSError, match="no folder"):
        links.write(tmp_path / "no folder" / "x.lnk", Shortcut(target="x"))


def test_an_interpreter_that_the_code_page_lacks_is_told() -> None:
    with pytest.raises(InstallError, match="code page"):
        xlwings_conf.encoded({"INTERPRETER_WIN": "D:\\東京\\python.exe"}, "cp1252")
