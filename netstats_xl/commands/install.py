"""`install` and `uninstall`: the live workbook, its Start-menu entries and its settings, for this user alone."""

import sys
import time
from collections.abc import Callable
from pathlib import Path

from netstats_xl import wiring
from netstats_xl.commands.asking import say
from netstats_xl.errors import ControlError
from netstats_xl.installing import plan, record, removal, survey
from netstats_xl.installing.excel import find_excel
from netstats_xl.installing.execution import Installation
from netstats_xl.installing.findings import Finding
from netstats_xl.installing.interpreter import interpreter_of
from netstats_xl.installing.record import Record
from netstats_xl.paths import data_folder

STOP_WITHIN_S = 20
"""How long a collector may take to save its results and end."""


def install(workbook: Path | None, *, dry_run: bool) -> int:
    """Put the product where its user finds it; 1 where a step did not work, else 0."""
    edges = wiring.installer_edges()
    record_path = data_folder().path / record.FILE_NAME
    known = record.load(record_path) or Record()
    place = survey.workbook_place(workbook, known, edges.folders.documents())
    situation = survey.look_around(edges, place, interpreter_of(Path(sys.executable), sys.base_prefix))
    steps = plan.plan_install(situation, known)
    findings = survey.find_problems(edges, situation, calls_windows=wiring.template_calls_windows())
    if dry_run:
        say("Nothing is changed. This would be done:")
        for step in steps:
            say(f"  {plan.tell(step)}")
        _tell_findings(findings)
        return 0
    installation = Installation(
        edges=edges, record=known, record_path=record_path, copy_template=wiring.copy_macro_template, say=say
    )
    installation.install(steps)
    _tell_findings(findings)
    if installation.problems:
        return _tell_problems(installation)
    found = find_excel(edges.registry)
    say(f"Installed{f' for {found}' if found else ''}. Open {place}, or Start > {plan.MENU_FOLDER}.")
    return 0


def stop_collectors(wait: Callable[[float], None] = time.sleep) -> int:
    """End every collector of this user, so that the program's files can be replaced; 1 where one goes on."""
    asked: dict[Path, str] = {}
    for path, client in wiring.companions(data_folder()):
        with client:
            asked[path] = client.endpoint.workbook
            say(f"Stopping the collector of {asked[path]} ...")
            try:
                client.shutdown()
            except ControlError as error:
                say(error.message, err=True)
    # A collector removes its endpoint file when its results are saved.
    for _ in range(STOP_WITHIN_S * 5):
        if not any(path.exists() for path in asked):
            break
        wait(0.2)
    left = [workbook for path, workbook in asked.items() if path.exists()]
    for workbook in left:
        say(f"Did not work: the collector of {workbook} did not end within {STOP_WITHIN_S} s.", err=True)
    return 1 if left else 0


def uninstall(*, dry_run: bool, remove_data: bool) -> int:
    """Take away what `install` made; 1 where something could not be removed, else 0."""
    edges = wiring.installer_edges()
    data = data_folder()
    record_path = data.path / record.FILE_NAME
    known = record.load(record_path)
    if known is None:
        say(f"Nothing is recorded as installed ({record_path} is not there).")
    remains = survey.look_at_remains(edges, known or Record(), data)
    steps = removal.plan_removal(known or Record(), remains, remove_data=remove_data)
    if dry_run:
        say("Nothing is changed. This would be done:")
        for step in steps:
            say(f"  {removal.tell(step)}")
        return 0
    if stop_collectors() != 0:
        say("Nothing was removed. End the collector (Stop on the ribbon), and try again.", err=True)
        return 1
    installation = Installation(
        edges=edges,
        record=known or Record(),
        record_path=record_path,
        copy_template=wiring.copy_macro_template,
        say=say,
    )
    installation.remove(steps)
    if installation.problems:
        return _tell_problems(installation)
    say("Uninstalled.")
    return 0


def _tell_findings(findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        say(f"\n{finding.level.upper()}: {finding}")
    if findings:
        say("\nNo security setting was changed.")


def _tell_problems(installation: Installation) -> int:
    for problem in installation.problems:
        say(f"Did not work: {problem}", err=True)
    return 1
