"""Which settings of this Windows and this Excel keep parts of the product from working. They are read, never changed.

Where the values lie: Microsoft's ADMX templates for Office and Defender, and "Attack surface reduction rules
reference" of Microsoft Defender for Endpoint.
"""

from collections.abc import Iterator
from pathlib import PurePath

from netstats_xl.installing.edges import Hive, Registry, RegistryValue
from netstats_xl.installing.findings import Finding, Level
from netstats_xl.installing.trusted_locations import is_trusted

OFFICE_VERSION = "16.0"
"""The version in the registry's keys: that of Excel 2016 and of all later ones."""

_OFFICE_POLICIES = (r"Software\Policies\Microsoft\Cloud\Office", r"Software\Policies\Microsoft\Office")
"""The cloud's policies go before those of a domain."""
_OWN_SETTINGS = r"Software\Microsoft\Office"

_DEFENDER = r"SOFTWARE\{policies}Microsoft\Windows Defender"
_CHILD_PROCESSES = "d4f940ab-401b-4efc-aadc-ad5f3c50688a"
"""Block all Office applications from creating child processes."""
_WIN32_CALLS = "92e97fa1-2edf-4476-bdd6-9dd0b4dddc7b"
"""Block Win32 API calls from Office macros."""
_BLOCK, _WARN = "1", "6"

START_MENU = "start the collector from the Start menu (Network Stats > Start the collector)"
_NO_RIBBON = f"The workbook still shows what is measured: {START_MENU}. "


def find_obstacles(
    registry: Registry,
    workbook: PurePath,
    *,
    marked: bool,
    calls_windows: bool,
    version: str = OFFICE_VERSION,
) -> tuple[Finding, ...]:
    """What keeps the workbook's macros, its Start button or its files from working.

    Args:
        registry: what is read.
        workbook: where the workbook lies, or will.
        marked: whether it carries the mark of the web.
        calls_windows: whether its macros declare functions of Windows.
        version: of Excel, as in the registry's keys.
    """
    return (
        *_macros(registry, workbook, marked=marked, version=version),
        *_win32_calls(registry, needed=calls_windows),
        *_child_processes(registry),
        *_protected_folders(registry, workbook),
    )


def _macros(registry: Registry, workbook: PurePath, *, marked: bool, version: str) -> Iterator[Finding]:
    off, source = _office(registry, version, "Common", "VbaOff")
    if off == 1:
        yield Finding(
            level=Level.BLOCKED,
            what="The ribbon's buttons will not work: macros are switched off for all of Office.",
            why=f"A policy of this computer's administrators says so ({source} = 1).",
            remedy=f"{_NO_RIBBON}To have the buttons, ask the administrators to allow VBA.",
        )
        return
    if is_trusted(registry, workbook.parent, version):
        return
    yield from _macro_settings(registry, workbook, version)
    levels, source = _office(registry, version, r"Common\Security", "EnableMacroTrustLevel")
    if levels == 1:
        yield Finding(
            level=Level.LIMITED,
            what="The ribbon's buttons may not work: Excel trusts macros by where a workbook lies.",
            why=f"A policy switches macro trust levels on ({source} = 1); {workbook.parent} is no trusted location.",
            remedy=f"{_NO_RIBBON}Or ask the administrators for a trusted location, and install there with --workbook.",
        )
    if marked:
        yield Finding(
            level=Level.BLOCKED,
            what=f"The macros of {workbook.name} will not run: it is marked as a file from the internet.",
            why=f"{workbook} was there before, and carries the mark (Zone.Identifier).",
            remedy="Where you trust it: right-click it in the Explorer, Properties, tick Unblock, OK.",
        )
    elif _office(registry, version, r"Excel\Security", "BlockContentExecutionFromInternet")[0] == 1:
        yield Finding(
            level=Level.NOTE,
            what="Copies of the workbook that come by mail or download will open without macros.",
            why="A policy blocks macros in files from the internet. The copy made here is not from there.",
            remedy="Nothing for this one. Colleagues install it themselves, rather than take a copy by mail.",
        )
    if str(workbook).startswith(("\\\\", "//")):
        yield Finding(
            level=Level.LIMITED,
            what="The macros may not run: the workbook lies on a network share.",
            why=f"Excel takes {workbook.parent} for the internet where Windows does not know it as the intranet.",
            remedy="Where Excel blocks the macros, install on a local disk with --workbook.",
        )


def _macro_settings(registry: Registry, workbook: PurePath, version: str) -> Iterator[Finding]:
    setting, source = _office(registry, version, r"Excel\Security", "VBAWarnings")
    by_policy = setting is not None
    if not by_policy:
        key = rf"{_OWN_SETTINGS}\{version}\Excel\Security"
        setting, source = _read(registry, Hive.USER, key, "VBAWarnings"), rf"{Hive.USER}\{key}\VBAWarnings"
    kinds = {3: "that are not signed", 4: "without asking"}
    if not isinstance(setting, int) or setting not in kinds:
        return
    remedy = (
        f"Or ask the administrators to make {workbook.parent} a trusted location, or to sign the workbook's macros."
        if by_policy
        else "Or choose 'Disable VBA macros with notification' in Excel: File, Options, Trust Center, Macro Settings."
    )
    yield Finding(
        level=Level.BLOCKED,
        what=f"The ribbon's buttons will not work: Excel switches off macros {kinds[setting]}.",
        why=f"{'A policy' if by_policy else 'Your own setting of Excel'} says so ({source} = {setting}).",
        remedy=f"{_NO_RIBBON}{remedy}",
    )


def _win32_calls(registry: Registry, *, needed: bool) -> Iterator[Finding]:
    mode, source = _defender_rule(registry, _WIN32_CALLS)
    if needed and mode in (_BLOCK, _WARN):
        yield Finding(
            level=Level.BLOCKED if mode == _BLOCK else Level.LIMITED,
            what="The workbook's macros may be refused: some of them declare functions of Windows.",
            why=f"Defender's rule 'Block Win32 API calls from Office macros' is on ({source}).",
            remedy=f"{_NO_RIBBON}Or ask the administrators for an exception for the workbook.",
        )


def _child_processes(registry: Registry) -> Iterator[Finding]:
    try:
        mode, source = _defender_rule(registry, _CHILD_PROCESSES, strict=True)
    except PermissionError:
        yield Finding(
            level=Level.NOTE,
            what="Whether Excel may start other programs could not be found out.",
            why="Defender's settings may not be read by this user.",
            remedy=f"Where Start on the ribbon does not work, {START_MENU}.",
        )
        mode = ""
    if mode in (_BLOCK, _WARN):
        verb = "will" if mode == _BLOCK else "may"
        yield Finding(
            level=Level.BLOCKED if mode == _BLOCK else Level.LIMITED,
            what=f"Start on the ribbon {verb} not work: Excel may not start other programs.",
            why=f"Defender's rule 'Block all Office applications from creating child processes' is on ({source}).",
            remedy=f"Instead, {START_MENU}. All other buttons work then.",
        )
    for hive in (Hive.USER, Hive.MACHINE):
        prompt = _read(registry, hive, r"Software\Policies\Microsoft\Windows\System", "DisableCMD")
        if prompt in (1, 2):
            yield Finding(
                level=Level.BLOCKED,
                what="Start on the ribbon will not work: it needs the command prompt.",
                why=rf"A policy switches it off ({hive}\...\Windows\System\DisableCMD = {prompt}).",
                remedy=f"Instead, {START_MENU}. All other buttons work then.",
            )
            return
    for hive in (Hive.USER, Hive.MACHINE):
        if _read(registry, hive, r"Software\Microsoft\Windows Script Host\Settings", "Enabled") in (0, "0"):
            yield Finding(
                level=Level.LIMITED,
                what="Start on the ribbon may not work: it needs the Windows Script Host.",
                why=rf"It is switched off ({hive}\...\Windows Script Host\Settings\Enabled = 0).",
                remedy=f"Where it does not, {START_MENU}. All other buttons work then.",
            )
            return


def _protected_folders(registry: Registry, workbook: PurePath) -> Iterator[Finding]:
    for policies in ("Policies\\", ""):
        key = (
            rf"{_DEFENDER.format(policies=policies)}\Windows Defender Exploit Guard\Controlled Folder Access"
        )
        if _read(registry, Hive.MACHINE, key, "EnableControlledFolderAccess") == 1:
            yield Finding(
                level=Level.LIMITED,
                what=f"Reports and exports may not get into {workbook.parent}: Defender guards such folders.",
                why=rf"Controlled folder access is on ({Hive.MACHINE}\{key}).",
                remedy="Where saving fails, save elsewhere, or allow this Python in Windows Security, "
                "Ransomware protection.",
            )
            return


def _defender_rule(registry: Registry, rule: str, *, strict: bool = False) -> tuple[str, str]:
    """The mode of a rule and where it is set: `1` blocks, `6` warns; empty: not set.

    Raises:
        PermissionError: strict, and nothing that may be read sets it.
    """
    unreadable: PermissionError | None = None
    policy = _DEFENDER.format(policies="Policies\\")
    for key, name in (
        (rf"{policy}\Windows Defender Exploit Guard\ASR\Rules", rule),
        (rf"{policy}\Policy Manager", "ASRRules"),
        (rf"{_DEFENDER.format(policies='')}\Windows Defender Exploit Guard\ASR\Rules", rule),
    ):
        try:
            value = registry.value(Hive.MACHINE, key, name)
        except PermissionError as error:
            unreadable = error
            continue
        mode = _mode(value, rule)
        if mode:
            return mode, rf"{Hive.MACHINE}\{key}\{name}"
    if strict and unreadable is not None:
        raise unreadable
    return "", ""


def _mode(value: RegistryValue | None, rule: str) -> str:
    """The mode, of a value of its own or of one for all rules: `guid=1|guid=2`."""
    text = str(value) if isinstance(value, int | str) else ""
    if "=" not in text:
        return text
    modes = dict(part.casefold().partition("=")[::2] for part in text.split("|"))
    return modes.get(rule, "")


def _office(registry: Registry, version: str, key: str, name: str) -> tuple[RegistryValue | None, str]:
    """What Office's policies say, and which of them; the strongest first."""
    for root in _OFFICE_POLICIES:
        for hive in (Hive.USER, Hive.MACHINE):
            full = rf"{root}\{version}\{key}"
            value = _read(registry, hive, full, name)
            if value is not None:
                return value, rf"{hive}\{full}\{name}"
    return None, ""


def _read(registry: Registry, hive: Hive, key: str, name: str) -> RegistryValue | None:
    """A value; None also where it may not be read."""
    try:
        return registry.value(hive, key, name)
    except PermissionError:
        return None
