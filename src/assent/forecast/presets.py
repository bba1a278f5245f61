"""The report's three all-things-considered views, read from the rule files that ship with the package."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from types import MappingProxyType
from typing import Protocol

from assent.forecast.hyperprior import HyperPrior
from assent.forecast.rule_files import RuleFile, read_rules


class Preset(Protocol):
    """A view under either convention."""

    def __call__(self, convention: str = "bayes") -> HyperPrior: ...


def low(convention: str = "bayes") -> HyperPrior:
    """The low end (Davidson, "Semi-informative priors over AI timelines", Open Philanthropy 2021, 10.14.1), given none by 2020.

    Args:
        convention: `bayes`, or `davidson2021`, which exempts the evolutionary rule from failures until 2020 (here there is none).

    Raises:
        ValueError: another convention.

    >>> round(low().predict(by=2036, none_by=2020).probability, 6)
    0.012901
    """
    return _mixture("low", convention)


def central(convention: str = "bayes") -> HyperPrior:
    """The central view (10.14.2), given none by 2020; conventions and errors as for `low`.

    >>> round(central().predict(by=2036, none_by=2020).probability, 6)
    0.073345
    >>> round(central("davidson2021").predict(by=2036, none_by=2020).probability, 6)
    0.075327
    """
    return _mixture("central", convention)


def high(convention: str = "bayes") -> HyperPrior:
    """The high end (10.14.3, with the growth of 16 % that its printed results need); conventions and errors as for `low`.

    >>> round(high().predict(by=2036, none_by=2020).probability, 6)
    0.177405
    """
    return _mixture("high", convention)


PRESETS: Mapping[str, Preset] = MappingProxyType({"low": low, "central": central, "high": high})
"""The three by name."""


def preset_file(name: str, convention: str = "bayes") -> RuleFile:
    """The rule file of that name, with its title, its source and the years that it asks about.

    Raises:
        ValueError: an unknown name or convention.

    >>> preset_file("central").by
    (2030.0, 2036.0, 2060.0, 2100.0)
    """
    if name not in PRESETS:
        raise ValueError(f"There is no preset called {name!r}; give one of {', '.join(PRESETS)}.")
    content = files("assent.forecast").joinpath("data", "presets", f"{name}.toml").read_text(encoding="utf-8")
    return read_rules(content, convention=convention)


def _mixture(name: str, convention: str) -> HyperPrior:
    model = preset_file(name, convention).model
    assert isinstance(model, HyperPrior), "a preset has several rules"
    return model
