"""Every value of the specification by Python, by address and by the command line: one number, computed in one place."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import mpmath
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mpmath import mpf

from assent.forecast.answers import answer, respond, written
from assent.forecast.calculate import CALCULATORS, calculate
from assent.forecast.kinds import KINDS, build
from tests.cli.support import ask_json, invoke, records
from tests.forecast import exactly

mpmath.mp.dps = 50


def beta_ratio(alpha: Any, beta: Any, n: int, m: int) -> Any:
    """1 - the product over single trials."""
    a, b, survival = mpf(alpha), mpf(beta), mpf(1)
    for i in range(m):
        survival *= 1 - a / (a + b + n + i)
    return 1 - survival


def beta_quantile(a: Any, b: Any, risk: Any) -> Any:
    """The x that Beta(a, b) exceeds with probability `risk`, by bisection on the regularised integral."""
    low, high = mpf(0), mpf(1)
    for _ in range(170):
        middle = (low + high) / 2
        low, high = (middle, high) if 1 - mpmath.betainc(a, b, 0, middle, regularized=True) > risk else (low, middle)
    return low


def half() -> Any:
    return mpf(1) / 2


FORECASTS: dict[str, tuple[str, Callable[[], Any]]] = {
    "T01": ("ftp=1/300&start=1956&none_by=2020&by=2036", lambda: mpf(16) / 379),
    "T02": ("ftp=1/2&start=1956&none_by=2020&by=2036", lambda: mpf(16) / 81),
    "T03": ("ftp=1/2&virtual_successes=1/2&none_by=2020&by=2036", lambda: beta_ratio(half(), half(), 64, 16)),
    "T04": ("trials=trials&ftp=1/2&by=10", lambda: mpf(10) / 11),
    "T05": ("trials=trials&ftp=1/2&virtual_successes=0.5&by=10", lambda: beta_ratio(half(), half(), 0, 10)),
    "T06": ("ftp=1/300&virtual_successes=1/2&none_by=2020&by=2036", lambda: beta_ratio(half(), mpf(299) / 2, 64, 16)),
    "T07": (
        "ftp=1/100&virtual_successes=0.1&none_by=2020&by=2036",
        lambda: beta_ratio(mpf(1) / 10, mpf(99) / 10, 64, 16),
    ),
    "T08": ("ftp=1/1000&virtual_successes=10&none_by=2020&by=2036", lambda: beta_ratio(10, 9990, 64, 16)),
    "T09": ("ftp=1/300&virtual_successes=1e6&none_by=2020&by=2036", lambda: beta_ratio(10**6, 299 * 10**6, 64, 16)),
    "T11": ("ftp=1/300&start=-5000&none_by=2020&by=2036", lambda: mpf(16) / 7335),
    "T12": ("ftp=1/100&start=2000&none_by=2020&by=2036", lambda: mpf(16) / 135),
    "T13": ("trials=trials&ftp=1/300&by=100", lambda: mpf(100) / 399),
    "T13 half": (
        "trials=trials&ftp=1/300&virtual_successes=1/2&by=100",
        lambda: beta_ratio(half(), mpf(299) / 2, 0, 100),
    ),
    "T14": ("ftp=1/300&none_by=2020&by=2100", lambda: mpf(80) / 443),
    "T18": (
        "ftp=1/100&virtual_successes=1/2&start=1817&none_by=2020&by=2036",
        lambda: beta_ratio(half(), mpf(99) / 2, 203, 16),
    ),
    "T20": (
        "trials=researcher-years&ftp=1/300&growth=11%25&expected_growth=4.3%25&sums=continuous&none_by=2020&by=2036",
        lambda: 16 * _rho() / (299 + 80 * _rho()),
    ),
    "T21": ("trials=researcher-years&ftp=1/300&growth=11%25&none_by=2020&by=2036", exactly.researcher_years),
    "T22": (
        "trials=compute&ftp=1/300&importance=5&spend=1e8&none_by=2020&by=2036",
        lambda: exactly.importance(5, "3.3"),
    ),
    "T30": (
        "trials=sequential&ftp=1/300&steps=5&matched=100&none_by=2020&by=2036",
        lambda: mpf(exactly.matched_steps()[1]),
    ),
    "T34": ("trials=researcher-years&ftp=1/300&sums=continuous&none_by=2020&by=2100", exactly.slowed),
    "T23": ("trials=lifetime&none_by=2020&by=2036", lambda: mpf("4.3") / 38),
    "T24": ("trials=evolution&none_by=2020&by=2036", lambda: mpf("4.3") / 27),
    "T25": ("trials=log-uniform&spend=1e11&none_by=2020&by=2036", lambda: mpf("0.252") / mpf("0.892")),
    "T29": (
        "trials=conjunctive&ftp=1/300&parts=2&matched=100&none_by=2020&by=2036",
        lambda: _conjunctive(100 * (1 - mpmath.sqrt(mpf(100) / 399)) / mpmath.sqrt(mpf(100) / 399)),
    ),
    "T31": ("trials=conjunctive&ftp=1/2&parts=3&known=each open&none_by=2020&by=2036", lambda: (mpf(16) / 81) ** 3),
    "T31 late": (
        "trials=conjunctive&ftp=1/2&parts=3&known=each open&none_by=2020&by=2120",
        lambda: (mpf(100) / 165) ** 3,
    ),
    "T32": ("trials=even&reach=300&none_by=2020&by=2036", lambda: mpf(16) / 236),
    "T35": (
        "trials=trials&ftp=1/20&virtual_successes=1/2&none_by=12.5&by=16.25",
        lambda: 1 - mpmath.beta(half(), mpf("25.75")) / mpmath.beta(half(), mpf(22)),
    ),
    "T47": ("trials=trials&ftp=1e-4&none_by=1000&by=2000", lambda: mpf(1000) / 11999),
}


def _rho() -> Any:
    return mpmath.log(mpf("1.11")) / mpmath.log(mpf("1.043"))


def _conjunctive(beta: Any) -> Any:
    by, before = (80 / (beta + 80)) ** 2, (64 / (beta + 64)) ** 2
    return (by - before) / (1 - before)


DELTA = mpf(1) / 20

FORMULAS: dict[str, tuple[str, dict[str, str], str, Callable[[], Any]]] = {
    "T10": ("known-chance", {"p": "1/300", "m": "16"}, "probability", lambda: 1 - (1 - mpf(1) / 300) ** 16),
    "T15": ("counted", {"n": "0", "m": "150000", "ftp": "1/300"}, "survival", lambda: mpf(299) / 150299),
    "T19": (
        "counted",
        {"n": "50", "m": "1", "ftp": "1/100", "virtual_successes": "0.1"},
        "next_trial",
        lambda: mpf(1) / 600,
    ),
    "T33": (
        "divided",
        {"tau": "0", "x": "100", "more": "10", "events": "2"},
        "probability",
        lambda: 1 - mpf("1.1") ** -3,
    ),
    "T36": ("scores", {"p": "16/379", "outcome": "no"}, "baseline", lambda: 100 * (1 + mpmath.log(mpf(363) / 379, 2))),
    "T36 Brier": ("scores", {"p": "16/379", "outcome": "no"}, "brier", lambda: (mpf(16) / 379) ** 2),
    "T36 log": ("scores", {"p": "16/379", "outcome": "no"}, "log", lambda: mpmath.log(mpf(363) / 379)),
    "T36 yes": (
        "scores",
        {"p": "16/379", "outcome": "yes"},
        "baseline",
        lambda: 100 * (1 + mpmath.log(mpf(16) / 379, 2)),
    ),
    "T40": ("exact-bound", {"n": "1000"}, "upper", lambda: 1 - DELTA ** (mpf(1) / 1000)),
    "T41": (
        "credible-bound",
        {"n": "1000", "virtual_successes": "1/2", "beta": "1/2"},
        "upper",
        lambda: beta_quantile(half(), mpf("1000.5"), DELTA),
    ),
    "T42": ("credible-bound", {"n": "1000", "ftp": "1/2"}, "upper", lambda: 1 - DELTA ** (mpf(1) / 1001)),
    "T43": ("credible-bound", {"n": "1000", "ftp": "1/300"}, "upper", lambda: 1 - DELTA ** (mpf(1) / 1299)),
    "T44": (
        "confidence-sequence",
        {"n": "1000"},
        "upper",
        lambda: 1 - (DELTA * mpmath.beta(half(), mpf("1000.5")) / mpmath.beta(half(), half())) ** (mpf(1) / 1000),
    ),
    "T45": (
        "confidence-sequence",
        {"n": "1000", "a": "1", "b": "1"},
        "upper",
        lambda: 1 - (DELTA / 1001) ** (mpf(1) / 1000),
    ),
    "T46": ("counted", {"n": "1000", "m": "1000", "ftp": "1/2"}, "probability", lambda: mpf(1000) / 2001),
    "T46 Jeffreys": (
        "counted",
        {"n": "1000", "m": "1000", "beta": "1/2", "virtual_successes": "1/2"},
        "probability",
        lambda: beta_ratio(half(), half(), 1000, 1000),
    ),
    "T47 half": (
        "counted",
        {"n": "1000", "m": "1000", "ftp": "1e-4", "virtual_successes": "1/2"},
        "probability",
        lambda: beta_ratio(half(), mpf(9999) / 2, 1000, 1000),
    ),
    "T48": ("divided", {"tau": "9999", "x": "500", "more": "1000"}, "probability", lambda: mpf(1000) / 11499),
    "T49": ("clean-needed", {"p": "1e-3"}, "real", lambda: mpmath.log(DELTA) / mpmath.log(1 - mpf(1) / 1000)),
    "T50": ("clean-needed-belief", {"risk": "1%", "over": "1000", "ftp": "1/2"}, "decisions", lambda: mpf(98999)),
    "T50 half": (
        "clean-needed-scale-free",
        {"risk": "1%", "over": "1000"},
        "decisions",
        lambda: 1000 / (mpf("0.99") ** -2 - 1),
    ),
    "T51": (
        "conservative-confidence",
        {"theta": "0.9", "epsilon": "1e-4", "p": "1e-3", "n": "1000"},
        "confidence",
        lambda: _cbi(1000),
    ),
    "T52": (
        "conservative-survival",
        {"n": "1000", "t": "1000", "theta": "1/2"},
        "survival",
        lambda: 2 * (mpmath.sqrt(2) - 1),
    ),
    "T53": (
        "conservative-survival",
        {"n": "1000", "t": "1000", "theta": "0.9"},
        "survival",
        lambda: _worst(1000, 1000),
    ),
    "T53 longer": (
        "conservative-survival",
        {"n": "1000", "t": "10,000", "theta": "0.9"},
        "survival",
        lambda: _worst(1000, 10_000),
    ),
    "T54": ("conservative-mean", {"n": "1000", "theta": "0.9", "epsilon": "1e-4"}, "mean", lambda: _worst_mean(1000)),
    "T54 none": ("conservative-mean", {"n": "0", "theta": "0.9", "epsilon": "1e-4"}, "mean", lambda: mpf("0.10009")),
    "T55": (
        "pac-bayes",
        {"n": "1000", "kl": "5"},
        "upper",
        lambda: 1 - mpmath.exp(-(5 + mpmath.log(2 * mpmath.sqrt(1000) / DELTA)) / 1000),
    ),
    "T56": ("unseen-kinds", {"counts": "1,1,1,2,3", "t": "1"}, "good_toulmin", lambda: mpf(3)),
    "T57": ("new-kinds", {"total": "1000", "over": "0", "kinds": "5"}, "next_is_new", lambda: mpf(1) / 1001),
    "T57 half": (
        "new-kinds",
        {"total": "1000", "over": "0", "kinds": "5", "sigma": "1/2"},
        "next_is_new",
        lambda: mpf("3.5") / 1001,
    ),
    "T58": (
        "new-kinds",
        {"total": "1000", "over": "1000"},
        "expected_new",
        lambda: sum((mpf(1) / (1001 + i) for i in range(1000)), mpf(0)),
    ),
    "T60": (
        "best-of",
        {"n": "1000", "alpha": "1/2", "beta": "50"},
        "probability",
        lambda: beta_ratio(half(), 50, 0, 1000),
    ),
}


def _cbi(n: int) -> Any:
    good, bad = mpf("0.9") * (1 - mpf("1e-4")) ** n, mpf("0.1") * (1 - mpf("1e-3")) ** n
    return good / (good + bad)


def _worst(n: int, t: int) -> Any:
    """Least survival over the chance q of the imperfect part: where its derivative is 0."""
    theta = mpf("0.9")

    def survival(q: Any) -> Any:
        return (theta + (1 - theta) * q ** (n + t)) / (theta + (1 - theta) * q**n)

    return survival(mpmath.e ** -_least(lambda x: survival(mpmath.e**-x), mpf("1e-6"), mpf(20) / n))


def _least(function: Callable[[Any], Any], low: Any, high: Any) -> Any:
    """Where a function that falls and then rises is least, by thirds."""
    for _ in range(150):
        one, other = low + (high - low) / 3, high - (high - low) / 3
        low, high = (low, other) if function(one) < function(other) else (one, high)
    return low


def _worst_mean(n: int) -> Any:
    theta, small = mpf("0.9"), mpf("1e-4")

    def mean(y: Any) -> Any:
        good, bad = theta * (1 - small) ** n, (1 - theta) * (1 - y) ** n
        return (good * small + bad * y) / (good + bad)

    return mean(_least(lambda y: -mean(y), mpf("1e-4"), mpf(20) / n))


def close(found: float, exact: Any) -> bool:
    return bool(abs(mpf(found) - exact) <= mpf("1e-9") * abs(exact))


@pytest.mark.parametrize("name", FORECASTS)
def test_forecasts_agree_by_python_address_and_command(name: str) -> None:
    query, exact = FORECASTS[name]
    inputs = dict(pair.split("=") for pair in query.replace("%25", "%").split("&"))
    by, none_by = inputs.pop("by"), inputs.pop("none_by", None)
    kind = inputs.pop("trials", "calendar")
    python = build(kind, inputs).predict(by, none_by=none_by).probability
    address = answer(f"forecast?{query}")["forecasts"][0]["probability"]
    options = [f"--set={key}={value}" for key, value in inputs.items()]
    options += ["--trials", kind, f"--by={by}", *([] if none_by is None else [f"--none-by={none_by}"])]
    (found,) = [line for line in records(invoke("forecast", *options, "--json").stdout) if line["record"] == "forecast"]
    assert close(python, exact())
    assert python == address == found["forecasts"][0]["probability"]


@pytest.mark.parametrize("name", FORMULAS)
def test_formulas_agree_by_python_address_and_command(name: str) -> None:
    formula, inputs, part, exact = FORMULAS[name]
    python = calculate(formula, inputs)[part]
    assert isinstance(python, float)
    assert close(python, exact())
    query = "&".join(f"{key}={value.replace('%', '%25')}" for key, value in inputs.items())
    assert answer(f"calculate/{formula}?{query}")["result"][part] == python
    lines = records(invoke("forecast", "calculate", formula, *(f"{k}={v}" for k, v in inputs.items()), "--json").stdout)
    assert lines[1]["result"][part] == python


def test_quantiles_agree_everywhere() -> None:
    """T16 and T17."""
    for ftp, successes, share, exact in (
        ("1/300", "1", "0.5", mpf(2383)),
        ("1/300", "1/2", "0.1", 2020 + mpmath.findroot(lambda m: _jeffreys_like(m) - mpf(1) / 10, (mpf(50), mpf(51)))),
    ):
        python = build("calendar", {"ftp": ftp, "virtual_successes": successes}).quantile(share, none_by=2020)
        assert close(python, exact)
        query = f"ftp={ftp}&virtual_successes={successes}&none_by=2020&by=2036&show=quantiles"
        assert answer(f"forecast?{query}")["quantiles"]["times"][share] == python
        options = [
            "--ftp",
            ftp,
            "--vs",
            successes,
            "--none-by",
            "2020",
            "--by",
            "2036",
            "--show",
            "quantiles",
            "--json",
        ]
        assert records(invoke("forecast", *options).stdout)[1]["quantiles"]["times"][share] == python


def _jeffreys_like(more: Any) -> Any:
    return 1 - mpmath.beta(half(), mpf("213.5") + more) / mpmath.beta(half(), mpf("213.5"))


def test_a_tail_agrees_everywhere() -> None:
    """T59: least squares by hand, in fifty digits."""
    top = "0.02,0.012,0.008,0.0061,0.005,0.0043,0.0037,0.0033,0.0029,0.0026"
    scores = [-mpmath.log(-mpmath.log(mpf(value))) for value in top.split(",")]
    logs = [mpmath.log(mpf(rank) / 1000) for rank in range(1, 11)]
    middle, height = sum(scores) / 10, sum(logs) / 10
    slope = sum((x - middle) * (y - height) for x, y in zip(scores, logs, strict=True)) / sum(
        (x - middle) ** 2 for x in scores
    )
    intercept = height - slope * middle
    for queries in (1_000, 100_000, 1_000_000):
        exact = mpmath.exp(-mpmath.exp((mpmath.log(queries) + intercept) / slope))
        inputs = {"probabilities": top, "evaluated": "1000", "n": str(queries)}
        python = calculate("gumbel-tail", inputs)
        assert close(float(python["worst"]), exact)  # pyright: ignore[reportArgumentType]
        assert close(float(python["slope"]), slope)  # pyright: ignore[reportArgumentType]
        query = "&".join(f"{name}={value}" for name, value in inputs.items())
        assert answer(f"calculate/gumbel-tail?{query}")["result"] == python
        pairs = [f"{name}={value}" for name, value in inputs.items()]
        assert records(invoke("forecast", "calculate", "gumbel-tail", *pairs, "--json").stdout)[1]["result"] == python


def test_mixtures_agree_everywhere() -> None:
    """T26 to T28."""
    rule = '[[rules]]\nname = "{}"\nweight = 0.5\ntrials = "calendar"\nftp = "{}"\n'
    text = rule.format("a", "1/100") + rule.format("b", "1/1000")
    found = answer(f"forecast?rules={quote(text)}&none_by=2020&by=2036&show=weights")
    s64, s80 = ([mpf(b) / (b + n) for b in (99, 999)] for n in (64, 80))
    assert close(found["forecasts"][0]["probability"], 1 - sum(s80) / sum(s64))
    assert close(found["weights"]["weights"]["a"][0], s64[0] / sum(s64))
    for convention, printed in (("bayes", 0.0733454), ("davidson2021", 0.0753271)):
        address = f"forecast?preset=central&convention={convention}&by=2036"
        value = answer(address)["forecasts"][0]["probability"]
        assert value == pytest.approx(printed, abs=6e-8)
        lines = records(
            invoke("forecast", "--preset", "central", "--convention", convention, "--by", "2036", "--json").stdout
        )
        assert lines[1]["forecasts"][0]["probability"] == value


def test_the_same_address_gives_the_same_bytes_and_another_order_the_same_answer() -> None:
    one = "forecast?ftp=1/1000 to 1/100&none_by=2020&by=2036&draws=2000&show=spread,tornado,sobol"
    other = "forecast?by=2036&draws=2000&show=spread,tornado,sobol&none_by=2020&ftp=1/1000%20to%201/100"
    assert respond(one) == respond(one)
    assert respond(one) == respond(other)
    assert respond(one)[0] == 200
    again = answer(json.loads(respond(one)[1])["address"])
    assert written(again) == respond(one)[1]


def test_the_command_line_prints_the_bytes_of_an_address() -> None:
    address = "forecast?ftp=1/300&none_by=2020&by=2036"
    assert invoke("forecast", "ask", address).stdout_bytes == respond(address)[1] + b"\n"


@pytest.mark.parametrize(
    "address",
    [
        "forecast?ftp=0&by=2036",
        "forecast?ftp=1&by=2036",
        "forecast?ftp=-1/300&by=2036",
        "forecast?ftp=nan&by=2036",
        "forecast?ftp=1/0&by=2036",
        "forecast?ftp=1/300&virtual_successes=0&by=2036",
        "forecast?ftp=1/300&by=1950",
        "forecast?ftp=1/300&none_by=1950&by=2036",
        "forecast?ftp=1/300&none_by=2036&by=2020",
        "forecast?ftp=1/300",
        "forecast?ftp=1/300&by=2036&colour=red",
        "forecast?ftp=1/300&by=2036&show=everything",
        "forecast?ftp=1/300&by=2036&show=weights",
        "forecast?ftp=1/300&by=2036&show=tornado",
        "forecast?ftp=1/300&by=2036&by=2040",
        "forecast?preset=middle&by=2036",
        "forecast?preset=central&ftp=1/300",
        "forecast?trials=moons&ftp=1/300&by=2036",
        "forecast?trials=series&points=1&tau=3&by=2036",
        "forecast?rules=nonsense&by=2036",
        "forecast?ftp=normal(0.01, 0.9)&by=2036",
        "forecast?ftp=1/300&growth=11%25&by=2036",
        "deployment?failures=1",
        "deployment?clean=-1",
        "deployment?clean=1000&detection=0",
        "deployment?clean=1000&delta=2",
        "deployment?clean=1000&headline=luck",
        "calculate/exact-bound?n=-1",
        "calculate/exact-bound",
        "calculate/nothing?n=1",
        "explain/weather",
        "weather",
        "forecast?ftp",
        "forecast?ftp=1/300&by=1e400",
        "forecast?ftp=1e-400&by=2036",
        "forecast?ftp=1/300&by=1e200",
        f"forecast?ftp=1/{'9' * 5000}&by=2036",
        "forecast?ftp=1/300&by=2036&per_year=1,5",
        "forecast?trials=evolution&virtual_successes=1/1000 to 1/10&none_by=2020&by=2036",
        "forecast?ftp=0.1 to 0.2&draws=10000001&none_by=2020&by=2036",
        "calculate/exact-bound?n=1e300",
        "forecast?trials=trials&ftp=1/300&by=1,000",
        "forecast?trials=researcher-years&ftp=1/300&sums=1/1000 to 1/10&none_by=2020&by=2036",
    ],
)
def test_what_is_wrong_is_a_sentence(address: str) -> None:
    status, body = respond(address)
    assert status == 400
    sentence = json.loads(body)["error"]
    assert len(sentence) > 30
    assert sentence.endswith((".", ")."))


def test_several_targets_are_told_from_one_with_a_comma_for_thousands() -> None:
    for by in ("100, 200", "2030,2040", "1000,2000", "0.5,200"):
        assert len(answer(f"forecast?trials=trials&ftp=1/300&by={quote(by)}")["forecasts"]) == 2


def test_a_forecast_of_many_trials_is_quick_and_right() -> None:
    found = answer("forecast?trials=trials&ftp=1e-13&virtual_successes=1/2&none_by=1e13&by=1.00001e13")["forecasts"][0]
    exact = 1 - mpmath.beta(half(), mpf("5e12") - half() + mpf("1.00001e13")) / mpmath.beta(
        half(), mpf("5e12") - half() + mpf("1e13")
    )
    mpmath.mp.dps = 80
    assert math.isclose(found["probability"], float(exact), rel_tol=1e-9)
    mpmath.mp.dps = 50


def test_exit_codes() -> None:
    assert invoke("forecast", "--ftp", "2", "--by", "2036").exit_code == 2
    assert invoke("forecast", "--ftp", "1/300", "--none-by", "2020", "--by", "2036").exit_code == 0
    assert ask_json("forecast", "--ftp", "1/300", "--none-by", "2020", "--by", "2036")["forecasts"] == 1
    assert (
        "16/379" in invoke("forecast", "--ftp", "1/300", "--start", "1956", "--none-by", "2020", "--by", "2036").stdout
    )


NAMED = (
    "0",
    "1",
    "1/300",
    "-1",
    "1e300",
    "1e-99",
    "1e99",
    "nan",
    "inf",
    "",
    "abc",
    "0.5",
    "99 %",
    "100%",
    "1e13",
    "2020",
    "2036",
    "1956",
)
TEXTS = st.sampled_from(
    [*NAMED, "1/1000 to 1/10", "normal(0, 1)", "uniform(0.5, 1)", "true", "0,5", "5,5,5", "1e15", "½", "2000:1,2010:5"]
)
SENSIBLE = {
    "ftp": "1/300",
    "virtual_successes": "1/2",
    "none_by": "2020",
    "by": "2036,2100",
    "draws": "200",
    "n": "100",
    "clean": "1000",
}


FORECAST = ("none_by", "by", "draws", "show")
TAKEN = (
    *(("forecast", (f"trials={kind}", *inspect.signature(make).parameters, *FORECAST)) for kind, make in KINDS.items()),
    *((f"calculate/{name}", tuple(inspect.signature(one).parameters)) for name, one in CALCULATORS.items()),
    ("deployment", ("clean", "failures", "detection", "cluster", "correlation", "ahead", "ftp", "delta")),
)


@st.composite
def addresses(draw: st.DrawFn) -> str:
    """Inputs of one kind, formula or deployment, each right, wrong or left out."""
    path, names = draw(st.sampled_from(TAKEN))
    parts: list[str] = []
    for name in names:
        if "=" in name:
            parts.append(name)
        elif draw(st.booleans()):
            usual = [SENSIBLE[name]] * 3 if name in SENSIBLE else []
            parts.append(f"{name}={quote(draw(st.sampled_from(usual) if usual and draw(st.booleans()) else TEXTS))}")
    return f"{path}?{'&'.join(parts)}"


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(addresses())
def test_every_address_ends_in_an_answer_or_a_sentence(address: str) -> None:
    """No traceback, no warning, no number that JSON does not have; a probability is one."""
    status, body = respond(address)
    found = json.loads(body, parse_constant=pytest.fail)
    assert status in (200, 400)
    if status == 400:
        assert found["error"].endswith((".", ")."))
    for one in found.get("forecasts", ()):
        assert 0.0 <= one["probability"] <= 1.0
