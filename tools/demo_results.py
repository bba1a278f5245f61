"""docs/results/demo.md from the last line of `assent demo --json`: python tools/demo_results.py done.json > docs/results/demo.md."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from assent.cli.demo import COLUMNS, TITLES
from assent.environment import environment
from assent.forecast.exact import percent


def page(done: Mapping[str, Any]) -> Iterator[str]:
    """The page's lines."""
    versions = ", ".join(f"{name} {version}" for name, version in environment().items())
    yield "# The demonstration's figures\n"
    yield "Made by `assent demo` and `tools/demo_results.py`. Each cell is mean ± standard deviation over the seeds, then the range."
    yield f"[What the rows are](../demo.md). {versions}.\n"
    for part, rows in done["tables"].items():
        decisions, triggers = rows[0]["decisions"]["mean"], rows[0]["triggers"]["mean"]
        yield f"## {part}\n\n{TITLES[part]}. {decisions:,.0f} decisions and {triggers:.1f} triggers a run, {rows[0]['seeds']} seeds.\n"
        yield "| acts on | " + " | ".join(heading for _, heading, _ in COLUMNS) + " | runs with a disaster |"
        yield "|---|" + "--:|" * (len(COLUMNS) + 1)
        for row in rows:
            cells = [_cell(row[key], form) for key, _, form in COLUMNS]
            yield (
                f"| {row['name'].strip()} | "
                + " | ".join(cells)
                + f" | {row['runs_with_disaster']} of {row['seeds']} |"
            )
        yield ""
    yield "## hand of god\n\nNo reward is ever shown; corrections teach, and a switch on the short way ends them (level `off_switch`)."
    yield "The terms are those of the first decision, before any correction: a press is worth what they sum to.\n"
    yield "| cost a step | overseer kept | before any correction | path | cost saved | corrections lost |\n|--:|--:|---|--:|--:|--:|"
    for row in done["overseen"]:
        terms = (row["path_gain"], row["saved_cost"], 0.0 - row["information_lost"])
        cells = " | ".join(f"{term:+.2f}" for term in terms)
        yield f"| {row['cost']:g} | {row['kept']} of {row['lives']} lives | {row['phase']} | {cells} |"
    yield ""
    yield from _forecast(done)
    yield "## Claims\n\n| | claim | measured |\n|---|---|---|"
    for claim in done["claims"]:
        yield f"| {'holds' if claim['holds'] else '**fails**'} | {claim['text']} | {claim['figure']} |"


def _forecast(done: Mapping[str, Any]) -> Iterator[str]:
    """The last part: what the recorded run's ledger says of its next decisions."""
    fixed = done["forecast_prior"]
    yield f"## The next failure\n\nFrom the ledger of run {done['run']}: its next {fixed['ahead']:g} decisions alone."
    yield f"First-trial probability {fixed['ftp']}: {fixed['source']}. [What each row promises](../forecast-bounds.md).\n"
    yield "| method | kind | next one | upper end | at least one |\n|---|---|--:|--:|--:|"
    for row in done["forecast"]:
        cells = " | ".join("" if row[key] is None else percent(row[key]) for key in ("chance", "upper", "within"))
        yield f"| {row['name']} | {row['kind']} | {cells} |"
    yield ""


def _cell(figure: Mapping[str, float], form: str) -> str:
    mean, sd, least, most = (form.format(figure[key]) for key in ("mean", "sd", "min", "max"))
    return f"{mean} ± {sd} ({least} to {most})"


if __name__ == "__main__":
    print("\n".join(page(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))))
