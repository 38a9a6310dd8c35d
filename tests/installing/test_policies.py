"""What policies and settings keep from working is told, with the value that says so and a way out."""

from pathlib import PurePath, PureWindowsPath

import pytest

from netstats_xl.installing.edges import Hive, RegistryValue
from netstats_xl.installing.findings import Finding, Level
from netstats_xl.installing.policies import find_obstacles
from tests.installing.fakes import FakeRegistry

WORKBOOK = PureWindowsPath(r"C:\Users\u\Documents\NetStats.xlsm")
POLICIES = r"Software\Policies\Microsoft\Office\16.0"
CLOUD = r"Software\Policies\Microsoft\Cloud\Office\16.0"
OWN = r"Software\Microsoft\Office\16.0"
DEFENDER = r"SOFTWARE\Policies\Microsoft\Windows Defender"
ASR = rf"{DEFENDER}\Windows Defender Exploit Guard\ASR\Rules"
LOCAL_ASR = r"SOFTWARE\Microsoft\Windows Defender\Windows Defender Exploit Guard\ASR\Rules"
CHILDREN = "D4F940AB-401B-4EFC-AADC-AD5F3C50688A"
WIN32 = "92E97FA1-2EDF-4476-BDD6-9DD0B4DDDC7B"


def look(
    *settings: tuple[Hive, str, str, RegistryValue],
    workbook: PurePath = WORKBOOK,
    marked: bool = False,
    calls_windows: bool = False,
    unreadable: set[str] = frozenset(),  # type: ignore[assignment] # never changed
) -> list[Finding]:
    registry = FakeRegistry(unreadable=set(unreadable))
    for setting in settings:
        registry.set(*setting)
    return list(find_obstacles(registry, workbook, marked=marked, calls_windows=calls_windows))


def only(findings: list[Finding]) -> Finding:
    (finding,) = findings
    assert finding.what
    assert finding.why
    assert finding.remedy
    return finding


def test_an_untouched_windows_has_no_obstacles() -> None:
    assert look() == []


@pytest.mark.parametrize("root", [POLICIES, CLOUD])
@pytest.mark.parametrize("hive", [Hive.USER, Hive.MACHINE])
@pytest.mark.parametrize("mode", [3, 4])
def test_a_macro_policy_is_told_with_its_place_and_what_works_instead(
    root: str, hive: Hive, mode: int
) -> None:
    found = only(look((hive, rf"{root}\Excel\Security", "vbawarnings", mode)))
    assert found.level is Level.BLOCKED
    assert rf"{hive}\{root}\Excel\Security\VBAWarnings = {mode}" in found.why
    assert "Start the collector" in found.remedy
    assert "administrators" in found.remedy


@pytest.mark.parametrize("mode", [1, 2, "4", 0])
def test_a_policy_that_lets_the_user_decide_is_no_obstacle(mode: RegistryValue) -> None:
    assert look((Hive.USER, rf"{POLICIES}\Excel\Security", "vbawarnings", mode)) == []


def test_the_clouds_policy_goes_before_the_domains() -> None:
    assert (
        look(
            (Hive.USER, rf"{CLOUD}\Excel\Security", "vbawarnings", 2),
            (Hive.USER, rf"{POLICIES}\Excel\Security", "vbawarnings", 4),
        )
        == []
    )


def test_the_users_own_setting_counts_where_no_policy_does_and_can_be_changed_by_the_user() -> None:
    own = (Hive.USER, rf"{OWN}\Excel\Security", "VBAWarnings", 4)
    assert "Trust Center" in only(look(own)).remedy
    assert look(own, (Hive.USER, rf"{POLICIES}\Excel\Security", "vbawarnings", 2)) == []


def test_office_without_vba_is_told_once_even_in_a_trusted_location() -> None:
    found = only(
        look(
            (Hive.USER, rf"{POLICIES}\Common", "vbaoff", 1),
            (Hive.USER, rf"{POLICIES}\Excel\Security", "vbawarnings", 4),
            (Hive.USER, rf"{OWN}\Excel\Security\Trusted Locations\Location9", "Path", str(WORKBOOK.parent)),
        )
    )
    assert "VbaOff" in found.why


@pytest.mark.parametrize(
    ("place", "subfolders", "trusted"),
    [
        ("C:\\users\\U\\documents\\", 0, True),
        ("C:/Users/u/Documents", 0, True),
        (r"C:\Users\u", 0, False),
        (r"C:\Users\u", 1, True),
        (r"C:\Users\u\Doc", 1, False),
        ("", 1, False),
    ],
)
def test_macros_run_in_a_trusted_location(place: str, subfolders: int, trusted: bool) -> None:
    location = rf"{OWN}\Excel\Security\Trusted Locations\Location3"
    found = look(
        (Hive.USER, rf"{POLICIES}\Excel\Security", "vbawarnings", 4),
        (Hive.USER, location, "Path", place),
        (Hive.USER, location, "AllowSubfolders", subfolders),
        marked=True,
    )
    assert (found == []) is trusted


@pytest.mark.parametrize(
    "setting",
    [
        (Hive.USER, rf"{POLICIES}\Excel\Security\Trusted Locations", "alllocationsdisabled", 1),
        (Hive.USER, rf"{OWN}\Excel\Security\Trusted Locations", "AllLocationsDisabled", 1),
        (Hive.USER, rf"{POLICIES}\Common\Security\Trusted Locations", "allow user locations", 0),
    ],
)
def test_a_trusted_location_that_a_policy_ignores_does_not_count(
    setting: tuple[Hive, str, str, RegistryValue],
) -> None:
    location = (Hive.USER, rf"{OWN}\Excel\Security\Trusted Locations\Location3", "Path", str(WORKBOOK.parent))
    policy = (Hive.USER, rf"{POLICIES}\Excel\Security", "vbawarnings", 4)
    assert look(policy, location) == []
    assert len(look(policy, location, setting)) == 1


def test_a_policys_own_trusted_location_counts_though_the_users_do_not() -> None:
    assert (
        look(
            (Hive.USER, rf"{POLICIES}\Excel\Security", "vbawarnings", 4),
            (Hive.USER, rf"{POLICIES}\Common\Security\Trusted Locations", "allow user locations", 0),
            (
                Hive.USER,
                rf"{POLICIES}\Excel\Security\Trusted Locations\Location1",
                "Path",
                str(WORKBOOK.parent),
            ),
        )
        == []
    )


def test_trusted_locations_that_may_not_be_read_are_taken_for_none() -> None:
    key = rf"{OWN}\Excel\Security\Trusted Locations"
    policy = (Hive.USER, rf"{POLICIES}\Excel\Security", "vbawarnings", 4)
    location = (Hive.USER, rf"{key}\Location3", "Path", str(WORKBOOK.parent))
    assert len(look(policy, location, unreadable={key})) == 1


def test_trust_by_levels_is_told() -> None:
    found = only(look((Hive.USER, rf"{POLICIES}\Common\Security", "enablemacrotrustlevel", 1)))
    assert found.level is Level.LIMITED


def test_a_workbook_that_was_marked_before_is_told_and_how_to_unblock_it() -> None:
    found = only(look(marked=True))
    assert found.level is Level.BLOCKED
    assert "Unblock" in found.remedy


def test_blocked_internet_macros_are_no_obstacle_for_a_copy_without_the_mark() -> None:
    found = only(look((Hive.USER, rf"{POLICIES}\Excel\Security", "blockcontentexecutionfrominternet", 1)))
    assert found.level is Level.NOTE


def test_a_network_share_is_told() -> None:
    found = only(look(workbook=PureWindowsPath(r"\\server\home\u\NetStats.xlsm")))
    assert "--workbook" in found.remedy


@pytest.mark.parametrize(
    ("key", "name", "value"),
    [
        (ASR, CHILDREN, "1"),
        (ASR, CHILDREN, 1),
        (LOCAL_ASR, CHILDREN, 1),
        (rf"{DEFENDER}\Policy Manager", "ASRRules", f"{WIN32}=2|{CHILDREN}=1"),
    ],
)
def test_a_rule_against_child_processes_is_told_with_the_start_menu_as_the_way_out(
    key: str, name: str, value: RegistryValue
) -> None:
    found = only(look((Hive.MACHINE, key, name, value)))
    assert found.level is Level.BLOCKED
    assert key in found.why
    assert "Start menu" in found.remedy


def test_a_rule_that_warns_may_keep_start_from_working() -> None:
    assert only(look((Hive.MACHINE, ASR, CHILDREN, "6"))).level is Level.LIMITED


@pytest.mark.parametrize("mode", ["0", "2", 5, b"1"])
def test_a_rule_that_only_watches_is_no_obstacle(mode: RegistryValue) -> None:
    assert look((Hive.MACHINE, ASR, CHILDREN, mode)) == []


def test_rules_that_may_not_be_read_are_told_as_unknown() -> None:
    found = only(look(unreadable={LOCAL_ASR}))
    assert found.level is Level.NOTE
    assert "Start menu" in found.remedy


def test_a_rule_that_may_be_read_counts_though_others_may_not() -> None:
    found = only(look((Hive.MACHINE, LOCAL_ASR, CHILDREN, 1), unreadable={ASR}))
    assert found.level is Level.BLOCKED


def test_a_rule_against_windows_functions_matters_only_to_macros_that_declare_them() -> None:
    rule = (Hive.MACHINE, ASR, WIN32, "1")
    assert look(rule) == []
    assert only(look(rule, calls_windows=True)).level is Level.BLOCKED


@pytest.mark.parametrize("hive", [Hive.USER, Hive.MACHINE])
@pytest.mark.parametrize("mode", [1, 2])
def test_a_command_prompt_that_is_switched_off_keeps_start_from_working(hive: Hive, mode: int) -> None:
    found = only(look((hive, r"Software\Policies\Microsoft\Windows\System", "DisableCMD", mode)))
    assert found.level is Level.BLOCKED
    assert "Start menu" in found.remedy


@pytest.mark.parametrize("mode", [0, "0"])
def test_a_script_host_that_is_switched_off_may_keep_start_from_working(mode: RegistryValue) -> None:
    found = only(look((Hive.MACHINE, r"Software\Microsoft\Windows Script Host\Settings", "Enabled", mode)))
    assert found.level is Level.LIMITED


@pytest.mark.parametrize("policies", ["Policies\\", ""])
def test_guarded_folders_are_told(policies: str) -> None:
    key = rf"SOFTWARE\{policies}Microsoft\Windows Defender\Windows Defender Exploit Guard\Controlled Folder Access"
    assert "Documents" in only(look((Hive.MACHINE, key, "EnableControlledFolderAccess", 1))).what


def test_settings_that_may_not_be_read_are_no_findings() -> None:
    assert look(unreadable={rf"{POLICIES}\Excel\Security", rf"{OWN}\Excel\Security"}) == []


def test_a_finding_reads_as_what_why_and_what_to_do() -> None:
    text = str(Finding(level=Level.NOTE, what="A.", why="B.", remedy="C."))
    assert text == "A.\n  Why: B.\n  What to do: C."
