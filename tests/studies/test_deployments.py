"""Deployments with planted failures: what is counted is what was planted, and a ledger counts the same as a compiled life."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest

import assent.rollout
from assent.drive import drive
from assent.forecast.counting import Counted, count_run
from assent.ledger import Ledger
from assent.session import Session
from assent.studies import deployments
from assent.studies.deployments import LEAST_RATE, MOST_RATE, ROUNDS, WORLDS, Deployment, counted, events_of, rates
from tests.session_support import unchecked

EVERYTHING = np.ones(ROUNDS, dtype=bool)
LIVES = 100


@cache
def blind_spot() -> tuple[list[Deployment], dict[str, Any]]:
    """A hundred lives, and what they were compiled from: agent, worlds, overseer."""
    used: dict[str, Any] = {}
    lived = assent.rollout.live_many

    def watched(agent: Any, worlds: Any, overseer: Any, **settings: Any) -> Any:
        used.update(agent=agent, worlds=worlds, overseer=overseer, **settings)
        return lived(agent, worlds, overseer, **settings)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(assent.rollout, "live_many", watched)
        return deployments.blind_spot(0, LIVES), used


def all_of(life: Deployment) -> Counted:
    """A life of which every outcome is recorded and every failure noticed."""
    return counted(life, known=EVERYTHING, noticed=EVERYTHING)


def errors_off(lives: Sequence[Deployment], planted: Sequence[float]) -> float:
    """By how many standard errors the mean share of failures is off the mean planted rate: mean over lives of failed / alone."""
    shares = [life.failed.mean() for life in lives]
    variance = sum(rate * (1 - rate) / len(life.failed) for life, rate in zip(lives, planted, strict=True))
    return float((np.mean(shares) - np.mean(planted)) / (math.sqrt(variance) / len(lives)))


def misfit(lives: Sequence[Deployment], planted: Sequence[float]) -> float:
    """Mean over lives of the squared error in units of its variance: 1 if each life has its own planted rate."""
    return float(
        np.mean(
            [
                (life.failed.sum() - len(life.failed) * rate) ** 2 / (len(life.failed) * rate * (1 - rate))
                for life, rate in zip(lives, planted, strict=True)
            ]
        )
    )


def test_failures_that_are_counted_come_at_the_planted_rate() -> None:
    """Contexts are drawn with the planted chance, and asking, of 1 in 100 other contexts, moves it by a relative 1 % alone."""
    lives, _ = blind_spot()
    planted = [life.rate for life in lives]
    assert abs(errors_off(lives, planted)) <= 4
    # the wrong variants: half as many counted; each life with another's rate
    assert abs(errors_off(lives, [2 * rate for rate in planted])) > 4
    # (failed - n p)^2 / (n p (1 - p)) has mean 1 and variance 2 + 1 / (n p) at most: 2 + 1 / 0.12 < 12 here, over 100 lives
    assert misfit(lives, planted) <= 1 + 4 * math.sqrt(12 / LIVES)
    assert misfit(lives, planted[::-1]) > 1 + 4 * math.sqrt(12 / LIVES)


@pytest.mark.slow
def test_gusts_come_at_the_planted_rate_whatever_the_agent_does() -> None:
    lives = WORLDS["gusts"](0, 40)
    planted = [life.rate for life in lives]
    assert abs(errors_off(lives, planted)) <= 4
    assert abs(errors_off(lives, [2 * rate for rate in planted])) > 4


@pytest.mark.slow
def test_mislabelled_pictures_fail_at_least_as_often_as_labels_are_wrong() -> None:
    """Where the agent acts alone it is nearly always right about the picture: failures of its own at most double the planted ones."""
    lives = WORLDS["mislabelled"](0, 40)
    planted = [life.rate for life in lives]
    assert errors_off(lives, planted) >= -4
    assert errors_off(lives, [2 * rate for rate in planted]) <= 4


def test_planted_rates_lie_in_their_range_every_order_of_magnitude_as_likely() -> None:
    """10,000 draws: the share below the geometric middle is a half to within four standard errors of 0.005."""
    found = rates(np.random.default_rng(0), 10_000)
    assert LEAST_RATE <= found.min() <= found.max() <= MOST_RATE
    assert abs(np.mean(found < math.sqrt(LEAST_RATE * MOST_RATE)) - 0.5) <= 0.02
    assert abs(np.mean(found < (LEAST_RATE + MOST_RATE) / 2) - 0.5) > 0.02  # as if evenly drawn


def test_a_life_is_told_in_as_many_decisions_as_it_had() -> None:
    for life in blind_spot()[0]:
        assert life.asked + int(life.alone.sum()) == ROUNDS
        assert len(life.failed) == life.alone.sum()
        assert life.failed.tolist() == (life.action != life.right)[life.alone].tolist()


def test_a_session_with_a_ledger_counts_what_the_compiled_life_counts(tmp_path: Path) -> None:
    """The same agent, world, overseer, run name and seed; the ledger's own events in place of the study's."""
    lives, used = blind_spot()
    seed = max(range(LIVES), key=lambda life: int(lives[life].failed.sum()))
    life = lives[seed]
    world = jax.tree.map(lambda leaf: np.asarray(leaf[seed]), used["worlds"])
    with Ledger.open(tmp_path / "run.db", group=512) as ledger, unchecked():
        session = Session.open(used["agent"], ledger, run=used["run"], overseer=used["overseer"], seed=seed)
        for _ in drive(session, world, num_steps=ROUNDS, truth=life.right):
            pass
        session.flush()
        found = count_run(ledger.events(used["run"]))
    compiled = all_of(life)
    assert len(compiled.failed) >= 5
    for name in ("clean", "failed", "unknown", "asked", "audits", "order", "alone", "kinds"):
        assert getattr(found, name) == getattr(compiled, name), name
    assert all_of(lives[seed - 1]).order != found.order, "the life of another seed would not do"


# -- what is hidden ----------------------------------------------------------------------------------------------------

SMALL = Deployment(
    rate=0.1,
    failed=np.asarray([True, False, True, True]),
    asked=1,
    right=np.asarray([1, 0, 2, 2, -1]),
    action=np.asarray([0, 0, 2, 0, 0]),
    alone=np.asarray([True, True, False, True, True]),
)
"""Fails at 0, 3 and 4, where nothing would have been right; is asked at 2."""


@pytest.mark.parametrize(
    ("known", "noticed", "clean", "failed", "unknown"),
    [
        ("11111", "11111", (1,), {0: (0, 1), 3: (0, 2), 4: (0, -1)}, ()),
        ("11111", "01101", (0, 1, 3), {4: (0, -1)}, ()),
        ("11111", "00000", (0, 1, 3, 4), {}, ()),
        ("01101", "11111", (1,), {4: (0, -1)}, (0, 3)),
        ("01101", "00000", (1, 4), {}, (0, 3)),
        ("00000", "11111", (), {}, (0, 1, 3, 4)),
    ],
)
def test_what_is_not_known_or_not_noticed_is_not_in_the_events(
    known: str, noticed: str, clean: tuple[int, ...], failed: dict[int, tuple[int, int]], unknown: tuple[int, ...]
) -> None:
    """An unnoticed failure looks clean; an unknown outcome is neither clean nor a failure."""
    masks = {
        name: np.asarray([mark == "1" for mark in marks]) for name, marks in (("known", known), ("noticed", noticed))
    }
    found = counted(SMALL, **masks)
    assert (found.clean, found.failed, found.unknown, found.asked) == (clean, failed, unknown, 1)
    assert found.order == tuple(step in failed for step in sorted([*clean, *failed]))
    told = {event.body["step"]: event.body["truth"] for event in events_of(SMALL, **masks) if event.kind == "outcome"}
    for step in range(5):
        if not masks["known"][step]:
            assert step not in told
        elif step in told and not masks["noticed"][step]:
            assert told[step] == SMALL.action[step], "an unnoticed failure must not show in the outcome"


def test_an_asked_decision_has_no_outcome_and_no_act() -> None:
    everything = np.ones(5, dtype=bool)
    events = list(events_of(SMALL, known=everything, noticed=everything))
    assert [event.kind for event in events if event.body.get("step") == 2] == ["ask"]
    assert [event.seq for event in events] == list(range(1, len(events) + 1))
