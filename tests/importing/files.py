"""Files as other programs write them."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from netstats_xl.domain.history import HistoryFormat, HistoryOptions, HistoryRow
from netstats_xl.importing.opening import open_history

START_S = 1_750_000_200
"""2025-06-15 15:10:00 UTC, a whole multiple of 300 s."""
STEP_S = 300
LOST = float("nan")


def read(path: Path, kind: HistoryFormat | None = None, **options: object) -> list[HistoryRow]:
    """All rows of a file."""
    return list(open_history(path, kind, HistoryOptions(**options)).rows())  # type: ignore[arg-type]  # as the test says


def smokeping_dump(
    rounds: Sequence[tuple[float, Sequence[float]]],
    *,
    pings: int = 5,
    version: str = "0003",
    head: str = '<!DOCTYPE rrd SYSTEM "http://oss.oetiker.ch/rrdtool/rrdtool.dtd">\n',
    namespace: str = "",
    consolidated: int = 2,
) -> str:
    """A dump with a round a row, as (loss, RTTs in seconds at their places), and rows of consolidated archives."""
    names = ["uptime", "loss", "median", *(f"ping{number}" for number in range(1, pings + 1))]
    sources = "".join(
        f"<ds><name> {name} </name><type> GAUGE </type><minimal_heartbeat>600</minimal_heartbeat>"
        "<min>0.0000000000e+00</min><max>NaN</max>\n<!-- PDP Status -->\n<last_ds>U</last_ds><value>NaN</value>"
        "<unknown_sec> 0 </unknown_sec></ds>\n"
        for name in names
    )
    last_s = START_S + len(rounds) * STEP_S
    rows = [
        _row(
            START_S + (index + 1) * STEP_S,
            [LOST, loss, rtts[len(rtts) // 2] if rtts else LOST, *_places(rtts, pings)],
        )
        for index, (loss, rtts) in enumerate(rounds)
    ]
    other = [_row(last_s + index, [0.5] * len(names)) for index in range(consolidated)]
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{head}<!-- Round Robin Database Dump --><rrd{namespace}>\n'
        f"<version>{version}</version><step>{STEP_S}</step> <!-- Seconds -->\n"
        f"<lastupdate>{last_s + 17}</lastupdate> <!-- 2025-06-15 15:10:00 UTC -->\n{sources}"
        f"{_archive('AVERAGE', 1, rows)}{_archive('AVERAGE', 12, other)}{_archive('MAX', 12, other)}</rrd>\n"
    )


def _places(rtts: Sequence[float], pings: int) -> list[float]:
    """As SmokePing puts them: in the middle, the places of lost packets at both ends."""
    lost = pings - len(rtts)
    return [LOST] * (lost // 2) + list(rtts) + [LOST] * (lost - lost // 2)


def _archive(function: str, steps: int, rows: Sequence[str]) -> str:
    return (
        f"<rra><cf>{function}</cf><pdp_per_row>{steps}</pdp_per_row> <!-- {steps * STEP_S} seconds -->\n"
        "<params><xff>5.0000000000e-01</xff></params><cdp_prep><ds><primary_value>NaN</primary_value>"
        "<secondary_value>NaN</secondary_value><value>NaN</value><unknown_datapoints>0</unknown_datapoints></ds></cdp_prep>"
        f"<database>\n{''.join(rows)}</database></rra>\n"
    )


def _row(end_s: int, values: Sequence[float]) -> str:
    when = f"{datetime.fromtimestamp(end_s, UTC):%Y-%m-%d %H:%M:%S} UTC"
    cells = "".join(f"<v>{'NaN' if value != value else f'{value:.10e}'}</v>" for value in values)
    return f"<!-- {when} / {end_s} --> <row>{cells}</row>\n"


def fping_lines(
    start_s: float, rtts: Sequence[float | None], *, host: str = "192.0.2.1", first: int = 0
) -> str:
    """A loop of a packet a second."""
    return "".join(
        f"[{start_s + index:.5f}] {host} : [{first + index}], "
        + ("timed out (NaN avg, 100% loss)\n" if rtt is None else f"64 bytes, {rtt} ms (1.23 avg, 0% loss)\n")
        for index, rtt in enumerate(rtts)
    )


def pingplotter(rows: Sequence[tuple[str, Sequence[str]]], hops: Sequence[tuple[str, str]]) -> str:
    """PingPlotter's export: (time, RTTs), and the hops' names and addresses."""
    listed = "".join(f"{number},{name},{address}\n" for number, (name, address) in enumerate(hops, start=1))
    samples = "".join(f"{time},{','.join(rtts)}\n" for time, rtts in rows)
    return f"\ufeffHost Information\n{listed}Sample Information\n{samples}"


def at(seconds: float) -> datetime:
    """An instant of these files."""
    return datetime.fromtimestamp(START_S, UTC) + timedelta(seconds=seconds)
