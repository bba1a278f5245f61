"""Two doors and an overseer who errs: the belief is the net count k of answers, and the overseer is kept while |k| < K (T7, T8)."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from assent.planning.oracles.exact import Number, chance, discounting, exact, solve


@dataclass(frozen=True)
class NoisyDoors:
    """Two equally likely doors; answers with chance `rate` a step, wrong with chance `eps`. Times and costs as in doors.py.

    Attributes:
        rate: lambda in [0, 1].
        eps: in [0, 1/2]; above a half, rename the doors.
        discount: gamma in (0, 1).

    Raises:
        ValueError: a value outside its range.
    """

    rate: Number
    eps: Number
    discount: Number

    def __post_init__(self) -> None:
        chance("rate", self.rate)
        discounting(self.discount)
        if chance("eps", self.eps) > Fraction(1, 2):
            raise ValueError(f"eps = {self.eps} is above 1/2: the answers name the wrong door. Take 1 - eps.")

    def confidence(self, net: int) -> Fraction:
        """rho(k) = (1-eps)^k / ((1-eps)^k + eps^k): the belief in the door that `net` more answers showed than showed the other.

        >>> NoisyDoors(rate=0.5, eps=0.2, discount=0.9).confidence(2)
        Fraction(16, 17)
        """
        wrong = chance("eps", self.eps)
        right, size = 1 - wrong, abs(net)
        leading = right**size / (right**size + wrong**size)
        return leading if net >= 0 else 1 - leading

    def up(self, net: int) -> Fraction:
        """The chance that the next answer shows the door of `confidence`."""
        wrong, belief = chance("eps", self.eps), self.confidence(net)
        return belief * (1 - wrong) + (1 - belief) * wrong

    def threshold(self, net: int) -> Fraction:
        """c*(k): the cost up to which the overseer is kept after a net count of k, exactly.

        At this cost disabling and keeping are worth the same at |k|, nearer counts keep and farther ones disable (c* falls with |k|).
        The values of the nearer counts solve tri-diagonal equations that are linear in the cost; so is the indifference at |k|.

        >>> NoisyDoors(rate=0.5, eps=0.2, discount=0.9).threshold(0)
        Fraction(27, 20)
        """
        edge = abs(net)
        gamma, rate = discounting(self.discount), chance("rate", self.rate)
        here, beyond = self._disabled(edge), self._disabled(edge + 1)
        if edge == 0:
            inner, slope = beyond, Fraction(0)
        else:
            inner, slope = self._kept(edge, cost=Fraction(0))[-1], self._slope(edge)
        up = self.up(edge)
        gain = self.confidence(edge) + gamma * rate * (up * beyond + (1 - up) * inner) - here * (1 - gamma * (1 - rate))
        # gain - c + gamma rate (1 - up) slope c = 0
        return gain / (1 - gamma * rate * (1 - up) * slope)

    def stop(self, cost: Number) -> int | None:
        """K(c): the net count at which the overseer is disabled; 0 at once, None never (which wants a cost of 0). Ties keep.

        >>> NoisyDoors(rate=0.5, eps=0.1, discount=0.95).stop(0.05)
        3
        """
        charge = exact(cost)
        if charge < 0:
            raise ValueError(f"cost = {cost} is negative: it is what the overseer costs in a step.")
        if charge == 0:
            return None
        net = 0
        while charge <= self.threshold(net):
            net += 1
        return net

    def value(self, net: int, *, cost: Number) -> Fraction:
        """The value after this step's signal at a net count of k, of keeping while that is best. Not for a cost of 0.

        Raises:
            ValueError: a cost that is not above 0.
        """
        edge = self.stop(cost)
        if edge is None:
            raise ValueError(
                "cost = 0 keeps for ever, and no finite number of counts tells its value. Give a cost above 0."
            )
        return self._disabled(abs(net)) if abs(net) >= edge else self._kept(edge, cost=exact(cost))[abs(net)]

    def _disabled(self, net: int) -> Fraction:
        return self.confidence(abs(net)) / (1 - discounting(self.discount))

    def _rows(self, edge: int) -> list[dict[int, Fraction]]:
        """Equations of the counts 0 .. edge-1 that keep; -1 is 1 seen from the other door."""
        gamma, rate = discounting(self.discount), chance("rate", self.rate)
        rows: list[dict[int, Fraction]] = []
        for net in range(edge):
            row = {net: 1 - gamma * (1 - rate)}
            for neighbour, weight in ((net + 1, self.up(net)), (abs(net - 1), 1 - self.up(net))):
                if neighbour < edge:
                    row[neighbour] = row.get(neighbour, Fraction(0)) - gamma * rate * weight
            rows.append(row)
        return rows

    def _kept(self, edge: int, *, cost: Fraction) -> list[Fraction]:
        """Values of the counts 0 .. edge-1, which keep, when `edge` disables."""
        reach = discounting(self.discount) * chance("rate", self.rate) * self._disabled(edge)
        right = [self.confidence(net) - cost for net in range(edge)]
        right[edge - 1] += self.up(edge - 1) * reach
        if edge == 1:
            right[0] += (1 - self.up(0)) * reach
        return solve(self._rows(edge), right)

    def _slope(self, edge: int) -> Fraction:
        """How the value at edge-1 changes with the cost: minus the discounted time until `edge` is reached."""
        return solve(self._rows(edge), [Fraction(-1)] * edge)[-1]


def lock_in_error(stop: int, *, eps: Number) -> Fraction:
    """The chance that a walk which ends at a net count of K = `stop` ends at the wrong door: 1 / (1 + ((1-eps)/eps)^K).

    >>> lock_in_error(3, eps=0.1)
    Fraction(1, 730)
    """
    wrong = chance("eps", eps)
    return wrong**stop / (wrong**stop + (1 - wrong) ** stop)


def expected_answers(stop: int, *, eps: Number) -> Fraction:
    """The expected number of answers until the net count is K = `stop`: K (1 - 2P) / (1 - 2 eps), and K^2 for eps = 1/2.

    P is `lock_in_error`. Source: gambler's ruin, Feller, "An Introduction to Probability Theory and Its Applications" I, chapter XIV.

    >>> expected_answers(2, eps=0), expected_answers(3, eps=0.5)
    (Fraction(2, 1), Fraction(9, 1))
    """
    wrong = chance("eps", eps)
    if wrong == Fraction(1, 2):
        return Fraction(stop**2)
    return stop * (1 - 2 * lock_in_error(stop, eps=wrong)) / (1 - 2 * wrong)


@dataclass(frozen=True)
class Misjudged:
    """What an agent that takes its overseer's error for `believed` locks in when it is another (T8).

    Attributes:
        stop: the net count at which it disables.
        claimed: the chance of a wrong lock-in as it believes.
        true: as it is.
    """

    stop: int
    claimed: Fraction
    true: Fraction

    @property
    def times(self) -> Fraction | None:
        """How many times worse it is than claimed; None where nothing was claimed."""
        return self.true / self.claimed if self.claimed else None


def misjudged(believed: NoisyDoors, *, true_eps: Number, cost: Number) -> Misjudged:
    """T8: the agent stops where its belief about the overseer tells it to, and errs as the overseer does.

    Raises:
        ValueError: a cost that is not above 0: then it never disables.

    >>> outcome = misjudged(NoisyDoors(rate=0.5, eps=0.1, discount=0.95), true_eps=0.3, cost=0.05)
    >>> outcome.stop, round(float(outcome.times or 0))
    (3, 53)
    """
    stop = believed.stop(cost)
    if stop is None:
        raise ValueError("cost = 0: the overseer is never disabled, so nothing is ever locked in. Give a cost above 0.")
    return Misjudged(stop, lock_in_error(stop, eps=believed.eps), lock_in_error(stop, eps=true_eps))
