"""RewardBelief: what corrections say about rewards, about optimal actions and about their own likelihood, by the best sampler there is."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, get_args

import numpy as np

from assent.hypotheses.rewards.collapsed import Collapsed
from assent.hypotheses.rewards.effort import Effort
from assent.hypotheses.rewards.enumerated import Rewards
from assent.hypotheses.rewards.enumeration import Enumeration
from assent.hypotheses.rewards.errors import MisspecifiedModel
from assent.hypotheses.rewards.gridded import Gridded
from assent.hypotheses.rewards.particles import ParticleFilter
from assent.hypotheses.rewards.priors import ContinuousPrior
from assent.planning.model import Model
from assent.planning.oracles.quadrature import MOST_STATES
from assent.planning.process import Process
from assent.planning.value_space import place_transitions

Sampler = Literal["enumerate", "quadrature", "collapsed", "smc"]
"""Enumeration of hypotheses; a grid over optimal values; Hamiltonian Monte Carlo over optimal values; weighted rewards."""

COLLAPSED_STATES = 150
"""Live states up to which a matrix per chain and step is inverted; beyond, particles are moved by value iteration."""


class Correction(NamedTuple):
    """The overseer said: in this place, this action."""

    place: int
    action: int


@dataclass(frozen=True)
class Diagnostics:
    """How much a belief's numbers can be trusted.

    Attributes:
        sampler: which one was used.
        effective_sample_size: how many independent draws the numbers are worth; infinite where nothing is drawn.
        split_rhat: 1 where chains agree; NaN where there are none.
        alive: particles, chains or hypotheses with weight.
        draws: how many draws, hypotheses or points the numbers are means over.
        seconds: wall time of the last update.
    """

    sampler: Sampler
    effective_sample_size: float
    split_rhat: float
    alive: int
    draws: int
    seconds: float


Engine = Enumeration | Gridded | Collapsed | ParticleFilter
"""Ways to hold a belief. `hear` gives the engine after one more answer, or None where it has probability 0; none changes in place."""


@dataclass(frozen=True, eq=False)
class RewardBelief:
    """A belief about the rewards of P places and A actions, moved by corrections and by nothing else.

    Made by `from_prior`. Immutable: `update` returns a new belief, and one that fails leaves the old one as it was.

    Attributes:
        prior: what was believed at first.
        model: the world.
        process: the overseer, as it is believed to be; its answer model, eps and beta count here.
        sampler: the way the numbers are found.
        corrections: all that were heard, in order.
        engine: what holds the numbers.
        seconds: wall time of the last update.
    """

    prior: Rewards | ContinuousPrior
    model: Model
    process: Process
    sampler: Sampler
    corrections: tuple[Correction, ...]
    engine: Engine
    seconds: float

    @classmethod
    def from_prior(
        cls,
        prior: Rewards | ContinuousPrior,
        model: Model,
        process: Process,
        sampler: Sampler | Literal["auto"] = "auto",
        *,
        effort: Effort | None = None,
        seed: int = 0,
    ) -> RewardBelief:
        """The belief before any correction.

        Args:
            sampler: "auto" takes the first that fits: enumeration for finitely many rewards; a grid over optimal values where at most 3
                places are live; Hamiltonian Monte Carlo over optimal values; particles. The diagnostics name it.
            effort: chains, draws and particles.
            seed: of whatever is drawn; equal seeds give equal beliefs.

        Raises:
            ValueError: a sampler that cannot do it, with the reason; a prior that does not fit the world.

        Two states, stay or go; the overseer says "go" in the first:

        >>> from assent.hypotheses.rewards.priors import Gaussian
        >>> nothing, always = np.zeros(2), np.ones(2, dtype=bool)
        >>> world = Model(
        ...     successor=np.array([[[0], [1]], [[1], [0]]]), chance=np.ones((2, 2, 1)), terminal=~always, discount=0.8,
        ...     place=np.arange(2), mode=np.zeros(2, dtype=int), rate=nothing, cost=np.zeros((2, 2)), kept=always,
        ...     answerable=np.ones((2, 2), dtype=bool),
        ... )
        >>> belief = RewardBelief.from_prior(Gaussian(), world, Process(answer="optimal"))
        >>> belief = belief.update(Correction(place=0, action=1))
        >>> belief.policy_probs().round(4)
        array([[0.    , 1.    ],
               [0.5164, 0.4836]])
        >>> round(float(np.exp(belief.evidence)), 6)
        0.626926
        """
        start = time.perf_counter()
        if not (sampler == "auto" or sampler in get_args(Sampler)):
            raise ValueError(f"sampler = {sampler!r} is unknown: give auto, {', '.join(get_args(Sampler))}.")
        refusals = {name: _refusal(name, prior, model, process) for name in get_args(Sampler)}
        name = next(n for n, refusal in refusals.items() if refusal is None) if sampler == "auto" else sampler
        if refusals[name] is not None:
            raise ValueError(f"sampler {name!r} cannot be used: {refusals[name]}")
        engine = _engine(name, prior, model, process, effort or Effort(), seed)
        return cls(prior, model, process, name, (), engine, time.perf_counter() - start)

    def update(self, correction: Correction) -> RewardBelief:
        """The belief after one correction.

        Raises:
            MisspecifiedModel: the belief gave it probability 0. This belief is unchanged; nothing is renormalised.
            ValueError: the place or action does not exist, ends the life, or is one that the overseer is believed never to show.
        """
        start = time.perf_counter()
        self._check(correction)
        engine = self.engine.hear(int(correction.place), int(correction.action))
        if engine is None or not np.isfinite(engine.log_evidence):
            raise MisspecifiedModel(self._sentence(correction))
        corrections = (*self.corrections, Correction(int(correction.place), int(correction.action)))
        return replace(self, corrections=corrections, engine=engine, seconds=time.perf_counter() - start)

    @property
    def evidence(self) -> float:
        """The logarithm of P(all corrections), before any was heard."""
        return self.engine.log_evidence

    def policy_probs(self) -> np.ndarray:
        """[P, A]: the chance that each action is optimal, ties split evenly; uniform in places where the life has ended."""
        terminal = self.model.terminal[: self.model.num_places, None]
        return np.where(terminal, 1 / self.model.num_actions, self.engine.policy)

    def mean_reward(self) -> np.ndarray:
        """[P, A]: the expected reward of each action; 0 in places where the life has ended."""
        return np.where(self.model.terminal[: self.model.num_places, None], 0.0, self.engine.reward)

    @property
    def diagnostics(self) -> Diagnostics:
        """How much the numbers can be trusted."""
        effective, rhat, alive, draws = self.engine.quality_of_draws()
        return Diagnostics(self.sampler, float(effective), float(rhat), int(alive), int(draws), self.seconds)

    def _check(self, correction: Correction) -> None:
        model = self.model
        place, action = correction.place, correction.action
        for value, count, what in ((place, model.num_places, "place"), (action, model.num_actions, "action")):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < count:
                raise ValueError(
                    f"{what} {value!r} does not exist: {what}s run from 0 to {count - 1}. Nothing was learned."
                )
        if model.terminal[place]:
            raise ValueError(f"place {place} ends the life: no action is right there. Nothing was learned.")
        if not model.answerable[place, action]:
            raise ValueError(
                f"the overseer is believed never to show action {_name(model.action_names, action)} in place "
                f"{_name(model.state_names, place)}. Allow it in `answers`, or find out who said it. Nothing was learned."
            )

    def _sentence(self, correction: Correction) -> str:
        model, process = self.model, self.process
        said = _listed(self.prior) if isinstance(self.prior, Rewards) else self.prior.describe()
        errs = f"errs with chance {process.eps:g}" if process.answer == "eps" else f"gives {process.answer!r} answers"
        drawn = " (or no particle found one: try more effort)" if self.sampler == "smc" else ""
        return (
            f"the correction {_name(model.action_names, correction.action)} in place "
            f"{_name(model.state_names, correction.place)} has probability 0 under the prior ({said}), an overseer who {errs}, and "
            f"{len(self.corrections)} corrections before: no reward that is thought possible explains it{drawn}. Nothing was learned. "
            "Believe in errors (answer 'eps' with eps above 0), or add the missing reward or a 'none of these' to the prior; until "
            "then ask or stop."
        )


def _refusal(name: str, prior: Rewards | ContinuousPrior, model: Model, process: Process) -> str | None:
    """Why a sampler cannot be used, or None."""
    if isinstance(prior, Rewards):
        return None if name == "enumerate" else "the rewards are listed, so they are enumerated exactly."
    if name == "enumerate":
        return "the prior is over real numbers. Use 'auto'."
    if name == "smc":
        return None
    return _uncollapsible(prior, model, process) or _too_large(name, model)


def _uncollapsible(prior: ContinuousPrior, model: Model, process: Process) -> str | None:
    normal = prior.normal(model.num_places, model.num_actions)
    live = ~model.terminal[: model.num_places]
    if normal is None or not (normal[1][live] > 0).all():
        return "some reward has an atom (it is known, or it may be exactly 0), so optimal values have no density."
    if process.answer not in ("optimal", "eps"):
        return f"{process.answer!r} answers depend on more than the best action."
    try:
        place_transitions(model)
    except ValueError as error:
        return str(error)
    return None


def _too_large(name: str, model: Model) -> str | None:
    live = ~model.terminal[: model.num_places]
    most = MOST_STATES if name == "quadrature" else COLLAPSED_STATES
    if live.sum() > most:
        return f"{live.sum()} live places are more than {most}."
    if name == "quadrature" and not model.answerable[live].all():
        return "some action may not be shown, which the grid does not allow for."
    return None


def _engine(
    name: Sampler, prior: Rewards | ContinuousPrior, model: Model, process: Process, effort: Effort, seed: int
) -> Engine:
    if isinstance(prior, Rewards):
        return Enumeration.begin(prior, model, process)
    if name == "quadrature":
        return Gridded.begin(prior, model, process)
    if name == "collapsed":
        return Collapsed.begin(prior, model, process, effort, seed)
    return ParticleFilter.begin(prior, model, process, effort, seed)


def _name(names: tuple[str, ...], number: int) -> str:
    return f"{number} ({names[number]})" if number < len(names) else str(number)


def _listed(prior: Rewards) -> str:
    possible = int(np.isfinite(prior.log_prior).sum())
    return f"{possible} possible rewards of {prior.num_hypotheses}"
