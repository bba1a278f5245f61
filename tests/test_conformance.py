"""Everything in the catalogue does what its kind has to do; and the checks that say so reject what does not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import jax
import numpy as np
import pytest

import assent.lab
from assent import catalogue, checks
from assent.agents.imitator import Imitator
from assent.checks.hypotheses import OBSERVATIONS
from assent.core import Answer, Assent, Minimum, Mixture, bayes_update, normalise
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import Wrapped, wrap
from assent.worlds.stream import Stream

KINDS: tuple[tuple[Any, tuple[Any, ...]], ...] = (
    (checks.check_leading_set, catalogue.LEADING),
    (checks.check_rule, catalogue.RULES),
    (checks.check_guard, catalogue.GUARDS),
    (checks.check_tallied, catalogue.TALLIED),
    (checks.check_hypotheses, (*catalogue.HYPOTHESES, *catalogue.ENSEMBLES, *catalogue.LAB_HYPOTHESES)),
    (checks.check_overseer, catalogue.OVERSEERS),
    (checks.check_world, (*catalogue.WORLDS, *catalogue.LAB_WORLDS)),
    (checks.check_agent, (*catalogue.AGENTS, *catalogue.LAB_AGENTS)),
)


def entries() -> Iterator[Any]:
    for check, things in KINDS:
        for thing in things:
            name = thing if isinstance(thing, str) else thing.__name__
            yield pytest.param(check, thing, id=f"{check.__name__.removeprefix('check_')}-{name.split(':')[-1]}")


@pytest.mark.parametrize(("check", "thing"), list(entries()))
def test_everything_in_the_catalogue_conforms(check: Any, thing: Any) -> None:
    check(thing)


def test_every_list_of_the_catalogue_is_checked() -> None:
    lists = {name for name in vars(catalogue) if name.isupper()} - {"TRACED"}
    checked = {name for name in lists if any(set(getattr(catalogue, name)) <= set(things) for _, things in KINDS)}
    assert lists == checked


@pytest.mark.parametrize("cls", catalogue.TRACED, ids=lambda cls: cls.__name__)
def test_every_traced_class_survives_a_round_trip_through_jax(cls: type[Any]) -> None:
    assert cls in assent.lab._registered
    if any(cls in things for _, things in KINDS):
        item = checks.example(cls)
        leaves, form = jax.tree.flatten(item)
        again = jax.tree.unflatten(form, leaves)
        assert type(again) is cls
        assert all(
            np.array_equal(np.asarray(a), np.asarray(b)) for a, b in zip(leaves, jax.tree.leaves(again), strict=True)
        )


@pytest.mark.parametrize("kind", [np.int32, np.int64], ids=lambda kind: kind.__name__)
@pytest.mark.parametrize("cls", [cls for cls in (*catalogue.HYPOTHESES, *catalogue.ENSEMBLES) if cls is not Wrapped])
def test_every_class_learns_the_same_compiled_whatever_the_width_of_its_numbers(
    cls: type[Any], kind: type[np.signedinteger[Any]]
) -> None:
    item = checks.example(cls)
    if cls in catalogue.ENSEMBLES:
        item = wrap(item, num_actions=item.predict(item.init(), OBSERVATIONS[0]).shape[1])
    obs = OBSERVATIONS[0] if item.num_contexts is None else np.asarray(item.num_contexts - 1, dtype=kind)
    action = np.asarray(item.num_actions - 1, dtype=kind)

    def after(family: Any, obs: Any, action: Any) -> Any:
        memory = family.learn(family.advance(family.init(), obs, action), obs, Answer(action))
        rows = family.log_policy(memory, obs)
        return (rows, family.log_lower(memory, obs)) if hasattr(family, "log_lower") else (rows,)

    with jax.enable_x64(True):
        compiled = jax.jit(after)(item, jax.numpy.asarray(obs), jax.numpy.asarray(action))
    for one, other in zip(compiled, after(item, obs, action), strict=True):
        np.testing.assert_allclose(np.exp(np.asarray(one)), np.exp(np.asarray(other)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("obs", [None, [], [0.5], [0.5] * 3, [[0.25, -0.5]], 1.0, "left"], ids=str)
@pytest.mark.parametrize("cls", [cls for cls in (*catalogue.HYPOTHESES, *catalogue.ENSEMBLES) if cls is not Wrapped])
def test_an_observation_of_another_form_is_refused(cls: type[Any], obs: Any) -> None:
    item = checks.example(cls)
    if cls in catalogue.ENSEMBLES:
        item = wrap(item, num_actions=item.predict(item.init(), OBSERVATIONS[0]).shape[1])
    refusal, words = (IndexError, "is no context") if item.num_contexts is not None else (ValueError, r"numbers|string")
    for at in (obs, np.asarray(obs, dtype=np.float64)) if isinstance(obs, list) else (obs,):
        with pytest.raises(refusal, match=words):
            item.log_policy(item.init(), at)
        if cls is not Tables:  # which learn nothing themselves
            with pytest.raises(refusal, match=words):
                item.learn(item.init(), at, Answer(np.asarray(0)))


UNNUMBERED = [
    cls
    for cls in (*catalogue.HYPOTHESES, *catalogue.ENSEMBLES)
    if cls is not Wrapped and (cls in catalogue.ENSEMBLES or checks.example(cls).num_contexts is None)
]


@pytest.mark.parametrize("obs", [[np.inf, 1.0], [1.0, -np.inf], [np.inf, np.inf], [np.nan, 1.0]], ids=str)
@pytest.mark.parametrize("cls", UNNUMBERED)
def test_what_is_not_finite_is_asked_and_teaches_nothing(cls: type[Any], obs: list[float]) -> None:
    """One wrong variant: a variance of infinity times zero taken for none, and so for certainty."""
    item = checks.example(cls)
    if cls in catalogue.ENSEMBLES:
        item = wrap(item, num_actions=item.predict(item.init(), OBSERVATIONS[0]).shape[1])
    agent, bad = Imitator.of(item), np.asarray(obs)
    belief = agent.init()
    rng = np.random.default_rng(0)
    for _ in range(40):
        belief = agent.learn(belief, rng.normal(size=2) * 0.3 + OBSERVATIONS[1], Answer(np.asarray(1)))
    with np.errstate(all="ignore"):
        assent = agent.propose(belief, bad)
        after = agent.learn(belief, bad, Answer(np.asarray(0)))
    assert float(assent.ask) == 1.0
    before, now = (agent.propose(one, OBSERVATIONS[1]) for one in (belief, after))
    np.testing.assert_array_equal(before.probs, now.probs)


# Below, for each check, a wrong variant that it rejects.


@dataclass(frozen=True)
class Trusting:
    """A rule that reads what it cannot read as consent: NaN-blind minimum, all members counted."""

    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_policy: Any, log_weight: Any) -> Assent:
        return Assent(np.nanmin(np.exp(log_policy), axis=0) if len(log_policy) else np.ones(log_policy.shape[1]))


@dataclass(frozen=True)
class FirstMember:
    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_policy: Any, log_weight: Any) -> Assent:
        first = np.flatnonzero(np.isfinite(log_weight))[:1]
        assent = Minimum()(log_policy, log_weight)
        readable = float(assent.ask) < 1
        return Mixture()(log_policy[first], log_weight[first]) if readable else assent


@dataclass(frozen=True)
class Unmarked:
    def __call__(self, log_policy: Any, log_weight: Any) -> Assent:
        return Minimum()(log_policy, log_weight)


@dataclass(frozen=True)
class DeadLead:
    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_weight: Any, log_prior: Any) -> Any:
        return np.ones(log_weight.shape, bool)


@dataclass(frozen=True)
class FirstLeads:
    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, log_weight: Any, log_prior: Any) -> Any:
        alive = np.isfinite(log_weight)
        return alive & (np.cumsum(alive) == 1)


@dataclass(frozen=True)
class Generous:
    static_fields: ClassVar[tuple[str, ...]] = ()

    def __call__(self, assent: Assent, context: Any) -> Assent:
        return Assent(assent.probs + np.asarray(assent.ask) / assent.num_actions)


@dataclass(frozen=True, eq=False)
class Moody:
    static_fields: ClassVar[tuple[str, ...]] = ()

    def answer(self, uniform: Any, revealed: Any) -> Any:
        return np.random.default_rng().integers(3)


@dataclass(frozen=True, eq=False)
class OutOfRange:
    static_fields: ClassVar[tuple[str, ...]] = ()

    def answer(self, uniform: Any, revealed: Any) -> Any:
        return np.asarray(3)


class Counting(Stream):
    """A world whose state remembers outside of itself how often it was stepped."""

    steps: ClassVar[list[int]] = [0]

    def step(self, key: Any, state: Any, action: Any) -> Any:
        self.steps[0] += 1
        return np.asarray(self.steps[0] % 3)


class Selfish(catalogue.Imitator):
    """An agent that takes its own action for an answer."""

    def remember(self, belief: Any, obs: Any, action: Any) -> Any:
        rows = self.hypotheses.log_policy(belief.memory, obs)
        return replace(belief, log_weight=bayes_update(belief.log_weight, rows[:, action]))


class Gullible(catalogue.Imitator):
    def learn(self, belief: Any, obs: Any, answer: Any) -> Any:
        action = getattr(answer, "action", answer)
        rows = self.hypotheses.log_policy(belief.memory, obs)
        return replace(belief, log_weight=normalise(belief.log_weight + rows[:, action]))


def _forgetful() -> Any:
    class Forgetful(catalogue.Tables):
        """Promises that rows hold until the next answer, and drifts with what is done."""

        def advance(self, memory: Any, obs: Any, action: Any) -> Any:
            return "drifted"

        def log_policy(self, memory: Any, obs: Any) -> Any:
            return super().log_policy(memory, obs) - (0.1 if memory == "drifted" else 0.0)

        @property
        def remembers(self) -> bool:
            return True

    bank = checks.example(catalogue.Tables)
    return Forgetful(bank.log_rows, bank.log_prior_weights, bank.names)


def _presumptuous() -> Any:
    class Presumptuous(catalogue.Tables):
        """A family that acts before anybody has said anything: its mean, called its lower bound."""

        risk = 0.05

        def log_lower(self, memory: Any, obs: Any) -> Any:
            return self.log_policy(memory, obs)

    bank = checks.example(catalogue.Tables)
    return Presumptuous(bank.log_rows, bank.log_prior_weights, bank.names)


def _bank() -> Any:
    return checks.example(catalogue.Tables)


@pytest.mark.parametrize(
    ("check", "wrong", "sentence"),
    [
        (checks.check_rule, Trusting, "only ask"),
        (checks.check_rule, FirstMember, "order of the members"),
        (checks.check_rule, Unmarked, "static_fields"),
        (checks.check_leading_set, DeadLead, "although all are dead"),
        (checks.check_leading_set, FirstLeads, "order of members"),
        (checks.check_guard, Generous, "adds mass"),
        (checks.check_hypotheses, _forgetful, "changed when it advanced"),
        (checks.check_hypotheses, _presumptuous, "before anybody has said anything"),
        (checks.check_hypotheses, lambda: replace(_bank(), names=()), "0 names for 4 members"),
        (checks.check_hypotheses, lambda: replace(_bank(), log_prior_weights=np.zeros(4)), "sums to 4"),
        (checks.check_hypotheses, lambda: replace(_bank(), log_rows=np.zeros((3, 3, 4))), "no sub-distribution"),
        (checks.check_overseer, Moody, "two answers"),
        (checks.check_overseer, OutOfRange, "neither an action"),
        (checks.check_world, lambda: Counting(np.arange(3), None, 3), "goes two ways"),
        (checks.check_agent, lambda: Selfish(_bank()), "moves its weights when it remembers"),
        (checks.check_agent, lambda: Gullible(_bank()), "only an overseer's answer teaches"),
    ],
    ids=lambda value: getattr(value, "__name__", "")[:20],
)
def test_the_checks_reject_what_is_wrong(check: Any, wrong: Any, sentence: str) -> None:
    with pytest.raises(AssertionError, match=sentence):
        check(wrong if isinstance(wrong, type) else wrong())


def test_a_class_that_needs_more_than_numbers_has_to_bring_an_example() -> None:
    class Needy:
        def __init__(self, friend: Any) -> None:
            self.friend = friend

    with pytest.raises(checks.NoExample, match=r"Needy cannot be made from numbers alone .* `example\(\)`"):
        checks.example(Needy)
    Needy.example = staticmethod(lambda: Needy("somebody"))  # type: ignore[attr-defined]
    assert checks.example(Needy).friend == "somebody"
