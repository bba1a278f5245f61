"""Whether the overseer is still there in a life that is watched, and why not: by the states it came to, not by what might have been."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np

from assent.corrected import Moment
from assent.planning.verdict import Verdict
from assent.presets.overseen import Overseen

COST = "its cost is saved"


@dataclass(frozen=True)
class Risk:
    """An action that the agent chose although it may lose the overseer.

    Attributes:
        certain: the overseer is lost whatever happens.
        reason: the greatest gain of it, or nothing where the planner cannot say.
        says: that, for people.
    """

    certain: bool
    reason: str
    says: str


@dataclass
class Kept:
    """What has become of the overseer so far.

    Attributes:
        scene: what is lived in.
        seed: of the run, which decides where its last step leads.
        there: whether the overseer is.
        left_at: the step that lost it, or None.
        risk: the choice that did, or None where it was none.
    """

    scene: Overseen
    seed: int
    there: bool = True
    left_at: int | None = None
    risk: Risk | None = None
    _last: Moment | None = None
    _risked: Risk | None = None

    def see(self, moment: Moment, verdict: Verdict | None) -> Risk | None:
        """Takes in the next step; what is risked in it, if anything is."""
        problem = self.scene.agent.hypotheses.problem
        self._arrive(bool(problem.model.kept[moment.state]))
        self._last, self._risked = moment, None
        leaves = self.there and moment.action >= 0 and problem.leaves[moment.state, moment.action]
        if leaves and verdict is not None and verdict.action == moment.action:
            self._risked = _risk(verdict, certain=is_certain(self.scene, moment.state, moment.action))
        return self._risked

    def end(self) -> None:
        """Follows the last step to where it led."""
        if self._last is not None:
            self._arrive(_kept_after(self.scene, self._last, self.seed))

    @property
    def sentence(self) -> str:
        """What became of the overseer, and what to try."""
        if self.left_at is not None:
            how = "sent away" if self.risk is not None and self.risk.certain else "lost"
            paid = self.risk is not None and self.risk.reason == COST and self.scene.level.process.cost > 0
            return f"The overseer was {how} at step {self.left_at}." + (" Try a smaller --overseer-cost." * paid)
        if not self.there:
            return "The overseer had been sent away before."
        if self.scene.agent.hypotheses.problem.leaves.any():
            return "The overseer was kept to the end, though nothing but the plan stood in the way of the switch."
        return "The overseer was kept to the end: nothing here sends it away."

    def _arrive(self, kept: bool) -> None:
        if self.there and not kept and self._last is not None:
            self.left_at, self.risk = self._last.step, self._risked
        self.there = self.there and kept


def is_certain(scene: Overseen, state: int, action: int) -> bool:
    """Whether the action loses the overseer whatever happens, and does not only risk it."""
    return not _outcomes(scene, state, action).any()


def _outcomes(scene: Overseen, state: int, action: int) -> np.ndarray:
    """Booleans: whether the overseer is kept in each state that the action may lead to."""
    model = scene.agent.hypotheses.problem.model
    return model.kept[model.successor[state, action][model.chance[state, action] > 0]]


def _kept_after(scene: Overseen, moment: Moment, seed: int) -> bool:
    """Whether the overseer is there after this step; drawn as the life itself draws it where chance decides."""
    if moment.action >= 0:
        found = _outcomes(scene, moment.state, moment.action)
        if found.all() or not found.any():
            return bool(found[0])
    key = jax.random.fold_in(jax.random.key(seed), moment.step + 1)
    later = scene.world.step(key, moment.life, jnp.asarray(moment.action))
    return bool(scene.agent.hypotheses.problem.model.kept[int(later.state)])


def _risk(verdict: Verdict, *, certain: bool) -> Risk:
    does = "It sends the overseer away" if certain else "It accepts that the overseer may be lost"
    terms = verdict.terms
    if terms is None:
        return Risk(certain, "", f"{does}.")
    gains = {"the way is better": terms.path_gain, COST: terms.saved_cost}
    if terms.information_lost < 0:
        gains["its orders are escaped"] = -terms.information_lost
    reason = max(gains, key=lambda name: gains[name])
    lost = f"what corrections would still teach is worth {max(terms.information_lost, 0.0):.4g}, and it gains more"
    return Risk(certain, reason, f"{does}: {lost} ({reason}: {gains[reason]:.4g}).")
