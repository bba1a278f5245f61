"""A peer driven round by round in NumPy, as a session would, and everything written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.core import Answer, Belief, Done


@dataclass(frozen=True)
class Line:
    """One round: what was seen, the chance of asking, the belief before it, the overseer's label."""

    obs: int
    ask: float
    before: Belief
    label: int


def drive(agent: Any, rounds: list[tuple[int, int]], *, events: list[tuple[bool, bool]] | None = None) -> list[Line]:
    """Rounds of `(obs, label)`: asked, and so labelled, where the chance of asking is above 1/2.

    Args:
        events: `(failed, reached)` of each round, for agents that learn from rewards; the next round's observation is where it led.
    """
    belief, lines = agent.init(), []
    for number, (obs, label) in enumerate(rounds):
        assent = agent.propose(belief, obs)
        lines.append(Line(obs, float(assent.ask), belief, label))
        asked = float(assent.ask) > 0.5
        action = label if asked else int(np.argmax(assent.probs))
        if asked:
            belief = agent.learn(belief, obs, Answer(label))
        belief = agent.remember(belief, obs, action)
        belief = agent.count(belief, Done(obs, action, asked, 0.0, 0.0))
        if events is not None:
            failed, reached = (np.asarray(event) for event in events[number])
            after = rounds[(number + 1) % len(rounds)][0]
            belief = agent.reward(belief, obs, np.asarray(action), after, failed=failed, reached=reached)
    return lines


def mixed(
    seed: int, *, contexts: int = 4, actions: int = 3, count: int = 120, varies: float = 0.15
) -> list[tuple[int, int]]:
    """Rounds in random contexts with an overseer who does action `context % actions`, but for a share `varies` of rounds."""
    rng = np.random.default_rng(seed)
    obs = rng.integers(0, contexts, count)
    other = rng.integers(0, actions, count)
    return [(int(o), int(a if rng.random() < varies else o % actions)) for o, a in zip(obs, other, strict=True)]
