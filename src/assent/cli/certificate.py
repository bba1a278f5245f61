"""imitate certificate, imitate explain."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.table import Table

from assent.certificate import Certificate
from assent.certificate import certificate as certify
from assent.cli.output import FAILED, OK, STORAGE, Output, errors_end, visible
from assent.cli.runs import check_seed, existing
from assent.explanation import Explanation
from assent.explanation import explain as explain_question
from assent.ledger import Ledger
from assent.ledger.verification import Verification

MOST_ROWS = 32
"""Actions in the table of an explanation, those with the greatest disagreement first."""


def certificate(name: str, *, ledger: Path, seed: int | None, json: bool) -> None:
    """`assent imitate certificate`."""
    output = Output("imitate certificate", as_json=json, run=name, ledger=str(ledger))
    with errors_end(output), Ledger.open(existing(ledger), read_only=True) as book:
        check_seed(book, name, seed)
        checked = _verified(output, book, name)
        found = certify(book.events(name))
        signable = checked.ok and found.delta is not None and not found.broken
        output.say(_numbers(found))
        for heading, sentences in (("Rests on", found.assumptions), ("Broken", found.broken)):
            if sentences:
                output.plain(f"\n{heading}:")
                for number, sentence in enumerate(sentences, 1):
                    output.plain(f"  {number}. {sentence}")
        output.plain("")
        output.plain(_verdict(found, ledger_ok=checked.ok))
        output.done(OK if signable else FAILED, ledger_ok=checked.ok, certificate=found.to_json())


def explain(name: str, question: str, *, ledger: Path, seed: int | None, json: bool) -> None:
    """`assent imitate explain`."""
    output = Output("imitate explain", as_json=json, run=name, question=question)
    with errors_end(output), Ledger.open(existing(ledger), read_only=True) as book:
        check_seed(book, name, seed)
        _verified(output, book, name)
        found = explain_question(book.events(name), question)
        output.plain(
            f"Question {found.question}, decision {found.step}: asked with probability {found.ask:.4g}, because of "
            f"{_REASONS.get(found.reason, found.reason)}. {found.leaders} members led; together they left "
            f"{found.theta:.4g} of the probability over."
        )
        output.say(_blockers(found))
        hidden = found.others + len(found.blockers[MOST_ROWS:])
        if hidden:
            output.plain(f"and {hidden:,} other actions; --json has those that the record holds.")
        if found.dissent:
            output.plain(f"Against what the others would do: {_some(found.dissent, 8)}.")
        output.plain(_taught(found))
        output.done(OK, explanation=asdict(found))


def _verified(output: Output, book: Ledger, name: str) -> Verification:
    """The check of the run's chain; ends the command where its events are not what was written, since then they say nothing."""
    checked = book.verify(name)
    if not checked.ok:
        output.fail(
            STORAGE,
            f"the ledger of run {name!r} is not what was written: {checked.failures[0]} There is nothing to sign and nothing to explain. "
            "`assent log verify` names everything; restore a backup.",
        )
    return checked


_REASONS = {
    "disagreement": "disagreement between members that lead",
    "audit": "an audit: the agent's own coin, whatever the members said",
    "risk-cap": "the cap: acting might have taken the run's risk above it",
    "sure-above": "a disagreement above tau, which is asked for sure",
    "committee-collapsed": "too few members leading",
    "invalid-member": "a leading member that could not be read",
    "no-leaders": "nobody leading",
    "class-exhausted": "every member having been contradicted",
    "one-answer": "no single action having enough mass",
    "unexplained": "an alarm: no member explains the overseer in this context group",
    "vetoed": "a veto that somebody gave in this context before",
    "stakes": "what was at stake",
    "first": "the first rounds, which are all asked",
}


def _numbers(found: Certificate) -> Table:
    table = Table("", "value", "what it means", title=f"Certificate of {visible(found.run)}", title_justify="left")
    table.add_row("grade", found.grade, f"the hypothesis class; preserves the overseer's {found.preserves}")
    table.add_row("delta", _or_none(found.delta), "chance of ever losing the overseer's model from the leading set")
    table.add_row("risk spent", _nats(found.spent), "L, by what was done")
    table.add_row("risk at most", _nats(found.at_most), "by the worst that could have been done: sum of ln(1 + theta)")
    table.add_row(
        "cap", "none" if found.cap is None else _nats(found.cap), "the most that L may become, set beforehand"
    )
    factor = "none" if found.factor is None else f"{found.factor:.4g}"
    table.add_row("event factor", factor, "any event: at most so many times the overseer's own chance, plus delta")
    table.add_row("decisions", f"{found.decisions:,}", "")
    counts = f"{found.audits:,} of them audits, {found.unanswered:,} unanswered, {found.vetoes:,} acts vetoed"
    table.add_row("queries", f"{found.queries:,}", counts)
    table.add_row("sum theta", f"{found.sum_theta:.4g}", "queries that disagreement accounts for, on average")
    bound = "no bound proven" if found.query_bound is None else f"expected value at most {found.query_bound:.3g}"
    table.add_row("sum theta cubed", f"{found.sum_theta3:.4g}", bound)
    table.add_row("alarms", ", ".join(map(visible, found.alarms)) or "none", "")
    return table


def _verdict(found: Certificate, *, ledger_ok: bool) -> str:
    if not ledger_ok:
        return "REFUSE: the ledger is not what was written; see `assent log verify`."
    if found.broken:
        return f"REFUSE the bounds: {len(found.broken)} of what they rest on does not hold. What was counted stands."
    if found.factor is not None:
        return (
            f"SIGN, if you accept what it rests on: whatever happens in this run, now or later, is at most {found.factor:.3g} times as "
            f"likely as with the overseer alone, plus {found.delta:.3g}."
        )
    if found.preserves != "distribution":
        return (
            f"SIGN, if you accept what it rests on: but for a chance of {found.delta:.3g} nothing was done alone that the overseer never "
            "does there. How often she does it is not known to such a class, so its nats bound nothing."
        )
    return (
        f"SIGN, if you accept what it rests on: but for a chance of {found.delta:.3g} the overseer's model led throughout. No cap was "
        f"set, so the risk spent ({_nats(found.spent)}) describes this run and promises nothing of the rest: with a cap (RiskCap, or "
        "risk_cap in a configuration) there is a bound on every event."
    )


def _blockers(found: Explanation) -> Table:
    table = Table("action", "alone at most", "a leader gives up to", "who holds it back", "weight")
    for blocker in found.blockers[:MOST_ROWS]:
        weight = "" if blocker.weight is None else f"{blocker.weight:.3g}"
        who = (
            visible(blocker.member)
            if blocker.member is not None and blocker.most - blocker.minimum > 1e-12
            else "nobody"
        )
        table.add_row(visible(blocker.action), f"{blocker.minimum:.4f}", f"{blocker.most:.4f}", who, weight)
    return table


_UNANSWERED = {
    "waiting": "It waits for an answer: nothing has been done yet.",
    "withdrawn": "It was taken back before anybody answered; nothing was learned.",
    "expired": "Nobody answered; the null action was done, and nothing was learned.",
}


def _taught(found: Explanation) -> str:
    if found.answer is None:
        return _UNANSWERED[found.state]
    said = f"{found.by} answered {found.answer}."
    if found.lesson is not None:
        said = f"{found.by} stated probabilities: {found.answer} was drawn from what was left of them and done; {found.lesson} taught."
    if found.leaders_after is None:
        return f"{said} It has not been learned from yet."
    surprise = "no member thought it possible" if found.surprise is None else f"surprise {found.surprise:.3g} nats"
    if found.leaders_after == found.leaders:
        return f"{said} It left {found.leaders} leading ({surprise})."
    return f"{said} It took the leaders from {found.leaders} to {found.leaders_after} ({surprise})."


def _some(names: Sequence[str], most: int) -> str:
    rest = len(names) - most
    return "; ".join([*names[:most], *([f"and {rest} more"] if rest > 0 else [])])


def _nats(value: float) -> str:
    return "unbounded" if math.isinf(value) else f"{value:.4g} nats"


def _or_none(value: float | None) -> str:
    return "none proven" if value is None else f"{value:.4g}"
