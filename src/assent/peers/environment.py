"""An environment of their own for peers that want other versions than we have: imitation, torch-uncertainty and laplace-torch."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

import platformdirs

TORCH = "2.13.0"
"""The build of PyTorch that peers are run on; a CPU build is enough."""

FROM = "ASSENT_TORCH_FROM"
"""The environment variable with the options of pip that say where PyTorch is to be had."""


def environment_for(say: Callable[[str], None] = lambda said: None) -> Path:
    """The interpreter of an environment with the peers and what they want, made once below the user's cache folder.

    pip's find-links are asked for PyTorch first, which no hashed file holds (docs/design/001); where they have none, `ASSENT_TORCH_FROM`
    says how pip gets it, for example `--index-url ADDRESS`.

    Raises:
        RuntimeError: an installer failed; the message holds what it printed.
    """
    wanted = resources.files("assent.peers") / "requirements.txt"
    made_of = hashlib.sha256(wanted.read_bytes() + f"{TORCH} {sys.version}".encode()).hexdigest()[:12]
    folder = platformdirs.user_cache_path("assent") / f"peers-{made_of}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "done"
    if done.exists():
        return python
    if folder.exists():
        shutil.rmtree(folder)  # cut off while it was made
    say("an environment for the peers: some 1.6 GB, once")
    venv.create(folder, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    source = shlex.split(os.environ.get(FROM, "--no-index"))
    _install(
        [*pip, *source, f"torch=={TORCH}"],
        f"PyTorch {TORCH} is not to be had ({shlex.join(source)}): name pip's options for a CPU build in {FROM}, for example "
        f"{FROM}='--index-url ADDRESS'.",
    )
    say("an environment for the peers: themselves, and what they want")
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    quick = [uv, "pip", "install", "--quiet", "--no-deps", "--python", str(python)]
    installer = quick if Path(uv).exists() else pip
    _install([*installer, "--require-hashes", "-r", str(wanted)], "What the peers need could not be installed.")
    done.touch()
    return python


def rows_of(
    worker: str, tasks: Sequence[Mapping[str, Any]], arrays: Path, *, python: Path, named: str, unit: str
) -> Iterator[dict[str, Any]]:
    """A row for each task, in order, from a worker of `assent.peers` that runs in the peers' environment.

    The worker is called with the arrays' file, reads a task a line as JSON, and prints a row a line.

    Args:
        arrays: in a folder in which the worker and this may write.
        named, unit: what ended early and what it was doing, in the error.

    Raises:
        RuntimeError: the program ended early; the message holds what it printed.
    """
    lines = arrays.with_name("tasks")
    lines.write_text("".join(json.dumps(task) + "\n" for task in tasks), encoding="utf-8")
    command = [str(python), "-I", str(resources.files("assent.peers") / worker), str(arrays)]
    quiet = {**os.environ, "HF_DATASETS_DISABLE_PROGRESS_BARS": "1", "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    count = 0
    with (
        arrays.with_name("errors").open("w+", encoding="utf-8") as errors,
        lines.open(encoding="utf-8") as stdin,
        subprocess.Popen(command, stdin=stdin, stdout=subprocess.PIPE, stderr=errors, text=True, env=quiet) as process,
    ):
        for line in process.stdout or ():
            count += 1
            yield json.loads(line)
        if process.wait() != 0 or count != len(tasks):
            errors.seek(0)
            raise RuntimeError(
                f"{named} ended with exit code {process.returncode} after {count} of {len(tasks)} {unit}: {errors.read()[-2000:]}"
            )


def _install(command: list[str], failed: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{failed} {(done.stdout + done.stderr).strip()[-2000:]}")
