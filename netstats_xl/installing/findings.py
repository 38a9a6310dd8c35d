"""What the installer found that the user should know: what will not work, why, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much it matters."""

    BLOCKED = "will not work"
    LIMITED = "may not work"
    NOTE = "note"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing, in three sentences."""

    level: Level
    what: str
    """What does not work, or what is worth knowing."""
    why: str
    """The cause, with the registry value or path that tells it."""
    remedy: str
    """What the user can do, or whom to ask for what."""

    def __str__(self) -> str:
        return f"{self.what}\n  Why: {self.why}\n  What to do: {self.remedy}"
