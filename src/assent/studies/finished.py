"""Finished: the cells that are done, in one SQLite file, so that a study that was stopped goes on where it was."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from types import TracebackType

import apsw

from assent.studies.study import Row

_SCHEMA = """
CREATE TABLE IF NOT EXISTS finished (
    study TEXT NOT NULL, code TEXT NOT NULL, cell TEXT NOT NULL, seed INTEGER NOT NULL, rows TEXT NOT NULL, seconds REAL NOT NULL,
    PRIMARY KEY (study, code, cell, seed)
) WITHOUT ROWID, STRICT
"""


class Finished:
    """Rows of finished cells, by study, code, cell and seed. What another version of the code found is not used."""

    def __init__(self, path: str | Path, *, code: str | None = None) -> None:
        """Opens or creates the file.

        Args:
            code: which version of the code finds what is kept; a digest of this package's sources when left out.

        Raises:
            OSError: it cannot be opened or is no such file.
        """
        self._path, self._code = str(path), code_digest() if code is None else code
        try:
            self._connection = apsw.Connection(self._path)
            self._connection.set_busy_timeout(30_000)
            self._connection.pragma("journal_mode", "wal")
            self._connection.execute(_SCHEMA)
        except apsw.Error as error:
            raise OSError(
                f"{self._path} cannot hold finished cells: {error}. Name another folder with --out, or remove the file."
            ) from error

    def __enter__(self) -> Finished:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def rows(self, study: str, cell: str, seed: int) -> tuple[list[Row], float] | None:
        """The rows of a cell and the seconds that they took, or None if it is not done."""
        found = self._connection.execute(
            "SELECT rows, seconds FROM finished WHERE study = ? AND code = ? AND cell = ? AND seed = ?",
            (study, self._code, cell, seed),
        ).fetchone()
        return None if found is None else (json.loads(found[0]), float(found[1]))

    def keep(self, study: str, cell: str, seed: int, rows: list[Row], seconds: float) -> None:
        """Store a finished cell; it is on the disk when this returns.

        Raises:
            ValueError: a row holds what JSON cannot: a number that is not finite, say.
        """
        text = json.dumps(rows, allow_nan=False)
        with self._connection:
            self._connection.execute(
                "INSERT OR REPLACE INTO finished VALUES (?, ?, ?, ?, ?, ?)",
                (study, self._code, cell, seed, text, seconds),
            )


@cache
def code_digest() -> str:
    """SHA-256 over all source files of this package, in hexadecimal."""
    digest = hashlib.sha256()
    for name, data in _sources(resources.files("assent"), ""):
        digest.update(f"{name}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()


def _sources(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir() and entry.name != "__pycache__":
            found += _sources(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".py", ".toml")):
            found.append((prefix + entry.name, entry.read_bytes()))
    return found
