"""Values of the specification by definitions that share nothing with the code: fifty digits, sums year by year, states step by step."""

from __future__ import annotations

from functools import cache
from typing import Any

import mpmath
from mpmath import mpf

mpmath.mp.dps = 50

SLOW, FAST, CALENDAR = mpf("0.043"), mpf("0.11"), mpf(16) / 379
"""Growth expected, growth as it was, and the calendar's answer for 1/300."""


def researched(year: int, growth: Any) -> Any:
    """Researcher-years of all years up to one, added up, in units of 1956's researchers."""
    researchers, total = mpf(1), 1 / growth
    for _ in range(1956, year):
        researchers *= 1 + growth
        total += researchers
    return total


def increase(one: int, other: int, growth: Any) -> Any:
    return mpmath.log(researched(other, growth) / researched(one, growth))


def matched_tau() -> Any:
    """Virtual effort under which slow growth gives the calendar's answer (T22 prints it in steps of 1 %)."""
    return increase(2020, 2036, SLOW) * (1 - CALENDAR) / CALENDAR - increase(1956, 2020, SLOW)


def researcher_years() -> Any:
    """T21."""
    return increase(2020, 2036, FAST) / (matched_tau() + increase(1956, 2036, FAST))


def importance(times: int, decades: str) -> Any:
    """T22 and its like: one doubling of research worth so many of compute."""
    more, before = mpf(decades) * mpmath.log(10), mpf("16.7") * mpmath.log(10)
    return more / (times * matched_tau() + before + more)


def slowed() -> Any:
    """T34: continuous growth of 11 % until 2036, then of 4.3 %, by 2100."""
    fast, slow = mpmath.log(1 + FAST), mpmath.log(1 + SLOW)
    at_turn = mpmath.e ** (80 * fast)
    total = at_turn / fast + at_turn * (mpmath.e ** (64 * slow) - 1) / slow
    before, by = 64 * fast, mpmath.log(total * fast)
    return (by - before) / (299 * slow + by)


def done_by(ftp: float, steps: int, horizon: int) -> list[float]:
    """P(all of `steps` done by each number of trials), by states (steps done, trials of this step) instead of by convolution."""
    beta = 1 / ftp - 1
    state = {(0, 0): 1.0}
    finished, found = 0.0, [0.0]
    for _ in range(horizon):
        after: dict[tuple[int, int], float] = {}
        for (step, tried), weight in state.items():
            chance = 1 / (1 + beta + tried)
            if step + 1 == steps:
                finished += weight * chance
            else:
                after[step + 1, 0] = after.get((step + 1, 0), 0.0) + weight * chance
            after[step, tried + 1] = after.get((step, tried + 1), 0.0) + weight * (1 - chance)
        state = after
        found.append(finished)
    return found


@cache
def matched_steps() -> tuple[float, float]:
    """T30: the chance of a step for which five are done within 100 years as one of 1/300 is, and P(by 2036 | not by 2020)."""
    low, high = 0.01, 0.2
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if done_by(middle, 5, 100)[-1] < 100 / 399 else (low, middle)
    table = done_by(low, 5, 80)
    return low, (table[80] - table[64]) / (1 - table[64])
