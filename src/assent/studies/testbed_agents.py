"""Agents of the Neural Testbed, and a committee of heads over random features: what each predicts, and what fitting it takes. JAX.

The peers are made anew from facts of google-deepmind/neural_testbed and google-deepmind/enn (Apache-2.0), at the hyper-parameters of
`agents/factories` (Osband and others, "The Neural Testbed", NeurIPS 2022, and "Epistemic neural networks", NeurIPS 2023). Two things are
done with less work and the same outcome: copies of one item in a batch are counted and not repeated, and what is fixed is evaluated once
at the items. Both make the peers cheaper.
"""

from __future__ import annotations

import functools
import itertools
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np
import optax
from numpy.typing import ArrayLike, NDArray

from assent.committees.costs import Counted
from assent.committees.kernels.logistic import Standing, laplace, logistic_heads, moments
from assent.committees.softmax import log_softmax
from assent.committees.testbed import TRUNCATION, ReluNetworks, SyntheticProblem

Floats = NDArray[np.float64]
Net: TypeAlias = list[dict[str, jax.Array]]
"""Weights and biases of each layer."""

HIDDEN = (50, 50)
MEMBERS = 100
STEPS, BATCH, RATE = 1_000, 100, 1e-3
LONG_STEPS, LONG_FROM = 10_000, 500
"""An epinet's steps where there are more items than this for each input dimension."""

FIXED_SCALE = 3.0
"""Of the fixed functions of an ensemble+, over the root of the temperature."""

INDEX, INDEX_DRAWS, INDEX_SAMPLES = 8, 8, 1_000
EPI_HIDDEN, EPI_FIXED_HIDDEN, EPI_FIXED_SCALE = (15, 15), (5, 5), 0.3
EPI_DECAY, EPI_POWER = 0.2, 0.7

FEATURES, HEADS = 2_048, 1_000
VARIANCE = 0.7737413
"""Of a standard normal number that is drawn again beyond two."""


@dataclass(frozen=True)
class Fitted:
    """What came of fitting.

    Attributes:
        log_probs: inputs float64 [B, d] -> float64 [N, B, C].
        members: N.
        cpu_s: CPU seconds of fitting, compiling left out.
        worth: of an importance sample, how many draws it is worth; None of whatever else.
    """

    log_probs: Callable[[Floats], Floats]
    members: int
    cpu_s: float
    worth: float | None = None


def fitted(agent: str, problem: SyntheticProblem) -> Fitted:
    """The agent of that name after the problem's training items.

    Raises:
        KeyError: there is none.
    """
    return AGENTS[agent](problem)


def ensemble(
    problem: SyntheticProblem, *, members: int = MEMBERS, fixed: bool = False, steps: int = STEPS, seed: int = 0
) -> Fitted:
    """`members` networks trained on the same batches, each with a fixed random one beside it if `fixed` (ensemble+); one is `mlp`.

    Each step draws as many members as there are, with replacement: a member's loss counts as often as it was drawn.
    """
    temperature = problem.temperature
    places, shares = batches(np.random.default_rng([seed, problem.seed, 1]), problem.num_train, steps)
    measured = _ensemble_fit(members, fixed)(
        jax.random.fold_in(jax.random.key(seed), problem.seed),
        jnp.asarray(problem.x, jnp.float32),
        jnp.asarray(problem.y),
        jnp.asarray(places),
        jnp.asarray(shares),
        jnp.float32(ensemble_decay(problem, members)),
        jnp.float32(FIXED_SCALE / math.sqrt(temperature)),
    )
    trained, beside = measured.value
    scale = jnp.float32(FIXED_SCALE / math.sqrt(temperature))
    return Fitted(
        lambda x: log_softmax(_stacked_logits(trained, beside, jnp.asarray(x, jnp.float32), scale)),
        members,
        measured.cpu_s,
    )


def epinet(
    problem: SyntheticProblem, *, steps: int | None = None, samples: int = INDEX_SAMPLES, seed: int = 0
) -> Fitted:
    """One network, a small one beside it that is given its features and an index, and fixed ones; `samples` indices are the members."""
    number = steps or (LONG_STEPS if problem.num_train / problem.input_dim > LONG_FROM else STEPS)
    places, shares = batches(np.random.default_rng([seed, problem.seed, 2]), problem.num_train, number)
    measured = _epinet_fit()(
        jax.random.fold_in(jax.random.key(seed), problem.seed),
        jnp.asarray(problem.x, jnp.float32),
        jnp.asarray(problem.y),
        jnp.asarray(places),
        jnp.asarray(shares),
        jnp.float32(epinet_decay(problem)),
        jnp.float32(EPI_FIXED_SCALE / problem.temperature),
    )
    trained, fixed = measured.value
    scale = jnp.float32(EPI_FIXED_SCALE / problem.temperature)
    indices = jax.random.normal(jax.random.fold_in(jax.random.key(seed + 1), problem.seed), (samples, INDEX))
    return Fitted(
        lambda x: log_softmax(_epinet_members(trained, fixed, jnp.asarray(x, jnp.float32), indices, scale)),
        samples,
        measured.cpu_s,
    )


def last_layer(
    problem: SyntheticProblem,
    *,
    heads: int = HEADS,
    features: int = FEATURES,
    standing: Standing = laplace,
    seed: int = 0,
) -> Fitted:
    """Heads over features of untrained networks of the generator's prior: Laplace's posterior or another's, drawn by Matheron's rule.

    Nothing is chosen: what the logits' difference is before the data follows from the generator, whose last weights have the variance
    `VARIANCE / 50`, two for a difference, and whose logits are divided by the temperature. Labels are drawn by the logistic function of
    that difference, so there is no noise to choose either. Features of several networks stand beside each other, for an average kernel.

    Raises:
        ValueError: more than two classes.
    """
    if problem.num_classes != 2:
        raise ValueError(f"There are {problem.num_classes} classes; these heads tell two apart.")
    _warmed()
    started = time.process_time()
    rng = np.random.default_rng([seed, problem.seed, 3])
    width = HIDDEN[-1]
    networks = ReluNetworks.draw(rng, -(-features // width), (problem.input_dim, *HIDDEN, 2))
    phi = random_features(networks, problem.x)[:, :features]
    variance = 2.0 * VARIANCE / features / problem.temperature**2
    _, drawn = logistic_heads(rng, phi, problem.y, heads, variance=variance, standing=standing)
    spent = time.process_time() - started

    def log_probs(x: Floats) -> Floats:
        return log_logistic(drawn @ random_features(networks, x)[:, :features].T)

    return Fitted(log_probs, heads, spent)


def generator(problem: SyntheticProblem, *, drawn: int = 40_000, members: int = 1_000, seed: int = 0) -> Fitted:
    """Networks of the generator's own prior, drawn again by what they give to the training labels.

    That is the posterior itself where they are worth many draws, and next to nothing where few of them explain the labels.
    """
    started, at_once = time.process_time(), 1_000
    sizes = (problem.input_dim, *HIDDEN, problem.num_classes)

    def some(part: int) -> ReluNetworks:
        return ReluNetworks.draw(np.random.default_rng([seed, problem.seed, 4, part]), at_once, sizes)

    parts = range(-(-drawn // at_once))
    log_weights = np.concatenate([_log_likelihood(some(part), problem) for part in parts])
    weights = np.exp(log_weights - log_weights.max())
    weights /= weights.sum()
    rng = np.random.default_rng([seed, problem.seed, 5])
    chosen = np.sort(rng.choice(len(weights), members, p=weights))
    kept = [_taken(some(part), own) for part in parts if len(own := chosen[chosen // at_once == part] % at_once)]

    def log_probs(x: Floats) -> Floats:
        return np.concatenate([log_softmax(networks.logits(x) / problem.temperature) for networks in kept])

    return Fitted(log_probs, members, time.process_time() - started, float(1.0 / np.sum(weights**2)))


def ensemble_decay(problem: SyntheticProblem, members: int) -> float:
    """What the sum of all members' squared parameters, biases included, is multiplied by in the loss."""
    return 1.0 / members / problem.num_train * math.sqrt(problem.temperature) * problem.input_dim


def epinet_decay(problem: SyntheticProblem) -> float:
    """The same of an epinet, for all that is trained."""
    return EPI_DECAY * (problem.input_dim / problem.num_train) ** EPI_POWER


def batches(rng: np.random.Generator, num: int, steps: int, batch: int = BATCH) -> tuple[NDArray[np.int32], Any]:
    """Items of each step [steps, b], and the share of the loss that each has, [steps, b].

    Permutations of all items follow each other, and are cut into batches. Where there are fewer items than a batch has, every item is
    there once, with the share of its copies: the same loss.

    >>> places, shares = batches(np.random.default_rng(0), 3, 2)
    >>> places.tolist(), (100 * shares).round().sum(axis=1).tolist()
    ([[0, 1, 2], [0, 1, 2]], [100.0, 100.0])
    """
    orders = -(-steps * batch // num)
    row = rng.permuted(np.tile(np.arange(num, dtype=np.int32), (orders, 1)), axis=1).ravel()
    places = row[: steps * batch].reshape(steps, batch)
    if num > batch:
        return places, np.full(places.shape, 1.0 / batch, np.float32)
    shares = np.zeros((steps, num), np.float32)
    np.add.at(shares, (np.arange(steps)[:, None], places), 1.0 / batch)
    return np.tile(np.arange(num, dtype=np.int32), (steps, 1)), shares


def random_features(networks: ReluNetworks, x: ArrayLike) -> Floats:
    """What the last layers of all networks are given, side by side: float64 [B, N * units]."""
    out = np.asarray(x, np.float64)[None]
    for weight, bias in zip(networks.weights[:-1], networks.biases[:-1], strict=True):
        out = np.maximum(out @ weight + bias[:, None, :], 0.0)
    return np.ascontiguousarray(np.moveaxis(out, 0, 1).reshape(out.shape[1], -1))


def log_logistic(logits: Floats) -> Floats:
    """Log-probabilities [..., 2] of the labels 0 and 1, from the logit of 1."""
    return np.stack([-np.logaddexp(0.0, logits), -np.logaddexp(0.0, -logits)], axis=-1)


def drawn_net(key: jax.Array, sizes: tuple[int, ...], *, first_bias: bool = False) -> Net:
    """A network before any training: truncated normal / sqrt(fan in), biases 0, or the first one drawn likewise."""
    found: Net = []
    for place, (fan_in, fan_out) in enumerate(itertools.pairwise(sizes)):
        weight, bias = jax.random.split(jax.random.fold_in(key, place))
        nothing = jnp.zeros(fan_out)
        drawn = _truncated(bias, (fan_out,)) / math.sqrt(fan_in) if place == 0 and first_bias else nothing
        found.append({"weight": _truncated(weight, (fan_in, fan_out)) / math.sqrt(fan_in), "bias": drawn})
    return found


def through(net: Net, x: jax.Array) -> jax.Array:
    """Logits [B, C]."""
    return _layers(net, x)[-1]


def _layers(net: Net, x: jax.Array) -> list[jax.Array]:
    """What comes out of each layer, rectified but for the last."""
    found = list[jax.Array]()
    for place, layer in enumerate(net):
        x = x @ layer["weight"] + layer["bias"][None, :]
        x = jnp.maximum(x, 0.0) if place < len(net) - 1 else x
        found.append(x)
    return found


def _truncated(key: jax.Array, shape: tuple[int, ...]) -> jax.Array:
    return jax.random.truncated_normal(key, -TRUNCATION, TRUNCATION, shape)


def _loss(logits: jax.Array, y: jax.Array, shares: jax.Array) -> jax.Array:
    right = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1)[:, 0]
    return -jnp.sum(shares * right)


def _squares(tree: Any) -> jax.Array:
    return sum((jnp.sum(leaf**2) for leaf in jax.tree.leaves(tree)), start=jnp.zeros(()))


def _adam(loss: Callable[..., jax.Array], start: Any, each: Any) -> Any:
    """What Adam makes of `start` in a step for each row of `each`, which the loss is given."""
    optimiser = optax.adam(RATE)

    def step(state: tuple[Any, Any], row: Any) -> tuple[tuple[Any, Any], None]:
        trained, averages = state
        with jax.numpy_dtype_promotion("standard"):  # optax takes powers of floats by integers
            moves, averages = optimiser.update(jax.grad(loss)(trained, row), averages, trained)
            return (optax.apply_updates(trained, moves), averages), None

    return jax.lax.scan(step, (start, optimiser.init(start)), each)[0][0]


@functools.cache
def _ensemble_fit(members: int, fixed: bool) -> Counted:
    def fit(key: jax.Array, x: Any, y: Any, places: Any, shares: Any, decay: Any, scale: Any) -> Any:
        sizes = (x.shape[1], *HIDDEN, 2)
        own, beside, turns = jax.random.split(key, 3)
        drawn = jax.random.randint(turns, (len(places), members), 0, members)

        def one(number: jax.Array) -> Any:
            start = drawn_net(jax.random.fold_in(own, number), sizes, first_bias=fixed)
            prior = drawn_net(jax.random.fold_in(beside, number), sizes, first_bias=True) if fixed else None
            added = scale * through(prior, x) if prior is not None else None
            turn = jnp.mean(jnp.asarray(drawn == number, jnp.float32), axis=1)

            def loss(net: Net, row: Any) -> jax.Array:
                chosen, share, weight = row
                logits = through(net, x[chosen])
                logits = logits if added is None else logits + added[chosen]
                return weight * _loss(logits, y[chosen], share) + decay * _squares(net)

            return _adam(loss, start, (places, shares, turn)), prior

        return jax.lax.map(one, jnp.arange(members))

    return Counted(fit)


@jax.jit
def _stacked_logits(trained: Net, beside: Net | None, x: jax.Array, scale: jax.Array) -> jax.Array:
    found = jax.lax.map(lambda net: through(net, x), trained)
    return found if beside is None else found + scale * jax.lax.map(lambda net: through(net, x), beside)


@functools.cache
def _epinet_fit() -> Counted:
    def fit(key: jax.Array, x: Any, y: Any, places: Any, shares: Any, decay: Any, scale: Any) -> Any:
        base, small, beside, draws = jax.random.split(key, 4)
        sizes = (x.shape[1], *HIDDEN, 2)
        given = INDEX + x.shape[1] + HIDDEN[-1]
        start = {"base": drawn_net(base, sizes), "small": drawn_net(small, (given, *EPI_HIDDEN, 2 * INDEX))}
        fixed = jax.vmap(lambda own: drawn_net(own, (x.shape[1], *EPI_FIXED_HIDDEN, 2)))(
            jax.random.split(beside, INDEX)
        )
        added = _fixed_logits(fixed, x)  # [D, n, C]

        def loss(trained: Any, row: Any) -> jax.Array:
            chosen, share, number = row
            indices = jax.random.normal(jax.random.fold_in(draws, number), (INDEX_DRAWS, INDEX))
            items, beside = x[chosen], scale * added[:, chosen]
            each = jax.vmap(lambda index: _loss(_indexed(trained, items, index, beside), y[chosen], share))(indices)
            return jnp.mean(each) + decay * _squares(trained)

        return _adam(loss, start, (places, shares, jnp.arange(len(places)))), fixed

    return Counted(fit)


def _fixed_logits(fixed: Net, x: jax.Array) -> jax.Array:
    return jax.vmap(lambda net: through(net, x))(fixed)


def _indexed(trained: Any, x: jax.Array, index: jax.Array, added: jax.Array) -> jax.Array:
    """Logits [B, C] of one index, `added` [D, B, C] being what the fixed functions say."""
    *_, hidden, logits = _layers(trained["base"], x)
    seen = jax.lax.stop_gradient(jnp.concatenate([x, hidden], axis=1))
    given = jnp.concatenate([jnp.broadcast_to(index, (len(x), INDEX)), seen], axis=1)
    small = through(trained["small"], given).reshape(len(x), -1, INDEX) @ index
    return logits + small + jnp.einsum("dbc,d->bc", added, index)


@jax.jit
def _epinet_members(trained: Any, fixed: Net, x: jax.Array, indices: jax.Array, scale: jax.Array) -> jax.Array:
    added = scale * _fixed_logits(fixed, x)
    return jax.lax.map(lambda index: _indexed(trained, x, index, added), indices)


@functools.cache
def _warmed() -> None:
    """Loads what a first factorisation loads, as compiling is no part of the peers' time."""
    logistic_heads(np.random.default_rng(0), np.eye(2), np.asarray([0, 1]), 2, variance=1.0, standing=moments)


def _log_likelihood(networks: ReluNetworks, problem: SyntheticProblem) -> Floats:
    said = log_softmax(networks.logits(problem.x) / problem.temperature)
    return said[:, np.arange(len(problem.y)), problem.y].sum(axis=1)


def _taken(networks: ReluNetworks, places: NDArray[np.integer]) -> ReluNetworks:
    weights, biases = networks.weights, networks.biases
    return ReluNetworks(tuple(layer[places] for layer in weights), tuple(layer[places] for layer in biases))


AGENTS: dict[str, Callable[[SyntheticProblem], Fitted]] = {
    "mlp": functools.partial(ensemble, members=1),
    "ensemble": ensemble,
    "ensemble+": functools.partial(ensemble, fixed=True),
    "epinet": epinet,
    "last-layer": last_layer,
    "moments": functools.partial(last_layer, standing=moments),
    "generator": generator,
}
"""By the name that a study gives them."""
