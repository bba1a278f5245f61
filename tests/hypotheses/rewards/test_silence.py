"""What silence and objections say about rewards: laws that tie them to corrections, for every sampler."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assent.core import Answer
from assent.hypotheses.rewards.belief import Correction, Objection, RewardBelief, Silence
from assent.hypotheses.rewards.effort import Effort
from assent.hypotheses.rewards.enumerated import Rewards
from assent.hypotheses.rewards.errors import MisspecifiedModel
from assent.hypotheses.rewards.members import RewardMembers
from assent.hypotheses.rewards.priors import Gaussian
from assent.planning.process import Process
from tests.planning.worlds import grid, stay_or_go

RATE = 0.5
WATCHES = Process(trigger="on_error", rate=RATE, answer="optimal")
EFFORT = Effort(chains=64, warmup=40, draws=100, particles=20_000)


def watched(rate: float = RATE, **changes: Any):
    model = stay_or_go()
    return replace(model, rate=np.full(model.num_states, rate), **changes)


def listed(count: int = 40) -> Rewards:
    reward = np.random.default_rng(5).normal(size=(2, 2, count))
    return Rewards.of([str(n) for n in range(count)], [1 / count] * count, reward)


@pytest.mark.parametrize(
    ("prior", "sampler", "tolerance"),
    [
        (listed(), "enumerate", 1e-12),
        (Gaussian(), "quadrature", 1e-8),
        pytest.param(Gaussian(), "collapsed", 0.06, marks=pytest.mark.slow),
        pytest.param(Gaussian(), "smc", 0.06, marks=pytest.mark.slow),
    ],
)
def test_silence_is_a_mixture_of_nothing_and_of_certainty(prior, sampler, tolerance: float) -> None:
    """P(data | silent) = (1 - rate) + rate [right]: so evidence and means follow from those of nothing and of a sure correction."""
    before = RewardBelief.from_prior(prior, watched(), WATCHES, sampler, effort=EFFORT, seed=1)
    silent, told = before.update(Silence(0, 1)), before.update(Correction(0, 1))
    right = np.exp(told.evidence)
    evidence = (1 - RATE) + RATE * right
    assert np.exp(silent.evidence) == pytest.approx(evidence, abs=tolerance)
    for of in ("policy_probs", "mean_reward"):
        nothing, certain, found = (getattr(belief, of)() for belief in (before, told, silent))
        mixed = ((1 - RATE) * nothing + RATE * right * certain) / evidence
        assert np.abs(found - mixed).max() < tolerance
        # wrong variants: silence that says nothing, silence that is taken for approval
        assert np.abs(nothing - mixed).max() > max(tolerance, 0.07)
        assert np.abs(certain - mixed).max() > max(tolerance, 0.07)
    assert silent.heard == (Silence(0, 1),)


@pytest.mark.parametrize(("prior", "sampler"), [(listed(), "enumerate"), (Gaussian(), "quadrature")])
def test_an_objection_is_all_that_a_correction_is_not(prior, sampler) -> None:
    before = RewardBelief.from_prior(prior, watched(), WATCHES, sampler)
    told, refused = before.update(Correction(0, 1)), before.update(Objection(0, 1))
    assert np.exp(told.evidence) + np.exp(refused.evidence) == pytest.approx(1, abs=1e-8)
    assert refused.policy_probs()[0, 1] == pytest.approx(0, abs=1e-12)
    with pytest.raises(MisspecifiedModel, match="objection 0 in place 0"):
        refused.update(Objection(0, 0))


def test_members_of_a_committee_hear_the_same() -> None:
    rewards, model = listed(), watched()
    members = RewardMembers.of(model, WATCHES, rewards)
    memory = members.advance(members.init(), 0, np.asarray(1))
    belief = RewardBelief.from_prior(rewards, model, WATCHES)
    assert np.exp(belief.update(Silence(0, 1)).evidence) == pytest.approx(np.exp(members.log_silence(memory)).mean())
    said = members.learn(memory, 0, Answer(np.asarray(0), unasked=True))
    log_likelihood = members.log_silence(said) + members.log_rows[0][:, 0]
    spoken = belief.update(Objection(0, 1)).update(Correction(0, 0))
    assert np.exp(spoken.evidence) == pytest.approx(np.exp(log_likelihood).mean())


@pytest.mark.parametrize("shown_in", [0, 1])
def test_only_a_word_that_nobody_asked_for_calls_the_last_action_wrong(shown_in: int) -> None:
    members = RewardMembers.of(watched(), WATCHES, listed())
    wrong = members.problem.suboptimal[0, 1]
    acted = members.advance(members.init(), 0, np.asarray(1))
    unasked = members.learn(acted, shown_in, Answer(np.asarray(0), unasked=True))
    assert (np.isfinite(members.log_silence(unasked)) == wrong).all()
    # an answer to a question comes after silence about the last action, and the overseer may well agree with it
    answered = members.learn(acted, shown_in, Answer(np.asarray(1)))
    assert members.log_silence(answered) == pytest.approx(np.log(1 - RATE * wrong))
    assert members.log_silence(members.advance(answered, 1, np.asarray(-1))) == pytest.approx(np.log(1 - RATE * wrong))
    # nothing was done, so silence about it says nothing
    idle = members.advance(members.init(), 0, np.asarray(-1))
    assert (members.log_silence(idle) == 0).all()


@pytest.mark.parametrize("model", [watched(rate=0.0), watched()])
def test_silence_of_who_does_not_watch_says_nothing(model) -> None:
    process = replace(WATCHES, trigger="on_error" if model.rate[0] == 0 else "random")
    before = RewardBelief.from_prior(Gaussian(), model, process)
    after = before.update(Silence(0, 1))
    assert after.evidence == before.evidence
    assert (after.policy_probs() == before.policy_probs()).all()


def test_silence_of_who_misses_nothing_is_certain_and_can_be_impossible() -> None:
    before = RewardBelief.from_prior(Gaussian(), watched(rate=1.0), replace(WATCHES, rate=1.0))
    silent = before.update(Silence(0, 1))
    assert silent.policy_probs()[0, 1] == pytest.approx(1)
    assert silent.evidence == before.update(Correction(0, 1)).evidence
    with pytest.raises(MisspecifiedModel, match="silence 0 in place 0"):
        silent.update(Silence(0, 0))
    assert silent.heard == (Silence(0, 1),)


def test_what_cannot_be_is_refused() -> None:
    model = watched(terminal=np.array([False, True]))
    small = Effort(particles=16, moves=1)
    belief = RewardBelief.from_prior(Gaussian(), model, WATCHES, "smc", effort=small)
    for heard, sentence in (
        (Silence(7, 0), "state 7 does not exist"),
        (Silence(0, 9), "action 9 does not exist"),
        (Silence(1, 0), "state 1 ends the life"),
        (Objection(1, 0), "place 1 ends the life"),
    ):
        with pytest.raises(ValueError, match=sentence):
            belief.update(heard)
    soft = RewardBelief.from_prior(Gaussian(), model, replace(WATCHES, answer="soft"), "smc", effort=small)
    with pytest.raises(ValueError, match="do not tell whether action 0"):
        soft.update(Silence(0, 0))


@pytest.mark.slow
@pytest.mark.parametrize("answer", ["optimal", "boltzmann"])
@pytest.mark.parametrize("sampler", ["collapsed", "smc"])
def test_samplers_agree_where_some_action_is_never_shown(sampler, answer) -> None:
    """Silence is about the best action of all, corrections about the best that may be shown; against weighted draws of the prior."""
    if sampler == "collapsed" and answer == "boltzmann":
        return
    model = grid(2, 2)
    answerable = model.answerable.copy()
    answerable[0, 1] = False
    model = replace(model, answerable=answerable, rate=np.full(4, RATE))
    process = replace(WATCHES, answer=answer, beta=2.0)
    reward = np.random.default_rng(2).normal(size=(4, model.num_actions, 40_000))
    plenty = Rewards.of([str(n) for n in range(40_000)], np.full(40_000, 1 / 40_000), reward)
    truth = RewardBelief.from_prior(plenty, model, process)
    belief = RewardBelief.from_prior(Gaussian(), model, process, sampler, effort=EFFORT, seed=3)
    for heard in (Silence(0, 1), Correction(0, 0), Silence(2, 3), Objection(2, 0)):
        truth, belief = truth.update(heard), belief.update(heard)
    assert np.exp(belief.evidence - truth.evidence) == pytest.approx(1, abs=0.08)
    assert np.abs(belief.policy_probs() - truth.policy_probs()).max() < 0.04
    assert np.abs(belief.mean_reward() - truth.mean_reward()).max() < 0.08
