"""The numbers that ship with the forecasts: each with its source, versioned and hashed."""

from __future__ import annotations

import functools
import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True)
class Data:
    """One file of numbers. `sha256`: 64 hexadecimal digits of its bytes."""

    name: str
    version: str
    sha256: str
    values: dict[str, Any]

    def stamp(self) -> dict[str, str]:
        """What a forecast says about where its numbers came from."""
        return {"name": self.name, "version": self.version, "sha256": self.sha256}


@functools.cache
def davidson2021() -> Data:
    """The report's inputs. Treat them as read-only.

    >>> davidson2021().values["compute"]["spend_2036"]["central"]
    9
    """
    return read("davidson2021")


@functools.cache
def read(name: str) -> Data:
    """The data file of that name that ships with the package."""
    content = files("assent.forecast").joinpath("data", f"{name}.toml").read_bytes()
    values = tomllib.loads(content.decode())
    return Data(name, str(values["version"]), hashlib.sha256(content).hexdigest(), values)
