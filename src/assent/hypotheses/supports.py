"""supports: never do what the overseer was not seen to do here; how often does not matter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assent.core import Answer, Array, Grade
from assent.core.arrays import namespace, one_hot, safe_log
from assent.hypotheses.observations import context_of


@dataclass(frozen=True, eq=False)
class Supports:
    """One family: overseers of whom it is only asked which actions they ever take. S contexts in G groups, A actions.

    Contexts of one group are taken to be alike: what is right in one is right in the others. Once the overseer has answered in a group
    at least `at_least` times, every action that she chose there at least `shown` times may be done alone, as often as she chose it; the
    rest is asked. With both at 1, every group is asked once, at first sight, and never again.

    **What is promised.** Whatever is done alone, the overseer has done in a context of the same group. If she does what is acceptable, and
    the contexts of a group are alike in what is acceptable, nothing else is ever done: not with some probability, but always; `risk` is
    the least number above 0. **What is not promised** is that it is done as often as she would: an overseer who goes left nine times in ten
    and was seen to go right at the one question is imitated by going right for ever. Bounds on events and risks in nats, which compare
    frequencies, mean nothing here; certificates say which of the two is preserved (`preserves`).

    A slip of the overseer's is copied as well. `shown` above 1 asks until an action was chosen as often as that.

    Attributes:
        group: integers `[S]`, the group of each context, from 0.
        num_actions: A.
        num_groups: G.
        at_least: answers in a group before anything is done alone there, from 1.
        shown: how often an action must have been chosen, from 1.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions", "num_groups")
    preserves: ClassVar[str] = "support"
    group: Array
    num_actions: int
    num_groups: int
    at_least: Array | int = 1
    shown: Array | int = 1

    @classmethod
    def of(
        cls,
        num_contexts: int,
        num_actions: int,
        *,
        groups: Sequence[int] | Array | None = None,
        at_least: int = 1,
        shown: int = 1,
    ) -> Supports:
        """The family over S contexts and A actions.

        Args:
            groups: integers `[S]`, contexts with the same number are alike; each is its own group when left out.

        Raises:
            ValueError: no contexts or actions, a group below 0, groups of another length or of no whole numbers, `at_least` or `shown`
                below 1.

        >>> family = Supports.of(3, 2, groups=[0, 0, 1])
        >>> memory = family.learn(family.init(), 0, Answer(np.asarray(1)))
        >>> [np.exp(family.log_lower(memory, context))[0].tolist() for context in range(3)]
        [[0.0, 1.0], [0.0, 1.0], [0.0, 0.0]]
        """
        if num_contexts < 1 or num_actions < 1:
            raise ValueError(f"{num_contexts} contexts and {num_actions} actions: there must be at least one of each.")
        if at_least < 1 or shown < 1:
            raise ValueError(
                f"at_least = {at_least}, shown = {shown}: nothing can be done alone that the overseer was not seen to do once."
            )
        group = np.arange(num_contexts) if groups is None else np.asarray(groups)
        if group.shape != (num_contexts,) or group.dtype.kind not in "iu" or group.min() < 0:
            raise ValueError(
                f"groups = {groups!r}: give one whole number from 0 up for each of the {num_contexts} contexts."
            )
        return cls(group.astype(np.int64), num_actions, int(group.max()) + 1, at_least, shown)

    @staticmethod
    def example() -> Supports:
        """Three contexts, two of them alike, and three actions."""
        return Supports.of(3, 3, groups=[0, 1, 0])

    @property
    def num_members(self) -> int:
        return 1

    @property
    def num_contexts(self) -> int:
        return int(self.group.shape[0])

    @property
    def remembers(self) -> bool:
        return False

    @property
    def grade(self) -> Grade:
        return "bounded"

    @property
    def names(self) -> tuple[str, ...]:
        return ("any set of actions in each group of contexts",)

    @property
    def risk(self) -> float:
        """The least number above 0: what is done alone was always seen before."""
        return float(np.finfo(np.float64).tiny)

    def log_prior(self) -> Array:
        return namespace(self.group).zeros(1)

    def init(self) -> Array:
        """`[G, A]`, how often the overseer chose each action in each group."""
        return namespace(self.group).zeros((self.num_groups, self.num_actions))

    def log_policy(self, memory: Array, obs: Any) -> Array:
        """`[1, A]`, what the group's counts predict: Krichevsky and Trofimov's estimate, `(count + 1/2) / (n + A/2)`.

        Raises:
            IndexError: `obs` is no whole number, or one outside 0 … S - 1.
        """
        counts = memory[self._group(obs), :]
        xp = namespace(counts)
        return xp.log((counts + 0.5) / (xp.sum(counts) + 0.5 * self.num_actions))[None, :]

    def log_lower(self, memory: Array, obs: Any) -> Array:
        """`[1, A]`, the share of the group's answers that each action has which was shown often enough. Raises as `log_policy`."""
        counts = memory[self._group(obs), :]
        xp = namespace(counts)
        total = xp.sum(counts)
        shown, at_least = (xp.asarray(number, dtype=counts.dtype) for number in (self.shown, self.at_least))
        known = (counts >= shown) & (total >= at_least)
        return safe_log(xp.where(known, counts, 0.0) / xp.where(total > 0, total, 1.0))[None, :]

    def advance(self, memory: Array, obs: Any, action: Array) -> Array:
        return memory

    def learn(self, memory: Array, obs: Any, answer: Answer) -> Array:
        """The counts with the `answer` among them. Raises as `log_policy`."""
        xp = namespace(memory)
        here = one_hot(self._group(obs), self.num_groups, memory.dtype, xp=xp)
        return memory + here[:, None] * one_hot(answer.action, self.num_actions, memory.dtype, xp=xp)[None, :]

    def _group(self, obs: Any) -> Array:
        return self.group[context_of(obs, self.num_contexts)]
