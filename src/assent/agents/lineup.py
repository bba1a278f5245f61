"""The agents that a study puts side by side, by name: one belief over rewards, and many ways to act on it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from assent.agents.considering import Considering
from assent.agents.hand_of_god import HandOfGod
from assent.agents.imitator import Imitator
from assent.core import Minimum, RatioSet, Readable
from assent.hypotheses.rewards.members import RewardMembers
from assent.planning.mce_irl import MceIrl
from assent.planning.planners import QMDP, BeliefTree, Blind, Lookahead, MostLikely
from assent.planning.rivals import AttainableUtility, Indifferent, NeverDisable, Obedient, Thompson

DELTA = 0.05
"""The chance with which `min-consent` accepts that the overseer's own reward ever stops leading."""

UNIFORM = 0.5
"""The number by which `thompson` draws its reward where nobody gives another: the belief's median."""


def min_consent(members: RewardMembers) -> Imitator:
    """Source note 1's rule on source note 2's posterior: acts with the least probability that the overseers of all leading rewards give
    an action, and asks with the rest. It never does what no overseer would show: it cannot dismiss one, though it may be shown a way
    that leads over her switch."""
    return Imitator(members, RatioSet(DELTA), Minimum(), (Readable(),), 1.0)


def doing_nothing(members: RewardMembers) -> int:
    """The action `stay`, or else the first that never loses the overseer.

    Raises:
        ValueError: every action may.
    """
    names = members.problem.model.action_names
    harmless = np.flatnonzero(~members.problem.leaves.any(axis=0))
    if "stay" in names:
        return names.index("stay")
    if len(harmless) == 0:
        raise ValueError("every action may lose the overseer: none of them can stand for doing nothing.")
    return int(harmless[0])


LINEUP: dict[str, Callable[[RewardMembers], Considering]] = {
    "hog-exact": lambda members: HandOfGod(members, BeliefTree()),
    "hog-bounds": HandOfGod,
    "hog-voi1": lambda members: HandOfGod(members, Lookahead(1)),
    "hog-voi3": lambda members: HandOfGod(members, Lookahead(3)),
    "blind": lambda members: HandOfGod(members, Blind()),
    "map": lambda members: HandOfGod(members, MostLikely()),
    "qmdp": lambda members: HandOfGod(members, QMDP()),
    "thompson": lambda members: HandOfGod(members, Thompson(UNIFORM)),
    "mce-irl": lambda members: HandOfGod(members, MceIrl()),
    "indifferent": lambda members: HandOfGod(members, Indifferent()),
    "aup": lambda members: HandOfGod(members, AttainableUtility(noop=doing_nothing(members))),
    "obedient": lambda members: HandOfGod(members, Obedient()),
    "never-disable": lambda members: HandOfGod(members, NeverDisable()),
    "min-consent": min_consent,
}
"""Agents by name. `hog-mcts` is in `with_search`, since only it needs mctx."""


def with_search(members: RewardMembers, *, simulations: int = 256) -> HandOfGod:
    """`hog-mcts`: tree search with both leaves; undecided, and so keeping, where they disagree."""
    from assent.planning.search import SearchBracket

    return HandOfGod(members, SearchBracket(simulations))
