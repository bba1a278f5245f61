"""Check the import contracts of pyproject.toml on those rooms of the plan that exist.

The contracts name every room, the planned ones too. import-linter refuses a contract about a module that does not
exist; this script leaves such names out and gives the rest to `lint-imports`. A room that exists and stands in no layer
fails the `layers` contract (`exhaustive`), so nothing slips by unnamed. Exit status: that of `lint-imports`.
"""

import argparse
import configparser
import os
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
NAMING = ("source_modules", "protected_modules", "modules")


def exists(src: Path, module: str) -> bool:
    """True if `module`, or for a name that ends in `.*` at least one module below it, has a file under `src`."""
    wildcard = module.endswith(".*")
    path = src.joinpath(*module.removesuffix(".*").split("."))
    if wildcard:
        below = [*path.glob("*.py"), *path.glob("*/__init__.py")]
        return any(file != path / "__init__.py" for file in below)
    return path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


def present(contract: dict[str, Any], src: Path, package: str) -> dict[str, Any] | None:
    """`contract` without the modules that do not exist under `src`; None if nothing is left of it to check."""
    kept = dict(contract)
    for key in NAMING:
        if key in contract:
            kept[key] = [module for module in contract[key] if exists(src, module)]
            if not kept[key]:
                return None
    inside = [module for module in kept.get("forbidden_modules", ()) if module.split(".")[0] == package]
    absent = {module for module in inside if not exists(src, module)}
    if "forbidden_modules" in kept:
        kept["forbidden_modules"] = [module for module in kept["forbidden_modules"] if module not in absent]
        if not kept["forbidden_modules"]:
            return None
    return kept


def _as_ini(value: object) -> str:
    return "\n" + "\n".join(map(str, value)) if isinstance(value, list) else str(value)


def configuration(pyproject: Path, src: Path) -> configparser.ConfigParser:
    """The contracts of `pyproject` that can be checked under `src`, in import-linter's own INI form."""
    options = tomllib.loads(pyproject.read_text(encoding="utf-8"))["tool"]["importlinter"]
    contracts = options.pop("contracts")
    package = options["root_packages"][0]
    ini = configparser.ConfigParser(interpolation=None)
    ini["importlinter"] = {key: _as_ini(value) for key, value in options.items()}
    for contract in contracts:
        kept = present(contract, src, package)
        if kept is not None:
            name = kept.pop("id")
            ini[f"importlinter:contract:{name}"] = {key: _as_ini(value) for key, value in kept.items()}
    return ini


def main() -> int:
    """Run the contracts and return the exit status of `lint-imports`: 0 if all of them are kept."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--src", type=Path, default=ROOT / "src", help="folder that holds the package")
    src = parser.parse_args().src.resolve()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "contracts.ini"
        with config.open("w", encoding="utf-8") as file:
            configuration(ROOT / "pyproject.toml", src).write(file)
        program = "from importlinter.cli import lint_imports_command; lint_imports_command()"
        command = [sys.executable, "-c", program, "--config", str(config), "--no-cache", "--no-logo"]
        return subprocess.run(command, env=os.environ | {"PYTHONPATH": str(src)}, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
