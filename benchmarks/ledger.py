"""How fast is the ledger beside what it is made of? One process, one machine, each row a ratio to a peer.

    python benchmarks/ledger.py [--json] [--events 200000] [--folder /where/the/disk/is]

Peers run in the same minute on the same disk: the standard library's sqlite3 with the same pragmas and the same number
of rows a commit, a bare write + fsync, and a bare SHA-256 chain over ready-made bytes. Each figure is the best of the
repetitions, for other work on the machine can only slow one down; the middle one is beside it. Asserts nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import random
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import metadata
from itertools import count
from pathlib import Path
from typing import Any

import apsw
import numpy as np
import rfc8785

from assent.ledger import Ledger, canonical, digest_of_question

GROUP = 1000
REPEAT = 3
_numbers = count()


@dataclass(frozen=True)
class Row:
    """One question and its answer: events a second of the ledger and of its peer."""

    what: str
    per_s: float
    middle_per_s: float
    peer: str
    peer_per_s: float
    target_per_s: float | None = None

    @property
    def ratio(self) -> float:
        """Ledger over peer."""
        return self.per_s / self.peer_per_s


def rates(number: int, work: Callable[[], object], repeat: int = REPEAT) -> list[float]:
    """How many of `number` things a second, slowest first."""
    found: list[float] = []
    for _ in range(repeat):
        start = time.perf_counter()
        work()
        found.append(number / (time.perf_counter() - start))
    return sorted(found)


def bodies(number: int) -> list[dict[str, Any]]:
    """Bodies of acts with numbers of full length, as a run writes them."""
    draw = random.Random(1)
    made: list[dict[str, Any]] = []
    for step in range(number):
        minimum = [0.3 + 0.1 * draw.random() for _ in range(2)]
        ask = 1.0 - sum(minimum)
        u = ask + minimum[0] + draw.random() * minimum[1]
        made.append(
            {
                "step": step,
                "attempt": 0,
                "action": 1,
                "u": u,
                "ask": ask,
                "below": minimum[0],
                "mass": minimum[1],
                "minimum": minimum[1],
                "leaders": 2,
            }
        )
    return made


def opening() -> dict[str, Any]:
    """The body of an open event."""
    agent = {"rule": "Minimum", "leading": "all", "guards": [], "temper": 1.0, "members": ["a", "b"]}
    agent |= {"num_actions": 2, "grade": "exact"}
    view = {"labels": ["no", "yes"], "picture": None}
    return {"format": 1, "version": "0", "seed": 1, "agent": agent, "config": {}, "environment": {}, "view": view}


def question(step: int) -> dict[str, Any]:
    """The body of an ask event."""
    rows = [[0.5, 0.5], [0.1, 0.9]]
    dossier = {"members": ["a", "b"], "rows": rows, "weights": [0.5, 0.5], "leading": [True, True]}
    dossier |= {"minimum": [0.1, 0.5], "assent": [0.1, 0.5], "dissent": [], "truncated": False}
    digest = digest_of_question(run="run", step=step, attempt=0, obs=None, options=["no", "yes"], dossier=dossier)
    body = {"question": f"run/{step}.0", "step": step, "attempt": 0, "digest": digest, "obs": None, "u": 0.1}
    return {**body, "ask": 0.4, "leaders": 2, "reason": "disagreement", "wait_s": None, "dossier": dossier}


def fresh(folder: Path) -> Path:
    """A file name that nobody had."""
    return folder / f"{next(_numbers)}.db"


def appends(folder: Path, acts: list[dict[str, Any]]) -> Row:
    """Grouped decisions, each with canonical JSON, hash chain and full sync a group."""

    def ours() -> None:
        with Ledger.open(fresh(folder), group=GROUP) as ledger:
            ledger.open_run("run", opening())
            for body in acts:
                ledger.append("run", "act", body)

    def peer() -> None:
        connection = plain(fresh(folder))
        for start in range(0, len(acts), GROUP):
            rows = [
                ("run", start + i, 0, "act", "agent", json.dumps(b)) for i, b in enumerate(acts[start : start + GROUP])
            ]
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO event VALUES(?,?,?,?,?,?)", rows)
            connection.execute("COMMIT")
        connection.close()

    best = rates(len(acts), ours)
    return Row(
        *(f"decisions, {GROUP} a commit", best[-1], statistics.median(best)),
        *("sqlite3, same pragmas, json.dumps, no chain", rates(len(acts), peer)[-1], 15_000),
    )


def plain(path: Path) -> sqlite3.Connection:
    """The standard library's connection with the ledger's pragmas and a table without rules."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA wal_autocheckpoint=4000")
    connection.execute("CREATE TABLE event(run, seq, at_us, kind, actor, body, PRIMARY KEY(run, seq)) WITHOUT ROWID")
    return connection


def answers(folder: Path, number: int = 300) -> list[Row]:
    """Answers, each durable before the call returns."""
    with Ledger.open(fresh(folder)) as ledger:
        ledger.open_run("run", opening())
        asked = [ledger.ask("run", question(step)) for step in range(REPEAT * number)]
        waiting = iter(asked)

        def ours() -> None:
            for _ in range(number):
                item = next(waiting)
                ledger.answer(item.id, 1, actor="ann", digest=item.digest)

        best = rates(number, ours)
    connection = plain(fresh(folder))
    steps = iter(range(10**6))

    def peer() -> None:
        for _ in range(number):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("INSERT INTO event VALUES('run', ?, 0, 'answer', 'ann', '{}')", (next(steps),))
            connection.execute("COMMIT")

    peer_rate = rates(number, peer)[-1]
    connection.close()
    ours_rates = (best[-1], statistics.median(best))
    return [
        Row("durable answers", *ours_rates, "write 4 KiB + fsync", fsyncs(folder, number), 150),
        Row("durable answers", *ours_rates, "sqlite3, same pragmas, one bare row", peer_rate, 150),
    ]


def fsyncs(folder: Path, number: int) -> float:
    """Bare synced appends a second: what no durable record can exceed."""
    with (folder / "bare").open("ab", buffering=0) as file:

        def work() -> None:
            for _ in range(number):
                file.write(bytes(4096))
                os.fsync(file.fileno())

        return rates(number, work)[-1]


def verification(folder: Path, acts: list[dict[str, Any]]) -> list[Row]:
    """The chain, all invariants and the file check over one long run."""
    texts = [canonical(body) for body in acts]

    def chain() -> None:
        digest = bytes(32)
        for text in texts:
            digest = hashlib.sha256(digest + text).digest()

    with Ledger.open(fresh(folder), group=GROUP) as ledger:
        ledger.open_run("run", opening())
        for body in acts:
            ledger.append("run", "act", body)
        ledger.flush()
        whole = rates(len(acts), ledger.verify)
        run = rates(len(acts), lambda: ledger.verify("run"))
    bare = rates(len(acts), chain)[-1]
    parsed = rates(len(acts), lambda: [json.loads(text) for text in texts])[-1]
    return [
        Row("verify, chain and I1-I10", run[-1], statistics.median(run), "bare SHA-256 chain", bare, 100_000),
        Row("verify, and the file check", whole[-1], statistics.median(whole), "json.loads alone", parsed, 100_000),
    ]


def canonicals(acts: list[dict[str, Any]]) -> Row:
    """Canonical JSON beside the reference."""
    ours = rates(len(acts), lambda: [canonical(body) for body in acts])
    some = acts[: len(acts) // 5]
    peer = rates(len(some), lambda: [rfc8785.dumps(body) for body in some])[-1]
    return Row("canonical JSON of an act", ours[-1], statistics.median(ours), "rfc8785.dumps", peer)


def machine() -> dict[str, str]:
    """What the figures hang on."""
    versions = {"Python": platform.python_version(), "apsw": apsw.apsw_version(), "SQLite": apsw.sqlite_lib_version()}
    versions |= {"sqlite3": sqlite3.sqlite_version, "NumPy": np.__version__, "rfc8785": metadata.version("rfc8785")}
    load = f"load {os.getloadavg()[0]:.1f}"
    return {
        "machine": f"{platform.system()} {platform.release()}, {platform.machine()}, {os.cpu_count()} cores, {load}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def main(arguments: list[str]) -> None:
    """Prints the table, or JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print JSON instead of the table")
    parser.add_argument("--events", type=int, default=200_000, help="acts in the long run")
    parser.add_argument("--folder", type=Path, default=None, help="where to write (default: the temporary folder)")
    options = parser.parse_args(arguments)
    acts = bodies(options.events)
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        rows = [canonicals(acts), appends(folder, acts), *answers(folder), *verification(folder, acts)]
    if options.json:
        print(json.dumps({**machine(), "rows": [{**asdict(row), "ratio": row.ratio} for row in rows]}, indent=2))
        return
    print("\n".join(machine().values()))
    print(f"{'':28}{'per s':>10}{'middle':>10}{'target':>9}{'ratio':>8}  peer, per s")
    for row in rows:
        target = "" if row.target_per_s is None else f"{row.target_per_s:,.0f}"
        print(
            f"{row.what:28}{row.per_s:10,.0f}{row.middle_per_s:10,.0f}{target:>9}{row.ratio:8.2f}  "
            f"{row.peer}, {row.peer_per_s:,.0f}"
        )


if __name__ == "__main__":
    main(sys.argv[1:])
