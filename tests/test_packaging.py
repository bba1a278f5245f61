"""What a user installs: the wheel in an empty environment, and the hashed requirement files behind `make`."""

import os
import re
import subprocess
import sys
import tomllib
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "assent"
FILES = ("build", "core", "lab", "all")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {"equinox", "jax", "jaxlib", "numpy", "optax", "ray", "scipy", "sklearn", "torch", "transformers"}


pytestmark = pytest.mark.xdist_group("packaging")  # one process, so that the environment is made once


# ---- the wheel ----


@dataclass(frozen=True)
class Environment:
    """A Python environment: its interpreter, and a folder to run commands in."""

    python: Path
    folder: Path

    def run(self, *command: str | Path) -> str:
        """Standard output of `command`; a failure shows all it printed."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "JAX_"))}
        result = subprocess.run(
            [str(part) for part in command], cwd=self.folder, env=clean, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
        return result.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    Environment(Path(sys.executable), ROOT).run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def empty(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment that holds the wheel and its pinned runtime dependencies, and nothing else."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder / "env", with_pip=False, symlinks=True)
    environment = Environment(folder / "env" / "bin" / "python", folder)
    uv = Path(sys.executable).with_name("uv")
    install = (uv, "pip", "install", "--quiet", "--python", environment.python)
    environment.run(*install, "--require-hashes", "-r", ROOT / "requirements" / "core.txt")
    environment.run(*install, "--no-deps", wheel)
    environment.run(uv, "pip", "check", "--python", environment.python)
    return environment


LOADED = """
import contextlib, io, sys
from assent.cli import main
sys.argv = ["assent", "--help"]
with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
    main()
print(*{name.split(".")[0] for name in sys.modules})
"""


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package(wheel: Path) -> None:
    sources = {str(file.relative_to(PACKAGE.parent)) for file in PACKAGE.rglob("*") if file.is_file()}
    wanted = {name for name in sources if "__pycache__" not in name and not name.endswith(".pyc")}
    packed = set(zipfile.ZipFile(wheel).namelist())
    assert wanted - packed == set()
    assert "assent/py.typed" in packed
    assert any(name.endswith("/entry_points.txt") for name in packed)
    assert any(name.endswith("licenses/LICENSE") for name in packed)


@pytest.mark.slow
def test_the_wheel_alone_imports_and_helps(wheel: Path, empty: Environment) -> None:
    version = empty.run(empty.python, "-c", "import assent; print(assent.__version__)").strip()
    assert version == wheel.name.split("-")[1]
    assert "demo" in empty.run(empty.python.with_name("assent"), "--help")


@pytest.mark.slow
def test_the_wheel_alone_is_healthy_and_says_what_the_demonstration_needs(empty: Environment) -> None:
    empty.run(empty.python.with_name("assent"), "doctor")
    with pytest.raises(AssertionError, match=r"pip install 'assent\[lab\]'"):
        empty.run(empty.python.with_name("assent"), "demo")


@pytest.mark.slow
@pytest.mark.parametrize("where", ["with the wheel alone", "where everything is installed"])
def test_help_loads_nothing_heavy(where: str, empty: Environment) -> None:
    python = empty.python if where == "with the wheel alone" else Path(sys.executable)
    loaded = set(empty.run(python, "-c", LOADED).split())
    assert {"assent", "typer"} <= loaded
    assert loaded & HEAVY == set()


# ---- the requirement files ----


@dataclass(frozen=True)
class Pinned:
    """One entry of a requirement file: the pinned requirement, its hashes, and who asked for it."""

    requirement: Requirement
    hashes: tuple[str, ...]
    asked_by: tuple[str, ...]

    @property
    def name(self) -> str:
        return canonicalize_name(self.requirement.name)

    @property
    def version(self) -> str:
        return str(self.requirement.specifier).removeprefix("==")


def pinned(file: str) -> list[Pinned]:
    text = (ROOT / "requirements" / f"{file}.txt").read_text()
    entries = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]
    return [
        Pinned(
            Requirement(entry.split("\\")[0].strip()),
            tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", entry)),
            tuple(re.findall(r"^ *#(?: via)? {1,3}(\S.*)$", entry, flags=re.MULTILINE)),
        )
        for entry in entries
    ]


def declared(file: str) -> list[Requirement]:
    """What pyproject.toml and the two `.in` files say has to stand in requirements/`file`.txt."""

    def listed(name: str) -> list[str]:
        lines = (ROOT / "requirements" / f"{name}.in").read_text().splitlines()
        return [line for line in lines if line and not line.startswith("#")]

    extras = PROJECT["optional-dependencies"]
    everything = PROJECT["dependencies"] + extras["lab"] + extras["dev"] + listed("build") + listed("torch-light")
    texts = {
        "build": listed("build"),
        "core": PROJECT["dependencies"],
        "lab": PROJECT["dependencies"] + extras["lab"],
        "all": everything,
    }[file]
    return [Requirement(text) for text in texts]


@pytest.mark.parametrize("file", FILES)
def test_requirement_files_hold_hashes_and_no_address(file: str) -> None:
    text = (ROOT / "requirements" / f"{file}.txt").read_text()
    assert [entry.name for entry in pinned(file) if not entry.hashes] == []
    assert "://" not in text
    assert set(re.findall(r"(?<!\S)--?[a-z-]+", text)) - {"--hash", "-r", "-c"} == set()
    assert re.findall(r"(?:^|\s)/\S+", text) == []


@pytest.mark.parametrize("file", FILES)
def test_every_declared_dependency_is_pinned_inside_its_range(file: str) -> None:
    entries = pinned(file)
    for wanted in declared(file):
        found = [entry.version for entry in entries if entry.name == canonicalize_name(wanted.name)]
        assert found, f"{wanted} is not in requirements/{file}.txt; run `make lock`"
        assert all(version in wanted.specifier for version in found), f"{wanted} is pinned to {found}; run `make lock`"


@pytest.mark.parametrize("file", FILES)
def test_nothing_is_direct_that_is_not_declared(file: str) -> None:
    names = {canonicalize_name(wanted.name) for wanted in declared(file)}
    direct = {entry.name for entry in pinned(file) if any(by.startswith(("assent", "-r ")) for by in entry.asked_by)}
    assert direct == names, f"requirements/{file}.txt and pyproject.toml differ; run `make lock`"


@pytest.mark.parametrize("file", ["build", "core", "lab"])
def test_one_version_of_a_package_in_all_files(file: str) -> None:
    assert {str(entry.requirement) for entry in pinned(file)} <= {str(entry.requirement) for entry in pinned("all")}


def test_torch_is_in_no_requirement_file() -> None:
    names = {entry.name for file in FILES for entry in pinned(file)}
    assert {name for name in names if name in {"torch", "triton"} or name.startswith(("nvidia", "cuda"))} == set()


def test_every_fast_moving_dependency_has_an_upper_bound() -> None:
    groups = [PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()]
    texts = [text for group in groups for text in group]
    unbounded = [text for text in texts if not any(spec.operator == "<" for spec in Requirement(text).specifier)]
    assert unbounded == []


def test_the_citation_names_this_version() -> None:
    version = re.search(r'^__version__ = "(.+)"$', (PACKAGE / "__init__.py").read_text(), flags=re.MULTILINE)
    assert version is not None
    assert f"version: {version[1]}\n" in (ROOT / "CITATION.cff").read_text()
