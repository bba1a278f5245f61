"""HumanCompatibleAI's imitation as a peer: its cloning and DAgger, in an environment of its own, on our noise and overseer's draws."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from assent.overseers.demonstrator import Demonstrator
from assent.peers.environment import environment_for, rows_of
from assent.peers.methods import BUDGETS, WARM_UP, Method, Stock
from assent.peers.trace import Setting, chances
from assent.worlds.tabular import BITS, Tabular

_SOURCE = "Gleave et al., imitation: clean imitation learning implementations, 2022; version 1.0.1"


def _elsewhere(ground: Stock, dial: Any) -> Any:
    raise RuntimeError("imitation's methods have no agent here: they live in an environment of their own.")


def _method(name: str, key: str) -> Method:
    return Method(name, key, "daggers", "labels", tuple(n for n in BUDGETS if n >= 50), WARM_UP, _elsewhere, _SOURCE)


METHODS = (_method("imitation 1.0.1: BC", "imitation-bc"), _method("imitation 1.0.1: DAgger", "imitation-dagger"))
"""What can be run; the dial is the number of labels."""


@dataclass(frozen=True)
class Task:
    """One life: a method's key, how many labels it is given, and the seed."""

    method: str
    labels: int
    seed: int


def run_imitation(
    tasks: Sequence[Task],
    settings: dict[int, Setting],
    *,
    run: str,
    num_steps: int,
    python: Path | None = None,
    say: Callable[[str], None] = lambda said: None,
) -> Iterator[dict[str, Any]]:
    """One row a task, in order: `method`, `dial`, `seed`, and the counts `queries`, `failures`, `own`, `switches` and `goals`.

    World noise and overseer's draws are those of `assent.peers.trace.sweep` with the same seed and run. After its labels a policy acts
    alone on its likeliest action, without learning. Cloning fits 1,000 batches; DAgger hands over in 15 parts and fits 100 batches
    after each.

    Args:
        settings: of each seed: a `Tabular` world and a `Demonstrator`.
        python: the interpreter of an environment that has imitation; made by `environment_for` when left out.
        say: is told what is being done.

    Raises:
        ValueError: a world that is not `Tabular`, an overseer who is no `Demonstrator`, or more labels than steps.
        RuntimeError: the environment cannot be made, or its program ended early; the message holds what it printed.
    """
    for task in tasks:
        if not 1 <= task.labels <= num_steps:
            raise ValueError(f"{task.labels} labels in {num_steps} steps: give 1 to {num_steps}.")
    seeds = list(settings)
    given = _given(list(settings.values()), seeds, run=run, num_steps=num_steps)
    python = environment_for(say) if python is None else python
    with tempfile.TemporaryDirectory() as folder:
        arrays = Path(folder) / "given.npz"
        np.savez(arrays, **given)  # pyright: ignore[reportArgumentType]
        lines = [{"method": t.method, "labels": t.labels, "seed": t.seed, "place": seeds.index(t.seed)} for t in tasks]
        rows = rows_of("imitation_worker.py", lines, arrays, python=python, named="imitation", unit="lives")
        for count, row in enumerate(rows, start=1):
            yield row
            say(f"imitation: {count} of {len(tasks)} lives")


def _given(settings: Sequence[Setting], seeds: Sequence[int], *, run: str, num_steps: int) -> dict[str, np.ndarray]:
    """Everything that decides a life, as arrays: what `sweep` would draw, drawn beforehand. N seeds, T steps."""
    worlds = [setting.world for setting in settings]
    overseers = [setting.overseer for setting in settings]
    for world, overseer in zip(worlds, overseers, strict=True):
        if not isinstance(world, Tabular) or not world.resets or not isinstance(overseer, Demonstrator):
            raise ValueError(
                f"imitation is given the tables of a world that starts again and of its overseer, not {type(world).__name__} and "
                f"{type(overseer).__name__}."
            )
    first = worlds[0]
    tables = ("below", "successor", "event", "goal", "end", "start_below")
    for world in worlds:
        if not all(np.array_equal(getattr(first, name), getattr(world, name)) for name in tables):
            raise ValueError("the worlds of two seeds differ: imitation is given one.")
    noise = [_noise(seed, num_steps) for seed in seeds]
    starts = np.asarray(first.start_below)
    return {
        **{name: np.asarray(getattr(first, name)) for name in tables},
        "policy": np.stack([np.asarray(overseer.policy) for overseer in overseers]),
        "chance": np.stack([chances(seed, run, num_steps=num_steps)[:, 1] for seed in seeds]),
        "noise": np.stack([of_outcome for _, of_outcome, _ in noise]),
        "again": np.stack([of_start for _, _, of_start in noise]),
        "first": np.asarray([int((begin >= starts[:-1]).sum()) for begin, _, _ in noise]),
    }


def _noise(seed: int, num_steps: int) -> tuple[int, np.ndarray, np.ndarray]:
    """A life's random bits as `rounds` and `Tabular` draw them: of the first state, of outcomes `[T]`, of beginning again `[T]`."""
    first_key, step_key = jax.random.split(jax.random.key(seed))

    def of(number: Any) -> tuple[Any, Any]:
        outcome_key, start_key = jax.random.split(jax.random.fold_in(step_key, number))
        return _bits(outcome_key), _bits(start_key)

    outcomes, starts = jax.vmap(of)(jnp.arange(num_steps))
    return int(_bits(first_key)), np.asarray(outcomes), np.asarray(starts)


def _bits(key: Any) -> Any:
    return jax.random.bits(key, dtype=jnp.uint32) >> (32 - BITS)
