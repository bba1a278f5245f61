"""The file of a committee: safetensors, with what is no array as JSON in its metadata."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

VERSION = 1


def write(path: Path | str, about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> None:
    """The whole file or none of it.

    Raises:
        ValueError: something that is no file is at this path.
    """
    from safetensors.numpy import save_file

    place = Path(path)
    if place.exists() and not place.is_file():
        raise ValueError(f"{place} is a folder or a device; name a file for the committee.")
    place.parent.mkdir(parents=True, exist_ok=True)
    unfinished = place.with_name(place.name + ".part")
    metadata = {"assent.committee": json.dumps({"version": VERSION, **about})}
    save_file(dict(arrays), str(unfinished), metadata=metadata)
    mask = os.umask(0)
    os.umask(mask)
    unfinished.chmod(0o666 & ~mask)  # as any file would be; safetensors keeps it from others
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
    try:
        about = json.loads(metadata["assent.committee"])
    except json.JSONDecodeError as error:
        raise ValueError(f"What {path} says of its committee is no JSON: {error}. Make it again.") from error
    if not isinstance(about, dict):
        raise ValueError(f"What {path} says of its committee is {about!r}, and no object. Make it again.")
    if about.get("version") != VERSION:
        raise ValueError(f"{path} has version {about.get('version')}; this release reads {VERSION}.")
    return about, arrays


def made_on(path: Path | str) -> dict[str, Any]:
    """What the file says that its members learned from, as `Committee.save` was told; nothing where it does not say.

    Raises:
        FileNotFoundError, ValueError: as of `read`.
    """
    about, _ = read(path)
    found = about.get("made_on")
    return found if isinstance(found, dict) else {}
