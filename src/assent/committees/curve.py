"""The curve: how many independent members a committee is worth, against what it cost, for 1 to N members of each way to make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from assent.committees.balanced import n_eff_cap_evenly
from assent.committees.committee import Committee
from assent.committees.correlation import error_correlation, n_eff_var, participation
from assent.committees.costs import Cost
from assent.committees.evaluation import Evaluated, evaluated, wrong_acts
from assent.committees.joint import n_eff_joint
from assent.committees.mixture import ErrorMixture, fit_mixture
from assent.committees.problems import Problem
from assent.committees.ways import Way
from assent.committees.work import Work

REFERENCE = "deep"
"""The way that numbers of independent members by joint predictions are counted in."""


@dataclass(frozen=True)
class CurvePoint:
    """n members of one way.

    Attributes:
        way, members: which, and n.
        trainings: operations spent, in those of one training of the problem's network.
        cpu_trainings: CPU seconds spent, likewise.
        infer: operations for one item by all members, in those of one network.
        num_bytes: of the members as they are kept.
        member_accuracy, accuracy: of a member, on average over all that were made, and of the mean of all.
        log_loss: of the mean of all.
        correlation, within, between: of members' errors: all pairs, of one root, and of two.
        joint, joint_error: joint log-loss of ten answers about two items, and its standard error.
        n_eff_var: how many independent members' errors an average over n is worth.
        n_eff_cap, low, high, bounded, open: how many independent members would all be wrong as often, with its 95 % band; whether n
            members were never all wrong, so that it is at least so many; whether the band has no upper end, so that `high` is a bound too.
        n_eff_joint: how many separately trained members have as low a joint log-loss, and whether that is beyond what was made.
        wrong_minimum, wrong_threshold: wrong acts per act alone at a quarter asked, by the minimum and by a threshold on the mean; of up to
            64 members, at the largest such number only.
        comparable: whether its members are about as often right as one network.
    """

    way: str
    members: int
    trainings: float
    cpu_trainings: float
    infer: float
    num_bytes: int
    member_accuracy: float
    accuracy: float
    log_loss: float
    correlation: float
    within: float
    between: float
    participation: float
    joint: float
    joint_error: float
    n_eff_var: float
    n_eff_cap: float
    low: float
    high: float
    bounded: bool
    open: bool
    n_eff_joint: float
    n_eff_joint_bounded: str
    wrong_minimum: float
    wrong_threshold: float
    comparable: bool

    def row(self) -> dict[str, float | int | str | bool | None]:
        """As JSON's values; what is no number is None."""
        return {
            name: None if isinstance(value, float) and not np.isfinite(value) else value
            for name, value in asdict(self).items()
        }


@dataclass(frozen=True)
class Curves:
    """What was measured on one problem.

    Attributes:
        points: of every way, by members.
        one: the cost of one training.
        single_accuracy: of separately trained networks, on average.
        mixture: how often members of the reference err at one point, or None where that cannot be fitted.
        all_wrong: places of test items that no member of any way got right.
    """

    points: tuple[CurvePoint, ...]
    one: Cost
    single_accuracy: float
    mixture: ErrorMixture | None
    all_wrong: tuple[int, ...]


WITHIN = 0.01
"""Members count as comparable while they are this much less often right than one network, or as much more."""


def doublings(most: int) -> tuple[int, ...]:
    """1, 2, 4, ... up to `most`, and `most` itself.

    >>> doublings(10)
    (1, 2, 4, 8, 10)
    """
    sizes = [2**power for power in range(most.bit_length())]
    return tuple(dict.fromkeys([*[size for size in sizes if size <= most], most]))


def curves(
    problem: Problem,
    ways: Sequence[Way],
    *,
    most: int = 1_024,
    most_apart: int = 64,
    seed: int = 0,
    work: Work | None = None,
    told: Callable[[str], None] = lambda _: None,
    resamples: int = 1_000,
) -> Curves:
    """Points of every way on the problem's test part.

    Args:
        ways: the reference comes first, whether it is among them or not.
        most: members of a way, if it can make so many.
        most_apart: of ways other than the reference whose every member is a training.
        told: is called with a way's name before it is made.

    Raises:
        ValueError: fewer than one member.
    """
    if most < 1:
        raise ValueError(f"most = {most}: a committee has at least one member.")
    from assent.committees.ways import way_of

    reference, worker = way_of(REFERENCE), work or Work()
    told(reference.name)
    apart = reference.make(problem, most, seed=seed, work=worker)
    whole = evaluated(apart, problem.data.test)
    one = reference.cost_of(apart, 1)
    known = [(size, whole.joint(size).mean) for size in doublings(apart.num_members)]
    found, never_right = list[CurvePoint](), whole.errors.all(axis=0)
    for way in ways:
        if way.name != reference.name:
            told(way.name)
        made = (
            [(apart, whole)]
            if way.name == reference.name
            else _made(way, problem, min(most, most_apart) if way.grows == "apart" else most, seed=seed, work=worker)
        )
        for committee, seen in made:
            never_right &= seen.errors.all(axis=0)
            sizes = doublings(committee.num_members) if way.grows != "anew" else (committee.num_members,)
            found += _points(
                problem,
                way,
                committee,
                seen,
                sizes=sizes,
                one=one,
                single=whole.member_accuracy,
                known=known,
                resamples=resamples,
            )
    try:
        mixture = fit_mixture(whole.errors)
    except ValueError:
        mixture = None
    return Curves(
        tuple(found), one, whole.member_accuracy, mixture, tuple(int(place) for place in np.flatnonzero(never_right))
    )


def _made(way: Way, problem: Problem, most: int, *, seed: int, work: Work) -> list[tuple[Committee, Evaluated]]:
    """The largest committee, or one of each size where members depend on it."""
    number = min(most, way.most or most)
    sizes = doublings(number) if way.grows == "anew" else (number,)
    sizes = tuple(size for size in sizes if way.name != "tree" or size & (size - 1) == 0)
    made = [way.make(problem, size, seed=seed, work=work) for size in sizes]
    return [(committee, evaluated(committee, problem.data.test)) for committee in made]


def _points(
    problem: Problem,
    way: Way,
    committee: Committee,
    seen: Evaluated,
    *,
    sizes: Sequence[int],
    one: Cost,
    single: float,
    known: Sequence[tuple[int, float]],
    resamples: int,
) -> list[CurvePoint]:
    caps = n_eff_cap_evenly(seen.errors, seen.roots, list(sizes), resamples=resamples)
    infer, counted = one.infer_flops, max(size for size in sizes if size <= 64 or size == min(sizes))
    acts = wrong_acts(committee, problem.data.test)
    found = list[CurvePoint]()
    for place, size in enumerate(sizes):
        errors, roots, cost = seen.errors[:size], seen.roots[:size], way.cost_of(committee, size)
        alike, joint = error_correlation(errors, roots), seen.joint(size)
        worth = n_eff_joint(joint.mean, [n for n, _ in known], [value for _, value in known])
        mean = np.logaddexp.reduce(seen.right[:size], axis=0) - np.log(size)
        found.append(
            CurvePoint(
                way=way.name,
                members=size,
                trainings=cost.trainings(one),
                cpu_trainings=cost.cpu_s / one.cpu_s if one.cpu_s > 0 else float("nan"),
                infer=cost.infer_flops / infer,
                num_bytes=cost.num_bytes,
                member_accuracy=seen.member_accuracy,
                accuracy=seen.accuracy if size == committee.num_members else float("nan"),
                log_loss=-float(mean.mean()),
                correlation=alike.mean,
                within=alike.within,
                between=alike.between,
                participation=participation(errors),
                joint=joint.mean,
                joint_error=joint.standard_error,
                n_eff_var=n_eff_var(errors),
                n_eff_cap=float(caps.value[place]),
                low=float(caps.low[place]),
                high=float(caps.high[place]),
                bounded=bool(caps.bounded[place]),
                open=bool(caps.open[place]),
                n_eff_joint=worth.value,
                n_eff_joint_bounded=worth.bounded,
                wrong_minimum=_number(acts.minimum) if size == counted else float("nan"),
                wrong_threshold=_number(acts.threshold) if size == counted else float("nan"),
                comparable=bool(abs(seen.member_accuracy - single) <= WITHIN),
            )
        )
    return found


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
