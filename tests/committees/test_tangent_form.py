"""Samples of the tangent space are draws from the closed form, and one datum more is all of them fitted again."""

from __future__ import annotations

import json
import warnings
from dataclasses import replace
from typing import Any, get_args

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees.forms import form, tangent
from assent.committees.forms.form import Unlearnable
from assent.committees.forms.prior import Prior
from assent.committees.forms.tangent import Tangent, tangent_members
from assent.committees.kernels import room
from assent.committees.kernels.posterior import JitterWarning
from assent.committees.kernels.tangents import Kernel
from assent.committees.layers import Conv, Dense, Flatten, Relu
from assent.committees.models import Model, mlp
from tests.committees.small_nets import MLP, NETS, WORDS, direction_of, flat, items, jacobian, labels, root

KERNELS: tuple[Kernel, ...] = get_args(Kernel)
SMALL = mlp((2,), (4,), 2)
"""16 + 6 parameters: its kernel has full rank on few data alone, so that noise matters."""

LIGHT = Model((Conv(2, stride=2), Relu(), Flatten(), Dense(3)), (4, 4, 1))


def members(
    model: Model, number: int = 6, *, data: int = 12, prior: Prior | None = None, numbers: Any = None
) -> Tangent:
    chosen = np.arange(number) if numbers is None else np.asarray(numbers)
    x, y = items(model, data), labels(model, data)
    return tangent_members(model, root(model), x, y, prior=prior or Prior(), key=WORDS, numbers=chosen)


def targets(y: NDArray[Any], classes: int) -> NDArray[np.float64]:
    return np.eye(classes)[y] - 1.0 / classes


def closed_form(found: Tangent, x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    """Mean and covariance of the logits at `x`, flat: Rasmussen and Williams (2006), equations 2.25 and 2.26, by the whole Jacobian."""
    model, prior = found.model, found.prior
    seen, new = (
        jacobian(model, found.root, part).reshape(len(part) * model.num_classes, -1) for part in (found.items, x)
    )
    start = [prior.centre * np.asarray(model.apply(found.root, jnp.asarray(part))).ravel() for part in (found.items, x)]
    inner = found.scale * seen @ seen.T + prior.noise * np.eye(len(seen))
    across = found.scale * new @ seen.T
    wanted = targets(found.labels, model.num_classes).ravel() - start[0]
    mean = start[1] + across @ np.linalg.solve(inner, wanted)
    return mean, found.scale * new @ new.T - across @ np.linalg.solve(inner, across.T)


def moments_off(found: Tangent, x: NDArray[Any]) -> tuple[float, float]:
    """How far the samples' mean and covariance are from the closed form, by the greatest entry of each."""
    mean, covariance = closed_form(found, x)
    logits = found.logits(x).reshape(found.num_members, -1)
    return (
        float(np.abs(logits.mean(axis=0) - mean).max() / np.abs(mean).max()),
        float(np.abs(np.cov(logits.T) - covariance).max() / np.abs(covariance).max()),
    )


@pytest.mark.slow
def test_a_hundred_thousand_samples_have_the_closed_forms_mean_and_covariance(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below 2 %: four standard errors of a variance of 100,000 draws are 4 sqrt(2 / 100,000) = 1.8 %, of a mean less. The wrong variant
    draws no noise: its members are too sure of themselves."""
    prior = Prior("entk", spread=1.0, noise=0.5, centre=1.0)
    x = items(SMALL, 3, seed=5)
    mean, covariance = moments_off(members(SMALL, 100_000, data=20, prior=prior), x)
    assert mean < 0.02
    assert covariance < 0.02
    monkeypatch.setattr(
        tangent, "drawn_noise", lambda key, numbers, places, classes: jnp.zeros((len(numbers), len(places), classes))
    )
    _, silent = moments_off(members(SMALL, 5_000, data=20, prior=prior), x)
    assert silent > 0.1


def test_gradient_descent_on_the_linearised_model_ends_at_the_member() -> None:
    """Sample, then optimise: from d_0, on (targets less noise) with the ridge towards d_0, to convergence. The wrong variant's ridge draws
    towards 0."""
    with jax.enable_x64(True):
        prior = Prior("entk", spread=0.7, noise=0.1, centre=1.0)
        found, new = members(SMALL, 2, data=8, prior=prior), jnp.asarray(items(SMALL, 5, seed=5))
        model, params, x = SMALL, found.root, jnp.asarray(found.items)
        said = found.logits(np.asarray(new))

        def linear(d: Any, at: jax.Array) -> jax.Array:
            value, moved = jax.jvp(lambda p: model.apply(p, at), (params,), (d,))
            return prior.centre * value + moved

        @jax.jit
        def trained(first: Any, towards: Any, wanted: jax.Array) -> jax.Array:
            def loss(d: Any) -> jax.Array:
                ridge = sum(
                    jnp.sum((a - b) ** 2) for a, b in zip(jax.tree.leaves(d), jax.tree.leaves(towards), strict=True)
                )
                return 0.5 * jnp.sum((linear(d, x) - wanted) ** 2) + 0.5 * prior.noise / found.scale * ridge

            def step(_: jax.Array, now: tuple[Any, Any]) -> tuple[Any, Any]:
                d, speed = now
                speed = jax.tree.map(lambda v, g: 0.9 * v - rate * g, speed, jax.grad(loss)(d))
                return jax.tree.map(jnp.add, d, speed), speed

            still = jax.tree.map(jnp.zeros_like, first)
            return linear(jax.lax.fori_loop(0, 20_000, step, (first, still))[0], new)

        flat_jacobian = jacobian(model, params, found.items).reshape(16, -1)
        rate = 1.0 / (np.linalg.norm(flat_jacobian, 2) ** 2 + prior.noise / found.scale)
        for place in range(2):
            first = direction_of(model, params, jax.random.wrap_key_data(jnp.asarray(WORDS)), place)
            first = jax.tree.map(lambda leaf: prior.spread * np.sqrt(found.scale) * leaf, first)
            wanted = targets(found.labels, 2) - found._noise(np.arange(8))[place]  # pyright: ignore[reportPrivateUsage]
            scale = np.abs(said[place]).max()
            assert np.abs(trained(first, first, jnp.asarray(wanted)) - said[place]).max() < 1e-3 * scale
            nothing = jax.tree.map(jnp.zeros_like, first)
            assert np.abs(trained(first, nothing, jnp.asarray(wanted)) - said[place]).max() > 1e-2 * scale


@pytest.mark.slow
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("model", [SMALL, LIGHT], ids=["mlp", "conv"])
def test_thirty_data_one_by_one_are_all_of_them_fitted_again(
    model: Model, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """1e-8 in double precision, through arrays that grow, and for members that were chosen before or after. The wrong variant
    learned all but one."""
    monkeypatch.setattr(room, "ROOM", 20)
    with jax.enable_x64(True):
        found = members(model, 4, data=3, prior=Prior(kernel, centre=1.0))
        turned = [3, 1, 0, 2]
        some = found.subset(turned)
        more, new = items(model, 30, seed=2), items(model, 1, seed=3)
        before = found
        for x, y in zip(more, labels(model, 30, seed=2), strict=True):
            before, found, some = found, found.observed(x, int(y)), some.observed(x, int(y))
        assert len(found.labels) == len(found.known) // (model.num_classes if kernel == "entk" else 1) == 33
        assert len(found.seen[0].given) == 40
        again, logits = found.refitted().logits(new), found.logits(new)
        np.testing.assert_allclose(logits, again, rtol=0, atol=1e-8)
        np.testing.assert_allclose(some.logits(new), logits[turned], rtol=0, atol=1e-8)
        np.testing.assert_allclose(found.subset([3, 1]).logits(new), logits[[3, 1]], rtol=0, atol=1e-12)
        assert np.abs(before.logits(new) - again).max() > 1e-4


@pytest.mark.parametrize("kernel", KERNELS)
def test_spreading_scales_deviations_and_nothing_else(kernel: Kernel) -> None:
    with jax.enable_x64(True):
        found, x = members(MLP, 5, prior=Prior(kernel, spread=0.5, centre=0.7)), items(MLP, 3, seed=1)
        mean = found.spread_to(0.0).logits(x)
        assert np.ptp(mean, axis=0).max() < 1e-12
        apart = found.logits(x) - mean
        np.testing.assert_allclose(found.spread_to(1.0).logits(x) - mean, 2.0 * apart, rtol=1e-9, atol=1e-10)
        np.testing.assert_allclose(found.spread_to(0.1).spread_to(0.5).logits(x) - mean, apart, rtol=1e-9, atol=1e-10)
        # as if they had been made so, learn so, and are chosen so
        made = members(MLP, 5, prior=Prior(kernel, spread=0.2, centre=0.7))
        new, label = items(MLP, 1, seed=4)[0], 2
        for one, other in (
            (found.spread_to(0.2), made),
            (found.spread_to(0.2).observed(new, label), found.observed(new, label).spread_to(0.2)),
            (found.spread_to(0.2).subset([4, 0]), found.subset([4, 0]).spread_to(0.2)),
        ):
            np.testing.assert_allclose(one.logits(x), other.logits(x), rtol=1e-9, atol=1e-10)
        # the wrong variant scales the members themselves
        assert np.abs(2.0 * found.logits(x) - found.spread_to(1.0).logits(x)).max() > 1e-3
        with pytest.raises(ValueError, match="nothing left to spread"):
            found.spread_to(0.0).spread_to(0.5)
        with pytest.raises(ValueError, match="spread"):
            found.spread_to(-1.0)


def test_directions_are_the_members_of_the_whole_kernel_and_of_no_other() -> None:
    """Logits are c f_0 + J d. The wrong variant leaves out the draw from the prior."""
    with jax.enable_x64(True):
        found, x = members(SMALL, 3, prior=Prior("entk", centre=1.0)), items(SMALL, 4, seed=1)
        every, start = found.directions(), np.asarray(SMALL.apply(found.root, jnp.asarray(x)))
        moves = jacobian(SMALL, found.root, x)
        for place, said in enumerate(found.logits(x)):
            own = flat(SMALL, jax.tree.map(lambda leaf, p=place: leaf[p], every))
            np.testing.assert_allclose(start + moves @ own, said, rtol=1e-9, atol=1e-10)
            drawn = flat(SMALL, direction_of(SMALL, found.root, jax.random.wrap_key_data(jnp.asarray(WORDS)), place))
            wrong = own - found.prior.spread * np.sqrt(found.scale) * drawn
            assert np.abs(start + moves @ wrong - said).max() > 1e-3
    for kernel in ("averaged", "pntk"):
        with pytest.raises(ValueError, match="no points of the tangent space"):
            members(SMALL, 2, prior=Prior(kernel)).directions()


def test_a_member_depends_on_its_number_alone() -> None:
    """Columns of one product may round apart: 1e-10. The wrong variant numbers members by their place."""
    x = items(MLP, 3, seed=1)
    whole = members(MLP, 6).logits(x)
    np.testing.assert_allclose(members(MLP, numbers=[4, 1]).logits(x), whole[[4, 1]], rtol=0, atol=1e-10)
    assert np.abs(members(MLP, numbers=[0, 1]).logits(x) - whole[[4, 1]]).max() > 1e-3


@pytest.mark.parametrize("kernel", KERNELS)
def test_what_is_written_comes_back_bit_for_bit(kernel: Kernel) -> None:
    found, x = members(MLP, 4, prior=Prior(kernel, centre=0.3)), items(MLP, 3, seed=1)
    again = Tangent.restored(json.loads(json.dumps(found.settings())), found.arrays())
    np.testing.assert_array_equal(again.logits(x), found.logits(x))
    new = items(MLP, 1, seed=4)[0]
    np.testing.assert_array_equal(again.observed(new, 1).logits(x), found.observed(new, 1).logits(x))
    # taps of a datum that came later were a batch of one, and are one of many now: single precision rounds apart
    later = found.observed(new, 1)
    back = Tangent.restored(later.settings(), later.arrays())
    np.testing.assert_allclose(back.logits(x), later.logits(x), rtol=0, atol=1e-4)
    with pytest.raises(ValueError, match="another architecture"):
        Tangent.restored({**found.settings(), "model": mlp((3,), (6,), 4).describe()}, found.arrays())


def test_more_members_than_memory_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other batches round apart in single precision, by 1e-5 of the logits' size."""
    found, x = members(MLP, 4), items(MLP, 7, seed=1)
    whole = found.logits(x)
    monkeypatch.setattr(form, "HELD", 8 * 100)
    sizes = list[int]()
    seen = Tangent._logits  # pyright: ignore[reportPrivateUsage]
    monkeypatch.setattr(Tangent, "_logits", lambda self, part: (sizes.append(len(part)), seen(self, part))[1])
    np.testing.assert_allclose(found.logits(x), whole, rtol=1e-4, atol=1e-5)
    assert max(sizes) < 7
    assert sum(sizes) == 7


@pytest.mark.parametrize("kernel", KERNELS)
def test_few_constant_doubled_and_contradictory_data_leave_finite_members(kernel: Kernel) -> None:
    x, new = items(MLP, 3, seed=1), items(MLP, 1, seed=4)[0]
    alone = tangent_members(
        MLP, root(MLP), new[None], np.asarray([2]), prior=Prior(kernel), key=WORDS, numbers=np.arange(3)
    )
    for place in range(6):
        alone = alone.observed(new, place % 4)
        assert np.isfinite(alone.logits(x)).all()
    data = items(MLP, 6)
    same = tangent_members(
        MLP, root(MLP), data, np.zeros(6, int), prior=Prior(kernel), key=WORDS, numbers=np.arange(20)
    )
    assert (same.logits(data).mean(axis=0).argmax(axis=1) == 0).all()


@pytest.mark.parametrize(
    ("x", "y"),
    [
        ([np.nan, 0.0, 0.0], 0),
        ([np.inf, 0.0, 0.0], 0),
        ([0.0, 0.0], 0),
        ([[0.0, 0.0, 0.0]], 0),
        ([0.0, 0.0, 0.0], 4),
        ([0.0, 0.0, 0.0], -1),
    ],
)
def test_what_is_no_datum_is_refused_and_changes_nothing(x: Any, y: int) -> None:
    found, at = members(MLP, 2), items(MLP, 3, seed=1)
    before = found.logits(at)
    with pytest.raises(ValueError, match="give one of the shape"):
        found.observed(np.asarray(x), y)
    np.testing.assert_array_equal(found.logits(at), before)


def test_an_item_at_which_members_overflow_cannot_be_read_nor_learned() -> None:
    """Finite numbers, whose kernel is not."""
    found, great = members(MLP, 2), np.full(3, 3e38, dtype=np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert not np.isfinite(found.logits(great[None])).all()
        with pytest.raises(Unlearnable, match="too great"):
            found.observed(great, 0)


CORNERS = np.random.default_rng(0)
LABELS = CORNERS.integers(0, 3, 60)
NEAR = (CORNERS.normal(size=(60, 4)) * 0.3 + np.eye(3, 4)[LABELS]).astype(np.float32)
WIDE = mlp((4,), (32,), 3)


def learned(answers: list[tuple[Any, int]], kernel: Kernel = "averaged", data: Any = NEAR, number: int = 8) -> Tangent:
    """Members of three classes that are told apart, after some answers more; what cannot be learned is left out."""
    y = LABELS[: len(data)]
    prior = Prior(kernel)
    found = tangent_members(WIDE, root(WIDE), data, y, prior=prior, key=WORDS, numbers=np.arange(number), scale=0.05)
    for x, label in answers:
        try:
            found = found.observed(np.asarray(x, np.float32), label)
        except Unlearnable:
            continue
    return found


def acted_wrongly(found: Tangent) -> float:
    """Share of the data on which all members have one label first, and it is another."""
    first = found.logits(NEAR).argmax(axis=2)
    return float(((first == first[0]).all(axis=0) & (first[0] != LABELS)).mean())


@pytest.mark.parametrize("kernel", ["averaged", "pntk"])
@pytest.mark.parametrize("size", [1e2, 1e3, 1e4, 1e6, 1e10, 1e18])
def test_great_items_that_contradict_each_other_ruin_nothing(kernel: Kernel, size: float) -> None:
    """What is left of their variance is a difference of great numbers: in single precision it was noise, and all members agreed on what
    was wrong after three answers."""
    rng = np.random.default_rng(1)
    near = [(size * (1 + 1e-3 * rng.normal(size=4)), int(rng.integers(0, 3))) for _ in range(4)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JitterWarning)
        for answers in (near, [(np.full(4, size), label) for label in (0, 1, 1)]):
            found = learned(answers, kernel)
            assert acted_wrongly(found) <= 0.02
            assert np.abs(found.logits(NEAR)).max() < 5


@pytest.mark.parametrize("size", [1e4, 1e10, 1e15])
def test_after_an_outlier_ordinary_answers_are_learned_as_before(size: float) -> None:
    """What was added to an outlier's variance was added to that of every later answer, which then taught nothing."""
    item = np.asarray([0.5, 0.5, 0.0, 0.0], np.float32)
    answers = [(item, 2)] * 30
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", JitterWarning)
        found = learned([(np.full(4, size), 0)] * 2 + answers)
    assert (found.logits(item[None]).argmax(axis=2) == 2).all()
    np.testing.assert_allclose(found.logits(item[None]), learned(answers).logits(item[None]), atol=0.1)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("size", [1e3, 1e5, 1e7, 3e18, 1e25])
def test_where_nothing_can_be_learned_nothing_is_said(kernel: Kernel, size: float) -> None:
    """Else members would go on saying what no answer could take back."""
    found, item = learned([], kernel, NEAR[:20]), np.full(4, size, np.float32)
    said = found.logits(item[None])
    try:
        found.observed(item, 0)
    except Unlearnable:
        assert np.isnan(said).any(axis=2).all()
    else:
        assert size < 1e7
        assert np.isfinite(said).all()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", JitterWarning)
            after = learned([(item, 0)] * 6, kernel, NEAR[:20]).logits(item[None])
        assert (after.argmax(axis=2) == 0).mean() >= 0.5


@pytest.mark.parametrize("kernel", KERNELS)
def test_in_single_precision_too_one_by_one_is_all_at_once(kernel: Kernel) -> None:
    """Items of sizes from 1 to 1,000. The wrong variant learned all but one."""
    data = NEAR[:20] * np.geomspace(1, 1e3, 20, dtype=np.float32)[:, None]
    found = learned(list(zip(data[10:], LABELS[10:20].tolist(), strict=True)), kernel, data[:10])
    again, but_one = found.refitted().logits(NEAR), learned([], kernel, data[:19]).logits(NEAR)
    np.testing.assert_allclose(found.logits(NEAR), again, rtol=0, atol=2e-3)
    assert np.abs(but_one - again).max() > 1e-2


def test_what_was_seen_stays_in_double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there was no place left: else single precision comes back with the first answer."""
    monkeypatch.setattr(room, "ROOM", 4)
    found = members(MLP, 2, data=3)
    for x, y in zip(items(MLP, 6, seed=2), labels(MLP, 6, seed=2), strict=True):
        found = found.observed(x, int(y))
    again = found.refitted()
    for seen, kind, tolerance in (("exact", np.float64, 1e-12), ("seen", np.float32, 1e-5)):
        for one, other in zip(
            jax.tree.leaves(getattr(found, seen)), jax.tree.leaves(getattr(again, seen)), strict=True
        ):
            assert one.dtype == kind
            np.testing.assert_allclose(one[:9], other[:9], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("model", [MLP, LIGHT, NETS["residual"]], ids=["mlp", "conv", "residual"])
def test_no_items_have_no_logits(model: Model, kernel: Kernel) -> None:
    nothing = np.zeros((0, *model.input_shape), np.float32)
    assert members(model, 2, prior=Prior(kernel)).logits(nothing).shape == (2, 0, model.num_classes)


def test_members_that_were_given_another_item_stay_as_they_were() -> None:
    found, at = members(MLP, 2), items(MLP, 3, seed=1)
    before = found.logits(at)
    found.observed(items(MLP, 1, seed=4)[0], 3)
    np.testing.assert_array_equal(found.logits(at), before)


@pytest.mark.parametrize(
    ("x", "y", "words"),
    [
        (np.zeros((0, 3)), np.zeros(0, int), "at least one item"),
        (np.zeros((2, 2)), np.zeros(2, int), "at least one item"),
        (np.zeros((2, 3)), np.zeros(3, int), "a label each"),
        (np.full((2, 3), np.nan), np.zeros(2, int), "6 numbers"),
        (np.zeros((2, 3)), np.asarray([0, -1]), "labels"),
        (np.zeros((2, 3)), np.asarray([0, 4]), "labels"),
    ],
)
def test_data_that_are_none_are_refused(x: Any, y: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        tangent_members(MLP, root(MLP), x, y, prior=Prior(), key=WORDS, numbers=np.arange(2))


def test_a_root_that_is_not_finite_or_dead_is_refused() -> None:
    data = (items(MLP, 4), labels(MLP, 4))
    for broken, words in ((np.nan, "nan on average"), (np.inf, "on average")):
        bad = jax.tree.map(lambda leaf, value=broken: jnp.full_like(leaf, value), root(MLP))
        with pytest.raises(ValueError, match=words):
            tangent_members(MLP, bad, *data, prior=Prior(), key=WORDS, numbers=np.arange(2))


@pytest.mark.parametrize(
    "wrong",
    [
        {"variance": 0.0},
        {"noise": 0.0},
        {"noise": float("nan")},
        {"noise": float("inf")},
        {"spread": -0.1},
        {"spread": float("nan")},
        {"centre": float("nan")},
    ],
)
def test_a_prior_that_is_none_is_refused(wrong: Any) -> None:
    with pytest.raises(ValueError, match="variances are above 0"):
        replace(Prior(), **wrong)


def test_places_that_are_none_are_refused() -> None:
    found = members(MLP, 3)
    for wrong in ([], [3], [-1]):
        with pytest.raises(IndexError, match="ember"):
            found.subset(wrong)
