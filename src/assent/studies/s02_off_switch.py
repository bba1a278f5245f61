"""The off-switch: when is waiting for a human's word worth more than acting, or switching off, at once? (T2, T3, T4)"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
from markupsafe import Markup

from assent.planning.oracles.off_switch import Gaussian
from assent.report.figures import Axis, Line, phase_diagram, raster
from assent.studies.measures import boundary_error, turning
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream

CLAIM = (
    "An agent with utility U ~ N(mu, sigma^2) leaves the switch to a human who is right with chance 1 / (1 + exp(-beta U)) exactly if "
    "|mu| < beta sigma^2 / 2, and obeys one who errs with chance eps exactly if eps <= min(E[U+], E[U-]) / E|U|; to one who never errs "
    "it always leaves it."
)
SOURCE = "T2: Hadfield-Menell, Dragan, Abbeel, Russell, The Off-Switch Game, 2017; T3, T4: derived in docs/hand-of-god-theory.md"
BETA = Axis("beta sigma: how reliably the human tells good from bad (log)", 0.2, 5.0, log=True)
MU = Axis("mu / sigma: how sure the agent is that acting is good", -2.5, 2.5)
EPS = Axis("eps: how often the human answers wrongly (share)", 0.0, 0.5)
WAITS, ACTS, SWITCHES_OFF, EVEN = range(4)
"""What the agent does: it waits for the human's word, acts at once, switches itself off at once; or waiting is worth just as much."""
NAMES = ("leaves it to the human", "acts at once", "switches itself off", "indifferent")
NEAR = 0.005
"""The part of theory's value by which the place where the choice turns may be off; cells so near to the line may lie on either side."""


@dataclass(frozen=True)
class Strip:
    """One column of one diagram: a human (`boltzmann` or `eps`), the place along x, cells upwards, and utilities imagined."""

    human: str
    x: float
    cells: int
    draws: int


def _strips(cells: int, draws: int) -> tuple[Strip, ...]:
    wide = [Strip("boltzmann", float(x), cells, draws) for x in BETA.centres(cells)]
    return (*wide, *(Strip("eps", float(x), cells, draws) for x in MU.centres(cells)))


GRID = _strips(64, 1 << 17)
QUICK = _strips(4, 1 << 16)


def imagined(rng: np.random.Generator, count: int) -> np.ndarray:
    """[N] standard normal draws, one in each of N slices of equal chance: what the agent holds possible, as samples."""
    part = (np.arange(count) + rng.random(count)) / count
    at = np.linspace(-6.2, 6.2, 1 << 14)
    # a fine table instead of inverting each: off by less than 1e-6 within five deviations
    return np.interp(part, np.asarray([NormalDist().cdf(float(value)) for value in at]), at)


def decide(utility: np.ndarray, lets_act: np.ndarray) -> int:
    """What an agent does that imagines utilities [N], and that the human would let it act with chance [N] under each.

    It compares averages over what it imagines: waiting for the human's word, acting at once, switching off at once.
    """
    waiting, acting = float((utility * lets_act).mean()), float(utility.mean())
    gain = waiting - max(acting, 0.0)
    if abs(gain) <= 1e-12 * float(np.abs(utility).mean()):
        return EVEN
    if gain > 0:
        return WAITS
    return ACTS if acting > 0 else SWITCHES_OFF


def boltzmann(utility: np.ndarray, beta: float) -> np.ndarray:
    """The chance that the human lets the agent act, who is the surer the more is at stake."""
    return 1 / (1 + np.exp(-np.clip(beta * utility, -700, 700)))


def erring(utility: np.ndarray, eps: float) -> np.ndarray:
    """The chance that the human lets the agent act, who says the wrong thing with chance eps."""
    return np.where(utility > 0, 1 - eps, eps)


def run(cell: Strip, seed: int) -> list[Row]:
    """One row for each cell of the strip, and one with the place at which the agent's choice turns."""
    draws = imagined(stream(seed, cell), cell.draws)
    if cell.human == "boltzmann":
        places = MU.centres(cell.cells)
        rows = [_row(cell, float(mu), decide(mu + draws, boltzmann(mu + draws, cell.x))) for mu in places]
        line = Gaussian(0.0, 1.0).boltzmann_line(cell.x)
        for sign in (-1.0, 1.0):
            turn = turning(lambda mu, s=sign: _waits(s * mu + draws, cell.x), 0.0, 6.5, rel=1e-6)
            rows.append({**_row(cell, sign * turn, None), "measured": sign * turn, "theory": sign * line})
        return rows
    places = EPS.centres(cell.cells)
    utility = cell.x + draws
    rows = [_row(cell, float(eps), decide(utility, erring(utility, float(eps)))) for eps in places]
    turn = turning(lambda eps: decide(utility, erring(utility, eps)) in (WAITS, EVEN), 0.0, 0.75, rel=1e-6)
    rows.append({**_row(cell, turn, None), "measured": turn, "theory": Gaussian(cell.x, 1.0).kept_up_to()})
    rows.append({**_row(cell, 0.0, decide(utility, erring(utility, 0.0))), "human": "perfect"})
    return rows


def _waits(utility: np.ndarray, beta: float) -> bool:
    return decide(utility, boltzmann(utility, beta)) in (WAITS, EVEN)


def _row(cell: Strip, y: float, found: int | None) -> Row:
    return {"human": cell.human, "x": cell.x, "y": y, "phase": found, "measured": None, "theory": None}


def score(rows: Sequence[Row]) -> dict[str, float]:
    """The numbers of the verdict."""
    numbers: dict[str, float] = {}
    for human in ("boltzmann", "eps"):
        turns = [row for row in rows if row["human"] == human and row["measured"] is not None]
        cells = [row for row in rows if row["human"] == human and row["phase"] is not None]
        numbers[f"{human}_boundary_error"] = max(boundary_error(row["measured"], row["theory"]) for row in turns)
        numbers[f"{human}_cells"] = float(len(cells))
        numbers[f"{human}_right"] = float(sum(row["phase"] == _theory(row) for row in cells))
        numbers[f"{human}_wrong"] = float(sum(row["phase"] != _theory(row) and not _near(row) for row in cells))
    perfect = [row for row in rows if row["human"] == "perfect"]
    numbers["perfect_cells"] = float(len(perfect))
    numbers["perfect_kept"] = float(sum(row["phase"] == WAITS for row in perfect))
    return numbers


def _line(row: Row) -> float:
    """How far up theory lets the agent wait: in |mu|, or in eps."""
    if row["human"] == "boltzmann":
        return Gaussian(0.0, 1.0).boltzmann_line(row["x"])
    return Gaussian(row["x"], 1.0).kept_up_to()


def _near(row: Row) -> bool:
    return abs(abs(row["y"]) - _line(row)) <= NEAR * _line(row)


def _theory(row: Row) -> int:
    if abs(row["y"]) <= _line(row):
        return WAITS
    return ACTS if row["y" if row["human"] == "boltzmann" else "x"] > 0 else SWITCHES_OFF


def verdict(numbers: Score) -> Verdict:
    """Whether the claim held, in words and figures."""
    worst = max(numbers["boltzmann_boundary_error"], numbers["eps_boundary_error"])
    wrong = numbers["boltzmann_wrong"] + numbers["eps_wrong"]
    holds = worst <= NEAR and wrong == 0 and numbers["perfect_kept"] == numbers["perfect_cells"]
    right = numbers["boltzmann_right"] + numbers["eps_right"]
    cells = numbers["boltzmann_cells"] + numbers["eps_cells"]
    return Verdict(
        holds,
        "The agent leaves the switch alone while it is unsure and the human can tell good from bad. Once it is surer than the human is "
        "reliable, it no longer waits for the human's word: it acts where it expects good of that, and switches itself off where not."
        if holds
        else "The agent's choice turns elsewhere than the lines say.",
        f"The choice turns within {100 * worst:.3f} % of the lines everywhere; {right:,.0f} of {cells:,.0f} cells come out as they "
        f"should, and {wrong:.0f} are wrong farther than {100 * NEAR:g} % from a line; a human who never errs is left the switch "
        f"in {numbers['perfect_kept']:.0f} of {numbers['perfect_cells']:.0f} cases.",
    )


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    """The pictures."""
    return (
        Figure(
            "rationality",
            "Between the lines the agent leaves the switch to the human. Above them it expects good of acting, and acts without asking; "
            "below them it expects harm, and switches itself off without asking. The lines are |mu| = beta sigma^2 / 2.",
            lambda width, name: _rationality(rows, width, name),
        ),
        Figure(
            "errors",
            "The same with a human who is wrong in a fixed share of cases and must be obeyed, at no cost at all: the surer the agent, the "
            "fewer errors it puts up with. Nobody who errs half of the time is ever obeyed.",
            lambda width, name: _errors(rows, width, name),
        ),
    )


def image(rows: Sequence[Row], human: str) -> np.ndarray:
    """[Y, X]: what the agent does in one human's cells."""
    return raster([row for row in rows if row["human"] == human and row["phase"] is not None], "x", "y", "phase")


def _rationality(rows: Sequence[Row], width: float, name: str) -> Markup:
    betas = np.geomspace(BETA.low, BETA.high, 120)
    line = Gaussian(0.0, 1.0).boltzmann_line
    points = [(float(b), line(float(b))) for b in betas]
    both = (*points, None, *((b, -mu) for b, mu in points))
    return phase_diagram(
        width=width,
        name=name,
        title="It keeps the switch while it is less sure than the human is reliable",
        desc="Off-switch game with a normally distributed utility and a Boltzmann human.",
        x=BETA,
        y=MU,
        phases=image(rows, "boltzmann"),
        names=NAMES,
        lines=[Line("theory: |mu| = beta sigma² / 2", both)],
    )


def _errors(rows: Sequence[Row], width: float, name: str) -> Markup:
    mus = np.linspace(MU.low, MU.high, 121)
    return phase_diagram(
        width=width,
        name=name,
        title="The surer the agent, the fewer errors of its overseer it puts up with",
        desc="Off-switch game with a normally distributed utility and a human who errs with a fixed chance.",
        x=MU,
        y=EPS,
        phases=image(rows, "eps"),
        names=NAMES,
        lines=[
            Line(
                "theory: eps = min(E[U+], E[U-]) / E|U|",
                tuple((float(m), Gaussian(float(m), 1.0).kept_up_to()) for m in mus),
            )
        ],
    )


STUDY = Study(
    name="off-switch",
    title="Will it leave its off-switch to a human?",
    claim=CLAIM,
    source=SOURCE,
    yardstick="an agent that compares averages over 131,072 imagined utilities, on 64 x 64 cells for each human; the place where its "
    "choice turns, by bisection, may lie at most .5 % off the line, and no cell farther from it on the wrong side; one that does shows the "
    "claim wrong",
    advice="Do not count on deference from an agent that is sure of itself: keep its uncertainty honest (a wide sigma), and make the "
    "human's word reliable where much is at stake.",
    grid=GRID,
    quick=QUICK,
    seeds=1,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
