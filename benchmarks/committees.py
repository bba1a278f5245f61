"""What do a step of training, a ticket's step, and one answer more cost? Beside torch, a sort, and fitting again; one run, one thread."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from typing import Any

import _threads  # noqa: F401  (before NumPy)
import jax
import jax.numpy as jnp
import numpy as np
from _report import Row, best_s, main

from assent.committees.forms.prior import Prior
from assent.committees.forms.tangent import tangent_members
from assent.committees.masks import Ticketing, first_scores, mask_of, random_weights, through
from assent.committees.models import Model, at, conv_n, mlp, replaced
from assent.committees.training import Training, advanced, begun, cross_entropy, plain_loss

STEPS, BATCH, ITEMS = 50, 64, 256
SGD = Training(steps=STEPS, batch=BATCH, optimiser="sgd", learning_rate=0.01, momentum=0.9)
DENSE = mlp((196,), (256, 256), 10, bias=False)
CONV = conv_n(2, input_shape=(8, 8, 1), width=0.25)
KEPT, SAMPLES = 1_000, 64


def measure() -> list[Row]:
    """Milliseconds, and ours over theirs."""
    rows = list[Row]()
    for name, model in (("dense 196-256-256-10", DENSE), ("conv 16-16-P-64-64-10, 8 x 8", CONV)):
        ours = _step(model, plain_loss(model, SGD), model.init(jax.random.key(0)))
        rows.append(_row(f"step, {name}", ours, "torch, eager", _torch_step(model)))
        bisected = _step(model, _popup(model, lambda s: mask_of(s, 0.5)), first_scores(model, jax.random.key(1)))
        sorted_ = _step(model, _popup(model, _by_sorting), first_scores(model, jax.random.key(1)))
        rows.append(_row(f"edge-popup step, {name}", bisected, "a sort in place of bisection", sorted_))
        rows.append(_row(f"edge-popup step, {name}", bisected, "a plain step of ours", ours))
    rows += _observing()
    return rows


def _row(what: str, ours: float, peer: str, theirs: float | None) -> Row:
    return {
        "what": what,
        "ours_ms": 1e3 * ours,
        "peer": peer,
        "peer_ms": None if theirs is None else 1e3 * theirs,
        "ratio": None if theirs is None else ours / theirs,
    }


def _items(model: Model) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(ITEMS, *model.input_shape)).astype(np.float32), rng.integers(0, 10, ITEMS).astype(np.int32)


def _step(model: Model, loss: Any, trained: Any) -> float:
    """Seconds of one step, of STEPS in one program."""
    x, y = (jnp.asarray(part) for part in _items(model))

    def run(trained: Any, x: jax.Array, y: jax.Array) -> Any:
        state, losses = advanced(loss, begun(trained, SGD), x, y, jax.random.key(2), training=SGD, steps=STEPS)
        return state.trained, losses

    compiled = jax.jit(run).lower(trained, x, y).compile()
    return best_s(lambda: jax.block_until_ready(compiled(trained, x, y))) / STEPS


def _popup(model: Model, mask: Callable[[jax.Array], jax.Array]) -> Any:
    rules = Ticketing(keep=0.5, binary=False)
    weights = random_weights(model, jax.random.key(3), rules)

    def loss(scores: Any, x: jax.Array, y: jax.Array, key: jax.Array) -> jax.Array:
        params = weights
        for path, own in scores.items():
            weight = at(weights, path)["weight"]
            left = jax.lax.stop_gradient(mask(own).astype(weight.dtype) * weight)
            passed = jnp.abs(own) * weight
            params = replaced(params, path, {"weight": left + (passed - jax.lax.stop_gradient(passed))})
        return cross_entropy(model.apply(params, x), y)

    first = next(iter(first_scores(model, jax.random.key(4)).values()))
    assert bool(jnp.array_equal(mask(first), mask_of(first, 0.5)))
    assert through(first, jnp.ones_like(first), rules).shape == first.shape
    return loss


def _by_sorting(scores: jax.Array) -> jax.Array:
    """The published code's way: sort, and cut."""
    size = jnp.abs(scores).ravel()
    order = jnp.argsort(size)
    cut = math.floor(0.5 * size.size)
    return jnp.zeros(size.size, bool).at[order[cut:]].set(True).reshape(scores.shape)


def _torch_step(model: Model) -> float | None:
    """The same network, batch and optimiser in torch, step by step as people write it; None where torch is missing."""
    if importlib.util.find_spec("torch") is None:
        return None
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(1)
    net = _torch_net(torch, model)
    optimiser = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9)
    x, y = _items(model)
    if len(model.input_shape) == 3:
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    items, labels = torch.from_numpy(x), torch.from_numpy(y.astype(np.int64))

    def run() -> None:
        for step in range(STEPS):
            places = torch.arange(BATCH) + step % (ITEMS // BATCH) * BATCH
            optimiser.zero_grad()
            torch.nn.functional.cross_entropy(net(items[places]), labels[places]).backward()
            optimiser.step()

    run()
    return best_s(run) / STEPS


def _torch_net(torch: Any, model: Model) -> Any:
    parts, shape = list[Any](), model.input_shape
    for layer in model.layers:
        kind, inputs = type(layer).__name__, shape[-1]
        shape = layer.output_shape(shape)
        if kind == "Dense":
            parts.append(torch.nn.Linear(inputs, layer.outputs, bias=layer.bias))
        elif kind == "Conv":
            parts.append(torch.nn.Conv2d(inputs, layer.outputs, layer.size, padding=1, bias=layer.bias))
        elif kind == "Relu":
            parts.append(torch.nn.ReLU())
        elif kind == "Pool":
            parts.append(torch.nn.MaxPool2d(layer.size))
        else:
            parts.append(torch.nn.Flatten())
    return torch.nn.Sequential(*parts)


def _observing() -> list[Row]:
    """One answer more of 64 members after 1,000 data, beside fitting all of them again."""
    model = mlp((196,), (128, 128), 10)
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(KEPT + 1, 196)).astype(np.float32), rng.integers(0, 10, KEPT + 1)
    words = np.asarray(jax.random.key_data(jax.random.key(5)))
    members = tangent_members(
        model,
        model.init(jax.random.key(6)),
        x[:KEPT],
        y[:KEPT],
        prior=Prior("pntk"),
        key=words,
        numbers=np.arange(SAMPLES),
    )
    members.observed(x[KEPT], int(y[KEPT])).refitted()  # compiles
    ours = best_s(lambda: members.observed(x[KEPT], int(y[KEPT])))
    theirs = best_s(lambda: members.refitted(), repeats=3)
    return [_row(f"one answer more, {SAMPLES} members, {KEPT} data", ours, "fitting again", theirs)]


if __name__ == "__main__":
    main(
        "What do a step of training, a ticket's step, and one answer more cost?",
        measure,
        packages=("jax", "jaxlib", "numpy", "torch"),
    )
