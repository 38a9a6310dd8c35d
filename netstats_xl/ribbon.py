"""What the ribbon runs through xlwings' `RunPython`: the start of the collector, and nothing else.

Excel waits for it, so it imports nothing heavy and returns at once.
"""

import re

from netstats_xl.hosting.detached import start_detached
from netstats_xl.paths import data_folder

_IDENTITY = re.compile(r"[0-9a-f]{32}")


def start(workbook_id: str, window: int, full_name: str) -> None:
    """Start the collector of an open workbook, as a process of its own.

    Args:
        workbook_id: the workbook's identity; 32 zeros where none was drawn yet.
        window: handle of Excel's window.
        full_name: the workbook's `FullName`, a path or a URL, as UTF-16: VBA writes both halves of a character
            beyond U+FFFF on their own.

    Raises:
        ValueError: `workbook_id` is no identity.
        OSError: the process cannot be started.
    """
    if not _IDENTITY.fullmatch(workbook_id):
        raise ValueError(f"{workbook_id!r} is no identity of a workbook")
    name = full_name.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    folder, log = data_folder().path, data_folder().log(workbook_id)
    log.parent.mkdir(parents=True, exist_ok=True)
    start_detached(
        ["collect", "--live", "--id", workbook_id, "--window", str(window), "--workbook", name],
        # Not the workbook's folder: that may be a share, or be removed.
        folder=folder,
        # What it says before it has its log.
        output=log.with_suffix(".start.txt"),
    )
