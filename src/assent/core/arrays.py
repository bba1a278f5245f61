"""Array helpers shared by the core: one definition for NumPy, JAX and torch."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeAlias

import array_api_compat
import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = Any
"""An array of any library that follows the Python array API standard."""

_NUMPY = (np.ndarray, np.generic)


def namespace(*arrays: Array) -> Any:
    """The array API namespace that all `arrays` share.

    Raises:
        TypeError: the arrays come from different libraries, or one is no array.

    >>> import numpy as np
    >>> namespace(np.ones(2)).exp(np.zeros(1))
    array([1.])
    """
    for array in arrays:
        if not isinstance(array, _NUMPY):
            return array_api_compat.array_namespace(*arrays)
    return np  # NumPy 2.1 is its own array API namespace; its wrappers cost microseconds a call


def choose(condition: Array, chosen: Array, other: float) -> Array:
    """`chosen` where the scalar `condition` holds, else all `other`: `where`, without a copy when the answer is known."""
    xp = namespace(condition)
    if xp is np:
        return chosen if condition else np.full_like(chosen, other)[()]
    return xp.where(condition, chosen, other)


def either(condition: Array, one: Any, other: Any) -> Any:
    """`one` where the scalar `condition` holds, else `other`: memories of one form, tuples or dataclasses of arrays.

    >>> import numpy as np
    >>> either(np.asarray(True), (np.zeros(1), ()), (np.ones(1), ()))
    (array([0.]), ())
    """
    xp = namespace(condition)
    if xp is np:
        return one if condition else other
    if is_dataclass(one) and not isinstance(one, type):
        parts = {
            part.name: either(condition, *(getattr(item, part.name) for item in (one, other))) for part in fields(one)
        }
        return replace(one, **parts)
    if isinstance(one, tuple):
        pairs = zip(one, other, strict=True)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        parts = [either(condition, *pair) for pair in pairs]  # pyright: ignore[reportUnknownVariableType]
        return type(one)(*parts) if hasattr(one, "_fields") else tuple(parts)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    return xp.where(condition, one, other)


def rounding(xp: Any, like: Array) -> float:
    """How far a sum of probabilities of `like`'s dtype may lie from 1 and still count as 1: 256 machine epsilons.

    A row that is the log-softmax of logits up to about 50 in size sums to 1 within `eps * (|logit| + log2(A))`, which
    stays under 100 eps for vocabularies of 10^6; 256 leaves a factor of two and is 6e-14 in float64, 3e-5 in float32.

    Raises:
        TypeError: the numbers are no real floating-point numbers, or of so few bits (float16, bfloat16) that what counts as
            rounding would hide mass that has to be asked.
    """
    slack = 256.0 * _epsilon(xp, like.dtype)
    if slack > 1e-3:
        raise TypeError(
            f"probabilities in {like.dtype} sum to 1 within {slack:.2g} only, and what is missing has to be asked: cast them to "
            "float32 or float64."
        )
    return slack


def _epsilon(xp: Any, dtype: Any) -> float:
    if not (dtype.kind == "f" if xp is np else xp.isdtype(dtype, "real floating")):
        raise TypeError(f"probabilities have the dtype {dtype}; give real floating-point numbers, float32 or float64.")
    return float(xp.finfo(dtype).eps)


def log_sum_exp(values: Array, *, axis: int = -1) -> Array:
    """`log(sum(exp(values)))` along `axis`; minus infinity where every entry is, without a warning; NaN where one is.

    >>> import numpy as np
    >>> float(log_sum_exp(np.asarray([0.0, 0.0])).round(6))
    0.693147
    """
    xp = namespace(values)
    top = xp.max(values, axis=axis, keepdims=True)
    top = xp.where(xp.isfinite(top), top, 0.0)
    total = xp.sum(xp.exp(values - top), axis=axis)
    return safe_log(total) + xp.squeeze(top, axis=axis)


def safe_log(values: Array) -> Array:
    """`log(values)` for values >= 0, with `log(0) = -inf` and no warning; NaN stays NaN."""
    xp = namespace(values)
    nothing = values <= 0
    minus_infinity = -float("inf")
    return xp.where(nothing, minus_infinity, xp.log(xp.where(nothing, 1.0, values)))


def exp_quietly(row: Array, *, reuse: bool = False) -> Array:
    """`exp(row)`, plus infinity where it overflows, without a warning.

    With `reuse` a NumPy `row` is written over: over a vocabulary fresh pages cost as much as the exponentials on them.
    """
    xp = namespace(row)
    if xp is not np:
        return xp.exp(row)
    with np.errstate(over="ignore"):
        return np.exp(row, out=row if reuse else None)


def missing_mass(total: Array) -> Array:
    """`1 - total`, with rounding read as 0 and a total above 1 as NaN, so that whatever uses it asks."""
    xp = namespace(total)
    slack = rounding(xp, total)
    missing = 1 - total
    if xp is np and not np.ndim(missing):  # the same without the price of five calls on scalars
        kept = missing if missing > slack else 0.0 if missing >= -slack else float("nan")
        return missing.dtype.type(kept)
    snapped = xp.where(missing > slack, missing, 0.0)
    return xp.where(missing >= -slack, snapped, float("nan"))


def widest(xp: Any) -> Any:
    """The floating-point dtype of the library `xp` with the most digits: float64, but for JAX without x64.

    >>> import numpy as np
    >>> widest(np)
    <class 'numpy.float64'>
    """
    return xp.asarray(0.0).dtype if array_api_compat.is_jax_namespace(xp) else xp.float64


def one_hot(number: Array | int, size: int, dtype: Any, *, xp: Any) -> Array:
    """`[..., size]` of `dtype`: 1 at each `number` `[...]`, whole numbers of any width, and 0 elsewhere; all 0 for one outside.

    >>> import numpy as np
    >>> one_hot(1, 3, np.float64, xp=np)
    array([0., 1., 0.])
    """
    place = xp.asarray(number)[..., None]
    shape = (1,) * (place.ndim - 1) + (size,)
    return xp.astype(xp.reshape(xp.arange(size, dtype=place.dtype), shape) == place, dtype)


def over_leaders(log_policy: Array, leader: Array) -> Array:
    """The least log-probability of each action over the leading members, `[A]`; plus infinity where nobody leads."""
    xp = namespace(log_policy)
    everyone = xp is np and leader.all()
    if xp is np and (everyone or leader.any()):  # a masked copy would cost more than the minimum itself
        rows = log_policy if everyone else log_policy[leader]
        # few long rows (a vocabulary): whole rows at a time is half the cost of the reduction over the first axis
        return _by_rows(rows) if rows.shape[1] > 64 * rows.shape[0] else np.min(rows, axis=0)
    shunned = xp.where(leader[:, None], log_policy, float("inf"))
    return xp.min(shunned, axis=0)


def _by_rows(rows: NDArray[Any]) -> NDArray[Any]:
    lowest = np.minimum(rows[0], rows[-1])
    for row in rows[1:-1]:
        np.minimum(lowest, row, out=lowest)
    return lowest
