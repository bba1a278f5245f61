"""One uniform number decides ask and action; the same rule without full rows emits exactly the minimum."""

from __future__ import annotations

import math
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import assent.lab  # noqa: F401  (lets JAX return a Decision)
from assent.core import Assent, Minimum, decide, propose_and_veto
from assent.dossier import Ready
from tests.core.support import EPS, committee, few, log, probabilities

assents = (
    st.integers(1, 6)
    .flatmap(lambda actions: probabilities(members=1, actions=actions))
    .map(lambda rows: Assent(rows[0]))
)
uniform = st.one_of(st.floats(0, 1, exclude_max=True), st.sampled_from([0.0, 1 - 2**-53, 0.5]))


@given(assents, uniform)
def test_against_the_definition(made: Assent, u: float) -> None:
    """Ask on [0, ask), then the actions in order, each on an interval as long as its probability."""
    decision = decide(made, np.asarray(u))
    ask, probs = float(made.ask), made.probs.tolist()
    assert bool(decision.asked) == (u < ask or not any(probs))
    if decision.asked:
        assert int(decision.action) == -1
        return
    action = int(decision.action)
    assert probs[action] > 0, "an action with probability 0 was chosen"
    below = ask + math.fsum(probs[:action])
    # the sums before the action's edges are off by at most one eps a term
    slack = (len(probs) + 256) * EPS
    assert below - slack <= u
    assert u <= below + probs[action] + slack or not any(probs[action + 1 :])


@few
@given(assents, st.data())
def test_an_assent_that_asks_more_asks_in_a_superset_of_rounds(made: Assent, data: st.DataObject) -> None:
    share = data.draw(arrays.arrays(np.float64, made.probs.shape, elements=st.floats(0, 1)))
    careful = Assent(made.probs * share)
    for u in [*data.draw(st.lists(uniform, max_size=20)), float(made.ask), float(careful.ask)]:
        if 0 <= u < 1 and decide(made, np.asarray(u)).asked and u + 512 * EPS < max(float(made.ask), 1e-300):
            assert decide(careful, np.asarray(u)).asked


@pytest.mark.parametrize("probs", [[1.0], [0.25, 0.75], [1 / 3] * 3, [0.1] * 10, [0.0, 1.0, 0.0], [0.7, 0.2, 0.1]])
def test_never_asks_at_zero(probs: list[float]) -> None:
    made = Assent(np.asarray(probs))
    assert float(made.ask) == 0
    for u in (0.0, 5e-324, 0.5, 1 - 2**-53, *(edge for edge in np.cumsum(probs) if edge < 1)):
        decision = decide(made, np.asarray(u))
        assert not decision.asked
        assert probs[int(decision.action)] > 0


def test_always_asks_at_one() -> None:
    made = Assent(np.zeros(3))
    for u in (0.0, 0.5, 1 - 2**-53):
        assert decide(made, np.asarray(u)).asked


@pytest.mark.parametrize("bad", [math.nan, 1.0, 1.5, -0.1, math.inf, -math.inf])
def test_a_number_that_is_none_asks(backend: Any, bad: float) -> None:
    decision = decide(Assent(backend.array([0.25, 0.75])), backend.array(bad))
    assert (bool(decision.asked), int(decision.action)) == (True, -1)


def test_one_number_serves_both() -> None:
    """Conditional on acting, the number is uniform over what is left: the action's law is that of the assent, and no second draw."""
    made = Assent(np.asarray([0.2, 0.0, 0.3]))
    grid = (np.arange(10_000) + 0.5) / 10_000
    actions = np.asarray([int(decide(made, u).action) for u in grid])
    assert [int((actions == a).sum()) for a in (-1, 0, 1, 2)] == [5000, 2000, 0, 3000]
    # the wrong variant takes the action from the number itself, not from what is left above `ask`
    wrong = np.searchsorted(np.cumsum(made.probs), grid[grid >= 0.5], side="right")
    assert (wrong == 0).mean() != pytest.approx(0.4, abs=0.01)


def test_frequencies_are_the_probabilities() -> None:
    number = 1_000_000
    with jax.enable_x64(True):
        probs = np.asarray([0.05, 0.3, 0.0, 0.001, 0.4])
        drawn = np.random.default_rng(5).random(number)
        decision = jax.jit(jax.vmap(decide, in_axes=(None, 0)))(
            Assent(jax.numpy.asarray(probs)), jax.numpy.asarray(drawn)
        )
    expected = np.asarray([1 - probs.sum(), *probs])
    counts = np.bincount(np.asarray(decision.action) + 1, minlength=6)
    # binomial: five standard errors, five numbers: a false alarm in 10^6
    assert (abs(counts - number * expected) <= 5 * np.sqrt(number * expected * (1 - expected))).all()
    assert np.array_equal(np.asarray(decision.asked), np.asarray(decision.action) == -1)


@few
@given(assents, uniform)
def test_plain_numbers_decide_alike(made: Assent, u: float) -> None:
    """The session decides on Python floats (`Ready`), the scan on arrays."""
    ready = _ready(made)
    assert ready.decide(u) == int(decide(made, np.asarray(u)).action)
    for bad in (math.nan, 1.0, -0.1):
        assert ready.decide(bad) == -1


def _ready(made: Assent) -> Ready:
    ready = object.__new__(Ready)
    for field, value in (
        ("ask", float(made.ask)),
        ("probs", made.probs.tolist()),
        ("below", np.cumsum(made.probs).tolist()),
    ):
        object.__setattr__(ready, field, value)
    return ready


# propose and veto

ROWS = np.asarray([[0.5, 0.3, 0.15, 0.05], [0.25, 0.25, 0.25, 0.25], [0.6, 0.0, 0.3, 0.1], [0.0, 0.0, 0.0, 1.0]])
WEIGHT = log([0.5, 0.3, 0.2, 0.0])  # the last does not lead: its vetoes must not count


def emissions(draws: int, *, seed: int) -> tuple[Any, Any, Any, Any]:
    """Proposers by weight, proposals from their rows, one uniform number each, and the verdicts."""
    rng = np.random.default_rng(seed)
    proposer = rng.choice(4, size=draws, p=np.exp(WEIGHT))
    proposal = (rng.random(draws)[:, None] >= np.cumsum(ROWS[proposer], axis=1)[:, :-1]).sum(axis=1)
    shared = rng.random(draws)
    verdict = propose_and_veto(log(ROWS).T[proposal], WEIGHT, proposer, shared)
    return proposer, proposal, shared, verdict


def within(counts: Any, chance: Any, draws: int) -> Any:
    """Whether counts lie within five standard errors of what binomials with these chances give."""
    return abs(counts - draws * chance) <= 5 * np.sqrt(draws * chance * (1 - chance))


def test_propose_and_veto_emits_exactly_the_minimum() -> None:
    draws = 1_000_000
    proposer, proposal, shared, verdict = emissions(draws, seed=7)
    least = ROWS[:3].min(axis=0)
    counts = np.bincount(proposal[verdict.emitted], minlength=4)
    assert within(counts, least, draws).all()
    assert within(verdict.emitted.sum(), least.sum(), draws)
    rule = Minimum()(log(ROWS), WEIGHT)
    assert np.allclose(rule.probs, least, rtol=0, atol=4 * EPS)
    # the objectors are those whose ratio the number exceeds, worked out one by one
    ratio = ROWS.T[proposal] / ROWS[proposer, proposal][:, None]
    assert np.array_equal(verdict.objects[:, :3], shared[:, None] >= ratio[:, :3])
    assert not verdict.objects[:, 3].any()
    # wrong variants: the number against p_j itself; a fresh number for each member
    own = shared[:, None] < ROWS[:3].T[proposal]
    assert not within(np.bincount(proposal[own.all(axis=1)], minlength=4), least, draws).all()
    fresh = np.random.default_rng(8).random((draws, 3)) < ratio[:, :3]
    assert not within(np.bincount(proposal[fresh.all(axis=1)], minlength=4), least, draws).all()


@pytest.mark.parametrize("nats", [0.0, -100.0, -800.0, -1e5])
def test_long_texts_do_not_underflow(backend: Any, nats: float) -> None:
    """exp(-800) is 0: compared as probabilities, every long text is vetoed by all, its proposer among them."""
    scores = backend.array([nats, nats + math.log(0.5)])
    weight, who = backend.array([-0.7, -0.7]), backend.array(0, "int64")
    for shared, emitted in ((0.25, True), (0.75, False)):
        verdict = propose_and_veto(scores, weight, who, backend.array(shared))
        assert bool(verdict.emitted) == emitted
        assert backend.numpy(verdict.objects).tolist() == [False, not emitted]


@few
@given(committee(), st.data())
def test_the_proposer_never_objects_and_objectors_lead(made: Any, data: st.DataObject) -> None:
    rows, weight = made
    proposer = data.draw(st.sampled_from(np.flatnonzero(np.isfinite(weight)).tolist()))
    proposal = data.draw(st.integers(0, rows.shape[1] - 1))
    if not np.isfinite(rows[proposer, proposal]):
        return
    verdict = propose_and_veto(rows[:, proposal], weight, np.asarray(proposer), np.asarray(data.draw(uniform)))
    assert not verdict.objects[proposer]
    assert not verdict.objects[~np.isfinite(weight)].any()
    assert bool(verdict.emitted) == (not verdict.objects.any())


@pytest.mark.parametrize(
    ("scores", "weight", "proposer", "shared"),
    [
        ([-1.0, -1.0], [-1.0, -1.0], 0, math.nan),
        ([-1.0, -1.0], [-1.0, -1.0], 0, 1.0),
        ([-1.0, -1.0], [-1.0, -1.0], 0, -0.1),
        ([-1.0, -1.0], [-1.0, -1.0], 2, 0.5),
        ([-1.0, -1.0], [-1.0, -1.0], -1, 0.5),
        ([math.nan, -1.0], [-1.0, -1.0], 0, 0.5),
        ([-math.inf, -1.0], [-1.0, -1.0], 0, 0.5),
        ([math.inf, -1.0], [-1.0, -1.0], 0, 0.5),
        ([-1.0, -1.0], [math.nan, -1.0], 1, 0.5),
        ([-1.0, -1.0], [math.inf, -1.0], 1, 0.5),
    ],
)
def test_what_cannot_be_read_is_an_objection_by_everybody(
    backend: Any, scores: Any, weight: Any, proposer: int, shared: float
) -> None:
    verdict = propose_and_veto(
        backend.array(scores), backend.array(weight), backend.array(proposer, "int64"), backend.array(shared)
    )
    assert not bool(verdict.emitted)
    assert backend.numpy(verdict.objects).tolist() == np.isfinite(weight).tolist()


def test_an_unreadable_score_of_another_leader_is_its_objection() -> None:
    for bad in (math.nan, math.inf, 0.5):
        verdict = propose_and_veto(np.asarray([-1.0, bad]), log([0.5, 0.5]), np.asarray(0), np.asarray(0.1))
        assert (bool(verdict.emitted), verdict.objects.tolist()) == (False, [False, True])
    bystander = propose_and_veto(np.asarray([-1.0, math.nan]), log([1.0, 0.0]), np.asarray(0), np.asarray(0.1))
    assert bool(bystander.emitted)


def test_nobody_leads_nothing_is_emitted() -> None:
    verdict = propose_and_veto(np.asarray([-1.0, -1.0]), np.full(2, -np.inf), np.asarray(0), np.asarray(0.1))
    assert (bool(verdict.emitted), verdict.objects.any()) == (False, False)
