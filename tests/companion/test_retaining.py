"""The companion deletes what is kept no longer, and tells of it before."""

from datetime import timedelta

from netstats_xl.domain.retention import Cutoffs
from netstats_xl.errors import StoreFull
from tests.companion.stage import Stage, settings_table

DAY_S = 86_400


def measured(stage: Stage, *, days: float) -> None:
    """Have a companion measure a round, and let so many days pass."""
    companion = stage.start()
    stage.tick()
    companion.stop()
    assert stage.store.info().samples == 2
    stage.clock.advance(seconds=days * DAY_S)


def test_results_that_grew_old_while_nothing_ran_are_deleted_soon_after_the_start() -> None:
    stage = Stage()
    measured(stage, days=32)
    companion = stage.start()
    assert stage.store.info().samples == 2
    assert "retention" in stage.scheduler.wanted
    stage.scheduler.do("retention")
    assert stage.store.info().samples == 0
    assert companion.service.health().warnings == ()
    companion.stop()


def test_a_large_deletion_is_told_of_for_a_day_and_done_at_night() -> None:
    stage = Stage()
    measured(stage, days=400)
    companion = stage.start()
    stage.scheduler.do("retention")
    [warning] = companion.service.health().warnings
    night = (stage.clock.now() + timedelta(days=1)).date() + timedelta(days=1)
    assert warning == (
        f"On {night} at about 03:00 2 results older than {night - timedelta(days=30)} will be deleted, because "
        "Settings says Keep raw results (days): 30. To keep them, write more days there before."
    )
    companion.stop()
    for _ in range(47):
        stage.clock.advance(seconds=3_600)
        companion = stage.start()
        stage.scheduler.do("retention")
        told, kept = companion.service.health().warnings, stage.store.info().samples
        assert (told, kept) in (((warning,), 2), ((), 0))
        companion.stop()
    assert (told, kept) == ((), 0)


def test_settings_that_keep_results_longer_put_the_deletion_off() -> None:
    stage = Stage()
    measured(stage, days=400)
    companion = stage.start()
    stage.scheduler.do("retention")
    assert companion.service.health().warnings
    stage.scheduler.wanted.clear()
    # The label of before, as in a workbook of an earlier version.
    stage.book.tables["Settings"] = settings_table(("Keep results for (days)", "500"))
    companion.service.sync()
    assert stage.scheduler.wanted == ["retention"]
    stage.scheduler.do("retention")
    assert companion.service.health().warnings == ()
    companion.service.sync()
    assert stage.scheduler.wanted == ["retention"]
    companion.stop()


def test_what_cannot_be_deleted_is_told_and_tried_again() -> None:
    stage = Stage()
    measured(stage, days=32)
    companion = stage.start()
    prune = stage.store.prune

    def refuse(cutoffs: Cutoffs) -> int:
        raise StoreFull("The disk is full.")

    stage.store.prune = refuse  # type: ignore[method-assign]  # the disk is full for a while
    stage.scheduler.do("retention")
    assert companion.service.health().warnings == ("Old results could not be deleted: The disk is full.",)
    stage.store.prune = prune  # type: ignore[method-assign]  # and has room again
    stage.scheduler.do("retention")
    assert companion.service.health().warnings == ()
    assert stage.store.info().samples == 0
    companion.stop()


def test_how_the_database_grows_is_told_without_the_jobs_that_were_stopped() -> None:
    stage = Stage()
    companion = stage.start()
    assert companion.service.health().storage == ()
    stage.scheduler.do("retention")
    size, deletion = companion.service.health().storage
    assert "the present jobs add 596 kB a day" in size
    assert deletion == "Next deletion: 2026-11-24 at about 03:00: nothing is old enough"
    [job] = companion.service.jobs()
    companion.service.stop_jobs([job.job.id])
    stage.scheduler.do("retention")
    assert "the present jobs add 0 bytes a day" in companion.service.health().storage[0]
    companion.stop()
