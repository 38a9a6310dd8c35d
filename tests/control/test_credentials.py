import os
import stat
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from netstats_xl.control import credentials
from netstats_xl.control.credentials import Endpoint, read_endpoint, remove_endpoint, write_endpoint

ENDPOINT = Endpoint(
    url="http://127.0.0.1:50123",
    token="a-Token_1",
    process=4711,
    version="1.2.3",
    started_at=datetime(2026, 11, 23, 8, 0, 1, tzinfo=UTC),
    workbook="C:\\Users\\Jörg\\Net = Stats.xlsm",
    database="C:\\data\\0.duckdb",
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "companions" / "0.txt"


def test_what_is_written_is_read(path: Path) -> None:
    write_endpoint(path, ENDPOINT)
    assert read_endpoint(path) == ENDPOINT


def test_the_file_holds_lines_that_vba_reads(path: Path) -> None:
    write_endpoint(path, ENDPOINT)
    assert path.read_bytes().decode().split("\r\n") == [
        "url=http://127.0.0.1:50123",
        "token=a-Token_1",
        "process=4711",
        "version=1.2.3",
        "started_at=2026-11-23T08:00:01+00:00",
        "workbook=C:\\Users\\Jörg\\Net = Stats.xlsm",
        "database=C:\\data\\0.duckdb",
        "",
    ]


def test_a_name_with_line_breaks_cannot_add_a_line(path: Path) -> None:
    write_endpoint(path, replace(ENDPOINT, workbook="x\r\nurl=http://127.0.0.1:1\u2028token=other"))
    read = read_endpoint(path)
    assert read is not None
    assert (read.url, read.token) == (ENDPOINT.url, ENDPOINT.token)


def test_a_path_that_is_no_text_comes_back_as_it_was(path: Path) -> None:
    odd = os.fsdecode(b"/data/\xff.duckdb") if sys.platform != "win32" else "C:\\\udcff.duckdb"
    write_endpoint(path, replace(ENDPOINT, database=odd))
    read = read_endpoint(path)
    assert read is not None
    assert read.database == odd


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows has access control lists: tests/windows/test_control.py"
)
def test_only_its_user_may_open_it_whatever_the_umask(path: Path) -> None:
    before = os.umask(0)
    try:
        write_endpoint(path, ENDPOINT)
        path.chmod(0o644)
        write_endpoint(path, ENDPOINT)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_endpoint(path, ENDPOINT)

    def fail(temporary: Path, content: bytes) -> None:
        temporary.write_bytes(content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(credentials, "_write_private", fail)
    with pytest.raises(OSError, match="No space left"):
        write_endpoint(path, replace(ENDPOINT, token="other"))
    assert read_endpoint(path) == ENDPOINT
    assert [each.name for each in path.parent.iterdir()] == ["0.txt"]


def test_there_is_no_endpoint_without_a_file(path: Path) -> None:
    assert read_endpoint(path) is None


@pytest.mark.parametrize(
    ("line", "instead"),
    [
        ("url=http://127.0.0.1:50123", ""),
        ("url=http://127.0.0.1:50123", "url=http://127.0.0.1"),
        ("url=http://127.0.0.1:50123", "url=http://127.0.0.1:0"),
        ("url=http://127.0.0.1:50123", "url=http://127.0.0.1:99999"),
        ("url=http://127.0.0.1:50123", "url=http://192.0.2.1:50123"),
        ("url=http://127.0.0.1:50123", "url=http://127.0.0.1@192.0.2.1:50123"),
        ("url=http://127.0.0.1:50123", "url=https://127.0.0.1:50123"),
        ("url=http://127.0.0.1:50123", "url=http://[::1"),
        ("token=a-Token_1", "token="),
        ("process=4711", "process=none"),
        ("started_at=2026-11-23T08:00:01+00:00", "started_at=yesterday"),
        ("version=1.2.3\r\n", ""),
    ],
)
def test_a_file_that_makes_no_sense_is_no_endpoint(path: Path, line: str, instead: str) -> None:
    write_endpoint(path, ENDPOINT)
    content = path.read_bytes().decode()
    assert line in content
    path.write_bytes(content.replace(line, instead).encode())
    assert read_endpoint(path) is None


@pytest.mark.parametrize(
    "content", [b"", b"\x00\xff" * 1_000, b"=\r\n=", b"url=http://127.0.0.1:1\r\n" * 10_000]
)
def test_any_other_file_is_no_endpoint(path: Path, content: bytes) -> None:
    path.parent.mkdir()
    path.write_bytes(content)
    assert read_endpoint(path) is None


def test_what_is_there_and_cannot_be_read_is_told(path: Path) -> None:
    path.mkdir(parents=True)
    with pytest.raises(OSError, match=r"0\.txt"):
        read_endpoint(path)


def test_removing_leaves_the_file_of_a_successor(path: Path) -> None:
    write_endpoint(path, ENDPOINT)
    remove_endpoint(path, "another token")
    assert read_endpoint(path) == ENDPOINT
    remove_endpoint(path, ENDPOINT.token)
    assert not path.exists()
    remove_endpoint(path, ENDPOINT.token)


def test_the_token_is_in_no_representation() -> None:
    assert ENDPOINT.token not in f"{ENDPOINT!r} {ENDPOINT}"
