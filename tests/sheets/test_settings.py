"""The Settings table."""

import pytest

from netstats_xl.domain.tables import CellValue, ErrorValue
from netstats_xl.domain.targets import Engine, Settings, StatePolicy, Thresholds
from netstats_xl.sheets import SETTING_ROWS, setting_values, settings_rows
from tests.sheets.tables import problems, read, settings, table


def read_back(**values: CellValue) -> Settings:
    """The settings of a table with these good values."""
    reading = read(settings(**values))
    assert reading.errors == ()
    return reading.settings


def test_missing_and_blank_rows_have_their_defaults() -> None:
    blank: dict[str, CellValue] = {row.key: None for row in SETTING_ROWS}
    assert read_back() == read_back(**blank) == Settings()


def test_the_time_zone_is_the_computers_where_none_is_named() -> None:
    assert read(settings(), default_zone="Asia/Tokyo").settings.zone == "Asia/Tokyo"
    assert read(settings(zone="europe/berlin"), default_zone="Asia/Tokyo").settings.zone == "Europe/Berlin"


def test_each_row_sets_its_setting() -> None:
    assert read_back(
        database=r"data\net stats.duckdb",
        report_every="5m",
        report_period="7d",
        details_limit=0,
        refresh_every=5,
        when_closed="Stop",
        retention_days="90 days",
        minutes_retention_days=365,
        rollups_retention_days="3650 days",
        rtt_warning_ms="50 ms",
        rtt_critical_ms=75.5,
        loss_warning_percent="1%",
        loss_critical_percent=2,
        rounds=2,
        out_of=3,
        packets_per_second="500",
        engine="Raw",
    ) == Settings(
        database=r"data\net stats.duckdb",
        report_every_s=300,
        report_period_h=168,
        details_limit=0,
        refresh_every_s=5,
        when_closed="stop",
        retention_days=90,
        minutes_retention_days=365,
        rollups_retention_days=3_650,
        thresholds=Thresholds(
            rtt_warning_ms=50, rtt_critical_ms=75.5, loss_warning_percent=1, loss_critical_percent=2
        ),
        state_policy=StatePolicy(rounds=2, out_of=3),
        packets_per_second=500,
        engine=Engine.RAW,
    )


def test_rows_are_known_by_the_names_that_the_sheet_shows() -> None:
    shown = table(
        "Settings",
        ("Value", " SETTING "),
        {" SETTING ": "keep  results for (DAYS)", "Value": 7},
        {" SETTING ": None},
    )
    reading = read(shown)
    assert reading.errors == ()
    assert reading.settings.retention_days == 7


@pytest.mark.parametrize("name", ["Keep raw results (days)", "Keep results for (days)", "retention_days"])
def test_how_long_raw_results_are_kept_is_known_by_the_name_of_before_too(name: str) -> None:
    """A workbook of an earlier version has 400 there, and none of the settings that came since."""
    reading = read(table("Settings", ("Setting", "Value"), {"Setting": name, "Value": 400}))
    assert reading.errors == ()
    assert reading.settings == Settings(retention_days=400)


def test_a_row_by_each_of_its_names_is_one_too_many() -> None:
    reading = read(
        table(
            "Settings",
            ("Setting", "Value"),
            {"Setting": "Keep raw results (days)", "Value": 7},
            {"Setting": "Keep results for (days)", "Value": 9},
        )
    )
    assert reading.settings.retention_days == 7
    assert "has a row above already" in problems(reading)["Settings!A6"]


def test_of_rollups_that_contradict_each_other_the_finer_ones_setting_holds() -> None:
    reading = read(settings(minutes_retention_days=90, rollups_retention_days=89))
    assert reading.settings == Settings(minutes_retention_days=90)
    assert problems(reading) == {
        "Settings!B6": "these rollups would go before those by the minute, which are kept for 90 days: write 90 or "
        "more, leave it blank to keep them for ever, or write 89 or less as Keep minute rollups (days)"
    }


@pytest.mark.parametrize("written", [None, "", "for ever", "Forever", "none"])
def test_rollups_are_kept_for_ever_where_nothing_else_is_said(written: CellValue) -> None:
    read_settings = read_back(minutes_retention_days=written, rollups_retention_days=written)
    assert read_settings == Settings()
    assert setting_values(read_settings)["minutes_retention_days"] is None


@pytest.mark.parametrize(
    ("written", "hours"), [("24h", 24), ("36 hours", 36), ("2 days", 48), ("1w", 168), (12, 12), ("12", 12)]
)
def test_a_report_period_is_understood_as_it_is_typed(written: CellValue, hours: int) -> None:
    assert read_back(report_period=written).report_period_h == hours


@pytest.mark.parametrize(
    ("written", "engine"),
    [
        ("automatic", Engine.AUTOMATIC),
        ("Auto", Engine.AUTOMATIC),
        ("raw sockets", Engine.RAW),
        ("DATAGRAM", Engine.DATAGRAM),
        ("Windows", Engine.WINDOWS),
    ],
)
def test_an_engine_is_understood_as_it_is_typed(written: str, engine: Engine) -> None:
    assert read_back(engine=written).engine is engine


def test_a_threshold_may_be_switched_off() -> None:
    thresholds = read_back(
        rtt_warning_ms="none", rtt_critical_ms="Off", loss_warning_percent=False
    ).thresholds
    assert thresholds == Thresholds(loss_critical_percent=10)


def test_a_threshold_that_contradicts_a_default_wins() -> None:
    assert read_back(rtt_critical_ms=50).thresholds.rtt_warning_ms is None
    assert read_back(rtt_warning_ms=500).thresholds.rtt_critical_ms is None


def test_rounds_alone_must_all_agree() -> None:
    assert read_back(rounds=1).state_policy == StatePolicy(rounds=1, out_of=1)
    assert read_back(rounds=5).state_policy == StatePolicy(rounds=5, out_of=5)
    assert read_back(out_of=5).state_policy == StatePolicy(rounds=3, out_of=5)


@pytest.mark.parametrize(
    ("values", "cell", "told"),
    [
        ({"report_every": "5s"}, "B5", "10s or more"),
        ({"report_every": "now"}, "B5", "10s"),
        ({"report_every": "2d"}, "B5", "1 day"),
        ({"report_period": "0h"}, "B5", "from 1h to 366d"),
        ({"report_period": "500d"}, "B5", "from 1h to 366d"),
        ({"report_period": "long"}, "B5", "24h, 7d or 4w"),
        ({"details_limit": 201}, "B5", "from 0 to 200"),
        ({"refresh_every": "1s"}, "B5", "2s or more"),
        ({"when_closed": "maybe"}, "B5", "neither collect nor stop"),
        ({"retention_days": 0}, "B5", "from 1"),
        (
            {"retention_days": 30, "minutes_retention_days": 29},
            "B6",
            "which are kept for 30 days: write 30 or more, leave it blank to keep them for ever, or lower Keep raw "
            "results (days)",
        ),
        ({"minutes_retention_days": 29}, "B5", "which are kept for 30 days: write 30 or more"),
        (
            {"rollups_retention_days": 400},
            "B5",
            "which are kept for ever: leave it blank, too, or write 400 or less as Keep minute rollups (days)",
        ),
        ({"rollups_retention_days": "a while"}, "B5", "number"),
        ({"minutes_retention_days": 36_501}, "B5", "from 1"),
        ({"zone": "Nowhere"}, "B5", "no time zone"),
        ({"rtt_warning_ms": -1}, "B5", "from 0.001"),
        ({"rtt_warning_ms": 20, "rtt_critical_ms": 10}, "B5", "above the critical one, 10"),
        ({"loss_critical_percent": ErrorValue("#DIV/0!")}, "B5", "shows an error"),
        ({"rounds": 3, "out_of": 2}, "B6", "write 2 to 2 rounds"),
        ({"rounds": 1, "out_of": 3}, "B6", "write 2 to 3 rounds"),
        ({"out_of": 6}, "B5", "write 4 to 6 rounds"),
        ({"database": "x" * 1001}, "B5", "at most 1,000"),
        ({"packets_per_second": 9}, "B5", "from 10 to 100,000"),
        ({"packets_per_second": 100_001}, "B5", "from 10 to 100,000"),
        (
            {"engine": "datagramm"},
            "B5",
            "(did you mean 'datagram'?): write one of automatic, raw, datagram, windows",
        ),
        ({"engine": 1}, "B5", "no such engine: write one of"),
        ({"report_evry": 5}, "A5", "did you mean 'Report every'?"),
        ({"zone": "UTC", "Time zone": "UTC"}, "A6", "has a row above already"),
    ],
)
def test_a_bad_setting_is_told_and_leaves_its_default(
    values: dict[str, CellValue], cell: str, told: str
) -> None:
    reading = read(settings(**values))
    found = problems(reading)
    assert list(found) == [f"Settings!{cell}"]
    assert told in found[f"Settings!{cell}"]
    assert reading.settings == Settings()


def test_a_bad_setting_leaves_the_others_alone() -> None:
    reading = read(settings(report_every="x", retention_days=5))
    assert reading.settings == Settings(retention_days=5)


def test_a_table_without_its_columns_is_told_and_all_defaults_hold() -> None:
    reading = read(
        table("Settings", ("Setting", "Wert"), {"Setting": "zone", "Wert": "UTC"}), default_zone="UTC"
    )
    assert "has no column 'Value'" in problems(reading)["Settings!A4"]
    assert reading.settings == Settings()


def test_there_is_a_row_with_a_description_for_every_setting() -> None:
    rows = settings_rows(Settings())
    assert [row[0] for row in rows] == [row.name for row in SETTING_ROWS]
    assert all(isinstance(row[2], str) and row[2].endswith(".") for row in rows)
    assert set(setting_values(Settings())) == {row.key for row in SETTING_ROWS}
