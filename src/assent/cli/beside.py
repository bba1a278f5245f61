"""A run with a committee, beside the same run with separately trained networks, and with the preset's own members."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from rich.table import Table

from assent.cli.config import RunConfig, agent_of
from assent.cli.output import Output
from assent.drive import drive
from assent.ledger import Ledger
from assent.presets.scene import Scene
from assent.session import Session

REFERENCE = "deep"


def beside(output: Output, config: RunConfig, scene: Scene, counts: dict[str, int]) -> None:
    """Prints what this run asked and got wrong alone, and what two others do on the same items. Nothing of theirs is on the ledger.

    A run that was broken off or shortened is not compared: the others would have had other items.
    """
    if counts["decisions"] != scene.num_steps:
        return
    rows = [(f"{config.committee}, this run", scene.notes, counts)]
    for name, other in _others(config):
        output.plain(f"for comparison, without a ledger: {name}")
        rows.append((name, other.notes, _run(config, other)))
    table = Table(box=None)
    for heading in ("members", "N", "trainings", "learn", "asked", "wrong alone"):
        table.add_column(heading, justify="left" if heading in ("members", "learn") else "right")
    for name, notes, found in rows:
        table.add_row(
            name,
            f"{notes.get('members', '')}",
            f"{notes['trainings']:.2f}" if "trainings" in notes else "",
            "" if "learns" not in notes else "each answer" if notes["learns"] else "weights only",
            f"{found['asks']:,}",
            f"{found['errors']:,}",
        )
        output.record("beside", name=name, **notes, **{key: found[key] for key in ("asks", "errors")})
    output.say(table)


def _others(config: RunConfig) -> list[tuple[str, Scene]]:
    from assent.presets.digits import digits, digits_of

    found = [] if config.committee == REFERENCE else [("networks trained apart", digits_of(REFERENCE, config.seed))]
    return [*found, ("the preset's own", digits(config.seed))]


def _run(config: RunConfig, scene: Scene) -> dict[str, int]:
    agent = agent_of(config.agent, scene.hypotheses, one_label=True)
    with tempfile.TemporaryDirectory() as folder, Ledger.open(Path(folder) / "beside.db", group=config.group) as book:
        session = Session.open(
            agent,
            book,
            run="beside",
            overseer=scene.overseer,
            seed=config.seed,
            null_action=scene.null_action,
            labels=scene.labels,
            checkpoint_every=config.checkpoint_every,
        )
        found: dict[str, Any] = {"asks": 0, "errors": 0}
        for item in drive(session, scene.world, num_steps=scene.num_steps, truth=scene.truth):
            found["asks"] += item.asked
            found["errors"] += not item.asked and item.action != item.truth
        return found
