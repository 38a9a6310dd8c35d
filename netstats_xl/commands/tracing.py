"""`trace`: the route to a host hop by hop, as mtr shows it, found by the collector at work or right here."""

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from netstats_xl import wiring
from netstats_xl.app.path_tests import host_of
from netstats_xl.app.service import TraceResult
from netstats_xl.commands.asking import takes_any_character
from netstats_xl.commands.here import defined_here
from netstats_xl.control.client import ControlClient
from netstats_xl.control.route_answers import HopPart, RoutePart
from netstats_xl.domain.routes import HopStatistics, RttStatistics, merge_hops
from netstats_xl.domain.targets import Definitions, TraceSettings
from netstats_xl.errors import CompanionNotRunning, NotFound

ROUNDS_AT_ONCE = 3
"""The table grows after so many; with fewer, a single lost packet would make a router look silent."""

Json = Mapping[str, Any]
"""A route as the control channel tells it."""


def trace(name: str, workbook: Path | None, *, rounds: int, as_json: bool) -> int:
    """Trace the route to the destination of this name, or to this host; 1 where it is not reached, else 0."""
    found = _Found(rounds)
    with _shown(found, live=not as_json):
        try:
            with wiring.find_companion(workbook) as client:
                _trace_there(client, name, found)
        except CompanionNotRunning:
            asyncio.run(_trace_here(name, workbook, found))
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=not takes_any_character()))
    return 0 if found.reached else 1


class _Found:
    """What is known of the route so far."""

    def __init__(self, rounds: int) -> None:
        parts = -(-rounds // ROUNDS_AT_ONCE)
        self.shares: Sequence[int] = [rounds // parts + (number < rounds % parts) for number in range(parts)]
        """How many rounds are made at once, one after the other."""
        self.rounds = rounds
        self.made = 0
        self.live: Live | None = None
        self.hops: tuple[HopStatistics, ...] = ()
        self.reached = False
        self._names: dict[str, str] = {}
        self._last: Json = {}

    def take(self, route: Json, rounds: int) -> bool:
        """Add what so many rounds found; whether it is worth making more."""
        self.made += rounds
        self._last = route
        self.hops = merge_hops(self.hops, map(_statistics, route["hops"]))
        self.reached = self.reached or route["reached"]
        for hop in route["hops"]:
            self._names |= {
                address: name for address, name in zip(hop["addresses"], hop["names"], strict=True) if name
            }
        if self.live is not None:
            self.live.update(self.render())
        return not route["reason"]

    def as_json(self) -> Json:
        """All of it, in the terms of the control channel."""
        return {
            **{key: self._last[key] for key in ("id", "name", "host", "address", "reason")},
            "rounds": self.made,
            "reached": self.reached,
            "hops": [HopPart.of(hop, self._names).model_dump(mode="json") for hop in self.hops],
        }

    def render(self) -> Table | Text:
        """As a table; or why there is none."""
        if not self._last:
            return Text("Tracing ...")
        name, host, address = (_printable(self._last[key] or "") for key in ("name", "host", "address"))
        if self._last["reason"]:
            return Text(f"The route to {name} cannot be traced: {_printable(self._last['reason'])}")
        also = ", ".join(dict.fromkeys(each for each in (host, address) if each != name))
        outcome = "" if self.reached else ", not reached"
        table = Table(
            title=Text(
                f"{name}{f' ({also})' if also else ''}: {self.made} of {self.rounds} rounds{outcome}, RTTs in ms"
            ),
            title_justify="left",
            header_style="bold",
        )
        table.add_column("Hop", justify="right")
        table.add_column("Host", overflow="fold")
        for heading in ("Loss%", "Snt", "Last", "Avg", "Best", "Wrst", "StDev"):
            table.add_column(heading, justify="right")
        for hop in self.hops:
            table.add_row(*self._row(hop))
        return table

    def _row(self, hop: HopStatistics) -> Iterator[Text]:
        yield Text(str(hop.ttl))
        yield Text("\n".join(self._host(address) for address in hop.addresses) or "???")
        yield Text("" if hop.loss_percent is None else f"{hop.loss_percent:.1f}")
        yield Text(str(hop.sent))
        rtts = hop.rtts
        figures = (rtts.last_ms, rtts.mean_ms, rtts.best_ms, rtts.worst_ms, rtts.stdev_ms) if rtts else ()
        yield from (Text(f"{each:.2f}") for each in figures)

    def _host(self, address: str) -> str:
        name = self._names.get(address)
        return _printable(f"{name} ({address})" if name else address)


@contextmanager
def _shown(found: _Found, *, live: bool) -> Iterator[None]:
    """Show the table while it grows; where nobody looks on, once it is full."""
    console = Console()
    if not live:
        yield
    elif console.is_terminal:
        with Live(found.render(), console=console, refresh_per_second=4) as found.live:
            yield
    else:
        yield
        console.print(found.render())


def _trace_there(client: ControlClient, name: str, found: _Found) -> None:
    named = True
    for rounds in found.shares:
        try:
            answer = client.trace(names=[name] if named else (), hosts=() if named else [name], rounds=rounds)
        except NotFound:
            named = False
            answer = client.trace(hosts=[name], rounds=rounds)
        if not found.take(answer["routes"][0], rounds):
            return


async def _trace_here(name: str, workbook: Path | None, found: _Found) -> None:
    definitions, settings = defined_here(workbook)
    wanted = name.strip().casefold()
    destination = next((each for each in definitions.destinations if each.name.casefold() == wanted), None)
    host = host_of(definitions, name)
    prober = wiring.open_prober(Definitions(), settings.engine)
    try:
        await prober.limit(settings.packets_per_second)
        for rounds in found.shares:
            at = wiring.clock().now()
            result = TraceResult(
                destination=destination,
                host=host,
                at=at,
                found=await prober.trace(host, TraceSettings(rounds=rounds)),
            )
            if not found.take(RoutePart.of(result).model_dump(mode="json"), rounds):
                return
    finally:
        await prober.close()


def _statistics(hop: Json) -> HopStatistics:
    rtts = None
    if hop["received"]:
        rtts = RttStatistics(
            count=hop["received"],
            last_ms=hop["last_ms"],
            best_ms=hop["best_ms"],
            mean_ms=hop["mean_ms"],
            worst_ms=hop["worst_ms"],
            squares_ms2=hop["stdev_ms"] ** 2 * hop["received"],
        )
    return HopStatistics(ttl=hop["hop"], sent=hop["sent"], addresses=tuple(hop["addresses"]), rtts=rtts)


def _printable(text: str) -> str:
    """Names come from the network: none may move the cursor."""
    return "".join(character if character.isprintable() else "?" for character in text)
