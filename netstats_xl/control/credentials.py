"""The endpoint file: how to reach a companion at work, and the token that it wants to see.

Only its user may read the file. It holds lines `key=value`, which VBA, VBScript and Python read alike.
"""

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from netstats_xl.files import replacing

_KEYS = ("url", "token", "process", "version", "started_at", "workbook", "database")
_LONGEST_FILE = 65_536
"""Bytes: more is no endpoint file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a companion answers, and who it is."""

    url: str
    """`http://127.0.0.1:PORT`, without a path."""
    token: str
    process: int
    """Its process ID."""
    version: str
    started_at: datetime
    workbook: str
    """Name or path of its workbook."""
    database: str

    def __repr__(self) -> str:  # the token belongs into no log
        return f"Endpoint(url={self.url!r}, process={self.process}, version={self.version!r})"


def write_endpoint(path: Path, endpoint: Endpoint) -> None:
    """Write the endpoint file, replacing it in one step; at no time may anyone but the user read it.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    values = {
        "url": endpoint.url,
        "token": endpoint.token,
        "process": str(endpoint.process),
        "version": endpoint.version,
        "started_at": endpoint.started_at.isoformat(),
        "workbook": endpoint.workbook,
        "database": endpoint.database,
    }
    text = "".join(f"{key}={_one_line(values[key])}\r\n" for key in _KEYS)
    with replacing(path) as temporary:
        _write_private(temporary, text.encode("utf-8", "surrogateescape"))


def read_endpoint(path: Path) -> Endpoint | None:
    """What the endpoint file says; None where there is none, or where it makes no sense.

    Raises:
        OSError: there is one, and it cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return None
    lines = content.decode("utf-8", "surrogateescape").splitlines()
    values = {key.strip(): value for key, equals, value in (line.partition("=") for line in lines) if equals}
    if not all(values.get(key) for key in ("url", "token")) or not _is_local(values["url"]):
        return None
    try:
        return Endpoint(
            url=values["url"],
            token=values["token"],
            process=int(values["process"]),
            version=values["version"],
            started_at=datetime.fromisoformat(values["started_at"]),
            workbook=values["workbook"],
            database=values["database"],
        )
    except (KeyError, ValueError):
        return None


def remove_endpoint(path: Path, token: str) -> None:
    """Remove the endpoint file, if it is still the one with this token: a successor's stays.

    A file that cannot be removed stays: who reads it finds nobody at its URL.
    """
    with suppress(OSError):
        present = read_endpoint(path)
        if present is not None and present.token == token:
            path.unlink(missing_ok=True)


def _one_line(value: str) -> str:
    return " ".join(value.splitlines())


def _is_local(url: str) -> bool:
    """Whether it is one that a companion serves: the token goes nowhere else."""
    try:
        parts = urlsplit(url)
        return parts.scheme == "http" and parts.hostname == "127.0.0.1" and bool(parts.port)
    except ValueError:
        return False


if sys.platform == "win32":

    def _write_private(path: Path, content: bytes) -> None:
        """Write a new file that its user alone may open: it is created so, not made so later."""
        import pywintypes
        import win32api
        import win32con
        import win32file
        import win32security

        try:
            token = win32security.OpenProcessToken(win32api.GetCurrentProcess(), win32con.TOKEN_QUERY)
            user, _ = win32security.GetTokenInformation(token, win32security.TokenUser)
            acl = win32security.ACL()
            acl.AddAccessAllowedAce(win32security.ACL_REVISION, win32con.GENERIC_ALL, user)
            attributes = win32security.SECURITY_ATTRIBUTES()
            descriptor = attributes.SECURITY_DESCRIPTOR
            descriptor.SetSecurityDescriptorDacl(True, acl, False)
            # Protected: what the folder lets others do is not inherited.
            descriptor.SetSecurityDescriptorControl(
                win32security.SE_DACL_PROTECTED, win32security.SE_DACL_PROTECTED
            )
            handle = win32file.CreateFile(
                str(path), win32con.GENERIC_WRITE, 0, attributes, win32con.CREATE_NEW, 0, None
            )
            try:
                win32file.WriteFile(handle, content)
            finally:
                handle.Close()
        except pywintypes.error as error:
            raise OSError(None, error.strerror, str(path), error.winerror) from error

else:

    def _write_private(path: Path, content: bytes) -> None:
        """Write a new file that its user alone may open: it is created so, not made so later."""
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(file, "wb") as stream:
            stream.write(content)
