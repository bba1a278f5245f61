"""Lives under declared stakes: a stream that shifts, a learner that is audited, and what its lone acts cost."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from assent.agents.premises import Premises, Promise
from assent.agents.regret import best_tracking, most_wrong
from assent.core import Answer, Hypotheses, Stakes, surprise
from assent.hypotheses.gradient import GradientMembers
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.overseers.scripted import READS_LABELS
from assent.rollout import as_arrays, live
from assent.worlds.stream import Stream

MEMBERS, CONTEXTS, ACTIONS = 32, 50, 5
CERTAINTY = 0.99
"""What a member of the tabular committee gives to the action that it names."""

CLASSES, FEATURES, FIT = 10, 65, 500
DEAR = 1000.0
"""What an act that is declared dear costs where it is wrong; others cost at most 1."""

RISK = 0.01
"""The chance that a life's wrong acts pass their bound although every premise holds."""


@dataclass(frozen=True, eq=False)
class Setting:
    """A stream with a shift, and committees for it.

    Attributes:
        hypotheses: the learner's members.
        frozen: one member alone, that which was right before the shift.
        world: the items, with the overseer's labels.
        labels: `[T]`, what she would do.
        worst: `[T, A]`, what each act is declared to cost at worst in each round.
        stakes: the guard, from a limit per decision.
    """

    hypotheses: Hypotheses
    frozen: Hypotheses
    world: Stream
    labels: np.ndarray
    worst: np.ndarray
    stakes: Callable[[float], Stakes]

    @property
    def num_steps(self) -> int:
        return len(self.labels)


def tabular(
    rng: np.random.Generator, *, num_steps: int, switches: int = 1, noise: float = 0.0, dear: float = 0.05
) -> Setting:
    """Members that each name one action in each context; the overseer follows one of them, and at each switch another.

    Args:
        noise: the chance that her label is another one than that member's.
        dear: the share of pairs of context and action that cost `DEAR` where they are wrong, instead of .1 to 1.
    """
    named = rng.integers(ACTIONS, size=(MEMBERS, CONTEXTS))
    policies = np.where(np.arange(ACTIONS) == named[..., None], CERTAINTY, (1 - CERTAINTY) / (ACTIONS - 1))
    contexts = rng.integers(CONTEXTS, size=num_steps)
    followed = np.arange(num_steps) * (switches + 1) // num_steps  # members 0, 1, 2 … one after the other
    labels = named[followed, contexts]
    other = (labels + rng.integers(1, ACTIONS, size=num_steps)) % ACTIONS
    labels = np.where(rng.random(num_steps) < noise, other, labels)
    worst = rng.uniform(0.1, 1.0, size=(CONTEXTS, ACTIONS))
    worst[rng.random(worst.shape) < dear] = DEAR
    return Setting(
        hypotheses=Tables.of(policies),
        frozen=Tables.of(policies[:1]),
        world=Stream.of(contexts, labels=labels, num_actions=ACTIONS),
        labels=labels,
        worst=worst[contexts],
        stakes=lambda limit: Stakes(worst, per_decision=limit),
    )


TURNED, RENAMED, NEW = "turned by 90 degrees", "digits renamed", "digits 5 to 9 instead of 0 to 4"

DEAR_LABEL = 9
"""The label that is dear to say wrongly."""


def digits(rng: np.random.Generator, *, num_steps: int, shift: str) -> Setting:
    """scikit-learn's digits, drawn with replacement, that are otherwise from half time on.

    The committee: four classifiers fitted beforehand to 500 items turned by 0, 90, 180 and 270 degrees, which never learn, and four online
    gradient members that begin from nothing. To say `DEAR_LABEL` wrongly costs `DEAR`, any other label 1.
    """
    images, digit = _digits()
    order = rng.permutation(len(digit))
    fit, rest = order[:FIT], order[FIT:]
    early, late = rest, rest
    if shift == NEW:
        fit, early, late = fit[digit[fit] < 5], rest[digit[rest] < 5], rest[digit[rest] >= 5]
    half = num_steps // 2
    drawn = np.concatenate([rng.choice(early, half), rng.choice(late, num_steps - half)])
    shifted = np.arange(num_steps) >= half
    items, labels = _features(images[drawn]), digit[drawn]
    if shift == TURNED:
        items[shifted] = _features(np.rot90(images[drawn[shifted]], axes=(1, 2)))
    if shift == RENAMED:
        labels = np.where(shifted, (labels + 1) % CLASSES, labels)
    fitted = np.stack([_fitted(_features(np.rot90(images[fit], turns, axes=(1, 2))), digit[fit]) for turns in range(4)])
    worst = np.where(np.arange(CLASSES) == DEAR_LABEL, DEAR, 1.0)
    return Setting(
        hypotheses=_committee(fitted),
        frozen=wrap(_still(fitted[:1]), num_actions=CLASSES),
        world=Stream.of(items, labels=labels, num_actions=CLASSES),
        labels=labels,
        worst=np.tile(worst, (num_steps, 1)),
        stakes=lambda limit: Stakes(model=_dear_label, per_decision=limit),
    )


def _dear_label(item: Any) -> list[float]:
    """What saying each digit costs at worst, whatever is seen."""
    return [DEAR if label == DEAR_LABEL else 1.0 for label in range(CLASSES)]


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    from sklearn.datasets import load_digits

    images, digit = load_digits(return_X_y=True)
    return np.asarray(images, dtype=np.float64).reshape(-1, 8, 8) / 16.0, np.asarray(digit, dtype=np.int64)


def _features(images: np.ndarray) -> np.ndarray:
    """`[N, 65]`: pixels less the average pixel of each, scaled to length 1, and a constant."""
    flat = images.reshape(len(images), -1)
    flat = flat - flat.mean(axis=1, keepdims=True)
    flat = flat / np.sqrt((flat**2).sum(axis=1, keepdims=True))
    return np.concatenate([flat, np.full((len(flat), 1), 0.3)], axis=1)


def _fitted(items: np.ndarray, digit: np.ndarray) -> np.ndarray:
    """Coefficients `[F, A]` of a multinomial logistic regression; a class that it has not seen is held unlikely."""
    from sklearn.linear_model import LogisticRegression

    fit = LogisticRegression(C=100.0, max_iter=500, fit_intercept=False).fit(items, digit)
    whole = np.zeros((FEATURES, CLASSES))
    whole[-1] = -10.0 / items[0, -1]
    whole[:, fit.classes_] = fit.coef_.T
    return whole


def _still(fitted: np.ndarray) -> GradientMembers:
    """Members that stay where they are."""
    lengths = np.sqrt((fitted**2).sum(axis=(1, 2)))
    return GradientMembers(fitted, lengths + 1.0, np.zeros(len(fitted)), norm=1.1, step="adaptive")


def _committee(fitted: np.ndarray) -> Hypotheses:
    moving = np.asarray([[20.0, 0.3], [40.0, 0.3], [80.0, 0.3], [80.0, 1.0]])  # radius and scale
    still = _still(fitted)
    start = np.concatenate([fitted, np.zeros((len(moving), FEATURES, CLASSES))])
    radius, scale = (np.concatenate([old, new]) for old, new in zip((still.radius, still.scale), moving.T, strict=True))
    return wrap(GradientMembers(start, radius, scale, norm=1.1, step="adaptive"), num_actions=CLASSES)


@dataclass(frozen=True, eq=False)
class Account:
    """What came of a life; T rounds, n answers.

    Attributes:
        asked, wrong: boolean `[T]`: the overseer was asked; something else than hers was done alone.
        ask: `[T]`, the chance of asking.
        worst: `[T]`, what was done is declared to cost at worst.
        cost: `[T]`, what lone acts did cost: what they were declared to at worst, where they were wrong.
        log_loss: `[T]`, nats, what an answer surprised by; 0 where none came.
        members: `[n, H]`, the same for each member.
        answered: `[n]`, the rounds of the answers.
        bound: `[T]`, what all lone acts may have cost by then: the stake times `most_wrong`, answers weighed by their chance.
    """

    asked: np.ndarray
    wrong: np.ndarray
    ask: np.ndarray
    worst: np.ndarray
    cost: np.ndarray
    log_loss: np.ndarray
    members: np.ndarray
    answered: np.ndarray
    bound: np.ndarray

    @property
    def passed(self) -> bool:
        """Whether the costs were ever above their bound."""
        return bool((self.cost.cumsum() > self.bound).any())

    def best(self, switches: int) -> float:
        """Nats: the least loss of a sequence of members with so many switches."""
        return best_tracking(self.members, switches=switches)

    def premises(self, promise: Promise, *, understated: float = 1.0, besides: float = 0.0) -> Premises:
        """How the whole life stands against a promise; see `standing`."""
        return deque(self.standing(promise, understated=understated, besides=besides), maxlen=1).pop()

    def standing(self, promise: Promise, *, understated: float = 1.0, besides: float = 0.0) -> Iterator[Premises]:
        """How the life stands against a promise after each round.

        Args:
            understated: so many times as high as they were declared are costs reported.
            besides: reported as the cost of each lone act that was the overseer's own.
        """
        at, answers = Premises(promise), iter(self.members)
        answered = set(self.answered.tolist())
        for step in range(len(self.asked)):
            ask = float(self.ask[step])
            if step in answered:
                at = at.asking(ask).answered(self.log_loss[step], next(answers), ask=ask)
            elif self.asked[step]:
                at = at.unanswered()
            else:
                right = not self.wrong[step]
                cost = besides if right else understated * float(self.cost[step])
                at = at.acted(ask=ask, worst=float(self.worst[step]), cost=cost)
                at = (
                    at if right and not besides else at.known(right=right, cost=cost)
                )  # a right act that is free says nothing
            yield at


def lived(
    agent: Any,
    setting: Setting,
    *,
    seed: int,
    rate: float,
    stake: float = 1.0,
    overseer: Any = READS_LABELS,
    run: str = "staked",
) -> Account:
    """The life of `agent`, and what its answers surprised it by, which is worked out anew from the answers alone."""
    trace = live(agent, setting.world, overseer, seed=seed, run=run, num_steps=setting.num_steps)
    asked, action, answer, ask = (np.asarray(part) for part in (trace.asked, trace.action, trace.answer, trace.ask))
    heard = asked & (answer >= 0)
    with jax.enable_x64(True):
        parts = _surprises(agent, jnp.asarray(setting.world.items), jnp.asarray(answer), jnp.asarray(heard))
    log_loss, members = (np.asarray(part) for part in parts)
    wrong = ~asked & (action != setting.labels)
    worst = np.where(asked, 0.0, setting.worst[np.arange(len(action)), action])
    slope = stake * (most_wrong(1.0, rate=rate, risk=RISK) - most_wrong(0.0, rate=rate, risk=RISK))
    weighed = np.cumsum(log_loss * rate / np.maximum(ask, rate))
    return Account(
        asked=asked,
        wrong=wrong,
        ask=ask,
        worst=worst,
        cost=np.where(wrong, worst, 0.0),
        log_loss=log_loss,
        members=members[heard],
        answered=np.flatnonzero(heard),
        bound=stake * most_wrong(0.0, rate=rate, risk=RISK) + slope * weighed,
    )


@jax.jit
def _surprises(agent: Any, items: Any, answer: Any, heard: Any) -> Any:
    """Nats `[T]` and `[T, H]`: what each answer surprised the learner and its members by; 0 where none was heard."""
    agent = as_arrays(agent)

    def learn(belief: Any, obs: Any, answer: Any) -> Any:
        rows = agent.hypotheses.log_policy(belief.memory, obs)
        return agent.learn(belief, obs, Answer(answer)), surprise(rows, belief.log_weight, answer), -rows[:, answer]

    def step(belief: Any, row: Any) -> Any:
        obs, answer, heard = row
        nothing = belief, jnp.zeros(()), jnp.zeros_like(belief.log_weight)
        after, *lost = jax.lax.cond(heard, lambda: learn(belief, obs, answer), lambda: nothing)
        return after, lost

    return jax.lax.scan(step, agent.init(), (items, answer, heard))[1]


def finite(value: float) -> float | None:
    """The number, or None where it is none: rows hold what JSON can."""
    return float(value) if math.isfinite(value) else None
