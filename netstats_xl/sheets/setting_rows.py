"""The Settings table as data: its columns, and its rows."""

from dataclasses import dataclass

from netstats_xl.domain.views import READ_ONLY, Column, Style
from netstats_xl.sheets.columns import SheetColumn

SETTING_COLUMNS: tuple[SheetColumn, ...] = (
    SheetColumn(
        key="setting",
        column=Column(header="Setting", width=37, note="Leave these names as they are.", style=READ_ONLY),
        required=True,
    ),
    SheetColumn(
        key="value",
        column=Column(
            header="Value",
            number_format="General",
            width=30,
            typed=True,
            style=Style(align="left"),
            note="Blank: the default, as the row says.",
        ),
        required=True,
    ),
    SheetColumn(
        key="description",
        column=Column(header="What it does", width=104, style=READ_ONLY, note="What the setting means."),
    ),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingRow:
    """A row of the Settings table."""

    key: str
    """The setting's name in YAML, and the name of its field where it has one."""
    name: str
    """As the sheet shows it."""
    earlier_name: str = ""
    """As sheets of an earlier version show it; empty: it had no other."""
    description: str


SETTING_ROWS: tuple[SettingRow, ...] = (
    SettingRow(
        key="database",
        name="Database",
        description="Path of the file that keeps all results, relative to this workbook's folder. "
        "Blank: beside this workbook, under its name.",
    ),
    SettingRow(
        key="report_every",
        name="Report every",
        description="How often the report is written anew while results are collected: 30s, 5m. Blank: 1m.",
    ),
    SettingRow(
        key="report_period",
        name="Report period",
        description="How far back that report reaches: 24h, 7d. A number means hours. Blank: 24h.",
    ),
    SettingRow(
        key="details_limit",
        name="Details shown",
        description="How many pairs of job and destination the report shows in detail, the worst first, "
        "0 to 200. Blank: 30.",
    ),
    SettingRow(
        key="refresh_every",
        name="Refresh sheets every",
        description="How often the sheets of a workbook that is open in Excel show the latest results: 30s, 1m. "
        "Blank: 30s.",
    ),
    SettingRow(
        key="when_closed",
        name="When the workbook is closed",
        description="collect: results are collected all the same. stop: nothing is measured until it is started again. "
        "Blank: collect.",
    ),
    SettingRow(
        key="retention_days",
        name="Keep raw results (days)",
        earlier_name="Keep results for (days)",
        description="Older ones are deleted at night; their rollups stay, so charts and statistics do. 1 to 36,500. "
        "Blank: 30.",
    ),
    SettingRow(
        key="minutes_retention_days",
        name="Keep minute rollups (days)",
        description="Of what is older, hours, days and months are known. Not shorter than the raw results. "
        "Blank: for ever.",
    ),
    SettingRow(
        key="rollups_retention_days",
        name="Keep hourly and coarser rollups (days)",
        description="Of what is older, nothing is known any more. Not shorter than the minute rollups. "
        "Blank: for ever.",
    ),
    SettingRow(
        key="zone",
        name="Time zone",
        description="In which reports show times, and of jobs that name none: Europe/Berlin. "
        "Blank: this computer's time zone.",
    ),
    SettingRow(
        key="rtt_warning_ms",
        name="RTT warning (ms)",
        description="From this round-trip time on, a destination without its own threshold is degraded. "
        "none: no threshold. Blank: 100.",
    ),
    SettingRow(
        key="rtt_critical_ms",
        name="RTT critical (ms)",
        description="As above, and called critical. none: no threshold. Blank: 250.",
    ),
    SettingRow(
        key="loss_warning_percent",
        name="Loss warning (%)",
        description="From this share of lost packets on, a destination without its own threshold is "
        "degraded. none: no threshold. Blank: 2.",
    ),
    SettingRow(
        key="loss_critical_percent",
        name="Loss critical (%)",
        description="As above, and called critical. none: no threshold. Blank: 10.",
    ),
    SettingRow(
        key="rounds",
        name="Rounds to change state",
        description="So many rounds must agree before a destination changes its state: one lost round is no "
        "outage. Blank: 3.",
    ),
    SettingRow(
        key="out_of",
        name="Out of rounds",
        description="The rounds looked at for that, the last ones; more than half of them must agree. "
        "Blank: as many as must agree.",
    ),
    SettingRow(
        key="packets_per_second",
        name="Packets a second",
        description="At most so many are sent a second by all jobs together, so that measuring floods no network, "
        "10 to 100,000. Blank: 2,000.",
    ),
    SettingRow(
        key="engine",
        name="Echo engine",
        description="How pings are sent, from the next start on. raw: raw sockets, which ask for rights. datagram: "
        "Linux, macOS. windows: Windows' own service. Blank: automatic, the most exact one.",
    ),
)

SETTING_NAMES = {row.key: row.name for row in SETTING_ROWS}
"""As the sheet shows them, by key."""
