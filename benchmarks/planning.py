"""How fast are the optimal values of 10,000 rewards? Beside NumPy, mdpsolver, quantecon and pymdptoolbox, in the same run."""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable

import jax
import numpy as np
from _report import Row, best_s, main

from assent.planning.value_iteration import solve

SIDE, REWARDS, DISCOUNT, TOLERANCE = 10, 10_000, 0.95, 0.01
SINGLE = 20
"""Single solves that a peer's time for all rewards is extrapolated from."""

FEW = 3
"""The same for pymdptoolbox, which takes most of a second for each."""


def grid() -> np.ndarray:
    """[S, A, 1]: left, right, up, down, stay; walls keep one in place."""
    index = np.arange(SIDE * SIDE).reshape(SIDE, SIDE)
    rows, columns = np.indices((SIDE, SIDE))
    moves = [(0, -1), (0, 1), (-1, 0), (1, 0), (0, 0)]
    after = [index[np.clip(rows + i, 0, SIDE - 1), np.clip(columns + j, 0, SIDE - 1)].ravel() for i, j in moves]
    return np.stack(after, axis=1)[:, :, None]


def numpy_solve(successor: np.ndarray, reward: np.ndarray) -> tuple[np.ndarray, int]:
    """The same sweeps and the same test in NumPy, hypotheses last, action by action (faster than all actions at once)."""
    value, sweeps = np.zeros_like(reward[:, 0]), 0
    enough = TOLERANCE * (1 - DISCOUNT) / DISCOUNT
    discount = np.float32(DISCOUNT)
    while True:
        new = reward[:, 0] + discount * value[successor[:, 0, 0]]
        for action in range(1, successor.shape[1]):
            np.maximum(new, reward[:, action] + discount * value[successor[:, action, 0]], out=new)
        sweeps += 1
        moved = np.abs(new - value).max()
        value = new
        if moved <= enough:
            return value, sweeps


def measure() -> list[Row]:
    """One row for each way."""
    successor, chance = grid(), np.ones((SIDE * SIDE, 5, 1))
    terminal = np.zeros(SIDE * SIDE, dtype=bool)
    reward = np.random.default_rng(0).normal(size=(SIDE * SIDE, 5, REWARDS)).astype(np.float32)

    def ours() -> int:
        return jax.block_until_ready(solve(successor, chance, reward, DISCOUNT, terminal, TOLERANCE)).sweeps

    def one_block() -> int:
        return jax.block_until_ready(
            solve(successor, chance, reward, DISCOUNT, terminal, TOLERANCE, block=REWARDS)
        ).sweeps

    sweeps = ours()
    seconds = best_s(ours)
    one_block()
    unblocked = best_s(one_block)
    rows = [
        _row("assent, JAX, blocks, all cores", seconds, seconds, sweeps),
        _row("assent, JAX, one block of 10,000", unblocked, seconds, sweeps),
    ]
    start = time.perf_counter()
    _, numpy_sweeps = numpy_solve(successor, reward)
    rows.append(_row("NumPy, hypotheses last, same solves", time.perf_counter() - start, seconds, numpy_sweeps))
    rows += [_peer(name, solver, count, successor, reward, seconds) for name, solver, count in PEERS]
    again = best_s(ours)
    rows.append(_row("assent again, after the peers", again, seconds, sweeps))
    return rows


def _row(what: str, seconds: float, ours: float, sweeps: int | None, note: str = "all 10,000 measured") -> Row:
    each = None if sweeps is None else 1e3 * seconds / sweeps
    return {
        "what": what,
        "all_s": seconds,
        "times_ours": seconds / ours,
        "sweeps": sweeps,
        "ms_a_sweep": each,
        "note": note,
    }


def _mdpsolver(successor: np.ndarray, reward: np.ndarray) -> Callable[[], object]:
    package = importlib.import_module("mdpsolver")
    model = package.model()
    model.mdp(
        discount=DISCOUNT,
        rewards=reward.astype(float).tolist(),
        tranMatProbs=np.ones(successor.shape).tolist(),
        tranMatColumns=successor.tolist(),
    )
    # one thread: on problems this small its threads cost more than they save
    settings = {"postProcessing": False, "makeFinalCheck": False, "parallel": False}
    return lambda: model.solve(algorithm="vi", tolerance=TOLERANCE, **settings)


def _quantecon(successor: np.ndarray, reward: np.ndarray) -> Callable[[], object]:
    markov = importlib.import_module("quantecon.markov")
    dense = np.eye(len(successor))[successor[:, :, 0]]
    problem = markov.DiscreteDP(reward.astype(float), dense, DISCOUNT)
    return lambda: problem.solve(method="policy_iteration").v


def _pymdptoolbox(successor: np.ndarray, reward: np.ndarray) -> Callable[[], object]:
    package = importlib.import_module("mdptoolbox.mdp")
    dense = np.eye(len(successor))[successor[:, :, 0]].transpose(1, 0, 2)

    def run() -> object:
        found = package.PolicyIteration(dense, reward.astype(float), DISCOUNT)
        found.run()
        return np.asarray(found.V)

    return run


PEERS = (
    ("mdpsolver vi", _mdpsolver, SINGLE),
    ("quantecon policy iteration", _quantecon, SINGLE),
    ("pymdptoolbox policy iteration", _pymdptoolbox, FEW),
)
"""Each gives values right to the tolerance (pymdptoolbox's value iteration does not: it stops by a span rule)."""


def _peer(
    name: str,
    solver: Callable[[np.ndarray, np.ndarray], Callable[[], object]],
    count: int,
    successor: np.ndarray,
    reward: np.ndarray,
    ours: float,
) -> Row:
    try:
        runs = [solver(successor, reward[:, :, n]) for n in range(count)]
    except ImportError:
        return {**_row(name, 0.0, ours, None), "all_s": None, "times_ours": None, "note": "not installed"}
    runs[0]()
    start = time.perf_counter()
    for run in runs:
        run()
    each = (time.perf_counter() - start) / count
    return _row(name, each * REWARDS, ours, None, f"from {count} single solves, {1e3 * each:.3g} ms each")


if __name__ == "__main__":
    main(__doc__ or "", measure, packages=("numpy", "jax", "jaxlib", "mdpsolver", "quantecon", "pymdptoolbox"))
