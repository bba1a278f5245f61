"""A fingerprint is of everything that an agent goes by, and of nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import jax
import numpy as np
import pytest

from assent.agents.fingerprint import fingerprint


@dataclass(frozen=True)
class Holds:
    what: Any
    spent: float = field(default=0.0, compare=False)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": 1.0}, {"a": 2.0}),
        ({"a": 1.0}, {"b": 1.0}),
        ({"a": 1.0}, {}),
        ({"a": np.zeros(2)}, {"a": np.asarray([0.0, 1e-300])}),
        (({"a": {"b": 1}},), ({"a": {"b": 2}},)),
        ({"a": 1, "b": 2}, {"a": 2, "b": 1}),
        ({1: "a"}, {"1": "a"}),
        (jax.random.key(0), jax.random.key(1)),
        (jax.random.key(0), jax.random.key_data(jax.random.key(1))),
    ],
    ids=str,
)
def test_what_differs_inside_of_dictionaries_and_keys_differs(one: Any, other: Any) -> None:
    """The wrong variant counts dictionaries by their type, where all of the first seven pairs are one."""
    assert fingerprint(Holds(one)) != fingerprint(Holds(other))


def test_what_is_equal_has_one_fingerprint() -> None:
    assert fingerprint({"b": 1, "a": np.ones(2)}) == fingerprint({"a": np.ones(2), "b": 1})
    assert fingerprint(jax.random.key(3)) == fingerprint(jax.random.key(3))
    assert fingerprint(Holds(1, spent=2.0)) == fingerprint(Holds(1, spent=3.0))
