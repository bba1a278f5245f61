"""The one-file HTML report of a run: what was decided, asked, answered and got wrong, drawn from its events alone."""

from .page import render, write
from .records import EventLike, RunSummary
from .summary import summarise

__all__ = ["EventLike", "RunSummary", "render", "summarise", "write"]
