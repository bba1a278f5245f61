"""docs/results/committee-peers.md: our committees beside torch-uncertainty's and laplace-torch's, on the same splits in one run.

    ASSENT_DATA=FOLDER python tools/committee_peers.py [--problem mnist] [--seeds 3] [--rows FILE]

`--rows` keeps what is done, a line each: the same command goes on where it was. Give the process one thread
(`XLA_FLAGS=--xla_cpu_multi_thread_eigen=false OMP_NUM_THREADS=1`), as the peers have.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.committees.asking import at_ask_rate, mean_threshold, minimum
from assent.committees.balanced import n_eff_cap_evenly
from assent.committees.correlation import error_correlation
from assent.committees.evaluation import Evaluated
from assent.committees.problems import Problem, problem_of
from assent.committees.softmax import best_temperature, log_softmax, mean_by_weight
from assent.committees.ways import way_of
from assent.environment import environment
from assent.peers.uncertainty_process import METHODS, Ran, Task, run_uncertainty

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "results" / "committee-peers.md"
MEMBERS = {"packed": 4, "batch-ensemble": 4, "mimo": 3}
MANY = 16
"""Members of all other ways."""
OURS = ("deep", "packed", "batch-ensemble", "mimo", "swag", "last-layer", "tangent", "tangent-trained")
COLUMNS = (
    ("members", "N", ".0f"),
    ("member_accuracy", "member right", ".1%"),
    ("accuracy", "mean right", ".1%"),
    ("log_loss", "log-loss", ".3f"),
    ("joint", "joint log-loss", ".3f"),
    ("alike", "alike", ".2f"),
    ("n_eff_cap", "worth", ".2f"),
    ("wrong_minimum", "wrong: minimum", ".2%"),
    ("wrong_threshold", "wrong: threshold", ".2%"),
    ("train_s", "made in (s)", ".2f"),
    ("infer_ms", "answer (ms)", ".2f"),
)
PAIRS = (
    ("deep", "torch-uncertainty deep"),
    ("deep", "torch-uncertainty deep, He's starts"),
    ("packed", "torch-uncertainty packed"),
    ("batch-ensemble", "torch-uncertainty batch-ensemble"),
    ("mimo", "torch-uncertainty mimo"),
    ("swag", "torch-uncertainty swag"),
    ("last-layer", "laplace-torch last-layer"),
)
"""Ways that both have, ours and the peer's."""


def main() -> None:
    """Measures what is not yet measured, and writes the page."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else None)
    parser.add_argument("--problem", default="mnist")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--rows", type=Path)
    asked = parser.parse_args()
    rows = (
        [json.loads(line) for line in asked.rows.read_text().splitlines()] if asked.rows and asked.rows.exists() else []
    )
    known = {(row["name"], row["seed"]) for row in rows}
    for seed in range(asked.seeds):
        for row in _measured(problem_of(asked.problem, seed=seed), seed, known):
            rows.append(row)
            print(json.dumps(row), file=sys.stderr)
            if asked.rows:
                with asked.rows.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(row) + "\n")
    PAGE.write_text("\n".join(page(rows, asked.problem)) + "\n", encoding="utf-8")


def _measured(problem: Problem, seed: int, known: set[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    for name in OURS:
        if (f"assent {name}", seed) not in known:
            yield {"name": f"assent {name}", "seed": seed, **_ours(problem, name, seed)}
    names = [name for name in METHODS if (name, seed) not in known]
    tasks = [Task(name, _members(name), seed) for name in names]
    for ran in run_uncertainty(tasks, problem) if tasks else ():
        yield {"name": ran.task.method, "seed": seed, **_theirs(problem, ran)}


def _members(name: str) -> int:
    return MEMBERS.get(name.split()[-1], MANY)


def _ours(problem: Problem, name: str, seed: int) -> dict[str, Any]:
    started = time.process_time()
    made = way_of(name).make(problem, _members(name), seed=seed)
    whole = time.process_time() - started
    made.logits(problem.data.test.x)  # compiles
    started = time.process_time()
    logits = made.logits(problem.data.test.x)
    infer = time.process_time() - started
    measured = measures(logits, problem.data.test.y, made.temperature, made.roots)
    return {**measured, "train_s": made.cost.cpu_s, "whole_s": whole, "infer_ms": 1e6 * infer / len(problem.data.test)}


def _theirs(problem: Problem, ran: Ran) -> dict[str, Any]:
    own = np.arange(len(ran.test))
    temperature = best_temperature(ran.validation, problem.data.validation.y, _evenly(len(own)))
    measured = measures(ran.test, problem.data.test.y, temperature, own)
    items = len(problem.data.validation) + len(problem.data.test)
    return {**measured, "train_s": ran.train_s, "whole_s": ran.train_s, "infer_ms": 1e6 * ran.infer_s / items}


def measures(logits: NDArray[Any], labels: NDArray[Any], temperature: float, roots: NDArray[Any]) -> dict[str, Any]:
    """Of members' logits `[N, T, C]`."""
    said, y = log_softmax(logits / temperature), np.asarray(labels, dtype=np.int64)
    even = _evenly(len(said))
    mean = mean_by_weight(said, even)
    right = np.take_along_axis(said, y[None, :, None], axis=2)[..., 0]
    seen = Evaluated(said.argmax(axis=-1) != y[None], right, mean, y, np.asarray(roots), even)
    return {
        "members": len(said),
        "member_accuracy": seen.member_accuracy,
        "accuracy": seen.accuracy,
        "log_loss": seen.log_loss,
        "joint": seen.joint().mean,
        "alike": error_correlation(seen.errors, seen.roots).mean,
        "n_eff_cap": float(n_eff_cap_evenly(seen.errors, seen.roots, [len(said)], resamples=1).value[0]),
        **{
            f"wrong_{rule.__name__.removeprefix('mean_')}": _at_a_quarter(rule(said, y))
            for rule in (minimum, mean_threshold)
        },
    }


def _evenly(number: int) -> NDArray[np.float64]:
    return np.full(number, -math.log(number))


def _at_a_quarter(curve: Any) -> float | None:
    try:
        return at_ask_rate(curve, 0.25)
    except ValueError:  # even one member asks more
        return None


def page(rows: Sequence[Mapping[str, Any]], problem: str) -> Iterator[str]:
    """Its lines: the table, and where each side is ahead."""
    seeds = len({row["seed"] for row in rows})
    versions = ", ".join(f"{name} {version}" for name, version in environment().items())
    yield "# Committees beside torch-uncertainty and laplace-torch\n"
    yield (
        f"Made by `tools/committee_peers.py --problem {problem} --seeds {seeds}`, in one run: the same items to learn from, to choose "
        "settings by and to be tested on, networks of the same widths, Adam at the same rate for as many steps, and one temperature a "
        "committee, chosen on validation. Networks start as each library has it, but where it is said; PyTorch's own starts are narrower "
        f"than ours, and their members err more alike. Mean over {seeds} seeds, with the least and the greatest. {versions}; "
        "torch-uncertainty 0.8.0, laplace-torch 0.2.3.\n"
    )
    yield (
        "*Alike* is the correlation of members' errors, *worth* how many independent members would all be wrong as often, *wrong* are "
        "wrong acts per act alone at a quarter asked. *Made in* counts CPU seconds of one thread; ours leave out compiling, which the "
        "last column counts with what is chosen on validation. An *answer* is all members' logits for a thousand items.\n"
    )
    headings = [heading for _, heading, _ in COLUMNS]
    yield "| way | " + " | ".join([*headings, "with compiling (s)"]) + " |"
    yield "|---|" + "--:|" * (len(headings) + 1)
    for name in dict.fromkeys(row["name"] for row in rows):
        mine = [row for row in rows if row["name"] == name]
        cells = [_cell([row[key] for row in mine], form) for key, _, form in (*COLUMNS, ("whole_s", "", ".1f"))]
        yield f"| {name} | " + " | ".join(cells) + " |"
    yield "\n## Wins and losses\n"
    yield "Ours against the peer's of the same kind, means over seeds; below 1, ours is smaller: less time, less loss.\n"
    yield "| way | joint log-loss | log-loss | wrong: minimum | making | making, with compiling | answer |"
    yield "|---|" + "--:|" * 6
    for ours, other in PAIRS:
        keys = ("joint", "log_loss", "wrong_minimum", "train_s", "whole_s", "infer_ms")
        ratios = [_ratio(rows, f"assent {ours}", other, key) for key in keys]
        yield f"| {ours}, against {other} | " + " | ".join(ratios) + " |"


def _cell(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    if not known:
        return ""
    mean, low, high = float(np.mean(known)), min(known), max(known)
    if format(low, form) == format(high, form):
        return format(mean, form)
    return f"{format(mean, form)} ({format(low, form)} to {format(high, form)})"


def _ratio(rows: Sequence[Mapping[str, Any]], one: str, other: str, key: str) -> str:
    ours, theirs = ([row[key] for row in rows if row["name"] == name and row[key] is not None] for name in (one, other))
    return f"{np.mean(ours) / np.mean(theirs):.2f}" if ours and theirs else ""


if __name__ == "__main__":
    main()
