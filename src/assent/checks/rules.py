"""What every rule does."""

from __future__ import annotations

from typing import Any

import numpy as np

from assent.checks.examples import example
from assent.checks.requiring import (
    SLACK,
    committees,
    name_of,
    require,
    require_asks,
    require_traceable,
    require_valid,
    unchanged,
)


def check_rule(rule: Any) -> None:
    """Valid assents, asking where nothing can be read, blind to who does not lead and to the members' order.

    Args:
        rule: a rule, or a class of rules.

    Raises:
        AssertionError: with the sentence that says which of these fails.
    """
    rule = example(rule)
    require_traceable(rule)
    for rows, weight in committees():
        _check_valid(rule, rows, weight)
        _check_unreadable(rule, rows, weight)
        _check_bystanders(rule, rows, weight)
        _check_order(rule, rows, weight)
        _check_excluded(rule, rows, weight)


def _check_valid(rule: Any, rows: Any, weight: Any) -> None:
    with unchanged(rows, weight, what=name_of(rule)):
        first = rule(rows, weight)
    require_valid(first, f"{name_of(rule)} on {np.exp(rows)} with weights {np.exp(weight)}")
    again = rule(rows.copy(), weight.copy())
    same = np.array_equal(first.probs, again.probs) and float(first.ask) == float(again.ask)
    require(same, f"{name_of(rule)} gives two answers to the same committee: randomness belongs in `decide`.")
    require(first.probs.shape == rows.shape[1:], f"{name_of(rule)} gives {first.probs.shape} for rows {rows.shape}.")


def _check_unreadable(rule: Any, rows: Any, weight: Any) -> None:
    dead = np.full_like(weight, -np.inf)
    require_asks(rule(rows, dead), f"{name_of(rule)} where nobody leads")
    require_asks(rule(rows[:0], weight[:0]), f"{name_of(rule)} with no members at all")
    for garbage in (np.nan, np.inf):
        spoiled = weight.copy()
        spoiled[-1] = garbage
        require_asks(rule(rows, spoiled), f"{name_of(rule)} with a weight of {garbage}")
        spoiled = rows.copy()
        spoiled[-1, 0] = garbage
        require_asks(rule(spoiled, weight), f"{name_of(rule)} with {garbage} in a leader's row")
    spoiled = rows.copy()
    spoiled[-1] = np.log(2.0 / rows.shape[1])
    require_asks(rule(spoiled, weight), f"{name_of(rule)} with a leader's row that sums to 2")
    silent = np.full_like(rows, -np.inf)
    require_asks(rule(silent, weight), f"{name_of(rule)} where every leader leaves all its mass out")


def _check_bystanders(rule: Any, rows: Any, weight: Any) -> None:
    if weight.shape[0] < 2:
        return
    led = weight.copy()
    led[0] = -np.inf
    expected = rule(rows, led)
    for garbage in (0.0, -np.inf, np.nan):
        other = rows.copy()
        other[0] = garbage
        seen = rule(other, led)
        same = np.array_equal(expected.probs, seen.probs) and float(expected.ask) == float(seen.ask)
        require(same, f"{name_of(rule)} looks at the row of a member that does not lead (it was set to {garbage}).")


def _check_order(rule: Any, rows: Any, weight: Any) -> None:
    straight, turned = rule(rows, weight), rule(rows[::-1], weight[::-1])
    same = np.allclose(straight.probs, turned.probs, rtol=0, atol=SLACK) and abs(straight.ask - turned.ask) <= SLACK
    require(same, f"{name_of(rule)} depends on the order of the members: {straight} and {turned}.")


def _check_excluded(rule: Any, rows: Any, weight: Any) -> None:
    impossible = np.isneginf(rows).all(axis=0)
    acted = rule(rows, weight).probs[impossible]
    require(not acted.any(), f"{name_of(rule)} acts in a way that every leader excludes.")
