"""The buttons of LibreOffice's sheets do what the ribbon does in Excel, and tell how it went."""

import pytest

from netstats_xl.app.service import WorkbookEvent
from netstats_xl.errors import CompanionNotRunning, NetstatsError, WorkbookBusy, WorkbookError
from netstats_xl.workbooks.libreoffice.pressing import BUTTONS, REFRESH, REPORT, START, STOP, Pressing
from tests.fakes.service import FakeService


class Told:
    """What the user was told."""

    def __init__(self) -> None:
        self.sentences: list[tuple[str, bool]] = []
        self.error: WorkbookError | None = None

    def tell(self, sentence: str, bad: bool) -> None:
        if self.error is not None:
            raise self.error
        self.sentences.append((sentence, bad))


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def service() -> FakeService:
    found = FakeService()
    found.write_destination({"name": "a", "host": "127.0.0.1"})
    return found


@pytest.fixture
def pressing(told: Told, service: FakeService) -> Pressing:
    made = Pressing(told.tell)
    made.serve(service)
    return made


def add_job(service: FakeService, name: str) -> str:
    return service.write_job({"name": name, "destinations": "*", "interval": "10s"}).job.id


def test_every_button_has_a_name_of_its_own() -> None:
    assert {each.name for each in BUTTONS} == {START, STOP, REFRESH, REPORT}
    assert all(each.label and each.explanation.endswith(".") for each in BUTTONS)


def test_stop_and_start_are_about_all_jobs(pressing: Pressing, service: FakeService, told: Told) -> None:
    jobs = {add_job(service, "j"), add_job(service, "k")}
    pressing.press(STOP)
    assert service.stopped == jobs
    pressing.press(START)
    assert service.stopped == set()
    assert told.sentences == [
        ("2 jobs are stopped, until Start is pressed.", False),
        ("2 jobs run again, at their times.", False),
    ]


def test_one_job_is_told_of_as_one(pressing: Pressing, service: FakeService, told: Told) -> None:
    add_job(service, "j")
    pressing.press(STOP)
    pressing.press(START)
    assert [sentence for sentence, _ in told.sentences] == [
        "1 job is stopped, until Start is pressed.",
        "1 job runs again, at its times.",
    ]


def test_without_a_job_the_remedy_is_told(pressing: Pressing, told: Told) -> None:
    pressing.press(START)
    assert told.sentences == [("There is no job that can run: fill in a row on the sheet Jobs.", False)]


def test_refresh_and_save_report(pressing: Pressing, service: FakeService, told: Told) -> None:
    asked: list[str] = []
    service.before = asked.append
    pressing.press(REFRESH)
    assert asked == ["refresh"]
    pressing.press(REPORT)
    (request,) = service.reports
    assert request.start == f"-{service.period}"
    first, second = (sentence for sentence, _ in told.sentences)
    assert first == "The sheets show the latest figures in a moment."
    assert second.startswith("Saved ")


def test_what_does_not_work_is_told(pressing: Pressing, service: FakeService, told: Told) -> None:
    def fail(_: str) -> None:
        raise WorkbookBusy("LibreOffice cannot answer now.")

    service.before = fail
    for button in BUTTONS:
        pressing.press(button.name)
    assert told.sentences == [("LibreOffice cannot answer now.", True)] * len(BUTTONS)


def test_before_the_collector_serves_it_says_so(told: Told) -> None:
    pressing = Pressing(told.tell)
    pressing.press(START)
    pressing.note_change()
    assert told.sentences == [("The collector is starting. Try again in a moment.", True)]


def test_a_workbook_that_cannot_show_the_sentence_is_no_matter(
    pressing: Pressing, service: FakeService, told: Told
) -> None:
    told.error = WorkbookBusy("busy")
    add_job(service, "j")
    pressing.press(STOP)
    assert len(service.stopped) == 1


def test_a_change_of_the_users_is_passed_on_and_one_at_the_end_is_no_matter(
    pressing: Pressing, service: FakeService
) -> None:
    pressing.note_change()
    assert service.news == [WorkbookEvent.CHANGED]

    def ended(_: str) -> None:
        error: NetstatsError = CompanionNotRunning("it ended")
        raise error

    service.before = ended
    pressing.note_change()
    assert service.news == [WorkbookEvent.CHANGED]
