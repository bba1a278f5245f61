"""Joint losses against enn's own functions, against every draw written out, and what a curve of members says of a loss."""

from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees import joint
from assent.committees.joint import JointMembers, joint_log_loss, joint_log_losses, marginal_log_loss, n_eff_joint

ENN: dict[str, Any] = json.loads(Path(__file__).with_name("enn_joint.json").read_text(encoding="utf-8"))
"""Arrays, and what google-deepmind/enn makes of them; its key `source` names the commit. In single precision, so to 1e-5 of each value."""


def log_softmax(logits: Any) -> NDArray[np.float64]:
    values = np.asarray(logits, np.float64)
    values = values - values.max(axis=-1, keepdims=True)
    return np.asarray(values - np.log(np.exp(values).sum(axis=-1, keepdims=True)))


def committee(members: int, points: int, options: int, seed: int = 0) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    rng = np.random.default_rng(seed)
    rows = log_softmax(rng.normal(0, 1.5, (members, points, options)))
    return rows, np.asarray(rng.integers(0, options, points))


def blocks(kappa: int, points: int) -> NDArray[np.int64]:
    return np.arange(points // kappa * kappa).reshape(-1, kappa)


def test_a_draw_of_one_point_is_the_marginal_loss() -> None:
    rows, labels = committee(4, 30, 3)
    weight = np.log([0.1, 0.2, 0.3, 0.4])
    each = joint_log_losses(rows, labels, blocks(1, 30), np.ones((30, 1), int), log_weight=weight)
    assert each.mean() == pytest.approx(marginal_log_loss(rows, labels, log_weight=weight), rel=1e-14)


@pytest.mark.parametrize("case", ENN["cases"], ids=lambda case: f"tau{case['tau']}-kappa{case['kappa']}")
def test_losses_at_the_same_draws_are_those_of_enn(case: dict[str, Any]) -> None:
    rows, labels = log_softmax(ENN["logits"]), np.asarray(ENN["labels"])
    anchors, times = blocks(case["kappa"], len(labels)), np.asarray(case["times"])
    assert (times.sum(axis=1) == case["tau"]).all()
    assert joint_log_losses(rows, labels, anchors, times).mean() == pytest.approx(case["nll"], rel=1e-5)
    # the mean over members of the logarithm, where the logarithm of their mean is meant
    alone = [joint_log_losses(row[None], labels, anchors, times).mean() for row in rows]
    assert abs(np.mean(alone) - case["nll"]) > 0.5
    # each point averaged over members by itself, where the members' products are
    said = rows[:, np.arange(len(labels)), labels]
    apart = -(times * np.log(np.exp(said).mean(axis=0))[anchors]).sum(axis=1)
    assert abs(apart.mean() - case["nll"]) > 0.5


def test_blocks_of_different_points_and_marginal_losses_are_those_of_enn() -> None:
    rows, labels = log_softmax(ENN["logits"]), np.asarray(ENN["labels"])
    for case in ENN["blocks"]:
        anchors = blocks(case["tau"], len(labels))
        found = joint_log_losses(rows, labels, anchors, np.ones_like(anchors)).mean()
        assert found == pytest.approx(case["nll"], rel=1e-5)
    assert marginal_log_loss(rows, labels) == pytest.approx(ENN["marginal"], rel=1e-5)


def expected(
    rows: NDArray[np.float64], labels: NDArray[np.int64], tau: int, weight: Any, *, twice: bool = False
) -> float:
    """The mean over every ordered pair of anchors and every choice of tau of the two; `twice`: a point may be both anchors."""
    said = np.exp(rows[:, np.arange(len(labels)), labels])
    pairs = [pair for pair in itertools.product(range(len(labels)), repeat=2) if twice or pair[0] != pair[1]]
    every = [
        -math.log(sum(w * math.prod(s[pair[pick]] for pick in picks) for w, s in zip(weight, said, strict=True)))
        for pair in pairs
        for picks in itertools.product((0, 1), repeat=tau)
    ]
    return math.fsum(every) / len(every)


def test_the_mean_over_draws_is_that_over_every_draw() -> None:
    """Tolerance: four standard errors, and these are those of the means of forty seeds (to 4 / sqrt(2 * 39) = 45 %)."""
    rows, labels = committee(3, 5, 3, seed=4)
    weight = np.asarray([0.5, 0.3, 0.2])
    exact = expected(rows, labels, 4, weight)
    found = joint_log_loss(rows, labels, log_weight=np.log(weight) + 3.0, tau=4, draws=20_000)
    assert found.mean == pytest.approx(exact, abs=4 * found.standard_error)
    # anchors drawn with replacement, and members weighed evenly, are something else
    assert abs(expected(rows, labels, 4, weight, twice=True) - found.mean) > 6 * found.standard_error
    assert abs(expected(rows, labels, 4, [1 / 3] * 3) - found.mean) > 6 * found.standard_error
    means = [joint_log_loss(rows, labels, tau=4, draws=500, seed=seed) for seed in range(40)]
    spread = np.std([one.mean for one in means], ddof=1)
    assert spread == pytest.approx(np.mean([one.standard_error for one in means]), rel=0.45)


def test_anchors_are_different_and_every_pair_comes_as_often() -> None:
    anchors, times = joint._drawn(6, 10, 3, 60_000, 0)
    assert all(len(set(row)) == 3 for row in anchors[:500].tolist())
    triples = anchors @ np.asarray([36, 6, 1])
    _, counts = np.unique(triples, return_counts=True)
    assert len(counts) == 6 * 5 * 4
    assert counts == pytest.approx(np.full(120, 500), abs=5 * math.sqrt(500))
    assert (times.sum(axis=1) == 10).all()
    assert times.var(axis=0) == pytest.approx(np.full(3, 10 * 2 / 9), rel=0.05)


def test_the_same_seed_gives_the_same_draws_whatever_is_held_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, labels = committee(5, 40, 3)
    whole = joint_log_loss(rows, labels, draws=300)
    monkeypatch.setattr(joint, "MOST_AT_ONCE", 37)
    assert joint_log_loss(rows, labels, draws=300) == whole
    assert joint_log_loss(rows, labels, draws=300, seed=1) != whole
    doubled = np.concatenate([rows, rows])
    assert joint_log_loss(doubled, labels, draws=300).mean == pytest.approx(whole.mean, rel=1e-13)


def test_members_without_weight_and_labels_without_a_chance() -> None:
    rows, labels = committee(3, 10, 3)
    sure = np.where(np.arange(3) == labels[:, None], -np.inf, math.log(0.5))  # gives every right label no chance
    whole = np.concatenate([rows, sure[None]])
    weight = [0.0, 0.0, 0.0, -np.inf]
    assert joint_log_loss(whole, labels, log_weight=weight) == joint_log_loss(rows, labels)
    assert joint_log_loss(whole, labels).mean == pytest.approx(joint_log_loss(rows, labels).mean + math.log(4 / 3))
    assert joint_log_loss(sure[None], labels) == joint.JointLoss(math.inf, math.inf)
    assert marginal_log_loss(sure[None], labels) == math.inf
    # an anchor that is in the draw no time says nothing, though its label had no chance
    one = np.log([[[0.5, 0.5], [0.5, 0.5]]])
    one[0, 1] = [-np.inf, 0.0]
    assert joint_log_losses(one, [0, 0], [[0, 1]], [[3, 0]]).tolist() == pytest.approx([3 * math.log(2)])


def test_a_loss_is_found_between_the_sizes_of_a_curve() -> None:
    sizes, values = [1, 2, 8, 32], [2.0, 1.5, 1.6, 1.0]
    for size, value in ((1, 2.0), (2, 1.5), (32, 1.0)):
        assert n_eff_joint(value, sizes, values) == JointMembers(float(size), "no")
    assert n_eff_joint(1.75, sizes, values).value == pytest.approx(math.sqrt(2))
    # 8 members do no worse than 2 of them, so half of the way from 1.5 to 1.0 lies half of the way from ln 8 to ln 32
    assert n_eff_joint(1.25, sizes, values).value == pytest.approx(16.0)
    # straight in the size, or along the rise, would say 20, and 8 * 4 ** (0.35 / 0.6)
    assert n_eff_joint(1.25, sizes, values).value < 17.0
    assert n_eff_joint(2.1, sizes, values) == JointMembers(1.0, "at most")
    assert n_eff_joint(0.99, sizes, values) == JointMembers(32.0, "at least")
    assert n_eff_joint(math.inf, sizes, values).bounded == "at most"
    assert n_eff_joint(1.0, [4, 8], [1.0, 1.0]) == JointMembers(4.0, "no")


def test_more_members_never_count_for_fewer() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.normal(2.0, 0.5, 6)
        found = [n_eff_joint(value, [1, 2, 4, 8, 16, 32], values).value for value in np.linspace(4.0, 0.5, 40).tolist()]
        assert (np.diff(found) >= 0).all()


@pytest.mark.parametrize(
    ("value", "sizes", "values", "words"),
    [
        (1.0, [], [], "two rows"),
        (1.0, [1, 2], [1.0], "two rows"),
        (1.0, [2, 1], [2.0, 1.0], "rise"),
        (1.0, [0, 1], [2.0, 1.0], "at least 1"),
        (1.0, [1, 2], [2.0, math.nan], "finite"),
        (math.nan, [1, 2], [2.0, 1.0], "nan"),
    ],
)
def test_no_curve_is_refused(value: float, sizes: Any, values: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        n_eff_joint(value, sizes, values)


@pytest.mark.parametrize(
    ("rows", "labels", "weight", "words"),
    [
        ([[0.0]], [0], None, "give"),
        ([[[0.0]]], [0], None, "two options"),
        ([[[0.0, -math.inf]]], [0, 1], None, "one for each"),
        ([[[0.0, -math.inf]]], [2], None, "0 to 1"),
        ([[[0.0, -math.inf]]], [0.5], None, "whole numbers"),
        ([[[0.0, 0.0]]], [0], None, "sums to 2"),
        ([[[math.nan, 0.0]]], [0], None, "leave the item"),
        ([[[0.0, -math.inf]]], [0], [0.0, 0.0], "one for each"),
        ([[[0.0, -math.inf]]], [0], [-math.inf], "one for each"),
        ([[[0.0, -math.inf]]], [0], [math.nan], "one for each"),
    ],
)
def test_what_is_no_committee_is_refused(rows: Any, labels: Any, weight: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        joint_log_loss(rows, labels, log_weight=weight, kappa=1)
    with pytest.raises(ValueError, match=words):
        marginal_log_loss(rows, labels, log_weight=weight)


def test_draws_that_cannot_be_are_refused() -> None:
    rows, labels = committee(2, 4, 3)
    with pytest.raises(ValueError, match="4 points and 5 anchors"):
        joint_log_loss(rows, labels, kappa=5)
    for settings in ({"tau": 0}, {"draws": 1}):
        with pytest.raises(ValueError, match="at least"):
            joint_log_loss(rows, labels, **settings)
    for anchors, times in (([[4]], [[1]]), ([[0]], [[-1]]), ([[0.0]], [[1]]), ([[0]], [[1, 2]])):
        with pytest.raises(ValueError, match="give"):
            joint_log_losses(rows, labels, anchors, times)
