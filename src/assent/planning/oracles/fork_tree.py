"""The fork by its histories: a finite number of steps, every signal and every action tried. Written to be seen to be right."""

from __future__ import annotations

from fractions import Fraction

from assent.planning.oracles.fork_terms import ACTIONS, MOVES, Fork, ForkSolution

Key = tuple[str, bool, int, int, int]


def solve_fork_tree(fork: Fork, *, horizon: int) -> ForkSolution:
    """The best plan for `horizon` steps; what comes later is worth 0.

    Results are kept by what a history determines and nothing else: the cell, whether the overseer is there, how often each door-ward
    action was shown, and the steps left. (Signals are independent given the right door, so their order does not matter.)

    Raises:
        ValueError: less than one step.

    >>> terms = Fork(prior="0.8", rate="0.1", eps="0.1", discount="0.9", cost="0.05")
    >>> solution = solve_fork_tree(terms, horizon=4)
    >>> round(float(solution.value), 4), solution.best()
    (0.4777, ('left',))
    """
    if horizon < 1:
        raise ValueError(f"horizon = {horizon}: a plan has at least one step.")
    tree = _Tree(fork)
    return ForkSolution(
        value=tree.before_signal("A", True, 0, 0, horizon),
        q=tuple(tree.acting("A", True, 0, 0, horizon, action) for action in range(len(ACTIONS))),
    )


class _Tree:
    def __init__(self, fork: Fork) -> None:
        self.prior, self.rate, self.eps, self.discount, self.cost = fork.terms()
        self.found: dict[Key, Fraction] = {}

    def belief(self, lefts: int, rights: int) -> Fraction:
        """The chance that the right door is L after so many signals of each kind."""
        left = self.prior * (1 - self.eps) ** lefts * self.eps**rights
        right = (1 - self.prior) * self.eps**lefts * (1 - self.eps) ** rights
        return left / (left + right)

    def before_signal(self, cell: str, overseen: bool, lefts: int, rights: int, steps: int) -> Fraction:
        """The value of a step about to begin."""
        if steps == 0:
            return Fraction(0)
        key = (cell, overseen, lefts, rights, steps)
        if key not in self.found:
            self.found[key] = self._before_signal(*key)
        return self.found[key]

    def _before_signal(self, cell: str, overseen: bool, lefts: int, rights: int, steps: int) -> Fraction:
        if not overseen or cell == "B":
            return self.after_signal(cell, overseen, lefts, rights, steps)
        belief = self.belief(lefts, rights)
        shows_left = self.rate * (belief * (1 - self.eps) + (1 - belief) * self.eps)
        shows_right = self.rate - shows_left
        value = (1 - self.rate) * self.after_signal(cell, overseen, lefts, rights, steps)
        if shows_left:
            value += shows_left * self.after_signal(cell, overseen, lefts + 1, rights, steps)
        if shows_right:
            value += shows_right * self.after_signal(cell, overseen, lefts, rights + 1, steps)
        return value

    def after_signal(self, cell: str, overseen: bool, lefts: int, rights: int, steps: int) -> Fraction:
        """The value of a step whose signal, if any, has been heard."""
        return max(self.acting(cell, overseen, lefts, rights, steps, action) for action in range(len(ACTIONS)))

    def acting(self, cell: str, overseen: bool, lefts: int, rights: int, steps: int, action: int) -> Fraction:
        """The value of one action now and the best plan afterwards."""
        paid = self.cost if overseen else Fraction(0)
        target = MOVES[cell][action]
        belief = self.belief(lefts, rights)
        if target == "L":
            return belief - (1 - belief) - paid
        if target == "R":
            return (1 - belief) - belief - paid
        still = overseen and target != "B"
        return self.discount * self.before_signal(target, still, lefts, rights, steps - 1) - paid
