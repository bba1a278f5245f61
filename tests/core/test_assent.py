"""The guarded constructor: whatever goes in, a valid assent comes out, and what cannot be read asks."""

from __future__ import annotations

import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import assent.lab  # noqa: F401  (lets JAX return an Assent)
from assent.core import Assent, always_ask
from tests.core.support import EPS, any_float, few

# `Assent` reads a sum within 256 eps of 1 as 1, and snaps a gap of that size to 0: twice 256 eps bounds |sum + ask - 1|.
SLACK = 512 * EPS


def assert_valid(assent: Assent, slack: float = SLACK) -> None:
    probs, ask = np.asarray(assent.probs), float(assent.ask)
    assert np.isfinite(probs).all()
    assert (probs >= 0).all()
    assert 0 <= ask <= 1
    assert abs(math.fsum(probs.tolist()) + ask - 1) <= slack


@given(arrays.arrays(np.float64, st.integers(1, 5), elements=any_float), st.one_of(st.just(0.0), any_float))
def test_any_input_gives_a_valid_assent(probs: Any, gap: float) -> None:
    with np.errstate(over="ignore", invalid="ignore"):
        assent = Assent(probs, gap=gap)
    assert_valid(assent)
    values = [*probs.tolist(), gap]
    if any(math.isnan(value) or math.isinf(value) or value < 0 for value in values) or sum(values) > 1 + 1e-12:
        assert float(assent.ask) == 1
        assert not assent.probs.any()


@few
@given(arrays.arrays(np.float64, st.integers(1, 6), elements=st.floats(0, 1)))
def test_readable_input_is_kept_bit_for_bit(raw: Any) -> None:
    total = math.fsum(raw.tolist())
    probs = raw if total <= 1 else raw / (total * (1 + 8 * EPS))
    assent = Assent(probs)
    assert np.array_equal(assent.probs, probs)
    assert abs(float(assent.ask) - (1 - math.fsum(probs.tolist()))) <= 256 * EPS + len(probs) * EPS


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1e-300, -0.25, 0.75])
def test_one_bad_entry_takes_everything(bad: float) -> None:
    assent = Assent(np.asarray([0.5, bad]))
    assert (assent.probs.tolist(), float(assent.ask)) == ([0, 0], 1)


@pytest.mark.parametrize("gap", [math.nan, math.inf, -0.25, 0.75])
def test_a_gap_that_cannot_be_read_takes_everything(gap: float) -> None:
    assent = Assent(np.asarray([0.5, 0.0]), gap=gap)
    assert (assent.probs.tolist(), float(assent.ask)) == ([0, 0], 1)


def test_rounding_is_no_chance_of_asking_and_is_no_excess() -> None:
    thirds = np.full(3, 1 / 3) * (1 - 2 * EPS)
    assert float(Assent(thirds).ask) == 0
    assert float(Assent(np.full(10, 0.1) * (1 + 4 * EPS)).ask) == 0
    assert float(Assent(np.asarray([1 + 1e-12])).ask) == 1
    # the wrong variant, 1 - sum: asks, now and then, although nothing is missing
    assert 1 - np.sum(thirds) > 0


def test_a_gap_is_added_as_it_is_and_what_is_missing_besides_too() -> None:
    tiny = 2.0**-60
    assert float(Assent(np.asarray([1.0]), gap=tiny).ask) == tiny
    assert float(Assent(np.asarray([0.5]), gap=0.25).ask) == 0.5


def test_a_certain_ask_is_exactly_one() -> None:
    """Gaps are sums of many terms: 1 + eps would be no probability, and 1 - eps would look as if it might act."""
    for gap in (1 + EPS, 1 - EPS / 2, 1.0):
        assert float(Assent(np.zeros(3), gap=gap).ask) == 1
    assert float(Assent(np.asarray([1e-300]), gap=1 + EPS).ask) == 1


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("tiny", [-1.6e-43, 1.6e-43, -5e-324])
@pytest.mark.parametrize("compiled", [False, True])
def test_denormals_under_jax(tiny: float, dtype: str, compiled: bool) -> None:
    """XLA on CPU flushes denormals to zero in comparisons: -1.6e-43 >= 0 holds there, and NumPy then sees a negative probability."""
    with jax.enable_x64(True):
        make = jax.jit(lambda probs: Assent(probs)) if compiled else Assent
        probs = jnp.asarray(np.asarray([tiny, 0.5], dtype=dtype))
        made = make(probs)
        assert_valid(made, slack=512 * float(np.finfo(dtype).eps))
        if dtype == "float32":
            assert bool(jnp.asarray(tiny, jnp.float32) >= 0), "no flush to zero here: the test has lost its point"


def test_backends(backend: Any) -> None:
    for probs in ([0.25, 0.5], [0.9, 0.9], [math.nan, 0.5], [math.inf, 0.0], [-0.5, 0.5], [0.0, 0.0]):
        expected, made = Assent(np.asarray(probs)), Assent(backend.array(probs))
        assert np.array_equal(expected.probs, backend.numpy(made.probs))
        assert float(expected.ask) == float(made.ask)


def test_always_ask(backend: Any) -> None:
    assent = always_ask(backend.array([0.5, 0.5, 0.0]))
    assert (backend.numpy(assent.probs).tolist(), float(assent.ask), assent.num_actions) == ([0, 0, 0], 1, 3)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int64", "complex128", "bool"])
def test_numbers_that_cannot_hold_a_chance_of_asking_are_refused(dtype: str, backend: Any) -> None:
    """Wrong variant: 256 epsilons whatever the dtype; in bfloat16 that is 2, so a row of [0.1, 0] would act for sure."""
    if not hasattr(backend.namespace, dtype):
        return
    probs = backend.namespace.asarray([0, 0], dtype=getattr(backend.namespace, dtype))
    with pytest.raises(TypeError, match=r"probabilities (in|have) .*float32 or float64"):
        Assent(probs)


@pytest.mark.parametrize("shape", [(0,), (), (2, 2)])
def test_an_assent_is_one_row(shape: tuple[int, ...], backend: Any) -> None:
    with pytest.raises(ValueError, match="one row"):
        Assent(backend.array(np.zeros(shape).tolist()))
