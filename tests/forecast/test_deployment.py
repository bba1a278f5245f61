"""Beliefs, guarantees and estimates side by side: each against its definition, and what each safety field does to them."""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mpmath import mpf

from assent.forecast.counting import Counted
from assent.forecast.deployed import Conservative, Deployed, Tailed
from assent.forecast.deployment import cautions, curves, side_by_side
from assent.forecast.exposure import Exposure
from assent.forecast.hyperprior import HyperPrior
from assent.forecast.needed import clean_needed, least
from assent.forecast.prior import BetaPrior
from assent.forecast.rows_of_records import divergence
from assent.forecast.rules import Impossible
from assent.forecast.settings import KEYS, Row, Settings
from assent.forecast.tail import GumbelTail

mpmath.mp.dps = 40


def rows(exposure: Exposure, record: Counted | None = None, **chosen: object) -> dict[str, Row]:
    return {row.key: row for row in side_by_side(exposure, Settings(**chosen), record)}  # pyright: ignore[reportArgumentType]


def number(value: float | None) -> float:
    assert value is not None
    return value


def record(**changes: object) -> Counted:
    plain = Counted(
        run="r",
        model="m",
        clean=tuple(range(98)),
        failed={98: (0, 1), 99: (2, 1)},
        unknown=(),
        asked=3,
        audits=0,
        asked_wrong=0,
        vetoed=0,
        ordered=0,
        order=(*([False] * 98), True, True),
        prior=(0.5, 0.5),
        posterior=(0.9, 0.1),
        num_actions=4,
        lone=tuple((0, 1.0 - 0.001 * (1 + n % 7) - 0.0001 * n) for n in range(100)),
        given=(({0: 0.2, 1: 0.3, 2: 0.5}, 0.0),) * 3,
        losses=(10.0, 10.0),
        known=100,
    )
    return replace(plain, **changes)  # pyright: ignore[reportArgumentType]


def test_the_specification_at_a_thousand_clean_decisions() -> None:
    found = rows(Exposure(clean=1000), ahead=1000, ftp="1e-4")
    assert found["semi-informative"].within == pytest.approx(float(mpf(1000) / 11999), rel=1e-12)
    assert found["jeffreys"].within == pytest.approx(0.292849, abs=6e-7)
    assert found["jeffreys"].upper == pytest.approx(0.00191841, abs=6e-9)
    assert found["exact"].upper == pytest.approx(0.00299125, abs=6e-9)
    assert found["confidence-sequence"].upper == pytest.approx(0.00699750, abs=6e-9)
    assert found["conservative"].within == pytest.approx(1 - 2 * (math.sqrt(2) - 1), rel=1e-9)
    assert tuple(found) == KEYS


def test_detection_is_exposure_and_loosens_bounds() -> None:
    half = rows(Exposure(clean=1000, detection="1/2"), ftp="1e-4")
    assert half["semi-informative"].within == pytest.approx(0.0869641, abs=6e-8)
    full = rows(Exposure(clean=1000), ftp="1e-4")
    for key in ("exact", "confidence-sequence"):
        upper, other = half[key].upper, full[key].upper
        assert upper is not None
        assert other is not None
        assert upper == pytest.approx(2 * other, rel=1e-12)


def test_a_design_effect_leaves_fewer_decisions() -> None:
    clustered, fewer = rows(Exposure(clean=1000, cluster=5, correlation="1/4")), rows(Exposure(clean=500))
    for key in ("semi-informative", "jeffreys", "exact", "confidence-sequence", "conservative"):
        assert clustered[key].within == pytest.approx(fewer[key].within, rel=1e-12)


def test_earlier_models_count_for_beliefs_and_never_for_guarantees() -> None:
    carried, alone, more = rows(Exposure(clean=100, carried=400)), rows(Exposure(clean=100)), rows(Exposure(clean=500))
    for key in ("semi-informative", "jeffreys"):
        assert carried[key].within == pytest.approx(more[key].within, rel=1e-12)
    for key in ("exact", "confidence-sequence", "conservative"):
        assert carried[key].within == alone[key].within
    failed = rows(Exposure(clean=100, carried=400, carried_failures=2))
    assert number(failed["jeffreys"].within) > number(carried["jeffreys"].within)


def test_after_a_failure() -> None:
    clean, failed = rows(Exposure(clean=1000)), rows(Exposure(clean=999, failures=1))
    for key in ("semi-informative", "jeffreys", "exact", "confidence-sequence"):
        assert number(failed[key].upper) > number(clean[key].upper)
    assert failed["conservative"].within is None
    assert "refuted" in failed["conservative"].note
    assert "every look" in clean["exact"].promises
    assert "only look" in failed["exact"].promises
    assert "confidence sequence" in failed["exact"].note


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 100_000), st.integers(0, 50), st.floats(0.05, 1), st.floats(1, 5000))
def test_nothing_is_ever_said_to_be_without_risk(clean: int, failures: int, detection: float, ahead: float) -> None:
    for row in side_by_side(Exposure(clean=clean, failures=failures, detection=detection), Settings(ahead=ahead)):
        for value in (row.upper, row.within, row.chance):
            assert value is None or 0 < value <= 1
        assert row.promises
        assert row.assumptions


@pytest.mark.slow
@settings(max_examples=15)
@given(st.integers(0, 20_000), st.integers(1, 20_000), st.floats(0.05, 1))
def test_more_clean_decisions_never_raise_a_row(clean: int, more: int, detection: float) -> None:
    before = Exposure(clean=clean, detection=detection)
    for one, other in zip(side_by_side(before, Settings()), side_by_side(before.after(more), Settings()), strict=True):
        for part in ("upper", "within", "chance"):
            low, high = getattr(other, part), getattr(one, part)
            assert (low is None) == (high is None)
            assert low is None or low <= high * (1 + 1e-12)


@pytest.mark.parametrize("key", ["semi-informative", "jeffreys", "exact", "confidence-sequence", "conservative"])
def test_the_clean_decisions_that_are_needed_are_just_enough(key: str) -> None:
    exposure, chosen = Exposure(clean=200, detection=0.9), Settings(ahead=100, target=0.02)
    row = next(row for row in side_by_side(exposure, chosen) if row.key == key)
    assert row.clean_needed is not None
    assert row.clean_needed > 1

    def within(more: float) -> float:
        found = next(other for other in side_by_side(exposure.after(more), chosen) if other.key == key).within
        assert found is not None
        return found

    assert within(row.clean_needed) <= 0.02 < within(row.clean_needed - 1)


def test_needed_in_closed_form() -> None:
    assert clean_needed(Exposure(clean=0), BetaPrior.of(1, 1), risk=0.01, over=1000) == 98_999
    assert clean_needed(Exposure(clean=99_000), BetaPrior.of(1, 1), risk=0.01, over=1000) == 0
    assert least(lambda x: x >= 12_345.5) == 12_346
    assert least(lambda x: False) == math.inf


def test_a_deployment_is_a_model() -> None:
    model = Deployed(BetaPrior("1e-4"), Exposure(clean=1000))
    assert model.predict(1000).exact == Fraction(1000, 11999)
    chain = float(model.log_survival(400)) + float(model.log_survival(1000, since=400))
    assert chain == pytest.approx(float(model.log_survival(1000)), rel=1e-12)
    mixed = HyperPrior({"fails": (model, "1/2"), "perfect": (Impossible(), "1/2")})
    assert mixed.predict(1000).probability == pytest.approx(500 / 11999, rel=1e-12)


def test_conservative_is_the_least_over_two_point_priors() -> None:
    """Against a grid of priors: theta on perfection, the rest on one chance q."""
    n, t, theta = 50, 30, 0.6
    grid = np.linspace(0, 1, 200_001)
    survival = (theta + (1 - theta) * (1 - grid) ** (n + t)) / (theta + (1 - theta) * (1 - grid) ** n)
    found = float(np.exp(Conservative(theta).log_survival(n + t, since=n)))
    assert found <= survival.min() + 1e-12
    assert found == pytest.approx(survival.min(), rel=1e-7)
    assert found < survival[0]  # the wrong variant: the prior that is perfect for sure


def test_the_tail_is_a_model() -> None:
    tail = GumbelTail(slope=-5.0, intercept=-14.0, evaluated=1000, top=10)
    model = Tailed(tail, level=0.5)
    assert float(-np.expm1(model.log_survival(1000))) == pytest.approx(tail.exceeds(0.5, 1000), rel=1e-9)
    assert float(model.log_survival(5, since=5)) == 0.0


def test_rows_that_need_the_record() -> None:
    found = rows(Exposure(clean=98, failures=2), record(), forbidden=2, ahead=100)
    kl = 0.9 * math.log(1.8) + 0.1 * math.log(0.2)
    assert divergence([0.9, 0.1], [0.5, 0.5]) == pytest.approx(kl, rel=1e-12)
    assert found["pac-bayes"].upper is not None
    assert 0.1 < found["pac-bayes"].upper < 0.4
    assert found["missing-mass"].chance == pytest.approx(2 / 100)
    assert "new ones" in found["missing-mass"].note
    assert "above 1/2" in found["gumbel-tail"].note
    alone = rows(Exposure(clean=98, failures=2), forbidden=2)
    for key in ("pac-bayes", "missing-mass", "gumbel-tail"):
        assert alone[key].upper is None
        assert alone[key].note
    assert "No action was named" in rows(Exposure(clean=98), record())["gumbel-tail"].note
    assert "No failure has been seen" in rows(Exposure(clean=98), record(failed={}))["missing-mass"].note


def test_a_sample_of_outcomes_is_said_to_be_one() -> None:
    sampled = rows(Exposure(clean=98, failures=2), record(unknown=tuple(range(200, 300))))
    assert all(any("50 %" in item and "fair sample" in item for item in row.assumptions) for row in sampled.values())
    whole = rows(Exposure(clean=98, failures=2), record())
    assert not any("fair sample" in item for row in whole.values() for item in row.assumptions)


def test_the_source_of_the_prior_is_said() -> None:
    assert "no source was given" in rows(Exposure(clean=1))["semi-informative"].assumptions[-1]
    assert "a pilot" in rows(Exposure(clean=1), source="a pilot")["semi-informative"].assumptions[-1]


def test_curves_are_the_rows() -> None:
    found = curves(Settings(), 1000.0, points=7)
    for place, number in enumerate(found["decisions"]):
        expected = rows(Exposure(clean=number))
        assert found["exact"][place] == expected["exact"].upper
        assert found["jeffreys"][place] == expected["jeffreys"].upper


def test_curves_go_through_what_is_known_now() -> None:
    """With whatever weakens the evidence, and the failures so far."""
    now = Exposure(clean=98, failures=2, detection="1/2", cluster=5, correlation="1/4", carried=40)
    found = curves(Settings(), 1000.0, exposure=now, points=40)
    assert found["decisions"][0] == 2.0
    expected = rows(now)
    for key in ("exact", "jeffreys", "semi-informative", "confidence-sequence"):
        place = found["decisions"].index(100.0)
        assert found[key][place] == expected[key].upper


def test_correlated_decisions_keep_the_share_of_failures() -> None:
    plain = rows(Exposure(clean=9990, failures=10))
    clustered = rows(Exposure(clean=9990, failures=10, cluster=20, correlation="1/10"))
    assert number(clustered["jeffreys"].chance) == pytest.approx(number(plain["jeffreys"].chance), rel=0.15)
    assert number(clustered["exact"].upper) > number(plain["exact"].upper)
    assert plain["exact"].kind == "one look"
    assert {clustered[key].kind for key in ("exact", "confidence-sequence")} == {"estimate"}
    assert "Korn" in clustered["exact"].note
    assert any("clusters are independent" in item for item in clustered["exact"].assumptions)
    assert rows(Exposure(clean=10))["exact"].kind == "guarantee"


def test_an_action_that_was_done_is_no_tail() -> None:
    """The agent itself did what must never be done: no small number may be said about it."""
    lone = tuple((1 if n % 10 == 0 else 0, 0.99) for n in range(100))
    found = rows(Exposure(clean=98), record(lone=lone), forbidden=1)["gumbel-tail"]
    assert "decided on it in 10 of 100" in found.note
    assert "above 1/2" not in found.note
    with pytest.raises(ValueError, match="numbered 0 to 3"):
        rows(Exposure(clean=98), record(), forbidden=99)
    assert "2 questions do not show" in rows(Exposure(clean=98), record(hidden=2), forbidden=2)["gumbel-tail"].note


def test_what_the_reader_must_know_first() -> None:
    assert "stand-in" in cautions(Settings())[0]
    assert cautions(Settings(source="a pilot")) == cautions(Settings(ftp="1/300")) == ()
    assert "no share of failures" in cautions(Settings(ftp="1/300"), record(unknown=(1, 2)))[0]
    assert cautions(Settings(ftp="1/300"), record(unknown=(1, 2), told=3)) == ()


@pytest.mark.parametrize(
    "wrong",
    [
        {"delta": 0.0},
        {"delta": 1.0},
        {"theta": 1.0},
        {"target": 0.0},
        {"ahead": -1.0},
        {"ahead": float("nan")},
        {"headline": "luck"},
        {"ftp": "2"},
        {"virtual_successes": 0},
    ],
)
def test_settings_out_of_range(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"must|finite"):
        Settings(**wrong)  # pyright: ignore[reportArgumentType]
