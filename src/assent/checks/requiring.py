"""What the checks have in common: a requirement, arrays that must not change, committees to try things on."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.core import Assent

SLACK = 512 * float(np.finfo(np.float64).eps)
"""How far probabilities and the chance of asking may sum from 1: what `Assent` reads as rounding, once for each of the two."""

Committee = tuple[NDArray[np.float64], NDArray[np.float64]]


def require(holds: Any, sentence: str) -> None:
    """Raises AssertionError with `sentence` unless `holds`; unlike the statement `assert` also under `python -O`."""
    if not holds:
        raise AssertionError(sentence)


def name_of(thing: Any) -> str:
    """How a sentence calls `thing`."""
    return type(thing).__name__


def require_traceable(thing: Any) -> None:
    """`thing` is a frozen dataclass that says which of its fields JAX compiles in."""
    require(
        dataclasses.is_dataclass(thing) and isinstance(getattr(thing, "static_fields", None), tuple),
        f"{name_of(thing)} must be a dataclass with a tuple `static_fields`, or `assent.lab` cannot trace it.",
    )
    parameters: Any = getattr(type(thing), "__dataclass_params__", None)  # no public way to ask
    require(parameters.frozen, f"{name_of(thing)} must be frozen: only a session changes.")


def require_valid(assent: Any, what: str) -> None:
    """`assent` is a sub-distribution with the chance of asking that it leaves."""
    require(isinstance(assent, Assent), f"{what} returned a {name_of(assent)}, not an Assent.")
    probs, ask = np.asarray(assent.probs), float(assent.ask)
    require(np.isfinite(probs).all() and (probs >= 0).all(), f"{what} gave {probs}: not all finite and >= 0.")
    require(0 <= ask <= 1, f"{what} asks with probability {ask}, outside [0, 1].")
    require(abs(probs.sum() + ask - 1) <= SLACK, f"{what}: {probs} and the chance of asking {ask} do not sum to 1.")


def require_asks(assent: Any, what: str) -> None:
    """`assent` is valid and only asks."""
    require_valid(assent, what)
    require(
        float(assent.ask) == 1 and not np.asarray(assent.probs).any(), f"{what}: {assent} may act; it must only ask."
    )


@contextmanager
def unchanged(*arrays: NDArray[Any], what: str) -> Iterator[None]:
    """`arrays` are the same, bit for bit, after the block."""
    before = [array.copy() for array in arrays]
    yield
    same = all(np.array_equal(old, new, equal_nan=True) for old, new in zip(before, arrays, strict=True))
    require(same, f"{what} changed an array that it was given.")


def committees(*, count: int = 20, seed: int = 0) -> Iterator[Committee]:
    """Log rows `[H, A]` and log weights `[H]`, normalised, of random committees; some rows are sub-distributions, some entries 0."""
    rng = np.random.default_rng(seed)
    for number in range(count):
        members, actions = int(rng.integers(1, 7)), int(rng.integers(1, 6))
        rows = rng.dirichlet(np.full(actions, 0.5), size=members)
        if number % 3 == 1:
            rows *= rng.uniform(0.5, 1, size=(members, 1))
        if number % 4 == 2:
            rows = np.where(rows < 0.05, 0.0, rows)
        with np.errstate(divide="ignore"):
            yield np.log(rows), np.log(rng.dirichlet(np.ones(members)))
