from datetime import UTC, datetime

from netstats_xl.domain.incidents import Incident, IncidentKind, tell

AT = datetime(2026, 11, 26, 13, 30, tzinfo=UTC)
CUT = Incident(
    kind=IncidentKind.LOG_CUT,
    at=AT,
    database="/data/results.duckdb",
    reason="Corrupt WAL file",
    kept=("/data/results damaged 2026-11-26 1430.duckdb", "/data/results damaged 2026-11-26 1430.duckdb.wal"),
    saved_until=datetime(2026, 11, 26, 13, 2, 10, tzinfo=UTC),
    lost_until=datetime(2026, 11, 26, 13, 2, 31, tzinfo=UTC),
    lost_commits=21,
    lost_bytes=45_120,
)


def test_a_log_that_was_cut_is_told_with_the_times_of_what_is_gone() -> None:
    assert tell(CUT, "Europe/Berlin") == (
        "The write-ahead log of the database was found damaged on 2026-11-26 at 14:30 and was cut off there (45,120 "
        "bytes, 21 commits). Results saved after 2026-11-26 14:02:10 until about 2026-11-26 14:02:31 are gone. What "
        "was saved before is safe, and collecting goes on. As it was before, it is kept in results damaged 2026-11-26 "
        "1430.duckdb and results damaged 2026-11-26 1430.duckdb.wal beside the database; once that is deleted or moved "
        "elsewhere, this message ends with the next start."
    )


def test_what_is_not_known_is_not_said() -> None:
    text = tell(CUT.model_copy(update={"lost_commits": None, "saved_until": None, "lost_until": None}), "UTC")
    assert "(45,120 bytes). Results saved since it was begun are gone." in text
    assert "1 commit)" in tell(CUT.model_copy(update={"lost_commits": 1}), "UTC")


def test_results_that_went_without_a_word_are_told_until_repair_was_run() -> None:
    text = tell(CUT.model_copy(update={"kind": IncidentKind.LOG_LOST, "kept": ()}), "UTC")
    assert text.startswith("Results that had been saved were found missing on 2026-11-26 at 13:30")
    assert text.endswith("`netstats-xl repair` ends this message.")


def test_a_database_that_was_set_aside_is_told_with_its_place_and_what_to_do() -> None:
    incident = CUT.model_copy(
        update={
            "kind": IncidentKind.SET_ASIDE,
            "backup": "/data/results backups/results 2026-11-26 0300.duckdb",
        }
    )
    text = tell(incident, "UTC")
    assert "It was set aside whole, as /data/results damaged 2026-11-26 1430.duckdb" in text
    assert "newest backup (results 2026-11-26 0300.duckdb)" in text
    assert "give the old file its name back" in text
    assert "There is no backup of it." in tell(incident.model_copy(update={"backup": ""}), "UTC")


def test_each_incident_has_a_name_of_its_own() -> None:
    assert CUT.name != CUT.model_copy(update={"kind": IncidentKind.SET_ASIDE}).name
