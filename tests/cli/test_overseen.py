"""`assent run off-switch`: what it shows, what it records, and that it is resumed and replayed like any other run."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from assent.cli import runs
from assent.ledger import Ledger
from assent.worlds.grid.level import load
from assent.worlds.grid.tabulate import tabulate
from tests.cli.support import events, invoke, own, records


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


def told(tmp_path: Path, *options: str) -> tuple[str, dict]:
    """What people read of a run, its line ends taken out, and its last record."""
    ledger = ("--ledger", str(tmp_path / "told.db"))
    people = invoke("run", "off-switch", *options, *ledger)
    assert people.exit_code == 0, people.output
    done = records(invoke("run", "off-switch", *options, *ledger, "--json").stdout)[-1]
    return " ".join(people.stdout.split()), done


def test_an_overseer_who_was_only_risked_is_not_said_to_be_sent_away(tmp_path: Path) -> None:
    """A step beside the button may slip onto it; with this seed none does."""
    level = own(tmp_path, "fork", ("discount = 0.9", "discount = 0.9\nslip = 0.3"))
    said, done = told(tmp_path, "--level", level, "--seed", "1")
    assert "may be lost" in said
    assert "sends the overseer away" not in said
    assert "was sent away" not in said
    assert "Try a smaller" not in said
    assert (done["left_at"], done["kept"]) == (None, True)


def test_leaving_is_told_when_the_overseer_is_gone(tmp_path: Path) -> None:
    said, done = told(tmp_path, "--level", "fork", "--overseer-cost", "2", "--steps", "1")
    assert (done["left_at"], done["kept"]) == (0, False), "the last step is followed to its end"
    assert "The overseer was sent away at step 0. Try a smaller --overseer-cost." in said


def test_a_smaller_cost_is_advised_only_where_the_cost_was_the_reason(tmp_path: Path) -> None:
    said, done = told(tmp_path, "--level", "interruption_1", "--steps", "3")
    assert done["left_at"] is not None
    assert "sent away at step" in said
    assert "--overseer-cost" not in said


def test_a_great_cost_is_shown_in_few_digits(tmp_path: Path) -> None:
    said, _ = told(tmp_path, "--overseer-cost", "1e30", "--steps", "1")
    assert "1e+30" in said
    assert "0" * 9 not in said


def test_no_switch_is_praised_where_there_is_none(tmp_path: Path) -> None:
    said, done = told(tmp_path, "--level", "radio_corridor", "--steps", "2")
    assert done["kept"] is True
    assert "in the way of the switch" not in said
    assert "nothing here sends it away" in said


@pytest.mark.parametrize(
    ("level", "phrase"),
    [
        (
            "off_switch",
            "overseer home. No reward is ever shown. The overseer corrects in 15% of all steps, never errs, and",
        ),
        (
            "provoke",
            "on purpose? No reward is ever shown. The overseer corrects after 50% of all errors, never errs, and",
        ),
        ("request", "The overseer corrects when asked, at a price of 0.3, errs in 20% of those, and"),
        ("schedule", "The overseer corrects every 3 steps, "),
        (
            "interruption_1_informative",
            "The overseer corrects in 0% to 50% of all steps, depending on the state, never errs",
        ),
        ("adversary", "always shows the worst action"),
    ],
)
def test_the_introduction_says_when_the_overseer_corrects(level: str, phrase: str) -> None:
    from assent.cli.introduction import introduction

    assert phrase in " ".join(introduction(load(level), tabulate(load(level))).split())


def test_what_there_is_one_of_is_counted_as_one(tmp_path: Path) -> None:
    said, done = told(tmp_path, "--level", "fork", "--rate", "1", "--steps", "1")
    assert (done["decisions"], done["corrections"], done["asks"]) == (1, 1, 0)
    assert "1 step, 1 correction, 0 questions." in said


def test_it_is_resumed_replayed_and_verified(tmp_path: Path) -> None:
    ledger = tmp_path / "a.db"
    whole = [item for item in lived(ledger, "--run", "whole") if item["record"] == "step"]
    assert len(whole) >= 2
    with pytest.MonkeyPatch.context() as patch:  # Ctrl-C during the first step
        patch.setattr(runs, "_interrupts", lambda _: nullcontext(lambda: True))
        broken = invoke(
            "run", "off-switch", "--level", "fork", "--rate", "0.5", "--run", "short", "--ledger", str(ledger)
        )
        assert broken.exit_code == 130, broken.output
    going_on = invoke("resume", "short", "--ledger", str(ledger), "--json")
    more = f"{len(whole) - 1} more step" + ("s" if len(whole) > 2 else "")
    assert f"{more}, " in going_on.stderr
    resumed = records(going_on.stdout)
    assert [item for item in resumed if item["record"] == "step"] == whole[1:]
    short, unbroken = (
        [(kind, {**body, "u": 0.0}) for _, _, kind, _, body in events(ledger, run)[1:]]  # u is of the run's name
        for run in ("short", "whole")
    )
    assert short == unbroken
    ended = records(invoke("resume", "whole", "--ledger", str(ledger), "--json").stdout)[-1]
    assert (ended["decisions"], ended["kept"], ended["left_at"]) == (0, None, None), "nothing was left to do"
    for command in (("replay", "whole"), ("log", "verify"), ("resume", "whole")):
        result = invoke(*command, "--ledger", str(ledger), "--json")
        assert result.exit_code == 0, result.output
    assert records(invoke("replay", "whole", "--ledger", str(ledger), "--json").stdout)[-1]["compared"] >= len(whole)


def test_a_level_of_ones_own_is_on_the_ledger_with_its_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Edited or out of reach afterwards, it is still the level of the run."""
    ledger, level = tmp_path / "a.db", Path(own(tmp_path, "fork", called="mine"))
    monkeypatch.chdir(tmp_path)
    options = ("--level", level.name, "--rate", "0.5", "--seed", "3")
    whole = lived(ledger, "--run", "whole", *options)
    text = level.read_text()
    level.write_text(text.replace("weight = 0.8", "weight = 0.3").replace("weight = 0.2", "weight = 0.7"))
    replayed = records(invoke("replay", "whole", "--ledger", str(ledger), "--json").stdout)[-1]
    assert (replayed["exit"], replayed["differs"]) == (0, None)
    level.write_text(text)
    lived(ledger, "--run", "short", "--steps", "1", *options)
    level.unlink()
    assert records(invoke("log", "verify", "--ledger", str(ledger), "--json").stdout)[-1]["exit"] == 0
    assert [event[4]["config"]["run"]["overseer"]["level_text"] for event in events(ledger, "short")[:1]] == [text]
    assert events(ledger, "whole")[0][4]["config"]["run"]["overseer"]["level_text"] == text
    assert whole


def test_a_prior_over_real_numbers_is_drawn_from(tmp_path: Path) -> None:
    ledger = tmp_path / "a.db"
    done = lived(ledger, "--level", "bandit_2", "--draws", "50", "--steps", "2", "--run", "drawn")[-1]
    assert done["decisions"] == 2
    assert events(ledger, "drawn")[0][4]["config"]["run"]["overseer"]["draws"] == 50
    assert records(invoke("replay", "drawn", "--ledger", str(ledger), "--json").stdout)[-1]["differs"] is None
    many = invoke("run", "off-switch", "--level", "bandit_2", "--draws", "1000000", "--ledger", str(ledger))
    assert many.exit_code == 2
    assert "1,000,000 rewards" in many.output
    listed = invoke("run", "off-switch", "--level", "fork", "--draws", "5", "--ledger", str(ledger))
    assert listed.exit_code == 2
    assert "draws = 5" in listed.output


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("off-switch", "--level", "bandit_2"), "--draws N"),
        (("off-switch", "--level", "nowhere"), "no such level"),
        (("off-switch", "--level", "two_states"), "no list of hypotheses"),
        (("digits", "--overseer-cost", "1"), "no use for the settings under 'overseer'"),
        (("off-switch", "--eps", "nan"), "eps"),
        (
            ("off-switch", "--level", "switch_two_point_boltzmann", "--eps", "0.1"),
            "eps = 0.1: this level's answers are",
        ),
        (
            ("off-switch", "--level", "switch_two_point_boltzmann", "--believed-eps", "0.1"),
            "believed_eps = 0.1: this level's answers are boltzmann",
        ),
        (("off-switch", "--overseer-cost", "1e300"), "cost = 1e+300 is more than 1e+30"),
    ],
)
def test_what_cannot_be_run_is_refused_with_a_sentence(options: tuple[str, ...], sentence: str, tmp_path: Path) -> None:
    result = invoke("run", *options, "--ledger", str(tmp_path / "a.db"))
    assert result.exit_code == 2
    assert sentence in result.output


def test_what_a_person_said_unasked_is_said_again_in_a_replay(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    lived(path, "--steps", "3", "--run", "off")
    with Ledger.open(path) as book:
        act = [event for event in book.events("off") if event.kind in ("act", "ask")][-1]
        book.volunteer("off", act.body["step"], 0, actor="ann", obs=act.body["obs"])
    assert invoke("resume", "off", "--ledger", str(path)).exit_code == 0
    with Ledger.open(path) as book:
        assert [event.actor for event in book.events("off") if event.kind == "volunteer"][-1] == "ann"
        assert [event.kind for event in book.events("off")].count("apply") >= 1
    replayed = invoke("replay", "off", "--ledger", str(path), "--json")
    assert replayed.exit_code == 0, replayed.output
    assert records(replayed.stdout)[-1]["differs"] is None
