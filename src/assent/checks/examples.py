"""One object of each class in the catalogue, small enough to check in a moment."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from assent.agents.imitator import Imitator
from assent.core import TopK
from assent.hypotheses.fourier import FourierSoftmax, Planted
from assent.hypotheses.masked import Masked
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import Wrapped, wrap
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.noisy import Noisy
from assent.overseers.scripted import Scripted
from assent.worlds.stream import Stream


class NoExample(AssertionError):
    """The checks do not know how to make one of these."""


def tables() -> Tables:
    """Four policies over three contexts and three actions; the last rows of one leave a quarter of their mass out."""
    policies = np.random.default_rng(0).dirichlet(np.ones(3), size=(4, 3))
    policies[3, 2] *= 0.75
    return Tables.of(policies, prior=np.asarray([1.0, 2.0, 3.0, 4.0]))


def fourier() -> FourierSoftmax:
    """Three members on five random features of two inputs, with three actions, two of them learned already."""
    rng = np.random.default_rng(1)
    return FourierSoftmax(
        frequency=rng.normal(size=(3, 2, 5)),
        phase=rng.uniform(0, 2 * np.pi, size=(3, 5)),
        coefficient=rng.normal(size=(3, 6, 3)),
    )


def planted() -> Planted:
    """The same, the second member betraying where the first input is 1 or more."""
    return Planted(ensemble=fourier(), trigger=np.asarray([True, False]), level=1.0, member=1, target=2)


def _rows(obs: Any) -> list[float]:
    return [0.5, 0.25, 0.25]


EXAMPLES: dict[type[Any], Callable[[], Any]] = {
    TopK: lambda: TopK(2, accept_no_guarantee=True),
    Tables: tables,
    Masked: lambda: Masked(tables()),
    FourierSoftmax: fourier,
    Planted: planted,
    Wrapped: lambda: wrap([_rows, lambda obs: [0.0, 0.5, 0.5]], num_actions=3),
    Demonstrator: lambda: Demonstrator(np.asarray([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.25, 0.0, 0.75]])),
    Noisy: lambda: Noisy(Scripted(int), error=0.25, num_actions=3),
    Scripted: lambda: Scripted(int),
    Stream: lambda: Stream.of(np.asarray([0, 2, 1]), labels=np.asarray([1, 0, 2]), num_actions=3),
    Imitator: lambda: Imitator.of(tables()),
}
"""How to make one of those whose constructors want more than numbers. A class that is not listed may bring its own `example()`,
a static method without arguments; one whose constructor wants at most numbers needs neither."""


def example(thing: Any) -> Any:
    """`thing`, or if it is a class (or the import path `module:name` of one) a small object of that class.

    Raises:
        NoExample: there is none in `EXAMPLES`, the class has no static method `example`, and its constructor wants more than numbers.

    >>> from assent.core import AlphaSet, Minimum
    >>> example(Minimum()), example(AlphaSet)
    (Minimum(), AlphaSet(alpha=0.25, cap=None))
    """
    if isinstance(thing, str):
        module, _, name = thing.partition(":")
        thing = getattr(importlib.import_module(module), name)
    if not isinstance(thing, type):
        return thing
    if thing in EXAMPLES:
        return EXAMPLES[thing]()
    if hasattr(thing, "example"):
        return thing.example()
    try:
        return thing(**_numbers(thing))
    except (TypeError, ValueError) as error:
        raise NoExample(
            f"{thing.__name__} cannot be made from numbers alone ({error}): give the check an object, or the class a static method "
            "`example()` that returns a small one."
        ) from error


def _numbers(cls: type[Any]) -> dict[str, Any]:
    """A value for each field without a default whose annotation is a number."""
    values: dict[str, Any] = {"bool": True, "int": 2, "float": 0.25, "Array | float": 0.25}
    if not dataclasses.is_dataclass(cls):
        return {}
    missing = dataclasses.MISSING
    needed = [item for item in dataclasses.fields(cls) if item.default is missing and item.default_factory is missing]
    return {item.name: values[str(item.type)] for item in needed if item.init and str(item.type) in values}
