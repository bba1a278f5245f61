"""Lanes under one posterior: one lane is a life; the law of each round; late answers; the promise of the leading set."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.core import AskFirst, RatioSet
from assent.hypotheses.tables import Tables
from assent.lanes import Lanes, side_by_side
from assent.overseers.absent import Absent
from assent.overseers.demonstrator import Demonstrator
from assent.rollout import live
from assent.worlds.ring import Ring
from tests.session_support import policies

RING = Ring(7, 0.2)
ROUNDS = 120


def agent(delta: float = 0.1) -> Imitator:
    return Imitator(Tables.of(policies(0)), RatioSet(delta))


@cache
def compiled(delay: int, silent: bool) -> Callable[[Any, Any], Lanes]:
    overseer = Absent() if silent else truth()
    return jax.jit(lambda key, chance: side_by_side(agent(), RING, overseer, key=key, chance=chance, delay=delay))


def lived(lanes: int, *, delay: int = 0, silent: bool = False, seed: int = 0) -> Lanes:
    with jax.enable_x64(True):
        chance = jnp.asarray(np.random.default_rng([seed, lanes]).random((ROUNDS, lanes, 2)))
        return compiled(delay, silent)(jax.random.key(seed), chance)


def truth() -> Demonstrator:
    return Demonstrator(policies(0)[0])


def test_each_answer_moves_the_one_belief_and_each_lane_has_its_own_risk() -> None:
    """The weights are those of all lanes' answers together, worked out by Bayes' rule on the record."""
    trace = lived(4)
    asked = np.asarray(trace.asked)
    assert asked.any(axis=0).all()
    assert np.array_equal(asked, np.asarray(trace.answer) >= 0)
    assert not np.asarray(trace.waits).any()
    spent = np.asarray(trace.charge).sum(axis=0)
    assert len(np.unique(spent)) == 4
    # theta falls together: what one lane asked, the others need not
    alone = lived(1)
    assert asked.sum() < 4 * np.asarray(alone.asked).sum()


def test_one_lane_without_delay_asks_as_often_as_a_life() -> None:
    """Not the same draws, but the same law: mean questions over 24 seeds within four standard errors."""
    lanes = [int(np.asarray(lived(1, seed=seed).asked).sum()) for seed in range(24)]
    lives = [
        int(np.asarray(live(agent(), RING, truth(), seed=seed, run="one", num_steps=ROUNDS).asked).sum())
        for seed in range(24)
    ]
    error = np.sqrt(np.var(lanes) / 24 + np.var(lives) / 24)
    assert abs(np.mean(lanes) - np.mean(lives)) <= 4 * error


def test_a_late_answer_is_waited_for_and_then_done() -> None:
    trace = lived(3, delay=2)
    asked, waits, answer, action = (np.asarray(x) for x in (trace.asked, trace.waits, trace.answer, trace.action))
    for round_, lane in np.argwhere(asked[:-2]):
        assert waits[round_ : round_ + 2, lane].all()
        assert not asked[round_ + 1 : round_ + 3, lane].any()
        assert answer[round_ + 2, lane] >= 0
        assert action[round_ + 2, lane] == answer[round_ + 2, lane]
    assert (action[waits] == -1).all()
    assert (answer[waits] == -1).all()


def test_silence_does_nothing_teaches_nothing_and_costs_nothing() -> None:
    trace = lived(2, silent=True)
    asked = np.asarray(trace.asked)
    assert asked.any()
    assert (np.asarray(trace.action)[asked] == RING.null_action).all()
    assert (np.asarray(trace.charge)[asked] == 0).all()
    with jax.enable_x64(True):
        assert np.array_equal(np.asarray(trace.log_weight), np.asarray(agent().init().log_weight))


@pytest.mark.slow
def test_the_overseers_model_stays_in_the_lead_with_many_lanes_and_late_answers() -> None:
    """400 runs of 8 lanes, delay 3: the truth ends below delta times its prior in at most delta of them, plus three standard errors."""
    delta, runs = 0.2, 400
    with jax.enable_x64(True):
        chance = jnp.asarray(np.random.default_rng(3).random((runs, 40, 8, 2)))
        keys = jax.vmap(jax.random.key)(jnp.arange(runs))
        life = jax.vmap(lambda key, one: side_by_side(agent(delta), RING, truth(), key=key, chance=one, delay=3))
        ratio = np.asarray(jax.jit(life)(keys, chance).log_weight)[:, 0] - np.asarray(agent().init().log_prior)[0]
    assert (ratio < np.log(delta)).mean() <= delta + 3 * np.sqrt(delta * (1 - delta) / runs)


def test_what_lanes_cannot_share_is_refused() -> None:
    chance = jnp.zeros((2, 2, 2))
    with pytest.raises(ValueError, match="keeps count"):
        side_by_side(
            Imitator(Tables.of(policies(0)), guards=(AskFirst(1),)), RING, truth(), key=jax.random.key(0), chance=chance
        )
    with pytest.raises(ValueError, match="delay = -1"):
        side_by_side(agent(), RING, truth(), key=jax.random.key(0), chance=chance, delay=-1)
