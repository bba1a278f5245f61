"""Picks the questions that a report shows in full, as the overseer saw them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from . import fields
from .records import Opening, Picture, Question
from .text import clean

FIRST, SURPRISING, LAST = "the first question", "the most surprising answer", "the last question"
_MAX_SIDE = 64
_MAX_ACTIONS = 1 << 22


@dataclass
class Asked:
    """A question while the events are being read; settled at most once."""

    number: int
    at_us: int
    key: str
    body: fields.Body
    fate: str = "open"
    choice: int | None = None
    actor: str | None = None
    answer_s: float | None = None
    surprise: float | None = None

    def settle(self, fate: str, *, choice: int | None, actor: str | None, at_us: int | None) -> None:
        """Record what became of it; an answer before its question (a clock set back) took no recorded time."""
        self.fate, self.choice, self.actor = fate, choice, actor
        if at_us is not None and at_us >= self.at_us:
            self.answer_s = (at_us - self.at_us) / 1e6


def choose(asks: Sequence[Asked], *, opening: Opening | None) -> tuple[Question, ...]:
    """The first question, the one with the most surprising answer (earliest on a tie) and the last one, each once."""
    if not asks:
        return ()
    why: dict[int, list[str]] = {0: [FIRST]}
    surprises = [-math.inf if a.surprise is None or math.isnan(a.surprise) else a.surprise for a in asks]
    top = max(range(len(asks)), key=lambda i: surprises[i])
    if surprises[top] > -math.inf:
        why.setdefault(top, []).append(SURPRISING)
    why.setdefault(len(asks) - 1, []).append(LAST)
    return tuple(_question(asks[i], opening=opening, chosen=tuple(why[i])) for i in sorted(why))


def _question(asked: Asked, *, opening: Opening | None, chosen: tuple[str, ...]) -> Question:
    body, dossier = asked.body, fields.mapping(asked.body, "dossier")
    rows = tuple(_spread(row, dossier) for row in fields.matrix(dossier, "rows"))
    names = fields.texts(dossier, "members") or (opening.members if opening else ())
    obs = body.get("obs")
    return Question(
        question=clean(asked.key, limit=120),
        number=asked.number,
        step=fields.integer(body, "step"),
        attempt=fields.integer(body, "attempt"),
        reason=fields.plain(body.get("reason"), limit=60),
        u=fields.real(body, "u"),
        ask=fields.real(body, "ask"),
        leaders=fields.integer(body, "leaders"),
        picture=_picture(obs, opening.picture if opening else None),
        observation=fields.observation(obs),
        members=tuple(names[i] if i < len(names) else f"member {i}" for i in range(len(rows))),
        rows=rows,
        weights=fields.reals(dossier.get("weights")),
        leading=tuple(value is True for value in fields.sequence(dossier, "leading")),
        minimum=_spread(fields.reals(dossier.get("minimum")), dossier),
        assent=_spread(fields.reals(dossier.get("assent")), dossier),
        dissent=fields.integers(dossier, "dissent"),
        truncated=dossier.get("truncated") is True,
        fate=asked.fate,
        choice=asked.choice,
        actor=None if asked.actor is None else clean(asked.actor, limit=80),
        answer_s=asked.answer_s,
        surprise=asked.surprise,
        chosen=chosen,
    )


def _spread(values: tuple[float, ...], dossier: fields.Body) -> tuple[float, ...]:
    """`values` at the actions that they are of, NaN at those that the dossier leaves out."""
    actions = fields.integers(dossier, "actions")
    if not actions:
        return values
    if len(actions) != len(values) or min(actions) < 0 or max(actions) >= _MAX_ACTIONS:
        return ()
    spread = np.full(max(actions) + 1, math.nan)
    spread[list(actions)] = values
    return tuple(spread.tolist())


def _picture(obs: object, view: Picture | None) -> tuple[tuple[float, ...], ...] | None:
    """Grey values in [0, 1] by rows, or None when there is no picture of the announced shape."""
    if view is None or not isinstance(obs, (Mapping, list, tuple, np.ndarray)):
        return None
    rows, columns = view.shape
    values = fields.reals(cast(object, obs))
    if len(values) != rows * columns or max(rows, columns) > _MAX_SIDE:
        return None
    grey = [v / view.maximum for v in values]
    return tuple(tuple(grey[r * columns : (r + 1) * columns]) for r in range(rows))
