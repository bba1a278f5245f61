"""Recipes: a member does not depend on how many others there are, finished work is found again, and what is broken is named."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from assent.committees.committee import Committee
from assent.committees.costs import Counted
from assent.committees.layers import BatchNorm, Dense, Relu
from assent.committees.models import Model, conv_n, mlp
from assent.committees.recipes.combined import combine
from assent.committees.recipes.prior_functions import prior_fn
from assent.committees.recipes.separate import bagged, deep, packed
from assent.committees.recipes.sharded import sharded
from assent.committees.recipes.sharing import batch_ensemble, dropout, epinet, mimo
from assent.committees.recipes.tangents import tangent
from assent.committees.recipes.tickets import composed, tickets
from assent.committees.recipes.trajectory import snapshot, swag, tree
from assent.committees.roots import narrowed, trained_roots
from assent.committees.splits import Labelled, Splits
from assent.committees.training import Training
from assent.committees.work import DroppedWarning, Work, keys_of

pytestmark = pytest.mark.slow
"""Every recipe is compiled for nearly every test."""

KEY = jax.random.key(5)
MODEL = mlp((4,), (6,), 3, bias=False)
SHORT = Training(steps=5, batch=8)
RNG = np.random.default_rng(0)


def part(n: int, seed: int) -> Labelled:
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, n)
    return Labelled.of(rng.normal(size=(n, 4)) + 2 * np.eye(3, 4)[y], y)


DATA = Splits(part(24, 0), part(9, 1), part(9, 2), 3, "blobs")
X = DATA.test.x

RECIPES: dict[str, Callable[..., Committee]] = {
    "deep": deep,
    "bagged": bagged,
    "prior_fn": functools.partial(prior_fn, resampled=True, scale=0.5),
    "snapshot": functools.partial(snapshot, cycle=4),
    "swag": functools.partial(swag, moments=3, every=2),
    "dropout": dropout,
    "epinet": functools.partial(epinet, hidden=(3,), index=3, draws=2),
    "tickets": tickets,
    "tickets, weights of their own": functools.partial(tickets, shared_weights=False),
    "composed": functools.partial(composed, alternatives=2),
    "composed, dense": functools.partial(composed, alternatives=2, of="dense"),
}
TOGETHER: dict[str, Callable[..., Committee]] = {
    "packed": packed,
    "sharded": sharded,
    "mimo": mimo,
    "batch_ensemble": batch_ensemble,
    "tree": tree,
}
"""Whose members depend on how many there are, as their documentation says."""


def made(name: str, n: int, **others: Any) -> Committee:
    recipe = (RECIPES | TOGETHER)[name]
    return recipe(KEY, MODEL, others.pop("data", DATA), n, training=others.pop("training", SHORT), **others)


class Calls:
    """How often compiled work ran, by the name of the function."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.names = list[str]()
        before = Counted.__call__

        def counting(counted: Counted, *args: Any) -> Any:
            self.names.append(counted.function.__name__)
            return before(counted, *args)

        monkeypatch.setattr(Counted, "__call__", counting)


def bits(committee: Committee) -> dict[str, bytes]:
    (form,) = committee.parts
    return {name: array.tobytes() for name, array in form.arrays().items()}


@pytest.mark.parametrize("name", RECIPES)
def test_a_member_does_not_depend_on_how_many_there_are(name: str) -> None:
    three, two = made(name, 3), made(name, 2)
    assert three.num_members == 3
    assert three.names[:2] == two.names
    assert bits(replace(three.subset([0, 1]))) == bits(two)
    assert three.cost.train_flops > 0
    assert three.cost.infer_flops > two.cost.infer_flops > 0
    logits = three.logits(X)
    assert len({row.tobytes() for row in logits}) == 3  # no two say the same
    again = made(name, 2)
    assert again.logits(X).tobytes() == two.logits(X).tobytes()


@pytest.mark.parametrize("name", TOGETHER)
def test_members_that_are_made_together_come_in_their_number(name: str) -> None:
    four, two = made(name, 4), made(name, 2)
    assert (four.num_members, two.num_members) == (4, 2)
    assert len({row.tobytes() for row in four.logits(X)}) == 4
    assert bits(four.subset([0, 1])) != bits(two)
    assert made(name, 2).logits(X).tobytes() == two.logits(X).tobytes()


@pytest.mark.parametrize("name", RECIPES | TOGETHER)
def test_no_members_are_refused(name: str) -> None:
    for n in (0, -1):
        with pytest.raises(ValueError, match=f"n = {n}: a committee has at least one member"):
            made(name, n)


MISFITS = {
    "fewer classes than the data": (mlp((4,), (6,), 2, bias=False), "3 classes; .* tells 2 classes apart"),
    "items of another length": (mlp((5,), (6,), 3, bias=False), r"shape \(4,\) .* takes items of the shape \(5,\)"),
    "items as pictures": (mlp((2, 2), (6,), 3, bias=False), r"takes items of the shape \(2, 2\)"),
}
"""Of the last, a flattening layer would take what is flat already."""


@pytest.mark.parametrize("misfit", MISFITS)
@pytest.mark.parametrize("name", [*RECIPES, *TOGETHER, "tangent", "tangent at roots", "combine"])
def test_a_model_made_for_other_data_is_refused(name: str, misfit: str) -> None:
    model, said = MISFITS[misfit]
    others: dict[str, Callable[..., Committee]] = {
        "tangent": tangent,
        "tangent at roots": functools.partial(tangent, at=[model.init(KEY)]),
        "combine": functools.partial(combine, of=[deep, dropout]),
    }
    with pytest.raises(ValueError, match=said):
        (RECIPES | TOGETHER | others)[name](KEY, model, DATA, 2, training=SHORT)


def test_a_model_of_more_classes_than_the_data_have_is_none_of_that() -> None:
    assert deep(KEY, mlp((4,), (6,), 5), DATA, 1, training=SHORT).num_actions == 5


@pytest.mark.parametrize("name", RECIPES | TOGETHER)
def test_finished_work_is_found_again_bit_by_bit(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n, calls = 2, Calls(monkeypatch)
    first = made(name, n, work=Work(tmp_path))
    assert "fit" in calls.names
    calls.names.clear()
    second = made(name, n, work=Work(tmp_path))
    assert set(calls.names) <= {"drawn"}  # swag draws its members anew from what it kept; nothing is trained
    assert bits(second) == bits(first)
    assert second.logits(X).tobytes() == first.logits(X).tobytes()
    assert second.cost.flops == first.cost.flops
    calls.names.clear()
    other = made(name, n, work=Work(tmp_path), training=replace(SHORT, learning_rate=0.3))
    assert "fit" in calls.names  # other settings are computed anew
    assert bits(other) != bits(first)


def test_what_else_a_piece_depends_on_is_computed_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    work, calls = Work(tmp_path), Calls(monkeypatch)
    small = functools.partial(epinet, KEY, MODEL, DATA, 1, training=SHORT, work=work, hidden=(3,), index=2)
    first, second = small(draws=1), small(draws=3)
    assert calls.names == ["fit", "fit"]
    assert bits(first) != bits(second)
    calls.names.clear()
    items = replace(DATA, train=DATA.train[:-1])
    for other in (
        lambda: deep(KEY, MODEL, DATA, 1, training=SHORT, work=work),
        lambda: deep(KEY, MODEL, items, 1, training=SHORT, work=work),
        lambda: deep(jax.random.key(6), MODEL, DATA, 1, training=SHORT, work=work),
        lambda: bagged(KEY, MODEL, DATA, 1, training=SHORT, work=work),
    ):
        other()
    assert calls.names == ["fit"] * 4


def broken(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The member of this number, and no other, learns from items that are NaN."""
    before = Work._piece

    def breaking(self: Work, label: str, identity: str, counted: Counted, key: jax.Array, args: Any) -> Any:
        mine = jax.random.key_data(keys_of(KEY, [number])[0]).tolist() == jax.random.key_data(key).tolist()
        args = tuple(arg * np.float32(np.nan) if mine and _items(arg) else arg for arg in args)
        return before(self, label, identity, counted, key, args)

    monkeypatch.setattr(Work, "_piece", breaking)


def _items(arg: Any) -> bool:
    return getattr(arg, "dtype", None) == np.float32


@pytest.mark.parametrize(
    ("name", "word"), [("deep", "deep 2"), ("bagged", "bagged 2"), ("prior_fn", "prior function 2")]
)
def test_a_member_that_leaves_the_finite_numbers_is_left_out_and_named(
    name: str, word: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = made(name, 3)
    broken(1, monkeypatch)
    with pytest.warns(DroppedWarning, match=f"not finite: {word}. The other 2 members stay"):
        committee = made(name, 3)
    assert committee.num_members == 2
    assert committee.dropped == (word,)
    assert committee.names == (sound.names[0], sound.names[2])
    assert bits(committee) == bits(sound.subset([0, 2]))
    assert committee.cost.train_flops == sound.cost.train_flops  # what was tried was spent


@pytest.mark.parametrize(("name", "word"), [("snapshot", "snapshot 3"), ("tree", "leaf 3")])
def test_one_member_of_a_single_training_may_be_left_out(name: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parameters leave the finite numbers, those of the others do not. The wrong variant would lose all of them, or keep it."""
    sound, before = made(name, 4), Work._piece

    def breaking(self: Work, *args: Any) -> Any:
        tree, _, flops, seconds = before(self, *args)
        rows = jax.tree.map(lambda leaf: leaf.at[2].set(jnp.nan), tree)
        return rows, float("nan"), flops, seconds

    monkeypatch.setattr(Work, "_piece", breaking)
    with pytest.warns(DroppedWarning, match=f"not finite: {word}. The other 3 members stay"):
        committee = made(name, 4)
    assert committee.dropped == (word,)
    assert committee.names == (*sound.names[:2], sound.names[3])
    assert bits(committee) == bits(sound.subset([0, 1, 3]))


@pytest.mark.parametrize("name", ["deep", "snapshot", "mimo", "tree"])
def test_when_none_is_left_an_error_says_so(name: str) -> None:
    far = Training(steps=5, batch=8, optimiser="sgd", learning_rate=1e30)
    with pytest.raises(ValueError, match=r"left the finite numbers .*; lower the learning rate"):
        made(name, 2, training=far)


# a shard holds an item at least, so that two members want two
@pytest.mark.parametrize("name", sorted((RECIPES | TOGETHER).keys() - {"sharded"}))
def test_one_item_is_enough(name: str) -> None:
    committee = made(name, 2, data=replace(DATA, train=DATA.train[:1]), training=Training(steps=3, batch=100))
    assert np.isfinite(committee.logits(X)).all()


@pytest.mark.parametrize("name", ["deep", "tickets", "mimo"])
def test_one_label_and_one_item_at_a_time(name: str) -> None:
    same = Labelled.of(DATA.train.x[:5], np.full(5, 1))
    committee = made(name, 2, data=replace(DATA, train=same), training=Training(steps=30, batch=1, learning_rate=0.05))
    # a mask over few weights need not exist for all items; weights do
    assert (committee.logits(same.x).argmax(axis=2) == 1).mean() >= (0.8 if name == "tickets" else 1.0)


def test_items_that_contradict_each_other_give_even_odds() -> None:
    twice = Labelled.of(np.repeat(DATA.train.x[:4], 2, axis=0), np.tile([0, 1], 4))
    committee = deep(
        KEY, MODEL, replace(DATA, train=twice), 2, training=Training(steps=300, batch=8, learning_rate=0.02)
    )
    probs = np.exp(committee.log_probs(twice.x[::2]))
    assert probs[..., 0] == pytest.approx(probs[..., 1], abs=0.05)


def test_labels_beyond_the_classes_are_refused() -> None:
    with pytest.raises(ValueError, match="labels up to 2 of 2 classes"):
        deep(KEY, MODEL, replace(DATA, num_classes=2), 1, training=SHORT)


def test_a_tree_costs_what_its_levels_cost() -> None:
    """(d + 1) / (2 - 2^-d) trainings within 1 %, from d = 1 to 3."""
    model, training = mlp((4,), (64, 64), 3), Training(steps=840, batch=12)  # 840 divides into 2, 4, 7 and 8, 15 parts
    one = flops_of_recipe(deep, model, 1, training)
    for depth in (1, 2, 3):
        found = flops_of_recipe(tree, model, 2**depth, training) / one
        assert found == pytest.approx((depth + 1) / (2 - 2.0**-depth), rel=0.01)
    with pytest.raises(ValueError, match="no power of two"):
        tree(KEY, model, DATA, 3, training=training)


def flops_of_recipe(recipe: Any, model: Model, n: int, training: Training) -> float:
    """What the ledger would say, without running anything."""
    spent = list[float]()

    def traced(self: Counted, *args: Any) -> Any:
        from assent.committees.costs import Measured, flops_of

        spent.append(flops_of(self.function, *args))
        shapes = jax.eval_shape(self.function, *args)
        return Measured(jax.tree.map(lambda leaf: jax.numpy.zeros(leaf.shape, leaf.dtype), shapes), spent[-1], 0.0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Counted, "__call__", traced)
        recipe(KEY, model, DATA, n, training=training)
    return sum(spent)


NORMALISED = Model((Dense(6, bias=False), BatchNorm(), Relu(), Dense(3)), (4,))


@pytest.mark.parametrize("recipe", [mimo, epinet, deep, dropout])
def test_normalisations_are_calibrated(recipe: Any) -> None:
    """Items far from 0: with the statistics of a model that was never trained, mean 0 and variance 1, units are all on or all off."""
    far = Labelled(DATA.train.x + np.float32(50), DATA.train.y)
    committee = recipe(KEY, NORMALISED, replace(DATA, train=far), 2, training=SHORT)
    if recipe is not epinet:  # whose fixed functions have no normalisations and see the items as they are
        assert np.abs(committee.logits(far.x)).max() < 30
    (form,) = committee.parts
    means = [own for name, own in form.arrays().items() if "mean" in name]
    assert means
    assert all(np.abs(mean).max() > 1 for mean in means)


def test_members_of_a_batch_ensemble_or_a_composition_share_no_normalisations() -> None:
    with pytest.raises(ValueError, match="normalisations"):
        batch_ensemble(KEY, NORMALISED, DATA, 2, training=SHORT)
    with pytest.raises(ValueError, match="no plain linear layers"):
        composed(KEY, NORMALISED, DATA, 2, training=SHORT)


def test_a_decay_of_what_is_trained_leaves_what_is_fixed() -> None:
    small = functools.partial(epinet, KEY, MODEL, DATA, 1, hidden=(3,), index=2)
    heavy = small(training=replace(SHORT, weight_decay=30.0)).parts[0].arrays()
    none = small(training=replace(SHORT, steps=0)).parts[0].arrays()
    fixed = [name for name in none if "fixed" in name]
    assert fixed
    assert all(heavy[name].tolist() == none[name].tolist() for name in fixed)
    assert any(heavy[name].tolist() != none[name].tolist() for name in none if "learned" in name)


@pytest.mark.parametrize(
    ("wrong", "said"), [({"alternatives": 0}, "from 1 to 256"), ({"alternatives": 257}, "from 1 to 256")]
)
def test_alternatives_are_counted(wrong: dict[str, int], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        composed(KEY, MODEL, DATA, 2, training=SHORT, **wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match="make 4 members; ask for more alternatives"):
        composed(KEY, MODEL, DATA, 5, training=SHORT, alternatives=2)


def test_binary_activations_are_learned_through() -> None:
    """MPT-1/1: signs forwards, and a mask that is better for it afterwards, on pictures of two brightnesses."""
    model = conv_n(2, input_shape=(4, 4, 1), num_classes=2, width=0.1, binary=True)
    rng, y = np.random.default_rng(0), np.tile([0, 1], 32)
    pictures = rng.normal(size=(64, 4, 4, 1)) + np.where(y, 1.0, -1.0)[:, None, None, None]
    whole = Labelled.of(pictures, y)
    data = Splits(whole, whole, whole, 2, "brightnesses")
    training = Training(steps=40, batch=32, learning_rate=0.05)
    committee = tickets(KEY, model, data, 1, training=training)
    assert (committee.logits(whole.x)[0].argmax(axis=1) == y).mean() > 0.9
    assert np.isfinite(committee.logits(whole.x)).all()


def test_several_recipes_share_out_their_members() -> None:
    committee = combine(KEY, MODEL, DATA, 3, of=[deep, tickets], training=SHORT)
    assert committee.names == ("deep 1", "deep 2", "ticket 1")
    assert committee.form == "mixed"
    for wrong in ([], [deep, tickets, dropout, mimo]):
        with pytest.raises(ValueError, match="at least one recipe, and one member for each"):
            combine(KEY, MODEL, DATA, 3, of=wrong, training=SHORT)


def test_a_part_of_a_training_and_narrow_networks() -> None:
    share = functools.partial(trained_roots, KEY, MODEL, DATA, [0], training=SHORT, work=Work())
    whole, part, none = (share(share=value).trees[0][0]["weight"] for value in (1.0, 0.4, 0.0))
    assert part.tolist() != whole.tolist()
    assert none.tolist() != part.tolist()
    with pytest.raises(ValueError, match="from 0 to 1"):
        share(share=1.5)
    assert narrowed(MODEL, 0.34).layers[0] == replace(MODEL.layers[0], outputs=3)
    assert narrowed(MODEL, 0.001).layers[0].outputs == 1
    assert narrowed(MODEL, 0.001).num_classes == 3
