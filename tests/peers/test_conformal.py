"""Prediction sets against MAPIE and crepes on the same scores, against the quantile's definition, and what they promise."""

from __future__ import annotations

import math
from typing import Any

import crepes
import crepes.extras
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mapie.classification import SplitConformalClassifier
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from assent.core import Answer
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.peers.conformal import MOST, ConformalSingleton, p_values

LEVELS = (0.02, 0.1, 0.3)


@pytest.fixture(scope="module")
def fitted() -> tuple[Any, ...]:
    """A classifier on 300 digits, 200 to calibrate with, 400 to predict."""
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(labels))
    images, labels = images[order] / 16, labels[order]
    model = LogisticRegression(max_iter=200).fit(images[:300], labels[:300])
    return model, images[300:500], labels[300:500], images[500:900], labels[500:900]


def ours(fitted: tuple[Any, ...]) -> np.ndarray:
    """`[400, 10]`, the p-value of every label of every item."""
    model, items, labels, tested, _ = fitted
    scores = 1 - model.predict_proba(items)[np.arange(len(labels)), labels]
    return np.stack([p_values(scores, len(scores), 1 - row) for row in model.predict_proba(tested)])


@pytest.mark.parametrize("level", LEVELS)
def test_the_sets_are_those_of_mapie(fitted: tuple[Any, ...], level: float) -> None:
    """And the wrong variant, a quantile without the candidate's own place, gives other ones."""
    model, items, labels, tested, _ = fitted
    mapie = SplitConformalClassifier(model, confidence_level=1 - level, conformity_score="lac", prefit=True)
    mapie.conformalize(items, labels)
    sets = mapie.predict_set(tested)[1][:, :, 0]
    given = ours(fitted) > level
    assert np.array_equal(given, sets)
    careless = ours(fitted) * (len(labels) + 1) / len(labels) > level + 2 / len(labels)
    assert not np.array_equal(careless, sets)


def test_the_p_values_are_those_of_crepes(fitted: tuple[Any, ...]) -> None:
    """With its smoothing off: the same number for every label of every item."""
    model, items, labels, tested, _ = fitted
    scores = crepes.extras.hinge(model.predict_proba(items), model.classes_, labels)
    classifier = crepes.ConformalClassifier().fit(scores)
    wanted = classifier.predict_p(crepes.extras.hinge(model.predict_proba(tested)), smoothing=False)
    assert np.allclose(ours(fitted), wanted, rtol=0, atol=1e-12)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=30), st.integers(0, 6), st.floats(0.01, 0.99))
def test_a_p_value_above_the_level_is_a_score_below_the_quantile(
    scores: list[int], candidate: int, level: float
) -> None:
    """The definition of split conformal prediction, with ties."""
    rank = math.ceil((1 - level) * (len(scores) + 1))
    if abs(rank - (1 - level) * (len(scores) + 1)) < 1e-9:
        return
    inside = rank > len(scores) or candidate <= sorted(scores)[rank - 1]
    p = p_values(np.asarray([*scores, 99.0]), len(scores), np.asarray([float(candidate)]))[0]
    assert (p > level) == inside


@pytest.mark.parametrize("level", LEVELS)
def test_the_right_label_is_left_out_as_rarely_as_promised(fitted: tuple[Any, ...], level: float) -> None:
    """Of 400 exchangeable items at most the share `level`, within four standard errors of the calibration's and the test's chance."""
    right = ours(fitted)[np.arange(400), fitted[4]]
    missed = (right <= level).mean()
    error = math.sqrt(level * (1 - level) * (1 / 400 + 1 / 200))
    assert missed <= level + 4 * error
    assert missed >= level - 4 * error, "sets far wider than they need to be"


def agent(**settings: Any) -> ConformalSingleton:
    return ConformalSingleton(BootstrapCounts.single(num_contexts=2, num_actions=3), **settings)


def test_it_asks_until_the_level_can_rule_anything_out_and_acts_on_the_one_action_left() -> None:
    """A table that is told the same again and again: the first act comes with the scores that level 0.2 needs, 4, not before."""
    gate = agent(level=0.2)
    belief, asks = gate.init(), []
    for _ in range(12):
        assent = gate.propose(belief, 0)
        asks.append(float(assent.ask))
        belief = gate.learn(belief, 0, Answer(2))
    assert asks[:4] == [1, 1, 1, 1]
    assert asks[-1] == 0
    assert gate.propose(belief, 0).probs.tolist() == [0, 0, 1]
    assert float(gate.propose(belief, 1).ask) == 1, "a context without labels"
    assert float(agent(level=0.01).propose(belief, 0).ask) == 1, "12 scores rule nothing out at 1 %"


def test_an_empty_set_asks() -> None:
    """Scores far below what the novice offers here: nothing is usual, and nobody is trusted."""
    gate = agent(level=0.5)
    belief = gate.init()
    scores = belief.tallies[0]._replace(score=np.zeros(MOST), kept=np.asarray(99), labels=np.asarray(99))
    belief = type(belief)(belief.log_weight, belief.log_prior, belief.memory, (scores,))
    assert (p_values(scores.score, 99, np.full(3, 2 / 3)) <= 0.5).all()
    assert float(gate.propose(belief, 0).ask) == 1


def test_what_gives_a_score_does_not_teach_when_they_are_split() -> None:
    """Eight labels: four to the members, four scores; afterwards neither moves. Online every label does both."""
    gate, online = agent(level=0.3, labels=8, split=True), agent(level=0.3, labels=8)
    belief, other = gate.init(), online.init()
    for number in range(12):
        belief, other = (one.learn(state, 0, Answer(number % 3)) for one, state in ((gate, belief), (online, other)))
    assert (int(belief.tallies[0].kept), int(belief.memory.taken)) == (4, 4)
    assert (int(other.tallies[0].kept), int(other.memory.taken)) == (12, 12)
    assert belief.memory.count[0, :, 0].tolist() == [2, 1, 1], "labels 0, 2, 4 and 6 of 0 1 2 0 1 2 0 1"


def test_the_oldest_scores_give_way() -> None:
    gate = agent()
    belief = gate.init()
    for _ in range(MOST + 3):
        belief = gate.learn(belief, 0, Answer(0))
    scores = belief.tallies[0]
    assert int(scores.kept) == MOST + 3
    assert scores.score[2] < scores.score[3], "the first three places hold newer, smaller scores"
