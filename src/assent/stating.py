"""A question to an overseer who states probabilities: what to do, what to learn, and whether she contradicts the leaders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from assent.alarms import Alarm, CoverageFailed
from assent.core import draw
from assent.fold import left_of


@dataclass(frozen=True)
class Told:
    """What came of the question.

    Attributes:
        choice: the action to do, drawn from what is left of her law.
        lesson: the action that teaches, drawn from all of her law: a fresh sample, as the posterior's guarantee wants.
        stated: `[A]`, what she stated.
    """

    choice: int
    lesson: int
    stated: list[float]


def stated(overseer: Any, revealed: Any, question: dict[str, Any], uniform: float, lesson: float) -> Told:
    """Asks `overseer` for her probabilities; `question` is the body of the ask event, the two numbers are uniform in [0, 1).

    Raises:
        ValueError: she states something that is no distribution over the question's actions. The question still waits.
    """
    shown = question["dossier"]
    probs = np.asarray(overseer.probs(revealed), dtype=np.float64)
    if probs.shape != (len(shown["assent"]),) or not (probs >= 0).all() or not abs(probs.sum() - 1) <= 1e-9:
        raise ValueError(
            f"the overseer stated {probs} for {len(shown['assent'])} actions: give one probability for each, summing to 1. The question "
            "still waits."
        )
    legal = np.asarray(question.get("legal", [True] * len(probs)), dtype=bool)
    if probs[~legal].sum() > 1e-9:
        worst = int(np.argmax(np.where(legal, 0.0, probs)))
        raise ValueError(
            f"the overseer gives action {worst}, which is not legal here, a probability of {probs[worst]:.4g}: give what she would do "
            "given what is legal. The question still waits."
        )
    if not legal.all():
        probs = np.where(legal, probs, 0.0) / probs[legal].sum()
    law = probs.tolist()
    return Told(int(draw(left_of(question, law).probs, uniform)), int(draw(probs, lesson)), law)


def contradiction(question: Mapping[str, Any], law: Sequence[float]) -> Alarm | None:
    """The alarm for an overseer who states `law` and so gives some action less than every leading member does; None where she does not."""
    if not left_of(question, law).contradicted:
        return None
    short = np.asarray(question["dossier"]["minimum"], dtype=np.float64) - np.asarray(law, dtype=np.float64)
    worst = int(np.argmax(short))
    text = f"the overseer gives action {worst} a probability of {law[worst]:.4g}, less than every leading member does"
    least = float(question["dossier"]["minimum"][worst])
    return Alarm(CoverageFailed, {"action": worst, "stated": float(law[worst]), "minimum": least}, text)
