"""The types that everything else is written against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from assent.core.arrays import Array
from assent.core.assent import Assent
from assent.core.posterior import Belief

Grade = Literal["exact", "bounded", "heuristic"]
"""What a hypothesis class may promise: `exact`, the overseer's model is a member and the posterior is exact; `bounded`, the
posterior is approximate within a stated bound; `heuristic`, members are learned and none is exactly right."""

GRADES: tuple[Grade, ...] = ("exact", "bounded", "heuristic")
PROVEN: tuple[Grade, ...] = ("exact", "bounded")
"""Grades whose classes may act with one leader; whatever is not named here is treated as learned."""

SILENT = -1
"""The action that a simulated overseer returns when it does not answer."""


@dataclass(frozen=True, eq=False)
class Answer:
    """What an overseer said. Only this type teaches: an agent's own action is a plain integer and cannot be learned from.

    Attributes:
        action: integer scalar in [0, A).
        unasked: whether it came without a question. Of an overseer who speaks after errors, this says that there was one.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("unasked",)
    action: Array
    unasked: bool = False


@runtime_checkable
class World(Protocol):
    """What is acted in. States are values; randomness is an argument of `step`, never a field of the state.

    `observe` is what the agent sees of a state, `reveal` what the overseer sees (at least as much: the label of an item, say).
    `null_action` is what happens when nobody may act; -1 where doing nothing is no action of the world.
    """

    @property
    def num_actions(self) -> int: ...
    @property
    def null_action(self) -> int: ...
    def init(self, key: Any) -> Any: ...
    def observe(self, state: Any) -> Any: ...
    def reveal(self, state: Any) -> Any: ...
    def step(self, key: Any, state: Any, action: Array) -> Any: ...


@runtime_checkable
class Hypotheses(Protocol):
    """All members of a committee, evaluated at once. H members, A actions.

    `num_contexts` is the number of different observations (integers from 0) when rows depend on nothing but the observation, so
    that they can be kept between answers; None otherwise. `remembers` says whether `advance` does anything, `grade` what the class
    may promise. `advance` takes in what was done; `learn` what the overseer said, after the weights have moved. Both return the new memory.
    """

    @property
    def num_members(self) -> int: ...
    @property
    def num_actions(self) -> int: ...
    @property
    def num_contexts(self) -> int | None: ...
    @property
    def remembers(self) -> bool: ...
    @property
    def grade(self) -> Grade: ...
    @property
    def names(self) -> tuple[str, ...]: ...
    def log_prior(self) -> Array: ...
    def init(self) -> Any: ...
    def log_policy(self, memory: Any, obs: Any) -> Array: ...
    def advance(self, memory: Any, obs: Any, action: Array) -> Any: ...
    def learn(self, memory: Any, obs: Any, answer: Answer) -> Any: ...


@runtime_checkable
class HearsSilence(Protocol):
    """Hypotheses to which it says something that an overseer says nothing.

    Only an overseer's word moves weights, so what silence says stands in the memory until it is asked for: the log-likelihood of all
    that was not said, `[H]`.
    """

    def log_silence(self, memory: Any) -> Array: ...


@runtime_checkable
class Families(Protocol):
    """Hypotheses whose members are families of policies: one simplex a context, every tree of contexts, all weights of a regression.

    `log_policy` is what each family predicts, its mixture over its own policies; by it weights move. `log_lower`, `[H, A]`, is what is
    acted on: no policy of the family that is still plausible gives an action less. With probability at least `1 - risk` the overseer's
    policy, if it is in the family, is plausible at every step.
    """

    @property
    def risk(self) -> float: ...
    def log_lower(self, memory: Any, obs: Any) -> Array: ...


@runtime_checkable
class Masks(Protocol):
    """Hypotheses that know from an observation which actions are legal, booleans `[A]`; an answer that is not is refused."""

    def legal(self, obs: Any) -> Array: ...


@runtime_checkable
class LeadingSet(Protocol):
    """`(log_weight [H], log_prior [H]) -> bool [H]`: who leads."""

    def __call__(self, log_weight: Array, log_prior: Array) -> Array: ...


@runtime_checkable
class Rule(Protocol):
    """`(log_policy [H, A], log_weight [H], minus infinity for who does not lead) -> Assent`."""

    def __call__(self, log_policy: Array, log_weight: Array) -> Assent: ...


@runtime_checkable
class Agent(Protocol):
    """A belief and a rule. `learn` takes only what an overseer said; `remember` takes what was done."""

    def init(self) -> Belief: ...
    def propose(self, belief: Belief, obs: Any) -> Assent: ...
    def learn(self, belief: Belief, obs: Any, answer: Answer) -> Belief: ...
    def remember(self, belief: Belief, obs: Any, action: Array) -> Belief: ...


@runtime_checkable
class States(Protocol):
    """A simulated overseer that can state its probabilities, `[A]`, of what it would do; see `assent.core.residual`."""

    def probs(self, revealed: Any) -> Array: ...


@runtime_checkable
class Overseer(Protocol):
    """A simulated overseer: its action for what the world reveals to it, or `SILENT`. Its randomness is one uniform number in [0, 1)."""

    def answer(self, uniform: Array, revealed: Any) -> Array: ...
