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
from assent.hypotheses.rewards.gridded import Gridded, unresolved
from assent.hypotheses.rewards.particles import ParticleFilter
from assent.hypotheses.rewards.priors import ContinuousPrior, has_normal
from assent.planning.model import Model
from assent.planning.oracles.quadrature import MOST_STATES
from assent.planning.process import Process
from assent.planning.value_space import place_transitions

Sampler = Literal["enumerate", "quadrature", "collapsed", "smc"]
"""Enumeration of hypotheses; a grid over optimal values; Hamiltonian Monte Carlo over optimal values; weighted rewards."""

COLLAPSED_STATES = 150
"""Live states up to which a matrix per chain and step is inverted; beyond, particles are moved by value iteration."""

SMALLEST, LARGEST = 1e-10, 1e15
"""Units of reward that chains over optimal values can carry: float32 holds the squares, and the chains' steps stay above their floor."""

ROUNDED = 0.1
"""The part of the smallest sd that float32 may round off a value: a tenth changes the evidence by about a thousandth."""


class Correction(NamedTuple):
    """The overseer said: in this place, this action."""

    place: int
    action: int


class Objection(NamedTuple):
    """The overseer said: in this place, this action is not the best one. Who speaks only after errors says so by speaking at all."""

    place: int
    action: int


class Silence(NamedTuple):
    """This action was done in this state, and nothing was said of it."""

    state: int
    action: int


Heard = Correction | Objection | Silence
"""What moves a belief."""


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
"""Ways to hold a belief. `hear` gives the engine after one more answer, `judge` after one more judgement of an action, or None where
that has probability 0; none changes in place."""


@dataclass(frozen=True, eq=False)
class RewardBelief:
    """A belief about the rewards of P places and A actions, moved by what an overseer says and lets pass, and by nothing else.

    Made by `from_prior`. Immutable: `update` returns a new belief, and one that fails leaves the old one as it was.

    Attributes:
        prior: what was believed at first.
        model: the world.
        process: the overseer, as it is believed to be; its answer model, eps and beta count here.
        sampler: the way the numbers are found.
        heard: everything that moved it, in order.
        engine: what holds the numbers.
        seconds: wall time of the last update.
    """

    prior: Rewards | ContinuousPrior
    model: Model
    process: Process
    sampler: Sampler
    heard: tuple[Heard, ...]
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
                places are live and the grid resolves the prior; Hamiltonian Monte Carlo over optimal values; particles. The
                diagnostics name it.
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
        if sampler == "auto":
            name: Sampler = next(n for n in get_args(Sampler) if _refusal(n, prior, model, process) is None)
        elif (refusal := _refusal(sampler, prior, model, process)) is None:
            name = sampler
        else:
            raise ValueError(f"sampler {sampler!r} cannot be used: {refusal}")
        engine = _engine(name, prior, model, process, effort or Effort(), seed)
        return cls(prior, model, process, name, (), engine, time.perf_counter() - start)

    def update(self, heard: Heard) -> RewardBelief:
        """The belief after one correction, one objection, or one silence.

        Silence says that the action was right, the more surely the less an error is overlooked: its likelihood is 1 where the action is
        optimal and 1 - rate where it is not. It says so only of an overseer who speaks after errors (trigger `on_error`); of any other,
        and where nobody is left to speak, it moves nothing. An overseer who speaks after errors and shows the better action makes two
        things known: an objection to the one, and a correction.

        Raises:
            MisspecifiedModel: the belief gave it probability 0. This belief is unchanged; nothing is renormalised.
            TypeError: it is none of the three.
            ValueError: the place, state or action does not exist, ends the life, or is one that the overseer is believed never to show;
                an objection or silence where the sampler holds soft values, which do not tell the best action.

        Two actions, one of them right; an overseer who notices four errors in five says nothing:

        >>> always = np.ones((1, 2), dtype=bool)
        >>> world = Model(
        ...     successor=np.zeros((1, 2, 1), dtype=int), chance=np.ones((1, 2, 1)), terminal=~always[0, :1], discount=0.9,
        ...     place=np.zeros(1, dtype=int), mode=np.zeros(1, dtype=int), rate=np.full(1, 0.8), cost=np.zeros((1, 2)),
        ...     kept=always[0, :1], answerable=always,
        ... )
        >>> rewards = Rewards.of(["left", "right"], [0.5, 0.5], np.eye(2)[None])
        >>> belief = RewardBelief.from_prior(rewards, world, Process(trigger="on_error", rate=0.8))
        >>> belief.update(Silence(state=0, action=0)).policy_probs().round(4)
        array([[0.8333, 0.1667]])
        """
        start = time.perf_counter()
        self._check(heard)
        place, action = self._place(heard), int(heard.action)
        if isinstance(heard, Correction):
            engine = self.engine.hear(place, action)
        elif isinstance(heard, Objection):
            engine = self.engine.judge(place, action, -np.inf, 0.0)
        elif (noticed := self._noticed(int(heard.state))) > 0:
            with np.errstate(divide="ignore"):
                engine = self.engine.judge(place, action, 0.0, float(np.log(1 - noticed)))
        else:
            engine = self.engine
        if engine is None or not np.isfinite(engine.log_evidence):
            raise MisspecifiedModel(self._sentence(heard))
        return replace(self, heard=(*self.heard, heard), engine=engine, seconds=time.perf_counter() - start)

    @property
    def evidence(self) -> float:
        """The logarithm of P(everything heard), before any was."""
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

    def _place(self, heard: Heard) -> int:
        return int(self.model.place[int(heard.state)]) if isinstance(heard, Silence) else int(heard.place)

    def _noticed(self, state: int) -> float:
        """The chance that an error in this state is spoken of."""
        return float(self.model.rate[state]) if self.process.trigger == "on_error" else 0.0

    def _check(self, heard: Heard) -> None:
        if not isinstance(heard, Heard):
            raise TypeError(
                f"{heard!r} moves no belief: give a Correction, an Objection or a Silence, by its name. Nothing was learned."
            )
        model, action = self.model, heard.action
        where = (
            (heard[0], model.num_states, "state")
            if isinstance(heard, Silence)
            else (heard[0], model.num_places, "place")
        )
        for value, count, what in (where, (action, model.num_actions, "action")):
            if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < count:
                raise ValueError(
                    f"{what} {value!r} does not exist: {what}s run from 0 to {count - 1}. Nothing was learned."
                )
        place = self._place(heard)
        if model.terminal[heard[0]]:
            raise ValueError(f"{where[2]} {heard[0]} ends the life: no action is right there. Nothing was learned.")
        if not isinstance(heard, Correction) and self.process.answer == "soft" and self.sampler != "enumerate":
            raise ValueError(
                f"sampler {self.sampler!r} holds the soft values of soft answers, which do not tell whether action "
                f"{_name(model.action_names, action)} is the best one. List the rewards (sampler 'enumerate'). Nothing was learned."
            )
        if isinstance(heard, Correction) and not model.answerable[place, action]:
            raise ValueError(
                f"the overseer is believed never to show action {_name(model.action_names, action)} in place "
                f"{_name(model.state_names, place)}. Allow it in `answers`, or find out who said it. Nothing was learned."
            )

    def _sentence(self, heard: Heard) -> str:
        model, process = self.model, self.process
        said = _listed(self.prior) if isinstance(self.prior, Rewards) else self.prior.describe()
        errs = f"errs with chance {process.eps:g}" if process.answer == "eps" else f"gives {process.answer!r} answers"
        drawn = " (or no particle found one: try more effort)" if self.sampler == "smc" else ""
        return (
            f"the {type(heard).__name__.lower()} {_name(model.action_names, heard.action)} in place "
            f"{_name(model.state_names, self._place(heard))} has probability 0 under the prior ({said}), an overseer who {errs}, and "
            f"{len(self.heard)} words before: no reward that is thought possible explains it{drawn}. Nothing was learned. "
            f"{self._advice(heard)}; until then ask or stop."
        )

    def _advice(self, heard: Heard) -> str:
        """What would give it a chance: objections and silences are hard, whatever the chance of a wrong answer is."""
        wider = "the missing reward or a 'none of these' to the prior"
        if isinstance(heard, Silence):
            return f"Believe that errors may be overlooked (a rate below 1 in state {heard.state}), or add {wider}"
        never_errs = self.process.answer == "optimal" or (self.process.answer == "eps" and self.process.eps == 0)
        if isinstance(heard, Correction) and never_errs:
            return f"Believe in errors (answer 'eps' with eps above 0), or add {wider}"
        return f"Widen the prior: add {wider}"


def _refusal(name: str, prior: Rewards | ContinuousPrior, model: Model, process: Process) -> str | None:
    """Why a sampler cannot be used, or None."""
    if isinstance(prior, Rewards):
        return None if name == "enumerate" else "the rewards are listed, so they are enumerated exactly."
    if name == "enumerate":
        return "the prior is over real numbers. Use 'auto'."
    if name == "smc":
        return None
    if model.terminal[: model.num_places].all():
        return "every place ends the life, so nothing can be corrected there."
    refusal = _uncollapsible(prior, model, process) or _too_large(name, model)
    if refusal is None and name == "collapsed":
        return _too_fine(prior, model)
    if refusal is None and name == "quadrature" and has_normal(prior, model.num_places, model.num_actions):
        return unresolved(prior, model)
    return refusal


def _uncollapsible(prior: ContinuousPrior, model: Model, process: Process) -> str | None:
    live = ~model.terminal[: model.num_places]
    if (
        not has_normal(prior, model.num_places, model.num_actions)
        or not (prior.normal(model.num_places, model.num_actions)[1][live] > 0).all()
    ):
        return "some reward has an atom (it is known, or it may be exactly 0), so optimal values have no density."
    if process.answer not in ("optimal", "eps"):
        return f"{process.answer!r} answers depend on more than the best action."
    try:
        place_transitions(model)
    except ValueError as error:
        return str(error)
    return None


def _too_fine(prior: ContinuousPrior, model: Model) -> str | None:
    """Why chains in float32 cannot carry this prior in this world, or None."""
    normal = prior.normal(model.num_places, model.num_actions)
    if normal is None:
        return None
    live = ~model.terminal[: model.num_places]
    mean, sd = np.abs(normal[0][live]).max(), normal[1][live]
    if sd.min() < SMALLEST or max(mean, sd.max()) > LARGEST:
        return (
            f"its means up to {mean:g} and sds of {sd.min():g} to {sd.max():g} are beyond what float32 carries here ({SMALLEST:g} to "
            f"{LARGEST:g}). Give rewards in another unit, or use 'smc'."
        )
    steps = 1 / (1 - model.discount) if model.discount < 1 else float(live.sum())
    rounding = float(np.finfo(np.float32).eps * (mean + sd.max()) * steps)
    if rounding > ROUNDED * sd.min():
        return (
            f"float32 rounds its values by up to {rounding:g}, beside an sd of {sd.min():g}. Bring means and sds nearer to each other, "
            "or use 'smc'."
        )
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
    if has_normal(prior, model.num_places, model.num_actions):
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
