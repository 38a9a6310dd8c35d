"""The Help sheet."""

from collections.abc import Sequence

from netstats_xl.domain.answers import CERTIFICATE_WARNING_DAYS
from netstats_xl.domain.views import GREY, HEADING, TITLE, Anchor, SheetSpec, TextSpec

SHEET = "Help"

Sections = Sequence[tuple[str, Sequence[str]]]
"""Headings, each with its lines."""

KINDS_HELP = (
    "What can be probed",
    (
        "The column Host says it. An address or a host name is pinged: 192.0.2.10, 2001:db8::10, a.example.com.",
        "tcp://server:443 connects to a port, and tells refused connections and silence apart.",
        "dns://192.0.2.53?name=www.example.com asks a DNS server for a name; &type=AAAA for IPv6 addresses.",
        "https://server/page requests a page, checks the certificate, and tells status and total time.",
        "The time to a connection, an answer or a page's first byte is the RTT; what fails counts as lost.",
        f"A certificate that expires in less than {CERTIFICATE_WARNING_DAYS} days makes a destination degraded.",
    ),
)
"""For every Help sheet."""

LIVE_HELP: Sections = (
    (
        "What this workbook is",
        (
            "You say here what is to be measured, and see here what was found. A collector that runs beside Excel",
            "measures, keeps every result in a database, and feeds these sheets while you work.",
        ),
    ),
    (
        "In three steps",
        (
            "1. On the sheet Destinations, write a row for each host: a name of your choice, and its address.",
            "2. On the sheet Jobs, write which of them to measure, and how often.",
            "3. On the ribbon's tab Network Stats, press Start.",
        ),
    ),
    (
        "Editing",
        (
            "An edited row counts within two seconds: its Status tells what came of it, Problems what is wrong.",
            "Paste as many rows as you like, also right below the table. Several hosts at once: Add on the ribbon.",
            "A block such as 10.0.0.0/28 or 10.0.0.1-20 in the column Host becomes a row for each address with",
            "Expand range. Test now pings the selected rows at once.",
            "A destination keeps its history when you change its name or its host, not both at once.",
            "A deleted row is no longer measured, and its results stay in the database.",
        ),
    ),
    KINDS_HELP,
    (
        "Jobs",
        (
            "Destinations: names, group:Offices, tag:voip, or * for all of them, separated by commas.",
            "Interval: 10s, 5m, 1h. Weekly windows: Mon-Fri 08:00-18:00; Sat 09:00-12:00.",
            "Metrics: route, besides others, traces the routes to the job's destinations, once a minute at most.",
            "Start job, Stop job and Run once on the ribbon are for the selected rows.",
            "All jobs together send no more packets a second than the sheet Settings allows. A job that asks for more",
            "says so in its column Last error: write a longer interval, or fewer packets.",
            "DSCP is the class of service that a job's packets ask for: EF, AF41, CS5, or 0 to 63.",
            "What you leave blank has a default, which the note of the column's header tells.",
        ),
    ),
    (
        "What the sheets show",
        (
            "The period on the ribbon, or on the sheet Details, is that of all sheets. Grey columns fill themselves.",
            "Show details on the ribbon shows the destination or the job of the selected row on the sheet Details.",
            "Routes shows the way to each destination, hop by hop, and how it changed. Trace route on the ribbon finds",
            "it at once for the selected rows; by itself it is found when a destination goes down or gets very slow.",
            "Refresh now shows the latest figures at once. Figures of long periods are made anew less often: when",
            "they are older than a small part of the period, a day's after ten minutes.",
            "Pause updates leaves the sheets as they are, for as long as you want to work in peace.",
        ),
    ),
    (
        "Saving, closing",
        (
            "Save report writes a copy without macros that anybody can open; saving the workbook keeps what it shows.",
            "When the workbook is closed, the collector goes on, or stops: as the sheet Settings says.",
        ),
    ),
    (
        "How long results are kept",
        (
            "Every result is kept for 30 days, and what hours, days and months of them add up to for ever; the sheet",
            "Settings may say otherwise. What is too old is deleted at night, at about three o'clock. More than a",
            "night's goes only after a day in which a warning tells what it is, and which setting keeps it.",
            "Below the settings stand the database's size, its growth by the present jobs, and the next deletion.",
        ),
    ),
    (
        "Your own columns and sheets",
        (
            "Add what you need: further columns, formulas and sheets stay yours. Sort, filter and format as you like.",
            "Only the names of the tables and the headers must stay as they are.",
        ),
    ),
)

_IN_LIBREOFFICE: dict[str, Sequence[str]] = {
    "What this workbook is": (
        "You say here what is to be measured, and see here what was found. A collector that runs beside LibreOffice",
        "measures, keeps every result in a database, and feeds these sheets while you work.",
    ),
    "In three steps": (
        "1. Open this workbook with:  netstats-xl open NetStats.ods",
        "2. On the sheet Destinations, write a row for each host: a name of your choice, and its address.",
        "3. On the sheet Jobs, write which of them to measure, and how often.",
    ),
    "Editing": (
        "An edited row counts within two seconds: its Status tells what came of it, Problems what is wrong.",
        "Paste as many rows as you like, also right below the table.",
        "A block such as 10.0.0.0/28 or 10.0.0.1-20 in the column Host becomes a row for each address once the",
        "workbook is closed, with:  netstats-xl expand NetStats.xlsx",
        "A destination keeps its history when you change its name or its host, not both at once.",
        "A deleted row is no longer measured, and its results stay in the database.",
    ),
    "Jobs": (
        "Destinations: names, group:Offices, tag:voip, or * for all of them, separated by commas.",
        "Interval: 10s, 5m, 1h. Weekly windows: Mon-Fri 08:00-18:00; Sat 09:00-12:00.",
        "Metrics: route, besides others, traces the routes to the job's destinations, once a minute at most.",
        "The buttons Start and Stop on the sheets are for all jobs; for single ones:  netstats-xl jobs stop NAME",
        "All jobs together send no more packets a second than the sheet Settings allows. A job that asks for more",
        "says so in its column Last error: write a longer interval, or fewer packets.",
        "DSCP is the class of service that a job's packets ask for: EF, AF41, CS5, or 0 to 63.",
        "What you leave blank has a default, which the note of the column's header tells.",
    ),
    "What the sheets show": (
        "The period and the destination or job on the sheet Details are yours to choose; the period is that of all",
        "sheets. Grey columns fill themselves.",
        "Routes shows the way to each destination, hop by hop, and how it changed. It is found when a destination",
        "goes down or gets very slow, and for jobs whose metrics say route.",
        "The button Refresh shows the latest figures at once. Figures of long periods are made anew less often: when",
        "they are older than a small part of the period, a day's after ten minutes.",
        "The means that LibreOffice cannot compute in a pivot are blank there: the sheet Hourly has them.",
    ),
    "Saving, closing": (
        "The button Save report writes a copy that anybody can open; saving the workbook keeps what it shows.",
        "When the workbook is closed, the collector goes on, or stops: as the sheet Settings says.",
    ),
}
LIBREOFFICE_HELP: Sections = tuple(
    (heading, _IN_LIBREOFFICE.get(heading, lines)) for heading, lines in LIVE_HELP
)
"""For a live workbook that LibreOffice shows, which has no ribbon."""


def help_sheet(sections: Sections) -> SheetSpec:
    """The sheet with these sections."""
    blocks = [TextSpec(anchor=Anchor(row=0, column=0), text="Help", style=TITLE)]
    row = 2
    for heading, lines in sections:
        blocks.append(TextSpec(anchor=Anchor(row=row, column=0), text=heading, style=HEADING))
        for line in lines:
            row += 1
            blocks.append(TextSpec(anchor=Anchor(row=row, column=0), text=line))
        row += 2
    return SheetSpec(
        name=SHEET,
        blocks=tuple(blocks),
        landscape=False,
        column_widths={0: 100},
        tab_color=GREY,
        gridlines=False,
    )
