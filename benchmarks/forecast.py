"""How fast are forecasts? Uncertain inputs beside squigglepy on the same model, and one preset, one address, one import. One thread."""

from __future__ import annotations

import math
import statistics
import subprocess
import sys
import warnings

import _threads  # noqa: F401  (before NumPy)
import numpy as np
from _report import Row, best_s, main, median_s

from assent.forecast.answers import respond
from assent.forecast.presets import central
from assent.forecast.uncertain import Uncertain

DRAWS = 1_000_000
SLOW_DRAWS = 3_000
INPUTS = {
    "ftp": "1/1000 to 1/100",
    "virtual_successes": "uniform(0.5, 1)",
    "growth": "3 % to 21 %",
    "sums": "continuous",
}
ADDRESS = "forecast?preset=central&show=why,cdf,weights,conditional"


def ours(seed: int) -> float:
    """The survival-weighted answer from a million draws, with its bands and those without weights."""
    return Uncertain("researcher-years", INPUTS, draws=DRAWS, seed=seed).spread(2036, none_by=2020).probability


def answer(seed: int) -> float:
    """The answer alone, which is all that squigglepy's side of the comparison works out."""
    rule = Uncertain("researcher-years", INPUTS, draws=DRAWS, seed=seed)
    return float(-np.expm1(rule.log_survival(2036.0, since=2020.0)))


def _model(ftp: np.ndarray, successes: np.ndarray, growth: np.ndarray) -> float:
    """The same answer written on arrays: log-survival by 2020, and to 2036, with growth expected at 4.3 %."""
    expected = math.log1p(0.043)
    tau = successes * expected * (1.0 / ftp - 1.0)
    before, more = 64.0 * np.log1p(growth), 16.0 * np.log1p(growth)
    weight = np.exp(-successes * np.log1p(before / tau))
    answer = -np.expm1(-successes * np.log1p(more / (tau + before)))
    return float(weight @ answer / weight.sum())


def squiggle() -> float:
    """The model on arrays of squigglepy's draws."""
    import squigglepy as sq

    ftp, growth = (sq.sample(sq.lognorm(*ends), n=DRAWS) for ends in ((1e-3, 1e-2), (0.03, 0.21)))
    return _model(np.asarray(ftp), np.asarray(sq.sample(sq.uniform(0.5, 1.0), n=DRAWS)), np.asarray(growth))


def squiggle_function() -> float:
    """The model as squigglepy's users write it: a function that draws its inputs, sampled many times."""
    import squigglepy as sq

    def one() -> float:
        ftp, growth = sq.sample(sq.lognorm(1e-3, 1e-2)), sq.sample(sq.lognorm(0.03, 0.21))
        return _model(*(np.asarray([value]) for value in (ftp, sq.sample(sq.uniform(0.5, 1.0)), growth)))

    return float(np.mean(sq.sample(one, n=SLOW_DRAWS)))


def _import_s(module: str) -> float:
    """Seconds that a fresh process needs for `import module`, least of seven."""
    code = f"import time, numpy\nstart = time.perf_counter()\nimport {module}\nprint(time.perf_counter() - start)"
    runs = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(7)]
    return min(float(run.stdout) for run in runs)


def measure() -> list[Row]:
    """A row for each question."""
    warnings.simplefilter("ignore")
    seeds = iter(range(1000))
    rows: list[Row] = []
    mine = best_s(lambda: answer(next(seeds)), 7)
    rows.append(_row("a million draws: weighted answer", mine, 0.25))
    everything = best_s(lambda: ours(next(seeds)), 7)
    rows.append(_row("… and its bands, weighted and not", everything, 0.25))
    try:
        theirs = best_s(squiggle, 7)
        slow = best_s(squiggle_function, 2) * DRAWS / SLOW_DRAWS
    except ModuleNotFoundError:
        theirs = slow = math.nan
    rows.append(_row("squigglepy's draws, the model on arrays", theirs, None, times=theirs / mine))
    rows.append(_row("squigglepy, the model as a function (from 3,000 draws)", slow, None, times=slow / mine))
    preset = median_s(lambda: central().predict(2036, none_by=2020), repeats=101)
    rows.append(_row("one preset", preset, 0.010))
    rows.append(
        _row("its address, with curve, weights and table", median_s(lambda: respond(ADDRESS), repeats=21), 0.150)
    )
    rows.append(_row("import assent.forecast, after NumPy", statistics.median([_import_s("assent.forecast")]), 0.3))
    return rows


def _row(what: str, seconds: float, bar: float | None, *, times: float | None = None) -> Row:
    return {"measured": what, "seconds": seconds, "× ours": times, "bar, s": bar}


if __name__ == "__main__":
    main("How fast are forecasts?", measure, packages=("assent", "numpy", "squigglepy"))
