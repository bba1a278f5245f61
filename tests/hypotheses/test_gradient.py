"""Members that learn by gradients: each step as written out, and losses that never exceed their bounds, whatever comes."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import assent.lab
from assent.agents.regret import adaptive_bound, exponentiated_bound, gradient_bound
from assent.core import Answer
from assent.hypotheses.gradient import ExponentiatedMembers, GradientMembers
from assent.hypotheses.wrap import wrap

LOSSES = ("log", "hinge")
FEATURES, ACTIONS = 3, 4


# Each step, written out for one member in plain loops


def plain_scores(coefficient: list[list[float]], item: list[float]) -> list[float]:
    return [sum(item[f] * coefficient[f][a] for f in range(len(item))) for a in range(len(coefficient[0]))]


def plain_loss(coefficient: Any, item: list[float], action: int, loss: str) -> float:
    scores = plain_scores(coefficient, item)
    if loss == "log":
        return -math.log(math.exp(scores[action]) / sum(math.exp(score) for score in scores))
    return max(score - scores[action] + (a != action) for a, score in enumerate(scores))


def plain_gradient(coefficient: Any, item: list[float], action: int, loss: str) -> np.ndarray:
    """By differences: an oracle that knows no derivative."""
    coefficient, step = np.asarray(coefficient, dtype=float), 1e-6
    found = np.zeros_like(coefficient)
    for place in np.ndindex(*coefficient.shape):
        up, down = coefficient.copy(), coefficient.copy()
        up[place] += step
        down[place] -= step
        found[place] = (plain_loss(up, item, action, loss) - plain_loss(down, item, action, loss)) / (2 * step)
    return found


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("step", ["root", "adaptive"])
def test_steps_are_as_written_out(loss: Any, step: Any) -> None:
    rng = np.random.default_rng(0)
    coefficient = rng.normal(size=(FEATURES, ACTIONS)) * 0.2  # at 0 all scores tie, and a hinge has many gradients
    members = GradientMembers(coefficient[None], np.asarray([2.0]), np.ones(1), norm=1.5, loss=loss, step=step)
    memory, squares = members.init(), 0.0
    projected = 0
    for answers in range(1, 40):
        item, action = rng.normal(size=FEATURES) * 2, int(rng.integers(ACTIONS))
        short = item * min(1.0, 1.5 / math.sqrt(sum(item**2)))
        assert members.losses(memory, item, action)[0] == pytest.approx(
            plain_loss(coefficient, short.tolist(), action, loss), abs=1e-6
        )
        gradient = plain_gradient(coefficient, short.tolist(), action, loss)
        squares += float((gradient**2).sum())
        rate = 4.0 / (math.sqrt(2) * 1.5 * math.sqrt(answers)) if step == "root" else 4.0 / math.sqrt(2 * squares)
        coefficient = coefficient - rate * gradient
        length = math.sqrt((coefficient**2).sum())
        projected += length > 2.0
        coefficient = coefficient * min(1.0, 2.0 / length)
        memory = members.update(memory, item, action)
        # differences are good to 1e-9, over 40 steps of rates up to 2
        assert np.allclose(memory.coefficient[0], coefficient, atol=1e-6)
        coefficient = np.asarray(memory.coefficient[0])
    assert projected > 3, "the ball was never left: its projection was not tried"


def test_exponentiated_weights_are_as_written_out() -> None:
    rng = np.random.default_rng(1)
    members = ExponentiatedMembers(np.asarray([3.0]), FEATURES, ACTIONS, norm=1.0)
    memory, total = members.init(), np.zeros((FEATURES, ACTIONS))
    for answers in range(30):
        rate = math.sqrt(math.log(2 * FEATURES * ACTIONS) / (answers + 1)) / (3.0 * 1.0)
        weights = [math.exp(-rate * 3.0 * sign * value) for sign in (1, -1) for value in total.ravel()]
        half = len(weights) // 2
        coefficient = [3.0 * (weights[k] - weights[half + k]) / sum(weights) for k in range(half)]
        assert np.allclose(members.coefficients(memory)[0].ravel(), coefficient, atol=1e-6)
        assert abs(members.coefficients(memory)[0]).sum() <= 3.0 * (1 + 1e-12)
        item, action = rng.normal(size=FEATURES), int(rng.integers(ACTIONS))
        cut = np.clip(item, -1, 1).tolist()
        total += plain_gradient(np.reshape(coefficient, (FEATURES, ACTIONS)), cut, action, "log")
        memory = members.update(memory, item, action)


# The bounds, on every kind of sequence, against coefficients that were fitted afterwards

ROUNDS, LIVES = 300, 12


def sequences(kind: str, rng: np.random.Generator, *, length: float) -> tuple[np.ndarray, np.ndarray]:
    """Items `[T, F]` of at most this length and actions `[T]`."""
    items = rng.normal(size=(ROUNDS, FEATURES))
    items *= length / np.sqrt((items**2).sum(axis=1, keepdims=True)) * rng.random((ROUNDS, 1)) ** 0.5
    truth = rng.normal(size=(2, FEATURES, ACTIONS))
    if kind == "random":
        return items, rng.integers(ACTIONS, size=ROUNDS)
    if kind == "learnable":
        return items, (items @ truth[0]).argmax(axis=1)
    if kind == "shifted":
        late = np.arange(ROUNDS) >= ROUNDS // 2
        return items, np.where(late, (items @ truth[1]).argmax(axis=1), (items @ truth[0]).argmax(axis=1))
    return np.tile(items[:1], (ROUNDS, 1)), np.arange(
        ROUNDS
    ) // 20 % ACTIONS  # the same item, and a label that keeps changing


def lived(members: Any, items: np.ndarray, actions: np.ndarray, *, against: bool = False) -> tuple[Any, Any, Any]:
    """Losses `[L, T]`, answers `[L, T]` and squares `[L]` of a member; `against`: each answer is what it finds least likely."""

    def step(memory: Any, row: Any) -> Any:
        item, action = row
        action = jnp.argmin(members.predict(memory, item)[0]) if against else action
        return members.update(memory, item, action), (members.losses(memory, item, action), action)

    members = jax.tree.map(jnp.asarray, members)
    memory, (losses, answers) = jax.jit(jax.vmap(lambda *rows: jax.lax.scan(step, members.init(), rows)))(
        items, actions
    )
    return np.asarray(losses)[:, :, 0], np.asarray(answers), np.asarray(memory.squares)[:, 0]


@partial(jax.jit, static_argnames=("loss", "ball"))
def fitted(items: Any, actions: Any, *, loss: str, ball: str) -> Any:
    """For each life coefficients of about the least total loss in a set, by 400 full gradients, and that loss: the best on the way."""

    def total(coefficient: Any, items: Any, actions: Any) -> Any:
        scores = items @ coefficient
        own = jnp.take_along_axis(scores, actions[:, None], axis=1)[:, 0]
        if loss == "log":
            return (jax.nn.logsumexp(scores, axis=1) - own).sum()
        wrong = jnp.arange(ACTIONS)[None] != actions[:, None]
        return (scores - own[:, None] + wrong.astype(scores.dtype)).max(axis=1).sum()

    def fit(items: Any, actions: Any) -> Any:
        def step(carry: Any, number: Any) -> Any:
            coefficient, best, least = carry
            value, gradient = jax.value_and_grad(total)(coefficient, items, actions)
            best, least = jnp.where(value < least, coefficient, best), jnp.minimum(value, least)
            size = jnp.sqrt((gradient**2).sum()) + 1e-9
            return (inside(coefficient - 4.0 * gradient / size / jnp.sqrt(number + 1.0), ball), best, least), None

        start = jnp.zeros((FEATURES, ACTIONS))
        return jax.lax.scan(step, (start, start, jnp.asarray(jnp.inf)), jnp.arange(400.0))[0][1:]

    return jax.vmap(fit)(items, actions)


RADIUS = 3.0


def inside(coefficient: Any, ball: str) -> Any:
    """Scaled down into the set: lengths, or sums of absolute values, up to `RADIUS`."""
    length = jnp.sqrt((coefficient**2).sum()) if ball == "round" else jnp.abs(coefficient).sum()
    return coefficient * jnp.minimum(1.0, RADIUS / (length + 1e-12))


def every_kind(members: Any, *, length: float) -> tuple[Any, ...]:
    """Losses, items, answers and squares of `LIVES` lives of each kind, and of as many in which answers go against the member."""
    drawn = [
        sequences(kind, np.random.default_rng([life, 7]), length=length) for kind in KINDS for life in range(LIVES)
    ]
    items, actions = (np.stack(part) for part in zip(*drawn, strict=True))
    first, second = lived(members, items, actions), lived(members, items, actions, against=True)
    losses, answers, squares = (np.concatenate(pair) for pair in zip(first, second, strict=True))
    return losses, np.concatenate([items, items]), answers, squares


KINDS = ("random", "learnable", "shifted", "flipping")


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("step", ["root", "adaptive"])
def test_gradient_descent_never_loses_more_than_its_bound(loss: Any, step: Any) -> None:
    """Against fixed coefficients, and against a switch half-way, on 120 sequences; radius 3, items up to 2 long."""
    norm, half, closest = 2.0, ROUNDS // 2, []
    members = GradientMembers.still(FEATURES, num_actions=ACTIONS, radius=[RADIUS], norm=norm, loss=loss, step=step)
    with jax.enable_x64(True):
        losses, items, answers, squares = every_kind(members, length=norm)
        _, least = fitted(items, answers, loss=loss, ball="round")
        early, first = fitted(items[:, :half], answers[:, :half], loss=loss, ball="round")
        late, second = fitted(items[:, half:], answers[:, half:], loss=loss, ball="round")
    ways = np.sqrt(((np.asarray(early) - np.asarray(late)) ** 2).sum(axis=(1, 2)))
    mine = losses.sum(axis=1)
    for theirs, paths in ((np.asarray(least), 0 * ways), (np.asarray(first + second), ways)):
        for life in range(len(mine)):
            known: dict[str, float] = {"diameter": 2 * RADIUS, "path": float(paths[life])}
            if step == "root":
                most = gradient_bound(ROUNDS, steepest=math.sqrt(2) * norm, **known)
            else:
                most = adaptive_bound(float(squares[life]), **known)
            closest.append((mine[life] - theirs[life]) / most)
    assert max(closest) <= 1
    assert max(closest) > 0.1, "the bound was never near: the sequences are too easy to say anything"


@pytest.mark.slow
@pytest.mark.parametrize("loss", LOSSES)
def test_exponentiated_gradients_never_lose_more_than_their_bound(loss: Any) -> None:
    most = exponentiated_bound(ROUNDS, radius=RADIUS, norm=1.0, num_coefficients=FEATURES * ACTIONS)
    members = ExponentiatedMembers(np.asarray([RADIUS]), FEATURES, ACTIONS, norm=1.0, loss=loss)
    with jax.enable_x64(True):
        losses, items, answers, _ = every_kind(members, length=1.0)
        _, least = fitted(items, answers, loss=loss, ball="diamond")
    assert (losses.sum(axis=1) - np.asarray(least) <= most).all()


class Ascending(GradientMembers):
    """Wrong: steps with the gradient instead of against it."""

    def update(self, memory: Any, obs: Any, action: Any) -> Any:
        after = super().update(memory, obs, action)
        return replace(after, coefficient=inside(2 * memory.coefficient - after.coefficient, "round"))


assent.lab.register(Ascending)


@pytest.mark.slow
def test_the_variant_that_goes_uphill_breaks_the_bound() -> None:
    most = gradient_bound(ROUNDS, diameter=2 * RADIUS, steepest=math.sqrt(2) * 2.0)
    wrong = Ascending.still(FEATURES, num_actions=ACTIONS, radius=[RADIUS], norm=2.0)
    with jax.enable_x64(True):
        losses, items, answers, _ = every_kind(wrong, length=2.0)
        _, least = fitted(items, answers, loss="log", ball="round")
    over = losses.sum(axis=1) - np.asarray(least) > most
    assert over[LIVES : 2 * LIVES].all(), "where there is something to learn"


# What cannot be read, and what does not move


@pytest.mark.parametrize("members", [GradientMembers.example(), ExponentiatedMembers.example()])
@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_an_item_that_cannot_be_read_is_asked_and_teaches_nothing(members: Any, bad: float) -> None:
    committee = wrap(members, num_actions=3)
    memory = committee.learn(committee.init(), np.asarray([1.0, 0.5]), Answer(1))
    item = np.asarray([bad, 1.0])
    assert np.isnan(committee.log_policy(memory, item)).all()
    after = committee.learn(memory, item, Answer(0))
    assert all(np.array_equal(getattr(after, name), getattr(memory, name)) for name in vars(after))


def test_a_member_of_scale_0_never_moves_and_another_does() -> None:
    members = GradientMembers.example()
    memory = members.update(members.init(), np.asarray([1.0, 0.5]), 1)
    moved = (memory.coefficient != members.start).any(axis=(1, 2))
    assert moved.tolist() == [True, True, False]


def test_a_longer_item_counts_as_one_of_the_greatest_length() -> None:
    members = GradientMembers.example()
    item = np.asarray([3.0, 4.0])
    short = item * 2.0 / 5.0
    assert np.allclose(members.predict(members.init(), item), members.predict(members.init(), short), atol=1e-12)
    assert not np.allclose(members.predict(members.init(), item / 2), members.predict(members.init(), item / 4))


def test_a_hinge_member_is_sure() -> None:
    members = GradientMembers.still(2, num_actions=3, radius=[5.0], loss="hinge")
    memory = members.update(members.init(), np.asarray([1.0, 0.0]), 2)
    assert members.predict(memory, np.asarray([1.0, 0.0])).tolist() == [[0, 0, 1]]


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: GradientMembers.still(2, num_actions=3, radius=[0.0]), "a radius above 0"),
        (lambda: GradientMembers.still(2, num_actions=3, radius=[math.inf]), "a radius above 0"),
        (lambda: GradientMembers.still(2, num_actions=3, radius=[1.0], norm=math.nan), "a norm above 0"),
        (lambda: GradientMembers.still(0, num_actions=3, radius=[1.0]), "members, features, actions"),
        (lambda: GradientMembers.still(2, num_actions=3, radius=[1.0], scale=-1.0), "a number from 0 up"),
        (lambda: GradientMembers(np.ones((1, 2, 2)), np.asarray([1.0]), np.ones(1)), "outside of balls"),
        (lambda: ExponentiatedMembers(np.asarray([1.0]), 0, 3), "at least one of each"),
        (lambda: ExponentiatedMembers(np.asarray([-1.0]), 2, 3), "a radius above 0"),
    ],
)
def test_bad_settings_are_refused(make: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        make()
