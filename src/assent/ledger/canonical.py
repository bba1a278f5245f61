"""Canonical JSON (RFC 8785), quick for the bodies that a run writes fifteen thousand times a second."""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import encode_basestring  # type: ignore[attr-defined]  # C where there is C
from typing import Any, cast

import rfc8785

from assent.ledger.errors import EventRefused

_quote = cast("Any", encode_basestring)
_repr = float.__repr__
_SAFE_INTEGER = 2**53 - 1
_SHAPES_KEPT = 1024
_shapes: dict[tuple[Any, ...], tuple[tuple[Any, str], ...]] = {}


def canonical(body: object) -> bytes:
    """The RFC 8785 bytes of a JSON value.

    Floats are written as ECMAScript does (`1.0` is `1`), keys are sorted by UTF-16 code units, text is UTF-8.
    Raises EventRefused for NaN, an infinity, an integer beyond 2**53 - 1, a lone surrogate, a key that is not text,
    a value that contains itself, and any type that JSON has not.
    Source: A. Rundgren, B. Jordan, S. Erdtman, "JSON Canonicalization Scheme (JCS)", RFC 8785, section 3.2.

    >>> canonical({"u": 0.5, "action": 1, "mass": 1.0})
    b'{"action":1,"mass":1,"u":0.5}'
    """
    return canonical_text(body).encode()


def canonical_text(body: object) -> str:
    """The same as text; raises the same."""
    try:
        text = _text(body)
        text.encode()
    except UnicodeEncodeError as error:
        raise EventRefused(
            "A text of the body has a lone surrogate, which UTF-8 cannot hold. Clean the text, or put the bytes into "
            "a NumPy array and encode that."
        ) from error
    except RecursionError as error:
        raise EventRefused("The body is nested too deeply, or contains itself. Flatten it.") from error
    return text


def _text(value: Any) -> str:
    known = _WRITERS.get(cast("Any", type(value)))
    return known(value) if known is not None else _subclass(value)


def _float(value: float) -> str:
    magnitude = -value if value < 0 else value
    if 1e-4 <= magnitude < 1e16:  # where repr has no exponent; NaN is not in here
        text = _repr(value)
        return text[:-2] if text.endswith(".0") else text
    return "0" if value == 0 else _reference(value)


def _reference(value: float) -> str:
    try:
        return rfc8785.dumps(value).decode()
    except rfc8785.CanonicalizationError as error:
        raise EventRefused(
            f"The number {value} has no place in JSON. A belief or a probability went wrong before it was recorded; "
            "an observation may hold it inside a NumPy array."
        ) from error


def _int(value: int) -> str:
    if -_SAFE_INTEGER <= value <= _SAFE_INTEGER:
        return int.__repr__(value)
    raise EventRefused(
        f"The integer {value} is beyond 2**53 - 1, where JSON numbers lose digits. Write it as text or as an array."
    )


def _list(value: list[Any]) -> str:
    return "[" + ",".join([_text(item) for item in value]) + "]"


def _dict(value: dict[Any, Any]) -> str:
    shape = tuple(value)
    keys = _shapes.get(shape)
    if keys is None:
        keys = _keep(shape)
    parts: list[str] = []
    for key, label in keys:
        item = value[key]
        if type(item) is float and 1e-4 <= item < 1e16:  # as in _float: two calls less for nearly every number
            text = _repr(item)
            parts.append(label + (text[:-2] if text.endswith(".0") else text))
        else:
            parts.append(label + _text(item))
    return "{" + ",".join(parts) + "}"


def _keep(shape: tuple[Any, ...]) -> tuple[tuple[Any, str], ...]:
    for key in shape:
        if not isinstance(key, str):
            raise EventRefused(f"The key {key!r} of a body is not text. JSON has only text keys: write {str(key)!r}.")
    keys = tuple((key, _quote(key) + ":") for key in sorted(shape, key=lambda key: key.encode("utf-16-be")))
    if len(_shapes) >= _SHAPES_KEPT:  # bodies with free keys must not fill the memory
        _shapes.clear()
    _shapes[shape] = keys
    return keys


def _subclass(value: Any) -> str:
    """Subclasses (an IntEnum, numpy.float64) as what they extend: their own repr is not JSON."""
    if isinstance(value, int):
        return _int(int(value))
    if isinstance(value, float):
        return _float(float(value))
    if isinstance(value, str):
        return _quote(value)
    if isinstance(value, (list, tuple)):
        return _list(list(cast("list[Any]", value)))
    if isinstance(value, Mapping):
        return _dict(dict(cast("Mapping[Any, Any]", value)))
    raise EventRefused(
        f"A body cannot hold a {type(value).__name__}. Use int(), float() or .tolist(), or assent.ledger.codec.encode."
    )


def _bool(value: bool) -> str:
    return "true" if value else "false"


def _none(_: None) -> str:
    return "null"


_WRITERS: dict[object, Any] = {
    float: _float,
    int: _int,
    str: _quote,
    bool: _bool,
    type(None): _none,
    list: _list,
    dict: _dict,
}
