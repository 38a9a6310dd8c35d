"""Statistics of hops, what makes two routes the same, and what is told of a change."""

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netstats_xl.domain.results import TracedRoute, TraceReason
from netstats_xl.domain.route_records import RouteRecord, describe_change, follow
from netstats_xl.domain.routes import (
    MOST_ADDRESSES,
    Hop,
    HopReply,
    HopStatistics,
    Trace,
    merge_hops,
    statistics_of,
)

AT = datetime(2026, 11, 23, 8, tzinfo=UTC)
HOST = "192.0.2.9"

rtts = st.lists(st.floats(min_value=0.001, max_value=60_000), max_size=6)


def hop(ttl: int, *addresses: str, sent: int = 3, rtt_ms: float = 1.0) -> Hop:
    """A hop at which each of these answered one packet."""
    return Hop(ttl=ttl, sent=sent, replies=tuple(HopReply(address=a, rtt_ms=rtt_ms) for a in addresses))


def trace(*hops: str, address: str = HOST, reached: bool = True) -> Trace:
    """A trace; each hop's addresses are separated by spaces, and a silent one is empty."""
    return Trace(
        address=address,
        hops=tuple(hop(ttl, *each.split()) for ttl, each in enumerate(hops, start=1)),
        reached=reached,
    )


def traced(found: Trace, minutes: float = 0, reason: TraceReason = TraceReason.SCHEDULED) -> TracedRoute:
    return TracedRoute(at=AT + timedelta(minutes=minutes), destination_id="dest1", reason=reason, trace=found)


def one(ttl: int, rtts_ms: Sequence[float], lost: int = 0, address: str = "a") -> HopStatistics:
    replies = tuple(HopReply(address=address, rtt_ms=rtt_ms) for rtt_ms in rtts_ms)
    [found] = statistics_of(
        Trace(address=HOST, reached=False, hops=(Hop(ttl=ttl, sent=len(rtts_ms) + lost, replies=replies),))
    )
    return found


def record(*hops: str, address: str = HOST, reached: bool = True) -> RouteRecord:
    return follow(None, traced(trace(*hops, address=address, reached=reached)))


# --- Statistics of hops


def test_a_hops_figures_are_those_of_mtr() -> None:
    found = one(4, (10.0, 14.0, 12.0), lost=1)
    assert (found.ttl, found.sent, found.received, found.loss_percent) == (4, 4, 3, 25.0)
    assert found.rtts is not None
    assert (found.rtts.last_ms, found.rtts.best_ms, found.rtts.mean_ms, found.rtts.worst_ms) == (
        12,
        10,
        12,
        14,
    )
    assert found.rtts.stdev_ms == pytest.approx(statistics.pstdev((10, 14, 12)))


def test_a_silent_hop_has_a_loss_and_no_rtts() -> None:
    found = one(2, (), lost=3)
    assert (found.received, found.loss_percent, found.rtts, found.addresses) == (0, 100.0, None, ())


def test_a_hop_to_which_nothing_was_sent_has_no_loss() -> None:
    assert HopStatistics(ttl=1, sent=0).loss_percent is None


@given(rtts, rtts, st.integers(0, 3), st.integers(0, 3))
def test_merged_statistics_are_those_of_all_packets(
    first: list[float], second: list[float], lost: int, also_lost: int
) -> None:
    found = one(1, first, lost).merged(one(1, second, also_lost))
    wanted = one(1, [*first, *second], lost + also_lost)
    assert (found.sent, found.received) == (wanted.sent, wanted.received)
    assert (found.rtts is None) == (wanted.rtts is None)
    if found.rtts is not None and wanted.rtts is not None:
        assert (found.rtts.last_ms, found.rtts.best_ms, found.rtts.worst_ms) == (
            wanted.rtts.last_ms,
            wanted.rtts.best_ms,
            wanted.rtts.worst_ms,
        )
        assert found.rtts.mean_ms == pytest.approx(wanted.rtts.mean_ms)
        assert found.rtts.stdev_ms == pytest.approx(wanted.rtts.stdev_ms, abs=1e-6)


@given(rtts, rtts, rtts)
def test_merging_is_associative(a: list[float], b: list[float], c: list[float]) -> None:
    first, second, third = one(1, a), one(1, b), one(1, c)
    left, right = first.merged(second).merged(third), first.merged(second.merged(third))
    assert (left.sent, left.received) == (right.sent, right.received)
    if left.rtts is not None and right.rtts is not None:
        assert left.rtts.last_ms == right.rtts.last_ms
        assert left.rtts.mean_ms == pytest.approx(right.rtts.mean_ms)
        assert left.rtts.stdev_ms == pytest.approx(right.rtts.stdev_ms, abs=1e-6)


def test_a_hops_addresses_are_kept_each_once_and_only_the_last_of_many() -> None:
    found = (
        one(1, (1.0,), address="a").merged(one(1, (1.0,), address="b")).merged(one(1, (1.0,), address="a"))
    )
    assert found.addresses == ("a", "b")
    for number in range(MOST_ADDRESSES):
        found = found.merged(one(1, (1.0,), address=f"x{number}"))
    assert found.addresses == tuple(f"x{number}" for number in range(MOST_ADDRESSES))


def test_hops_are_merged_by_their_ttl_and_those_of_only_one_side_stay() -> None:
    merged = merge_hops((one(1, (1.0,)), one(3, (3.0,))), (one(2, (2.0,)), one(3, (5.0,))))
    assert [each.ttl for each in merged] == [1, 2, 3]
    assert [each.rtts and each.rtts.mean_ms for each in merged] == [1.0, 2.0, 4.0]


# --- The same route, or another


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(("a", "b", HOST), ("a", "b", HOST), id="the same addresses"),
        pytest.param(("a", "b", HOST), ("a", "", HOST), id="a hop that became silent"),
        pytest.param(("a", "", HOST), ("a", "b", HOST), id="a hop that speaks at last"),
        pytest.param(("a", "b c", HOST), ("a", "c", HOST), id="one of several balanced addresses"),
        pytest.param(("a", "b", HOST), ("a", "c b", HOST), id="one more balanced address"),
        pytest.param((HOST,), (HOST,), id="the next machine"),
    ],
)
def test_a_route_is_the_same(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    assert describe_change(record(*before), trace(*after)) == ""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(("a", "b"), ("a",), id="the last answers stay out"),
        pytest.param(("a",), ("a", "b"), id="one more answers"),
        pytest.param((), ("a",), id="somebody answers at last"),
    ],
)
def test_silence_behind_the_last_answer_of_a_host_that_is_not_reached_is_no_change(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    assert describe_change(record(*before, reached=False), trace(*after, reached=False)) == ""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (("10.0.0.1", HOST), ("10.0.0.9", HOST), "hop 1: 10.0.0.1 -> 10.0.0.9"),
        (("a b", HOST), ("c d", HOST), "hop 1: a or b -> c or d"),
        (("a", HOST), ("a", "b", "c", HOST), "2 hops longer"),
        (("a", "b", HOST), ("a", HOST), "1 hop shorter"),
        (("a", "b", "c", HOST), ("x", "c", HOST), "1 hop shorter; hop 1: a -> x; hop 2: b -> c"),
        (
            ("a", "b", "c", "d", "e", HOST),
            ("v", "w", "x", "y", "z", HOST),
            "hop 1: a -> v; hop 2: b -> w; hop 3: c -> x; and 2 more",
        ),
        (
            ("a", "b", "c", "d", HOST),
            ("v", "w", "x", "y", HOST),
            "hop 1: a -> v; hop 2: b -> w; hop 3: c -> x; and 1 more",
        ),
    ],
)
def test_another_route_is_told_in_words(before: tuple[str, ...], after: tuple[str, ...], told: str) -> None:
    assert describe_change(record(*before), trace(*after)) == told


def test_a_host_that_is_reached_no_longer_and_again_is_a_change() -> None:
    assert describe_change(record("a", HOST), trace("a", reached=False)) == "no longer reached"
    assert describe_change(record("a", reached=False), trace("a", HOST)) == "reached"
    assert (
        describe_change(record("a", "b", HOST), trace("a", "c", reached=False))
        == "no longer reached; hop 2: b -> c"
    )


def test_another_address_of_the_host_is_another_route_and_told_once() -> None:
    after = trace("a", "192.0.2.8", address="192.0.2.8")
    assert describe_change(record("a", HOST), after) == "host: 192.0.2.9 -> 192.0.2.8"


# --- Records


def test_the_first_trace_begins_a_record_without_a_change() -> None:
    found = follow(None, traced(trace("a", HOST), reason=TraceReason.DOWN))
    assert (found.destination_id, found.first_at, found.last_at, found.traces) == ("dest1", AT, AT, 1)
    assert (found.address, found.reached, found.reason, found.change) == (HOST, True, TraceReason.DOWN, "")
    assert [(each.ttl, each.addresses, each.sent) for each in found.hops] == [(1, ("a",), 3), (2, (HOST,), 3)]


def test_the_same_route_again_only_adds_to_the_statistics() -> None:
    begun = record("a", "", HOST)
    found = follow(begun, traced(trace("a", "b", HOST), minutes=1, reason=TraceReason.DOWN))
    assert (found.first_at, found.last_at, found.traces) == (AT, AT + timedelta(minutes=1), 2)
    assert (found.reason, found.change) == (TraceReason.SCHEDULED, "")
    assert [(each.addresses, each.sent, each.received) for each in found.hops] == [
        (("a",), 6, 2),
        (("b",), 6, 1),
        ((HOST,), 6, 2),
    ]


def test_another_route_begins_a_record_of_its_own() -> None:
    found = follow(record("a", HOST), traced(trace("b", HOST), minutes=5, reason=TraceReason.CRITICAL))
    assert (found.first_at, found.traces) == (AT + timedelta(minutes=5), 1)
    assert (found.reason, found.change) == (TraceReason.CRITICAL, "hop 1: a -> b")
    assert [each.sent for each in found.hops] == [3, 3]


def test_what_was_once_seen_to_balance_is_no_change_any_more() -> None:
    found = record("a", HOST)
    for addresses in ("a b", "b", "b c", "c", "a"):
        found = follow(found, traced(trace(addresses, HOST)))
    assert (found.traces, found.change) == (6, "")


def test_a_clock_that_was_set_back_does_not_make_a_record_end_earlier() -> None:
    assert follow(record("a", HOST), traced(trace("a", HOST), minutes=-10)).last_at == AT


def test_names_are_kept_of_the_hosts_that_are_known_and_the_newest_counts() -> None:
    first = Trace(
        address=HOST, reached=True, hops=(hop(1, "a"), hop(2, HOST)), names={"a": "old", HOST: "www"}
    )
    second = Trace(
        address=HOST, reached=True, hops=(hop(1, "a"), hop(2, HOST)), names={"a": "new", "elsewhere": "x"}
    )
    assert follow(follow(None, traced(first)), traced(second)).names == {"a": "new", HOST: "www"}
