"""Work: each piece once, found again whatever comes between, and what is not finite named."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.committees.work import DroppedWarning, Work, keys_of


def squares(key: jax.Array, x: jax.Array) -> tuple[Any, jax.Array]:
    """A tree with a matrix, a number and a key's words; twenty losses."""
    drawn = jax.random.normal(key, (3,))
    return {"a": drawn @ (x * x), "b": drawn.sum(), "words": jax.random.key_data(key)}, jnp.arange(20.0) + drawn[0]


KEYS = keys_of(jax.random.key(3), range(4))
X = jnp.ones((3, 2))


def same(one: Any, other: Any) -> None:
    jax.tree.map(lambda a, b: np.testing.assert_array_equal(np.asarray(a), np.asarray(b)), one, other)


def test_pieces_are_the_function_s_and_losses_the_last_tenth_s_mean() -> None:
    told: list[tuple[int, int]] = []
    found = Work(progress=lambda done, total: told.append((done, total))).fitted("squares", squares, KEYS, X)
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]
    assert (found.numbers, found.dropped) == ((0, 1, 2, 3), ())
    for key, tree, loss in zip(KEYS, found.trees, found.losses, strict=True):
        expected, losses = jax.jit(squares)(key, X)
        same(tree, expected)
        assert loss == pytest.approx(float(np.asarray(losses)[-2:].mean()))
    assert found.cost.train_flops == found.flops > 0


def test_what_is_finished_is_found_and_nothing_else_is(tmp_path: Path) -> None:
    first = Work(tmp_path).fitted("squares", squares, KEYS[:2], X, settings={"rate": 0.1})
    files = {file.name: file.stat().st_mtime_ns for file in tmp_path.iterdir()}
    assert len(files) == 2
    again = Work(tmp_path).fitted("squares", squares, KEYS, X, settings={"rate": 0.1})
    for name, made in files.items():
        assert (tmp_path / name).stat().st_mtime_ns == made
    for one, other in zip(first.trees, again.trees, strict=False):
        same(one, other)
    assert again.losses[:2] == first.losses
    # each of these is another piece of work: settings, arguments, label
    Work(tmp_path).fitted("squares", squares, KEYS[:1], X, settings={"rate": 0.2})
    Work(tmp_path).fitted("squares", squares, KEYS[:1], 2 * X, settings={"rate": 0.1})
    Work(tmp_path).fitted("others", squares, KEYS[:1], X, settings={"rate": 0.1})
    assert len(list(tmp_path.iterdir())) == 4 + 3


def test_a_program_is_compiled_once_for_its_settings_and_shapes() -> None:
    """Closures over other settings, other functions of the same name, and other shapes are programs of their own."""
    traced = list[float]()

    def of(rate: float, label: str = "scaled", x: jax.Array = X) -> float:
        def fit(key: jax.Array, x: jax.Array) -> tuple[Any, jax.Array]:
            traced.append(rate)
            return rate * x, jnp.zeros(1)

        return float(Work().fitted(label, fit, KEYS[:2], x, settings={"rate": rate}).trees[0][0, 0])

    assert [of(2.0), of(3.0), of(2.0), of(2.0, x=X + X)] == [2.0, 3.0, 2.0, 4.0]
    assert traced == [2.0, 3.0]
    assert (of(2.0, "another"), of(2.0, x=X[:1])) == (2.0, 2.0)
    assert traced == [2.0, 3.0, 2.0, 2.0]

    def fit(key: jax.Array, x: jax.Array) -> tuple[Any, jax.Array]:
        return -x, jnp.zeros(1)

    assert Work().fitted("scaled", fit, KEYS[:1], X, settings={"rate": 2.0}).trees[0][0, 0] == -1.0


def test_a_file_that_was_cut_short_is_made_again(tmp_path: Path) -> None:
    first = Work(tmp_path).fitted("squares", squares, KEYS[:1], X)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    file.write_bytes(whole[: len(whole) // 2])
    again = Work(tmp_path).fitted("squares", squares, KEYS[:1], X)
    same(again.trees[0], first.trees[0])
    same(Work(tmp_path).fitted("squares", squares, KEYS[:1], X).trees[0], first.trees[0])


def test_what_is_not_finite_is_left_out_and_named() -> None:
    def sometimes(key: jax.Array, x: jax.Array) -> tuple[Any, jax.Array]:
        broken = jax.random.key_data(key)[1] == jax.random.key_data(KEYS[1])[1]
        return {"a": jnp.where(broken, jnp.nan, x)}, jnp.ones(4)

    names = ["one", "two", "three", "four"]
    with pytest.warns(DroppedWarning, match="two"):
        found = Work().fitted("sometimes", sometimes, KEYS, X, names=names)
    assert (found.numbers, found.dropped) == ((0, 2, 3), (1,))
    with pytest.raises(ValueError, match="Every member"):
        Work().fitted("never", sometimes, KEYS[1:2], X)
    with pytest.raises(ValueError, match="lower the learning rate"):
        Work().fitted("loss", lambda key, x: (x, jnp.full(3, jnp.inf)), KEYS[:2], X)


def test_no_losses_are_no_reason_to_leave_out() -> None:
    assert Work().fitted("bare", lambda key, x: (x, jnp.zeros(0)), KEYS[:1], X).losses == (0.0,)
