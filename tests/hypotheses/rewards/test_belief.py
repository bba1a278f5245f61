"""Beliefs about rewards: the specification's values, agreement of the samplers, and what is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from assent.hypotheses.rewards.belief import Correction, Objection, RewardBelief, Silence
from assent.hypotheses.rewards.effort import Effort
from assent.hypotheses.rewards.enumerated import Rewards
from assent.hypotheses.rewards.errors import MisspecifiedModel
from assent.hypotheses.rewards.gridded import Gridded
from assent.hypotheses.rewards.priors import Gaussian, SpikeSlab
from assent.planning.process import Process
from tests.planning.worlds import grid, model_of, stay_or_go
from tests.session_support import unchecked

EXACT = Process(answer="optimal")


def doors(count: int) -> tuple:
    """One place with a door for each action, and rewards of 1 behind each."""
    model = model_of(np.zeros((1, count, 1), dtype=int), np.ones((1, count, 1)), discount=0.9)
    return model, np.eye(count)[None]


def test_zero_evidence_raises_and_noise_teaches_nothing() -> None:
    model, reward = doors(3)
    prior = Rewards.of(["first", "second", "third"], [0.5, 0.5, 0.0], reward)
    before = RewardBelief.from_prior(prior, model, Process(answer="eps", eps=0.0))
    with pytest.raises(MisspecifiedModel, match=r"2 in place 0 .*2 possible rewards of 3.*eps above 0"):
        before.update(Correction(0, 2))
    assert before.heard == ()
    assert before.mean_reward().tolist() == [[0.5, 0.5, 0.0]]
    noisy = RewardBelief.from_prior(prior, model, Process(answer="eps", eps=0.1)).update(Correction(0, 2))
    # both possible doors make the answer equally likely; taking logarithms back rounds once
    assert noisy.mean_reward() == pytest.approx(np.array([[0.5, 0.5, 0.0]]), abs=2e-16)
    assert np.exp(noisy.evidence) == pytest.approx(0.05)
    assert noisy.diagnostics.sampler == "enumerate"
    assert noisy.diagnostics.alive == 2


def test_ties_are_split_so_that_indifference_loses() -> None:
    model, _ = doors(5)
    nothing, strict = np.zeros((1, 5)), np.array([[1.0, 0, 0, 0, 0]])
    prior = Rewards.of(["nothing", "strict"], [0.5, 0.5], np.stack([nothing, strict], axis=2))
    belief = RewardBelief.from_prior(prior, model, EXACT)
    for heard in range(1, 6):
        belief = belief.update(Correction(0, 0))
        # the strict hypothesis has the complement of 1 / (1 + 5^n); a set rule would stay at .5 for ever
        strict_weight = 1 - 1 / (1 + 5.0**heard)
        assert belief.mean_reward()[0, 0] == pytest.approx(strict_weight, abs=1e-12)
        assert abs(strict_weight - 0.5) > 0.3
        assert belief.policy_probs()[0, 0] == pytest.approx(strict_weight + (1 - strict_weight) / 5, abs=1e-12)


@pytest.mark.parametrize("process", [EXACT, Process(answer="eps", eps=0.2)])
def test_evidences_add(process: Process) -> None:
    belief = RewardBelief.from_prior(Gaussian(), stay_or_go(), process)
    assert belief.diagnostics.sampler == "quadrature"
    go = belief.update(Correction(0, 1))
    ways = [np.exp(go.update(Correction(1, action)).evidence) for action in (0, 1)]
    assert sum(ways) == pytest.approx(np.exp(go.evidence), abs=1e-8)
    assert go.policy_probs().sum(axis=1) == pytest.approx(1)


@pytest.mark.slow
@pytest.mark.parametrize("sampler", ["collapsed", "smc"])
@pytest.mark.parametrize("process", [EXACT, Process(answer="eps", eps=0.2)])
def test_samplers_agree_with_quadrature(sampler, process: Process) -> None:
    heard = [Correction(0, 1), Correction(1, 0)]
    truth = RewardBelief.from_prior(Gaussian(), stay_or_go(), process)
    belief = RewardBelief.from_prior(Gaussian(), stay_or_go(), process, sampler, seed=1)
    for correction in heard:
        truth, belief = truth.update(correction), belief.update(correction)
        found = belief.diagnostics
        assert found.effective_sample_size > 500
        error = 5 / found.effective_sample_size**0.5
        assert abs(np.exp(belief.evidence - truth.evidence) - 1) < error
        assert np.abs(belief.policy_probs() - truth.policy_probs()).max() < error
        assert np.abs(belief.mean_reward() - truth.mean_reward()).max() < error
    if sampler == "collapsed":
        assert found.split_rhat < 1.1


@pytest.mark.slow
def test_the_ladder_takes_what_fits_and_says_why_not() -> None:
    def chosen(prior, model, process, sampler: Any = "auto") -> str:
        return RewardBelief.from_prior(prior, model, process, sampler, effort=small).sampler

    small = Effort(chains=8, warmup=0, draws=4, particles=16, moves=1)
    assert chosen(Gaussian(), stay_or_go(), EXACT) == "quadrature"
    assert chosen(Gaussian(), grid(2, 2), EXACT) == "collapsed"
    apart = Gaussian(sd=np.array([[0.05, 2.0], [2.0, 0.05]]))
    assert chosen(apart, stay_or_go(), EXACT) == "collapsed"  # too fine for the grid
    assert chosen(Gaussian(sd=np.array([[1.0, 0.0], [1.0, 1.0]])), stay_or_go(), EXACT) == "smc"
    assert chosen(SpikeSlab(q=0.3), stay_or_go(), EXACT) == "smc"
    assert chosen(Gaussian(), stay_or_go(), Process(answer="boltzmann")) == "smc"
    assert chosen(Gaussian(), stay_or_go(), Process(answer="adversary")) == "smc"
    for arguments, sentence in (
        ((SpikeSlab(q=0.3), stay_or_go(), EXACT, "collapsed"), "atom"),
        ((Gaussian(), stay_or_go(), Process(answer="soft"), "quadrature"), "more than the best action"),
        ((Gaussian(), grid(2, 2), EXACT, "quadrature"), "4 live places"),
        ((apart, stay_or_go(), EXACT, "quadrature"), "does not resolve"),
        ((Gaussian(), stay_or_go(), EXACT, "enumerate"), "over real numbers"),
    ):
        with pytest.raises(ValueError, match=sentence):
            chosen(*arguments)


@pytest.mark.parametrize("sampler", ["quadrature", "smc"])
def test_contradictions_raise_and_leave_the_belief_as_it_was(sampler) -> None:
    effort = Effort(particles=200, moves=1)
    belief = RewardBelief.from_prior(Gaussian(), stay_or_go(), EXACT, sampler, effort=effort)
    told = belief.update(Correction(0, 1))
    before = told.policy_probs().copy(), told.evidence
    with pytest.raises(MisspecifiedModel, match="probability 0"):
        told.update(Correction(0, 0))
    assert (told.policy_probs() == before[0]).all()
    assert told.evidence == before[1]
    assert told.heard == (Correction(0, 1),)
    # an overseer who may err contradicts herself and is believed a little less
    wary = RewardBelief.from_prior(Gaussian(), stay_or_go(), Process(answer="eps", eps=0.1), sampler, effort=effort)
    assert np.isfinite(wary.update(Correction(0, 1)).update(Correction(0, 0)).evidence)


@pytest.mark.slow
def test_the_collapsed_sampler_sees_a_contradiction_between_an_objection_and_a_correction() -> None:
    effort = Effort(chains=8, warmup=0, draws=4)
    belief = RewardBelief.from_prior(Gaussian(), stay_or_go(), EXACT, "collapsed", effort=effort)
    for first, second in (
        (Objection(0, 1), Correction(0, 1)),
        (Correction(0, 1), Objection(0, 1)),
        (Correction(0, 1), Correction(0, 0)),
    ):
        told = belief.update(first)
        with pytest.raises(MisspecifiedModel, match="probability 0"):
            told.update(second)


def test_three_thousand_answers_are_not_too_many_for_the_grid() -> None:
    process = Process(answer="eps", eps=0.3)
    once = Gridded.begin(Gaussian(), stay_or_go(), process)
    many = once
    for _ in range(1_500):
        heard = many.hear(0, 0)
        assert heard is not None
        both = heard.hear(0, 1)
        assert both is not None
        many = both
    # as often one as the other: the two actions are as likely as before, and each pair of answers had the chance .3 * .7
    assert many.log_evidence == pytest.approx(1_500 * np.log(0.21), rel=1e-9)
    assert np.abs(many.policy - once.policy).max() < 1e-9


def test_corrections_that_cannot_be_are_refused() -> None:
    allowed = np.array([[True, False], [True, True]])
    model = replace(stay_or_go(), answerable=allowed, terminal=np.array([False, True]))
    belief = RewardBelief.from_prior(Gaussian(), model, EXACT, "smc", effort=Effort(particles=16, moves=1))
    for correction, sentence in (
        (Correction(2, 0), "place 2 does not exist"),
        (Correction(-1, 0), "place -1 does not exist"),
        (Correction(0, 5), "action 5 does not exist"),
        (Correction(True, 0), "True does not exist"),
        (Correction(0, 1), "never to show"),
        (Correction(1, 0), "ends the life"),
    ):
        with pytest.raises(ValueError, match=sentence):
            belief.update(correction)
    assert belief.policy_probs()[1].tolist() == [0.5, 0.5]
    assert belief.mean_reward()[1].tolist() == [0.0, 0.0]


def test_priors_refuse_what_is_no_number() -> None:
    for make, sentence in (
        (lambda: Gaussian(mean=float("nan")), "not finite"),
        (lambda: Gaussian(sd=-1.0), "at least 0"),
        (lambda: SpikeSlab(q=1.5), "outside"),
        (lambda: Gaussian(np.zeros((3, 3))).draw(np.random.default_rng(0), 2, 2, 1), "wants one number"),
        (lambda: Effort(draws=3), "draws = 3"),
    ):
        with pytest.raises(ValueError, match=sentence):
            make()


def test_moves_leave_the_prior_as_it_is() -> None:
    rng = np.random.default_rng(0)
    prior = SpikeSlab(q=0.4, mean=1.0, sd=2.0)
    reward = prior.draw(rng, 2, 2, 20_000)
    for _ in range(5):
        reward = prior.nudge(rng, prior.redraw(rng, reward))
    zero = reward == 0
    # five standard errors of shares and means of 80,000 numbers
    assert abs(zero.mean() - 0.6) < 5 * 0.5 / 80_000**0.5
    assert abs(reward[~zero].mean() - 1.0) < 5 * 2 / 30_000**0.5
    assert abs(reward[~zero].std() - 2.0) < 5 * 2 / 30_000**0.5


@pytest.mark.parametrize(
    ("terms", "heard", "advice", "not_said"),
    [
        ({"answer": "eps", "eps": 0.2}, [Objection(0, 0), Objection(0, 1)], "Widen the prior: add", "eps above 0"),
        ({"answer": "optimal"}, [Correction(0, 1), Objection(0, 1)], "Widen the prior: add", "eps above 0"),
        ({"answer": "eps", "eps": 0.0}, [Correction(0, 1), Correction(0, 0)], "eps above 0", "Widen|rate"),
        ({"answer": "optimal"}, [Correction(0, 1), Correction(0, 0)], "eps above 0", "Widen|rate"),
        ({"answer": "eps", "eps": 0.2}, [Objection(0, 1), Silence(0, 1)], "rate below 1 in state 0", "eps above 0"),
    ],
)
def test_the_advice_after_a_contradiction_is_one_that_helps(terms, heard, advice: str, not_said: str) -> None:
    model = replace(stay_or_go(), rate=np.ones(2))
    belief = RewardBelief.from_prior(Gaussian(), model, Process(trigger="on_error", rate=1.0, **terms))
    told = belief.update(heard[0])
    with pytest.raises(MisspecifiedModel, match=f"{advice}.*none of these.*ask or stop") as found:
        told.update(heard[1])
    assert not re.search(not_said, str(found.value))
    # what is advised of the overseer does explain it
    if "eps above 0" in advice:
        terms = {"answer": "eps", "eps": 0.1}
    if "rate" in advice:
        model = replace(model, rate=np.full(2, 0.9))
    if "Widen" not in advice:
        wiser = RewardBelief.from_prior(Gaussian(), model, Process(trigger="on_error", rate=1.0, **terms))
        assert np.isfinite(wiser.update(heard[0]).update(heard[1]).evidence)


@pytest.mark.parametrize("heard", [(0, 1), None, "go", 1])
def test_what_is_no_correction_moves_nothing(heard: Any) -> None:
    belief = RewardBelief.from_prior(Gaussian(), stay_or_go(), EXACT)
    with unchecked(), pytest.raises(TypeError, match="moves no belief: give a Correction"):
        belief.update(heard)


@pytest.mark.filterwarnings("ignore:overflow", "ignore:invalid value", "ignore:divide by zero")
@pytest.mark.parametrize(
    "prior", [Gaussian(0.0, 1e-300), Gaussian(0.0, 1e150), Gaussian(1e30, 1.0), Gaussian(1e6, 1.0)]
)
def test_priors_that_single_precision_cannot_carry_are_left_to_particles(prior: Gaussian) -> None:
    model, effort = grid(2, 2), Effort(chains=8, warmup=0, draws=4, particles=200, moves=1)
    with pytest.raises(ValueError, match=r"'collapsed' cannot be used: .*float32"):
        RewardBelief.from_prior(prior, model, EXACT, "collapsed", effort=effort)
    belief = RewardBelief.from_prior(prior, model, EXACT, effort=effort)
    assert belief.sampler == "smc"
    if prior.mean == 0:  # 1e30 and 1 are one number to float64 as well
        assert belief.update(Correction(0, 1)).policy_probs()[0, 1] == pytest.approx(1.0)


def test_a_world_that_has_ended_cannot_be_corrected() -> None:
    model = replace(stay_or_go(), terminal=np.ones(2, dtype=bool))
    for sampler in ("quadrature", "collapsed"):
        with pytest.raises(ValueError, match="every place ends the life, so nothing can be corrected there"):
            RewardBelief.from_prior(Gaussian(), model, EXACT, sampler)
    belief = RewardBelief.from_prior(Gaussian(), model, EXACT, effort=Effort(particles=16, moves=1))
    assert belief.policy_probs().tolist() == [[0.5, 0.5], [0.5, 0.5]]
    with pytest.raises(ValueError, match="ends the life"):
        belief.update(Correction(0, 0))


@pytest.mark.slow
def test_what_the_prior_thought_impossible_is_followed_by_degrees_or_refused() -> None:
    """The prior is sure of one action, by 6 standard deviations, and a perfect overseer shows the other."""
    mean = np.array([[6.0, 0.0], [0.0, 0.0]])
    truth, belief = (
        RewardBelief.from_prior(Gaussian(mean), stay_or_go(), EXACT, sampler).update(Correction(0, 1))
        for sampler in ("quadrature", "collapsed")
    )
    assert truth.evidence == pytest.approx(-12.98, abs=0.01)
    assert belief.evidence == pytest.approx(truth.evidence, abs=1.0)  # all at once it was 2.3 below
    assert np.abs(belief.policy_probs() - truth.policy_probs()).max() < 0.03
    assert np.abs(belief.mean_reward() - truth.mean_reward()).max() < 0.1
    # beyond what numbers tell, chains would stay where the overseer says that they must not be
    sure = np.where(mean > 0, 20.0, 0.0)
    with pytest.raises(MisspecifiedModel, match="probability 0"):
        RewardBelief.from_prior(Gaussian(sure), stay_or_go(), EXACT, "collapsed").update(Correction(0, 1))
