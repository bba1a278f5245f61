"""Cold start (A7): whatever is in the catalogue asks before anybody has said anything, in the agent that docs/hypotheses.md gives it."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent import catalogue, checks
from assent.agents.guarded import guarded
from assent.agents.imitator import Imitator
from assent.alarms import AssentWarning
from assent.checks.hypotheses import OBSERVATIONS
from assent.core import PROVEN, OneAnswer, Readable
from assent.hypotheses.masked import Masked
from assent.hypotheses.programs import programs
from assent.hypotheses.tables import Tables
from assent.hypotheses.twins import Twins
from assent.hypotheses.wrap import Ensemble, wrap
from assent.ledger import Ledger
from assent.overseers.scripted import Scripted
from assent.session import Asked, Session
from tests.session_support import unchecked

PAGE = Path(__file__).parents[2] / "docs" / "hypotheses.md"
TITLE = "## Before anything was said"
NAMES = {"guarded": guarded, "Imitator": Imitator, "OneAnswer": OneAnswer, "Readable": Readable, "wrap": wrap}

CLASSES = (*catalogue.HYPOTHESES, *catalogue.ENSEMBLES, *catalogue.LAB_HYPOTHESES, Twins, Masked)
SURELY = 1 - 1e-8
"""Of the whole, networks that were never taught give away a billionth."""


def recommended() -> dict[str, str]:
    """By the table of the page, the expression that makes a class's agent out of `members`."""
    section = PAGE.read_text(encoding="utf-8").split(TITLE)[1].split("\n## ")[0]
    rows = [line.split("|")[1:3] for line in section.splitlines() if line.startswith("| `")]
    return {name: agent.strip().strip("`") for names, agent in rows for name in re.findall(r"`(\w+)`", names)}


def name_of(thing: Any) -> str:
    return thing.rpartition(":")[2] if isinstance(thing, str) else thing.__name__


def is_proven(members: Any) -> bool:
    return not isinstance(members, Ensemble) and members.grade in PROVEN


def bare(members: Any) -> Imitator:
    """As `Imitator.of` makes one, nothing added."""
    return Imitator.of(wrap(members, num_actions=3) if isinstance(members, Ensemble) else members)


def first_seen(agent: Imitator, members: Any) -> list[Any]:
    """Three observations, no two alike, that these members can see."""
    if isinstance(members, Masked):
        return [(context, np.asarray([True, True, context != 1])) for context in range(3)]
    contexts = 3 if isinstance(members, Twins) else agent.num_contexts
    return list(OBSERVATIONS) if contexts is None else list(range(contexts))[:3]


def asks(agent: Imitator, members: Any) -> np.ndarray:
    belief = agent.init()
    return np.asarray([float(agent.propose(belief, obs).ask) for obs in first_seen(agent, members)])


@pytest.mark.parametrize("cls", CLASSES, ids=name_of)
def test_whatever_is_in_the_catalogue_asks_first(cls: Any, tmp_path: Path) -> None:
    """Learned members for sure. Of proven ones only what every member does is done, and one of three is asked by nine chances in ten."""
    members = checks.example(cls)
    if is_proven(members):
        agent = bare(members)
        belief, found = agent.init(), asks(agent, members)
        for obs in first_seen(agent, members):
            rows = getattr(members, "log_lower", members.log_policy)(belief.memory, obs)
            assert (agent.propose(belief, obs).probs <= np.exp(rows).min(axis=0) + 1e-12).all()
        assert 1 - np.prod(1 - found) >= 0.9, found
        return
    expression = recommended().get(name_of(cls))
    assert expression, (
        f"{name_of(cls)} is learned: name the agent that asks when it is cold, in the table under {TITLE} of {PAGE.name}."
    )
    agent = eval(expression, dict(NAMES), {"members": members})
    found = asks(agent, members)
    assert (found >= SURELY).all(), found
    with unchecked(), Ledger.open(tmp_path / "run.db") as ledger, warnings.catch_warnings():
        warnings.simplefilter("ignore", AssentWarning)  # one regression is no committee: it is said, and asked anyway
        session = Session.open(agent, ledger, run="cold", overseer=Scripted(lambda _: 0), null_action=0)
        decided = session.decide(first_seen(agent, members)[0])
        assert isinstance(decided, Asked)
        assert decided.question.body["reason"]


@pytest.mark.parametrize("name", ["BootstrapCounts", "NewtonSoftmax", "ExponentiatedMembers"])
def test_without_its_guard_a_class_whose_members_start_alike_does_not_ask(name: str) -> None:
    """The wrong variant: the same members, the bare minimum. So the tests above do find what sleeps."""
    (cls,) = [cls for cls in CLASSES if name_of(cls) == name]
    members = checks.example(cls)
    assert (asks(bare(members), members) <= 0.02).all()
    assert name in recommended()


def test_the_page_names_what_there_is_and_only_what_needs_it() -> None:
    learned = {name_of(cls) for cls in CLASSES if not is_proven(checks.example(cls))}
    assert set(recommended()) == learned


def test_of_an_exact_class_only_what_all_members_do_is_done_alone() -> None:
    """Against the minimum in plain Python; a hundred random policies leave next to nothing of it, a rule list's twins nothing."""
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(4), size=(100, 5))
    agent = Imitator.of(Tables.of(rows))
    for context in range(5):
        assent = agent.propose(agent.init(), context)
        least = [min(float(row[context, action]) for row in rows) for action in range(4)]
        assert assent.probs == pytest.approx(least, abs=1e-12)
        assert float(assent.ask) > 0.95
        most = [max(float(row[context, action]) for row in rows) for action in range(4)]
        assert not np.allclose(assent.probs, most, atol=0.5)  # the wrong variant: what some member does
    bank = programs({"wet": [False, True], "late": [False, False]}, 2, max_length=7, action_names=["go", "stop"])
    agent = Imitator.of(bank)
    assert [float(agent.propose(agent.init(), context).ask) for context in range(2)] == [1.0, 1.0]
