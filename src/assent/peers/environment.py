"""An environment of their own for peers that want other versions than we have: imitation, torch-uncertainty and laplace-torch."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable
from importlib import resources
from pathlib import Path

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


def _install(command: list[str], failed: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{failed} {(done.stdout + done.stderr).strip()[-2000:]}")
