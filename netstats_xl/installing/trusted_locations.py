"""Excel's trusted locations: in them macros run, whatever the macro settings say."""

from collections.abc import Iterator
from pathlib import PurePath

from netstats_xl.installing.edges import Hive, Registry

_POLICY = r"Software\Policies\Microsoft\Office\{version}\Excel\Security\Trusted Locations"
_CLOUD_POLICY = r"Software\Policies\Microsoft\Cloud\Office\{version}\Excel\Security\Trusted Locations"
_OWN = r"Software\Microsoft\Office\{version}\Excel\Security\Trusted Locations"
_COMMON = r"Software\Policies\Microsoft\Office\{version}\Common\Security\Trusted Locations"


def is_trusted(registry: Registry, folder: PurePath, version: str) -> bool:
    """Whether Excel trusts the folder, by policy or by the user's own list; False where that cannot be read."""
    try:
        return any(_covers(each, folder) for each in _locations(registry, version))
    except PermissionError:
        return False


def _locations(registry: Registry, version: str) -> Iterator[tuple[str, bool]]:
    policies = [
        (hive, text.format(version=version))
        for hive in (Hive.USER, Hive.MACHINE)
        for text in (_POLICY, _CLOUD_POLICY)
    ]
    if any(registry.value(hive, key, "AllLocationsDisabled") == 1 for hive, key in policies):
        return
    own_key = _OWN.format(version=version)
    if registry.value(Hive.USER, own_key, "AllLocationsDisabled") == 1:
        return
    sources = list(policies)
    if registry.value(Hive.USER, _COMMON.format(version=version), "Allow User Locations") != 0:
        sources.append((Hive.USER, own_key))
    for hive, key in sources:
        for name in registry.subkeys(hive, key):
            path = registry.value(hive, rf"{key}\{name}", "Path")
            if isinstance(path, str) and path:
                yield path, registry.value(hive, rf"{key}\{name}", "AllowSubfolders") == 1


def _covers(location: tuple[str, bool], folder: PurePath) -> bool:
    path, with_subfolders = location
    # Variables such as %APPDATA% stay as they are: such a location is then taken as another folder.
    ours, theirs = _parts(str(folder)), _parts(path)
    return ours[: len(theirs)] == theirs and (with_subfolders or len(ours) == len(theirs))


def _parts(path: str) -> list[str]:
    return [part for part in path.casefold().replace("/", "\\").split("\\") if part]
