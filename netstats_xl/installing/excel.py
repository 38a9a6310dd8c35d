"""Which Excel is installed: where, which version, 32 or 64 bits."""

import struct
from dataclasses import dataclass
from pathlib import Path

from netstats_xl.installing.edges import Hive, Registry
from netstats_xl.installing.findings import Finding, Level

APP_PATH = r"SOFTWARE\Microsoft\Windows\CurrentVersion\App Paths\excel.exe"
CLICK_TO_RUN = r"SOFTWARE\Microsoft\Office\ClickToRun\Configuration"
OLDEST = 16
"""Excel 2016: what this product is made for. Later ones, to Microsoft 365, call themselves 16, too."""
_MACHINES = {0x014C: 32, 0x8664: 64, 0xAA64: 64}
"""IMAGE_FILE_MACHINE_I386, _AMD64, _ARM64 of the PE format's file header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Excel:
    """An installed Excel."""

    path: Path | None
    """EXCEL.EXE, where Windows tells it."""
    version: str
    """`16.0.17328.20184`, `16`, or empty where it is not told."""
    bits: int | None
    """32 or 64; None where it is not told."""

    @property
    def major(self) -> int | None:
        """16 for Excel 2016 and later."""
        head = self.version.split(".", 1)[0]
        return int(head) if head.isdecimal() else None

    def __str__(self) -> str:
        bits = f", {self.bits} bits" if self.bits else ""
        return f"Excel {self.version or 'of an unknown version'}{bits}"


def find_excel(registry: Registry) -> Excel | None:
    """The Excel that Windows starts for a workbook; None where there is none."""
    told = next(
        (text for hive in (Hive.USER, Hive.MACHINE) if (text := _text(registry, hive, APP_PATH, ""))), ""
    )
    path = Path(told.strip('"')) if told else None
    current = _text(registry, Hive.CLASSES, r"Excel.Application\CurVer", "")
    if path is None and not current:
        return None
    version = _text(registry, Hive.MACHINE, CLICK_TO_RUN, "VersionToReport") or current.rpartition(".")[2]
    bits = _bits_of(path) if path else None
    if bits is None:
        platform = _text(registry, Hive.MACHINE, CLICK_TO_RUN, "Platform")
        bits = {"x86": 32, "x64": 64}.get(platform.casefold())
    return Excel(path=path, version=version, bits=bits)


def judge(excel: Excel | None) -> tuple[Finding, ...]:
    """What to tell of it: nothing, where it is as it should be."""
    if excel is None:
        return (
            Finding(
                level=Level.BLOCKED,
                what="The workbook cannot be used live: Windows knows of no Excel here.",
                why=f"Neither {Hive.MACHINE}\\{APP_PATH} nor {Hive.CLASSES}\\Excel.Application is in the registry.",
                remedy="Install Excel 2016 or later, or work without it: `netstats-xl new` and `netstats-xl run` "
                "need a workbook file only.",
            ),
        )
    if excel.major is not None and excel.major < OLDEST:
        return (
            Finding(
                level=Level.LIMITED,
                what=f"The workbook is made for Excel 2016 and later; this is version {excel.version}.",
                why=f"Windows tells so ({Hive.CLASSES}\\Excel.Application\\CurVer).",
                remedy="It may work. Where it does not, `netstats-xl run` works with a workbook file.",
            ),
        )
    return ()


def _text(registry: Registry, hive: Hive, key: str, name: str) -> str:
    try:
        value = registry.value(hive, key, name)
    except PermissionError:
        return ""
    return value if isinstance(value, str) else ""


def _bits_of(program: Path) -> int | None:
    """What the PE header says; None where the file cannot be read or is no program."""
    try:
        with program.open("rb") as file:
            head = file.read(64)
            if len(head) < 64 or head[:2] != b"MZ":
                return None
            file.seek(struct.unpack_from("<I", head, 0x3C)[0])
            header = file.read(6)
    except OSError:
        return None
    if len(header) < 6 or header[:4] != b"PE\0\0":
        return None
    return _MACHINES.get(struct.unpack_from("<H", header, 4)[0])
