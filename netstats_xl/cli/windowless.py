"""The command line where it has no console: what it says is shown in a window when it ends."""

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager

TITLE = "Network Stats"


def message_box(text: str, failed: bool) -> None:
    """Show a text in a window of Windows' own, and wait until it is closed; elsewhere nothing happens."""
    if sys.platform == "win32":
        import ctypes

        # MB_ICONERROR or MB_ICONINFORMATION, and MB_SETFOREGROUND
        ctypes.windll.user32.MessageBoxW(None, text, TITLE, (0x10 if failed else 0x40) | 0x10000)


@contextmanager
def shown_without_a_console() -> Iterator[None]:
    """Keep what is said in the block, and show it at the end, where there is nowhere to say it.

    So it is for a program that `pythonw` runs, as the Start menu's entries do.
    """
    streams = sys.stdout, sys.stderr
    # Typed as never None, which holds for programs with a console only.
    if all(stream is not None for stream in streams):
        yield
        return
    said = io.StringIO()
    sys.stdout = sys.stderr = said
    failed = True
    try:
        yield
        failed = False
    except SystemExit as ended:
        failed = ended.code not in (None, 0)
        raise
    finally:
        sys.stdout, sys.stderr = streams
        text = said.getvalue().strip()
        if text or failed:
            message_box(text or "It ended without a word, which it should not.", failed)
