"""What every class of members does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, get_args

import numpy as np

from assent.checks.examples import example
from assent.checks.requiring import SLACK, name_of, require, require_traceable
from assent.core import Answer, Grade, readable_rows
from assent.hypotheses.wrap import Ensemble, wrap

OBSERVATIONS: tuple[Any, ...] = (np.asarray([0.25, -0.5]), np.asarray([1.0, 0.0]), np.asarray([1.5, 2.0]))
"""What members of the catalogue that see more than a context's number are shown."""


def check_hypotheses(hypotheses: Any, *, observations: Sequence[Any] | None = None) -> None:
    """A normalised prior, one row for each member, nothing that changes by being looked at, and memories that are values.

    Args:
        hypotheses: members, or a class of them, or an ensemble, which is wrapped.
        observations: what the members can see; all contexts where `num_contexts` says how many there are, else `OBSERVATIONS`.

    Raises:
        AssertionError: with the sentence that says which of these fails.
    """
    hypotheses = example(hypotheses)
    if not hasattr(hypotheses, "log_policy") and isinstance(hypotheses, Ensemble):
        require_traceable(hypotheses)
        first = hypotheses.predict(hypotheses.init(), OBSERVATIONS[0] if observations is None else observations[0])
        hypotheses = wrap(hypotheses, num_actions=first.shape[1])
    require_traceable(hypotheses)
    _check_form(hypotheses)
    contexts = hypotheses.num_contexts
    seen = range(contexts) if contexts is not None else (OBSERVATIONS if observations is None else observations)
    for obs in seen:
        _check_rows(hypotheses, obs)
        for action in range(hypotheses.num_actions):
            _check_memory(hypotheses, obs, action)


def _check_form(hypotheses: Any) -> None:
    name, members = name_of(hypotheses), hypotheses.num_members
    require(members >= 1 and hypotheses.num_actions >= 1, f"{name} has no members or no actions.")
    require(len(hypotheses.names) == members, f"{name} has {len(hypotheses.names)} names for {members} members.")
    require(
        hypotheses.grade in get_args(Grade), f"{name} has the grade {hypotheses.grade!r}: one of {get_args(Grade)}."
    )
    prior = np.asarray(hypotheses.log_prior())
    require(prior.shape == (members,), f"{name} gives a prior of shape {prior.shape} for {members} members.")
    require(not np.isnan(prior).any(), f"{name} has NaN in its prior.")
    require(abs(np.exp(prior).sum() - 1) <= SLACK, f"{name} has a prior that sums to {np.exp(prior).sum()}, not 1.")


def _check_rows(hypotheses: Any, obs: Any) -> None:
    name, memory = name_of(hypotheses), hypotheses.init()
    rows = np.asarray(hypotheses.log_policy(memory, obs))
    expected = (hypotheses.num_members, hypotheses.num_actions)
    require(rows.shape == expected, f"{name} gives rows of shape {rows.shape}; expected {expected}.")
    readable = np.asarray(readable_rows(rows)[1])
    unreadable = np.isnan(rows).all(axis=1)
    require(
        (readable | unreadable).all(),
        f"{name} gives a row that is no sub-distribution for {obs!r}: {rows}. A member that cannot say must give NaN throughout.",
    )
    if hasattr(hypotheses, "log_lower"):
        _check_lower(hypotheses, memory, obs, expected)
    again = np.asarray(hypotheses.log_policy(memory, obs))
    require(np.array_equal(rows, again, equal_nan=True), f"{name} gives other rows when it is asked twice.")


def _check_lower(hypotheses: Any, memory: Any, obs: Any, expected: tuple[int, int]) -> None:
    name = name_of(hypotheses)
    require(0 < hypotheses.risk < 1, f"{name} has the risk {hypotheses.risk}: a chance strictly between 0 and 1.")
    lower = np.asarray(hypotheses.log_lower(memory, obs))
    require(lower.shape == expected, f"{name} gives lower rows of shape {lower.shape}; expected {expected}.")
    require(
        np.asarray(readable_rows(lower)[1]).all(),
        f"{name} gives a lower row that is no sub-distribution for {obs!r}: {lower}.",
    )
    require(
        (np.exp(lower).sum(axis=1) < 1 - SLACK).all(),
        f"{name} leaves nothing to ask for {obs!r} before anybody has said anything: {lower}. Nothing is known yet.",
    )


def _check_memory(hypotheses: Any, obs: Any, action: int) -> None:
    name, before = name_of(hypotheses), hypotheses.init()
    rows = np.asarray(hypotheses.log_policy(before, obs))
    done = hypotheses.advance(before, obs, np.asarray(action))
    hypotheses.learn(done, obs, Answer(np.asarray(action)))
    kept = np.asarray(hypotheses.log_policy(before, obs))
    require(
        np.array_equal(rows, kept, equal_nan=True),
        f"{name} changes an old memory when it advances or learns: a memory is a value, and beliefs handed out keep theirs.",
    )
    if not hypotheses.remembers or hypotheses.num_contexts is not None:
        after = np.asarray(hypotheses.log_policy(done, obs))
        require(
            np.array_equal(rows, after, equal_nan=True),
            f"{name} promises by `remembers` or `num_contexts` that what is done changes no row, but its rows changed when it advanced.",
        )
