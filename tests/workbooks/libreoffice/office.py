"""A LibreOffice without a window, and a user who works in it."""

import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netstats_xl.workbooks.libreoffice.child import SCRIPT, Child, Gone
from netstats_xl.workbooks.libreoffice.program import find_program, new_address

USER_SCRIPT = Path(__file__).with_name("user_side.py")
XLSX, ODS = "Calc MS Excel 2007 XML", "calc8"
START_WITHIN_S = 90
STARTS = 3
"""It may end to begin again with what it made of a new profile."""


@dataclass
class Office:
    """A LibreOffice of a profile of its own."""

    address: str
    profile: Path
    process: "subprocess.Popen[bytes]"
    user: Child
    python: str

    def do(self, what: str, **asked: Any) -> Any:
        """What its user does, or sees."""
        return self.user.ask(what, **asked)

    def kill(self) -> None:
        """End it as a crash would."""
        self.process.kill()
        self.process.wait()


@contextmanager
def office(
    folder: Path,
    *arguments: str,
    address: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> Iterator[Office]:
    """Start a LibreOffice, without a window if nothing else is said, and end it again."""
    program = find_program()
    assert program is not None
    listening = address or new_address()
    profile = folder / "profile"
    binary = program.soffice.resolve().with_name("soffice.bin")
    command = [
        # Not the script that starts it anew where it crashed.
        str(binary if binary.exists() else program.soffice),
        *(arguments or ("--headless",)),
        "--nologo",
        "--norestore",
        "--nofirststartwizard",
        f"-env:UserInstallation={profile.absolute().as_uri()}",
        f"--accept={listening};urp",
    ]
    if not (profile / "user" / "extensions").exists():
        # Of a new profile it makes something first, and then ends itself to begin again.
        subprocess.run(
            [command[0], "--headless", "--terminate_after_init", command[-2]],
            capture_output=True,
            check=False,
            timeout=START_WITHIN_S,
        )
    process = _started(command, environment)
    python = program.python()
    user = Child(lambda: python, lambda _: None, script=(USER_SCRIPT, SCRIPT.parent))
    try:
        ended = list[int]()
        while not _connected(user, listening, process):
            ended.append(process.wait())
            assert len(ended) < STARTS, f"LibreOffice ended at its start, with {ended}"
            process = _started(command, environment)
        yield Office(address=listening, profile=profile, process=process, user=user, python=python)
    finally:
        with suppress(Exception):
            user.close()
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _started(command: list[str], environment: Mapping[str, str] | None) -> "subprocess.Popen[bytes]":
    nothing = subprocess.DEVNULL
    return subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing, env=environment)


def _connected(user: Child, address: str, process: "subprocess.Popen[bytes]") -> bool:
    """Whether it listens; False: it ended."""
    until = time.monotonic() + START_WITHIN_S
    while True:
        try:
            user.ask("connect", address=address)
        except Gone:
            if process.poll() is not None:
                return False
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return True
