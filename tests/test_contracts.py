"""The import contracts of docs/design/001: kept by the code, and able to fail."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tools.contracts import exists

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "src" / "assent"
CONTRACTS = {
    contract["id"]: contract
    for contract in tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
}


def lint(src: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "contracts.py"), "--src", str(src)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_all_contracts_are_kept() -> None:
    result = lint(ROOT / "src")
    assert result.returncode == 0, result.stdout + result.stderr


def test_every_room_that_exists_stands_in_a_layer() -> None:
    layers = {room.strip("() ") for layer in CONTRACTS["layers"]["layers"] for room in layer.split(":")}
    files = {file.stem for file in PACKAGE.glob("*.py")} - {"__init__"}
    folders = {file.relative_to(PACKAGE).parts[0] for file in PACKAGE.glob("*/**/*.py")}
    assert files | folders <= layers, "name the new room in [tool.importlinter] of pyproject.toml"


def test_every_folder_with_code_is_a_package() -> None:
    folders = {file.parent for file in PACKAGE.rglob("*.py")}
    missing = sorted(str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").is_file())
    assert missing == [], "without an __init__.py the contracts do not see a folder"


# Each is one wrong variant that its contract has to reject, beside the words of import-linter that show it did.
VIOLATIONS = {
    "core imports the session": (
        {"core/rules.py": "import assent.session", "session.py": ""},
        "Imports point down BROKEN",
    ),
    "core reaches JAX through another module, inside a function": (
        {"core/rules.py": "import assent.core.arrays", "core/arrays.py": "def f():\n    import jax"},
        "not BROKEN",
    ),
    "a world imports torch": ({"worlds/tokens.py": "import torch"}, "hypotheses.language BROKEN"),
    "the demonstration imports a study": (
        {"demo/__init__.py": "import assent.studies.s01", "studies/s01.py": "", "cli/app.py": ""},
        "Only the command line imports studies BROKEN",
    ),
    "the forecast imports the core": (
        {"forecast/rules.py": "import assent.core", "core/types.py": ""},
        "never the core BROKEN",
    ),
    "one world imports another": (
        {"worlds/grid.py": "import assent.worlds.stream", "worlds/stream.py": ""},
        "Worlds do not import each other BROKEN",
    ),
    "a room that no contract names": ({"utils/misc.py": ""}, "assent.utils"),
}


def plant(src: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        file = src / "assent" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text + "\n")
    for folder in {file.parent for file in src.rglob("*.py")} | {src / "assent"}:
        (folder / "__init__.py").touch()


@pytest.mark.parametrize("case", VIOLATIONS)
def test_a_planted_violation_is_reported(tmp_path: Path, case: str) -> None:
    files, words = VIOLATIONS[case]
    plant(tmp_path, files)
    result = lint(tmp_path)
    assert result.returncode != 0
    assert words in " ".join(result.stdout.split()), result.stdout + result.stderr


def test_a_lawful_tree_passes(tmp_path: Path) -> None:
    plant(tmp_path, {"language/decode.py": "import torch\nimport assent.core", "core/types.py": "import numpy"})
    result = lint(tmp_path)
    assert result.returncode == 0, result.stdout + result.stderr


BLOCKED = """
import importlib, pkgutil, sys

blocked, rooms = sys.argv[1].split(","), sys.argv[2].split(",")
sys.modules.update(dict.fromkeys(blocked))  # None in sys.modules: `import` of that name raises ImportError
for room in rooms:
    module = importlib.import_module(room)
    for found in pkgutil.walk_packages(getattr(module, "__path__", []), room + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""


def test_the_runtime_loads_where_the_lab_is_not_installed() -> None:
    light = CONTRACTS["light"]
    rooms = [room for room in light["source_modules"] if exists(ROOT / "src", room)]
    command = [sys.executable, "-c", BLOCKED, ",".join(light["forbidden_modules"]), ",".join(rooms)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
