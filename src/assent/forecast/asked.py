"""The forecast that inputs ask for: which model, evidence dates and targets they name, and the parts of its answer."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from assent.forecast.datasets import davidson2021
from assent.forecast.exact import percent, rational
from assent.forecast.hyperprior import HyperPrior
from assent.forecast.making import make
from assent.forecast.model import Model
from assent.forecast.presets import preset_file
from assent.forecast.rule_files import read_rules
from assent.forecast.uncertain import Uncertain

SHOWN = ("why", "cdf", "conditional", "weights", "quantiles", "spread", "tornado", "sobol")
"""Parts of a forecast's answer that may be asked for with `show`."""

OWN = ("trials", "preset", "rules", "convention", "none_by", "by", "show", "draws", "seed")
"""Names that are no inputs of a kind of rule."""

SAID = {"by": "target, by,", "none_by": "evidence date, none_by,"}
"""How an error calls them."""

_THOUSANDS = re.compile(r"(?<![\d.])[1-9]\d{0,2}(?:,\d{3})+(?![\d.])")

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
MOST_TARGETS = 400
MOST_TIMES = 200


def forecast(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `forecast?…`: a probability for each target and evidence date, and the parts that `show` names.

    Args:
        inputs: `preset` or `rules` (the text of a rule file) or `trials` (calendar when left out) with that kind's inputs; `by` and
            `none_by`, one or several with commas; `convention`, `show`, `draws`, `seed`.

    Raises:
        ValueError: a name that the kind of rule does not have, no target, or a value that is refused.
    """
    model, none_by, by = read_inputs(inputs)
    _check_order(none_by, by)
    shown = [part.strip() for part in str(inputs.get("show", "why")).split(",") if part.strip()]
    unknown = [part for part in shown if part not in SHOWN]
    if unknown:
        raise ValueError(f"show holds {', '.join(unknown)}; give some of {', '.join(SHOWN)}.")
    found: dict[str, Any] = {
        "model": {"method": model.method, **model.inputs()},
        "data": davidson2021().stamp(),
        "forecasts": [
            _forecast(model, target, since, "why" in shown) for since in none_by for target in by if target >= since
        ],
    }
    for part in shown:
        if part != "why":
            found[part] = _PARTS[part](model, none_by, by)
    return found


def _check_order(none_by: list[float], by: list[float]) -> None:
    """No target and no evidence date without an answer."""
    early = [time for time in by if time < min(none_by)]
    late = [time for time in none_by if time > max(by)]
    if early or late:
        what = f"The target {early[0]:.10g} lies before" if early else f"The evidence date {late[0]:.10g} lies after"
        raise ValueError(f"{what} every {'evidence date' if early else 'target'}; give targets at or after none_by.")


def read_inputs(inputs: Mapping[str, Any]) -> tuple[Model, list[float], list[float]]:
    """The model, evidence dates and targets that the inputs of `forecast?…` name.

    Raises:
        ValueError: as `forecast`.
    """
    given = {name: value for name, value in inputs.items() if name not in OWN}
    sources = [name for name in ("preset", "rules", "trials") if name in inputs]
    if len(sources) > 1:
        raise ValueError(f"The forecast has {' and '.join(sources)}; give one of them.")
    file = None
    if "preset" in inputs or "rules" in inputs:
        if given:
            raise ValueError(
                f"A {sources[0]} says everything itself, and {', '.join(given)} came beside it; leave that out."
            )
        convention = str(inputs.get("convention", "bayes")) if "convention" in inputs else None
        file = (
            preset_file(str(inputs["preset"]), convention or "bayes")
            if "preset" in inputs
            else read_rules(_text_of_rules(str(inputs["rules"])), convention=convention)
        )
        model = file.model
    else:
        if "convention" in inputs:
            raise ValueError(
                "A convention belongs to a preset or a rule file; a single rule has nothing to be exempt from."
            )
        model = make(
            str(inputs.get("trials", "calendar")),
            given,
            draws=_whole(inputs, "draws", 100_000),
            seed=_whole(inputs, "seed", 0),
        )
    none_by = _times("none_by", inputs.get("none_by", None if file is None else file.none_by))
    by = _times("by", inputs.get("by", None if file is None or not file.by else list(file.by)))
    if not by:
        raise ValueError("The forecast has no target; give by (--by), a year or a number of trials, such as 2036.")
    start = model.start if math.isfinite(model.start) else 0.0
    if "by" not in inputs:  # a file's own targets that lie before what was asked instead of its evidence date
        by = [time for time in by if time >= min(none_by or [start])] or by
    if len(by) * max(len(none_by), 1) > MOST_TARGETS:
        raise ValueError(f"There are {len(by) * len(none_by):,} targets; give at most {MOST_TARGETS}.")
    return model, none_by or [start], by


def _text_of_rules(text: str) -> str:
    """A text that cannot be taken for a path."""
    return text if "\n" in text else text + "\n"


def _times(name: str, value: Any) -> list[float]:
    if value is None:
        return []
    if isinstance(value, str) and (unclear := _THOUSANDS.search(value)):
        raise ValueError(
            f"The {SAID[name]} is {value!r}: {unclear[0]} may be one number or several. Write it without the comma, or a space "
            "after it."
        )
    parts = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    return [float(rational(SAID[name], part)) for part in parts]


def _whole(inputs: Mapping[str, Any], name: str, default: int) -> int:
    number = rational(name, inputs.get(name, default))
    if number.denominator != 1 or number < 0:
        raise ValueError(f"The {name} is {inputs[name]}; it must be a whole number from 0 up.")
    return int(number)


def _forecast(model: Model, by: float, none_by: float, why: bool) -> dict[str, Any]:
    found = model.predict(repr(by), none_by=repr(none_by)).to_json()
    del found["inputs"]  # once, beside all
    if not why:
        del found["why"], found["assumptions"]
    return {**found, "percent": percent(found["probability"])}


def _grid(none_by: list[float], by: list[float]) -> list[float]:
    first, last = min(none_by), max(by)
    if first == last:
        return [first]
    if first.is_integer() and last.is_integer() and last - first <= MOST_TIMES:
        return [first + step for step in range(int(last - first) + 1)]
    return [float(time) for time in np.linspace(first, last, MOST_TIMES // 2 + 1)]


def _cdf(model: Model, none_by: list[float], by: list[float]) -> dict[str, Any]:
    times = _grid(none_by, by)
    found = {"times": times, "probability": model.cdf(times, none_by=repr(min(none_by))).tolist()}
    if isinstance(model, HyperPrior):
        found["rules"] = {
            name: (0.0 - np.expm1(part.log_survival(times, since=min(none_by)))).tolist()
            for name, part, _ in model.parts
        }
    return found


def _conditional(model: Model, none_by: list[float], by: list[float]) -> dict[str, Any]:
    """Evidence dates down, targets across; where one was given, every fifth year from it, up to the last target."""
    dates = (
        none_by
        if len(none_by) > 1
        else [date for date in (none_by[0] + 5 * step for step in range(7)) if date <= max(by)]
    )
    table = [[_or_none(model, target, date) for target in by] for date in dates]
    return {"none_by": dates, "by": by, "probability": table}


def _or_none(model: Model, by: float, none_by: float) -> float | None:
    return None if by < none_by else model.predict(repr(by), none_by=repr(none_by)).probability


def _weights(model: Model, none_by: list[float], by: list[float]) -> dict[str, Any]:
    if not isinstance(model, HyperPrior):
        raise ValueError("Only a mixture has weights; give a preset or a rule file with several rules.")
    times = _grid(none_by, by)
    over = model.weights_over(times)
    return {
        "times": times,
        "start": {name: float(weight) for name, _, weight in model.parts},
        "weights": {name: row.tolist() for (name, _, _), row in zip(model.parts, over, strict=True)},
    }


def _quantiles(model: Model, none_by: list[float], by: list[float]) -> dict[str, Any]:
    return {"none_by": none_by[0], "times": {f"{q:g}": model.quantile(q, none_by=repr(none_by[0])) for q in QUANTILES}}


def _uncertain(model: Model, part: str) -> Uncertain:
    if isinstance(model, HyperPrior):
        raise ValueError(f"There is no {part} of a mixture; ask each of its rules alone, without the others.")
    if not isinstance(model, Uncertain):
        raise ValueError(
            f"There is no {part} without uncertain inputs; give a distribution, such as ftp = 1/1000 to 1/100."
        )
    return model


def _spread(model: Model, none_by: list[float], by: list[float]) -> dict[str, Any]:
    found = _uncertain(model, "spread").spread(repr(by[-1]), none_by=repr(none_by[0]))
    return {"by": by[-1], "none_by": none_by[0], **{name: getattr(found, name) for name in found.__dataclass_fields__}}


def _tornado(model: Model, none_by: list[float], by: list[float]) -> dict[str, Any]:
    base, swings = _uncertain(model, "tornado").tornado(repr(by[-1]), none_by=repr(none_by[0]))
    inputs = [{name: getattr(swing, name) for name in swing.__dataclass_fields__} for swing in swings]
    return {"by": by[-1], "none_by": none_by[0], "base": base, "inputs": inputs}


def _sobol(model: Model, none_by: list[float], by: list[float]) -> dict[str, Any]:
    found = _uncertain(model, "Sobol index").sobol(repr(by[-1]), none_by=repr(none_by[0]))
    inputs = [{name: getattr(item, name) for name in item.__dataclass_fields__} for item in found]
    return {"by": by[-1], "none_by": none_by[0], "inputs": inputs}


_PARTS = {
    "cdf": _cdf,
    "conditional": _conditional,
    "weights": _weights,
    "quantiles": _quantiles,
    "spread": _spread,
    "tornado": _tornado,
    "sobol": _sobol,
}
