"""What a result is told apart from others by: settings, arrays, the code of layers, and how JAX computes. JAX."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from types import CodeType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

COMPUTING = (
    "jax_enable_x64",
    "jax_default_matmul_precision",
    "jax_default_prng_impl",
    "jax_threefry_partitionable",
    "jax_numpy_dtype_promotion",
)


def digest(parts: Any) -> str:
    """Sixteen hexadecimal digits that differ where arrays, keys or settings do.

    Raises:
        TypeError: a setting that cannot be told apart from others.

    >>> digest([{"rate": 0.1}, np.zeros(3)]) == digest([{"rate": 0.1}, np.zeros(4)])
    False
    """
    found = hashlib.sha256()
    for leaf in jax.tree.leaves(parts, is_leaf=lambda item: isinstance(item, dict)):
        if hasattr(leaf, "dtype") and hasattr(leaf, "shape"):
            array = np.asarray(jax.random.key_data(leaf) if jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key) else leaf)
            found.update(f"{array.dtype.str}{array.shape}".encode() + np.ascontiguousarray(array).tobytes())
        else:
            found.update(json.dumps(leaf, sort_keys=True, default=_told_apart).encode())
    return found.hexdigest()[:16]


def _told_apart(value: Any) -> Any:
    """What JSON does not know, for a digest: arrays by all of their numbers, dataclasses by their fields, functions by what they do."""
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        array = np.ascontiguousarray(value)
        return [array.dtype.str, array.shape, hashlib.sha256(array.tobytes()).hexdigest()]
    if is_dataclass(value) and not isinstance(value, type):
        return [type(value).__qualname__, {field.name: getattr(value, field.name) for field in fields(value)}]
    if callable(value) and hasattr(value, "__qualname__"):
        code = getattr(getattr(value, "__wrapped__", value), "__code__", None)
        return [value.__module__, value.__qualname__, None if code is None else _code(code)]
    raise TypeError(
        f"A setting is {value!r}, and work cannot be told apart by it; give numbers, text, arrays, functions, or dataclasses of these."
    )


def code_of_layers(model: Any) -> list[str]:
    """Of the model's layers that are no part of this package: what their methods do, for their names say nothing of it."""
    found = list[str]()
    for kind in sorted(_kinds(getattr(model, "layers", ())), key=lambda one: (one.__module__, one.__qualname__)):
        if not kind.__module__.startswith("assent."):
            codes = [_code(method.__code__) for _, method in sorted(vars(kind).items()) if hasattr(method, "__code__")]
            found.append(f"{kind.__module__}.{kind.__qualname__}: {codes}")
    return found


def computing() -> tuple[str, ...]:
    """JAX's settings by which the same program gives other numbers."""
    return tuple(f"{option}={getattr(jax.config, option)}" for option in COMPUTING)


def drawing() -> str:
    """What a key's draws depend on beside the key: JAX's generator, and the precision of its normal numbers."""
    return digest([np.asarray(jax.random.bits(jax.random.key(0), (9,))), str(jnp.result_type(float))])


def checked_drawing(settings: Mapping[str, Any]) -> None:
    """Raises a ValueError where members that a key is drawn anew for would come out as others."""
    if settings["drawing"] != drawing():
        raise ValueError(
            "These members are drawn anew from a key, and JAX draws other numbers here than where they were saved: load them with the same "
            f"precision (jax_enable_x64; now it computes in {jnp.result_type(float)}) and the same generator (jax_default_prng_impl, "
            "jax_threefry_partitionable)."
        )


def _kinds(layers: tuple[Any, ...]) -> set[type]:
    inner = [_kinds((*getattr(layer, "body", ()), *getattr(layer, "shortcut", ()))) for layer in layers]
    return {type(layer) for layer in layers}.union(*inner)


def _code(code: CodeType) -> list[Any]:
    """All that a function does, without where it stands."""
    constants = [_code(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return [code.co_code.hex(), code.co_names, constants]
