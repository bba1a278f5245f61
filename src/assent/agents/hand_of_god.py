"""HandOfGod: believes in many rewards, is corrected now and then, and plans what to do, its overseer's future words included."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from assent.agents.fingerprint import fingerprint
from assent.agents.imitator import Imitator, Proposal
from assent.core import Answer, Array, Assent, Belief, Done, Everyone, LeadingSet, Mixture, Readable, readable_rows
from assent.core.arrays import Array as AnyArray
from assent.hypotheses.rewards.members import RewardMembers
from assent.planning.mce_irl import MceIrl
from assent.planning.planners import Bracket, Planner
from assent.planning.verdict import Verdict


@dataclass(frozen=True, eq=False)
class HandOfGod:
    """Acts on the best plan over its reward hypotheses; its corrections are evidence about them, and so worth keeping the overseer for.

    It never sees a reward. It asks, rather than acts, when nothing is left to believe in (every hypothesis contradicted) and when
    it is halted. Everything else it does by itself: whether it keeps its overseer follows from the plan, which `verdict` explains. Where
    corrections can be paid for, `verdict` says whether one is worth its price; whoever drives the agent then buys it.

    Attributes:
        hypotheses: the rewards that may be meant.
        planner: from weights and state to a verdict, or from all that was shown.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    hypotheses: RewardMembers
    planner: Planner | MceIrl = field(default_factory=lambda: Bracket(tolerance=2e-3, settle=True))

    @staticmethod
    def example() -> HandOfGod:
        """One with the example of `RewardMembers`."""
        return HandOfGod(RewardMembers.example())

    @property
    def leading(self) -> LeadingSet:
        """Everyone with weight: planning averages over all."""
        return Everyone()

    @property
    def num_contexts(self) -> int | None:
        """How many observations there are when assents may be kept between answers, else None."""
        return self.hypotheses.num_contexts

    @property
    def remembers(self) -> bool:
        """Whether what was done, and the silence after it, counts."""
        return self.hypotheses.remembers

    def describe(self) -> dict[str, Any]:
        """What this agent is, in JSON values, for the ledger."""
        return {
            "rule": type(self).__name__,
            "settings": repr(self.planner),
            "process": self.hypotheses.problem.process.describe(),
            "members": list(self.hypotheses.names),
            "num_actions": self.hypotheses.num_actions,
            "grade": self.hypotheses.grade,
            "dtype": "float64",
            "committee": fingerprint(self.hypotheses),
        }

    def init(self) -> Belief:
        return self._learner.init()

    def log_weight(self, belief: Belief) -> Array:
        """[N], log weights of the rewards with all silence counted; all minus infinity once nothing is left to believe in."""
        return self._learner.log_weight(belief)

    def weights(self, belief: Belief) -> np.ndarray:
        """[N], the posterior over rewards with all silence counted; all 0 once nothing is left to believe in."""
        weight = np.exp(np.asarray(self.log_weight(belief)))
        total = weight.sum()
        return weight / total if total > 0 else np.zeros_like(weight)

    def verdict(self, belief: Belief, obs: Any) -> Verdict | None:
        """What the planner says of state `obs`, or None when nothing is left to believe in; an IndexError where there is no such state."""
        self.hypotheses.check_state(obs)
        weights = self.weights(belief)
        if not weights.any():
            return None
        key = (weights.tobytes() + belief.memory.shown.tobytes(), int(obs))
        if key not in self._verdicts:
            known = belief.memory.shown if isinstance(self.planner, MceIrl) else weights
            self._verdicts[key] = self.planner(self.hypotheses.problem, known, int(obs))
        return self._verdicts[key]

    def consider(self, belief: Belief, obs: Any, *, halted: AnyArray | bool = False) -> Proposal:
        """Everything that leads to the assent for state `obs`, and the assent."""
        rows, readable = readable_rows(self.hypotheses.log_policy(belief.memory, obs))
        weights = self.weights(belief)
        verdict = self.verdict(belief, obs)
        probs = np.zeros(self.hypotheses.num_actions)
        if verdict is not None:
            probs[verdict.action] = 1.0
        planned = Assent(probs)
        final = Assent(np.zeros_like(probs)) if halted else planned
        return Proposal(final, planned, rows, readable, weights > 0)

    weigh = consider

    def restrict(self, belief: Belief, obs: Any, proposal: Proposal) -> Proposal:
        """`proposal`: nothing is counted."""
        return proposal

    def count(self, belief: Belief, done: Done) -> Belief:
        """`belief`: nothing is counted."""
        return belief

    def veto(self, belief: Belief, obs: Any, action: Array, instead: Array) -> Belief:
        """The belief after `instead` was done in state `obs` because somebody stopped `action`."""
        return self.remember(belief, obs, instead)

    @property
    def counts(self) -> bool:
        """False: no guard keeps count of the run."""
        return False

    def propose(self, belief: Belief, obs: Any) -> Assent:
        """The planned action with probability 1, or the assent that only asks."""
        return self.consider(belief, obs).assent

    def learn(self, belief: Belief, obs: Any, answer: Answer) -> Belief:
        """The belief after the overseer has shown `answer` for state `obs`; raises as `Imitator.learn` does.

        A correction that no hypothesis allows leaves no weight anywhere, and every later decision is asked.
        """
        return self._learner.learn(belief, obs, answer)

    def remember(self, belief: Belief, obs: Any, action: Array) -> Belief:
        """The belief after `action` was done in state `obs`: weights stay, bit for bit."""
        memory = self.hypotheses.advance(belief.memory, obs, action)
        return belief if memory is belief.memory else replace(belief, memory=memory)

    @cached_property
    def _verdicts(self) -> dict[tuple[bytes, int], Verdict]:
        """Verdicts given so far: planning is pure, and slow."""
        return {}

    @cached_property
    def _learner(self) -> Imitator:
        return Imitator(self.hypotheses, Everyone(), Mixture(), (Readable(),), 1.0)
