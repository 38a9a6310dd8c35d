"""Which Excel there is."""

import struct
from pathlib import Path

import pytest

from netstats_xl.installing.edges import Hive
from netstats_xl.installing.excel import APP_PATH, CLICK_TO_RUN, Excel, find_excel, judge
from netstats_xl.installing.findings import Level
from tests.installing.fakes import FakeRegistry


def program(path: Path, machine: int) -> Path:
    path.write_bytes(
        b"MZ" + bytes(58) + struct.pack("<I", 128) + bytes(64) + b"PE\0\0" + struct.pack("<H", machine)
    )
    return path


@pytest.mark.parametrize(("machine", "bits"), [(0x14C, 32), (0x8664, 64), (0xAA64, 64), (0x1234, None)])
def test_the_program_itself_tells_its_bits(tmp_path: Path, machine: int, bits: int | None) -> None:
    registry = FakeRegistry()
    registry.set(Hive.MACHINE, APP_PATH, "", f'"{program(tmp_path / "EXCEL.EXE", machine)}"')
    registry.set(Hive.CLASSES, r"Excel.Application\CurVer", "", "Excel.Application.16")
    found = find_excel(registry)
    assert found == Excel(path=tmp_path / "EXCEL.EXE", version="16", bits=bits)
    assert judge(found) == ()


@pytest.mark.parametrize(
    "content", [b"", b"MZ", b"no program at all" * 9, b"MZ" + bytes(58) + b"\x40\0\0\0ab"]
)
def test_a_program_that_cannot_be_understood_leaves_it_to_the_registry(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "EXCEL.EXE").write_bytes(content)
    registry = FakeRegistry()
    registry.set(Hive.USER, APP_PATH, "", str(tmp_path / "EXCEL.EXE"))
    registry.set(Hive.MACHINE, CLICK_TO_RUN, "Platform", "x86")
    registry.set(Hive.MACHINE, CLICK_TO_RUN, "VersionToReport", "16.0.17328.20184")
    found = find_excel(registry)
    assert found is not None
    assert (found.bits, found.version, found.major) == (32, "16.0.17328.20184", 16)
    assert str(found) == "Excel 16.0.17328.20184, 32 bits"


def test_an_excel_whose_program_is_not_told_is_found_by_its_class() -> None:
    registry = FakeRegistry(unreadable={CLICK_TO_RUN})
    registry.set(Hive.CLASSES, r"Excel.Application\CurVer", "", "Excel.Application.16")
    assert find_excel(registry) == Excel(path=None, version="16", bits=None)


def test_a_program_that_is_not_where_windows_says_is_still_an_excel() -> None:
    registry = FakeRegistry()
    registry.set(Hive.MACHINE, APP_PATH, "", "gone/EXCEL.EXE")
    assert find_excel(registry) == Excel(path=Path("gone/EXCEL.EXE"), version="", bits=None)


def test_no_excel_is_told_with_what_works_without_it() -> None:
    assert find_excel(FakeRegistry()) is None
    (finding,) = judge(None)
    assert finding.level is Level.BLOCKED
    assert "netstats-xl run" in finding.remedy


def test_an_old_excel_is_told() -> None:
    (finding,) = judge(Excel(path=None, version="15", bits=None))
    assert finding.level is Level.LIMITED
    assert "15" in finding.what


def test_a_version_that_is_not_told_is_no_old_one() -> None:
    nameless = Excel(path=Path("x"), version="", bits=None)
    assert judge(nameless) == ()
    assert str(nameless) == "Excel of an unknown version"
