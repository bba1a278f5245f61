"""`assent run off-switch`: what it shows, what it records, and that it is resumed and replayed like any other run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.support import invoke, records


def lived(ledger: Path, *options: str) -> list[dict]:
    result = invoke(
        "run", "off-switch", "--level", "fork", "--rate", "0.5", "--ledger", str(ledger), "--json", *options
    )
    assert result.exit_code == 0, result.output
    return records(result.stdout)


def test_each_step_tells_the_belief_the_correction_and_the_three_terms(tmp_path: Path) -> None:
    steps = [item for item in lived(tmp_path / "a.db", "--seed", "3") if item["record"] == "step"]
    assert steps
    for step in steps:
        assert sum(step["belief"].values()) == pytest.approx(1.0)
        terms = step["verdict"]
        if terms["path_gain"] is not None:
            total = terms["path_gain"] + terms["saved_cost"] - terms["information_lost"]
            assert total == pytest.approx(terms["leave"] - terms["keep"], abs=1e-9)
    assert any(step["correction"] for step in steps)


def test_the_cost_of_oversight_decides(tmp_path: Path) -> None:
    phases = {}
    for cost in ("0", "2"):
        first = next(
            item for item in lived(tmp_path / f"{cost}.db", "--overseer-cost", cost) if item["record"] == "step"
        )
        phases[cost] = first["verdict"]["phase"]
    assert phases["0"] == "keeps"
    assert phases["2"] == "disables"


def test_it_is_shown_to_people_with_its_reasons(tmp_path: Path) -> None:
    result = invoke("run", "off-switch", "--overseer-cost", "1.2", "--steps", "2", "--ledger", str(tmp_path / "a.db"))
    assert result.exit_code == 0, result.output
    for words in ("@S", "the overseer", "corrections lost", "sends the overseer away", "sent away at step 0"):
        assert words in result.output, words


def test_it_is_resumed_replayed_and_verified(tmp_path: Path) -> None:
    ledger = tmp_path / "a.db"
    whole = [item for item in lived(ledger, "--run", "whole") if item["record"] == "step"]
    lived(ledger, "--run", "short", "--steps", "1")
    ended = records(invoke("resume", "whole", "--ledger", str(ledger), "--json").stdout)[-1]
    assert (ended["decisions"], ended["kept"], ended["left_at"]) == (0, None, None), "nothing was left to do"
    for command in (("replay", "whole"), ("log", "verify"), ("resume", "whole")):
        result = invoke(*command, "--ledger", str(ledger), "--json")
        assert result.exit_code == 0, result.output
    assert records(invoke("replay", "whole", "--ledger", str(ledger), "--json").stdout)[-1]["compared"] >= len(whole)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("off-switch", "--level", "nowhere"), "no such level"),
        (("off-switch", "--level", "two_states"), "no list of hypotheses"),
        (("digits", "--overseer-cost", "1"), "no use for the settings under 'overseer'"),
        (("off-switch", "--eps", "nan"), "eps"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_sentence(options: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    result = invoke("run", *options, "--ledger", str(tmp_path / "a.db"))
    assert result.exit_code == 2
    assert sentence in result.output
