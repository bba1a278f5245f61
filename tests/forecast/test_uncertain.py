"""Uncertain inputs: survival-weighted, never the plain mean; swings and shares of variance of the reference problem."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.forecast.distributions import Choice, LogNormal90, LogUniform, Normal90, Uniform, distribution, quantiles
from assent.forecast.hyperprior import HyperPrior
from assent.forecast.kinds import build, calendar
from assent.forecast.uncertain import Uncertain
from assent.forecast.vectors import VECTORS

REFERENCE = {
    "ftp": "1/1000 to 1/100",
    "virtual_successes": "uniform(1/2, 1)",
    "growth": "3 % to 21 %",
    "sums": "continuous",
}


@pytest.fixture(scope="module")
def reference() -> Uncertain:
    return Uncertain("researcher-years", REFERENCE, draws=400_000, seed=3)


def test_the_reference_problem(reference: Uncertain) -> None:
    """Printed from 2^20 Sobol points; the tolerances are four standard errors of 400,000 draws (sd of the answers 0.0288)."""
    found = reference.spread(2036, none_by=2020)
    error = 4 * 0.0288 / math.sqrt(400_000)
    assert found.plain == pytest.approx(0.05973, abs=error + 5e-6)
    assert found.probability == pytest.approx(0.05356, abs=error + 5e-6)
    assert found.plain - found.probability > 20 * error  # the wrong variant: the plain mean
    for value, printed in zip(found.band, (0.01631, 0.05019, 0.10231), strict=True):
        assert value == pytest.approx(printed, rel=0.006)
    for value, printed in zip(found.plain_band, (0.01814, 0.05648, 0.11276), strict=True):
        assert value == pytest.approx(printed, rel=0.006)


def test_tornado_of_the_reference_problem(reference: Uncertain) -> None:
    base, swings = reference.tornado(2036, none_by=2020)
    assert base == pytest.approx(0.057617, abs=6e-7)
    ends = {swing.name: (swing.at_low, swing.at_high) for swing in swings}
    assert ends["ftp"] == pytest.approx((0.02444, 0.10097), abs=6e-6)
    assert ends["growth"] == pytest.approx((0.02894, 0.09221), abs=6e-6)
    assert ends["virtual_successes"] == pytest.approx((0.05020, 0.06260), abs=6e-6)
    assert [swing.name for swing in swings] == ["ftp", "growth", "virtual_successes"]


def test_sobol_of_the_reference_problem(reference: Uncertain) -> None:
    found = {item.name: item for item in reference.sobol(2036, none_by=2020, draws=1 << 17)}
    for name, printed in {"ftp": (0.568, 0.595), "growth": (0.365, 0.387), "virtual_successes": (0.032, 0.056)}.items():
        item = found[name]
        assert item.first == pytest.approx(printed[0], abs=4 * item.error[0] + 0.002)
        assert item.total == pytest.approx(printed[1], abs=4 * item.error[1] + 0.004)
        assert item.error[0] < 0.02


def test_shares_of_a_sum_are_those_of_its_variances() -> None:
    """ln S is the sum of a term in ftp and one in the start only where both are small; a two-input calendar rule is nearly additive."""
    rule = Uncertain("calendar", {"ftp": "uniform(1/1010, 1/990)", "start": "uniform(1955, 1957)"}, draws=1000, seed=1)
    first = {item.name: item.first for item in rule.sobol(2036, none_by=2020, draws=1 << 14)}
    assert sum(first.values()) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("kind", VECTORS)
def test_vectors_agree_with_the_scalar_rules(kind: str) -> None:
    rng = np.random.default_rng(5)
    known = {
        "calendar": ("ftp", "virtual_successes", "start"),
        "trials": ("ftp", "virtual_successes"),
        "researcher-years": ("ftp", "virtual_successes", "growth", "expected_growth", "start"),
        "compute": ("ftp", "virtual_successes", "importance", "spend", "expected_growth"),
        "lifetime": ("spend", "virtual_successes"),
        "evolution": ("spend", "virtual_successes"),
    }[kind]
    for number in range(30):
        draws = {
            "ftp": 10 ** rng.uniform(-4, -1),
            "virtual_successes": rng.uniform(0.3, 3),
            "start": rng.uniform(1940, 2000),
            "growth": rng.uniform(0.01, 0.3),
            "expected_growth": rng.uniform(0.01, 0.1),
            "importance": rng.uniform(0.5, 12),
            "spend": 10 ** rng.uniform(7.5, 11.5),
        }
        inputs = {name: float(draws[name]) for name in known}
        if kind == "researcher-years" and number % 2:
            inputs = {**inputs, "sums": "continuous"}  # pyright: ignore[reportAssignmentType]
        since, until = (10.0, 30.5) if kind == "trials" else (2021.0, float(rng.uniform(2025, 2090)))
        model = build(kind, inputs)
        before, more = VECTORS[kind](since, until, **inputs)
        assert float(before) == pytest.approx(float(model.log_survival(since)), rel=1e-9)
        assert float(more) == pytest.approx(float(model.log_survival(until, since=since)), rel=1e-9)


def test_it_is_a_model_and_mixes() -> None:
    """A mixture of the draws as rules, built one by one, gives the same number."""
    rule = Uncertain("calendar", {"ftp": "1/1000 to 1/100"}, draws=200, seed=2)
    ftp = LogNormal90("1/1000", "1/100").draw(np.random.Generator(np.random.SFC64([2, 0])), 200)
    mixture = HyperPrior({str(n): (calendar(ftp=float(value)), "1/200") for n, value in enumerate(ftp)})
    assert rule.predict(2036, none_by=2020).probability == pytest.approx(
        mixture.predict(2036, none_by=2020).probability, rel=1e-12
    )
    chained = float(rule.log_survival(2030, since=2020)) + float(rule.log_survival(2036, since=2030))
    assert chained == pytest.approx(float(rule.log_survival(2036, since=2020)), rel=1e-12)
    half = HyperPrior({"uncertain": (rule, "1/2"), "sure": (calendar(ftp="1/300"), "1/2")})
    assert 0.03 < half.predict(2036, none_by=2020).probability < 0.06


def test_the_seed_decides() -> None:
    one, same, other = (
        Uncertain("calendar", {"ftp": "1/1000 to 1/100"}, draws=1000, seed=seed).predict(2036, none_by=2020).probability
        for seed in (1, 1, 2)
    )
    assert one == same
    assert one != other


def test_distributions_have_the_quantiles_that_they_say() -> None:
    rng = np.random.default_rng(0)
    cases = [
        LogNormal90(0.001, 0.01),
        Normal90(-1, 3),
        Uniform(2, 5),
        LogUniform(0.01, 100),
        Choice({1: "1/4", 2: "1/2", 5: "1/4"}),
    ]
    for case in cases:
        draws = case.draw(rng, 200_000)
        for share in (0.05, 0.3, 0.5, 0.95):
            # 4 standard errors of an empirical share; a choice jumps over it
            below, upto = float(np.mean(draws < case.quantile(share))), float(np.mean(draws <= case.quantile(share)))
            assert below <= share + 4 * math.sqrt(0.25 / 200_000)
            assert upto >= share - 4 * math.sqrt(0.25 / 200_000)
        assert distribution("input", case.said()) == case


@given(
    st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(1e-3, 10)), min_size=1, max_size=300),
    st.floats(0.01, 0.99),
)
def test_weighted_quantiles_are_those_of_the_sorted_values(pairs: list[tuple[float, float]], share: float) -> None:
    values, weights = (np.asarray([pair[part] for pair in pairs]) for part in (0, 1))
    (found,) = quantiles(values, weights, (share,))
    total = weights.sum()
    assert weights[values < found].sum() <= share * total * (1 + 1e-9)
    assert weights[values <= found].sum() >= share * total * (1 - 1e-9)


@pytest.mark.parametrize(
    ("inputs", "word"),
    [
        ({"ftp": "normal(0.01, 0.9)"}, "outside"),
        ({"ftp": "1/300"}, "None of the inputs"),
        ({"ftp": "1/100 to 1/1000"}, "above the low"),
        ({"ftp": "lognormal(0, 1)"}, "above 0"),
        ({"ftp": "gamma(1, 2)"}, "gamma"),
        ({"ftp": "choice(0.1: 0.5, 0.2: 0.4)"}, "sum to 1"),
        ({"ftp": "1/1000 to 1/100", "colour": "1"}, "colour"),
        ({"ftp": "1/1000 to 1/100", "start": "uniform(2010, 2030)"}, "start"),
    ],
)
def test_what_cannot_be_drawn_is_refused(inputs: dict[str, str], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Uncertain("calendar", inputs, draws=1000).predict(2036, none_by=2020)


def test_too_few_or_too_many_draws() -> None:
    for draws in (0, 99, 10**9):
        with pytest.raises(ValueError, match="draws"):
            Uncertain("calendar", {"ftp": "1/1000 to 1/100"}, draws=draws)


def test_a_long_time_without_success_is_improbable_not_impossible() -> None:
    """One chance of 1.3e-12 after the other: the logarithms add up, and beyond what 1 - p can hold nothing is lost."""
    rule = Uncertain("trials", {"ftp": "uniform(0.1, 0.2)", "virtual_successes": "2020"}, draws=2_000)
    whole = float(rule.log_survival(555.0, since=0.0))
    halves = float(rule.log_survival(300.0, since=0.0)) + float(rule.log_survival(555.0, since=300.0))
    assert -90.0 < whole < -40.0
    assert whole == pytest.approx(halves, rel=1e-12)
    assert float(rule.log_survival(1e5, since=0.0)) > -math.inf


def test_few_draws_that_carry_the_answer_are_said() -> None:
    rule = Uncertain("trials", {"ftp": "uniform(0.01, 0.3)", "virtual_successes": "2020"}, draws=2_000)
    assert rule.spread(600, none_by=555).effective < 400
    assert rule.predict(600, none_by=555).why[0].startswith("Fewer than 400 draws carry the answer")
    assert not rule.predict(2, none_by=1).why[0].startswith("Fewer")


@pytest.mark.parametrize(
    ("kind", "inputs", "words"),
    [
        ("compute", {"ftp": "1/300", "spend": "1e4 to 1e10"}, "effort shrinks"),
        ("lifetime", {"spend": "choice(1: 0.4, 1e9: 0.6)"}, "effort shrinks"),
        ("researcher-years", {"ftp": "uniform(0.01, 0.9)"}, "no virtual effort"),
        ("researcher-years", {"ftp": "1/300", "start": "choice(1956: 0.6, 2050: 0.4)"}, "nobody tried before 2050"),
        ("researcher-years", {"ftp": "1/300", "slows": "choice(1950: 0.4, 2036: 0.6)"}, "growth slows no later"),
        ("evolution", {"virtual_successes": "1/1000 to 1/10"}, "give more of them"),
    ],
)
def test_draws_that_no_rule_would_take_are_refused(kind: str, inputs: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Uncertain(kind, inputs, draws=5_000).predict(2036, none_by=2020)


def test_long_growth_does_not_overflow() -> None:
    rule = Uncertain(
        "researcher-years", {"ftp": "1/300", "growth": "uniform(0.10999, 0.11001)", "start": -7000}, draws=500
    )
    plain = build("researcher-years", {"ftp": "1/300", "growth": 0.11, "start": -7000})
    assert rule.predict(2036, none_by=2020).probability == pytest.approx(
        plain.predict(2036, none_by=2020).probability, rel=1e-3
    )
