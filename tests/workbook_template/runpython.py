"""The command line that the ribbon's Start makes, as the lab runs it; a test of the macros compares the two."""

from pathlib import PurePath, PureWindowsPath

WORKBOOK_ID = "0123456789abcdef0123456789abcdef"
WINDOW = 1715004
PROGRAM = r"C:\Program Files\Microsoft Office\root\Office16\Microsoft Excel"


def run_python(
    python: PurePath,
    full_name: str,
    log: str,
    *,
    program: str = PROGRAM,
    workbook_id: str = WORKBOOK_ID,
    window: int = WINDOW,
) -> str:
    """What xlwings' `ExecuteWindows` hands to Windows for this Python and a workbook of this `FullName`."""
    folders = f"false;{full_name};{full_name};;;;".replace("&", "^&").replace("\\", "\\\\")
    start = f"netstats_xl.ribbon.start('{workbook_id}', {window}, {python_text(full_name)})"
    return (
        f'cmd.exe /C {str(python)[:2]} & cd "{python.parent}" & "{python}" -B -c '
        f'"import xlwings.utils;xlwings.utils.prepare_sys_path(\\"{folders}\\"); '
        f'import netstats_xl.ribbon; {start}"  --wb="{PureWindowsPath(full_name).name}" --from_xl=1 '
        f'--app="{program}" --hwnd="{window}" 2> "{log}" '
    )


def python_text(text: str) -> str:
    """As `PythonText` in Ribbon.bas: every other character than a letter or a digit by its UTF-16 numbers."""
    units = text.encode("utf-16-le")
    numbers = (int.from_bytes(units[at : at + 2], "little") for at in range(0, len(units), 2))
    plain = (
        chr(each) if chr(each).isascii() and chr(each).isalnum() else f"\\u{each:04x}" for each in numbers
    )
    return f"'{''.join(plain)}'"
