"""What does `pip install assent` cost, beside NumPy alone: disk, start of the command line, import?

Builds the wheel, installs it with its pinned runtime dependencies into an empty environment, and NumPy alone into
another. Sizes are blocks on disk of the whole environment, compiled bytecode included, as after `pip install`.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from pathlib import Path

from _report import Row, main, median_s

ROOT = Path(__file__).resolve().parent.parent
UV = Path(sys.executable).with_name("uv")
REPEATS = 11
BARS = {"size_mib": 160.0, "help_s": 0.4, "import_ratio": 1.5}


def run(*command: str | Path) -> None:
    """Run `command`; an exit status other than 0 raises RuntimeError with what it printed."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    result = subprocess.run([str(part) for part in command], env=clean, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{' '.join(map(str, command))} exited with {result.returncode}:\n{result.stderr}")


def environment(folder: Path, *installs: tuple[str | Path, ...]) -> tuple[Path, float]:
    """A new environment after each of `installs` (arguments of `uv pip install`): its interpreter and the seconds."""
    venv.create(folder, with_pip=False, symlinks=True)
    python = folder / "bin" / "python"
    start = time.perf_counter()
    for arguments in installs:
        run(UV, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *arguments)
    return python, time.perf_counter() - start


def size_mib(folder: Path) -> float:
    """Disk use of `folder` in MiB; a file with several names counts once."""
    blocks = {
        (status.st_dev, status.st_ino): status.st_blocks for path in folder.rglob("*") for status in [path.lstat()]
    }
    return sum(blocks.values()) * 512 / 2**20


def import_ratio(python: Path) -> float:
    """`import assent` over `import numpy`: medians of whole processes taken in turns, less the start of Python."""
    codes = ("pass", "import assent", "import numpy")
    turns = [[median_s(lambda code=code: run(python, "-c", code), repeats=1) for code in codes] for _ in range(REPEATS)]
    start, ours, numpy = (statistics.median(column) for column in zip(*turns, strict=True))
    return max(ours - start, 0.0) / (numpy - start)


def measure() -> list[Row]:
    """One row a bar: what was measured, ours, the peer's, the bar."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
        (wheel,) = folder.glob("*.whl")
        core = ROOT / "requirements" / "core.txt"
        numpy = next(line.split(" ")[0] for line in core.read_text().splitlines() if line.startswith("numpy=="))
        python, install_s = environment(folder / "ours", ("--require-hashes", "-r", core), ("--no-deps", wheel))
        peer, peer_install_s = environment(folder / "numpy", (numpy,))
        command = python.with_name("assent")
        run(command, "--help")  # the first call reads from disk
        return [
            _row("size, MiB", size_mib(folder / "ours"), size_mib(folder / "numpy"), BARS["size_mib"]),
            _row("install with uv, s", install_s, peer_install_s, None),
            _row(
                "assent --help, s",
                median_s(lambda: run(command, "--help"), repeats=REPEATS),
                median_s(lambda: run(peer, "-c", "import numpy"), repeats=REPEATS),
                BARS["help_s"],
            ),
            _row("import assent / import numpy", import_ratio(python), 1.0, BARS["import_ratio"]),
        ]


def _row(what: str, ours: float, numpy: float, bar: float | None) -> Row:
    within = None if bar is None else "yes" if ours <= bar else "no"
    return {"measured": what, "assent": ours, "numpy alone": numpy, "bar": bar, "within": within}


if __name__ == "__main__":
    os.chdir(ROOT)
    main("What does installing and starting assent cost?", measure, packages=("assent", "numpy", "typer", "uv"))
