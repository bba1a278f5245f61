"""Forecasts as addresses: every input in a query string, the answer as JSON, and the same bytes for the same address.

The command line asks here, and a page may, so that a number is computed in one place and an address is all that has to be kept.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

import numpy as np

from assent.forecast.calculate import CALCULATORS, calculate
from assent.forecast.datasets import davidson2021
from assent.forecast.deployment import cautions, side_by_side
from assent.forecast.exact import percent, rational
from assent.forecast.explaining import explain, words
from assent.forecast.exposure import Exposure
from assent.forecast.hyperprior import CONVENTIONS, HyperPrior
from assent.forecast.kinds import KINDS
from assent.forecast.making import make
from assent.forecast.model import Model
from assent.forecast.presets import PRESETS, preset_file
from assent.forecast.rule_files import read_rules
from assent.forecast.settings import KEYS, Settings
from assent.forecast.uncertain import Uncertain

SHOWN = ("why", "cdf", "conditional", "weights", "quantiles", "spread", "tornado", "sobol")
"""Parts of a forecast's answer that may be asked for with `show`."""

OWN = ("trials", "preset", "rules", "convention", "none_by", "by", "show", "draws", "seed")
"""Names that are no inputs of a kind of rule."""

SAID = {"by": "target, by,", "none_by": "evidence date, none_by,"}
"""How an error calls them."""

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
MOST_TARGETS = 400
MOST_TIMES = 200


def respond(address: str) -> tuple[int, bytes]:
    """A status as HTTP has it, 200 or 400, and the answer in JSON: an error is `{"error": sentence}`.

    >>> status, body = respond("forecast?ftp=1/300&start=1956&none_by=2020&by=2036")
    >>> status, json.loads(body)["forecasts"][0]["fraction"]
    (200, '16/379')
    >>> respond("forecast?ftp=2&by=2036")[0]
    400
    """
    try:
        return 200, written(answer(address))
    except ValueError as error:
        return 400, written({"error": str(error)})


def written(content: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and no spaces, ASCII: what is no number is null."""
    return json.dumps(plain(content), sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def answer(address: str) -> dict[str, Any]:
    """What an address asks for.

    `forecast?…`, `deployment?…`, `calculate/FORMULA?…`, `explain/WORD`, `defaults`.

    Raises:
        ValueError: an unknown address or name, a name given twice, or a value that is refused.
    """
    path, _, query = address.strip().lstrip("/").partition("?")
    inputs = _inputs(query)
    try:
        return {"address": link(path, inputs), **_found(path, inputs)}
    except (ArithmeticError, MemoryError) as error:
        raise ValueError(
            f"These inputs lead beyond what can be computed with ({error or type(error).__name__}); give numbers that are less extreme."
        ) from error


def _found(path: str, inputs: dict[str, str]) -> dict[str, Any]:
    head, _, name = path.rstrip("/").partition("/")
    match head, name:
        case "forecast", "":
            return forecast(inputs)
        case "deployment", "":
            return deployment(inputs)
        case "calculate", formula if formula:
            return {"formula": formula, "inputs": inputs, "result": calculate(formula, inputs)}
        case "explain", word if word and not inputs:
            return {"word": word, "sentences": list(explain(word))}
        case "defaults", "" if not inputs:
            return defaults()
        case _:
            raise ValueError(
                f"There is nothing at {path!r}; give forecast?…, deployment?…, calculate/FORMULA?…, explain/WORD or defaults."
            )


def link(path: str, inputs: Mapping[str, Any]) -> str:
    """The address of these inputs, in the order of their names.

    >>> link("forecast", {"none_by": 2020, "ftp": "1/300"})
    'forecast?ftp=1/300&none_by=2020'
    """
    query = urlencode(sorted((name, str(value)) for name, value in inputs.items()), safe="/:,", quote_via=quote)
    return f"{path}?{query}" if query else path


def _inputs(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True, max_num_fields=100) if query else []
    except ValueError as error:
        raise ValueError(
            f"The address holds {query!r} after the question mark; give name=value, with & between."
        ) from error
    inputs = dict(pairs)
    if len(inputs) < len(pairs):
        twice = sorted({name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1})
        raise ValueError(
            f"The address gives {', '.join(twice)} more than once; give each name once, several values with commas."
        )
    return inputs


def forecast(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `forecast?…`: a probability for each target and evidence date, and the parts that `show` names.

    Args:
        inputs: `preset` or `rules` (the text of a rule file) or `trials` (calendar when left out) with that kind's inputs; `by` and
            `none_by`, one or several with commas; `convention`, `show`, `draws`, `seed`.

    Raises:
        ValueError: a name that the kind of rule does not have, no target, or a value that is refused.
    """
    model, none_by, by = asked(inputs)
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


def asked(inputs: Mapping[str, Any]) -> tuple[Model, list[float], list[float]]:
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

_EXPOSURE = ("clean", "failures", "detection", "cluster", "correlation", "carried", "carried_failures")
_SETTINGS = ("ahead", "ftp", "source", "virtual_successes", "delta", "theta", "target", "headline")


def deployment(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of `deployment?clean=…`: every method's row, from counts alone.

    Args:
        inputs: those of `Exposure` and of `Settings` (without `forbidden`, which needs the run itself).

    Raises:
        ValueError: an unknown name, no `clean`, or a value that is refused.
    """
    unknown = [name for name in inputs if name not in (*_EXPOSURE, *_SETTINGS)]
    if unknown or "clean" not in inputs:
        raise ValueError(
            f"A deployment takes {', '.join((*_EXPOSURE, *_SETTINGS))}; {f'unknown: {unknown[0]}' if unknown else 'clean is missing'}."
        )
    counts = {name: inputs[name] for name in _EXPOSURE if name in inputs}
    chosen: dict[str, Any] = {name: inputs[name] for name in _SETTINGS if name in inputs}
    for name in ("ahead", "delta", "theta", "target"):
        if name in chosen:
            chosen[name] = float(rational(name, chosen[name]))
    exposure, settings = Exposure(**counts), Settings(**chosen)
    return deployed(exposure, settings)


def deployed(exposure: Exposure, settings: Settings, record: Any = None) -> dict[str, Any]:
    """The rows in JSON values, beside what was counted and what was fixed before."""
    rows = side_by_side(exposure, settings, record)
    headline = next(row for row in rows if row.key == settings.headline)
    return {
        "exposure": {name: getattr(exposure, name) for name in _EXPOSURE} | {"effective": exposure.effective},
        "settings": {name: _number(getattr(settings, name)) for name in (*_SETTINGS, "forbidden")},
        "headline": headline.to_json(),
        "cautions": list(cautions(settings, record)),
        "rows": [row.to_json() for row in rows],
    }


def defaults() -> dict[str, Any]:
    """Everything that can be asked for, with its inputs and their defaults."""
    return {
        "kinds": {name: _signature(function) for name, function in KINDS.items()},
        "formulas": {name: _signature(function) for name, function in CALCULATORS.items()},
        "presets": list(PRESETS),
        "conventions": list(CONVENTIONS),
        "show": list(SHOWN),
        "methods": list(KEYS),
        "words": list(words()),
        "data": davidson2021().stamp(),
    }


def _signature(function: Any) -> dict[str, Any]:
    inputs = {
        name: "needed" if one.default is inspect.Parameter.empty else _number(one.default)
        for name, one in inspect.signature(function).parameters.items()
    }
    return {"about": (inspect.getdoc(function) or "").split("\n")[0], "inputs": inputs}


def _number(value: Any) -> Any:
    return value if value is None or isinstance(value, (int, float, str)) else str(value)


def plain(value: Any) -> Any:
    """JSON values: what is no number is None."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, np.generic):
        return plain(value.item())
    return value
