"""`install` and `uninstall`: the live workbook, its Start-menu entries and its settings, for this user alone."""

from pathlib import Path

from netstats_xl.errors import InstallError


def install(workbook: Path | None, *, dry_run: bool) -> int:
    """Put the product where its user finds it; 1 where a step did not work, else 0."""
    raise InstallError("The installer is not finished yet.")


def uninstall(*, dry_run: bool, remove_data: bool) -> int:
    """Take away what `install` made; 1 where something could not be removed, else 0."""
    raise InstallError("The installer is not finished yet.")
