"""What studies of imitation share: random committees, the cases they are put into, and their lives as plain arrays."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assent.agents.imitator import Imitator
from assent.core import GuaranteeWarning, Guard, LeadingSet, Overseer, Readable, Rule, Tallied
from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.worlds.stream import Stream

SEEDS = 1_000_000
"""Lives of a study's seed are numbered from `seed * SEEDS` on, so that two seeds share none."""


class Life(NamedTuple):
    """What happened, round by round, `[T]`: as `assent.rollout.Trace` says, in NumPy."""

    asked: NDArray[np.bool_]
    action: NDArray[np.int64]
    ask: NDArray[np.float64]
    theta: NDArray[np.float64]
    charge: NDArray[np.float64]
    contradicted: NDArray[np.bool_]

    @property
    def asks(self) -> int:
        """Rounds in which the overseer was asked."""
        return int(self.asked.sum())

    def alone(self, action: int) -> NDArray[np.bool_]:
        """`[T]`: `action` was done without asking."""
        return ~self.asked & (self.action == action)


@dataclass(frozen=True, eq=False)
class Case:
    """Members, a stream of states and an overseer; with `rows` `[N, S, A]` the first member is the overseer's own model."""

    hypotheses: Any
    world: Any
    overseer: Overseer
    num_steps: int

    @classmethod
    def of(
        cls,
        rows: NDArray[np.float64],
        states: NDArray[np.int64],
        *,
        truth: NDArray[np.float64] | None = None,
        prior: NDArray[np.float64] | None = None,
    ) -> Case:
        """A case from policies `[N, S, A]` and states `[T]`; the overseer acts by `truth` `[S, A]`, or by the first policy."""
        members = Tables.of(rows, prior=prior, names=["member"] * len(rows))  # one name for all: names are compiled in
        world = Stream.of(states, num_actions=rows.shape[2])
        return cls(members, world, Demonstrator(rows[0] if truth is None else truth), len(states))


def random_rows(
    rng: np.random.Generator, *, members: int, contexts: int, actions: int, concentration: float = 1.0
) -> NDArray[np.float64]:
    """`[N, S, A]`: rows drawn from a symmetric Dirichlet distribution; at 1 every distribution is as likely as any other."""
    return rng.dirichlet(np.full(actions, concentration), size=(members, contexts))


def near_duplicates(rows: NDArray[np.float64], *, shared: float) -> NDArray[np.float64]:
    """`rows` `[N, S, A]` moved towards the first, which stays: each keeps the part `1 - shared` of its own."""
    moved = shared * rows[:1] + (1 - shared) * rows
    moved[0] = rows[0]
    return moved


def live(agent: Imitator, case: Any, *, seed: int, run: str, residual: bool = False) -> Life:
    """A life in a case, or in a preset's scene; with `residual` the overseer states probabilities when asked."""
    from assent.rollout import live as lived  # late: whoever lists studies needs no JAX

    steps = case.num_steps
    return _life(lived(agent, case.world, case.overseer, seed=seed, run=run, num_steps=steps, residual=residual))


def live_many(agent: Imitator, case: Any, *, seeds: Sequence[int], run: str, num_steps: int) -> tuple[Life, NDArray]:
    """Lives at once in one case: every field of the life is `[R, T]`; and the states that were passed, `[R, T]`."""
    from assent.rollout import live_many as lived

    trace = lived(agent, case.world, case.overseer, seeds=seeds, run=run, num_steps=num_steps)
    return _life(trace), np.asarray(trace.state)


def _life(trace: Any) -> Life:
    return Life(*(np.asarray(getattr(trace, name)) for name in Life._fields))


def peer(hypotheses: Any, leading: LeadingSet, rule: Rule, *guards: Guard | Tallied, temper: float = 1.0) -> Imitator:
    """An agent with exactly these parts, without the warnings that some deserve: their shortcomings are what is measured."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GuaranteeWarning)
        return Imitator(hypotheses, leading, rule, (Readable(), *guards), temper)


def spread(values: Sequence[float]) -> str:
    """Mean, standard deviation and range, as figures have them.

    >>> spread([9, 13, 26])
    '16.0 ± 7.3 (9 to 26)'
    """
    array = np.asarray(values, dtype=float)
    return f"{array.mean():,.1f} ± {array.std():,.1f} ({array.min():,.4g} to {array.max():,.4g})"


def mean(rows: Sequence[Any], name: str) -> float:
    """The mean of a column."""
    return float(np.mean([row[name] for row in rows]))
