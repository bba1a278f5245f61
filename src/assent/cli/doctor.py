"""doctor: is everything here, and does the whole loop work?"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from rich.table import Table

from assent.cli.output import FAILED, OK, Output
from assent.environment import environment

EXTRAS = {
    "lab": ("jax", "equinox", "sklearn"),
    "lm": ("torch", "transformers"),
    "png": ("resvg_py",),
    "ray": ("ray",),
    "postgres": ("psycopg",),
}


def doctor(*, seed: int, json: bool) -> None:
    """`assent doctor`."""
    output = Output("doctor", as_json=json, seed=seed)
    versions = environment()
    extras = {name: all(importlib.util.find_spec(part) is not None for part in parts) for name, parts in EXTRAS.items()}
    checks = {name: _outcome(check, seed) for name, check in CHECKS.items()}
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, version in versions.items():
        table.add_row(name, version)
    for name, there in extras.items():
        table.add_row(
            f"extra [{name}]",
            "installed" if there else f"not installed: pip install 'assent[{name}]'",
        )
    for name, problem in checks.items():
        table.add_row(name, "works" if problem is None else f"FAILS: {problem}")
    output.say(table)
    failed = {name: problem for name, problem in checks.items() if problem is not None}
    output.done(FAILED if failed else OK, versions=versions, extras=extras, failed=failed)


def _outcome(check: Callable[[int], None], seed: int) -> str | None:
    try:
        check(seed)
    except Exception as error:  # a doctor reports every failure, whatever it is
        return f"{type(error).__name__}: {error}"
    return None


def _sqlite(seed: int) -> None:
    import apsw

    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    if version < (3, 51, 3):
        raise RuntimeError(
            f"SQLite {apsw.sqlite_lib_version()} can corrupt its write-ahead log (fixed in 3.51.3); update apsw."
        )


def _loop(seed: int) -> None:
    """A hundred decisions of a small committee on a ledger in memory, resumed and verified."""
    from assent.agents.imitator import Imitator
    from assent.hypotheses.tables import Tables
    from assent.ledger import Ledger
    from assent.overseers.demonstrator import Demonstrator
    from assent.session import Asked, Session

    rng = np.random.default_rng(seed)
    policies = rng.dirichlet(np.ones(3), size=(20, 5))
    overseer = Demonstrator(policies[0])
    agent = Imitator.of(Tables.of(policies))
    with TemporaryDirectory() as folder, Ledger.open(Path(folder) / "doctor.db") as book:
        session = Session.open(agent, book, run="doctor", overseer=overseer, seed=seed, null_action=0)
        for step in range(100):
            if isinstance(session.decide(step % 5), Asked):
                session.consult(step % 5)
        again = Session.resume(agent, book, run="doctor", overseer=overseer)
        if not np.array_equal(again.belief.log_weight, session.belief.log_weight):
            raise RuntimeError("the belief rebuilt from the ledger is not the one it was built with.")
        verification = session.verify()
        if not verification.ok:
            raise RuntimeError(f"the ledger does not verify: {verification.failures[0]}")


CHECKS: dict[str, Callable[[int], None]] = {"SQLite": _sqlite, "decide, ask, learn, resume, verify": _loop}
