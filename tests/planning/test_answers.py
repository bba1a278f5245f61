"""The overseer's answers as likelihoods, at the ends of the numbers."""

from __future__ import annotations

import numpy as np
import pytest

from assent.planning.answers import answer_likelihood
from assent.planning.process import Process


@pytest.mark.parametrize("answer", ["boltzmann", "soft"])
def test_a_beta_as_large_as_numbers_go_is_an_overseer_who_never_errs(answer) -> None:
    # [P, A, N]: the last action is the best and may not be shown; the last place has ended
    quality = np.array([[30.0, 20.0, 40.0], [-30.0, -30.0, 7.0], [0.0, 0.0, 0.0]])[:, :, None]
    allowed = np.array([[True, True, False], [True, True, False], [False, False, False]])
    found = answer_likelihood(Process(answer=answer, beta=1e308), quality, allowed)[:, :, 0]
    assert found.tolist() == [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.0, 0.0, 0.0]]


@pytest.mark.parametrize("beta", [1e-300, 0.7, 3.0])
def test_answers_of_moderate_noise_have_the_chances_of_the_formula(beta: float) -> None:
    quality = np.random.default_rng(0).normal(size=(4, 3, 5))
    found = answer_likelihood(Process(answer="boltzmann", beta=beta), quality, np.ones((4, 3), dtype=bool))
    weights = np.exp(beta * quality)  # as defined; no overflow at these sizes
    assert found == pytest.approx(weights / weights.sum(axis=1, keepdims=True), rel=1e-14)
