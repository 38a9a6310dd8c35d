"""What Windows tells the installer and does for it. Importing this needs Windows."""

import ctypes
import os
import sys
import uuid
import winreg
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from netstats_xl.installing.edges import Edges, Hive, RegistryValue, Shortcut
from netstats_xl.installing.marks import StreamMarks

assert sys.platform == "win32", "the installer's edges are Windows'"

_HIVES = {
    Hive.USER: winreg.HKEY_CURRENT_USER,
    Hive.MACHINE: winreg.HKEY_LOCAL_MACHINE,
    Hive.CLASSES: winreg.HKEY_CLASSES_ROOT,
}
# https://learn.microsoft.com/windows/win32/shell/knownfolderid
_DOCUMENTS = "{FDD39AD0-238F-46AF-ADB4-6C85480369C7}"
_PROGRAMS = "{A77F5D77-2E2B-44C3-A6A2-ABA601054A51}"
_RAW_PATH = 4  # SLGP_RAWPATH


class WindowsRegistry:
    """The registry as 64-bit programs see it."""

    def value(self, hive: Hive, key: str, name: str) -> RegistryValue | None:
        """A value, variables in it expanded; None where there is none."""
        try:
            with winreg.OpenKey(_HIVES[hive], key, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as opened:
                value, kind = winreg.QueryValueEx(opened, name)
        except FileNotFoundError:
            return None
        if kind == winreg.REG_EXPAND_SZ:
            return os.path.expandvars(str(value))
        return value if isinstance(value, int | str | bytes) else tuple(value or ())

    def subkeys(self, hive: Hive, key: str) -> Sequence[str]:
        """Names of the keys below."""
        try:
            with winreg.OpenKey(_HIVES[hive], key, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as opened:
                return [winreg.EnumKey(opened, index) for index in range(winreg.QueryInfoKey(opened)[0])]
        except FileNotFoundError:
            return []


class ShellFolders:
    """The known folders of the shell, wherever they were moved to."""

    def documents(self) -> Path:
        """Where the user keeps documents."""
        return _known_folder(_DOCUMENTS)

    def programs(self) -> Path:
        """This user's part of the Start menu."""
        return _known_folder(_PROGRAMS)

    def profile(self) -> Path:
        """What VBA knows as `Environ("USERPROFILE")`."""
        return Path(os.environ["USERPROFILE"])

    def local_data(self) -> Path:
        """What the variable says: it is the variable that stands in xlwings' settings."""
        return Path(os.environ["LOCALAPPDATA"])

    def cloud(self) -> Sequence[Path]:
        """OneDrive's roots, private and of an organisation."""
        names = ("OneDrive", "OneDriveCommercial", "OneDriveConsumer")
        return tuple({Path(os.environ[name]): None for name in names if os.environ.get(name)})


class ShellLinks:
    """`.lnk` files, through the shell's own `IShellLink`."""

    def read(self, path: Path) -> Shortcut | None:
        """What the file says."""
        import pywintypes

        try:
            link, file = _new_link()
            file.Load(str(path))
        except pywintypes.com_error:
            return None
        return Shortcut(
            target=_path_of(link.GetIDList()) or link.GetPath(_RAW_PATH)[0],
            arguments=link.GetArguments(),
            folder=link.GetWorkingDirectory(),
            description=link.GetDescription(),
        )

    def write(self, path: Path, shortcut: Shortcut) -> None:
        """Write the file."""
        import pywintypes

        try:
            link, file = _new_link()
            link.SetPath(shortcut.target)
            link.SetArguments(shortcut.arguments)
            link.SetWorkingDirectory(shortcut.folder)
            link.SetDescription(shortcut.description)
            file.Save(str(path), True)
        except pywintypes.com_error as error:
            raise OSError(0, error.strerror or f"Windows error {error.hresult:#x}", str(path)) from error


def windows_edges() -> Edges:
    """All of them, of this Windows and this user."""
    return Edges(
        registry=WindowsRegistry(),
        shortcuts=ShellLinks(),
        marks=StreamMarks(),
        folders=ShellFolders(),
        code_page=f"cp{ctypes.windll.kernel32.GetACP()}",
    )


def _known_folder(folder_id: str) -> Path:
    place = ctypes.c_wchar_p()
    key = (ctypes.c_ubyte * 16).from_buffer_copy(uuid.UUID(folder_id).bytes_le)
    result = ctypes.windll.shell32.SHGetKnownFolderPath(ctypes.byref(key), 0, None, ctypes.byref(place))
    try:
        if result != 0 or place.value is None:
            raise OSError(
                0, f"Windows does not tell where the user's folder is ({result & 0xFFFFFFFF:#x})", folder_id
            )
        return Path(place.value)
    finally:
        ctypes.windll.ole32.CoTaskMemFree(place)


def _path_of(items: list[bytes] | None) -> str:
    """The path that the shell's own list names, which is Unicode: the path beside it in the file may not be."""
    from win32com.shell import shell

    try:
        return str(shell.SHGetPathFromIDListW(items)) if items else ""
    except shell.error:  # a printer, say, has no path
        return ""


def _new_link() -> tuple[Any, Any]:
    """A shortcut in memory, and its file side."""
    import pythoncom
    from win32com.shell import shell

    link = pythoncom.CoCreateInstance(
        shell.CLSID_ShellLink, None, pythoncom.CLSCTX_INPROC_SERVER, shell.IID_IShellLink
    )
    return link, link.QueryInterface(pythoncom.IID_IPersistFile)
