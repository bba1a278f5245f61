"""Areas of weights fill the whole, and each is as tall as its rule's weight."""

from __future__ import annotations

import math

import numpy as np
import pytest

from assent.forecast import HyperPrior, Impossible
from assent.forecast.kinds import calendar
from assent.report.forecasts import weights_over_time
from assent.report.forecasts.parts import hues
from assent.report.forecasts.weights import MOST, layers, stacked
from tests.report.forecasts.drawing import WIDTHS, check, places, tracks, values, words

LONG = "a rule whose name says everything that anybody could ever want to know about how it came to be"
BELIEF = HyperPrior(
    {"fast": (calendar(ftp="1/20"), 0.5), "slow": (calendar(ftp="1/1000"), 0.3), "never": (Impossible(), 0.2)}
)
BELIEFS = {
    "three": BELIEF,
    "one": HyperPrior({"alone": (calendar(ftp="1/20"), 1)}),
    "many": HyperPrior({f"{LONG} {n}": (calendar(ftp=f"1/{20 * n}"), 0.05) for n in range(1, 21)}),
    "tiny": HyperPrior({"fast": (calendar(ftp="0.9"), 0.999), "slow": (calendar(ftp="1e-9"), 0.001)}),
}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", BELIEFS)
@pytest.mark.parametrize("now", [None, 1956, 2020, 2100])
def test_every_belief_has_a_picture(name: str, width: float, now: int | None) -> None:
    def draw() -> str:
        return str(weights_over_time(BELIEFS[name], width=width, name="w", until=2100, now=now))

    assert draw() == draw()
    check(draw(), width)


@pytest.mark.parametrize("width", WIDTHS)
def test_areas_are_as_tall_as_the_weights(width: float) -> None:
    root = check(weights_over_time(BELIEF, width=width, name="w", until=2100), width)
    year, share = places(root), values(root)
    for name, _, _ in BELIEF.parts:
        (outline,) = tracks(root, f"band {hues(BELIEF)[name]}")
        above, below = outline[: len(outline) // 2], outline[len(outline) // 2 :][::-1]
        for (x, high), (_, low) in list(zip(above, below, strict=True))[::12]:
            true = BELIEF.weights(min(year(x), 2100.0))[name]
            assert share(high) - share(low) == pytest.approx(true, abs=3e-4)
        final = BELIEF.weights(2100)[name]
        assert any(text.startswith(f"{100 * final:.2g} %: {name}") for text in words(root))


def test_many_rules_share_their_last_area() -> None:
    shares = np.full((20, 5), 0.05)
    found = layers([f"rule {n}" for n in range(20)], shares)
    assert len(found) == MOST
    assert found[-1].name == "13 other rules"
    assert np.sum([one.shares for one in found], axis=0) == pytest.approx(np.ones(5))


def test_times_without_weights_are_a_gap() -> None:
    times, shares = np.linspace(0.0, 10.0, 11), np.full((2, 11), 0.5)
    shares[0, 5] = math.nan
    root = check(stacked(times, layers(["a", "b"], shares), width=360.0, name="w"), 360.0)
    (area,) = [p for p in root.iter("path") if p.get("class") == "band s0"]
    assert str(area.get("d")).count("M") == 2
    shares[:] = math.nan
    nothing = check(stacked(times, layers(["a", "b"], shares), width=360.0, name="w"), 360.0)
    assert "No weights could be computed" in " ".join(words(nothing))
    assert "No weights" in " ".join(words(check(stacked(times, [], width=360.0, name="w"), 360.0)))


def test_an_end_before_the_start_is_refused() -> None:
    with pytest.raises(ValueError, match="would run from 1956 to 1900; give an end after the start"):
        weights_over_time(BELIEF, width=360.0, name="w", until=1900)
