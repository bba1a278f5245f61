"""What a round costs: the bound it stands for, against exact laws of all the agent's two ways of doing an action."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.core import Assent, Audit, Minimum, OneAnswer, RiskCap, SureAbove, apply_guards, log_factors, worst_charge
from assent.core.guards import Context
from assent.core.tallies import bound

ROUNDING = 1e-12
"""Sums of at most five probabilities near 1, their quotients and one logarithm: a few hundred roundings of 2**-53."""


def committee(seed: int, *, members: int = 4, actions: int = 3) -> np.ndarray:
    """Rows `[H, A]`, some with zeros; the first is the overseer's own."""
    rng = np.random.default_rng(seed)
    rows = rng.dirichlet(np.full(actions, 0.4), size=members)
    rows[rows < 0.02] = 0.0
    return rows / rows.sum(axis=1, keepdims=True)


def assent_of(rows: np.ndarray, guards: tuple[Any, ...]) -> Assent:
    with np.errstate(divide="ignore"):
        log_rows = np.log(rows)
    context = Context(*map(np.asarray, (len(rows), len(rows), True, False)), least=rows.min(axis=0))
    return apply_guards(Minimum()(log_rows, np.full(len(rows), -np.log(len(rows)))), guards, context)


GUARDS = st.sampled_from([(), (Audit(0.2),), (OneAnswer(0.3),), (SureAbove(0.5),), (OneAnswer(0.2), Audit(0.5))])


@given(st.integers(0, 10**6), GUARDS)
@settings(max_examples=300, deadline=None)
def test_no_action_is_done_more_often_than_its_factor_times_the_overseers_chance(seed: int, guards: Any) -> None:
    rows = committee(seed)
    assent = assent_of(rows, guards)
    overseer = rows[0]
    law = assent.probs + assent.ask * overseer  # alone, or asked and answered
    factors = np.exp(log_factors(assent.probs, rows.min(axis=0), assent.ask))
    assert (law <= factors * overseer + ROUNDING).all()
    assert np.exp(worst_charge(assent.probs, rows.min(axis=0), assent.ask)) >= factors.max() - ROUNDING


def test_the_minimum_alone_costs_at_most_the_log_of_one_plus_theta() -> None:
    for seed in range(200):
        rows = committee(seed)
        assent = assent_of(rows, ())
        most = worst_charge(assent.probs, rows.min(axis=0), assent.ask)
        assert most == pytest.approx(np.log1p(assent.ask) if assent.probs.any() else 0.0, abs=ROUNDING)


def test_a_constant_audit_of_members_that_agree_costs_nothing() -> None:
    """The wrong variant, `log(1 + chance of asking)`, would charge every audited round."""
    rows = np.asarray([[0.25, 0.75]] * 3)
    assent = assent_of(rows, (Audit(0.2),))
    assert float(worst_charge(assent.probs, rows.min(axis=0), assent.ask)) == pytest.approx(0.0, abs=ROUNDING)
    assert np.log1p(assent.ask) > 0.18


def test_what_a_guard_takes_from_one_action_is_charged() -> None:
    """Members agree, so theta is 0; to keep only the better action does it more often than the overseer would."""
    rows = np.asarray([[0.25, 0.75]] * 3)
    assent = assent_of(rows, (OneAnswer(0.5),))
    law = assent.probs + assent.ask * rows[0]
    charge = log_factors(assent.probs, rows.min(axis=0), assent.ask)
    assert charge[1] == pytest.approx(np.log(law[1] / rows[0, 1]), abs=ROUNDING)
    assert charge[1] > 0.2


def test_an_action_that_a_leader_excludes_costs_infinity_and_an_asked_one_credits() -> None:
    factors = log_factors(np.asarray([0.5, 0.0]), np.asarray([0.0, 0.0]), np.asarray(0.5))
    assert factors[0] == np.inf
    assert factors[1] == pytest.approx(np.log(0.5))


def test_under_the_cap_every_event_of_a_short_run_keeps_its_bound_exactly() -> None:
    """All histories of four rounds in one context, exactly: every event's chance is at most `e^cap` times the overseer's.

    The greatest ratio over events is that of the likeliest single history, so it is enough to look at each; members never move here, so
    the overseer's model leads throughout and delta is 0. Without the cap some history does exceed it.
    """
    exceeded = 0
    for seed in range(20):
        rows = committee(seed, members=3)
        for cap in (0.1, 0.5):
            assert _largest_ratio(rows, cap) <= np.exp(cap) * (1 + ROUNDING)
        exceeded += _largest_ratio(rows, None) > np.exp(0.5)
    assert exceeded > 5


def _largest_ratio(rows: np.ndarray, cap: float | None) -> float:
    least, overseer = rows.min(axis=0), rows[0]
    context = Context(*map(np.asarray, (3, 3, True, False)), least=least)
    largest = 0.0
    for history in itertools.product(range(rows.shape[1]), repeat=4):
        ratio, spent = 1.0, np.asarray(0.0)
        if not all(overseer[action] > 0 for action in history):
            continue
        for action in history:
            guards = () if cap is None else bound([RiskCap(cap)], [spent])
            with np.errstate(divide="ignore"):
                unguarded = Minimum()(np.log(rows), np.zeros(3) - np.log(3))
            assent = apply_guards(unguarded, guards, context)
            ratio *= (assent.probs[action] + assent.ask * overseer[action]) / overseer[action]
            spent = spent + log_factors(assent.probs, least, assent.ask)[action]
        largest = max(largest, ratio)
    return largest
