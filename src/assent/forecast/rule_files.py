"""Rules in a TOML file: what is tried, how likely it is believed to succeed, and with which weight; read into one model."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from assent.forecast.exact import Numeric, rational
from assent.forecast.hyperprior import CONVENTIONS, HyperPrior
from assent.forecast.kinds import KINDS
from assent.forecast.making import make
from assent.forecast.model import Model

TOP_KEYS = ("title", "from", "none_by", "by", "convention", "rules")
OWN_KEYS = ("name", "weight", "trials")
"""Keys of a rule that are no inputs of its kind."""

EXEMPT_KIND = "evolution"
"""The convention `davidson2021` does not count failures so far against rules of this kind."""

REPORT_YEAR = 2020.0
"""Until when that holds, in a file without `none_by`."""


@dataclass(frozen=True)
class RuleFile:
    """What a rule file says.

    Attributes:
        title: of the file, or nothing.
        none_by: the year or count by which nothing had happened; None where the file leaves it open.
        by: targets, in the order of the file, each at or after `none_by`.
        convention: `bayes` or `davidson2021`.
        model: the single rule, or a `HyperPrior` of all.
        source: where the rules come from, or nothing.
    """

    title: str
    none_by: float | None
    by: tuple[float, ...]
    convention: str
    model: Model
    source: str = ""


def read_rules(path_or_text: str | Path, *, convention: str | None = None) -> RuleFile:
    """The rules of a TOML file, given as its path or, with a line break or an equals sign in it, as its text.

    Inputs may be distributions, `ftp = "1/1000 to 1/100"`: that rule is then weighted by survival over 100,000 draws.

    At the top: `title`, `from`, `none_by`, `by` (a list), `convention`; all may be left out. Then one `[[rules]]` a rule: `trials`, one of
    `kinds.KINDS`; the inputs of that kind; `name`, the kind where left out; `weight`, a number, a fraction or a percentage. Weights sum to
    1. A single rule needs none.

    Args:
        path_or_text: the file.
        convention: `bayes` counts failures so far against every rule; `davidson2021` exempts rules of the kind `evolution` until
            2020, as the report's published figures do. Goes before the file's own word; `bayes` where neither
            says.

    Raises:
        ValueError: no such file, no TOML, unknown keys, missing weights, or values that the kind refuses; names the rule and the key.

    >>> found = read_rules('''
    ... none_by = 2020
    ... by = [2036]
    ... [[rules]]
    ... trials = "calendar"
    ... ftp = "1/300"
    ... ''')
    >>> found.model.predict(by=found.by[0], none_by=found.none_by).fraction
    '16/379'
    """
    content = _parsed(path_or_text)
    unknown = [key for key in content if key not in TOP_KEYS]
    if unknown:
        raise ValueError(f"The rule file has the key {unknown[0]!r} at its top; known there are {', '.join(TOP_KEYS)}.")
    chosen = convention if convention is not None else content.get("convention", "bayes")
    if chosen not in CONVENTIONS:
        raise ValueError(f"The convention is {chosen!r}; it must be one of {', '.join(CONVENTIONS)}.")
    none_by, by = _times(content)
    model = _model(_rules(content), exempts=chosen == "davidson2021")
    return RuleFile(_text(content, "title"), none_by, by, chosen, model, _text(content, "from"))


def _parsed(path_or_text: str | Path) -> dict[str, Any]:
    text, what = path_or_text, "The rule file"
    if isinstance(path_or_text, Path) or not any(mark in path_or_text for mark in "\n="):
        what = f"The rule file {path_or_text}"
        try:
            text = Path(path_or_text).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"{what} cannot be read ({error}); give the path of a TOML file.") from error
    try:
        return tomllib.loads(str(text))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{what} is not TOML: {error}.") from error


def _text(content: Mapping[str, Any], key: str) -> str:
    value = content.get(key, "")
    if not isinstance(value, str):
        raise ValueError(f"The rule file has {key} = {value!r}; it must be a text.")
    return value


def _times(content: Mapping[str, Any]) -> tuple[float | None, tuple[float, ...]]:
    none_by = None if "none_by" not in content else _number("The rule file", "none_by", content["none_by"])
    listed = content.get("by", [])
    by = [_number("The rule file", "by", time) for time in (listed if isinstance(listed, list) else [listed])]
    early = [time for time in by if none_by is not None and time < none_by]
    if none_by is not None and early:
        raise ValueError(
            f"The rule file asks about {float(early[0]):g}, before {float(none_by):g}, by which nothing had happened (none_by): give later "
            "targets."
        )
    return None if none_by is None else float(none_by), tuple(float(time) for time in by)


def _rules(content: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The rules by name."""
    listed = content.get("rules", [])
    if not isinstance(listed, list) or not listed or not all(isinstance(rule, dict) for rule in listed):
        raise ValueError("The rule file has no rules: give at least one [[rules]] with trials and its inputs.")
    named: dict[str, dict[str, Any]] = {}
    for place, rule in enumerate(listed, 1):
        name = rule.get("name", rule.get("trials", f"number {place}"))
        if not isinstance(name, str) or not name.strip():
            raise ValueError(f"Rule number {place} has name = {name!r}; it must be a text.")
        if name in named:
            raise ValueError(f"Two rules are called {name!r}; give each a name of its own (name).")
        named[name] = rule
    return named


def _model(rules: Mapping[str, Mapping[str, Any]], *, exempts: bool) -> Model:
    models = {name: _built(name, rule) for name, rule in rules.items()}
    exempt = tuple(name for name, rule in rules.items() if exempts and rule["trials"] == EXEMPT_KIND)
    missing = [name for name, rule in rules.items() if "weight" not in rule]
    if len(rules) == 1 and missing and not exempt:
        return models[missing[0]]
    if len(rules) > 1 and missing:
        raise ValueError(
            f"The rule {missing[0]!r} has no weight; with several rules each needs one, and they sum to 1."
        )
    weights = {name: _number(f"The rule {name!r}", "weight", rule.get("weight", 1)) for name, rule in rules.items()}
    for name, weight in weights.items():
        if not 0 < weight <= 1:
            raise ValueError(
                f"The rule {name!r} has weight = {rules[name]['weight']!r}; it must be above 0 and at most 1, such as 0.3 or '30 %'."
            )
    parts: dict[str, tuple[Model, Numeric]] = {name: (model, weights[name]) for name, model in models.items()}
    return HyperPrior(parts, exempt=exempt, exempt_until=REPORT_YEAR if exempt else None)


def _built(name: str, rule: Mapping[str, Any]) -> Model:
    kind = rule.get("trials")
    if not isinstance(kind, str) or kind not in KINDS:
        raise ValueError(f"The rule {name!r} has trials = {kind!r}; it must be one of {', '.join(KINDS)}.")
    inputs = {key: value for key, value in rule.items() if key not in OWN_KEYS}
    for key, value in inputs.items():
        _check(name, key, value)
    try:
        return make(kind, inputs)
    except (ValueError, ZeroDivisionError, OverflowError) as error:
        raise ValueError(f"The rule {name!r}: {error}") from error


def _check(name: str, key: str, value: Any) -> None:
    """Right in kind; whether a number is in its range is for the rule to say."""
    if key == "points":
        pairs = value if isinstance(value, list) and value else [value]
        if not all(
            isinstance(pair, list) and len(pair) == 2 and all(_is_number(part) for part in pair) for pair in pairs
        ):
            raise ValueError(
                f"The rule {name!r} has points = {value!r}; they must be pairs such as [[1956, 7], [2020, 23.7]]."
            )
    elif key == "levels":
        if not isinstance(value, bool):
            raise ValueError(f"The rule {name!r} has levels = {value!r}; it must be true or false.")
    elif key == "sums":
        if not isinstance(value, str):
            raise ValueError(f"The rule {name!r} has sums = {value!r}; it must be a text, 'yearly' or 'continuous'.")
    elif not _is_number(value):
        raise ValueError(
            f"The rule {name!r} has {key} = {value!r}; it must be a number, or a text such as '1/300' or '4.3 %'."
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, str)) and not isinstance(value, bool)


def _number(where: str, key: str, value: Any) -> Fraction:
    if not _is_number(value):
        raise ValueError(f"{where} has {key} = {value!r}; it must be a number, or a text such as '1/3' or '30 %'.")
    try:
        return rational(key, value)
    except ValueError as error:
        raise ValueError(
            f"{where} has {key} = {value!r}; it must be a finite number, or a text such as '1/3' or '30 %'."
        ) from error
