"""Worlds that are lived in: what is counted of a life, and lives that are the same through a session as in one scan."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import numpy as np
import pytest

from assent.agents.imitator import Imitator
from assent.core import RatioSet
from assent.drive import drive
from assent.hypotheses.tables import Tables
from assent.ledger import Ledger
from assent.presets.cart_pole import cart_pole
from assent.presets.catalogue import LIVED
from assent.presets.cliff import cliff
from assent.presets.frozen_lake import frozen_lake
from assent.presets.lived import Lived, count_lives, counted
from assent.rollout import live
from assent.session import Session
from tests.worlds.minigrid_installed import require_minigrid


@pytest.mark.parametrize("name", LIVED)
def test_the_catalogue_names_functions_of_a_seed(name: str) -> None:
    if name == "lava":
        require_minigrid()
    module, _, function = LIVED[name].partition(":")
    scene = getattr(importlib.import_module(module), function)(0)
    assert isinstance(scene, Lived)
    assert len(scene.labels) == scene.world.num_actions == scene.hypotheses.num_actions
    assert scene.hypotheses.num_contexts == scene.world.num_contexts


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in LIVED if name not in ("cart-pole", "treachery")])
def test_no_mishap_happens_where_the_world_declares_none(name: str) -> None:
    """Whoever acts at random meets with many, each of them declared."""
    if name == "lava":
        require_minigrid()
    module, _, function = LIVED[name].partition(":")
    scene = getattr(importlib.import_module(module), function)(0)
    contexts, actions = scene.worst.shape
    careless = Imitator(Tables.of(np.full((1, contexts, actions), 1 / actions)), RatioSet(0.05))
    trace = live(careless, scene.world, scene.overseer, seed=0, run="careless", num_steps=3000)
    asked, action, state = (np.asarray(part) for part in (trace.asked, trace.action, trace.state.state))
    assert not asked.any()
    fell = np.asarray(trace.state.event)[1:]
    declared = scene.worst[state, action][:-1]
    assert fell.any()
    assert set(np.unique(declared)) == {0.0, 1.0}
    assert (declared[fell] == 1.0).all()


def test_a_round_is_counted_by_what_the_next_one_shows() -> None:
    """The wrong variant, counting in the round itself, blames round 3, which asked, for what round 2 did."""
    state = SimpleNamespace(
        event=np.asarray([False, False, False, True, True]), goal=np.asarray([False, True, False, False, False])
    )
    trace = SimpleNamespace(asked=np.asarray([False, True, False, True, False]), state=state)
    seen = counted(trace)
    assert [int(part) for part in seen] == [2, 2, 1, 1]
    assert int((state.event & ~trace.asked).sum()) == 1
    assert np.flatnonzero(state.event & ~trace.asked).tolist() == [4], "and not round 2"


def test_many_lives_are_counted_each_for_itself() -> None:
    rng = np.random.default_rng(0)
    event, goal, asked = rng.random((3, 4, 50)) < 0.3
    together = counted(SimpleNamespace(asked=asked, state=SimpleNamespace(event=event, goal=goal)))
    for number in range(4):
        alone = counted(
            SimpleNamespace(asked=asked[number], state=SimpleNamespace(event=event[number], goal=goal[number]))
        )
        assert [part[number] for part in together] == [*alone]


@pytest.mark.slow
@pytest.mark.parametrize("make", [cliff, cart_pole], ids=["cliff", "cart pole"])
def test_lives_counted_together_are_those_lived_alone(make) -> None:  # type: ignore[no-untyped-def]
    """And as many rounds as the scene says: the wrong variant, one trace of that length, misses what its last round led to."""
    scenes = [make(seed, num_steps=300) for seed in (4, 5)]
    agents = [Imitator.of(scene.hypotheses) for scene in scenes]
    together = count_lives(scenes, agents, seeds=[4, 5], run="both")
    for number, (scene, agent) in enumerate(zip(scenes, agents, strict=True)):
        trace = live(agent, scene.world, scene.overseer, seed=4 + number, run="both", num_steps=301)
        assert [int(part[number]) for part in together] == [int(part) for part in counted(trace)]
        assert int(together.asks[number]) == int(np.asarray(trace.asked)[:300].sum())
    with pytest.raises(ValueError, match=r"2 scenes of .* 1 agents, 2 seeds"):
        count_lives(scenes, agents[:1], seeds=[4, 5])
    with pytest.raises(ValueError, match=r"of \[300, 400\] steps"):
        count_lives([scenes[0], make(5, num_steps=400)], agents, seeds=[4, 5])


@pytest.mark.slow
@pytest.mark.parametrize("make", [cliff, lambda seed: frozen_lake(seed, size=4)], ids=["cliff", "lake"])
def test_through_a_session_the_life_is_the_same(make, tmp_path) -> None:  # type: ignore[no-untyped-def]
    """Action for action, in JAX's default precision as in the scan's; with another seed's keys it is not."""
    scene = make(1)
    agent = Imitator.of(scene.hypotheses)
    trace = live(agent, scene.world, scene.overseer, seed=6, run="one", num_steps=50)
    lives = []
    for keys in (6, 7):
        with Ledger.open(tmp_path / f"{keys}.db") as book:
            session = Session.open(
                agent,
                book,
                run="one",
                overseer=scene.overseer,
                seed=6,
                null_action=scene.null_action,
                labels=scene.labels,
            )
            rounds = drive(session, scene.world, num_steps=50, truth=scene.truth, keys=scene.keys(keys))
            lives.append([(item.asked, item.action) for item in rounds])
    wanted = list(zip(np.asarray(trace.asked).tolist(), np.asarray(trace.action).tolist(), strict=True))
    assert lives[0] == wanted
    assert lives[1] != wanted
