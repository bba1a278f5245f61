"""Laws that hold for every input: chaining, monotony, folding in, the continuous limit, and finer trials."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.forecast import (
    BetaPrior,
    Calendar,
    Conjunctive,
    Disjunctive,
    Even,
    HyperPrior,
    Impossible,
    Levels,
    Lomax,
    Model,
    ResearcherYears,
    Rule,
    Sequential,
    Trials,
    Weighted,
)
from assent.forecast.combined import AllOpen
from assent.forecast.exact import Numeric
from assent.forecast.kinds import even

START = 1956
# Numbers as people give them: few digits, so that fractions stay short.
FTPS = st.integers(2, 20_000).map(lambda n: Fraction(1, n))
ALPHAS = st.sampled_from([Fraction(1, 10), Fraction(1, 2), Fraction(1), Fraction(3, 2), Fraction(2), Fraction(10)])
COUNTS = st.floats(0, 1e6, allow_subnormal=False)
# Three stretches after the start, in years
STRETCHES = st.tuples(*[st.floats(0, 120, allow_subnormal=False)] * 3)
WHOLE_STRETCHES = st.tuples(*[st.integers(0, 120)] * 3)


@dataclass(frozen=True)
class Recipe:
    """What to make and from what. Made in the test: run-time checks draw random numbers, which Hypothesis forbids while it draws."""

    make: Callable[..., Any]
    of: Any

    def __call__(self) -> Any:
        return self.make(*_made(self.of))


def _made(of: Any) -> Any:
    if isinstance(of, (tuple, list)):
        return [_made(one) for one in of]
    return of() if isinstance(of, Recipe) else of


def recipes(make: Callable[..., Any], *of: st.SearchStrategy[Any]) -> st.SearchStrategy[Recipe]:
    return st.tuples(*of).map(lambda drawn: Recipe(make, drawn))


def _growing(growth: int, later: int) -> ResearcherYears:
    steps: list[tuple[Numeric, Numeric]] = [(START, Fraction(growth, 1000)), (2036, Fraction(later, 1000))]
    return ResearcherYears(START, steps)


def _rising(rise: int) -> Levels:
    return Levels([(START, 7), (2020, 7 + rise)], after=Fraction(1, 8))


def _early(early: int) -> Weighted:
    return Weighted([(1900, 0), (START, early)], after=1)


EFFORTS = st.one_of(
    recipes(Calendar, st.just(START), st.integers(1, 12)),
    recipes(_growing, st.integers(1, 300), st.integers(-50, 300)),
    recipes(_rising, st.integers(0, 30)),
    recipes(_early, st.integers(0, 300)),
)
TAUS = st.integers(1, 10_000).map(lambda n: Fraction(n, 10))
COUNTED = recipes(BetaPrior, FTPS, ALPHAS)
PRIORS = st.one_of(COUNTED, recipes(Lomax, TAUS, ALPHAS))
RULES = recipes(Rule, PRIORS, EFFORTS)
EVENS = recipes(
    Even, EFFORTS, st.integers(1, 3000).map(lambda n: Fraction(n, 10)), st.sampled_from([Fraction(1, 3), Fraction(1)])
)
SEQUENCES = recipes(Sequential, COUNTED, recipes(Calendar, st.just(START)), st.integers(1, 5))


def _mixture(parts: Sequence[Sequence[Any]]) -> HyperPrior:
    """Of pairs of a model and its share."""
    total = sum(share for _, share in parts)
    return HyperPrior({str(place): (model, Fraction(share, total)) for place, (model, share) in enumerate(parts)})


def _mixtures(models: st.SearchStrategy[Recipe]) -> st.SearchStrategy[Recipe]:
    """The first never says that it must have happened by now: where all parts say so, there is nothing to weigh."""
    parts = st.lists(st.tuples(st.one_of(models, recipes(Impossible)), st.integers(1, 100)), max_size=3)
    return st.tuples(st.tuples(RULES, st.just(50)), parts).map(lambda drawn: Recipe(_mixture, ([drawn[0], *drawn[1]],)))


SINGLE = st.one_of(RULES, EVENS)
MODELS = st.one_of(
    SINGLE,
    recipes(Impossible),
    _mixtures(SINGLE),
    recipes(Conjunctive, st.lists(SINGLE, min_size=1, max_size=4)),
    recipes(Disjunctive, st.lists(SINGLE, min_size=1, max_size=4)),
    _mixtures(recipes(Conjunctive, st.lists(SINGLE, min_size=1, max_size=3))),
)


def survival(model: Model, since: float, until: float) -> float:
    return math.exp(float(model.log_survival(until, since=since)))


def chance(model: Model, since: float, until: float) -> float:
    return -math.expm1(float(model.log_survival(until, since=since)))


def chains(model: Model, n: float, m: float, more: float) -> None:
    """S(n -> n + m + l) = S(n -> n + m) S(n + m -> n + m + l), to 1e-12; the chances too."""
    first, second, third = START + n, START + n + m, START + n + m + more
    whole = survival(model, first, third)
    assert 0 <= whole <= 1
    assert abs(whole - survival(model, first, second) * survival(model, second, third)) <= 1e-12
    before, after = chance(model, first, second), chance(model, second, third)
    assert abs(chance(model, first, third) - (before + (1 - before) * after)) <= 1e-12


@settings(max_examples=200)
@given(MODELS, STRETCHES)
def test_survivals_chain(model: Recipe, stretches: tuple[float, float, float]) -> None:
    chains(model(), *stretches)


@given(st.one_of(SEQUENCES, _mixtures(SEQUENCES)), WHOLE_STRETCHES)
def test_survivals_of_sequences_chain_over_whole_years(model: Recipe, stretches: tuple[int, int, int]) -> None:
    chains(model(), *stretches)


def test_static_weights_do_not_chain() -> None:
    """The wrong variant of a mixture: weights of the start at every look."""
    mixture = _mixture([(Rule(BetaPrior("1/20"), Calendar(START)), 1), (Impossible(), 1)])
    whole = 1 - mixture.static(2036, none_by=1956)
    parts = (1 - mixture.static(1996, none_by=1956)) * (1 - mixture.static(2036, none_by=1996))
    assert abs(whole - parts) > 0.01
    chains(mixture, 0, 40, 40)


@given(FTPS, FTPS, ALPHAS, EFFORTS, STRETCHES)
def test_more_likely_at_first_is_more_likely_later(
    ftp: Fraction, other: Fraction, alpha: Fraction, effort: Recipe, stretches: tuple[float, float, float]
) -> None:
    n, m, _ = stretches
    one, two = (
        chance(Rule(BetaPrior(first, alpha), effort()), START + n, START + n + m) for first in sorted((ftp, other))
    )
    assert one <= two * (1 + 1e-13)


@given(MODELS, STRETCHES)
def test_the_chance_grows_with_the_years_to_come(recipe: Recipe, stretches: tuple[float, float, float]) -> None:
    model, (n, m, more) = recipe(), stretches
    sooner, later = chance(model, START + n, START + n + m), chance(model, START + n, START + n + m + more)
    assert sooner <= later * (1 + 1e-13) + 1e-16
    curve = model.cdf([START + n, START + n + m, START + n + m + more], none_by=START + n)
    assert curve[0] == 0
    assert np.all(np.diff(curve) >= -1e-15)


@given(PRIORS, COUNTS, COUNTS, COUNTS)
def test_failures_make_the_next_trials_less_likely(recipe: Recipe, n: float, more_failures: float, m: float) -> None:
    prior = recipe()
    early, late = (float(prior.log_survival(effort, m)) for effort in (n, n + more_failures))
    assert late >= early * (1 + 1e-13)
    assert prior.mean(n + more_failures) <= prior.mean(n)


@given(
    st.lists(st.tuples(recipes(Rule, PRIORS, recipes(Trials)), st.integers(1, 9)), min_size=1, max_size=4),
    *[st.integers(0, 500)] * 3,
)
def test_failures_make_a_mixture_less_hopeful_too(
    parts: list[tuple[Recipe, int]], n: int, more_failures: int, m: int
) -> None:
    mixture = _mixture([(recipe(), share) for recipe, share in parts])
    early, late = chance(mixture, n, n + m), chance(mixture, n + more_failures, n + more_failures + m)
    assert late <= early * (1 + 1e-12)
    if len(parts) == 1:
        assert early == pytest.approx(chance(parts[0][0](), n, n + m), rel=1e-12)


def test_a_conjunction_and_an_even_chance_grow_more_hopeful() -> None:
    """What the law is not: of rules and their mixtures alone do failures lower the chance of the next year."""
    for model in (Conjunctive([Rule(BetaPrior("1/50"), Calendar(START))] * 5), Even(Calendar(START), 200)):
        assert chance(model, 1990, 1991) > chance(model, 1957, 1958)


@given(FTPS, ALPHAS, st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**6))
def test_an_earlier_regime_folds_into_the_first_trial(
    ftp: Fraction, alpha: Fraction, earlier: int, n: int, m: int
) -> None:
    """1/ftp' = 1/ftp + n/alpha; the wrong variant, which a footnote of the report prints, multiplies by alpha."""
    prior = BetaPrior(ftp, alpha)
    folded = BetaPrior(1 / (1 / ftp + earlier / alpha), alpha)
    assert folded == prior.after(earlier)
    whole = float(prior.log_survival(earlier + n, m))
    assert float(folded.log_survival(n, m)) == pytest.approx(whole, rel=1e-12)
    if alpha != 1 and min(earlier, m) >= 1 and earlier * ftp > 1 and n < 10 * earlier:
        wrong = BetaPrior(1 / (1 / ftp + earlier * alpha), alpha)
        assert float(wrong.log_survival(n, m)) != pytest.approx(whole, rel=1e-3)


@given(FTPS, COUNTS, COUNTS)
def test_with_one_virtual_success_counted_and_divided_trials_agree(ftp: Fraction, n: float, m: float) -> None:
    """Whole or not; the wrong variant takes 1/ftp, not 1/ftp - 1, for the virtual failures."""
    counted, divided = BetaPrior(ftp), BetaPrior(ftp).continuous()
    assert divided == Lomax(1 / ftp - 1)
    assert float(counted.log_survival(n, m)) == pytest.approx(float(divided.log_survival(n, m)), rel=1e-12, abs=1e-300)
    if m >= 1 and n + m < 1000:
        wrong = float(Lomax(1 / ftp).log_survival(n, m))
        assert wrong != pytest.approx(float(counted.log_survival(n, m)), rel=1e-6)


@given(FTPS, st.integers(0, 5000), st.integers(1, 5000))
def test_one_virtual_success_is_m_of_beta_n_and_m(ftp: Fraction, n: int, m: int) -> None:
    beta = 1 / ftp - 1
    found = Rule(BetaPrior(ftp), Trials()).predict(n + m, none_by=n)
    exact = m / (beta + n + m)
    assert found.exact == exact
    assert chance(Rule(BetaPrior(ftp), Trials()), n, n + m) == pytest.approx(float(exact), rel=1e-12)


def divided(prior: BetaPrior, parts: int, over: int = 100) -> BetaPrior:
    """The prior for trials of one part each, with the same chance within `over` whole trials: bisection on ln beta."""
    wanted = float(prior.log_survival(0, over))
    low, high = math.log(float(prior.beta)) - 5, math.log(float(prior.beta) * parts) + 5
    for _ in range(200):
        middle = (low + high) / 2
        survives = float(BetaPrior.of(prior.alpha, math.exp(middle)).log_survival(0, over * parts))
        low, high = (middle, high) if survives < wanted else (low, middle)
    return BetaPrior.of(prior.alpha, math.exp(low))


@settings(max_examples=60)
@given(
    st.integers(50, 3000).map(lambda n: Fraction(1, n)),
    st.sampled_from([Fraction(1, 2), Fraction(3, 4), Fraction(1), Fraction(3, 2), Fraction(2)]),
    st.integers(2, 365),
)
def test_finer_trials_change_nothing_that_matters(ftp: Fraction, alpha: Fraction, parts: int) -> None:
    """The report's range of first-trial probabilities, its virtual successes, and the chance in 100 years kept: below 1e-6."""
    prior = BetaPrior(ftp, alpha)
    finer = divided(prior, parts)
    yearly, often = (-math.expm1(float(one.log_survival(64 * q, 16 * q))) for one, q in ((prior, 1), (finer, parts)))
    assert abs(yearly - often) < 1e-6
    wrong = -math.expm1(float(prior.log_survival(64 * parts, 16 * parts)))  # more trials, each as likely as before
    assert abs(yearly - wrong) > 1e-3


def test_months_instead_of_years() -> None:
    """The numbers that were worked out beforehand, to their last digit."""
    half = divided(BetaPrior("1/300", "1/2"), 12)
    assert float(half.ftp) == pytest.approx(2.79056e-4, abs=6e-10)
    assert -math.expm1(float(half.log_survival(768, 192))) == pytest.approx(0.0355274503, abs=6e-11)
    one = divided(BetaPrior("1/300"), 12)
    assert float(one.ftp) == pytest.approx(2.78629e-4, abs=6e-10)
    assert -math.expm1(float(one.log_survival(768, 192))) == pytest.approx(16 / 379, rel=1e-12)


def test_a_model_that_is_refuted_says_so() -> None:
    """Given what it rules out, a model has no answer: neither 0 nor NaN."""
    ends = {"a": (even(reach=10), "1/2"), "b": (even(reach=20), "1/2")}
    with pytest.raises(ValueError, match="refuted"):
        HyperPrior(ends).predict(2036, none_by=2020)
    with pytest.raises(ValueError, match="every model"):
        HyperPrior(ends).weights(2020)
    with pytest.raises(ValueError, match="refuted"):
        even(reach=10).predict(2036, none_by=2020)
    left = HyperPrior({"a": (even(reach=10), "1/2"), "never": (Impossible(), "1/2")})
    assert left.predict(2036, none_by=2020).probability == 0.0
    assert left.weights(2020) == {"a": 0.0, "never": 1.0}


def test_what_is_impossible_is_a_part_like_any_other() -> None:
    """All of several things with an impossible one among them never happen; any of them is the other one."""
    rule = Rule(BetaPrior("1/300"), Calendar(1956))
    for needed in (Conjunctive([rule, Impossible()]), AllOpen([rule, Impossible()])):
        assert needed.predict(2036, none_by=2020).exact == 0
        assert float(needed.log_survival(2036, since=2020)) == 0.0
    either = Disjunctive([rule, Impossible()])
    assert either.predict(2036, none_by=2020).exact == rule.predict(2036, none_by=2020).exact
    assert either.start == 1956.0


@pytest.mark.parametrize(("ftp", "steps", "trials"), [("1/10000", 5, 10), ("1/1000000", 3, 60), ("1/1000", 4, 200)])
def test_a_sequence_keeps_the_digits_of_what_is_hardly_possible(ftp: str, steps: int, trials: int) -> None:
    """Sums over the places of the steps, as fractions: nothing is lost where almost all of the chance is that it has not happened."""
    beta = 1 / Fraction(ftp) - 1
    first = [Fraction(0)] + [beta / ((beta + n - 1) * (beta + n)) for n in range(1, trials + 1)]
    ends = first
    for _ in range(steps - 1):
        ends = [sum((first[j] * ends[n - j] for j in range(n + 1)), Fraction(0)) for n in range(trials + 1)]
    done = sum(ends, Fraction(0))
    found = Sequential(BetaPrior(ftp), Calendar(1956), steps).predict(by=1956 + trials, none_by=1956)
    assert found.probability == pytest.approx(float(done), rel=1e-11)
    half = sum(ends[: trials // 2 + 1], Fraction(0))
    later = Sequential(BetaPrior(ftp), Calendar(1956), steps).predict(by=1956 + trials, none_by=1956 + trials // 2)
    assert later.probability == pytest.approx(float((done - half) / (1 - half)), rel=1e-11)


def test_a_divided_sequence_between_the_nodes_of_its_grid() -> None:
    """Two steps of a Lomax belief with alpha 1: the integral in closed form, at efforts that no grid of the rule has as nodes."""
    tau = 99.0

    def done(x: float) -> float:  # by partial fractions, with 1/((tau + u)^2 (tau + x - u))
        total = 2 * tau + x
        both = tau**2 * ((1 / tau - 1 / (tau + x)) / total + 2 * math.log1p(x / tau) / total**2)
        return x / (tau + x) - both

    model = Sequential(Lomax(99), Calendar(0), 2)
    for since, until in ((0.0, 80.0), (33.37, 80.0), (1.2345, 7.1)):
        expected = (done(until) - done(since)) / (1 - done(since))
        assert float(-np.expm1(model.log_survival(until, since=since))) == pytest.approx(expected, rel=1e-9)


def test_what_is_almost_certain_keeps_the_logarithm_of_what_is_left() -> None:
    """Survivals of 1e-30 and less: by chaining, the logarithms of two halves add up to that of the whole."""
    sure = Rule(BetaPrior("9/10", 40), Calendar(0))
    for model in (
        Conjunctive([sure, sure]),
        HyperPrior({"one": (sure, "1/2"), "other": (Rule(BetaPrior("9/10", 60), Calendar(0)), "1/2")}),
        Disjunctive([sure, sure]),
        Sequential(BetaPrior("9/10", 40), Calendar(0), 2),
    ):
        whole, first, second = (float(model.log_survival(b, since=a)) for a, b in ((0, 80), (0, 40), (40, 80)))
        assert -400 < whole < -40
        assert whole == pytest.approx(first + second, rel=1e-9)
    both = AllOpen([sure, sure])
    assert float(both.log_survival(80, since=0)) == pytest.approx(
        float(sure.log_survival(80, since=0)) + math.log(2), rel=1e-9
    )
