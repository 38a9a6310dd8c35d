"""The workbooks that a user begins with: the empty template with a few examples, and the demo."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from uuid import NAMESPACE_URL, uuid5

from netstats_xl.app.views.help import KINDS_HELP, LIBREOFFICE_HELP, Sections, help_sheet
from netstats_xl.app.views.input_sheets import SPARE_ROWS as SPARE_ROWS
from netstats_xl.app.views.input_sheets import (
    destinations_sheet,
    destinations_table,
    jobs_sheet,
    jobs_table,
    settings_sheet,
)
from netstats_xl.app.views.live import NOT_OPENED, empty_cells, empty_rows
from netstats_xl.app.views.live_sheets import live_spec
from netstats_xl.domain.tables import CellValue
from netstats_xl.domain.targets import Definitions, Destination, EchoSettings, Job, Settings
from netstats_xl.domain.views import Row, TableSpec, WorkbookSpec, WorkbookView
from netstats_xl.domain.windows import Schedule, parse_windows
from netstats_xl.sheets import (
    CHOICES,
    DESTINATIONS,
    JOBS,
    SELECTION,
    SETTING_ROWS,
    SETTINGS,
    Selection,
    choice_rows,
    destination_cells,
    job_cells,
    parse_selectors,
    settings_rows,
)

_ZONE, _DATABASE = (next(row.name for row in SETTING_ROWS if row.key == key) for key in ("zone", "database"))
_LIVE_DATABASE = (
    "Path of the file that keeps all results, relative to this workbook's folder. "
    "Blank: one of your own on this computer, which the sheet About names."
)
_FILLED = "Grey columns are filled in the report."
_HELP: Sections = (
    (
        "What this workbook is",
        (
            "You say here what is to be measured. Network Stats reads it, measures, and writes a report beside it.",
            "This workbook itself is never changed: keep it open, edit it, save it. What you save counts in seconds.",
        ),
    ),
    (
        "In three steps",
        (
            "1. On the sheet Destinations, write a row for each host: a name of your choice, and its address.",
            "2. On the sheet Jobs, write which of them to measure, and how often.",
            "3. Save the workbook, and run:  netstats-xl run NetStats.xlsx",
        ),
    ),
    (
        "Destinations",
        (
            "Paste as many rows as you like, also right below the table.",
            "With groups and tags a job names many destinations at once.",
            "A block such as 10.0.0.0/28 or 10.0.0.1-20 in the column Host becomes a row for each address with:",
            "netstats-xl expand NetStats.xlsx",
        ),
    ),
    KINDS_HELP,
    (
        "Jobs",
        (
            "Destinations: names, group:Offices, tag:voip, or * for all of them, separated by commas.",
            "Interval: 10s, 5m, 1h. Weekly windows: Mon-Fri 08:00-18:00; Sat 09:00-12:00.",
            "All jobs together send no more packets a second than the sheet Settings allows; netstats-xl check tells",
            "of those that ask for more. DSCP is a class of service: EF, AF41, CS5, or 0 to 63.",
            "What you leave blank has a default, which the note of the column's header tells.",
        ),
    ),
    (
        "Settings",
        (
            "Where the results are kept and for how long, how often the report is written, and which values count as",
            "degraded where a destination does not say so itself. netstats-xl status tells what is deleted next.",
        ),
    ),
    (
        "When something is wrong",
        (
            "netstats-xl check NetStats.xlsx  lists every cell that is not understood, and what would be right.",
            "All other rows go on working. The report shows the same in the columns Problems and Last error.",
        ),
    ),
    (
        "Renaming, copying, deleting",
        (
            "A destination keeps its history when you change its name or its host, not both at once.",
            "A copied row becomes a new destination, once it has a name of its own.",
            "A deleted row is no longer measured, and its results stay in the database.",
        ),
    ),
    (
        "Your own columns and sheets",
        (
            "Add what you need: further columns, formulas and sheets stay yours. Columns may stand in any",
            "order; only the names of the tables and the headers must stay as they are.",
        ),
    ),
)


def live_template_view() -> WorkbookView:
    """The sheets of a live workbook before it was ever started: examples, and room for everything else.

    Its time zone is left blank, which means that of the computer that collects.
    """
    return _live_view(live_spec(), empty_cells())


def libreoffice_template_view() -> WorkbookView:
    """The same for LibreOffice, which shows no ribbon."""
    return _live_view(live_spec(LIBREOFFICE_HELP), empty_cells(NOT_OPENED))


def _live_view(spec: WorkbookSpec, cells: Mapping[str, CellValue]) -> WorkbookView:
    tables = {
        block.name: block for sheet in spec.sheets for block in sheet.blocks if isinstance(block, TableSpec)
    }
    settings = Settings()
    inputs = _input_rows(_examples(settings.zone), settings, tables[DESTINATIONS], tables[JOBS])
    live_settings = [
        (name, None if name == _ZONE else value, _LIVE_DATABASE if name == _DATABASE else description)
        for name, value, description in settings_rows(settings)
    ]
    rows = {
        **empty_rows(),
        **inputs,
        SETTINGS: live_settings,
        SELECTION: [(None, Selection().period)],
        CHOICES: choice_rows(_examples(settings.zone)),
    }
    return WorkbookView(spec=spec, rows=rows, cells=cells)


def template_view(
    zone: str, definitions: Definitions | None = None, settings: Settings | None = None
) -> WorkbookView:
    """The workbook that `netstats-xl new` writes: examples on this computer, and room to type.

    `zone` is the IANA name of the time zone that the settings begin with, unless `settings` are given.
    """
    return _view(definitions or _examples(zone), settings or Settings(zone=zone))


def demo_view(zone: str) -> WorkbookView:
    """The workbook of `netstats-xl demo`: loopback addresses, each kind of trouble, short intervals."""
    return _view(demo_definitions(zone), _demo_settings(zone))


def tcp_demo_view(zone: str, *, accepting: Sequence[str], refusing: str) -> WorkbookView:
    """The workbook of a demo without the right to ping: ports that accept connections, and one that refuses."""
    group, once = "This computer", EchoSettings(packets=2, packet_interval_ms=100, timeout_ms=500)
    definitions = Definitions(
        destinations=(
            *(
                _destination(f"Port {number}", host, group=group, tags=("core",))
                for number, host in enumerate(accepting, 1)
            ),
            _destination("Closed port", refusing, group="Trouble", notes="Nothing listens at it"),
            _destination("Switched off", accepting[0], group="Trouble", enabled=False, notes="Not probed"),
        ),
        jobs=(
            _job("Everything", "*", 1, zone, echo=once),
            _job("Core", "tag:core", 2, zone, echo=once),
            _job("Switched off", f"group:{group}", 2, zone, echo=once, enabled=False),
        ),
    )
    return _view(definitions, _demo_settings(zone))


def _demo_settings(zone: str) -> Settings:
    return Settings(zone=zone, report_every_s=10, report_period_h=1)


def demo_definitions(zone: str) -> Definitions:
    """What the demo measures."""
    fast = EchoSettings(packets=2, packet_interval_ms=100, timeout_ms=500)
    return Definitions(
        destinations=(
            _destination("Loopback IPv4", "127.0.0.1", group="This computer", tags=("core",)),
            _destination("Loopback IPv6", "::1", group="This computer", tags=("core",)),
            _destination("localhost", "localhost", group="This computer", notes="A name that is resolved"),
            *(
                _destination(f"Branch {number}", f"127.0.{number}.1", group="Branches", tags=tags)
                for number, tags in ((1, ("voip",)), (2, ("voip", "core")), (3, ()), (4, ("voip",)))
            ),
            _destination(
                "No such host",
                "no-such-host.invalid",
                group="Trouble",
                notes="A name that cannot be resolved",
            ),
            _destination("Switched off", "127.0.9.9", group="Trouble", enabled=False, notes="Not probed"),
        ),
        jobs=(
            _job("Everything", "*", 1, zone, echo=fast),
            _job("Branches", "group:Branches, tag:core", 2, zone, echo=fast),
            _job("One minute a week", "group:This computer", 2, zone, echo=fast, windows="Mon 00:00-00:01"),
            _job("Switched off", "tag:voip", 2, zone, echo=fast, enabled=False),
        ),
    )


def _examples(zone: str) -> Definitions:
    return Definitions(
        destinations=(
            _destination("This computer", "127.0.0.1", group="Examples", tags=("loopback",)),
            _destination("This computer (IPv6)", "::1", group="Examples", tags=("loopback",)),
            _destination(
                "localhost", "localhost", group="Examples", notes="Replace these rows with your own"
            ),
        ),
        jobs=(_job("Every 10 seconds", "group:Examples", 10, zone),),
    )


def _view(definitions: Definitions, settings: Settings) -> WorkbookView:
    destinations, jobs = destinations_table(), jobs_table()
    sheets = (
        destinations_sheet(destinations, hint=_FILLED),
        jobs_sheet(jobs, hint=_FILLED),
        settings_sheet(),
        help_sheet(_HELP),
    )
    return WorkbookView(
        spec=WorkbookSpec(title="Network Stats", sheets=sheets),
        rows=_input_rows(definitions, settings, destinations, jobs),
    )


def _input_rows(
    definitions: Definitions, settings: Settings, destinations: TableSpec, jobs: TableSpec
) -> dict[str, Iterable[Row]]:
    return {
        DESTINATIONS: _rows(destinations, map(destination_cells, definitions.destinations)),
        JOBS: _rows(jobs, (job_cells(job, default_zone=settings.zone) for job in definitions.jobs)),
        SETTINGS: settings_rows(settings),
    }


def _rows(table: TableSpec, cells: Iterable[Mapping[str, CellValue]]) -> tuple[Row, ...]:
    return tuple(tuple(row.get(column.header) for column in table.columns) for row in cells)


def _destination(
    name: str,
    host: str,
    *,
    group: str,
    tags: tuple[str, ...] = (),
    enabled: bool = True,
    notes: str = "",
) -> Destination:
    return Destination(
        id=_id("destination", name),
        name=name,
        host=host,
        group=group,
        tags=tags,
        enabled=enabled,
        notes=notes,
    )


def _job(
    name: str,
    selectors: str,
    interval_s: int,
    zone: str,
    *,
    echo: EchoSettings | None = None,
    windows: str = "",
    enabled: bool = True,
) -> Job:
    return Job(
        id=_id("job", name),
        name=name,
        selectors=parse_selectors(selectors),
        schedule=Schedule(interval=timedelta(seconds=interval_s), windows=parse_windows(windows), zone=zone),
        echo=echo or EchoSettings(),
        enabled=enabled,
    )


def _id(kind: str, name: str) -> str:
    """An ID that is the same in every copy, so that the same version writes the same workbook."""
    return uuid5(NAMESPACE_URL, f"netstats_xl:{kind}:{name}").hex[:12]
