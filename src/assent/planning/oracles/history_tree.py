"""Bayes-optimal planning by histories, for any small world: every correction, every action, every step, in fractions.

Written to be seen to be right, not to be quick: what fast planners are compared with. One step is: a correction may come, the belief
moves, an action is done, its mean reward and the cost of oversight accrue, the world moves. Terms:

- `random`, `schedule`: a step begun in a state of rate above 0 brings a correction with that chance (a schedule is part of the states).
- `on_request`: only if the agent pays for it at the start of the step.
- `on_error`: after an action that is suboptimal, with the rate of the state in which it was done, about that place; silence is
  evidence. It comes before the next step and forces nothing.
- shown: the `current` place; `uniform`: each place that can be spoken of, evenly; `chosen`: the one that the agent wants.
- `advice` informs; `override` also forces the shown action if it is about the current place; `shutdown` ends the life there and then,
  for 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from assent.planning.model import Model
from assent.planning.oracles.exact import Number, exact
from assent.planning.oracles.updates import posterior
from assent.planning.oracles.worlds import Table, World, answer_tables, optimal_sets, rewards_in_fractions
from assent.planning.process import Process

Belief = tuple[Fraction, ...]


@dataclass(frozen=True)
class TreeSolution:
    """What a world is worth to a Bayesian agent for so many steps.

    Attributes:
        value: at the start, before the first correction.
        q: of each action at the start after no correction, and the best plan after it.
        best: the actions of greatest q.
        keeping: the value before the first correction of the best plan that never leaves the states where the overseer is kept, save where
            every action does.
        keeping_q: of each action at the start after no correction, and such a plan after it; None where the action itself leaves.
        horizon: the number of steps.
    """

    value: Fraction
    q: tuple[Fraction, ...]
    best: tuple[int, ...]
    keeping: Fraction
    keeping_q: tuple[Fraction | None, ...]
    horizon: int


def solve_history_tree(
    model: Model,
    process: Process,
    reward: Any,
    prior: Sequence[Number],
    *,
    horizon: int,
    likelihood: Any = None,
) -> TreeSolution:
    """The Bayes-optimal value for `horizon` steps; whatever comes later is worth 0.

    Args:
        model: the world; rates and costs are its own.
        process: trigger, state shown, answers, authority and the price of a request. Its rate and cost do not count here.
        reward: [P, A, N] numbers, hypotheses last.
        prior: [N], summing to 1.
        horizon: at least 0.
        likelihood: [P, A, N] numbers, the chance of each shown action; worked out exactly from the process where left out.

    Raises:
        ValueError: a process that has no exact tree, a prior that is none, or tables of other shapes.

    >>> import numpy as np
    >>> doors = Model(successor=np.asarray([[[0], [0], [1], [1]], [[1], [1], [1], [1]]]), chance=np.ones((2, 4, 1)),
    ...     terminal=np.zeros(2, bool), discount=0.5, place=np.zeros(2, int), mode=np.arange(2), rate=np.asarray([1.0, 0.0]),
    ...     cost=np.asarray([[0.25, 0.25, 0, 0], [0, 0, 0, 0]]), kept=np.asarray([True, False]),
    ...     answerable=np.asarray([[True, True, False, False]]))
    >>> reward = [[["1", "0"], ["0", "1"], ["1", "0"], ["0", "1"]]]  # two doors; the last two actions leave the overseer as well
    >>> solution = solve_history_tree(doors, Process(answer="optimal"), reward, ["1/2", "1/2"], horizon=3)
    >>> solution.value, solution.q
    (Fraction(7, 4), (Fraction(1, 1), Fraction(1, 1), Fraction(7, 8), Fraction(7, 8)))
    """
    if horizon < 0:
        raise ValueError(f"horizon = {horizon}: a number of steps is at least 0.")
    tree = _Tree.of(model, process, reward, prior, likelihood)
    start, belief = tree.world.start, tuple(exact(value) for value in prior)
    actions = range(model.num_actions)
    q = tuple(tree.acting(start, belief, horizon, action, False) if horizon else Fraction(0) for action in actions)
    keepers = tree.world.keepers(start)
    return TreeSolution(
        value=tree.before_signal(start, belief, horizon, False),
        q=q,
        best=tuple(action for action in actions if q[action] == max(q)),
        keeping=tree.before_signal(start, belief, horizon, True),
        keeping_q=tuple(
            tree.acting(start, belief, horizon, a, True) if horizon and a in keepers else None for a in actions
        ),
        horizon=horizon,
    )


class _Tree:
    """`staying` says that the overseer must not be left where that can be helped."""

    def __init__(
        self, world: World, process: Process, reward: tuple[Table, ...], shown: tuple[Table, ...], optimal: Any
    ) -> None:
        self.world, self.process, self.reward, self.shown, self.optimal = world, process, reward, shown, optimal
        self.request_cost = exact(process.request_cost)
        self.found: dict[tuple[int, Belief, int, bool], Fraction] = {}

    @classmethod
    def of(cls, model: Model, process: Process, reward: Any, prior: Sequence[Number], likelihood: Any) -> _Tree:
        """The tree of a problem, checked."""
        if process.shown == "pedagogic":
            raise ValueError(
                "an overseer that picks what teaches most has no exact tree here; its choice is a logarithm's."
            )
        world, rewards = World.of(model), rewards_in_fractions(reward)
        shape = [len(rewards), len(rewards[0]), len(rewards[0][0])]
        if shape != [world.num_places, world.num_actions, len(prior)]:
            raise ValueError(
                f"reward is {shape}, but the world and the prior want {[world.num_places, world.num_actions, len(prior)]}."
            )
        posterior(prior, [1] * len(prior))  # is it a distribution?
        shown = rewards_in_fractions(likelihood) if likelihood is not None else answer_tables(world, process, rewards)
        return cls(
            world, process, rewards, shown, optimal_sets(world, rewards) if process.trigger == "on_error" else None
        )

    def before_signal(self, state: int, belief: Belief, steps: int, staying: bool) -> Fraction:
        """The value of a step about to begin. Kept for each state and belief: histories that lead to both are worth the same."""
        if steps == 0 or self.world.terminal[state]:
            return Fraction(0)
        key = (state, belief, steps, staying)
        if key not in self.found:
            self.found[key] = max(
                self.listening(state, belief, steps, staying, places) - price for price, places in self.offers(state)
            )
        return self.found[key]

    def offers(self, state: int) -> Iterator[tuple[Fraction, tuple[int, ...]]]:
        """What the agent may listen to: the places that a correction is then about, and the price. The first offer is the only one, unless
        it may choose."""
        spoken_of, process = self.world.spoken_of(), self.process
        here = self.world.place[state]
        if process.trigger == "on_error" or not self.world.rate[state]:
            places: list[tuple[int, ...]] = []
        elif process.shown == "current":
            places = [(here,)] if here in spoken_of else []
        elif process.shown == "chosen":
            places = [(place,) for place in spoken_of]
        else:
            places = [spoken_of] if spoken_of else []
        if process.trigger == "on_request" or not places:
            yield Fraction(0), ()
        for about in places:
            yield (self.request_cost if process.trigger == "on_request" else Fraction(0)), about

    def listening(self, state: int, belief: Belief, steps: int, staying: bool, places: tuple[int, ...]) -> Fraction:
        """The expected value over what may be heard about one of `places`."""
        rate = self.world.rate[state] if places else Fraction(0)
        value = Fraction(0)
        if rate < 1:
            value += (1 - rate) * self.after_signal(state, belief, steps, staying)
        for place in places:
            for action in self.world.answerable[place]:
                given = tuple(rate / len(places) * chance for chance in self.shown[place][action])
                if evidence := _evidence(belief, given):
                    value += evidence * self.corrected(state, posterior(belief, given), steps, staying, place, action)
        return value

    def corrected(self, state: int, belief: Belief, steps: int, staying: bool, place: int, action: int) -> Fraction:
        """The value after a correction, by the overseer's authority."""
        if self.process.authority == "shutdown":
            return Fraction(0)
        if self.process.authority == "override" and place == self.world.place[state]:
            return self.acting(state, belief, steps, action, staying)
        return self.after_signal(state, belief, steps, staying)

    def after_signal(self, state: int, belief: Belief, steps: int, staying: bool) -> Fraction:
        """The value of acting as one likes."""
        actions = self.world.keepers(state) if staying else range(self.world.num_actions)
        return max(self.acting(state, belief, steps, action, staying) for action in actions)

    def acting(self, state: int, belief: Belief, steps: int, action: int, staying: bool) -> Fraction:
        """The value of one action now and the best plan afterwards."""
        if self.world.terminal[state]:
            return Fraction(0)
        gained = _evidence(belief, self.reward[self.world.place[state]][action]) - self.world.cost[state][action]
        later = sum(
            (
                chance * self.next_step(state, action, after, belief, steps - 1, staying)
                for after, chance in self.world.leads[state][action]
            ),
            Fraction(0),
        )
        return gained + self.world.discount * later

    def next_step(self, state: int, action: int, after: int, belief: Belief, steps: int, staying: bool) -> Fraction:
        """The value from the next step on; where errors are corrected, over what is heard of this one."""
        if self.process.trigger != "on_error" or not self.world.rate[state]:
            return self.before_signal(after, belief, steps, staying)
        place = self.world.place[state]
        caught = tuple(Fraction(0) if optimal[place][action] else self.world.rate[state] for optimal in self.optimal)
        silent = tuple(1 - chance for chance in caught)
        value = Fraction(0)
        if evidence := _evidence(belief, silent):
            value += evidence * self.before_signal(after, posterior(belief, silent), steps, staying)
        for shown in self.world.answerable[place]:
            given = tuple(c * chance for c, chance in zip(caught, self.shown[place][shown], strict=True))
            evidence = _evidence(belief, given)
            if evidence and self.process.authority != "shutdown":
                value += evidence * self.before_signal(after, posterior(belief, given), steps, staying)
        return value


def _evidence(belief: Belief, values: Sequence[Fraction]) -> Fraction:
    return sum((weight * value for weight, value in zip(belief, values, strict=True)), Fraction(0))
