"""What all tests share: one thread per process, strict JAX promotion, Hypothesis profiles, the three array backends."""

import gc
import importlib
import itertools
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import hypothesis
import pytest

CI = os.environ.get("CI", "").lower() == "true"

# Before NumPy or JAX load: the suite fills the cores with processes (pytest-xdist), so each keeps to one thread.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
_JAX_STRICT = {"jax_numpy_dtype_promotion": "strict", "jax_numpy_rank_promotion": "raise"}
for _option, _value in _JAX_STRICT.items():
    os.environ.setdefault(_option.upper(), _value)
os.environ.setdefault("JAX_PLATFORMS", "cpu")
if "jax" in sys.modules:  # a plugin was faster: JAX reads the environment only once
    for _option, _value in _JAX_STRICT.items():
        sys.modules["jax"].config.update(_option, _value)

MANY_MAPPINGS, MOST_MAPPINGS = 8_000, 30_000
"""Of memory, that a process of tests takes from one file to the next, and ever holds. Compiled programs take some each, and where the
system gives no more (65,530 on Linux), XLA dies."""

DEALT = ("test_catalogue.py", "test_docs.py", "test_execute.py")
"""Files of long tests that share little, so that no process is left with all of them."""

_torn_down = itertools.count(1)

# `ci` draws the same examples every time, so that a red run is red again; `dev` keeps looking for new ones.
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True, database=None, print_blob=True)
hypothesis.settings.register_profile("dev", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci" if CI else "dev"))


@pytest.fixture(scope="session", autouse=True)
def _compiled_once() -> Iterator[None]:
    """What a test compiled, later ones of the same process find: a file that another process writes may be read half finished."""
    with tempfile.TemporaryDirectory(prefix="assent-compiled-") as folder:
        config = importlib.import_module("jax").config
        config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
        config.update("jax_persistent_cache_min_entry_size_bytes", -1)
        config.update("jax_compilation_cache_dir", folder)
        yield
        config.update("jax_compilation_cache_dir", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file go to one process, which compiles once what they share; those that share little are dealt out, last."""
    for item in items:
        if item.path.name not in DEALT and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(item.config.rootpath).as_posix()))


@pytest.hookimpl(trylast=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> None:
    """Let go of compiled programs before there are too many: thousands of tests compile tens of thousands of them."""
    if "jax" not in sys.modules or nextitem is None:
        return
    same = nextitem.path == item.path
    if same and next(_torn_down) % 25:  # to count takes as long as many a test
        return
    if _mappings() > (MOST_MAPPINGS if same else MANY_MAPPINGS):
        sys.modules["jax"].clear_caches()
        if "assent.committees.programs" in sys.modules:
            sys.modules["assent.committees.programs"].forget()
        gc.collect()


def _mappings() -> int:
    """Of this process's memory; none where the system does not say."""
    try:
        with open("/proc/self/maps", "rb") as lines:
            return sum(1 for _ in lines)
    except OSError:
        return 0


@dataclass(frozen=True)
class Backend:
    """One array library behind the array API: `namespace` is what its users call `np`, `jnp` or `torch`."""

    name: str
    namespace: Any

    def array(self, values: Any, dtype: str = "float64") -> Any:
        """`values` as an array of this library."""
        return self.namespace.asarray(values, dtype=getattr(self.namespace, dtype))

    def numpy(self, array: Any) -> Any:
        """`array` as a NumPy array, to compare with."""
        return importlib.import_module("numpy").asarray(array)


BACKENDS = {"numpy": "numpy", "jax": "jax.numpy", "torch": "torch"}


@pytest.fixture(params=list(BACKENDS), scope="session")
def backend(request: pytest.FixtureRequest) -> Backend:
    """Each of NumPy, JAX (in float64) and torch; a library that is not installed skips, under CI=true it fails."""
    try:
        return Backend(request.param, importlib.import_module(BACKENDS[request.param]))
    except ImportError as error:
        sentence = f"{request.param} cannot be imported ({error}); `make test` says how to install it."
        pytest.fail(sentence) if CI else pytest.skip(sentence)


@pytest.fixture(autouse=True)
def _float64_in_jax(request: pytest.FixtureRequest) -> Iterator[None]:
    """JAX computes in float64 in exactly those tests that compare the three backends."""
    compares = "backend" in request.fixturenames and request.getfixturevalue("backend").name == "jax"
    with importlib.import_module("jax").enable_x64(True) if compares else nullcontext():
        yield
