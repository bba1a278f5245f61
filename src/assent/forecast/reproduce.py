"""The printed tables of Davidson, "Semi-informative priors over AI timelines", 2021, computed cell by cell, and what of them agrees."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import Any

from assent.forecast.datasets import read
from assent.forecast.printed_tables import TABLES

UNKNOWN = "It differs, and it is not known why."


@dataclass(frozen=True)
class PrintedCell:
    """A printed number beside the computed one.

    Attributes:
        section, table, row, column: where it was printed.
        printed: as it was printed.
        value: computed, in the printed unit; None where the report does not say enough.
        agrees: whether `value`, rounded to the figures that were printed, is what was printed.
        reason: a sentence for a cell that differs, else nothing.
        unit: `percent` or `fraction`.
        counted: whether it is one of the 256 of the accepted figure.
    """

    section: str
    table: str
    row: str
    column: str
    printed: str
    value: float | None
    agrees: bool
    reason: str
    unit: str
    counted: bool


def cells() -> list[PrintedCell]:
    """Every cell of the report's tables that the data file `davidson2021_tables` holds, in its order.

    >>> first = cells()[7]
    >>> first.section, first.row, first.printed, round(first.value, 4), first.agrees
    ('4.2', '1/50', '12', 12.4031, True)
    """
    content = read("davidson2021_tables").values
    reasons = {
        (said["table"], row, column): said["reason"] for said in content["differs"] for row, column in said["cells"]
    }
    return [_cell(table, row, column, printed, reasons) for table, row, column, printed in _printed(content["tables"])]


def _printed(tables: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], str, str, str]]:
    for table in tables:
        for row, line in zip(table["rows"], table["printed"], strict=True):
            for column, printed in zip(table["columns"], line, strict=True):
                if printed:
                    yield table, row, column, printed


def _cell(
    table: dict[str, Any], row: str, column: str, printed: str, reasons: Mapping[tuple[str, str, str], str]
) -> PrintedCell:
    value, unit = TABLES[table["id"]](row, column), table.get("unit", "percent")
    agrees = value is not None and (
        agree(printed, 100 * value) if unit == "percent" else _agree_inverse(printed, value)
    )
    reason = "" if agrees else reasons.get((table["id"], row, column), UNKNOWN)
    shown = None if value is None else float(value * (100 if unit == "percent" else 1))
    return PrintedCell(
        table["section"], table["title"], row, column, printed, shown, agrees, reason, unit, table["counted"]
    )


def agree(printed: str, value: Fraction | float) -> bool:
    """Whether `value`, rounded to as many significant figures as `printed` has, is `printed`; an exact tie may go either way.

    >>> agree("8.9", 8.93855), agree("0.80", 0.802362), agree("10", 10.5), agree("11", 10.5), agree("7.4", 7.466)
    (True, True, True, True, False)
    """
    figures = len(printed.replace(".", "").lstrip("0"))
    exact = Fraction(value)
    if exact <= 0:
        return False
    first = (Decimal(exact.numerator) / Decimal(exact.denominator)).adjusted()
    unit = Fraction(10) ** (first - figures + 1)
    below = math.floor(exact / unit)
    rest = exact / unit - below
    rounded = {below} if rest < Fraction(1, 2) else {below + 1} if rest > Fraction(1, 2) else {below, below + 1}
    return Fraction(printed) in {whole * unit for whole in rounded}


def _agree_inverse(printed: str, value: Fraction | float) -> bool:
    """For `1/600`: whether the denominator agrees; zeros at its end count as rounded unless it is met exactly."""
    denominator = printed.removeprefix("1/")
    exact = 1 / Fraction(value)
    figures = denominator.rstrip("0")
    return exact == int(denominator) or agree(figures, exact / 10 ** (len(denominator) - len(figures)))


def summary(cells: Sequence[PrintedCell]) -> str:
    """How many of the cells agree, in a sentence; in a second one the further cells, where there are any."""
    counted, further = [cell for cell in cells if cell.counted], [cell for cell in cells if not cell.counted]
    agreeing = sum(cell.agrees for cell in counted)
    differ = len(counted) - agreeing
    sentence = f"{agreeing} of {len(counted)} printed cells agree at two significant figures; {differ} differ, each named with its reason."
    if not further:
        return sentence
    agreeing, unknown = sum(cell.agrees for cell in further), sum(cell.value is None for cell in further)
    differ = len(further) - agreeing - unknown
    return (
        f"{sentence} Of {len(further)} further printed cells {agreeing} agree to the digits printed, {differ} differ, and {unknown} cannot "
        "be computed from what the report says; these are named too."
    )


def markdown(cells: Sequence[PrintedCell]) -> str:
    """The page docs/results/davidson2021.md: introduction, summary, every table with both numbers, and the cells that differ."""
    notes = {
        (table["section"], table["title"]): table.get("note", "")
        for table in read("davidson2021_tables").values["tables"]
    }
    lines = ["# The tables of a report, computed again", "", INTRODUCTION, "", f"**{summary(cells)}**"]
    for section, of_section in groupby(cells, key=lambda cell: cell.section):
        lines += ["", f"## {section}"]
        for title, of_table in groupby(of_section, key=lambda cell: cell.table):
            lines += ["", *_table(title, list(of_table), notes[section, title])]
    return "\n".join([*lines, "", "## The cells that differ", "", *_differing(cells)]) + "\n"


def _table(title: str, cells: Sequence[PrintedCell], note: str) -> list[str]:
    columns, rows = list(dict.fromkeys(cell.column for cell in cells)), list(dict.fromkeys(cell.row for cell in cells))
    found = {(cell.row, cell.column): cell for cell in cells}
    heading = f"{_escaped(title)}{'' if cells[0].counted else ' (not among the 256)'}"
    lines = [f"**{heading}**", "", f"|  | {' | '.join(map(_escaped, columns))} |", "|---|" + "--:|" * len(columns)]
    for row in rows:
        both = [_both(found[row, column]) if (row, column) in found else "" for column in columns]
        lines.append(f"| {_escaped(row)} | {' | '.join(both)} |")
    return [*lines, "", _escaped(note)] if note else lines


def _both(cell: PrintedCell) -> str:
    text = f"{cell.printed} · {_computed(cell)}"
    return text if cell.agrees else f"**{text}**"


def _computed(cell: PrintedCell) -> str:
    if cell.value is None:
        return "–"
    return f"{cell.value:.4g}" if cell.unit == "percent" else f"1/{1 / cell.value:.4g}"


def _differing(cells: Sequence[PrintedCell]) -> list[str]:
    """Those of the 256 first; cells of a table that differ for the same reason together."""
    lines: list[str] = []
    apart = sorted((cell for cell in cells if not cell.agrees), key=lambda cell: not cell.counted)
    for (counted, section, title, reason), alike in groupby(
        apart, key=lambda cell: (cell.counted, cell.section, cell.table, cell.reason)
    ):
        numbers = [
            f"row {one.row}, column {one.column}: printed {one.printed}, computed {_computed(one)}" for one in alike
        ]
        mark = "" if counted else " (not among the 256)"
        lines.append(f"- {_escaped(f'{section}, {title}{mark}; ' + '; '.join(numbers))}. {_escaped(reason)}")
    return lines


def _escaped(text: str) -> str:
    return text.replace("$", "\\$").replace("|", "\\|")


INTRODUCTION = """\
Tom Davidson's *Semi-informative priors over AI timelines* (Open Philanthropy, 25 March 2021) prints its results in some two dozen tables. \
`assent forecast reproduce davidson2021` computes them again from closed forms, without a loop over trials, and compares number by number. \
In each cell below the printed number comes first and the computed one second, in percent where nothing else is said: the chance of the \
event by 2036, given none by 2020, with trying begun in 1956. What differs is bold, and named at the end with the reason, as far as it is \
known. No input was chosen to make a number agree. The 256 cells of the headline are those of tables in 4.2 to 8 and 10.4.4 to 10.9, \
nearly all printed to two figures; other printed cells are compared as well, and marked. How the \
256 were chosen, and what was not entered, is said at the top of `davidson2021_tables.toml`."""
