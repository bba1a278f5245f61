"""Heads over shared features are draws from Bayesian linear regression, and one datum more is all of them fitted again."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees.forms import form
from assent.committees.forms.features import Features, HeadPrior, _noise, feature_members
from assent.committees.forms.form import Unlearnable
from assent.committees.kernels.features import FeatureMap
from assent.committees.kernels.posterior import drawn_noise
from assent.committees.models import Model, mlp
from tests.committees.small_nets import MLP, WORDS, items, labels, root

MAPS: tuple[FeatureMap, ...] = ("last", "sketch")
TINY = mlp((2,), (3,), 2)


def members(
    kind: FeatureMap, number: int = 5, *, data: int = 10, model: Model = MLP, scale: float | None = None, **prior: Any
) -> Features:
    chosen = HeadPrior(kind, 12, **prior)
    return feature_members(
        model,
        root(model),
        items(model, data),
        labels(model, data),
        prior=chosen,
        key=WORDS,
        numbers=np.arange(number),
        scale=scale,
    )


def rows_of(found: Features, x: NDArray[Any]) -> NDArray[np.float64]:
    """Features of each logit, `[B, C, C D]` for `last` (a head for each logit), `[B, C, D]` for a sketch."""
    phi = found._features(jnp.asarray(x))  # pyright: ignore[reportPrivateUsage]
    if found.prior.features == "sketch":
        return phi
    eye = np.eye(found.num_classes)
    return np.einsum("bd,ce->bcde", phi[:, 0], eye).reshape(len(x), found.num_classes, -1)


def closed_form(found: Features, x: NDArray[Any], y: NDArray[Any], new: NDArray[Any]) -> tuple[Any, Any]:
    """Mean and covariance of the logits at `new`, flat, by the kernel: Rasmussen and Williams (2006), equations 2.25 and 2.26."""
    seen, at = (rows_of(found, part).reshape(len(part) * found.num_classes, -1) for part in (x, new))
    inner = found.scale * seen @ seen.T + found.prior.noise * np.eye(len(seen))
    wanted = (np.eye(found.num_classes)[y] - 1.0 / found.num_classes).ravel()
    across = found.scale * at @ seen.T
    return across @ np.linalg.solve(inner, wanted), found.scale * at @ at.T - across @ np.linalg.solve(inner, across.T)


@pytest.mark.parametrize("kind", MAPS)
def test_members_spread_by_0_are_the_mean_of_the_dual_formula(kind: FeatureMap) -> None:
    """The wrong variant takes targets that are not less their mean."""
    with jax.enable_x64(True):
        found, new = members(kind, 1, spread=0.0), items(MLP, 4, seed=3)
        x, y = items(MLP, 10), labels(MLP, 10)
        mean, _ = closed_form(found, x, y, new)
        np.testing.assert_allclose(found.logits(new)[0].ravel(), mean, rtol=0, atol=1e-9)
        seen = rows_of(found, x).reshape(40, -1)
        across = found.scale * rows_of(found, new).reshape(16, -1) @ seen.T
        wrong = across @ np.linalg.solve(found.scale * seen @ seen.T + 0.01 * np.eye(40), np.eye(4)[y].ravel())
        assert np.abs(wrong - mean).max() > 0.01


@pytest.mark.parametrize("kind", MAPS)
def test_samples_have_the_closed_forms_mean_and_covariance(kind: FeatureMap, monkeypatch: pytest.MonkeyPatch) -> None:
    """20,000 draws: four standard errors of a variance are 4 %. The wrong variant draws no noise."""
    new = items(TINY, 3, seed=3)
    settings: dict[str, Any] = {"data": 15, "model": TINY, "spread": 1.0, "noise": 0.5}
    for number, silent in ((20_000, False), (5_000, True)):
        if silent:
            monkeypatch.setattr("assent.committees.forms.features._noise", lambda *given: 0.0 * _noise(*given))
        found = members(kind, number, **settings)
        mean, covariance = closed_form(found, items(TINY, 15), labels(TINY, 15), new)
        logits = found.logits(new).reshape(number, -1)
        apart = np.abs(np.cov(logits.T) - covariance).max() / np.abs(covariance).max()
        assert apart > 0.1 if silent else apart < 0.04
        assert silent or np.abs(logits.mean(axis=0) - mean).max() < 0.04 * np.sqrt(np.abs(covariance).max())


@pytest.mark.parametrize("kind", MAPS)
def test_thirty_data_one_by_one_are_all_of_them_fitted_again(kind: FeatureMap) -> None:
    """1e-8 in double precision. The wrong variant learned all but one."""
    with jax.enable_x64(True):
        first, more = items(MLP, 4), items(MLP, 30, seed=2).astype(np.float32)
        y, others = labels(MLP, 4), labels(MLP, 30, seed=2)
        found = before = members(kind, data=4)
        for x, label in zip(more, others, strict=True):
            before, found = found, found.observed(x, int(label))
        whole = feature_members(
            MLP,
            found.root,
            np.concatenate([first, more]),
            np.concatenate([y, others]),
            prior=found.prior,
            key=WORDS,
            numbers=found.numbers,
            scale=found.scale,
        )
        assert found.num_data == whole.num_data == 34
        new = items(MLP, 4, seed=3)
        np.testing.assert_allclose(found.logits(new), whole.logits(new), rtol=0, atol=1e-8)
        np.testing.assert_allclose(
            found.covariance, whole.covariance, rtol=0, atol=1e-8 * np.abs(whole.covariance).max()
        )
        np.testing.assert_allclose(found.mean, whole.mean, rtol=0, atol=1e-8)
        np.testing.assert_allclose(found.spread_to(0.0).logits(new)[0], whole.spread_to(0.0).logits(new)[0], atol=1e-8)
        assert np.abs(before.logits(new) - whole.logits(new)).max() > 1e-4


@pytest.mark.parametrize("kind", MAPS)
def test_the_covariance_stays_one_after_five_hundred_data(kind: FeatureMap) -> None:
    found = members(kind, 3, data=4)
    rng = np.random.default_rng(0)
    for x in rng.normal(size=(250, 3)).astype(np.float32):
        found = found.observed(x, int(rng.integers(4))).observed(x, int(rng.integers(4)))
    assert np.array_equal(found.covariance, found.covariance.T)
    assert np.linalg.eigvalsh(found.covariance).min() > 0
    assert np.isfinite(found.heads).all()


@pytest.mark.parametrize("kind", MAPS)
def test_spreading_choosing_and_writing_change_nothing_else(kind: FeatureMap) -> None:
    found, x, new = members(kind), items(MLP, 3, seed=3), items(MLP, 1, seed=4)[0]
    mean = found.spread_to(0.0).logits(x)
    apart = found.logits(x) - mean
    # double precision throughout, of logits of size 1
    np.testing.assert_allclose(found.spread_to(0.6).logits(x) - mean, 2.0 * apart, atol=1e-10)
    one, other = found.spread_to(0.6).observed(new, 1), found.observed(new, 1).spread_to(0.6)
    np.testing.assert_allclose(one.logits(x), other.logits(x), atol=1e-10)
    one, other = found.subset([4, 0]).observed(new, 1), found.observed(new, 1).subset([4, 0])
    np.testing.assert_allclose(one.logits(x), other.logits(x), atol=1e-10)
    again = Features.restored(json.loads(json.dumps(found.settings())), found.arrays())
    np.testing.assert_array_equal(again.logits(x), found.logits(x))
    np.testing.assert_array_equal(again.observed(new, 1).logits(x), found.observed(new, 1).logits(x))
    with pytest.raises(ValueError, match="nothing left to spread"):
        found.spread_to(0.0).spread_to(0.5)


def test_more_members_than_memory_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    found, x = members("last"), items(MLP, 7, seed=3)
    whole = found.logits(x)
    monkeypatch.setattr(form, "HELD", 100)
    np.testing.assert_allclose(found.logits(x), whole, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("kind", MAPS)
def test_more_data_than_memory_are_fitted_in_chunks(kind: FeatureMap, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 10 items no more than 4 fit, whose layers and features are counted by hand, and members are the same."""
    whole, shown, before = members(kind), list[int](), Features._features  # pyright: ignore[reportPrivateUsage]

    def counting(found: Features, x: jax.Array) -> Any:
        shown.append(len(x))
        return before(found, x)

    monkeypatch.setattr(Features, "_features", counting)
    monkeypatch.setattr(form, "HELD", 4 * (5 + (5 if kind == "last" else 2 * 12 * 4)))
    found = members(kind)
    assert shown == [4, 4, 2]
    # single precision, other batches; the covariance is one over a noise of 0.01
    x = items(MLP, 7, seed=3)
    np.testing.assert_allclose(found.mean, whole.mean, rtol=0, atol=1e-4 * np.abs(whole.mean).max())
    np.testing.assert_allclose(found.logits(x), whole.logits(x), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("kind", MAPS)
def test_what_is_no_datum_is_refused_and_changes_nothing(kind: FeatureMap) -> None:
    found, at = members(kind), items(MLP, 3, seed=3)
    before = found.logits(at)
    for x, y in (([np.nan] * 3, 0), ([0.0] * 2, 0), ([0.0] * 3, 4), ([0.0] * 3, -1)):
        with pytest.raises(ValueError, match="give one of the shape"):
            found.observed(np.asarray(x), y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        great = np.full(3, 3e38, dtype=np.float32)
        loud = replace(found, root=jax.tree.map(lambda leaf: 10 * leaf, found.root))
        assert not np.isfinite(loud.logits(great[None])).all()
        with pytest.raises(Unlearnable, match="too great"):
            loud.observed(great, 0)
    for x, y in (
        (np.zeros((0, 3)), np.zeros(0, int)),
        (np.zeros((2, 3)), np.asarray([0, 4])),
        (np.full((2, 3), np.inf), np.zeros(2, int)),
    ):
        with pytest.raises(ValueError, match="give"):
            feature_members(MLP, root(MLP), x, y, prior=HeadPrior(kind, 3), key=WORDS, numbers=np.arange(2))
    bad = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), root(MLP))
    with pytest.raises(ValueError, match="nan on average"):
        feature_members(
            MLP, bad, items(MLP, 4), labels(MLP, 4), prior=HeadPrior(kind, 3), key=WORDS, numbers=np.arange(2)
        )
    np.testing.assert_array_equal(found.logits(at), before)


def test_noise_shares_no_number_with_a_sketchs_directions() -> None:
    """Members' numbers and directions' numbers share a key; what is drawn of them must not coincide."""
    from tests.committees.small_nets import direction_of, flat

    key = jax.random.wrap_key_data(jnp.asarray(WORDS))
    noise = np.asarray(drawn_noise(key, jnp.arange(5), jnp.arange(20), MLP.num_classes))
    drawn = [flat(MLP, direction_of(MLP, root(MLP), key, number)) for number in range(5)]
    assert len(np.intersect1d(np.concatenate(drawn).astype(np.float32), noise)) == 0


@pytest.mark.parametrize("wrong", [{"variance": 0.0}, {"noise": -1.0}, {"spread": float("nan")}, {"number": 0}])
def test_a_prior_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="variances are above 0"):
        replace(HeadPrior(), **wrong)
