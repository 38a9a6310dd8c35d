"""`netstats-xl install` and `uninstall` with Windows' own shell, registry and files.

The documents and the Start menu are moved into a folder of the test's first, as OneDrive or an administrator moves
them, in a registry of the test's own: nothing of the user who runs the tests is touched. What is written through the
shell is read back through it.
"""

import ctypes
import os
import re
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from netstats_xl.cli import main
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
DEFENDER_RULES = r"SOFTWARE\Policies\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules"
CHILD_PROCESSES = "d4f940ab-401b-4efc-aadc-ad5f3c50688a"
TEST_KEYS = r"Software\netstats_xl tests"


@contextmanager
def own_registry(root: int) -> Iterator[None]:
    """What this process takes for a root of the registry is an empty key of the test's, for the block.

    The real one is not touched, and a test that is killed leaves nothing in force.
    """
    advapi32 = ctypes.WinDLL("advapi32")
    path = rf"{TEST_KEYS}\{uuid.uuid4().hex}"
    with winreg.CreateKey(winreg.HKEY_CURRENT_USER, path) as own:
        assert advapi32.RegOverridePredefKey(ctypes.c_void_p(root), ctypes.c_void_p(int(own))) == 0
        try:
            yield
        finally:
            advapi32.RegOverridePredefKey(ctypes.c_void_p(root), None)
    advapi32.RegDeleteTreeW(ctypes.c_void_p(winreg.HKEY_CURRENT_USER), path)


def set_value(key: str, name: str, value: str | int, *, root: int = winreg.HKEY_CURRENT_USER) -> None:
    kind = winreg.REG_DWORD if isinstance(value, int) else winreg.REG_SZ
    with winreg.CreateKey(root, key) as opened:
        winreg.SetValueEx(opened, name, 0, kind, value)


@dataclass
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str


@dataclass
class User:
    """A user whose folders were moved."""

    home: Path
    capture: pytest.CaptureFixture[str]

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

    def run(self, *arguments: str) -> Ended:
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        said = self.capture.readouterr()
        return Ended(code=int(ended.value.code or 0), out=said.out, err=said.err)

    def files(self) -> set[str]:
        # Without streams: Wine keeps them as files of their own.
        found = (path.relative_to(self.home).as_posix() for path in self.home.rglob("*") if path.is_file())
        return {name for name in found if ":" not in name}


@pytest.fixture
def user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[User]:
    user = User(tmp_path / "Łucja", capsys)
    user.documents.mkdir(parents=True)
    user.menu.parent.mkdir()
    monkeypatch.setenv("USERPROFILE", str(user.home))
    monkeypatch.setenv("LOCALAPPDATA", str(user.home / "AppData" / "Local"))
    monkeypatch.setenv("NETSTATS_XL_DATA", str(user.data))
    with own_registry(winreg.HKEY_CURRENT_USER):
        set_value(SHELL_FOLDERS, "Personal", str(user.documents))
        set_value(SHELL_FOLDERS, "Programs", str(user.menu.parent))
        yield user


def identity(workbook: Path) -> str:
    with zipfile.ZipFile(workbook) as package:
        found = re.search(
            rf'name="{ID_NAME}"[^>]*>\W*([0-9a-f]{{32}})', package.read("xl/workbook.xml").decode()
        )
    assert found is not None
    return found[1]


def test_folders_that_were_moved_are_found_where_they_are_now(user: User) -> None:
    folders = windows.windows_edges().folders
    assert folders.documents() == user.documents
    assert folders.programs() == user.menu.parent


def test_install_and_uninstall_leave_the_workbook_and_nothing_else(user: User) -> None:
    done = user.run("install")
    assert done.code == 0, done.err
    assert user.files() == {
        "OneDrive/Dokumente/NetStats.xlsm",
        f"Menü/{MENU_FOLDER}/{WORKBOOK_LINK}",
        f"Menü/{MENU_FOLDER}/{COLLECTOR_LINK}",
        ".netstats_xl/netstats_xl.conf",
        f"AppData/Local/netstats_xl/{FILE_NAME}",
    }
    assert "[4/4]" in done.out
    again = user.run("install")
    assert again.code == 0
    assert again.out.count("Keep") == 4
    away = user.run("uninstall")
    assert away.code == 0, away.err
    assert user.files() == {"OneDrive/Dokumente/NetStats.xlsm"}
    assert not user.menu.exists()
    assert not user.conf.parent.exists()


def test_the_copy_is_a_workbook_with_an_identity_of_its_own_and_without_a_mark(user: User) -> None:
    user.run("install")
    first = user.documents / "NetStats.xlsm"
    second = user.home / "Zweite.xlsm"
    assert user.run("install", "--workbook", str(second)).code == 0
    assert len({identity(first), identity(second), UNDRAWN}) == 3
    assert not windows.windows_edges().marks.marked(first)


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


def test_a_shortcut_that_the_user_changed_through_the_shell_stays(user: User) -> None:
    user.run("install")
    changed = Shortcut(target=r"C:\windows\notepad.exe", arguments="é")
    windows.windows_edges().shortcuts.write(user.menu / COLLECTOR_LINK, changed)
    assert user.run("uninstall").code == 0
    assert windows.windows_edges().shortcuts.read(user.menu / COLLECTOR_LINK) == changed


def test_xlwings_settings_name_this_python_and_keep_the_users_lines(user: User) -> None:
    user.conf.parent.mkdir()
    mine = '"PYTHONPATH","D:\\\\bücher"\r\n'.encode("cp1252")
    user.conf.write_bytes(mine)
    assert user.run("install").code == 0
    content = user.conf.read_bytes()
    assert content.startswith(mine)
    python = xlwings_conf.values(content)["INTERPRETER_WIN"].decode("cp1252")
    assert Path(os.path.expandvars(python)) == Path(sys.executable)
    assert user.run("uninstall").code == 0
    assert user.conf.read_bytes() == mine


def test_a_dry_run_changes_nothing(user: User) -> None:
    done = user.run("install", "--dry-run")
    assert done.code == 0, done.err
    assert str(user.documents / "NetStats.xlsm") in done.out
    assert user.files() == set()


def test_a_macro_policy_in_the_registry_is_told_and_left_as_it_is(user: User) -> None:
    set_value(EXCEL_POLICY, "vbawarnings", 4)
    done = user.run("install")
    assert done.code == 0
    assert rf"HKCU\{EXCEL_POLICY}\VBAWarnings = 4" in done.out
    assert windows.windows_edges().registry.value(Hive.USER, EXCEL_POLICY, "vbawarnings") == 4
    set_value(EXCEL_POLICY, "vbawarnings", 2)
    assert "VBAWarnings" not in user.run("install").out


def test_a_trusted_location_of_the_user_lifts_it(user: User) -> None:
    location = r"Software\Microsoft\Office\16.0\Excel\Security\Trusted Locations\Location77"
    set_value(EXCEL_POLICY, "vbawarnings", 4)
    set_value(location, "Path", str(user.documents) + "\\")
    assert "VBAWarnings" not in user.run("install", "--dry-run").out


def test_a_rule_of_defender_is_told_with_the_start_menu_as_the_way_out(user: User) -> None:
    with own_registry(winreg.HKEY_LOCAL_MACHINE):
        set_value(DEFENDER_RULES, CHILD_PROCESSES, "1", root=winreg.HKEY_LOCAL_MACHINE)
        told = user.run("install", "--dry-run").out
    assert "WILL NOT WORK: Start on the ribbon" in told
    assert DEFENDER_RULES in told
    assert "Start menu" in told


def test_a_missing_excel_is_told(user: User) -> None:
    if windows.windows_edges().registry.value(Hive.CLASSES, r"Excel.Application\CurVer", ""):
        pytest.skip("this Windows has an Excel, or a stand-in of another test's")
    assert "Windows knows of no Excel here" in user.run("install", "--dry-run").out


def test_values_of_every_kind_are_read() -> None:
    registry = windows.windows_edges().registry
    with own_registry(winreg.HKEY_CURRENT_USER):
        set_value("Some", "number", 7)
        set_value("Some", "text", "é東")
        set_value(r"Some\below", "", "x")
        with winreg.CreateKey(winreg.HKEY_CURRENT_USER, "Some") as key:
            winreg.SetValueEx(key, "path", 0, winreg.REG_EXPAND_SZ, r"%SystemRoot%\x")
            winreg.SetValueEx(key, "list", 0, winreg.REG_MULTI_SZ, ["a", "b"])
        assert registry.value(Hive.USER, "Some", "number") == 7
        assert registry.value(Hive.USER, "some", "TEXT") == "é東"
        assert registry.value(Hive.USER, "Some", "path") == os.path.expandvars(r"%SystemRoot%\x")
        assert registry.value(Hive.USER, "Some", "list") == ("a", "b")
        assert registry.value(Hive.USER, "Some", "nothing") is None
        assert list(registry.subkeys(Hive.USER, "Some")) == ["below"]
        assert registry.value(Hive.USER, "None", "number") is None
        assert list(registry.subkeys(Hive.USER, "None")) == []


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
