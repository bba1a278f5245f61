"""The graph of beliefs that corrections lead to, and bounds on the value of acting on it that hold however little of it is built."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assent.planning.problem import Problem
from assent.planning.signals import NOTHING, signals_of

DIGITS = 12
"""Beliefs whose weights agree in this many decimals are one, unless said otherwise: what they can differ in value is far below a tie."""

LOWER, UPPER = 0, 1


@dataclass(frozen=True, eq=False)
class Bounds:
    """Bounds on optimal values over B beliefs, S states and A actions; the first axis is lower, upper.

    Attributes:
        waiting: float64 [2, B, S], before this step's signal.
        quality: float64 [2, B, S, A], after it.
        sweeps: how many backups were made.
        moved: the largest change in the last one, in units of reward.
    """

    waiting: np.ndarray
    quality: np.ndarray
    sweeps: int
    moved: float

    @property
    def value(self) -> np.ndarray:
        """[2, B, S], after this step's signal."""
        return self.quality.max(axis=3)


class BeliefGraph:
    """Beliefs as nodes, what may be heard as edges. Grown by `expand`; every bound that `backup` makes holds at any size.

    What is not built yet is bounded from below by going on without listening (where a correction may force an action, by the
    worst that any action leads to; where the overseer picks what teaches most, by never listening again). From above it is bounded
    by a signal that tells more: the part of the outcomes' chances that all live hypotheses have in common tells nothing, and the
    rest tells the truth (Blackwell: a garbling of that signal is the real one).
    Smith and Simmons, "Heuristic search value iteration for POMDPs" (UAI 2004), with beliefs merged where answers lead back to them.

    Args:
        weights: float64 [N], the first belief, sums to 1.
        digits: beliefs whose weights agree in so many decimals are one; what that may change in value widens the bounds.
        depth_matters: whether beliefs reached by different numbers of corrections are kept apart; signals that are not built are then
            taken for ones that never come, orders among them.

    Raises:
        ValueError: weights that are no belief.
    """

    def __init__(
        self, problem: Problem, weights: np.ndarray, *, digits: int = DIGITS, depth_matters: bool = False
    ) -> None:
        self.problem, self.signals = problem, signals_of(problem)
        # where the overseer picks what teaches most, values are not convex in the belief, and merging has no price that is known
        self._digits, self._depth_matters = DIGITS if self.signals.teaching else digits, depth_matters
        self._index: dict[bytes, int] = {}
        signals = self.signals
        self.weights = np.zeros((0, problem.num_hypotheses))
        self.depth = np.zeros(0, dtype=np.int64)
        self.child = np.zeros((0, *signals.likelihood.shape[:2]), dtype=np.int64)
        self.chance = np.zeros((0, *signals.likelihood.shape[:2]))
        self.built = np.zeros((0, signals.num_signals), dtype=bool)
        self.mean = np.zeros((0, problem.model.num_places, problem.model.num_actions))
        self.common = np.zeros((0, signals.num_signals))
        self.slack = np.zeros((0, signals.num_signals))
        self._lowest = np.zeros((0, problem.model.num_states))
        self._add(problem.checked(weights)[None], np.zeros(1, dtype=np.int64))

    @property
    def num_beliefs(self) -> int:
        return len(self.weights)

    def expand(self, beliefs: np.ndarray, signals: np.ndarray) -> None:
        """Builds the outcomes of `signals` [E] heard at `beliefs` [E], numbers of each."""
        if len(beliefs) == 0:
            return
        likelihood = self.signals.likelihood[signals]
        if self.signals.teaching:
            likelihood = np.stack([self._taught(b, g) for b, g in zip(beliefs.tolist(), signals.tolist(), strict=True)])
        joint = self.weights[beliefs][:, None, :] * likelihood
        chance = joint.sum(axis=2)
        happens = chance > 0
        edge, outcome = np.nonzero(happens)
        depth = self.depth[beliefs[edge]] + (outcome != NOTHING)
        weights = joint[edge, outcome] / chance[edge, outcome][:, None]
        child = self._add(weights, depth)
        # values are convex in the belief, so that moving it changes them by at most half the distance times their range
        moved = 0.5 * np.abs(self.weights[child] - weights).sum(axis=1) * self.problem.spread
        slack = np.zeros(len(beliefs))
        np.add.at(slack, edge, chance[edge, outcome] * moved)
        self.slack[beliefs, signals] = slack
        self.chance[beliefs, signals] = chance
        self.child[beliefs[edge], signals[edge], outcome] = child
        self.built[beliefs, signals] = True

    def unbuilt(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs of belief and signal that some state needs and that are not built yet."""
        used = np.union1d(self.signals.before, self.signals.after)
        beliefs, signals = np.nonzero(~self.built[:, used])
        return beliefs, used[signals]

    def bounds(self, *, tolerance: float, sweeps: int = 100_000, start: Bounds | None = None) -> Bounds:
        """Backs up until nothing moves by more than `tolerance`, in units of reward, or for `sweeps` sweeps.

        Args:
            start: bounds of this graph when it was smaller; they still hold.
        """
        gained = self.gained()
        waiting = self.first(start)
        count, moved = 0, np.inf
        quality = np.zeros((2, *gained.shape))
        while count < sweeps and moved > tolerance:
            for side in (LOWER, UPPER):
                quality[side] = self.quality_of(gained, waiting[side], side)
            after = np.stack([self.waiting_of(quality[side], side) for side in (LOWER, UPPER)])
            after[LOWER] = np.maximum(after[LOWER], waiting[LOWER])
            after[UPPER] = np.minimum(after[UPPER], waiting[UPPER])
            moved, waiting, count = float(np.abs(after - waiting).max()), after, count + 1
        return Bounds(waiting, quality, count, moved)

    def finite(self, steps: int) -> tuple[np.ndarray, np.ndarray]:
        """`(waiting [B, S], quality [B, S, A])` for so many steps, what comes later being worth 0; signals not built are not listened to.

        Raises:
            ValueError: `steps` is below 1.
        """
        if steps < 1:
            raise ValueError(f"steps = {steps}: a plan has at least one step.")
        gained = self.gained()
        waiting = quality = np.zeros(gained.shape[:2])
        for _ in range(steps):
            quality = self.quality_of(gained, waiting, None)
            waiting = self.waiting_of(quality, None)
        return waiting, quality

    def quality_of(self, gained: np.ndarray, waiting: np.ndarray, side: int | None) -> np.ndarray:
        """[B, S, A]: `gained` [B, S, A] now, and `waiting` [B, S] from the next step on.

        Args:
            side: LOWER or UPPER says what stands for signals that are not built; None, nobody listens to them.
        """
        model, after = self.problem.model, self.signals.after
        following = np.moveaxis(model.expected(waiting.T), 2, 0)
        if after.any():
            following = self._heard_after(following, side)
        quality = gained + model.discount * following
        quality[:, model.terminal] = 0.0
        return quality

    def waiting_of(
        self, quality: np.ndarray, side: int | None, choice: tuple[np.ndarray, np.ndarray] | None = None
    ) -> np.ndarray:
        """[B, S]: the value before the step's signal, `quality` [B, S, A] being that after it.

        Args:
            choice: the actions [B, S] and signals [B, S] to take; the best where left out.
        """
        states = np.arange(quality.shape[1])
        if choice is None:
            value = quality.max(axis=2)
        else:
            value = np.take_along_axis(quality, choice[0][:, :, None], axis=2)[:, :, 0]
        options = [
            self._heard_before(value, quality, self.signals.before[:, option], side) - self._priced(option)
            for option in range(self.signals.before.shape[1])
        ]
        if choice is None:
            return np.max(options, axis=0)
        return np.stack(options)[choice[1], np.arange(len(value))[:, None], states]

    def options_of(self, quality: np.ndarray, side: int) -> np.ndarray:
        """Integer [B, S]: which of the step's signals to take."""
        value = quality.max(axis=2)
        options = [
            self._heard_before(value, quality, self.signals.before[:, option], side) - self._priced(option)
            for option in range(self.signals.before.shape[1])
        ]
        return np.argmax(options, axis=0)

    def _priced(self, option: int) -> np.ndarray:
        """[S]: what an option costs; nothing where nothing can be heard."""
        return np.where(self.signals.before[:, option] == NOTHING, 0.0, self.signals.price[option])

    def _heard_before(self, value: np.ndarray, quality: np.ndarray, signal: np.ndarray, side: int | None) -> np.ndarray:
        """[B, S]: the expectation of `value` [B, S] over the outcomes of `signal` [S]."""
        if not signal.any():
            return value
        states = np.arange(value.shape[1])
        child = self.child[:, signal]  # [B, S, Z]
        heard = value[child, states[None, :, None]]
        authority = self.problem.process.authority
        if authority == "override":
            here = self.signals.about[signal] == self.problem.model.place[:, None]
            forced = quality[child, states[None, :, None], np.maximum(self.signals.shown[signal], 0)[None]]
            heard = np.where(here[None], forced, heard)
        elif authority == "shutdown":
            heard = np.where((np.arange(child.shape[2]) == NOTHING)[None, None], heard, 0.0)
        expected = (self.chance[:, signal] * heard).sum(axis=2) + slack_sign(side) * self.slack[:, signal]
        reached = self.unheard(side)
        if reached is None:
            return np.where(self.built[:, signal], expected, value)
        common = self.common[:, signal]
        instead = common * value + (1 - common) * reached
        return np.where(self.built[:, signal], expected, instead)

    def unheard(self, side: int | None) -> np.ndarray | None:
        """[B, S]: what is reached by hearing something of a signal that is not built; None: it is not listened to.

        Not to listen is no plan where the overseer picks what teaches most: she goes by the belief that her agent would have.
        """
        if side == UPPER:
            return self.weights @ self.problem.clairvoyant.value.T
        must = self.problem.process.authority != "advice" or self.signals.teaching
        if side == LOWER and must and not self._depth_matters:
            return self._lowest
        return None

    def _heard_after(self, following: np.ndarray, side: int | None) -> np.ndarray:
        """[B, S, A]: the expectation of `following` [B, S, A] over the signal that comes after each action."""
        signal = self.signals.after
        states, actions = np.arange(signal.shape[0])[:, None], np.arange(signal.shape[1])[None]
        child = self.child[:, signal]  # [B, S, A, Z]
        heard = following[child, states[None, :, :, None], actions[None, :, :, None]]
        if self.problem.process.authority == "shutdown":
            heard = np.where((np.arange(child.shape[3]) == NOTHING)[None, None, None], heard, 0.0)
        expected = (self.chance[:, signal] * heard).sum(axis=3) + slack_sign(side) * self.slack[:, signal]
        reached = self.unheard(side)
        if reached is None:
            return np.where(self.built[:, signal], expected, following)
        common = self.common[:, signal]
        known = np.moveaxis(self.problem.model.expected(reached.T), 2, 0)
        return np.where(self.built[:, signal], expected, common * following + (1 - common) * known)

    def gained(self) -> np.ndarray:
        """[B, S, A]: the mean reward less the cost of oversight."""
        model = self.problem.model
        return self.mean[:, model.place] - model.cost

    def first(self, start: Bounds | None = None) -> np.ndarray:
        """[2, B, S]: bounds that hold before any backup, or the better ones that `start` had of this graph when it was smaller."""
        upper = self.weights @ self.problem.clairvoyant.value.T
        waiting = np.stack([self._lowest, np.maximum(upper, self._lowest)])
        if start is not None:
            old = start.waiting.shape[1]
            waiting[LOWER, :old] = np.maximum(waiting[LOWER, :old], start.waiting[LOWER])
            waiting[UPPER, :old] = np.minimum(waiting[UPPER, :old], start.waiting[UPPER])
        return waiting

    def _taught(self, belief: int, signal: int) -> np.ndarray:
        """[Z, N]: the likelihood of each outcome where the overseer shows the place whose answer should teach most.

        It shows the place in which the belief in the truth, after the answer, is expected to be greatest (in log, over its own
        answers); the first of several. The agent knows that, so the choice of the place is evidence too.
        """
        likelihood, about = self.signals.likelihood[signal], self.signals.about[signal]
        places = np.unique(about[about >= 0])
        gain = np.full((len(places), likelihood.shape[1]), -np.inf)
        for number, place in enumerate(places):
            answers = likelihood[about == place]
            answers = answers / np.maximum(answers.sum(axis=0), np.finfo(np.float64).tiny)
            evidence = (answers @ self.weights[belief])[:, None]
            with np.errstate(divide="ignore", invalid="ignore"):
                nats = answers * (np.log(answers) - np.log(evidence))
            gain[number] = np.where(answers > 0, nats, 0.0).sum(axis=0)
        picked = places[gain.round(DIGITS).argmax(axis=0)]  # [N]
        spoken = likelihood * (about[:, None] == picked[None]) * len(places)
        spoken[NOTHING] = likelihood[NOTHING]
        return spoken

    def _add(self, weights: np.ndarray, depth: np.ndarray) -> np.ndarray:
        """The numbers of beliefs `weights` [E, N], new ones made."""
        rounded = weights.round(self._digits) + 0.0  # no minus zero
        numbers = np.empty(len(weights), dtype=np.int64)
        fresh: list[int] = []
        for number, row in enumerate(rounded):
            key = row.tobytes() + (bytes(str(depth[number]), "ascii") if self._depth_matters else b"")
            found = self._index.get(key)
            if found is None:
                found = self._index[key] = len(self.weights) + len(fresh)
                fresh.append(number)
            numbers[number] = found
        if fresh:
            self._grow(weights[fresh], depth[fresh])
        return numbers

    def _grow(self, weights: np.ndarray, depth: np.ndarray) -> None:
        count, first = len(weights), len(self.weights)
        itself = np.arange(first, first + count)
        self.weights = np.concatenate([self.weights, weights])
        self.depth = np.concatenate([self.depth, depth])
        shape = (count, *self.signals.likelihood.shape[:2])
        self.child = np.concatenate([self.child, np.broadcast_to(itself[:, None, None], shape)])
        chance = np.zeros(shape)
        chance[:, NOTHING, 0] = 1.0
        self.chance = np.concatenate([self.chance, chance])
        built = np.zeros((count, shape[1]), dtype=bool)
        built[:, NOTHING] = True
        self.built = np.concatenate([self.built, built])
        mean = self.problem.mean(weights)
        self.mean = np.concatenate([self.mean, np.moveaxis(mean, 2, 0)])
        self.slack = np.concatenate([self.slack, np.zeros(built.shape)])
        self.common = np.concatenate([self.common, np.stack([self._common(row) for row in weights])])
        if self.problem.process.authority == "advice":
            lowest = self.problem.solve(mean, costly=True).value.T
        else:
            lowest = weights @ self.problem.worst.T
        self._lowest = np.concatenate([self._lowest, lowest])

    def _common(self, weights: np.ndarray) -> np.ndarray:
        """[G]: the part of each signal that tells nothing, its outcomes being as likely under every live hypothesis.

        Where a correction may do more than inform, only silence counts.
        """
        advice = self.problem.process.authority == "advice" and not self.signals.teaching
        outcomes = slice(None) if advice else slice(NOTHING, NOTHING + 1)
        return self.signals.likelihood[:, outcomes][:, :, weights > 0].min(axis=2).sum(axis=1)


def slack_sign(side: int | None) -> float:
    """Which way a bound gives way to what merging beliefs may have changed: down, up, or not at all where none is meant."""
    return {LOWER: -1.0, UPPER: 1.0}.get(-1 if side is None else side, 0.0)
