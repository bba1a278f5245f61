"""Flags over environment over the file over defaults; what is not known is an error that names the nearest."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from assent.cli.config import AgentConfig, RunConfig, agent_of, load
from assent.core import (
    AlphaSet,
    Confidence,
    Minimum,
    MinLeaders,
    Mixture,
    OneAnswer,
    RatioSet,
    Readable,
    Rotation,
    SureAbove,
    Veto,
)
from assent.hypotheses.tables import Tables
from assent.hypotheses.wrap import wrap
from assent.ledger import Ledger
from tests.cli.support import ask_json, events, invoke
from tests.session_support import policies


def toml(text: str, name: str = "run.toml") -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


WHOLE = """
schema_version = 1
preset = "twins"
seed = 3
run = "mine"
ledger = "mine.db"
steps = 20
group = 7
checkpoint_every = 2

[agent]
rule = "veto"
delta = 0.1
cap = 50
temper = 0.5
min_leaders = 3
one_answer = 0.4
sure_above = 0.3
veto_floor = 0.02
threshold = 0.8
"""


def test_a_file_is_read_whole_and_recorded(tmp_path: Path) -> None:
    done = ask_json("run", toml(WHOLE))
    assert (done["run"], done["exit"], done["decisions"]) == ("mine", 0, 20)
    (opened, *_) = events(tmp_path / "mine.db", "mine")
    recorded = opened[4]["config"]["run"]
    config = load("run.toml", {})
    assert RunConfig(**recorded) == config.model_copy(update={"ledger": Path("assent.db")})
    assert set(recorded) == set(RunConfig.model_fields) - {"ledger"}
    assert opened[4]["config"]["session"]["checkpoint_every"] == 2
    assert opened[4]["agent"]["rule"] == "Veto"
    assert ask_json("replay", "mine", "--ledger", "mine.db")["exit"] == 0


def test_flags_stand_above_the_environment_above_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    name = toml(WHOLE)
    assert load(name, {}).seed == 3
    monkeypatch.setenv("ASSENT_SEED", "4")
    monkeypatch.setenv("ASSENT_LEDGER", "other.db")
    monkeypatch.setenv("ASSENT_CHECKPOINT_EVERY", "5")
    monkeypatch.setenv("ASSENT_AGENT__DELTA", "0.2")
    # one wrong variant: a table of the file that hides the environment's values, or the other way round
    config = load(name, {"seed": 5, "steps": None})
    assert (config.seed, config.steps, config.ledger) == (5, 20, Path("other.db"))
    assert config.checkpoint_every == 5
    assert (config.agent.delta, config.agent.rule, config.agent.cap) == (0.2, "veto", 50)
    assert load("twins", {}).seed == 4
    assert load("twins", {}).agent == AgentConfig(delta=0.2)


def test_a_recorded_configuration_is_not_changed_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    # one wrong variant: a configuration that reads the environment whenever it is made
    assert ask_json("run", "twins", "--steps", "20")["exit"] == 0
    for key, value in {"RULE": "mixture", "TEMPER": "0.5"}.items():
        monkeypatch.setenv(f"ASSENT_AGENT__{key}", value)
    monkeypatch.setenv("ASSENT_STEPS", "5")
    monkeypatch.setenv("ASSENT_CHECKPOINT_EVERY", "1")
    monkeypatch.setenv("ASSENT_SEED", "no number")
    assert ask_json("replay", "twins-0")["exit"] == 0
    verified = ask_json("log", "verify")
    assert (verified["exit"], verified["notes"]) == (0, [])
    assert ask_json("resume", "twins-0")["decisions"] == 0


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('preset = "twins"\nsede = 1', ["unknown key sede", "did you mean 'seed'?"]),
        ('preset = "twins"\nstepps = 1', ["unknown key stepps", "did you mean 'steps'?"]),
        ('preset = "twins"\n[agent]\nruel = "veto"', ["unknown key agent.ruel", "did you mean 'rule'?"]),
        ('preset = "twins"\n[agent]\ntemperature = 1', ["unknown key agent.temperature", "did you mean 'temper'?"]),
        ('preset = "twins"\nzzzzzz = 1', ["unknown key zzzzzz."]),
        ('preset = "digit"', ["no preset 'digit'", "did you mean 'digits'?"]),
        ("seed = 1", ["the key preset is missing"]),
        ('preset = "twins"\nseed = -1', ["seed = -1", "greater than or equal to 0"]),
        ('preset = "twins"\nsteps = 0', ["steps = 0"]),
        ('preset = "twins"\nsteps = "many"', ["steps = 'many'"]),
        ('preset = "twins"\nagent = 3', ["agent = 3"]),
        ('preset = "twins"\nschema_version = 2', ["schema_version = 2"]),
        ('preset = "twins"\n[agent]\nrule = "maximum"', ["agent.rule = 'maximum'", "'minimum'"]),
        ('preset = "twins"\n[agent]\ndelta = 5.0', ["delta = 5.0 is not a risk"]),
        ('preset = "twins"\n[agent]\ntemper = 0', ["temper = 0", "(0, 1]"]),
        ('preset = "twins"\n[agent]\ndelta = 0.1\nalpha = 0.1', ["give one of them"]),
        ('preset = "twins"\n[agent]\nmin_leaders = 0', ["agent.min_leaders = 0: count = 0"]),
        ('preset = "twins"\n[agent]\ndelta = true', ["agent.delta = True", "a truth value is no number"]),
        ('preset = "twins"\nseed = true', ["seed = True", "a truth value is no number"]),
        ('preset = "twins"\nsteps = true', ["steps = True", "a truth value is no number"]),
        ('preset = "twins"\nschema_version = true', ["schema_version = True", "a truth value is no number"]),
        ('preset = "off-switch"\n[overseer]\nrate = true', ["overseer.rate = True", "a truth value is no number"]),
        ('preset = "twins"\ngroup = 9007199254740992', ["group = 9007199254740992"]),
        ('preset = "twins"\n[agent]\nmin_leaders = 9007199254740992', ["agent.min_leaders = 9007199254740992"]),
        ('preset = "twins"\n[agent]\ncap = 0', ["agent.cap = 0: cap = 0"]),
        ('preset = "twins"\n[agent]\naudit = nan\naudit_first = 1.0', ["agent.audit = nan:"]),
        ('preset = "cliff"\n[agent]\nstake = 0.1\nstakes = nan', ["agent.stakes = nan:"]),
        ('preset = "twins"\n[agent]\nveto_floor = nan', ["agent.veto_floor = nan"]),
        ('preset = "twins"\nrun = "a\\nb"', ["printable"]),
        ("preset = ", ["run.toml is not TOML"]),
        ('preset = "twins"\npreset = "digits"', ["run.toml is not TOML"]),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_a_sentence(text: str, words: list[str], tmp_path: Path) -> None:
    done = ask_json("run", toml(text))
    assert done["exit"] == 2
    for word in words:
        assert word in done["error"]
    if "printable" not in words:
        assert not (tmp_path / "assent.db").exists(), "nothing is made before the configuration is good"


def test_a_file_of_bytes_and_no_file_are_refused() -> None:
    Path("bytes.toml").write_bytes(b"\xff\xfe\x00")
    assert "bytes.toml is not TOML" in ask_json("run", "bytes.toml")["error"]
    assert "there is no file none.toml" in ask_json("run", "none.toml")["error"]
    Path("folder.toml").mkdir()
    assert ask_json("run", "folder.toml")["exit"] == 2
    done = ask_json("run", "twin")
    assert "did you mean 'twins'?" in done["error"]
    assert "digits, twins" in done["error"]


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [
        ("ASSENT_SEED", "abc", "seed = 'abc'"),
        ("ASSENT_SEED", "-4", "seed = -4"),
        ("ASSENT_STEPS", "0", "steps = 0"),
        ("ASSENT_AGENT__RUEL", "veto", "did you mean 'ASSENT_AGENT__RULE'?"),
        ("ASSENT_SEDE", "3", "did you mean 'ASSENT_SEED'?"),
        ("ASSENT_AGENT__RULE", "maximum", "agent.rule"),
        ("ASSENT_AGENT", "no json", "ASSENT_AGENT"),
    ],
)
def test_a_variable_that_is_wrong_is_refused(name: str, value: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, value)
    done = ask_json("run", "twins")
    assert done["exit"] == 2
    assert word in done["error"]


def test_variables_drive_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {
        "STEPS": "12",
        "LEDGER": "env.db",
        "RUN": "from env",
        "GROUP": "3",
        "AGENT__RULE": "rotation",
    }.items():
        monkeypatch.setenv(f"ASSENT_{name}", value)
    done = ask_json("run", "twins")
    assert (done["run"], done["decisions"], done["ledger"]) == ("from env", 12, "env.db")
    with Ledger.open(tmp_path / "env.db", read_only=True) as book:
        assert next(book.events("from env")).body["agent"]["rule"] == "Rotation"
    assert invoke("run", "twins", "--run", "flag").exit_code == 0


EXACT = Tables.of(policies(0))
WORST = np.ones(policies(0).shape[1:])
LEARNED = wrap([lambda obs: [0.5, 0.5]] * 3, num_actions=2)


@pytest.mark.parametrize(
    ("settings", "members", "one_label", "expected"),
    [
        ({}, EXACT, False, (Minimum(), RatioSet(0.05), (Readable(), MinLeaders(1)), 1.0)),
        ({}, LEARNED, True, (Minimum(), RatioSet(0.05), (Readable(), MinLeaders(2), OneAnswer(0.5)), 0.1)),
        ({"rule": "mixture"}, EXACT, False, (Mixture(), RatioSet(0.05), (Readable(), MinLeaders(1)), 1.0)),
        ({"rule": "rotation"}, EXACT, False, (Rotation(), RatioSet(0.05), (Readable(), MinLeaders(1)), 1.0)),
        (
            {"rule": "veto", "veto_floor": 0.2},
            EXACT,
            False,
            (Veto(0.2), RatioSet(0.05), (Readable(), MinLeaders(1)), 1.0),
        ),
        (
            {"rule": "confidence", "threshold": 0.7},
            EXACT,
            False,
            (Confidence(0.7), RatioSet(0.05), (Readable(), MinLeaders(1)), 1.0),
        ),
        ({"delta": 0.2, "cap": 4}, EXACT, False, (Minimum(), RatioSet(0.2, 4), (Readable(), MinLeaders(1)), 1.0)),
        ({"alpha": 0.01, "cap": 6}, EXACT, False, (Minimum(), AlphaSet(0.01, 6), (Readable(), MinLeaders(1)), 1.0)),
        (
            {"min_leaders": 1, "one_answer": 0.9, "sure_above": 0.2, "temper": 0.3},
            LEARNED,
            True,
            (Minimum(), RatioSet(0.05), (Readable(), MinLeaders(1), OneAnswer(0.9), SureAbove(0.2)), 0.3),
        ),
    ],
)
def test_every_setting_reaches_the_agent(
    settings: dict[str, Any], members: Any, one_label: bool, expected: Any
) -> None:
    agent = agent_of(AgentConfig(**settings), members, one_label=one_label)
    assert (agent.rule, agent.leading, agent.guards, float(agent.temper)) == expected


def test_no_setting_is_read_and_then_ignored() -> None:
    # each field, flipped, changes the agent
    base = {"rule": "minimum"}
    flips: dict[str, dict[str, Any]] = {
        "rule": {"rule": "mixture"},
        "delta": {"delta": 0.2},
        "alpha": {"alpha": 0.01},
        "cap": {"cap": 5},
        "temper": {"temper": 0.5},
        "min_leaders": {"min_leaders": 2},
        "one_answer": {"one_answer": 0.9},
        "sure_above": {"sure_above": 0.2},
        "risk_cap": {"risk_cap": 1.0},
        "audit": {"audit": 0.1},
        "audit_first": {"audit_first": 5.0},
        "alarm": {"alarm": 0.05},
        "stake": {"stake": 0.5},
        "stakes": {"stakes": 3.0},
        "share": {"share": 0.1},
        "veto_floor": {"rule": "veto", "veto_floor": 0.5},
        "threshold": {"rule": "confidence", "threshold": 0.5},
    }
    assert set(flips) == set(AgentConfig.model_fields)

    def described(settings: dict[str, Any]) -> Any:
        agent = agent_of(AgentConfig(**settings), EXACT, one_label=False, worst=WORST)
        return (repr(agent.rule), *(str(value) for value in agent.describe().values()))

    for name, flip in flips.items():
        unflipped = (
            {key: value for key, value in flip.items() if key != name} if "rule" in flip and name != "rule" else base
        )
        assert described(flip) != described(unflipped), name


def test_what_may_cost_too_much_is_asked_and_a_world_that_declares_nothing_is_a_sentence() -> None:
    rows = Tables.of(np.asarray([[[1.0, 0.0]]]))
    cases: list[tuple[dict[str, Any], float]] = [
        ({"stake": 0.5}, 1.0),
        ({"stake": 1.0}, 0.0),
        ({"stakes": 0.5}, 1.0),
        ({}, 0.0),
    ]
    for settings, ask in cases:
        agent = agent_of(AgentConfig(**settings), rows, one_label=False, worst=np.ones((1, 2)))
        assert float(agent.propose(agent.init(), 0).ask) == ask, settings
    for settings, _ in cases[:3]:
        with pytest.raises(ValueError, match=r"agent\.stakes? = (0\.5|1\.0): this preset declares no costs"):
            agent_of(AgentConfig(**settings), rows, one_label=False)
    for bad in (-1.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match=r"agent\.stake = (-1|nan|inf)"):
            agent_of(AgentConfig(stake=bad), rows, one_label=False, worst=np.ones((1, 2)))


def test_the_threshold_of_confidence_decides_when_to_act() -> None:
    rows = Tables.of(np.asarray([[[0.75, 0.25]], [[0.75, 0.25]]]))
    for threshold, ask in ((0.7, 0.0), (0.8, 1.0)):
        agent = agent_of(AgentConfig(rule="confidence", threshold=threshold), rows, one_label=False)
        assert float(agent.propose(agent.init(), 0).ask) == ask
