"""Networks of a few dozen parameters, data for them, and their Jacobians, that the tests of tangent spaces share."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.typing import NDArray

from assent.committees.kernels.tangents import directions
from assent.committees.layers import BatchNorm, Conv, Dense, Flatten, MeanOverPlaces, Pool, Relu, Residual
from assent.committees.models import Model, at, mlp

MLP = mlp((3,), (5,), 4)
CONV = Model(
    (Conv(3), Relu(), Pool(), Conv(4, stride=2), Relu(), Flatten(), Dense(3)), (6, 6, 2)
)  # 6 x 6 -> 3 x 3 -> 2 x 2 places
RESIDUAL = Model(
    (
        Conv(3),
        Residual((Conv(3), Relu(), Conv(3, bias=False))),
        Relu(),
        Residual((Conv(4, stride=2),), (Conv(4, size=1, stride=2, bias=False),)),
        MeanOverPlaces(),
        Dense(3),
    ),
    (5, 4, 2),
)
NORMED = Model((Dense(5), BatchNorm(affine=True), Relu(), Dense(3, bias=False)), (3,))
NETS = {"mlp": MLP, "conv": CONV, "residual": RESIDUAL, "normed": NORMED}

WORDS = np.asarray([7, 11], dtype=np.uint32)
"""Key data of draws."""


def items(model: Model, number: int, seed: int = 0) -> NDArray[Any]:
    """`[number, *input_shape]` in what JAX computes in now."""
    drawn = np.random.default_rng([seed, number]).normal(size=(number, *model.input_shape))
    return np.array(jnp.asarray(drawn))


def labels(model: Model, number: int, seed: int = 0) -> NDArray[np.int64]:
    return np.random.default_rng([seed, number, 1]).integers(0, model.num_classes, number)


def root(model: Model, seed: int = 0) -> Any:
    """Random parameters, biases, scales and shifts too."""
    return _root(model, seed, bool(jax.config.read("jax_enable_x64")))


@functools.lru_cache
def _root(model: Model, seed: int, x64: bool) -> Any:
    rng = np.random.default_rng(seed)

    def drawn(leaf: Any) -> Any:
        spread = 1.0 / np.sqrt(leaf.shape[0]) if len(leaf.shape) > 1 else 0.3
        return jnp.asarray(spread * rng.normal(size=leaf.shape), leaf.dtype)

    shapes = jax.eval_shape(model.init, jax.random.key(seed))
    params = jax.tree.map(drawn, shapes)
    for number, own in enumerate(params):
        if "variance" in own:
            own |= {"variance": jnp.exp(own["variance"]), "scale": 1.0 + own["scale"]}
            params = (*params[:number], own, *params[number + 1 :])
    return params


def jacobian(model: Model, params: Any, x: NDArray[Any], *, every: bool = False) -> NDArray[np.float64]:
    """`[n, C, P]` by JAX, of linear layers' parameters or of `every` one."""
    found = _jacobian(model, params, jnp.asarray(x))
    kept = found if every else [at(found, path) for path, _ in model.linear_layers()]
    leaves = [
        np.asarray(leaf, dtype=np.float64).reshape(len(x), model.num_classes, -1) for leaf in jax.tree.leaves(kept)
    ]
    return np.concatenate(leaves, axis=2)


@functools.partial(jax.jit, static_argnums=0)
def _jacobian(model: Model, params: Any, x: jax.Array) -> Any:
    return jax.jacobian(lambda moved: model.apply(moved, x))(params)


direction_of = jax.jit(directions, static_argnums=0)
"""`directions`, compiled."""


def flat(model: Model, direction: Any) -> NDArray[np.float64]:
    """A direction's entries in linear layers, in the order of `jacobian`."""
    kept = [at(direction, path) for path, _ in model.linear_layers()]
    return np.concatenate([np.asarray(leaf, dtype=np.float64).ravel() for leaf in jax.tree.leaves(kept)])
