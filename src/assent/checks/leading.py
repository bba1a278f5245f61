"""What every leading set does."""

from __future__ import annotations

from typing import Any

import numpy as np

from assent.checks.examples import example
from assent.checks.requiring import committees, name_of, require, require_traceable, unchanged


def check_leading_set(leading: Any) -> None:
    """A mask over the members: the dead and the unreadable never lead, somebody alive does, and order does not matter.

    Args:
        leading: a leading set, or a class of them. Without a cap: a cap may leave nobody leading.

    Raises:
        AssertionError: with the sentence that says which of these fails.
    """
    leading = example(leading)
    require_traceable(leading)
    for rows, prior in committees(seed=1):
        weight = _after(prior, rows[:, 0])
        with unchanged(weight, prior, what=name_of(leading)):
            leader = np.asarray(leading(weight, prior))
        require(
            leader.dtype == np.bool_ and leader.shape == weight.shape,
            f"{name_of(leading)} must return one boolean a member, but gave {leader!r} for weights {weight.shape}.",
        )
        require(not leader[~np.isfinite(weight)].any(), f"{name_of(leading)} lets a dead member lead: {weight}.")
        somebody = leader.any() or not np.isfinite(weight).any()
        require(somebody, f"{name_of(leading)} lets nobody lead although members are alive: {weight}.")
        _check_order(leading, weight, prior)
        _check_spoiled(leading, weight, prior)


def _after(prior: Any, log_likelihood: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.exp(prior + log_likelihood)
        return np.log(moved / moved.sum()) if moved.any() else np.full_like(prior, -np.inf)


def _check_order(leading: Any, weight: Any, prior: Any) -> None:
    if np.unique(weight).size < weight.size:
        return  # among equals the member's number decides
    turned = leading(weight[::-1], prior[::-1])[::-1]
    require(
        np.array_equal(turned, leading(weight, prior)),
        f"{name_of(leading)} depends on the order of members with {weight}.",
    )


def _check_spoiled(leading: Any, weight: Any, prior: Any) -> None:
    nobody = leading(np.full_like(weight, -np.inf), prior)
    require(not nobody.any(), f"{name_of(leading)} lets a member lead although all are dead.")
    require(leading(weight[:0], prior[:0]).shape == (0,), f"{name_of(leading)} fails on an empty committee.")
    never = np.concatenate([prior, [-np.inf]])
    later = leading(np.concatenate([weight, [-np.inf]]), never)
    require(not later[-1], f"{name_of(leading)} lets a member without prior weight lead.")
    spoiled = weight.copy()
    spoiled[0] = np.nan
    require(not leading(spoiled, prior)[0], f"{name_of(leading)} lets a member with the weight NaN lead.")
