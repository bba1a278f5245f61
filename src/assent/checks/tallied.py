"""What every guard that keeps count does."""

from __future__ import annotations

from typing import Any

import numpy as np

from assent.checks.examples import example
from assent.checks.requiring import SLACK, name_of, require, require_traceable, require_valid, unchanged
from assent.core import Assent, Context, Done, Forbidding, Hearing, Tallied
from assent.core.tallies import bound

CONTEXTS, MEMBERS, ACTIONS = 3, 5, 4


def check_tallied(guard: Any) -> None:
    """Never more mass on any action, whatever was counted; tallies that are values; everything asked where nothing is known.

    Args:
        guard: a guard with a tally, or a class of them.

    Raises:
        AssertionError: with the sentence that says which of these fails.
    """
    guard = example(guard)
    require_traceable(guard)
    name = name_of(guard)
    require(isinstance(guard, Tallied), f"{name} needs start, count and a call with a tally.")
    rng = np.random.default_rng(3)
    tally = guard.start(np.zeros(MEMBERS), CONTEXTS)
    for step in range(40):
        obs = int(rng.integers(CONTEXTS))
        least = rng.dirichlet(np.full(ACTIONS, 0.5)) * rng.uniform(0.2, 1)
        before = Assent(least)
        seen = np.concatenate([np.ravel(part) for part in _arrays(tally)]) if _arrays(tally) else np.zeros(0)
        with unchanged(before.probs, *_arrays(tally), what=name):
            after = _call(guard, before, tally, obs=obs, least=least)
            moved = _move(guard, tally, obs, int(rng.integers(ACTIONS)), bool(rng.integers(2)), rng)
        require_valid(after, name)
        require((after.probs <= before.probs).all(), f"{name} adds mass: {before.probs} became {after.probs}.")
        require(float(after.ask) >= float(before.ask) - SLACK, f"{name} makes asking less likely.")
        require(
            seen.size == sum(np.size(part) for part in _arrays(moved)),
            f"{name} has a tally that changes its shape at step {step}.",
        )
        tally = moved
    nothing = Assent(np.zeros(ACTIONS))
    require(
        not _call(guard, nothing, tally, obs=0, least=np.zeros(ACTIONS)).probs.any(),
        f"{name} lets an assent act that only asks.",
    )


def _call(guard: Any, assent: Assent, tally: Any, *, obs: Any, least: Any) -> Assent:
    context = Context(*map(np.asarray, (MEMBERS, MEMBERS, True, False)), obs=obs, least=least)
    (filled,) = bound([guard], [tally])
    return filled(assent, context)


def _move(guard: Any, tally: Any, obs: int, action: int, asked: bool, rng: np.random.Generator) -> Any:
    tally = guard.count(tally, Done(obs, action, asked, 0.05, 0.1))
    if isinstance(guard, Forbidding):
        tally = guard.forbid(tally, obs, action)
    if isinstance(guard, Hearing):
        tally = guard.hear(tally, obs, action, np.log(rng.dirichlet(np.ones(ACTIONS), size=MEMBERS)))
    return tally


def _arrays(tally: Any) -> list[Any]:
    if hasattr(tally, "__dataclass_fields__"):
        return [np.asarray(getattr(tally, part)) for part in tally.__dataclass_fields__]
    return [np.asarray(tally)]
