"""`mtu` and `sweep`: the way to a host tested now, by the collector at work or right here."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from netstats_xl import wiring
from netstats_xl.app.path_tests import OnSize, host_of, parse_sizes, path_mtu, payload_sweep
from netstats_xl.commands.asking import parsed, say, takes_any_character
from netstats_xl.commands.here import defined_here
from netstats_xl.control.client import ControlClient
from netstats_xl.control.path_answers import MtuAnswer, SweepAnswer
from netstats_xl.domain.targets import Definitions, Settings
from netstats_xl.errors import CompanionNotRunning
from netstats_xl.ports import Prober

Json = Mapping[str, Any]
Found = TypeVar("Found")


def mtu(host: str, workbook: Path | None, *, as_json: bool) -> int:
    """Find the path MTU to a destination or a host; 1 where it was not found, else 0."""

    async def test(prober: Prober, address: str, on_size: OnSize) -> Json:
        return MtuAnswer.of(await path_mtu(prober, address, on_size=on_size)).model_dump(mode="json")

    found = _found(host, workbook, ask=lambda client: client.path_mtu(host), test=test)
    _tell(found, as_json=as_json)
    return 0 if found["mtu"] is not None else 1


def sweep(host: str, sizes: str, workbook: Path | None, *, as_json: bool) -> int:
    """Loss and RTT of a destination or a host by payload size; 1 where it answers none, else 0."""
    wanted: Sequence[int] = parsed(parse_sizes, sizes, "--sizes")

    async def test(prober: Prober, address: str, on_size: OnSize) -> Json:
        swept = await payload_sweep(prober, address, wanted, on_size=on_size)
        return SweepAnswer.of(swept).model_dump(mode="json")

    found = _found(host, workbook, ask=lambda client: client.sweep(host, wanted), test=test)
    if not as_json:
        Console().print(_table(found["sizes"]))
    _tell(found, as_json=as_json)
    return 0 if any(each["received"] for each in found["sizes"]) else 1


def _found(
    host: str,
    workbook: Path | None,
    *,
    ask: Callable[[ControlClient], Json],
    test: Callable[[Prober, str, OnSize], Awaitable[Json]],
) -> Json:
    """What a test finds; what goes on is shown on the terminal meanwhile."""
    # As it is typed: rich would take brackets for its markup.
    with Console(stderr=True).status(Text(f"Testing the way to {host} ...")) as status:
        try:
            with wiring.find_companion(workbook) as client:
                return ask(client)
        except CompanionNotRunning:
            definitions, settings = defined_here(workbook)

        def show(payload_bytes: int, passed: bool) -> None:
            told = "answered" if passed else "not answered"
            status.update(Text(f"Testing the way to {host}: {payload_bytes:,} bytes of payload {told} ..."))

        address = host_of(definitions, host)
        prober = wiring.open_prober(Definitions(), settings.engine)
        return asyncio.run(_limited(prober, settings, test(prober, address, show)))


async def _limited(prober: Prober, settings: Settings, test: Awaitable[Found]) -> Found:
    try:
        await prober.limit(settings.packets_per_second)
        return await test
    finally:
        await prober.close()


def _tell(found: Json, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(found, ensure_ascii=not takes_any_character()))
    else:
        say(found["message"])


def _table(sizes: Sequence[Json]) -> Table:
    table = Table(header_style="bold")
    for heading in ("Payload (bytes)", "Sent", "Loss (%)", "Min (ms)", "Mean (ms)", "Max (ms)"):
        table.add_column(heading, justify="right")
    table.add_column("No reply because", overflow="fold")
    for each in sizes:
        rtts = (each[key] for key in ("rtt_min_ms", "rtt_mean_ms", "rtt_max_ms"))
        table.add_row(
            f"{each['payload_bytes']:,}",
            str(each["sent"]),
            "" if each["loss_percent"] is None else f"{each['loss_percent']:g}",
            *("" if rtt is None else f"{rtt:.3f}" for rtt in rtts),
            Text(each["reason"]),
        )
    return table
