"""The file of a committee: safetensors, with what is no array as JSON in its metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

VERSION = 1


def write(path: Path | str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """The whole file or none of it."""
    from safetensors.numpy import save_file

    place = Path(path)
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(place.name + ".part")
    metadata = {"assent.committee": json.dumps({"version": VERSION, **about})}
    save_file(dict(arrays), str(unfinished), metadata=metadata)
    unfinished.replace(place)


def read(path: Path | str) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """What `write` was given.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file of something else, or of a later version.
    """
    from safetensors import SafetensorError, safe_open

    if not Path(path).is_file():
        raise FileNotFoundError(f"There is no file {path}; make one with Committee.save or `assent committee fit`.")
    try:
        with safe_open(str(path), framework="numpy") as file:
            metadata = file.metadata() or {}
            arrays = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"{path} cannot be read as safetensors: {error}. It may be cut short.") from error
    if "assent.committee" not in metadata:
        raise ValueError(f"{path} holds arrays but no committee; give a file that Committee.save wrote.")
    about = json.loads(metadata["assent.committee"])
    if about.get("version") != VERSION:
        raise ValueError(f"{path} has version {about.get('version')}; this release reads {VERSION}.")
    return about, arrays
