"""Observations and weights inside event bodies: NumPy arrays to JSON and back, bit for bit."""

from __future__ import annotations

from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Mapping
from math import isfinite
from typing import Any, cast

from assent.ledger.errors import EventRefused

_ARRAY_KEYS: set[Any] = {"dtype", "shape", "data"}
_KINDS = "biufcSUmM"  # plain memory: what has no pointers and no fields
_SAFE_INTEGER = 2**53 - 1


def encode(value: Any) -> Any:
    """A JSON value that `decode` turns back into `value`.

    None, bool, str, int and finite float stay as they are; lists, tuples (as lists) and mappings with text keys are
    encoded item by item; an array of any library with `__array__` becomes `{"dtype": "<f8", "shape": [64], "data":
    base64}`, bit for bit; so do numbers that JSON cannot hold (NaN, infinities, integers beyond 2**53), as arrays
    without axes. A NumPy scalar becomes a Python number. Raises EventRefused for objects and dtypes with fields.

    >>> encode([1, "a", None])
    [1, 'a', None]
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if type(value) is int:
        return value if -_SAFE_INTEGER <= value <= _SAFE_INTEGER else _array(value)
    if type(value) is float:
        return value if isfinite(value) else _array(value)
    if isinstance(value, (list, tuple)):
        return [encode(item) for item in cast("list[Any]", value)]
    if isinstance(value, Mapping):
        return _mapping(cast("Mapping[Any, Any]", value))
    return _array_or_scalar(value)


def _mapping(value: Mapping[Any, Any]) -> dict[str, Any]:
    if set(value) == _ARRAY_KEYS:
        raise EventRefused(
            "A mapping with just the keys dtype, shape and data would be read back as an array. Rename one of them."
        )
    return {key: encode(item) for key, item in value.items()}


def _array_or_scalar(value: Any) -> Any:
    import numpy as np

    if isinstance(value, np.generic):
        plain = cast("Any", value).item()
        return encode(plain) if isinstance(plain, (bool, int, float, str)) else _array(value)
    if isinstance(value, (int, float)):  # an IntEnum and the like
        return encode(int(value) if isinstance(value, int) else float(value))
    if hasattr(value, "__array__"):
        return _array(value)
    raise EventRefused(f"A {type(value).__name__} cannot be recorded. Turn it into numbers, text, a list or an array.")


def _array(value: Any) -> dict[str, Any]:
    import numpy as np

    array: Any = np.asarray(value)
    if array.dtype.kind not in _KINDS:
        raise EventRefused(
            f"An array of dtype {array.dtype} cannot be recorded bit for bit. Make it numbers, bool or text first."
        )
    return {
        "dtype": array.dtype.str,
        "shape": list(array.shape),
        "data": b64encode(array.tobytes(order="C")).decode(),
    }


def decode(value: Any) -> Any:
    """What was given to `encode`: arrays as new NumPy arrays, bit for bit; raises EventRefused for a damaged one."""
    if isinstance(value, list):
        return [decode(item) for item in cast("list[Any]", value)]
    if not isinstance(value, Mapping):
        return value
    mapping = cast("Mapping[str, Any]", value)
    if set(mapping) == _ARRAY_KEYS:
        return _array_back(mapping)
    return {key: decode(item) for key, item in mapping.items()}


def _array_back(value: Mapping[str, Any]) -> Any:
    import numpy as np

    try:
        dtype = np.dtype(value["dtype"])
        if dtype.kind not in _KINDS:
            raise ValueError(f"dtype {dtype}")
        data = b64decode(value["data"], validate=True)
        return np.frombuffer(data, dtype=dtype).reshape(value["shape"]).copy()
    except (TypeError, ValueError, Base64Error) as error:
        raise EventRefused(
            f"An encoded array of dtype {value['dtype']!r} and shape {value['shape']!r} cannot be read: {error}."
        ) from error
