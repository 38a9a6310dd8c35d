"""`start` and `stop`, beside stand-ins for the process and the companion."""

import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import pytest

from netstats_xl.commands import starting
from netstats_xl.control.credentials import Endpoint
from netstats_xl.errors import CompanionNotRunning, ControlError, ControlTimeout
from netstats_xl.hosting.logfile import AT_THE_END
from netstats_xl.paths import DataFolder
from netstats_xl.wiring import log_of, write_template

LOST = "Results are kept in memory only."
OURS = 41


class Process:
    """One that was started; it ends with this code, or goes on."""

    pid = OURS

    def __init__(self, code: int | None) -> None:
        self._code = code

    def poll(self) -> int | None:
        return self._code


class Client:
    """Of a companion that warns."""

    def __init__(self, folder: Path, *, process: int, log: Path, ending: str = "") -> None:
        self.endpoint = Endpoint(
            url="http://127.0.0.1:9",
            token="t",
            process=process,
            version="0",
            started_at=datetime(2026, 11, 23, 8, tzinfo=UTC),
            workbook="Net.xlsx",
            database=str(folder / "Net.duckdb"),
        )
        self.state = "collecting"
        self._log, self._ending = log, ending

    def health(self) -> dict[str, Any]:
        return {"state": self.state, "message": "Collecting", "warnings": [LOST]}

    def shutdown(self) -> None:
        with self._log.open("a", encoding="utf-8") as log:
            log.write(f"{self._ending}\nEnded\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class Scene:
    """A workbook, a data folder, and what `start` meets."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.workbook = folder / "Net.xlsx"
        self.started: list[tuple[Sequence[str], Path]] = []
        self.code: int | None = None
        self.says = ""
        self.client: Client | None = None
        write_template(self.workbook, zone="UTC")
        self.log = log_of(self.workbook)
        monkeypatch.setattr(starting, "start_detached", self._start)
        monkeypatch.setattr("netstats_xl.wiring.find_companion", self._find)
        monkeypatch.setattr("netstats_xl.wiring.log_in_use", lambda _: self.log)

    def _start(self, arguments: Sequence[str], *, folder: Path, output: Path) -> Process:
        assert folder.is_dir()
        output.write_text(self.says, encoding="utf-8")
        self.started.append((arguments, output))
        return Process(self.code)

    def _find(self, _: Path) -> Client:
        if self.client is None or not (self.started or self.log.exists()):
            raise CompanionNotRunning("none")
        return self.client

    def start(self) -> int:
        return starting.start(self.workbook, report=None, database=None, confirm_removals=False)


@pytest.fixture
def scene(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scene:
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(starting, "LOOK_EVERY_S", 0)
    return Scene(tmp_path, monkeypatch)


def test_what_is_wrong_from_the_start_is_told(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.client = Client(tmp_path, process=OURS, log=scene.log)
    assert scene.start() == 0
    said = capsys.readouterr()
    assert said.out.startswith(f"Collecting (process {OURS})")
    assert said.err == f"warning: {LOST}\n"


def test_where_one_is_at_work_nothing_is_started(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.log.parent.mkdir(parents=True)
    scene.log.touch()
    scene.client = Client(tmp_path, process=7, log=scene.log)
    assert scene.start() == 0
    assert scene.started == []
    assert "already, since 2026-11-23" in capsys.readouterr().out


def test_one_that_is_stopping_is_waited_for(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.log.parent.mkdir(parents=True)
    scene.log.touch()
    scene.client = Client(tmp_path, process=OURS, log=scene.log)
    scene.client.state = "stopping"
    held = iter([True, True, False])
    monkeypatch.setattr(starting, "is_held", lambda database: next(held))
    assert scene.start() == 0
    assert next(held, "waited") == "waited"
    assert len(scene.started) == 1


@pytest.mark.parametrize("live", [False, True])
def test_the_collector_is_told_everything_with_whole_paths(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, live: bool
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("netstats_xl.wiring.is_live", lambda _: live)
    scene.code = 0
    database, report = Path("own.duckdb"), Path("own.xlsx")
    assert starting.start(Path("Net.xlsx"), report=report, database=database, confirm_removals=True) == 0
    ((arguments, output),) = scene.started
    identity = output.name.partition(".")[0]
    assert list(arguments) == [
        *("collect", "--workbook", str(tmp_path / "Net.xlsx")),
        *(("--live", "--id", identity) if live else ()),
        *("--report", str(tmp_path / report), "--database", str(tmp_path / database)),
        "--confirm-removals",
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="a launcher of Python's may stand between there")
def test_one_that_another_start_made_at_the_same_time_is_told_of(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.client = Client(tmp_path, process=7, log=scene.log)
    assert scene.start() == 0
    said = capsys.readouterr()
    assert said.out.startswith("Collecting for Net.xlsx already, since 2026-11-23")
    assert "(process 7)" in said.out


def test_each_start_has_a_file_of_its_own_and_old_ones_go(scene: Scene, tmp_path: Path) -> None:
    scene.log.parent.mkdir(parents=True)
    abandoned, recent = (scene.log.with_name(f"{scene.log.stem}.start-{each}.txt") for each in "ab")
    for each in (abandoned, recent):
        each.touch()
    os.utime(abandoned, (1, 1))
    scene.client = Client(tmp_path, process=OURS, log=scene.log)
    assert scene.start() == 0
    ((_, output),) = scene.started
    assert output == scene.log.with_name(f"{scene.log.stem}.start-{os.getpid()}.txt")
    # What it says later is found where it always was.
    assert sorted(scene.log.parent.iterdir()) == sorted([recent, scene.log.with_suffix(".start.txt")])


def test_a_start_that_fails_says_what_the_collector_said_and_leaves_nothing(
    scene: Scene, capsys: pytest.CaptureFixture[str]
) -> None:
    scene.code, scene.says = 3, "netstats-xl: no job can run\n"
    assert scene.start() == 3
    assert capsys.readouterr().err == "netstats-xl: no job can run\n"
    assert list(scene.log.parent.iterdir()) == []


def test_one_that_does_not_answer_is_not_waited_for_for_ever(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "START_WITHIN_S", 0)
    with pytest.raises(ControlTimeout, match=r"Its log: .*\.log"):
        scene.start()


def test_a_data_folder_that_cannot_be_written_is_told_with_the_remedy(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("NETSTATS_XL_DATA", str(tmp_path / "file"))
    with pytest.raises(ControlError, match="name another one in the environment variable NETSTATS_XL_DATA"):
        scene.start()
    assert scene.started == []


@pytest.mark.parametrize(
    ("ending", "code", "warned"),
    [
        ("", 0, [LOST]),
        (AT_THE_END + LOST, 1, [LOST]),
        (f"{AT_THE_END}The disk is full.", 1, [LOST, "The disk is full."]),
    ],
)
def test_a_stop_tells_what_was_lost_and_ends_with_its_code(
    scene: Scene,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    ending: str,
    code: int,
    warned: list[str],
) -> None:
    data = DataFolder(tmp_path / "data")
    assert scene.log.is_relative_to(data.path)
    scene.log.parent.mkdir(parents=True)
    scene.log.write_text(f"{AT_THE_END}of an earlier time\n", encoding="utf-8")
    scene.client = Client(tmp_path, process=7, log=scene.log, ending=ending)
    assert starting.stop(scene.workbook) == code
    said = capsys.readouterr()
    assert said.err.splitlines() == [f"warning: {each}" for each in warned]
    assert said.out == "Stopped collecting for Net.xlsx.\n"


def test_a_stop_that_takes_too_long_says_so(
    scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(starting, "STOP_WITHIN_S", 0)
    monkeypatch.setattr(starting, "is_held", lambda _: True)
    scene.log.parent.mkdir(parents=True)
    scene.log.touch()
    scene.client = Client(tmp_path, process=7, log=scene.log)
    with pytest.raises(ControlTimeout, match="process 7"):
        starting.stop(scene.workbook)
