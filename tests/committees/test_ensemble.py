"""A committee as the runtime's ensemble: the same members, items in their own units, and what must not teach."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from assent import checks
from assent.committees.committee import Committee
from assent.committees.ensemble import CommitteeEnsemble
from assent.committees.ways import way_of
from assent.core import Answer
from assent.hypotheses.wrap import Ensemble, wrap
from tests.committees.test_curve import small

SHIFT, SCALE = 3.0, 0.5


@pytest.fixture(scope="module")
def learner() -> CommitteeEnsemble:
    return CommitteeEnsemble(way_of("tangent").make(small(), 4), SHIFT, SCALE)


def test_it_is_what_wrap_takes_and_passes_its_checks(learner: CommitteeEnsemble) -> None:
    assert isinstance(learner, Ensemble)
    checks.check_hypotheses(wrap(learner, num_actions=4))


def test_rows_are_the_committee_s_for_the_item_in_its_units(learner: CommitteeEnsemble) -> None:
    item = np.asarray([-0.1, 0.2], dtype=np.float32)
    rows = learner.predict(learner.init(), item * SCALE + SHIFT)
    np.testing.assert_allclose(rows, np.exp(learner.committee.log_probs(item[None]))[:, 0], atol=1e-5)
    # the wrong variant forgets the units
    assert np.abs(learner.predict(learner.init(), item) - rows).max() > 0.01


def test_answers_teach_and_what_is_not_finite_does_not(learner: CommitteeEnsemble) -> None:
    obs, label = np.asarray([3.1, 3.2]), 2
    memory = learner.init()
    before = learner.predict(memory, obs)
    taught = learner.update(memory, obs, np.asarray(label))
    after = learner.predict(taught, obs)
    assert (after[:, label] > before[:, label]).all() or before[:, label].min() > 0.99
    np.testing.assert_array_equal(learner.predict(memory, obs), before)
    for broken in (np.asarray([np.nan, 1.0]), np.asarray([np.inf, 1.0])):
        assert np.isnan(learner.predict(memory, broken)).all()
        assert learner.update(memory, broken, np.asarray(label)) is memory


def test_members_that_cannot_learn_stay_as_they_are() -> None:
    still = CommitteeEnsemble(way_of("dropout").make(small(), 3))
    memory, obs = still.init(), np.asarray([0.1, 0.2])
    taught = still.update(memory, obs, np.asarray(1))
    np.testing.assert_array_equal(still.predict(taught, obs), still.predict(memory, obs))


def test_wrapped_members_learn_through_answers(learner: CommitteeEnsemble) -> None:
    members = wrap(learner, num_actions=4)
    obs = np.asarray([2.9, 3.3])
    memory = members.init()
    for _ in range(5):
        memory = members.learn(memory, obs, Answer(np.asarray(3)))
    assert (np.exp(members.log_policy(memory, obs))[:, 3] > 0.5).all()


@pytest.mark.parametrize("wrong", [{"scale": 0.0}, {"scale": float("nan")}, {"shift": float("inf")}])
def test_units_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="give finite numbers"):
        CommitteeEnsemble(Committee.example(), **wrong)


def test_an_item_beyond_single_precision_is_no_observation() -> None:
    """Silently: under warnings as errors it was an exception."""
    found = CommitteeEnsemble(Committee.example())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert np.isnan(found.predict(found.init(), np.asarray([1e300, 0.0]))).all()
