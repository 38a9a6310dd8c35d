"""How long a click on the ribbon takes, beside what `RunPython` would take for its imports alone, in one run.

    python benchmarks/ribbon.py [--full] [--json]

A click is an HTTP request to a companion in another process, from its connection to the end of its answer, each on
a connection of its own, as `MSXML2.ServerXMLHTTP` sends it; the service behind it is one in memory. `RunPython` is
the command line of xlwings' VBA (`ExecuteWindows` in its Main.bas, without its `cmd /C cd`), a new process each: it
is let off what would be left to do once the imports are made. Both in turn; the median of each is compared.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

sys.path.insert(0, str(Path(__file__).parent.parent))  # for the tests' service, when this is run as a script

from netstats_xl.control.credentials import Endpoint, read_endpoint

GOAL_TIMES = 20
HERE = Path(__file__).parent.parent
RUN_PYTHON = (
    sys.executable,
    "-B",
    "-c",
    f"import xlwings.utils;xlwings.utils.prepare_sys_path({str(HERE)!r}); import netstats_xl.ribbon",
)
SERVE = """
import sys
from pathlib import Path
from netstats_xl.control.server import ControlServer
from tests.fakes.service import NOW, FakeService
service = FakeService()
for number in range(50):
    service.write_destination({"name": f"Host {number}", "host": f"127.0.1.{number + 1}"})
with ControlServer(service, endpoint=Path(sys.argv[1]), workbook="W", database="D", started_at=NOW):
    print("ready", flush=True)
    sys.stdin.read()
"""
CLICKS: dict[str, tuple[str, str, bytes]] = {
    "state (GET /v1/health)": ("GET", "/v1/health", b""),
    "Refresh now (POST /v1/refresh)": ("POST", "/v1/refresh", b""),
    "Test now (POST .../test)": ("POST", "/v1/destinations/test", b'{"names": ["Host 1", "Host 2"]}'),
}


def click(endpoint: Endpoint, method: str, path: str, body: bytes) -> None:
    address = urlsplit(endpoint.url)
    connection = HTTPConnection(address.hostname or "", address.port, timeout=10)
    headers = {"Authorization": f"Bearer {endpoint.token}", "Accept": "text/plain"}
    connection.request(method, path, body or None, headers | {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 200 or not answer:
        raise SystemExit(f"{method} {path} was answered with {response.status}: {answer.decode()}")


def milliseconds(action: Callable[[], object]) -> float:
    start_s = time.perf_counter()
    action()
    return 1_000 * (time.perf_counter() - start_s)


def median(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]


def measured(endpoint: Endpoint, rounds: int) -> tuple[dict[str, list[float]], list[float]]:
    clicks: dict[str, list[float]] = {name: [] for name in CLICKS}
    imports: list[float] = []
    for _ in range(rounds):
        imports.append(milliseconds(partial(subprocess.run, RUN_PYTHON, check=True, cwd=HERE)))
        for _ in range(10):
            for name, request in CLICKS.items():
                clicks[name].append(milliseconds(partial(click, endpoint, *request)))
    return clicks, imports


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="more repetitions")
    parser.add_argument("--json", action="store_true", help="one JSON object as the last line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "endpoint.txt"
        command = [sys.executable, "-c", SERVE, str(path)]
        with subprocess.Popen(
            command, cwd=HERE, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as server:
            assert server.stdout is not None
            server.stdout.readline()
            endpoint = read_endpoint(path)
            assert endpoint is not None, "the server tells where it is"
            clicks, imports = measured(endpoint, 30 if arguments.full else 8)
            server.communicate()
    print(f"{'what':<34}{'least (ms)':>12}{'median (ms)':>13}{'times less':>12}")
    peer = median(imports)
    print(f"{'RunPython (imports)':<34}{min(imports):>12.1f}{peer:>13.1f}")
    for name, each in clicks.items():
        print(f"{name:<34}{min(each):>12.2f}{median(each):>13.2f}{peer / median(each):>12.0f}")
    times = peer / max(median(each) for each in clicks.values())
    print(f"The slowest click takes {times:.0f} times less than the imports alone (goal: {GOAL_TIMES} times)")
    if arguments.json:
        value = round(times, 1)
        print(
            json.dumps(
                {"ribbon_click_times_less": {"value": value, "goal": GOAL_TIMES, "met": value >= GOAL_TIMES}}
            )
        )


if __name__ == "__main__":
    main()
