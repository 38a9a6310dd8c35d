"""What `netstats-xl repair` works with; the database is opened by nobody else meanwhile."""

from netstats_xl.store.repairing import (
    Outcome,
    Repaired,
    repair_in_place,
    salvage_aside,
    set_aside_before,
    settle,
)

__all__ = ["Outcome", "Repaired", "repair_in_place", "salvage_aside", "set_aside_before", "settle"]
