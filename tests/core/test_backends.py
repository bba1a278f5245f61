"""Every public function of the core on NumPy, JAX and torch: the same numbers, and under `jit` and `vmap` too."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import assent.lab  # noqa: F401  (lets JAX return assents, decisions and verdicts)
from assent import core
from assent.core import (
    AlphaSet,
    AskFirst,
    Assent,
    Audit,
    Confidence,
    Context,
    ContextAudit,
    Done,
    Everyone,
    Guardrail,
    HarmonicAudit,
    Minimum,
    MinLeaders,
    Mixture,
    NotHalted,
    OneAnswer,
    RatioSet,
    Readable,
    RiskCap,
    Rotation,
    Stakes,
    SureAbove,
    TopK,
    Unexplained,
    Veto,
    Vetoed,
)
from assent.core.rules import CHECKED

MEMBERS, ACTIONS, COMMITTEES = 7, 5, 40
COSTS = np.asarray([[0.5, 0.0, 2.0, np.nan, 1.0], [np.inf, 0.25, 0.5, -1.0, 0.75], [0.125, 0.5, 1.0, 0.25, 9.0]])
HARM = np.random.default_rng(5).uniform(size=(ACTIONS - 1, 2, ACTIONS))
Data = dict[str, Any]
Parts = tuple[Any, ...]


def _of(assent: Assent) -> Parts:
    return assent.probs, assent.ask


def _rule(rule: Any) -> Callable[[Data], Parts]:
    return lambda data: _of(rule(data["rows"], data["weight"]))


def _set(leading: Any) -> Callable[[Data], Parts]:
    return lambda data: (leading(data["weight"], data["prior"]),)


def _context(data: Data) -> Context:
    return Context(data["leaders"], data["members"], data["readable"], data["halted"])


def _guard(guard: Any) -> Callable[[Data], Parts]:
    return lambda data: _of(guard(Assent(data["probs"]), _context(data)))


def _tallied(guard: Any) -> Callable[[Data], Parts]:
    """What a guard that keeps count leaves, after some rounds of which it was told."""

    def case(data: Data) -> Parts:
        tally, parts = guard.start(data["weight"], 3), []
        assent = Assent(data["probs"])
        for step, obs in enumerate((0, 2, 0, 1, 0)):
            context = replace(_context(data), obs=obs, least=data["probs"])
            parts += _of(guard(assent, context, tally))
            tally = guard.count(
                tally, Done(obs, step % ACTIONS, data["halted"], 0.1 * data["uniform"], data["uniform"])
            )
            if hasattr(guard, "forbid"):
                tally = guard.forbid(tally, obs, step % ACTIONS)
            if hasattr(guard, "hear"):
                tally = guard.hear(tally, obs, step % ACTIONS, data["rows"])
        return tuple(parts)

    return case


def _decide(data: Data) -> Parts:
    decision = core.decide(Assent(data["probs"]), data["uniform"])
    return decision.asked, decision.action


def _veto(data: Data) -> Parts:
    verdict = core.propose_and_veto(data["rows"][:, 0], data["weight"], data["proposer"], data["uniform"])
    return verdict.emitted, verdict.objects


CASES: dict[str, Callable[[Data], Parts]] = {
    "Minimum": _rule(Minimum()),
    "Mixture": _rule(Mixture()),
    "Rotation": _rule(Rotation()),
    "Veto": _rule(Veto(0.05)),
    "Confidence": _rule(Confidence(0.5)),
    "Margin": _rule(core.Margin(0.2)),
    "Margin, greedy": _rule(core.Margin(0.2, greedy=True)),
    "Entropy": _rule(core.Entropy(0.8)),
    "Entropy, greedy": _rule(core.Entropy(0.8, greedy=True)),
    "Variance": _rule(core.Variance(0.06)),
    "Vote": _rule(core.Vote(0.4)),
    "Vote, greedy": _rule(core.Vote(0.4, greedy=True)),
    "Tolerance": _rule(core.Tolerance(0.9)),
    "Tolerance, greedy": _rule(core.Tolerance(0.9, greedy=True)),
    "RatioSet": _set(RatioSet(0.3)),
    "RatioSet capped": _set(RatioSet(0.3, cap=2)),
    "AlphaSet": _set(AlphaSet(0.1)),
    "TopK": _set(TopK(3, accept_no_guarantee=True)),
    "Everyone": _set(Everyone()),
    "MinLeaders": _guard(MinLeaders(3)),
    "Readable": _guard(Readable()),
    "NotHalted": _guard(NotHalted()),
    "SureAbove": _guard(SureAbove(0.3)),
    "OneAnswer": _guard(OneAnswer(0.4)),
    "Audit": _guard(Audit(0.2)),
    "HarmonicAudit": _tallied(HarmonicAudit(2.0, floor=0.1)),
    "ContextAudit": _tallied(ContextAudit(2.0)),
    "AskFirst": _tallied(AskFirst(2)),
    "RiskCap": _tallied(RiskCap(0.5)),
    "RiskCap by the worst": _tallied(RiskCap(0.5, realised=False)),
    "Vetoed": _tallied(Vetoed(ACTIONS)),
    "Unexplained": _tallied(Unexplained(ACTIONS, 0.5)),
    "Stakes": _tallied(Stakes(COSTS, per_decision=1.0, per_run=2.0)),
    "Stakes by a model": _tallied(Stakes(model=lambda obs: COSTS[obs], per_run=1.5)),
    "Guardrail": lambda data: _of(
        Guardrail(0.4, HARM)(Assent(data["probs"]), replace(_context(data), obs=data["action"]))
    ),
    "worst_over": lambda data: (core.worst_over(-data["rows"], data["leader"]),),
    "harm_bound": lambda data: (core.harm_bound(data["rows"] + 1.5, data["leader"]),),
    "residual": lambda data: (core.residual(data["share"] / data["share"].sum(), data["probs"], data["probs"]).probs,),
    "draw": lambda data: (core.draw(data["probs"], data["uniform"]),),
    "log_factors": lambda data: (core.log_factors(data["probs"], data["share"], Assent(data["probs"]).ask),),
    "worst_charge": lambda data: (core.worst_charge(data["probs"], data["share"], Assent(data["probs"]).ask),),
    "Assent": lambda data: _of(Assent(data["probs"])),
    "always_ask": lambda data: _of(core.always_ask(data["probs"])),
    "withhold": lambda data: _of(core.withhold(Assent(data["probs"]), data["share"])),
    "apply_each": lambda data: tuple(
        part
        for assent in core.apply_each(Assent(data["probs"]), (MinLeaders(1), SureAbove(0.5)), _context(data))
        for part in _of(assent)
    ),
    "apply_guards": lambda data: _of(
        core.apply_guards(Assent(data["probs"]), (MinLeaders(1), SureAbove(0.5)), _context(data))
    ),
    "decide": _decide,
    "propose_and_veto": _veto,
    "ask_probability": lambda data: (core.ask_probability(Assent(data["probs"])),),
    "dissent": lambda data: (core.dissent(data["rows"], data["leader"]),),
    "effective_size": lambda data: (core.effective_size(data["weight"]),),
    "kl_divergence": lambda data: (core.kl_divergence(data["probs"], data["share"]),),
    "surprise": lambda data: (core.surprise(data["rows"], data["weight"], data["action"]),),
    "total_variation": lambda data: (core.total_variation(data["probs"], data["share"]),),
    "log_sum_exp": lambda data: (core.log_sum_exp(data["rows"]),),
    "normalise": lambda data: (core.normalise(data["weight"] + 3.0),),
    "bayes_update": lambda data: (core.bayes_update(data["weight"], data["rows"][:, 1], temper=0.5),),
    "bayes_update with sleepers": lambda data: (
        core.bayes_update(data["weight"], data["rows"][:, 1], awake=data["leader"]),
    ),
    "readable_rows": lambda data: core.readable_rows(data["rows"]),
}

NOT_COMPARED = {
    "Array", "SILENT", "Grade", "GRADES", "PROVEN", "GuaranteeWarning",                # no function of arrays
    "Answer", "Belief", "Context", "Decision", "Verdict",            # values
    "Done", "Evidence", "Residual",
    "Agent", "Guard", "HearsSilence", "Hypotheses", "LeadingSet", "Overseer", "Rule", "World",  # protocols
    "Families", "Forbidding", "Hearing", "Masks", "States", "Tallied",
    "coverage_risk", "query_bound",                                  # numbers for people, worked out once
    "uniforms",                                                      # NumPy only: both speeds are given its numbers
}  # fmt: skip


def test_every_public_name_of_the_core_is_compared() -> None:
    public = {name for name in vars(core) if not name.startswith("_") and not _is_module(name)}
    assert public == {name.split()[0].rstrip(",") for name in CASES} | NOT_COMPARED


def _is_module(name: str) -> bool:
    return type(getattr(core, name)).__name__ == "module"


def drawn(number: int) -> dict[str, Any]:
    """Data in NumPy float64; by turns rows that leave mass out, zeros, dead members, an unreadable row, nobody who leads."""
    rng = np.random.default_rng([31, number])
    policy = rng.dirichlet(np.full(ACTIONS, 0.7), size=MEMBERS)
    weight, prior = rng.dirichlet(np.ones(MEMBERS), size=2)
    if number % 2:
        policy *= rng.uniform(0.4, 0.95, size=(MEMBERS, 1))
    if number % 3 == 1:
        policy[0, 0], weight[1] = 0.0, 0.0
    if number % 10 == 7:
        policy[2] = np.nan
    if number % 10 == 8:
        policy[3] = 1.0
    if number % 10 == 9:
        weight[:] = 0.0
    with np.errstate(divide="ignore"):
        rows, log_weight = np.log(policy), np.log(weight / max(weight.sum(), 1e-9))
    share = rng.dirichlet(np.ones(ACTIONS))
    return {
        "rows": rows,
        "weight": log_weight,
        "prior": np.log(prior),
        "probs": share * rng.uniform(0.3, 1),
        "share": share[::-1].copy(),
        "uniform": np.asarray(rng.random()),
        "leader": np.isfinite(log_weight) & (rng.random(MEMBERS) < 0.8) & ~np.isnan(rows).any(axis=1),
        "leaders": np.asarray(rng.integers(0, 5)),
        "members": np.asarray(MEMBERS),
        "readable": np.asarray(number % 4 != 0),
        "halted": np.asarray(number % 5 == 0),
        "proposer": np.asarray(rng.integers(0, MEMBERS)),
        "action": np.asarray(rng.integers(0, ACTIONS)),
    }


def on(backend: Any, data: dict[str, Any], dtype: str = "float64") -> Data:
    """The same data as arrays of `backend`, floats as `dtype`."""
    wanted = {"f": dtype, "i": "int64", "b": "bool"}
    return {name: backend.array(value, wanted[value.dtype.kind]) for name, value in data.items()}


def close(mine: Any, theirs: Any, *, eps: float) -> bool:
    """Equal up to rounding: at most H * A products of numbers up to 1, and logarithms up to 50 in size, each good to an ulp or two."""
    mine, theirs = np.asarray(mine), np.asarray(theirs)
    if mine.dtype.kind != "f":
        return np.array_equal(mine, theirs)
    slack = 4 * MEMBERS * ACTIONS * eps * np.maximum(1.0, np.where(np.isfinite(mine), abs(mine), 1.0))
    with np.errstate(invalid="ignore"):
        return bool(((abs(mine - theirs) <= slack) | (mine == theirs) | (np.isnan(mine) & np.isnan(theirs))).all())


EPS = float(np.finfo(np.float64).eps)


@pytest.mark.parametrize("name", CASES)
def test_alike_on_every_library(backend: Any, name: str) -> None:
    for number in (0, 1, 7, 8, 9) if backend.name != "numpy" else range(COMMITTEES):
        data = drawn(number)
        expected, given = CASES[name](data), CASES[name](on(backend, data))
        for mine, theirs in zip(expected, given, strict=True):
            assert close(mine, backend.numpy(theirs), eps=EPS), (number, mine, theirs)
            assert backend.name != "jax" or np.asarray(mine).dtype.kind != "f" or theirs.dtype == "float64"


@pytest.mark.parametrize("name", CASES)
def test_alike_under_jit_and_vmap(name: str) -> None:
    jax = importlib.import_module("jax")
    with jax.enable_x64(True):
        committees = [drawn(number) for number in range(COMMITTEES)]
        batch = {key: jax.numpy.stack([jax.numpy.asarray(data[key]) for data in committees]) for key in committees[0]}
        together = jax.jit(jax.vmap(CASES[name]))(batch)
        alone = jax.jit(CASES[name])({key: jax.numpy.asarray(value) for key, value in committees[1].items()})
        for number, data in enumerate(committees):
            for mine, theirs in zip(CASES[name](data), together, strict=True):
                assert close(mine, theirs[number], eps=EPS), (number, mine, theirs[number])
        for mine, theirs in zip(CASES[name](committees[1]), alone, strict=True):
            assert close(mine, theirs, eps=EPS)


@pytest.mark.parametrize(
    "name",
    ["Minimum", "Mixture", "Rotation", "Veto", "Confidence", "Margin", "Entropy", "Variance", "Vote", "Tolerance"],
)
def test_rules_in_single_precision(backend: Any, name: str) -> None:
    """Against float64 in NumPy: a logarithm of size up to 20 rounded to float32 moves its probability by 20 eps."""
    eps = float(np.finfo(np.float32).eps)
    for number in range(10):
        data = drawn(number)
        probs, ask = CASES[name](on(backend, data, "float32"))
        assert str(probs.dtype).endswith("float32")
        assert str(ask.dtype).endswith("float32")
        for mine, theirs in zip(CASES[name](data), (probs, ask), strict=True):
            assert close(mine, backend.numpy(theirs), eps=eps), (number, mine, theirs)


@pytest.mark.parametrize("name", ["Minimum", "Mixture", "Rotation"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_equal_members_ask_exactly_zero_on_every_library(backend: Any, name: str, dtype: str) -> None:
    """In float32 `1 - sum` is rounding noise of 1e-7 or so, which a million rounds would turn into needless questions."""
    rng = np.random.default_rng(0)
    noisy = 0
    for _ in range(20):
        row = rng.dirichlet(np.ones(ACTIONS))
        rows = backend.array(np.log(np.stack([row, row])), dtype)
        _, ask = CASES[name]({"rows": rows, "weight": backend.array(np.log([0.5, 0.5]), dtype)})
        assert float(ask) == 0
        noisy += float(np.exp(backend.numpy(rows)[0]).sum()) != 1
    assert noisy > 0, "every row sums to 1 exactly: the test has lost its point"


@pytest.mark.parametrize("spoiled", [None, np.nan, 800.0])
def test_a_vocabulary_on_every_library(backend: Any, spoiled: float | None) -> None:
    """Beyond `CHECKED` numbers the minimum takes another way."""
    rows = np.log(np.random.default_rng(0).dirichlet(np.full(CHECKED // 2 + 1, 0.5), size=2))
    if spoiled is not None:
        rows[1, 3] = spoiled
    weight = np.log([0.4, 0.6])
    expected = Minimum()(rows, weight)
    assert (float(expected.ask) < 1) == (spoiled is None)
    given = Minimum()(backend.array(rows), backend.array(weight))
    # 2^15 terms, summed pairwise or in vectors: far below one eps a term
    assert close(expected.ask, backend.numpy(given.ask), eps=EPS * 16)
    assert close(expected.probs, backend.numpy(given.probs), eps=EPS)
