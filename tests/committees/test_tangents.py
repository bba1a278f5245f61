"""Kernels layer by layer are the Jacobian's, and directions are drawn apart from each other and from the noise."""

from __future__ import annotations

from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees.forms.tangent import _flat  # pyright: ignore[reportPrivateUsage]
from assent.committees.kernels import tangents
from assent.committees.kernels.features import features, head_of
from assent.committees.kernels.posterior import drawn_noise
from assent.committees.kernels.tangents import Kernel, along, along_all, diagonal, gram, taps
from assent.committees.layers import Dense, Relu
from assent.committees.models import Model
from tests.committees.small_nets import CONV, MLP, NETS, NORMED, direction_of, flat, items, jacobian, root

KERNELS: tuple[Kernel, ...] = get_args(Kernel)


def kernel_of(model: Model, params: Any, x: Any, other: Any, kernel: Kernel) -> NDArray[np.float64]:
    left, right = (taps(model, params, jnp.asarray(part), kernel=kernel) for part in (x, other))
    return np.asarray(gram(left, right, kernel=kernel), dtype=np.float64)


def by_definition(left: NDArray[Any], right: NDArray[Any], kernel: Kernel) -> NDArray[Any]:
    whole = np.einsum("ncp,mdp->nmcd", left, right)
    classes = left.shape[1]
    return {
        "entk": whole,
        "averaged": np.einsum("nmcc->nm", whole) / classes,
        "pntk": whole.sum(axis=(2, 3)) / classes,
    }[kernel]


def error(found: NDArray[Any], exact: NDArray[Any]) -> float:
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def agree(model: Model, tolerance: float, kernels: tuple[Kernel, ...]) -> None:
    params, x, other = root(model), items(model, 3), items(model, 3, seed=1)
    left, right = jacobian(model, params, x), jacobian(model, params, other)
    for kernel in kernels:
        exact = by_definition(left, right, kernel)
        assert error(kernel_of(model, params, x, other, kernel), exact) < tolerance
    # the wrong variant: the two reduced kernels taken for each other
    assert error(by_definition(left, right, "pntk"), by_definition(left, right, "averaged")) > 0.01


@pytest.mark.parametrize("name", NETS)
def test_kernels_by_layers_are_the_jacobians_products(name: str) -> None:
    """In double precision sums of a few hundred products of relative rounding 1e-16: 1e-12 of the greatest entry."""
    with jax.enable_x64(True):
        agree(NETS[name], 1e-12, KERNELS if name in ("mlp", "conv") else ("entk",))


def test_kernels_by_layers_are_the_jacobians_products_in_single_precision() -> None:
    """Products round to 6e-8: 1e-5 of the greatest entry."""
    agree(CONV, 1e-5, ("entk",))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", ["mlp", "conv", "residual"])
def test_the_diagonal_is_the_kernels(name: str, kernel: Kernel) -> None:
    with jax.enable_x64(True):
        model, x = NETS[name], items(NETS[name], 4)
        whole = kernel_of(model, root(model), x, x, kernel)
        own = np.einsum("nncc->nc", whole).max(axis=1) if kernel == "entk" else np.diag(whole)
        found = diagonal(taps(model, root(model), jnp.asarray(x), kernel=kernel), kernel=kernel)
        np.testing.assert_allclose(found, own, rtol=1e-12)


def test_only_parameters_of_linear_layers_count() -> None:
    """The wrong variant counts the scale and shift of a normalisation too."""
    with jax.enable_x64(True):
        params, x = root(NORMED), items(NORMED, 3)
        found = kernel_of(NORMED, params, x, x, "entk")
        linear, every = jacobian(NORMED, params, x), jacobian(NORMED, params, x, every=True)
        assert error(found, by_definition(linear, linear, "entk")) < 1e-12
        assert error(found, by_definition(every, every, "entk")) > 0.01


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("name", ["mlp", "conv"])
def test_kernels_are_symmetric_and_have_no_negative_direction(name: str, kernel: Kernel) -> None:
    model = NETS[name]
    with jax.enable_x64(True):
        params, x = root(model), items(model, 12)
        x[5] = x[4]  # a duplicate, so that some eigenvalue is exactly 0
        whole = _flat(kernel_of(model, params, x, x, kernel))
    assert np.abs(whole - whole.T).max() <= 1e-12 * np.abs(whole).max()
    values = np.linalg.eigvalsh(whole)
    assert values.min() > -1e-12 * values.max()


@pytest.mark.parametrize("block", [1, 700])
def test_how_many_outputs_are_held_at_once_changes_nothing(block: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with jax.enable_x64(True):
        params, x = root(CONV), items(CONV, 3)
        tap = {kernel: taps(CONV, params, jnp.asarray(x), kernel=kernel) for kernel in KERNELS}
        whole = {kernel: np.asarray(gram(tap[kernel], tap[kernel], kernel=kernel)) for kernel in KERNELS}
        monkeypatch.setattr(tangents, "BLOCK", block)
        bare: Any = getattr(gram, "__wrapped__")  # noqa: B009
        for kernel in KERNELS:
            parts = np.asarray(bare(tap[kernel], tap[kernel], kernel=kernel))  # compiled, it kept the block
            np.testing.assert_allclose(parts, whole[kernel], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", ["conv", "normed"])
def test_moving_along_a_direction_is_the_jacobian_times_it(name: str) -> None:
    model, key = NETS[name], jax.random.key(3)
    with jax.enable_x64(True):
        params, x = root(model), items(model, 3)
        exact, numbers = jacobian(model, params, x), jnp.asarray([0, 5, 2])
        every = np.asarray(along_all(model, params, key, numbers, jnp.asarray(x)))
        for place, number in enumerate([0, 5, 2]):
            direction = direction_of(model, params, key, number)
            wanted = exact @ flat(model, direction)
            np.testing.assert_allclose(every[place], wanted, rtol=1e-10, atol=1e-10)
            np.testing.assert_allclose(along(model, params, direction, jnp.asarray(x)), wanted, rtol=1e-10, atol=1e-10)


def test_directions_are_normal_in_linear_layers_and_nothing_elsewhere() -> None:
    direction = direction_of(NORMED, root(NORMED), jax.random.key(0), 3)
    assert not any(np.asarray(leaf).any() for leaf in jax.tree.leaves(direction[1]))
    wide = Model((Dense(100), Relu(), Dense(99)), (100,))
    found = flat(wide, direction_of(wide, root(wide), jax.random.key(0), 3))
    assert len(found) == 20_099
    # four standard errors of the mean, and of the variance, of 20,099 standard normals
    assert abs(found.mean()) < 4 / np.sqrt(len(found))
    assert abs(found.var() - 1) < 4 * np.sqrt(2 / len(found))


def test_directions_are_independent_by_number_and_do_not_hang_on_each_other() -> None:
    """Correlations of 10,000 numbers lie within four standard errors, 0.04, of 0; the wrong variant draws number 3 for all."""
    wide = Model((Dense(100, bias=False),), (100,))
    params, key = root(wide), jax.random.key(4)
    drawn = np.asarray([flat(wide, direction_of(wide, params, key, number)) for number in range(5)])
    beside = np.abs(np.corrcoef(drawn) - np.eye(5)).max()
    assert beside < 0.04
    assert np.abs(np.corrcoef(drawn[[3, 3]]) - np.eye(2)).max() > 0.99


@pytest.mark.parametrize("model", [MLP, Model((Dense(4),), (3,))], ids=["mlp", "linear"])
def test_noise_shares_no_number_with_a_direction(model: Model) -> None:
    """The wrong variant takes the noise's key from where the second layer has its own: then the noise of datum 0 is that layer's bias."""
    key, places = jax.random.key(5), jnp.arange(50)
    numbers = jnp.asarray([0, 1, 7])
    noise = np.asarray(drawn_noise(key, numbers, places, model.num_classes))
    assert noise.shape == (3, 50, model.num_classes)
    drawn = np.concatenate([flat(model, direction_of(model, root(model), key, int(number))) for number in numbers])
    assert len(np.intersect1d(drawn.astype(np.float32), noise)) == 0
    mine = jax.random.fold_in(jax.random.fold_in(key, 7), len(list(model.linear_layers())) - 1)
    wrong = np.asarray(jax.random.normal(jax.random.fold_in(mine, 0), (model.num_classes,)))
    assert len(np.intersect1d(drawn.astype(np.float32), wrong)) == model.num_classes


def test_noise_depends_on_member_place_and_key_alone() -> None:
    key = jax.random.key(6)
    whole = np.asarray(drawn_noise(key, jnp.arange(40), jnp.arange(60), 5))
    part = np.asarray(drawn_noise(key, jnp.asarray([7, 3]), jnp.asarray([59, 0, 2]), 5))
    np.testing.assert_array_equal(part, whole[[7, 3]][:, [59, 0, 2]])
    assert len(np.unique(whole)) > 0.99 * whole.size
    assert abs(whole.mean()) < 4 / np.sqrt(whole.size)
    assert abs(whole.var() - 1) < 4 * np.sqrt(2 / whole.size)


def test_a_sketchs_features_are_unbiased_for_the_kernel() -> None:
    """Of D directions, E |sketch - K|^2 = (|K|^2 + trace(K)^2) / D in Frobenius' norm: within three times its root. The wrong variant
    forgets to divide by D."""
    number = 4_000
    params, x = root(MLP), items(MLP, 3)
    phi = np.asarray(
        features(MLP, params, jax.random.key(0), jnp.asarray(x), kind="sketch", number=number), dtype=np.float64
    ).reshape(-1, number)
    kernel = _flat(kernel_of(MLP, params, x, x, "entk"))
    reach = 3 * np.sqrt((np.sum(kernel**2) + np.trace(kernel) ** 2) / number)
    assert np.linalg.norm(phi @ phi.T - kernel) < reach
    assert np.linalg.norm(number * phi @ phi.T - kernel) > 100 * reach


@pytest.mark.parametrize("model", [CONV, NORMED], ids=["conv", "no-bias"])
def test_last_features_are_what_the_head_multiplies(model: Model) -> None:
    with jax.enable_x64(True):
        params, x = root(model), jnp.asarray(items(model, 4))
        phi = features(model, params, jax.random.key(0), x, kind="last", number=1)
        assert phi.shape == (4, 1, len(head_of(model, params)))
        np.testing.assert_allclose(phi[:, 0] @ head_of(model, params), model.apply(params, x), rtol=1e-12, atol=1e-12)


def test_a_model_without_a_dense_end_has_no_last_features() -> None:
    model = Model((Dense(3), Relu()), (2,))
    with pytest.raises(ValueError, match="ends in a Relu"):
        features(model, model.init(jax.random.key(0)), jax.random.key(0), jnp.ones((1, 2)), kind="last", number=1)
