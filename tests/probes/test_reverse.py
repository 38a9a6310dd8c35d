"""The names of addresses: off the probing path, cached, and waited for only so long."""

import asyncio
import socket
import threading

import pytest

from netstats_xl.probes.reverse import ReverseNames, system_lookup
from tests.contracts.prober import on_selector_loop

NAMES = {"10.0.0.1": "gate.example", "10.0.0.2": "core.example"}


class Asked:
    """A name server that counts."""

    def __init__(self) -> None:
        self.addresses: list[str] = []

    def lookup(self, address: str) -> str:
        self.addresses.append(address)
        if address not in NAMES:
            raise OSError("no such name")
        return NAMES[address]


def test_addresses_with_a_name_have_it_and_the_others_are_left_out() -> None:
    asked = Asked()

    async def main() -> dict[str, str]:
        return await ReverseNames(lookup=asked.lookup).names_of(
            ["10.0.0.2", "10.0.0.9", "10.0.0.1", "10.0.0.2"]
        )

    assert on_selector_loop(main()) == NAMES
    assert sorted(asked.addresses) == ["10.0.0.1", "10.0.0.2", "10.0.0.9"]


def test_no_addresses_have_no_names() -> None:
    async def main() -> dict[str, str]:
        return await ReverseNames(lookup=Asked().lookup).names_of([])

    assert on_selector_loop(main()) == {}


def test_a_name_or_the_lack_of_one_is_believed_for_a_while() -> None:
    asked, clock = Asked(), [0.0]

    async def main() -> None:
        names = ReverseNames(lookup=asked.lookup, monotonic=lambda: clock[0], keep_s=100)
        for at, count in ((0.0, 2), (99.0, 2), (101.0, 4)):
            clock[0] = at
            assert await names.names_of(["10.0.0.1", "10.0.0.9"]) == {"10.0.0.1": "gate.example"}
            assert len(asked.addresses) == count

    on_selector_loop(main())


def test_a_slow_look_up_holds_nothing_up_and_is_known_the_next_time() -> None:
    release, looked_up = threading.Event(), threading.Event()

    def slow(address: str) -> str:
        if address == "10.0.0.1":
            release.wait(10)
            looked_up.set()
        return NAMES[address]

    async def main() -> None:
        names = ReverseNames(lookup=slow, deadline_s=0.05)
        assert await names.names_of(["10.0.0.1", "10.0.0.2"]) == {"10.0.0.2": "core.example"}
        release.set()
        await asyncio.to_thread(looked_up.wait, 10)
        for _ in range(1_000):
            if len(found := await names.names_of(["10.0.0.1"])) == 1:
                break
        assert found == {"10.0.0.1": "gate.example"}

    on_selector_loop(main())


def test_no_more_look_ups_than_allowed_go_on_at_once() -> None:
    release = threading.Event()
    lock, now, most = threading.Lock(), [0], [0]

    def watched(address: str) -> str:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        release.wait(10)
        with lock:
            now[0] -= 1
        return f"name-{address}"

    async def main() -> None:
        names = ReverseNames(lookup=watched, deadline_s=5, most_at_once=3)
        hosts = [f"10.0.0.{n}" for n in range(10)]
        asyncio.get_running_loop().call_later(0.01, release.set)
        assert len(await names.names_of(hosts)) == 10

    on_selector_loop(main())
    assert most == [3]


def test_whatever_a_look_up_raises_there_is_no_name() -> None:
    def broken(_address: str) -> str:
        raise UnicodeError("a label is empty")

    async def main() -> dict[str, str]:
        return await ReverseNames(lookup=broken).names_of(["10.0.0.1"])

    assert on_selector_loop(main()) == {}


def test_a_look_up_that_outlives_its_loop_disturbs_nobody() -> None:
    release = threading.Event()
    threads: list[threading.Thread] = []

    def hanging(_address: str) -> str:
        threads.append(threading.current_thread())
        release.wait(10)
        return "late.example"

    async def main() -> dict[str, str]:
        return await ReverseNames(lookup=hanging, deadline_s=0.05).names_of(["10.0.0.1"])

    assert on_selector_loop(main()) == {}
    release.set()
    threads[0].join(10)
    assert not threads[0].is_alive()


def test_the_system_is_asked_for_the_name_of_an_address(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[object, int]] = []

    def getnameinfo(sockaddr: object, flags: int) -> tuple[str, str]:
        asked.append((sockaddr, flags))
        return "gate.example", "0"

    monkeypatch.setattr(socket, "getnameinfo", getnameinfo)
    assert system_lookup("10.0.0.1") == "gate.example"
    assert asked == [(("10.0.0.1", 0), socket.NI_NAMEREQD)]
    with pytest.raises(OSError, match="no address"):
        system_lookup("gate.example")


def test_more_addresses_than_threads_all_have_their_names_at_once() -> None:
    many = {f"10.1.0.{last}": f"router-{last}.example" for last in range(1, 41)}

    async def main() -> None:
        names = ReverseNames(lookup=many.__getitem__, deadline_s=10, most_at_once=4)
        assert await names.names_of(many) == many

    on_selector_loop(main())


def test_an_address_that_two_ask_for_at_once_is_looked_up_once() -> None:
    asked = Asked()

    async def main() -> None:
        names = ReverseNames(lookup=asked.lookup, deadline_s=10)
        both = await asyncio.gather(names.names_of(["10.0.0.1"]), names.names_of(["10.0.0.1"]))
        assert list(both) == [{"10.0.0.1": "gate.example"}] * 2
        assert asked.addresses == ["10.0.0.1"]

    on_selector_loop(main())
