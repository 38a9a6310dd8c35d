"""The engine's thread: orders wake it, closing ends it, and nobody waits for ever."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

from netstats_xl.domain.results import Replied, Timeout
from netstats_xl.errors import BackendUnavailable, ProbeEngineError
from netstats_xl.probes.addresses import Family, SockAddr
from netstats_xl.probes.engine import EchoCore
from netstats_xl.probes.matching import Matcher
from netstats_xl.probes.outcomes import found_of
from netstats_xl.probes.pacing import Pacer
from netstats_xl.probes.packets import ECHO_REPLY
from netstats_xl.probes.socket_engine import SocketEngine
from netstats_xl.probes.trains import Train, TrainPlan, WireOptions
from tests.probes.fake_channel import IDENTIFIER, addresses, with_checksum

PATIENCE_S = 10.0
QUICK = TrainPlan(packets=2, interval_s=0.01, timeout_s=5.0)
SHORT = TrainPlan(packets=2, interval_s=0.01, timeout_s=0.05)
LONG = TrainPlan(packets=1, interval_s=0.01, timeout_s=60.0)


class PairChannel:
    """An `EchoChannel` over a pair of loopback sockets, whose far end answers what is sent where it is told to."""

    own_identifiers = True
    ip_header = False
    verify_checksum = False
    reports_earlier_failures = False

    def __init__(self, family: Family, *, answers: bool = True, exact: bool = False) -> None:
        self.family = family
        self.answers = answers
        self.exact = exact
        self.threads: set[str] = set()
        self.sent = threading.Semaphore(0)
        self.closed = False
        self.broken: Exception | None = None
        self._near, self._far = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2))
        self._near.bind(("127.0.0.1", 0))
        self._far.connect(self._near.getsockname())
        self._near.setblocking(False)

    def fileno(self) -> int:
        return self._near.fileno()

    def apply(self, options: WireOptions) -> None:
        """Any will do."""

    def sendto(self, packet: bytearray, to: SockAddr) -> object:
        self.threads.add(threading.current_thread().name)
        if self.broken is not None:
            raise self.broken
        af = socket.AF_INET if self.family is Family.IPV4 else socket.AF_INET6
        if self.answers:
            reply = with_checksum(bytes([ECHO_REPLY[self.family]]) + bytes(packet[1:]))
            self._far.send(socket.inet_pton(af, to[0]) + reply)
        self.sent.release()
        return len(packet)

    def receive(self, matcher: Matcher) -> bool:
        size = 4 if self.family is Family.IPV4 else 16
        with suppress(BlockingIOError):
            data = bytearray(self._near.recv(65_536))
            matcher.take([(data, size, len(data), bytes(data[:size]), None)], time.perf_counter())
            return False
        return True

    def describe(self) -> str:
        return f"{self.family}: pair"

    def close(self) -> None:
        self.closed = True
        self._near.close()
        self._far.close()


class Bench:
    """An engine over such channels, and events for the ends of its trains."""

    def __init__(self) -> None:
        self.channels: dict[Family, PairChannel] = {}
        self.refused: list[ProbeEngineError] = []
        self.answers = True
        self.exact = False
        self.core = EchoCore(identifier=IDENTIFIER, pacer=Pacer(None))
        self.engine = SocketEngine(self.core, self.open_channel)

    def open_channel(self, family: Family) -> PairChannel:
        if self.refused:
            raise self.refused.pop(0)
        self.channels[family] = PairChannel(family, answers=self.answers, exact=self.exact)
        return self.channels[family]

    def begin(self, plan: TrainPlan = QUICK, *, family: Family = Family.IPV4, lines: int = 3) -> "Watched":
        watched = Watched(Train(addresses(lines, family), plan))
        self.engine.begin(watched.train)
        return watched


class Watched:
    """A train whose end can be waited for."""

    def __init__(self, train: Train) -> None:
        self.train = train
        self.over = threading.Event()
        train.on_end = self.over.set

    def wait(self) -> Train:
        assert self.over.wait(PATIENCE_S), "the train does not end"
        return self.train


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.engine.close()


@pytest.fixture
def broken_threads(monkeypatch: pytest.MonkeyPatch) -> list[BaseException | None]:
    """What ended threads."""
    errors: list[BaseException | None] = []
    monkeypatch.setattr(threading, "excepthook", lambda arguments: errors.append(arguments.exc_value))
    return errors


@pytest.mark.parametrize("family", Family, ids=str)
@pytest.mark.parametrize("exact", [True, False])
def test_trains_run_on_a_thread_of_their_own(bench: Bench, family: Family, exact: bool) -> None:
    bench.exact = exact
    assert bench.engine.ready(family) is None
    train = bench.begin(family=family).wait()
    assert train.complete
    for outcome, _ in found_of(train):
        assert isinstance(outcome, Replied)
        assert all(rtt is not None and 0 < rtt < 5_000 for rtt in outcome.rtts_ms)
    assert bench.channels[family].threads == {"netstats-echo"}


def test_an_order_wakes_the_thread(bench: Bench) -> None:
    assert bench.engine.ready(Family.IPV4) is None
    bench.begin().wait()
    # It has nothing to do now for a minute, unless it is told.
    assert bench.begin().wait().complete


def test_trains_under_way_at_once_end_each_by_itself(bench: Bench) -> None:
    for family in Family:
        assert bench.engine.ready(family) is None
    trains = [bench.begin(family=family, lines=20) for family in Family for _ in range(5)]
    for watched in trains:
        assert all(isinstance(outcome, Replied) for outcome, _ in found_of(watched.wait()))


def test_silence_ends_a_train_at_its_time(bench: Bench) -> None:
    bench.answers = False
    assert bench.engine.ready(Family.IPV4) is None
    train = bench.begin(SHORT).wait()
    assert [outcome for outcome, _ in found_of(train)] == [
        Timeout(address=each.text, sent=2) for each in addresses(3)
    ]


def test_giving_a_train_up_wakes_the_thread_and_ends_it(bench: Bench) -> None:
    bench.answers = False
    assert bench.engine.ready(Family.IPV4) is None
    watched = bench.begin(LONG)
    assert bench.channels[Family.IPV4].sent.acquire(timeout=PATIENCE_S)
    bench.engine.give_up(watched.train)
    assert not watched.wait().complete
    bench.engine.give_up(watched.train)  # nothing happens


@pytest.mark.parametrize("sent", [True, False])
def test_closing_ends_trains_the_thread_and_the_sockets(bench: Bench, sent: bool) -> None:
    bench.answers = False
    assert bench.engine.ready(Family.IPV4) is None
    watched = bench.begin(LONG)
    if sent:
        for _ in range(3):
            assert bench.channels[Family.IPV4].sent.acquire(timeout=PATIENCE_S)
    bench.engine.close()
    assert watched.over.is_set()
    assert not watched.train.complete
    assert bench.channels[Family.IPV4].closed
    bench.engine.close()


def test_after_closing_no_train_begins(bench: Bench) -> None:
    assert bench.engine.ready(Family.IPV4) is None
    bench.engine.close()
    with pytest.raises(BackendUnavailable, match="closed"):
        bench.begin()


def test_a_train_begun_while_the_engine_is_closed_ends_all_the_same(bench: Bench) -> None:
    assert bench.engine.ready(Family.IPV4) is None
    begun: list[Watched] = []
    stop = threading.Event()

    def keep_beginning() -> None:
        with suppress(BackendUnavailable):
            while not stop.is_set():
                begun.append(bench.begin(LONG, lines=1))

    bench.answers = False
    thread = threading.Thread(target=keep_beginning)
    thread.start()
    assert bench.channels[Family.IPV4].sent.acquire(timeout=PATIENCE_S)
    bench.engine.close()
    stop.set()
    thread.join(PATIENCE_S)
    for watched in begun:
        watched.wait()


def test_what_breaks_the_core_ends_all_trains_and_later_ones_are_refused(
    bench: Bench, broken_threads: list[BaseException | None]
) -> None:
    bench.answers = False
    for family in Family:
        assert bench.engine.ready(family) is None
    waiting = bench.begin(LONG, family=Family.IPV6)
    assert bench.channels[Family.IPV6].sent.acquire(timeout=PATIENCE_S)
    bench.channels[Family.IPV4].broken = ZeroDivisionError("nobody foresaw this")
    breaking = bench.begin(LONG)
    assert not waiting.wait().complete
    assert not breaking.wait().complete
    with pytest.raises(BackendUnavailable):
        bench.begin()
    bench.engine.close()
    assert [type(error) for error in broken_threads] == [ZeroDivisionError]


def test_a_family_that_cannot_be_opened_says_why_and_is_tried_again(bench: Bench) -> None:
    missing = BackendUnavailable("This system has no IPv6.")
    bench.refused = [missing]
    assert bench.engine.ready(Family.IPV6) is missing
    assert bench.engine.ready(Family.IPV6) is None
    assert bench.engine.ready(Family.IPV6) is None
    assert list(bench.channels) == [Family.IPV6]


def test_it_describes_the_sockets_that_are_open_in_a_fixed_order(bench: Bench) -> None:
    assert bench.engine.describe() == ""
    for family in (Family.IPV6, Family.IPV4):
        assert bench.engine.ready(family) is None
    assert bench.engine.describe() == "IPv4: pair; IPv6: pair"


def test_a_limit_is_kept_from_then_on(bench: Bench) -> None:
    assert bench.engine.ready(Family.IPV4) is None
    plan = TrainPlan(packets=1, interval_s=0.01, timeout_s=1.0)
    bench.engine.limit(500)
    train = bench.begin(plan, lines=100).wait()
    lasted_s = train.sent_at[99] - train.sent_at[0]
    assert lasted_s >= 0.07  # 100 packets at that pace take 0.2 s, less what the pace lets go together
    bench.engine.limit(None)
    assert bench.begin(plan, lines=100).wait().complete


def test_waiting_threads_do_not_hold_up_the_end_of_the_program(bench: Bench) -> None:
    thread = bench.engine._thread
    assert thread.daemon
    bench.engine.close()
    assert not thread.is_alive()
