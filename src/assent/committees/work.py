"""Work: pieces that are computed once each, counted, kept on disk if one likes, and shown as they go. JAX."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from assent.committees.costs import Cost, Counted
from assent.committees.identity import code_of_layers, computing, digest
from assent.committees.models import Model
from assent.committees.programs import program
from assent.committees.splits import Splits
from assent.committees.training import Training

Progress: TypeAlias = Callable[[int, int], None]
"""`(done, total)` pieces."""


class DroppedWarning(UserWarning):
    """A member's training left the finite numbers, and it was left out."""


@dataclass(frozen=True)
class Pieces:
    """What became of some pieces of work.

    Attributes:
        trees: of those that came out finite, pytrees of arrays.
        numbers: which those are.
        dropped: which were left out because their loss or a parameter was not finite.
        losses: of those that are left, the mean over the last tenth of their steps.
        flops, cpu_s: of all of them, those that were dropped included.
    """

    trees: list[Any]
    numbers: tuple[int, ...]
    dropped: tuple[int, ...]
    losses: tuple[float, ...]
    flops: float
    cpu_s: float

    @property
    def cost(self) -> Cost:
        """As that of training."""
        return Cost(train_flops=self.flops, cpu_s=self.cpu_s)


@dataclass(frozen=True)
class Work:
    """How pieces are worked through.

    Attributes:
        folder: where finished pieces are kept; whoever starts again with the same settings and keys finds them there. None keeps nothing.
        progress: told after each piece.
    """

    folder: Path | None = None
    progress: Progress | None = None

    def fitted(
        self,
        label: str,
        fit: Callable[..., tuple[Any, jax.Array]],
        keys: Sequence[jax.Array],
        *args: Any,
        settings: Any = (),
        of: Any = None,
        names: Sequence[str] = (),
        rows: bool = False,
    ) -> Pieces:
        """`fit(key, *args) -> (tree, losses)` for each key.

        A process compiles it once for a model, settings and shapes: whoever calls again with these is given the program of before.

        Args:
            label: of the work, for the files' names.
            settings: what else the result depends on (beside keys and args), as JSON's values or dataclasses of them.
            of: the model that is trained, by which compiled programs are told apart; without it `fit` is compiled anew.
            names: of the pieces, for the warning about those that are dropped.
            rows: whether a tree's leaves have a row for each member. Then a piece stays if one row is finite, and `finite_rows` says which.

        Raises:
            ValueError: every piece was dropped.
        """
        identity = digest([label, settings, *code_of_layers(of), *computing(), *args]) if self.folder else ""
        counted = program(fit, of, digest([label, settings]), args)
        trees, numbers, dropped, losses = list[Any](), list[int](), list[int](), list[float]()
        flops, cpu_s = list[float](), list[float]()
        for number, key in enumerate(keys):
            tree, loss, spent, seconds = self._piece(label, identity, counted, key, args)
            flops.append(spent)
            cpu_s.append(seconds)
            if bool(_sound_rows(tree).any()) if rows else math.isfinite(loss) and _sound(tree):
                trees.append(tree)
                numbers.append(number)
                losses.append(loss)
            else:
                dropped.append(number)
            if self.progress is not None:
                self.progress(number + 1, len(keys))
        said = tuple(names[number] if names else f"{label} {number + 1}" for number in dropped)
        if not trees:
            raise ValueError(
                f"Every member's loss left the finite numbers ({', '.join(said)}); lower the learning rate or look for broken items."
            )
        _said_of_dropped(said, len(trees))
        return Pieces(trees, tuple(numbers), tuple(dropped), tuple(losses), math.fsum(flops), math.fsum(cpu_s))

    def _piece(
        self, label: str, identity: str, counted: Counted, key: jax.Array, args: tuple[Any, ...]
    ) -> tuple[Any, float, float, float]:
        data = np.asarray(jax.random.key_data(key))
        file = self.folder / f"{label}-{identity}-{data.tobytes().hex()}.safetensors" if self.folder else None
        if file is not None and file.is_file():
            kept = _read(file, jax.eval_shape(counted.function, key, *args)[0])
            if kept is not None:
                return kept
        measured = counted(key, *args)
        tree, losses = measured.value
        last = np.asarray(losses)[-max(1, len(losses) // 10) :]
        loss = float(last.mean()) if len(last) else 0.0
        if file is not None:
            _write(file, tree, {"loss": repr(loss), "flops": repr(measured.flops), "cpu_s": repr(measured.cpu_s)})
        return tree, loss, measured.flops, measured.cpu_s


def finite_rows(tree: Any, names: Sequence[str]) -> tuple[Any, list[str], list[str]]:
    """The rows of a pytree's leaves `[N, ...]` that are finite, their names, and the names of those that were left out, with a warning."""
    sound = _sound_rows(tree)
    kept, dropped = (
        [name for name, fine in zip(names, sound, strict=True) if bool(fine) is which] for which in (True, False)
    )
    if dropped:
        tree = jax.tree.map(lambda leaf: leaf[np.flatnonzero(sound)], tree)
    _said_of_dropped(dropped, len(kept))
    return tree, kept, dropped


def keys_of(key: jax.Array, numbers: Sequence[int]) -> list[jax.Array]:
    """A key for each number: a member's key depends on nothing but its number."""
    return [jax.random.fold_in(key, number) for number in numbers]


def training_arrays(data: Splits) -> tuple[jax.Array, jax.Array]:
    """Items and labels to learn from; `roots.items_and_labels` checks them against a model.

    Raises:
        ValueError: fewer than one item, or labels beyond the classes.
    """
    if len(data.train) == 0 or int(data.train.y.max()) >= data.num_classes:
        raise ValueError(
            f"There are {len(data.train)} items to learn from, with labels up to {int(data.train.y.max(initial=-1))} of {data.num_classes} "
            "classes; give at least one item, and labels below the number of classes."
        )
    return jnp.asarray(data.train.x), jnp.asarray(data.train.y)


def described(model: Model, training: Training, **others: Any) -> dict[str, Any]:
    """Settings that a piece of work depends on."""
    return {"model": model.describe(), "training": asdict(training), **others}


def _floating(tree: Any) -> list[Any]:
    return [leaf for leaf in jax.tree.leaves(tree) if jnp.issubdtype(leaf.dtype, jnp.floating)]


def _sound(tree: Any) -> bool:
    return all(bool(jnp.isfinite(leaf).all()) for leaf in _floating(tree))


def _sound_rows(tree: Any) -> np.ndarray:
    return np.all(
        [np.isfinite(np.asarray(leaf)).reshape(len(leaf), -1).all(axis=1) for leaf in _floating(tree)], axis=0
    )


def _said_of_dropped(names: Sequence[str], left: int) -> None:
    if names:
        warnings.warn(
            f"Left out, for a loss that is not finite: {', '.join(names)}. The other {left} members stay.",
            DroppedWarning,
            stacklevel=4,
        )


def _write(file: Path, tree: Any, metadata: dict[str, str]) -> None:
    from safetensors.numpy import save_file

    file.parent.mkdir(parents=True, exist_ok=True)
    arrays = {str(number): np.asarray(leaf, order="C") for number, leaf in enumerate(jax.tree.leaves(tree))}
    unfinished = file.with_name(file.name + ".part")
    save_file(arrays, str(unfinished), metadata=metadata)
    unfinished.replace(file)


def _read(file: Path, shapes: Any) -> tuple[Any, float, float, float] | None:
    """What `_write` wrote, or None if the file was damaged since: then the piece is made again."""
    from safetensors import SafetensorError, safe_open

    leaves, tree = jax.tree.flatten(shapes)
    try:
        with safe_open(str(file), framework="numpy") as opened:
            arrays = [jnp.asarray(opened.get_tensor(str(number))) for number in range(len(leaves))]
            about = opened.metadata() or {}
            loss, flops, cpu_s = (float(about[name]) for name in ("loss", "flops", "cpu_s"))
    except (SafetensorError, KeyError, ValueError):
        return None
    if any(array.shape != leaf.shape or array.dtype != leaf.dtype for array, leaf in zip(arrays, leaves, strict=True)):
        return None
    return jax.tree.unflatten(tree, arrays), loss, flops, cpu_s
