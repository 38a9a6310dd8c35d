"""Definitions as YAML."""

import re
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from netstats_xl.domain.targets import Definitions, Destination, Settings, Thresholds
from netstats_xl.errors import ConfigurationError, SheetInvalid
from netstats_xl.sheets import DESTINATIONS, INPUT_TABLES, JOBS, Reading, read_definitions
from netstats_xl.workbooks.template import demo_definitions
from netstats_xl.workbooks.yaml_file import read_yaml, render_yaml, write_yaml
from tests.sheets.test_round_trip import a_destination, a_job


def written(folder: Path, text: str) -> Path:
    path = folder / "config.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def read(path: Path) -> Reading:
    return read_definitions(read_yaml(path), default_zone="UTC")


GOOD = """
settings:
  report_every: 5m
  rtt_warning_ms: none
  loss_warning_percent: off
destinations:
  - name: web
    host: 192.0.2.1
    tags: [voip, core]
    enabled: no
    rtt_warning_ms: 12.5
    id: 000000000012
  - {name: "010", host: "::1"}
jobs:
  - name: ping
    destinations: [web, "tag:core"]
    interval: 10
    start: 2026-11-23 08:00:00
    end: 2026-12-31T18:00:00+01:00
    windows:
      - Mon-Fri 08:00-18:00
      - Sat 09:00-12:00
    metrics: [mean, p95, route]
"""


def test_a_file_written_by_hand_is_understood(tmp_path: Path) -> None:
    reading = read(written(tmp_path, GOOD))
    assert reading.errors == ()
    assert reading.settings.report_every_s == 300
    assert reading.settings.thresholds == Thresholds(rtt_critical_ms=250, loss_critical_percent=10)
    web, other = reading.destinations
    assert (web.name, web.tags, web.enabled, web.thresholds.rtt_warning_ms) == (
        "web",
        ("voip", "core"),
        False,
        12.5,
    )
    assert (other.name, other.host) == ("010", "::1")
    (job,) = reading.jobs
    assert [selector.value for selector in job.selectors] == ["web", "core"]
    assert len(job.schedule.windows) == 2
    assert job.schedule.start_at is not None
    assert job.schedule.end_at is not None
    assert job.schedule.start_at.isoformat() == "2026-11-23T08:00:00+00:00"
    assert job.schedule.end_at.isoformat() == "2026-12-31T17:00:00+00:00"
    assert [metric.value for metric in job.metrics] == ["mean", "p95"]
    assert job.trace_routes
    assert "metrics: mean, p95, route" in render_yaml(Definitions(jobs=(job,)), reading.settings)


def test_an_empty_file_has_empty_tables(tmp_path: Path) -> None:
    for text in ("", "# nothing\n", "destinations:\njobs: []\nsettings:\n"):
        reading = read(written(tmp_path, text))
        assert (reading.errors, reading.destinations, reading.jobs, reading.unreadable) == (
            (),
            (),
            (),
            frozenset(),
        )


def test_the_demo_is_written_and_read_back(tmp_path: Path) -> None:
    path = tmp_path / "demo.yaml"
    wanted = demo_definitions("Europe/Berlin")
    kept = Settings(zone="Europe/Berlin", retention_days=9, minutes_retention_days=90)
    write_yaml(path, wanted, kept)
    reading = read(path)
    assert reading.errors == ()
    assert Definitions(destinations=reading.destinations, jobs=reading.jobs) == wanted
    assert reading.settings == kept
    assert path.read_text(encoding="utf-8").startswith("# Destinations, jobs and settings")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    st.lists(a_destination, max_size=3, unique_by=lambda each: each.name.casefold()),
    st.lists(a_job(), max_size=2, unique_by=lambda each: each.name.casefold()),
)
def test_what_was_written_reads_back_as_itself(
    tmp_path: Path, destinations: list[Destination], jobs: list[object]
) -> None:
    wanted = Definitions.model_validate({"destinations": destinations, "jobs": jobs})
    path = tmp_path / "config.yaml"
    write_yaml(path, wanted, Settings())
    reading = read(path)
    assert reading.errors == ()
    assert Definitions(destinations=reading.destinations, jobs=reading.jobs) == wanted


def test_bad_values_are_named_by_their_path(tmp_path: Path) -> None:
    reading = read(
        written(
            tmp_path,
            """
            settings: {report_every: 1s}
            destinations:
              - {name: a, host: 10.0.0.0/28}
              - {host: h}
            jobs:
              - {name: j, destinations: zzz, interval: 10s}
            """,
        )
    )
    assert [(error.sheet, error.cell, error.value) for error in reading.errors] == [
        ("config.yaml", "destinations[0].host", "10.0.0.0/28"),
        ("config.yaml", "destinations[1].name", ""),
        ("config.yaml", "jobs[0].destinations", "zzz"),
        ("config.yaml", "settings.report_every", "1s"),
    ]


def test_every_place_that_is_not_built_right_is_told_at_once(tmp_path: Path) -> None:
    path = written(
        tmp_path,
        """
        destination: []
        settings: {report_evry: 1m, zone: [1, {}]}
        destinations:
          - web
          - {name: a, hosst: b, tags: {x: y}}
        jobs: ping
        """,
    )
    with pytest.raises(SheetInvalid, match="is not built as it should be") as caught:
        read_yaml(path)
    assert [error.cell for error in caught.value.cell_errors] == [
        "destination",
        "destinations[0]",
        "destinations[1].hosst",
        "destinations[1].tags",
        "jobs",
        "settings.report_evry",
        "settings.zone",
    ]


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("[1, 2]", "file"),
        ("just text", "file"),
        ("settings: 5", "settings"),
        ("destinations: {a: b}", "destinations"),
    ],
)
def test_a_file_of_another_shape_is_told(tmp_path: Path, text: str, cell: str) -> None:
    with pytest.raises(SheetInvalid) as caught:
        read_yaml(written(tmp_path, text))
    assert [error.cell for error in caught.value.cell_errors] == [cell]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            "jobs:\n  - name: a\n    name: b\n",
            "line 3, column 5 is no proper YAML: the key 'name' appears twice",
        ),
        ("jobs: [", "line 1"),
        ("a: \tb: c", "line 1"),
        ("? [a]\n: b", "is no proper YAML"),
        ("x: 2026-02-30", "is no proper YAML"),
        ("[" * 50 + "]" * 50, "nested more than 20 deep"),
        ("a: !!python/object/apply:os.system [echo]", "is no proper YAML"),
        ("a: !unknown x", "is no proper YAML"),
        ("a: \u0007", "is no proper YAML"),
        ("a: *nowhere", "line 1"),
    ],
)
def test_what_is_no_yaml_says_where(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape("config.yaml")) as caught:
        read_yaml(written(tmp_path, text))
    assert told in caught.value.message


def test_a_number_of_thousands_of_digits_and_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no proper YAML"):
        read_yaml(written(tmp_path, "a: " + "9" * 5_000))
    (tmp_path / "config.yaml").write_bytes(b"a: \xff\xfe\xfa")
    with pytest.raises(ConfigurationError, match="is no proper YAML"):
        read_yaml(tmp_path / "config.yaml")


def test_files_that_cannot_be_read_or_written_are_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationError, match="There is no file"):
        read_yaml(tmp_path / "none.yaml")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_yaml(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be written"):
        write_yaml(tmp_path / "nowhere" / "config.yaml", Definitions(), Settings())
    monkeypatch.setattr("netstats_xl.workbooks.yaml_file._MOST_BYTES", 3)
    with pytest.raises(ConfigurationError, match="divide it"):
        read_yaml(written(tmp_path, "jobs: []"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.text(alphabet="abjos:-[]{}, \n\"'*&!?|>#%0123456789\tdestinations", max_size=60))
def test_no_text_whatever_raises_anything_but_a_configuration_error(tmp_path: Path, text: str) -> None:
    try:
        tables = read_yaml(written(tmp_path, f"jobs:\n{text}"))
    except ConfigurationError:
        return
    assert set(tables) == set(INPUT_TABLES)
    read_definitions(tables, default_zone="UTC")


def test_dates_stay_dates(tmp_path: Path) -> None:
    tables = read_yaml(written(tmp_path, "jobs:\n  - {start: 2026-11-23 08:00:00}"))
    assert tables[JOBS].rows[0].cells["start"] == datetime(2026, 11, 23, 8)  # noqa: DTZ001 - as a cell holds it
    assert tables[DESTINATIONS].columns == {}


def test_services_go_to_yaml_and_back(tmp_path: Path) -> None:
    hosts = ("tcp://[::1]:443", "dns://127.0.0.1:5353?name=a.example&type=AAAA", "https://a.example/x?y=z")
    rows = "".join(f"  - {{name: '{number}', host: '{host}'}}\n" for number, host in enumerate(hosts))
    reading = read(written(tmp_path, f"destinations:\n{rows}jobs: []\n"))
    assert reading.errors == ()
    assert tuple(each.host for each in reading.destinations) == hosts
    definitions = Definitions(destinations=reading.destinations)
    write_yaml(tmp_path / "again.yaml", definitions, reading.settings)
    assert tuple(each.host for each in read(tmp_path / "again.yaml").destinations) == hosts
