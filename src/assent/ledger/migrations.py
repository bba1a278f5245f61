"""Bringing a ledger file to the current schema: numbered, checksummed, forward only."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import apsw

from assent.ledger.errors import LedgerDamaged, LedgerError, LedgerNewer
from assent.ledger.failpoints import failpoint

_NAME = re.compile(r"(\d{4})_(\w+)\.sql")


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered step of the schema and the SHA-256 of its text."""

    number: int
    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """64 hexadecimal digits."""
        return sha256(self.sql.encode()).hexdigest()


def shipped() -> tuple[Migration, ...]:
    """The migrations of this version of assent, first to last."""
    found: list[Migration] = []
    for entry in (files("assent.ledger") / "migrations").iterdir():
        match = _NAME.fullmatch(entry.name)
        if match:
            found.append(Migration(int(match[1]), match[2], entry.read_text(encoding="utf-8").replace("\r\n", "\n")))
    found.sort(key=lambda migration: migration.number)
    if not found or [migration.number for migration in found] != list(range(1, len(found) + 1)):
        raise LedgerError("The migrations of assent are incomplete: the installation is damaged. Install it again.")
    return tuple(found)


def migrate(
    connection: apsw.Connection, path: str, *, now_us: Callable[[], int], migrations: Sequence[Migration] | None = None
) -> Path | None:
    """Brings the open file to the last migration; the copy that was put aside first, or None if none was needed.

    Raises LedgerNewer where a newer version wrote the file, LedgerDamaged where the file is not a ledger or a
    migration that it went through had another text.
    """
    steps = tuple(migrations) if migrations is not None else shipped()
    done = check(connection, path, steps)
    if done == len(steps):
        return None
    aside = _copy_aside(connection, path, done) if done else None
    failpoint("before:migrate.begin")
    connection.execute("BEGIN IMMEDIATE")
    try:
        failpoint("after:migrate.begin")
        done = check(connection, path, steps)  # another process may have been quicker
        for step in steps[done:]:
            _apply(connection, step, now_us())
        failpoint("before:migrate.commit")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    failpoint("after:migrate.commit")
    return aside


def _apply(connection: apsw.Connection, step: Migration, at_us: int) -> None:
    failpoint("before:migrate.project")
    connection.execute(step.sql)
    failpoint("after:migrate.project")
    failpoint("before:migrate.insert")
    connection.execute("INSERT INTO migration VALUES(?,?,?,?)", (step.number, step.name, step.checksum, at_us))
    failpoint("after:migrate.insert")


def check(connection: apsw.Connection, path: str, steps: Sequence[Migration]) -> int:
    """How many of `steps` the file has gone through, 0 for an empty file; raises as `migrate` does."""
    tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if not tables:
        return 0
    if "migration" not in tables:
        raise LedgerDamaged(
            f"{path} is an SQLite file but no ledger: it has the tables {', '.join(sorted(tables))}. Name another."
        )
    rows = list(connection.execute("SELECT number, checksum FROM migration ORDER BY number"))
    if rows and rows[-1][0] > len(steps):
        raise LedgerNewer(
            f"{path} has schema {rows[-1][0]}; this version of assent knows schema {len(steps)}. "
            "Install the version that wrote it, or a newer one. Nothing was changed."
        )
    if [row[0] for row in rows] != list(range(1, len(rows) + 1)):
        raise LedgerDamaged(f"{path} lists the migrations {[row[0] for row in rows]}, with gaps. Restore a backup.")
    for row, step in zip(rows, steps, strict=False):
        if row[1] != step.checksum:
            raise LedgerDamaged(
                f"{path} went through migration {step.number} ({step.name}) with checksum {str(row[1])[:8]}..., but "
                f"assent ships it with {step.checksum[:8]}... Use the version that wrote it."
            )
    return len(rows)


def _copy_aside(connection: apsw.Connection, path: str, done: int) -> Path:
    aside = Path(f"{path}.schema{done}")
    if aside.exists():
        raise LedgerError(
            f"Before the schema of {path} is changed it is copied to {aside}, and that file is there already, from an "
            "earlier attempt. Move it away and try again."
        )
    vacuum_into(connection, aside)
    return aside


def vacuum_into(connection: apsw.Connection, target: Path) -> None:
    """Writes a compact, consistent copy of the open database to a new file, which is there whole or not at all.

    SQLite does not sync what VACUUM INTO writes, so this does, and only then gives the file its name.
    """
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        connection.execute("VACUUM INTO ?", (str(part),))
        _sync(part)
        os.link(part, target)  # unlike a rename, this never replaces a file that appeared meanwhile
        _sync(target.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def expected_schema(migrations: Sequence[Migration] | None = None) -> dict[str, str]:
    """Name to SQL of every table, index and trigger that a current ledger has."""
    connection = apsw.Connection(":memory:")
    try:
        for step in migrations if migrations is not None else shipped():
            connection.execute(step.sql)
        return stored_schema(connection)
    finally:
        connection.close()


def stored_schema(connection: apsw.Connection) -> dict[str, str]:
    """Name to SQL of every table, index and trigger in the open file."""
    rows = connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL")
    return {str(name): str(sql) for name, sql in rows}
