"""Guards that keep count: each one's law, and what flipping it changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.core import (
    Answer,
    AskFirst,
    Assent,
    ContextAudit,
    Done,
    HarmonicAudit,
    MinLeaders,
    OneAnswer,
    RatioSet,
    Readable,
    RiskCap,
    Tallied,
    Unexplained,
    Vetoed,
)
from assent.core.guards import Context
from assent.hypotheses.tables import Tables
from tests.session_support import unchecked

LEAST = np.asarray([0.5, 0.25])


def context(obs: Any = 0, least: Any = LEAST) -> Context:
    return Context(*map(np.asarray, (3, 3, True, False)), obs=obs, least=least)


def ask(guard: Any, tally: Any, obs: Any = 0, least: Any = LEAST) -> float:
    return float(guard(Assent(LEAST), context(obs, least), tally).ask)


def alone(obs: int = 0) -> Done:
    return Done(obs, 0, False, 0.2, 0.3)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_cap_that_is_no_number_of_nats_is_refused(value: float) -> None:
    with pytest.raises(ValueError, match="number of nats"):
        RiskCap(value)


def test_the_cap_counts_what_was_done_or_what_might_have_been() -> None:
    done = alone()
    assert float(RiskCap(1.0).count(np.asarray(0.0), done)) == 0.2
    assert float(RiskCap(1.0, realised=False).count(np.asarray(0.0), done)) == 0.3


def test_the_cap_asks_once_the_next_round_might_pass_it() -> None:
    worst = np.log(1.25)
    guard = RiskCap(0.5)
    assert ask(guard, np.asarray(0.5 - worst - 1e-9)) == 0.25
    assert ask(guard, np.asarray(0.5 - worst + 1e-9)) == 1.0
    assert ask(guard, np.asarray(0.0), least=None) == 1.0  # nobody says what the leaders would do at least
    assert ask(guard, np.asarray(float("nan"))) == 1.0
    assert ask(guard, np.asarray(float("inf"))) == 1.0


def test_the_cap_must_come_last() -> None:
    bank = Tables.of(np.full((2, 1, 2), 0.5))
    with pytest.raises(ValueError, match="RiskCap must be the last guard"):
        Imitator.of(bank, guards=(RiskCap(1.0), OneAnswer(0.5)))
    Imitator.of(bank, guards=(OneAnswer(0.5), RiskCap(1.0)))


def test_harmonic_audits_grow_like_the_logarithm() -> None:
    """Between lone acts k and k + 1 come `rate / (1 - rate) = first / (k + 1)` audits on average, so `first` times a harmonic number."""
    guard, tally, expected = HarmonicAudit(4.0), np.asarray(0.0), 0.0
    agreed = np.asarray([0.5, 0.5])
    for _ in range(2000):
        rate = float(guard(Assent(agreed), context(), tally).ask)
        assert rate < 1, "where everything is audited nothing is ever done alone, and the rate never falls"
        expected += rate / (1 - rate)
        tally = guard.count(tally, alone())
    assert expected == pytest.approx(4 * (1 / np.arange(1, 2001)).sum(), rel=1e-9)
    assert float(HarmonicAudit(4.0, floor=0.1)(Assent(agreed), context(), tally).ask) == pytest.approx(0.1)


def test_asked_rounds_do_not_thin_audits_out() -> None:
    asked = Done(0, 0, True, 0.0, 0.0)
    assert float(HarmonicAudit(4.0).count(np.asarray(0.0), asked)) == 0.0


def test_a_context_that_is_seldom_seen_is_audited_as_if_it_were_new() -> None:
    guard = ContextAudit(1.0)
    tally = guard.start(np.zeros(3), 2)
    for _ in range(9):
        tally = guard.count(tally, alone(0))
    agreed = Assent(np.asarray([0.5, 0.5]))
    assert float(guard(agreed, context(0), tally).ask) == pytest.approx(1 / 11)
    assert float(guard(agreed, context(1), tally).ask) == 0.5
    assert float(guard(agreed, context(None), tally).ask) == 1.0
    with pytest.raises(TypeError, match="HarmonicAudit"):
        guard.start(np.zeros(3), None)


def test_the_first_rounds_are_asked() -> None:
    guard, tally = AskFirst(2), np.asarray(0)
    assert ask(guard, tally) == 1.0
    for _ in range(2):
        tally = guard.count(tally, Done(0, 0, True, 0.0, 0.0))
        assert ask(guard, tally) == 1.0, "a question that nobody answers is no answer"
        tally = guard.hear(tally, 0, np.asarray(0), np.zeros((1, 2)))
    assert ask(guard, tally) == 0.25


def test_what_was_vetoed_is_asked_there_and_nowhere_else() -> None:
    guard = Vetoed(2)
    tally = guard.forbid(guard.start(np.zeros(3), 2), 1, 0)
    after = guard(Assent(LEAST), context(1), tally)
    assert after.probs.tolist() == [0.0, 0.25]
    assert guard(Assent(LEAST), context(0), tally).probs.tolist() == LEAST.tolist()
    assert ask(guard, tally, obs=None) == 1.0
    with pytest.raises(TypeError, match="num_contexts"):
        guard.start(np.zeros(3), None)


def test_a_guard_with_a_tally_is_told_from_one_without() -> None:
    assert isinstance(RiskCap(), Tallied)
    assert not isinstance(Readable(), Tallied)
    assert not isinstance(MinLeaders(2), Tallied)


def test_an_agents_tallies_move_by_rounds_and_its_weights_do_not() -> None:
    agent = Imitator.of(Tables.of(np.full((2, 3, 2), 0.5)), guards=(ContextAudit(), RiskCap(1.0)))
    belief = agent.init()
    after = agent.count(belief, alone(2))
    assert after.tallies[0].tolist() == [0.0, 0.0, 1.0]
    assert float(after.tallies[1]) == 0.2
    assert after.log_weight is belief.log_weight
    assert belief.tallies[0].tolist() == [0.0, 0.0, 0.0]


# The alarm that nobody explains the overseer


def bank(rows: np.ndarray) -> Tables:
    return Tables.of(np.asarray(rows, dtype=np.float64))


def test_the_evidence_is_the_ratio_of_a_table_that_learned_and_the_best_member() -> None:
    """Against the product worked out answer by answer."""
    rng = np.random.default_rng(0)
    rows = rng.dirichlet(np.ones(3), size=(4, 2))
    agent = Imitator.of(bank(rows), guards=(Unexplained(3),))
    belief = agent.init()
    answers = [(int(rng.integers(2)), int(rng.integers(3))) for _ in range(60)]
    log_table, log_members, counts = np.zeros(2), np.zeros((2, 4)), np.zeros((2, 3))
    for obs, action in answers:
        log_table[obs] += np.log((counts[obs, action] + 0.5) / (counts[obs].sum() + 1.5))
        log_members[obs] += np.log(rows[:, obs, action])
        counts[obs, action] += 1
        belief = agent.learn(belief, obs, Answer(action))
    evidence = belief.tallies[0]
    assert np.allclose(evidence.log_table, log_table, rtol=0, atol=1e-12)
    assert np.allclose(evidence.log_members, log_members, rtol=0, atol=1e-12)


def test_it_fires_in_the_group_that_is_not_explained_and_asks_only_there() -> None:
    rows = np.full((3, 2, 2), 0.5)
    rows[:, 1] = [0.95, 0.05]  # all say that the overseer nearly always does 0 in context 1
    agent = Imitator.of(bank(rows), guards=(Unexplained(2, 0.01),))
    belief = agent.init()
    for _ in range(40):
        belief = agent.learn(belief, 1, Answer(1))
        belief = agent.learn(belief, 0, Answer(0))
        belief = agent.learn(belief, 0, Answer(1))
    assert belief.tallies[0].fired.tolist() == [False, True]
    assert float(agent.propose(belief, 1).ask) == 1.0
    assert float(agent.propose(belief, 0).ask) == 0.0
    without = Imitator.of(bank(rows))
    assert float(without.propose(without.init(), 1).ask) == 0.0  # the guard is what asks


@pytest.mark.slow
def test_false_alarms_are_as_rare_as_delta_says() -> None:
    """800 runs of an overseer who is a member, 60 answers each in 4 contexts: alarms at most delta plus three standard errors.

    The wrong variant, a table that has already seen the answer it predicts, fires more often than that.
    """
    rng, delta, runs = np.random.default_rng(1), 0.2, 800
    rows = rng.dirichlet(np.ones(3), size=(5, 4))
    obs = rng.integers(4, size=(runs, 60))
    answers = (rng.random((runs, 60, 1)) > rows[0][obs].cumsum(axis=2)).sum(axis=2)
    with unchecked():
        alarms = {
            name: _alarms(rows, obs, answers, delta, before=before) for name, before in (("sound", 1), ("wrong", 0))
        }
    most = delta + 3 * np.sqrt(delta * (1 - delta) / runs)
    assert alarms["sound"].mean() <= most < alarms["wrong"].mean()


def _alarms(rows: np.ndarray, obs: np.ndarray, answers: np.ndarray, delta: float, *, before: int) -> np.ndarray:
    """Whether `Unexplained` fires, for all runs at once, through its own `hear` for the sound one."""
    if before:
        return np.asarray([_fired(rows, o, a, delta) for o, a in zip(obs, answers, strict=True)])
    groups, actions = rows.shape[1:]
    fired = np.zeros(len(obs), dtype=bool)
    for run in range(len(obs)):
        counts, table, members = np.zeros((groups, actions)), np.zeros(groups), np.zeros((groups, len(rows)))
        for o, a in zip(obs[run], answers[run], strict=True):
            counts[o, a] += 1  # too early
            table[o] += np.log((counts[o, a] + 0.5) / (counts[o].sum() + actions / 2))
            members[o] += np.log(rows[:, o, a])
            fired[run] |= table[o] - members[o].max() >= np.log(groups / delta)
    return fired


def _fired(rows: np.ndarray, obs: np.ndarray, answers: np.ndarray, delta: float) -> bool:
    guard = Unexplained(rows.shape[2], delta)
    tally = guard.start(np.zeros(len(rows)), rows.shape[1])
    for o, a in zip(obs.tolist(), answers.tolist(), strict=True):
        tally = guard.hear(tally, o, a, np.log(rows[:, o]))
        if tally.fired.any():
            return True
    return False


def test_groups_join_contexts() -> None:
    guard = Unexplained(2, 0.05, groups=np.asarray([0, 0, 1]), num_groups=2)
    tally = guard.hear(guard.start(np.zeros(2), 3), 1, 0, np.log(np.full((2, 2), 0.5)))
    assert tally.counts.tolist() == [[1.0, 0.0], [0.0, 0.0]]
    with pytest.raises(ValueError, match="come together"):
        Unexplained(2, groups=np.asarray([0, 1]))


# Fixed share


def test_fixed_share_brings_a_refuted_member_back_and_nothing_else_does() -> None:
    rows = np.asarray([[[0.9, 0.1]], [[0.1, 0.9]]])
    agent, stubborn = (Imitator.of(bank(rows), leading=RatioSet(0.05), share=share) for share in (0.05, 0.0))
    beliefs = [agent.init(), stubborn.init()]
    for action in [0] * 60 + [1] * 6:
        beliefs = [one.learn(b, 0, Answer(action)) for one, b in zip((agent, stubborn), beliefs, strict=True)]
    assert np.exp(beliefs[0].log_weight)[1] > 0.9
    assert np.exp(beliefs[1].log_weight)[1] < 1e-40
    with pytest.raises(ValueError, match="share"):
        Imitator.of(bank(rows), share=1.0)


def test_sharing_is_the_mixture_of_weights_and_prior() -> None:
    rng = np.random.default_rng(2)
    rows = rng.dirichlet(np.ones(3), size=(4, 1))
    agent = Imitator.of(bank(rows), share=0.1)
    plain = Imitator.of(bank(rows))
    belief = agent.init()
    moved = np.exp(plain.learn(plain.init(), 0, Answer(2)).log_weight)
    expected = 0.9 * moved + 0.1 * np.exp(belief.log_prior)
    assert np.allclose(np.exp(agent.learn(belief, 0, Answer(2)).log_weight), expected, rtol=0, atol=1e-14)


def test_the_alarm_is_refused_for_families_and_deaf_to_corrections() -> None:
    from assent.hypotheses.simplexes import Simplexes

    with pytest.raises(ValueError, match="whose best policy nobody knows"):
        Imitator.of(Simplexes.of(2, 3), guards=(Unexplained(3),))
    agent = Imitator.of(bank(np.full((2, 1, 2), 0.5)), guards=(Unexplained(2),))
    corrected = agent.learn(agent.init(), 0, Answer(1, unasked=True))
    assert corrected.tallies[0].counts.sum() == 0


@pytest.mark.parametrize(
    ("obs", "said"),
    [(np.asarray([0.5, 1.0]), "is no number"), ((0, 1), "is no number"), (7, "in no group"), (-1, "in no group")],
)
def test_groups_are_of_numbered_contexts(obs: Any, said: str) -> None:
    guard = Unexplained(3, 0.05, np.asarray([0, 1, 0]), 2)
    tally = guard.start(np.zeros(4), None)
    context = Context(*map(np.asarray, (3, 13, True, False)), obs=obs)
    with pytest.raises(ValueError, match=said):
        guard(Assent(np.full(3, 1 / 3)), context, tally)
