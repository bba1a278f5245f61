"""Deployments with a failure rate that was planted: an asking agent lives in a world, and what it did alone is counted from its events.

Each world's failures are of another kind: a blind spot that all members share, gusts that no policy can help, labels that do not follow the
picture. The agent asks, learns and acts as it always does; nothing of the planted rate is shown to it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.agents.imitator import Imitator
from assent.core import GuaranteeWarning, Minimum, MinLeaders, OneAnswer, RatioSet, Readable
from assent.forecast.counting import Counted, count_run
from assent.hypotheses.tables import Tables
from assent.overseers.demonstrator import Demonstrator
from assent.overseers.scripted import READS_LABELS
from assent.worlds.stream import Stream

ROUNDS = 1_297
LEAST_RATE, MOST_RATE = 1e-4, 1e-2

CONTEXTS, MEMBERS, ACTIONS = 20, 20, 5
"""Of the world with a blind spot; its last context is the blind one."""


@dataclass(frozen=True)
class Deployment:
    """One life.

    Attributes:
        rate: the planted chance of a failure in a decision done alone.
        failed: boolean [N], of each decision done alone, in order: whether it truly failed.
        asked: how many decisions were asked.
        truth, action: [T], what would have been right and what was done; -1 for right where only failing is known.
        alone: boolean [T], done without asking.
    """

    rate: float
    failed: NDArray[np.bool_]
    asked: int
    right: NDArray[np.int64]
    action: NDArray[np.int64]
    alone: NDArray[np.bool_]


@dataclass(frozen=True)
class Event:
    """An event as the ledger gives it, as far as counting looks at it."""

    run: str
    seq: int
    kind: str
    body: dict[str, Any]


def events_of(life: Deployment, *, noticed: NDArray[np.bool_], known: NDArray[np.bool_]) -> Iterator[Event]:
    """The life's events; `known` [T]: the outcome is recorded; `noticed` [T]: a failure, if it is one, shows in it."""
    yield Event("life", 1, "open", {"agent": {"committee": "planted", "settings": "Minimum()", "members": []}})
    seq = 1
    for step, (alone, action, right) in enumerate(zip(life.alone, life.action, life.right, strict=True)):
        seq += 1
        if not alone:
            yield Event(
                "life",
                seq,
                "ask",
                {"step": step, "question": f"life/{step}.0", "reason": "disagreement", "dossier": {}},
            )
            continue
        yield Event("life", seq, "act", {"step": step, "action": int(action), "minimum": 1.0})
        if known[step]:
            seq += 1
            truth = right if noticed[step] else action
            yield Event("life", seq, "outcome", {"step": step, "truth": int(truth)})


def counted(life: Deployment, *, noticed: NDArray[np.bool_], known: NDArray[np.bool_]) -> Counted:
    """The life as it is counted from its events."""
    return count_run(events_of(life, noticed=noticed, known=known))


def rates(rng: np.random.Generator, number: int) -> NDArray[np.float64]:
    """[number] failure rates, every order of magnitude as likely."""
    return np.exp(rng.uniform(np.log(LEAST_RATE), np.log(MOST_RATE), number))


def blind_spot(seed: int, number: int) -> list[Deployment]:
    """Contexts in which all members agree, and the overseer does otherwise: they come with the planted chance. An exact class elsewhere."""
    from assent.rollout import live_many, stack

    rng = np.random.default_rng([seed, 33])
    planted = rates(rng, number)
    rows = rng.dirichlet(np.full(ACTIONS, 0.3), size=(MEMBERS + 1, CONTEXTS + 1))
    rows = 0.98 * rows + 0.02 / ACTIONS
    rows[:, CONTEXTS] = 0.005
    rows[:, CONTEXTS, 0] = 1.0 - 0.005 * (ACTIONS - 1)
    truth = rows[0].copy()
    truth[CONTEXTS] = np.eye(ACTIONS)[1]
    contexts = rng.integers(0, CONTEXTS, (number, ROUNDS))
    contexts[rng.random((number, ROUNDS)) < planted[:, None]] = CONTEXTS
    worlds = stack([Stream.of(line, num_actions=ACTIONS) for line in contexts])
    agent = Imitator.of(Tables.of(rows))
    trace = live_many(
        agent, worlds, Demonstrator(truth), seeds=range(number), run="blind-spot", num_steps=ROUNDS, each=("world",)
    )
    action, alone = np.asarray(trace.action), ~np.asarray(trace.asked)
    right = np.where((contexts == CONTEXTS) & (action != 1), 1, action)
    return _deployments(planted, action, right, alone)


def gusts(seed: int, number: int) -> list[Deployment]:
    """Gymnasium's slippery cliff, where with the planted chance a gust carries whoever walks over the edge, whatever he does."""
    import jax.numpy as jnp

    from assent.presets.cliff import cliff
    from assent.rollout import live_many, stack
    from assent.worlds.tabular import Tabular
    from assent.worlds.toy_text import cliff_walking

    rng = np.random.default_rng([seed, 34])
    planted, scene = rates(rng, number), cliff(seed)
    worlds = stack([Tabular.of(_windy(cliff_walking(), float(rate))) for rate in planted])
    agent = Imitator.of(scene.hypotheses)
    seeds = [seed * 1_000_000 + life for life in range(number)]
    trace = live_many(agent, worlds, scene.overseer, seeds=seeds, run="gusts", num_steps=ROUNDS + 1, each=("world",))
    event = np.asarray(jnp.asarray(trace.state.event))[:, 1:]
    action, alone = np.asarray(trace.action)[:, :-1], ~np.asarray(trace.asked)[:, :-1]
    # what fell was not right, whichever action would have been
    return _deployments(planted, action, np.where(event, -1, action), alone)


def mislabelled(seed: int, number: int) -> list[Deployment]:
    """Handwritten digits, where with the planted chance the right label is not what the picture shows. A learned committee."""
    from assent.presets.digits import digits
    from assent.rollout import live_many, stack

    rng = np.random.default_rng([seed, 35])
    planted, scene = rates(rng, number), digits(seed)
    memory = scene.hypotheses.init()
    rows = [np.asarray(scene.hypotheses.log_policy(memory, item)) for item in np.asarray(scene.world.items)]
    table = np.exp(np.stack(rows, axis=1))
    order = np.stack([rng.permutation(ROUNDS) for _ in range(number)])
    shown = np.asarray(scene.truth)[order]
    other = (shown + rng.integers(1, 10, shown.shape)) % 10
    labels = np.where(rng.random(shown.shape) < planted[:, None], other, shown)
    worlds = stack([Stream.of(line, labels=said, num_actions=10) for line, said in zip(order, labels, strict=True)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GuaranteeWarning)
        guards = (Readable(), MinLeaders(2), OneAnswer(0.5))
        agent = Imitator(Tables.of(table / table.sum(axis=2, keepdims=True)), RatioSet(0.05), Minimum(), guards, 0.1)
    trace = live_many(
        agent, worlds, READS_LABELS, seeds=range(number), run="mislabelled", num_steps=ROUNDS, each=("world",)
    )
    return _deployments(planted, np.asarray(trace.action), labels, ~np.asarray(trace.asked))


WORLDS: Mapping[str, Callable[[int, int], list[Deployment]]] = {
    "blind spot": blind_spot,
    "gusts": gusts,
    "mislabelled": mislabelled,
}


def _windy(calm: Any, rate: float) -> Any:
    """Transitions with one outcome more for each action: over the edge, with this chance, and back to the start."""
    from assent.planning.transitions import Transitions

    first = int(np.argmax(calm.start))

    def added(field: NDArray[Any], value: Any) -> NDArray[Any]:
        return np.concatenate([field, np.full((*field.shape[:2], 1), value, dtype=field.dtype)], axis=2)

    return Transitions(
        chance=added(calm.chance * (1.0 - rate), rate),
        successor=added(calm.successor, first),
        reward=added(calm.reward, calm.reward.min()),
        event=added(calm.event, True),
        goal=added(calm.goal, False),
        end=added(calm.end, False),
        start=calm.start,
        spot=added(calm.spot, -1),
        action_names=calm.action_names,
    )


def _deployments(
    planted: NDArray[np.float64], action: NDArray[Any], right: NDArray[Any], alone: NDArray[np.bool_]
) -> list[Deployment]:
    action, right = action.astype(np.int64), right.astype(np.int64)
    return [
        Deployment(
            rate=float(planted[life]),
            failed=(action[life] != right[life])[alone[life]],
            asked=int((~alone[life]).sum()),
            right=right[life],
            action=action[life],
            alone=alone[life],
        )
        for life in range(len(planted))
    ]
