"""The posterior over trees against enumeration in fractions, and against what others have published."""

from __future__ import annotations

import math
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.hypotheses.context_tree import ContextTreeMixture, ContextTreePosterior, TreePrior
from tests.core.support import EPS
from tests.hypotheses.context_tree.enumeration import all_trees, joint, likelihood, prior

SIZES = st.sampled_from([(2, 0), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1), (4, 2)])
BETAS = st.sampled_from([None, 0.125, 0.25, 0.5, 0.875])


def beta_of(num_symbols: int, beta: float | None) -> Fraction:
    return 1 - Fraction(1, 2 ** (num_symbols - 1)) if beta is None else Fraction(beta)


def posterior_of(symbols: Any, *, num_symbols: int, depth: int, beta: float | None = None) -> ContextTreePosterior:
    mixture = ContextTreeMixture(num_symbols, depth, beta=beta)
    mixture.extend(symbols)
    return mixture.posterior()


def tolerance(symbols: Any) -> float:
    """Logarithms of gamma functions up to n log n in size, a few dozen of them, each good to some ulps; and the sums of them."""
    size = len(symbols) + 2
    return 256 * EPS * size * max(1.0, math.log(size))


@given(data=st.data(), size=SIZES, beta=BETAS, num_best=st.integers(1, 30))
@settings(max_examples=80)
def test_evidence_best_trees_and_posteriors_are_those_of_enumeration(
    data: st.DataObject, size: tuple[int, int], beta: float | None, num_best: int
) -> None:
    num_symbols, depth = size
    symbols = data.draw(st.lists(st.integers(0, num_symbols - 1), max_size=24))
    truth = joint(symbols, num_symbols=num_symbols, depth=depth, beta=beta_of(num_symbols, beta))
    evidence, near = sum(truth.values()), tolerance(symbols)
    found = posterior_of(symbols, num_symbols=num_symbols, depth=depth, beta=beta)
    assert found.log_evidence == pytest.approx(math.log(evidence), abs=near)
    best = found.best(num_best)
    # ties may come in any order: the list is right when its posteriors are, and its trees are different ones
    ranked = sorted(truth.values(), reverse=True)[:num_best]
    assert [tree.log_posterior for tree in best] == pytest.approx([math.log(p / evidence) for p in ranked], abs=near)
    assert len({tree.leaves for tree in best}) == len(best) == min(num_best, len(truth))
    for tree in best:
        assert tree.log_posterior == pytest.approx(math.log(truth[tree.leaves] / evidence), abs=near)
        assert tree.odds == pytest.approx(float(ranked[0] / truth[tree.leaves]), rel=2 * near)
    for leaves, value in truth.items():
        tree = found.tree(leaves)
        assert tree.log_posterior == pytest.approx(math.log(value / evidence), abs=near)
        assert tree.log_likelihood == pytest.approx(
            math.log(likelihood(leaves, symbols, num_symbols=num_symbols, depth=depth)), abs=near
        )
        assert math.isnan(tree.odds)


def test_the_oracle_rejects_wrong_variants() -> None:
    """Laplace's estimate, a mixture with all trees alike, and contexts read from the wrong end are all told from the class."""
    symbols, depth = [0, 1, 1, 0, 1, 0, 0, 1, 1, 1, 0, 1], 2
    found, near = posterior_of(symbols, num_symbols=2, depth=depth), tolerance(symbols)
    trees = list(all_trees(2, depth))

    def laplace(leaves: Any) -> float:
        counts = {leaf: [0, 0] for leaf in leaves}
        value = 1.0
        for time in range(depth, len(symbols)):
            (leaf,) = [each for each in leaves if tuple(symbols[time - 1 :: -1])[: len(each)] == each]
            value *= (counts[leaf][symbols[time]] + 1) / (sum(counts[leaf]) + 2)
            counts[leaf][symbols[time]] += 1
        return value

    def right(leaves: Any) -> float:
        return float(likelihood(leaves, symbols, num_symbols=2, depth=depth))

    weights = [float(prior(leaves, depth=depth, beta=Fraction(1, 2))) for leaves in trees]
    mirrored = [tuple(sorted(tuple(reversed(leaf)) for leaf in leaves)) for leaves in trees]
    backwards = [leaves for leaves in trees if tuple(sorted(leaves)) not in mirrored]
    assert backwards  # some trees are no trees when read from the other end
    assert math.log(np.dot(weights, [right(leaves) for leaves in trees])) == pytest.approx(found.log_evidence, abs=near)
    assert abs(math.log(np.dot(weights, [laplace(leaves) for leaves in trees])) - found.log_evidence) > 1e-3
    assert abs(math.log(np.mean([right(leaves) for leaves in trees])) - found.log_evidence) > 1e-3


@pytest.mark.parametrize("beta", [None, 0.0625])
def test_without_data_the_best_trees_are_those_of_greatest_prior(beta: float | None) -> None:
    """The published k-BCT takes the shortest tree for the best one in contexts never seen, which is wrong for beta < 1/2."""
    found, of_class = posterior_of([], num_symbols=2, depth=4, beta=beta), TreePrior(2, 4, beta)
    ranked = sorted((of_class.log_prior(leaves) for leaves in all_trees(2, 4)), reverse=True)
    assert found.log_evidence == pytest.approx(0, abs=64 * EPS)
    assert [tree.log_posterior for tree in found.best(677)] == pytest.approx(ranked, abs=256 * EPS)
    assert len({tree.leaves for tree in found.best(1000)}) == 677
    assert (found.best()[0].leaves == ((),)) == (beta is None)


def test_many_best_trees_of_many_symbols() -> None:
    """All 677 binary trees of depth 4 at once."""
    symbols = np.random.default_rng(3).integers(0, 2, 40).tolist()
    truth = joint(symbols, num_symbols=2, depth=4, beta=Fraction(1, 2))
    found = posterior_of(symbols, num_symbols=2, depth=4)
    ranked = sorted(truth.values(), reverse=True)
    expected = [math.log(value / sum(ranked)) for value in ranked]
    for num_best in (1, 2, 7, 100, 677):
        assert [tree.log_posterior for tree in found.best(num_best)] == pytest.approx(
            expected[:num_best], abs=tolerance(symbols)
        )
    assert math.fsum(math.exp(tree.log_posterior) for tree in found.best(677)) == pytest.approx(1, abs=1e-10)


def test_maxima_are_those_of_frequencies() -> None:
    """Over all trees it is the full tree's, since a split never fits worse."""
    symbols = np.random.default_rng(5).integers(0, 3, 200).tolist()
    found = posterior_of(symbols, num_symbols=3, depth=2)

    def most(leaves: Any) -> float:
        counts = {leaf: [0, 0, 0] for leaf in leaves}
        for time in range(2, len(symbols)):
            (leaf,) = [each for each in leaves if (symbols[time - 1], symbols[time - 2])[: len(each)] == each]
            counts[leaf][symbols[time]] += 1
        return sum(c * math.log(c / sum(row)) for row in counts.values() for c in row if c)

    trees = list(all_trees(3, 2))
    for leaves in trees:
        assert found.tree(leaves).log_maximum == pytest.approx(most(leaves), abs=tolerance(symbols))
    assert found.log_maximum == pytest.approx(max(map(most, trees)), abs=tolerance(symbols))


def test_more_trees_than_can_be_counted() -> None:
    """More than 10^(10^12) trees: nothing may depend on how many there are."""
    found = posterior_of(np.arange(200) % 16, num_symbols=16, depth=12)
    best, second = found.best(2)
    # each of 16 symbols has one successor: the first-order tree, and a split of one of its leaves
    assert best.leaves == tuple((symbol,) for symbol in range(16))
    assert len(second.leaves) == 31
    assert found.log_maximum == 0


def test_best_wants_a_number() -> None:
    with pytest.raises(ValueError, match="num_best = 0: ask for at least one tree"):
        posterior_of([], num_symbols=2, depth=1).best(0)


# Numbers that others have published.


def test_example_of_the_context_tree_weighting_paper() -> None:
    """Willems, Shtarkov and Tjalkens (1995), the weighted context tree of 0110100 after 010: 95/32768 at the root."""
    coin = ContextTreeMixture(2, 3, past=[0, 1, 0])
    coin.extend([0, 1, 1, 0, 1, 0, 0])
    assert math.exp(coin.log_evidence) == pytest.approx(95 / 32768, rel=64 * EPS)
    truth = joint([0, 1, 0, 0, 1, 1, 0, 1, 0, 0], num_symbols=2, depth=3, beta=Fraction(1, 2))
    assert sum(truth.values()) == Fraction(95, 32768)


def test_prediction_of_another_implementation() -> None:
    """README of the JavaScript package a-robu/ctw: after 01010101010101, depth 2, zero has 0.9281081081081081."""
    alternating = ContextTreeMixture(2, 2)
    alternating.extend([int(symbol) for symbol in "01010101010101"])
    assert np.exp(alternating.log_predict()) == pytest.approx([0.9281081081081081, 0.0718918918918919], rel=64 * EPS)


def test_best_tree_of_a_gene_is_the_one_in_the_manual_of_the_r_package() -> None:
    """The CRAN package BCT 1.2, manual page of MAP_parameters: `BCT(gene_s, 10)` finds the contexts 3, 1, 0, 23, 20, 21, 22.

    The data set is the spike gene of SARS-CoV-2, A C G T as 0 1 2 3: GenBank NC_045512.2, bases 21563 to 25384.
    """
    gene = (Path(__file__).parent / "spike.txt").read_text(encoding="utf-8").replace("\n", "")
    assert (len(gene), gene[:9], gene[-9:]) == (3822, "ATGTTTGTT", "TACACATAA")
    symbols = ["ACGT".index(base) for base in gene]
    best, second = posterior_of(symbols, num_symbols=4, depth=10).best(2)
    assert best.leaves == ((0,), (1,), (2, 0), (2, 1), (2, 2), (2, 3), (3,))
    # it is a near thing, so the oracle is a sharp one: the runner-up is the first-order chain
    assert second.leaves == ((0,), (1,), (2,), (3,))
    assert 1 < second.odds < 1.1
    # the wrong variant takes beta = 1/2 for every alphabet
    assert posterior_of(symbols, num_symbols=4, depth=10, beta=0.5).best()[0].leaves != best.leaves
