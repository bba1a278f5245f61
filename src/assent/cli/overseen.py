"""What `assent run off-switch` shows: the grid, what the agent believes, each correction, and what the overseer is worth to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Any

from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from assent.cli.boards import board
from assent.cli.introduction import introduction
from assent.cli.kept import Kept, is_certain
from assent.cli.output import Output
from assent.corrected import Moment
from assent.planning.verdict import Terms, Verdict
from assent.presets.overseen import Overseen
from assent.worlds.grid.view import View

BAR = 24


def watch(
    output: Output,
    moments: Iterable[Moment],
    scene: Overseen,
    *,
    seed: int,
    pace: float,
    interrupted: Callable[[], bool],
    resumed: bool = False,
) -> dict[str, Any]:
    """Shows a life as it is lived; live on a terminal, else one entry a step. Returns what it came to, for the last record.

    Args:
        seed: of the run, which decides where its last step leads.
        resumed: whether steps came before, which are not counted.
    """
    counts, kept = {"decisions": 0, "corrections": 0, "asks": 0}, Kept(scene, seed)
    output.say(introduction(scene.level, scene.agent.hypotheses.problem.model))
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
            if (risk := kept.see(moment, verdict)) is not None:
                (live.console if live else output.people).print(Text(risk.says, style="bold magenta"))
            if interrupted():
                raise KeyboardInterrupt
    finally:
        if live is not None:
            live.stop()
    kept.end()
    output.say(_ending(counts, kept, resumed=resumed))
    return {**counts, "left_at": kept.left_at, "kept": kept.there if counts["decisions"] else None}


def _picture(scene: Overseen, moment: Moment, verdict: Verdict | None) -> Group:
    table = Table.grid(padding=(0, 4))
    view = View(scene.level, moment.state, moment.about, moment.shown)
    table.add_row(board(view, caption=False), _belief(scene, moment))
    return Group(
        Text(f"step {moment.step}", style="bold"),
        table,
        *_said(scene, moment),
        *_weighed(scene, moment, verdict),
        Text(""),
    )


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
    losing = "send it away" if is_certain(scene, moment.state, verdict.leave) else "risk losing it"
    against = Text(
        f"keep the overseer: {keep:.4g} ({scene.labels[verdict.keep]})   {losing}: {leave:.4g} ({scene.labels[verdict.leave]})"
    )
    return [
        does,
        against,
        Text(
            f"{losing} now: " + _sum(verdict.terms) + f"  ->  {verdict.phase}",
            style="magenta" if verdict.leaves else "cyan",
        ),
    ]


def _sum(terms: Terms) -> str:
    return (
        f"path {_signed(terms.path_gain)}, cost saved {_signed(terms.saved_cost)}, "
        f"corrections lost {_signed(-terms.information_lost)}, in all {_signed(terms.total)}"
    )


def _signed(value: float) -> str:
    return f"{round(value, 2) + 0.0:+.4g}"  # no minus zero


def _ending(counts: dict[str, int], kept: Kept, *, resumed: bool) -> str:
    if not counts["decisions"]:
        return "The life was over before: nothing was left to decide."
    told = (_counted(counts[key], word) for key, word in (("corrections", "correction"), ("asks", "question")))
    steps = _counted(counts["decisions"], "more step" if resumed else "step")
    return f"{', '.join([steps, *told])}. {kept.sentence}"


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" + ("" if number == 1 else "s")


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
