"""`test`: destinations probed now, by the collector at work or right here."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer

from netstats_xl import wiring
from netstats_xl.app.finding import named
from netstats_xl.app.service import TestResult
from netstats_xl.app.testing import probe_now
from netstats_xl.commands.asking import say, takes_any_character
from netstats_xl.commands.here import DEFAULT_WORKBOOK
from netstats_xl.domain.answers import answer_of
from netstats_xl.domain.results import Replied, describe, packets_of
from netstats_xl.domain.states import mean_rtt_ms
from netstats_xl.domain.targets import Definitions, Destination
from netstats_xl.errors import CompanionNotRunning, NotFound
from netstats_xl.sheets import INPUT_TABLES, read_definitions


def test(names: Sequence[str], workbook: Path | None, *, as_json: bool) -> int:
    """Probe the destinations of these names; 1 where one does not answer, else 0."""
    try:
        with wiring.find_companion(workbook) as client:
            results: list[Mapping[str, Any]] = list(client.test(names=names)["results"])
    except CompanionNotRunning:
        results = [_told(each) for each in _test_here(names, workbook or DEFAULT_WORKBOOK)]
    if as_json:
        typer.echo(json.dumps({"results": results}, ensure_ascii=not takes_any_character()))
    else:
        for each in results:
            say(_line(each))
    return 0 if all(each["answered"] for each in results) else 1


def _test_here(names: Sequence[str], workbook: Path) -> Sequence[TestResult]:
    tables = wiring.file_workbook(workbook).read(INPUT_TABLES)
    reading = read_definitions(tables, default_zone=wiring.system_zone())
    # Rows that nothing has read yet may have no ID; here each is its own.
    numbered = [
        each.model_copy(update={"id": str(number)}) for number, each in enumerate(reading.destinations)
    ]
    definitions = Definitions(destinations=tuple(numbered), jobs=reading.jobs)
    wanted = [_destination(definitions, name) for name in names]
    prober = wiring.open_prober(Definitions(destinations=tuple(wanted)), reading.settings.engine)

    async def probe() -> Sequence[TestResult]:
        try:
            await prober.limit(reading.settings.packets_per_second)
            return await probe_now(prober, wiring.clock(), definitions, wanted)
        finally:
            await prober.close()

    return asyncio.run(probe())


def _destination(definitions: Definitions, name: str) -> Destination:
    found = named(Definitions(destinations=definitions.destinations), name)
    if not isinstance(found, Destination):
        raise NotFound(f"{name!r} is no destination.")
    return found


def _told(result: TestResult) -> Mapping[str, Any]:
    """As the control channel tells it."""
    sent, received = packets_of(result.outcome)
    return {
        "id": "",
        "name": result.destination.name,
        "host": result.destination.host,
        "at": result.at.isoformat(),
        "answered": isinstance(result.outcome, Replied),
        "address": getattr(result.outcome, "address", None),
        "sent": sent,
        "received": received,
        "rtt_ms": mean_rtt_ms(result.outcome),
        "reason": describe(result.outcome),
        "answer": answer_of(result.outcome, result.destination.host),
    }


def _line(result: Mapping[str, Any]) -> str:
    host = f" ({result['host']})" if result["host"] != result["name"] else ""
    if not result["answered"]:
        return f"{result['name']}{host}: {result['reason']}"
    replies = f"{result['received']} of {result['sent']} replies"
    said = f": {result['answer']}" if result.get("answer") else ""
    return f"{result['name']}{host}: {replies}, mean {result['rtt_ms']:.2f} ms{said}"
