"""What an agent is made of, as one number: so that a run goes on with the agent that it was opened with."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np


def fingerprint(thing: Any) -> str:
    """16 hexadecimal digits of SHA-256 over every number, text and array in a dataclass and in the dataclasses within it.

    Other Python objects, functions and estimators for instance, count by their type alone: two that differ inside look the same.

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
            yield field.name.encode()
            yield from _parts(getattr(thing, field.name))
    elif isinstance(thing, tuple | list):
        yield f"{len(thing)} items".encode()  # pyright: ignore[reportUnknownArgumentType]
        for item in thing:  # pyright: ignore[reportUnknownVariableType]
            yield from _parts(item)
    elif isinstance(thing, str | bytes | int | float | None):
        yield repr(thing).encode()
    elif hasattr(thing, "dtype") and hasattr(thing, "shape"):
        values = np.ascontiguousarray(np.asarray(thing))
        yield f"{values.dtype.str}{values.shape}".encode()
        yield values.tobytes()
    else:
        yield type(thing).__qualname__.encode()
