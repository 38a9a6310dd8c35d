"""A round of icmplib's `async_multiping`, in a process that does nothing else.

echo '["127.0.0.1"]' | python -m benchmarks.probing.multiping 5
"""

import asyncio
import json
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from icmplib import async_multiping

from benchmarks.probing.rounds import Round

INTERVAL_S = 0.1
"""Between the packets to one address: icmplib's own second would make a round of 1,000 last 80 s, at the same CPU."""


def multiping(addresses: Sequence[str], *, packets: int, prefix: Sequence[str] = ()) -> Round:
    """Make a round as icmplib makes it by itself, 50 addresses at a time."""
    done = subprocess.run(
        [*prefix, sys.executable, "-m", "benchmarks.probing.multiping", str(packets)],
        input=json.dumps(list(addresses)),
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    found = json.loads(done.stdout)
    received = dict(zip(addresses, found.pop("rtts_ms"), strict=True))
    # Of a packet that was lost icmplib does not say which one it was.
    rtts_ms = {address: (*rtts, *[None] * (packets - len(rtts))) for address, rtts in received.items()}
    return Round(rtts_ms=rtts_ms, **found)


def main() -> None:
    addresses, packets = json.load(sys.stdin), int(sys.argv[1])
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    hosts = asyncio.run(
        async_multiping(addresses, count=packets, interval=INTERVAL_S, timeout=1, privileged=True)
    )
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    found = {
        "wall_s": ended - began,
        "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "rtts_ms": [host.rtts for host in hosts],
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
