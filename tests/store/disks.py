"""Small disks of the tests' own, to fill and to write-protect. Linux and root only."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest


def _can_mount() -> bool:
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    # A container's root may lack the capability.
    return (
        subprocess.run(["unshare", "--mount", "mount", "-t", "tmpfs", "none", "/mnt"], check=False).returncode
        == 0
    )


needs_mounts = pytest.mark.skipif(
    not _can_mount(), reason="needs root on Linux with the right to mount file systems"
)


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system in memory."""

    folder: Path

    def fill(self, *, leave_bytes: int = 0) -> Path:
        """Leave this much room; the file that takes the rest."""
        room = os.statvfs(self.folder)
        ballast = self.folder / "ballast"
        ballast.write_bytes(b"\0" * max(room.f_bavail * room.f_frsize - leave_bytes, 0))
        return ballast

    def remount(self, option: str) -> None:
        """Make it `ro` or `rw`."""
        subprocess.run(["mount", "-o", f"remount,{option}", str(self.folder)], check=True)


@contextmanager
def small_disk(tmp_path: Path, *, megabytes: int) -> Iterator[SmallDisk]:
    """A disk of this size, until the block ends."""
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
