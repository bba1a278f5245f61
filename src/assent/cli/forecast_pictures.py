"""Pictures of a forecast, a deployment and a calibration, as SVG files, and as PNG where asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from assent.forecast.asked import read_inputs
from assent.forecast.counting import Counted
from assent.forecast.deployed import Deployed
from assent.forecast.deployment import curves, side_by_side
from assent.forecast.exposure import Exposure
from assent.forecast.hyperprior import HyperPrior
from assent.forecast.prior import BetaPrior
from assent.forecast.rules import Rule
from assent.forecast.score import Bin
from assent.forecast.settings import Settings
from assent.forecast.uncertain import Uncertain
from assent.report.figures import reliability_diagram
from assent.report.forecasts import (
    belief_chart,
    bounds_chart,
    discovery_chart,
    fan_chart,
    heat_map,
    standalone,
    tornado_chart,
    weights_over_time,
)

WIDTH = 880.0


def of_forecast(asked: Mapping[str, Any], folder: Path, *, png: bool) -> list[Path]:
    """The curve; a mixture's weights; uncertain inputs' tornado; a counted rule's belief, and the map of what else might be believed."""
    model, evidence, targets = read_inputs(asked)
    none_by, by = repr(min(evidence)), [repr(target) for target in targets]
    drawn = {"fan": fan_chart(model, width=WIDTH, name="fan", by=by, none_by=none_by, time=_time(asked))}
    if isinstance(model, HyperPrior):
        drawn["weights"] = weights_over_time(model, width=WIDTH, name="weights", until=repr(max(targets)), now=none_by)
    if isinstance(model, Uncertain):
        base, swings = model.tornado(by[-1], none_by=none_by)
        drawn["tornado"] = tornado_chart(base, swings, width=WIDTH, name="tornado")
    if isinstance(model, Rule) and isinstance(model.prior, BetaPrior):
        before, _ = model.effort(float(none_by), float(none_by))
        after = model.prior.after(repr(before))
        drawn["belief"] = belief_chart(model.prior, after, width=WIDTH, name="belief", trial=model.unit)
        if asked.get("trials", "calendar") == "calendar" and "per_year" not in asked:
            drawn["heat"] = heat_map(
                width=WIDTH, name="heat", none_by=none_by, by=by[-1], start=model.trials.inputs()["start"]
            )
    return _written(drawn, folder, png=png)


def _time(asked: Mapping[str, Any]) -> str:
    return "trial" if asked.get("trials") == "trials" else "year"


def of_deployment(record: Counted, exposure: Exposure, settings: Settings, folder: Path, *, png: bool) -> list[Path]:
    """Upper ends by clean decisions; the belief before and after; kinds of failure as they were discovered."""
    failed = [number for number, wrong in enumerate(record.order, 1) if wrong]
    rows = side_by_side(exposure, settings, record)
    most = max(10.0 * exposure.decisions, 1_000.0)
    prior = BetaPrior(settings.ftp, settings.virtual_successes)
    after = Deployed(prior, exposure).belief
    drawn = {
        "bounds": bounds_chart(
            curves(settings, most, exposure=exposure),
            width=WIDTH,
            name="bounds",
            present=exposure.decisions,
            rows=rows,
            failures=failed,
        ),
        "belief": belief_chart(prior, after, width=WIDTH, name="belief", trial="decision"),
    }
    if record.failed:
        kinds = [
            (number, f"did {done}, {f'right was {right}' if right >= 0 else 'was vetoed'}")
            for number, (done, right) in zip(failed, record.failed.values(), strict=True)
        ]
        drawn["discovery"] = discovery_chart(kinds, width=WIDTH, name="discovery", decisions=len(record.order))
    return _written(drawn, folder, png=png)


def of_scores(bins: Sequence[Bin], folder: Path, *, png: bool) -> list[Path]:
    """Said against came."""
    drawing = reliability_diagram(
        width=WIDTH,
        name="calibration",
        title="How often it came, of what was said",
        desc="Resolved forecasts in bins.",
        bins=[(one.mean, one.frequency, one.low, one.high, one.number) for one in bins],
    )
    return _written({"calibration": drawing}, folder, png=png)


def _written(drawn: Mapping[str, Markup], folder: Path, *, png: bool) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    made: list[Path] = []
    for name, drawing in drawn.items():
        alone = standalone(drawing)
        path = folder / f"{name}.svg"
        path.write_text(alone, encoding="utf-8")
        made.append(path)
        if png:
            from assent.report.png import png as pixels

            path = path.with_suffix(".png")
            path.write_bytes(pixels(alone))
            made.append(path)
    return made
