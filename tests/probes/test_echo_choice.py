"""Which engine a computer gets, with its offers played."""

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NoReturn

import pytest

from netstats_xl.domain.results import Outcome, Timeout
from netstats_xl.domain.targets import Engine
from netstats_xl.errors import BackendUnavailable, ConfigurationError, PrivilegeMissing
from netstats_xl.ports import Prober
from netstats_xl.probes import choice, echo_choice, icmp_windows
from netstats_xl.probes.addresses import Family
from netstats_xl.probes.echo_choice import (
    ENGINE_VARIABLE,
    EchoEngines,
    engine_in_force,
    open_echo_prober,
    passes_self_test,
)
from netstats_xl.probes.echo_socket import Mode
from tests.fakes.scripted_network import ScriptedProber, ScriptedRound, replied

WINDOWS, LINUX, MACOS = "win32", "linux", "darwin"
RAW, DATAGRAM = Engine.RAW, Engine.DATAGRAM
REPLY = replied(0.1)


@dataclass
class Computer:
    """What one offers, and what was opened on it."""

    platform: str = LINUX
    elevated: bool = False
    answer: Outcome = REPLY
    granted: Sequence[Engine] = (RAW, DATAGRAM)
    opened: list[Sequence[Engine] | str] = field(default_factory=list)
    probers: list[ScriptedProber] = field(default_factory=list)

    def open(self, engine: Engine = Engine.AUTOMATIC) -> Prober:
        engines = EchoEngines(
            platform=self.platform,
            is_elevated=lambda: self.elevated,
            open_sockets=self._open_sockets,
            open_service=self._open_service,
        )
        return engines.open(engine)

    def _open_sockets(self, kinds: Sequence[Engine]) -> Prober:
        self.opened.append(tuple(kinds))
        if not set(kinds) & set(self.granted):
            raise PrivilegeMissing("This user may not send ICMP echo requests.")
        self.probers.append(ScriptedProber({"127.0.0.1": self.answer}))
        return self.probers[-1]

    def _open_service(self) -> Prober:
        self.opened.append("service")
        self.probers.append(ScriptedProber())
        return self.probers[-1]


@pytest.mark.parametrize("platform", [LINUX, MACOS])
def test_elsewhere_the_best_engine_is_a_raw_socket_or_else_a_datagram_socket(platform: str) -> None:
    computer = Computer(platform, elevated=True)
    assert computer.open() is computer.probers[-1]
    assert computer.opened == [(RAW, DATAGRAM)]


def test_on_windows_the_best_engine_without_an_administrators_rights_is_the_service() -> None:
    computer = Computer(WINDOWS)
    assert computer.open() is computer.probers[-1]
    assert computer.opened == ["service"]


def test_on_windows_the_best_engine_of_an_elevated_program_is_a_raw_socket_that_was_tried() -> None:
    computer = Computer(WINDOWS, elevated=True)
    opened = computer.open()
    tried, used = computer.probers
    assert opened is used
    assert (tried.closed, used.closed) == (True, False)
    (asked,) = tried.rounds
    assert [target.host for target in asked.targets] == ["127.0.0.1"]
    assert (asked.settings.packets, asked.settings.timeout_ms) == (1, 1_000)
    assert computer.opened == [(RAW,), (RAW,)]


@pytest.mark.parametrize(
    "computer",
    [
        Computer(WINDOWS, elevated=True, answer=Timeout(address="127.0.0.1", sent=1)),
        Computer(WINDOWS, elevated=True, granted=()),
    ],
    ids=["its replies are kept away", "it is refused"],
)
def test_on_windows_a_raw_socket_that_does_not_work_gives_way_to_the_service(computer: Computer) -> None:
    assert computer.open() is computer.probers[-1]
    assert computer.opened == [(RAW,), "service"]
    assert all(tried.closed for tried in computer.probers[:-1])


def test_an_engine_that_never_answers_fails_the_self_test(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(echo_choice, "_SELF_TEST_WITHIN_S", 0.01)

    async def for_ever(asked: ScriptedRound) -> None:
        await asyncio.Event().wait()

    prober = ScriptedProber({"127.0.0.1": replied(0.1)}, before_round=for_ever)
    assert not passes_self_test(lambda: prober)
    assert prober.closed


def test_the_self_test_runs_beside_an_event_loop_that_is_at_work() -> None:
    async def main() -> bool:
        return passes_self_test(lambda: ScriptedProber({"127.0.0.1": replied(0.1)}))

    assert asyncio.run(main())


@pytest.mark.parametrize(
    ("platform", "engine", "opened"),
    [
        (WINDOWS, RAW, (RAW,)),
        (LINUX, RAW, (RAW,)),
        (LINUX, DATAGRAM, (DATAGRAM,)),
        (MACOS, DATAGRAM, (DATAGRAM,)),
        (WINDOWS, Engine.WINDOWS, "service"),
    ],
)
def test_an_engine_that_is_asked_for_is_used_and_no_other(
    platform: str, engine: Engine, opened: Sequence[Engine] | str
) -> None:
    computer = Computer(platform, elevated=True)
    computer.open(engine)
    assert computer.opened == [opened]


def test_an_engine_that_is_asked_for_and_not_granted_is_an_error() -> None:
    with pytest.raises(PrivilegeMissing):
        Computer(LINUX, granted=(DATAGRAM,)).open(RAW)


@pytest.mark.parametrize(
    ("platform", "engine", "where"),
    [
        (LINUX, Engine.WINDOWS, "exists on Windows alone"),
        (WINDOWS, DATAGRAM, "exists on Linux and macOS alone"),
    ],
)
def test_an_engine_of_another_system_is_refused_with_the_remedy(
    platform: str, engine: Engine, where: str
) -> None:
    computer = Computer(platform)
    with pytest.raises(BackendUnavailable, match=where) as refused:
        computer.open(engine)
    assert "Settings" in refused.value.message
    assert computer.opened == []


@pytest.mark.parametrize("word", [*Engine, "RAW", " Windows "])
def test_the_environment_goes_before_the_setting(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, word)
    assert engine_in_force(DATAGRAM) is Engine(word.strip().lower())


@pytest.mark.parametrize("blank", [None, "", " "])
def test_without_a_word_in_the_environment_the_setting_holds(
    blank: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    if blank is not None:
        monkeypatch.setenv(ENGINE_VARIABLE, blank)
    assert engine_in_force(DATAGRAM) is DATAGRAM


def test_a_word_that_is_no_engine_is_refused_with_the_choices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ENGINE_VARIABLE, "fast")
    with pytest.raises(ConfigurationError, match=r"'fast'.* one of automatic, raw, datagram, windows"):
        open_echo_prober(Engine.AUTOMATIC)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows cannot be taken for Linux: it lacks its clocks")
def test_this_computers_engines_are_opened_as_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sockets and the service themselves are the business of the engines' own tests."""
    asked: list[Sequence[Mode]] = []

    def refuse_service(packets_per_second: float | None) -> NoReturn:
        raise BackendUnavailable("Windows' echo service was asked for.")

    def refuse(family: Family, modes: Sequence[Mode]) -> NoReturn:
        asked.append(modes)
        raise PrivilegeMissing("This user may not send ICMP echo requests.")

    monkeypatch.setattr(echo_choice, "open_echo_socket", refuse)
    monkeypatch.setattr(icmp_windows, "open_windows_engine", refuse_service)
    monkeypatch.delenv(ENGINE_VARIABLE, raising=False)
    monkeypatch.setattr(sys, "platform", LINUX)
    with pytest.raises(PrivilegeMissing):
        choice.open_prober()
    assert asked == [(Mode.RAW, Mode.DATAGRAM)] * len(Family)
    with pytest.raises(PrivilegeMissing):
        choice.open_prober(DATAGRAM)
    assert asked[-1] == (Mode.DATAGRAM,)
    monkeypatch.setattr(sys, "platform", WINDOWS)
    monkeypatch.setattr(echo_choice, "_is_elevated", lambda: False)
    with pytest.raises(BackendUnavailable, match="echo service was asked for"):
        choice.open_prober()


@pytest.mark.skipif(sys.platform == "win32", reason="there an elevated program says otherwise")
def test_nobody_is_elevated_elsewhere() -> None:
    assert not echo_choice._is_elevated()
