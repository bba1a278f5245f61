"""How many members of several roots are worth when they are taken evenly from them, exactly. NumPy.

Members of one root err more alike than members of two. Who takes n of them takes them evenly: so P(all n wrong) is over which members of
each root are taken, and over which roots give one more where n does not divide.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees.correlation import (
    CapCurve,
    band_in_members,
    checked_errors,
    checked_resamples,
    in_members,
    n_eff_cap,
)

Floats = NDArray[np.float64]


def n_eff_cap_evenly(
    errors: ArrayLike, roots: ArrayLike, sizes: Sequence[int], *, resamples: int = 1_000, seed: int = 0
) -> CapCurve:
    """`ln P(n members all wrong) / ln P(one wrong)` for each of `sizes`, members drawn evenly from their roots.

    Where all members have one root, or each its own, this is `n_eff_cap` at these sizes.

    Args:
        errors: bool [N, T].
        roots: integers [N].
        sizes: ascending numbers of members, from 1 to N.
        resamples: of the test points, for the 95 % band; at least 1.
        seed: of the resampling.

    Raises:
        ValueError: no such shapes, sizes that are no such numbers, or no resamples.

    >>> curve = n_eff_cap_evenly([[1, 0, 0, 0], [1, 0, 0, 0], [0, 1, 0, 0], [0, 1, 0, 0]], [0, 0, 1, 1], [1, 2])
    >>> curve.value.tolist()[0], bool(curve.bounded[1])            # two roots that never err together
    (1.0, True)
    """
    wrong, stems, resamples = checked_errors(errors), np.asarray(roots), checked_resamples(resamples)
    members, points = wrong.shape
    if stems.shape != (members,):
        raise ValueError(f"There are roots of the shape {stems.shape} for {members} members; give one for each.")
    numbers = [int(size) for size in sizes]
    if not numbers or numbers != sorted(set(numbers)) or numbers[0] < 1 or numbers[-1] > members:
        raise ValueError(f"The sizes are {numbers}; give ascending numbers from 1 to {members}.")
    every = np.unique(stems)
    if len(every) in (1, members):
        whole = n_eff_cap(wrong, resamples=resamples, seed=seed)
        places = np.asarray(numbers) - 1
        return CapCurve(
            whole.value[places], whole.low[places], whole.high[places], whole.bounded[places], whole.open[places]
        )
    groups = [wrong[stems == root] for root in every]
    chances = np.stack([_all_wrong(groups, n) for n in (1, *numbers)], axis=1)
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(points, np.full(points, 1.0 / points), size=resamples)
    value, bounded = in_members(chances.mean(axis=0)[None], points)
    low, high, unlimited = band_in_members(drawn @ chances / points, points)
    return CapCurve(value[0, 1:], low[1:], high[1:], bounded[0, 1:], unlimited[1:])


def _all_wrong(groups: Sequence[NDArray[np.bool_]], number: int) -> Floats:
    """[T]: P(all wrong) at each point of `number` members drawn evenly from the groups; full groups give no more than they have."""
    least, more = _shares([len(group) for group in groups], number)
    open_ = [place for place, group in enumerate(groups) if len(group) > least[place]]
    points = groups[0].shape[1]
    # over which of the open groups give one more: elementary symmetric polynomials, one group after the other
    ways = [np.ones(points)] + [np.zeros(points) for _ in range(more)]
    for place, group in enumerate(groups):
        plain = _drawn(group, least[place])
        if place in open_:
            further = _drawn(group, least[place] + 1)
            for count in range(more, 0, -1):
                ways[count] = ways[count] * plain + ways[count - 1] * further
        else:
            for count in range(more, 0, -1):
                ways[count] = ways[count] * plain
        ways[0] = ways[0] * plain
    subsets = 1.0
    for count in range(more):
        subsets *= (len(open_) - count) / (count + 1)
    return ways[more] / subsets


def _shares(sizes: Sequence[int], number: int) -> tuple[list[int], int]:
    """How many each group gives at least, and how many of those with members left give one more."""
    given, left = [0] * len(sizes), number
    while True:
        room = [place for place, size in enumerate(sizes) if size > given[place]]
        if left < len(room):
            return given, left
        for place in room:
            given[place] += 1
        left -= len(room)
        if not left:
            return given, 0


def _drawn(group: NDArray[np.bool_], number: int) -> Floats:
    """[T]: P(`number` members drawn from the group without replacement are all wrong)."""
    size, wrong = len(group), group.sum(axis=0).astype(np.float64)
    chance = np.ones(group.shape[1])
    for place in range(number):
        chance = chance * np.maximum(wrong - place, 0.0) / (size - place)
    return chance
