"""What is said of a level and its overseer before a life begins."""

from __future__ import annotations

import numpy as np

from assent.planning.model import Model
from assent.worlds.grid.level import Level
from assent.worlds.grid.tabulate import atlas


def introduction(level: Level, model: Model) -> str:
    """The level's title, and when its overseer corrects, how well, and at what cost."""
    process = level.process
    title = level.title if level.title.endswith(("?", "!")) else level.title.rstrip(".") + "."
    how = {
        "eps": f"errs in {process.eps:.0%} of those",
        "optimal": "never errs",
        "adversary": "always shows the worst action",
    }
    return (
        f"{title}\nNo reward is ever shown. The overseer corrects {_when(level, model)}, "
        f"{how.get(process.answer, f'shows {process.answer} actions')}, and costs {process.cost:.4g} a step while it is there. "
        "@ is the agent.\n"
    )


def _when(level: Level, model: Model) -> str:
    process = level.process
    match process.trigger:
        case "on_error":
            return f"after {process.rate:.0%} of all errors"
        case "on_request":
            asked = "when asked" if process.rate == 1 else f"in {process.rate:.0%} of the steps in which it is asked"
            return f"{asked}, at a price of {process.request_cost:.4g}"
        case "schedule":
            chance = "" if process.rate == 1 else f"with a chance of {process.rate:.0%} "
            return chance + ("in every step" if process.every == 1 else f"every {process.every} steps")
        case _:
            rates = model.rate[_watched(level, model)]
            if rates.min() == rates.max():
                return f"in {rates.min():.0%} of all steps"
            return f"in {rates.min():.0%} to {rates.max():.0%} of all steps, depending on the state"


def _watched(level: Level, model: Model) -> np.ndarray:
    """Boolean [S]: the states that a life may come to before it is over or the overseer gone, the first ones always."""
    starts = [state for state, _ in atlas(level).starts]
    found, waiting = set(starts), starts
    while waiting:
        state = waiting.pop()
        reached = {int(one) for one in model.successor[state][model.chance[state] > 0]}
        new = {one for one in reached - found if model.kept[one] and not model.terminal[one]}
        found |= new
        waiting.extend(new)
    return np.isin(np.arange(model.num_states), list(found))
