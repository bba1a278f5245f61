"""The mixture as a predictor: laws, long sequences without drift, what it loses, and tests that stay valid at any time."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.hypotheses.context_tree import ContextTreeMixture
from tests.core.support import EPS


def fresh(size: tuple[int, int], *, beta: float | None = None, past: Any = ()) -> ContextTreeMixture:
    return ContextTreeMixture(*size, beta=beta, past=past)


SIZES = st.sampled_from([(2, 0), (2, 1), (2, 5), (3, 2), (4, 3), (9, 1)])


@given(data=st.data(), size=SIZES, beta=st.sampled_from([None, 0.01, 0.5, 0.99]))
@settings(max_examples=60)
def test_predictions_are_distributions_and_multiply_to_the_evidence(
    data: st.DataObject, size: tuple[int, int], beta: float | None
) -> None:
    symbols = data.draw(st.lists(st.integers(0, size[0] - 1), max_size=60))
    mixture, total = fresh(size, beta=beta), 0.0
    for time, symbol in enumerate(symbols):
        row = mixture.log_predict()
        again = mixture.log_predict()
        assert np.array_equal(row, again)
        assert np.exp(row).sum() == pytest.approx(1, abs=8 * size[0] * EPS)
        assert mixture.update(symbol) == pytest.approx(row[symbol], rel=64 * EPS)
        if time >= size[1]:
            total += row[symbol]
        else:
            assert row == pytest.approx(np.full(size[0], -math.log(size[0])))
    near = 64 * EPS * (1 + abs(total)) * (size[1] + 2)
    assert mixture.log_evidence == pytest.approx(total, abs=near)
    # two ways: symbol by symbol with odds, and from the counts with logarithms
    assert mixture.posterior().log_evidence == pytest.approx(total, abs=near)


@given(data=st.data(), size=SIZES)
@settings(max_examples=40)
def test_pieces_pasts_and_names_of_symbols_do_not_matter(data: st.DataObject, size: tuple[int, int]) -> None:
    symbols = data.draw(st.lists(st.integers(0, size[0] - 1), min_size=1, max_size=80))
    cut = data.draw(st.integers(0, len(symbols)))
    whole, pieces, renamed = fresh(size), fresh(size), fresh(size)
    at_once = whole.extend(symbols)
    in_pieces = np.concatenate([pieces.extend(symbols[:cut]), pieces.extend(symbols[cut:])])
    order = data.draw(st.permutations(range(size[0])))
    assert np.array_equal(at_once, in_pieces)
    assert np.array_equal(whole.log_predict(), pieces.log_predict())
    assert renamed.extend([order[symbol] for symbol in symbols]) == pytest.approx(at_once, rel=64 * EPS)
    assert renamed.log_predict()[list(order)] == pytest.approx(whole.log_predict(), rel=64 * EPS)
    # what is conditioned on may as well be given as the past
    given_past = fresh(size, past=symbols[: size[1]])
    given_past.extend(symbols[size[1] :])
    assert given_past.log_evidence == whole.log_evidence


def test_learning_and_moving_on_are_two_things() -> None:
    """What an overseer answered and what was done then differ: the context is made of what was done."""
    rng = np.random.default_rng(0)
    done, said = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    mixture, counts = fresh((3, 1), past=[0]), np.zeros((3, 3))
    last = 0
    for act, answer in zip(done, said, strict=True):
        mixture.learn(int(answer))
        counts[last, answer] += 1
        mixture.advance(int(act))
        last = act
    leaves = mixture.posterior()
    for symbol in range(3):
        node = leaves.node((symbol,))
        assert node is not None
        assert np.array_equal(leaves.counts[node, :3], counts[symbol])
    # the wrong variant takes its own answers for what was done
    wrong = fresh((3, 1), past=[0])
    wrong.extend(said)
    assert wrong.log_evidence != pytest.approx(mixture.log_evidence, abs=1e-6)


def source(num_symbols: int, order: int, *, size: int, seed: int) -> tuple[Any, Any]:
    """A sequence of a random source of this order, and the log-probability of each symbol."""
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.ones(num_symbols), size=num_symbols**order)
    cut, uniform = rows.cumsum(axis=1), rng.random(size)
    symbols, log_probs, state = np.zeros(size, int), np.zeros(size), 0
    for time in range(size):
        symbols[time] = min(np.searchsorted(cut[state], uniform[time]), num_symbols - 1)
        log_probs[time] = math.log(rows[state, symbols[time]])
        state = (state * num_symbols + symbols[time]) % num_symbols**order
    return symbols, log_probs


@pytest.mark.parametrize(("size", "seed"), [((2, 16), 0), ((4, 8), 1), ((8, 5), 2)])
def test_a_million_symbols_without_drift(size: tuple[int, int], seed: int) -> None:
    """The running sum of predictions is the evidence from the counts alone.

    Every level rounds a few times a symbol, and odds gather the error of at most 4 eps a symbol in a row: at the very worst
    n^2 (D + 1) eps nats. Rounding goes both ways, so n^(3/2) is more than is ever seen.
    """
    count = 1_000_000
    symbols, _ = source(size[0], 2, size=10_000, seed=seed)
    symbols = np.concatenate([symbols] * 50 + [np.random.default_rng(seed).integers(0, size[0], count // 2)])
    mixture = fresh(size)
    log_probs, near = mixture.extend(symbols)[size[1] :], count**1.5 * (size[1] + 1) * EPS
    from_counts = mixture.posterior().log_evidence
    assert mixture.log_evidence == pytest.approx(from_counts, abs=near)
    for history in (symbols[-20:], symbols[:20], np.zeros(20, int)):
        assert abs(np.exp(mixture.log_predict(history)).sum() - 1) < 1e-9
    # the wrong variant keeps its sum in float32
    assert abs(float(np.cumsum(log_probs, dtype=np.float32)[-1]) - from_counts) > 1e4 * near


@pytest.mark.parametrize("size", [(2, 3), (3, 2)])
def test_odds_beyond_the_range_of_numbers_come_back(size: tuple[int, int]) -> None:
    """20,000 symbols that scream for a split are 10,000 nats, exp of which is no float; the next ones take some of it back."""
    rng = np.random.default_rng(7)
    parts = [np.arange(20_000) % 2, rng.integers(0, size[0], 30_000), np.zeros(20_000, int), np.arange(5_000) % size[0]]
    mixture, far = fresh(size), []
    for part in parts:
        mixture.extend(part)
        weights = mixture.posterior()
        assert mixture.log_evidence == pytest.approx(weights.log_evidence, abs=1e-6)
        stop = mixture.prior.log_stop + weights.log_estimated[0]
        far.append(stop - weights.log_weighted[0])
    # the wrong variant keeps odds as one float: it is 0 then, and stays so however much is taken back
    assert far[0] < -10_000
    assert math.exp(far[0]) == 0
    assert max(far[1:]) > far[0] + 1000


@pytest.mark.parametrize(("size", "seed"), [((2, 16), 3), ((4, 8), 4), ((8, 5), 5)])
def test_what_it_loses_to_the_true_source(size: tuple[int, int], seed: int) -> None:
    """Clarke and Barron (1990): each leaf costs (m-1)/2 log(n / 2 pi e) + log(Gamma(1/2)^m / Gamma(m/2)), and the tree its prior.

    What a run loses varies by half a chi-squared number of m - 1 for each leaf, 4 standard deviations are allowed; besides, leaves
    with rare symbols are short of the asymptote, by at most a tenth.
    """
    num_symbols, count, order = size[0], 200_000, 2
    symbols, log_probs = source(num_symbols, order, size=count, seed=seed)
    mixture = fresh(size)
    excess = log_probs[size[1] :].sum() - mixture.extend(symbols)[size[1] :].sum()
    visits = np.bincount(symbols[1:-1] * num_symbols + symbols[:-2], minlength=num_symbols**order)
    constant = num_symbols * math.lgamma(0.5) - math.lgamma(num_symbols / 2)
    leaves = ((num_symbols - 1) / 2 * np.log(visits / (2 * math.pi * math.e)) + constant).sum()
    tree = -mixture.prior.log_prior([(a, b) for a in range(num_symbols) for b in range(num_symbols)])
    spread = 4 * math.sqrt(visits.size * (num_symbols - 1) / 2)
    assert 0.9 * leaves - spread < excess < leaves + tree + spread
    # the wrong variant has too little memory, and loses in proportion to n
    short = fresh((num_symbols, 1))
    assert log_probs.sum() - short.extend(symbols).sum() > 10 * excess


def test_a_test_with_this_numerator_is_valid_at_any_time() -> None:
    """Under a class that holds the source, evidence over best likelihood ever exceeds 1 / level with probability at most `level`."""
    level, runs, steps, rng = 0.1, 1000, 150, np.random.default_rng(11)
    policies = rng.dirichlet(np.ones(3), size=4)
    crossed, cheated = 0, 0
    for run in range(runs):
        symbols = rng.choice(3, size=steps, p=policies[run % 4])
        numerator = np.cumsum(fresh((3, 2), past=[0, 0]).extend(symbols))
        best = np.cumsum(np.log(policies[:, symbols]), axis=1).max(axis=0)
        crossed += bool((numerator - best > -math.log(level)).any())
        # the wrong numerator has seen the symbols that it predicts
        seen = np.cumsum(np.eye(3)[symbols], axis=0)
        share = np.log(np.maximum(seen, 1)) - np.log(np.arange(1, steps + 1))[:, None]
        cheated += bool(((seen * share).sum(axis=1) - best > -math.log(level)).any())
    allowed = level + 3 * math.sqrt(level * (1 - level) / runs)
    assert crossed / runs <= allowed < cheated / runs


def test_the_largest_alphabet() -> None:
    """Bytes: the default prior odds are 2^255, and every symbol's row is still a distribution."""
    rng = np.random.default_rng(2)
    mixture = fresh((256, 2))
    mixture.extend(np.concatenate([rng.integers(0, 256, 2000), np.tile([1, 2, 3], 3000)]))
    assert np.exp(mixture.log_predict()).sum() == pytest.approx(1, abs=1e-12)
    assert mixture.log_evidence == pytest.approx(mixture.posterior().log_evidence, abs=1e-6)
    assert np.exp(mixture.log_predict())[1] > 0.9


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ([0, 2], "symbols run from 0 to 2; they must lie from 0 to 1"),
        ([-1], "symbols run from -1 to -1"),
        ([0.5], "dtype float64: give whole numbers from 0 to 1 in one dimension"),
        ([[0, 1]], r"shape \(1, 2\)"),
        (["0"], "give whole numbers"),
        ([True], "dtype bool"),
    ],
)
def test_what_is_no_symbol_is_refused_and_nothing_is_learned(values: Any, sentence: str) -> None:
    mixture = fresh((2, 1), past=[0])
    for do in (mixture.extend, mixture.log_predict, lambda past: fresh((2, 1), past=past)):
        with pytest.raises(ValueError, match=sentence):
            do(values)
    assert (mixture.log_evidence, mixture.num_nodes) == (0, 1)
