"""Losses of learning to defer against the published formulas in extended precision, at logits that overflow those, and in training."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import assent.lab  # noqa: F401
from assent.core import Answer, Done
from assent.peers.deferral import (
    Deferral,
    DeferralPolicy,
    cross_entropy_loss,
    one_vs_all_loss,
    realizable_loss,
    train,
)

ALPHA = 0.3


def published(name: str, g: np.ndarray, label: int, right: bool) -> np.ndarray:
    """The formula as it is printed, with exponentials of raw logits, in the dtype of `g`."""
    power, m = np.exp(g), g.dtype.type(right)
    share = power / power.sum()
    if name == "cross-entropy":
        return -m * np.log2(share[-1]) - (g.dtype.type(ALPHA) * m + 1 - m) * np.log2(share[label])
    if name == "realizable":
        system = -np.log2((m * power[-1] + power[label]) / power.sum())
        alone = -np.log2(power[label] / power[:-1].sum())
        return g.dtype.type(ALPHA) * system + (1 - g.dtype.type(ALPHA)) * alone
    f = lambda z: np.log2(1 + np.exp(-z))  # noqa: E731
    others = sum(f(-score) for number, score in enumerate(g[:-1]) if number != label)
    return f(g[label]) + others + f(-g[-1]) + m * (f(g[-1]) - f(-g[-1]))


LOSSES: dict[str, Callable[..., Any]] = {
    "cross-entropy": lambda *given: cross_entropy_loss(*given, alpha=ALPHA),
    "one-vs-all": one_vs_all_loss,
    "realizable": lambda *given: realizable_loss(*given, alpha=ALPHA),
}


def ours(name: str, logits: np.ndarray, labels: np.ndarray, right: np.ndarray) -> np.ndarray:
    with jax.enable_x64(True):
        return np.asarray(LOSSES[name](jnp.asarray(logits), jnp.asarray(labels), jnp.asarray(right)))


@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_are_the_published_ones(name: str) -> None:
    """300 draws of up to 6 classes, logits up to 20 in size; another loss's formula differs nearly always."""
    rng, told_apart = np.random.default_rng(0), 0
    for _ in range(300):
        size = int(rng.integers(2, 7))
        g, label, right = (
            rng.normal(size=size + 1) * rng.choice([0.1, 1, 7]),
            int(rng.integers(size)),
            bool(rng.integers(2)),
        )
        wanted = float(published(name, g.astype(np.longdouble), label, right))
        given = float(ours(name, g[None], np.asarray([label]), np.asarray([right]))[0])
        # a dozen terms of size up to 30, each rounded to float64
        assert given == pytest.approx(wanted, abs=12 * 30 * 2.3e-16, rel=1e-13)
        other = "one-vs-all" if name == "realizable" else "realizable"
        told_apart += abs(float(published(other, g.astype(np.longdouble), label, right)) - given) > 1e-9
    assert told_apart > 280


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("right", [True, False])
def test_logits_that_overflow_the_formula_are_finite_here_with_their_gradients(name: str, right: bool) -> None:
    """At 1,000 the exponentials are infinite and the published code gives NaN; in extended precision they are not yet."""
    extreme = np.asarray(
        [[1000.0, -1000.0, 0.0, 30.0], [0.0, 0.0, 1000.0, 0.0], [-1000.0, 0.0, 0.0, 1000.0], [0, 0, 0, 0]]
    )
    labels, rights = np.asarray([1, 2, 0, 1]), np.full(4, right)
    given = ours(name, extreme, labels, rights)
    assert np.isfinite(given).all()
    with np.errstate(all="ignore"):
        naive = [float(published(name, g, int(label), right)) for g, label in zip(extreme, labels, strict=True)]
        wide = [
            float(published(name, g.astype(np.longdouble), int(label), right))
            for g, label in zip(extreme, labels, strict=True)
        ]
    assert not np.isfinite(naive).all()
    assert given == pytest.approx(wide, rel=1e-12, abs=1e-12)
    with jax.enable_x64(True):
        total = lambda logits: LOSSES[name](logits, jnp.asarray(labels), jnp.asarray(rights)).sum()  # noqa: E731
        assert np.isfinite(np.asarray(jax.grad(total)(jnp.asarray(extreme)))).all()


@pytest.mark.parametrize("loss", ["cross-entropy", "one-vs-all", "realizable"])
def test_what_is_trained_defers_where_the_expert_is_better(loss: Any) -> None:
    """Left of 0 a line tells the classes apart and the expert guesses; right of 0 classes are coins and the expert knows.

    Together they are right nearly always, which neither is alone. The wrong variant, told that the expert is never right, does not defer.
    """
    rng = np.random.default_rng(1)
    items = np.concatenate([rng.uniform(-1, 1, size=(600, 2)), np.ones((600, 1))], axis=1)
    known = items[:, 0] > 0
    labels = np.where(known, rng.integers(0, 2, 600), items[:, 1] > 0).astype(int)
    right = np.where(known, True, rng.integers(0, 2, 600) == labels)
    with jax.enable_x64(True):
        fit = lambda expert: np.asarray(  # noqa: E731
            train(jnp.asarray(items), jnp.asarray(labels), jnp.asarray(expert), num_actions=2, loss=loss, alpha=0.9)
        )
        weights, distrusting = fit(right), fit(np.zeros(600, bool))

    def system(weights: np.ndarray) -> tuple[float, float]:
        scores = items @ weights
        defers = scores[:, -1] >= scores[:, :-1].max(axis=1)
        return float(np.where(defers, right, scores[:, :-1].argmax(axis=1) == labels).mean()), float(defers.mean())

    accuracy, share = system(weights)
    assert accuracy > 0.88
    assert max(right.mean(), (labels == (items[:, 1] > 0)).mean()) < 0.8
    assert 0.3 < share < 0.7
    assert system(distrusting)[1] < 0.05


def taught(agent: Deferral, said: list[tuple[int, int]]) -> Any:
    belief = agent.init()
    for obs, action in said:
        belief = agent.learn(belief, obs, Answer(action))
        belief = agent.count(belief, Done(obs, action, True, 0.0, 0.0))
    return belief


def test_it_trains_once_and_defers_where_it_was_told_nothing() -> None:
    """Contexts 0 and 1 with twenty labels each, none of context 2: at a threshold between the two it asks about that one alone."""
    policy = DeferralPolicy(num_actions=3, contexts=3, labels=40, loss="cross-entropy", alpha=0.5)
    said = [(number % 2, number % 2) for number in range(40)]
    early = taught(Deferral(policy), said[:39])
    belief = taught(Deferral(policy), said)
    assert not early.memory.weights.any()
    assert float(Deferral(policy).propose(early, 0).ask) == 1, "labels first"
    gaps = []
    for obs in range(3):
        scores = np.exp(policy.scores(belief.memory, obs))
        share = scores / scores.sum()
        gaps.append(share[-1] - share[:-1].max())
    assert max(gaps[:2]) < gaps[2]
    between = Deferral(policy, threshold=(max(gaps[:2]) + gaps[2]) / 2)
    assert [float(between.propose(belief, obs).ask) for obs in range(3)] == [0, 0, 1]
    assert [between.propose(belief, obs).probs.argmax() for obs in range(2)] == [0, 1]
    later = taught(between, [*said, (2, 2)])
    assert np.array_equal(later.memory.weights, belief.memory.weights), "it learns nothing afterwards"


@pytest.mark.parametrize(
    ("logits", "label", "right", "bits"),
    [
        ([1e8, 0.0, 0.0], 0, False, 2.0),
        ([0.0, 0.0, 1e8], 0, True, 2.0),
        ([1e8, 5.0, -3.0], 0, True, math.log2(1 + math.exp(5.0)) + math.log2(1 + math.exp(3.0))),
    ],
)
def test_large_logits_hide_no_small_terms(logits: list[float], label: int, right: bool, bits: float) -> None:
    """In single precision, from the definition by hand; one wrong variant takes a sum of large numbers less one of them."""
    given = (jnp.asarray([logits], jnp.float32), jnp.asarray([label]), jnp.asarray([right]))
    assert float(one_vs_all_loss(*given)[0]) == pytest.approx(bits, rel=1e-5)
