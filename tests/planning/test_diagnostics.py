"""Split R-hat and bulk effective sample size against loops, against arviz's numbers, and where the answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm

from assent.planning.diagnostics import bulk_ess, split_rhat


def autoregressive(seed: int, *, draws: int, chains: int, memory: float) -> np.ndarray:
    rng = np.random.default_rng(seed)
    found = [rng.normal(size=chains)]
    for _ in range(draws - 1):
        found.append(memory * found[-1] + math.sqrt(1 - memory**2) * rng.normal(size=chains))
    return np.array(found)


def scores(halves: np.ndarray) -> np.ndarray:
    """Normal scores of ranks, the mean rank for ties."""
    every = halves.ravel().tolist()

    def rank(value: float) -> float:
        return sum(other < value for other in every) + (sum(other == value for other in every) + 1) / 2

    return np.array(
        [[norm.ppf((rank(value) - 0.375) / (len(every) + 0.25)) for value in row] for row in halves.tolist()]
    )


def looped_rhat(halves: np.ndarray) -> float:
    """The potential scale reduction, by its definition, of [T, C]."""
    length, chains = halves.shape
    means = [sum(halves[:, c]) / length for c in range(chains)]
    grand = sum(means) / chains
    between = length / (chains - 1) * sum((mean - grand) ** 2 for mean in means)
    within = sum(sum((halves[:, c] - means[c]) ** 2) / (length - 1) for c in range(chains)) / chains
    return math.sqrt(((length - 1) / length * within + between / length) / within)


@pytest.mark.parametrize("memory", [0.0, 0.7])
def test_rhat_is_the_loop_s(memory: float) -> None:
    draws = autoregressive(3, draws=40, chains=3, memory=memory)
    halves = np.concatenate([draws[:20], draws[20:]], axis=1)
    folded = np.abs(halves - np.median(halves))
    wanted = max(looped_rhat(scores(halves)), looped_rhat(scores(folded)))
    assert float(split_rhat(draws)) == pytest.approx(wanted, rel=1e-12)
    # wrong variant: whole chains instead of halves
    assert abs(looped_rhat(scores(draws)) - wanted) > 1e-4


def test_arviz_says_the_same() -> None:
    # arviz 0.23.4: az.rhat and az.ess of autoregressive(0, draws=500, chains=4, memory=0.5)
    draws = autoregressive(0, draws=500, chains=4, memory=0.5)
    assert float(split_rhat(draws)) == pytest.approx(ARVIZ_RHAT, rel=1e-9)
    assert float(bulk_ess(draws)) == pytest.approx(ARVIZ_ESS, rel=1e-9)


def test_known_answers() -> None:
    independent = autoregressive(1, draws=1000, chains=4, memory=0.0)
    slow = autoregressive(1, draws=4000, chains=4, memory=0.9)
    # 4,000 independent draws; and 16,000 with an autocorrelation time of (1 + .9) / (1 - .9) = 19
    assert 3400 < bulk_ess(independent) < 4600
    assert 16_000 / 19 * 0.75 < bulk_ess(slow) < 16_000 / 19 * 1.3
    assert split_rhat(independent) < 1.01
    assert split_rhat(independent + 2.0 * np.arange(4)) > 1.5  # chains that disagree
    assert (
        split_rhat(independent * (1 + 3.0 * np.arange(4))) > 1.1
    )  # equal means, unequal spread: the folded one sees it


def test_many_quantities_constant_ones_and_too_few_draws() -> None:
    draws = np.random.default_rng(0).normal(size=(50, 3, 2, 2))
    draws[:, :, 0, 0] = 1.0
    ess, rhat = bulk_ess(draws), split_rhat(draws)
    assert ess.shape == rhat.shape == (2, 2)
    assert np.isnan(ess[0, 0])
    assert np.isnan(rhat[0, 0])
    assert float(ess[1, 0]) == pytest.approx(float(bulk_ess(draws[:, :, 1, 0])))
    with pytest.raises(ValueError, match="at least 4"):
        split_rhat(np.zeros((3, 2)))


ARVIZ_RHAT, ARVIZ_ESS = 1.0050255400623245, 587.6772672905611
