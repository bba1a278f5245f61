"""simplexes: an overseer with any probabilities at all in each context, and lower bounds on them that hold at all times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, get_args

import numpy as np

from assent.core import Answer, Array, Grade
from assent.core.arrays import namespace, one_hot
from assent.core.coins import coin_regret, die_regret, log_least
from assent.hypotheses.observations import context_of
from assent.hypotheses.prior import log_prior_of

Test = Literal["coins", "die"]
TESTS: tuple[Test, ...] = get_args(Test)


class Counted(NamedTuple):
    """What is remembered of the answers.

    Attributes:
        counts: `[S, A]`, how often the overseer chose each action in each context.
        log_lower: `[S, A]`, the bounds that follow.
    """

    counts: Array
    log_lower: Array


@dataclass(frozen=True, eq=False)
class Simplexes:
    """One family: every overseer whose choice depends on the context alone, by any probabilities. S contexts, A actions.

    Nothing is assumed but that; no prior has to hold the truth. `log_policy` is the estimate of Krichevsky and Trofimov,
    `(count + 1/2) / (n + A/2)`. `log_lower` is, for an action chosen c times in n answers here, the least x with

        n kl(c / n, x) <= log(1 / r) + R        r this context's part of `delta`; R = log(best likelihood / estimate's likelihood)

    kl being that of two coins. It is 0 for an action never chosen, so every context is asked at first sight, and again with a chance that
    falls as the square root of log n / n.

    **What is promised.** With probability at least `1 - delta` no bound is ever above the overseer's probability, in no context, for no
    action, at no time: `risk` is `delta`. *Proof.* Let the overseer's probabilities in a context be p. Each answer there multiplies the
    ratio of the estimate's likelihood to that of p by `estimate(a) / p(a)`, whose mean under p is at most 1, whether or not the past made
    us ask. So the ratio is a non-negative supermartingale that starts at 1, and by Ville's inequality ever reaches 1 / r with chance at
    most r. Until then p satisfies `log best - log p(answers) < log(1 / r) + R`. For the die (`test="die"`, all actions in one estimate)
    the left side is at least `n kl(c / n, p_a)` for every action a: the likelihood with `p_a = x` given is greatest when the others
    share 1 - x as their counts do. One test inverts the whole simplex, so all actions' bounds hold together and nothing is split between
    them. For coins (`test="coins"`) each action has an estimate of its own, "this action or another", and an A-th of the context's risk
    (two actions are one coin, and share all of it); the left side is then `n kl` itself. The contexts' parts sum to `delta`. ∎

    A die's R grows as (A - 1)/2 log n, a coin's as 1/2 log n. Coins cost log A once, and give the higher bounds from about ten answers
    on, earlier where A is large; for two actions both are the same.

    Sources: Krichevsky and Trofimov, "The performance of universal encoding", IEEE Transactions on Information Theory 27 (1981); Ville,
    "Étude critique de la notion de collectif" (1939); Wasserman, Ramdas and Balakrishnan, "Universal inference", PNAS 117 (2020).

    Attributes:
        log_share: `[S]`, the log of each context's part of `delta`; they sum to 1 at most.
        num_actions: A.
        delta: in (0, 1), the chance of ever giving an action more than the overseer does.
        test: `coins` or `die`.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions", "test")
    log_share: Array
    num_actions: int
    delta: Array | float = 0.05
    test: Test = "coins"

    @classmethod
    def of(
        cls,
        num_contexts: int,
        num_actions: int,
        *,
        delta: float = 0.05,
        shares: Array | None = None,
        test: Test = "coins",
    ) -> Simplexes:
        """The family over S contexts and A actions.

        Args:
            shares: `[S]`, how the contexts divide `delta`, scaled to sum to 1; evenly when left out.

        Raises:
            ValueError: no contexts or actions, `delta` outside (0, 1), shares of another length, negative, not finite or all zero, an
                unknown test.

        >>> family = Simplexes.of(1, 2)
        >>> memory = family.init()
        >>> for action in [0, 1, 0, 0, 0] * 20:
        ...     memory = family.learn(memory, 0, Answer(np.asarray(action)))
        >>> np.exp(family.log_policy(memory, 0)).round(3), np.exp(family.log_lower(memory, 0)).round(3)
        (array([[0.797, 0.203]]), array([[0.648, 0.091]]))
        """
        if num_contexts < 1 or num_actions < 1:
            raise ValueError(f"{num_contexts} contexts and {num_actions} actions: there must be at least one of each.")
        if not 0 < delta < 1:
            raise ValueError(
                f"delta = {delta} is outside (0, 1): it is the chance of ever giving an action more than the overseer does; 0.05 is usual."
            )
        if test not in TESTS:
            raise ValueError(f"test = {test!r}: it is one of {', '.join(TESTS)}.")
        weights = np.ones(num_contexts) if shares is None else shares
        return cls(log_prior_of(weights, num_members=num_contexts), num_actions, delta, test)

    @staticmethod
    def example() -> Simplexes:
        """Three contexts, four actions."""
        return Simplexes.of(3, 4)

    @property
    def num_members(self) -> int:
        return 1

    @property
    def num_contexts(self) -> int:
        return int(self.log_share.shape[0])

    @property
    def remembers(self) -> bool:
        return False

    @property
    def grade(self) -> Grade:
        return "bounded"

    @property
    def names(self) -> tuple[str, ...]:
        return ("any probabilities in each context",)

    @property
    def risk(self) -> Any:
        """The chance that an action is ever given more than the overseer gives it."""
        return self.delta

    def log_prior(self) -> Array:
        return namespace(self.log_share).zeros_like(self.log_share[:1])

    def init(self) -> Counted:
        xp = namespace(self.log_share)
        nothing = xp.zeros((self.num_contexts, self.num_actions), dtype=self.log_share.dtype)
        return Counted(counts=nothing, log_lower=nothing - float("inf"))

    def log_policy(self, memory: Counted, obs: Any) -> Array:
        """What the counts so far predict in context `obs`, `[1, A]`.

        Raises:
            IndexError: `obs` is no whole number, or one outside 0 … S - 1.
        """
        counts = memory.counts[context_of(obs, self.num_contexts), :]
        xp = namespace(counts)
        return xp.log((counts + 0.5) / (xp.sum(counts) + 0.5 * self.num_actions))[None, :]

    def log_lower(self, memory: Counted, obs: Any) -> Array:
        """The least that a plausible overseer gives each action in context `obs`, `[1, A]`. Raises as `log_policy`."""
        return memory.log_lower[context_of(obs, self.num_contexts), :][None, :]

    def advance(self, memory: Counted, obs: Any, action: Array) -> Counted:
        return memory

    def learn(self, memory: Counted, obs: Any, answer: Answer) -> Counted:
        """The memory with the `answer` counted and the bounds of its context made anew. Raises as `log_policy`."""
        obs, xp = context_of(obs, self.num_contexts), namespace(memory.counts)
        row = memory.counts[obs, :] + one_hot(answer.action, self.num_actions, memory.counts.dtype, xp=xp)
        here = one_hot(obs, self.num_contexts, xp.bool, xp=xp)[:, None]
        return Counted(
            counts=xp.where(here, row[None, :], memory.counts),
            log_lower=xp.where(here, self.bounds(row, self.log_share[obs])[None, :], memory.log_lower),
        )

    def bounds(self, counts: Array, log_share: Array) -> Array:
        """The log of the lower bounds that `counts` `[..., A]` leave in a context with the part `exp(log_share)` `[...]` of `delta`."""
        xp = namespace(counts)
        total = xp.sum(counts, axis=-1)[..., None]
        log_inverse_risk = (-log_share - xp.log(xp.asarray(self.delta, dtype=counts.dtype)))[..., None]
        if self.test == "die":
            return log_least(counts, total, log_inverse_risk + die_regret(counts)[..., None])
        coins = self.num_actions if self.num_actions > 2 else 1
        split = xp.log(xp.asarray(float(coins), dtype=counts.dtype))
        total = xp.broadcast_to(total, counts.shape)
        return log_least(counts, total, log_inverse_risk + split + coin_regret(counts, total))
