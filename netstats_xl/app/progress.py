"""How a job goes while it is monitored."""

from dataclasses import dataclass
from datetime import datetime
from typing import assert_never

from netstats_xl.domain.results import JobRun, JobTotals, RunCompleted, RunFailed, RunMissed
from netstats_xl.domain.states import JobStatus, job_status_state
from netstats_xl.domain.targets import Job
from netstats_xl.domain.windows import Schedule, next_tick


@dataclass(slots=True)
class Progress:
    """What is known of a job."""

    schedule: Schedule
    handled_at: datetime
    """Ticks up to this instant are dealt with."""
    totals: JobTotals
    running: bool = False
    """Whether the round of a tick is under way."""
    run_once: bool = False
    """Whether a round off the grid is under way; it costs no tick."""
    last_result: str = ""

    def take(self, run: JobRun) -> None:
        """Count a run."""
        done = missed = 0
        error = ""
        match run.outcome:
            case RunCompleted(up=up, down=down):
                self.last_result = f"{up} up, {down} down"
                done = 1
            case RunMissed(ticks=missed):
                error = self.totals.last_error
            case RunFailed(error=error):
                self.last_result = "failed"
            case _:
                assert_never(run.outcome)
        self.totals = JobTotals(
            rounds_done=self.totals.rounds_done + done,
            ticks_missed=self.totals.ticks_missed + missed,
            last_run_at=self.totals.last_run_at if missed else run.tick_at,
            last_error=error,
        )

    def status(self, job: Job, now: datetime, *, running: bool, stopped: bool) -> JobStatus:
        """What the status columns show.

        `running`: whether ticks are being dealt with at all; `stopped`: whether the user stopped this job.
        """
        totals, ticking = self.totals, running and not stopped
        # That it was stopped matters more than how its last round went.
        last_error = "" if stopped else totals.last_error
        return JobStatus(
            job_id=job.id,
            state=job_status_state(job, now, running=ticking, last_error=last_error),
            last_run_at=totals.last_run_at,
            next_run_at=next_tick(job.schedule, now) if ticking and job.enabled else None,
            rounds_done=totals.rounds_done,
            ticks_missed=totals.ticks_missed,
            last_error=totals.last_error,
            last_result=self.last_result,
        )
