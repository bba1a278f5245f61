"""The oracles share nothing with what they check: no JAX is loaded by them."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

from assent.planning import oracles

SCRIPT = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
heavy = sorted({"jax", "jaxlib", "equinox", "torch"} & set(sys.modules))
assert not heavy, heavy
"""


def run(*modules: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", SCRIPT, *modules], capture_output=True, text=True, check=False)


def test_no_oracle_loads_jax() -> None:
    names = [module.name for module in pkgutil.iter_modules(oracles.__path__, oracles.__name__ + ".")]
    assert len(names) > 5
    result = run(*names)
    assert result.returncode == 0, result.stderr


@pytest.mark.slow
def test_the_watch_sees_jax() -> None:
    assert "jax" in run("jax").stderr
