"""Which engine sends the echo requests on this computer."""

import asyncio
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

from netstats_xl.domain.results import Replied
from netstats_xl.domain.targets import EchoSettings, Engine
from netstats_xl.errors import BackendUnavailable, ConfigurationError, ProbeEngineError
from netstats_xl.ports import Prober, ProbeTarget
from netstats_xl.probes.echo_socket import Mode, open_echo_socket
from netstats_xl.probes.icmp import IcmpProber, open_socket_engine

ENGINE_VARIABLE = "NETSTATS_XL_ENGINE"
"""Names an engine, which goes before that of the Settings sheet. It is inherited by the probing process."""

_SELF_TEST = EchoSettings(packets=1, timeout_ms=1_000)
_SELF_TEST_WITHIN_S = 3.0
"""Longer than its timeout: an engine that never answers is none."""


def engine_in_force(setting: Engine) -> Engine:
    """The engine that the environment names, or else that of the Settings sheet.

    Raises:
        ConfigurationError: the environment names none that there is.
    """
    word = os.environ.get(ENGINE_VARIABLE, "").strip().casefold()
    if not word:
        return setting
    try:
        return Engine(word)
    except ValueError as error:
        raise ConfigurationError(
            f"The environment variable {ENGINE_VARIABLE} is {word[:40]!r}, and there is no such engine: set it to one "
            f"of {', '.join(Engine)}, or delete it."
        ) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoEngines:
    """What a computer offers."""

    platform: str
    """As `sys.platform` tells it."""
    is_elevated: Callable[[], bool]
    """Whether this program has an administrator's rights (Windows)."""
    open_sockets: Callable[[Sequence[Engine]], Prober]
    """Sockets of the first of these kinds that the system grants.

    Raises:
        ProbeEngineError: it grants none.
    """
    open_service: Callable[[], Prober]
    """Windows' echo service.

    Raises:
        ProbeEngineError: it is not there.
    """

    def open(self, engine: Engine) -> Prober:
        """The engine that was asked for.

        Raises:
            PrivilegeMissing: this user may not use it; the message says what to do.
            BackendUnavailable: this system does not have it.
        """
        match engine:
            case Engine.AUTOMATIC:
                return self._open_best()
            case Engine.WINDOWS:
                if self.platform != "win32":
                    raise _not_here(engine, "Windows")
                return self.open_service()
            case Engine.DATAGRAM if self.platform == "win32":
                raise _not_here(engine, "Linux and macOS")
            case _:
                return self.open_sockets((engine,))

    def _open_best(self) -> Prober:
        if self.platform != "win32":
            return self.open_sockets((Engine.RAW, Engine.DATAGRAM))
        if self.is_elevated() and passes_self_test(lambda: self.open_sockets((Engine.RAW,))):
            return self.open_sockets((Engine.RAW,))
        return self.open_service()


def passes_self_test(open_prober: Callable[[], Prober]) -> bool:
    """Whether this computer answers itself through such a prober: a firewall may keep replies from raw sockets.

    It runs on an event loop and in a thread of its own, as the caller's loop may be running.
    """

    async def ask() -> bool:
        prober = open_prober()
        try:
            target = ProbeTarget(destination_id="self-test", host="127.0.0.1")
            (result,) = await asyncio.wait_for(prober.probe([target], _SELF_TEST), _SELF_TEST_WITHIN_S)
            return isinstance(result.outcome, Replied)
        finally:
            await prober.close()

    def run() -> bool:
        with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
            return runner.run(ask())

    with ThreadPoolExecutor(1, thread_name_prefix="netstats-self-test") as thread:
        try:
            return thread.submit(run).result()
        except (ProbeEngineError, TimeoutError):
            return False


def open_echo_prober(engine: Engine) -> Prober:
    """What sends echo requests on this computer.

    Raises:
        ConfigurationError: the environment names an engine that there is not.
        PrivilegeMissing: this user may not use it; the message says what to do.
        BackendUnavailable: this system does not have it.
    """
    here = EchoEngines(
        platform=sys.platform,
        is_elevated=_is_elevated,
        open_sockets=_open_sockets,
        open_service=_open_service,
    )
    return here.open(engine_in_force(engine))


def _open_sockets(kinds: Sequence[Engine]) -> Prober:
    open_channel = partial(open_echo_socket, modes=tuple(Mode(kind) for kind in kinds))
    return IcmpProber.open(open_engine=partial(open_socket_engine, open_channel=open_channel))


def _open_service() -> Prober:
    from netstats_xl.probes.icmp_windows import open_windows_engine

    return IcmpProber.open(open_engine=open_windows_engine)


def _is_elevated() -> bool:
    if sys.platform != "win32":
        return False
    import ctypes

    return bool(ctypes.windll.shell32.IsUserAnAdmin())


def _not_here(engine: Engine, where: str) -> BackendUnavailable:
    return BackendUnavailable(
        f"The engine {engine.value!r} exists on {where} alone. Choose another Echo engine on the sheet Settings, or "
        f"in the environment variable {ENGINE_VARIABLE}; blank means the best one that there is."
    )
