"""Lives under declared stakes: what is counted of them is what happened, and learners of rewards are the published ones."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.agents.online import online_learner
from assent.agents.premises import Promise
from assent.agents.regret import most_wrong
from assent.core import Stakes
from assent.studies import s18_low_stakes_shift as s18
from assent.studies import s19_high_stakes as s19
from assent.studies import s20_reward_channel as s20
from assent.studies.reward_learners import EpsilonGreedy, Exp3, Told, Tried, UpperBound, lived
from assent.studies.staked_lives import DEAR, RISK, Account, Setting, tabular
from assent.studies.staked_lives import lived as staked
from tests.session_support import unchecked

RATE, SHARE, ROUNDS = 0.25, 0.02, 400


@cache
def life(limit: float) -> tuple[Setting, Account]:
    """A life through a shift under a limit of stakes, a tenth of all acts being dear."""
    setting = tabular(np.random.default_rng(3), num_steps=ROUNDS, dear=0.1)
    agent = online_learner(setting.hypotheses, stakes=setting.stakes(limit), rate=RATE, share=SHARE)
    with unchecked():
        return setting, staked(agent, setting, seed=4, rate=RATE)


def by_hand(setting: Setting, account: Account, *, share: float) -> np.ndarray:
    """Nats that the answers surprised by, `[n]`, from the members' tables alone: Herbster and Warmuth, 1998, Figure 1."""
    tables: Any = setting.hypotheses
    rows, contexts = np.exp(np.asarray(tables.log_rows)), np.asarray(setting.world.items)
    weight = np.full(rows.shape[2], 1 / rows.shape[2])
    lost = []
    for step in account.answered:
        chances = rows[contexts[step], setting.labels[step]]
        lost.append(-np.log(weight @ chances))
        weight = (1 - share) * weight * chances / (weight @ chances) + share / len(weight)
    return np.asarray(lost)


@pytest.mark.slow
def test_what_answers_surprised_by_is_fixed_shares_loss() -> None:
    setting, account = life(1.0)
    lost = account.log_loss[account.answered]
    assert lost == pytest.approx(by_hand(setting, account, share=SHARE), abs=1e-9)
    # the wrong variant forgets nothing
    assert lost != pytest.approx(by_hand(setting, account, share=0.0), abs=0.1)
    assert len(account.answered) == account.asked.sum() == len(account.members)


@pytest.mark.slow
def test_the_bound_of_an_account_is_that_of_its_premises() -> None:
    setting, account = life(1.0)
    agent = online_learner(setting.hypotheses, stakes=setting.stakes(1.0), rate=RATE, share=SHARE)
    promise = Promise.of(agent, switches=1)
    standing = list(account.standing(promise))
    assert [at.bound for at in standing] == pytest.approx(account.bound.tolist())
    assert standing[-1].cost == pytest.approx(account.cost.sum())
    assert standing[-1].wrong == account.wrong.sum()
    assert standing[-1].breaches == account.premises(promise).breaches == ()
    assert account.bound[0] >= most_wrong(0.0, rate=RATE, risk=RISK)
    understated = [at.holds for at in account.standing(promise, understated=1.1)]
    assert understated.index(False) == np.flatnonzero(account.cost)[0], (
        "found by the first act that cost more, not before"
    )


@pytest.mark.slow
def test_dear_acts_are_asked_and_without_a_guard_they_are_done() -> None:
    (_, account), (_, free) = life(1.0), life(2 * DEAR)
    assert account.worst.max() <= 1.0
    assert free.worst.max() == DEAR
    assert (account.ask >= RATE - 1e-9).all()
    assert account.ask.max() > RATE + 0.1
    assert free.ask.max() == pytest.approx(RATE)
    assert np.array_equal(account.cost > 0, account.wrong)


@pytest.mark.slow
@pytest.mark.parametrize("premise", s18.PREMISES)
def test_each_premise_that_is_broken_is_found(premise: str) -> None:
    with unchecked():
        (row,) = s18.run(s18.Broken(premise, 4_000), 5)
    assert row["found"] == 1
    assert (row["breaches"] == 0) == (premise == "none")


@pytest.mark.slow
def test_a_hole_is_found_by_the_fall_and_an_exact_declaration_has_none() -> None:
    with unchecked():
        (holes,) = s19.run(s19.Pits(0.3, s19.HOLES, None, 12), 1)
        (named,) = s19.run(s19.Pits(0.3, s19.NAMED, None, 12), 1)
    assert holes["ruined"] == holes["found_by"] > 0
    assert holes["found_before"] == 0
    assert (named["ruined"], named["found_by"]) == (0, 0)


# Learners of rewards

SEEN = Tried(jnp.asarray([4.0, 2.0, 1.0]), jnp.asarray([2.0, 1.5, 0.0]))


def test_learners_propose_what_their_authors_say() -> None:
    assert np.asarray(EpsilonGreedy(0.3).probs(SEEN)) == pytest.approx([0.1, 0.8, 0.1])
    weight = np.exp(0.2 * np.asarray(SEEN.total) / 3)
    assert np.asarray(Exp3(0.2).probs(SEEN)) == pytest.approx(0.8 * weight / weight.sum() + 0.2 / 3, rel=1e-5)
    index = np.asarray([0.5, 0.75, 0.0]) + np.sqrt(2 * np.log(7) / np.asarray([4, 2, 1]))
    assert int(np.asarray(UpperBound().probs(SEEN)).argmax()) == int(index.argmax())
    untried = Tried(jnp.asarray([4.0, 0.0, 1.0]), jnp.asarray([4.0, 0.0, 1.0]))
    assert np.asarray(UpperBound().probs(untried)).tolist() == [0.0, 1.0, 0.0]
    assert np.asarray(Told(UpperBound(), 2).probs(SEEN))[2] == 0.0


def test_an_estimate_of_a_reward_is_unbiased_under_a_guard() -> None:
    """Over both ways of doing an act, by the learner or by who answers; dividing by the learner's own chance alone is not."""
    law, own = np.asarray([0.7, 0.1, 0.2]), np.asarray([0.4, 0.1, 0.2])
    pays = np.asarray([0.3, 0.9, 0.5])
    nothing = Tried(jnp.zeros(3), jnp.zeros(3))
    done = [
        Exp3().learn(nothing, jnp.asarray(np.eye(3)[act]), jnp.asarray(pays[act]), jnp.asarray(law)) for act in range(3)
    ]
    mean = sum(law[act] * np.asarray(done[act].total) for act in range(3))
    assert mean == pytest.approx(pays, rel=1e-5)
    assert sum(law[act] * pays[act] * np.eye(3)[act] / own[act] for act in range(3)) != pytest.approx(pays, rel=0.1)


def channel(learner: Any, *, worst: float, limit: float) -> Any:
    rng = np.random.default_rng(0)
    mean = np.tile(np.asarray([0.2, 0.6, 0.0]), (8, 200, 1))
    guard = Stakes(np.asarray([[1.0, 1.0, worst]]), per_decision=limit)
    with jax.enable_x64(True), unchecked():
        return lived(learner, guard, jnp.asarray(mean), jnp.asarray(rng.random((8, 200, 2))), grab=True)


def test_who_seizes_the_channel_sees_nothing_but_reward_and_gets_none() -> None:
    free = channel(EpsilonGreedy(), worst=200.0, limit=400.0)
    grabbed = np.asarray(free.grabbed)
    assert grabbed[:, -1].all()
    assert (np.diff(grabbed.astype(int), axis=1) >= 0).all(), "nothing leads back"
    assert np.asarray(free.observed)[grabbed].min() == 1.0
    assert np.asarray(free.true)[grabbed].max() == 0.0
    assert not np.asarray(free.asked).any()


@pytest.mark.parametrize("worst", [200.0, float("nan"), float("inf")])
def test_what_is_declared_dear_or_not_at_all_is_asked(worst: float) -> None:
    guarded = channel(EpsilonGreedy(), worst=worst, limit=1.0)
    assert not np.asarray(guarded.grabbed).any()
    asked = np.asarray(guarded.asked)
    # a coin of 0.1 / 3 in each of 1,600 rounds: within four standard deviations
    assert abs(asked.mean() - 0.1 / 3) < 4 * np.sqrt(0.1 / 3 / 1_600)
    assert np.array_equal(np.asarray(guarded.observed), np.asarray(guarded.true))


def test_a_quick_cell_of_the_reward_channel() -> None:
    with unchecked():
        rows = s20.run(replace(s20.QUICK[0], lives=20), 3)
    assert rows[-1]["grabbed"] == 20
    assert rows[-1]["true_after"] == 0.0
    assert [row["share"] for row in rows] == sorted(row["share"] for row in rows)
