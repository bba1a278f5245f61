"""The curve: what is measured on committees of known worth, and what members cost."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from assent.committees.committee import Committee
from assent.committees.costs import Cost
from assent.committees.curve import curves, doublings
from assent.committees.evaluation import evaluated, in_turn, wrong_acts
from assent.committees.forms.stacked import Stacked
from assent.committees.models import mlp
from assent.committees.problems import Problem, problem_of
from assent.committees.recipes.tickets import PUBLISHED
from assent.committees.splits import Labelled, Splits
from assent.committees.training import Training
from assent.committees.tuning import tuned
from assent.committees.ways import WAYS, Way, way_of


def small(items: int = 60) -> Problem:
    """Four classes that are nearly told apart by two numbers."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 4, 3 * items)
    x = np.stack([np.cos(y * np.pi / 2), np.sin(y * np.pi / 2)], axis=1) + 0.4 * rng.normal(size=(3 * items, 2))
    parts = [Labelled.of(x[place::3], y[place::3]) for place in range(3)]
    return Problem(
        data=Splits(parts[0], parts[1], parts[2], 4, "small"),
        model=mlp((2,), (12, 12), 4),
        training=Training(steps=30, batch=20, learning_rate=1e-2),
        ticket_model=mlp((2,), (16, 16), 4, bias=False),
        ticket_training=Training(**{**PUBLISHED.__dict__, "steps": 30, "batch": 20}),
    )


@pytest.fixture(scope="module")
def problem() -> Problem:
    return small()


def test_what_weights_say_counts_in_every_measure(problem: Problem) -> None:
    """A member of no weight changes nothing of what is said together, and a joint loss is no mean over members that are not believed."""
    made = way_of("deep").make(problem, 3)
    some = evaluated(replace(made, log_weights=np.log([0.5, 0.5 - 1e-300, 1e-300])), problem.data.test)
    two = evaluated(made.subset([0, 1]), problem.data.test)
    assert some.joint().mean == pytest.approx(two.joint().mean, abs=1e-9)
    assert some.joint(1).mean == pytest.approx(evaluated(made.subset([0]), problem.data.test).joint().mean, abs=1e-9)
    uneven = replace(made, log_weights=np.log([0.98, 0.01, 0.01]))
    alone = made.subset([0])
    assert wrong_acts(uneven, problem.data.test).threshold == wrong_acts(alone, problem.data.test).threshold


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_every_way_makes_members_that_say_what_they_cost(way: Way, problem: Problem) -> None:
    number = min(4, way.most or 4)
    made = way.make(problem, number)
    assert made.num_members == number
    probs = np.exp(made.log_probs(problem.data.test.x))
    np.testing.assert_allclose(probs.sum(axis=2), 1.0, atol=1e-9)
    assert made.cost.flops > 0
    assert made.cost.infer_flops > 0
    assert made.cost.num_bytes == sum(part.num_bytes for part in made.parts)
    whole = way.cost_of(made, number)
    assert whole.flops == pytest.approx(made.cost.flops)
    if way.grows != "anew":
        assert way.cost_of(made, 1).flops < whole.flops or way.grows == "once"


@pytest.mark.parametrize(
    "name",
    ["deep", "dropout", "epinet", "tickets", "composed", "composed-dense", "tangent", "random-features"],
)
def test_the_cost_of_fewer_members_is_that_of_making_fewer(name: str, problem: Problem) -> None:
    """What `cost_of` derives is what a smaller committee takes: for trainings apart, one training, and roots. An answer and the bytes are
    no share of the whole's where members have something in common: the wrong variant."""
    way = way_of(name)
    whole = way.make(problem, 18 if name == "random-features" else 8)  # of 16 roots, else of at most 4
    for number in (1, 5):
        found, made = way.cost_of(whole, number), way.make(problem, number).cost
        assert found.flops == pytest.approx(made.flops, rel=1e-6), number
        assert found.infer_flops == pytest.approx(made.infer_flops, rel=1e-9), number
        assert found.num_bytes == made.num_bytes, number
    if name != "deep":
        assert way.cost_of(whole, 1).num_bytes > whole.cost.num_bytes / whole.num_members + 1


def test_ways_that_cannot_say_refuse(problem: Problem) -> None:
    packed = way_of("packed")
    with pytest.raises(ValueError, match="depend on how many"):
        packed.cost_of(packed.make(problem, 4), 2)
    with pytest.raises(ValueError, match="at most 4"):
        way_of("mimo").make(problem, 5)
    with pytest.raises(ValueError, match="give one of deep"):
        way_of("deeep")
    with pytest.raises(ValueError, match="digits, mnist"):
        problem_of("fashion")


def test_a_curve_has_a_point_for_each_number(problem: Problem) -> None:
    told: list[str] = []
    found = curves(problem, [way_of("tangent"), way_of("packed")], most=6, told=told.append, resamples=20)
    assert told == ["deep", "tangent", "packed"]
    assert [(point.way, point.members) for point in found.points] == [
        (way, size) for way in ("tangent", "packed") for size in (1, 2, 4, 6)
    ]
    for point in found.points:
        assert all(value is None or np.isfinite(value) for value in point.row().values() if isinstance(value, float))
        if not point.bounded:
            assert point.low - 1e-9 <= point.n_eff_cap <= point.high + 1e-9
        assert point.n_eff_cap >= 1.0 - 1e-9 or point.bounded
    spent = [point.trainings for point in found.points if point.way == "tangent"]
    assert spent == sorted(spent)


def test_copies_are_worth_one_and_the_reference_is_worth_itself(problem: Problem) -> None:
    copies = Way("copies", "one network again and again", _copies, "apart")
    found = curves(problem, [way_of("deep"), copies], most=4, resamples=20)
    mine = [point for point in found.points if point.way == "copies"]
    assert [point.n_eff_cap for point in mine] == pytest.approx([1.0, 1.0, 1.0])
    assert mine[-1].correlation == pytest.approx(1.0)
    assert mine[-1].n_eff_var == pytest.approx(1.0)
    reference = [point for point in found.points if point.way == "deep"]
    assert [point.trainings for point in reference] == pytest.approx([1.0, 2.0, 4.0])
    assert [point.infer for point in reference] == pytest.approx([1.0, 2.0, 4.0])


def _copies(key: object, model: object, data: Splits, n: int, **settings: object) -> Committee:
    made = way_of("deep").make(small(), 1)
    (part,) = made.parts
    assert isinstance(part, Stacked)
    return Committee.of(part.subset(np.zeros(n, dtype=np.int64)), cost=Cost(train_flops=1.0, infer_flops=1.0))


def test_members_stand_in_turn_of_their_roots(problem: Problem) -> None:
    made = way_of("tangent").make(problem, 8)
    seen = evaluated(made, problem.data.test)
    assert seen.roots[:4].tolist() == sorted(set(made.roots.tolist()))
    order = in_turn(made.roots)
    right = made.log_probs(problem.data.test.x)[order][:, np.arange(len(seen.labels)), seen.labels]
    np.testing.assert_allclose(seen.right, right, atol=1e-12)
    assert seen.accuracy == float((made.mean_log_probs(problem.data.test.x).argmax(axis=1) == seen.labels).mean())


def test_what_is_held_in_chunks_is_the_same(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> None:
    made = way_of("dropout").make(problem, 3)
    whole = evaluated(made, problem.data.test)
    monkeypatch.setattr("assent.committees.evaluation.AT_ONCE", 50)
    parts = evaluated(made, problem.data.test)
    np.testing.assert_allclose(parts.right, whole.right, rtol=1e-4, atol=1e-6)  # single precision, other batches
    np.testing.assert_array_equal(parts.errors, whole.errors)


def test_wrong_acts_are_those_of_the_rules(problem: Problem) -> None:
    """With everything asked but what is certain, and by the mean's threshold."""
    made = way_of("deep").make(problem, 3)
    none = wrong_acts(made, problem.data.test, asked=0.999)
    assert none.threshold is not None
    assert none.threshold <= 0.05
    some = wrong_acts(made, problem.data.test, asked=0.3)
    assert some.threshold is not None
    mean = made.mean_log_probs(problem.data.test.x)
    sure = np.sort(mean.max(axis=1))[::-1][: round(0.7 * len(mean))]
    acts = mean.max(axis=1) >= sure[-1]
    wrong = float((mean.argmax(axis=1) != problem.data.test.y)[acts].mean())
    assert some.threshold == pytest.approx(wrong, abs=1.5 / acts.sum())


def test_wrong_acts_of_two_members_at_four_items_are_those_counted_by_hand() -> None:
    """All are of class 0, of which the members say this. Of the minimum of one member nothing is asked, and 1.4 of 4 is wrong; of two, 2.1
    is right, 1.08 wrong and 0.82 asked. Beyond that a coin decides between it and asking, and wrong acts per act stay; before it, between
    the two. The means' best labels have 0.8, 0.7, 0.75 (wrong) and 0.76. By the greatest of both members nothing would ever be asked."""
    says = np.asarray([[0.9, 0.8, 0.3, 0.6], [0.7, 0.6, 0.2, 0.92]])
    weight = np.log(np.stack([says, 1.0 - says], axis=2)).astype(np.float32)
    members = Stacked(mlp((4,), (), 2, bias=False), ({"weight": weight},))
    items = Labelled.of(np.eye(4), np.zeros(4, dtype=np.int64))
    found = {asked: wrong_acts(Committee.of(members), items, asked=asked) for asked in (0.1, 0.205, 0.5)}
    assert found[0.5].minimum == pytest.approx(1.08 / 3.18, rel=1e-5)
    assert found[0.205].minimum == pytest.approx(1.08 / 3.18, rel=1e-5)
    assert found[0.1].minimum == pytest.approx((1.4 - (1.4 - 1.08) * 0.1 / 0.205) / 3.6, rel=1e-5)
    assert found[0.5].threshold == 0.0
    assert found[0.1].threshold == pytest.approx(1 / 3.6, rel=1e-5)


def test_doublings_end_at_the_most() -> None:
    assert doublings(1) == (1,)
    assert doublings(1_024)[-1] == 1_024
    assert doublings(1_024)[-2] == 512


def test_tuning_takes_the_least_loss_of_what_it_tried(problem: Problem) -> None:
    chosen, tried = tuned(problem, networks=1, steps=(0.1, 1.0), decays=(0.0, 0.1))
    best = min(tried, key=lambda one: one.log_loss)
    assert (chosen.training.steps, chosen.training.weight_decay) == (best.steps, best.weight_decay)
    assert len(tried) == 4
