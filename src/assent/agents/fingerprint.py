"""What an agent is made of, as one number: so that a run goes on with the agent that it was opened with."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

LONG = 1000
"""Characters of a description that are kept as they are."""


def fingerprint(thing: Any) -> str:
    """16 hexadecimal digits of SHA-256 over every number, text and array in a dataclass and in the dataclasses within it.

    Dictionaries count by their items, in the order of their keys' representations; fields that are left out of comparisons
    (`field(compare=False)`) do not count. Other Python objects, functions and estimators for instance, count by their type alone: two that
    differ inside look the same.

    >>> from assent.core import Veto
    >>> fingerprint(Veto(0.1)) == fingerprint(Veto(0.1)), fingerprint(Veto(0.1)) == fingerprint(Veto(0.2))
    (True, False)
    """
    digest = hashlib.sha256()
    for part in _parts(thing):
        digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()[:16]


def _parts(thing: Any) -> Iterator[bytes]:
    if dataclasses.is_dataclass(thing) and not isinstance(thing, type):
        yield type(thing).__qualname__.encode()
        for field in dataclasses.fields(thing):
            if field.compare:
                yield field.name.encode()
                yield from _parts(getattr(thing, field.name))
    elif isinstance(thing, dict):
        yield f"{len(thing)} entries".encode()  # pyright: ignore[reportUnknownArgumentType]
        for key in sorted(thing, key=repr):  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
            yield repr(key).encode()  # pyright: ignore[reportUnknownArgumentType]
            yield from _parts(thing[key])
    elif isinstance(thing, tuple | list):
        yield f"{len(thing)} items".encode()  # pyright: ignore[reportUnknownArgumentType]
        for item in thing:  # pyright: ignore[reportUnknownVariableType]
            yield from _parts(item)
    elif isinstance(thing, str | bytes | int | float | None):
        yield repr(thing).encode()
    elif hasattr(thing, "dtype") and hasattr(thing, "shape"):
        values = np.ascontiguousarray(_numbers(thing))
        yield f"{values.dtype.str}{values.shape}".encode()
        yield values.tobytes()
    else:
        yield type(thing).__qualname__.encode()


def _numbers(array: Any) -> Any:
    """An array in NumPy; of JAX's random keys, the words that they are made of."""
    if str(array.dtype).startswith("key<"):
        return np.asarray(sys.modules["jax"].random.key_data(array))  # the runtime itself never imports JAX
    return np.asarray(array)


def settings_of(thing: Any) -> str:
    """How `thing` represents itself, with every entry of its arrays to the last digit; what is long ends in its SHA-256.

    >>> settings_of(np.arange(3))
    'array([0, 1, 2])'
    >>> settings_of(np.arange(2000)) == settings_of(np.arange(2000)[::-1])
    False
    """
    with np.printoptions(threshold=sys.maxsize, floatmode="unique"):
        said = repr(thing)
    if len(said) <= LONG:
        return said
    said = re.sub(r" at 0x[0-9a-fA-F]+", "", said)  # where a function lies in memory differs from process to process
    return f"{said[:LONG]} ... sha256 {hashlib.sha256(said.encode()).hexdigest()}"
