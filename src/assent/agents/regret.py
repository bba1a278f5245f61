"""Regret: what an online learner loses at most beyond the best that could have been done, on every sequence there is.

Nothing here is about chances, but for `most_wrong`: no distribution is assumed, so none can shift. Losses in nats are those of `Imitator`
with the rule `Mixture` and the set `Everyone`, whose prediction of an answer is the weighted average of its members'. Proofs:
docs/low-stakes.md.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def sharing_bound(
    num_answers: int, *, num_members: float, share: float = 0.0, switches: int = 0, temper: float = 1.0
) -> float:
    """Nats: the most by which the mixture's log loss exceeds that of the best sequence of members with so many switches.

    M. Herbster and M. K. Warmuth, "Tracking the best expert", Machine Learning 32, 1998, the fixed-share algorithm under log loss, with
    the share going back to a uniform prior (O. Bousquet and M. K. Warmuth, JMLR 2002: mixing to the start vector). With prior weights that
    are not uniform, give as `num_members` one over the least of them. Without share and switches it is Bayes' `log N`.

    Args:
        num_answers: how many answers have been learned from, at least 1.
        num_members: N.
        share: in [0, 1), the part of the weights that goes back to the prior at each answer.
        switches: how often the sequence that one compares with changes from a member to another; more than 0 needs a share.
        temper: in (0, 1], the exponent of likelihoods; what is learned more slowly costs as much more.

    Raises:
        ValueError: one of these is out of its range.

    >>> round(sharing_bound(1000, num_members=20), 3), round(sharing_bound(1000, num_members=20, share=0.001, switches=1), 3)
    (2.996, 13.848)
    """
    _check_sharing(num_answers, num_members, share, switches, temper)
    switches = min(switches, num_answers - 1)
    if switches and not share:
        return math.inf
    bound = math.log(num_members)
    if switches:
        bound += switches * math.log(num_members / share)
    bound -= (num_answers - 1 - switches) * math.log1p(-share * (1 - 1 / num_members))
    return bound / temper


def best_share(num_answers: int, *, switches: int) -> float:
    """In [0, 1): the share under which `sharing_bound` is about least, the part of answers at which a switch comes.

    >>> best_share(1001, switches=1)
    0.001
    """
    if num_answers < 2 or switches < 0:
        raise ValueError(
            f"{num_answers} answers, {switches} switches: a share is for at least 2 answers and 0 switches."
        )
    return min(switches / (num_answers - 1), 0.5)


def restart_bound(
    num_answers: int, *, num_members: int, length: int, switches: int = 0, most: float = math.inf
) -> float:
    """Nats: the same for weights that go back to the prior after every `length` answers, without share.

    Each stretch costs `log N` against the best member in it, and a switch within it at most half of its answers, on which members differ
    by at most `most` nats: infinity where nobody knows, and then there is no bound with switches.

    >>> round(restart_bound(1000, num_members=20, length=250, switches=1, most=5.0), 3)
    636.983
    """
    _check_sharing(num_answers, num_members, 0.0, switches, 1.0)
    if length < 1 or most < 0:
        raise ValueError(
            f"length = {length}, most = {most}: restart after at least 1 answer; losses differ by 0 or more."
        )
    stretches = -(-num_answers // length)
    within = switches * (length // 2)
    return stretches * math.log(num_members) + (within * most if within else 0.0)


def doubling_bound(num_answers: int, *, num_members: int, first: int) -> float:
    """Nats: the same for stretches of `first`, `2 first`, `4 first` … answers, against one member for each stretch.

    >>> round(doubling_bound(1000, num_members=20, first=100), 3)
    11.983
    """
    _check_sharing(num_answers, num_members, 0.0, 0, 1.0)
    if first < 1:
        raise ValueError(f"first = {first}: the first stretch has at least 1 answer.")
    stretches = (-(-num_answers // first)).bit_length()
    return stretches * math.log(num_members)


def hedge_rate(num_answers: int, *, num_members: int) -> float:
    """The rate at which Hedge does best over a number of rounds that is known: `sqrt(8 log N / T)`.

    An `Imitator` whose members each name one action, with probability p, and give every other q, is Hedge on mistakes at this rate when
    its temper is `hedge_rate / log(p / q)`.

    >>> round(hedge_rate(800, num_members=20), 4)
    0.1731
    """
    _check_sharing(num_answers, num_members, 0.0, 0, 1.0)
    return math.sqrt(8 * math.log(num_members) / num_answers)


def hedge_bound(num_answers: int, *, num_members: int, rate: float | None = None, nats: float | None = None) -> float:
    """The most by which Hedge's loss exceeds the best member's, losses in [0, 1]: `nats / rate + rate T / 8`.

    Y. Freund and R. E. Schapire, 1997; N. Cesa-Bianchi and G. Lugosi, "Prediction, learning, and games", 2006, Theorem 2.2. At the best
    rate it is `sqrt(T log N / 2)`. With fixed share, `sharing_bound` gives the nats, and the best may change (their Theorem 5.2).

    Args:
        rate: above 0; `hedge_rate` where left out.
        nats: `log N` where left out.

    >>> round(hedge_bound(800, num_members=20), 3)
    34.616
    """
    rate = hedge_rate(num_answers, num_members=num_members) if rate is None else rate
    nats = math.log(num_members) if nats is None else nats
    if not (rate > 0 and nats >= 0):
        raise ValueError(f"rate = {rate}, nats = {nats}: give a rate above 0, and nats from 0 up.")
    return nats / rate + rate * num_answers / 8


def gradient_bound(num_answers: int, *, diameter: float, steepest: float, path: float = 0.0) -> float:
    """The most that gradient descent with steps `D / (G sqrt t)` loses beyond coefficients that move a way of length `path`.

    M. Zinkevich, "Online convex programming and generalized infinitesimal gradient ascent", ICML 2003, Theorems 1 and 2, with the step
    that E. Hazan, "Introduction to online convex optimization", 2016, Theorem 3.1, gives it: `(1.5 D + path) G sqrt(T)`. One switch to
    other coefficients is a way of at most D.

    >>> gradient_bound(100, diameter=2.0, steepest=1.0)
    30.0
    """
    if min(num_answers, diameter, steepest, path) < 0:
        raise ValueError(f"{num_answers} answers, D = {diameter}, G = {steepest}, path = {path}: none may be below 0.")
    return (1.5 * diameter + path) * steepest * math.sqrt(num_answers)


def adaptive_bound(squares: float, *, diameter: float, path: float = 0.0) -> float:
    """The same for the adaptive step: `sqrt(2) (D + path) sqrt(sum of squared gradient norms)`.

    M. Streeter and H. B. McMahan, "Less regret via online conditioning", 2010; J. Duchi, E. Hazan and Y. Singer, JMLR 2011.

    >>> round(adaptive_bound(50.0, diameter=2.0), 6)
    20.0
    """
    if min(squares, diameter, path) < 0:
        raise ValueError(f"squares = {squares}, D = {diameter}, path = {path}: none may be below 0.")
    return math.sqrt(2) * (diameter + path) * math.sqrt(squares)


def exponentiated_bound(num_answers: int, *, radius: float, norm: float, num_coefficients: int) -> float:
    """The most that exponentiated gradients lose beyond fixed coefficients: `2 radius norm sqrt(T log(2 F A))`.

    J. Kivinen and M. K. Warmuth, 1997, with rates that fall like `1 / sqrt t`: S. de Rooij, T. van Erven, P. Grünwald and W. Koolen,
    "Follow the leader if you can, hedge if you must", JMLR 2014, Lemma 2.

    >>> round(exponentiated_bound(100, radius=2.0, norm=1.0, num_coefficients=30), 3)
    80.938
    """
    if min(num_answers, radius, norm, num_coefficients) < 0:
        raise ValueError(f"{num_answers} answers, radius = {radius}, norm = {norm}: none may be below 0.")
    return 2 * radius * norm * math.sqrt(num_answers * math.log(2 * num_coefficients))


def most_wrong(log_loss: float, *, rate: float, risk: float, delta: float = 0.0, silence: float = 0.0) -> float:
    """How many lone acts at most are not the overseer's, at all times at once but for a chance of `risk`.

    `(log_loss + log(1 / risk)) / log(1 + rate (1 - silence) (1 - delta) / (1 - rate))`, where every round is asked with chance at least
    `rate` by a coin that does not look at the answer (Ville's inequality; derived in docs/low-stakes.md. In expectation: N. Cesa-Bianchi,
    G. Lugosi and G. Stoltz, "Minimizing regret with label efficient prediction", 2005). With costs in [0, b] the sum of the costs is at
    most b times this.

    Args:
        log_loss: nats, what the answers so far have surprised the mixture by: known, or `sharing_bound` above the best comparison's. An
            answer that was asked for with a greater chance than `rate` may be counted `rate / chance` times: it says less of lone acts.
        rate: in (0, 1).
        risk: in (0, 1).
        delta: that of the leading set under the rule `Minimum` with `RatioSet(delta)`; 0 for the mixture of everyone.
        silence: in [0, 1), the chance that a question stays unanswered, whatever the answer would have been.

    Raises:
        ValueError: one of these is out of its range.

    >>> round(most_wrong(20.0, rate=0.1, risk=0.01), 1)
    233.5
    """
    if not (0 < rate < 1 and 0 < risk < 1 and 0 <= delta < 1 and 0 <= silence < 1 and log_loss >= 0):
        raise ValueError(
            f"rate = {rate}, risk = {risk}, delta = {delta}, silence = {silence}, log_loss = {log_loss}: the first two lie in (0, 1), "
            "the next two in [0, 1), and losses are 0 or more."
        )
    heard = rate * (1 - silence) * (1 - delta)
    return (log_loss - math.log(risk)) / math.log1p(heard / (1 - rate))


def start_tracking(num_members: int, *, switches: int) -> Floats:
    """`[switches + 1, N]`, zeros: where `track` begins."""
    return np.zeros((switches + 1, num_members))


def track(least: Floats, losses: Any, *, first: bool) -> Floats:
    """`[switches + 1, N]`: the least total loss of sequences that end with each member and had at most so many switches, one round on.

    Args:
        least: the same before the round.
        losses: `[N]`, of the round.
        first: whether it is the first round, before which nobody can have been switched from.

    >>> least = track(start_tracking(2, switches=1), [1.0, 0.0], first=True)
    >>> track(least, [0.0, 1.0], first=False).min(axis=1)
    array([1., 0.])
    """
    if not first:
        from_any = np.minimum.accumulate(least, axis=0).min(axis=1)
        least = least.copy()
        least[1:] = np.minimum(least[1:], from_any[:-1, None])
    return least + np.asarray(losses, dtype=np.float64)


def best_tracking(losses: Sequence[Any] | Floats, *, switches: int) -> float:
    """The least total of `losses` `[T, N]` over sequences of members with at most so many switches.

    >>> best_tracking(np.asarray([[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]]), switches=1)
    0.0
    """
    rounds = np.asarray(losses, dtype=np.float64)
    least = start_tracking(rounds.shape[1], switches=switches)
    for number, row in enumerate(rounds):
        least = track(least, row, first=number == 0)
    return float(least.min())


def _check_sharing(num_answers: int, num_members: float, share: float, switches: int, temper: float) -> None:
    if not (num_answers >= 1 and num_members >= 1 and 0 <= share < 1 and switches >= 0 and 0 < temper <= 1):
        raise ValueError(
            f"{num_answers} answers, {num_members} members, share = {share}, {switches} switches, temper = {temper}: at least one "
            "answer and one member, a share in [0, 1), no negative number of switches, a temper in (0, 1]."
        )
