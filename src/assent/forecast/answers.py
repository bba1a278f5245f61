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

from assent.forecast.asked import SHOWN, forecast
from assent.forecast.calculate import CALCULATORS, calculate
from assent.forecast.datasets import davidson2021
from assent.forecast.deployment import cautions, side_by_side
from assent.forecast.exact import rational
from assent.forecast.explaining import explain, words
from assent.forecast.exposure import Exposure
from assent.forecast.hyperprior import CONVENTIONS
from assent.forecast.kinds import KINDS
from assent.forecast.presets import PRESETS
from assent.forecast.settings import KEYS, Settings


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
