"""The agents that a study puts side by side, by name: one belief over rewards, and many ways to act on it."""

from __future__ import annotations

from collections.abc import Callable

from assent.agents.considering import Considering
from assent.agents.hand_of_god import HandOfGod
from assent.agents.imitator import Imitator
from assent.core import Minimum, Readable, TopK
from assent.hypotheses.rewards.members import RewardMembers
from assent.planning.mce_irl import MceIrl
from assent.planning.planners import QMDP, BeliefTree, Blind, Lookahead, MostLikely
from assent.planning.rivals import AttainableUtility, Indifferent, NeverDisable, Obedient, Thompson

LEADERS = 5
"""How many of the likeliest rewards have to agree before `min-consent` acts alone."""

UNIFORM = 0.5
"""The number by which `thompson` draws its reward where nobody gives another: the belief's median."""


def min_consent(members: RewardMembers) -> Imitator:
    """Source note 1's rule on source note 2's posterior: acts with the least probability that the likeliest rewards' overseers give an
    action, and asks with the rest. It never does what no overseer would show, so that it never sends one away."""
    leading = TopK(min(LEADERS, members.num_members), accept_no_guarantee=True)
    return Imitator(members, leading, Minimum(), (Readable(),), 1.0)


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
    "aup": lambda members: HandOfGod(members, AttainableUtility(noop=members.num_actions - 1)),
    "obedient": lambda members: HandOfGod(members, Obedient()),
    "never-disable": lambda members: HandOfGod(members, NeverDisable()),
    "min-consent": min_consent,
}
"""Agents by name. `hog-mcts` is in `with_search`, since only it needs mctx."""


def with_search(members: RewardMembers, *, simulations: int = 256) -> HandOfGod:
    """`hog-mcts`: tree search with both leaves; undecided, and so keeping, where they disagree."""
    from assent.planning.search import SearchBracket

    return HandOfGod(members, SearchBracket(simulations))
