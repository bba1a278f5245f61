"""Gates: rules that act by the leaders' mixture where one number about the committee is good enough, and ask for sure elsewhere.

They are the usual ways to ask for help, as drop-in rules: called like those in `rules`, and asking like those where nobody leads or a
leader cannot be read. What members leave out of their rows is asked as well. None carries the minimum's promise but `Tolerance`.

Before anybody has learned anything, rows are uniform. `Margin`, `Entropy`, `Vote` and `Confidence` then ask; `Variance` sees members that
agree, and acts: never use it with members that begin alike. `Tolerance` acts too, for the same reason, as `Minimum` does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

from assent.core.arrays import Array, namespace
from assent.core.assent import Assent
from assent.core.guards import withhold
from assent.core.posterior import normalise
from assent.core.rules import Minimum, Mixture


@dataclass(frozen=True)
class Margin:
    """Act by the mixture where its likeliest action is ahead of the next by at least `threshold`.

    Scheffer, Decomain and Wrobel, "Active hidden Markov models for information extraction", IDA 2001. A margin of 0, uniform rows, asks
    unless the threshold is 0.

    Attributes:
        threshold: in [0, 1]; 0 never asks.
        greedy: act on the likeliest action, equal ones in turn, instead of drawing from the mixture.

    Raises:
        ValueError: `threshold` is outside [0, 1].

    >>> import numpy as np
    >>> rows = np.log(np.asarray([[0.75, 0.25]]))
    >>> Margin(0.5)(rows, np.zeros(1)).probs, Margin(0.6)(rows, np.zeros(1)).probs
    (array([0.75, 0.25]), array([0., 0.]))
    """

    static_fields: ClassVar[tuple[str, ...]] = ("greedy",)
    threshold: float = 0.5
    greedy: bool = False

    def __post_init__(self) -> None:
        _check(self.threshold, "it is compared with the difference of two probabilities")

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        mixture = Mixture()(log_policy, log_weight)
        xp = namespace(mixture.probs)
        ranked = xp.sort(mixture.probs)
        ahead = ranked[-1] - (ranked[-2] if ranked.shape[0] > 1 else 0.0)
        return _act(mixture, ahead >= self.threshold, greedy=self.greedy)


@dataclass(frozen=True)
class Entropy:
    """Act by the mixture where its entropy is at most `threshold`, as a share of that of A equal chances.

    Shannon, "A mathematical theory of communication", 1948; as a gate: Lewis and Gale, "A sequential algorithm for training text
    classifiers", SIGIR 1994. Mass that members leave out counts as one more outcome. Uniform rows have entropy 1 and ask unless the
    threshold is 1.

    Attributes:
        threshold: in [0, 1]; 1 never asks, 0 acts only on certainty.
        greedy: act on the likeliest action, equal ones in turn, instead of drawing from the mixture.

    Raises:
        ValueError: `threshold` is outside [0, 1].

    >>> import numpy as np
    >>> uniform, sure = np.log(np.asarray([[0.5, 0.5]])), np.log(np.asarray([[0.99, 0.01]]))
    >>> [float(Entropy(0.5)(rows, np.zeros(1)).ask) for rows in (uniform, sure)]
    [1.0, 0.0]
    """

    static_fields: ClassVar[tuple[str, ...]] = ("greedy",)
    threshold: float = 0.5
    greedy: bool = False

    def __post_init__(self) -> None:
        _check(self.threshold, "it is compared with an entropy over that of equal chances")

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        mixture = Mixture()(log_policy, log_weight)
        entropy = _terms(mixture.probs) + _terms(mixture.ask)
        share = entropy / math.log(max(mixture.num_actions, 2))
        never = self.threshold >= 1  # with what is left out there are A + 1 outcomes, whose entropy may pass that of A
        return _act(mixture, (share <= self.threshold) | (never & (share == share)), greedy=self.greedy)


@dataclass(frozen=True)
class Variance:
    """Act by the mixture where no action's probability varies by more than `threshold` over the leaders, by weight.

    The variance is `sum_i w_i (p_i(a) - m(a))^2`, m being the mixture, and the greatest over actions counts: the doubt of Menda,
    Driggs-Campbell and Kochenderfer, "EnsembleDAgger: a Bayesian approach to safe imitation learning", IROS 2019, for actions that are
    categories. Members that agree have none, whatever they agree on: uniform rows act.

    Attributes:
        threshold: in [0, 1/4], which is the most that a probability can vary.
        greedy: act on the likeliest action, equal ones in turn, instead of drawing from the mixture.

    Raises:
        ValueError: `threshold` is outside [0, 1/4].

    >>> import numpy as np
    >>> rows, half = np.log(np.asarray([[0.75, 0.25], [0.25, 0.75]])), np.log(np.asarray([0.5, 0.5]))
    >>> Variance(0.0625)(rows, half).probs, Variance(0.06)(rows, half).probs
    (array([0.5, 0.5]), array([0., 0.]))
    """

    static_fields: ClassVar[tuple[str, ...]] = ("greedy",)
    threshold: float = 0.01
    greedy: bool = False

    def __post_init__(self) -> None:
        _check(self.threshold, "it is compared with the variance of a probability", high=0.25)

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        mixture = Mixture()(log_policy, log_weight)
        policy, share = _leaders(log_policy, log_weight)
        xp = namespace(policy)
        variance = xp.sum(share[:, None] * (policy - mixture.probs[None, :]) ** 2, axis=0)
        return _act(mixture, xp.max(variance) <= self.threshold, greedy=self.greedy)


@dataclass(frozen=True)
class Vote:
    """Act by the mixture where leaders with at least `threshold` of the weight would choose its likeliest action.

    Seung, Opper and Sompolinsky, "Query by committee", COLT 1992. Each leader has its weight in votes, for its own likeliest action; equal
    ones share them, and where the mixture has several likeliest the fewest votes of these count. With the first of equal actions in their
    place, as an argmax has it, members that know nothing would be unanimous.

    Attributes:
        threshold: in [0, 1]; 1 acts only where all leaders choose alike.
        greedy: act on the likeliest action, equal ones in turn, instead of drawing from the mixture.

    Raises:
        ValueError: `threshold` is outside [0, 1].

    >>> import numpy as np
    >>> rows, weight = np.log(np.asarray([[0.75, 0.25], [0.25, 0.75]])), np.log(np.asarray([0.75, 0.25]))
    >>> float(Vote(0.7)(rows, weight).ask), float(Vote(0.8)(rows, weight).ask)
    (0.0, 1.0)
    """

    static_fields: ClassVar[tuple[str, ...]] = ("greedy",)
    threshold: float = 0.9
    greedy: bool = False

    def __post_init__(self) -> None:
        _check(self.threshold, "it is compared with a share of the weight")

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        mixture = Mixture()(log_policy, log_weight)
        policy, share = _leaders(log_policy, log_weight)
        xp = namespace(policy)
        votes = xp.sum(share[:, None] * _equal_shares(policy), axis=0)
        fewest = xp.min(xp.where(mixture.probs >= xp.max(mixture.probs), votes, 1.0))
        # a unanimous vote is a sum of weights, which may come out as 1 - eps
        slack = 4 * log_weight.shape[0] * float(xp.finfo(policy.dtype).eps)
        return _act(mixture, fewest >= self.threshold - slack, greedy=self.greedy)


@dataclass(frozen=True)
class Tolerance:
    """Act by the leaders' minimum, scaled up to a distribution, where it leaves out at most `tau`; elsewhere ask for sure.

    Where `Minimum` would ask with a small probability this does not ask at all, and gives each action at most `1 / (1 - theta)` times what
    any leader gives it, theta being what the minimum leaves out. So a run of T lone acts makes an event at most `(1 - tau)^-T` times as
    likely as the overseer alone, while its model leads (docs/theory.md), a bound that grows with T: the price of not asking.

    Attributes:
        tau: in [0, 1); 0 acts only where all leaders agree exactly.
        greedy: act on the action with the greatest minimum, equal ones in turn, instead; then the factor above does not hold.

    Raises:
        ValueError: `tau` is outside [0, 1).

    >>> import numpy as np
    >>> rows, half = np.log(np.asarray([[0.75, 0.25], [0.5, 0.5]])), np.log(np.asarray([0.5, 0.5]))
    >>> Tolerance(0.25)(rows, half).probs.round(3), float(Tolerance(0.2)(rows, half).ask)
    (array([0.667, 0.333]), 1.0)
    """

    static_fields: ClassVar[tuple[str, ...]] = ("greedy",)
    tau: float = 0.1
    greedy: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.tau < 1:
            raise ValueError(
                f"tau = {self.tau} is outside [0, 1): it is compared with the mass that the minimum leaves out."
            )

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent:
        least = Minimum()(log_policy, log_weight)
        xp = namespace(least.probs)
        total = xp.sum(least.probs)
        whole = Assent(least.probs / xp.where(total > 0, total, 1.0))
        return _act(whole, least.ask <= self.tau, greedy=self.greedy)


def _check(threshold: float, meaning: str, *, high: float = 1.0) -> None:
    if not 0 <= threshold <= high:
        raise ValueError(f"threshold = {threshold} is outside [0, {high:g}]: {meaning}.")


def _leaders(log_policy: Array, log_weight: Array) -> tuple[Array, Array]:
    """The leaders' rows as probabilities, all 0 for who does not lead, `[H, A]`, and their posterior shares, `[H]`, which sum to 1.

    Where nobody leads or a leader cannot be read they come out as anything: the mixture has asked already.
    """
    if log_policy.shape[0] == 0:
        log_policy, log_weight = _nobody(log_policy, log_weight)
    xp = namespace(log_policy, log_weight)
    leader = xp.isfinite(log_weight)
    share = xp.exp(normalise(xp.where(leader, log_weight, -float("inf"))))
    return xp.exp(xp.where(leader[:, None] & (log_policy <= 1), log_policy, -float("inf"))), share


def _nobody(log_policy: Array, log_weight: Array) -> tuple[Array, Array]:
    """One dead member, whom no reduction has to make an exception for."""
    xp, dead = namespace(log_policy, log_weight), -float("inf")
    return xp.full((1, log_policy.shape[1]), dead, dtype=log_policy.dtype), xp.full((1,), dead, dtype=log_weight.dtype)


def _act(mixture: Assent, acts: Array, *, greedy: bool) -> Assent:
    """`mixture`, or its likeliest actions, where the boolean `acts` holds; else an assent that asks. What is left out stays asked."""
    if not greedy:
        return withhold(mixture, acts)
    xp = namespace(mixture.probs)
    likeliest = _equal_shares(mixture.probs[None, :])[0, :] * xp.sum(mixture.probs)
    return withhold(Assent(likeliest, gap=mixture.ask), acts)


def _equal_shares(policy: Array) -> Array:
    """`[H, A]`, 1 for the likeliest action of each row, shared by equal ones."""
    xp = namespace(policy)
    best = xp.astype(policy >= xp.max(policy, axis=1, keepdims=True), policy.dtype)
    count = xp.sum(best, axis=1, keepdims=True)
    return best / xp.where(count > 0, count, 1.0)


def _terms(probs: Array) -> Array:
    """`-sum p log p` in nats, `0 log 0` being 0."""
    xp = namespace(probs)
    some = probs > 0
    return -xp.sum(xp.where(some, probs * xp.log(xp.where(some, probs, 1.0)), 0.0))
