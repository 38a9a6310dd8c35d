"""Reads the scenario files, strictly: no key too many or too few, and every round of the stated length."""

import json
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from netstats_xl.domain.results import (
    NameNotResolved,
    Outcome,
    Replied,
    Sample,
    SendFailed,
    Timeout,
    Unreachable,
)

START = datetime(2026, 1, 1, tzinfo=UTC)
Figure = float | Literal["blank"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Rounds(_Strict):
    """One round, or several alike: its RTTs, or why it has none."""

    rtts_ms: tuple[float | Literal["lost"], ...] | None = None
    failed: Literal["timeout", "unreachable", "not resolved", "not sent"] | None = None
    repeat: Annotated[int, Field(ge=1)] = 1

    @model_validator(mode="after")
    def _one_of_both(self) -> "Rounds":
        if (self.rtts_ms is None) == (self.failed is None):
            raise ValueError("a round has either rtts_ms or failed")
        return self

    def outcome(self, packets: int) -> Outcome:
        """What the round found."""
        if self.rtts_ms is not None:
            if len(self.rtts_ms) != packets:
                raise ValueError(f"{len(self.rtts_ms)} RTTs for {packets} packets")
            return Replied(
                address="192.0.2.1", rtts_ms=tuple(None if rtt == "lost" else rtt for rtt in self.rtts_ms)
            )
        match self.failed:
            case "timeout":
                return Timeout(address="192.0.2.1", sent=packets)
            case "unreachable":
                return Unreachable(
                    address="192.0.2.1", sent=packets, reporter="192.0.2.254", reason="no route"
                )
            case "not resolved":
                return NameNotResolved(reason="no such host")
            case _:
                return SendFailed(address="192.0.2.1", reason="no route")


class Expected(_Strict):
    """Every figure; `blank` where there is none."""

    rounds_up: int
    rounds_down: int
    sent: int
    received: int
    availability_percent: Figure
    loss_percent: Figure
    rtt_min_ms: Figure
    rtt_mean_ms: Figure
    rtt_max_ms: Figure
    stdev_ms: Figure
    jitter_ms: Figure
    jitter_rfc3550_ms: Figure
    p50_ms: Figure
    p95_ms: Figure
    p99_ms: Figure
    mos: Figure


class Scenario(_Strict):
    """Rounds in, statistics out."""

    about: str
    interval_s: float
    packets: int
    """Sent in each round."""
    rounds: tuple[Rounds, ...]
    expected: Expected

    def samples(self) -> Sequence[Sample]:
        """The rounds as samples, one an interval."""
        outcomes = [rounds.outcome(self.packets) for rounds in self.rounds for _ in range(rounds.repeat)]
        return [
            Sample(
                at=START + timedelta(seconds=self.interval_s) * number,
                job_id="job1",
                destination_id="dest1",
                run_id=f"run{number}",
                interval_s=self.interval_s,
                outcome=outcome,
            )
            for number, outcome in enumerate(outcomes)
        ]


def load(path: Path) -> Scenario:
    """The scenario of a file.

    Raises:
        pydantic.ValidationError: a key is unknown, missing, or of another type.
    """
    # By way of JSON: pydantic's strict mode takes no list for a tuple, save a JSON array.
    return Scenario.model_validate_json(json.dumps(tomllib.loads(path.read_text(encoding="utf-8"))))


FILES = sorted(Path(__file__).parent.glob("*.toml"))
