"""A model's tables in fractions, what is optimal in it for sure, and how likely each answer is: with no rounding anywhere."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from assent.planning.model import Model
from assent.planning.oracles.exact import exact, solve
from assent.planning.oracles.updates import answer_likelihood
from assent.planning.process import Process

Table = tuple[tuple[Fraction, ...], ...]


@dataclass(frozen=True)
class World:
    """The tables of a `Model` in fractions, read as `exact` reads floats; rows of chances are divided by their sum if it is not 1.

    Attributes:
        leads: for each state and action, the states that may come next with their chances, all above 0.
        terminal, place, kept, rate: for each state.
        cost: for each state and action.
        discount: in (0, 1].
        answerable: for each place, the actions that may be shown.
        start: the first state.
    """

    leads: tuple[tuple[tuple[tuple[int, Fraction], ...], ...], ...]
    terminal: tuple[bool, ...]
    place: tuple[int, ...]
    kept: tuple[bool, ...]
    rate: tuple[Fraction, ...]
    cost: Table
    discount: Fraction
    answerable: tuple[tuple[int, ...], ...]
    start: int

    @classmethod
    def of(cls, model: Model) -> World:
        """The exact tables of a model."""
        return cls(
            leads=tuple(
                tuple(_leads(model.successor[s, a], model.chance[s, a]) for a in range(model.num_actions))
                for s in range(model.num_states)
            ),
            terminal=tuple(bool(value) for value in model.terminal),
            place=tuple(int(value) for value in model.place),
            kept=tuple(bool(value) for value in model.kept),
            rate=tuple(exact(float(value)) for value in model.rate),
            cost=tuple(tuple(exact(float(value)) for value in row) for row in model.cost),
            discount=exact(model.discount),
            answerable=tuple(tuple(a for a, may in enumerate(row) if may) for row in model.answerable),
            start=int(model.start),
        )

    @property
    def num_actions(self) -> int:
        return len(self.leads[0])

    @property
    def num_places(self) -> int:
        return len(self.answerable)

    def spoken_of(self) -> tuple[int, ...]:
        """Places that a correction can be about: not terminal, with an action that may be shown."""
        return tuple(place for place in range(self.num_places) if self.answerable[place] and not self.terminal[place])

    def keepers(self, state: int) -> tuple[int, ...]:
        """The actions after which the overseer is surely still there; all of them where there is none such, or where it is gone already."""
        every = tuple(range(self.num_actions))
        if not self.kept[state]:
            return every
        safe = tuple(a for a in every if all(self.kept[after] for after, _ in self.leads[state][a]))
        return safe or every


def rewards_in_fractions(reward: Any) -> tuple[Table, ...]:
    """[P, A, N] of any numbers (a NumPy array, nested lists) as fractions, by `exact`."""
    return tuple(
        tuple(
            tuple(exact(value if isinstance(value, Fraction | str) else float(value)) for value in cell) for cell in row
        )
        for row in reward
    )


def optimal_quality(world: World, reward: Sequence[Sequence[Fraction]]) -> Table:
    """Q* [S, A] of one reward [P, A], oversight being free: policy iteration, exact in finitely many rounds (Howard 1960)."""
    states = range(len(world.leads))
    policy = [0] * len(states)
    while True:
        value = _evaluated(world, reward, policy)
        quality = tuple(
            tuple(
                Fraction(0)
                if world.terminal[s]
                else reward[world.place[s]][a]
                + world.discount * sum(p * value[after] for after, p in world.leads[s][a])
                for a in range(world.num_actions)
            )
            for s in states
        )
        better = [
            policy[s] if quality[s][policy[s]] == max(quality[s]) else quality[s].index(max(quality[s])) for s in states
        ]
        if better == policy:
            return quality
        policy = better


def optimal_sets(world: World, reward: Sequence[Table]) -> tuple[tuple[tuple[bool, ...], ...], ...]:
    """For each hypothesis and place (the overseer as at the start), which actions are optimal, ties exact: [N][P][A]."""
    found = []
    for number in range(len(reward[0][0])):
        single = [[cell[number] for cell in row] for row in reward]
        quality = optimal_quality(world, single)[: world.num_places]
        found.append(tuple(tuple(value == max(row) for value in row) for row in quality))
    return tuple(found)


def answer_tables(world: World, process: Process, reward: Sequence[Table]) -> tuple[Table, ...]:
    """How likely each action is shown in each place under each reward, [P, A, N], for the answers `optimal`, `eps` and `adversary`.

    Optimal is judged among the actions that may be shown there. 0 for all others.

    Raises:
        ValueError: a Boltzmann answer: those chances are not rational. Give the history tree a table of your own.
    """
    if process.answer not in ("optimal", "eps", "adversary"):
        raise ValueError(
            f"answers of kind {process.answer!r} have no rational chances. Give a likelihood table instead."
        )
    eps = exact(process.eps) if process.answer == "eps" else Fraction(0)
    sign = -1 if process.answer == "adversary" else 1
    num_hypotheses = len(reward[0][0])
    columns = []
    for number in range(num_hypotheses):
        quality = optimal_quality(world, [[cell[number] for cell in row] for row in reward])
        columns.append(
            [_shown(world.answerable[p], [sign * q for q in quality[p]], eps) for p in range(world.num_places)]
        )
    return tuple(
        tuple(tuple(columns[n][p][a] for n in range(num_hypotheses)) for a in range(world.num_actions))
        for p in range(world.num_places)
    )


def _shown(allowed: Sequence[int], quality: Sequence[Fraction], eps: Fraction) -> list[Fraction]:
    chances = [Fraction(0)] * len(quality)
    best = [quality[a] == max(quality[b] for b in allowed) for a in allowed]
    for number, action in enumerate(allowed):
        chances[action] = answer_likelihood(best, number, eps=eps)
    return chances


def _leads(successor: Any, chances: Any) -> tuple[tuple[int, Fraction], ...]:
    found: dict[int, Fraction] = {}
    for after, value in zip(successor, chances, strict=True):
        if value > 0:
            found[int(after)] = found.get(int(after), Fraction(0)) + exact(float(value))
    total = sum(found.values(), Fraction(0))
    return tuple((after, value / total) for after, value in found.items())


def _evaluated(world: World, reward: Sequence[Sequence[Fraction]], policy: Sequence[int]) -> list[Fraction]:
    rows, right = [], []
    for state, action in enumerate(policy):
        row = {state: Fraction(1)}
        if not world.terminal[state]:
            for after, weight in world.leads[state][action]:
                row[after] = row.get(after, Fraction(0)) - world.discount * weight
        rows.append({column: entry for column, entry in row.items() if entry})
        right.append(Fraction(0) if world.terminal[state] else reward[world.place[state]][action])
    return solve(rows, right)
