"""The companion's log."""

import logging
import sys
import threading
from pathlib import Path

import pytest

from netstats_xl.hosting import logfile
from netstats_xl.hosting.logfile import AT_THE_END, logging_to, problems_at_the_end, size

log = logging.getLogger("netstats_xl.test")


def test_what_is_logged_goes_to_the_file_and_no_longer_after_the_block(tmp_path: Path) -> None:
    path = tmp_path / "logs" / "a.log"
    with logging_to(path):
        log.info("collecting %s", "Łódź \ud800")
        log.debug("not of interest")
    log.warning("too late")
    (line,) = path.read_text(encoding="utf-8").splitlines()
    assert line.endswith("INFO netstats_xl.test: collecting Łódź \\ud800")


def test_what_libraries_tell_of_every_request_stays_out(tmp_path: Path) -> None:
    with logging_to(tmp_path / "a.log"):
        logging.getLogger("httpx").info("GET http://127.0.0.1/?token=secret")
        logging.getLogger("uvicorn.access").info("GET /v1/health")
        logging.getLogger("httpx").warning("something is wrong")
    assert "something is wrong" in (tmp_path / "a.log").read_text(encoding="utf-8")
    assert "127.0.0.1" not in (tmp_path / "a.log").read_text(encoding="utf-8")
    assert "/v1/health" not in (tmp_path / "a.log").read_text(encoding="utf-8")


def test_the_log_does_not_grow_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logfile, "LARGEST_BYTES", 1_000)
    with logging_to(tmp_path / "a.log"):
        for number in range(200):
            log.info("line %d", number)
    parts = sorted(path.name for path in tmp_path.iterdir())
    assert parts == ["a.log", "a.log.1", "a.log.2", "a.log.3"]
    assert all(part.stat().st_size <= 1_000 for part in tmp_path.iterdir())
    assert "line 199" in (tmp_path / "a.log").read_text(encoding="utf-8")


def test_a_log_that_cannot_be_rotated_or_written_disturbs_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(logfile, "LARGEST_BYTES", 200)

    def refuse(*_: object) -> None:
        raise PermissionError(13, "another program has it open")

    with logging_to(tmp_path / "a.log"):
        monkeypatch.setattr("os.rename", refuse)
        for number in range(20):
            log.info("line %d", number)
    assert "line 19" in (tmp_path / "a.log").read_text(encoding="utf-8")

    with logging_to(tmp_path / "b.log"):
        monkeypatch.setattr("logging.handlers.RotatingFileHandler.flush", refuse, raising=False)
        log.info("to a full disk")
    assert capsys.readouterr().err == ""


def test_errors_that_nobody_catches_are_logged_from_every_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "__excepthook__", lambda kind, _error, _trace: told.append(kind))

    def fail() -> None:
        raise ZeroDivisionError("in a thread")

    with logging_to(tmp_path / "a.log"):
        thread = threading.Thread(target=fail, name="worker")
        thread.start()
        thread.join()
        for error in (LookupError("in the main thread"), KeyboardInterrupt()):
            sys.excepthook(type(error), error, None)
    text = (tmp_path / "a.log").read_text(encoding="utf-8")
    assert "The thread worker ends" in text
    assert "ZeroDivisionError: in a thread" in text
    assert "LookupError: in the main thread" in text
    assert "KeyboardInterrupt" not in text
    assert told == [LookupError, KeyboardInterrupt]


@pytest.mark.skipif(sys.platform == "win32", reason="permission bits are a matter of POSIX")
def test_nobody_but_the_user_may_read_the_log_nor_its_older_parts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logfile, "LARGEST_BYTES", 200)
    with logging_to(tmp_path / "data" / "logs" / "a.log"):
        for number in range(9):
            log.info("line %d", number)
    logs = tmp_path / "data" / "logs"
    assert len(list(logs.iterdir())) > 1
    assert {each.stat().st_mode & 0o777 for each in logs.iterdir()} == {0o600}
    assert {each.stat().st_mode & 0o777 for each in (logs, logs.parent)} == {0o700}


def test_what_was_told_at_an_end_is_found_in_the_log(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    assert (size(path), problems_at_the_end(path, 0)) == (0, [])
    with logging_to(path):
        log.warning("%sof the time before", AT_THE_END)
        before = size(path)
        assert problems_at_the_end(path, before) == []
        log.warning("%s3 results could not be saved: disk full.", AT_THE_END)
        log.info("Ended")
    assert problems_at_the_end(path, before) == ["3 results could not be saved: disk full."]
    path.write_text(f"{AT_THE_END}x")  # another log was begun
    assert problems_at_the_end(path, before) == ["x"]
