"""The prior over trees against enumeration, and what is no tree."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest

from assent.hypotheses.context_tree import TreePrior
from tests.core.support import EPS
from tests.hypotheses.context_tree.enumeration import all_trees, prior

SIZES = [(2, 0), (2, 1), (2, 2), (2, 3), (2, 4), (3, 1), (3, 2), (4, 1), (4, 2), (5, 2)]


@pytest.mark.parametrize(("num_symbols", "depth"), SIZES)
@pytest.mark.parametrize("beta", [None, 0.125, 0.5, 0.75])
def test_priors_of_all_trees_sum_to_one(num_symbols: int, depth: int, beta: float | None) -> None:
    """The oracle grows the trees one context at a time; the class uses alpha^(|T| - 1) beta^(|T| - L)."""
    trees, of_class = list(all_trees(num_symbols, depth)), TreePrior(num_symbols, depth, beta)
    stop = 1 - Fraction(1, 2 ** (num_symbols - 1)) if beta is None else Fraction(beta)
    assert of_class.num_trees == len(trees) == len(set(trees))
    assert sum(prior(leaves, depth=depth, beta=stop) for leaves in trees) == 1
    for leaves in trees:
        # a sum of at most 2 |T| logarithms, each below 4 in size and good to an ulp
        expected = math.log(prior(leaves, depth=depth, beta=stop))
        assert abs(of_class.log_prior(leaves) - expected) <= 16 * len(leaves) * EPS
    # the wrong variant charges beta to leaves at the full depth too, which cannot split
    wrong = [
        of_class.log_prior(leaves) + sum(len(leaf) == depth for leaf in leaves) * of_class.log_stop for leaves in trees
    ]
    assert depth == 0 or math.fsum(map(math.exp, wrong)) < 0.999


def test_default_beta_of_large_alphabets_leaves_something_to_split() -> None:
    """1 - 2^(1 - m) rounds to 1 from 55 symbols on; its logarithms do not."""
    for num_symbols in (54, 55, 256):
        of_class = TreePrior(num_symbols, 2)
        assert of_class.log_split == pytest.approx(-(num_symbols - 1) * math.log(2), rel=EPS)
        assert of_class.log_stop <= 0
        assert math.isfinite(of_class.log_prior([(symbol,) for symbol in range(num_symbols)]))


@pytest.mark.parametrize(
    ("leaves", "sentence"),
    [
        ([(0,)], r"cover 2 of the 4 pasts of length 2: a proper tree gives each past one leaf"),
        ([], r"cover 0 of the 4"),
        ([(), (0,)], r"\(\) begins \(0,\): a past would have two leaves"),
        ([(0,), (1,), (0,)], r"\(0,\) begins \(0,\)"),
        ([(0,), (1, 0), (1, 1, 0), (1, 1, 1)], r"\(1, 1, 0\) is no context here: at most 2 symbols from 0 to 1"),
        ([(0,), (2,)], r"\(2,\) is no context"),
        ([(0,), (-1,)], r"\(-1,\) is no context"),
    ],
)
def test_what_is_no_proper_tree_is_refused(leaves: list[tuple[int, ...]], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        TreePrior(2, 2).log_prior(leaves)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ((1, 2), "1 symbols: a context tree takes 2 to 256"),
        ((257, 2), "257 symbols"),
        ((2, -1), "depth = -1 is negative"),
        ((2, 2, 0.0), r"beta = 0.0 is outside \(0, 1\)"),
        ((2, 2, 1.0), r"beta = 1.0 is outside"),
        ((2, 2, math.nan), r"beta = nan is outside"),
    ],
)
def test_settings_outside_their_range_are_refused(settings: tuple[float, ...], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        TreePrior(*settings)  # type: ignore[arg-type]
