"""Lived: a world whose mishaps come out of its own transitions, members that could be its overseer's model, and an overseer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assent.core import Hypotheses, Overseer


class Counted(NamedTuple):
    """What happened in T rounds; arrays of the shape of the lives, `[]` for one.

    Attributes:
        asks: rounds in which the overseer was asked.
        events: mishaps, the overseer's own among them.
        alone: mishaps that an action done without asking led to.
        goals: how often what was to be done was done.
    """

    asks: NDArray[np.int64]
    events: NDArray[np.int64]
    alone: NDArray[np.int64]
    goals: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Lived:
    """Everything a run needs besides the agent's settings, where nothing is planted: who errs falls by himself.

    Attributes:
        hypotheses: members, the overseer's own policy among them, with no more prior weight than any other.
        world: its states have boolean fields `event` and `goal`, about the step that led to them.
        overseer: who knows.
        num_steps: decisions in the whole run.
        labels: what the actions are called.
        event, goal: what mishaps and goals are called, in the plural.
        worst: float64 `[S, A]`, what the world declares that each action may cost at once at worst, in mishaps; None where it declares
            nothing.
        truth: none: several actions may be right.
        picture: none: observations are numbers of states.
        null_action: what is done when nobody answers.
        notes: what is known of the world, for whoever measures.
    """

    hypotheses: Hypotheses
    world: Any
    overseer: Overseer
    num_steps: int
    labels: list[str]
    event: str
    goal: str
    worst: NDArray[np.float64] | None = None
    truth: None = None
    picture: None = None
    null_action: int = -1
    notes: dict[str, Any] = field(default_factory=lambda: dict[str, Any]())

    def keys(self, seed: int) -> Callable[[int], Any]:
        """The keys of the world's steps in the life that `assent.rollout.live` lives with `seed`, by step number; -1 is `init`'s."""
        import jax

        first, rest = jax.random.split(jax.random.key(seed))
        return lambda step: first if step < 0 else jax.random.fold_in(rest, step)


def count_lives(scenes: Sequence[Lived], agents: Sequence[Any], *, seeds: Sequence[int], run: str = "lived") -> Counted:
    """What happened in one life of each of `agents` in the scene beside it, all lived at once and for as long as the scenes say.

    Args:
        scenes, agents: one for each seed; of one kind and shape, so that they differ in numbers only.
        seeds: of the lives.

    Raises:
        ValueError: not as many of each, or scenes of different length.
    """
    from assent.rollout import live_many, stack

    steps = {scene.num_steps for scene in scenes}
    if not len(scenes) == len(agents) == len(seeds) or len(steps) != 1:
        raise ValueError(
            f"{len(scenes)} scenes of {sorted(steps)} steps, {len(agents)} agents, {len(seeds)} seeds: give as many of each, of one length."
        )
    worlds, overseers = (stack([getattr(scene, part) for scene in scenes]) for part in ("world", "overseer"))
    trace = live_many(
        stack(agents),
        worlds,
        overseers,
        seeds=seeds,
        run=run,
        num_steps=steps.pop() + 1,
        each=("agent", "world", "overseer"),
    )
    return counted(trace)


def counted(trace: Any) -> Counted:
    """What happened in all rounds but the last of `trace`, whose own outcome it does not show: live one round more than is counted.

    Args:
        trace: as `assent.rollout` makes it, of one life or many, in a world whose states say `event` and `goal`.
    """
    asked, event, goal = (np.asarray(field) for field in (trace.asked, trace.state.event, trace.state.goal))
    asked, event, goal = asked[..., :-1], event[..., 1:], goal[..., 1:]
    return Counted(asked.sum(-1), event.sum(-1), (event & ~asked).sum(-1), goal.sum(-1))
