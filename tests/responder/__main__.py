"""`python -m tests.responder DEVICE PACKET_BYTES`: plays the network behind a new TUN device.

It reads one JSON object a line on standard input and answers each with one on standard output:

    {"hosts": {"10.77.0.5": {"delay_ms": 5, ...}}}    set these hosts, leave the others    -> {"ok": true}
    {"counts": true}                                  what was seen so far                 -> {address: ...}
    {"arrived": true}                                 with which marks requests came       -> {address: [...]}
    {"log": true}                                     note each reply from now on          -> {"ok": true}
    {"take_log": true}                                what was noted; the log is emptied   -> {"sources": ...}
    {"cpu": true}                                     its own CPU time so far, s           -> {"cpu_s": ...}

It ends with its standard input.
"""

import fcntl
import gc
import json
import os
import select
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

from tests.responder.network import Network
from tests.responder.settings import parse_host

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


def open_device(name: str) -> int:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(device, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    return device


def answer(network: Network, line: bytes) -> object:
    command = json.loads(line)
    if "hosts" in command:
        network.set_hosts({name: parse_host(settings) for name, settings in command["hosts"].items()})
    elif "log" in command:
        network.set_log(command["log"])
    elif "counts" in command:
        return network.counts()
    elif "arrived" in command:
        return {name: list(played.arrived().items()) for name, played in network.names.items()}
    elif "take_log" in command:
        return network.take_log()
    elif "cpu" in command:
        return {"cpu_s": time.process_time()}
    return {"ok": True}


def be_punctual() -> None:
    """Replies are to be on time also while the machine is busy."""
    os.nice(-20)
    with suppress(PermissionError):  # some containers forbid it
        # Niceness counts within a session alone where the kernel groups processes by it, as Debian's does.
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(1))
    Path("/proc/self/timerslack_ns").write_text(
        "1", encoding="ascii"
    )  # the kernel wakes 50 us late otherwise
    gc.disable()  # nothing here makes cycles


def main() -> None:
    be_punctual()
    device = open_device(sys.argv[1])
    network = Network(device, int(sys.argv[2]))
    print(json.dumps({"ready": True}), flush=True)
    unread = b""
    while True:
        readable, _, _ = select.select([device, 0], [], [], network.deliver())
        if device in readable:
            network.drain()
        if 0 in readable:
            received = os.read(0, 65_536)
            if not received:
                return
            *lines, unread = (unread + received).split(b"\n")
            for line in lines:
                print(json.dumps(answer(network, line)), flush=True)


if __name__ == "__main__":
    main()
