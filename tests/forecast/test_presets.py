"""The report's three views, mixtures against a year-by-year update, and what a rule file may not say."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from assent.forecast import (
    BetaPrior,
    Calendar,
    HyperPrior,
    Impossible,
    Levels,
    Lomax,
    Model,
    ResearcherYears,
    Rule,
    Weighted,
)
from assent.forecast.exact import Numeric
from assent.forecast.kinds import even
from assent.forecast.presets import PRESETS, central, high, low, preset_file
from assent.forecast.rule_files import read_rules
from assent.forecast.uncertain import Uncertain

YEARS = (2030, 2036, 2060, 2100)
PRINTED = {
    ("low", "bayes"): ("0.8141", "1.2901", "2.9617", "5.3377"),
    ("low", "davidson2021"): ("0.8141", "1.2901", "2.9617", "5.3377"),
    ("central", "bayes"): ("5.2362", "7.3345", "12.9768", "20.0507"),
    ("central", "davidson2021"): ("5.4025", "7.5327", "13.2323", "20.3862"),
    ("high", "bayes"): ("13.2193", "17.7405", "26.2645", "34.6737"),
    ("high", "davidson2021"): ("13.3787", "17.8765", "26.3516", "34.7926"),
}
WEIGHTS = {
    "davidson2021": (0.319472, 0.251982, 0.040117, 0.065218, 0.193927, 0.129285),
    "bayes": (0.327015, 0.257932, 0.041064, 0.066758, 0.174895, 0.132337),
}


@pytest.mark.parametrize(("name", "convention"), PRINTED)
def test_every_preset_to_the_printed_digits(name: str, convention: str) -> None:
    model = PRESETS[name](convention)
    for year, printed in zip(YEARS, PRINTED[name, convention], strict=True):
        found = 100 * model.predict(year, none_by=2020).probability
        # half a unit of the last digit, and a little for digits that were cut off
        assert found == pytest.approx(float(printed), abs=0.6e-4)
        assert abs(100 * model.static(year, none_by=2020) - found) > 1e-2  # the wrong variant: weights of the start


def test_weights_in_2020_and_the_condition_on_2025() -> None:
    for convention, printed in WEIGHTS.items():
        assert [round(one, 6) for one in central(convention).weights(2020).values()] == list(printed)
    assert 100 * central("davidson2021").predict(2036, none_by=2025).probability == pytest.approx(4.6277, abs=6e-5)
    assert 100 * central().predict(2036, none_by=2025).probability == pytest.approx(4.5267, abs=6e-5)


def test_single_rules_of_the_central_view() -> None:
    """By 2030, 2036, 2060 and 2100 given none by 2020, and the chance of none by 2020."""
    printed = [
        ("calendar years", "2.6810 4.2216 9.9256 18.0587", 0.823691),
        ("researcher-years", "5.1143 7.9392 14.6300 21.1734", 0.649683),
        ("compute, relative importance", "6.8296 8.8995 14.0408 21.4310", 0.620602),
        ("compute, lifetime anchor", "8.7378 11.3158 17.5835 26.2685", 0.504451),
        ("compute, evolutionary anchor", "12.4450 15.9259 24.0546 34.5941", 0.881057),
    ]
    rules = {name: model for name, model, _ in central().parts}
    for name, line, none in printed:
        for year, cell in zip(YEARS, line.split(), strict=True):
            assert 100 * rules[name].predict(year, none_by=2020).probability == pytest.approx(float(cell), abs=1.1e-4)
        assert float(np.exp(rules[name].log_survival(2020))) == pytest.approx(none, abs=1.1e-6)


def test_presets_say_where_they_come_from_and_refuse_what_they_do_not_know() -> None:
    assert [preset_file(name).source for name in PRESETS] == ["10.14.1, 8.2", "10.14.2, 8.2", "10.14.3, 8.2"]
    assert preset_file("high", "davidson2021").convention == "davidson2021"
    assert preset_file("low").by == (2030, 2036, 2060, 2100)
    assert high("davidson2021").exempt == {"compute, evolutionary anchor"}
    assert low("davidson2021").exempt == high().exempt == frozenset()
    with pytest.raises(ValueError, match="no preset called 'best'; give one of low, central, high"):
        preset_file("best")
    with pytest.raises(ValueError, match="convention is 'frequentist'"):
        central("frequentist")


# --- the mixture, year by year


def year_by_year(
    parts: list[tuple[Model, float]], since: int, none_by: int, by: int, exempt: int | None = None
) -> tuple[float, list[float]]:
    """Probability by `by`, and weights at `none_by`: every year weights are multiplied by what survives it, and made to sum to 1 again.

    Rule number `exempt` survives every year before 2020.
    """
    years = np.arange(since, by, dtype=np.float64)
    yearly = np.stack([np.exp(model.log_survival(years + 1, since=years)) for model, _ in parts])
    if exempt is not None:
        yearly[exempt, years < 2020] = 1.0
    weights = np.asarray([weight for _, weight in parts])
    none_left, at_evidence = 1.0, weights
    for year, survival in zip(years, yearly.T, strict=True):
        if year == none_by:
            none_left, at_evidence = 1.0, weights
        alive = weights * survival
        none_left *= float(alive.sum())
        weights = alive / alive.sum()
    return 1.0 - none_left, list(at_evidence)


def random_rule(rng: np.random.Generator) -> Model:
    ftp, alpha = 10.0 ** rng.uniform(-4, -0.5), 10.0 ** rng.uniform(-1, 1)
    start = int(rng.integers(1940, 2010))
    choice = int(rng.integers(7))
    if choice == 0:
        return Rule(BetaPrior(ftp, alpha), Calendar(start))
    if choice == 1:
        return Rule(Lomax(1 / ftp, alpha), Calendar(start))
    if choice == 2:
        growth: list[tuple[Numeric, Numeric]] = [(start, rng.uniform(0.02, 0.2)), (2030, rng.uniform(-0.05, 0.1))]
        return Rule(
            Lomax(10 * rng.uniform(0.1, 5), alpha),
            ResearcherYears(start, growth, rng.choice(["yearly", "continuous"]).item()),
        )
    if choice == 3:
        points: list[tuple[Numeric, Numeric]] = [(1940, 7), (2000, 13), (2020, 23.7), (2120, 23.7 + 20 * rng.random())]
        return Rule(Lomax(40 * rng.random() + 1, alpha), Levels(points, start=start))
    if choice == 4:
        return even(reach=int(rng.integers(200, 2000)), mass=rng.uniform(0.2, 1), start=start)
    if choice == 5:
        return Rule(BetaPrior(ftp, alpha), Weighted([(1900, 0), (start, float(rng.integers(1, 300)))], after=1))
    return Impossible()


@pytest.mark.slow
@pytest.mark.parametrize("exempts", [False, True])
def test_telescoped_mixture_is_the_yearly_update_over_random_rule_sets(exempts: bool) -> None:
    """To 1e-12: some 150 products of numbers near 1, each off by at most 2e-16 a rule."""
    rng = np.random.default_rng(20210325)
    static_is_far = 0
    for number in range(1000 if not exempts else 200):
        rules = [random_rule(rng) for _ in range(int(rng.integers(2, 6)))] + [Impossible()]
        weights = [float(one) for one in np.round(rng.dirichlet(np.ones(len(rules))), 6) + 1e-3]
        weights = [round(one / sum(weights), 12) for one in weights]
        parts = list(zip(rules, weights, strict=True))
        named: dict[str, tuple[Model, Numeric]] = {str(place): part for place, part in enumerate(parts)}
        mixture = HyperPrior(named, exempt=("0",) if exempts else (), exempt_until=2020.0 if exempts else None)
        start = min([1900, *(int(rule.start) for rule in rules if np.isfinite(rule.start))])
        none_by = int(rng.integers(2015 if not exempts else 2020, 2040))
        by = none_by + int(rng.integers(1, 80))
        answer, at_evidence = year_by_year(parts, start, none_by, by, 0 if exempts else None)
        assert abs(-math.expm1(float(mixture.log_survival(by, since=none_by))) - answer) <= 1e-12
        np.testing.assert_allclose(list(mixture.weights(none_by).values()), at_evidence, rtol=0, atol=1e-12)
        if number < 100:  # the wrong variant: weights of the start
            static_is_far += abs(mixture.static(by, none_by=none_by) - answer) > 1e-6
    assert static_is_far > 90


# --- rule files

CALENDAR = '[[rules]]\nname = "a"\ntrials = "calendar"\nftp = "1/300"\n'
TWO = CALENDAR + 'weight = "30 %"\n[[rules]]\nname = "b"\ntrials = "impossible"\nweight = 0.7\n'


def test_a_single_rule_without_weight_is_that_rule_alone(tmp_path: Path) -> None:
    path = tmp_path / "rules.toml"
    path.write_text('title = "one"\nnone_by = 2020\nby = 2036\n' + CALENDAR)
    for source in (path, str(path), path.read_text()):
        found = read_rules(source)
        assert isinstance(found.model, Rule)
        assert (found.title, found.none_by, found.by, found.convention) == ("one", 2020.0, (2036.0,), "bayes")
        assert found.model.predict(2036, none_by=2020).fraction == "16/379"


def test_weights_may_be_numbers_fractions_and_percentages() -> None:
    wanted = read_rules(TWO).model.predict(2036, none_by=2020).exact
    assert wanted is not None
    for weight in ("0.3", '"3/10"', '"0.3"', '"30%"'):
        assert read_rules(TWO.replace('"30 %"', weight)).model.predict(2036, none_by=2020).exact == wanted


def test_names_may_be_left_out_and_nothing_is_needed_at_the_top() -> None:
    found = read_rules(TWO.replace('name = "a"\n', "").replace('name = "b"\n', ""))
    assert isinstance(found.model, HyperPrior)
    assert [name for name, _, _ in found.model.parts] == ["calendar", "impossible"]
    assert found.none_by is None
    assert found.by == ()


def test_the_convention_of_a_file_and_of_the_call() -> None:
    text = 'convention = "davidson2021"\n[[rules]]\ntrials = "evolution"\n'
    alone = read_rules(text).model
    assert isinstance(alone, HyperPrior)  # a single rule too is exempt
    assert alone.exempt == {"evolution"}
    assert alone.exempt_until == 2020
    plain = read_rules(text, convention="bayes").model
    assert isinstance(plain, Rule)
    # exempt from what has been seen, and not from what is forecast: also where that lies before 2020
    assert float(alone.log_survival(2020)) == pytest.approx(float(plain.log_survival(2020)), rel=1e-12)
    assert float(plain.log_survival(2020)) < 0
    assert float(alone.log_survival(2036, since=2020)) == pytest.approx(
        float(plain.log_survival(2036, since=2020)), rel=1e-12
    )
    later = read_rules("none_by = 2024\n" + text).model
    assert isinstance(later, HyperPrior)
    assert later.exempt_until == 2020  # the report's year, whatever is asked
    assert read_rules(TWO, convention="davidson2021").convention == "davidson2021"


def test_a_series_of_one_s_own() -> None:
    text = '[[rules]]\ntrials = "series"\npoints = [[1956, 7], [2020, 23.7], [2036, 28]]\ntau = 39.14394658089878\n'
    assert read_rules(text).model.predict(2036, none_by=2020).probability == pytest.approx(4.3 / 38, rel=1e-12)
    assert read_rules(text + "levels = true\n").model.start == 1956


BAD = [
    ("", "has no rules"),
    ("rules = []", "has no rules"),
    ("rules = 3", "has no rules"),
    ("rules = [3]", "has no rules"),
    ("x = = 3", "is not TOML"),
    ("none_bye = 2020\n" + CALENDAR, "key 'none_bye' at its top; known there are title, from, none_by"),
    ("title = 3\n" + CALENDAR, "has title = 3; it must be a text"),
    ('convention = "x"\n' + CALENDAR, "convention is 'x'; it must be one of bayes, davidson2021"),
    ("convention = [1]\n" + CALENDAR, r"convention is \[1\]"),
    ("none_by = true\n" + CALENDAR, "has none_by = True"),
    ("none_by = nan\n" + CALENDAR, "has none_by = nan"),
    ("by = [2030, 'soon']\n" + CALENDAR, "has by = 'soon'"),
    ("by = [[2030]]\n" + CALENDAR, r"has by = \[2030\]"),
    ("none_by = 2020\nby = [2036, 2010]\n" + CALENDAR, "asks about 2010, before 2020"),
    (
        CALENDAR + "virtual_success = 1",
        "The rule 'a': Trials of the kind calendar have no virtual_success; they have ftp",
    ),
    (CALENDAR.replace('ftp = "1/300"', ""), "The rule 'a': Trials of the kind calendar need ftp"),
    (CALENDAR.replace('"1/300"', '"1/0"'), "The rule 'a': The first-trial probability is '1/0'"),
    (CALENDAR.replace('"1/300"', '"often"'), "The rule 'a': The first-trial probability is 'often'"),
    (CALENDAR.replace('"1/300"', "2"), "The rule 'a': The first-trial probability is 2; it must lie strictly between"),
    (CALENDAR.replace('"1/300"', "true"), "The rule 'a' has ftp = True"),
    (CALENDAR.replace('"1/300"', "[1]"), r"The rule 'a' has ftp = \[1\]"),
    (CALENDAR.replace('"1/300"', "2020-01-01"), r"The rule 'a' has ftp = datetime.date"),
    (CALENDAR.replace('"1/300"', "inf"), "The rule 'a': The first-trial probability is inf; it must be finite"),
    (CALENDAR.replace('"calendar"', '"moon"'), "The rule 'a' has trials = 'moon'; it must be one of calendar, trials"),
    (CALENDAR.replace('trials = "calendar"', ""), "The rule 'a' has trials = None; it must be one of"),
    (CALENDAR.replace('"calendar"', "[]"), r"The rule 'a' has trials = \[\]"),
    (CALENDAR.replace('name = "a"', "name = 3"), "Rule number 1 has name = 3"),
    (CALENDAR.replace('name = "a"', "name = ' '"), "Rule number 1 has name = ' '"),
    (CALENDAR + "weight = 0.5", "weights sum to 0.5"),
    (CALENDAR + "weight = 0", "The rule 'a' has weight = 0; it must be above 0"),
    (CALENDAR + "weight = 'half'", "The rule 'a' has weight = 'half'; it must be a finite number"),
    (CALENDAR + "weight = false", "The rule 'a' has weight = False"),
    (TWO.replace('weight = "30 %"\n', ""), "The rule 'a' has no weight; with several rules each needs one"),
    (TWO.replace("0.7", "0.6"), "weights sum to 0.9"),
    (TWO.replace("0.7", "-0.7"), "The rule 'b' has weight = -0.7"),
    (TWO.replace('"30 %"', "30"), "The rule 'a' has weight = 30; it must be above 0 and at most 1"),
    (TWO.replace('"b"', '"a"'), "Two rules are called 'a'"),
    ('[[rules]]\ntrials = "compute"\nftp = "1/300"\nspend = "1e999"', "The rule 'compute': "),
    ('[[rules]]\ntrials = "compute"\nftp = "1/300"\nspend = -1', "The rule 'compute': The spend on the largest run"),
    ('[[rules]]\ntrials = "researcher-years"\nftp = "1/300"\nsums = 3', "The rule 'researcher-years' has sums = 3"),
    ('[[rules]]\ntrials = "series"\ntau = 3\npoints = 3', "The rule 'series' has points = 3; they must be pairs"),
    ('[[rules]]\ntrials = "series"\ntau = 3\npoints = []', r"The rule 'series' has points = \[\]; they must be pairs"),
    ('[[rules]]\ntrials = "series"\ntau = 3\npoints = [[1, 2], [3]]', "The rule 'series' has points"),
    ('[[rules]]\ntrials = "series"\npoints = [[1, 2], [3, 4]]', "The rule 'series': A series needs ftp"),
    ('[[rules]]\ntrials = "series"\ntau = 3\nlevels = 1\npoints = [[1, 2], [3, 4]]', "has levels = 1; it must be true"),
    ("nowhere.toml", "nowhere.toml cannot be read"),
]


@pytest.mark.parametrize(("text", "sentence"), BAD)
def test_bad_rule_files(text: str, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        read_rules(text or "\n")


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ValueError, match="cannot be read"):
        read_rules(tmp_path / "rules.toml")
    with pytest.raises(ValueError, match="cannot be read"):
        read_rules(tmp_path)


def test_a_rule_of_a_file_may_have_uncertain_inputs() -> None:
    text = '[[rules]]\nname = "{}"\nweight = "{}"\ntrials = "calendar"\nftp = "{}"\n'
    found = read_rules(text.format("drawn", "1/2", "1/1000 to 1/100") + text.format("sure", "1/2", "1/300")).model
    assert isinstance(found, HyperPrior)
    drawn = found.parts[0][1]
    assert isinstance(drawn, Uncertain)
    assert drawn.draws == 100_000
    low, high = sorted(float(model.predict(2036, none_by=2020).probability) for _, model, _ in found.parts)
    assert low < found.predict(2036, none_by=2020).probability < high
    with pytest.raises(ValueError, match="drawn"):
        read_rules(text.format("drawn", "1/2", "1/100 to 1/1000") + text.format("sure", "1/2", "1/300"))


@pytest.mark.parametrize("convention", ["bayes", "davidson2021"])
@pytest.mark.parametrize(("since", "until"), [(2010, 2020), (2015, 2036), (2020, 2036), (2030, 2036)])
def test_an_answer_is_the_weighted_mean_of_its_rules_answers(convention: str, since: int, until: int) -> None:
    model = preset_file("central", convention).model
    assert isinstance(model, HyperPrior)
    weights = model.weights(since)
    mean = sum(
        weights[name] * -math.expm1(float(part.log_survival(until, since=since))) for name, part, _ in model.parts
    )
    assert model.predict(until, none_by=since).probability == pytest.approx(mean, rel=1e-12)
