"""One burst a destination: rounds that want the same address share its burst, or wait for it."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import pytest

from netstats_xl.domain.results import Outcome, Replied, SendFailed, Timeout, packets_of
from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import BackendUnavailable
from netstats_xl.probes.addresses import Address, Family
from netstats_xl.probes.bursts import Bursts, plan_of, run_train
from netstats_xl.probes.trains import Train, TrainPlan, WireOptions
from tests.probes.fake_channel import ONE, addresses
from tests.probes.fake_engine import FakeTrainEngine, answered, silent
from tests.probes.virtual_loop import on_virtual_loop

SETTINGS = EchoSettings(packets=2, packet_interval_ms=200, timeout_ms=500)
OTHERS = EchoSettings(packets=1, packet_interval_ms=200, timeout_ms=500)
Round = Callable[..., "asyncio.Task[list[Outcome]]"]


def with_bursts(
    engine: FakeTrainEngine, steps: Callable[[Round], Coroutine[Any, Any, None]], *, clock_s: float = 0.0
) -> None:
    """Run steps with a function that begins a round against some addresses."""

    async def main() -> None:
        bursts = Bursts(engine, now=asyncio.get_running_loop().time)

        async def one(to: Sequence[Address], settings: EchoSettings) -> list[Outcome]:
            return [outcome for outcome, _ in await bursts.run(to, settings)]

        def begin(to: Sequence[Address], settings: EchoSettings = SETTINGS) -> "asyncio.Task[list[Outcome]]":
            return asyncio.ensure_future(one(to, settings))

        await steps(begin)
        assert len(asyncio.all_tasks()) == 1
        assert not engine.under_way

    on_virtual_loop(main())


def sizes(engine: FakeTrainEngine) -> list[int]:
    """How many destinations each train has."""
    return [train.lines for _, train in engine.begun]


def test_a_round_is_one_train_and_its_results_are_in_order() -> None:
    engine = FakeTrainEngine(lambda _train, k: 10.0 + k if k % 5 != 2 else None)

    async def steps(begin: Round) -> None:
        outcomes = await begin(addresses(5))
        assert [packets_of(each) for each in outcomes] == [(2, 2), (2, 2), (2, 0), (2, 2), (2, 2)]
        assert isinstance(outcomes[3], Replied)
        assert outcomes[3].address == "10.0.0.3"
        assert outcomes[3].rtts_ms == (13.0, 18.0)

    with_bursts(engine, steps)
    assert sizes(engine) == [5]


def test_a_round_of_nothing_is_over_at_once() -> None:
    engine = FakeTrainEngine()

    async def steps(begin: Round) -> None:
        assert await begin([]) == []

    with_bursts(engine, steps)
    assert sizes(engine) == []


def test_both_families_go_at_once_and_results_keep_their_order() -> None:
    engine = FakeTrainEngine()
    four, six = addresses(3), addresses(3, Family.IPV6)
    mixed = [six[0], four[0], six[1], four[1], four[2], six[2]]

    async def steps(begin: Round) -> None:
        outcomes = await begin(mixed)
        assert [each.address for each in outcomes if isinstance(each, Replied)] == [
            each.text for each in mixed
        ]

    with_bursts(engine, steps)
    assert [train.family for _, train in engine.begun] == [Family.IPV4, Family.IPV6]
    assert len({at for at, _ in engine.begun}) == 1


def test_the_same_address_twice_in_a_round_is_probed_once() -> None:
    engine = FakeTrainEngine()
    first, second = addresses(2)

    async def steps(begin: Round) -> None:
        outcomes = await begin([first, second, first, first])
        assert [each.address for each in outcomes if isinstance(each, Replied)] == [
            each.text for each in (first, second, first, first)
        ]

    with_bursts(engine, steps)
    assert sizes(engine) == [2]


def test_rounds_with_equal_settings_share_a_burst_that_has_just_begun() -> None:
    engine = FakeTrainEngine(silent)

    async def steps(begin: Round) -> None:
        first = begin(addresses(3))
        await asyncio.sleep(0.1)  # virtual time
        second = begin(addresses(5)[2:], SETTINGS.model_copy())
        assert await first == [Timeout(address=each.text, sent=2) for each in addresses(3)]
        assert await second == [Timeout(address=each.text, sent=2) for each in addresses(5)[2:]]

    with_bursts(engine, steps)
    assert sizes(engine) == [3, 2]


def test_a_burst_that_began_a_second_ago_is_waited_for() -> None:
    engine = FakeTrainEngine(silent)
    slow = EchoSettings(packets=1, timeout_ms=3_000)

    async def steps(begin: Round) -> None:
        first = begin(addresses(1), slow)
        await asyncio.sleep(1.1)  # virtual time
        second = begin(addresses(1), slow)
        await asyncio.gather(first, second)

    with_bursts(engine, steps)
    (first, _), (second, _) = engine.begun
    assert second - first == pytest.approx(3.0)


def test_a_round_with_other_settings_waits_for_the_burst_and_for_no_other_address() -> None:
    engine = FakeTrainEngine(silent)

    async def steps(begin: Round) -> None:
        first = begin(addresses(2))
        await asyncio.sleep(0.1)  # virtual time
        second = begin(addresses(4), OTHERS)
        assert await second == [Timeout(address=each.text, sent=1) for each in addresses(4)]
        assert first.done()

    with_bursts(engine, steps)
    began = engine.begun[0][0]
    assert [(round(at - began, 3), train.lines) for at, train in engine.begun] == [(0, 2), (0.1, 2), (0.7, 2)]


def test_two_rounds_that_wait_for_the_same_address_go_one_after_the_other() -> None:
    engine = FakeTrainEngine(silent)
    third = EchoSettings(packets=1, timeout_ms=300)

    async def steps(begin: Round) -> None:
        rounds = [begin(addresses(1), settings) for settings in (SETTINGS, OTHERS, third)]
        await asyncio.gather(*rounds)

    with_bursts(engine, steps)
    began = engine.begun[0][0]
    assert sizes(engine) == [1, 1, 1]
    assert [round(at - began, 3) for at, _ in engine.begun] == pytest.approx([0, 0.7, 1.2])


def test_never_are_two_bursts_under_way_to_one_address() -> None:
    def watching(train: Train, k: int) -> float:
        busy = [each for other in engine.under_way if other is not train for each in other.addresses]
        assert not {each.text for each in busy} & {each.text for each in train.addresses}
        return 50.0 + 7 * (k % 3)

    engine = FakeTrainEngine(watching)
    kinds = [SETTINGS, OTHERS, EchoSettings(packets=3, packet_interval_ms=50)]

    async def steps(begin: Round) -> None:
        rounds = []
        for number in range(30):
            start = number * 7 % 10
            rounds.append(begin(addresses(20)[start : start + 8], kinds[number % 3]))
            await asyncio.sleep(0.02)  # virtual time
            if number % 5 == 4:
                rounds.pop().cancel()
        for outcomes in await asyncio.gather(*rounds):
            assert all(isinstance(each, Replied) for each in outcomes)

    with_bursts(engine, steps)


def test_a_cancelled_round_gives_its_burst_up() -> None:
    engine = FakeTrainEngine(silent)

    async def steps(begin: Round) -> None:
        doomed = begin([*addresses(2), *addresses(2, Family.IPV6)])
        await asyncio.sleep(0.1)  # virtual time
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doomed
        await asyncio.sleep(0.1)  # virtual time

    with_bursts(engine, steps)
    assert set(engine.given_up) == {train for _, train in engine.begun}


@pytest.mark.parametrize("doomed", [0, 1])
def test_a_shared_burst_goes_on_for_the_round_that_is_not_cancelled(doomed: int) -> None:
    engine = FakeTrainEngine(answered(100.0))

    async def steps(begin: Round) -> None:
        rounds = [begin(addresses(2)), begin(addresses(3))]
        await asyncio.sleep(0.05)  # virtual time
        rounds[doomed].cancel()
        kept = await rounds[1 - doomed]
        assert all(isinstance(each, Replied) for each in kept)
        with pytest.raises(asyncio.CancelledError):
            await rounds[doomed]

    with_bursts(engine, steps)
    assert engine.begun[0][1] not in engine.given_up


@pytest.mark.parametrize("more", [0, 1], ids=["the same", "one more"])
def test_a_round_that_wants_what_was_just_given_up_gets_a_burst_of_its_own(more: int) -> None:
    engine = FakeTrainEngine(answered(100.0))

    async def steps(begin: Round) -> None:
        doomed = begin(addresses(1))
        await asyncio.sleep(0.05)  # virtual time
        doomed.cancel()
        with pytest.raises(asyncio.CancelledError):
            await doomed
        outcomes = await begin(addresses(1 + more))
        assert all(isinstance(each, Replied) for each in outcomes)

    with_bursts(engine, steps)


def test_a_round_that_begins_when_another_is_cancelled_in_the_same_moment_is_made() -> None:
    engine = FakeTrainEngine(answered(100.0))

    async def steps(begin: Round) -> None:
        doomed = begin(addresses(1))
        await asyncio.sleep(0.05)  # virtual time
        kept = begin(addresses(2))
        doomed.cancel()
        assert all(isinstance(each, Replied) for each in await kept)

    with_bursts(engine, steps)


def test_a_round_that_is_cancelled_while_it_waits_sends_nothing() -> None:
    engine = FakeTrainEngine(silent)

    async def steps(begin: Round) -> None:
        first = begin(addresses(1))
        waiting = begin(addresses(1), OTHERS)
        await asyncio.sleep(0.1)  # virtual time
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await first

    with_bursts(engine, steps)
    assert sizes(engine) == [1]
    assert engine.given_up == []


def test_closing_the_engine_ends_rounds_under_way_and_waiting_ones_with_an_error() -> None:
    engine = FakeTrainEngine(silent)

    async def steps(begin: Round) -> None:
        under_way, waiting = begin(addresses(2)), begin(addresses(3), OTHERS)
        await asyncio.sleep(0.1)  # virtual time
        engine.close()
        with pytest.raises(BackendUnavailable, match="closed before the round was over"):
            await under_way
        with pytest.raises(BackendUnavailable, match="closed"):
            await waiting
        with pytest.raises(BackendUnavailable, match="is closed"):
            await begin(addresses(1))

    with_bursts(engine, steps)


def test_a_failure_to_send_is_the_outcome_of_its_destination() -> None:
    engine = FakeTrainEngine(lambda _train, k: "no route to the host" if k % 2 else 5.0)

    async def steps(begin: Round) -> None:
        replied, failed = await begin(addresses(2))
        assert isinstance(replied, Replied)
        assert failed == SendFailed(address="10.0.0.1", reason="no route to the host")

    with_bursts(engine, steps)


def test_the_plan_of_a_round_follows_its_settings() -> None:
    settings = EchoSettings(
        packets=7,
        packet_interval_ms=40,
        timeout_ms=300,
        payload_bytes=99,
        ttl=5,
        dscp=46,
        dont_fragment=True,
    )
    assert plan_of(settings) == TrainPlan(
        packets=7,
        interval_s=0.04,
        timeout_s=0.3,
        payload_bytes=99,
        options=WireOptions(ttl=5, dscp=46, dont_fragment=True),
    )


def test_a_train_is_run_to_its_end_or_given_up() -> None:
    engine = FakeTrainEngine(silent)

    async def main() -> None:
        whole = Train(addresses(1), ONE)
        await run_train(engine, whole)
        assert whole.complete
        assert engine.given_up == []
        doomed = Train(addresses(1), ONE)
        task = asyncio.ensure_future(run_train(engine, doomed))
        await asyncio.sleep(0.1)  # virtual time
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert engine.given_up == [doomed]

    on_virtual_loop(main())


def test_a_train_that_ends_when_its_loop_is_closed_disturbs_nobody() -> None:
    engine = FakeTrainEngine(silent)

    async def main() -> Train:
        task = asyncio.ensure_future(run_train(engine, Train(addresses(1), ONE)))
        await asyncio.sleep(0.1)  # virtual time
        task.cancel()
        return engine.begun[0][1]

    train = on_virtual_loop(main())
    train.on_end()
    assert not train.complete
