"""What the API answers about the way to a host."""

from typing import Self

from pydantic import Field

from netstats_xl.app.path_tests import PathMtu, PayloadSweep, SizeFigures
from netstats_xl.control.answers import Answer, Part


class MtuAnswer(Answer):
    """The path MTU to a host."""

    host: str
    address: str = Field(description="Empty where the host has none.")
    mtu: int | None = Field(
        description="The largest IP packet that passes, bytes; null where it was not found."
    )
    is_least: bool = Field(description="Whether the largest packet that was tried passed.")
    refused_by: str = Field(description="Who refuses larger ones, and why; empty where they are lost.")
    problem: str = Field(description="Why it was not found; empty where it was.")

    @classmethod
    def of(cls, found: PathMtu) -> Self:
        """The answer that tells it."""
        return cls(
            message=str(found),
            host=found.host,
            address=found.address,
            mtu=found.mtu,
            is_least=found.is_least,
            refused_by=found.refused_by,
            problem=found.problem,
        )


class SizePart(Part):
    """What was found with one payload size; null where there was no reply."""

    payload_bytes: int
    sent: int
    received: int
    loss_percent: float | None
    rtt_min_ms: float | None
    rtt_mean_ms: float | None
    rtt_max_ms: float | None
    reason: str = Field(description="Why there was no reply; empty where there was one.")

    @classmethod
    def of(cls, found: SizeFigures) -> Self:
        """The part that tells it."""
        return cls(**{key: getattr(found, key) for key in cls.model_fields})


class SweepAnswer(Answer):
    """Loss and RTT by payload size."""

    host: str
    address: str = Field(description="Empty where the host has none.")
    sizes: tuple[SizePart, ...]
    slope_ms_per_1000_bytes: float | None = Field(
        description="By least squares over the least RTTs; null below two sizes that were answered."
    )

    @classmethod
    def of(cls, found: PayloadSweep) -> Self:
        """The answer that tells it."""
        return cls(
            message=str(found),
            host=found.host,
            address=found.address,
            sizes=tuple(map(SizePart.of, found.sizes)),
            slope_ms_per_1000_bytes=found.slope_ms_per_1000_bytes,
        )
