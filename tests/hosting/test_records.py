"""What is known of a live workbook."""

from pathlib import Path

import pytest

from netstats_xl.hosting.records import WorkbookRecord, read_record, write_record


@pytest.mark.parametrize(
    "record",
    [
        WorkbookRecord(place=r"C:\Users\Żółw\Net = 1.xlsm", database=r"D:\net.duckdb"),
        WorkbookRecord(place="https://example.sharepoint.com/Net%20Stats.xlsm"),
    ],
)
def test_a_record_is_read_as_it_was_written(tmp_path: Path, record: WorkbookRecord) -> None:
    path = tmp_path / "workbooks" / "a.txt"
    write_record(path, WorkbookRecord(place="before"))
    write_record(path, record)
    assert read_record(path) == record


def test_a_name_cannot_pose_as_another_line(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_record(path, WorkbookRecord(place="a\r\ndatabase=b", database="c"))
    assert read_record(path) == WorkbookRecord(place="a database=b", database="c")


@pytest.mark.parametrize("content", [b"", b"path=\r\n", b"\xff\xfe\x00", b"no lines of the kind"])
def test_what_makes_no_sense_is_no_record(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.txt").write_bytes(content)
    assert read_record(tmp_path / "a.txt") is None
    assert read_record(tmp_path / "absent.txt") is None


def test_a_record_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    write_record(tmp_path / "file" / "a.txt", WorkbookRecord(place="p"))
    assert read_record(tmp_path / "file" / "a.txt") is None
