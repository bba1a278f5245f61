"""The report's printed tables: what agrees, exactly which cells do not, and that the comparison could fail."""

from __future__ import annotations

import math
import tomllib
from collections import Counter
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.forecast.datasets import read
from assent.forecast.kinds import calendar, evolution, lifetime
from assent.forecast.reproduce import TABLES, UNKNOWN, PrintedCell, agree, cells, markdown, summary

PAGE = Path(__file__).resolve().parents[2] / "docs" / "results" / "davidson2021.md"
CELLS = cells()

# section, row, column: printed, computed
NAMED = {
    ("6.2.3", "$100 billion", "log-uniform"): ("29", 28.2511),
    ("10.4.4", "1/50", "3 %"): ("7.4", 7.46926),
    ("10.4.4", "1/1000", "3 %"): ("0.55", 0.560017),
    ("10.8", "evolutionary anchor", "updated"): ("14", 13.2674),
    ("10.8", "evolutionary anchor", "weight in 2020"): ("55", 51.6825),
    ("10.9", "lifetime anchor", "weight in 2020"): ("38", 33.1367),
}
FURTHER = {
    ("6.2.2.2", "equal weight", "relative importance"): ("11", 9.74741),
    ("6.2.3", "equal weight", "relative importance"): ("11", 9.74741),
    ("6.2.3", "equal weight", "evolutionary anchor"): ("18", 17.2082),
    ("6.3.1", "compute, high", "0.5"): ("22", 20.6754),
    ("7.1.3.2", "1/300", "2"): ("5.4", 5.34971),
    ("7.1.3.2", "1/300", "100"): ("6.9", 6.99359),
    ("7.1.3.2", "1/1000", "2"): ("2.1", 1.99858),
    ("7.1.3.2", "1/1000", "100"): ("2.9", 2.68479),
    ("7.1.3.2", "1/3000", "2"): ("0.8", 0.722080),
    ("7.1.3.2", "1/3000", "100"): ("0.7", 0.905127),
    ("8.1", "compute", "high"): ("22", None),
    ("8.2", "0.5 virtual successes", "by 2036"): ("6.6", 6.39696),
    ("8.2", "calendar and researcher-years since 2000", "by 2036"): ("7.4", 8.12157),
    ("8.3", "by 2036", "none by 2020"): ("8.0", 7.53271),
    ("10.3", "150000", "1"): ("0.02", 0.198937),
    ("10.3", "300000", "1"): ("0.01", 0.0995674),
    ("10.3", "600000", "1"): ("0.005", 0.0498085),
    ("10.3", "1200000", "1"): ("0.002", 0.0249105),
    ("10.6.1", "10 conjuncts", "first-trial probability"): ("1/17", 0.0630126),
    ("10.6.2", "4", "2120"): ("14", 13.4916),
}


def differing(counted: bool) -> dict[tuple[str, str, str], PrintedCell]:
    return {(one.section, one.row, one.column): one for one in CELLS if not one.agrees and one.counted == counted}


def test_at_least_250_of_256_agree() -> None:
    counted = [cell for cell in CELLS if cell.counted]
    assert len(counted) == 256
    assert sum(cell.agrees for cell in counted) >= 250
    assert (
        summary(counted)
        == "250 of 256 printed cells agree at two significant figures; 6 differ, each named with its reason."
    )
    assert summary(CELLS).startswith(summary(counted))
    assert "Of 123 further printed cells 103 agree to the digits printed, 19 differ, and 1 cannot" in summary(CELLS)


@pytest.mark.parametrize(("counted", "named"), [(True, NAMED), (False, FURTHER)])
def test_exactly_the_named_cells_differ(
    counted: bool, named: dict[tuple[str, str, str], tuple[str, float | None]]
) -> None:
    found = differing(counted)
    assert found.keys() == named.keys()
    for place, (printed, value) in named.items():
        assert found[place].printed == printed
        assert found[place].value == (None if value is None else pytest.approx(value, rel=5e-6))
        assert len(found[place].reason) > len(UNKNOWN)


def test_the_selection_of_256_is_the_one_that_the_data_file_describes() -> None:
    counts = Counter(".".join(cell.section.split(".")[:2]) for cell in CELLS if cell.counted)
    assert counts == dict(
        zip(
            ("4.2", "5.2", "5.3", "6.1", "6.2", "6.3", "7.2", "7.3", "8.2", "8.3", "10.4", "10.8", "10.9"),
            (8, 35, 36, 20, 39, 18, 17, 14, 6, 1, 20, 24, 18),
            strict=True,
        )
    )


def test_no_reason_is_left_over_and_every_table_has_a_computation() -> None:
    content = read("davidson2021_tables").values
    names = {table["id"]: (table["section"], table["title"]) for table in content["tables"]}
    assert len(names) == len(content["tables"]) == len(set(names.values()))
    assert names.keys() == TABLES.keys()
    said = {(*names[one["table"]], *where) for one in content["differs"] for where in one["cells"]}
    assert said == {(cell.section, cell.table, cell.row, cell.column) for cell in CELLS if not cell.agrees}
    assert all(not cell.reason for cell in CELLS if cell.agrees)


def test_values_against_fractions_worked_by_hand() -> None:
    """Independent of the engine: one virtual success in calendar years, and decades of compute."""
    found = {(cell.section, cell.row, cell.column): cell.value for cell in CELLS}
    for n in (50, 100, 200, 300, 500, 1000, 2000, 3000):
        assert found["4.2", f"1/{n}", "by 2036"] == pytest.approx(1600 / (n - 1 + 64 + 16), rel=1e-12)
        # the wrong variant, not conditioning on none by 2020, is far from every printed cell
        assert not agree(next(cell.printed for cell in CELLS if cell.row == f"1/{n}"), Fraction(8000, n - 1 + 80))
    assert found["6.2.2.2", "$100 million", "lifetime anchor"] == pytest.approx(330 / (17 + 16.7 + 3.3), rel=1e-12)
    assert found["6.2.2.2", "$100 billion", "evolutionary anchor"] == pytest.approx(630 / (20 + 2.7 + 6.3), rel=1e-12)
    assert found["6.2.3", "$100 billion", "log-uniform"] == pytest.approx(25.2 / (1 - 0.04 * 2.7), rel=1e-12)
    survived = 17 / (17 + 16.7)
    assert found["10.9", "lifetime anchor", "weight in 2020"] == pytest.approx(20 / (0.2 + 0.8 * survived), rel=1e-12)


def test_the_two_conventions_of_the_evolutionary_row() -> None:
    rows = [cell for cell in CELLS if cell.section == "10.8" and cell.row == "evolutionary anchor"]
    assert [cell.agrees for cell in rows] == [True, True, True, True, False, False]
    years = 299 / 363  # none by 2020
    trial = 20 / 22.7
    for survived, (static, updated, weight) in ((1.0, rows[:3]), (trial, rows[3:])):
        share = survived / (survived + years)
        assert weight.value == pytest.approx(100 * share, rel=1e-12)
        assert updated.value == pytest.approx(100 * (share * 6.3 / 29 + (1 - share) * 16 / 379), rel=1e-12)
        assert static.value == pytest.approx(50 * (6.3 / 29 + 16 / 379), rel=1e-12)


@given(
    st.integers(1, 3),
    st.integers(0, 899),
    st.integers(0, 4),
    st.fractions(Fraction(-1, 2), Fraction(1, 2)),
    st.booleans(),
)
def test_agreement_is_rounding_to_the_figures_that_were_printed(
    figures: int, digits: int, places: int, off: Fraction, away: bool
) -> None:
    """What lies within half a unit of the last printed digit agrees, and nothing else does; the wrong variant cuts the rest off."""
    least = 10 ** (figures - 1)
    whole = least + digits % (9 * least)
    printed = f"{Decimal(whole).scaleb(-places):f}"
    assert Fraction(printed) == Fraction(whole, 10**places)
    inside = (whole + off) / 10**places
    if whole == least and off < 0:  # below 10, 1.0 …: one more digit is shown there
        inside = (whole + off / 10) / Fraction(10**places)
    assert agree(printed, inside)
    outside = Fraction(1, 2) + Fraction(1, 10**6) + abs(off)
    assert not agree(printed, (whole + (outside if away else -outside)) / 10**places)
    if off < 0:
        cut = math.floor(inside * 10**places)
        assert cut == whole - 1  # cut off, it would not be what was printed


def test_agreement_at_ties_and_ends() -> None:
    assert agree("0.12", Fraction(125, 1000))  # to even
    assert agree("0.13", Fraction(125, 1000))  # half up
    assert not agree("0.12", Fraction(1251, 10000))
    assert not agree("8.9", 8.96)  # cut off it would be 8.9
    assert agree("10", 9.96)
    assert not agree("10", 10.6)
    assert not agree("9.9", 9.96)
    assert not agree("0.5", 0.0)


def test_the_page_is_the_one_that_the_cells_make() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == markdown(CELLS), (
        "docs/results/davidson2021.md is stale: write markdown(cells()) of assent.forecast.reproduce there"
    )
    assert page.count("**") % 2 == 0
    assert summary(CELLS) in page
    assert "`assent forecast reproduce davidson2021`" in page
    for cell in CELLS:
        if not cell.agrees:
            assert f"| {cell.row} |".replace("$", "\\$") in page
            assert f"row {cell.row}, column {cell.column}: printed {cell.printed}".replace("$", "\\$") in page


def test_the_data_file_stands_by_itself() -> None:
    """Percent are numbers, fractions are 1/n, and nothing but texts is printed."""
    content = tomllib.loads(
        (Path(__file__).resolve().parents[2] / "src/assent/forecast/data/davidson2021_tables.toml").read_text("utf-8")
    )
    assert content["version"]
    for table in content["tables"]:
        for printed in (cell for line in table["printed"] for cell in line if cell):
            number = Fraction(printed)
            assert number > 0
            assert printed.startswith("1/") == (table.get("unit") == "fraction")


def test_the_report_s_slips_do_not_come_from_the_rules_alone() -> None:
    """The single rules behind two of the cells that differ agree with what was printed for them."""
    assert agree("22", 100 * evolution(spend="1e11").predict(2036, none_by=2020).probability)
    assert agree("16", 100 * lifetime(spend="1e11").predict(2036, none_by=2020).probability)
    assert agree("4.2", 100 * calendar(ftp="1/300").predict(2036, none_by=2020).probability)


def test_whole_steps_cut_down_explain_the_two_cells_of_the_slowest_growth() -> None:
    """The reason given for them: with whole 1 % steps, as the report's calculations count, both print as the report does."""

    def steps(since: int, until: int, growth: float) -> int:
        total = [(1 + growth) ** (year - 1955) - growth for year in (since, until)]
        return math.floor(math.log(total[1] / total[0]) / math.log(1.01))

    for ftp, printed in ((1 / 50, "7.4"), (1 / 1000, "0.55")):
        answer = 16 / (1 / ftp - 1 + 80)
        before, more = steps(1956, 2020, 0.086), steps(2020, 2036, 0.086)
        beta = more * (1 - answer) / answer - before
        slow_before, slow_more = steps(1956, 2020, 0.03), steps(2020, 2036, 0.03)
        assert f"{100 * slow_more / (beta + slow_before + slow_more):.2g}" == printed
