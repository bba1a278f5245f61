"""Sources of symbols: what they write, read back by parsers of its own kind, and what it costs to predict it."""

from __future__ import annotations

import re

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.checks import check_world
from assent.hypotheses.tables import Tables
from assent.rollout import live
from assent.worlds.tabular import Tabular
from assent.worlds.tokens import CLOSE, FINISH, OPEN, Source, arithmetic, brackets, context_tree

TREES = [(2, 2), (3, 3), (2, 5), (4, 4)]


def leaf_of(source: Source, past: list[int]) -> tuple[int, ...]:
    """The leaf that fits what was written, the latest symbol first; missing symbols count as 0."""
    latest = [*past[::-1], *[0] * 10]
    fits = [leaf for leaf in source.leaves if tuple(latest[: len(leaf)]) == leaf]
    assert len(fits) == 1, "leaves are complete and none is another's beginning"
    return fits[0]


@pytest.mark.parametrize(("num_symbols", "order"), TREES)
def test_the_trees_are_complete_and_look_back_as_far_as_they_should(num_symbols: int, order: int) -> None:
    """Kraft's sum is 1. Over seeds the trees differ, and are sparse: fewer leaves than contexts."""
    counts = []
    for seed in range(12):
        source = context_tree(seed, num_symbols=num_symbols, order=order)
        assert sum(num_symbols ** -len(leaf) for leaf in source.leaves) == pytest.approx(1, abs=1e-12)
        assert max(map(len, source.leaves)) == order
        counts.append(len(source.leaves))
    assert len(set(counts)) > 2 or order == 2
    assert np.mean(counts) < num_symbols**order


@pytest.mark.parametrize(("num_symbols", "order"), TREES)
def test_a_row_depends_on_the_leaf_alone(num_symbols: int, order: int) -> None:
    """Along what it writes, by the world's own states. The wrong variant, reading the past from the other end, finds other rows."""
    source = context_tree(1, num_symbols=num_symbols, order=order)
    written = source.sample(np.random.default_rng(0), 400).tolist()
    state, row_of, turned = 0, {}, {}
    clash = 0
    for number, symbol in enumerate(written):
        row = tuple(source.policy[state].tolist())
        assert row_of.setdefault(leaf_of(source, written[:number]), row) == row
        backwards = leaf_of(source, [*written[max(number - order, 0) : number]][::-1])
        clash += turned.setdefault(backwards, row) != row
        state = int(source.transitions.successor[state, symbol, 0])
    assert len(set(row_of.values())) == len(row_of) > 1
    assert clash > 0


def log_loss(source: Source, written: np.ndarray) -> np.ndarray:
    state, lost = int(np.argmax(source.transitions.start)), []
    for symbol in written.tolist():
        lost.append(-np.log(source.policy[state, symbol]))
        state = int(source.transitions.successor[state, symbol, 0])
    return np.asarray(lost)


@pytest.mark.parametrize(
    "source",
    [context_tree(3, num_symbols=3, order=3), context_tree(5, num_symbols=2, order=5), brackets(depth=4), arithmetic()],
    ids=["tree of 3", "tree of 2", "brackets", "arithmetic"],
)
def test_the_source_predicts_itself_at_its_entropy_rate(source: Source) -> None:
    """40,000 symbols, within five standard errors of means over blocks of 200. Another source's symbols cost more."""
    written = source.sample(np.random.default_rng(7), 40_000)
    blocks = log_loss(source, written).reshape(-1, 200).mean(axis=1)
    error = blocks.std(ddof=1) / len(blocks) ** 0.5
    assert abs(blocks.mean() - source.entropy_rate) < 5 * error
    if source.leaves:
        # mixed with a little of everything, so that no symbol is impossible to it
        other = context_tree(99, num_symbols=source.policy.shape[1], order=max(map(len, source.leaves)))
        mixed = Source(source.transitions, 0.9 * other.policy + 0.1 / other.policy.shape[1], source.symbols)
        assert log_loss(mixed, written).mean() > source.entropy_rate + 10 * error


def test_entropy_of_a_sum_is_that_of_its_summands() -> None:
    """6 symbols and a semicolon a sentence carry two free digits; of a pair of brackets one symbol of two is free."""
    assert arithmetic().entropy_rate == pytest.approx(2 * np.log(10) / 7, abs=1e-9)
    assert arithmetic(digits=2).entropy_rate == pytest.approx(4 * np.log(10) / 10, abs=1e-9)
    assert brackets(kinds=3, depth=1).entropy_rate == pytest.approx(np.log(3) / 2, abs=1e-9)


@pytest.mark.parametrize(("kinds", "depth"), [(1, 3), (2, 6), (4, 3)])
def test_brackets_are_balanced(kinds: int, depth: int) -> None:
    """By a parser with a stack of characters, which also says of every symbol in every state that came whether it may stand there."""
    source = brackets(kinds=kinds, depth=depth)
    assert source.policy.shape == (sum(kinds**level for level in range(depth + 1)), 2 * kinds)
    state, stack, finished, deepest = 0, "", 0, 0
    for symbol in source.sample(np.random.default_rng(3), 4_000).tolist():
        for other, character in enumerate(source.symbols):
            opens = character in OPEN
            lawful = len(stack) < depth if opens else stack[-1:] == OPEN[CLOSE.index(character)]
            assert (source.policy[state, other] > 0) == lawful
            assert source.transitions.event[state, other, 0] == (not lawful)
            closes_all = lawful and not opens and len(stack) == 1
            assert source.transitions.goal[state, other, 0] == closes_all
        character = source.symbols[symbol]
        stack = stack + character if character in OPEN else stack[:-1]
        deepest, finished = max(deepest, len(stack)), finished + (not stack)
        state = int(source.transitions.successor[state, symbol, 0])
        assert (state == 0) == (not stack)
    assert deepest == depth
    assert finished > 100


@pytest.mark.parametrize(("digits", "form"), [(1, r"\d\+\d=\d\d"), (2, r"\d\d\+\d\d=\d\d\d")])
def test_sums_are_right_and_all_of_them_are_written(digits: int, form: str) -> None:
    source = arithmetic(digits=digits)
    sentences = source.text(source.sample(np.random.default_rng(2), 40_000)).split(FINISH)[:-1]
    pairs = set()
    for sentence in sentences:
        assert re.fullmatch(form, sentence)
        left, _, total = sentence.partition("=")
        first, _, second = left.partition("+")
        assert int(first) + int(second) == int(total)
        pairs.add((int(first), int(second)))
    if digits == 1:
        # 5,700 sentences: one of 100 pairs is missing with chance 100 * 0.99^5700 < 1e-22
        assert len(pairs) == 100
    assert source.transitions.event.sum() == (source.policy == 0).sum()
    assert (source.transitions.successor[source.transitions.event] == 0).all()


def test_a_wrong_digit_is_an_event_and_the_sentence_begins_anew() -> None:
    source = arithmetic()
    state = 0
    for character in "7+5=1":
        state = int(source.transitions.successor[state, source.symbols.index(character), 0])
    for digit in "0123456789":
        at = (state, source.symbols.index(digit), 0)
        assert source.transitions.event[at] == (digit != "2")
        assert (source.transitions.successor[at] == 0) == (digit != "2")


@pytest.mark.slow
def test_a_source_is_imitated_symbol_by_symbol() -> None:
    """Eight trees as members, the source among them; it is found, and from then on nobody has to be asked."""
    sources = [context_tree(seed, num_symbols=3, order=2) for seed in range(8)]
    world, overseer = Tabular.of(sources[3].transitions), sources[3].overseer
    np.testing.assert_array_equal(overseer.probs(5), sources[3].policy[5])
    agent = Imitator.of(Tables.of(np.stack([source.policy for source in sources])))
    trace = live(agent, world, overseer, seed=0, run="tokens", num_steps=1_000)
    assert np.asarray(trace.log_weight).argmax() == 3
    assert 0 < int(trace.asked.sum()) < 100
    check_world(Tabular.of(arithmetic().transitions))


def test_numbers_without_a_meaning_are_refused() -> None:
    for wrong in ({"num_symbols": 1}, {"order": 0}, {"num_symbols": 10, "order": 6}, {"concentration": 0.0}):
        with pytest.raises(ValueError, match="at least 2 symbols"):
            context_tree(0, **wrong)  # type: ignore[arg-type]
    for wrong in ({"kinds": 0}, {"kinds": 5}, {"depth": 0}, {"kinds": 4, "depth": 12}):
        with pytest.raises(ValueError, match="give 1 to 4 kinds"):
            brackets(**wrong)
    with pytest.raises(ValueError, match="digits = 3"):
        arithmetic(digits=3)
