"""wrap: scikit-learn's estimators and callables as members; floors, missing classes, learning on copies, rows that cannot be read."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis.extra import numpy as arrays
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB

from assent.agents.imitator import Imitator
from assent.core import Answer, Minimum, Mixture, readable_rows
from assent.hypotheses.fourier import FourierSoftmax
from assent.hypotheses.wrap import wrap
from tests.core.support import EPS, any_float, few

ACTIONS = 4
FLOOR = 0.04


def data(classes: tuple[int, ...], *, seed: int = 0) -> tuple[Any, Any]:
    """Two inputs, a cloud for each class."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(classes, 20)
    return rng.normal(size=(labels.size, 2)) + np.stack([labels, labels % 2], axis=1), labels


ESTIMATORS: dict[str, Any] = {
    "logistic": lambda: LogisticRegression(),
    "sgd": lambda: SGDClassifier(loss="log_loss", random_state=0),
    "bayes": lambda: GaussianNB(),
}
OBS = np.asarray([0.5, 0.25])


def committee(estimator: Any, **settings: Any) -> Any:
    return wrap([estimator], num_actions=ACTIONS, floor=FLOOR, **settings)


def lifted(policy: Any) -> Any:
    """The docstring's formula: (1 - e) p + (e / A) / 2."""
    return (1 - FLOOR) * np.asarray(policy) + FLOOR / (2 * ACTIONS)


@pytest.mark.parametrize("kind", ESTIMATORS)
@pytest.mark.parametrize("classes", [(0, 1, 2, 3), (1, 3), (2, 0)])
def test_columns_are_matched_by_classes(kind: str, classes: tuple[int, ...]) -> None:
    estimator = ESTIMATORS[kind]().fit(*data(classes))
    members = committee(estimator)
    rows = np.exp(members.log_policy(members.init(), OBS))[0]
    whole = np.zeros(ACTIONS)
    whole[sorted(classes)] = estimator.predict_proba(OBS[None])[0]
    assert np.allclose(rows, lifted(whole), rtol=16 * EPS, atol=0)
    assert 1 - rows.sum() == pytest.approx(FLOOR / 2, abs=16 * EPS)
    if classes != (0, 1, 2, 3):
        # the wrong variant takes the columns as they come
        shifted = np.zeros(ACTIONS)
        shifted[: len(classes)] = estimator.predict_proba(OBS[None])[0]
        assert not np.allclose(rows, lifted(shifted), rtol=1e-6)


@pytest.mark.parametrize("kind", ["sgd", "bayes"])
def test_partial_fit_teaches_a_copy(kind: str) -> None:
    members = committee(ESTIMATORS[kind]().fit(*data((0, 1, 2, 3))))
    agent = Imitator.of(members)
    before = agent.init()
    row = members.log_policy(before.memory, OBS).copy()
    after = agent.learn(before, OBS, Answer(3))
    for _ in range(10):
        after = agent.learn(after, OBS, Answer(3))
    assert np.array_equal(members.log_policy(before.memory, OBS), row), "an older belief lost its members"
    assert members.log_policy(after.memory, OBS)[0, 3] > row[0, 3]
    assert np.array_equal(members.log_policy(members.init(), OBS), row)


def test_members_without_partial_fit_stay_as_they_are() -> None:
    estimator = LogisticRegression().fit(*data((0, 1)))
    members = committee(estimator)
    assert members.learn(members.init(), OBS, Answer(1)) == (estimator,)


@pytest.mark.parametrize("kind", ["sgd", "bayes"])
def test_an_answer_that_a_member_does_not_know_teaches_it_nothing(kind: str) -> None:
    """scikit-learn raises at a class that was not there at the first fit; the answer is durable by then, so the run would hang."""
    estimator = ESTIMATORS[kind]().fit(*data((0, 1)))
    with pytest.raises(ValueError, match="class"):
        ESTIMATORS[kind]().fit(*data((0, 1))).partial_fit(OBS[None], [3])
    agent = Imitator.of(wrap([estimator, lambda obs: [0.1, 0.1, 0.1, 0.7]], num_actions=ACTIONS))
    before = agent.init()
    after = agent.learn(before, OBS, Answer(3))
    assert after.memory[0] is estimator
    assert after.log_weight[1] > before.log_weight[1]


def test_an_unfitted_learner_is_given_all_the_classes() -> None:
    class Late:
        """Uniform until it is fitted, as a learner that may be asked before its first label has to be."""

        def __init__(self) -> None:
            self.fit = GaussianNB()

        def predict_proba(self, inputs: Any) -> Any:
            return (
                self.fit.predict_proba(inputs) if hasattr(self.fit, "classes_") else np.full((1, ACTIONS), 1 / ACTIONS)
            )

        def partial_fit(self, inputs: Any, labels: Any, classes: Any = None) -> None:
            self.fit.partial_fit(inputs, labels, classes=classes)

    members = committee(Late())
    with np.errstate(divide="ignore", invalid="ignore"):
        memory = members.learn(members.init(), OBS, Answer(2))
    assert memory[0].fit.classes_.tolist() == [0, 1, 2, 3]
    assert not hasattr(members.init()[0].fit, "classes_")


def test_single_precision_rows_are_scaled_not_refused() -> None:
    row = np.asarray([0.1, 0.2, 0.3, 0.4], dtype=np.float32) * np.float32(1.00001)
    assert row.astype(np.float64).sum() > 1 + 1e-6
    members = committee(lambda obs: row)
    rows = members.log_policy(members.init(), OBS)
    assert readable_rows(rows)[1].all()
    assert np.allclose(np.exp(rows)[0], lifted([0.1, 0.2, 0.3, 0.4]), atol=1e-6)


BAD = [
    [math.nan] * 4,
    [0.5, math.nan, 0.25, 0.25],
    [math.inf, 0, 0, 0],
    [math.inf, -math.inf, 0, 1],
    [-0.1, 0.4, 0.4, 0.3],
    [0.5, 0.5, 0.5, 0.0],
    [0.5, 0.5],
    [[0.25, 0.25, 0.25, 0.25]],
    0.5,
]


@pytest.mark.parametrize("row", BAD, ids=repr)
def test_a_member_that_cannot_be_read_abstains_and_forces_an_ask(row: Any) -> None:
    agent = Imitator.of(wrap([lambda obs: row, *[lambda obs: [0.7, 0.1, 0.1, 0.1]] * 2], num_actions=ACTIONS))
    belief = agent.init()
    proposal = agent.consider(belief, OBS)
    assert proposal.readable.tolist() == [False, True, True]
    for rule in (Minimum(), Mixture()):
        assert float(Imitator.of(agent.hypotheses, rule=rule).propose(belief, OBS).ask) == 1
    after = agent.learn(belief, OBS, Answer(1))
    assert np.allclose(after.log_weight, belief.log_weight, rtol=0, atol=8 * EPS), "sleepers keep their weight"


@few
@given(arrays.arrays(np.float64, ACTIONS, elements=any_float))
def test_any_row_is_a_sub_distribution_or_not_there(row: Any) -> None:
    members = committee(lambda obs: row)
    with np.errstate(over="ignore"):
        rows = members.log_policy(members.init(), OBS)
    assert np.isnan(rows).all() or (
        readable_rows(rows)[1].all() and (np.exp(rows) >= FLOOR / (2 * ACTIONS) * (1 - 8 * EPS)).all()
    )


@pytest.mark.parametrize("classes", [["no", "yes"], [0, 7], [-1, 0], [0.5, 1.0], [0, 1, 2]])
def test_classes_that_are_no_actions_make_a_member_unreadable(classes: Any) -> None:
    class Odd:
        classes_ = classes

        def predict_proba(self, inputs: Any) -> Any:
            return np.asarray([[0.5, 0.5]])

    members = committee(Odd())
    assert np.isnan(members.log_policy(members.init(), OBS)).all()


def test_floor_flips_what_is_asked_and_whether_a_surprise_kills() -> None:
    sure = [lambda obs: [1.0, 0.0]] * 2
    asks = []
    for floor in (0.02, 0.2, 0.5):
        agent = Imitator.of(wrap(sure, num_actions=2, floor=floor))
        asks.append(float(agent.propose(agent.init(), OBS).ask))
        assert np.isfinite(agent.learn(agent.init(), OBS, Answer(1)).log_weight).all()
    # each member leaves floor / 2 out, and both give the least to the other action
    assert asks == pytest.approx([floor / 2 for floor in (0.02, 0.2, 0.5)], abs=16 * EPS)


def test_a_faster_ensemble_goes_in_as_it_is() -> None:
    rng = np.random.default_rng(0)
    ensemble = FourierSoftmax(rng.normal(size=(3, 2, 5)), rng.normal(size=(3, 5)), rng.normal(size=(3, 6, ACTIONS)))
    members = wrap(ensemble, num_actions=ACTIONS, floor=FLOOR)
    rows = np.exp(members.log_policy(members.init(), OBS))
    assert np.allclose(rows, lifted(ensemble.predict(ensemble.init(), OBS)), rtol=16 * EPS)
    with pytest.raises(ValueError, match=r"rows of shape \(3, 4\) for 3 members and 5 actions: num_actions must be"):
        wrap(ensemble, num_actions=5).log_policy(ensemble.init(), OBS)


@pytest.mark.parametrize(
    ("make", "error", "sentence"),
    [
        (
            lambda: wrap([], num_actions=2),
            ValueError,
            r"empty committee cannot decide anything: give at least one member",
        ),
        (lambda: wrap([abs], num_actions=0), ValueError, r"num_actions = 0: there must be at least one action"),
        (
            lambda: wrap([abs], num_actions=2, floor=0.0),
            ValueError,
            r"floor = 0\.0 is outside \(0, 1\).*first surprise",
        ),
        (lambda: wrap([abs], num_actions=2, floor=1.0), ValueError, r"floor = 1\.0"),
        (lambda: wrap([abs], num_actions=2, floor=math.nan), ValueError, r"floor = nan"),
        (lambda: wrap([abs], num_actions=2, names=["a", "b"]), ValueError, r"2 names for 1 members"),
        (lambda: wrap([abs], num_actions=2, prior=np.ones(2)), ValueError, r"prior has shape \(2,\) for 1 members"),
        (
            lambda: wrap([abs, "model.pkl"], num_actions=2),
            TypeError,
            r"member 1 is a str: it needs predict_proba, or must be callable",
        ),
    ],
)
def test_bad_input_is_refused(make: Any, error: Any, sentence: str) -> None:
    with pytest.raises(error, match=sentence):
        make()


def test_names_priors_and_grades() -> None:
    members = wrap([abs, abs], num_actions=2, prior=[1, 3], names=["cat", "dog"], grade="bounded")
    assert members.names == ("cat", "dog")
    assert np.exp(members.log_prior()).tolist() == pytest.approx([0.25, 0.75])
    assert (members.grade, wrap([abs], num_actions=2).grade) == ("bounded", "heuristic")
    assert wrap([abs], num_actions=2).names == ("member 0",)
    assert (members.num_contexts, members.remembers) == (None, False)


@pytest.mark.parametrize(
    "given",
    [np.ma.masked_array([0.9, 0.1], [True, False]), np.asarray([0.5 + 1j, 0.5]), ["0.9", "0.1"], [True, False]],
    ids=repr,
)
def test_what_is_no_number_is_not_read_as_one(given: Any) -> None:
    committee = wrap([lambda obs: given, lambda obs: [0.9, 0.1]], num_actions=2)
    assert readable_rows(committee.log_policy(committee.init(), None))[1].tolist() == [False, True]


@pytest.mark.parametrize("given", [None, [0.5, 0.5], [[0.5, 0.5], [0.5, 0.5]], np.zeros((0, 2))], ids=repr)
def test_a_classifier_that_gives_no_single_row_abstains(given: Any) -> None:
    class Broken:
        def predict_proba(self, items: Any) -> Any:
            return given

    committee = wrap([Broken()], num_actions=2)
    assert not readable_rows(committee.log_policy(committee.init(), np.zeros(2)))[1].any()


def test_what_a_member_writes_into_an_observation_nobody_else_sees() -> None:
    seen: list[list[float]] = []

    def scribble(obs: Any) -> list[float]:
        obs[...] = 9
        return [0.5, 0.5]

    def look(obs: Any) -> list[float]:
        seen.append(obs.tolist())
        return [0.5, 0.5]

    obs = np.zeros(2)
    committee = wrap([scribble, look], num_actions=2)
    committee.log_policy(committee.init(), obs)
    assert (seen, obs.tolist()) == ([[0, 0]], [0, 0])
