"""Problems: a set of labelled items, the networks that are tried on it, and how they are trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from assent.committees import splits
from assent.committees.models import Model, mlp
from assent.committees.recipes.tickets import PUBLISHED
from assent.committees.splits import Splits
from assent.committees.training import Training


@dataclass(frozen=True)
class Problem:
    """What committees are compared on.

    Attributes:
        data: in three parts.
        model: of dense members.
        training: of those; one such training is the unit of cost.
        ticket_model: twice as wide, without biases, for masks: pruned to a half it has about as many weights left a layer.
        ticket_training: of scores.
    """

    data: Splits
    model: Model
    training: Training
    ticket_model: Model
    ticket_training: Training

    @property
    def name(self) -> str:
        """Of the data."""
        return self.data.name


def digits(seed: int = 0, folder: Path | None = None) -> Problem:
    """scikit-learn's digits, 500 to learn from, a network 64-128-128-10. `folder` is not used: they ship inside the package."""
    return dense_problem(splits.digits(seed), steps=300)


def mnist(seed: int = 0, folder: Path | None = None, *, num_train: int = 1_000) -> Problem:
    """MNIST at 14 x 14, `num_train` items to learn from, a network 196-128-128-10."""
    return dense_problem(
        splits.mnist(seed, num_train=num_train, folder=folder), steps=max(600, 600 * num_train // 1_000)
    )


def mnist_4k(seed: int = 0, folder: Path | None = None) -> Problem:
    """The same with 4,000 items and 2,400 steps."""
    return mnist(seed, folder, num_train=4_000)


PROBLEMS: dict[str, Callable[[int, Path | None], Problem]] = {"digits": digits, "mnist": mnist, "mnist-4k": mnist_4k}
"""By name."""


def problem_of(name: str, *, seed: int = 0, folder: Path | None = None) -> Problem:
    """The problem of that name.

    Raises:
        ValueError: there is none.
    """
    if name not in PROBLEMS:
        raise ValueError(f"There is no problem {name!r}; give one of {', '.join(PROBLEMS)}.")
    return PROBLEMS[name](seed, folder)


def dense_problem(data: Splits, *, steps: int) -> Problem:
    """Networks with two hidden layers of 128 units, and of 256 for masks."""
    shape, classes = data.input_shape, data.num_classes
    return Problem(
        data=data,
        model=mlp(shape, (128, 128), classes),
        training=Training(steps=steps),
        ticket_model=mlp(shape, (256, 256), classes, bias=False),
        ticket_training=Training(**{**PUBLISHED.__dict__, "steps": steps}),
    )
