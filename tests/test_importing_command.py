"""`import`, and Parquet from `report`, called in this process."""

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from netstats_xl import wiring
from netstats_xl.cli import main
from netstats_xl.commands import importing
from netstats_xl.domain.results import Batch, Period
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import CompanionNotRunning
from netstats_xl.wiring import open_store
from tests.contracts.result_store import OUTCOMES, START, destination, sample
from tests.importing.files import START_S, fping_lines, smokeping_dump

Netstats = Callable[..., int]
EVER = Period(start=datetime(1971, 1, 1, tzinfo=UTC), end=datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture
def netstats(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Netstats:
    """Runs the command in a folder with a workbook and its database, and returns its exit code."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert isinstance(ended.value.code, int | None)
        return ended.value.code or 0

    run("new", "NetStats.xlsx", "--time-zone", "UTC")
    with closing(open_store(tmp_path / "NetStats.duckdb")) as store:
        store.save_definitions(Definitions(destinations=(destination(1), destination(2))), at=START)
        store.save_settings(Settings(zone="Europe/Berlin", retention_days=30))
        store.save(Batch(batch_id="a", samples=[sample(0, OUTCOMES[0])]))
    return run


def stored(folder: Path) -> list[tuple[str, str]]:
    """Job and destination of each sample."""
    with closing(open_store(folder / "NetStats.duckdb")) as store:
        return [(each.job_id, each.destination_id) for each in store.samples(EVER)]


def test_files_of_several_kinds_are_imported_once_and_told_of(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "Host 1.xml").write_text(smokeping_dump([(0.0, [0.01] * 5)] * 3))
    (tmp_path / "pings.txt").write_text(fping_lines(START_S, [1.0] * 70, host="192.0.2.2"))
    assert netstats("import", "Host 1.xml", "pings.txt") == 0
    told = capsys.readouterr().out
    assert "Host 1.xml (SmokePing): 3 rounds of 1 destination\n" in told
    assert "  Host 1: 3 imported, 2025-06-15 17:10 to 2025-06-15 17:20\n" in told
    assert "  left out: 4 rows of consolidated archives" in told
    assert "pings.txt (fping): 2 rounds of 1 destination\n  Host 2: 2 imported" in told
    assert "  Imported 2 rounds.\n" in told
    assert "3 rounds of them: older than the 30 days for which single rounds are kept." in told
    assert sorted(stored(tmp_path)) == [
        ("import-fping", "dest2"),
        ("import-fping", "dest2"),
        *[("import-smokeping", "dest1")] * 3,
        ("job1", "dest1"),
    ]
    assert netstats("import", "Host 1.xml", "pings.txt") == 0
    assert "  Host 1: 3 imported before\n" in capsys.readouterr().out
    assert len(stored(tmp_path)) == 6


def test_a_dry_run_tells_and_stores_nothing(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pings.txt").write_text(fping_lines(START_S, [1.0] * 70, host="192.0.2.2"))
    assert netstats("import", "pings.txt", "--dry-run", "--round", "10s", "--as", "fping") == 0
    told = capsys.readouterr().out
    assert "Host 2: 7 to import, 2025-06-15 17:10" in told
    assert "Would import 7 rounds." in told
    assert len(stored(tmp_path)) == 1


def test_what_is_not_known_is_listed_mapped_or_added(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = "".join(f"{START_S + number},old{number}.example,{number}\n" for number in range(30))
    odd = f"{START_S},=cmd\x1b[31m,1\n{START_S},Büro,1\n"
    (tmp_path / "many.csv").write_text(f"time,host,rtt\n{rows}{odd}", encoding="utf-8")
    (tmp_path / "names.txt").write_text(
        "# where they went\n\nold0.example=Host 1\nold1.example = Host 1\n", "utf-8"
    )
    assert (
        netstats(
            "import", "many.csv", "--map-file", "names.txt", "--map", "old1.example=Host 2", "--map", "x=y"
        )
        == 1
    )
    told = capsys.readouterr().out
    assert "  left out: old2.example (1 round), the database has no destination of this name or host" in told
    assert "  left out: 10 more" in told
    assert "--add takes it as a retired one" in told
    assert "--map: the file has no 'x'." in told
    assert "\x1b" not in told
    assert sorted(stored(tmp_path)) == [("import-csv", "dest1"), ("import-csv", "dest2"), ("job1", "dest1")]
    assert netstats("import", "many.csv", "--add") == 1
    told = capsys.readouterr().out
    assert "it cannot be added" in told
    assert "and 11 more destinations" in told
    assert len(stored(tmp_path)) == 34


def test_a_large_file_tells_how_far_it_is(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("netstats_xl.app.importing.BATCH_ROWS", 50)
    rows = "".join(f"{START_S + number},192.0.2.1,1\n" for number in range(2_000))
    (tmp_path / "many.csv").write_text(f"time,host,rtt\n{rows}")
    assert netstats("import", "many.csv", "--database", "NetStats.duckdb") == 0
    told = capsys.readouterr().err
    assert "Reading many.csv: " in told
    assert "Importing many.csv: " in told
    assert len(told.splitlines()) < 25


def test_rounds_of_our_own_export_are_not_counted_twice(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    day = START.date()
    dates = ("--from", f"{day}", "--to", f"{day + timedelta(days=1)}")
    assert netstats("report", "NetStats.xlsx", *dates, "-o", "own.csv") == 0
    assert netstats("import", "own.csv") == 0
    assert "1 in hours that were measured here (--overlapping takes them)" in capsys.readouterr().out
    assert len(stored(tmp_path)) == 1
    assert netstats("import", "own.csv", "--overlapping") == 0
    assert len(stored(tmp_path)) == 2


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["import", "nowhere.csv"], 3, "nowhere.csv cannot be read"),
        (["import", "good.csv", "--map", "x"], 2, "write OLD=NAME"),
        (["import", "good.csv", "--map", "192.0.2.1=Nobody"], 3, "'Nobody'"),
        (["import", "good.csv", "--map-file", "nowhere.txt"], 3, "nowhere.txt cannot be read"),
        (["import", "good.csv", "--columns", "time"], 2, "write OLD=NAME"),
        (["import", "good.csv", "--columns", "time=when"], 3, "has no column 'when'"),
        (["import", "good.csv", "--zone", "Mars"], 2, "Mars"),
        (["import", "good.csv", "--round", "2h"], 2, "at most an hour"),
        (["import", "good.csv", "--as", "mrtg"], 2, "mrtg"),
        (["import", "good.csv", "--date-order", "ymd"], 2, "ymd"),
        (["import", "good.csv", "--database", "other.duckdb"], 4, "There is no database at other.duckdb"),
        (["import", "good.csv", "--workbook", "Other.xlsx"], 3, "Other.xlsx"),
        (["import", "good.csv", "broken.csv"], 3, "broken.csv, line 3, column 'rtt'"),
    ],
)
def test_wrong_calls_and_files_are_refused_with_the_remedy(
    netstats: Netstats,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    (tmp_path / "good.csv").write_text(f"time,host,rtt\n{START_S},192.0.2.1,1\n")
    (tmp_path / "broken.csv").write_text(f"time,host,rtt\n{START_S},192.0.2.2,1\n{START_S},192.0.2.2,x\n")
    assert netstats(*arguments) == code
    assert message in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert ("import-csv", "dest2") not in stored(tmp_path)


def test_a_database_that_somebody_has_is_left_alone(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.csv").write_text(f"time,host,rtt\n{START_S},192.0.2.1,1\n")
    with closing(open_store(tmp_path / "NetStats.duckdb")):
        assert netstats("import", "good.csv") == 4
    assert "Nothing was imported." in capsys.readouterr().err


def test_a_collector_at_work_is_to_be_stopped_first(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class _Endpoint:
        workbook = "NetStats.xlsx"

    class _Client:
        endpoint = _Endpoint()

        def __enter__(self) -> "_Client":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    (tmp_path / "good.csv").write_text(f"time,host,rtt\n{START_S},192.0.2.1,1\n")
    monkeypatch.setattr(wiring, "find_companion", lambda **_: _Client())
    assert netstats("import", "good.csv") == 3
    assert (
        'Stop it (`netstats-xl stop "NetStats.xlsx"`), import, and start it again' in capsys.readouterr().err
    )
    assert len(stored(tmp_path)) == 1


def test_parquet_is_written_by_the_outputs_suffix_or_a_rollup(
    netstats: Netstats, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dates = ("--from", "2026-03-28", "--to", "2026-03-30")
    assert netstats("report", "NetStats.xlsx", *dates, "-o", "raw.parquet") == 0
    assert "Wrote 1 samples: raw.parquet" in capsys.readouterr().out
    assert netstats("report", "NetStats.xlsx", *dates, "--rollup", "hour") == 0
    assert "Wrote 0 rows of rollups by the hour: " in capsys.readouterr().out
    assert (tmp_path / "raw.parquet").read_bytes()[:4] == b"PAR1"
    assert len(list(tmp_path.glob("*.parquet"))) == 2
    assert netstats("report", "NetStats.xlsx", *dates, "--rollup", "hour", "-o", "raw.csv") == 6


def test_a_collector_at_work_writes_the_parquet_file(
    netstats: Netstats, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, object]] = []

    class _Client:
        def __enter__(self) -> "_Client":
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def report(self, **request: object) -> dict[str, str]:
            asked.append(request)
            return {"path": "x.parquet"}

    monkeypatch.setattr(wiring, "find_companion", lambda *_, **__: _Client())
    assert netstats("report", "NetStats.xlsx", "--rollup", "day", "--job", "Loop") == 0
    assert "Wrote rows of rollups by the day: x.parquet" in capsys.readouterr().out
    assert asked[0] | {"format": "parquet", "rollup": "day", "jobs": ["Loop"]} == asked[0]


def test_a_map_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "names").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(importing.ConfigurationError, match="It is a text of lines OLD=NAME"):
        importing.read_mapping([], tmp_path / "names")


def test_nobody_at_work_is_no_hindrance(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody(**_: object) -> None:
        raise CompanionNotRunning("nobody")

    monkeypatch.setattr(wiring, "find_companion", nobody)
    importing._refuse_collector(Path("x"))
