"""A kind of rule from numbers or distributions, whichever was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assent.forecast.distributions import distribution
from assent.forecast.kinds import build
from assent.forecast.model import Model
from assent.forecast.uncertain import Uncertain


def make(kind: str, inputs: Mapping[str, Any], *, draws: int = 100_000, seed: int = 0) -> Model:
    """The model of that kind; with a distribution among its inputs one over `draws` draws of them.

    Raises:
        ValueError: as `build` and `Uncertain`.

    >>> make("calendar", {"ftp": "1/1000 to 1/100"}, draws=1000).method, make("calendar", {"ftp": "1/300"}).method
    ('uncertain inputs', 'rule')
    """
    if any(distribution(name, value) is not None for name, value in inputs.items()):
        return Uncertain(kind, inputs, draws=draws, seed=seed)
    return build(kind, inputs)
