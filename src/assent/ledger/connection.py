"""One SQLite connection, set up so that a commit is on the disk, and checked that it is so."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import apsw

from assent.ledger.errors import (
    LedgerBusy,
    LedgerDamaged,
    LedgerError,
    LedgerFull,
    LedgerReadOnly,
)
from assent.ledger.failpoints import failpoint
from assent.ledger.filesystem import refuse_network

_OLDEST = 3_051_003  # before it, resetting the write-ahead log could damage the file (3.7.0 to 3.51.2)
_READ_FAILURES = frozenset(
    {
        apsw.SQLITE_IOERR_READ,
        apsw.SQLITE_IOERR_SHORT_READ,
        apsw.SQLITE_IOERR_CORRUPTFS,
        apsw.SQLITE_IOERR_DATA,
    }
)


def connect(
    path: str,
    *,
    read_only: bool = False,
    busy_s: float = 30.0,
    inspect: Callable[[apsw.Connection], object] = lambda _: None,
) -> apsw.Connection:
    """An open connection with write-ahead log, full sync, foreign keys and a busy timeout, each of them asserted.

    `inspect` is called before anything in the file is changed, and refuses a file by raising.
    """
    if apsw.sqlite_lib_version() and _version() < _OLDEST:
        raise LedgerError(
            f"SQLite {apsw.sqlite_lib_version()} can damage a write-ahead log; 3.51.3 is the oldest that cannot. "
            "Install a newer apsw."
        )
    file = Path(path)
    if not file.parent.is_dir():
        raise LedgerError(f"There is no folder {file.parent} for the ledger {file.name}. Create it first.")
    if read_only and not file.exists():
        raise LedgerError(f"There is no ledger {path} to read. Check the name.")
    refuse_network(file.parent)
    flags = apsw.SQLITE_OPEN_READONLY if read_only else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    with sentences(path):
        connection = apsw.Connection(path, flags=flags)
        try:
            if not read_only and connection.readonly("main"):  # SQLite falls back to reading without a word
                raise apsw.ReadOnlyError("attempt to write a readonly database")
            _settle(connection, busy_s)
            inspect(connection)
            if not read_only:
                _turn_on_wal(connection, busy_s)
            _assert_settings(connection, path, read_only=read_only, busy_s=busy_s)
        except BaseException:
            connection.close()
            raise
    return connection


def _version() -> int:
    major, minor, patch = (int(part) for part in apsw.sqlite_lib_version().split(".")[:3])
    return major * 1_000_000 + minor * 1_000 + patch


_SETTINGS: dict[str, int | str] = {"foreign_keys": 1, "recursive_triggers": 1, "synchronous": 2}


def _settle(connection: apsw.Connection, busy_s: float) -> None:
    connection.set_busy_timeout(int(busy_s * 1000))
    connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, 1)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DML, 0)
    connection.config(apsw.SQLITE_DBCONFIG_DQS_DDL, 0)
    connection.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
    for name, value in _SETTINGS.items():  # recursive triggers: else INSERT OR REPLACE removes a row unseen
        connection.pragma(name, value)


def _assert_settings(connection: apsw.Connection, path: str, *, read_only: bool, busy_s: float) -> None:
    wanted = {**_SETTINGS, "busy_timeout": int(busy_s * 1000)}
    if not read_only:
        wanted["journal_mode"] = "wal"
    for name, value in wanted.items():
        if connection.pragma(name) != value:
            raise LedgerError(
                f"SQLite keeps {name} at {connection.pragma(name)!r} for {path} where a ledger needs {value!r}. "
                "Use a local disk and an unchanged build of SQLite."
            )


def _turn_on_wal(connection: apsw.Connection, busy_s: float) -> None:
    # Changing the journal mode does not wait for the busy timeout when another process is just opening the file.
    deadline = time.monotonic() + busy_s
    while True:
        try:
            connection.pragma("journal_mode", "wal")
            connection.pragma("wal_autocheckpoint", 4000)
            return
        except apsw.BusyError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.005)


@contextmanager
def transaction(connection: apsw.Connection, operation: str) -> Generator[None]:
    """BEGIN IMMEDIATE to COMMIT; everything is undone if the block raises.

    Always IMMEDIATE: a plain BEGIN that reads first and writes later is refused as busy, at once and whatever the
    timeout, if another process wrote in between.
    """
    failpoint(f"before:{operation}.begin")
    connection.execute("BEGIN IMMEDIATE")
    try:
        failpoint(f"after:{operation}.begin")
        yield
        failpoint(f"before:{operation}.commit")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    failpoint(f"after:{operation}.commit")


def rows(connection: apsw.Connection, sql: str, bindings: Sequence[object] = ()) -> list[tuple[Any, ...]]:
    """All rows at once: a cursor left open would hold the log back and turn the next BEGIN IMMEDIATE away as busy."""
    return cast("list[tuple[Any, ...]]", list(connection.execute(sql, cast("Any", bindings))))


def row(connection: apsw.Connection, sql: str, bindings: Sequence[object] = ()) -> tuple[Any, ...] | None:
    """The first row, or None."""
    found = rows(connection, sql, bindings)
    return found[0] if found else None


@contextmanager
def sentences(path: str) -> Generator[None]:
    """Turns what SQLite raises into the sentences of assent.ledger.errors."""
    try:
        yield
    except apsw.Error as error:
        raise _sentence(path, error) from error
    except UnicodeDecodeError as error:
        raise LedgerDamaged(f"{path} holds bytes that are not text where text belongs. Restore a backup.") from error


def _sentence(path: str, error: apsw.Error) -> LedgerError:
    said = f"(SQLite says: {error})"
    if isinstance(error, apsw.FullError) or (isinstance(error, apsw.IOError) and not _is_read(error)):
        return LedgerFull(
            f"The disk refused to write {path} {said}. The call recorded nothing. Make room, then try again."
        )
    if isinstance(error, (apsw.BusyError, apsw.LockedError)):
        return LedgerBusy(f"Another process kept {path} locked for the whole busy timeout {said}. Try again.")
    if isinstance(error, (apsw.ReadOnlyError, apsw.CantOpenError, apsw.PermissionsError, apsw.AuthError)):
        return LedgerReadOnly(
            f"{path} cannot be opened for writing {said}. Check who owns the file and its folder, and who may write."
        )
    if isinstance(error, (apsw.CorruptError, apsw.NotADBError, apsw.IOError, apsw.FormatError)):
        return LedgerDamaged(f"{path} is damaged or no ledger {said}. Keep the file, and restore a backup beside it.")
    if isinstance(error, (apsw.SQLError, apsw.SchemaChangeError, apsw.ConstraintError, apsw.MismatchError)):
        return LedgerDamaged(f"{path} lacks tables of a ledger, or breaks their rules {said}. Restore a backup.")
    return LedgerError(f"SQLite failed on {path} {said}.")


def _is_read(error: apsw.IOError) -> bool:
    return getattr(error, "extendedresult", 0) in _READ_FAILURES
