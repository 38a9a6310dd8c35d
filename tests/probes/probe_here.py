"""Probes and traces, and prints what it found as JSON: run as a program of its own inside a network lab.

    probe_here.py '{"hosts": [...], "modes": ["raw"], "echo": {...}, "rounds": 1, "names": {...}, "busy": false}'
    probe_here.py '{"trace": "10.77.0.5", "modes": ["raw"], "settings": {...}}'

It prints a line a round, and before each round but the first it waits for a line on its input. `names` gives each name
the addresses that its look-ups find in turn, the last one for ever; null: that look-up lasts 30 s. No other name is
looked up. With `busy`, other threads keep the interpreter busy meanwhile.
"""

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass, is_dataclass
from functools import partial
from typing import Any

from netstats_xl.domain.results import Outcome, Replied
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.targets import EchoSettings, TraceSettings
from netstats_xl.errors import ProbeEngineError
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes.addresses import SockAddr
from netstats_xl.probes.echo_socket import Mode, open_echo_socket
from netstats_xl.probes.icmp import IcmpProber, open_socket_engine
from netstats_xl.probes.resolver import Resolver

_LOOK_UP_WITHIN_S = 0.5
_SLOW_S = 30.0


@dataclass(slots=True)
class Names:
    """A name server of the test's own."""

    script: dict[str, list[list[str] | None]]

    def look_up(self, host: str) -> Sequence[SockAddr]:
        answers = self.script.get(host)
        if answers is None:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        found = answers.pop(0) if len(answers) > 1 else answers[0]
        if found is None:
            threading.Event().wait(_SLOW_S)
            return []
        return [(each, 0, 0, 0) if ":" in each else (each, 0) for each in found]


def outcome_as_json(outcome: Outcome) -> dict[str, Any]:
    if isinstance(outcome, Replied):
        return {"kind": "Replied", "address": outcome.address, "rtts_ms": outcome.rtts_ms}
    assert is_dataclass(outcome)
    return {"kind": type(outcome).__name__, **asdict(outcome)}


async def probe(prober: IcmpProber, order: dict[str, Any]) -> None:
    targets = [ProbeTarget(destination_id=host, host=host) for host in order["hosts"]]
    settings = EchoSettings.model_validate(order.get("echo", {}))
    for number in range(order.get("rounds", 1)):
        if number:
            await asyncio.to_thread(sys.stdin.readline)
        results = await prober.probe(targets, settings)
        found = {
            "described": prober.describe(),
            "outcomes": {each.destination_id: outcome_as_json(each.outcome) for each in results},
            "strays": {each.destination_id: asdict(each.strays) for each in results},
        }
        print(json.dumps(found), flush=True)


async def trace(prober: IcmpProber, order: dict[str, Any]) -> None:
    found = await prober.trace(order["trace"], TraceSettings.model_validate(order.get("settings", {})))
    shown = asdict(found) if isinstance(found, Trace) else outcome_as_json(found)
    print(json.dumps(shown), flush=True)


async def carry_out(order: dict[str, Any]) -> None:
    modes = [Mode(mode) for mode in order.get("modes", ["raw", "datagram"])]
    prober = IcmpProber(
        # What is known of a name has expired when the next round asks for it.
        resolver=Resolver(
            lookup=Names(order.get("names", {})).look_up,
            deadline_s=_LOOK_UP_WITHIN_S,
            keep_s=0,
            keep_failure_s=0,
        ),
        open_engine=partial(open_socket_engine, open_channel=partial(open_echo_socket, modes=modes)),
    )
    try:
        prober.check_privilege()
    except ProbeEngineError as error:
        print(json.dumps({"error": error.code, "message": error.message}), flush=True)
    else:
        await (trace(prober, order) if "trace" in order else probe(prober, order))
    await prober.close()


def keep_busy(stop: threading.Event) -> None:
    """Hold the interpreter's lock as long as it lets a thread."""
    while not stop.is_set():
        sum(range(10_000))


def main() -> None:
    order = json.loads(sys.argv[1])
    stop = threading.Event()
    if order.get("busy"):
        for _ in range(3):
            threading.Thread(target=keep_busy, args=(stop,), daemon=True).start()
    with asyncio.Runner(loop_factory=asyncio.SelectorEventLoop) as runner:
        runner.run(carry_out(order))
    stop.set()


if __name__ == "__main__":
    main()
