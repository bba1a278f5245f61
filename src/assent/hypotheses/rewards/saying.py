"""What an answer, or the lack of one, says about the best action."""

from __future__ import annotations

import numpy as np

from assent.planning.model import Model
from assent.planning.process import Process


def log_saying(process: Process, model: Model, place: int, action: int) -> np.ndarray:
    """[A]: log P(`action` is shown in `place` | the best action that may be shown), minus infinity where it may not be shown."""
    allowed = model.answerable[place]
    others = int(allowed.sum()) - 1
    eps = process.eps if process.answer == "eps" and others > 0 else 0.0
    chance = np.where(allowed, eps / max(others, 1), 0.0)
    chance[action] = 1 - eps
    with np.errstate(divide="ignore"):
        return np.where(allowed, np.log(chance), -np.inf)


def log_judging(model: Model, action: int, right: float, wrong: float) -> np.ndarray:
    """[A]: `right` where `action` is the best one, `wrong` where another is."""
    return np.where(np.arange(model.num_actions) == action, right, wrong)
