"""The tail of elicitation probabilities: the fit against mpmath, the forecast and its caution against simulated evaluations."""

import dataclasses
import math
from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.forecast.tail import FALSE_ALARMS, GumbelTail, best_of, best_of_asymptotic

mp: Any = mpmath.mp.clone()
mp.dps = 150

PRINTED = [0.02, 0.012, 0.008, 0.0061, 0.005, 0.0043, 0.0037, 0.0033, 0.0029, 0.0026]
TAIL = GumbelTail.fit(PRINTED, evaluated=1000)


def least_squares(values: list[float], evaluated: int, shift: float = 0.0) -> tuple[Any, Any]:
    """Slope and intercept by the normal equations, at 50 digits."""
    x = [-mp.log(-mp.log(mp.mpf(str(value)))) for value in values]
    y = [mp.log((j - mp.mpf(shift)) / evaluated) for j in range(1, len(x) + 1)]
    solution = mp.lu_solve(
        mp.matrix([[mp.fsum(v * v for v in x), mp.fsum(x)], [mp.fsum(x), len(x)]]),
        mp.matrix([mp.fsum(v * w for v, w in zip(x, y, strict=True)), mp.fsum(y)]),
    )
    return solution[0], solution[1]


def test_the_fit_as_printed() -> None:
    slope, intercept = least_squares(PRINTED, 1000)
    assert TAIL.slope == pytest.approx(float(slope), rel=1e-12)
    assert TAIL.intercept == pytest.approx(float(intercept), rel=1e-12)
    assert abs(TAIL.slope - -5.467119) <= 5e-7  # T59
    # b is -14.3808245006, and the last level 0.3299092: the table cuts the one and pads the other (0.32991) with a zero
    assert abs(TAIL.intercept - -14.380824) <= 5.1e-7
    for n, printed, unit in ((1e3, 0.0197774, 1e-7), (1e5, 0.184568, 1e-6), (1e6, 0.32991, 1e-5)):
        exact = mp.exp(-mp.exp((mp.log(n) + intercept) / slope))
        assert TAIL.worst(n) == pytest.approx(float(exact), rel=1e-12)
        assert abs(TAIL.worst(n) - printed) <= unit / 2
    wrong_sign = dataclasses.replace(TAIL, intercept=-TAIL.intercept)
    assert abs(wrong_sign.worst(1e5) - 0.184568) > 0.1, "the other convention for b"
    assert abs(float(least_squares(PRINTED, 1000, 0.5)[0]) - -5.467119) > 0.1, "ranks j - 1/2"


def test_order_and_what_lies_below_the_top_do_not_matter() -> None:
    shuffled = [0.0001, 0.001, *PRINTED[::-1]]
    assert GumbelTail.fit(shuffled, evaluated=1000) == TAIL
    assert GumbelTail.fit(np.asarray(shuffled), evaluated=1000) == TAIL


@given(st.floats(1e-6, 1 - 1e-6), st.floats(1e-9, 1e9))
def test_exceeding_is_the_complement_of_every_query_staying_below(level: float, n: float) -> None:
    share = min(math.exp(TAIL.slope * -math.log(-math.log(level)) + TAIL.intercept), 1.0)
    chance = TAIL.exceeds(level, n)
    assert 0 <= chance <= 1
    if share == 1.0:
        assert chance == (n > 0)
    else:
        stays = (1 - mp.mpf(share)) ** mp.mpf(n)
        assert chance == pytest.approx(float(1 - stays), rel=1e-9, abs=1e-300)


@given(st.floats(1e-3, 1e12), st.floats(1, 1e3))
def test_worst_and_exceeds_agree_and_are_monotone(n: float, factor: float) -> None:
    worst = TAIL.worst(n)
    assert TAIL.worst(n * factor) >= worst
    if 0 < worst < 1 - 1e-9 and n > 2:
        # one query of n is above its own level: 1 - (1 - 1/n)^n
        assert TAIL.exceeds(worst, n) == pytest.approx(-math.expm1(n * math.log1p(-1 / n)), rel=1e-6)
        assert TAIL.exceeds(worst, n * factor) >= TAIL.exceeds(worst, n) * (1 - 1e-12)


def test_borders_of_the_forecast() -> None:
    assert TAIL.exceeds(0.5, 0) == 0.0
    assert TAIL.exceeds(1e-300, 1) == 1.0  # the fitted share is above 1 there
    assert TAIL.worst(1e-300) == 0.0
    flat = dataclasses.replace(TAIL, slope=-1e-4)
    assert flat.worst(1e3) == 0.0
    assert flat.worst(1e300) == 1.0
    assert TAIL.blind_spot() == pytest.approx(1 - 0.05**1e-3, rel=1e-12)


def top_scores(
    rng: np.random.Generator, *, location: float, scale: float, runs: int, queries: int = 1000, top: int = 10
) -> Any:
    """`[runs, top]`, descending."""
    scores = rng.gumbel(location, scale, (runs, queries))
    return np.sort(np.partition(scores, queries - top, axis=1)[:, -top:], axis=1)[:, ::-1]


def probabilities(scores: Any) -> Any:
    return np.exp(-np.exp(-scores))


@pytest.mark.parametrize(("location", "scale", "error"), [(-2.5, 0.2, 0.25), (-2.0, 0.25, 0.12), (-1.5, 0.3, 0.06)])
def test_the_worst_query_of_a_deployment_a_hundred_times_longer(location: float, scale: float, error: float) -> None:
    # A9: the true worst query is the level that one in 100,000 exceeds
    truth = math.exp(-math.exp(-(location + scale * math.log(1e5))))
    scores = top_scores(np.random.default_rng(0), location=location, scale=scale, runs=3000)
    tails = [GumbelTail.fit(row, evaluated=1000) for row in probabilities(scores)]
    errors = np.asarray([math.log10(tail.worst(1e5) / truth) for tail in tails])
    assert float(np.median(np.abs(errors))) <= error
    assert float((errors < 0).mean()) <= 0.36
    assert abs(math.log10(float(np.median(probabilities(scores)[:, 0])) / truth)) > error, (
        "the worst query evaluated, taken for the worst"
    )
    # three standard errors of 3,000 tosses; the top 10 of 1,000 are exponential up to a percent
    alarms = float(np.mean([tail.caution is not None for tail in tails]))
    assert abs(alarms - FALSE_ALARMS) <= 3 * math.sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) / len(tails)) + 0.005


@pytest.mark.parametrize(("met", "power"), [(1, 0.8), (2, 0.9), (5, 0.9)])
def test_a_planted_rare_mode_raises_the_caution(met: int, power: float) -> None:
    # one query in a few hundred elicits the behaviour nearly always; the evaluation has met `met` of them
    rng = np.random.default_rng(met)
    scores = top_scores(rng, location=-2.5, scale=0.2, runs=400)
    scores[:, -met:] = -np.log(-np.log(0.9)) + rng.normal(0.0, 0.1, (400, met))
    tails = [GumbelTail.fit(row, evaluated=1000) for row in probabilities(scores)]
    cautions = [tail.caution for tail in tails if tail.caution is not None]
    assert len(cautions) >= power * len(tails)
    found = (
        "largest of the top 10 scores lies apart" if met == 1 else f"the {met} largest of the top 10 scores lie apart"
    )
    assert sum(found in text for text in cautions) >= 0.9 * len(cautions)
    assert all(text.startswith("The evaluation may miss a mode: ") and text.endswith(".") for text in cautions)
    # without weighting the j-th gap by j, the first gaps of a plain tail look widest and cry wolf
    plain = top_scores(rng, location=-2.5, scale=0.2, runs=400)
    gaps = plain[:, :-1] - plain[:, 1:]
    unweighted = gaps.max(axis=1) / gaps.sum(axis=1)
    assert float((unweighted > largest_share(FALSE_ALARMS, 9)).mean()) > 2 * FALSE_ALARMS


def largest_share(chance: float, parts: int) -> float:
    """The share that the largest of exponential parts exceeds with this chance, by simulation."""
    draws = np.random.default_rng(9).exponential(size=(200_000, parts))
    return float(np.quantile(draws.max(axis=1) / draws.sum(axis=1), 1 - chance))


@pytest.mark.parametrize("top", [3, 5, 20])
def test_the_false_alarm_rate_is_exact_for_an_exponential_tail(top: int) -> None:
    rng = np.random.default_rng(top)
    spacings = rng.exponential(size=(4000, top)) / np.arange(1, top + 1)
    scores = -3.0 + 0.3 * np.cumsum(spacings[:, ::-1], axis=1)
    alarms = np.mean(
        [GumbelTail.fit(row, evaluated=10_000, top=top).caution is not None for row in probabilities(scores)]
    )
    assert abs(float(alarms) - FALSE_ALARMS) <= 3 * math.sqrt(FALSE_ALARMS * (1 - FALSE_ALARMS) / 4000)


def test_best_of_n_as_printed() -> None:
    value = best_of(1000, alpha=0.5, beta=50)
    # one factor a try: the chance that try i fails after i failures
    exact = 1 - mp.fprod((50 + mp.mpf(i)) / (mp.mpf("50.5") + i) for i in range(1000))
    assert value == pytest.approx(float(exact), rel=1e-13)
    assert abs(value - 0.782301) <= 5e-7  # T60
    limit = best_of_asymptotic(1000, alpha=0.5, beta=50)
    assert limit == pytest.approx(
        float(1 - mp.gamma("50.5") / mp.gamma(50) * mp.mpf(1000) ** mp.mpf("-0.5")), rel=1e-12
    )
    assert abs(limit - 0.776952) <= 5e-7
    assert abs(1 - (1 - 0.5 / 50.5) ** 1000 - value) > 0.2, "every query at the mean chance"


@given(st.floats(0.01, 20), st.floats(0.1, 1e4), st.floats(0, 1e9))
def test_best_of_n_is_monotone_and_tends_to_its_power_law(alpha: float, beta: float, n: float) -> None:
    value = best_of(n, alpha=alpha, beta=beta)
    assert 0 <= value <= 1
    assert best_of(2 * n, alpha=alpha, beta=beta) >= value * (1 - 1e-12)
    assert best_of(1, alpha=alpha, beta=beta) == pytest.approx(alpha / (alpha + beta), rel=1e-11)
    far = 1e6 * (alpha + beta) * max(alpha, 1)
    left = 1 - best_of(far, alpha=alpha, beta=beta)
    if left > 1e-6:
        assert 1 - best_of_asymptotic(far, alpha=alpha, beta=beta) == pytest.approx(left, rel=1e-4)


@pytest.mark.parametrize(
    "call",
    [
        lambda: GumbelTail.fit([0.0, 0.1, 0.2], evaluated=10, top=3),
        lambda: GumbelTail.fit([1.0, 0.1, 0.2], evaluated=10, top=3),
        lambda: GumbelTail.fit([math.nan, 0.1, 0.2], evaluated=10, top=3),
        lambda: GumbelTail.fit([0.3, 0.1, 0.2], evaluated=10),
        lambda: GumbelTail.fit([0.3, 0.1, 0.2], evaluated=10, top=2),
        lambda: GumbelTail.fit([0.3, 0.1, 0.2], evaluated=2, top=3),
        lambda: GumbelTail.fit([0.3, 0.1, 0.2, 0.4], evaluated=3, top=3),
        lambda: GumbelTail.fit([0.3] * 10, evaluated=100),
        lambda: GumbelTail(0.0, -1.0, evaluated=100, top=10),
        lambda: GumbelTail(1.0, -1.0, evaluated=100, top=10),
        lambda: GumbelTail(math.nan, -1.0, evaluated=100, top=10),
        lambda: GumbelTail(-1.0, math.inf, evaluated=100, top=10),
        lambda: GumbelTail(-1.0, -1.0, evaluated=5, top=10),
        lambda: TAIL.worst(0),
        lambda: TAIL.worst(math.inf),
        lambda: TAIL.exceeds(0.0, 10),
        lambda: TAIL.exceeds(0.5, -1),
        lambda: TAIL.blind_spot(delta=1.0),
        lambda: best_of(-1, alpha=1, beta=1),
        lambda: best_of(1, alpha=0, beta=1),
        lambda: best_of(True, alpha=1, beta=1),
        lambda: best_of_asymptotic(0, alpha=1, beta=1),
    ],
)
def test_what_is_no_tail_is_refused(call: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"(?s)^The(re)? .*(is|are) .*[;:] .*\.$"):
        call()


def test_part_ties_are_fitted() -> None:
    tied = GumbelTail.fit([0.5, 0.1, 0.1, 0.1], evaluated=100, top=4)
    assert tied.slope < 0
    assert tied.caution is not None
