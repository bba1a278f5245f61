"""Masked: members in a world where not every action is legal in every situation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assent.core import Answer, Array, Families, Grade, Hypotheses
from assent.core.arrays import either, namespace, safe_log


@dataclass(frozen=True, eq=False)
class Masked:
    """`hypotheses`, with an observation of two parts: what they see, and which actions are legal, booleans `[A]`.

    Each member is taken to do what it would do given that no illegal action is done: `p(a) / (1 - sum of p over illegal actions)`. That
    happens before any minimum, and to likelihoods as well, so that a member is neither blamed nor praised for what nobody could do.
    What a member leaves out stays left out. A member that would only do what is illegal has no mass, and where it leads the round is
    asked. The mask is on the ledger with every act and question, and an illegal answer is refused.

    Attributes:
        hypotheses: whose members they are.

    >>> from assent.hypotheses.tables import Tables
    >>> members = Masked(Tables.of(np.asarray([[[0.5, 0.25, 0.25]], [[0.2, 0.4, 0.4]]])))
    >>> np.exp(members.log_policy((), (0, np.asarray([False, True, True])))).round(3)
    array([[0. , 0.5, 0.5],
           [0. , 0.5, 0.5]])
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    hypotheses: Hypotheses

    @property
    def num_members(self) -> int:
        return self.hypotheses.num_members

    @property
    def num_actions(self) -> int:
        return self.hypotheses.num_actions

    @property
    def num_contexts(self) -> None:
        """None: a row depends on the mask too."""
        return None

    @property
    def remembers(self) -> bool:
        """True, so that what was seen, the mask in it, is on the ledger with every act."""
        return True

    @property
    def grade(self) -> Grade:
        return self.hypotheses.grade

    @property
    def names(self) -> tuple[str, ...]:
        return self.hypotheses.names

    @property
    def preserves(self) -> str:
        """What the members without a mask preserve: how often the overseer does what, or only what she ever does."""
        return str(getattr(self.hypotheses, "preserves", "distribution"))

    @property
    def assumes(self) -> tuple[str, ...]:
        """What the members without a mask suppose besides."""
        return tuple(getattr(self.hypotheses, "assumes", ()))

    def log_prior(self) -> Array:
        return self.hypotheses.log_prior()

    def init(self) -> Any:
        return self.hypotheses.init()

    def legal(self, obs: Any) -> Array:
        """Which actions are legal, `[A]`.

        Raises:
            ValueError: `obs` is no pair, or its second part no row of booleans.
        """
        if not isinstance(obs, tuple | list) or len(obs) != 2:
            raise ValueError(
                f"the observation {obs!r} has no mask: give a pair of what is seen and which actions are legal."
            )
        legal = np.asarray(obs[1]) if isinstance(obs[1], list | tuple) else obs[1]
        if tuple(legal.shape) != (self.num_actions,) or not namespace(legal).isdtype(legal.dtype, "bool"):
            raise ValueError(f"the mask {legal} must be a row of {self.num_actions} booleans, one for each action.")
        return legal

    def log_policy(self, memory: Any, obs: Any) -> Array:
        """The members' rows given that what is done is legal, `[H, A]`; NaN where a row could not be read before."""
        legal = self.legal(obs)
        return given_legal(self.hypotheses.log_policy(memory, obs[0]), legal)

    def advance(self, memory: Any, obs: Any, action: Array) -> Any:
        return self.hypotheses.advance(memory, obs[0], action)

    def learn(self, memory: Any, obs: Any, answer: Answer) -> Any:
        """What the members learn from an answer is counted whatever the mask was; where they learn at all, that is a heuristic."""
        return self.hypotheses.learn(memory, obs[0], answer)


@dataclass(frozen=True, eq=False)
class MaskedFamilies(Masked):
    """The same for members that are families of policies.

    Their lower bounds are masked in the same way: a policy that gives each action at least its bound gives an illegal one at least that,
    so given that nothing illegal is done it gives a legal one at least `bound / (1 - sum of the bounds of illegal ones)`.

    An answer under a mask is a draw given that it is legal, and says nothing of how probable what is legal was; so families learn from
    answers under full masks alone. Where full masks are rare, number pairs of a context and a mask as contexts of their own, or take
    a class that bounds no probability (`Supports`): whatever the mask was, what was seen to be done is done sometimes.
    """

    def learn(self, memory: Any, obs: Any, answer: Answer) -> Any:
        """The memory after the `answer`, or as it was where an action was illegal and probabilities are bounded."""
        after = self.hypotheses.learn(memory, obs[0], answer)
        if self.preserves == "support":
            return after
        legal = self.legal(obs)
        return either(namespace(legal).all(legal), after, memory)

    @property
    def risk(self) -> float:
        return self._families.risk

    def log_lower(self, memory: Any, obs: Any) -> Array:
        """`[H, A]`, the least that a plausible policy of each family gives, given that what is done is legal."""
        legal = self.legal(obs)
        return given_legal(self._families.log_lower(memory, obs[0]), legal)

    @property
    def _families(self) -> Families:
        if not isinstance(self.hypotheses, Families):
            raise TypeError(f"{type(self.hypotheses).__name__} are no families: take Masked.")
        return self.hypotheses


def masked(hypotheses: Hypotheses) -> Masked:
    """`hypotheses` in a world with illegal actions, families or not."""
    return MaskedFamilies(hypotheses) if isinstance(hypotheses, Families) else Masked(hypotheses)


def given_legal(log_policy: Array, legal: Array) -> Array:
    """Rows `[H, A]` given that a legal action is done; minus infinity on illegal ones, and throughout for who would do nothing else.

    >>> np.exp(given_legal(np.log(np.asarray([[0.5, 0.25, 0.125]])), np.asarray([False, True, True])))
    array([[0.  , 0.5 , 0.25]])
    """
    xp = namespace(log_policy)
    legal = xp.asarray(legal)
    policy = xp.exp(xp.where(log_policy > 1, 1.0, log_policy))
    lost = xp.sum(xp.where(legal[None, :], 0.0, policy), axis=1)
    kept = xp.where(lost < 1, 1 - lost, 0.0)
    rows = xp.where(legal[None, :], log_policy - safe_log(xp.where(kept > 0, kept, 1.0))[:, None], -float("inf"))
    rows = xp.where((kept > 0)[:, None], rows, -float("inf"))
    unreadable = xp.any(xp.isnan(log_policy), axis=1)
    return xp.where(unreadable[:, None], float("nan"), rows)
