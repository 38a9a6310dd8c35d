"""The system's clock, and what runs the jobs on time: APScheduler on an event loop in a thread of its own."""

from netstats_xl.scheduling.clock import SystemClock
from netstats_xl.scheduling.scheduler import Scheduler, TickTrigger

__all__ = ["Scheduler", "SystemClock", "TickTrigger"]
