"""How many symbols a second do context trees learn? Beside a textbook implementation with dictionaries, in the same run, one thread."""

from __future__ import annotations

import math
import time

import _threads  # noqa: F401  (before NumPy)
import numpy as np
from _report import Row, best_s, main
from numpy.typing import NDArray

from assent.core import Answer
from assent.hypotheses.context_tree import ContextTreeMixture, ContextTrees

SYMBOLS, PYTHON_SYMBOLS, ANSWERS = 1_000_000, 20_000, 20_000
SIZES = ((2, 16), (4, 8), (8, 5), (2, 10))


class Textbook:
    """Context-tree weighting as it is written down: a dictionary of contexts, logarithms, one path a symbol."""

    def __init__(self, num_symbols: int, depth: int) -> None:
        """A tree without symbols."""
        self.num_symbols, self.depth = num_symbols, depth
        self.log_stop, self.log_split = math.log1p(-(2.0 ** (1 - num_symbols))), (1 - num_symbols) * math.log(2)
        self.nodes: dict[tuple[int, ...], list[float]] = {}

    def learn(self, symbols: list[int]) -> float:
        """The log-probability of `symbols`, of which the first `depth` are conditioned on."""
        for time_ in range(self.depth, len(symbols)):
            self._update(tuple(symbols[time_ - self.depth : time_][::-1]), symbols[time_])
        return self.nodes[()][-1]

    def _update(self, past: tuple[int, ...], symbol: int) -> None:
        m = self.num_symbols
        for length in range(self.depth, -1, -1):
            # counts, their sum, the log-estimate, the log-weighted probability
            node = self.nodes.setdefault(past[:length], [0] * (m + 1) + [0.0, 0.0])
            node[m + 1] += math.log((node[symbol] + 0.5) / (node[m] + m / 2))
            node[symbol] += 1
            node[m] += 1
            if length == self.depth:
                node[m + 2] = node[m + 1]
                continue
            below = (self.nodes.get((*past[:length], other)) for other in range(m))
            split = self.log_split + sum(child[m + 2] for child in below if child is not None)
            stop = self.log_stop + node[m + 1]
            top = max(stop, split)
            node[m + 2] = top + math.log1p(math.exp(min(stop, split) - top))


def _sequence(num_symbols: int, *, structured: bool) -> NDArray[np.int64]:
    """Symbols of a random source of order 2, or without any order."""
    rng = np.random.default_rng(0)
    if not structured:
        return rng.integers(0, num_symbols, SYMBOLS)
    rows = rng.dirichlet(np.full(num_symbols, 0.3), size=num_symbols**2).cumsum(axis=1).tolist()
    uniform, symbols, state = rng.random(SYMBOLS).tolist(), [], 0
    for chance in uniform:
        symbol = next((place for place, bound in enumerate(rows[state]) if chance < bound), num_symbols - 1)
        symbols.append(symbol)
        state = (state * num_symbols + symbol) % num_symbols**2
    return np.asarray(symbols)


def _learning(num_symbols: int, depth: int, *, structured: bool) -> Row:
    symbols = _sequence(num_symbols, structured=structured)
    grown = ContextTreeMixture(num_symbols, depth)
    ours = best_s(lambda: ContextTreeMixture(num_symbols, depth).extend(symbols), 3)
    few = symbols[:PYTHON_SYMBOLS].tolist()
    peer = best_s(lambda: Textbook(num_symbols, depth).learn(few), 2)
    grown.extend(symbols[:PYTHON_SYMBOLS])
    apart = abs(grown.log_evidence - Textbook(num_symbols, depth).learn(few))
    grown.extend(symbols[PYTHON_SYMBOLS:])
    kind = "order 2" if structured else "random"
    return {
        "what": f"{num_symbols} symbols, depth {depth}, {kind}",
        "per_s": SYMBOLS / ours,
        "peer": "textbook dictionaries",
        "peer_per_s": PYTHON_SYMBOLS / peer,
        "ratio": (SYMBOLS / ours) / (PYTHON_SYMBOLS / peer),
        "note": f"{grown.num_nodes} contexts, {apart:.0e} nats apart; bar 400,000",
    }


def _family() -> Row:
    """A round of an agent that asks: the lower row, the mixture's row, the answer, what was done."""
    family, symbols = ContextTrees(num_actions=4, depth=8), _sequence(4, structured=True)[:ANSWERS].tolist()
    memory = family.init()
    start = time.perf_counter()
    for symbol in symbols:
        family.log_lower(memory, None)
        family.log_policy(memory, None)
        memory = family.advance(family.learn(memory, None, Answer(symbol)), None, symbol)
    ours = ANSWERS / (time.perf_counter() - start)
    peer = best_s(lambda: Textbook(4, 8).learn(symbols), 1)
    return {
        "what": "rounds of the family, 4 actions, depth 8, every memory kept",
        "per_s": ours,
        "peer": "textbook dictionaries, changed in place, no bounds",
        "peer_per_s": ANSWERS / peer,
        "ratio": ours * peer / ANSWERS,
        "note": f"{memory.versions.used} rows",
    }


def _best() -> Row:
    symbols = _sequence(4, structured=True)
    mixture = ContextTreeMixture(4, 8)
    mixture.extend(symbols)
    posterior = mixture.posterior()
    posterior.best(5)
    five, one = best_s(lambda: posterior.best(5), 3), best_s(lambda: posterior.best(1), 3)
    return {
        "what": "the 5 best trees of 1,000,000 symbols (4, depth 8)",
        "per_s": 1 / five,
        "peer": "the best one alone",
        "peer_per_s": 1 / one,
        "ratio": one / five,
        "note": f"{1e3 * five:.0f} ms over {mixture.num_nodes} contexts",
    }


def measure() -> list[Row]:
    """One row for each question."""
    ContextTreeMixture(2, 1).extend([0, 1])  # compiled before the clock runs
    _warm = ContextTrees(num_actions=2, depth=0)
    _warm.log_lower(_warm.learn(_warm.init(), None, Answer(0)), None)
    learning = [_learning(*size, structured=structured) for size in SIZES for structured in (True, False)]
    return [*learning, _family(), _best()]


if __name__ == "__main__":
    main(__doc__ or "", measure, packages=("numpy", "numba"))
