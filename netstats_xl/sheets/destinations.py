"""Rows of the Destinations table <-> destinations."""

from functools import partial

from pydantic import ValidationError

from netstats_xl.domain.endpoints import canonical_host
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.targets import Destination, Thresholds
from netstats_xl.sheets.cells import as_syntax, parse_flag, parse_list, parse_name, parse_number, parse_text
from netstats_xl.sheets.columns import DESTINATION_COLUMNS
from netstats_xl.sheets.rows import RowReader, parse_id

_HEADERS = {column.key: column.header for column in DESTINATION_COLUMNS}
_MOST_NOTES = 10_000


def parse_destination(reader: RowReader) -> Destination:
    """The row as a destination, with the ID "" where it has none; what is bad in it is noted in the reader.

    Where `reader.valid` is false afterwards, the destination holds defaults in place of the bad cells.
    """
    reader.require("name", "write a name that appears only once in this table")
    reader.require("host", "write an address, a host name, or what else to probe, such as tcp://server:443")
    name = reader.read("name", partial(parse_name, what="the name of a destination"), "")
    return Destination(
        id=parse_id(reader.value("id")),
        name=name,
        host=reader.read("host", lambda value: canonical_host(as_syntax(value)), ""),
        group=reader.read("group", partial(parse_name, what="the name of a group"), ""),
        tags=reader.read("tags", _parse_tags, ()),
        enabled=reader.read("enabled", parse_flag, True),
        thresholds=read_thresholds(reader),
        notes=reader.read("notes", partial(parse_text, most=_MOST_NOTES), ""),
    )


def read_thresholds(reader: RowReader) -> Thresholds:
    """The thresholds of the row; none of them where a warning is above its critical one, which is noted."""
    rtt = partial(parse_number, unit="ms", low=0.001, high=600_000)
    loss = partial(parse_number, unit="%", low=0, high=100)
    rtt_warning_ms = reader.read("rtt_warning_ms", rtt, None)
    rtt_critical_ms = reader.read("rtt_critical_ms", rtt, None)
    loss_warning_percent = reader.read("loss_warning_percent", loss, None)
    loss_critical_percent = reader.read("loss_critical_percent", loss, None)
    if rtt_warning_ms is not None and rtt_critical_ms is not None and rtt_warning_ms > rtt_critical_ms:
        reader.refuse("rtt_warning_ms", above(rtt_warning_ms, rtt_critical_ms))
    if (
        loss_warning_percent is not None
        and loss_critical_percent is not None
        and loss_warning_percent > loss_critical_percent
    ):
        reader.refuse("loss_warning_percent", above(loss_warning_percent, loss_critical_percent))
    try:
        return Thresholds(
            rtt_warning_ms=rtt_warning_ms,
            rtt_critical_ms=rtt_critical_ms,
            loss_warning_percent=loss_warning_percent,
            loss_critical_percent=loss_critical_percent,
        )
    except ValidationError:
        return Thresholds()  # noted above, with the cell


def above(warning: float, critical: float) -> str:
    """What is wrong where the warning threshold is above the critical one."""
    return f"the warning threshold {warning:g} is above the critical one, {critical:g}: swap them or lower it"


def destination_cells(destination: Destination) -> dict[str, CellValue]:
    """What the user would type for the destination, and its ID, by header."""
    thresholds = destination.thresholds
    cells: dict[str, CellValue] = {
        "name": destination.name,
        "host": destination.host,
        "group": destination.group or None,
        "tags": ", ".join(destination.tags) or None,
        "enabled": "yes" if destination.enabled else "no",
        "rtt_warning_ms": thresholds.rtt_warning_ms,
        "rtt_critical_ms": thresholds.rtt_critical_ms,
        "loss_warning_percent": thresholds.loss_warning_percent,
        "loss_critical_percent": thresholds.loss_critical_percent,
        "notes": destination.notes or None,
        "id": destination.id or None,
    }
    return {_HEADERS[key]: value for key, value in cells.items()}


def _parse_tags(value: CellValue) -> tuple[str, ...]:
    return tuple(parse_name(tag, what="a tag") for tag in parse_list(value))
