"""docs/levels.md names every kind, setting, key and level."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from assent.planning.process import Process
from assent.worlds.grid.kinds import KINDS
from assent.worlds.grid.level import Dynamics, Expect, Overseer, load, names
from assent.worlds.grid.priors import PRIORS, ListedReward

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "levels.md").read_text(encoding="utf-8")
SAID = set(re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL)))
WORDS = {word for said in SAID for word in re.findall(r"[a-z_][a-z_0-9]*", said)}


def rows(heading: str) -> dict[str, str]:
    """The second cell of each row of the first table under a heading, by the first cell."""
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return {line[0].strip(" `"): line[1] for line in lines}


def test_every_kind_is_there_with_exactly_its_settings() -> None:
    documented = rows("Kinds")
    assert set(documented) == {kind.word for kind in KINDS}
    for kind in KINDS:
        assert re.findall(r"`(\w+)`", documented[kind.word]) == [field.name for field in fields(kind)], kind.word


def test_every_key_is_there() -> None:
    for part in (Dynamics, Process, Overseer, Expect, ListedReward, *PRIORS):
        missing = {field.name for field in fields(part)} - WORDS
        assert not missing, (part.__name__, missing)
    assert {prior.word for prior in PRIORS} <= SAID


def test_every_level_that_tables_hold_is_there() -> None:
    ours = {name for name in names() if load(name).plain and load(name).rewards is not None}
    listed = set(re.findall(r"`(\w+)`", PAGE.split("\n## The levels\n")[1])) & set(names())
    assert listed == ours
