"""Members taken evenly from roots: exact chances, against all ways to take them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.committees.balanced import n_eff_cap_evenly
from assent.committees.correlation import n_eff_cap


def by_listing(errors: np.ndarray, roots: np.ndarray, number: int) -> float:
    """P(all wrong) of `number` members taken evenly, over every way to take them: the oracle."""
    places = [np.flatnonzero(roots == root) for root in np.unique(roots)]
    ways = []
    for shares in itertools.product(*(range(len(own) + 1) for own in places)):
        if sum(shares) != number or not _even(shares, [len(own) for own in places]):
            continue
        taken = itertools.product(*(itertools.combinations(own, n) for own, n in zip(places, shares, strict=True)))
        chances = [errors[[*itertools.chain(*one)]].all(axis=0).mean() for one in taken]
        ways.append(float(np.mean(chances)))
    return float(np.mean(ways))


def _even(shares: tuple[int, ...], sizes: list[int]) -> bool:
    """Nobody gives two more than another who has some left."""
    left = [share for share, size in zip(shares, sizes, strict=True) if share < size]
    return not left or max(shares) - min(left) <= 1


@given(
    sizes=st.lists(st.integers(1, 3), min_size=2, max_size=3).filter(lambda given: 1 < sum(given) <= 6),
    seed=st.integers(0, 2**32 - 1),
)
def test_the_chances_are_those_of_all_ways_to_take_members(sizes: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    roots = np.repeat(np.arange(len(sizes)), sizes)
    if len(set(roots.tolist())) == len(roots):
        return  # every member its own root: that is `n_eff_cap`, below
    errors = rng.random((len(roots), 40)) < rng.uniform(0.2, 0.9, 40)
    errors[:, 0], errors[:, 1] = True, False
    numbers = list(range(1, len(roots) + 1))
    curve = n_eff_cap_evenly(errors, roots, numbers, resamples=3)
    one = by_listing(errors, roots, 1)
    for place, number in enumerate(numbers):
        expected = math.log(by_listing(errors, roots, number)) / math.log(one)
        assert math.isclose(curve.value[place], expected, rel_tol=1e-9), (number, sizes)


def test_taking_members_at_random_is_another_thing() -> None:
    """The wrong variant: members of one root err alike, so two of them are worth one, and two of two roots are worth two."""
    errors = np.asarray([[1, 1, 0, 0], [1, 1, 0, 0], [1, 0, 1, 0], [1, 0, 1, 0]], dtype=bool)
    roots = [0, 0, 1, 1]
    assert n_eff_cap_evenly(errors, roots, [2], resamples=3).value[0] == pytest.approx(2.0)
    assert n_eff_cap(errors, resamples=3).value[1] < 1.7


@pytest.mark.parametrize("roots", [[0, 0, 0, 0], [3, 1, 0, 7]])
def test_one_root_or_one_each_is_the_plain_curve(roots: list[int]) -> None:
    errors = np.random.default_rng(0).random((4, 300)) < 0.4
    plain, evenly = n_eff_cap(errors), n_eff_cap_evenly(errors, roots, [1, 2, 4])
    for name in ("value", "low", "high", "bounded", "open"):
        np.testing.assert_array_equal(getattr(evenly, name), getattr(plain, name)[[0, 1, 3]])


def test_the_band_holds_the_truth_about_as_often_as_it_says() -> None:
    """Two roots whose members share half of their errors: 300 sets of 400 items against 400,000 items."""

    def drawn(rng: np.random.Generator, items: int) -> np.ndarray:
        shared = rng.random((2, 1, items)) < 0.2
        return (shared | (rng.random((2, 3, items)) < 0.2)).reshape(6, items)

    roots = [0, 0, 0, 1, 1, 1]
    truth = n_eff_cap_evenly(drawn(np.random.default_rng(0), 400_000), roots, [4], resamples=3).value[0]
    inside = 0
    for seed in range(300):
        curve = n_eff_cap_evenly(drawn(np.random.default_rng(seed + 1), 400), roots, [4], resamples=300)
        inside += bool(curve.low[0] <= truth <= curve.high[0])
    # binomial: 0.95 +- 0.0126; a percentile band of so few items loses some
    assert 0.90 <= inside / 300 <= 0.985, inside


@pytest.mark.parametrize(
    ("roots", "sizes", "said"),
    [
        ([0, 0], [1], "roots of the shape"),
        ([0, 0, 1], [2, 1], "ascending"),
        ([0, 0, 1], [4], "1 to 3"),
        ([0, 0, 1], [], "sizes"),
    ],
)
def test_what_does_not_fit_is_a_sentence(roots: list[int], sizes: list[int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        n_eff_cap_evenly(np.zeros((3, 5), dtype=bool), roots, sizes)


@pytest.mark.parametrize("roots", [[0, 0, 0], [0, 1, 2], [0, 0, 1]])
@pytest.mark.parametrize("resamples", [0, -1])
def test_a_band_without_resamples_is_refused_whatever_the_roots(roots: list[int], resamples: int) -> None:
    errors = np.asarray([[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 0]], dtype=bool)
    with pytest.raises(ValueError, match=f"resamples = {resamples}: .* at least once"):
        n_eff_cap_evenly(errors, roots, [1, 2], resamples=resamples)
    with pytest.raises(ValueError, match=f"resamples = {resamples}: .* at least once"):
        n_eff_cap(errors, resamples=resamples)
