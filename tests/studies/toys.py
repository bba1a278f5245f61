"""A study of nothing much, for tests of what runs studies; importable by worker processes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass

from assent.report.figures import Axis, Series, line_chart
from assent.studies.study import Figure, Row, Score, Study, Verdict, stream


@dataclass(frozen=True)
class Coin:
    """A coin, and how many throws."""

    chance: float
    throws: int


def run(cell: Coin, seed: int) -> list[Row]:
    time.sleep(float(os.environ.get("TOY_SLEEP_S", "0")))
    heads = int((stream(seed, cell).random(cell.throws) < cell.chance).sum())
    return [{"chance": cell.chance, "seed": seed, "throws": cell.throws, "heads": heads}]


def score(rows: Sequence[Row]) -> dict[str, float]:
    return {"heads": float(sum(row["heads"] for row in rows)), "rows": float(len(rows))}


def verdict(numbers: Score) -> Verdict:
    return Verdict(numbers["heads"] > 0, "Coins fall.", f"{numbers['heads']:.0f} heads.")


def figures(rows: Sequence[Row]) -> tuple[Figure, ...]:
    series = Series(
        "heads", tuple(r["chance"] for r in rows), tuple(r["heads"] / r["throws"] for r in rows), band=False
    )
    axis = Axis("chance", 0.0, 1.0)

    def draw(width: float, name: str):
        return line_chart(width=width, name=name, title="Coins", desc="Heads.", x=axis, y=axis, series=[series])

    return (Figure("coins", "Shares of heads & <tails>.", draw),)


TOY = Study(
    name="toy",
    title="Do coins fall?",
    claim="Some coin shows heads; its chance is <= 1 & > 0.",
    source="these tests",
    yardstick="heads counted; none shows it wrong",
    advice="Throw more than one.",
    grid=tuple(Coin(number / 10, 50) for number in range(1, 10)),
    quick=(Coin(0.5, 20),),
    seeds=3,
    run=run,
    score=score,
    verdict=verdict,
    figures=figures,
)
