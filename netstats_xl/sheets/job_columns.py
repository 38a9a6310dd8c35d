"""The Jobs table as data."""

from netstats_xl.domain.states import JobState
from netstats_xl.domain.targets import Metric
from netstats_xl.domain.views import BAD, GOOD, MUTED, WARNING, AtLeast, Kind, Rule, TextEquals, TextPresent
from netstats_xl.sheets.columns import (
    YES_NO,
    SheetColumn,
    id_column,
    instant_column,
    number_column,
    status_column,
    text_column,
)

ROUTE = "route"
"""Stands among the metrics of a job that traces routes; `all` does not include it, for it sends packets of its own."""

_JOB_STATE_RULES: tuple[Rule, ...] = (
    TextEquals(text=JobState.RUNNING, style=GOOD),
    TextEquals(text=JobState.FAILING, style=BAD),
    TextEquals(text=JobState.OUTSIDE, style=WARNING),
    TextEquals(text=JobState.STOPPED, style=WARNING),
    TextEquals(text=JobState.SCHEDULED, style=MUTED),
    TextEquals(text=JobState.FINISHED, style=MUTED),
    TextEquals(text=JobState.DISABLED, style=MUTED),
)

JOB_COLUMNS: tuple[SheetColumn, ...] = (
    text_column(
        "name",
        "Name",
        22,
        "What reports call the job. Each name only once; no comma or semicolon.",
        required=True,
    ),
    text_column(
        "destinations",
        "Destinations",
        28,
        "Names of destinations, group:x, tag:y, or * for all of them. Several are separated by commas.",
        required=True,
    ),
    instant_column(
        "start",
        "Start",
        "The first moment it may run, in the job's time zone: 2026-11-23 08:00. Blank: at once.",
    ),
    instant_column(
        "end",
        "End",
        "From this moment on it does not run any more, in the job's time zone. A date alone means the "
        "midnight that it begins with. Blank: it never ends.",
    ),
    text_column(
        "interval",
        "Interval",
        10,
        "From one round to the next: 10s, 5m, 1h30m, 1d. A number means seconds.",
        required=True,
    ),
    text_column(
        "windows",
        "Weekly windows",
        30,
        "When it may run, in the job's time zone: Mon-Fri 08:00-18:00; Sat 09:00-12:00. Blank: always.",
    ),
    text_column("zone", "Time zone", 16, "For example Europe/Berlin. Blank: as the Settings sheet says."),
    number_column("packets", "Packets", 10, "Echo requests a round. Blank: 4.", low=1, high=100, form="0"),
    number_column(
        "packet_interval_ms",
        "Packet interval (ms)",
        13,
        "From one packet to the next to the same destination. Blank: 250.",
        low=10,
        high=60_000,
    ),
    number_column(
        "payload_bytes",
        "Payload (bytes)",
        11,
        "ICMP data after the 8-byte header. 1,472 fill an Ethernet frame. Blank: 56.",
        low=16,
        high=1_472,
        form="#,##0",
    ),
    number_column(
        "timeout_ms",
        "Timeout (ms)",
        11,
        "How long each reply is waited for. Blank: 1,000.",
        low=10,
        high=60_000,
    ),
    number_column(
        "ttl",
        "TTL",
        8,
        "How many routers a packet may pass (IPv6: hop limit). Blank: as the system has it.",
        low=1,
        high=255,
        form="0",
    ),
    text_column(
        "dscp",
        "DSCP",
        9,
        "Class of service that the packets ask for: EF, AF41, CS5, or 0 to 63. Blank: as the system has it.",
    ),
    text_column(
        "metrics",
        "Metrics",
        18,
        "What the Details sheet shows. Blank: all of "
        + ", ".join(Metric)
        + f". With {ROUTE} besides, the routes to "
        "its destinations are traced with its rounds, once a minute at most.",
    ),
    text_column("enabled", "Enabled", 10, "yes or no. Blank means yes.", validation=YES_NO),
    status_column(
        "state",
        "State",
        15,
        "Running, Scheduled (its start is to come), Outside window, Finished, Disabled, Failing, Stopped.",
        rules=_JOB_STATE_RULES,
    ),
    status_column(
        "last_run_at",
        "Last run",
        19,
        "In the time zone of the Settings sheet.",
        kind=Kind.INSTANT,
        form="yyyy-mm-dd hh:mm:ss",
    ),
    status_column(
        "next_run_at",
        "Next run",
        19,
        "In the time zone of the Settings sheet.",
        kind=Kind.INSTANT,
        form="yyyy-mm-dd hh:mm:ss",
    ),
    status_column("rounds_done", "Rounds done", 12, "Since the job began.", kind=Kind.NUMBER, form="#,##0"),
    status_column(
        "missed",
        "Missed",
        10,
        "Rounds that were due and not made: the machine slept, or the round before was still going on.",
        kind=Kind.NUMBER,
        form="#,##0",
        rules=(AtLeast(value=1, style=WARNING),),
    ),
    status_column(
        "last_error",
        "Last error",
        40,
        "What is wrong with the row, or why the last round could not be made.",
        rules=(TextPresent(style=BAD),),
    ),
    id_column("job"),
)
