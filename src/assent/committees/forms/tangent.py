"""tangent: samples of what the parameters near a root could be after the data, and their exact answer to one datum more."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
import scipy.linalg
from numpy.typing import NDArray

from assent.committees.costs import bytes_of, flops_of
from assent.committees.forms.form import (
    Arrays,
    OfModel,
    Places,
    Unlearnable,
    checked_arrays,
    checked_data,
    checked_places,
    in_chunks,
    named,
    shapes_of,
    unnamed,
    widest,
)
from assent.committees.forms.prior import MOST_VARIANCE, Prior
from assent.committees.identity import checked_drawing, drawing
from assent.committees.kernels.posterior import Conditioned, Floats, conditioned, drawn_noise, extended
from assent.committees.kernels.room import as_computed, exact_gram, exact_taps, taps_with_room, with_row
from assent.committees.kernels.tangents import Taps, along_all, diagonal, directions, gram, taps
from assent.committees.layers import Params
from assent.committees.models import Model, at, model_of, replaced


@dataclass(frozen=True, eq=False)
class Tangent(OfModel):
    """Members `x -> c f(x; root) + J(x) d`, one direction d each, drawn from what the data leave of a normal prior over directions.

    A member is drawn by Matheron's rule: its draw from the prior, and the kernel's answer to what that gets wrong at the data. `observed`
    adds a datum in O(n^2): the members are then those that all data together would have given.

    Attributes:
        model: of the root.
        root: parameters.
        prior: what is believed before the data.
        scale: s^2, the variance of a direction's entries, so that logits have the prior's variance on average over the data.
        key: uint32 [2], key data of all draws.
        numbers: integers [N], which of all draws these members are.
        items, labels: `[n, ...]` and integers `[n]`, the data.
        known: what the functions know of them; `[n, N C]`, or `[n C, N]` for `entk`.
        seen, exact: the items' taps, in arrays with room for more, as the model computes and in double precision.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("model", "prior", "scale")
    kind: ClassVar[str] = "tangent"
    model: Model
    root: Params
    prior: Prior
    scale: float
    key: NDArray[np.uint32]
    numbers: NDArray[np.int64]
    items: NDArray[np.floating[Any]]
    labels: NDArray[np.int64]
    known: Conditioned
    seen: Taps
    exact: Taps

    @property
    def num_members(self) -> int:
        return len(self.numbers)

    @property
    def num_bytes(self) -> int:
        return (
            bytes_of(self.root)
            + self.items.nbytes
            + self.labels.nbytes
            + self.known.lower.nbytes
            + self.known.coefficients.nbytes
            + self.key.nbytes
            + self.numbers.nbytes
        )

    def infer_flops(self) -> float:
        item = jax.ShapeDtypeStruct((1, *self.input_shape), self.items.dtype)
        shapes = jax.eval_shape(lambda: self.root)
        root = flops_of(self.model.apply, shapes, item)
        both = flops_of(
            lambda own, moved, x: jax.jvp(lambda p: self.model.apply(p, x), (own,), (moved,)), shapes, shapes, item
        )
        row = flops_of(self._kernel_of, shapes, item, self.seen)
        outputs = self.num_classes if self.prior.kernel == "entk" else 1
        return root + self.num_members * (both - root) + row + 2.0 * outputs * self.known.coefficients.size

    def logits(self, x: Any) -> NDArray[np.floating[Any]]:
        per_item = (
            widest(self.model)
            + self.num_members * self.num_classes
            + len(self.labels) * (self.num_classes**2 if self.prior.kernel == "entk" else 1)
        )
        items = np.asarray(x, dtype=self.items.dtype)
        return in_chunks(self._logits, items, per_item=8 * per_item)  # kernels and solutions are in double precision

    def _logits(self, x: jax.Array) -> Any:
        prior = self.prior.spread * np.sqrt(self.scale) * self.prior_draws(x)
        rows, own = (self.scale * np.asarray(part, np.float64) for part in self._kernel_of(self.root, x, self.seen))
        rows = _flat(rows[:, : len(self.labels)])
        prior[:, ~(own <= MOST_VARIANCE)] = np.nan  # where nothing can be learned, nothing is said
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is seen by whoever reads the logits
            added = self.known.values(rows)
        if self.prior.kernel == "entk":
            added = added.reshape(len(x), self.num_classes, -1).transpose(2, 0, 1)
        else:
            added = added.reshape(len(x), -1, self.num_classes).transpose(1, 0, 2)
        return self._centre(x)[None] + prior + added

    def prior_draws(self, x: Any) -> NDArray[np.floating[Any]]:
        """`J(x) d` of each member's direction before the data, entries of variance 1, `[N, B, C]`."""
        return np.asarray(along_all(self.model, self.root, _key(self.key), jnp.asarray(self.numbers), jnp.asarray(x)))

    def directions(self) -> Params:
        """Directions of the members after the data, leaves `[N, ...]`: for `entk`, whose members are points of the tangent space.

        Raises:
            ValueError: another kernel, whose members are functions beside that space.
        """
        if self.prior.kernel != "entk":
            raise ValueError(
                f"Members by the kernel {self.prior.kernel!r} are no points of the tangent space; only entk's have directions."
            )
        x = jnp.asarray(self.items)
        back = jax.vjp(lambda params: self.model.apply(params, x), self.root)[1]
        solved = self.known.coefficients.reshape(len(x), self.num_classes, -1)
        found = list[Params]()
        for place, number in enumerate(self.numbers):
            drawn = directions(self.model, self.root, _key(self.key), int(number))
            (moved,) = back(jnp.asarray(solved[:, :, place], dtype=x.dtype))
            moved = _linear_only(self.model, moved)
            spread = self.prior.spread * np.sqrt(self.scale)
            found.append(jax.tree.map(lambda a, b, s=spread: s * a + self.scale * b, drawn, moved))
        return jax.tree.map(lambda *leaves: jnp.stack(leaves), *found)

    def subset(self, places: Places) -> Tangent:
        chosen = checked_places(places, self.num_members)
        coefficients = self.known.coefficients
        if self.prior.kernel == "entk":
            coefficients = coefficients[:, chosen]
        else:
            shape = (len(coefficients), self.num_members, self.num_classes)
            coefficients = coefficients.reshape(shape)[:, chosen].reshape(len(coefficients), -1)
        known = replace(self.known, coefficients=np.ascontiguousarray(coefficients))
        return replace(self, numbers=self.numbers[chosen], known=known)

    def spread_to(self, spread: float) -> Tangent:
        """The same members with their deviations from the posterior's mean multiplied anew."""
        if self.prior.spread == 0.0:
            raise ValueError(
                "All members are the posterior's mean: there is nothing left to spread. Make them with a spread above 0."
            )
        targets = _targets(self.labels, self.num_classes) - self._centre(jnp.asarray(self.items))
        solved = scipy.linalg.cho_solve((self.known.lower, True), targets.reshape(len(self.known), -1))
        mean = (
            np.repeat(solved, self.num_members, axis=1)
            if self.prior.kernel == "entk"
            else np.tile(solved, self.num_members)
        )
        times = spread / self.prior.spread
        coefficients = np.ascontiguousarray(mean + times * (self.known.coefficients - mean))
        return replace(
            self, prior=replace(self.prior, spread=spread), known=replace(self.known, coefficients=coefficients)
        )

    def observed(self, x: NDArray[np.floating[Any]], y: int) -> Tangent:
        """The members after one labelled item more.

        Args:
            x: one item.
            y: its label.

        Raises:
            ValueError: another shape, a number that is not finite, or no such label.
            Unlearnable: members or their kernel are not finite at the item.
        """
        item = np.asarray(x, dtype=self.items.dtype)
        if item.shape != self.input_shape or not np.isfinite(item).all() or not 0 <= y < self.num_classes:
            raise ValueError(
                f"An item of the shape {item.shape} with the label {y}: give one of the shape {self.input_shape}, of finite numbers, with "
                f"a label from 0 to {self.num_classes - 1}."
            )
        tap = exact_taps(self.model, self.root, item[None], kernel=self.prior.kernel)
        n, classes = len(self.labels), self.num_classes
        rows = self.scale * exact_gram(tap, self.exact, kernel=self.prior.kernel)[:, :n]
        corner = self.scale * exact_gram(tap, tap, kernel=self.prior.kernel)
        target = _targets(np.asarray([y]), classes)[0]
        said = np.asarray(self._logits(jnp.asarray(item[None])), dtype=np.float64)[:, 0]
        noise = self._noise(np.asarray([n]))[:, 0]
        missing = target[None] - said - noise  # [N, C]
        if not (np.isfinite(rows).all() and np.isfinite(corner).all() and np.isfinite(missing).all()):
            raise Unlearnable(
                f"Nothing can be learned at this item, whose logits could have any value of a variance of {np.max(corner):.2g} before it: "
                "its numbers are too great. Scale it down."
            )
        known = self.known
        if self.prior.kernel == "entk":
            known = _extended_by_classes(known, rows[0], corner[0, 0], missing, noise=self.prior.noise)
        else:
            known = extended(known, rows[0], float(corner[0, 0]), missing.reshape(-1), noise=self.prior.noise)
        return replace(
            self,
            items=np.concatenate([self.items, item[None]]),
            labels=np.concatenate([self.labels, np.asarray([y])]),
            known=known,
            seen=with_row(self.seen, as_computed(tap, self.root), n),
            exact=with_row(self.exact, tap, n),
        )

    def refitted(self) -> Tangent:
        """The same members from all data at once: what `observed` must agree with."""
        return tangent_members(
            self.model,
            self.root,
            self.items,
            self.labels,
            prior=self.prior,
            scale=self.scale,
            key=self.key,
            numbers=self.numbers,
        )

    def _kernel_of(self, root: Params, x: jax.Array, seen: Taps) -> tuple[jax.Array, jax.Array]:
        """Between items and what was seen, and of each item with itself; `s^2` left out."""
        tap = taps(self.model, root, x, kernel=self.prior.kernel)
        return gram(tap, seen, kernel=self.prior.kernel), diagonal(tap, kernel=self.prior.kernel)

    def _centre(self, x: jax.Array) -> Floats:
        if not self.prior.centre:
            return np.zeros((len(x), self.num_classes))
        return self.prior.centre * np.asarray(_apply(self.model, self.root, x), dtype=np.float64)

    def _noise(self, places: NDArray[np.int64]) -> Floats:
        drawn = drawn_noise(_key(self.key), jnp.asarray(self.numbers), jnp.asarray(places), self.num_classes)
        return self.prior.spread * np.sqrt(self.prior.noise) * np.asarray(drawn, dtype=np.float64)

    def settings(self) -> dict[str, Any]:
        prior = {name: getattr(self.prior, name) for name in ("kernel", "variance", "noise", "spread", "centre")}
        return {
            "model": self.model.describe(),
            "prior": prior,
            "scale": self.scale,
            "jitter": self.known.jitter,
            "drawing": drawing(),
        }

    def arrays(self) -> Arrays:
        return named(self.root, "root") | {
            "key": self.key,
            "numbers": self.numbers,
            "items": self.items,
            "labels": self.labels,
            "lower": self.known.lower,
            "coefficients": self.known.coefficients,
        }

    @classmethod
    def restored(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Tangent:
        """What `settings` and `arrays` were taken of.

        Raises:
            ValueError: arrays that do not fit each other, or draws that would be others here.
        """
        checked_drawing(settings)
        items: NDArray[Any] = np.asarray(arrays["items"], dtype=np.float32)
        arrays = {**arrays, "items": items}
        model, prior = model_of(settings["model"]), Prior(**settings["prior"])
        root = unnamed(arrays, shapes_of(model), "root")
        n, classes = len(arrays["labels"]), model.num_classes
        size, columns = (n * classes, 1) if prior.kernel == "entk" else (n, classes)
        checked_arrays(
            arrays,
            items=(n, *model.input_shape),
            labels=(n,),
            lower=(size, size),
            coefficients=(size, len(arrays["numbers"]) * columns),
            key=(2,),
        )
        checked_data(arrays["items"], arrays["labels"], model)
        known = Conditioned(arrays["lower"], arrays["coefficients"], settings["jitter"])
        exact = taps_with_room(model, root, arrays["items"], kernel=prior.kernel)
        return cls(
            model,
            root,
            prior,
            settings["scale"],
            np.asarray(arrays["key"], dtype=np.uint32),
            arrays["numbers"],
            arrays["items"],
            arrays["labels"],
            known,
            as_computed(exact, root),
            exact,
        )


def tangent_members(
    model: Model,
    root: Params,
    x: NDArray[np.floating[Any]],
    y: NDArray[np.integer[Any]],
    *,
    prior: Prior,
    key: NDArray[np.uint32],
    numbers: NDArray[np.int64],
    scale: float | None = None,
) -> Tangent:
    """Members of the tangent space at `root` after the data.

    Args:
        x, y: items `[n, ...]` and labels `[n]`.
        key: key data of all draws.
        numbers: which draws; a member depends on its number and on nothing else of them.
        scale: s^2; found from the prior's variance and the data when left out.

    Raises:
        ValueError: data that members cannot be conditioned on, or a root whose kernel is not finite or vanishes everywhere.
    """
    checked_data(x, y, model)
    exact = taps_with_room(model, root, x, kernel=prior.kernel)
    kernel = exact_gram(exact, exact, kernel=prior.kernel)[: len(x), : len(x)]
    flat = _flat(kernel)
    if scale is None:
        mean = float(np.mean(np.diag(flat)))
        if not 0 < mean < np.inf:
            raise ValueError(
                f"The kernel at this root is {mean} on average at the data: the root's parameters are not "
                "finite, or nothing reaches its logits."
            )
        scale = prior.variance / mean
    nothing = Conditioned(np.zeros((0, 0)), np.zeros((0, 0)))
    bare = Tangent(
        model,
        root,
        prior,
        scale,
        np.asarray(key, dtype=np.uint32),
        np.asarray(numbers, dtype=np.int64),
        np.asarray(x),
        np.asarray(y, dtype=np.int64),
        nothing,
        as_computed(exact, root),
        exact,
    )
    draws = in_chunks(bare.prior_draws, x, per_item=8 * (widest(model) + len(numbers) * model.num_classes))
    said = prior.spread * np.sqrt(scale) * draws + bare._centre(jnp.asarray(x))[None]  # pyright: ignore[reportPrivateUsage]
    missing = _targets(y, model.num_classes)[None] - said - bare._noise(np.arange(len(x)))  # pyright: ignore[reportPrivateUsage]
    if prior.kernel == "entk":
        residual = missing.transpose(1, 2, 0).reshape(-1, len(numbers))
    else:
        residual = missing.transpose(1, 0, 2).reshape(len(x), -1)
    return replace(bare, known=conditioned(scale * flat, residual, noise=prior.noise))


def _targets(y: NDArray[np.integer[Any]], classes: int) -> Floats:
    """1 for the right label and 0 for the others, less their mean."""
    return np.asarray(np.eye(classes)[np.asarray(y)] - 1.0 / classes)


def _flat(kernel: Floats) -> Floats:
    """`[n, m]` as it is, `[n, m, C, C]` as `[n C, m C]`."""
    if kernel.ndim == 2:
        return kernel
    n, m, c, _ = kernel.shape
    return kernel.transpose(0, 2, 1, 3).reshape(n * c, m * c)


def _extended_by_classes(
    known: Conditioned, rows: Floats, corner: Floats, missing: Floats, *, noise: float
) -> Conditioned:
    """One datum's C logits, one after the other. `rows` `[n, C, C]`, `corner` `[C, C]`, `missing` `[N, C]`."""
    classes = len(corner)
    before, start = rows.transpose(1, 0, 2).reshape(classes, -1), known.coefficients
    for place in range(classes):
        row = np.concatenate([before[place], corner[place, :place]])
        # what the logits before this one brought about is known by now
        said = corner[place, :place] @ known.coefficients[before.shape[1] :] if place else 0.0
        moved = before[place] @ (known.coefficients[: before.shape[1]] - start) if place else 0.0
        known = extended(known, row, float(corner[place, place]), missing[:, place] - said - moved, noise=noise)
    return known


@functools.partial(jax.jit, static_argnums=0)
def _apply(model: Model, params: Params, x: jax.Array) -> jax.Array:
    return model.apply(params, x)


def _linear_only(model: Model, moved: Params) -> Params:
    """`moved` with zeros for whatever is no parameter of a linear layer."""
    kept = jax.tree.map(jnp.zeros_like, moved)
    for path, _ in model.linear_layers():
        kept = replaced(kept, path, at(moved, path))
    return kept


def _key(data: NDArray[np.uint32]) -> jax.Array:
    return jax.random.wrap_key_data(jnp.asarray(data))
