"""docs/levels.md names every kind, setting, key and level."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from assent.planning.process import Process
from assent.worlds.grid.kinds import KINDS
from assent.worlds.grid.level import Dynamics, Expect, Overseer, load, names
from assent.worlds.grid.priors import PRIORS, ListedReward

PAGES = Path(__file__).resolve().parents[3] / "docs"
PAGE = (PAGES / "levels.md").read_text(encoding="utf-8")


def words(text: str) -> set[str]:
    """All names in code quotes."""
    return {word for said in re.findall(r"`([^`]+)`", text) for word in re.findall(r"[a-z_][a-z_0-9]*", said)}


def rows(heading: str) -> dict[str, str]:
    """The second cell of each row of the tables under a heading, by the first cell."""
    part = re.split(r"\n##+ ", PAGE.split(f"# {heading}\n")[1])[0]
    lines = [line.strip("|").split("|") for line in part.splitlines() if line.startswith("| `")]
    return {line[0].strip(" `"): line[1] for line in lines}


def test_every_kind_is_there_with_exactly_its_settings() -> None:
    documented = rows("Kinds")
    assert set(documented) == {kind.word for kind in KINDS}
    for kind in KINDS:
        assert re.findall(r"`(\w+)`", documented[kind.word]) == [field.name for field in fields(kind)], kind.word


@pytest.mark.parametrize(("heading", "parts"), [("[dynamics]", [Dynamics]), ("[overseer]", [Process, Overseer])])
def test_every_key_has_a_row(heading: str, parts: list[Any]) -> None:
    """Exactly those: a key that is named in another's row only does not count."""
    first = {word for cell in rows(heading) for word in words(f"`{cell}`")}
    assert first == {field.name for part in parts for field in fields(part)}


def test_every_prior_has_a_row_with_its_settings() -> None:
    documented = rows("[prior], [truth], [expect]")
    del documented["kind` of prior"]  # its heading
    assert set(documented) == {prior.word for prior in PRIORS}
    for prior in PRIORS:
        missing = {field.name for field in fields(prior)} - words(documented[prior.word])
        assert not missing, (prior.word, missing)
    assert {field.name for field in fields(ListedReward)} <= words(documented["listed"])
    assert {field.name for field in fields(Expect)} <= words(PAGE.split("`[expect]` is")[1].split("\n\n")[0])


def test_every_page_that_a_source_names_exists() -> None:
    named = {page for name in names() for page in re.findall(r"docs/[\w/-]+\.md", load(name).source)}
    assert named
    for page in named:
        assert (PAGES.parent / page).is_file(), page


def test_every_level_that_tables_hold_is_there() -> None:
    ours = {name for name in names() if load(name).plain and load(name).rewards is not None}
    listed = set(re.findall(r"`(\w+)`", PAGE.split("\n## The levels\n")[1])) & set(names())
    assert listed == ours
