"""What the forecast commands share: tables as CSV, pictures that want a folder, and a damaged file of forecasts."""

from __future__ import annotations

import csv
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from assent.cli.output import STORAGE, Output
from assent.forecast.registry import LineCut, RegistryDamaged


def write_csv(rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows on standard output, under the columns that any of them has."""
    columns = list(dict.fromkeys(name for row in rows for name in row))
    writer = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def must_have_folder(pictures: Path | None, *, png: bool) -> None:
    """Refuses PNG without a folder, which would be dropped without a word.

    Raises:
        ValueError: no folder, or no means of making PNG.
    """
    if png and pictures is None:
        raise ValueError("--png makes pictures as PNG, and no folder for pictures was given: add --pictures FOLDER.")
    if png and find_spec("resvg_py") is None:
        raise ValueError("--png needs the extra: pip install 'assent[png]'. Without --png the pictures are SVG.")


@contextmanager
def registry_errors(output: Output) -> Iterator[None]:
    """Ends the command as a damaged ledger does if the file of forecasts is not what was written; says once that a line was cut."""
    said: set[str] = set()

    def show(message: Warning | str, category: type[Warning], *where: Any, **more: Any) -> None:
        if not issubclass(category, LineCut):
            others(message, category, *where, **more)
        elif str(message) not in said:
            said.add(str(message))
            output.plain(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", LineCut)
        others, warnings.showwarning = warnings.showwarning, show
        try:
            yield
        except RegistryDamaged as error:
            output.fail(STORAGE, str(error))
