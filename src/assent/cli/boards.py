"""Levels in the terminal: boards in colour."""

from __future__ import annotations

from rich.text import Text

from assent.worlds.grid import kinds
from assent.worlds.grid.level import Level
from assent.worlds.grid.view import View

STYLES: dict[type[kinds.Kind], str] = {
    kinds.Wall: "dim",
    kinds.Goal: "bold green",
    kinds.Disable: "bold red",
    kinds.Door: "bold red",
    kinds.Button: "bold red",
    kinds.Restore: "bold magenta",
    kinds.Interrupt: "bold yellow",
    kinds.Radio: "cyan",
}


def board(view: View, *, caption: bool = True) -> Text:
    """The board in colour, the agent as @, and the caption under it where it is wanted."""
    text = Text()
    for number, line in enumerate(view.lines):
        for character in line:
            text.append(character, style="bold blue" if character == "@" else style(view.level, character))
        text.append("\n" if number + 1 < len(view.lines) else "")
    if not caption:
        return text
    there = "red" if "removed" in view.overseer or "away" in view.overseer else ""
    text.append("\n" + view.caption, style=there or ("bold" if view.correction else ""))
    return text


def style(level: Level, character: str) -> str:
    """How a character of the map is drawn; nothing special in a table of states."""
    kind = level.legend.get(character)
    return next((look for one, look in STYLES.items() if isinstance(kind, one)), "")


def plain_map(level: Level) -> Text:
    """The map as its file has it, in colour; also for levels that only an engine can play."""
    text = Text()
    for row in level.map:
        for character in row:
            text.append(character, style=style(level, character))
        text.append("\n")
    return text
