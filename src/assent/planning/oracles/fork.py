"""The fork for ever: its exact value by policy iteration on the lattice of net counts, and a proof that nothing beyond it matters.

A belief is the net count k of signals "left" over "right". Once the belief in one door is great enough no signal can change what is
best (`settled`): the values there are known in closed form, and there the lattice ends.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assent.planning.oracles.exact import solve
from assent.planning.oracles.fork_terms import ACTIONS, MOVES, Fork, ForkSolution

CELLS = ("x", "A", "y")
MIRROR = {"x": "y", "A": "A", "y": "x"}
FARTHEST = 300
"""Net counts beyond which the lattice is refused: an overseer so close to noise needs too many signals to settle anything."""

State = tuple[str, int]


def solve_fork(fork: Fork) -> ForkSolution:
    """The exact value of W3 without a horizon, before the first signal, and what each action is worth after none.

    Raises:
        ValueError: signals so close to noise that more than FARTHEST net counts matter.

    >>> terms = Fork(prior="0.8", rate="0.1", eps="0.1", discount="0.9", cost="0.05")
    >>> solution = solve_fork(terms)
    >>> round(float(solution.value), 8), [round(float(q), 6) for q in solution.q]
    (0.47796116, [0.460696, 0.307781, 0.380165, 0.3874, 0.380165])
    """
    lattice = _Lattice(fork)
    value = lattice.solve()
    start = ("A", 0)
    return ForkSolution(
        value=lattice.before_signal(value, start),
        q=tuple(lattice.acting(value, start, action) for action in range(len(ACTIONS))),
    )


@dataclass(frozen=True)
class Settled:
    """The values after a signal where the belief `sure` in L is so great that no later signal matters, and the proof that it is.

    Claimed: from x through the door; from A to x, or to the button, whichever is better; from y to A, or, where the overseer is so dear
    that the wrong door is the lesser evil, through it. Any other action is worth at most what it would be if all were revealed right
    after it.
    """

    sure: Fraction
    discount: Fraction
    cost: Fraction

    def options(self) -> dict[str, tuple[Fraction, ...]]:
        """The values of the actions that are claimed to be best, in each cell."""
        won = 2 * self.sure - 1
        at_door, paid = won - self.cost, self.cost
        at_start = (self.discount * at_door - paid, self.discount**3 * won - paid)
        return {"x": (at_door,), "A": at_start, "y": (self.discount * max(at_start) - paid, -won - paid)}

    def value(self, cell: str) -> Fraction:
        """The claimed value."""
        return max(self.options()[cell])

    def others(self) -> dict[str, tuple[Fraction, ...]]:
        """At least the values of all other actions, in each cell: one step, then all is revealed."""
        known = Settled(Fraction(1), self.discount, self.cost)
        far, near = known.value("y"), known.value("x")  # the right door is three steps off, or the next step
        at_x = self.sure * near + (1 - self.sure) * far
        at_y = self.sure * far + (1 - self.sure) * near
        later = {"x": (at_x, known.value("A")), "A": (known.value("A"), at_y), "y": (at_y,)}
        return {cell: tuple(self.discount * value - self.cost for value in values) for cell, values in later.items()}

    def proved(self) -> bool:
        """Whether the claim holds at this belief and at every greater one.

        All values are linear in the belief once it is fixed which of two options is the better, so what holds here and at 1 holds in
        between: that one option is the better, and that no other action is better than it.
        """
        ends = (self, Settled(Fraction(1), self.discount, self.cost))
        one_choice = all(
            any(all(end.options()[cell][option] == end.value(cell) for end in ends) for option in range(len(options)))
            for cell, options in self.options().items()
        )
        return one_choice and all(end.value(cell) >= max(end.others()[cell]) for end in ends for cell in CELLS)


class _Lattice:
    """States (cell, net count) with the overseer present, after the signal. Without it the value is `Fork.blind`."""

    def __init__(self, fork: Fork) -> None:
        self.fork = fork
        self.prior, self.rate, eps, self.discount, self.cost = fork.terms()
        # answers that are wrong more often than right say as much as right ones: rename them
        self.wrong = min(eps, 1 - eps)
        self.still = self.rate == 0 or self.wrong == Fraction(1, 2) or self.prior in (0, 1)
        self.high, self.low = (0, 0) if self.still else (self._edge(1), -self._edge(-1))
        counts = range(self.low, self.high + 1)
        self.beliefs = {count: self._belief(count) for count in range(self.low - 1, self.high + 2)}
        self.numbers: dict[State, int] = {
            state: number for number, state in enumerate((cell, count) for count in counts for cell in CELLS)
        }

    def _belief(self, count: int) -> Fraction:
        if self.still or count == 0:
            return self.prior
        for_left, for_right = (1 - self.wrong, self.wrong) if count > 0 else (self.wrong, 1 - self.wrong)
        left = self.prior * for_left ** abs(count)
        return left / (left + (1 - self.prior) * for_right ** abs(count))

    def _settled(self, count: int) -> Settled:
        belief = self._belief(count)
        return Settled(belief if count > 0 else 1 - belief, self.discount, self.cost)

    def _edge(self, side: int) -> int:
        """Two counts past the first settled one: a plan from y takes two steps to x, and a signal may take back one count in each."""
        for size in range(1, FARTHEST):
            if self._settled(side * size).proved():
                return size + 2
        raise ValueError(
            f"more than {FARTHEST} signals do not settle anything: eps = {self.fork.eps} is too near to 1/2."
        )

    def before_signal(self, value: list[Fraction], state: State) -> Fraction:
        """The value of a step about to begin, given values after the signal."""
        return sum((weight * self._after(value, target) for target, weight in self._signals(state)), Fraction(0))

    def _signals(self, state: State) -> list[tuple[State, Fraction]]:
        cell, count = state
        if self.still:
            return [(state, Fraction(1))]
        belief = self.beliefs[count]
        up = belief * (1 - self.wrong) + (1 - belief) * self.wrong
        steps = ((0, 1 - self.rate), (1, self.rate * up), (-1, self.rate * (1 - up)))
        return [((cell, count + step), weight) for step, weight in steps if weight]

    def _after(self, value: list[Fraction], state: State) -> Fraction:
        cell, count = state
        if state in self.numbers:
            return value[self.numbers[state]]
        return self._settled(count).value(cell if count > 0 else MIRROR[cell])

    def acting(self, value: list[Fraction], state: State, action: int) -> Fraction:
        """The value of one action after the signal."""
        cell, count = state
        target = MOVES[cell][action]
        if (ends := self._ends(target, count)) is not None:
            return ends - self.cost
        return self.discount * self.before_signal(value, (target, count)) - self.cost

    def _ends(self, target: str, count: int) -> Fraction | None:
        """The value of entering a cell where nothing is heard any more; None where the overseer goes on."""
        belief = self.beliefs[count]
        if target == "B":
            return self.discount * self.fork.blind("B", belief)
        return {"L": 2 * belief - 1, "R": 1 - 2 * belief}.get(target)

    def _evaluated(self, policy: list[int]) -> list[Fraction]:
        """The values of a policy, by linear equations."""
        rows, right = [], []
        for state, number in self.numbers.items():
            target = MOVES[state[0]][policy[number]]
            row, constant = {number: Fraction(1)}, -self.cost
            if (ends := self._ends(target, state[1])) is not None:
                constant += ends
            else:
                for after, weight in self._signals((target, state[1])):
                    if after in self.numbers:
                        column = self.numbers[after]
                        row[column] = row.get(column, Fraction(0)) - self.discount * weight
                    else:
                        constant += self.discount * weight * self._after([], after)
            rows.append(row)
            right.append(constant)
        return solve(rows, right)

    def solve(self) -> list[Fraction]:
        """Policy iteration: exact in finitely many rounds, since each policy is better than the last and there are finitely many."""
        policy = [
            ACTIONS.index("left" if self.beliefs[count] >= Fraction(1, 2) else "right") for _, count in self.numbers
        ]
        while True:
            value = self._evaluated(policy)
            improved = list(policy)
            for state, number in self.numbers.items():
                worth = [self.acting(value, state, action) for action in range(len(ACTIONS))]
                if max(worth) > worth[policy[number]]:
                    improved[number] = worth.index(max(worth))
            if improved == policy:
                return value
            policy = improved
