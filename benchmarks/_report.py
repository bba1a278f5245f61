"""How every benchmark speaks: a table for people or one JSON object, with the machine and the versions it ran on."""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path

Row = Mapping[str, str | int | float | None]
"""One line of a table: column name to value; all rows of a table have the same columns. Units are part of the names."""


def machine(packages: Sequence[str]) -> dict[str, str | int | float | None]:
    """What the figures depend on: processor, cores, memory (GiB), load when it began, Python and package versions.

    A package that is not installed has the version None.
    """
    record: dict[str, str | int | float | None] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }
    for package in packages:
        try:
            record[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            record[package] = None
    return record


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.exists() else []
    models = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.machine()


def best_s(action: Callable[[], object], repeats: int = 7) -> float:
    """The least wall time of `repeats` calls, in seconds: other work on the machine only ever adds."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def median_s(action: Callable[[], object], *, repeats: int) -> float:
    """Median wall time of `repeats` calls of `action`, in seconds."""
    times: list[float] = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def _text(value: str | int | float | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
    return str(value)


def table(rows: Sequence[Row]) -> str:
    """`rows` as aligned text, numbers to the right.

    >>> print(table([{"way": "ours", "wall_s": 0.25}, {"way": "theirs", "wall_s": 12.0}]))
    way     wall_s
    ours      0.25
    theirs      12
    """
    columns = list(rows[0]) if rows else []
    cells = [columns, *([_text(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    flush = [
        str.rjust if all(isinstance(row[column], int | float | None) for row in rows) else str.ljust
        for column in columns
    ]
    lines = (
        "  ".join(put(cell, width) for put, cell, width in zip(flush, line, widths, strict=True)) for line in cells
    )
    return "\n".join(line.rstrip() for line in lines)


def main(
    question: str,
    measure: Callable[[], Sequence[Row]],
    *,
    packages: Sequence[str] = (),
) -> None:
    """Run `measure` and print its rows under `question`; `--json` prints one object instead. Asserts nothing."""
    parser = argparse.ArgumentParser(description=question)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")
    as_json = parser.parse_args().json
    here = machine(packages)
    rows = measure()
    if as_json:
        print(json.dumps({"question": question, "machine": here, "rows": [dict(row) for row in rows]}))
    else:
        about = ", ".join(f"{key} {value}" for key, value in here.items())
        print(f"{question}\n\n{table(rows)}\n\n{about}\n")
