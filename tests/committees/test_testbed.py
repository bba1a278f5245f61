"""Problems are drawn as the testbed says, and the estimate is the divergence that enumeration of all labels gives."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees import testbed
from assent.committees.testbed import ReluNetworks, SyntheticProblem, joint_kl, sweep, sweep_2d, twelve

Floats = NDArray[np.float64]

PROBLEM = SyntheticProblem(input_dim=2, data_ratio=10, temperature=0.1, seed=3)
TRUNCATED_VARIANCE = 1 - 4 * NormalDist().pdf(2) / (
    2 * NormalDist().cdf(2) - 1
)  # of a normal number within two standard deviations


def committee(members: int, seed: int = 0) -> Callable[[Floats], Floats]:
    """Members who know the generator and have learned nothing."""
    return lambda x: PROBLEM.prior_log_probs(x, num=members, seed=seed)


def enumerated(
    predict: Callable[[Floats], Floats], problem: SyntheticProblem, tau: int, num: int, joint: bool = True
) -> Floats:
    """[num]: the divergence of each draw's anchors, over all C^tau labellings; the product of marginals instead where not joint."""
    draws = problem.draws(num, tau=tau)
    found = np.zeros(num)
    for s in range(num):
        said = predict(draws.x[s])[:, draws.place[s]]  # [N, tau, C]
        true = draws.log_probs[s, draws.place[s]]  # [tau, C]
        for labels in itertools.product(range(problem.num_classes), repeat=tau):
            log_true = true[range(tau), labels].sum()
            each = np.exp(said[:, range(tau), labels])  # [N, tau]
            mixed = each.prod(axis=1).mean() if joint else each.mean(axis=0).prod()
            found[s] += math.exp(log_true) * (log_true - math.log(mixed))
    return found


# --- the generator --------------------------------------------------------------------------------------------------------------------


def distance(values: Floats, cdf: Callable[[float], float]) -> float:
    """Kolmogorov's: the greatest gap between the values' distribution and `cdf`."""
    ordered = np.sort(values.ravel())
    steps = np.arange(len(ordered) + 1) / len(ordered)
    there = np.asarray([cdf(float(value)) for value in ordered])
    return float(max(np.max(steps[1:] - there), np.max(there - steps[:-1])))


def truncated(value: float, bound: float = 2.0) -> float:
    normal = NormalDist()
    return (normal.cdf(value) - normal.cdf(-bound)) / (1 - 2 * normal.cdf(-bound))


def test_weights_and_biases_are_drawn_as_the_testbed_says() -> None:
    networks = ReluNetworks.draw(np.random.default_rng(0), 12, (10, 50, 50, 2))
    critical = 1.95  # of sqrt(n) times the distance, exceeded once in a thousand (Kolmogorov's distribution)
    for layer, fan_in in zip(networks.weights, (10, 50, 50), strict=True):
        scaled = layer * math.sqrt(fan_in)
        limit = critical / math.sqrt(scaled.size)
        assert np.abs(scaled).max() <= 2.0
        assert distance(scaled, truncated) < limit
    middle = networks.weights[1] * math.sqrt(50)
    limit = critical / math.sqrt(middle.size)
    assert (
        distance(middle / math.sqrt(TRUNCATED_VARIANCE), truncated) > limit
    )  # a wrong variant: rescaled to variance 1
    assert (
        distance(np.random.default_rng(1).standard_normal(middle.size), truncated) > limit
    )  # and one that is not truncated
    first = networks.biases[0] * math.sqrt(10)
    assert distance(first, NormalDist().cdf) < critical / math.sqrt(first.size)
    assert not networks.biases[1].any()
    assert not networks.biases[2].any()


def test_logits_have_the_second_moment_that_the_prior_gives() -> None:
    """Every layer is symmetric about 0, so a rectifier halves the second moment: `(v / 2)^2 (v |x|^2 + 1) / d` at the output."""
    x = np.asarray([[0.0, 0.0, 0.0], [1.0, -2.0, 0.5], [3.0, 3.0, 3.0]])
    logits = ReluNetworks.draw(np.random.default_rng(4), 4_000, (3, 50, 50, 2)).logits(x)
    v = TRUNCATED_VARIANCE
    expected = (v / 2) ** 2 * (v * (x**2).sum(axis=1) + 1) / 3
    assert np.mean(logits**2, axis=(0, 2)) == pytest.approx(
        expected, rel=0.06
    )  # the mean of 8,000 squares errs by about 0.02


def test_one_network_is_its_layers_written_out() -> None:
    networks = ReluNetworks.draw(np.random.default_rng(2), 4, (3, 5, 6, 2))
    x = np.random.default_rng(3).standard_normal(3)
    for n in range(4):
        (a, b, c), (p, q, r) = ([layer[n] for layer in layers] for layers in (networks.weights, networks.biases))
        by_hand = np.maximum(np.maximum(x @ a + p, 0) @ b + q, 0) @ c + r
        assert networks.logits(x[None])[n, 0] == pytest.approx(by_hand, rel=1e-12)


def test_the_temperature_divides_the_logits() -> None:
    x = np.random.default_rng(0).standard_normal((50, 2))
    cold, warm = (replace(PROBLEM, temperature=t).true_log_probs(x) for t in (0.1, 0.5))
    odds = (cold[:, 1] - cold[:, 0]) / (warm[:, 1] - warm[:, 0])
    assert odds == pytest.approx(
        np.full(50, 0.5 / 0.1), rel=1e-9
    )  # multiplied instead of divided it would be 0.1 / 0.5
    assert np.exp(cold).sum(axis=1) == pytest.approx(np.ones(50), rel=1e-12)


def test_labels_are_drawn_from_the_truth() -> None:
    problem = SyntheticProblem(2, 50_000, 0.5, seed=5, num_classes=3)
    probs = np.exp(problem.true_log_probs(problem.x))
    for option in range(3):
        excess = np.mean((problem.y == option) - probs[:, option])
        assert abs(excess) < 4 * math.sqrt(np.mean(probs[:, option] * (1 - probs[:, option])) / problem.num_train)
    assert problem.x.mean(axis=0) == pytest.approx(np.zeros(2), abs=4 / math.sqrt(100_000))
    assert np.cov(problem.x.T) == pytest.approx(np.eye(2), abs=0.02)


def test_test_items_lie_on_their_anchors() -> None:
    draws = PROBLEM.draws(4_000, tau=6)
    assert draws.x.shape == (4_000, 2, 2)
    assert draws.counts.sum(axis=(1, 2)).tolist() == [6] * 4_000
    split = Counter(draws.place.sum(axis=1).tolist())
    for ones in range(7):
        assert split[ones] / 4_000 == pytest.approx(math.comb(6, ones) / 64, abs=0.03)
    probs = np.exp(draws.log_probs)
    assert np.mean(draws.counts[..., 1] - draws.counts.sum(axis=2) * probs[..., 1]) == pytest.approx(0.0, abs=0.03)
    apart = PROBLEM.draws(7, tau=5, kappa=0)
    assert apart.x.shape == (7, 5, 2)
    assert apart.place.tolist() == [[0, 1, 2, 3, 4]] * 7


def test_a_seed_is_a_problem() -> None:
    again = replace(PROBLEM)
    assert np.array_equal(PROBLEM.x, again.x)
    assert np.array_equal(PROBLEM.y, again.y)
    assert np.array_equal(replace(PROBLEM, tau=1, kappa=3).x, PROBLEM.x)  # tau and kappa concern the test items alone
    assert not np.array_equal(replace(PROBLEM, seed=4).x, PROBLEM.x)
    x = np.ones((1, 2))
    assert np.array_equal(PROBLEM.true_log_probs(x), again.true_log_probs(x))
    assert not np.array_equal(PROBLEM.true_log_probs(x), replace(PROBLEM, seed=4).true_log_probs(x))
    assert not np.array_equal(PROBLEM.prior_log_probs(x, num=1)[0], PROBLEM.true_log_probs(x))
    assert not np.array_equal(PROBLEM.draws(3).x, PROBLEM.draws(3, seed=1).x)
    with pytest.raises(ValueError, match="read-only"):
        PROBLEM.x[0] = 0


# --- the estimate ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tau", [1, 10])
@pytest.mark.parametrize("kappa", [0, 1, 2])
def test_the_truth_is_at_distance_0(tau: int, kappa: int) -> None:
    found = joint_kl(lambda x: np.repeat(PROBLEM.true_log_probs(x)[None], 3, axis=0), PROBLEM, tau=tau, kappa=kappa)
    assert found.mean == pytest.approx(0.0, abs=1e-12)
    assert found.infinite == 0


@pytest.mark.parametrize("tau", [1, 4])
def test_the_estimate_is_the_divergence_by_enumeration(tau: int) -> None:
    predict = committee(20)
    exact = enumerated(predict, PROBLEM, tau, 600)
    assert (exact > 0).all()  # Gibbs, at any anchors and for any predictor
    found = joint_kl(predict, PROBLEM, tau=tau, num_test_seeds=600)
    far = 4 * found.standard_error  # the same anchors, so that labels alone are left to chance
    assert found.mean == pytest.approx(exact.mean(), abs=far)
    if (
        tau > 1
    ):  # a wrong variant: members averaged at each item and multiplied over items, which forgets that they are one world
        assert enumerated(predict, PROBLEM, tau, 600, joint=False).mean() > exact.mean() + far


def test_two_opposite_members_by_hand() -> None:
    """A truth that is sure, and members of which one is sure of it and one of the contrary: `log 2` jointly, and not `tau log 2`."""
    sure = SyntheticProblem(1, 1, 1e-9, seed=0)

    def opposite(x: Floats) -> Floats:
        with np.errstate(over="ignore", under="ignore"):
            right = sure.true_log_probs(x)
        return np.stack([right, right[:, ::-1]])

    for tau in (1, 10):
        assert joint_kl(opposite, sure, tau=tau, num_test_seeds=200).mean == pytest.approx(math.log(2), rel=1e-6)


@pytest.mark.parametrize("classes", [2, 3])
def test_who_says_nothing_is_far_by_what_quadrature_gives(classes: int) -> None:
    """Uniform predictions: `tau (log C - E H)`, with the entropy H of the truth integrated over one normal input."""
    problem = SyntheticProblem(1, 1, 0.1, seed=2, num_classes=classes)

    def entropy(multiplied: bool = False) -> float:
        grid = np.linspace(-9, 9, 20_001)[:, None]
        log_probs = (replace(problem, temperature=1 / 0.1) if multiplied else problem).true_log_probs(grid)
        density = np.exp(-(grid[:, 0] ** 2) / 2) / math.sqrt(2 * math.pi)
        return float(np.sum(density * -(np.exp(log_probs) * log_probs).sum(axis=1)) * (grid[1, 0] - grid[0, 0]))

    def uniform(x: Floats) -> Floats:
        return np.full((1, len(x), classes), -math.log(classes))

    for tau, kappa in ((1, 2), (10, 2), (10, 0)):
        found = joint_kl(uniform, problem, tau=tau, kappa=kappa, num_test_seeds=20_000)
        assert found.mean == pytest.approx(tau * (math.log(classes) - entropy()), abs=4 * found.standard_error)
        wrong = tau * (math.log(classes) - entropy(multiplied=True))  # logits multiplied by the temperature
        assert abs(found.mean - wrong) > 8 * found.standard_error


def test_no_predictor_goes_below_the_posterior_in_expectation() -> None:
    """Prior networks drawn by what they give to the training labels are the posterior predictive; those drawn at random, the prior's."""
    rng, problems, networks = np.random.default_rng(0), 40, 300
    gains, distances = [], []
    for seed in range(problems):
        problem = SyntheticProblem(2, 5, 0.2, seed=seed)
        given = problem.prior_log_probs(problem.x, num=networks)[:, range(problem.num_train), problem.y].sum(axis=1)
        weights = np.exp(given - given.max())
        chosen = rng.choice(networks, networks, p=weights / weights.sum())

        def unlearned(x: Floats, problem: SyntheticProblem = problem) -> Floats:
            return problem.prior_log_probs(x, num=networks)

        def learned(x: Floats, problem: SyntheticProblem = problem, chosen: Any = chosen) -> Floats:
            return problem.prior_log_probs(x, num=networks)[chosen]

        after, before = (joint_kl(predict, problem, num_test_seeds=40).mean for predict in (learned, unlearned))
        distances.append(after)
        gains.append(before - after)
    error = float(np.std(distances, ddof=1)) / math.sqrt(problems)
    assert np.mean(distances) > 3 * error > 0
    assert np.mean(gains) > 3 * float(np.std(gains, ddof=1)) / math.sqrt(problems)


def test_members_drawn_as_the_testbed_does_agree_with_all_of_them() -> None:
    predict = committee(50)
    everyone = joint_kl(predict, PROBLEM, num_test_seeds=200)
    drawn = joint_kl(predict, PROBLEM, num_test_seeds=200, num_index_samples=5_000)
    assert drawn.mean == pytest.approx(everyone.mean, rel=0.1)
    assert drawn != everyone
    assert drawn == joint_kl(predict, PROBLEM, num_test_seeds=200, num_index_samples=5_000)
    assert everyone != joint_kl(predict, PROBLEM, num_test_seeds=200, seed=1)


def test_test_items_in_parts_are_test_items_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    predict = committee(5)
    at_once = joint_kl(predict, PROBLEM, num_test_seeds=101, num_index_samples=7)
    monkeypatch.setattr("assent.committees.testbed.POINTS_AT_ONCE", 8)
    in_parts = joint_kl(predict, PROBLEM, num_test_seeds=101, num_index_samples=7)
    assert in_parts.mean == pytest.approx(at_once.mean, rel=1e-12)


def test_what_nobody_thought_possible_is_infinitely_far() -> None:
    def certain(x: Floats) -> Floats:
        with np.errstate(divide="ignore"):
            return np.log(np.tile([1.0, 0.0], (2, len(x), 1)))

    found = joint_kl(certain, PROBLEM, num_test_seeds=100)
    assert found.mean == math.inf
    assert 0 < found.infinite < 100
    # as the testbed has it, the largest finite estimate is in their place: what was certain and right is nearest to 0 or below it
    assert math.isfinite(found.clamped)


def test_the_largest_finite_estimate_takes_the_place_of_infinite_ones() -> None:
    found = testbed._estimate(np.asarray([1.0, 3.0, np.inf, 0.0]))  # pyright: ignore[reportPrivateUsage]
    assert (found.mean, found.infinite, found.clamped) == (math.inf, 1, 1.75)
    nothing = testbed._estimate(np.asarray([np.inf, np.inf]))  # pyright: ignore[reportPrivateUsage]
    assert (nothing.infinite, nothing.clamped) == (2, math.inf)
    assert testbed._estimate(np.asarray([1.0, 2.0])).clamped == 1.5  # pyright: ignore[reportPrivateUsage]


# --- the lists, and what is refused ---------------------------------------------------------------------------------------------------


def test_the_lists_are_those_of_the_testbed() -> None:
    full, flat = sweep(), sweep_2d()
    assert len(full) == 2 * 3 * 4 * 3 * 5
    assert len(flat) == 2 * 7 * 3 * 10
    for problems, size in ((full, 180), (flat, 210)):
        marginal, joint = problems[:size], problems[size:]
        assert {(p.tau, q.tau) for p, q in zip(marginal, joint, strict=True)} == {(1, 10)}
        assert [replace(p, tau=10) for p in marginal] == list(
            joint
        )  # the same truths, asked about one by one and ten at a time
        assert [p.seed for p in joint] == list(range(1, size + 1))
    assert {p.num_train for p in flat} == {1, 3, 10, 30, 100, 300, 1_000}
    assert {p.num_train // p.input_dim for p in full} == {1, 10, 100, 1_000}
    assert ({p.kappa for p in full}, {p.kappa for p in flat}) == ({2}, {0})
    assert Counter((p.input_dim, p.data_ratio) for p in twelve()) == {(d, r): 2 for d in (2, 10) for r in (1, 10, 100)}
    assert {(p.temperature, p.tau, p.kappa, p.hidden) for p in twelve()} == {(0.1, 10, 2, (50, 50))}
    assert [p.seed for p in twelve()] == list(range(1, 13))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"input_dim": 0}, "input_dim is 0"),
        ({"seed": -1}, "seed is -1"),
        ({"num_classes": 1}, "num_classes is 1"),
        ({"tau": 0}, "tau is 0"),
        ({"kappa": -1}, "kappa is -1"),
        ({"temperature": 0.0}, "above 0"),
        ({"temperature": math.nan}, "above 0"),
        ({"data_ratio": 0.1}, "at least 0.5"),
        ({"data_ratio": math.inf}, "no training item"),
        ({"hidden": (50, 0)}, "at least 1"),
    ],
)
def test_problems_that_are_none_are_refused(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        replace(PROBLEM, **change)


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (np.zeros((3, 2)), r"give \[N, T, C\]"),
        (np.zeros((1, 20, 3)), "all members"),
        (np.zeros((0, 20, 2)), r"give \[N, T, C\]"),
        (np.full((1, 20, 2), 0.5), "and not logits"),
        (np.full((1, 20, 2), math.nan), "Member 0 says nothing"),
    ],
)
def test_predictions_that_are_none_are_refused(said: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        joint_kl(lambda _: said, PROBLEM, num_test_seeds=10)


def test_draws_that_are_none_and_inputs_of_another_shape_are_refused() -> None:
    for num, tau, kappa in ((0, 1, 1), (1, 0, 1), (1, 1, -1)):
        with pytest.raises(ValueError, match="points of their own"):
            PROBLEM.draws(num, tau=tau, kappa=kappa)
    with pytest.raises(ValueError, match=r"give \[B, 2\]"):
        PROBLEM.true_log_probs([[1.0, 2.0, 3.0]])
