"""What a command works with where no collector is at work: the workbook named, or the one in this folder."""

from pathlib import Path

from netstats_xl import wiring
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.sheets import INPUT_TABLES, read_definitions

DEFAULT_WORKBOOK = Path("NetStats.xlsx")


def defined_here(workbook: Path | None) -> tuple[Definitions, Settings]:
    """What the workbook says of destinations; nothing where none was named and none is here: a host needs none.

    Raises:
        WorkbookError: the workbook cannot be read.
    """
    if workbook is None and not DEFAULT_WORKBOOK.exists():
        return Definitions(), Settings()
    tables = wiring.file_workbook(workbook or DEFAULT_WORKBOOK).read(INPUT_TABLES)
    reading = read_definitions(tables, default_zone=wiring.system_zone())
    return Definitions(destinations=reading.destinations), reading.settings
