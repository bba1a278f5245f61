"""Work: each piece once, found again whatever comes between, and what is not finite named."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from assent.committees import programs
from assent.committees.models import mlp
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


MODEL = mlp((2,), (3,), 2)


@pytest.fixture(autouse=True)
def _no_programs() -> None:
    programs.forget()


def scaled(rate: float, traced: list[Any], x: jax.Array = X, **others: Any) -> float:
    """`rate`, through a piece of work that notes when it is traced."""

    def fit(key: jax.Array, x: jax.Array) -> tuple[Any, jax.Array]:
        traced.append(rate)
        return rate * x, jnp.zeros(1)

    others = {"settings": {"rate": rate}, "of": MODEL, **others}
    return float(Work().fitted(others.pop("label", "scaled"), fit, KEYS[:2], x, **others).trees[0][0, 0])


def test_a_program_is_compiled_once_for_model_settings_and_shapes() -> None:
    traced = list[float]()
    assert [scaled(2.0, traced), scaled(3.0, traced), scaled(2.0, traced), scaled(2.0, traced, X + X)] == [2, 3, 2, 4]
    assert traced == [2.0, 3.0]


@pytest.mark.parametrize(
    "other",
    [
        {"x": X[:1]},
        {"label": "another"},
        {"settings": {"rate": 2.5}},
        {"of": mlp((2,), (4,), 2)},
        {"of": None},
        {"of": [MODEL]},  # no key of a dictionary
    ],
    ids=str,
)
def test_whatever_a_program_depends_on_is_compiled_anew(other: dict[str, Any]) -> None:
    traced = list[float]()
    scaled(2.0, traced)
    assert scaled(2.0, traced, **other) == 2.0
    assert len(traced) == 2


def test_a_program_is_told_apart_by_its_code_and_by_how_jax_computes() -> None:
    traced = list[float]()
    scaled(2.0, traced)

    def fit(key: jax.Array, x: jax.Array) -> tuple[Any, jax.Array]:
        return -x, jnp.zeros(1)

    found = Work().fitted("scaled", fit, KEYS[:1], X, settings={"rate": 2.0}, of=MODEL)
    assert found.trees[0][0, 0] == -1.0
    with jax.default_matmul_precision("bfloat16"):
        scaled(2.0, traced)
    assert len(traced) == 2


def test_functions_that_are_more_than_their_code_are_compiled_anew() -> None:
    """Defaults and methods: the wrong variant gives the first one's program to the second."""

    def made(by: float) -> Any:
        def fit(key: jax.Array, x: jax.Array, factor: float = by) -> tuple[Any, jax.Array]:
            return factor * x, jnp.zeros(1)

        return fit

    class Times:
        def __init__(self, by: float) -> None:
            self.by = by

        def fit(self, key: jax.Array, x: jax.Array) -> tuple[Any, jax.Array]:
            return self.by * x, jnp.zeros(1)

    for first, second in ((made(1.0), made(2.0)), (Times(1.0).fit, Times(2.0).fit)):
        found = [Work().fitted("by", fit, KEYS[:1], X, of=MODEL).trees[0][0, 0] for fit in (first, second)]
        assert [float(value) for value in found] == [1.0, 2.0]


def test_no_more_programs_are_kept_than_a_process_bears(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many shapes there were: a program of each is one."""
    monkeypatch.setattr(programs, "MOST", 3)
    traced = list[float]()
    for number in range(1, 8):
        scaled(2.0, traced, jnp.ones((number, 2)))
    kept: dict[Any, Any] = programs._PROGRAMS  # pyright: ignore[reportPrivateUsage]
    assert len(kept) == 3
    assert all(len(one._compiled) == 1 for one in kept.values())
    scaled(2.0, traced, jnp.ones((7, 2)))
    assert len(traced) == 7


@dataclass(frozen=True, eq=False)
class Shifted:
    """A layer of one's own, with an array."""

    by: Any

    def apply(self, params: Any, x: jax.Array) -> jax.Array:
        return x + self.by


def redefined() -> Any:
    """The same layer, written anew."""
    return type("Shifted", (), {"__module__": __name__, "__qualname__": "Shifted", "apply": lambda self, params, x: x})


def test_what_is_on_the_disk_is_told_apart_by_all_that_it_depends_on(tmp_path: Path) -> None:
    """Arrays by every number, layers of one's own by what they do, and by what JAX computes in. The wrong variants knew names alone, and
    the ends of arrays."""
    great = np.zeros((40, 40))
    other = great.copy()
    other[20, 20] = 1.0
    files = list[int]()

    def made(of: Any, settings: Any) -> None:
        Work(tmp_path).fitted("same", lambda key, x: (x, jnp.zeros(1)), KEYS[:1], X, settings=settings, of=of)
        files.append(len(list(tmp_path.iterdir())))

    class Layers:
        def __init__(self, layer: Any) -> None:
            self.layers = (layer,)

    made(Layers(Shifted(great)), {"by": great})
    made(Layers(Shifted(great)), {"by": great})
    made(Layers(Shifted(other)), {"by": other})
    made(Layers(redefined()()), {"by": great})
    assert files == [1, 1, 2, 3]
    with jax.enable_x64(True):
        made(Layers(Shifted(great)), {"by": great})
    assert files[-1] == 4
    with pytest.raises(TypeError, match="cannot be told apart"):
        made(MODEL, {"by": object()})


def test_a_file_without_its_losses_or_of_another_shape_is_made_again(tmp_path: Path) -> None:
    first = Work(tmp_path).fitted("squares", squares, KEYS[:1], X)
    (file,) = tmp_path.iterdir()
    arrays, whole = load_file(file), len(file.read_bytes())
    for spoiled, about in ((arrays, None), ({**arrays, "0": np.zeros(7, np.float32)}, {"loss": "0.0"})):
        save_file(spoiled, str(file), metadata=about)
        same(Work(tmp_path).fitted("squares", squares, KEYS[:1], X).trees, first.trees)
        assert len(file.read_bytes()) == whole  # written again


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
