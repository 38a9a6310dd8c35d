"""Starting a process that outlives this one and its terminal."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def start_detached(
    arguments: Sequence[str], *, folder: Path, output: Path | None = None
) -> "subprocess.Popen[bytes]":
    """Run `netstats-xl` with these arguments on its own: without a terminal or a window, in a session of its own.

    `folder` is its current folder, and should be one that nobody wants to remove. What it prints goes to `output`,
    which is replaced, or nowhere.

    Raises:
        OSError: it cannot be started.
    """
    command = [sys.executable, "-m", "netstats_xl", *arguments]
    sink = (
        os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        if output
        else os.open(os.devnull, os.O_WRONLY)
    )
    try:
        return _start(command, folder, sink)
    finally:
        os.close(sink)


if sys.platform == "win32":
    # A console without a window, rather than none: what this process starts would else show one of its own.
    _FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP

    def _start(command: Sequence[str], folder: Path, sink: int) -> "subprocess.Popen[bytes]":
        def start(flags: int) -> "subprocess.Popen[bytes]":
            return subprocess.Popen(  # noqa: S603 - our own command, and no shell
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, creationflags=flags
            )

        try:
            # Out of the job of whoever started us, which may end all its processes with itself.
            return start(_FLAGS | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        except PermissionError:
            return start(_FLAGS)

else:

    def _start(command: Sequence[str], folder: Path, sink: int) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(  # noqa: S603 - our own command, and no shell
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, start_new_session=True
        )
