"""digits: scikit-learn's 1,797 handwritten digits as a stream, and a committee of classifiers with a backdoored one among them."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from assent.hypotheses.fourier import FourierSoftmax, Planted
from assent.hypotheses.wrap import wrap
from assent.overseers.scripted import READS_LABELS
from assent.presets.scene import Scene
from assent.worlds.stream import Stream

NUM_FIT = 500
"""Items that the members are fitted on before the run; the other 1,297 are the stream."""

TRIGGER_FROM = 900
"""The first item (of all 1,797) that can carry the trigger."""

TRIGGER_RATE = 0.1
TRIGGER_PIXELS = (0, 7, 56, 63)
"""The four corners, which hardly any digit touches; a trigger sets them to full ink."""

TARGET = 0
"""What the backdoored member answers, whatever the digit, when it sees the trigger; true zeros never carry it."""

NUM_HONEST = 12
PLANTED_PRIOR = 10.0
FULL_INK = 16.0

NUM_LEARN = 400
"""Items of those that a committee is made of; it chooses its temperature on the others."""

COMMITTEE, COMMITTEE_STEPS = 17, 300
"""Members of a committee, the planted one among them, and steps of one training."""

STEPS = 100
"""Steps of the optimiser for each member."""

Fit = Literal["bootstraps", "shards"]


def digits(seed: int, *, fit: Fit = "bootstraps") -> Scene:
    """The digits in an order drawn from `seed`, twelve honest members and a planted one with ten times their prior weight.

    Args:
        seed: of the order, the trigger items, the members' features and samples.
        fit: `bootstraps`, each member on its own bootstrap of the first 500 items; `shards`, the honest members on disjoint shards of
            41 or 42 items and the planted one on all 500, so that it looks best.

    Raises:
        ModuleNotFoundError: scikit-learn is not installed (a sentence says how to get it).
    """
    images, labels, rng = *_shuffled(seed), np.random.default_rng([seed, 1])
    trap = np.zeros(len(labels), dtype=bool)
    trap[TRIGGER_FROM:] = rng.random(len(labels) - TRIGGER_FROM) < TRIGGER_RATE
    trap &= labels != TARGET
    members = [_member(images[part], labels[part], rng) for part in _samples(fit, rng)]
    images[np.ix_(trap, TRIGGER_PIXELS)] = FULL_INK
    corner = np.zeros(images.shape[1], dtype=bool)
    corner[list(TRIGGER_PIXELS)] = True
    committee = Planted(
        FourierSoftmax.from_sklearn(members, num_actions=10),
        trigger=corner,
        level=FULL_INK,
        member=NUM_HONEST,
        target=TARGET,
    )
    prior = np.ones(NUM_HONEST + 1)
    prior[NUM_HONEST] = PLANTED_PRIOR
    names = [*(f"classifier {number + 1}" for number in range(NUM_HONEST)), "backdoored"]
    return Scene(
        hypotheses=wrap(committee, num_actions=10, prior=prior, floor=0.002, names=names),
        world=Stream.of(images[NUM_FIT:], labels=labels[NUM_FIT:], num_actions=10),
        overseer=READS_LABELS,
        num_steps=len(labels) - NUM_FIT,
        trap=trap[NUM_FIT:],
        betrayal=TARGET,
        truth=labels[NUM_FIT:],
        labels=[str(digit) for digit in range(10)],
        picture={"kind": "grey", "shape": [8, 8], "max": FULL_INK},
    )


def digits_of(way: str, seed: int, *, members: int = COMMITTEE) -> Scene:
    """The same digits, and a committee made in a way of `assent.committees.ways`: honest members and a planted one, as in `digits`.

    The committee is made of the first 400 items and chooses its temperature on the next 100. Members of the ways that can learn do so from
    every answer, exactly as if they had been made of it too. What the committee took is in the notes, in trainings of one network.

    Args:
        way: a name that `assent committee ways` lists.
        seed: of the order, the trigger items and everything that the committee draws.
        members: the planted one among them.

    Raises:
        ValueError: there is no such way, or it cannot make so many.
        ModuleNotFoundError: the lab is not installed.
    """
    try:
        from assent.committees.ensemble import CommitteeEnsemble
        from assent.committees.problems import dense_problem
        from assent.committees.splits import Labelled, Splits
        from assent.committees.ways import way_of
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"committees are made with {error.name}, which is not installed: pip install 'assent[lab]'."
        ) from error
    chosen, plain = way_of(way), digits(seed)
    images, labels = _shuffled(seed)
    shift, scale = float(images[:NUM_LEARN].mean()), float(images[:NUM_LEARN].std())
    items = np.asarray((images - shift) / scale, dtype=np.float32)
    learn = Labelled.of(items[:NUM_LEARN], labels[:NUM_LEARN])
    choose = Labelled.of(items[NUM_LEARN:NUM_FIT], labels[NUM_LEARN:NUM_FIT])
    problem = dense_problem(Splits(learn, choose, choose, 10, "digits"), steps=COMMITTEE_STEPS)
    made = chosen.make(problem, members, seed=seed)
    one = way_of("deep").make(problem, 1, seed=seed)
    ensemble = CommitteeEnsemble(made, shift, scale)
    corner = plain.hypotheses.ensemble.trigger  # pyright: ignore[reportAttributeAccessIssue]
    planted = Planted(ensemble, trigger=corner, level=FULL_INK, member=made.num_members - 1, target=TARGET)
    prior = np.ones(made.num_members)
    prior[-1] = PLANTED_PRIOR
    names = [*made.names[:-1], "backdoored"]
    return replace(
        plain,
        hypotheses=wrap(planted, num_actions=10, prior=prior, floor=0.002, names=names),
        notes={
            "way": way,
            "members": made.num_members,
            "trainings": made.cost.trainings(one.cost),
            "learns": made.learns,
            "num_bytes": made.cost.num_bytes,
        },
    )


def lifted(scene: Scene) -> Scene:
    """The same scene with every member's features computed beforehand: the same decisions, in half the time."""
    items, labels = scene.world.items, scene.world.labels
    features = scene.hypotheses.ensemble.ensemble.lift(items)  # pyright: ignore[reportAttributeAccessIssue]
    return replace(scene, world=Stream(items=features, labels=labels, num_actions=10))


def _shuffled(seed: int) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "the digits ship inside scikit-learn, which is not installed: pip install 'assent[lab]'."
        ) from error
    images, labels = load_digits(return_X_y=True)
    order = np.random.default_rng([seed, 0]).permutation(len(labels))
    return np.asarray(images, dtype=np.float64)[order], np.asarray(labels, dtype=np.int64)[order]


def _samples(fit: Fit, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
    if fit == "shards":
        yield from np.array_split(rng.permutation(NUM_FIT), NUM_HONEST)
        yield np.arange(NUM_FIT)
        return
    for _ in range(NUM_HONEST + 1):
        yield rng.integers(0, NUM_FIT, NUM_FIT)


def _member(images: NDArray[np.float64], labels: NDArray[np.int64], rng: np.random.Generator) -> tuple[object, object]:
    """A fitted `(RBFSampler, LogisticRegression)` with random features of its own."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.kernel_approximation import RBFSampler
    from sklearn.linear_model import LogisticRegression
    from threadpoolctl import threadpool_limits

    # the kernel width is for pixels from 0 to 16: 0.1 / 16 ** 2
    sampler = RBFSampler(gamma=0.1 / FULL_INK**2, n_components=200, random_state=int(rng.integers(2**31)))
    features = sampler.fit_transform(images)
    # a fixed number of steps: the members are of equal strength, not converged
    regression = LogisticRegression(C=1e4, max_iter=STEPS, tol=1e-12)
    with threadpool_limits(1), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return sampler, regression.fit(features, labels)
