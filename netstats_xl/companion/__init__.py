"""Collecting from start to stop, and everything that a companion at work can be asked for meanwhile."""

from netstats_xl.companion.life import Companion, Ending
from netstats_xl.companion.telling import Snapshot

__all__ = ["Companion", "Ending", "Snapshot"]
