"""Members of few roots: each depends on its number alone, the spread keeps to its band, and few trainings are all that is paid."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.committees.committee import Committee
from assent.committees.costs import flops_of
from assent.committees.forms.features import Features, HeadPrior
from assent.committees.forms.prior import Prior
from assent.committees.forms.tangent import Tangent
from assent.committees.kernels.features import FeatureMap, features
from assent.committees.models import mlp
from assent.committees.recipes import tangents
from assent.committees.recipes.tangents import SPREADS, WITHIN, chosen_spread, tangent
from assent.committees.roots import trained_roots
from assent.committees.splits import Labelled, Splits
from assent.committees.training import Training
from assent.committees.work import DroppedWarning, Work
from tests.committees.small_nets import root

MODEL = mlp((2,), (8,), 3)
TRAINING = Training(steps=2_000, batch=15, optimiser="sgd", learning_rate=0.02)
KEY = jax.random.key(3)


def blobs(number: int, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, number)
    return Labelled.of(np.asarray([[0, 1], [1, -1], [-1, -1]])[y] + 0.6 * rng.normal(size=(number, 2)), y)


DATA = Splits(blobs(45, 0), blobs(60, 1), blobs(30, 2), 3, "blobs")


@pytest.fixture(scope="module", autouse=True)
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    """Keeps trained roots, so that each is trained once."""
    KEPT.append(Work(tmp_path_factory.mktemp("roots")))
    return KEPT[-1]


KEPT: list[Work] = []


def made(n: int, data: Splits = DATA, **settings: Any) -> Committee:
    given = {"training": TRAINING, "roots": 2, "spread": 0.3, "work": KEPT[-1], **settings}
    return tangent(KEY, MODEL, data, n, **given)


def in_order(committee: Committee, x: Any) -> dict[str, Any]:
    return dict(zip(committee.names, committee.logits(x), strict=True))


@pytest.mark.parametrize("prior", [Prior(), HeadPrior()], ids=["tangent", "features"])
def test_a_member_does_not_depend_on_how_many_there_are(prior: Any) -> None:
    """To 1e-10, as columns of one product may round apart. The wrong variant would make member 2 of root 1, or draw it anew."""
    few, many = made(3, prior=prior), made(5, prior=prior)
    one, other = in_order(few, DATA.test.x), in_order(many, DATA.test.x)
    assert set(one) == {"tangent 1", "tangent 2", "tangent 3"}
    for name, logits in one.items():
        np.testing.assert_allclose(logits, other[name], rtol=0, atol=1e-10)
    assert np.abs(other["tangent 1"] - other["tangent 3"]).max() > 1e-3  # of one root
    assert dict(zip(many.names, many.roots.tolist(), strict=True)) == {f"tangent {i + 1}": i % 2 for i in range(5)}
    kind = Tangent if isinstance(prior, Prior) else Features
    assert all(isinstance(part, kind) and part.prior.spread == 0.3 for part in many.parts)


def test_roots_are_random_early_trained_or_given(work: Work) -> None:
    trained = trained_roots(KEY, MODEL, DATA, range(2), training=TRAINING, work=work)
    early = trained_roots(KEY, MODEL, DATA, range(2), training=TRAINING, work=work, share=0.5)
    random = trained_roots(KEY, MODEL, DATA, range(2), training=TRAINING, work=work, share=0.0)
    for share, roots in ((1.0, trained), (0.5, early), (0.0, random)):
        found = made(2, trained=share)
        for part, params in zip(found.parts, roots.trees, strict=True):
            same = jax.tree.map(np.array_equal, part.root, params)  # pyright: ignore[reportAttributeAccessIssue]
            assert all(jax.tree.leaves(same))
    assert early.trees[0][0]["weight"].tolist() != trained.trees[0][0]["weight"].tolist()
    given = [root(MODEL, 5), root(MODEL, 6)]
    found = made(3, at=given)
    assert all(jax.tree.leaves(jax.tree.map(np.array_equal, found.parts[1].root, given[1])))  # pyright: ignore[reportAttributeAccessIssue]
    assert found.cost.train_flops == 0
    assert made(1, at=given).roots.tolist() == [0]


@pytest.mark.slow
def test_two_roots_cost_two_trainings_and_a_fraction(work: Work) -> None:
    one = trained_roots(KEY, MODEL, DATA, [0], training=TRAINING, work=work).cost
    found = made(20)
    assert found.cost.train_flops == pytest.approx(2 * one.train_flops, rel=1e-12)
    # 45 items take the places of 256: beside so small a training their kernel is no small thing, a member is
    assert 2 < found.cost.trainings(one) < 3.5
    assert 0 < found.cost.member_flops / 20 < one.flops / 100
    assert found.cost.factor_flops > 0
    more = made(40).cost
    assert more.member_flops == pytest.approx(2 * found.cost.member_flops, rel=1e-12)
    assert (more.train_flops, more.factor_flops) == (found.cost.train_flops, found.cost.factor_flops)
    random = made(20, trained=0.0).cost
    assert random.train_flops < one.train_flops / 1_000  # drawing the roots
    assert (random.factor_flops, random.member_flops) == (found.cost.factor_flops, found.cost.member_flops)


def test_a_kernel_is_counted_at_the_size_at_which_it_is_computed() -> None:
    """By hand, for a network 2-8-3 and 45 items, which take the places of 256: `2 x 256^2` for each number that a layer was given (one for
    its bias among them) or gets back from 3 logits, and the factorisation of 45. Counted for 45 it would be 32 times less."""
    numbers = (2 + 1) + 3 * 8 + (8 + 1) + 3 * 3
    by_hand = 2 * 256**2 * numbers + 45**3 / 3
    found = made(1, roots=1, trained=0.0).cost.factor_flops
    assert found == pytest.approx(by_hand, rel=0.15)  # what comes back, and sums over layers, are the rest
    assert found > by_hand


@pytest.mark.parametrize("kind", ["last", "sketch"])
def test_heads_are_counted_as_their_solution_is_in_jax(kind: FeatureMap) -> None:
    """Bayesian linear regression and Matheron's rule, written in JAX and traced; what is left out is no twentieth. Half of the products and
    of the solutions were once left out, and the last layer's heads multiplied by the covariance for each member."""
    n, width, classes, prior = len(DATA.train), 65, 3, HeadPrior(kind, 65)
    model = mlp((2,), (width - 1,), classes)

    def solved(phi: jax.Array, targets: jax.Array, drawn: jax.Array) -> tuple[jax.Array, jax.Array]:
        rows = phi.reshape(-1, width)
        lower = jnp.linalg.cholesky(rows.T @ rows / 0.01 + jnp.eye(width), symmetrize_input=False)
        covariance = jax.scipy.linalg.cho_solve((lower, True), jnp.eye(width))
        mean = covariance @ (rows.T @ targets)
        if kind == "sketch":
            return mean, drawn + ((targets[None] - drawn @ rows.T) @ rows) @ covariance
        missing = targets[None] - jnp.einsum("nd,kdc->knc", rows, drawn)
        return mean, drawn + jnp.einsum("dn,knc->kdc", covariance @ rows.T, missing)

    def counted(number: int) -> float:
        readings, columns = (classes, ()) if kind == "sketch" else (1, (classes,))
        shapes = [(n, readings, width), (n * readings, *columns), (number, width, *columns)]
        return flops_of(solved, *(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes))

    each = (counted(101) - counted(1)) / 100
    given = jax.ShapeDtypeStruct(DATA.train.x.shape, jnp.float32)
    shown = flops_of(
        lambda own, x: features(model, own, KEY, x, kind=kind, number=width), jax.eval_shape(model.init, KEY), given
    )
    cost = tangent(KEY, model, DATA, 3, training=TRAINING, roots=1, trained=0.0, prior=prior, spread=0.3).cost
    assert cost.factor_flops - shown == pytest.approx(counted(1) - each, rel=0.05)
    assert cost.member_flops / 3 == pytest.approx(each, rel=0.05)


@pytest.mark.parametrize("prior", [Prior(), HeadPrior()], ids=["tangent", "features"])
def test_validation_items_at_which_members_are_not_finite_are_named(prior: Any) -> None:
    x = DATA.validation.x.copy()
    x[[7, 9]] = 3e38
    loud = jax.tree.map(lambda leaf: 10 * leaf, root(MODEL))
    with pytest.raises(
        ValueError, match=r"not finite at 2 of 60 validation items, the first at place 7: .* Scale them down"
    ):
        made(4, replace(DATA, validation=Labelled(x, DATA.validation.y)), at=[loud], prior=prior, spread="validation")


def accuracy(logits: Any, y: Any) -> float:
    return float((np.asarray(logits).argmax(axis=-1) == y).mean())


@pytest.mark.slow
def test_the_spread_that_is_chosen_keeps_members_within_its_band() -> None:
    """Members on validation are within half a point of the roots, or the spread is the least there is. The wrong variant takes the spread
    of the least joint log-loss, whatever it does to the members."""
    x, y = DATA.validation.x, DATA.validation.y
    found = made(12, spread="validation")
    spread = found.parts[0].prior.spread  # pyright: ignore[reportAttributeAccessIssue]
    assert spread in SPREADS
    assert {part.prior.spread for part in found.parts} == {spread}  # pyright: ignore[reportAttributeAccessIssue]
    roots = [part.root for part in found.parts]  # pyright: ignore[reportAttributeAccessIssue]
    least = np.mean([accuracy(MODEL.apply(own, jnp.asarray(x)), y) for own in roots]) - WITHIN
    assert spread == min(SPREADS) or accuracy(found.logits(x), y[None]) >= least
    parts: Any = [part.spread_to(1.0) for part in found.parts]  # pyright: ignore[reportAttributeAccessIssue]
    free = chosen_spread(parts, roots, DATA.validation, band=1.0, random=False)
    none = chosen_spread(parts, roots, DATA.validation, band=-1.0, random=False)
    assert none == min(SPREADS)
    assert free >= spread


def test_test_items_have_no_say() -> None:
    """The wrong variant would look at them to choose the spread."""
    other = replace(DATA, test=blobs(30, 9))
    one, two = (made(6, data, spread="validation") for data in (DATA, other))
    np.testing.assert_array_equal(one.logits(DATA.test.x), two.logits(DATA.test.x))


def test_a_root_that_is_dropped_takes_its_members_with_it() -> None:
    whole = [root(MODEL, seed) for seed in range(3)]
    broken = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), whole[1])
    with pytest.warns(DroppedWarning, match="root 2"):
        found = made(7, at=[whole[0], broken, whole[2]])
    assert found.dropped == ("tangent 2", "tangent 5")
    assert found.names == ("tangent 1", "tangent 4", "tangent 7", "tangent 3", "tangent 6")
    assert found.roots.tolist() == [0, 0, 0, 2, 2]
    sound = in_order(made(7, at=whole), DATA.test.x)
    for name, logits in in_order(found, DATA.test.x).items():
        np.testing.assert_array_equal(logits, sound[name])
    with pytest.raises(ValueError, match="Every root"):
        made(2, at=[broken])


def test_a_training_that_is_dropped_takes_its_members_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaking(*args: Any, **settings: Any) -> Any:
        pieces = trained_roots(*args, **settings)
        return replace(pieces, trees=pieces.trees[1:], numbers=(1,), dropped=(0,))

    monkeypatch.setattr(tangents, "trained_roots", breaking)
    found = made(5)
    assert found.dropped == ("tangent 1", "tangent 3", "tangent 5")
    assert found.names == ("tangent 2", "tangent 4")


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"n": 0}, "n = 0"), ({"roots": 0}, "roots = 0"), ({"trained": 1.5}, "share = 1.5"), ({"spread": -1.0}, "spread")],
)
def test_settings_that_are_none_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        made(settings.pop("n", 2), **settings)


def test_labels_beyond_the_classes_are_refused() -> None:
    wrong = replace(DATA, train=Labelled.of(DATA.train.x, np.full(45, 3)))
    with pytest.raises(ValueError, match="labels"):
        made(2, wrong)
    with pytest.raises(ValueError, match="labels"):
        made(2, wrong, at=[root(MODEL)])
