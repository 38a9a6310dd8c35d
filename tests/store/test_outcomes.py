"""Outcomes of many rounds as columns: the same as one by one."""

import random
from array import array
from collections.abc import Sequence

import pytest

from netstats_xl.domain.results import HttpAnswer, NameNotResolved, Outcome, Replied, Timeout, Unreachable
from netstats_xl.store.appending import Lists, packed
from netstats_xl.store.outcomes import OUTCOME_TYPES, render_outcome, render_outcomes

OTHERS: Sequence[Outcome] = (
    Timeout(address="192.0.2.1", sent=4),
    Unreachable(address="192.0.2.1", sent=3, reporter="192.0.2.254", reason="host unreachable"),
    NameNotResolved(reason="no such name"),
)


def replied(packets: int, *, lost: float) -> Replied:
    rtts = [None if random.random() < lost else random.uniform(0.01, 500) for _ in range(packets)]
    return Replied(address=f"192.0.2.{packets}", rtts_ms=tuple(rtts))


def lists_of(lists: Lists) -> list[list[float | None] | None]:
    numbers: list[float | None] = list(lists.numbers)
    for index in lists.missing:
        numbers[index] = None
    rows: list[list[float | None] | None] = [
        numbers[begin:end] for begin, end in zip(lists.offsets, lists.offsets[1:], strict=False)
    ]
    for row in lists.without:
        assert rows[row] == []
        rows[row] = None
    return rows


def as_stored(rtts_ms: Sequence[float | None]) -> list[float | None]:
    return [None if rtt is None else array("f", [rtt])[0] for rtt in rtts_ms]


def assert_the_same(outcomes: Sequence[Outcome]) -> None:
    columns = {name: values for name, _, values in render_outcomes(outcomes)}
    assert list(columns) == list(OUTCOME_TYPES)
    for row, outcome in enumerate(outcomes):
        for name, expected in render_outcome(outcome)._asdict().items():
            column = columns[name]
            found = lists_of(column)[row] if isinstance(column, Lists) else column[row]
            if name == "rtts_ms":
                expected = None if expected is None else as_stored(expected)
            elif name == "jitter_sum_ms":
                expected = pytest.approx(expected)
            elif (name, expected) == ("outcome", "replied"):
                found = found or "replied"  # NULL says so, too
            assert found == expected, (row, name)


@pytest.mark.parametrize("lost", [0.0, 0.3])
@pytest.mark.parametrize("packets", [(4,), (1,), (1, 2, 5), (0, 3)])
@pytest.mark.parametrize("others", [0.0, 0.4, 1.0])
def test_outcomes_are_rendered_together_as_one_by_one(
    packets: tuple[int, ...], others: float, lost: float
) -> None:
    random.seed(f"{packets} {others} {lost}")
    assert_the_same(
        [
            random.choice(OTHERS) if random.random() < others else replied(random.choice(packets), lost=lost)
            for _ in range(40)
        ]
    )


def test_replies_that_tell_more_than_their_rtts_or_less_are_rendered_so() -> None:
    http = HttpAnswer(status=200, total_ms=3.5, certificate_days=12.0)
    assert_the_same(
        [
            replied(4, lost=0),
            Replied(address="192.0.2.1", rtts_ms=(1.0, None, 3.0), answer="NOERROR"),
            OTHERS[0],
            Replied(address="192.0.2.2", rtts_ms=(1.0, 2.0, 4.0), http=http),
            Replied(address="192.0.2.3", rtts_ms=(1.0, 2.0, 4.0), in_order=False),
        ]
    )


def test_what_is_no_number_and_what_is_too_large_is_not_packed() -> None:
    with pytest.raises(TypeError, match="not a number of type f"):
        packed("f", ["1"])  # type: ignore[list-item]  # that is what is tested
    with pytest.raises(TypeError, match="not a number of type i"):
        packed("i", [1 << 31])
