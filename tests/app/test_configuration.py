"""Which row is which, what is retired, and when a change is held."""

from collections.abc import Callable, Iterable
from datetime import timedelta
from itertools import count

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from netstats_xl.app.configuration import Sync, reconcile
from netstats_xl.domain.targets import Definitions, Destination, Job, Selector, Settings
from netstats_xl.domain.windows import Schedule
from netstats_xl.ports import StoredDefinitions
from netstats_xl.sheets import DESTINATIONS, JOBS, InvalidRow, Reading


def new_ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"new-{next(numbers)}"


def dest(name: str, host: str = "", id_: str = "") -> Destination:
    return Destination(id=id_, name=name, host=host or f"{name}.example")


def job(name: str, id_: str = "") -> Job:
    schedule = Schedule(interval=timedelta(seconds=10))
    return Job(id=id_, name=name, selectors=(Selector(kind="all"),), schedule=schedule)


def rows(*destinations: Destination, jobs: Iterable[Job] = (), invalid: Iterable[InvalidRow] = ()) -> Reading:
    """A reading of these rows, the first in row 5; the rows of `jobs` are counted alike."""
    jobs = tuple(jobs)
    return Reading(
        settings=Settings(),
        destinations=destinations,
        destination_rows=tuple(range(5, 5 + len(destinations))),
        jobs=jobs,
        job_rows=tuple(range(5, 5 + len(jobs))),
        invalid=tuple(invalid),
    )


def stored(
    *active: Destination, retired: Iterable[Destination] = (), jobs: Iterable[Job] = ()
) -> StoredDefinitions:
    return StoredDefinitions(
        active=Definitions(destinations=active, jobs=tuple(jobs)),
        retired=Definitions(destinations=tuple(retired)),
    )


def sync(reading: Reading, before: StoredDefinitions | None = None, *, confirmed: bool = False) -> Sync:
    return reconcile(reading, before or stored(), new_ids(), confirmed=confirmed)


def ids(result: Sync) -> list[tuple[str, str]]:
    return [(each.name, each.id) for each in result.definitions.destinations]


def test_new_rows_get_new_ids_which_are_to_be_written() -> None:
    result = sync(rows(dest("a"), dest("b"), jobs=[job("j")]))
    assert ids(result) == [("a", "new-1"), ("b", "new-2")]
    assert result.definitions.jobs[0].id == "new-3"
    assert result.added == ("a", "b", "j")
    assert (
        result.new_ids
        == result.row_ids
        == {
            (DESTINATIONS, 5): "new-1",
            (DESTINATIONS, 6): "new-2",
            (JOBS, 5): "new-3",
        }
    )


def test_a_row_with_an_id_keeps_it_whatever_else_was_changed() -> None:
    result = sync(rows(dest("renamed", "elsewhere.example", "x1")), stored(dest("a", id_="x1")))
    assert ids(result) == [("renamed", "x1")]
    assert (result.added, result.changed, result.retired) == ((), ("renamed",), ())
    assert result.new_ids == {}
    assert result.row_ids == {(DESTINATIONS, 5): "x1"}


def test_a_row_with_an_id_that_is_not_stored_keeps_it_too() -> None:
    assert ids(sync(rows(dest("a", id_="from-the-template")))) == [("a", "from-the-template")]


def test_an_unchanged_row_is_neither_added_nor_changed() -> None:
    result = sync(rows(dest("a")), stored(dest("a", id_="x1")))
    assert (result.added, result.changed, result.retired) == ((), (), ())
    assert result.new_ids == {(DESTINATIONS, 5): "x1"}


def test_a_row_without_an_id_is_known_by_its_name_without_case() -> None:
    result = sync(rows(dest("A", "moved.example")), stored(dest("a", id_="x1")))
    assert ids(result) == [("A", "x1")]
    assert result.changed == ("A",)


def test_a_renamed_row_without_an_id_is_known_by_its_host() -> None:
    assert ids(sync(rows(dest("new name", "h.example")), stored(dest("a", "H.example", "x1")))) == [
        ("new name", "x1")
    ]


def test_a_name_goes_before_a_host_in_whatever_order_the_rows_stand() -> None:
    before = stored(dest("a", "h1", "x1"), dest("b", "h2", "x2"))
    assert ids(sync(rows(dest("c", "h1"), dest("a", "h3")), before)) == [("c", "new-1"), ("a", "x1")]


def test_a_host_that_two_rows_or_two_stored_ones_have_tells_nothing() -> None:
    assert ids(sync(rows(dest("b", "h"), dest("c", "h")), stored(dest("a", "h", "x1")))) == [
        ("b", "new-1"),
        ("c", "new-2"),
    ]
    before = stored(dest("a", "h", "x1"), dest("b", "h", "x2"))
    assert ids(sync(rows(dest("c", "h")), before)) == [("c", "new-1")]


def test_a_row_that_comes_back_takes_up_its_retired_history() -> None:
    by_name = sync(rows(dest("a", "elsewhere")), stored(retired=[dest("a", "h", "x1")]))
    by_host = sync(rows(dest("b", "h")), stored(retired=[dest("a", "h", "x1")]))
    assert (ids(by_name), ids(by_host)) == ([("a", "x1")], [("b", "x1")])
    assert by_name.added == ("a",)


def test_the_active_one_goes_before_a_retired_one_and_the_last_retired_before_earlier_ones() -> None:
    before = stored(
        dest("a", id_="x1"), retired=[dest("a", id_="x2"), dest("b", id_="x3"), dest("b", id_="x4")]
    )
    assert ids(sync(rows(dest("a"), dest("b")), before)) == [("a", "x1"), ("b", "x4")]


def test_a_copied_row_becomes_a_new_one_and_the_first_row_keeps_the_id() -> None:
    result = sync(rows(dest("x", id_="x1"), dest("y", id_="x1")))
    assert ids(result) == [("x", "x1"), ("y", "new-1")]
    assert result.new_ids == {(DESTINATIONS, 6): "new-1"}


def test_a_copy_inserted_above_its_original_does_not_take_the_history() -> None:
    result = sync(rows(dest("copy", id_="x1"), dest("a", id_="x1")), stored(dest("a", id_="x1")))
    assert ids(result) == [("copy", "new-1"), ("a", "x1")]


def test_a_copy_in_a_file_that_is_never_written_stays_the_same_at_every_reading() -> None:
    reading = rows(dest("a", "h", "x1"), dest("copy", "h", "x1"))
    first = sync(reading, stored(dest("a", "h", "x1")))
    again = sync(reading, StoredDefinitions(active=first.definitions))
    assert ids(again) == ids(first) == [("a", "x1"), ("copy", "new-1")]
    assert (again.added, again.changed, again.retired) == ((), (), ())


@pytest.mark.parametrize("host", ["h2", "h1"], ids=["with its own host", "with the original's host"])
def test_a_copy_keeps_its_own_history_when_its_original_is_removed(host: str) -> None:
    before = stored(dest("a", "h1", "x1"), dest("copy", host, "x2"))
    result = sync(rows(dest("copy", host, "x1")), before)
    assert ids(result) == [("copy", "x2")]
    assert (result.added, result.changed, result.retired) == ((), (), ("a",))
    assert result.new_ids == {(DESTINATIONS, 5): "x2"}
    later = StoredDefinitions(
        active=result.definitions, retired=Definitions(destinations=(dest("a", "h1", "x1"),))
    )
    assert ids(sync(rows(dest("copy", host, "x1")), later)) == [("copy", "x2")]


def test_a_copy_that_is_renamed_as_its_original_is_removed_is_known_by_its_host() -> None:
    before = stored(dest("a", "h1", "x1"), dest("copy", "h2", "x2"))
    assert ids(sync(rows(dest("new name", "h2", "x1")), before)) == [("new name", "x2")]


def test_a_copy_of_a_job_keeps_its_own_history_when_its_original_is_removed() -> None:
    result = sync(rows(jobs=[job("copy", "x1")]), stored(jobs=[job("a", "x1"), job("copy", "x2")]))
    assert [each.id for each in result.definitions.jobs] == ["x2"]
    assert result.retired == ("a",)


def test_rows_that_swap_or_pass_on_their_names_keep_their_ids() -> None:
    before = stored(dest("a", "h1", "x1"), dest("b", "h2", "x2"))
    swapped = rows(dest("b", "h1", "x1"), dest("a", "h2", "x2"))
    passed_on = rows(dest("b", "h3", "x1"), dest("c", "h2", "x2"))
    renamed_to_a_removed_one = rows(dest("b", "h1", "x1"))
    assert ids(sync(swapped, before)) == [("b", "x1"), ("a", "x2")]
    assert ids(sync(passed_on, before)) == [("b", "x1"), ("c", "x2")]
    assert ids(sync(renamed_to_a_removed_one, before)) == [("b", "x1")]


def test_a_copy_does_not_take_up_a_retired_history_by_its_host() -> None:
    before = stored(dest("a", "h", "x1"), retired=[dest("old", "h", "x2")])
    assert ids(sync(rows(dest("a", "h", "x1"), dest("copy", "h", "x1")), before)) == [
        ("a", "x1"),
        ("copy", "new-1"),
    ]


def test_a_removed_row_is_retired() -> None:
    result = sync(rows(dest("a")), stored(dest("a", id_="x1"), dest("b", id_="x2")))
    assert ids(result) == [("a", "x1")]
    assert result.retired == ("b",)


@pytest.mark.parametrize(
    "invalid",
    [
        InvalidRow(table=DESTINATIONS, number=6, id="x2"),
        InvalidRow(table=DESTINATIONS, number=6, name="B"),
        InvalidRow(table=DESTINATIONS, number=6, host="b.example"),
    ],
    ids=["by its ID", "by its name", "by its host"],
)
def test_an_invalid_row_keeps_its_stored_definition_in_force(invalid: InvalidRow) -> None:
    before = stored(dest("a", id_="x1"), dest("b", id_="x2"))
    result = sync(rows(dest("a", id_="x1"), invalid=[invalid]), before)
    assert result.definitions == before.active
    assert (result.added, result.changed, result.retired) == ((), (), ())
    assert result.row_ids[DESTINATIONS, 6] == "x2"
    assert result.new_ids == {}


def test_an_invalid_row_of_a_job_keeps_the_job() -> None:
    before = stored(jobs=[job("j", "x1")])
    result = sync(rows(invalid=[InvalidRow(table=JOBS, number=5, name="J")]), before)
    assert result.definitions == before.active


def test_an_invalid_row_brings_nothing_back_that_was_retired_and_adds_nothing() -> None:
    unknown = InvalidRow(table=DESTINATIONS, number=5, name="c")
    known = InvalidRow(table=DESTINATIONS, number=6, id="x1")
    result = sync(rows(invalid=[unknown, known]), stored(retired=[dest("a", id_="x1")]))
    assert result.definitions == Definitions()
    assert result.added == ()


def test_an_invalid_row_above_does_not_take_the_identity_of_a_valid_one_of_its_name() -> None:
    invalid = InvalidRow(table=DESTINATIONS, number=4, name="a")
    result = sync(rows(dest("a", "h2"), invalid=[invalid]), stored(dest("a", "h1", "x1")))
    assert ids(result) == [("a", "x1")]


def test_a_table_that_cannot_be_read_changes_nothing_of_it() -> None:
    before = stored(dest("a", id_="x1"), jobs=[job("j", "x2"), job("k", "x3")])
    reading = Reading(
        settings=Settings(), jobs=(job("j", "x2"),), job_rows=(5,), unreadable=frozenset({DESTINATIONS})
    )
    result = sync(reading, before)
    assert result.definitions.destinations == before.active.destinations
    assert result.retired == ("k",)


def many(number: int) -> tuple[Destination, ...]:
    return tuple(dest(f"d{index}", id_=f"x{index}") for index in range(number))


def test_removing_more_than_half_of_more_than_ten_is_held_until_confirmed() -> None:
    before = stored(*many(12))
    reading = rows(*many(5), dest("extra"))
    held = sync(reading, before)
    assert held.definitions == before.active
    assert held.held is not None
    assert held.held.startswith("7 of 12 destinations would be removed at once")
    assert "--confirm-removals" in held.held
    assert (held.added, held.changed, held.new_ids) == ((), (), {})
    assert len(held.retired) == 7
    applied = sync(reading, before, confirmed=True)
    assert applied.held is None
    assert len(applied.definitions.destinations) == 6
    assert len(applied.retired) == 7


def test_ten_rows_or_half_of_them_may_go_at_once() -> None:
    assert sync(rows(), stored(*many(10))).held is None
    assert sync(rows(*many(6)), stored(*many(12))).held is None
    assert sync(rows(*many(5)), stored(*many(11))).held is not None


def test_destinations_and_jobs_are_judged_separately_and_nothing_is_half_applied() -> None:
    before_jobs = [job(f"j{index}", f"y{index}") for index in range(11)]
    result = sync(rows(dest("new"), jobs=before_jobs[:2]), stored(jobs=before_jobs))
    assert result.held is not None
    assert result.held.startswith("9 of 11 jobs would be removed")
    assert result.definitions.destinations == ()
    both = sync(rows(), stored(*many(12), jobs=before_jobs))
    assert both.held is not None
    assert both.held.startswith("12 of 12 destinations and 11 of 11 jobs")


def test_a_source_of_ids_that_only_repeats_itself_is_an_error_not_an_endless_loop() -> None:
    with pytest.raises(ValueError, match="taken"):
        reconcile(rows(dest("a"), dest("b")), stored(), lambda: "same")


short = st.sampled_from(["a", "b", "c", "d"])
short_ids = st.sampled_from(["", "x1", "x2", "x3"])
some_destinations = st.lists(
    st.builds(dest, short, short, short_ids), max_size=4, unique_by=lambda each: each.name
)
stored_things = st.lists(
    st.builds(dest, short, short, st.sampled_from(["x1", "x2", "x3", "x4"])),
    max_size=4,
    unique_by=lambda each: each.id,
)
invalid_rows = st.lists(
    st.builds(
        InvalidRow,
        table=st.just(DESTINATIONS),
        number=st.integers(20, 30),
        id=short_ids,
        name=short | st.just(""),
        host=short | st.just(""),
    ),
    max_size=3,
    unique_by=lambda row: row.number,
)


@example(
    [dest("c", "a", "")],
    [InvalidRow(table=DESTINATIONS, number=20, host="c")],
    [dest("c", "c", "x1"), dest("c", "a", "x2")],
    2,
)
@example(
    [dest("a", "a", "")],
    [InvalidRow(table=DESTINATIONS, number=20, id="x2", name="a")],
    [dest("b", "b", "x2")],
    1,
)
@example(
    [dest("a", "a", "")],
    [InvalidRow(table=DESTINATIONS, number=20, id="x2", host="a")],
    [dest("a", "b", "x2")],
    1,
)
@hypothesis_settings(deadline=None)
@given(some_destinations, invalid_rows, stored_things, st.integers(0, 4))
def test_every_reading_gives_each_row_its_own_identity_and_then_stays_as_it_is(
    destinations: list[Destination], invalid: list[InvalidRow], known: list[Destination], active: int
) -> None:
    reading = rows(*destinations, invalid=invalid)
    before = stored(*known[:active], retired=known[active:])
    result = sync(reading, before)
    found = [each.id for each in result.definitions.destinations]
    assert len(set(found)) == len(found)
    assert all(found)
    assert len(set(result.row_ids.values())) == len(result.row_ids)
    by_id = {each.id: each for each in result.definitions.destinations}
    for number, destination in zip(reading.destination_rows, destinations, strict=True):
        id_ = result.row_ids[DESTINATIONS, number]
        assert by_id[id_] == destination.model_copy(update={"id": id_})
    kept = set(found) - {result.row_ids[DESTINATIONS, number] for number in reading.destination_rows}
    assert {each.id: each for each in before.active.destinations}.items() >= {
        id_: by_id[id_] for id_ in kept
    }.items()
    gone = [each for each in before.active.destinations if each.id not in by_id]
    assert sorted(each.name for each in gone) == sorted(result.retired)
    retired = [each for each in known if each.id not in by_id]
    again = sync(
        reading,
        StoredDefinitions(active=result.definitions, retired=Definitions(destinations=tuple(retired))),
    )
    assert again.definitions == result.definitions
    assert (again.added, again.changed, again.retired) == ((), (), ())
