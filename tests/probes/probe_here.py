"""Probes once and prints what it found as JSON: run as a program of its own inside a network lab.

    probe_here.py '{"hosts": [...], "modes": ["raw"], "echo": {...}, "busy": false}'

With `busy`, another thread keeps the interpreter busy meanwhile.
"""

import asyncio
import json
import sys
import threading
from dataclasses import asdict
from functools import partial

from netstats_xl.domain.targets import EchoSettings
from netstats_xl.errors import ProbeEngineError
from netstats_xl.ports import ProbeTarget
from netstats_xl.probes.echo_socket import Mode, open_echo_socket
from netstats_xl.probes.icmp import IcmpProber


async def probe(order: dict[str, object], hosts: list[str], modes: list[str]) -> dict[str, object]:
    prober = IcmpProber(open_channel=partial(open_echo_socket, modes=[Mode(mode) for mode in modes]))
    try:
        prober.check_privilege()
    except ProbeEngineError as error:
        return {"error": error.code, "message": error.message}
    results = await prober.probe(
        [ProbeTarget(destination_id=host, host=host) for host in hosts],
        EchoSettings.model_validate(order.get("echo", {})),
    )
    described = prober.describe()
    await prober.close()
    return {
        "described": described,
        "outcomes": {
            result.destination_id: {"kind": type(result.outcome).__name__, **asdict(result.outcome)}
            for result in results
        },
    }


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
        found = runner.run(probe(order, order["hosts"], order.get("modes", ["raw", "datagram"])))
    stop.set()
    print(json.dumps(found))


if __name__ == "__main__":
    main()
