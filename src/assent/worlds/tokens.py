"""tokens: sources of symbols as worlds. The action is the next symbol; the overseer is the source and can say how likely each one is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from assent.overseers.demonstrator import Demonstrator
from assent.planning.transitions import Transitions

OPEN, CLOSE = "([{<", ")]}>"
DIGITS = "0123456789"
FINISH = ";"

SPLIT = 0.5
"""The chance that a node of a random context tree has children."""

SETTLED = 100_000
"""Half steps after which the shares of the states have settled, or never will to 1e-15."""

Leaf = tuple[int, ...]
"""A context: past symbols, the latest first."""


@dataclass(frozen=True, eq=False)
class Source:
    """An automaton with S states over m symbols, and the chances of its next symbol.

    A symbol that the source never writes where it stands is an event, after which it begins anew; a sentence that is finished is a goal.

    Attributes:
        transitions: each symbol leads to one state; no step ends anything.
        policy: `[S, m]`, rows sum to 1.
        symbols: what they are called, one for each.
        leaves: of a context tree, its contexts in the order of their parameters; otherwise none.
    """

    transitions: Transitions
    policy: NDArray[np.float64]
    symbols: tuple[str, ...]
    leaves: tuple[Leaf, ...] = ()

    @property
    def overseer(self) -> Demonstrator:
        """The source itself: it answers with a symbol, and `probs(revealed)` says how likely each one is."""
        return Demonstrator(self.policy)

    @property
    def entropy_rate(self) -> float:
        """Nats a symbol in the long run: what the best predictor loses (Cover and Thomas, "Elements of Information Theory", 2006, 4.2).

        >>> round(brackets(kinds=2, depth=1).entropy_rate / float(np.log(2)), 9)
        0.5
        """
        after, share = self.transitions.successor[:, :, 0].ravel(), self.transitions.start
        for _ in range(SETTLED):
            moved = np.bincount(after, weights=(share[:, None] * self.policy).ravel(), minlength=len(share))
            # half a step stays where it is, so that a source whose states take turns settles too
            before, share = share, (share + moved) / 2
            if np.abs(share - before).sum() < 1e-15:
                break
        logs = np.log(np.where(self.policy > 0, self.policy, 1.0))
        return float(-share @ (self.policy * logs).sum(axis=1))

    def sample(self, rng: np.random.Generator, length: int) -> NDArray[np.int64]:
        """`length` symbols that it writes."""
        below, after = np.cumsum(self.policy, axis=1), self.transitions.successor[:, :, 0]
        state, written = int(np.argmax(self.transitions.start)), np.empty(length, dtype=np.int64)
        last = self.policy.shape[1] - 1 - np.argmax(self.policy[:, ::-1] > 0, axis=1)
        for number, uniform in enumerate(rng.random(length)):
            # the last symbol with mass takes what rounding leaves at the far edge
            symbol = min(int(np.searchsorted(below[state], uniform, "right")), int(last[state]))
            written[number], state = symbol, int(after[state, symbol])
        return written

    def text(self, written: NDArray[np.int64]) -> str:
        """The symbols as they are called."""
        return "".join(self.symbols[symbol] for symbol in written)


def context_tree(seed: int, *, num_symbols: int = 3, order: int = 3, concentration: float = 0.5) -> Source:
    """A Markov source of order 2 to 5, or any, by a random sparse tree: how far back it looks depends on what it sees there.

    Beginning with the root, a node is given all its children with chance 1/2, down to depth `order`, which one path is made to reach;
    each leaf has a row of its own, Dirichlet(`concentration`) (Willems, Shtarkov and Tjalkens, "The context-tree weighting method",
    1995, section II). The state is the last `order` symbols; before the first they count as symbol 0.

    Args:
        seed: of tree and rows.
        num_symbols: m, at least 2.
        order: at least 1; m^order at most 100,000.
        concentration: above 0.

    Raises:
        ValueError: a number out of its range.

    >>> source = context_tree(0)
    >>> source.policy.shape, max(map(len, source.leaves))
    ((27, 3), 3)
    """
    if num_symbols < 2 or order < 1 or num_symbols**order > 100_000 or not concentration > 0:
        raise ValueError(
            f"num_symbols = {num_symbols}, order = {order}, concentration = {concentration}: give at least 2 symbols, order >= 1, at most "
            "100,000 contexts, and a concentration above 0."
        )
    rng = np.random.default_rng([seed, 11])
    deep = tuple(rng.integers(0, num_symbols, order).tolist())
    leaves = tuple(_leaves(rng, (), deep, num_symbols=num_symbols))
    rows = rng.dirichlet(np.full(num_symbols, concentration), size=len(leaves))
    number = {leaf: index for index, leaf in enumerate(leaves)}
    states = num_symbols**order
    policy = np.empty((states, num_symbols))
    for past in product(range(num_symbols), repeat=order):
        found = next(past[:length] for length in range(order + 1) if past[:length] in number)
        policy[sum(symbol * num_symbols**back for back, symbol in enumerate(past))] = rows[number[found]]
    after = (np.arange(states)[:, None] * num_symbols + np.arange(num_symbols)) % states
    no = np.zeros(after.shape, dtype=bool)
    symbols = tuple(str(symbol) for symbol in range(num_symbols))
    return Source(_automaton(after, wrong=no, finished=no, symbols=symbols), policy, symbols, leaves)


def brackets(*, kinds: int = 2, depth: int = 6) -> Source:
    """Balanced brackets of up to four kinds: ([]()){}. The state is what is open.

    With nothing open it opens one of any kind; with `depth` open it closes the last; else it opens or closes with equal chances. A
    bracket that closes what is not open, or that is one too many, is an event; a sentence is finished when nothing is open any more.

    Args:
        kinds: 1 to 4.
        depth: at least 1; at most 100,000 states.

    Raises:
        ValueError: a number out of its range.

    >>> source = brackets()
    >>> source.text(source.sample(np.random.default_rng(0), 12)), source.policy.shape
    ('[[(())]][][(', (127, 4))
    """
    if not 1 <= kinds <= len(OPEN) or depth < 1 or sum(kinds**level for level in range(depth + 1)) > 100_000:
        raise ValueError(
            f"kinds = {kinds}, depth = {depth}: give 1 to {len(OPEN)} kinds, a depth of at least 1, and at most 100,000 states."
        )
    stacks = [stack for level in range(depth + 1) for stack in product(range(kinds), repeat=level)]
    number = {stack: index for index, stack in enumerate(stacks)}
    policy, after = np.zeros((len(stacks), 2 * kinds)), np.zeros((len(stacks), 2 * kinds), dtype=np.int64)
    for stack, state in number.items():
        opening = 0.0 if len(stack) == depth else 1.0 if not stack else 0.5
        if opening:
            policy[state, :kinds] = opening / kinds
            after[state, :kinds] = [number[(*stack, kind)] for kind in range(kinds)]
        if stack:
            policy[state, kinds + stack[-1]] = 1 - opening
            after[state, kinds + stack[-1]] = number[stack[:-1]]
    closed = (after == 0) & (policy > 0)
    symbols = (*OPEN[:kinds], *CLOSE[:kinds])
    return Source(_automaton(after, wrong=policy == 0, finished=closed, symbols=symbols), policy, symbols)


def arithmetic(*, digits: int = 1) -> Source:
    """Sums that are right, 7+5=12; or with two digits 07+35=042; the summands drawn with equal chances, the rest follows.

    The state is what is left of the sentence as far as it is settled: a digit of a summand may be any, all else has one symbol. A
    symbol that cannot stand there is an event, after which a sentence begins anew; each semicolon finishes one.

    Args:
        digits: of each summand, 1 or 2; sums have one digit more, and all are padded with zeros.

    Raises:
        ValueError: another number of digits.

    >>> source = arithmetic()
    >>> source.text(source.sample(np.random.default_rng(1), 22)), source.policy.shape
    ('5+1=06;4+0=04;3+1=04;2', (70, 13))
    """
    if digits not in (1, 2):
        raise ValueError(f"digits = {digits}: summands have 1 or 2 digits.")
    symbols = (*DIGITS, "+", "=", FINISH)
    index, edges = {("a", ""): 0}, list[tuple[int, int, int, float]]()
    waiting = [("a", "")]
    while waiting:
        state = waiting.pop()
        for symbol, follower, chance in _continued(state, digits):
            if follower not in index:
                index[follower] = len(index)
                waiting.append(follower)
            edges.append((index[state], symbols.index(symbol), index[follower], chance))
    policy, after = np.zeros((len(index), len(symbols))), np.zeros((len(index), len(symbols)), dtype=np.int64)
    for state, symbol, follower, chance in edges:
        policy[state, symbol], after[state, symbol] = chance, follower
    finished = np.zeros(after.shape, dtype=bool)
    finished[:, -1] = policy[:, -1] > 0
    return Source(_automaton(after, wrong=policy == 0, finished=finished, symbols=symbols), policy, symbols)


def _continued(state: tuple[str, str], digits: int) -> Iterator[tuple[str, tuple[str, str], float]]:
    """What may follow: a symbol, the state after it, its chance. States: a and its digits so far; b and `a+digits`; what is settled."""
    kind, known = state
    if kind == "settled":
        yield known[0], ("settled", known[1:]) if len(known) > 1 else ("a", ""), 1.0
        return
    written = known.partition("+")[2] if kind == "b" else known
    if len(written) < digits:
        for digit in DIGITS:
            whole = known + digit
            if kind == "b" and len(written) + 1 == digits:
                total = sum(map(int, whole.split("+")))
                yield digit, ("settled", f"={total:0{digits + 1}d}{FINISH}"), 0.1
            else:
                yield digit, (kind, whole), 0.1
        return
    yield "+", ("b", f"{known}+"), 1.0


def _leaves(rng: np.random.Generator, node: Leaf, deep: Leaf, *, num_symbols: int) -> Iterator[Leaf]:
    on_path = deep[: len(node)] == node
    if len(node) == len(deep) or not (on_path or rng.random() < SPLIT):
        yield node
        return
    for symbol in range(num_symbols):
        yield from _leaves(rng, (*node, symbol), deep, num_symbols=num_symbols)


def _automaton(
    after: NDArray[np.int64], *, wrong: NDArray[np.bool_], finished: NDArray[np.bool_], symbols: tuple[str, ...]
) -> Transitions:
    """What symbols lead to, as outcomes that are certain; a wrong one leads to the first state."""
    successor = np.where(wrong, 0, after)[..., None]
    return Transitions(
        chance=np.ones(successor.shape),
        successor=successor,
        reward=np.where(finished, 1.0, 0.0)[..., None],
        event=wrong[..., None],
        goal=finished[..., None],
        end=np.zeros(successor.shape, dtype=bool),
        start=(np.arange(len(after)) == 0).astype(np.float64),
        spot=successor,
        action_names=symbols,
    )
