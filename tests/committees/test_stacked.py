"""Stacked members say what the model says with their parameters, one by one; what all forms are asked for is asked here of each."""

from __future__ import annotations

import functools
import json
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from assent.committees.forms import form as forms
from assent.committees.forms.adapters import Adapters, Adapting, first_member, first_shared
from assent.committees.forms.composed import Composed, every_way
from assent.committees.forms.form import Form, checked_places, in_chunks, widest
from assent.committees.forms.masked import Masked, masked
from assent.committees.forms.stacked import Stacked, stacked
from assent.committees.layers import Params
from assent.committees.masks import Ticketing, first_scores, mask_of, random_weights
from assent.committees.models import Model, conv_n, mlp, resnet18

MODEL = mlp((6,), (5, 4), 3)
KEY = jax.random.key(0)
X = np.random.default_rng(0).normal(size=(7, 6)).astype(np.float32)


@functools.cache
def params_of(model: Model, members: int, seed: int = 0) -> Params:
    """Normal numbers as wide as their inputs want, of each leaf."""
    rng = np.random.default_rng(seed)
    return jax.tree.map(
        lambda leaf: jnp.asarray(rng.normal(size=(members, *leaf.shape)) / np.sqrt(leaf.shape[0]), "float32"),
        jax.eval_shape(model.init, KEY),
    )


@functools.cache
def a_stacked(model: Model = MODEL, members: int = 3) -> Stacked:
    return Stacked(model, params_of(model, members))


@functools.cache
def a_masked(model: Model | None = None, members: int = 3, *, shared: bool = True, binary: bool = True) -> Masked:
    model, rules = model or mlp((6,), (5, 4), 3, bias=False), Ticketing(keep=0.5, binary=binary)
    keys = [KEY] * members if shared else [jax.random.fold_in(KEY, number) for number in range(members)]

    @jax.jit
    def one(key: jax.Array, number: jax.Array) -> tuple[Any, Params]:
        scores = first_scores(model, jax.random.fold_in(KEY, number))
        return {path: mask_of(own, 0.5) for path, own in scores.items()}, random_weights(model, key, rules)

    made = [one(key, jnp.asarray(7 + number)) for number, key in enumerate(keys)]
    data = np.stack([np.asarray(jax.random.key_data(key)) for key in keys])
    return masked(model, rules, data[:1] if shared else data, made)


@functools.cache
def an_adapter(method: Any, model: Model = MODEL, members: int = 3) -> Adapters:
    adapting = Adapting(method, rate=0.3, heads=members, index=4, hidden=(5,))

    @jax.jit
    def first() -> tuple[Any, Any]:
        own = [first_member(model, adapting, KEY, number) for number in range(members)]
        return first_shared(model, adapting, KEY), stacked(own)

    return Adapters(model, adapting, *first())


FORMS: dict[str, Any] = {
    "stacked": a_stacked,
    "stacked with fixed functions": lambda: Stacked(MODEL, params_of(MODEL, 3), params_of(MODEL, 3, 1), 0.7),
    "masked": a_masked,
    "masked, weights of their own": lambda: a_masked(shared=False, binary=False),
    "composed": lambda: Composed(a_stacked(members=2), every_way(2, 3, 5)),
    "composed of masks": lambda: Composed(a_masked(members=2), every_way(2, 3)[::-1]),
    **{
        method: (lambda method=method: an_adapter(method)) for method in ("batch_ensemble", "dropout", "mimo", "epinet")
    },
}


@pytest.fixture(scope="module", params=FORMS)
def form(request: pytest.FixtureRequest) -> Any:
    return FORMS[request.param]()


def test_a_form_is_restored_bit_by_bit(form: Any) -> None:
    assert isinstance(FORMS["stacked"](), Form)
    settings = json.loads(json.dumps(form.settings()))
    again = type(form).restored(settings, {name: array.copy() for name, array in form.arrays().items()})
    assert again.logits(X).tobytes() == form.logits(X).tobytes()
    assert again.num_bytes == form.num_bytes
    assert again.settings() == form.settings()


def test_arrays_of_another_architecture_are_refused(form: Any) -> None:
    other = json.loads(json.dumps(form.settings()).replace('"outputs": 5', '"outputs": 55'))
    with pytest.raises(ValueError, match="another architecture"):
        type(form).restored(other, form.arrays())
    arrays = form.arrays()
    name = next(name for name in arrays if name not in ("choices", "weight_keys"))
    with pytest.raises(ValueError, match="another architecture"):
        type(form).restored(form.settings(), {key: own for key, own in arrays.items() if key != name})


def test_a_subset_says_what_its_members_said(form: Any) -> None:
    whole = form.logits(X)
    assert whole.shape == (form.num_members, 7, 3)
    assert whole.dtype == np.float32
    for places in ([2, 0], np.asarray([1, 1, 0])):
        part = form.subset(places)
        assert part.num_members == len(places)
        # other numbers of members compile to other programs: equal up to rounding
        assert part.logits(X) == pytest.approx(whole[np.asarray(places)], abs=1e-6)
    for wrong in ([form.num_members], [-1], [], np.asarray([[0]])):
        with pytest.raises(IndexError, match=r"[Mm]ember"):
            form.subset(wrong)


def test_an_item_in_chunks_and_in_no_company_says_the_same(form: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = form.logits(X)
    monkeypatch.setattr(forms, "HELD", 1)
    assert form.logits(X) == pytest.approx(whole, abs=1e-6)
    assert form.logits(X[:0]).shape == (form.num_members, 0, 3)


def test_nan_in_an_item_is_nan_for_that_item(form: Any) -> None:
    x = X.copy()
    x[2, 3] = np.nan
    found = form.logits(x)
    assert np.isnan(found[:, 2]).all()
    assert np.isfinite(np.delete(found, 2, axis=1)).all()


def test_answers_cost_at_least_a_multiplication_for_each_weight_that_is_used(form: Any) -> None:
    assert form.infer_flops() > 2 * (6 * 5 + 5 * 4 + 4 * 3)
    assert form.num_bytes > 0
    assert form.num_classes == 3
    assert form.input_shape == (6,)


def test_stacked_members_are_the_model_one_by_one() -> None:
    form = a_stacked()
    want = np.stack([np.asarray(MODEL.apply(form.member(place), jnp.asarray(X))) for place in range(3)])
    assert form.logits(X) == pytest.approx(want, abs=1e-6)
    fixed = params_of(MODEL, 3, 1)
    both = Stacked(MODEL, form.params, fixed, 0.7).logits(X)
    beside = Stacked(MODEL, fixed).logits(X)
    assert both == pytest.approx(want + 0.7 * beside, abs=1e-6)
    assert np.abs(both - (want + beside)).max() > 0.1


def test_stacked_bytes_and_operations() -> None:
    numbers = 6 * 5 + 5 + 5 * 4 + 4 + 4 * 3 + 3
    one = 2 * (6 * 5 + 5 * 4 + 4 * 3) + 2 * (5 + 4) + 3
    assert a_stacked().num_bytes == 3 * 4 * numbers
    assert a_stacked().infer_flops() == 3 * one
    form = FORMS["stacked with fixed functions"]()
    assert form.num_bytes == 2 * 3 * 4 * numbers
    assert form.infer_flops() == 2 * 3 * one


def test_chunks_are_put_together_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    met = list[int]()

    def doubled(x: jax.Array) -> NDArray[np.floating[Any]]:
        met.append(len(x))
        return np.asarray(2 * x)[None]

    monkeypatch.setattr(forms, "HELD", 9)
    x = np.arange(14.0, dtype=np.float32).reshape(7, 2)
    assert in_chunks(doubled, x, per_item=3).tolist() == (2 * x)[None].tolist()
    assert met == [3, 3, 1]


def test_the_widest_place_is_the_patches_of_a_convolution_also_inside() -> None:
    assert widest(MODEL) == 6
    assert widest(conv_n(4)) == 32 * 32 * 64 * 9
    assert (
        widest(resnet18()) == 32 * 32 * 64 * 9
    )  # those of the stem alone are 32 * 32 * 3 * 9, its output 32 * 32 * 64


def test_places_are_whole_numbers_from_0() -> None:
    assert checked_places([2, 0], 3).dtype == np.int64
    with pytest.raises(IndexError, match="There is no member 3: they are 0 to 2"):
        checked_places([0, 3], 3)
