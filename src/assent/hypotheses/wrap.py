"""wrap: any scikit-learn style classifier, or any callable, as a member."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeAlias, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from assent.core import GRADES, Answer, Array, Grade
from assent.core.arrays import namespace, safe_log
from assent.hypotheses.prior import log_prior_of

Member: TypeAlias = Any
"""An object with `predict_proba([[obs]]) -> [[p]]` (and perhaps `classes_` and `partial_fit`), or a callable `obs -> [A]`."""


@runtime_checkable
class Ensemble(Protocol):
    """Members that are evaluated together: what `wrap` makes of a list, and what a faster implementation may provide itself.

    `predict` gives probabilities `[H, A]`; `update` returns the memory after one answer and must not change the old one.
    """

    @property
    def num_members(self) -> int: ...
    def init(self) -> Any: ...
    def predict(self, memory: Any, obs: Any) -> Array: ...
    def update(self, memory: Any, obs: Any, action: Array) -> Any: ...


@dataclass(frozen=True, eq=False)
class Wrapped:
    """Members whose rows are probabilities from elsewhere, turned into sub-distributions with every entry above 0.

    A classifier's exact 0 would kill it at its first surprise, and a classifier that claims certainty would never leave anything to
    ask. So with `floor = e` a row p becomes `(1 - e) p + (e / A) / 2`: every action keeps at least `e / 2A`, and half of e is
    missing, which is asked. A row that is no sub-distribution is passed on as NaN: the member abstains and forces an ask.

    Attributes:
        ensemble: the members.
        log_prior_weights: `[H]`, normalised.
        num_actions: A.
        floor: in (0, 1).
        grade: `heuristic` unless the user knows better.
        names: one for each member.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions", "grade", "names")
    ensemble: Ensemble
    log_prior_weights: Array
    num_actions: int
    floor: float = 0.02
    grade: Grade = "heuristic"
    names: tuple[str, ...] = ()

    @property
    def num_members(self) -> int:
        return int(self.log_prior_weights.shape[0])

    @property
    def num_contexts(self) -> None:
        return None

    @property
    def remembers(self) -> bool:
        return False

    def log_prior(self) -> Array:
        return self.log_prior_weights

    def init(self) -> Any:
        return self.ensemble.init()

    def log_policy(self, memory: Any, obs: Any) -> Array:
        """The members' rows, `[H, A]`, after the floor; NaN in every entry of a row that cannot be read."""
        policy = self.ensemble.predict(memory, obs)
        if policy.shape != (self.num_members, self.num_actions):
            raise ValueError(
                f"the members gave rows of shape {tuple(policy.shape)} for {self.num_members} members and {self.num_actions} actions: "
                "num_actions must be what the ensemble predicts."
            )
        xp = namespace(policy)
        policy = xp.where(xp.isfinite(policy), policy, float("nan"))
        total = xp.sum(policy, axis=1)
        # a classifier in float32 sums to 1 within 1e-6 only; its rows are scaled, not refused
        readable = xp.all(policy >= 0, axis=1) & (total <= 1 + 1e-4)
        scaled = policy / xp.where(total > 1, total, 1.0)[:, None]
        lifted = (1 - self.floor) * scaled + self.floor / (2 * self.num_actions)
        return xp.where(readable[:, None], safe_log(lifted), float("nan"))

    def advance(self, memory: Any, obs: Any, action: Array) -> Any:
        return memory

    def learn(self, memory: Any, obs: Any, answer: Answer) -> Any:
        return self.ensemble.update(memory, obs, answer.action)


def wrap(
    members: Sequence[Member] | Ensemble,
    *,
    num_actions: int,
    prior: Array | None = None,
    floor: float = 0.02,
    grade: Grade = "heuristic",
    names: Sequence[str] = (),
) -> Wrapped:
    """A committee of classifiers or callables.

    Args:
        members: objects with `predict_proba`, or callables `obs -> [A]`, or an `Ensemble`. A member with `partial_fit` learns from
            every answer, on a copy, so that beliefs already handed out keep theirs. Columns are matched to actions by `classes_`
            when the member has it; an action that a member does not know has probability 0 before the floor, and an answer
            with that action teaches the member nothing (scikit-learn's estimators cannot take in a new class later).
        num_actions: A; actions and labels are 0 … A - 1.
        prior: `[H]`, uniform when left out.
        floor: in (0, 1), see `Wrapped`.
        grade: what the class may promise.
        names: one for each member.

    Raises:
        ValueError: no members, `num_actions` below 1, `floor` outside (0, 1), an unknown grade, wrong
            number of weights or names.
        TypeError: a member is neither a classifier nor callable.

    >>> committee = wrap([lambda obs: [0.75, 0.25], lambda obs: [1.0, 0.0]], num_actions=2)
    >>> np.exp(committee.log_policy(committee.init(), None)).round(4)
    array([[0.74 , 0.25 ],
           [0.985, 0.005]])
    """
    if num_actions < 1:
        raise ValueError(f"num_actions = {num_actions}: there must be at least one action.")
    if not 0 < floor < 1:
        raise ValueError(
            f"floor = {floor} is outside (0, 1): without a floor a member's exact 0 kills it at its first surprise."
        )
    if grade not in GRADES:
        raise ValueError(f"grade = {grade!r} is not known: choose one of {', '.join(GRADES)}.")
    ensemble = _Listed.of(members, num_actions=num_actions) if isinstance(members, Sequence) else members
    weights = np.ones(ensemble.num_members) if prior is None else prior
    if names and len(names) != ensemble.num_members:
        raise ValueError(f"{len(names)} names for {ensemble.num_members} members: give one for each, or none.")
    return Wrapped(
        ensemble=ensemble,
        log_prior_weights=log_prior_of(
            np.asarray(weights) if prior is None or isinstance(prior, Sequence) else weights,
            num_members=ensemble.num_members,
        ),
        num_actions=num_actions,
        floor=floor,
        grade=grade,
        names=tuple(names) or tuple(f"member {i}" for i in range(ensemble.num_members)),
    )


@dataclass(frozen=True, eq=False)
class _Listed:
    """A list of separate members as an ensemble; its memory is the tuple of the members as they are now."""

    members: tuple[Member, ...]
    num_actions: int

    @classmethod
    def of(cls, members: Sequence[Member], *, num_actions: int) -> _Listed:
        if len(members) == 0:
            raise ValueError("an empty committee cannot decide anything: give at least one member.")
        for number, member in enumerate(members):
            if not hasattr(member, "predict_proba") and not callable(member):
                raise TypeError(
                    f"member {number} is a {type(member).__name__}: it needs predict_proba, or must be callable as obs -> [A]."
                )
        return cls(tuple(members), num_actions)

    @property
    def num_members(self) -> int:
        return len(self.members)

    def init(self) -> tuple[Member, ...]:
        return self.members

    def predict(self, memory: tuple[Member, ...], obs: Any) -> NDArray[np.float64]:
        # each sees an observation of its own: what one member writes into it, the others must not see
        return np.stack([self._row(member, _own(obs)) for member in memory])

    def update(self, memory: tuple[Member, ...], obs: Any, action: Array) -> tuple[Member, ...]:
        return tuple(self._taught(member, _own(obs), int(action)) for member in memory)

    def _row(self, member: Member, obs: Any) -> NDArray[np.float64]:
        row = np.full(self.num_actions, np.nan)
        if not hasattr(member, "predict_proba"):
            given = _numbers(cast("Callable[[Any], Any]", member)(obs))
            return given if given.shape == row.shape else row
        given = _numbers(member.predict_proba(np.asarray(obs)[None]))
        if given.ndim != 2 or len(given) != 1:
            return row
        given = given[0]
        classes = np.asarray(getattr(member, "classes_", np.arange(given.shape[0])))
        if classes.shape != given.shape or not np.isin(classes, np.arange(self.num_actions)).all():
            return row  # columns that cannot be matched to actions: unreadable, so it abstains and forces an ask
        row[:] = 0.0
        row[classes.astype(np.int64)] = given
        return row

    def _taught(self, member: Member, obs: Any, action: int) -> Member:
        if not hasattr(member, "partial_fit") or not np.isin(action, getattr(member, "classes_", action)):
            return member
        student = copy.deepcopy(member)
        known = {} if hasattr(member, "classes_") else {"classes": np.arange(self.num_actions)}
        student.partial_fit(np.asarray(obs)[None], np.asarray([action]), **known)
        return student


def _own(obs: Any) -> Any:
    return obs.copy() if isinstance(obs, np.ndarray) else obs


def _numbers(given: Any) -> NDArray[np.float64]:
    """What a member gave as float64; NaN where it is no number (masked, complex, text), so that the member abstains."""
    if isinstance(given, np.ma.MaskedArray):
        given = np.ma.filled(given.astype(np.float64), np.nan)  # pyright: ignore[reportUnknownMemberType, reportUnknownArgumentType]
    values = np.asarray(given)
    return values.astype(np.float64) if values.dtype.kind in "fiu" else np.full(values.shape, np.nan)
