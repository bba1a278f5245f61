"""Reads event bodies that may be incomplete: a field is returned in its type, or as None / empty when it is not there.

Nothing here raises on bad content: a report has to show a damaged or cut-off record, not to refuse it.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from .text import clean

Body = Mapping[str, Any]
_MAX_VALUES = 1 << 22


def integer(body: Body, key: str) -> int | None:
    """The field as a 64-bit whole number, or None."""
    value = body.get(key)
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        return None
    whole = int(cast(int, value))
    return whole if -(2**63) <= whole < 2**63 else None


def real(body: Body, key: str) -> float | None:
    """The field as a float (possibly not finite), or None when it is absent or no number."""
    return _float(body.get(key))


def _float(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        return None
    try:
        return float(cast(float, value))
    except OverflowError:
        return math.inf if cast(int, value) > 0 else -math.inf


def text(body: Body, key: str) -> str | None:
    """The field as a string as it was recorded (uncleaned), or None."""
    value = body.get(key)
    return value if isinstance(value, str) else None


def mapping(body: Body, key: str) -> Body:
    """The field as a mapping; empty when it is not one."""
    value = body.get(key)
    return cast(Body, value) if isinstance(value, Mapping) else {}


def sequence(body: Body, key: str) -> list[Any]:
    """The field as a list; empty when it is not one."""
    value = body.get(key)
    return list(cast("list[Any]", value)) if isinstance(value, (list, tuple)) else []


def integers(body: Body, key: str) -> tuple[int, ...]:
    """The whole numbers of a list; other entries are left out."""
    return tuple(v for v in sequence(body, key) if isinstance(v, int) and not isinstance(v, bool))


def texts(body: Body, key: str) -> tuple[str, ...]:
    """The field as strings, cleaned for display; entries that are no strings become `not recorded`."""
    return tuple(clean(v, limit=80) if isinstance(v, str) else "not recorded" for v in sequence(body, key))


def reals(value: object) -> tuple[float, ...]:
    """A list or an encoded array as floats; unreadable entries are NaN, an unreadable whole is empty."""
    if isinstance(value, (Mapping, np.ndarray)):
        array = _array(cast(object, value))
        return () if array is None else tuple(float(v) for v in array.ravel())
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(math.nan if (v := _float(item)) is None else v for item in cast("list[object]", value))


def matrix(body: Body, key: str) -> tuple[tuple[float, ...], ...]:
    """The field as rows of floats, from nested lists or an encoded two-dimensional array."""
    value = body.get(key)
    if isinstance(value, (Mapping, np.ndarray)):
        array = _array(cast(object, value))
        if array is None or array.ndim != 2:
            return ()
        return tuple(tuple(float(v) for v in row) for row in array)
    return tuple(reals(row) for row in sequence(body, key))


def _array(value: object) -> NDArray[Any] | None:
    """An encoded or an already decoded array of numbers."""
    if isinstance(value, np.ndarray):
        array = cast("NDArray[Any]", value)
        return array if array.dtype.kind in "biuf" else None
    return decode(cast(Body, value))


def decode(value: Body) -> NDArray[Any] | None:
    """The array of an encoded value `{"dtype", "shape", "data"}`, or None when it cannot be read as numbers."""
    name, data = value.get("dtype"), value.get("data")
    shape = integers(value, "shape")
    if not isinstance(name, str) or not isinstance(data, str) or len(shape) != len(sequence(value, "shape")):
        return None
    try:
        dtype = np.dtype(name)
        raw = base64.b64decode(data, validate=True)
        if dtype.kind not in "biuf" or min(shape, default=0) < 0 or math.prod(shape) > _MAX_VALUES:
            return None
        return np.frombuffer(raw, dtype=dtype).reshape(shape)
    except (TypeError, ValueError, SyntaxError, binascii.Error):
        return None


def observation(value: object) -> str:
    """An observation in one line of text: what it is, as far as that fits."""
    if isinstance(value, np.ndarray) or (isinstance(value, Mapping) and "dtype" in value):
        array = _array(cast(object, value))
        if array is None:
            return "an array that could not be read"
        some = ", ".join(f"{float(v):g}" for v in array.ravel()[:12])
        more = ", …" if array.size > 12 else ""
        return f"array of shape {'×'.join(map(str, array.shape)) or 'scalar'}: {some}{more}"
    return plain(cast(object, value))


def plain(value: object, *, limit: int = 240) -> str:
    """Any JSON-like value in one cleaned line."""
    if isinstance(value, str):
        return clean(value, limit=limit)
    if value is None:
        return "not recorded"
    try:
        line = json.dumps(value, ensure_ascii=False, sort_keys=True, default=lambda o: type(o).__name__)
    except (TypeError, ValueError, RecursionError):
        line = f"a {type(value).__name__} that could not be read"
    return clean(line, limit=limit)


def flatten(body: Body, *, depth: int = 4) -> tuple[tuple[str, str], ...]:
    """Nested settings as sorted (dotted name, value) pairs, each cleaned."""
    pairs: list[tuple[str, str]] = []
    for key, value in body.items():
        name = clean(str(key), limit=80)
        if isinstance(value, Mapping) and value and depth > 1:
            inner = flatten(cast(Body, value), depth=depth - 1)
            pairs += [(f"{name}.{below}", shown) for below, shown in inner]
        else:
            pairs.append((name, plain(cast(object, value))))
    return tuple(sorted(pairs))
