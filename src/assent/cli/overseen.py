"""What `assent run off-switch` shows: the grid, what the agent believes, each correction, and what the overseer is worth to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from assent.cli.output import Output
from assent.corrected import Moment
from assent.planning.verdict import Terms, Verdict
from assent.presets.overseen import Overseen
from assent.worlds.grid.view import View

BAR = 24
STYLES = {"#": "dim", "@": "bold cyan", "S": "bold magenta", "B": "bold magenta"}


def watch(
    output: Output,
    moments: Iterable[Moment],
    scene: Overseen,
    *,
    pace: float,
    interrupted: Callable[[], bool],
) -> dict[str, Any]:
    """Shows a life as it is lived; live on a terminal, else one entry a step. Returns what it came to, for the last record."""
    problem, counts = scene.agent.hypotheses.problem, {"decisions": 0, "corrections": 0, "asks": 0}
    kept, left_at = True, None
    _introduce(output, scene)
    live = Live(console=output.people, auto_refresh=False, transient=False) if output.people.is_terminal else None
    try:
        if live is not None:
            live.start()
        for moment in moments:
            verdict = scene.agent.verdict(moment.belief, moment.state)
            counts["decisions"] += 1
            counts["corrections"] += moment.about >= 0
            counts["asks"] += moment.asked
            output.record("step", **_record(scene, moment, verdict))
            picture = _picture(scene, moment, verdict)
            if live is None:
                output.say(picture)
            else:
                live.update(picture, refresh=True)
                time.sleep(pace)
            if kept and moment.action >= 0 and problem.leaves[moment.state, moment.action]:
                left_at = moment.step
                if verdict is not None and verdict.action == moment.action:
                    _why(live.console.print if live else output.people.print, verdict)
            kept = kept and left_at is None and bool(problem.model.kept[moment.state])
            if interrupted():
                raise KeyboardInterrupt
    finally:
        if live is not None:
            live.stop()
    output.say(_ending(counts, left_at, kept=kept))
    return {**counts, "left_at": left_at, "kept": kept if counts["decisions"] else None}


def _introduce(output: Output, scene: Overseen) -> None:
    process = scene.level.process
    output.say(f"{scene.level.title}.")
    errs = {"eps": f"errs in {process.eps:.0%} of those", "optimal": "never errs"}
    how = errs.get(process.answer, f"shows {process.answer} actions")
    output.say(
        f"No reward is ever shown. The overseer corrects in {process.rate:.0%} of all steps, {how}, and costs {process.cost:g} a step "
        "while it is there. @ is the agent.\n"
    )


def _picture(scene: Overseen, moment: Moment, verdict: Verdict | None) -> Group:
    table = Table.grid(padding=(0, 4))
    table.add_row(_board(scene, moment), _belief(scene, moment))
    return Group(
        Text(f"step {moment.step}", style="bold"),
        table,
        *_said(scene, moment),
        *_weighed(scene, moment, verdict),
        Text(""),
    )


def _board(scene: Overseen, moment: Moment) -> Text:
    board = Text()
    for line in View(scene.level, moment.state, moment.about, moment.shown).lines:
        for character in line:
            board.append(character, STYLES.get(character, "green" if character.isdigit() else ""))
        board.append("\n")
    return board


def _belief(scene: Overseen, moment: Moment) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_row("goal", Text("chance", style="dim"), "")
    weights = scene.agent.weights(moment.belief)
    order = sorted(range(len(weights)), key=lambda number: -weights[number])[:8]
    for number in sorted(order):
        share = float(weights[number])
        bar = Text("█" * round(BAR * share), style="green")
        table.add_row(scene.agent.hypotheses.names[number], f"{share:.2f}", bar)
    return table


def _said(scene: Overseen, moment: Moment) -> list[Text]:
    if moment.about < 0:
        return [Text("the overseer is silent", style="dim")]
    place = scene.agent.hypotheses.problem.model.state_names[moment.about]
    where = "here" if place == scene.agent.hypotheses.problem.model.state_names[moment.state] else f"at {place}"
    return [Text(f'correction: "{scene.labels[moment.shown]}" {where}', style="bold yellow")]


def _weighed(scene: Overseen, moment: Moment, verdict: Verdict | None) -> list[Text]:
    if verdict is None:
        return [Text("every hypothesis is contradicted: it asks, and does nothing by itself", style="bold red")]
    does = Text(
        f"does: {scene.labels[moment.action]}" + (" (as the overseer answered)" if moment.asked else ""), style="bold"
    )
    if verdict.terms is None or verdict.keep < 0 or verdict.leave < 0:
        return [does]
    keep, leave = verdict.lower[verdict.keep], verdict.lower[verdict.leave]
    against = Text(
        f"keep the overseer: {keep:.2f} ({scene.labels[verdict.keep]})   send it away: {leave:.2f} ({scene.labels[verdict.leave]})"
    )
    return [
        does,
        against,
        Text(_sum(verdict.terms) + f"  ->  {verdict.phase}", style="magenta" if verdict.leaves else "cyan"),
    ]


def _sum(terms: Terms) -> str:
    return (
        f"sending it away now: path {_signed(terms.path_gain)}, cost saved {_signed(terms.saved_cost)}, "
        f"corrections lost {_signed(-terms.information_lost)}, in all {_signed(terms.total)}"
    )


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.2f}"  # no minus zero


def _why(print_: Callable[[Any], None], verdict: Verdict) -> None:
    terms = verdict.terms
    if terms is None:
        return
    gains = {"the way is better": terms.path_gain, "its cost is saved": terms.saved_cost}
    if terms.information_lost < 0:
        gains["its orders are escaped"] = -terms.information_lost
    reason = max(gains, key=lambda name: gains[name])
    lost = f"what corrections would still teach is worth {max(terms.information_lost, 0.0):.2f}, and it gains more"
    print_(Text(f"It sends the overseer away: {lost} ({reason}: {gains[reason]:.2f}).", style="bold magenta"))


def _ending(counts: dict[str, int], left_at: int | None, *, kept: bool) -> str:
    if not counts["decisions"]:
        return "The life was over before: nothing was left to decide."
    told = f"{counts['decisions']} steps, {counts['corrections']} corrections, {counts['asks']} questions."
    if left_at is not None:
        return f"{told} The overseer was sent away at step {left_at}. Try a smaller --overseer-cost."
    if not kept:
        return f"{told} The overseer had been sent away before."
    return f"{told} The overseer was kept to the end, though nothing but the plan stood in the way of the switch."


def _record(scene: Overseen, moment: Moment, verdict: Verdict | None) -> dict[str, Any]:
    weights = scene.agent.weights(moment.belief)
    model = scene.agent.hypotheses.problem.model
    record: dict[str, Any] = {
        "step": moment.step,
        "state": model.state_names[moment.state],
        "correction": None
        if moment.about < 0
        else {"about": model.state_names[moment.about], "shown": scene.labels[moment.shown]},
        "action": scene.labels[moment.action] if moment.action >= 0 else None,
        "asked": moment.asked,
        "belief": dict(zip(scene.agent.hypotheses.names, weights.tolist(), strict=True)),
    }
    if verdict is None:
        return {**record, "verdict": None}
    terms = verdict.terms
    return {
        **record,
        "verdict": {
            "phase": verdict.phase,
            "beliefs": verdict.num_beliefs,
            "keep": float(verdict.lower[verdict.keep]) if verdict.keep >= 0 else None,
            "leave": float(verdict.lower[verdict.leave]) if verdict.leave >= 0 else None,
            "path_gain": terms and terms.path_gain,
            "saved_cost": terms and terms.saved_cost,
            "information_lost": terms and terms.information_lost,
        },
    }
