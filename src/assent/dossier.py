"""What the overseer gets with a question: what every member believed, who leads, who dissents, and what was left over."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.agents.imitator import Proposal
from assent.core import dissent, log_factors, worst_charge
from assent.core.arrays import Array, missing_mass, over_leaders
from assent.ledger import digest_of_question, encode, question_id

MOST_NUMBERS = 1024
"""A dossier holds the rows of all members up to this many probabilities; beyond it, of those that matter, and of two at least."""

MOST_ACTIONS = 128
"""Where there are more than `MOST_NUMBERS` actions, a dossier holds columns of so many."""

DISSENTS = 1e-3
"""The least mass that a member must take away alone to be named as dissenting."""


@dataclass(frozen=True)
class Ready:
    """A proposal turned into plain numbers once, for all rounds until the next answer.

    Attributes:
        ask: the chance of asking.
        probs: `[A]`, the assent.
        below: `[A]`, cumulative sums of `probs`.
        minimum: `[A]`, the least probability over the leading members.
        leaders: how many members lead.
        theta: what the leaders' minimum leaves over, in [0, 1].
        risk: nats, the most that the round may cost (`assent.core.worst_charge`); infinite where an action has mass that a leader excludes.
        proposal: everything else.
    """

    ask: float
    probs: list[float]
    below: list[float]
    minimum: list[float]
    leaders: int
    theta: float
    risk: float
    proposal: Proposal

    @classmethod
    def of(cls, proposal: Proposal) -> Ready:
        """The numbers of `proposal`, on NumPy whatever library it came from."""
        probs = np.asarray(proposal.assent.probs)
        leader = np.asarray(proposal.leader)
        minimum = _least(np.asarray(proposal.log_policy), leader)
        least, ask = np.asarray(minimum, dtype=probs.dtype), np.asarray(proposal.assent.ask)
        return cls(
            ask=float(proposal.assent.ask),
            probs=probs.tolist(),
            below=np.cumsum(probs).tolist(),
            minimum=minimum,
            leaders=int(leader.sum()),
            theta=float(np.nan_to_num(missing_mass(least.sum()), nan=1.0)),
            risk=float(worst_charge(probs, least, ask)),
            proposal=proposal,
        )

    def decide(self, uniform: float) -> int:
        """The action that `uniform` selects, or -1 to ask: `core.decide` on plain numbers (the tests compare them)."""
        if not (self.ask <= uniform < 1 and self.below[-1] > 0):
            return -1
        return min(bisect_right(self.below, uniform - self.ask), bisect_left(self.below, self.below[-1]))

    def act_body(self, step: int, uniform: float, action: int) -> dict[str, Any]:
        """The body of the `act` event."""
        return {
            "step": step,
            "attempt": 0,
            "action": action,
            "u": uniform,
            "ask": self.ask,
            "below": self.below[action - 1] if action else 0.0,
            "mass": self.probs[action],
            "minimum": self.minimum[action],
            "leaders": self.leaders,
            **self.stakes,
        }

    @property
    def stakes(self) -> dict[str, Any]:
        """What `act` and `ask` events say of the round's risk; None where there is no bound."""
        return {"theta": self.theta, "risk": self.risk if np.isfinite(self.risk) else None}

    def why(self, uniform: float, *, exhausted: bool) -> str:
        """Why the round of `uniform` asks, in one word for the record."""
        if exhausted:
            return "class-exhausted"
        if not self.leaders:
            return "no-leaders"
        if not bool(np.all(np.asarray(self.proposal.readable) | ~np.asarray(self.proposal.leader))):
            return "invalid-member"
        if uniform < float(self.proposal.unguarded.ask):
            return "disagreement"
        for ask, reason in zip(self.proposal.asks, self.proposal.reasons, strict=True):
            if uniform < float(ask):
                return reason
        return "guard"


def dossier(ready: Ready, log_weight: Array, names: tuple[str, ...], *, every_action: bool = False) -> dict[str, Any]:
    """The question's dossier as JSON values, probabilities in [0, 1].

    Members are named with their rows, posterior weights and whether they lead, then the minimum over the leaders, the assent, and the
    numbers of those who dissent, strongest first. Beyond `MOST_NUMBERS` probabilities only as many of the strongest dissenters and the
    heaviest leaders stay as fit, at least two members in all. Of a vocabulary with more actions than that only the `MOST_ACTIONS` stay
    that some leader likes best: `actions` has their numbers, and `others` how many more there are (`count`), their assent in all
    (`mass`), and `assent` and `minimum` of the one of them that costs most risk if it is done, which stand for each. `truncated` says
    that something was left out. With `every_action` no action is.
    """
    rows = np.exp(np.asarray(ready.proposal.log_policy, dtype=np.float64))
    leader = np.asarray(ready.proposal.leader)
    weights = np.exp(np.asarray(log_weight, dtype=np.float64))
    objectors = who_dissents(np.asarray(ready.proposal.log_policy), leader, weights)
    columns = None if every_action else _columns(rows, leader)
    shown = _shown(rows if columns is None else rows[:, columns], leader, weights, objectors)
    position = {member: place for place, member in enumerate(shown)}
    whole = {
        "members": [names[member] for member in shown],
        "rows": [(rows[member] if columns is None else rows[member, columns]).tolist() for member in shown],
        "weights": [float(weights[member]) for member in shown],
        "leading": [bool(leader[member]) for member in shown],
        "minimum": ready.minimum,
        "assent": ready.probs,
        "dissent": [position[member] for member in objectors if member in position],
        "truncated": columns is not None or len(shown) < rows.shape[0],
    }
    return whole if columns is None else {**whole, **_cut(ready, columns)}


def shown_actions(shown: Mapping[str, Any]) -> Sequence[int]:
    """The numbers of the actions that have a column in the dossier `shown`, ascending."""
    return shown.get("actions", range(len(shown["assent"])))


def assent_and_minimum(shown: Mapping[str, Any], action: int) -> tuple[float, float]:
    """What the dossier `shown` has of `action`: its assent, and the least that a leader gives it.

    An action without a column has those of the one that costs most, so that no charge is too low.

    >>> cut = {"actions": [3, 7], "assent": [0.5, 0.1], "minimum": [0.5, 0.2], "others": {"assent": 0.01, "minimum": 0.02}}
    >>> assent_and_minimum(cut, 7), assent_and_minimum(cut, 4)
    ((0.1, 0.2), (0.01, 0.02))
    """
    place = action
    if "actions" in shown:
        place = bisect_left(shown["actions"], action)
        if place == len(shown["actions"]) or shown["actions"][place] != action:
            return shown["others"]["assent"], shown["others"]["minimum"]
    return shown["assent"][place], shown["minimum"][place]


def ask_body(ready: Ready, run: str, step: int, obs: Any, labels: list[str], shown: dict[str, Any]) -> dict[str, Any]:
    """What an `ask` event says of the question itself; its digest covers all of it that the overseer reads."""
    seen = encode(obs)
    return {
        "question": question_id(run, step, 0),
        "step": step,
        "attempt": 0,
        "digest": digest_of_question(run=run, step=step, attempt=0, obs=seen, options=labels, dossier=shown),
        "obs": seen,
        "ask": ready.ask,
        "leaders": ready.leaders,
        "dossier": shown,
        **ready.stakes,
    }


def who_dissents(log_policy: NDArray[Any], leader: NDArray[np.bool_], weights: NDArray[np.float64]) -> list[int]:
    """Leading members that take mass away alone, strongest first; failing those, leaders whose best action is not the mixture's."""
    taken = np.asarray(dissent(log_policy, leader))
    alone = [int(member) for member in np.argsort(-taken, kind="stable") if taken[member] >= DISSENTS]
    if alone or not leader.any():
        return alone
    led = np.where(leader, weights, 0.0)
    favourite = int(np.argmax(led @ np.exp(log_policy)))
    return [int(member) for member in np.flatnonzero(leader & (np.argmax(log_policy, axis=1) != favourite))]


def _least(log_policy: NDArray[Any], leader: NDArray[np.bool_]) -> list[float]:
    if not leader.any():
        return [0.0] * log_policy.shape[1]
    return np.exp(over_leaders(log_policy, leader)).tolist()


def _columns(rows: NDArray[np.float64], leader: NDArray[np.bool_]) -> NDArray[np.intp] | None:
    """The actions that stay, ascending: those that some leader likes best, or some member where nobody leads; None for all."""
    if rows.shape[1] <= MOST_NUMBERS:
        return None
    liked = np.nan_to_num(rows[leader] if leader.any() else rows).max(axis=0)
    return np.sort(np.argsort(-liked, kind="stable")[:MOST_ACTIONS])


def _cut(ready: Ready, columns: NDArray[np.intp]) -> dict[str, Any]:
    assent, minimum = np.asarray(ready.probs), np.asarray(ready.minimum)
    hidden = np.delete(np.arange(assent.size), columns)
    dearest = hidden[np.argmax(log_factors(assent[hidden], minimum[hidden], np.asarray(ready.ask)))]
    return {
        "actions": columns.tolist(),
        "minimum": minimum[columns].tolist(),
        "assent": assent[columns].tolist(),
        "others": {
            "count": int(hidden.size),
            "assent": ready.probs[dearest],
            "minimum": ready.minimum[dearest],
            "mass": float(assent[hidden].sum()),
        },
    }


def _shown(
    rows: NDArray[np.float64], leader: NDArray[np.bool_], weights: NDArray[np.float64], objectors: list[int]
) -> list[int]:
    members, actions = rows.shape
    if members * actions <= MOST_NUMBERS:
        return list(range(members))
    room = max(2, MOST_NUMBERS // actions)
    heaviest = [int(member) for member in np.argsort(-np.where(leader, weights, -1.0), kind="stable")]
    # half the room for the strongest dissent, whoever it comes from; a dissenter among the heaviest needs no second place
    return list(dict.fromkeys([*objectors[: room // 2], *heaviest]))[:room]
