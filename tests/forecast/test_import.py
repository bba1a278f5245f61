"""Importing forecasts is quick: NumPy and the standard library, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

LOADED = """
import json, sys
before = set(sys.modules)
import importlib, pkgutil
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for below in pkgutil.iter_modules(package.__path__) if name == "assent.forecast" and len(sys.argv) > 2 else ():
        importlib.import_module(f"{name}.{below.name}")
new = {name.split(".")[0] for name in set(sys.modules) - before}
print(json.dumps(sorted(new - set(sys.stdlib_module_names))))
"""


@pytest.mark.parametrize(
    "modules", [["assent.forecast"], ["assent.forecast", "assent"]], ids=["the package", "every module"]
)
def test_forecasts_need_numpy_alone(modules: list[str]) -> None:
    found = subprocess.run([sys.executable, "-c", LOADED, *modules], capture_output=True, text=True, check=True)
    assert {name for name in json.loads(found.stdout) if not name.startswith("_")} == {"assent", "numpy"}


def test_the_check_sees_what_is_loaded() -> None:
    found = subprocess.run([sys.executable, "-c", LOADED, "assent.rollout"], capture_output=True, text=True, check=True)
    assert "jax" in json.loads(found.stdout)
