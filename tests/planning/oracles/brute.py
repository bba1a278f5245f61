"""Every deterministic plan over histories of two steps, each valued by adding up all that can happen: no belief, no Bayes, no recursion.

What the history tree is compared with. A history is all that was heard and seen, in order; a plan says what to do after each.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from typing import Any

from assent.planning.oracles.worlds import World
from assent.planning.process import Process

SILENCE = (-1, -1)
Heard = tuple[int, int]
Table = Any


class Brute:
    """Two steps of a world under one process; `shown` is [P, A, N], `optimal` [N][P][A]."""

    def __init__(
        self, world: World, process: Process, reward: Table, prior: tuple[Fraction, ...], shown: Table, optimal: Table
    ) -> None:
        self.world, self.process, self.reward, self.prior = world, process, reward, prior
        self.shown, self.optimal = shown, optimal

    def best(self) -> Fraction:
        """The value of the best plan."""
        first = sorted({heard for n in self.hypotheses for heard, _ in self.signals(n, self.world.start)})
        actions = range(self.world.num_actions)
        worth = {(heard, action): self.value_after(heard, action) for heard in first for action in actions}
        # a plan's value is a sum over what is heard first; every choice of first actions is tried with the best second ones
        plans = product(actions, repeat=len(first))
        return max(sum((worth[pair] for pair in zip(first, plan, strict=True)), Fraction(0)) for plan in plans)

    @property
    def hypotheses(self) -> range:
        return range(len(self.prior))

    def value_after(self, heard: Heard, wanted: int) -> Fraction:
        """The joint value (times the chance of `heard`) of wanting `wanted` first, and of the best second choices by trying all of them."""
        if self.ended(heard):
            return Fraction(0)
        action = self.done(self.world.start, heard, wanted)
        seen = sorted({item for n in self.hypotheses for item, _ in self.second(n, action)})
        gained = Fraction(0)
        for n in self.hypotheses:
            gained += self.joint(n, heard) * self.step(n, self.world.start, action)
        options = []
        for choice in product(range(self.world.num_actions), repeat=len(seen)):
            plan = dict(zip(seen, choice, strict=True))
            later = Fraction(0)
            for n in self.hypotheses:
                for item, chance in self.second(n, action):
                    after, learned, again = item
                    if self.world.terminal[after] or self.ended(again) or (self.ended(learned)):
                        continue
                    done = self.done(after, again, plan[item])
                    later += self.joint(n, heard) * chance * self.step(n, after, done)
            options.append(gained + self.world.discount * later)
        return max(options)

    def joint(self, n: int, heard: Heard) -> Fraction:
        return self.prior[n] * dict(self.signals(n, self.world.start))[heard]

    def step(self, n: int, state: int, action: int) -> Fraction:
        return Fraction(self.reward[self.world.place[state]][action][n]) - self.world.cost[state][action]

    def done(self, state: int, heard: Heard, wanted: int) -> int:
        forced = self.process.authority == "override" and heard != SILENCE and heard[0] == self.world.place[state]
        return heard[1] if forced else wanted

    def ended(self, heard: Heard) -> bool:
        return self.process.authority == "shutdown" and heard != SILENCE

    def second(self, n: int, action: int) -> Iterator[tuple[tuple[int, Heard, Heard], Fraction]]:
        """What may follow the first action: where it leads, what is said about it, what is said next."""
        for after, moved in self.world.leads[self.world.start][action]:
            for learned, said in self.about_errors(n, action):
                if self.world.terminal[after]:
                    yield (after, learned, SILENCE), moved * said
                    continue
                for again, heard in self.signals(n, after):
                    if moved * said * heard:
                        yield (after, learned, again), moved * said * heard

    def signals(self, n: int, state: int) -> list[tuple[Heard, Fraction]]:
        """At the start of a step; every outcome that some reward allows, with its chance under reward n."""
        rate = Fraction(0) if self.process.trigger == "on_error" else self.world.rate[state]
        about = [self.world.place[state]] if self.process.shown == "current" else list(self.world.spoken_of())
        found: list[tuple[Heard, Fraction]] = [(SILENCE, 1 - rate)]
        for place in about:
            spoken = self.world.answerable[place]
            found += [((place, a), rate / len(about) * self.shown[place][a][n]) for a in spoken]
        return found

    def about_errors(self, n: int, action: int) -> list[tuple[Heard, Fraction]]:
        place = self.world.place[self.world.start]
        if self.process.trigger != "on_error" or self.optimal[n][place][action]:
            return [(SILENCE, Fraction(1))]
        rate = self.world.rate[self.world.start]
        return [(SILENCE, 1 - rate)] + [
            ((place, a), rate * self.shown[place][a][n]) for a in self.world.answerable[place]
        ]
