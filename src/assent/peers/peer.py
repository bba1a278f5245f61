"""Peer: a novice that learns from every label it is given, and a published rule for when it hands over."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, NamedTuple

from assent.agents.fingerprint import fingerprint
from assent.agents.imitator import Imitator, Proposal
from assent.core import (
    Answer,
    Array,
    Assent,
    Belief,
    Done,
    Everyone,
    Hypotheses,
    LeadingSet,
    Mixture,
    readable_rows,
    withhold,
)
from assent.core.arrays import namespace, one_hot
from assent.peers.branches import either


class Seen(NamedTuple):
    """A round as a rule for handing over sees it.

    Attributes:
        obs: what the agent sees.
        rows: `[H, A]`, the members' probabilities.
        policy: `[A]`, their mean: the novice's policy. All 0 where a member cannot be read.
        acts: `[A]`, what the novice does alone: its likeliest action, equal ones in turn.
    """

    obs: Any
    rows: Array
    policy: Array
    acts: Array


@dataclass(frozen=True, eq=False)
class Peer(ABC):
    """A novice, and when it hands over. Abstract: each published method is one final class.

    The novice is the members' mean with equal weights, whatever they said before: weights stay. It acts on its likeliest action, equal
    ones in turn. What a method keeps count of is its tally, in the belief. Methods made for continuous actions are carried over by taking
    an action for the corner of the simplex that it is, and the novice's action for its policy: their squared distance, halved so that it
    lies in [0, 1], is `discrepancy`.

    Attributes:
        hypotheses: the novice's members, an ensemble where the method wants one.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    reason: ClassVar[str] = "peer"
    hypotheses: Hypotheses

    @abstractmethod
    def start(self) -> Any:
        """The tally before the first round: a NamedTuple of arrays."""

    @abstractmethod
    def asks(self, tally: Any, seen: Seen) -> Array:
        """The chance of handing over, a scalar in [0, 1]."""

    @abstractmethod
    def hear(self, tally: Any, seen: Seen, action: Array) -> Any:
        """The tally after the overseer's label `action`; `seen` is as before the members learned from it."""

    def passed(self, tally: Any, seen: Seen, done: Done) -> Any:
        """The tally after a round of which `done` came, after any label."""
        return tally

    def teaches(self, tally: Any) -> Any:
        """Whether the next label goes to the members; a method may keep some back."""
        return True

    def handing_over(self, belief: Belief, seen: Seen) -> Array:
        """The chance of handing over, with the members' memory at hand: `asks` unless a method needs more."""
        return self.asks(belief.tallies[0], seen)

    def wants_label(self, belief: Belief, obs: Any) -> Array:
        """Whether the overseer is to label this round even if the novice acts in it: on the ledger a request and a correction."""
        xp = namespace(belief.log_weight)
        return xp.asarray(False)

    @property
    def leading(self) -> LeadingSet:
        """Everyone: peers have no leading set."""
        return Everyone()

    @property
    def num_contexts(self) -> int | None:
        """How many observations there are when rows may be kept between answers, else None."""
        return self.hypotheses.num_contexts

    @property
    def remembers(self) -> bool:
        """Whether the members' rows depend on what was done before."""
        return self.hypotheses.remembers

    @property
    def counts(self) -> bool:
        """True: every method keeps count of the run."""
        return True

    def describe(self) -> dict[str, Any]:
        """What this agent is, in JSON values, for the ledger."""
        return {
            "rule": type(self).__name__,
            "settings": self.settings(),
            "members": list(self.hypotheses.names),
            "num_actions": self.hypotheses.num_actions,
            "grade": self.hypotheses.grade,
            "dtype": str(self.hypotheses.log_prior().dtype).rpartition(".")[2],
            "committee": fingerprint(self.hypotheses),
        }

    def settings(self) -> str:
        """The method's own settings, in words."""
        own = (f"{field.name}={getattr(self, field.name)!r}" for field in fields(self) if field.name != "hypotheses")
        return f"{type(self).__name__}({', '.join(own)})"

    def init(self) -> Belief:
        return replace(self._novice.init(), tallies=(self.start(),))

    def log_weight(self, belief: Belief) -> Array:
        """`[H]`, the log weights of the members: equal from first to last."""
        return belief.log_weight

    def weigh(self, belief: Belief, obs: Any) -> Proposal:
        """What the novice would do alone at `obs`; it holds until the next label, where contexts are numbered."""
        rows, readable = readable_rows(self.hypotheses.log_policy(belief.memory, obs))
        xp = namespace(rows)
        leader = xp.isfinite(belief.log_weight)
        spoiled = xp.where(readable[:, None], rows, float("nan"))  # a member that cannot be read is asked about
        mean = Mixture()(spoiled, belief.log_weight)
        acts = Assent(_likeliest(mean.probs))
        return Proposal(acts, acts, rows, readable, leader)

    def restrict(self, belief: Belief, obs: Any, proposal: Proposal) -> Proposal:
        """`proposal`, made by `weigh`, after the method has had its say."""
        xp = namespace(proposal.log_policy)
        chance = self.handing_over(belief, self._seen(belief, obs, proposal))
        assent = withhold(proposal.unguarded, xp.asarray(1.0 - chance))
        return replace(proposal, assent=assent, asks=(assent.ask,), reasons=(self.reason,))

    def consider(self, belief: Belief, obs: Any) -> Proposal:
        """Everything that leads to the assent for `obs`, and the assent."""
        return self.restrict(belief, obs, self.weigh(belief, obs))

    def propose(self, belief: Belief, obs: Any) -> Assent:
        """The assent for `obs`."""
        return self.consider(belief, obs).assent

    def learn(self, belief: Belief, obs: Any, answer: Answer) -> Belief:
        """The belief after the overseer's label: first the method's tally, by what the novice said before, then the members.

        Raises:
            TypeError: `answer` is not an `Answer`; an agent's own action teaches nothing.
            ValueError: the answer is a number outside 0 … A - 1, `SILENT` among them.
        """
        after = self._novice.learn(replace(belief, tallies=()), obs, answer)
        seen = self._seen(belief, obs, self.weigh(belief, obs))
        tally = self.hear(belief.tallies[0], seen, answer.action)
        memory = either(self.teaches(belief.tallies[0]), after.memory, belief.memory)
        return replace(belief, memory=memory, tallies=(tally,))

    def remember(self, belief: Belief, obs: Any, action: Array) -> Belief:
        """The belief after `action` was done at `obs`, by whomever: weights stay, bit for bit."""
        return self._novice.remember(belief, obs, action)

    def count(self, belief: Belief, done: Done) -> Belief:
        """The belief after a round of which `done` came."""
        seen = self._seen(belief, done.obs, self.weigh(belief, done.obs))
        return replace(belief, tallies=(self.passed(belief.tallies[0], seen, done),))

    def veto(self, belief: Belief, obs: Any, action: Array, instead: Array) -> Belief:
        """The belief after `instead` was done at `obs` because somebody stopped `action`."""
        return self.count(self.remember(belief, obs, instead), Done(obs, instead, True, 0.0, 0.0))

    def _seen(self, belief: Belief, obs: Any, proposal: Proposal) -> Seen:
        xp = namespace(proposal.log_policy)
        rows = xp.exp(proposal.log_policy)
        alive = xp.astype(proposal.leader, rows.dtype)
        total = xp.sum(alive)
        policy = xp.sum(rows * alive[:, None], axis=0) / xp.where(total > 0, total, 1.0)
        return Seen(obs, rows, policy, proposal.unguarded.probs)

    @property
    def _novice(self) -> Imitator:
        """Who checks answers and keeps the members' memory; its weights are not used."""
        return Imitator(self.hypotheses, Everyone(), Mixture(), ())


def discrepancy(policy: Array, action: Array) -> Array:
    """Half the squared distance between `policy` `[A]` and the corner of `action`, in [0, 1]: 0 where the novice is sure and right.

    >>> import numpy as np
    >>> float(discrepancy(np.asarray([0.5, 0.5]), np.asarray(0))), float(discrepancy(np.asarray([0.0, 1.0]), np.asarray(0)))
    (0.25, 1.0)
    """
    xp = namespace(policy)
    corner = one_hot(action, policy.shape[0], policy.dtype, xp=xp)
    return xp.sum((policy - corner) ** 2) / 2


def doubt(rows: Array) -> Array:
    """How far members `[H, A]` are apart: the variance of an action's probability over them, the mean over actions.

    Hoque, Balakrishna, Novoseller, Wilcox, Brown and Goldberg, "ThriftyDAgger", CoRL 2021, in their code the same over the parts of a
    continuous action.

    >>> import numpy as np
    >>> float(doubt(np.asarray([[1.0, 0.0], [0.0, 1.0]])))
    0.25
    """
    xp = namespace(rows)
    mean = xp.mean(rows, axis=0, keepdims=True)
    return xp.mean((rows - mean) ** 2)


def _likeliest(policy: Array) -> Array:
    """All mass on the likeliest action of `policy` `[A]`, shared by equal ones; 0 where there is none."""
    xp = namespace(policy)
    top = xp.max(policy)
    best = xp.astype((policy >= top) & (top > 0), policy.dtype)
    count = xp.sum(best)
    return best / xp.where(count > 0, count, 1.0)
