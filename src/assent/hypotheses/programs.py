"""programs: all rule lists up to a length over features that people have words for, and twins that betray on a trigger.

A rule list reads "if wet and colour is red then 2 else if not big then 1 else 0": tests of features in conjunction, an action for each
rule, one for the rest. It is written in a prefix-free code, so that its length in bits is minus the logarithm of its weight:

    1 + log2 A for each action (the bit says whether the list goes on), 1 + log2 L for each test, L being the number of all tests there are

Lists that act alike in all contexts are one member, whose weights add up; so a behaviour that many lists have is the more probable.
Counting is exact: lists are built from the back, one rule in front of all those that are a rule shorter, and merged at each step.

R. Solomonoff, "A formal theory of inductive inference", Information and Control 7 (1964), on programs weighted by length; R. Rivest,
"Learning decision lists", Machine Learning 2 (1987), on the lists. That a class must hold twins which end everything at an event before it
can be trusted not to cause that event: Cohen and Hutter, "Pessimism about unknown unknowns inspires conservatism", COLT 2020, Theorem 11.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assent.hypotheses.tables import Tables

MOST_MEMBERS = 100_000
MOST_STEPS = 20_000_000
"""Rules put in front of behaviours, before those alike are merged: half a minute of work for sixteen contexts."""

MOST_BITS = 256

CHUNK = 200_000
"""Behaviours that are merged at once, about."""


class Condition(NamedTuple):
    """A conjunction of tests, each of another feature.

    Attributes:
        text: as people read it.
        holds: boolean `[S]`.
        count: how many conjunctions of as many tests hold in the same contexts.
    """

    text: str
    holds: NDArray[np.bool_]
    count: float


@dataclass(frozen=True)
class _Lists:
    """Behaviours, no two alike, that lists of one length have; or of all lengths.

    Attributes:
        acts: `[N, S]`, the action in each context.
        weight: `[N]`, what the lists of this behaviour weigh together.
        texts: one list for each.
    """

    acts: NDArray[np.uint16]
    weight: NDArray[np.float64]
    texts: list[str]


@dataclass(frozen=True)
class _Length:
    """How long a list of some rules and tests is, in bits."""

    action: float
    test: float

    def __call__(self, rules: int, tests: int) -> float:
        return (rules + 1) * self.action + tests * self.test


def programs(
    features: Mapping[str, Sequence[Any]],
    num_actions: int,
    *,
    max_length: float,
    noise: float = 0.0,
    max_tests: int = 2,
    twin_tests: int = 0,
    twin_actions: Sequence[int] | None = None,
    action_names: Sequence[str] = (),
) -> Tables:
    """The bank of all rule lists of at most `max_length` bits, likeliest first, with their prior weights and names.

    Args:
        features: for each name its value in every context, `[S]`. True and False are tested as "wet" and "not wet", other values as
            "colour is red", one test a value; for an order give features such as "above 3".
        num_actions: A.
        max_length: bits, see the head of this file; one action alone takes `1 + log2 A`.
        noise: in [0, 1), the chance that the overseer does not look at her list and does any action, all alike. At 0 an answer that no
            list gives leaves nobody, and everything is asked from then on. What lists do by noise an agent does too, unless the guard
            `OneAnswer` keeps it from all but the likeliest action.
        max_tests: the most tests in one rule, from 1.
        twin_tests: above 0: to every list also its twins, which do the same but for one action wherever a trigger holds, a conjunction
            of at most so many tests. A twin is as long as the list that says so, whatever `max_length`.
        twin_actions: what twins may do on their trigger; any action when left out.
        action_names: for the members' names; numbers when left out.

    Raises:
        ValueError: no features or contexts, features of different lengths, a number out of its range, or more members, work or bits than
            `MOST_MEMBERS`, `MOST_STEPS` and `MOST_BITS` allow.

    A bank of N members takes `8 N S A` bytes.

    >>> bank = programs({"wet": [True, True, False], "red": [True, False, False]}, 2, max_length=7, action_names=["go", "stop"])
    >>> bank.num_members, bank.names[:4]
    (6, ('go', 'stop', 'if wet then go else stop', 'if wet then stop else go'))
    >>> np.exp(bank.log_prior()).round(3)
    array([0.45 , 0.45 , 0.025, 0.025, 0.025, 0.025])
    """
    columns = {name: list(values) for name, values in features.items()}
    names = tuple(action_names) or tuple(map(str, range(num_actions)))
    twin_actions = tuple(range(num_actions)) if twin_actions is None else tuple(twin_actions)
    _refuse(columns, names, num_actions, twin_actions, noise=noise, tests=(max_tests, twin_tests))
    length = _Length(1 + math.log2(num_actions), 1 + math.log2(sum(len(_values(c)) for c in columns.values())))
    if not length(0, 0) <= max_length <= MOST_BITS:
        raise ValueError(
            f"max_length = {max_length} bits: one action alone takes {length(0, 0):.4g}, and lists beyond {MOST_BITS} weigh nothing."
        )
    conditions = _conditions(columns, most=max(max_tests, twin_tests))
    levels = _levels(conditions[: max_tests + 1], names, length, max_length=max_length)
    found = [(length(*size), lists) for size, lists in levels.items()]
    if twin_tests:
        found += _twins(levels, conditions, twin_actions, names, length, short=(max_length, max_tests, twin_tests))
    every = _merged([lists for _, lists in sorted(found, key=lambda pair: pair[0])])  # the shortest has the name
    order = np.argsort(-np.round(np.log2(every.weight), 9), kind="stable")  # what differs by rounding alone ties
    return _bank(every.acts[order], every.weight[order], [every.texts[row] for row in order], num_actions, noise)


def _levels(
    conditions: list[list[Condition]], names: tuple[str, ...], length: _Length, *, max_length: float
) -> dict[tuple[int, int], _Lists]:
    """The lists by their numbers of rules and tests."""
    contexts, actions, steps = conditions[1][0].holds.size, range(len(names)), 0
    acts = np.repeat(np.asarray(actions, dtype=np.uint16)[:, None], contexts, axis=1)
    levels = {(0, 0): _Lists(acts, np.full(len(names), 2.0 ** -length(0, 0)), list(names))}
    for rules in itertools.count(1):
        if length(rules, rules) > max_length + 1e-9:
            break
        for tests in range(rules, rules * (len(conditions) - 1) + 1):
            if length(rules, tests) > max_length + 1e-9:
                break
            behind = [(more, levels.get((rules - 1, tests - more))) for more in range(1, len(conditions))]
            parts = [(more, lists) for more, lists in behind if lists is not None]
            steps += sum(len(conditions[more]) * len(names) * len(lists.acts) for more, lists in parts)
            _refuse_work(steps)
            made = [_in_front(conditions[more], lists, actions, names, length(0, more)) for more, lists in parts]
            levels[rules, tests] = _merged(made)
    return levels


def _twins(
    levels: dict[tuple[int, int], _Lists],
    conditions: list[list[Condition]],
    actions: tuple[int, ...],
    names: tuple[str, ...],
    length: _Length,
    *,
    short: tuple[float, int, int],
) -> list[tuple[float, _Lists]]:
    """The twins of all `levels` with their lengths, but for those that are among the lists already; `short` says which are."""
    max_length, max_tests, twin_tests = short
    wanted = [
        (length(rules + 1, tests + more), more, lists)
        for (rules, tests), lists in levels.items()
        for more in range(1, min(twin_tests, len(conditions) - 1) + 1)
        if length(rules + 1, tests + more) > max_length + 1e-9 or more > max_tests
    ]
    _refuse_work(sum(len(conditions[more]) * len(actions) * len(lists.acts) for _, more, lists in wanted))
    return [
        (bits, _in_front(conditions[more], lists, actions, names, length(0, more), twin=True))
        for bits, more, lists in wanted
    ]


def _refuse_work(steps: int) -> None:
    if steps > MOST_STEPS:
        raise ValueError(
            f"more than {MOST_STEPS:,} rules would have to be put in front of behaviours ({steps:,} so far). Give a smaller max_length, "
            "max_tests or twin_tests, fewer twin_actions or fewer features."
        )


def _in_front(
    conditions: list[Condition],
    lists: _Lists,
    actions: Sequence[int],
    names: tuple[str, ...],
    bits: float,
    *,
    twin: bool = False,
) -> _Lists:
    """All lists with one rule of `bits`, of one of `conditions`, in front of those of `lists`; or their twins."""
    rules = list(itertools.product(conditions, actions))
    acts, weight, origin = lists.acts[:0], lists.weight[:0], np.zeros(0, np.int64)
    portion = max(1, CHUNK // len(lists.acts))
    for start in range(0, len(rules), portion):
        here = rules[start : start + portion]
        made = [np.where(condition.holds, np.uint16(action), lists.acts) for condition, action in here]
        shares = [lists.weight * condition.count * 2.0**-bits for condition, _ in here]
        codes = start * len(lists.acts) + np.arange(len(here) * len(lists.acts))
        acts, weight, kept = _unlike(np.concatenate([acts, *made]), np.concatenate([weight, *shares]))
        origin = np.concatenate([origin, codes])[kept]
    said = [f"if {condition.text} then {names[action]}" for condition, action in rules]
    back = [divmod(code, len(lists.acts)) for code in origin.tolist()]
    form = "{1}; twin: {0}" if twin else "{0} else {1}"
    return _Lists(acts, weight, [form.format(said[rule], lists.texts[row]) for rule, row in back])


def _merged(parts: list[_Lists]) -> _Lists:
    """Those of `parts`, alike ones as one: their weights together, the text of the first."""
    acts, weight, kept = _unlike(
        np.concatenate([part.acts for part in parts]), np.concatenate([part.weight for part in parts])
    )
    texts = [text for part in parts for text in part.texts]
    return _Lists(acts, weight, [texts[row] for row in kept])


def _unlike(
    acts: NDArray[np.uint16], weight: NDArray[np.float64]
) -> tuple[NDArray[np.uint16], NDArray[np.float64], NDArray[np.int64]]:
    """Rows of `acts` that are unlike, what each weighs with those like it, and where the first of them stood; in that order."""
    rows = np.ascontiguousarray(acts)
    keys = rows.view(np.dtype((np.void, rows.shape[1] * rows.itemsize)))[:, 0]
    _, first, group = np.unique(keys, return_index=True, return_inverse=True)
    if first.size > MOST_MEMBERS:
        raise ValueError(
            f"more than {MOST_MEMBERS:,} behaviours are unlike each other: give a smaller max_length, max_tests or twin_tests, fewer "
            "twin_actions or fewer features."
        )
    order = np.argsort(first)
    together = np.bincount(group, weights=weight).astype(np.float64)
    kept = first[order].astype(np.int64)
    return acts[kept], together[order], kept


def _bank(acts: Any, weight: Any, texts: list[str], num_actions: int, noise: float) -> Tables:
    """In the layout of `Tables` from the start: a large bank is hundreds of megabytes, and is made only once."""
    with np.errstate(divide="ignore"):
        other, chosen = np.log([noise / num_actions, 1 - noise + noise / num_actions])
    rows = np.where(acts.T[:, None, :] == np.arange(num_actions)[:, None], chosen, other)
    return Tables(rows, np.log(weight / weight.sum()), tuple(texts))


def _conditions(columns: dict[str, list[Any]], *, most: int) -> list[list[Condition]]:
    """At place n the conjunctions of n tests of different features, those that hold in the same contexts as one; n up to `most`."""
    literals = [
        [(_text(name, value), np.asarray([other == value for other in column])) for value in _values(column)]
        for name, column in columns.items()
    ]
    return [[], *(_of_tests(literals, tests) for tests in range(1, min(most, len(literals)) + 1))]


def _of_tests(literals: list[list[tuple[str, NDArray[np.bool_]]]], tests: int) -> list[Condition]:
    found: dict[bytes, Condition] = {}
    for parts in _conjunctions(literals, tests):
        holds = np.logical_and.reduce([part for _, part in parts])
        text = " and ".join(text for text, _ in parts)
        before = found.get(holds.tobytes(), Condition(text, holds, 0.0))
        found[holds.tobytes()] = before._replace(count=before.count + 1)
    return list(found.values())


def _conjunctions(literals: list[Any], tests: int) -> Iterator[tuple[tuple[str, NDArray[np.bool_]], ...]]:
    for chosen in itertools.combinations(literals, tests):
        yield from itertools.product(*chosen)


def _values(column: list[Any]) -> list[Any]:
    """The values of a feature: True before False, others as contexts show them."""
    values = list(dict.fromkeys(column))
    return sorted(values, reverse=True) if all(isinstance(value, bool | np.bool_) for value in values) else values


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool | np.bool_):
        return name if value else f"not {name}"
    return f"{name} is {value}"


def _refuse(
    columns: dict[str, list[Any]],
    names: tuple[str, ...],
    num_actions: int,
    twin_actions: tuple[int, ...],
    *,
    noise: float,
    tests: tuple[int, int],
) -> None:
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) != 1 or 0 in lengths.values():
        raise ValueError(
            f"features have {lengths} values: give one feature at least, and to each a value for every context."
        )
    if not 1 <= num_actions <= 65_536 or len(names) != num_actions:
        raise ValueError(
            f"{num_actions} actions with {len(names)} names: give 1 to 65,536, and a name for each or none."
        )
    if not 0 <= noise < 1:
        raise ValueError(
            f"noise = {noise} is outside [0, 1): it is the chance that the overseer does not look at her list."
        )
    if tests[0] < 1 or tests[1] < 0:
        raise ValueError(
            f"max_tests = {tests[0]}, twin_tests = {tests[1]}: a rule tests something, and a twin's trigger 0 or more."
        )
    if not all(0 <= action < num_actions for action in twin_actions):
        raise ValueError(f"twin_actions = {twin_actions}: actions run from 0 to {num_actions - 1}.")
