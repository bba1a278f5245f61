"""Labelled items in three parts: to learn from, to choose settings by, and to measure on. NumPy."""

from __future__ import annotations

import io
import os
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

DATA_FOLDER = "ASSENT_DATA"
"""The environment variable that names the folder with `mnist.npz` and `cifar10_jpeg.npz`."""

DIGITS_TRAIN, DIGITS_VALIDATION = 500, 297
"""Of scikit-learn's 1,797 digits; the other 1,000 are measured on."""


@dataclass(frozen=True, eq=False)
class Labelled:
    """Items and their right labels.

    Attributes:
        x: float32 [n, ...].
        y: int32 [n], from 0.
    """

    x: NDArray[np.float32]
    y: NDArray[np.int32]

    @classmethod
    def of(cls, x: ArrayLike, y: ArrayLike) -> Labelled:
        """Items and labels, checked.

        Raises:
            ValueError: another number of labels than of items, none at all, a number that is not finite, a label below 0 or
                beyond what 32 bits hold.

        >>> len(Labelled.of([[1.0, 2.0]], [0]))
        1
        """
        items, labels = np.asarray(x, dtype=np.float32), np.asarray(y)
        if items.ndim < 2 or labels.shape != items.shape[:1] or len(items) == 0:
            raise ValueError(
                f"Items have the shape {items.shape} and labels {labels.shape}; give at least one item, [n, ...], and a label each, [n]."
            )
        unsound = np.flatnonzero(~np.isfinite(items.reshape(len(items), -1)).all(axis=1))
        if len(unsound):
            raise ValueError(
                f"Item {int(unsound[0])} holds a number that is not finite, and so do {len(unsound) - 1} others; leave them out."
            )
        most = np.iinfo(np.int32).max
        if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0 or labels.max() > most:
            raise ValueError(
                f"Labels are {labels.dtype} from {labels.min()} to {labels.max()}; give integers from 0 to {most:,} at most."
            )
        return cls(items, labels.astype(np.int32))

    def __len__(self) -> int:
        return len(self.y)

    def __getitem__(self, places: Any) -> Labelled:
        return Labelled(self.x[places], self.y[places])


@dataclass(frozen=True)
class Splits:
    """Three parts of one set.

    Attributes:
        train: what members learn from.
        validation: what temperatures and other settings are chosen by.
        test: what is measured on, and on nothing else.
        num_classes: labels are below.
        name: of the set.
    """

    train: Labelled
    validation: Labelled
    test: Labelled
    num_classes: int
    name: str

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one item."""
        return self.train.x.shape[1:]


def digits(seed: int = 0) -> Splits:
    """scikit-learn's 1,797 digits, 8 x 8, in an order drawn from `seed`: 500, 297 and 1,000, with the training part's mean and spread.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the digits ship inside scikit-learn, which is not installed: pip install 'assent[lab]'."
        ) from error
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng([seed, 0]).permutation(len(labels))
    whole = Labelled.of(np.asarray(images)[order], np.asarray(labels)[order])
    first, second = DIGITS_TRAIN, DIGITS_TRAIN + DIGITS_VALIDATION
    return _standardised(Splits(whole[:first], whole[first:second], whole[second:], 10, "digits"))


def mnist(seed: int = 0, *, num_train: int = 1_000, num_validation: int = 1_000, folder: Path | None = None) -> Splits:
    """MNIST at 14 x 14 (means of 2 x 2 pixels) as `[n, 196]`: parts of the training set drawn from `seed`, and all 10,000 test items.

    LeCun, Cortes and Burges, "The MNIST database of handwritten digits".

    Args:
        folder: with `mnist.npz` (train_image, train_label, test_image, test_label); what ASSENT_DATA names when left out.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: more items than there are.
    """
    arrays = _arrays(
        "mnist.npz", folder, tuple(f"{part}_{what}" for part in ("train", "test") for what in ("image", "label"))
    )
    train, test = (_ten(_halved(arrays[f"{part}_image"]), arrays[f"{part}_label"]) for part in ("train", "test"))
    chosen, beside = _places(len(train), seed, num_train, num_validation)
    return _standardised(Splits(train[chosen], train[beside], test, 10, f"mnist-{num_train}"))


def cifar10(
    seed: int = 0, *, num_train: int = 45_000, num_validation: int = 5_000, folder: Path | None = None
) -> Splits:
    """CIFAR-10 as `[n, 32, 32, 3]`, each channel with mean 0 and variance 1 over the training part. The pictures went through JPEG.

    Krizhevsky, "Learning multiple layers of features from tiny images", 2009. Figures published for the lossless pictures are a little
    better than what these allow.

    Args:
        folder: with `cifar10_jpeg.npz`; what ASSENT_DATA names when left out.

    Raises:
        FileNotFoundError: it is not there.
        ModuleNotFoundError: Pillow is not installed.
    """
    try:
        from PIL import Image
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError("CIFAR-10's pictures are JPEGs, which Pillow reads: pip install pillow.") from error

    def decoded(arrays: Mapping[str, NDArray[Any]], part: str, places: NDArray[np.int64]) -> Labelled:
        stream, starts = arrays[f"{part}_bytes"], arrays[f"{part}_offset"]
        pictures = [
            np.asarray(Image.open(io.BytesIO(stream[starts[place] : starts[place + 1]].tobytes())), dtype=np.float32)
            for place in places
        ]
        return _ten(np.stack(pictures) / np.float32(255), arrays[f"{part}_label"][places])

    wanted = tuple(f"{part}_{what}" for part in ("train", "test") for what in ("bytes", "offset", "label"))
    arrays = _arrays("cifar10_jpeg.npz", folder, wanted)
    chosen, beside = _places(len(arrays["train_label"]), seed, num_train, num_validation)
    parts = (decoded(arrays, "train", chosen), decoded(arrays, "train", beside))
    test = decoded(arrays, "test", np.arange(len(arrays["test_label"])))
    return _standardised(Splits(*parts, test, 10, "cifar10"), axes=(0, 1, 2))


def _places(number: int, seed: int, num_train: int, num_validation: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Which of `number` items are learned from, and by which is chosen."""
    if min(num_train, num_validation) < 1 or num_train + num_validation > number:
        raise ValueError(
            f"{num_train:,} items to learn from and {num_validation:,} to choose by: give at least one of each, and "
            f"{number:,} in all at most."
        )
    order = np.random.default_rng([seed, 0]).permutation(number)
    return order[:num_train], order[num_train : num_train + num_validation]


def _standardised(splits: Splits, *, axes: tuple[int, ...] | None = None) -> Splits:
    """All parts less the training part's mean, in its standard deviations: of all numbers together, or over `axes`. What does not vary
    there is 0 there, and elsewhere as far from it as it was."""
    mean = splits.train.x.mean(axis=axes, dtype=np.float64)
    found = splits.train.x.std(axis=axes, dtype=np.float64)
    spread = np.where(found > 0, found, 1.0)

    def scaled(part: Labelled) -> Labelled:
        return replace(part, x=np.asarray((part.x - mean) / spread, dtype=np.float32))

    return replace(splits, train=scaled(splits.train), validation=scaled(splits.validation), test=scaled(splits.test))


def _halved(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """[n, 196] means of 2 x 2 pixels.

    Raises:
        ValueError: no such pictures.
    """
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise ValueError(f"The pictures have the shape {images.shape}; MNIST's are [n, 28, 28].")
    windows = images.reshape(len(images), 14, 2, 14, 2).astype(np.float32)
    return np.asarray(windows.mean(axis=(2, 4)).reshape(len(images), -1))


def _file(name: str, folder: Path | None) -> Path:
    place = folder or (Path(os.environ[DATA_FOLDER]) if os.environ.get(DATA_FOLDER) else None)
    if place is None or not (place / name).is_file():
        raise FileNotFoundError(
            f"{name} is not in {place}: name the folder that holds it, or set {DATA_FOLDER} to it."
            if place
            else f"Nobody says where {name} is: name the folder that holds it, or set {DATA_FOLDER} to it."
        )
    return place / name


def _arrays(name: str, folder: Path | None, wanted: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """These arrays of a data file.

    Raises:
        FileNotFoundError: it is not there.
        ValueError: it is no such file, or one of the arrays is not in it.
    """
    path = _file(name, folder)
    try:
        with np.load(path) as file:
            return {array: file[array] for array in wanted}
    except KeyError as error:
        raise ValueError(f"{path} has no array {error}; it needs {', '.join(wanted)}.") from error
    except (
        TypeError,
        ValueError,
        EOFError,
        zipfile.BadZipFile,
        zlib.error,
    ) as error:  # TypeError: one array, and no archive
        raise ValueError(f"{path} is no archive of arrays that NumPy reads without pickles; get it again.") from error


def _ten(items: NDArray[np.float32], labels: NDArray[Any]) -> Labelled:
    """Items of ten classes.

    Raises:
        ValueError: as of `Labelled.of`, or a label that is none of the ten.
    """
    data = Labelled.of(items, labels)
    if data.y.max() > 9:
        raise ValueError(f"There is a label {data.y.max()}; these are from 0 to 9.")
    return data
