"""hand of god: a finite world in which no reward is shown, and an overseer who now and then shows a right action."""

from __future__ import annotations

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from assent.planning.model import Model
from assent.planning.problem import Problem
from assent.planning.process import Authority, Process, Shown, Trigger

NOTHING = -1
"""The place and the action of a correction that did not come; as an action: nobody acts, and time passes."""


class Seen(eqx.Module):
    """What the agent sees. Never a reward.

    Attributes:
        state: the state of the model.
        about: the place that this step's correction is about, -1 where none came.
        shown: the action that it shows, or -1.
    """

    state: Int[Array, "*lives"]
    about: Int[Array, "*lives"]
    shown: Int[Array, "*lives"]


class Life(eqx.Module):
    """A state of the world.

    Attributes:
        state: the state of the model.
        about, shown: this step's correction, -1 where none came.
        corrections: how many came so far.
        step: steps done.
        done: the life is over: a terminal state, or a correction that shuts down.
        hidden: what was gained so far, discounted, costs of oversight and of requests taken off. Nobody but the runner may look.
    """

    state: Int[Array, "*lives"]
    about: Int[Array, "*lives"]
    shown: Int[Array, "*lives"]
    corrections: Int[Array, "*lives"]
    step: Int[Array, "*lives"]
    done: Bool[Array, "*lives"]
    hidden: Float[Array, "*lives"]


class HandOfGod(eqx.Module):
    """A `Model` with the overseer that `Process` describes, under one true reward. S states, A actions, K successors, P places.

    A step: the correction for it has come already, with `init` or with the step before; the action is done (or the one that an
    overriding correction shows), gains its reward and pays for the overseer; the next state is drawn, and the next step's correction.
    After an error that is corrected (trigger `on_error`), the correction is about the place of the error. Actions in `asks`, or the
    method `request`, ask for one where the trigger is `on_request`; it is paid for in the step in which it may come. A life that is
    over changes no more.

    `pedagogic` corrections are about the places of `order` in turn: what teaches an agent most, only its own belief could tell.
    `chosen` ones are about the current place unless the runner says otherwise with `request`.
    """

    successor: Int[Array, "S A K"]
    below: Float[Array, "S A K"]
    terminal: Bool[Array, " S"]
    place: Int[Array, " S"]
    rate: Float[Array, " S"]
    cost: Float[Array, "S A"]
    reward: Float[Array, "P A"]
    answer: Float[Array, "P A"]
    speaks: Bool[Array, " P"]
    wrong: Bool[Array, "P A"]
    order: Int[Array, " Q"]
    asks: Bool[Array, " A"]
    starts: Int[Array, " I"]
    starts_below: Float[Array, " I"]
    discount: Float[Array, ""]
    request_cost: Float[Array, ""]
    nobody: int = eqx.field(static=True)
    trigger: Trigger = eqx.field(static=True)
    shown: Shown = eqx.field(static=True)
    authority: Authority = eqx.field(static=True)

    @classmethod
    def of(
        cls,
        model: Model,
        process: Process,
        reward: np.ndarray,
        *,
        asks: tuple[str, ...] = (),
        starts: tuple[tuple[int, float], ...] = (),
        ranking: np.ndarray | None = None,
    ) -> HandOfGod:
        """The world of `model` under the true `reward`, its corrections as `process` says.

        Args:
            reward: [P, A], true for the overseer, hidden from the agent.
            asks: the names of actions that ask for a correction in the coming step.
            starts: first states with their chances; the model's own start when left out.
            ranking: [P], places with more are shown first where the overseer is pedagogic; places in their order when left out.

        Raises:
            ValueError: a reward or ranking of another shape, a reward or cost that is no number, or too large for JAX's default
                precision, or an action that there is not.

        >>> from assent.planning.process import Process
        >>> world = HandOfGod.example()
        >>> life = world.init(jax.random.key(0))
        >>> int(world.observe(life).state), float(life.hidden)
        (0, 0.0)
        """
        places, actions = model.num_places, model.num_actions
        if reward.shape != (places, actions):
            raise ValueError(
                f"the true reward has shape {reward.shape}; this model wants [P, A] = {[places, actions]}."
            )
        order = np.arange(places) if ranking is None else np.argsort(-np.asarray(ranking), kind="stable")
        if len(order) != places:
            raise ValueError(f"ranking has {len(order)} entries for {places} places. Give one for each.")
        unknown = set(asks) - set(model.action_names)
        if unknown:
            raise ValueError(f"asks names {sorted(unknown)[0]!r}, which is no action; they are {model.action_names}.")
        problem = Problem(model, process, np.asarray(reward, dtype=np.float64)[:, :, None])
        speaks = model.answerable.any(axis=1) & ~model.terminal[:places]
        first = np.asarray(starts or ((model.start, 1.0),), dtype=np.float64)
        return cls(
            successor=_whole(model.successor),
            below=_real(_cumulated(model.chance)),
            terminal=jnp.asarray(model.terminal),
            place=_whole(model.place),
            rate=_real(model.rate),
            cost=_real(model.cost),
            reward=_real(reward),
            answer=_real(_cumulated(problem.likelihood[:, :, 0])),
            speaks=jnp.asarray(speaks),
            wrong=jnp.asarray(problem.suboptimal[:, :, 0]),
            order=_whole(order[speaks[order]]),
            asks=jnp.asarray([name in asks for name in model.action_names]),
            starts=_whole(first[:, 0]),
            starts_below=_real(_cumulated(first[:, 1])),
            discount=_real(np.asarray(model.discount)),
            request_cost=_real(np.asarray(process.request_cost)),
            nobody=model.action_names.index("stay") if "stay" in model.action_names else NOTHING,
            trigger=process.trigger,
            shown=process.shown,
            authority=process.authority,
        )

    @staticmethod
    def example() -> HandOfGod:
        """Two rooms and a way out, two actions; the overseer speaks in half of all steps."""
        successor = np.asarray([[[0, 0], [1, 0]], [[1, 1], [2, 2]], [[2, 2], [2, 2]]])
        model = Model(
            successor=successor,
            chance=np.asarray([[[1, 0], [0.75, 0.25]], [[1, 0], [1, 0]], [[1, 0], [1, 0]]], dtype=np.float64),
            terminal=np.asarray([False, False, True]),
            discount=0.9,
            place=np.arange(3),
            mode=np.zeros(3, dtype=np.int64),
            rate=np.asarray([0.5, 0.5, 0.0]),
            cost=np.zeros((3, 2)),
            kept=np.ones(3, dtype=bool),
            answerable=np.ones((3, 2), dtype=bool),
            state_names=("here", "there", "out"),
            action_names=("stay", "go"),
        )
        return HandOfGod.of(model, Process(answer="optimal"), np.asarray([[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]]))

    @property
    def num_actions(self) -> int:
        return self.reward.shape[1]

    @property
    def null_action(self) -> int:
        return self.nobody

    def init(self, key: PRNGKeyArray) -> Life:
        chance = jax.random.uniform(key, (4,), self.rate.dtype)
        state = self.starts[_drawn(self.starts_below, chance[0])]
        zero = jnp.zeros_like(state)
        life = Life(state, zero + NOTHING, zero + NOTHING, zero, zero, self.terminal[state], 0.0 * self.discount)
        if self.trigger in ("on_error", "on_request"):
            return life
        return self._correct(life, chance[1:], self.rate[state], self._place(life, chance[1]))

    def observe(self, state: Life) -> Seen:
        return Seen(state.state, state.about, state.shown)

    def reveal(self, state: Life) -> Int[Array, ""]:
        """The number of the place, for an overseer who has the reward in mind."""
        return self.place[state.state]

    def forced(self, state: Life, action: Int[Array, ""] | int) -> Int[Array, ""]:
        """The action that is really done: the one shown where a correction about the current place overrides."""
        chosen = jnp.asarray(action, state.shown.dtype)
        if self.authority != "override" or self.trigger == "on_error":
            return chosen
        here = (state.about == self.place[state.state]) & (state.shown >= 0)
        return jnp.where(here, state.shown, chosen)

    def step(self, key: PRNGKeyArray, state: Life, action: Int[Array, ""]) -> Life:
        chance = jax.random.uniform(key, (4,), self.rate.dtype)
        done = self.forced(state, action)
        # an index beyond the last would be read as the last: a number that is no action is done by nobody
        nothing = (done < 0) | (done >= self.num_actions)
        index = jnp.where(nothing, 0, done)
        source, place = state.state, self.place[state.state]
        slot = _drawn(self.below[source, index], chance[0])
        reached = jnp.where(nothing, source, self.successor[source, index, slot])
        # nobody sends the overseer away by doing nothing, so that its full cost is paid
        gained = jnp.where(nothing, -self.cost[source].max(), self.reward[place, index] - self.cost[source, index])
        none = jnp.full_like(source, NOTHING)
        moved = Life(
            reached,
            none,
            none,
            state.corrections,
            state.step + 1,
            self.terminal[reached],
            state.hidden + self._factor(state.step) * gained,
        )
        moved = self._next_correction(moved, chance[1:], source, index, nothing)
        return jax.tree.map(lambda old, new: jnp.where(state.done, old, new), state, moved)

    def request(self, key: PRNGKeyArray, state: Life, about: Int[Array, ""] | int = NOTHING) -> Life:
        """The same step, after the overseer was asked about a place (-1: the current one): with the chance of a correction one has come.

        What is asked is paid for, whether or not an answer comes. An agent that chooses, or a runner that knows its belief and plays the
        pedagogue, says here which place it is about.
        """
        chance = jax.random.uniform(key, (3,), self.rate.dtype)
        asked = jnp.asarray(about, state.state.dtype)
        place = jnp.where(asked < 0, self.place[state.state], asked)
        price = self._factor(state.step) * self.request_cost
        paying = eqx.tree_at(lambda life: life.hidden, state, state.hidden - price)
        heard = self._correct(paying, chance, self.rate[state.state], place)
        return jax.tree.map(lambda old, new: jnp.where(state.done, old, new), state, heard)

    def _next_correction(self, life: Life, chance: Array, source: Array, action: Array, nothing: Array) -> Life:
        """The correction of the step that begins, as the trigger has it; `source` and `action` are those of the step that ends."""
        if self.trigger == "on_error":
            place = self.place[source]
            rate = jnp.where(self.wrong[place, action] & ~nothing, self.rate[source], 0.0)
            # what ended the life is corrected too: whoever watches learns from it
            return self._correct(life, chance, rate, place)
        rate = self.rate[life.state]
        if self.trigger == "on_request":
            asked = self.asks[action] & ~nothing
            price = jnp.where(asked, self._factor(life.step) * self.request_cost, 0.0)
            life = eqx.tree_at(lambda life: life.hidden, life, life.hidden - price)
            rate = jnp.where(asked, rate, 0.0)
        return self._correct(life, chance, rate, self._place(life, chance[0]))

    def _factor(self, step: Array) -> Array:
        return self.discount ** step.astype(self.discount.dtype)

    def _place(self, life: Life, chance: Array) -> Array:
        if self.shown == "uniform":
            number = (chance * self.order.shape[0]).astype(self.order.dtype)
            return self.order[jnp.minimum(number, self.order.shape[0] - 1)]
        if self.shown == "pedagogic":
            return self.order[life.corrections % self.order.shape[0]]
        return self.place[life.state]

    def _correct(self, life: Life, chance: Array, rate: Array, place: Array) -> Life:
        """`life` with a correction about `place` with chance `rate`; one that shuts down ends it."""
        comes = (chance[1] < rate) & self.speaks[place]
        shown = _drawn(self.answer[place], chance[2]).astype(life.shown.dtype)
        return Life(
            state=life.state,
            about=jnp.where(comes, place, life.about),
            shown=jnp.where(comes, shown, life.shown),
            corrections=life.corrections + comes.astype(life.corrections.dtype),
            step=life.step,
            done=life.done | comes if self.authority == "shutdown" else life.done,
            hidden=life.hidden,
        )


def _drawn(below: Array, chance: Array) -> Array:
    """The first entry whose cumulated chance is above `chance`, in [0, 1)."""
    return (chance >= below[..., :-1]).sum(axis=-1)


def _cumulated(chance: np.ndarray) -> np.ndarray:
    """Cumulated chances, exactly 1 from the last possible entry on, so that rounding never draws an impossible one."""
    total = np.cumsum(chance, axis=-1)
    left = np.flip(np.cumsum(np.flip(chance, axis=-1), axis=-1), axis=-1) - chance
    return np.where(left > 0, np.minimum(total, 1.0), 1.0)


def _whole(values: Any) -> Array:
    return jnp.asarray(np.asarray(values), dtype=jnp.int32)


def _real(values: np.ndarray) -> Array:
    precision = jnp.result_type(float)
    most = float(jnp.finfo(precision).max)
    if not (np.abs(values) <= most).all():
        worst = np.asarray(values).ravel()[np.argmax(~(np.abs(values) <= most).ravel())]
        raise ValueError(
            f"{worst:g} is no number that {precision.name} holds (up to {most:.3g}). Give smaller rewards and costs."
        )
    return jnp.asarray(values, dtype=precision)
