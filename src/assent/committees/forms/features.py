"""features: linear heads over features that all members share, drawn from what the data leave of a normal prior; exact in each answer."""

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
from assent.committees.forms.prior import MOST_VARIANCE
from assent.committees.identity import checked_drawing, drawing
from assent.committees.kernels.features import FeatureMap, features
from assent.committees.kernels.posterior import Floats, drawn_noise, factorised
from assent.committees.layers import Params
from assent.committees.models import Model, model_of


@dataclass(frozen=True)
class HeadPrior:
    """What is believed before the data of heads over features.

    Attributes:
        features: see `assent.committees.kernels.features.FeatureMap`.
        number: directions of a sketch.
        variance, noise, spread: as in `assent.committees.forms.prior.Prior`.
    """

    features: FeatureMap = "last"
    number: int = 512
    variance: float = 2.5
    noise: float = 0.01
    spread: float = 0.3

    def __post_init__(self) -> None:
        if self.features not in ("last", "sketch"):
            raise ValueError(f"The features {self.features!r} are unknown; give last or sketch.")
        if not (
            0 < self.variance < np.inf and 0 < self.noise < np.inf and 0 <= self.spread < np.inf and self.number >= 1
        ):
            raise ValueError(
                f"variance = {self.variance}, noise = {self.noise}, spread = {self.spread}, number = {self.number}: variances are above 0, "
                "the spread is at least 0, and there is at least one direction."
            )


@dataclass(frozen=True, eq=False)
class Features(OfModel):
    """Members `x -> phi(x) w`, one w each. One forward pass serves all of them; a datum more costs O(D^2 + N D C), whatever came before.

    A member is drawn by Matheron's rule, and conditioned on a new datum by the same rule: `w + S phi (y - phi w - noise) / (phi S phi +
    variance)`, S the covariance that all share.

    Attributes:
        model, root: whose features these are.
        prior: what is believed before the data.
        scale: variance of a head's entries, so that logits have the prior's variance on average over the data.
        key: uint32 [2], key data of all draws.
        numbers: integers [N], which of all draws these members are.
        covariance: float64 [D, D], of w after the data, in units of the prior without spread.
        mean: float64 [D, C], or [D] for a sketch: what heads are on average.
        heads: float64 [N, D, C], or [N, D] for a sketch.
        num_data: how many data there were.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("model", "prior", "scale")
    kind: ClassVar[str] = "features"
    model: Model
    root: Params
    prior: HeadPrior
    scale: float
    key: NDArray[np.uint32]
    numbers: NDArray[np.int64]
    covariance: Floats
    mean: Floats
    heads: Floats
    num_data: int

    @property
    def num_members(self) -> int:
        return len(self.numbers)

    @property
    def num_bytes(self) -> int:
        kept = self.covariance.nbytes + self.mean.nbytes + self.heads.nbytes
        return bytes_of(self.root) + kept + self.key.nbytes + self.numbers.nbytes

    @property
    def _dtype(self) -> Any:
        return jax.tree.leaves(self.root)[0].dtype

    def infer_flops(self) -> float:
        item = jax.ShapeDtypeStruct((1, *self.input_shape), jnp.float32)
        shared = flops_of(
            lambda own, x: features(
                self.model, own, _key(self.key), x, kind=self.prior.features, number=self.prior.number
            ),
            shapes_of(self.model),
            item,
        )
        readings = self.num_classes if self.prior.features == "sketch" else 1
        return shared + 2.0 * readings * self.heads.size

    def logits(self, x: Any) -> NDArray[np.floating[Any]]:
        readings = self.num_classes if self.prior.features == "sketch" else 1
        per_item = widest(self.model) + 2 * len(self.covariance) * readings + 2 * self.num_members * self.num_classes
        return in_chunks(self._logits, x, per_item=per_item)

    def _logits(self, x: jax.Array) -> Any:
        phi = self._features(x)
        with np.errstate(invalid="ignore", over="ignore"):  # what is not finite is seen by whoever reads the logits
            # where nothing can be learned, nothing is said
            phi = np.where(self._learnable(phi)[:, None, None], phi, np.nan)
            if self.prior.features == "sketch":
                return np.einsum("bcd,nd->nbc", phi, self.heads, optimize=True)
            return np.matmul(phi[None, :, 0], self.heads)

    def _features(self, x: jax.Array) -> Floats:
        given = x.astype(self._dtype)
        found = features(
            self.model, self.root, _key(self.key), given, kind=self.prior.features, number=self.prior.number
        )
        return np.asarray(found, dtype=np.float64)

    def _learnable(self, phi: Floats) -> NDArray[np.bool_]:
        """Of each item, by its features `[B, 1 or C, D]`."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.scale * (phi**2).sum(axis=2).max(axis=1) <= MOST_VARIANCE

    def subset(self, places: Places) -> Features:
        chosen = checked_places(places, self.num_members)
        return replace(self, numbers=self.numbers[chosen], heads=self.heads[chosen])

    def spread_to(self, spread: float) -> Features:
        """The same members with their deviations from the posterior's mean multiplied anew."""
        if self.prior.spread == 0.0:
            raise ValueError(
                "All members are the posterior's mean: there is nothing left to spread. Make them with a spread above 0."
            )
        heads = self.mean[None] + spread / self.prior.spread * (self.heads - self.mean[None])
        return replace(self, prior=replace(self.prior, spread=spread), heads=heads)

    def observed(self, x: NDArray[np.floating[Any]], y: int) -> Features:
        """The members after one labelled item more.

        Raises:
            ValueError: another shape, a number that is not finite, or no such label.
            Unlearnable: features are not finite at the item.
        """
        item = np.asarray(x, dtype=self._dtype)
        if item.shape != self.input_shape or not np.isfinite(item).all() or not 0 <= y < self.num_classes:
            raise ValueError(
                f"An item of the shape {item.shape} with the label {y}: give one of the shape {self.input_shape}, of finite numbers, with "
                f"a label from 0 to {self.num_classes - 1}."
            )
        phi = self._features(jnp.asarray(item[None]))[0]  # [1 or C, D]
        if not self._learnable(phi[None])[0]:
            raise Unlearnable(
                "The features are not finite or huge at this item: its numbers are too great. Scale it down."
            )
        target = np.eye(self.num_classes)[y] - 1.0 / self.num_classes
        noise = _noise(self.key, self.numbers, np.asarray([self.num_data]), self.num_classes, self.prior)[:, 0]
        covariance, heads, mean = self.covariance, self.heads, self.mean
        for reading in range(len(phi)):
            row = phi[reading]
            along = covariance @ row
            gain = along / (float(row @ along) + self.prior.noise)
            if self.prior.features == "sketch":
                missing = target[reading] - noise[:, reading] - heads @ row
                heads = heads + missing[:, None] * gain[None, :]
                mean = mean + (target[reading] - mean @ row) * gain
            else:
                missing = target[None] - noise - row @ heads
                heads = heads + gain[None, :, None] * missing[:, None, :]
                mean = mean + np.outer(gain, target - row @ mean)
            covariance = covariance - np.outer(gain, along)
        even = 0.5 * (covariance + covariance.T)
        return replace(self, covariance=even, mean=mean, heads=heads, num_data=self.num_data + 1)

    def settings(self) -> dict[str, Any]:
        prior = {name: getattr(self.prior, name) for name in ("features", "number", "variance", "noise", "spread")}
        return {
            "model": self.model.describe(),
            "prior": prior,
            "scale": self.scale,
            "num_data": self.num_data,
            "drawing": drawing(),
        }

    def arrays(self) -> Arrays:
        return named(self.root, "root") | {
            "key": self.key,
            "numbers": self.numbers,
            "covariance": self.covariance,
            "mean": self.mean,
            "heads": self.heads,
        }

    @classmethod
    def restored(cls, settings: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Features:
        """What `settings` and `arrays` were taken of.

        Raises:
            ValueError: arrays that do not fit each other, or draws that would be others here.
        """
        checked_drawing(settings)
        model, prior = model_of(settings["model"]), HeadPrior(**settings["prior"])
        number, width = len(arrays["numbers"]), len(arrays["covariance"])
        wide = (width,) if prior.features == "sketch" else (width, model.num_classes)
        checked_arrays(arrays, covariance=(width, width), mean=wide, heads=(number, *wide), key=(2,))
        if not (np.diag(arrays["covariance"]) > 0).all():
            raise ValueError("The checkpoint's covariance has variances that are not above 0: it is damaged.")
        return cls(
            model,
            unnamed(arrays, shapes_of(model), "root"),
            prior,
            settings["scale"],
            np.asarray(arrays["key"], dtype=np.uint32),
            arrays["numbers"],
            arrays["covariance"],
            arrays["mean"],
            arrays["heads"],
            settings["num_data"],
        )


def feature_members(
    model: Model,
    root: Params,
    x: NDArray[np.floating[Any]],
    y: NDArray[np.integer[Any]],
    *,
    prior: HeadPrior,
    key: NDArray[np.uint32],
    numbers: NDArray[np.int64],
    scale: float | None = None,
) -> Features:
    """Members over the features of `root` after the data.

    Args:
        x, y: items `[n, ...]` and labels `[n]`.
        key: key data of all draws.
        numbers: which draws; a member depends on its number and on nothing else of them.
        scale: variance of a head's entries; found from the prior's variance and the data when left out.

    Raises:
        ValueError: data that members cannot be conditioned on, or features that are not finite or vanish.
    """
    checked_data(x, y, model)
    classes, key = model.num_classes, np.asarray(key, dtype=np.uint32)
    numbers = np.asarray(numbers, dtype=np.int64)
    sketch = prior.features == "sketch"
    bare = Features(
        model,
        root,
        prior,
        scale or 1.0,
        key,
        numbers,
        np.zeros((0, 0)),
        np.zeros(0),
        np.zeros((len(numbers), 0)),
        len(x),
    )
    each = widest(model) + (2 * prior.number * classes if sketch else widest(model))
    found = in_chunks(lambda part: np.moveaxis(bare._features(part), 0, 1), x, per_item=each)  # pyright: ignore[reportPrivateUsage]
    phi = np.ascontiguousarray(np.moveaxis(found, 1, 0))
    width = phi.shape[2]
    if scale is None:
        mean = float(np.mean(np.sum(phi**2, axis=2)))
        if not 0 < mean < np.inf:
            raise ValueError(
                f"The features' squares sum to {mean} on average: the root's parameters are not finite, or nothing reaches its last layer."
            )
        scale = prior.variance / mean
    drawn = _heads(_key(key), jnp.asarray(numbers), width if sketch else width * classes)
    prior_heads = prior.spread * np.sqrt(scale) * np.asarray(drawn, dtype=np.float64)
    noise = _noise(key, numbers, np.arange(len(x)), classes, prior)
    targets = np.eye(classes)[np.asarray(y)] - 1.0 / classes
    rows = phi.reshape(-1, width)
    lower, _ = factorised(rows.T @ rows / prior.noise + np.eye(width) / scale)
    covariance = np.asarray(scipy.linalg.cho_solve((lower, True), np.eye(width)))
    mean = covariance @ (rows.T @ (targets.ravel() if sketch else targets)) / prior.noise
    if sketch:
        missing = (targets[None] - noise).reshape(len(numbers), -1) - prior_heads @ rows.T
        heads = prior_heads + (missing @ rows / prior.noise) @ covariance
    else:
        prior_heads = prior_heads.reshape(len(numbers), width, classes)
        missing = targets[None] - noise - np.matmul(rows[None], prior_heads)
        heads = prior_heads + np.matmul(covariance @ rows.T / prior.noise, missing)
    even = np.ascontiguousarray(0.5 * (covariance + covariance.T))
    return replace(
        bare, scale=scale, covariance=even, mean=np.ascontiguousarray(mean), heads=np.ascontiguousarray(heads)
    )


@functools.partial(jax.jit, static_argnums=2)
def _heads(key: jax.Array, numbers: jax.Array, size: int) -> jax.Array:
    def one(number: jax.Array) -> jax.Array:
        return jax.random.normal(jax.random.fold_in(jax.random.fold_in(key, number), 0), (size,))

    return jax.lax.map(one, numbers)


def _noise(
    key: NDArray[np.uint32], numbers: NDArray[np.int64], places: NDArray[np.int64], classes: int, prior: HeadPrior
) -> Floats:
    """Noise `[N, n, C]`: each depends on the member's number, the datum's place and the key alone."""
    drawn = drawn_noise(_key(key), jnp.asarray(numbers), jnp.asarray(places), classes)
    return prior.spread * np.sqrt(prior.noise) * np.asarray(drawn, dtype=np.float64)


def _key(data: NDArray[np.uint32]) -> jax.Array:
    return jax.random.wrap_key_data(jnp.asarray(data))
