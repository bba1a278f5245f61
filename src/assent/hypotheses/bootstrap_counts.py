"""Bootstrap counts: tables of what the overseer answered in each context, one for each member, on samples that differ by chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

import numpy as np

from assent.core import Answer, Array, Grade
from assent.core.arrays import namespace, one_hot
from assent.hypotheses.observations import context_of

PERIOD = 4096
"""Answers after which the multiplicities begin anew."""


class Counted(NamedTuple):
    """What members have counted.

    Attributes:
        count: `[S, A, H]`, how often each member counted each action in each context.
        taken: integer scalar, how many answers there were.
    """

    count: Array
    taken: Array


@dataclass(frozen=True, eq=False)
class BootstrapCounts:
    """H members that each count an answer as often as a Poisson(1) number says: a bootstrap of the answers, made as they come.

    Oza and Russell, "Online bagging and boosting", AISTATS 2001. A member's row in a context with counts c of n answers is
    `(c + pseudo) / (n + A pseudo)`. Rows are uniform before the first answer, and a member that missed all answers of a context (with one
    answer, 37 % of them do) stays so. Members are learned and none is exactly right: grade heuristic.

    Attributes:
        multiplicity: `[P, H]`, how often the members count the answers; the answer after the last takes the first row again.
        num_contexts: S.
        num_actions: A.
        pseudo: above 0, what each action has before any answer; 1/2 predicts as Krichevsky and Trofimov do.
        names: one for each member.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_contexts", "num_actions", "names")
    multiplicity: Array
    num_contexts: int
    num_actions: int
    pseudo: Array | float = 0.5
    names: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        *,
        num_contexts: int,
        num_actions: int,
        num_members: int = 10,
        pseudo: float = 0.5,
        seed: int | Sequence[int] = 0,
        period: int = PERIOD,
    ) -> BootstrapCounts:
        """The members, their multiplicities drawn from `seed`.

        Raises:
            ValueError: no contexts, actions, members or period, or a `pseudo` that is not above 0.

        >>> members = BootstrapCounts.of(num_contexts=2, num_actions=2, num_members=3)
        >>> taught = members.learn(members.init(), 1, Answer(np.asarray(0)))
        >>> np.exp(members.log_policy(taught, 1)).round(2).tolist(), members.multiplicity[0].tolist()
        ([[0.75, 0.25], [0.5, 0.5], [0.5, 0.5]], [1.0, 0.0, 0.0])
        """
        if min(num_contexts, num_actions, num_members, period) < 1 or not 0 < pseudo < np.inf:
            raise ValueError(
                f"num_contexts = {num_contexts}, num_actions = {num_actions}, num_members = {num_members}, period = {period}, pseudo = "
                f"{pseudo}: give at least one of each, and a pseudo-count above 0."
            )
        drawn = np.random.default_rng(seed).poisson(1.0, size=(period, num_members))
        return cls(
            multiplicity=drawn.astype(np.float64),
            num_contexts=num_contexts,
            num_actions=num_actions,
            pseudo=pseudo,
            names=tuple(f"bootstrap {number + 1}" for number in range(num_members)),
        )

    @classmethod
    def single(cls, *, num_contexts: int, num_actions: int, pseudo: float = 0.5) -> BootstrapCounts:
        """One member that counts every answer once: a plain table.

        >>> table = BootstrapCounts.single(num_contexts=2, num_actions=2)
        >>> np.exp(table.log_policy(table.learn(table.init(), 1, Answer(np.asarray(0))), 1)).round(2).tolist()
        [[0.75, 0.25]]
        """
        bank = cls.of(num_contexts=num_contexts, num_actions=num_actions, num_members=1, pseudo=pseudo, period=1)
        return replace(bank, multiplicity=np.ones((1, 1)), names=("table",))

    @staticmethod
    def example() -> BootstrapCounts:
        """Four members for three contexts and three actions."""
        return BootstrapCounts.of(num_contexts=3, num_actions=3, num_members=4)

    @property
    def num_members(self) -> int:
        return int(self.multiplicity.shape[1])

    @property
    def grade(self) -> Grade:
        return "heuristic"

    @property
    def remembers(self) -> bool:
        return False

    def log_prior(self) -> Array:
        xp = namespace(self.multiplicity)
        return xp.full((self.num_members,), -float(np.log(self.num_members)), dtype=self.multiplicity.dtype)

    def init(self) -> Counted:
        xp = namespace(self.multiplicity)
        shape = (self.num_contexts, self.num_actions, self.num_members)
        return Counted(xp.zeros(shape, dtype=self.multiplicity.dtype), xp.asarray(0))

    def log_policy(self, memory: Counted, obs: Any) -> Array:
        """The members' rows in context `obs`, `[H, A]`.

        Raises:
            IndexError: `obs` is no whole number, or one outside 0 … S - 1.
        """
        xp, obs = namespace(memory.count), context_of(obs, self.num_contexts)
        raised = xp.permute_dims(memory.count[obs, :, :], (1, 0)) + self.pseudo
        return xp.log(raised) - xp.log(xp.sum(raised, axis=1, keepdims=True))

    def advance(self, memory: Counted, obs: Any, action: Array) -> Counted:
        return memory

    def learn(self, memory: Counted, obs: Any, answer: Answer) -> Counted:
        xp, obs = namespace(memory.count), context_of(obs, self.num_contexts)
        here = one_hot(obs, self.num_contexts, memory.count.dtype, xp=xp)
        said = one_hot(answer.action, self.num_actions, memory.count.dtype, xp=xp)
        times = self.multiplicity[memory.taken % self.multiplicity.shape[0], :]
        added = here[:, None, None] * said[None, :, None] * times[None, None, :]
        return Counted(memory.count + added, memory.taken + 1)
