"""Routes of jobs."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from netstats_xl.app.service import JobEntry, Service
from netstats_xl.control import sentences
from netstats_xl.control.answering import TellingRoute, respond
from netstats_xl.control.answers import Answer, FiguresAnswer
from netstats_xl.control.requests import Chosen, JobChange, NewJob
from netstats_xl.control.row_answers import JobAnswer, JobPart, JobsAnswer
from netstats_xl.control.selecting import chosen_jobs

PeriodQuery = Annotated[str, Query(min_length=1, max_length=100, description="24h, 7d, ...")]


def job_routes(service: Service) -> APIRouter:
    """The routes of jobs."""
    router = APIRouter(prefix="/v1/jobs", tags=["jobs"], route_class=TellingRoute)

    @router.get("", response_model=JobsAnswer)
    def list_jobs(request: Request) -> Response:
        """The jobs in force, in the user's order."""
        entries = service.jobs()
        message = f"{sentences.counted(len(entries), 'job')} found."
        return respond(request, JobsAnswer(message=message, jobs=tuple(map(JobPart.of, entries))))

    @router.post("", response_model=JobAnswer, status_code=201)
    def create_job(request: Request, row: NewJob) -> Response:
        """Write a row into the Jobs table."""
        entry = service.write_job(row.cells())
        return respond(request, _answer(entry, f"{entry.job.name} was added."), 201)

    @router.post("/start", response_model=Answer)
    def start_jobs(request: Request, chosen: Chosen) -> Response:
        """Let jobs that were stopped run again, at their times."""
        jobs = chosen_jobs(service, chosen)
        service.start_jobs(list(jobs))
        return respond(request, Answer(message=f"Started {sentences.listed(list(jobs.values()))}."))

    @router.post("/stop", response_model=Answer)
    def stop_jobs(request: Request, chosen: Chosen) -> Response:
        """Make no more rounds of these jobs, until they are started again."""
        jobs = chosen_jobs(service, chosen)
        service.stop_jobs(list(jobs))
        return respond(request, Answer(message=f"Stopped {sentences.listed(list(jobs.values()))}."))

    @router.post("/run", response_model=Answer)
    def run_jobs(request: Request, chosen: Chosen) -> Response:
        """Make one round of each of these jobs now, whatever their times."""
        jobs = chosen_jobs(service, chosen)
        service.run_jobs(list(jobs))
        return respond(
            request, Answer(message=f"A round is being made of {sentences.listed(list(jobs.values()))}.")
        )

    @router.get("/{job_id}", response_model=JobAnswer)
    def get_job(request: Request, job_id: str) -> Response:
        """A job and how it goes."""
        entry = service.job(job_id)
        return respond(request, _answer(entry, sentences.job_is(entry)))

    @router.patch("/{job_id}", response_model=JobAnswer)
    def change_job(request: Request, job_id: str, row: JobChange) -> Response:
        """Write cells of its row."""
        entry = service.write_job(row.cells(), job_id)
        return respond(request, _answer(entry, f"{entry.job.name} was changed."))

    @router.delete("/{job_id}", response_model=Answer)
    def delete_job(request: Request, job_id: str) -> Response:
        """Remove its row; its results stay."""
        name = service.job(job_id).job.name
        service.delete_job(job_id)
        return respond(request, Answer(message=f"{name} was removed; its results stay."))

    @router.get("/{job_id}/metrics", response_model=FiguresAnswer)
    def get_job_metrics(request: Request, job_id: str, period: PeriodQuery = "24h") -> Response:
        """A job's statistics, in all and by destination."""
        figures = service.job_figures(job_id, period)
        return respond(request, FiguresAnswer.of(figures, sentences.figures(figures, period)))

    return router


def _answer(entry: JobEntry, message: str) -> JobAnswer:
    return JobAnswer(message=message, job=JobPart.of(entry))
