"""Tables of TOML as checked dataclasses: unknown keys, wrong types and numbers that are not finite are sentences."""

from __future__ import annotations

import difflib
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class LevelError(ValueError):
    """A level that cannot be right. The sentence names file, key and value, and says what to do."""


def build(kind: type[T], table: object, where: str, *, besides: Sequence[str] = ()) -> T:
    """The dataclass `kind` made of `table`, each value of the type that its field says.

    Args:
        kind: a dataclass; a field without a default has to be given. Its own `ValueError`s get `where` in front.
        table: what stands in the file.
        where: file and key, the beginning of every sentence.
        besides: keys that the file may hold beside the fields.

    Raises:
        LevelError: no table, a key that is not known or missing, a value of another type, or whatever `kind` refuses.

    >>> from assent.planning.process import Process
    >>> build(Process, {"rate": 1}, "here").rate
    1.0
    """
    given = as_table(table, where)
    hints = get_type_hints(kind)
    known = [field.name for field in fields(kind) if field.init]  # pyright: ignore[reportArgumentType]
    refuse_unknown(given, [*known, *besides], where)
    values: dict[str, Any] = {}
    for field in fields(kind):  # pyright: ignore[reportArgumentType]
        if field.name in given and field.init:
            values[field.name] = convert(hints[field.name], given[field.name], f"{where}: {field.name}")
        elif field.init and field.default is MISSING and field.default_factory is MISSING:
            raise LevelError(f"{where}: {field.name} is missing. Give it; the keys here are {', '.join(known)}.")
    try:
        return kind(**values)
    except LevelError:
        raise
    except ValueError as error:
        raise LevelError(f"{where}: {error}") from error


def refuse_unknown(table: Mapping[str, Any], known: Sequence[str], where: str) -> None:
    """Refuses keys that are not `known`, and says which one may have been meant."""
    for key in table:
        if key not in known:
            close = difflib.get_close_matches(key, known, n=1)
            meant = f"did you mean {close[0]}?" if close else f"the keys here are {', '.join(known) or 'none'}."
            raise LevelError(f"{where}: {key} = {shown(table[key])} is unknown; {meant}")


def as_table(value: object, where: str) -> dict[str, Any]:
    """`value` if it is a table."""
    if not isinstance(value, dict):
        raise LevelError(f"{where} = {shown(value)} is no table. Write it as [table] or {{ key = value }}.")
    return value


def convert(hint: Any, value: object, where: str) -> Any:
    """`value` as the type `hint` says: text, truth values, numbers, choices, lists as tuples, tables, dataclasses.

    Raises:
        LevelError: it is of another type, not one of the choices, or a number that is not finite.
    """
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return convert(next(part for part in inner if part is not type(None)), value, where)
    if origin is Literal:
        if not any(value == choice and type(value) is type(choice) for choice in inner):
            choices = ", ".join(map(repr, inner))
            raise LevelError(f"{where} = {shown(value)} is unknown. Give one of {choices}.")
        return value
    if origin is tuple:
        if not isinstance(value, list):
            raise LevelError(f"{where} = {shown(value)} is no list. Write [ … ].")
        return tuple(convert(inner[0], item, f"{where}[{number}]") for number, item in enumerate(value))
    if origin is not None and issubclass(origin, Mapping):
        return {key: convert(inner[1], item, f"{where}.{key}") for key, item in as_table(value, where).items()}
    return build(hint, value, where) if isinstance(hint, type) and is_dataclass(hint) else _plain(hint, value, where)


def _plain(hint: type[Any], value: Any, where: str) -> Any:
    names = {float: "a number", int: "a whole number", bool: "true or false", str: "a text"}
    accepted = (int, float) if hint is float else (hint,)
    if not isinstance(value, accepted) or (isinstance(value, bool) and hint is not bool):
        raise LevelError(f"{where} = {shown(value)} is not {names[hint]}. Give {names[hint]}.")
    if hint is int and abs(value) >= 2**63:
        raise LevelError(f"{where} = {shown(value)} is too large. Give a number that 64 bits can hold.")
    try:
        number = hint(value)
    except OverflowError as error:
        raise LevelError(f"{where} = {shown(value)} is too large. Give a number that a float64 can hold.") from error
    if isinstance(number, float) and not math.isfinite(number):
        raise LevelError(f"{where} = {value} is not finite. Give a finite number.")
    return number


def shown(value: object) -> str:
    """The value as it may stand in a sentence: cut where it is long."""
    try:
        text = "true" if value is True else "false" if value is False else repr(value)
    except (ValueError, RecursionError):  # over 4,300 digits, or nested deeper than Python follows
        name = {int: "number", dict: "table", list: "list"}.get(type(value), "value")
        return f"(a {name} too long to show)"
    return text if len(text) <= 60 else text[:57] + "…"


def within(name: str, value: float, low: float, high: float, *, meaning: str) -> None:
    """Refuses a number outside [low, high].

    Raises:
        ValueError: it lies outside.
    """
    if not low <= value <= high:
        raise ValueError(f"{name} = {value} is outside [{low}, {high}]: it is {meaning}.")
