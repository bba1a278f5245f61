"""Context trees the slow way: every tree written out, every probability a product of fractions. Shares no code with the package."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import product

Leaf = tuple[int, ...]


def all_trees(num_symbols: int, depth: int, context: Leaf = ()) -> Iterator[tuple[Leaf, ...]]:
    """Every proper tree below `context`, as its leaves (the most recent symbol first), sorted."""
    yield (context,)
    if len(context) < depth:
        below = [list(all_trees(num_symbols, depth, (*context, symbol))) for symbol in range(num_symbols)]
        for parts in product(*below):
            yield tuple(leaf for part in parts for leaf in part)


def prior(leaves: Sequence[Leaf], *, depth: int, beta: Fraction) -> Fraction:
    """By growing the tree: a context above the full depth stops with probability beta, and splits otherwise."""
    inner = {leaf[:length] for leaf in leaves for length in range(len(leaf))}
    value = Fraction(1)
    for context in (*inner, *leaves):
        if len(context) < depth:
            value *= (1 - beta) if context in inner else beta
    return value


def leaf_of(leaves: Sequence[Leaf], past: Sequence[int]) -> Leaf:
    """The leaf that a past (the most recent symbol last) begins with, read backwards."""
    (found,) = [leaf for leaf in leaves if tuple(reversed(past))[: len(leaf)] == leaf]
    return found


def likelihood(leaves: Sequence[Leaf], symbols: Sequence[int], *, num_symbols: int, depth: int) -> Fraction:
    """Of `symbols[depth:]`, one Krichevsky–Trofimov prediction after the other."""
    seen: dict[Leaf, Counter[int]] = {leaf: Counter() for leaf in leaves}
    value = Fraction(1)
    for time in range(depth, len(symbols)):
        count = seen[leaf_of(leaves, symbols[:time])]
        value *= (count[symbols[time]] + Fraction(1, 2)) / (count.total() + Fraction(num_symbols, 2))
        count[symbols[time]] += 1
    return value


def joint(symbols: Sequence[int], *, num_symbols: int, depth: int, beta: Fraction) -> dict[tuple[Leaf, ...], Fraction]:
    """Prior times likelihood of every tree."""
    return {
        leaves: prior(leaves, depth=depth, beta=beta)
        * likelihood(leaves, symbols, num_symbols=num_symbols, depth=depth)
        for leaves in all_trees(num_symbols, depth)
    }
