"""What a run was made with: versions of the software that decides, for the record."""

from __future__ import annotations

import importlib.metadata
import platform

import assent

_DECIDING = ("numpy", "array-api-compat", "apsw", "jax", "jaxlib", "torch", "scikit-learn")


def environment() -> dict[str, str]:
    """Names and versions: Python, operating system, processor type, and each installed library that can move a number.

    >>> sorted(environment())[:2]
    ['apsw', 'array-api-compat']
    """
    versions = {
        "assent": assent.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "machine": platform.machine(),
    }
    for name in _DECIDING:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions
