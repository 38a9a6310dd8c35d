"""What the user is told of what was done, in one sentence."""

from collections.abc import Sequence

from netstats_xl.app.service import (
    BackupStatus,
    DestinationEntry,
    Figures,
    JobEntry,
    Synced,
    TestResult,
    TraceResult,
)
from netstats_xl.domain.results import Replied, describe
from netstats_xl.domain.routes import Trace
from netstats_xl.domain.states import mean_rtt_ms
from netstats_xl.domain.targets import Destination
from netstats_xl.errors import CellError

_MOST_NAMES = 3


def counted(number: int, what: str) -> str:
    """`1 job`, `12 jobs`."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def listed(names: Sequence[str]) -> str:
    """Some names, the first of them in full: `A, B, C and 4 more`."""
    shown = ", ".join(names[:_MOST_NAMES])
    return f"{shown} and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else shown


def destination_is(entry: DestinationEntry) -> str:
    """How a destination is."""
    status = entry.status
    rtt = "" if status.last_rtt_ms is None else f", {status.last_rtt_ms:.3g} ms"
    problems = f": {status.problems}" if status.problems else ""
    return f"{entry.destination.name} is {status.state.lower()}{rtt}{problems}."


def job_is(entry: JobEntry) -> str:
    """How a job goes."""
    status = entry.status
    error = f": {status.last_error}" if status.last_error else ""
    selects = counted(entry.destinations, "destination")
    return f"{entry.job.name} is {status.state.lower()}, with {selects}{error}."


def tested(results: Sequence[TestResult]) -> str:
    """What tests found."""
    silent = [each for each in results if not isinstance(each.outcome, Replied)]
    if not results:
        return "No destination was tested."
    if len(results) == 1:
        only = results[0]
        rtt_ms = mean_rtt_ms(only.outcome)
        return (
            f"{only.destination.name} does not answer: {describe(only.outcome)}."
            if rtt_ms is None
            else f"{only.destination.name} answers: {rtt_ms:.3g} ms."
        )
    if not silent:
        return f"All {len(results)} destinations answer."
    names = listed([each.destination.name for each in silent])
    return f"{len(results) - len(silent)} of {len(results)} destinations answer; no reply from {names}."


def traced(results: Sequence[TraceResult]) -> str:
    """What traces of routes found."""
    if not results:
        return "No route was traced."
    if len(results) == 1:
        return _route_is(results[0])
    far = [each for each in results if not (isinstance(each.found, Trace) and each.found.reached)]
    if not far:
        return f"All {len(results)} hosts are reached."
    names = listed([_traced_name(each) for each in far])
    return f"{len(results) - len(far)} of {len(results)} hosts are reached; not {names}."


def _route_is(result: TraceResult) -> str:
    name, found = _traced_name(result), result.found
    if not isinstance(found, Trace):
        return f"The route to {name} cannot be traced: {describe(found)}."
    if found.reached:
        return f"{name} is reached, {counted(len(found.hops), 'hop')} away."
    heard = [hop for hop in found.hops if hop.addresses]
    if not heard:
        return f"{name} is not reached: no router on the way answers."
    return (
        f"{name} is not reached: the last answer comes from hop {heard[-1].ttl}, {heard[-1].addresses[-1]}."
    )


def _traced_name(result: TraceResult) -> str:
    return result.host if result.destination is None else result.destination.name


def added(destinations: Sequence[Destination], bad: Sequence[CellError], stopped_by: str = "") -> str:
    """Which destinations were made of hosts, and why not more."""
    told = [
        f"Added {listed([each.name for each in destinations])}." if destinations else "Nothing was added."
    ]
    if bad:
        told.append(f"Not added: {listed([f'{each.value} ({each.message})' for each in bad])}.")
    if stopped_by:
        told.append(f"The rest was not added: {stopped_by}")
    return " ".join(told)


def synced(result: Synced) -> str:
    """What came of reading the workbook."""
    told = f"Read {counted(result.destinations, 'destination')} and {counted(result.jobs, 'job')}"
    if result.held:
        told = "Nothing was changed"
    bad = result.cell_errors
    if bad:
        told += f"; {counted(len(bad), 'cell')} must be corrected, first {bad[0]}"
    return " ".join([f"{told.rstrip('.')}.", *result.warnings])


def figures(result: Figures, period: str) -> str:
    """The figures that matter most."""
    overall = result.overall
    if not overall.rounds_up + overall.rounds_down:
        return f"Nothing was measured in the last {period}."
    parts = []
    if overall.availability_percent is not None:
        parts.append(f"{overall.availability_percent:.4g} % available")
    if overall.rtt_mean_ms is not None:
        parts.append(f"mean RTT {overall.rtt_mean_ms:.3g} ms")
    if overall.loss_percent is not None:
        parts.append(f"loss {overall.loss_percent:.3g} %")
    return f"{', '.join(parts) or 'No packet was sent'} in the last {period}."


def backup(status: BackupStatus) -> str:
    """How a backup goes, or which is the last one."""
    if status.progress is not None:
        done, total = status.progress.done, status.progress.total
        return f"A backup is being made: {status.progress.doing}, {done:,} of {total:,} rows."
    if status.last is None:
        return "There is no backup yet."
    return f"The last backup is {status.last.name}."
