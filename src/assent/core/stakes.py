"""Stakes: what an act may cost at worst, and guards that let nothing be done alone that may cost too much.

The worst cost of each action is declared: by the world, as a table, or by a model that is asked. What has no declared bound is asked,
since nobody can say that it is low. `worst_over` and `harm_bound` make a declaration out of several models that are all plausible: the
greatest of what they say, as the minimum rule takes the least of what members allow.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assent.core.arrays import Array, namespace, widest
from assent.core.assent import Assent
from assent.core.guards import Context, withhold
from assent.core.tallies import Done

Declaration = Callable[[Any], Any]
"""From an observation to one number for each action; traceable where the agent is to run under JAX."""


def worst_over(cost: Array, leader: Array) -> Array:
    """`[A]`, the greatest cost of each action over the models that lead; infinite where one of them cannot be read, or none leads.

    Args:
        cost: `[M, A]`, what each of M plausible models says that an action costs.
        leader: boolean `[M]`, which of them still count; `RatioSet` over their posterior is the usual way to know.

    An infinite bound is no bound: `Stakes` asks.

    >>> import numpy as np
    >>> worst_over(np.asarray([[1.0, 2.0], [3.0, 0.5], [9.0, 9.0]]), np.asarray([True, True, False]))
    array([3., 2.])
    """
    xp = namespace(cost, leader)
    if cost.shape[0] == 0:  # the maximum of nothing is an error
        return xp.full((cost.shape[1],), float("inf"), dtype=cost.dtype)
    known = xp.where(xp.isfinite(cost), cost, float("inf"))
    most = xp.max(xp.where(leader[:, None], known, -float("inf")), axis=0)
    return xp.where(xp.any(leader), most, float("inf"))


def harm_bound(harm: Array, leader: Array) -> Array:
    """`[A]`, in [0, 1]: the greatest chance of harm of each action over the models that lead; 1 where that cannot be read.

    Bengio, Cohen and others, "Can a Bayesian oracle prevent harm from an agent?", UAI 2025: while the true model leads, no action is more
    likely to do harm than this. With the ratio set at delta it always leads with probability at least `1 - delta`.

    Args:
        harm: `[M, A]`, what each of M plausible models says of the chance that an action does harm.
        leader: boolean `[M]`, which of them still count. Where none does, everything is held harmful.

    >>> import numpy as np
    >>> harm_bound(np.asarray([[0.0, 0.25], [0.5, float("nan")]]), np.asarray([True, False]))
    array([0.  , 0.25])
    """
    xp = namespace(harm, leader)
    if harm.shape[0] == 0:
        return xp.ones((harm.shape[1],), dtype=harm.dtype)
    known = xp.where((harm >= 0) & (harm <= 1), harm, 1.0)
    most = xp.max(xp.where(leader[:, None], known, 0.0), axis=0)
    return xp.where(xp.any(leader), most, 1.0)


@dataclass(frozen=True, eq=False, repr=False)
class Stakes:
    """Ask instead of every act that may cost more than one decision, or the whole run, is allowed to.

    An action loses all its mass where its declared worst cost is above `per_decision`, or would take what the run has staked above
    `per_run`; or where it has no declared cost: NaN, infinite, None, an observation that is missing or not in the table. A negative cost
    counts as 0. What is staked is the sum of the worst costs of all that was done alone; what was asked stakes nothing. So the realised
    costs of lone acts are at most `per_decision` each and `per_run` together, if costs are declared truly (docs/low-stakes.md).

    `RiskCap` comes after it, as the last of all guards: what is taken from single actions makes asking likelier beside those that are
    left, which raises the charge of the round.

    Attributes:
        worst: `[S, A]`, the worst cost of each action in each context, in any unit; or None, and `model` says it.
        model: traceable, from an observation to worst costs `[A]`; or None.
        per_decision: in the unit of the costs, from 0 up; None for no limit, which is the only way to have none.
        per_run: the same for all lone acts of a run together.

    Raises:
        ValueError: both or neither of `worst` and `model`, a table that is none, or a limit that is negative, NaN or infinite.

    >>> import numpy as np
    >>> guard = Stakes(np.asarray([[0.5, 20.0], [float("nan"), 0.5]]), per_decision=1.0)
    >>> context = Context(*map(np.asarray, (3, 13, True, False)), obs=0)
    >>> guard(Assent(np.asarray([0.5, 0.5])), context, np.asarray(0.0))
    Assent(probs=array([0.5, 0. ]), ask=np.float64(0.5))
    """

    static_fields: ClassVar[tuple[str, ...]] = ("model",)
    reason: ClassVar[str] = "stakes"
    worst: Array | None = None
    model: Declaration | None = None
    per_decision: Array | float | None = None
    per_run: Array | float | None = None

    def __post_init__(self) -> None:
        _one_of(self.worst, self.model, table="worst", axes=2)
        for name, limit in (("per_decision", self.per_decision), ("per_run", self.per_run)):
            if limit is not None and not 0 <= float(limit) < math.inf:
                raise ValueError(
                    f"{name} = {limit}: a limit is a cost from 0 up, in the unit in which costs are declared. For no limit leave it out."
                )

    @staticmethod
    def example() -> Stakes:
        """One for three contexts and four actions, some of them dear, one of them undeclared."""
        worst = np.asarray([[0.5, 0.25, 3.0, 0.0], [0.125, math.inf, 0.5, 1.0], [1.0, 0.75, 0.25, -1.0]])
        return Stakes(worst, per_decision=1.0, per_run=3.0)

    def __repr__(self) -> str:
        said = _described(self.worst, self.model)
        return f"Stakes({said}, per_decision={self.per_decision}, per_run={self.per_run})"

    def start(self, like: Array, num_contexts: int | None) -> Array:
        """Nothing is staked yet.

        Raises:
            ValueError: the table has another number of contexts than the hypotheses.
        """
        if self.worst is not None and num_contexts is not None and self.worst.shape[0] != num_contexts:
            raise ValueError(
                f"worst has {self.worst.shape[0]} rows for {num_contexts} contexts: declare the costs of each, NaN where they are not "
                "known."
            )
        xp = namespace(like)
        return xp.zeros((), dtype=widest(xp))

    def __call__(self, assent: Assent, context: Context, tally: Array) -> Assent:
        xp = namespace(assent.probs)
        staked = self.staked(context.obs, like=assent.probs)
        if staked is None or staked.shape != assent.probs.shape:
            return withhold(assent, xp.asarray(False))
        allowed = staked < float("inf")
        if self.per_decision is not None:
            allowed = allowed & (staked <= self.per_decision)
        if self.per_run is not None:
            allowed = allowed & (tally + staked <= self.per_run)
        return withhold(assent, allowed)

    def count(self, tally: Array, done: Done) -> Array:
        xp = namespace(tally)
        staked, action = self.staked(done.obs, like=tally), xp.asarray(done.action)
        if (
            staked is None or len(staked.shape) != 1
        ):  # nobody knows what it stakes; nothing done stakes nothing all the same
            here, staked = action >= 0, xp.asarray(float("inf"), dtype=tally.dtype)
        else:
            here = xp.arange(staked.shape[0]) == action
        cost = xp.sum(xp.where(here & ~xp.asarray(done.asked, dtype=xp.bool), staked, 0.0))
        after = tally + cost
        return xp.where((cost > 0) & (after <= tally), float("inf"), after)  # too little for the digits there are

    def staked(self, obs: Any, *, like: Array) -> Array | None:
        """`[A]`, what each action would stake at `obs`: its declared cost, from 0 up, and infinity where there is none.

        None where nothing is declared for `obs`. `like` is any array of the library in use; the numbers are float64, where there are such.
        """
        xp = namespace(like)
        # a cost of 1.00000002 in single precision would pass for 1, and a budget of millions would never fill up with cents
        declared = _declared(self.worst, self.model, obs, like=xp.zeros((), dtype=widest(xp)))
        if declared is None:
            return None
        known = xp.isfinite(declared)
        return xp.where(known, xp.where(known & (declared > 0), declared, 0.0), float("inf"))


@dataclass(frozen=True, eq=False, repr=False)
class Guardrail:
    """Ask instead of every act that some plausible model holds more harmful than `limit`; see `harm_bound`.

    Where nothing can be read of an action it is held harmful for sure, and asked.

    Attributes:
        limit: in [0, 1), the greatest chance of harm that is done alone.
        harm: `[S, M, A]`, the chance of harm of each action in each context by each model; or None, and `model` says it.
        model: traceable, from an observation to chances of harm `[M, A]`; or None.
        leader: boolean `[M]`, the models that still count; all of them where left out.

    Raises:
        ValueError: `limit` is outside [0, 1), both or neither of `harm` and `model` are given, or a table that is none.

    >>> import numpy as np
    >>> guard = Guardrail(0.1, np.asarray([[[0.0, 0.0], [0.05, 0.5]]]))
    >>> context = Context(*map(np.asarray, (3, 13, True, False)), obs=0)
    >>> guard(Assent(np.asarray([0.5, 0.5])), context)
    Assent(probs=array([0.5, 0. ]), ask=np.float64(0.5))
    """

    static_fields: ClassVar[tuple[str, ...]] = ("model",)
    reason: ClassVar[str] = "guardrail"
    limit: Array | float = 0.01
    harm: Array | None = None
    model: Declaration | None = None
    leader: Array | None = None

    def __post_init__(self) -> None:
        if not 0 <= float(self.limit) < 1:
            raise ValueError(f"limit = {self.limit} is outside [0, 1): it is compared with a chance of harm.")
        _one_of(self.harm, self.model, table="harm", axes=3)

    @staticmethod
    def example() -> Guardrail:
        """Two models of one context with four actions."""
        return Guardrail(0.2, np.asarray([[[0.0, 0.1, 0.3, 0.0], [0.1, 0.0, 0.1, 0.9]]]))

    def __repr__(self) -> str:
        return f"Guardrail({self.limit}, {_described(self.harm, self.model)}, leader={self.leader})"

    def __call__(self, assent: Assent, context: Context) -> Assent:
        xp = namespace(assent.probs)
        harm = _declared(self.harm, self.model, context.obs, like=assent.probs)
        if harm is None or len(harm.shape) != 2 or harm.shape[1:] != assent.probs.shape:
            return withhold(assent, xp.asarray(False))
        everyone = xp.ones(harm.shape[0], dtype=xp.bool)
        leader = everyone if self.leader is None else xp.asarray(self.leader, dtype=xp.bool)
        return withhold(assent, harm_bound(harm, leader) <= self.limit)


def _one_of(given: Array | None, model: Declaration | None, *, table: str, axes: int) -> None:
    if (given is None) == (model is None):
        raise ValueError(f"give either {table}, a table by context, or model, which is called with the observation.")
    if model is not None and not callable(model):
        raise ValueError(f"model = {model!r} cannot be called: give a function of the observation.")
    if given is not None and (getattr(given, "ndim", 0) != axes or 0 in given.shape):
        raise ValueError(
            f"{table} has the shape {getattr(given, 'shape', None)}: a table has {axes} axes, contexts first and actions last, with at "
            "least one of each."
        )


def _declared(table: Array | None, model: Declaration | None, obs: Any, *, like: Array) -> Array | None:
    """What is declared for `obs`, in the library and dtype of `like`; NaN in a context that the table does not have."""
    if obs is None:
        return None
    xp = namespace(like)
    if model is not None:
        said = model(obs)
        return None if said is None else _numbers(said, like=like)
    place = _place(obs, xp)
    if place is None or table is None:
        return None
    inside = (place >= 0) & (
        place < table.shape[0]
    )  # a negative one would count from the end, JAX would read the last for one beyond
    return xp.where(inside, _numbers(table, like=like)[xp.where(inside, place, 0), ...], float("nan"))


def _place(obs: Any, xp: Any) -> Array | None:
    """The context's number as an array, or None for what is no whole number."""
    if isinstance(obs, bool) or not (isinstance(obs, int) or hasattr(obs, "dtype")):
        return None
    place = xp.asarray(obs)
    return place if place.shape == () and xp.isdtype(place.dtype, "integral") else None


def _numbers(said: Any, *, like: Array) -> Array:
    """What was declared as an array like `like`; what is masked is not known."""
    if isinstance(said, np.ma.MaskedArray):
        given: Any = said  # pyright: ignore[reportUnknownVariableType]
        said = np.ma.filled(given.astype(np.float64), np.nan)  # pyright: ignore[reportUnknownMemberType]
    return namespace(like).asarray(said, dtype=like.dtype)


def _described(table: Array | None, model: Declaration | None) -> str:
    """The declaration in one line, equal for equal tables, so that a resumed run is known to have the same."""
    if table is None:
        return f"model={getattr(model, '__qualname__', type(model).__qualname__)}"
    values = np.ascontiguousarray(np.asarray(table, dtype=np.float64))
    shape = ", ".join(str(size) for size in values.shape)
    return f"table [{shape}] {hashlib.sha256(values.tobytes()).hexdigest()[:16]}"
