"""What the macros reach outside Excel: HTTP, files, Windows' shell, the ribbon."""
# pyOpenVBA has no types:
# mypy: disable-error-code="misc,untyped-decorator"

import http.client
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from pyopenvba.interpreter import EMPTY, VBAInt, VBAObject, VBARuntimeError, member, method
from pyopenvba.interpreter._values import to_bool, to_text

NOT_CONNECTED = -2147012867
TIMED_OUT = -2147012894
_A_WHILE_S = 10.0


class Outside(Protocol):
    """The world around Excel, which notes what the macros do to it."""

    variables: dict[str, str]
    requests: "list[ServerXmlHttp]"
    commands: list[str]
    policy_forbids_programs: bool
    impatient: bool

    def passes(self, time: timedelta) -> None:
        """Time passes for the macros."""
        ...


class RibbonUI(VBAObject):
    """Excel's hold on the tab: how often it was told to draw it anew."""

    vba_type_name = "IRibbonUI"

    def __init__(self) -> None:
        self.drawn = 0

    @method
    def Invalidate(self) -> object:  # noqa: N802 - VBA's names
        self.drawn += 1
        return EMPTY


class Control(VBAObject):
    """A control of the tab."""

    vba_type_name = "IRibbonControl"


class ServerXmlHttp(VBAObject):
    """`MSXML2.ServerXMLHTTP.6.0` as far as the macros use it: a real request, in a thread of its own."""

    vba_type_name = "ServerXMLHTTP60"

    def __init__(self, desk: "Outside") -> None:
        self._desk = desk
        self._headers: dict[str, str] = {}
        self._answer: tuple[int, str] | None = None
        self._error: OSError | None = None
        self._thread: threading.Thread | None = None
        self.timeouts_ms: list[int] = []
        self.proxy: int | None = None
        self.aborted = False

    @method
    def setTimeouts(self, *timeouts: Any) -> object:  # noqa: N802
        self.timeouts_ms = [int(each) for each in timeouts]
        return EMPTY

    @method
    def setProxy(self, kind: Any) -> object:  # noqa: N802
        self.proxy = int(kind)
        return EMPTY

    @method
    def open(self, verb: Any, url: Any, is_async: Any) -> object:
        self.verb, self.url, self.is_async = to_text(verb), to_text(url), to_bool(is_async)
        return EMPTY

    @method
    def setRequestHeader(self, name: Any, value: Any) -> object:  # noqa: N802
        self._headers[to_text(name)] = to_text(value)
        return EMPTY

    @method
    def send(self, body: Any) -> object:
        self.body = to_text(body)
        self._desk.requests.append(self)
        self._thread = threading.Thread(target=self._exchange, daemon=True)
        self._thread.start()
        if not self.is_async:
            self._thread.join()
            self._raise()
        return EMPTY

    @method
    def abort(self) -> object:
        self.aborted = True
        return EMPTY

    @member
    def readyState(self) -> object:  # noqa: N802
        assert self._thread is not None
        self._desk.passes(timedelta(seconds=0.01))
        self._thread.join(0 if self._desk.impatient else 0.002)
        return VBAInt(1 if self._thread.is_alive() else 4, "Long")

    @member
    def status(self) -> object:
        self._raise()
        assert self._answer is not None
        return VBAInt(self._answer[0], "Long")

    @member
    def responseText(self) -> object:  # noqa: N802
        self._raise()
        assert self._answer is not None
        return self._answer[1]

    def finish(self) -> None:
        """Wait until the answer is there, or known not to come."""
        if self._thread is not None:
            self._thread.join(_A_WHILE_S)

    def _exchange(self) -> None:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=_A_WHILE_S)
        try:
            connection.request(self.verb, parts.path, self.body.encode(), self._headers)
            response = connection.getresponse()
            self._answer = response.status, response.read().decode()
        except (OSError, http.client.HTTPException) as error:
            self._error = error if isinstance(error, OSError) else OSError(str(error))
        finally:
            connection.close()

    def _raise(self) -> None:
        if self._error is not None:
            number = TIMED_OUT if isinstance(self._error, TimeoutError) else NOT_CONNECTED
            raise VBARuntimeError(number, str(self._error))


class TextStream(VBAObject):
    """A text file that is read."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @method
    def ReadAll(self) -> object:  # noqa: N802
        return self._path.read_bytes().decode("cp1252", "replace")


class FileSystem(VBAObject):
    """`Scripting.FileSystemObject`; a backslash is a slash here."""

    vba_type_name = "FileSystemObject"

    @method
    def FileExists(self, path: Any) -> object:  # noqa: N802
        return local_path(path).is_file()

    @method
    def OpenTextFile(self, path: Any, mode: Any) -> object:  # noqa: N802
        if not local_path(path).is_file():
            raise VBARuntimeError(53, "File not found")
        return TextStream(local_path(path))


class Shell(VBAObject):
    """`WScript.Shell`: knows this desk's variables, and writes down what would be run."""

    vba_type_name = "WshShell"

    def __init__(self, desk: "Outside") -> None:
        self._desk = desk

    @method
    def ExpandEnvironmentStrings(self, text: Any) -> object:  # noqa: N802
        expanded = to_text(text)
        for name, value in self._desk.variables.items():
            expanded = expanded.replace(f"%{name}%", value)
        return expanded

    @method
    def Run(self, command: Any, style: Any, wait: Any) -> object:  # noqa: N802
        if self._desk.policy_forbids_programs:
            raise VBARuntimeError(70, "Permission denied")
        self._desk.commands.append(to_text(command))
        return VBAInt(0, "Long")


def local_path(path: object) -> Path:
    """Where a path of Windows' lies here: a backslash is a slash."""
    return Path(to_text(path).replace("\\", "/"))
