"""Densities of beliefs: areas are probabilities, dots stand at means."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from assent.forecast import BetaPrior, Lomax
from assent.report.forecasts import belief_chart
from assent.report.forecasts.belief import Density, draw, log_density
from tests.report.forecasts.drawing import WIDTHS, check, circles, places, tracks, values, words

PRIOR = BetaPrior("1/300")
JEFFREYS = BetaPrior.of("1/2", "1/2")
CASES: dict[str, tuple[BetaPrior | Lomax, BetaPrior | Lomax]] = {
    "years": (PRIOR, PRIOR.after(64)),
    "no evidence": (PRIOR, PRIOR),
    "far apart": (JEFFREYS, JEFFREYS.after(1_000_000, 1)),
    "near certain": (BetaPrior("0.999", "50"), BetaPrior("0.999", "50").after(10, 10)),
    "tiny": (BetaPrior("1e-12"), BetaPrior("1e-12").after(1e6)),
    "vague": (BetaPrior("1/300", "0.1"), BetaPrior("1/300", "0.1").after(64)),
    "sharp": (BetaPrior("1/300", "1000"), BetaPrior("1/300", "1000").after(64)),
    "rates": (Lomax(tau=100), Lomax(tau=100).after(64)),
    "improper": (Lomax(tau=0), Lomax(tau=0).after(64)),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", CASES)
def test_every_belief_has_a_picture(name: str, width: float) -> None:
    def drawn() -> str:
        return str(belief_chart(*CASES[name], width=width, name="d", trial="decision of a very long kind"))

    assert drawn() == drawn()
    check(drawn(), width)


@pytest.mark.parametrize("name", ["years", "far apart", "vague", "sharp", "rates"])
def test_densities_are_those_of_an_independent_implementation(name: str) -> None:
    """SciPy's densities, times the chance: by unit of its logarithm. The wrong variant, without that factor, differs."""
    chances = np.geomspace(1e-6, 0.5, 50)
    for one in CASES[name]:
        alpha = float(one.alpha)
        law: Any = (
            stats.beta(alpha, float(one.beta))
            if isinstance(one, BetaPrior)
            else stats.gamma(alpha, scale=1 / float(one.tau))
        )
        assert log_density(one, chances) == pytest.approx(law.logpdf(chances) + np.log(chances), abs=1e-6)
        assert not np.allclose(log_density(one, chances), law.logpdf(chances))


@pytest.mark.parametrize("width", WIDTHS)
def test_curves_stand_at_their_density_and_dots_at_the_means(width: float) -> None:
    root = check(belief_chart(*CASES["years"], width=width, name="d"), width)
    chance, density = places(root, log=True), values(root)
    for place, one in enumerate(CASES["years"]):
        (track,) = tracks(root, f"line all s{place}")
        for x, y in track[::20]:
            # two decimals of a unit are up to half a thousandth of the chance
            true = float(np.exp(log_density(one, np.asarray([chance(x)])))[0])
            assert density(y) == pytest.approx(true, abs=2e-3)
        ((x, y),) = circles(root, f"s{place}")
        assert chance(x) == pytest.approx(one.mean(0.0), rel=2e-3)
        assert density(y) == pytest.approx(float(np.exp(log_density(one, np.asarray([one.mean(0.0)])))[0]), abs=2e-3)
    assert {"before, mean 0.33 %", "after, mean 0.27 %"} <= set(words(root))


def test_nothing_to_draw_is_said() -> None:
    improper = check(belief_chart(*CASES["improper"], width=360.0, name="d"), 360.0)
    assert "no proper belief" in " ".join(words(improper))
    nothing = [Density("before", np.full(3, math.nan), math.nan)]
    drawn = draw(np.geomspace(0.01, 0.5, 3), nothing, width=360.0, name="d", trial="trial", title="T")
    assert "No density could be computed" in " ".join(words(check(drawn, 360.0)))
    half = [Density("before", np.asarray([0.1, math.nan, 0.2, 0.3]), 0.02)]
    drawn = draw(np.geomspace(0.01, 0.5, 4), half, width=360.0, name="d", trial="trial", title="T")
    (path,) = [p for p in check(drawn, 360.0).iter("path") if p.get("class") == "line all s0"]
    assert str(path.get("d")).count("M") == 2
