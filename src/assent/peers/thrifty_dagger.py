"""ThriftyDagger: hand over the most novel and the riskiest rounds, as many as a target rate asks for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, NamedTuple

from assent.core import Array, Belief, Done
from assent.core.arrays import namespace, one_hot
from assent.hypotheses.bootstrap_counts import BootstrapCounts
from assent.peers.branches import when
from assent.peers.peer import Peer, Seen, discrepancy, doubt

MOST = 2000
"""Estimates that are kept, and rounds after which they begin anew: the published steps of an iteration."""

LEAST = 25
"""Thresholds are computed from more estimates than these."""

RISK_HERE, RISK_THERE = 0.48, 0.495
"""The published first guesses: below the one the overseer takes over, above the other the novice may act again."""


class Estimates(NamedTuple):
    """What the thresholds are computed from: doubts and chances of success of the rounds in which the novice was in charge.

    Attributes:
        doubts, chances: `[MOST]`, of which the first `kept` count.
        kept: integer scalar.
        novel: doubt above which the overseer takes over.
        risky: chance of success below which the overseer takes over.
        fine: chance of success above which the novice may act again.
    """

    doubts: Array
    chances: Array
    kept: Array
    novel: Array
    risky: Array
    fine: Array


class Thrift(NamedTuple):
    """What ThriftyDAgger keeps count of.

    Attributes:
        rounds, labels: integer scalars.
        overseer: whether the overseer is in charge.
        off: summed discrepancy of the warm-up's labels.
        estimates: see `Estimates`.
        value, visits: `[S, A]`, the chance of success after an action, and how often it was done; `[1, 1]` without risk.
    """

    rounds: Array
    labels: Array
    overseer: Array
    off: Array
    estimates: Estimates
    value: Array
    visits: Array


@dataclass(frozen=True, eq=False)
class ThriftyDagger(Peer):
    """The overseer takes over where the members' variance is above a quantile of past ones, or success is too unlikely.

    Hoque, Balakrishna, Novoseller, Wilcox, Brown and Goldberg, "ThriftyDAgger: budget-aware novelty and risk gating for interactive
    imitation learning", CoRL 2021, and their code. The quantiles are set so that a share `rate` of the novice's rounds is above: it asks at
    that rate even when everything is known, and hardly more when nothing is. The overseer hands back where the actual discrepancy is below
    its mean and success likelier than in half of the rounds.

    What is carried over, and how. The distance is `discrepancy`, its mean that of the warm-up's labels, each before it was learned.
    Thresholds are computed every `every` rounds, an endless life having no episodes to end, from the estimates since the last `MOST` rounds
    began. The chance of success is learned by Q-learning under the novice's policy in each context, from `reward`: 1 at a goal, 0 at a
    mishap, both end an attempt; without `risk` it is left out, as it is by default in their code. The novice learns at once and not anew
    in every iteration.

    Attributes:
        rate: in (0, 1), the share of the novice's rounds to hand over.
        labels: rounds that are asked first; the last tenth of them sets the first threshold.
        every: rounds between new thresholds.
        discount: of the chance of success, a step.
        risk: whether there are contexts and goals to learn risk from.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("risk",)
    reason: ClassVar[str] = "novelty-or-risk"
    rate: Array | float = 0.01
    labels: Array | int = 100
    every: Array | int = 100
    discount: Array | float = 0.9999
    risk: bool = True

    @staticmethod
    def example() -> ThriftyDagger:
        """One with the example of `BootstrapCounts`."""
        return ThriftyDagger(BootstrapCounts.example(), labels=5, every=10)

    def start(self) -> Thrift:
        prior = self.hypotheses.log_prior()
        xp, dtype = namespace(prior), prior.dtype
        shape = (self.hypotheses.num_contexts or 1, self.hypotheses.num_actions) if self.risk else (1, 1)
        nothing, half = xp.zeros(MOST, dtype=dtype), xp.full(shape, 0.5, dtype=dtype)
        number = xp.asarray(0.0, dtype=dtype)
        estimates = Estimates(nothing, nothing, xp.asarray(0), number, number + RISK_HERE, number + RISK_THERE)
        return Thrift(xp.asarray(0), xp.asarray(0), xp.asarray(False), number, estimates, half, xp.zeros_like(half))

    def asks(self, tally: Thrift, seen: Seen) -> Array:
        xp, known = namespace(seen.policy), tally.estimates
        novel = doubt(seen.rows) > known.novel
        risky = xp.asarray(self.risk) & (self._success(tally, seen) < known.risky)
        first = xp.asarray(tally.rounds < self.labels)
        return xp.astype(xp.asarray(first | tally.overseer | novel | risky), seen.policy.dtype)

    def hear(self, tally: Thrift, seen: Seen, action: Array) -> Thrift:
        xp = namespace(seen.policy)
        first = xp.asarray(tally.rounds < self.labels)
        off, labels = discrepancy(seen.policy, action), tally.labels + 1
        mean = tally.off / xp.astype(xp.where(tally.labels > 0, tally.labels, 1), tally.off.dtype)
        fine = xp.asarray(not self.risk) | (self._success(tally, seen) > tally.estimates.fine)
        # a round in which the novice was in charge until it handed over counts among its rounds
        late = xp.asarray(tally.rounds * 10 >= 9 * xp.asarray(self.labels))
        estimates = self._note(tally, seen, xp.where(first, late, ~tally.overseer))
        stays = ~first & ~((off < mean) & fine)
        return tally._replace(
            labels=xp.where(first, labels, tally.labels),
            off=tally.off + xp.where(first, off, 0.0),
            overseer=stays,
            estimates=estimates,
        )

    def passed(self, tally: Thrift, seen: Seen, done: Done) -> Thrift:
        xp = namespace(seen.policy)
        estimates = self._note(tally, seen, ~xp.asarray(done.asked, dtype=xp.bool))
        rounds = tally.rounds + 1
        estimates = when(rounds == self.labels, self._first_threshold, estimates)
        due = (rounds > self.labels) & (rounds % self.every == 0)
        estimates = when(due, self._thresholds, estimates)
        anew = rounds % MOST == 0
        return tally._replace(
            rounds=rounds, estimates=estimates._replace(kept=xp.where(xp.asarray(anew), 0, estimates.kept))
        )

    def reward(self, belief: Belief, obs: Any, action: Array, after: Any, *, failed: Array, reached: Array) -> Belief:
        """The belief after `action` at `obs` led to `after`: a goal, a mishap, or on."""
        if not self.risk:
            return belief
        tally: Thrift = belief.tallies[0]
        xp = namespace(tally.value)
        there = self._seen(belief, after, self.weigh(belief, after))
        ahead = self.discount * self._success(tally, there)
        target = xp.where(reached, 1.0, xp.where(failed, 0.0, ahead))
        here, said = (
            one_hot(at, size, xp.bool, xp=xp) for at, size in zip((obs, action), tally.value.shape, strict=True)
        )
        done = here[:, None] & said[None, :]
        visits = tally.visits + xp.astype(done, tally.visits.dtype)
        step = xp.where(visits > 20.0, 0.05, 1.0 / xp.where(visits > 0, visits, 1.0))
        value = tally.value + xp.where(done, step * (target - tally.value), 0.0)
        return replace(belief, tallies=(tally._replace(value=value, visits=visits),))

    def _success(self, tally: Thrift, seen: Seen) -> Array:
        """The chance of success where the novice acts on."""
        xp = namespace(seen.policy)
        if not self.risk:
            return xp.asarray(1.0, dtype=seen.policy.dtype)
        return xp.sum(seen.acts * tally.value[seen.obs, :])

    def _note(self, tally: Thrift, seen: Seen, counts: Array) -> Estimates:
        """The estimates with this round's among them, if it `counts` and there is room."""
        known = tally.estimates
        xp = namespace(known.doubts)
        here = (xp.arange(MOST) == known.kept) & counts
        kept = known.kept + xp.astype(xp.asarray(counts & (known.kept < MOST)), known.kept.dtype)
        return known._replace(
            doubts=xp.where(here, doubt(seen.rows), known.doubts),
            chances=xp.where(here, self._success(tally, seen), known.chances),
            kept=kept,
        )

    def _first_threshold(self, known: Estimates) -> Estimates:
        """From the last labels of the warm-up, which are forgotten after it."""
        xp = namespace(known.doubts)
        return known._replace(novel=_ranked(known.doubts, known.kept, 1 - self.rate), kept=xp.zeros_like(known.kept))

    def _thresholds(self, known: Estimates) -> Estimates:
        xp = namespace(known.doubts)
        enough = known.kept > LEAST
        novel = _ranked(known.doubts, known.kept, 1 - self.rate)
        risky = -_ranked(-known.chances, known.kept, 1 - self.rate)
        fine = _ranked(known.chances, known.kept, 0.5)
        return known._replace(
            novel=xp.where(enough, novel, known.novel),
            risky=xp.where(enough, risky, known.risky),
            fine=xp.where(enough, fine, known.fine),
        )


def _ranked(values: Array, kept: Array, share: Array | float) -> Array:
    """The value number `int(share * kept)`, from 0, of the first `kept` in ascending order; 0 where there are none."""
    xp = namespace(values)
    order = xp.sort(xp.where(xp.arange(values.shape[0]) < kept, values, float("inf")))
    place = xp.astype(share * xp.astype(xp.asarray(kept), values.dtype), xp.int64)
    last = xp.where(kept > 0, kept - 1, 0)
    return xp.where(kept > 0, order[xp.where(place < last, place, last)], 0.0)
