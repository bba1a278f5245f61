"""Draws the report: one self-contained HTML file from the events of a run.

Nothing on the page runs, loads or links anywhere; it works from a disk, an e-mail or a printer. Every dynamic string
passes `text.clean` (through the template engine's finalizer) and is then escaped.
"""

from __future__ import annotations

import base64
import hashlib
import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, cast

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from . import bars, charts, heat, palette
from .records import EventLike, Question, RunSummary
from .summary import summarise
from .text import clean, count, duration, plural, real, share

WIDE, NARROW = 880, 344
MAX_TABLE_ROWS = 50

_MEASURE = re.compile(r"[<>]? ?[0-9][0-9,.]* (?:%|s|ms|min|h|nats)")  # a unit is not parted from its number

WHY_REFUSED = {
    "conflict": "another answer had already been given",
    "late": "it came after the deadline",
    "changed": "what was asked had changed since",
    "withdrawn": "the question had been withdrawn",
    "lease": "someone else held the question",
}


def write(events: Iterable[EventLike], path: str | Path) -> RunSummary:
    """Write the report of one run to `path` and return what it says, as numbers.

    `events` are those of one run, in ledger order. Raises OSError when the file cannot be written.
    """
    summary = summarise(events)
    Path(path).write_bytes(render(summary).encode("utf-8"))
    return summary


def render(summary: RunSummary) -> str:
    """The page as text: self-contained HTML, the same bytes for the same summary."""
    style = palette.css() + _stylesheet()
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    labels = summary.opening.labels if summary.opening else ()
    page = _environment().get_template("report.html")
    return page.render(
        s=summary,
        style=Markup(style),
        style_hash=digest,
        figures=_figures(summary),
        questions=[_Shown(q, labels, place) for place, q in enumerate(summary.questions, 1)],
        option=_option(labels),
        names=[m.name for m in summary.dissent],
        rows=MAX_TABLE_ROWS,
        rate_start=charts.rate_start(len(summary.decisions)),
        why_refused=WHY_REFUSED,
    )


class _Shown:
    """A question with its drawings and the table behind them."""

    def __init__(self, question: Question, labels: Sequence[str], place: int) -> None:
        self.q = question
        name = f"q{place}"
        self.rows = _both(lambda width, n: heat.rows_chart(question, labels, width=width, name=n), f"{name}-rows")
        self.draw = _both(lambda width, n: heat.draw_chart(question, labels, width=width, name=n), f"{name}-draw")
        self.picture = None
        if question.picture is not None:
            size = f"{len(question.picture)} by {len(question.picture[0])}"
            self.picture = heat.picture(question.picture, name=f"{name}-picture", words=f"A grey picture, {size}.")
        self.columns = heat.shown_columns(question, labels)
        self.hidden_columns = max([len(labels), *(len(r) for r in question.rows)]) - len(self.columns)
        self.members = heat.shown_members(question)
        self.dissenters = [
            question.members[m] if m < len(question.members) else f"member {m}" for m in question.dissent if m >= 0
        ]

    def cell(self, values: Sequence[float], index: int) -> str:
        return real(values[index] if 0 <= index < len(values) else None)

    def leads(self, member: int) -> bool:
        return member < len(self.q.leading) and self.q.leading[member]


def _figures(summary: RunSummary) -> dict[str, Markup]:
    names = [m.name for m in summary.dissent]
    total = len(summary.decisions)
    figures = {
        "asks": _both(lambda width, n: charts.asks_chart(summary, width=width, name=n), "asks"),
        "reasons": _both(
            lambda width, n: bars.reasons_chart(summary.reasons, asks=summary.asks, width=width, name=n), "reasons"
        ),
        "outcomes": _both(
            lambda width, n: bars.outcomes_chart(summary.alone, total=total, width=width, name=n), "outcomes"
        ),
        "dissent": _both(
            lambda width, n: bars.dissent_chart(summary.dissent, asks=summary.asks, width=width, name=n), "dissent"
        ),
        "weights": _both(lambda width, n: charts.weights_chart(summary, width=width, name=n, names=names), "weights"),
        "sizes": _both(lambda width, n: charts.size_chart(summary, width=width, name=n), "sizes"),
        "ask_mass": bars.histogram(
            summary.ask_histogram,
            name="ask-mass",
            class_="asking",
            title="Ask mass of all decisions",
            x_title="ask mass (probability)",
        ),
        "acted_mass": bars.histogram(
            summary.mass_histogram,
            name="acted-mass",
            class_="acting",
            title="Assent to what was done alone",
            x_title="assent mass of the action (probability)",
        ),
    }
    return figures


def _both(draw: Callable[[float, str], Markup], name: str) -> Markup:
    """A drawing for wide pages and print and one for narrow screens; style decides which one is there."""
    wide, narrow = draw(WIDE, f"{name}-wide"), draw(NARROW, f"{name}-narrow")
    return Markup(f'<div class="wide">{wide}</div><div class="narrow">{narrow}</div>')


def _option(labels: Sequence[str]) -> Callable[[int | None], str]:
    def option(index: int | None) -> str:
        if index is None:
            return "not recorded"
        return labels[index] if 0 <= index < len(labels) else f"#{index}"

    return option


def _moment(at_us: int | None) -> str:
    """A time as UTC text; times that no calendar holds are given as microseconds."""
    if at_us is None:
        return "not recorded"
    try:
        return datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, OSError, ValueError):
        return f"{at_us} microseconds since 1970 UTC"


def _surprise(value: float | None) -> str:
    if value is None:
        return "not recorded"
    if value == math.inf:
        return "infinite (no member held it possible)"
    return (
        f"{real(value)} nats (probability {_together(share(math.exp(-value), 1))})"
        if value > -1e-9
        else f"{real(value)} nats"
    )


def _finalize(value: Any) -> Any:
    if isinstance(value, Markup):
        return value
    if value is None:
        return "not recorded"
    shown = clean(str(value))
    return _together(shown) if _MEASURE.fullmatch(shown) else shown


def _together(words: str) -> str:
    return words.replace(" ", "\u00a0")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("assent.report", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    filters: dict[str, Callable[..., str]] = {
        "count": count,
        "plural": plural,
        "share": share,
        "real": real,
        "duration": duration,
        "moment": _moment,
        "surprise": _surprise,
    }
    cast("dict[str, object]", vars(environment)["filters"]).update(filters)
    return environment


@cache
def _stylesheet() -> str:
    return resources.files("assent.report").joinpath("templates/report.css").read_text(encoding="utf-8")
