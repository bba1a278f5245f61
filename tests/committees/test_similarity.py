"""Agreement beyond accuracy, against sums written out point by point."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from assent.committees.similarity import capa, error_consistency


def rows(seed: int, points: int = 200, options: int = 4) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(seed).dirichlet(np.ones(options), points)


def test_capa_is_its_definition_point_by_point() -> None:
    p, q = rows(0), rows(1)
    labels = np.random.default_rng(2).integers(0, 4, 200)
    observed = sum(sum(p[t, o] * q[t, o] for o in range(4)) for t in range(200)) / 200
    first, second = (sum(r[t, labels[t]] for t in range(200)) / 200 for r in (p, q))
    expected = first * second + (1 - first) * (1 - second) * sum(1 / 3 for _ in range(200)) / 200
    assert capa(p, q, labels) == pytest.approx((observed - expected) / (1 - expected), abs=1e-12)
    assert capa(p, q, labels) == capa(q, p, labels)


def test_independent_errors_agree_by_accuracy_only() -> None:
    """Two models, right with chance 0.7 and otherwise evenly wrong, with certainty: about 0, although they agree on half of the points."""
    rng, points, options = np.random.default_rng(5), 200_000, 5
    labels = rng.integers(0, options, points)

    def said() -> np.ndarray[Any, np.dtype[np.float64]]:
        answer = np.where(rng.random(points) < 0.7, labels, (labels + rng.integers(1, options, points)) % options)
        return np.eye(options)[answer]

    p, q = said(), said()
    assert np.mean((p * q).sum(axis=1)) > 0.5
    assert capa(p, q, labels) == pytest.approx(0.0, abs=0.01)
    assert capa(p, p, labels) == pytest.approx(1.0, abs=1e-12)
    wrong, also = (r.argmax(axis=1) != labels for r in (p, q))
    assert error_consistency(wrong, also) == pytest.approx(0.0, abs=0.01)


def test_errors_at_the_same_points_and_at_opposite_ones() -> None:
    wrong = np.asarray([True, False, True, False])
    assert error_consistency(wrong, wrong) == 1.0
    assert error_consistency(wrong, ~wrong) == -1.0
    assert math.isnan(error_consistency([0, 0], [0, 0]))


LM_SIM = {
    2: (0.1700325756221694, 0.1697814836112706),
    4: (0.18374363771557178, 0.3198307134220073),
    10: (0.10727453209786228, 0.20103092783505166),
}
"""By the number of options, `CAPA().compute_k` and `EC().compute_k` of the authors' package lm-sim 0.1.1 (PyPI, MIT) on `shared`."""


def shared(options: int, points: int = 300) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Two models that are alike beyond their accuracies, and the right options."""
    rng = np.random.default_rng(options)
    raw = rng.random((2, points, options)) ** 3
    raw[1] *= raw[0]
    p, q = raw / raw.sum(axis=2, keepdims=True)
    return p, q, np.argmax(p + rng.random((points, options)), axis=1)


@pytest.mark.parametrize("options", [2, 4, 10])
def test_the_numbers_are_those_of_the_authors_package(options: int) -> None:
    p, q, labels = shared(options)
    alike, consistent = LM_SIM[options]
    assert capa(p, q, labels) == pytest.approx(alike, rel=0, abs=1e-9)
    assert error_consistency(p.argmax(axis=1) != labels, q.argmax(axis=1) != labels) == pytest.approx(
        consistent, rel=0, abs=1e-9
    )


@pytest.mark.parametrize(
    ("one", "labels", "words"),
    [
        ([[0.5, 0.5]], [0, 1], "give"),
        ([[1.0]], [0], "two options"),
        ([[2.0, -1.0]], [0], "no distributions"),
        ([[float("nan"), 0.5]], [0], "no distributions"),
        ([[3.0, 1.0]], [0], "logits"),
        ([[0.5, 0.5]], [2], "0 to 1"),
        ([[0.5, 0.5]], [-1], "0 to 1"),
        ([[0.5, 0.5]], [0.5], "whole numbers"),
    ],
)
def test_what_is_no_prediction_is_refused(one: Any, labels: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        capa(one, one, labels)


@pytest.mark.parametrize(("one", "other"), [([], []), ([0, 1], [0]), ([[0]], [[1]]), ([0, 2], [0, 1])])
def test_what_are_no_errors_is_refused(one: Any, other: Any) -> None:
    with pytest.raises(ValueError, match=r"shapes|0 and 1"):
        error_consistency(one, other)
