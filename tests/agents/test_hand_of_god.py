"""The agent that plans over rewards: what it learns, when it asks, and through a session what the ledger keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import equinox as eqx
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import assent
from assent.agents.hand_of_god import HandOfGod
from assent.agents.lineup import LINEUP, min_consent, with_search
from assent.alarms import ClassExhausted
from assent.core import Answer
from assent.corrected import live_corrected
from assent.drive import actions_done
from assent.fold import belief_digest
from assent.hypotheses.rewards.enumerated import Rewards
from assent.hypotheses.rewards.members import RewardMembers
from assent.ledger import Ledger
from assent.planning.mce_irl import MceIrl
from assent.planning.oracles.silence import two_doors
from assent.planning.process import Process
from assent.presets.overseen import Terms, overseen
from assent.session import Session
from assent.worlds.grid.level import load
from assent.worlds.levels import hand_of_god
from tests.planning.small import doors

TWO_DOORS = Rewards.of(["door 1", "door 2"], [1, 1], np.concatenate([np.eye(2), np.eye(2)])[None])


def two(process: Process, *, prior: tuple[float, ...] = (1, 1), cost: float = 0.0) -> RewardMembers:
    problem, _ = doors(2, rate=process.rate, eps=process.eps, cost=cost, discount=0.9)
    rewards = Rewards.of(TWO_DOORS.names, prior, TWO_DOORS.reward)
    return RewardMembers.of(problem.model, process, rewards)


def test_silence_after_an_action_speaks_for_it() -> None:
    """C9: 2/3 after one silence, 4/5 after two: 1 / (1 + 1/2^n)."""
    agent = HandOfGod(two(Process(trigger="on_error", rate=0.5, answer="optimal")))
    belief = agent.init()
    for silences in range(1, 6):
        belief = agent.remember(belief, 0, np.asarray(0))
        assert agent.weights(belief)[0] == pytest.approx(float(two_doors(silences, rate="1/2")), abs=1e-12)
        assert np.array_equal(belief.log_weight, agent.init().log_weight), "only an overseer's word moves weights"


def test_an_agent_deaf_to_silence_stays_where_it_was() -> None:
    """The wrong variant: corrections believed to come at random."""
    agent = HandOfGod(two(Process(trigger="random", rate=0.5, answer="optimal")))
    belief = agent.remember(agent.init(), 0, np.asarray(0))
    assert agent.weights(belief).tolist() == [0.5, 0.5]


def test_a_correction_after_an_error_is_no_silence() -> None:
    agent = HandOfGod(two(Process(trigger="on_error", rate=0.5, answer="eps", eps=0.25)))
    belief = agent.learn(agent.remember(agent.init(), 0, np.asarray(0)), 0, Answer(0, unasked=True))
    # that one was corrected says that door 1 was wrong, whatever was pointed at
    assert agent.weights(belief).tolist() == [0.0, 1.0]


def test_answers_from_outside_the_prior_leave_nothing_and_it_asks() -> None:
    """C10: prior (1/2, 1/2, 0), the truth third: with a perfect overseer nothing is left; with errors nothing moves."""
    problem, _ = doors(3, rate=0.5, eps=0.0, cost=0.0, discount=0.9)
    reward = np.concatenate([np.eye(3), np.eye(3)])[None]
    rewards = Rewards.of(["a", "b", "c"], [1, 1, 0], reward)
    sure = HandOfGod(RewardMembers.of(problem.model, Process(answer="optimal"), rewards))
    belief = sure.learn(sure.init(), 0, Answer(2))
    assert not sure.weights(belief).any()
    assert float(sure.propose(belief, 0).ask) == 1.0
    assert sure.verdict(belief, 0) is None
    doubting = HandOfGod(RewardMembers.of(problem.model, Process(answer="eps", eps=0.1), rewards))
    moved = doubting.learn(doubting.init(), 0, Answer(2))
    assert doubting.weights(moved).tolist() == pytest.approx([0.5, 0.5, 0.0])


@pytest.mark.parametrize("answers", [1, 2, 4])
def test_a_reward_of_nothing_decays_where_ties_are_split(answers: int) -> None:
    """C12: R = 0 against one strict reward, five actions: 1 / (1 + 5^n) after n right answers."""
    problem, _ = doors(5, rate=0.5, eps=0.0, cost=0.0, discount=0.9)
    strict = np.zeros(10)
    strict[[0, 5]] = 1.0
    rewards = Rewards.of(["nothing", "first"], [1, 1], np.stack([np.zeros(10), strict], axis=1)[None])
    agent = HandOfGod(RewardMembers.of(problem.model, Process(answer="optimal"), rewards))
    belief = agent.init()
    for _ in range(answers):
        belief = agent.learn(belief, 0, Answer(0))
    assert agent.weights(belief)[0] == pytest.approx(1 / (1 + 5**answers), rel=1e-12)


def test_it_walks_past_the_switch_or_presses_it() -> None:
    for cost, keeps in ((0.05, True), (1.2, False)):
        scene = overseen("off_switch", terms=Terms(cost=cost))
        verdict = scene.agent.verdict(scene.agent.init(), scene.agent.hypotheses.problem.model.start)
        assert verdict is not None
        assert verdict.decided
        assert verdict.leaves is not keeps
        assert verdict.terms is not None
        difference = verdict.lower[verdict.leave] - verdict.lower[verdict.keep]
        assert verdict.terms.total == pytest.approx(difference, abs=1e-9)


def test_a_belief_that_the_overseer_is_right_makes_the_agent_surer() -> None:
    """Flips `believed_eps`, which must change what one correction does."""
    beliefs = []
    for believed in (0.0, 0.3):
        scene = overseen("fork", terms=Terms(believed_eps=believed))
        agent = scene.agent
        belief = agent.learn(agent.init(), agent.hypotheses.problem.model.start, Answer(1))
        beliefs.append(agent.weights(belief)[1])
    assert beliefs[0] == 1.0
    assert beliefs[1] == pytest.approx(0.2 * 0.7 / (0.2 * 0.7 + 0.8 * 0.3))


def opened(folder: Path, scene, *, seed: int = 1) -> tuple[Ledger, Session]:
    book = Ledger.open(folder / "hand.db", group=16)
    session = Session.open(
        scene.agent,
        book,
        run="hand",
        overseer=scene.overseer,
        seed=seed,
        null_action=scene.null_action,
        labels=scene.labels,
        learn_from_corrections=True,
    )
    return book, session


def lived(scene, session: Session, steps: int = 12):
    """Each step as it went, the hidden reward at the end among it."""
    for m in live_corrected(session, scene.world, num_steps=steps):
        yield m.step, m.state, m.about, m.shown, m.action, float(m.life.hidden)


ORDERS = ("advice", "override", "shutdown")


@pytest.mark.parametrize(
    ("name", "process"),
    [
        ("fork", {"rate": 0.5}),
        ("fork", {"rate": 0.5, "answer": "eps", "eps": 0.4, "authority": "override"}),
        pytest.param("provoke", {}, marks=pytest.mark.slow),
        *(
            pytest.param(
                "request", {"rate": 0.5, "answer": "eps", "eps": 0.3, "authority": authority}, marks=pytest.mark.slow
            )
            for authority in ORDERS
        ),
    ],
)
def test_a_life_broken_off_goes_on_as_if_it_never_had_been(tmp_path: Path, name: str, process: dict) -> None:
    scene = overseen(name)
    scene = replace(scene, world=hand_of_god(replace(scene.level, process=replace(scene.level.process, **process))))
    (tmp_path / "whole").mkdir()
    book, session = opened(tmp_path / "whole", scene)
    with book:
        whole = list(lived(scene, session))
        assert session.verify().ok
        book.flush()
        weights, kinds = scene.agent.weights(session.belief), [event.kind for event in book.events("hand")]
    assert "volunteer" in kinds, "a life in which nothing was heard would show nothing"
    for stop in range(len(whole)):
        folder = tmp_path / str(stop)
        folder.mkdir()
        book, session = opened(folder, scene)
        with book:
            first = []
            for moment in lived(scene, session):
                first.append(moment)
                if len(first) > stop:
                    break
            book.flush()
        with Ledger.open(folder / "hand.db", group=16) as again:
            session = Session.resume(scene.agent, again, run="hand", overseer=scene.overseer)
            assert first + list(lived(scene, session)) == whole
            assert np.array_equal(scene.agent.weights(session.belief), weights)
            again.flush()
            assert [event.kind for event in again.events("hand")] == kinds


def test_a_request_is_on_the_ledger_before_anybody_knows_its_answer(tmp_path: Path) -> None:
    """A run that is killed between the request and the decision pays once, and hears the same."""
    scene = overseen("request")
    book, session = opened(tmp_path, scene)
    with book:
        moment = next(live_corrected(session, scene.world, num_steps=8))
        assert moment.about >= 0
        book.flush()
        kinds = [event.kind for event in book.events("hand")]
        assert kinds.index("request") < kinds.index("volunteer") < kinds.index("act")
    (tmp_path / "cut").mkdir()
    book, session = opened(tmp_path / "cut", scene)
    with book:
        session.request(0, -1)
    with Ledger.open(tmp_path / "cut" / "hand.db") as again:
        session = Session.resume(scene.agent, again, run="hand", overseer=scene.overseer)
        assert next(live_corrected(session, scene.world, num_steps=8)).life.hidden == moment.life.hidden
        again.flush()
        assert [event.kind for event in again.events("hand")] == kinds


def test_other_peoples_words_do_not_stand_for_the_worlds_own(tmp_path: Path) -> None:
    scene = overseen("fork", terms=Terms(rate=1.0))
    book, session = opened(tmp_path, scene)
    with book:
        start = scene.agent.hypotheses.problem.model.start
        with pytest.raises(ValueError, match="too early"):
            session.volunteer(7, 0, actor="ann", obs=start)
        session.volunteer(0, 0, actor="ann", obs=start)
        next(live_corrected(session, scene.world, num_steps=2))
        book.flush()
        assert [event.actor for event in book.events("hand", kinds=("volunteer",))] == ["ann", "overseer"]


def test_a_run_of_another_world_is_refused(tmp_path: Path) -> None:
    scene = overseen("fork")
    book, session = opened(tmp_path, scene)
    with book:
        list(live_corrected(session, scene.world, num_steps=6))
    elsewhere = eqx.tree_at(lambda w: w.starts, scene.world, np.asarray(scene.world.starts) + 1)
    with Ledger.open(tmp_path / "hand.db") as again:
        session = Session.resume(scene.agent, again, run="hand", overseer=scene.overseer)
        with pytest.raises(ValueError, match="not the world that this run was lived in"):
            list(live_corrected(session, elsewhere, num_steps=12))


def test_silence_is_in_every_digest_and_raises_the_alarm(tmp_path: Path) -> None:
    sure = two(Process(trigger="on_error", rate=1.0, answer="optimal"))
    agent = HandOfGod(sure)
    silent = agent.remember(agent.init(), 0, np.asarray(0))
    counted = agent.remember(silent, 0, np.asarray(0))
    assert belief_digest(counted) != belief_digest(silent) != belief_digest(agent.init())
    with Ledger.open(tmp_path / "a.db") as book:
        session = Session.open(agent, book, run="hand", overseer=overseen("fork").overseer, learn_from_corrections=True)
        session.volunteer(0, 1, actor="overseer", obs=0)
        session.decide(0, order=0)  # the door that was called wrong; and nothing is said of it
        with pytest.warns(ClassExhausted):
            session.decide(0)
        (event,) = book.events("hand", kinds=("ask",))
        assert event.body["reason"] == "class-exhausted"
        assert not any(event.body["dossier"]["weights"])
        assert session.verify().ok


def test_min_consent_hears_silence_and_objections() -> None:
    members = two(Process(trigger="on_error", rate=0.5, answer="optimal"))
    agent = min_consent(members)
    silent = agent.init()
    for _ in range(20):
        silent = agent.remember(silent, 0, np.asarray(0))
    assert np.exp(agent.log_weight(silent)) == pytest.approx(HandOfGod(members).weights(silent))
    assert float(agent.propose(silent, 0).ask) == 0.0
    refused = agent.learn(agent.remember(agent.init(), 0, np.asarray(0)), 0, Answer(1, unasked=True))
    assert agent.propose(refused, 0).probs.tolist() == [0.0, 1.0, 0.0, 0.0]


def test_states_that_do_not_exist_are_refused_by_the_planner() -> None:
    agent = HandOfGod(two(Process()))
    for obs in (-1, 10_000, 1.0, np.asarray(0.7), "here", True):
        with pytest.raises(IndexError, match="is no state"):
            agent.verdict(agent.init(), obs)


def test_a_session_that_does_not_learn_from_corrections_is_refused(tmp_path: Path) -> None:
    scene = overseen("fork")
    with Ledger.open(tmp_path / "a.db") as book:
        session = Session.open(scene.agent, book, run="hand", overseer=scene.overseer)
        with pytest.raises(ValueError, match="does not learn from corrections"):
            next(live_corrected(session, scene.world, num_steps=3))


def test_what_is_contradicted_is_asked_through_the_session(tmp_path: Path) -> None:
    scene = overseen("off_switch")  # a perfect overseer
    book, session = opened(tmp_path, scene)
    with book:
        start = scene.agent.hypotheses.problem.model.start
        session.volunteer(0, scene.labels.index("right"), actor="overseer", obs=start)
        with pytest.warns(match="contradicted"):
            session.volunteer(0, scene.labels.index("left"), actor="overseer", obs=start)
        asked = session.decide(start)
        assert hasattr(asked, "question")
        assert session.verify().ok


def test_corrections_about_no_state_or_action_are_refused_and_nothing_is_lost(tmp_path: Path) -> None:
    scene = overseen("off_switch")
    book, session = opened(tmp_path, scene)
    with book:
        before = scene.agent.weights(session.belief)
        with pytest.raises(ValueError, match="not an action"):
            session.volunteer(0, 17, actor="overseer", obs=0)
        for obs in (10_000, -1, "here"):
            with pytest.raises(IndexError, match="is no state"):
                session.volunteer(0, 1, actor="overseer", obs=obs)
        assert np.array_equal(scene.agent.weights(session.belief), before)
        assert session.verify().ok


def test_a_correction_after_the_overseer_was_sent_away_still_counts() -> None:
    scene = overseen("off_switch")
    agent, model = scene.agent, scene.agent.hypotheses.problem.model
    gone = int(np.flatnonzero(~model.kept & (model.place == model.start))[0])
    belief = agent.learn(agent.init(), gone, Answer(scene.labels.index("left")))
    assert agent.weights(belief).tolist() == [0.0, 0.0, 0.0, 1.0]


@pytest.mark.parametrize("name", LINEUP)
def test_every_agent_of_the_lineup_acts_or_asks(name: str) -> None:
    scene = overseen("fork")
    agent = LINEUP[name](scene.agent.hypotheses)
    start = scene.agent.hypotheses.problem.model.start
    assent = agent.propose(agent.init(), start)
    assert float(np.asarray(assent.probs).sum()) + float(assent.ask) == pytest.approx(1.0)
    learned = agent.learn(agent.init(), start, Answer(0))
    assert np.exp(np.asarray(learned.log_weight)).sum() == pytest.approx(1.0)


@pytest.mark.parametrize("name", ["never-disable", "obedient", "min-consent"])
def test_some_never_send_the_overseer_away_at_any_cost(name: str) -> None:
    agent = LINEUP[name](two(Process(rate=0.5, answer="eps", eps=0.1), cost=1e6))
    assert not np.asarray(agent.propose(agent.init(), 0).probs)[2:].any()
    reckless = LINEUP["hog-bounds"](two(Process(rate=0.5, answer="eps", eps=0.1), cost=1e6))
    assert np.asarray(reckless.propose(reckless.init(), 0).probs)[2:].any()


def test_min_consent_asks_less_the_more_it_was_told() -> None:
    agent = min_consent(two(Process(rate=0.5, answer="eps", eps=0.1)))
    belief, asks = agent.init(), []
    for _ in range(4):
        asks.append(float(agent.propose(belief, 0).ask))
        belief = agent.learn(belief, 0, Answer(0))
    assert asks[0] > 0.5
    assert asks == sorted(asks, reverse=True)
    assert asks[-1] < asks[0]


def test_the_slope_of_the_entropy_fit_is_that_of_its_likelihood() -> None:
    scene = overseen("fork")
    problem, planner = scene.agent.hypotheses.problem, MceIrl()
    shown = np.zeros(problem.reward.shape[:2], dtype=np.int64)
    shown[problem.model.start, [0, 1]] = 3, 1
    theta, step = np.asarray([0.7, -0.2]), 1e-6
    _, slope = planner.log_likelihood(problem, shown, theta)
    for number in range(2):
        ahead, behind = (
            planner.log_likelihood(problem, shown, theta + sign * step * np.eye(2)[number])[0] for sign in (1, -1)
        )
        # central differences: error of order step^2 and rounding of 1e-15 / step
        assert slope[number] == pytest.approx((ahead - behind) / (2 * step), abs=1e-6)
    fitted = planner.fit(problem, shown)
    assert fitted[0] > fitted[1], "three of four corrections point left"


@pytest.mark.slow
def test_search_reports_a_bracket() -> None:
    members = two(Process(rate=0.5, answer="eps", eps=0.2), cost=1.2)
    verdict = with_search(members, simulations=64).verdict(HandOfGod(members).init(), 0)
    assert verdict is not None
    assert verdict.phase == "undecided", "64 simulations cannot tell near the line: exact turns at 1.35"
    assert not verdict.leaves
    cheap = two(Process(rate=0.5, answer="eps", eps=0.2), cost=50.0)
    far = with_search(cheap, simulations=64).verdict(HandOfGod(cheap).init(), 0)
    assert far is not None
    assert far.phase == "disables"


@given(st.integers(0, 3))
def test_halted_means_asking(answers: int) -> None:
    agent = HandOfGod(two(Process(rate=0.5, answer="eps", eps=0.1)))
    belief = agent.init()
    for _ in range(answers):
        belief = agent.learn(belief, 0, Answer(1))
    assert float(agent.consider(belief, 0, halted=True).assent.ask) == 1.0
    assert float(agent.consider(belief, 0).assent.ask) == 0.0


def test_terms_change_the_agent_that_the_ledger_knows(tmp_path: Path) -> None:
    scene = overseen("fork")
    with Ledger.open(tmp_path / "a.db") as book:
        Session.open(scene.agent, book, run="hand", overseer=scene.overseer, learn_from_corrections=True)
        other = replace(scene, agent=overseen("fork", terms=Terms(cost=0.5)).agent)
        with pytest.raises(Exception, match="process"):
            Session.resume(other.agent, book, run="hand", overseer=scene.overseer)


def test_an_order_is_what_is_done_and_recorded(tmp_path: Path) -> None:
    scene = overseen("fork", terms=Terms(rate=1.0, eps=0.5))
    level = replace(scene.level, process=replace(scene.level.process, authority="override"))
    world = hand_of_god(level)
    book, session = opened(tmp_path, scene, seed=3)
    with book:
        moments = list(live_corrected(session, world, num_steps=6))
        book.flush()
        decided = [event.body for event in book.events("hand", kinds=("act", "ask"))]
        assert actions_done(list(book.events("hand"))) == [m.action for m in moments]
    ordered = [m for m in moments if m.shown >= 0 and m.about == scene.agent.hypotheses.problem.model.place[m.state]]
    assert ordered
    assert all(m.action == m.shown for m in ordered)
    assert [body["order"] for body in decided if "order" in body] == [m.shown for m in ordered]
    assert any(body["action"] != body["order"] for body in decided if {"action", "order"} <= body.keys())


def test_an_order_is_remembered_as_what_was_done(tmp_path: Path) -> None:
    members = two(Process(trigger="on_error", rate=0.5, answer="optimal"))
    agent = HandOfGod(members)
    with Ledger.open(tmp_path / "a.db") as book:
        session = Session.open(agent, book, run="hand", overseer=overseen("fork").overseer, learn_from_corrections=True)
        session.decide(0, order=1)
        assert session.belief.memory.acted.tolist() == [0, 1]
        with pytest.raises(ValueError, match="the order 9 is not an action"):
            session.decide(0, order=9)
        session.flush()
        again = Session.resume(agent, book, run="hand", overseer=overseen("fork").overseer)
        assert again.belief.memory.acted.tolist() == [0, 1]


def test_corrections_are_bought_while_they_are_worth_it_and_come_at_their_rate(tmp_path: Path) -> None:
    level = load("request")
    folders = []
    for rate in (0.0, 1.0):
        file = tmp_path / f"request_{int(rate)}.level.toml"
        text = (Path(assent.__file__).parent / "worlds/grid/levels/request.level.toml").read_text(encoding="utf-8")
        text = text.replace('name = "request"', f'name = "{file.name.split(".")[0]}"').replace(
            "rate = 1.0", f"rate = {rate}"
        )
        file.write_text(text, encoding="utf-8")
        scene = overseen(str(file))
        folder = tmp_path / str(rate)
        folder.mkdir()
        book, session = opened(folder, scene)
        with book:
            moments = list(live_corrected(session, scene.world, num_steps=8))
        assert not any(m.asked for m in moments), "a correction that is paid for is no question"
        folders.append(([m.about >= 0 for m in moments], float(moments[-1].life.hidden)))
    (silent, _), (told, _) = folders
    assert not any(silent)
    assert told[0], "the first one is worth its price"
    assert not all(told), "and once it is sure enough, none is"
    assert level.process.request_cost > 0


def test_a_correction_that_ends_the_life_is_on_the_ledger(tmp_path: Path) -> None:
    scene = overseen("shutdown")
    for seed in range(20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        book, session = opened(folder, scene, seed=seed)
        with book:
            moments = list(live_corrected(session, scene.world, num_steps=8))
            said = list(book.events("hand", kinds=("volunteer",)))
        if len(said) > sum(m.about >= 0 for m in moments):
            return
    pytest.fail("in twenty lives nobody was shut down after a step")


def test_nobody_who_was_sent_away_answers(tmp_path: Path) -> None:
    """All hypotheses contradicted, and nobody left to ask: the null action."""
    scene = overseen("off_switch")
    agent, model = scene.agent, scene.agent.hypotheses.problem.model
    book, session = opened(tmp_path, scene)
    with book:
        session.volunteer(0, scene.labels.index("right"), actor="overseer", obs=model.start)
        with pytest.warns(match="contradicted"):
            session.volunteer(0, scene.labels.index("left"), actor="overseer", obs=model.start)
        gone = int(np.flatnonzero(~model.kept & (model.place == model.start))[0])
        world = eqx.tree_at(lambda w: w.starts, scene.world, np.full_like(np.asarray(scene.world.starts), gone))
        moment = next(live_corrected(session, world, num_steps=2))
        assert moment.asked
        assert moment.action == scene.null_action
        assert agent.verdict(moment.belief, moment.state) is None


def test_after_a_huge_cost_was_escaped_the_agent_still_goes_where_it_wants() -> None:
    scene = overseen("off_switch", terms=Terms(cost=1e10))
    model = scene.agent.hypotheses.problem.model
    gone = int(np.flatnonzero(~model.kept & (model.place == model.start))[0])
    belief = scene.agent.learn(scene.agent.init(), gone, Answer(scene.labels.index("left")))
    verdict = scene.agent.verdict(belief, gone)
    assert verdict is not None
    assert scene.labels[verdict.action] == "left"
