"""The only package that names adapters: which technology serves which port."""

import sys

from netstats_xl.errors import InstallError
from netstats_xl.installing.edges import Edges
from netstats_xl.wiring.collecting import connect, open_prober, why_no_pings
from netstats_xl.wiring.files import (
    clock,
    copy_macro_template,
    database_path,
    edit_workbook,
    file_workbook,
    identity_of,
    libreoffice_identity,
    new_id,
    open_history,
    open_store,
    read_yaml,
    render_yaml,
    report_file,
    report_path,
    system_zone,
    write_demo,
    write_libreoffice_template,
    write_tcp_demo,
    write_template,
    write_yaml,
)
from netstats_xl.wiring.libreoffice import connect_libreoffice, open_in_libreoffice
from netstats_xl.wiring.live import connect_live
from netstats_xl.wiring.maintenance import (
    WORKBOOKS,
    compact_database,
    database_of,
    keeping_collectors_off,
    restore_database,
    verify_database,
)
from netstats_xl.wiring.running import (
    answering,
    companions,
    find_companion,
    is_live,
    live_identity,
    log_in_use,
    log_of,
)

__all__ = [
    "WORKBOOKS",
    "answering",
    "clock",
    "compact_database",
    "companions",
    "connect",
    "connect_libreoffice",
    "connect_live",
    "copy_macro_template",
    "database_of",
    "database_path",
    "edit_workbook",
    "file_workbook",
    "find_companion",
    "has_excel",
    "identity_of",
    "installer_edges",
    "is_live",
    "keeping_collectors_off",
    "libreoffice_identity",
    "live_identity",
    "log_in_use",
    "log_of",
    "new_id",
    "open_history",
    "open_in_libreoffice",
    "open_prober",
    "open_store",
    "read_yaml",
    "render_yaml",
    "report_file",
    "report_path",
    "restore_database",
    "system_zone",
    "template_calls_windows",
    "verify_database",
    "why_no_pings",
    "write_demo",
    "write_libreoffice_template",
    "write_tcp_demo",
    "write_template",
    "write_yaml",
]


def installer_edges() -> Edges:
    """What the installer asks of this Windows.

    Raises:
        InstallError: this is no Windows.
    """
    if sys.platform == "win32":
        from netstats_xl.installing.windows import windows_edges

        return windows_edges()
    raise InstallError(
        "The live workbook needs Excel for Windows. Here, `netstats-xl new` and `netstats-xl run` work with a "
        "workbook file."
    )


def template_calls_windows() -> bool:
    """Whether the live workbook's macros declare functions of Windows, which some policies refuse."""
    return True


def has_excel() -> bool:
    """Whether Excel for Windows is installed here."""
    if sys.platform == "win32":
        from netstats_xl.installing.excel import find_excel
        from netstats_xl.installing.windows import windows_edges

        return find_excel(windows_edges().registry) is not None
    return False
