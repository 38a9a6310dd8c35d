"""A copy of the database as it was, before its tables are brought to another version."""

import shutil
from datetime import datetime
from pathlib import Path

from netstats_xl.domain.backups import Backup, folder_name
from netstats_xl.errors import MigrationFailed, StoreCorrupt, StoreError
from netstats_xl.files import put_in_place
from netstats_xl.paths import make_private
from netstats_xl.store.backup import check_room, translating, unfinished_beside
from netstats_xl.store.database import MEMORY, STORAGE_VERSION, Cursor
from netstats_xl.store.migrations import SCHEMA_VERSION, version_of
from netstats_xl.store.reading import open_read_only, quoted


def keep_copy(instance: Cursor, path: Path) -> None:
    """Copy the file of the attached `store` into its folder of backups, if it is to be migrated.

    It is let go of meanwhile, so that the file is whole, and attached again.

    Raises:
        MigrationFailed: there can be no copy; nothing was changed.
        StoreCorrupt: it belongs to another program.
        duckdb.Error: it cannot be read.
    """
    version = version_of(instance, path)
    if path == MEMORY or not 0 < version < SCHEMA_VERSION:
        return
    instance.execute("CHECKPOINT store")
    instance.execute("USE memory")
    instance.execute("DETACH store")
    # The wall clock of this computer: the settings, which name the user's, are in the tables of the older version.
    now = datetime.now().replace(second=0, microsecond=0)  # noqa: DTZ005 - see above
    name = Backup(stem=path.stem, at=now, version=SCHEMA_VERSION).name
    target = path.with_name(folder_name(path.stem)) / name
    try:
        _copy(path, target, version)
    except StoreError as error:
        raise MigrationFailed(
            f"The database {path} is of schema version {version}, and a copy of it is made before it is brought to "
            f"version {SCHEMA_VERSION}; that failed, so it was left as it was. {error.message}"
        ) from error
    instance.execute(f"ATTACH '{quoted(path)}' AS store (STORAGE_VERSION '{STORAGE_VERSION}')")
    instance.execute("USE store")


def _copy(path: Path, target: Path, version: int) -> None:
    with translating(target):
        make_private(target.parent)
        check_room(path.stat().st_size, target)
        with unfinished_beside(target) as temporary:
            shutil.copyfile(path, temporary)
            # The same bytes need not be read in full again: that the copy opens shows that it is complete.
            with open_read_only(temporary) as cursor:
                if version_of(cursor, temporary) != version:
                    raise StoreCorrupt(f"The copy {target} is not right.")
            put_in_place(temporary, target)
