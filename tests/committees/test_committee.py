"""A committee keeps members, weights and names together, learns by likelihood, is written and read again, and works in a session."""

from __future__ import annotations

import json
import math
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from numpy.typing import NDArray

from assent.agents.fingerprint import fingerprint
from assent.agents.guarded import guarded
from assent.checks import check_hypotheses
from assent.committees.committee import Committee
from assent.committees.costs import Cost
from assent.committees.files import made_on, read
from assent.committees.forms.adapters import Adapters, Adapting, first_member, first_shared
from assent.committees.forms.composed import Composed, every_way
from assent.committees.forms.features import HeadPrior, feature_members
from assent.committees.forms.form import Form
from assent.committees.forms.masked import masked
from assent.committees.forms.prior import Prior
from assent.committees.forms.stacked import Stacked, stacked
from assent.committees.forms.tangent import tangent_members
from assent.committees.masks import Ticketing, first_scores, mask_of
from assent.committees.models import Model, mlp
from assent.committees.splits import Labelled, digits
from assent.core import Answer
from assent.fold import AgentDiffers
from assent.ledger import Ledger
from assent.overseers.scripted import Scripted
from assent.session import Asked, Session
from tests.committees.small_nets import WORDS, items, labels, root
from tests.session_support import unchecked

MODEL = mlp((2,), (4,), 3)


def separate(number: int = 3, *, model: Model = MODEL, start: int = 0) -> Stacked:
    return Stacked(model, stacked([root(model, start + seed) for seed in range(number)]))


def tickets() -> Form:
    ticketing = Ticketing()
    found = [first_scores(MODEL, jax.random.key(number)) for number in range(2)]
    every = [({path: mask_of(own, 0.5) for path, own in scores.items()}, root(MODEL)) for scores in found]
    return masked(MODEL, ticketing, WORDS[None], every)


def samples() -> Form:
    x, y = items(MODEL, 5), labels(MODEL, 5)
    return tangent_members(MODEL, root(MODEL), x, y, prior=Prior(), key=WORDS, numbers=np.arange(3))


def heads(model: Model = MODEL, number: int = 3, *, data: int = 5) -> Form:
    return feature_members(
        model,
        root(model),
        items(model, data),
        labels(model, data),
        prior=HeadPrior(),
        key=WORDS,
        numbers=np.arange(number),
    )


def thinned() -> Form:
    adapting, key = Adapting("dropout"), jax.random.key(2)
    each = [first_member(MODEL, adapting, key, number) for number in range(3)]
    return Adapters(MODEL, adapting, first_shared(MODEL, adapting, key), stacked(each))


PARTS: dict[str, Callable[[], tuple[Form, ...]]] = {
    "stacked": lambda: (separate(),),
    "masked": lambda: (tickets(),),
    "composed": lambda: (Composed(separate(2), every_way(2, 2)),),
    "tangent": lambda: (samples(),),
    "features": lambda: (heads(),),
    "adapters": lambda: (thinned(),),
    "mixed": lambda: (separate(2), samples(), heads()),
}


@pytest.fixture(params=list(PARTS), scope="module")
def form(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="module")
def committee(form: str) -> Committee:
    return Committee.of(PARTS[form]())


def weighted(number: int = 4) -> Committee:
    weights = np.log(np.asarray([0.1, 0.4, 0.2, 0.3][:number]))
    return replace(Committee.of(separate(number), roots=[5, 5, 7, 9][:number]), log_weights=weights)


def softmax(logits: NDArray[Any]) -> NDArray[np.float64]:
    grown = np.exp(np.asarray(logits, np.float64))
    return grown / grown.sum(axis=-1, keepdims=True)


# of every form


def test_it_is_a_class_of_members(committee: Committee, form: str) -> None:
    check_hypotheses(committee)
    assert committee.form == form
    assert committee.learns == (form in ("tangent", "features", "mixed"))
    rows = np.exp(committee.log_policy(committee.init(), np.asarray([0.3, -0.2])))
    np.testing.assert_allclose(rows.sum(axis=1), 1 - committee.floor / 2, rtol=1e-12)
    assert rows.min() >= committee.floor / 6
    x = items(MODEL, 3)
    np.testing.assert_allclose(np.exp(committee.log_probs(x)), softmax(committee.logits(x)), rtol=1e-5)


def test_it_is_written_and_read_again_bit_for_bit(committee: Committee, tmp_path: Path) -> None:
    given = replace(
        committee,
        temperature=0.3,
        cost=Cost(1.0, 2.0, 3.0, 4.0, 5, 0.1),
        dropped=("member 9",),
        log_weights=np.log(np.random.default_rng(0).dirichlet(np.ones(committee.num_members))),
    )
    given.save(tmp_path / "new" / "it.safetensors")
    again, x = Committee.load(tmp_path / "new" / "it.safetensors"), items(MODEL, 4)
    np.testing.assert_array_equal(again.logits(x), given.logits(x))
    for name in ("log_weights", "roots"):
        one, other = getattr(given, name), getattr(again, name)
        np.testing.assert_array_equal(one, other)
        assert one.dtype == other.dtype
    for name in ("temperature", "cost", "names", "dropped", "floor"):
        assert getattr(again, name) == getattr(given, name)
    assert fingerprint(again) == fingerprint(given)
    learned = [one.observe(np.asarray([0.5, 0.5]), 2) for one in (given, again)]
    np.testing.assert_array_equal(learned[0].logits(x), learned[1].logits(x))


def test_its_fingerprint_is_of_every_number_in_it(committee: Committee, form: str) -> None:
    """The wrong variant counts dictionaries by their type: two networks are one to it. What members cost makes no difference."""
    assert fingerprint(Committee.of(PARTS[form]())) == fingerprint(committee)
    assert fingerprint(replace(committee, cost=Cost(cpu_s=1.0))) == fingerprint(committee)
    for place, part in enumerate(committee.parts):
        for name, leaf in part.arrays().items():
            moved = leaf.copy()
            moved.flat[-1] = moved.flat[-1] ^ 1 if leaf.dtype.kind in "iu" else moved.flat[-1] + 1
            try:
                other = _restored_as(part, {**part.arrays(), name: moved})
            except ValueError:  # no checkpoint, then
                continue
            parts = [*committee.parts[:place], other, *committee.parts[place + 1 :]]
            assert fingerprint(replace(committee, parts=tuple(parts))) != fingerprint(committee), (part.kind, name)
    assert fingerprint(replace(committee, floor=0.03)) != fingerprint(committee)


def _restored_as(part: Any, arrays: dict[str, Any]) -> Form:
    return type(part).restored(json.loads(json.dumps(part.settings())), arrays)


@pytest.mark.parametrize("obs", [[np.nan, 0.0], [np.inf, 0.0], [1e300, 0.0], [3e38, 3e38]], ids=str)
def test_what_cannot_be_read_is_asked_and_teaches_nothing(committee: Committee, obs: list[float]) -> None:
    memory: Any = committee.init()
    at = np.asarray([0.3, -0.2])
    loud = [replace(part, **_louder(part)) for part in memory]  # so that 3e38 is too much for every form
    committee = replace(committee, parts=tuple(loud))
    memory = committee.init()
    # weights that were never trained cannot be made louder: where they can read this, it is an item as any other
    quiet = committee.form == "masked" and np.isfinite(obs).all() and np.max(obs) < 1e300
    if quiet and np.isfinite(committee.log_policy(memory, np.asarray(obs))).all():
        return
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        rows = committee.log_policy(memory, np.asarray(obs))
        after = committee.learn(memory, np.asarray(obs), Answer(np.asarray(1)))
    assert np.isnan(rows).all()
    np.testing.assert_array_equal(committee.log_policy(after, at), committee.log_policy(memory, at))
    if np.abs(obs).max() < 3.1e38:
        observed = committee.observe(np.asarray(obs), 1)
        np.testing.assert_allclose(observed.log_weights, committee.log_weights, rtol=1e-15)
    else:
        with pytest.raises(ValueError, match="not finite"):
            committee.observe(np.asarray(obs), 1)


def _louder(part: Any) -> dict[str, Any]:
    if isinstance(part, Composed):
        return {"base": replace(part.base, **_louder(part.base))}
    names = [name for name in ("params", "root", "shared") if name in part.__dataclass_fields__]
    return {name: jax.tree.map(lambda leaf: 30 * leaf, getattr(part, name)) for name in names}


# members, weights, names


def test_members_are_chosen_with_their_weights_roots_and_names() -> None:
    found, x = weighted(), items(MODEL, 3)
    some = found.subset([3, 1])
    np.testing.assert_allclose(np.exp(some.log_weights), [3 / 7, 4 / 7], rtol=1e-12)
    assert some.roots.tolist() == [9, 5]
    assert some.names == ("member 4", "member 2")
    np.testing.assert_array_equal(some.logits(x), found.logits(x)[[3, 1]])
    assert found.top(2).names == ("member 2", "member 4")
    assert found.top(99).names == found.names
    assert Committee.of(separate(3)).top(2).names == ("member 1", "member 2")  # of equal ones the first
    for wrong in ([], [4], [-1]):
        with pytest.raises(IndexError):
            found.subset(wrong)
    with pytest.raises(ValueError, match="at least one member"):
        found.top(0)


def test_members_of_several_forms_are_chosen_across_them() -> None:
    mixed, x = Committee.of(PARTS["mixed"]()), items(MODEL, 3)
    order = [7, 0, 3, 2]
    some = mixed.subset(order)
    assert some.names == ("member 1", "member 4", "member 3", "member 8")
    np.testing.assert_allclose(some.logits(x), mixed.logits(x)[[0, 3, 2, 7]], rtol=0, atol=1e-12)
    assert [part.num_members for part in some.parts] == [1, 2, 1]


def test_a_member_is_drawn_by_its_weight() -> None:
    """2,000 draws: within four standard errors. The wrong variant draws evenly."""
    found, rng = weighted(), np.random.default_rng(0)
    with unchecked():
        drawn = [found.draw(rng) for _ in range(2_000)]
    assert all(one.num_members == 1 and one.log_weights.tolist() == [0.0] for one in drawn)
    shares = np.asarray([sum(one.names == (name,) for one in drawn) for name in found.names]) / 2_000
    assert (np.abs(shares - np.exp(found.log_weights)) < 4 * np.sqrt(0.25 / 2_000)).all()
    assert np.abs(shares - 0.25).max() > 4 * np.sqrt(0.25 / 2_000)


def test_joined_committees_weigh_by_their_numbers_of_members() -> None:
    one, two = weighted(), Committee.of(samples(), roots=[4, 4, 6], names=("a", "b", "c"), cost=Cost(train_flops=2.0))
    both, x = one.concat(two), items(MODEL, 3)
    np.testing.assert_allclose(np.exp(both.log_weights), [0.4 / 7, 1.6 / 7, 0.8 / 7, 1.2 / 7, *[1 / 7] * 3], rtol=1e-12)
    assert both.roots.tolist() == [0, 0, 1, 2, 3, 3, 4]  # roots of one committee are none of the other's
    assert both.names == (*one.names, "a", "b", "c")
    assert both.cost == Cost(train_flops=2.0)
    np.testing.assert_array_equal(both.logits(x), np.concatenate([one.logits(x), two.logits(x)]))
    assert one.concat().num_members == 4
    with pytest.raises(ValueError, match="differently shaped"):
        one.concat(Committee.of(separate(model=mlp((2,), (4,), 4))))


def test_joined_committees_keep_their_temperatures(tmp_path: Path) -> None:
    """The wrong variant gives all of them the first one's."""
    cold, hot = replace(weighted(), temperature=0.5), replace(Committee.of(samples()), temperature=3.0)
    both, x = cold.concat(hot), items(MODEL, 3)
    apart = np.concatenate([cold.log_probs(x), hot.log_probs(x)])
    np.testing.assert_allclose(both.log_probs(x), apart, rtol=1e-6)
    assert np.abs(replace(hot, temperature=0.5).log_probs(x) - hot.log_probs(x)).max() > 0.1
    np.testing.assert_allclose(both.subset([5, 6]).log_probs(x), hot.log_probs(x)[1:], rtol=1e-6)
    twice = replace(both, temperature=2.0).concat(cold)
    np.testing.assert_allclose(twice.log_probs(x)[4:7], replace(hot, temperature=6.0).log_probs(x), rtol=1e-6)
    twice.save(tmp_path / "twice.safetensors")
    np.testing.assert_array_equal(Committee.load(tmp_path / "twice.safetensors").log_probs(x), twice.log_probs(x))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"roots": [0]}, "1 roots"),
        ({"names": ("one",)}, "1 names"),
        ({"floor": 0.0}, "floor"),
        ({"floor": 1.0}, "floor"),
        ({"temperature": 0.0}, "temperature"),
        ({"temperature": float("nan")}, "temperature"),
        ({"temperature": float("inf")}, "temperature"),
    ],
)
def test_settings_that_do_not_fit_are_refused(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Committee.of(separate(), **settings)
    with pytest.raises(ValueError, match="at least one member"):
        Committee.of([])


@pytest.mark.parametrize("changed", [{"temperature": -1.0}, {"temperature": 0.0}, {"floor": 0.0}, {"floor": 1.5}])
def test_settings_that_slipped_in_are_asked(changed: dict[str, Any]) -> None:
    broken = replace(Committee.of(separate()), **changed)
    assert np.isnan(broken.log_policy(broken.init(), items(MODEL, 1)[0])).all()


def test_nobody_is_chosen_of_members_that_are_not_believed() -> None:
    only = replace(Committee.of(separate()), log_weights=np.asarray([0.0, -np.inf, -np.inf]))
    with pytest.raises(ValueError, match="All 2 members have weight 0"):
        only.subset([1, 2])
    assert only.top(1).names == ("member 1",)


def test_complex_items_are_refused() -> None:
    with pytest.raises(ValueError, match="complex128; give real numbers"):
        Committee.of(separate()).log_probs(items(MODEL, 2).astype(np.complex128))


def saved(path: Path, change: Callable[[dict[str, Any], dict[str, Any]], Any]) -> Path:
    """A committee's file with something changed in what it says or in its arrays."""
    from safetensors.numpy import load_file, save_file

    Committee.of(samples()).save(path)
    about, _ = read(path)
    arrays = load_file(str(path))
    said = change(about, arrays)
    save_file(arrays, str(path), metadata={"assent.committee": said if isinstance(said, str) else json.dumps(about)})
    return path


def _integers(about: dict[str, Any], arrays: dict[str, Any]) -> None:
    name = next(name for name in arrays if " root" in name)
    arrays[name] = arrays[name].astype(np.int32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda about, arrays: '{"version": 1, ', "no JSON"),
        (lambda about, arrays: "[1]", "no object"),
        (lambda about, arrays: "null", "no object"),
        (lambda about, arrays: about["cost"].update(cpu_s=None), "a number from 0 on"),
        (lambda about, arrays: about["cost"].update(cpu_s=float("nan")), "a number from 0 on"),
        (lambda about, arrays: about.update(names="abc"), "a list of texts"),
        (lambda about, arrays: about.update(names=[1] * len(about["names"])), "a list of texts"),
        (_integers, "another architecture"),
    ],
    ids=["cut", "a list", "null", "no cost", "NaN cost", "one name", "numbers for names", "whole numbers"],
)
def test_a_file_that_was_changed_is_a_sentence_that_names_it(
    change: Callable[[dict[str, Any], dict[str, Any]], Any], words: str, tmp_path: Path
) -> None:
    path = saved(tmp_path / "changed.safetensors", change)
    with pytest.raises(ValueError, match=words) as caught:
        Committee.load(path)
    assert "changed.safetensors" in str(caught.value)


def test_a_file_is_as_open_as_others_and_never_a_folder(tmp_path: Path) -> None:
    Committee.of(separate()).save(tmp_path / "a.safetensors", made_on={"problem": "digits", "seed": 3})
    (tmp_path / "other").touch()
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()}
    assert len(modes) == 1
    assert made_on(tmp_path / "a.safetensors") == {"problem": "digits", "seed": 3}
    with pytest.raises(ValueError, match="a folder or a device"):
        Committee.of(separate()).save(tmp_path)


# learning


def test_weights_move_by_likelihood_and_members_learn() -> None:
    """Bayes' rule on the rows after the floor; samples of one part, that learn, by their mean. The wrong variant scores members after they
    have learned the answer."""
    mixed, x = Committee.of(PARTS["mixed"]()), np.asarray([0.7, -1.1], dtype=np.float32)
    said = np.exp(mixed.log_policy(mixed.init(), x))[:, 1]
    after = mixed.observe(x, 1)
    moved = np.concatenate([said[:2], np.repeat([said[2:5].mean(), said[5:].mean()], 3)])
    np.testing.assert_allclose(np.exp(after.log_weights), moved / moved.sum(), rtol=1e-12)
    later = np.exp(after.log_policy(after.init(), x))[:, 1]
    assert np.abs(later / later.sum() - said / said.sum()).max() > 1e-3
    np.testing.assert_array_equal(later[:2], said[:2])  # networks stay as they are
    assert (later[2:] > said[2:]).all()
    alone = mixed.parts[1].observed(x, 1)  # pyright: ignore[reportAttributeAccessIssue]
    np.testing.assert_array_equal(after.parts[1].logits(x[None]), alone.logits(x[None]))
    np.testing.assert_array_equal(
        mixed.log_policy(mixed.learn(mixed.init(), x, Answer(np.asarray(1))), x), np.log(after_rows(after, x))
    )


def test_samples_that_learn_stay_as_likely_as_each_other() -> None:
    """After hundreds of answers too: the wrong variant counts each answer twice, and one sample is left."""
    found = Committee.of(samples())
    rng = np.random.default_rng(0)
    for _ in range(50):
        found = found.observe(rng.normal(size=2), int(rng.integers(0, 3)))
    np.testing.assert_allclose(np.exp(found.log_weights), 1 / 3, rtol=1e-9)


def after_rows(committee: Committee, x: NDArray[Any]) -> NDArray[np.float64]:
    return np.exp(committee.log_policy(committee.init(), x))


def test_a_member_that_cannot_say_neither_gains_nor_loses() -> None:
    broken = jax.tree.map(lambda leaf: jnp.full_like(leaf, jnp.nan), root(MODEL))
    found = Committee.of(Stacked(MODEL, stacked([root(MODEL, 1), broken, root(MODEL, 2)])))
    x = np.asarray([[0.1, 0.2]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        log_probs = found.log_probs(x)
        after = found.observe(x[0], 0)
        assert np.isnan(found.mean_log_probs(x)).all()
    assert np.isnan(log_probs[1]).all()
    assert np.isfinite(log_probs[[0, 2]]).all()
    # the wrong variant takes what it did not say for certainty, and its weight grows
    said = np.exp(found.log_policy(found.init(), x[0]))[[0, 2], 0]
    wanted = [1 / 3 * 2 * said[0] / said.sum(), 1 / 3, 1 / 3 * 2 * said[1] / said.sum()]
    np.testing.assert_allclose(np.exp(after.log_weights), wanted, rtol=1e-12)
    with pytest.raises(ValueError, match="no temperature"):
        found.tempered(Labelled.of(items(MODEL, 3), [0, 1, 2]))
    with pytest.raises(ValueError, match="no temperature"):
        found.subset([0]).tempered(Labelled.of(items(MODEL, 3), [0, 1, 3]))


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("loud", [0.05, 1.0, 40.0])
def test_the_temperature_is_the_one_that_a_fine_grid_finds(seed: int, loud: float) -> None:
    """Log-loss within 1e-5 of the best of 2,000 temperatures. The wrong variant tempers members, not their mean."""
    params = jax.tree.map(lambda leaf: loud * leaf, separate(4, start=seed).params)
    found, rng = Committee.of(Stacked(MODEL, params)), np.random.default_rng(seed)
    x = items(MODEL, 60, seed)
    y = found.logits(x).mean(axis=0).argmax(axis=-1)
    data = Labelled.of(x, np.where(rng.random(60) < 0.3, rng.integers(0, 3, 60), y))

    logits = np.asarray(found.logits(x), np.float64)

    def loss(temperature: float, *, of_mean: bool = True) -> float:
        right = softmax((logits - logits.max(axis=-1, keepdims=True)) / temperature)
        right = right[:, np.arange(60), data.y]
        with np.errstate(divide="ignore"):
            return -float(np.log(right.mean(axis=0) if of_mean else right).mean())

    grid = np.exp(np.linspace(math.log(1e-3), math.log(1e3), 2_000))
    tempered = found.tempered(data)
    assert loss(tempered.temperature) < min(loss(at) for at in grid) + 1e-5
    each = grid[np.argmin([loss(at, of_mean=False) for at in grid])]
    assert loss(each) > loss(tempered.temperature) + 1e-4
    assert tempered.mean_log_probs(x)[np.arange(60), data.y].mean() == pytest.approx(
        -loss(tempered.temperature), rel=1e-6
    )


# questions that are none, and files that are none


@pytest.mark.parametrize("obs", [None, "left", 1.0, [0.5], [0.5] * 3, [[0.5, 0.5]]], ids=str)
def test_an_observation_of_another_form_is_refused(obs: Any) -> None:
    found = Committee.of(separate(2))
    for act in (found.log_policy, lambda memory, at: found.learn(memory, at, Answer(np.asarray(0)))):
        with pytest.raises(ValueError, match=r"Items have the shape|give real numbers"):
            act(found.init(), obs)
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match="label"):
            found.observe(np.asarray([0.0, 0.0]), wrong)


def test_files_that_hold_no_committee_are_refused(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    file = tmp_path / "it.safetensors"
    with pytest.raises(FileNotFoundError, match="There is no file"):
        Committee.load(file)
    Committee.of(separate(2)).save(file)
    whole = file.read_bytes()
    for length in (0, 4, 100, len(whole) - 1):
        file.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="cut short"):
            Committee.load(file)
    file.write_bytes(b"no committee at all, but a letter to somebody")
    with pytest.raises(ValueError, match="cannot be read"):
        Committee.load(file)
    save_file({"a": np.ones(3)}, str(file))
    with pytest.raises(ValueError, match="holds arrays but no committee"):
        Committee.load(file)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda about: about.update(version=2), "has version 2"),
        (lambda about: about["parts"][0].update(form="oracle"), "form 'oracle'"),
        (lambda about: about["parts"][0].update(model=mlp((2,), (5,), 3).describe()), "another architecture"),
        (lambda about: about["parts"][0].update(model=mlp((2,), (4, 4), 3).describe()), "another architecture"),
        (lambda about: about.pop("temperature"), "does not say"),
        (lambda about: about["parts"][0].pop("model"), "does not say"),
        (lambda about: about.pop("version"), "has version None"),
        (lambda about: about["cost"].update(seconds=1.0), "no committee has"),
    ],
)
def test_files_of_another_version_or_architecture_are_refused(change: Any, words: str, tmp_path: Path) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    file = tmp_path / "it.safetensors"
    Committee.of(separate(2)).save(file)
    with safe_open(str(file), framework="numpy") as opened:
        arrays = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        about = json.loads(opened.metadata()["assent.committee"])
    change(about)
    save_file(arrays, str(file), metadata={"assent.committee": json.dumps(about)})
    with pytest.raises(ValueError, match=words):
        Committee.load(file)


@pytest.mark.parametrize(
    ("form", "name", "change", "words"),
    [
        ("separate", "log_weights", lambda array: array + 1.0, "weights, of a sum of 2.7"),
        ("separate", "log_weights", lambda array: np.append(array, -9.0), "weights"),
        ("separate", "log_weights", lambda array: array * np.nan, "weights, of a sum of nan"),
        ("separate", "roots", lambda array: array + 0.5, "roots are of the type float64"),
        ("samples", "0 items", lambda array: array[:-1], "array items has the shape"),
        ("samples", "0 lower", lambda array: array[:-1], "array lower has the shape"),
        ("samples", "0 lower", lambda array: array * np.nan, "not finite"),
        ("samples", "0 coefficients", lambda array: array[:, :-1], "array coefficients has the shape"),
        ("samples", "0 labels", lambda array: array + 9, "labels"),
        ("heads", "0 covariance", lambda array: array[:-1], "array covariance has the shape"),
        ("heads", "0 covariance", lambda array: -array, "variances that are not above 0"),
        ("heads", "0 heads", lambda array: array[:, :-1], "array heads has the shape"),
    ],
)
def test_files_whose_arrays_do_not_fit_are_refused(
    form: str, name: str, change: Any, words: str, tmp_path: Path
) -> None:
    from safetensors import safe_open
    from safetensors.numpy import save_file

    file = tmp_path / "it.safetensors"
    Committee.of({"separate": separate, "samples": samples, "heads": heads}[form]()).save(file)
    with safe_open(str(file), framework="numpy") as opened:
        arrays = {each: opened.get_tensor(each) for each in opened.keys()}  # noqa: SIM118
        metadata = opened.metadata()
    save_file({**arrays, name: np.ascontiguousarray(change(arrays[name]))}, str(file), metadata=metadata)
    with pytest.raises(ValueError, match=words):
        Committee.load(file)


@pytest.mark.parametrize("part", [tickets, samples, heads, thinned])
def test_members_that_would_be_drawn_otherwise_are_not_loaded(part: Callable[[], Form], tmp_path: Path) -> None:
    """In double precision a key gives other numbers: the same file would be other members. Networks have all their numbers in the file."""
    file, networks = tmp_path / "it.safetensors", tmp_path / "networks.safetensors"
    Committee.of(part()).save(file)
    Committee.of(separate(2)).save(networks)
    with jax.enable_x64(True):
        with pytest.raises(ValueError, match="drawn anew from a key"):
            Committee.load(file)
        Committee.load(networks)
    Committee.load(file)


@pytest.mark.parametrize("wrong", [1.9, 1.0, True, "1", [1], None])
def test_a_label_is_an_integer(wrong: Any) -> None:
    found = Committee.of(separate(2))
    with unchecked(), pytest.raises(ValueError, match="give one integer"):
        found.observe(np.zeros(2), wrong)
    with pytest.raises(ValueError, match="give one integer"):
        found.learn(found.init(), np.zeros(2), Answer(np.asarray(1.9)))


# in an agent


@pytest.mark.slow
def test_it_imitates_on_digits_and_a_run_goes_on_where_it_stopped(tmp_path: Path) -> None:
    """Fifty digits, twice: random features that know five made-up items are asked about nearly all, and after the answers about few."""
    data, model = digits().train, mlp((64,), (64,), 10)
    taught, others = heads(model, 6, data=5), separate(2, model=model)
    members = replace(Committee.of([taught, others]), temperature=0.05)
    agent = guarded(members, alarm=0.0)  # members this sure after five items would set it off, rightly
    stranger = guarded(replace(members, parts=(taught, separate(2, model=model, start=1))), alarm=0.0)
    asked = [0, 0]
    overseer = Scripted(lambda revealed: int(revealed))
    with unchecked(), Ledger.open(tmp_path / "run.db") as ledger:
        session = Session.open(agent, ledger, run="run", overseer=overseer, null_action=0)
        cold = float(agent.propose(agent.init(), data.x[0]).ask)
        for around in range(2):
            for digit in range(50):
                if isinstance(session.decide(data.x[digit]), Asked):
                    asked[around] += 1
                    session.consult(int(data.y[digit]))
            before = session.belief
            session = Session.resume(agent, ledger, run="run", overseer=overseer)
            np.testing.assert_array_equal(session.belief.log_weight, before.log_weight)
            x = data.x[60]
            np.testing.assert_array_equal(agent.propose(before, x).probs, agent.propose(session.belief, x).probs)
        with pytest.raises(AgentDiffers):
            Session.resume(stranger, ledger, run="run", overseer=overseer)
    assert cold == 1
    assert asked[0] > 30
    assert asked[1] < 0.6 * asked[0]
    learned = np.asarray(session.belief.memory[0].logits(data.x[:50])).mean(axis=0).argmax(axis=1)
    assert (learned == data.y[:50]).mean() > 0.8
