"""Plain streams: every item once, nothing of the stream in the scaling, and overseers who err exactly where it is said."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import pytest
from sklearn import datasets
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LogisticRegression

from assent.agents.imitator import Imitator
from assent.hypotheses.fourier import FourierSoftmax
from assent.hypotheses.wrap import wrap
from assent.presets import catalogue
from assent.presets.digits import _shuffled
from assent.presets.streams import ERRING, Labelled, breast_cancer, digits, wine
from assent.rollout import live

STREAMS: dict[str, Any] = {"wine": wine, "breast_cancer": breast_cancer, "digits": digits}
SIZES = {"wine": (50, 128, 13, 3), "breast_cancer": (150, 419, 30, 2), "digits": (500, 1297, 64, 10)}


def raw(name: str) -> tuple[np.ndarray, np.ndarray]:
    return getattr(datasets, f"load_{name}")(return_X_y=True)


@pytest.mark.parametrize("name", STREAMS)
def test_every_item_comes_once_with_its_label(name: str) -> None:
    """Items are found again in scikit-learn's own order, scaled back; the part to fit on and the stream have none in common."""
    made, (items, labels) = STREAMS[name](3), raw(name)
    fit, steps, features, classes = SIZES[name]
    assert made.fit_items.shape == (fit, features)
    assert made.world.items.shape == (steps, features)
    assert (made.num_steps, made.world.num_items, made.world.num_actions, len(made.labels)) == (
        steps,
        steps,
        classes,
        classes,
    )
    order = np.random.default_rng([3, 0]).permutation(len(labels))
    np.testing.assert_array_equal(np.concatenate([made.fit_labels, made.truth]), labels[order])
    shown = np.concatenate([made.fit_items, made.world.items])
    if name == "digits":
        np.testing.assert_array_equal(shown, items[order])
        np.testing.assert_array_equal(shown, _shuffled(3)[0])
    else:
        base = items[order][:fit]
        np.testing.assert_allclose(shown * base.std(axis=0) + base.mean(axis=0), items[order], rtol=1e-9)
        np.testing.assert_allclose(made.fit_items.mean(axis=0), 0, atol=1e-9)
        # the wrong variant, scaling by all items, would let the stream be seen beforehand
        assert np.abs(shown.mean(axis=0)).max() > 1e-3


def said(made: Labelled, overseer: int) -> np.ndarray:
    answers = [int(made.overseers[overseer].answer(0.5, made.world.reveal(number))) for number in range(made.num_steps)]
    return np.asarray(answers)


@pytest.mark.parametrize("name", STREAMS)
def test_each_overseer_errs_on_its_own_fifth_and_on_no_other(name: str) -> None:
    made, classes = STREAMS[name](1), SIZES[name][3]
    for overseer in (0, 1):
        answers = said(made, overseer)
        np.testing.assert_array_equal(answers != made.truth, made.errs[overseer])
        np.testing.assert_array_equal(answers[made.errs[overseer]], (made.truth[made.errs[overseer]] + 1) % classes)
        assert made.errs[overseer].sum() == round(ERRING * made.num_steps)
    assert (made.errs[0] != made.errs[1]).sum() > made.num_steps / 10


def test_where_they_err_depends_on_what_the_item_looks_like() -> None:
    """Recomputed from scikit-learn's own columns: whoever errs is above all who do not."""
    views = {
        "wine": (lambda items: items[:, 0], lambda items: -items[:, 9]),
        "breast_cancer": (lambda items: items[:, 0], lambda items: -items[:, 1]),
        "digits": (
            lambda items: items.reshape(-1, 8, 8)[:, :4].sum(axis=(1, 2)),
            lambda items: -items.reshape(-1, 8, 8)[:, 4:].sum(axis=(1, 2)),
        ),
    }
    for name, columns in views.items():
        made = STREAMS[name](2)
        order = np.random.default_rng([2, 0]).permutation(sum(SIZES[name][:2]))
        stream = raw(name)[0][order][SIZES[name][0] :]
        for overseer, column in enumerate(columns):
            number = column(stream)
            assert number[made.errs[overseer]].min() >= number[~made.errs[overseer]].max()


def test_the_catalogue_names_them() -> None:
    for path in catalogue.STREAMS.values():
        module, _, function = path.partition(":")
        assert isinstance(getattr(importlib.import_module(module), function)(0), Labelled)


def test_a_seed_decides_the_order_and_readers_are_shared() -> None:
    np.testing.assert_array_equal(wine(4).world.items, wine(4).world.items)
    assert not np.array_equal(wine(4).truth, wine(5).truth)
    assert wine(4).overseers is wine(5).overseers
    assert wine(0).labels == ["class_0", "class_1", "class_2"]
    assert breast_cancer(0).labels == ["malignant", "benign"]


@pytest.mark.slow
def test_both_overseers_can_be_asked_in_one_stream() -> None:
    """Classifiers fitted on the part before it; whoever is asked answers as it errs, and what is learned is what was said."""
    made, members = wine(0), []
    for part in range(3):
        sampler = RBFSampler(gamma=0.02, n_components=60, random_state=part)
        features = sampler.fit_transform(made.fit_items[part::2])
        members.append((sampler, LogisticRegression(max_iter=2_000).fit(features, made.fit_labels[part::2])))
    agent = Imitator.of(wrap(FourierSoftmax.from_sklearn(members, num_actions=3), num_actions=3, floor=0.02))
    for number, overseer in enumerate(made.overseers):
        trace = live(agent, made.world, overseer, seed=0, run="wine", num_steps=made.num_steps)
        asked = np.asarray(trace.asked)
        np.testing.assert_array_equal(np.asarray(trace.answer)[asked], said(made, number)[asked])
        assert 5 < asked.sum() < made.num_steps
