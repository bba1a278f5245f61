"""The configuration of a run: flags over environment (`ASSENT_…`) over the TOML file over defaults. Unknown keys are errors."""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from assent.agents.imitator import Imitator
from assent.core import (
    PROVEN,
    AlphaSet,
    Audit,
    Confidence,
    Guard,
    HarmonicAudit,
    Hypotheses,
    Minimum,
    MinLeaders,
    Mixture,
    OneAnswer,
    RatioSet,
    Readable,
    RiskCap,
    Rotation,
    Rule,
    Stakes,
    SureAbove,
    Tallied,
    Unexplained,
    Veto,
)
from assent.presets.catalogue import LIVED, OVERSEEN, PRESETS, WITH_COMMITTEES

MOST = 2**53 - 1
"""The greatest whole number that the ledger's JSON holds exactly."""


class _Keys(BaseModel):
    model_config = ConfigDict(extra="forbid")

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_value(cls, value: object) -> object:
        if isinstance(value, bool):  # pydantic would read true as 1
            raise ValueError("a truth value is no number")
        return value


class AgentConfig(_Keys):
    """The agent. What is left out takes the default that the preset's members need."""

    rule: Literal["minimum", "mixture", "rotation", "veto", "confidence"] = "minimum"
    delta: float | None = Field(
        default=None, description="RatioSet: accepted chance of losing the overseer's own model."
    )
    alpha: float | None = Field(default=None, description="AlphaSet instead of RatioSet.")
    cap: int | None = Field(default=None, le=MOST, description="More leaders than this force asking.")
    temper: float | None = Field(default=None, description="Exponent of each answer's likelihood.")
    min_leaders: int | None = Field(default=None, le=MOST, description="Ask when fewer members lead.")
    one_answer: float | None = Field(default=None, description="Act only on the best action, with at least this mass.")
    sure_above: float | None = Field(default=None, description="Ask for sure above this chance of asking.")
    risk_cap: float | None = Field(default=None, description="Nats of risk that the run may spend; see RiskCap.")
    audit: float | None = Field(default=None, description="Share of lone acts that is asked all the same; see Audit.")
    audit_first: float | None = Field(
        default=None, description="Audits that thin out: every other lone act after so many; see HarmonicAudit."
    )
    alarm: float | None = Field(
        default=None, description="Chance of a false alarm that no member explains the overseer; see Unexplained."
    )
    stake: float | None = Field(
        default=None, description="Mishaps that one lone act may cost at worst, as the world declares; see Stakes."
    )
    stakes: float | None = Field(default=None, description="The same for all lone acts of the run together.")
    share: float | None = Field(
        default=None, description="Part of the weights that goes back to the prior at an answer."
    )
    veto_floor: float = Field(default=0.01, description="Rule veto: below this a leader objects.")
    threshold: float = Field(default=0.9, description="Rule confidence: act from this probability on.")


class OverseerConfig(_Keys):
    """What is changed of a level's overseer, where a preset has one who corrects unasked."""

    level: str | None = Field(default=None, description="Another level: a name, or a .level.toml file.")
    cost: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="Of each step with the overseer.")
    rate: float | None = Field(default=None, ge=0, le=1, description="Chance of a correction in a step.")
    eps: float | None = Field(default=None, ge=0, le=1, description="Chance that a correction is wrong.")
    believed_eps: float | None = Field(default=None, ge=0, le=1, description="The same as the agent believes it to be.")
    draws: int | None = Field(default=None, ge=1, description="Rewards drawn from a prior that has no list of them.")
    level_text: str | None = Field(default=None, description="On the ledger: what the file of `level` said.")


class RunConfig(_Keys):
    """A run. It reads no environment itself, so that what a ledger recorded comes back as it was."""

    schema_version: Literal[1] = 1
    preset: str
    seed: int = Field(default=0, ge=0, le=MOST)
    run: str | None = None
    ledger: Path = Path("assent.db")
    steps: int | None = Field(default=None, ge=1, le=MOST)
    committee: str | None = Field(default=None, description="How members are made, by `assent committee ways`.")
    group: int = Field(default=256, ge=1, le=MOST, description="Simulated decisions that are committed together.")
    checkpoint_every: int = Field(default=10, ge=1, le=MOST)
    agent: AgentConfig = AgentConfig()
    overseer: OverseerConfig = OverseerConfig()

    @property
    def name(self) -> str:
        """The run's name."""
        return f"{self.preset}-{self.seed}" if self.run is None else self.run


def load(what: str, flags: Mapping[str, Any]) -> RunConfig:
    """The configuration for `assent run WHAT`: a preset's name or a TOML file, and the flags that were given.

    Raises:
        ValueError: no such preset or file, a file that is no TOML, an unknown key (with the nearest known one), a bad value.
    """
    given: dict[str, Any] = {}
    if what.endswith(".toml"):
        given = _file(Path(what))
    elif what not in _PRESET_NAMES:
        raise ValueError(
            f"there is no preset {what!r}{_nearest(what, _PRESET_NAMES)}. Presets: {', '.join(_PRESET_NAMES)}; or name a .toml file."
        )
    else:
        given = {"preset": what}
    _refuse_unknown_variables(os.environ)
    try:
        environment = _Environment().model_dump(exclude_unset=True)
        layered = {**given, **environment, **{key: value for key, value in flags.items() if value is not None}}
        if "overseer" in layered and isinstance(given.get("overseer"), dict):
            layered["overseer"] = {**given["overseer"], **layered["overseer"]}
        if "agent" in environment and isinstance(given.get("agent"), dict):
            layered["agent"] = {**given["agent"], **environment["agent"]}
        config = RunConfig(**layered)
    except ValidationError as error:
        raise ValueError(_sentence(error)) from error
    if config.preset not in _PRESET_NAMES:
        raise ValueError(
            f"there is no preset {config.preset!r}{_nearest(config.preset, _PRESET_NAMES)}. Presets: {', '.join(_PRESET_NAMES)}."
        )
    if config.overseer.level_text is not None:
        raise ValueError("overseer.level_text is written by the program: name the file with overseer.level.")
    if config.committee is not None and config.preset not in WITH_COMMITTEES:
        raise ValueError(
            f"the preset {config.preset} has members of its own: --committee is for {', '.join(WITH_COMMITTEES)}."
        )
    unused = "agent" if config.preset in OVERSEEN else "overseer"
    if getattr(config, unused) != type(getattr(config, unused))():
        raise ValueError(f"the preset {config.preset} has no use for the settings under {unused!r}: leave them out.")
    return config


_PRESET_NAMES = (*PRESETS, *LIVED, *OVERSEEN)


class _Environment(BaseSettings):
    """The variables that may stand above the file; those of the agent are called `ASSENT_AGENT__RULE` and so on."""

    model_config = SettingsConfigDict(env_prefix="ASSENT_", env_nested_delimiter="__", extra="ignore")

    seed: int | None = None
    run: str | None = None
    ledger: Path | None = None
    steps: int | None = None
    group: int | None = None
    checkpoint_every: int | None = None
    agent: AgentConfig = AgentConfig()


OTHER_VARIABLES = frozenset({"ASSENT_DATA", "ASSENT_FAILPOINT", "ASSENT_TORCH_FROM"})
"""Variables of the same prefix that are no settings of a run (`assent.committees.splits`, `assent.ledger.failpoints`,
`assent.peers.environment`)."""


def _refuse_unknown_variables(variables: Mapping[str, str]) -> None:
    known = {f"ASSENT_{name.upper()}" for name in _Environment.model_fields if name != "agent"}
    known |= {f"ASSENT_AGENT__{name.upper()}" for name in AgentConfig.model_fields}
    for name in sorted(variables):
        if name.upper().startswith("ASSENT_") and name.upper() not in known | OTHER_VARIABLES:
            raise ValueError(f"unknown environment variable {name}{_nearest(name.upper(), known)}.")


def agent_of(
    config: AgentConfig, members: Hypotheses, *, one_label: bool, worst: NDArray[np.float64] | None = None
) -> Imitator:
    """The agent that `config` describes for these members; `one_label` when every item has one right action.

    Raises:
        ValueError: a value out of range, or both delta and alpha.
    """
    if config.alpha is not None and config.delta is not None:
        raise ValueError(
            f"agent.delta = {config.delta} and agent.alpha = {config.alpha}: give one of them, they are two ways to choose who leads."
        )
    with _key("cap", config):
        RatioSet(0.05, config.cap)
    delta = 0.05 if config.delta is None else config.delta
    with _key("delta" if config.alpha is None else "alpha", config):
        leading = RatioSet(delta, config.cap) if config.alpha is None else AlphaSet(config.alpha, config.cap)
    rules: dict[str, Rule] = {"minimum": Minimum(), "mixture": Mixture(), "rotation": Rotation()}
    with _key("veto_floor", config):
        rules["veto"] = Veto(config.veto_floor)
    with _key("threshold", config):
        rules["confidence"] = Confidence(config.threshold)
    with _key("temper", config):
        agent = Imitator.of(members, leading=leading, rule=rules[config.rule], temper=config.temper)
    with _key("share", config):
        agent = replace(agent, share=config.share or 0.0)
    return replace(agent, guards=(*_guards(config, members, one_label), *_counting_guards(config, members, worst)))


@contextmanager
def _key(name: str, config: AgentConfig) -> Generator[None]:
    """Puts the key that the user wrote before what its part says of the value."""
    try:
        yield
    except ValueError as error:
        raise ValueError(f"agent.{name} = {getattr(config, name)}: {error}") from error


def _guards(config: AgentConfig, members: Hypotheses, one_label: bool) -> tuple[Guard, ...]:
    least = (1 if members.grade in PROVEN else 2) if config.min_leaders is None else config.min_leaders
    guards: list[Guard] = [Readable()]
    with _key("min_leaders", config):
        guards.append(MinLeaders(least))
    mass = 0.5 if config.one_answer is None and one_label else config.one_answer
    if mass is not None:
        with _key("one_answer", config):
            guards.append(OneAnswer(mass))
    if config.sure_above is not None:
        with _key("sure_above", config):
            guards.append(SureAbove(config.sure_above))
    return tuple(guards)


def _counting_guards(
    config: AgentConfig, members: Hypotheses, worst: NDArray[np.float64] | None
) -> tuple[Guard | Tallied, ...]:
    """Stakes, audits, the alarm, and last the cap, which has to see what the others take."""
    guards: list[Guard | Tallied] = []
    given = "stakes" if config.stake is None else "stake"
    if getattr(config, given) is not None:
        with _key("stakes", config):
            Stakes(np.ones((1, 1)), per_run=config.stakes)
        with _key(given, config):
            if worst is None:
                raise ValueError("this preset declares no costs, so everything would be asked: leave the key out.")
            guards.append(Stakes(worst, per_decision=config.stake, per_run=config.stakes))
    if config.audit is not None and config.audit_first is None:
        with _key("audit", config):
            guards.append(Audit(config.audit))
    elif config.audit_first is not None:
        with _key("audit", config):
            HarmonicAudit(1.0, config.audit or 0.0)
        with _key("audit_first", config):
            guards.append(HarmonicAudit(config.audit_first, config.audit or 0.0))
    if config.alarm is not None:
        with _key("alarm", config):
            guards.append(Unexplained(members.num_actions, config.alarm))
    if config.risk_cap is not None:
        with _key("risk_cap", config):
            guards.append(RiskCap(config.risk_cap))
    return tuple(guards)


def _file(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ValueError(f"there is no file {path}.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ValueError(f"{path} is not TOML: {error}.") from error


def _sentence(error: ValidationError) -> str:
    problems: list[str] = []
    for item in error.errors():
        place = ".".join(str(part) for part in item["loc"])
        if item["type"] == "extra_forbidden":
            parts = {"agent": AgentConfig, "overseer": OverseerConfig}
            model = parts.get(str(item["loc"][0]), RunConfig) if len(item["loc"]) > 1 else RunConfig
            problems.append(f"unknown key {place}{_nearest(place.rpartition('.')[2], model.model_fields)}")
        elif item["type"] == "missing":
            problems.append(f"the key {place} is missing")
        else:
            problems.append(f"{place} = {item['input']!r}: {item['msg']}")
    return "; ".join(problems) + "."


def _nearest(word: str, known: Any) -> str:
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f" (did you mean {close[0]!r}?)" if close else ""
