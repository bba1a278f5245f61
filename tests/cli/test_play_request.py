"""`assent play` where corrections can be asked for: the overseer is asked by hand, at her price."""

from __future__ import annotations

from typer.testing import CliRunner

from assent.cli.app import app
from tests.cli.support import records


def test_a_correction_is_asked_for_and_paid() -> None:
    asked = CliRunner().invoke(app, ["play", "request", "--json"], input="ask\nask\ndoor 2\nq\n")
    assert asked.exit_code == 0, asked.output
    lines = records(asked.stdout)
    silent = records(CliRunner().invoke(app, ["play", "request", "--json"], input="door 2\nq\n").stdout)
    assert [line["step"] for line in lines if line["record"] == "step"] == [0, 0, 1], (
        "asked once a step, which takes no step"
    )
    assert lines[2]["correction"] is not None
    assert (lines[-1]["corrections"], silent[-1]["corrections"]) == (1, 0)
    assert abs(silent[-1]["gained"] - lines[-1]["gained"] - 0.3) < 1e-5
