"""Names to addresses."""

import asyncio
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest

from netstats_xl.probes.addresses import Address, SockAddr
from netstats_xl.probes.resolver import Resolution, Resolver, Unresolved, system_lookup


class ScriptedLookup:
    """Answers with what was set last for a name; counts the questions."""

    def __init__(self, **answers: str | Exception) -> None:
        self.answers: dict[str, str | Exception] = dict(answers)
        self.asked: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        """A look-up of such a name waits for its gate."""

    def __call__(self, host: str) -> Sequence[SockAddr]:
        self.asked.append(host)
        if host in self.gates:
            assert self.gates[host].wait(10)
        answer = self.answers[host]
        if isinstance(answer, Exception):
            raise answer
        return [(address, 0) for address in answer.split()]


class FakeTime:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def text(resolution: Resolution | None) -> str | None:
    """The address, or the reason in brackets."""
    if resolution is None:
        return None
    return f"({resolution.reason})" if isinstance(resolution, Unresolved) else resolution.text


def resolve(resolver: Resolver, host: str) -> str | None:
    return text(asyncio.run(resolver.resolve(host)))


class WatchedResolver(Resolver):
    """Tells when a look-up is over and its result is known."""

    def __init__(self, lookup: ScriptedLookup, now: FakeTime | None = None) -> None:
        self._finished = threading.Semaphore(0)
        super().__init__(lookup=lookup, monotonic=now or FakeTime(), keep_s=300, deadline_s=0.05)

    def _finish(self, host: str, found: tuple[Sequence[Address], Unresolved | None, bool]) -> None:
        super()._finish(host, found)
        self._finished.release()

    def wait_for_look_up(self) -> None:
        """Wait for one more look-up to be over."""
        assert self._finished.acquire(timeout=10)


def test_the_first_address_that_the_system_gives_is_used_and_kept() -> None:
    lookup, now = ScriptedLookup(a="10.0.0.1 10.0.0.2"), FakeTime()
    resolver = WatchedResolver(lookup, now)
    assert resolver.known("a") is None
    assert resolve(resolver, "a") == "10.0.0.1"
    now.now_s = 299
    assert resolve(resolver, "a") == "10.0.0.1"
    assert lookup.asked == ["a"]


def test_an_expired_address_is_used_while_it_is_looked_up_again() -> None:
    lookup, now = ScriptedLookup(a="10.0.0.1"), FakeTime()
    resolver = WatchedResolver(lookup, now)
    resolve(resolver, "a")
    resolver.wait_for_look_up()
    lookup.answers["a"], lookup.gates["a"] = "10.0.0.9", threading.Event()
    now.now_s = 301
    assert text(resolver.known("a")) == "10.0.0.1"
    assert text(resolver.known("a")) == "10.0.0.1"
    lookup.gates["a"].set()
    resolver.wait_for_look_up()
    assert text(resolver.known("a")) == "10.0.0.9"
    assert lookup.asked == ["a", "a"]


def test_a_name_keeps_its_address_while_the_name_server_still_gives_it() -> None:
    lookup, now = ScriptedLookup(a="10.0.0.1 10.0.0.2"), FakeTime()
    resolver = WatchedResolver(lookup, now)
    resolve(resolver, "a")
    resolver.wait_for_look_up()
    lookup.answers["a"] = "10.0.0.2 10.0.0.1"
    now.now_s = 301
    resolver.known("a")
    resolver.wait_for_look_up()
    assert text(resolver.known("a")) == "10.0.0.1"


def test_a_failure_is_kept_for_a_shorter_time_and_then_looked_up_anew() -> None:
    lookup, now = ScriptedLookup(a=socket.gaierror(socket.EAI_NONAME, "unknown")), FakeTime()
    resolver = Resolver(lookup=lookup, monotonic=now, keep_failure_s=30)
    assert resolve(resolver, "a") == "(no such name)"
    now.now_s = 29
    assert resolve(resolver, "a") == "(no such name)"
    assert lookup.asked == ["a"]
    lookup.answers["a"] = "10.0.0.1"
    now.now_s = 31
    assert resolve(resolver, "a") == "10.0.0.1"


def test_a_name_server_that_fails_leaves_the_address_in_use() -> None:
    lookup, now = ScriptedLookup(a="10.0.0.1"), FakeTime()
    resolver = WatchedResolver(lookup, now)
    resolve(resolver, "a")
    resolver.wait_for_look_up()
    lookup.answers["a"] = socket.gaierror(socket.EAI_AGAIN, "try again")
    now.now_s = 301
    resolver.known("a")
    resolver.wait_for_look_up()
    assert text(resolver.known("a")) == "10.0.0.1"


def test_a_name_that_is_gone_is_unresolved() -> None:
    lookup, now = ScriptedLookup(a="10.0.0.1"), FakeTime()
    resolver = WatchedResolver(lookup, now)
    resolve(resolver, "a")
    resolver.wait_for_look_up()
    lookup.answers["a"] = socket.gaierror(socket.EAI_NONAME, "unknown")
    now.now_s = 301
    resolver.known("a")
    resolver.wait_for_look_up()
    assert text(resolver.known("a")) == "(no such name)"


def test_a_slow_look_up_is_not_waited_for_but_fills_the_cache() -> None:
    lookup = ScriptedLookup(slow="10.0.0.1")
    lookup.gates["slow"] = threading.Event()
    resolver = WatchedResolver(lookup)
    assert resolve(resolver, "slow") == "(no answer from the name server within 0.05 s)"
    lookup.gates["slow"].set()
    resolver.wait_for_look_up()
    assert text(resolver.known("slow")) == "10.0.0.1"


def test_a_slow_name_holds_up_no_other_and_each_is_looked_up_once_at_a_time() -> None:
    lookup = ScriptedLookup(slow="10.0.0.1", quick="10.0.0.2")
    lookup.gates["slow"] = threading.Event()
    resolver = Resolver(lookup=lookup, threads=2, deadline_s=10)

    async def main() -> tuple[str | None, list[str | None]]:
        slow = [asyncio.ensure_future(resolver.resolve("slow")) for _ in range(3)]
        quick = text(await resolver.resolve("quick"))
        lookup.gates["slow"].set()
        return quick, [text(each) for each in await asyncio.gather(*slow)]

    assert asyncio.run(main()) == ("10.0.0.2", ["10.0.0.1"] * 3)
    assert sorted(lookup.asked) == ["quick", "slow"]


def test_names_that_failed_before_are_looked_up_after_the_others() -> None:
    lookup, now = (
        ScriptedLookup(first="10.0.0.1", dead=socket.gaierror(-2, "unknown"), new="10.0.0.3"),
        FakeTime(),
    )
    resolver = Resolver(lookup=lookup, monotonic=now, threads=1, keep_failure_s=30)
    resolve(resolver, "dead")
    lookup.gates["first"] = threading.Event()
    now.now_s = 31

    async def main() -> None:
        names = [asyncio.ensure_future(resolver.resolve(name)) for name in ("first", "dead", "new")]
        await asyncio.sleep(0)
        lookup.gates["first"].set()
        await asyncio.gather(*names)

    asyncio.run(main())
    assert lookup.asked == ["dead", "first", "new", "dead"]


def test_a_thousand_names_take_no_more_threads_than_allowed() -> None:
    names = {f"n{number}": "10.0.0.1" for number in range(1_000)}
    lookup, lock = ScriptedLookup(**names), threading.Lock()
    going_on, most = 0, 0

    def counting(host: str) -> Sequence[SockAddr]:
        nonlocal going_on, most
        with lock:
            going_on += 1
            most = max(most, going_on)
        found = lookup(host)
        with lock:
            going_on -= 1
        return found

    resolver = Resolver(lookup=counting, threads=4, deadline_s=10)

    async def main() -> list[Resolution]:
        return await asyncio.gather(*(resolver.resolve(name) for name in names))

    assert {text(each) for each in asyncio.run(main())} == {"10.0.0.1"}
    assert 1 <= most <= 4
    assert sorted(lookup.asked) == sorted(names)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "no such name"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "the name server gave no answer"),
        (socket.gaierror(socket.EAI_FAIL, "x"), "the name server failed"),
        (socket.gaierror(11001, "x"), "no such name"),
        (socket.gaierror(12345, "odd thing"), "the look-up failed: odd thing"),
        (UnicodeError("label too long"), "not a valid host name"),
        (OSError("broken"), "the look-up failed: broken"),
        (RuntimeError("surprise"), "the look-up failed: surprise"),
    ],
)
def test_each_failure_has_a_reason_in_words(error: Exception, reason: str) -> None:
    assert resolve(Resolver(lookup=ScriptedLookup(a=error)), "a") == f"({reason})"


def test_a_name_without_an_address_is_unresolved() -> None:
    assert resolve(Resolver(lookup=ScriptedLookup(a="")), "a") == "(the name has no address)"


def test_a_look_up_that_ends_after_its_event_loop_harms_nothing() -> None:
    lookup = ScriptedLookup(slow="10.0.0.1")
    lookup.gates["slow"] = threading.Event()
    resolver = WatchedResolver(lookup)

    async def give_up() -> None:
        asking = asyncio.ensure_future(resolver.resolve("slow"))
        await asyncio.sleep(0)
        asking.cancel()

    asyncio.run(give_up())
    lookup.gates["slow"].set()
    resolver.wait_for_look_up()
    assert text(resolver.known("slow")) == "10.0.0.1"


def test_the_system_knows_localhost() -> None:
    assert {sockaddr[0] for sockaddr in system_lookup("localhost")} <= {"127.0.0.1", "::1"}


def test_a_look_up_that_hangs_does_not_hold_up_the_end_of_the_program() -> None:
    program = (
        "import asyncio, threading\n"
        "from netstats_xl.probes.resolver import Resolver\n"
        "hang = lambda host: threading.Event().wait()\n"
        "print(asyncio.run(Resolver(lookup=hang, deadline_s=0.01).resolve('slow')).reason)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=30, check=True
    )
    assert "no answer from the name server" in done.stdout
