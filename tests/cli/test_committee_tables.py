"""What `assent committee` prints of curves and comparisons: whole numbers in 80 columns, and no more than was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Console
from rich.table import Table

from assent.cli.committee_tables import comparison, curve_table, sentences
from assent.cli.output import Output
from assent.committees.costs import Cost
from assent.committees.curve import CurvePoint, Curves

POINT = CurvePoint(
    way="deep",
    members=1024,
    trainings=1024.0,
    cpu_trainings=1024.0,
    infer=1024.0,
    num_bytes=10**8,
    member_accuracy=0.968,
    accuracy=0.976,
    log_loss=0.0858,
    correlation=0.639,
    within=float("nan"),
    between=0.639,
    participation=2.41,
    joint=0.508,
    joint_error=0.022,
    n_eff_var=1.56,
    n_eff_cap=1.804,
    low=1.52,
    high=2.05,
    bounded=False,
    open=False,
    n_eff_joint=1024.0,
    n_eff_joint_bounded="no",
    wrong_minimum=0.001,
    wrong_threshold=0.0,
    comparable=True,
)
CHEAP = replace(POINT, way="composed-dense", trainings=4.0, infer=2194.4)


def printed(table: Table) -> str:
    console = Console(width=80, force_terminal=False)
    with console.capture() as caught:
        console.print(table)
    return caught.get()


def said(*points: CurvePoint) -> str:
    cost = Cost(train_flops=1.0)
    return " ".join(sentences(Curves(points, cost, 0.968, None, ()), 797))


def test_no_number_of_a_curve_is_cut() -> None:
    text = printed(
        curve_table([POINT, replace(CHEAP, comparable=False), replace(CHEAP, way="tangent-trained", bounded=True)])
    )
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    for number in ("1,024", "2,194", "96.8%", "0.508", "1.80 (1.52 to 2.05)", "at least 1.80", "composed-dense *"):
        assert number in text


def test_a_band_without_an_upper_end_names_none() -> None:
    text = printed(curve_table([replace(POINT, high=7.12, open=True)]))
    assert "1.80 (1.52 or more)" in text
    assert "7.12" not in text
    assert "1.80 (1.52 or more)" in said(replace(POINT, high=7.12, open=True), CHEAP)


def test_no_number_of_a_comparison_is_cut() -> None:
    row = {
        "name": "a-committee-with-a-long-name.safetensors",
        "members": 1024,
        "trainings": 1024.0,
        "member_accuracy": 1.0,
        "accuracy": 1.0,
        "log_loss": 0.1234,
        "joint": 10.5678,
        "correlation": 0.5,
        "n_eff_cap": 12.34,
        "bounded": True,
        "wrong_minimum": 0.1234,
        "wrong_threshold": None,
    }
    text = printed(comparison([row]))
    assert "…" not in text
    assert max(map(len, text.splitlines())) <= 80
    for number in ("1,024", "100.0%", "0.123", "10.568", "0.50", ">=12.34", "12.34%"):
        assert number in text
    assert "".join(line.split(" ")[0] for line in text.splitlines()[1:]) == row["name"]


def test_a_bound_below_what_it_is_compared_with_is_no_reason_to_call_it_worth_as_much() -> None:
    assert "come out at 1.80 (1.52 to 2.05) independent members, no less than 1,024 trained" in said(POINT, CHEAP)
    assert "no less than" not in said(POINT, replace(CHEAP, n_eff_cap=1.7, bounded=True))
    assert "at least 1.90 independent members, no less" in said(POINT, replace(CHEAP, n_eff_cap=1.9, bounded=True))
    assert "no less than" not in said(POINT, replace(CHEAP, n_eff_cap=1.7))
    assert "no less than" not in said(POINT, replace(CHEAP, comparable=False))


def test_a_narrow_terminal_breaks_lines_and_cuts_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    output = Output("committee curve", as_json=False)
    output.people.width = 60
    output.table(curve_table([POINT]), least=80)
    assert output.people.width == 60
    assert "1.80 (1.52 to 2.05)" in capsys.readouterr().out


@pytest.mark.parametrize("number", [0.17, 9.999, 99.994, 1024.0])
def test_a_cost_takes_few_digits(number: float) -> None:
    row = printed(curve_table([replace(POINT, trainings=number)])).splitlines()[-1].split()
    assert float(row[2].replace(",", "")) == pytest.approx(number, rel=0.05)
    assert len(row[2]) <= 5
