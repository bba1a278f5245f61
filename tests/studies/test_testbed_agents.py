"""The testbed's agents, as the study of them makes them: what is published of them holds."""

from __future__ import annotations

import math
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from assent.committees.kernels.logistic import moments
from assent.committees.testbed import ReluNetworks, SyntheticProblem, joint_kl, sweep, twelve
from assent.studies import s40_testbed as study
from assent.studies import testbed_agents as agents
from assent.studies.testbed_measures import problems_of

PROBLEM = SyntheticProblem(input_dim=2, data_ratio=5, temperature=0.1, seed=7)


def test_decays_are_the_published_ones() -> None:
    """`1 / K / n * sqrt(T) * d` and `0.2 (d / n)^0.7`."""
    problem = SyntheticProblem(input_dim=10, data_ratio=4, temperature=0.25, seed=1)
    assert agents.ensemble_decay(problem, 100) == pytest.approx(10 * 0.5 / 100 / 40)
    assert agents.epinet_decay(problem) == pytest.approx(0.2 * 0.25**0.7)


def test_a_batch_holds_every_item_as_often_as_permutations_in_a_row_do() -> None:
    places, shares = agents.batches(np.random.default_rng(0), 2, 5)
    assert places.tolist() == [[0, 1]] * 5
    np.testing.assert_allclose(shares, 0.5, rtol=1e-5)
    places, shares = agents.batches(np.random.default_rng(0), 200, 4)
    assert places.shape == (4, 100)
    assert sorted(places[:2].ravel().tolist()) == list(range(200))
    _, uneven = agents.batches(np.random.default_rng(0), 30, 3)
    np.testing.assert_allclose(uneven.sum(axis=1), 1.0, rtol=1e-5)
    assert set(np.round(100 * uneven).astype(int).ravel()) <= {2, 3, 4}


def test_starts_are_truncated_and_biases_nothing_but_the_first_of_a_fixed_one() -> None:
    plain = agents.drawn_net(jax.random.key(0), (4, 50, 50, 2))
    fixed = agents.drawn_net(jax.random.key(0), (4, 50, 50, 2), first_bias=True)
    assert all(float(jnp.abs(layer["bias"]).max()) == 0.0 for layer in (*plain, *fixed[1:]))
    assert 0.0 < float(jnp.abs(fixed[0]["bias"]).max()) <= 2.0 / math.sqrt(4)
    for layer in plain:
        weight = np.asarray(layer["weight"])
        assert np.abs(weight).max() <= 2.0 / math.sqrt(len(weight))
    middle = np.asarray(plain[1]["weight"])
    assert 50 * middle.var() == pytest.approx(agents.VARIANCE, rel=0.1)


def test_the_variance_of_a_truncated_number_is_the_textbooks() -> None:
    assert pytest.approx(float(scipy.stats.truncnorm(-2, 2).var()), rel=1e-6) == agents.VARIANCE


def test_what_is_fixed_stays_and_what_is_trained_moves() -> None:
    def after(steps: int) -> tuple[agents.Net, agents.Net]:
        places, shares = agents.batches(np.random.default_rng(0), 10, steps)
        x, y = jnp.asarray(PROBLEM.x, jnp.float32), jnp.asarray(PROBLEM.y)
        fit = agents._ensemble_fit(3, True)  # pyright: ignore[reportPrivateUsage]
        return fit(
            jax.random.key(1), x, y, jnp.asarray(places), jnp.asarray(shares), jnp.float32(1e-3), jnp.float32(9.0)
        ).value

    (early, fixed), (late, still) = after(1), after(20)
    for a, b in zip(jax.tree.leaves(fixed), jax.tree.leaves(still), strict=True):
        np.testing.assert_array_equal(a, b)
    assert float(jnp.abs(early[1]["weight"] - late[1]["weight"]).max()) > 1e-3
    assert fixed[0]["weight"].shape == (3, 2, 50)
    assert float(jnp.abs(fixed[0]["weight"][0] - fixed[0]["weight"][1]).max()) > 0.1


def test_an_index_of_zeros_leaves_the_network_alone_and_only_it_is_moved_by_the_base() -> None:
    base = agents.drawn_net(jax.random.key(0), (2, 50, 50, 2))
    small = agents.drawn_net(jax.random.key(1), (8 + 2 + 50, 15, 15, 16))
    x = jnp.asarray(PROBLEM.x, jnp.float32)
    indexed = agents._indexed  # pyright: ignore[reportPrivateUsage]
    added = jnp.ones((8, len(x), 2))
    nothing = indexed({"base": base, "small": small}, x, jnp.zeros(8), added)
    np.testing.assert_allclose(nothing, agents.through(base, x), rtol=1e-5, atol=1e-6)
    some = indexed({"base": base, "small": small}, x, jnp.ones(8), added)
    assert float(jnp.abs(some - nothing).max()) > 1.0


SLOW = [pytest.param(name, marks=pytest.mark.slow) for name in ("ensemble+", "epinet")]


@pytest.mark.parametrize("name", ["mlp", *SLOW, "last-layer"])
def test_agents_say_log_probabilities_and_nothing_infinite(name: str) -> None:
    short = {
        "mlp": lambda: agents.ensemble(PROBLEM, members=1, steps=5),
        "ensemble+": lambda: agents.ensemble(PROBLEM, members=3, fixed=True, steps=5),
        "epinet": lambda: agents.epinet(PROBLEM, steps=5, samples=7),
        "last-layer": lambda: agents.last_layer(PROBLEM, heads=6),
    }
    fitted = short[name]()
    said = fitted.log_probs(np.random.default_rng(0).normal(size=(11, 2)))
    assert said.shape == (fitted.members, 11, 2)
    assert np.isfinite(said).all()
    np.testing.assert_allclose(np.exp(said).sum(axis=2), 1.0, rtol=1e-9)
    assert fitted.cpu_s >= 0.0


def test_random_features_have_the_variance_of_the_generators_logits() -> None:
    """Mean square of the logits' difference at one point: 4,000 networks of the generator against the kernel of 80 others. Both have
    standard errors below 6 %; the variance of one logit, half of that, is the wrong variant."""
    x = np.asarray([[0.7, -1.1]])
    rng = np.random.default_rng(0)
    logits = ReluNetworks.draw(rng, 4_000, (2, 50, 50, 2)).logits(x)
    exact = float(np.mean((logits[..., 1] - logits[..., 0]) ** 2))
    phi = agents.random_features(ReluNetworks.draw(rng, 80, (2, 50, 50, 2)), x)
    found = 2.0 * agents.VARIANCE / phi.shape[1] * float(np.sum(phi**2))
    assert found == pytest.approx(exact, rel=0.25)
    assert abs(found / 2.0 / exact - 1.0) > 0.25


@pytest.mark.slow
def test_heads_are_nearer_to_the_truth_than_who_learned_nothing_and_the_posterior_is_nearer_still() -> None:
    """Over the six problems of the twelve with at most 20 items. In expectation nobody goes below the generator's own posterior."""
    found: dict[str, list[float]] = {"nothing": [], "heads": [], "posterior": []}
    for problem in [one for one in twelve() if one.num_train <= 20]:
        predicts = {
            "nothing": lambda x, problem=problem: problem.prior_log_probs(x, num=100),
            "heads": agents.last_layer(problem, heads=500).log_probs,
            "posterior": agents.generator(problem, drawn=4_000, members=200).log_probs,
        }
        for name, predict in predicts.items():
            found[name].append(joint_kl(predict, problem, num_test_seeds=200).mean)
        found.setdefault("moments", []).append(
            joint_kl(
                agents.last_layer(problem, heads=500, standing=moments).log_probs, problem, num_test_seeds=200
            ).mean
        )
    means = {name: float(np.mean(values)) for name, values in found.items()}
    assert 0.0 < means["posterior"] < 1.05 * means["heads"] < means["nothing"]
    assert means["posterior"] < 1.05 * means["moments"] < 1.05 * means["heads"]


def test_more_than_two_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="3 classes"):
        agents.last_layer(replace(PROBLEM, num_classes=3))


def test_every_seed_has_problems_of_its_own() -> None:
    cell = study.Fit("twelve", 10, 100, 0.1, study.MINE)
    assert problems_of(cell, 0) == [one for one in twelve() if (one.input_dim, one.data_ratio) == (10, 100)]
    of_seeds = [[one.seed for one in problems_of(cell, seed)] for seed in range(3)]
    assert len({one for seeds in of_seeds for one in seeds}) == 6
    cell = study.Fit("sweep", 10, 100, 0.01, study.MINE)
    chosen = [problems_of(cell, seed) for seed in range(7)]
    assert all(len(one) == 1 for one in chosen)
    assert len({one[0].seed for one in chosen}) == 7
    assert chosen[3][0] in sweep()


def test_the_grid_is_what_the_claim_says() -> None:
    twelve_settings = {(cell.input_dim, cell.data_ratio) for cell in study.GRID if cell.problems == "twelve"}
    settings = {(cell.input_dim, cell.data_ratio, cell.temperature) for cell in study.GRID if cell.problems == "sweep"}
    assert len(twelve_settings) == 6
    assert len(settings) == 24
    assert all(dim * ratio <= 1_000 for dim, ratio, _ in settings)
    for problems in ("twelve", "sweep"):
        of = {agent: sum(c.problems == problems and c.agent == agent for c in study.GRID) for agent in agents.AGENTS}
        assert of[study.MINE] == of[study.PEER] == of[study.MOMENTS] == of["mlp"] == of["epinet"]
