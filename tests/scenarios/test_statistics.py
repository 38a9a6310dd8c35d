"""Each scenario's figures, from the domain's functions and from every store."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from pydantic import ValidationError

from netstats_xl.domain.results import Batch, Period, Sample, rtts_of
from netstats_xl.domain.rollups import Summary, jitter_rfc3550, summarise
from netstats_xl.ports import Dimension, ResultStore
from netstats_xl.store.duckdb_store import DuckDbStore
from tests.fakes.memory_store import MemoryStore
from tests.scenarios.statistics.scenario import FILES, Expected, load

Engine = Callable[[Sequence[Sample]], tuple[Summary, float | None]]


def by_the_domain(samples: Sequence[Sample]) -> tuple[Summary, float | None]:
    return summarise(samples), jitter_rfc3550(rtts_of(sample.outcome) for sample in samples)


def by(store: ResultStore) -> Engine:
    def engine(samples: Sequence[Sample]) -> tuple[Summary, float | None]:
        # In two batches, the later one first: the order of saving means nothing.
        half = len(samples) // 2
        store.save(Batch(batch_id="late", samples=samples[half:]))
        store.save(Batch(batch_id="early", samples=samples[:half]))
        period = Period(start=samples[0].at, end=samples[-1].at.replace(year=2027))
        [found] = store.summaries(period, by=tuple(Dimension))
        jitter = store.jitter_rfc3550(period).get(("job1", "dest1"))
        store.close()
        return found.summary, jitter

    return engine


ENGINES: dict[str, Callable[[], Engine]] = {
    "domain": lambda: by_the_domain,
    "memory": lambda: by(MemoryStore()),
    "duckdb": lambda: by(DuckDbStore.open(None)),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_scenario_has_its_figures(path: Path, engine: str) -> None:
    scenario = load(path)
    summary, jitter_rfc3550_ms = ENGINES[engine]()(scenario.samples())
    for name in Expected.model_fields:
        found = jitter_rfc3550_ms if name == "jitter_rfc3550_ms" else getattr(summary, name)
        expected = getattr(scenario.expected, name)
        assert found == (None if expected == "blank" else pytest.approx(expected, rel=1e-6, abs=1e-6)), name


def test_there_are_scenarios() -> None:
    assert len(FILES) >= 8


GOOD = FILES[0].read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("packets =", "pakets ="),
        GOOD.replace("mos =", "moss ="),
        "\n".join(line for line in GOOD.splitlines() if not line.startswith("p99_ms")),
        GOOD + "extra = 1\n",
        GOOD.replace("repeat = 30", "repeat = 0"),
        GOOD.replace('failed = "timeout"', 'failed = "tired"'),
        GOOD.replace('failed = "timeout"', 'failed = "timeout", rtts_ms = [1.0]'),
    ],
)
def test_a_scenario_with_a_wrong_key_or_value_is_refused(tmp_path: Path, text: str) -> None:
    assert text != GOOD
    path = tmp_path / "wrong.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValidationError):
        load(path)


def test_a_scenario_with_a_round_of_another_length_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(GOOD.replace('failed = "timeout"', "rtts_ms = [1.0]"), encoding="utf-8")
    with pytest.raises(ValueError, match="1 RTTs for 4 packets"):
        load(path).samples()
