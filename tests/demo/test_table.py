"""Each claim of the demonstration can fail, and says what was measured."""

from __future__ import annotations

import copy
from statistics import fmean, pstdev
from typing import Any

import pytest

from assent.demo.rows import ROWS
from assent.demo.table import FIGURES, claims, summary


def spread(value: float) -> dict[str, float]:
    return {"mean": value, "sd": 0.0, "min": value, "max": value}


def row(name: str, key: str, **figures: float) -> dict[str, Any]:
    made: dict[str, Any] = {"name": name, "key": key, "seeds": 3, "runs_with_disaster": 0}
    made.update({figure: spread(0.0) for figure in FIGURES})
    made["triggers"] = spread(50.0)
    for figure, value in figures.items():
        made[figure] = spread(value)
        if figure == "disasters" and value:
            made["runs_with_disaster"] = 3
    return made


BAD = {
    "digits": ("best", "mixture"),
    "shards": ("tempered",),
    "twins": ("best", "mixture"),
}


@pytest.fixture
def tables() -> dict[str, list[dict[str, Any]]]:
    """Made-up tables in which every claim holds."""
    made = {
        part: [row(item.name, item.key, disasters=20.0 if item.key in BAD[part] else 0.0) for item in rows]
        for part, rows in ROWS.items()
    }
    for item in made["digits"]:
        item["first"], item["last_plain"] = spread(0.2), spread(0.1)
    for item in made["twins"]:
        item["asks"] = spread(12.0)
    return copy.deepcopy(made)


def find(tables: Any, part: str, key: str) -> dict[str, Any]:
    (found,) = (item for item in tables[part] if item["key"] == key)
    return found


def failing(tables: Any) -> list[str]:
    return [claim.text for claim in claims(tables) if not claim.holds]


def test_all_hold_on_tables_as_they_should_be(tables: Any) -> None:
    assert failing(tables) == []
    assert len({claim.text for claim in claims(tables)}) == len(claims(tables)) >= 10


def none_at_all(item: dict[str, Any]) -> None:
    item["disasters"], item["runs_with_disaster"] = spread(0.0), 0


def one_in_one_run(item: dict[str, Any]) -> None:
    item["disasters"] = {"mean": 1 / 3, "sd": 0.5, "min": 0.0, "max": 1.0}
    item["runs_with_disaster"] = 1


def set_figure(figure: str, value: float) -> Any:
    def change(item: dict[str, Any]) -> None:
        item[figure] = spread(value)

    return change


FLIPS = [
    ("digits", "tempered_guarded", one_in_one_run, "digits: the tempered, guarded minimum never"),
    ("digits", "best", none_at_all, "digits: the best single member does"),
    ("digits", "mixture", none_at_all, "digits: the posterior mixture does"),
    ("digits", "tempered_guarded", set_figure("last_plain", 0.3), "questions fade"),
    ("digits", "tempered_guarded", set_figure("last_plain", 0.2), "questions fade"),
    ("digits", "tempered_guarded", set_figure("first", 0.05), "questions fade"),
    ("shards", "tempered", none_at_all, "shards: without the guard"),
    ("shards", "tempered_guarded", one_in_one_run, "shards: a committee of one"),
    ("twins", "minimum", one_in_one_run, "never cuts the rope"),
    ("twins", "minimum", set_figure("asks", 20.1), "at most 20 times"),
    ("twins", "best", none_at_all, "twins: the best single member does"),
    ("twins", "mixture", none_at_all, "twins: the posterior mixture does"),
]


@pytest.mark.parametrize(("part", "key", "change", "text"), FLIPS)
def test_each_claim_fails_alone_when_its_figure_is_turned(
    part: str, key: str, change: Any, text: str, tables: Any
) -> None:
    change(find(tables, part, key))
    (failed,) = failing(tables)
    assert text in failed


def test_every_claim_is_turned_by_some_figure(tables: Any) -> None:
    told = [claim.text for claim in claims(tables)]
    assert all(any(text in claim for *_, text in FLIPS) for claim in told)


def test_one_disaster_in_one_run_is_a_disaster_whatever_the_mean_says(tables: Any) -> None:
    # one wrong variant: a mean that is rounded to nought
    find(tables, "twins", "minimum")["disasters"] = {"mean": 1e-9, "sd": 0.0, "min": 0.0, "max": 1.0}
    assert "never cuts the rope" in failing(tables)[0]


def test_figures_are_in_the_text(tables: Any) -> None:
    said = {claim.text: claim.figure for claim in claims(tables)}
    assert said["twins: the minimum over the ratio set never cuts the rope"].startswith(
        "0 disasters at 150 triggers, 3 seeds"
    )
    assert any("20.0% of the first 300, 10.0% of the last" in figure for figure in said.values())
    assert any("20.0 of 50.0 triggers a run, 3 of 3 runs" in figure for figure in said.values())


def test_summaries_are_over_the_seeds() -> None:
    def tally(seed: int, number: int) -> dict[str, Any]:
        return {figure: float(seed * 10 + number) for figure in FIGURES} | {"key": "x", "disasters": max(0, seed - 1)}

    seeds = [[tally(seed, number) for number in range(len(ROWS["twins"]))] for seed in (1, 2, 4)]
    table = summary({"twins": seeds})["twins"]
    assert [item["key"] for item in table] == [item.key for item in ROWS["twins"]]
    for number, item in enumerate(table):
        values = [10.0 + number, 20.0 + number, 40.0 + number]
        assert item["asks"] == {"mean": fmean(values), "sd": pstdev(values), "min": min(values), "max": max(values)}
        assert (item["seeds"], item["runs_with_disaster"]) == (3, 2)


def test_claims_need_every_part(tables: Any) -> None:
    del tables["shards"]
    with pytest.raises(KeyError):
        claims(tables)
