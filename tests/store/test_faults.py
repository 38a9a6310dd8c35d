"""DuckDB's and the systems' real messages, and what they become."""

import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from netstats_xl.errors import (
    StoreCorrupt,
    StoreDamaged,
    StoreError,
    StoreFull,
    StoreLocked,
    StoreLogDamaged,
    StoreMoved,
    StoreReadOnly,
    StoreTooNew,
    StoreUnreachable,
    StoreUnrecognised,
)
from netstats_xl.store import faults
from netstats_xl.store.faults import fault_of

PATH = Path("results.duckdb")
LOCK = 'Could not set lock on file "results.duckdb": '
CHECKPOINT_FULL = (
    'Checkpoint failed for database "store". The database has been invalidated. Original error: '
    'Could not write file "results.duckdb": No space left on device'
)

HELD = duckdb.IOException(
    'IO Error: Cannot open file "results.duckdb": Der Prozess kann nicht auf die Datei zugreifen, da sie von einem '
    "anderen Prozess verwendet wird."
)
"""What DuckDB says on a German Windows where the file lies on a share and another computer has it open."""

MESSAGES: tuple[tuple[type[duckdb.Error], str, type[StoreError], str], ...] = (
    # Locked
    (
        duckdb.IOException,
        f"IO Error: {LOCK}Conflicting lock is held in /usr/bin/python3.11 (PID 4711). See also "
        "https://duckdb.org/docs/stable/connect/concurrency",
        StoreLocked,
        "in use by python3.11 (process 4711). ",
    ),
    (
        duckdb.IOException,
        f"IO Error: {LOCK}Conflicting lock is held in /opt/duckdb (PID 4711) by user ada. See also https://duckdb.org",
        StoreLocked,
        "in use by duckdb (process 4711 of user ada)",
    ),
    (
        duckdb.IOException,
        f"IO Error: {LOCK}Conflicting lock is held in python3 (PID {os.getpid()}).",
        StoreLocked,
        "open in this process already",
    ),
    (
        duckdb.IOException,
        f"IO Error: {LOCK}Resource temporarily unavailable",
        StoreLocked,
        "did not say its name",
    ),
    (
        duckdb.IOException,
        'IO Error: Cannot open file "results.duckdb": The process cannot access the file because it is being used '
        "by another process.\r\n\n\nFile is already open in \nC:\\Program Files\\Python\\python.exe (PID 8252)",
        StoreLocked,
        "in use by python.exe (process 8252)",
    ),
    (
        duckdb.IOException,
        'IO Error: Cannot open file "results.duckdb": Der Prozess kann nicht auf die Datei zugreifen, da sie von '
        "einem anderen Prozess verwendet wird.\r\n\n\nFile is already open in \nC:\\duckdb.exe (PID 8252)",
        StoreLocked,
        "in use by duckdb.exe (process 8252)",
    ),
    (
        duckdb.IOException,
        'IO Error: Cannot open file "results.duckdb": The process cannot access the file because it is being used '
        "by another process.",
        StoreLocked,
        "did not say its name",
    ),
    (
        duckdb.BinderException,
        'Binder Error: Unique file handle conflict: Cannot attach "store" - the database file "results.duckdb" is '
        'already attached by database "store"',
        StoreLocked,
        "open in this process already",
    ),
    (
        duckdb.IOException,
        'IO Error: Could not read from file "results.duckdb": The process cannot access the file because another '
        "process has locked a portion of the file.",
        StoreLocked,
        "did not say its name",
    ),
    # Full
    (
        duckdb.TransactionException,
        'TransactionContext Error: Failed to commit: Could not write file "results.duckdb.wal": '
        "No space left on device",
        StoreFull,
        "Free some space",
    ),
    (duckdb.IOException, f"IO Error: {CHECKPOINT_FULL}", StoreFull, "what was saved before is safe"),
    (
        duckdb.IOException,
        'IO Error: Database "store" has been invalidated because checkpointing failed. Detach and reattach it before '
        'using it again. Original error: Could not write file "results.duckdb": No space left on device',
        StoreFull,
        "Free some space",
    ),
    (
        duckdb.IOException,
        'IO Error: Could not write file "results.duckdb": There is not enough space on the disk.\r\n',
        StoreFull,
        "Free some space",
    ),
    (
        duckdb.OutOfMemoryException,
        "Out of Memory Error: failed to offload data block of size 256.0 KiB (1.2 GiB/1.2 GiB used).\n"
        "This limit was set by the 'max_temp_directory_size' setting.",
        StoreFull,
        "temporary files",
    ),
    # Damaged
    (
        duckdb.IOException,
        'IO Error: Could not read all bytes from file "results.duckdb": wanted=262144 read=256000',
        StoreDamaged,
        "wanted=262144 read=256000",
    ),
    (
        duckdb.IOException,
        'IO Error: Failure while replaying WAL file "results.duckdb.wal": Corrupt WAL file: entry at byte position '
        "5231 computed checksum 1 does not match stored checksum 2",
        StoreLogDamaged,
        "entry at byte position 5231",
    ),
    (
        duckdb.Error,
        'Failure while replaying WAL file "results.duckdb.wal": Corrupt WAL file: entry at byte position 87 computed '
        "checksum 1 does not match stored checksum 2",
        StoreLogDamaged,
        "results.duckdb.wal is damaged",
    ),
    (
        duckdb.IOException,
        'IO Error: Failure while replaying WAL file "results.duckdb.wal": WAL does not match database file.',
        StoreLogDamaged,
        "WAL does not match database file",
    ),
    (
        duckdb.IOException,
        'IO Error: The file "results.duckdb" exists, but it is not a valid DuckDB database file!',
        StoreUnrecognised,
        "is no DuckDB database",
    ),
    (
        duckdb.Error,
        "Corrupt database file: computed checksum 1 does not match stored checksum 2 in block at location 4096",
        StoreDamaged,
        "`netstats-xl restore` brings back a backup",
    ),
    (
        duckdb.IOException,
        'IO Error: Could not read enough bytes from file "results.duckdb": attempted to read 3192 bytes from '
        "location 5000",
        StoreDamaged,
        "is damaged",
    ),
    (
        duckdb.SerializationException,
        "Serialization Error: unexpected end of list",
        StoreDamaged,
        "is damaged",
    ),
    (
        duckdb.IOException,
        'IO Error: Could not read enough bytes from file "results.duckdb.tmp/duckdb_temp_storage_DEFAULT-0.tmp": '
        "attempted to read 262144 bytes from location 262144",
        StoreUnreachable,
        "temporary files",
    ),
    # Too new
    (
        duckdb.IOException,
        "IO Error: Trying to read a database file with version number 69, but we can only read versions between 64 "
        "and 68.\nThe database file was created with a newer version of DuckDB.\n",
        StoreTooNew,
        "Update netstats_xl",
    ),
    (
        duckdb.IOException,
        'IO Error: Error opening "results.duckdb": file was written with a storage version greater than the latest '
        "version supported by this DuckDB instance. Try opening the file with a newer version of DuckDB.",
        StoreTooNew,
        "Update netstats_xl",
    ),
    # Read-only
    (
        duckdb.TransactionException,
        'TransactionContext Error: Failed to commit: Cannot open file "results.duckdb.wal": Permission denied',
        StoreReadOnly,
        "Give this user the right",
    ),
    (
        duckdb.IOException,
        'IO Error: Cannot open file "results.duckdb": Read-only file system',
        StoreReadOnly,
        "Read-only file system",
    ),
    (
        duckdb.IOException,
        'IO Error: Cannot open file "results.duckdb": Operation not permitted',
        StoreReadOnly,
        "may not be written",
    ),
    (
        duckdb.IOException,
        'IO Error: Cannot open file "results.duckdb": Zugriff verweigert\r\n',
        StoreReadOnly,
        "Zugriff verweigert",
    ),
    (
        duckdb.InvalidInputException,
        'Invalid Input Error: Cannot execute statement of type "INSERT" on database "store" which is attached in '
        "read-only mode!",
        StoreReadOnly,
        "may not be written",
    ),
    # The rest
    (
        duckdb.IOException,
        'IO Error: Cannot open file "results.duckdb": No such file or directory',
        StoreError,
        "Correct its path",
    ),
    (
        duckdb.OutOfMemoryException,
        "Out of Memory Error: could not allocate block of size 256.0 KiB (1.8 GiB/1.8 GiB used)",
        StoreError,
        "Ask for a shorter period",
    ),
    (
        duckdb.ConnectionException,
        "Connection Error: Connection already closed!",
        StoreError,
        "has been closed",
    ),
    (
        duckdb.FatalException,
        "FATAL Error: Failed: database has been invalidated because of a previous fatal error. The database must be "
        "restarted prior to being used again.",
        StoreError,
        "saving is tried again",
    ),
    (
        duckdb.IOException,
        'IO Error: Could not read from file "results.duckdb": Input/output error',
        StoreUnreachable,
        "Check the disk",
    ),
)


@pytest.mark.parametrize(("raised", "message", "error", "says"), MESSAGES)
def test_a_real_message_becomes_our_error_with_its_remedy(
    raised: type[duckdb.Error], message: str, error: type[StoreError], says: str
) -> None:
    fault = fault_of(raised(message), PATH)
    assert fault.row is not None
    assert type(fault.error) is error
    assert says in fault.error.message
    assert "results.duckdb" in fault.error.message
    assert fault.error.message.endswith((".", ")"))
    assert "\n" not in fault.error.message


def test_every_row_of_the_table_has_a_real_message(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = set()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=0))
    windows_full = 'IO Error: Could not write file "results.duckdb": Auf dem Datentr\u00e4ger ist kein Platz.'
    for raised, message in [(raised, message) for raised, message, _, _ in MESSAGES] + [
        (duckdb.IOException, windows_full)
    ]:
        used.add(fault_of(raised(message), PATH).row)
    monkeypatch.setattr(faults, "_is_held", lambda _: True)
    used.add(fault_of(HELD, PATH).row)
    path = tmp_path / PATH.name
    path.touch()
    used.add(fault_of(duckdb.IOException(_unread("results.duckdb", 0)), path).row)
    assert used == set(range(len(faults.TABLE)))


def test_a_write_that_fails_in_words_unknown_means_a_full_disk_only_where_there_is_no_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    error = duckdb.IOException(
        'IO Error: Could not write file "results.duckdb": Pas d\u2019espace disponible'
    )
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_000))
    assert isinstance(fault_of(error, PATH).error, StoreFull)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=10**9))
    assert type(fault_of(error, PATH).error) is StoreUnreachable


def test_a_file_that_cannot_be_opened_for_reasons_unknown_is_locked_only_where_another_program_holds_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(faults, "_is_held", lambda _: True)
    assert isinstance(fault_of(HELD, PATH).error, StoreLocked)
    monkeypatch.setattr(faults, "_is_held", lambda _: False)
    assert isinstance(fault_of(HELD, PATH).error, StoreReadOnly)


def _unread(name: str, location: int) -> str:
    return (
        f'IO Error: Could not read file "C:\\Daten\\{name}" (error in ReadFile(location: {location}, nr_bytes: '
        "262144)): Das Ende der Datei ist erreicht.\r\n"
    )


@pytest.mark.parametrize(
    ("name", "location", "error"),
    [
        ("results.duckdb", 5_000, StoreDamaged),
        ("results.duckdb", 4_999, StoreUnreachable),
        ("results.duckdb.wal", 5_000, StoreUnreachable),
    ],
)
def test_a_read_that_fails_on_windows_means_damage_only_where_the_database_ends_before_it(
    tmp_path: Path, name: str, location: int, error: type[StoreError]
) -> None:
    path = tmp_path / PATH.name
    path.write_bytes(bytes(5_000))
    assert type(fault_of(duckdb.IOException(_unread(name, location)), path).error) is error


def test_a_read_that_fails_on_windows_in_a_file_that_has_gone_is_no_damage(tmp_path: Path) -> None:
    error = duckdb.IOException(_unread("results.duckdb", 5_000))
    assert type(fault_of(error, tmp_path / PATH.name).error) is StoreUnreachable


def test_a_disk_that_cannot_be_asked_for_its_room_is_not_taken_for_full() -> None:
    error = duckdb.IOException('IO Error: Could not write file "x": Input/output error')
    fault = fault_of(error, Path("no such folder") / "results.duckdb")
    assert type(fault.error) is StoreUnreachable
    assert "Check the disk" in fault.error.message


@pytest.mark.parametrize(
    ("error", "invalidates"),
    [
        (duckdb.IOException(f"IO Error: {CHECKPOINT_FULL}"), True),
        (duckdb.FatalException("FATAL Error: something new"), True),
        (duckdb.InternalException("INTERNAL Error: something new"), True),
        (
            duckdb.TransactionException(
                "Transaction COMMIT succeeded and is durable, but the autocheckpoint failed. Detach and reattach the "
                "database to recover. No space left on device"
            ),
            True,
        ),
        (
            duckdb.TransactionException("Failed to commit: Could not write file: No space left on device"),
            False,
        ),
        (duckdb.IOException("IO Error: Cannot open file: Permission denied"), False),
    ],
)
def test_only_some_faults_leave_the_database_to_be_reopened(error: duckdb.Error, invalidates: bool) -> None:
    assert fault_of(error, PATH).invalidates is invalidates


def test_what_no_row_knows_is_a_plain_store_error_that_says_so() -> None:
    fault = fault_of(
        duckdb.CatalogException("Catalog Error: Table with name samples does not exist!\nLINE 1"), PATH
    )
    assert fault.row is None
    assert type(fault.error) is StoreError
    assert "does not know: Table with name samples does not exist!" in fault.error.message


def test_every_exception_type_of_duckdb_can_be_translated() -> None:
    types = [
        each for each in vars(duckdb).values() if isinstance(each, type) and issubclass(each, duckdb.Error)
    ]
    assert len(types) > 20
    for each in types:
        assert isinstance(fault_of(each(""), PATH).error, StoreError)


def test_the_remedy_for_a_locked_database_fits_every_command() -> None:
    for raised, message, error, _ in MESSAGES:
        text = fault_of(raised(message), PATH).error.message
        if error is StoreLocked and "in this process" not in text:
            assert text.endswith("Stop it first, or wait until it ends.")


def test_a_damaged_database_is_not_said_to_be_unchanged() -> None:
    text = fault_of(duckdb.SerializationException("Serialization Error: end"), PATH).error.message
    assert "changed" not in text


def test_an_error_that_names_a_column_called_corrupted_is_no_damage() -> None:
    error = duckdb.BinderException('Binder Error: Referenced column "corrupted" not found in FROM clause!')
    assert type(fault_of(error, PATH).error) is StoreError


def test_only_faults_that_can_go_away_are_retryable() -> None:
    assert StoreMoved.retryable
    assert StoreLocked.retryable
    assert StoreFull.retryable
    assert StoreReadOnly.retryable
    assert StoreUnreachable.retryable
    assert not any(
        each.retryable for each in (StoreCorrupt, StoreDamaged, StoreLogDamaged, StoreUnrecognised)
    )
    assert not StoreTooNew.retryable
