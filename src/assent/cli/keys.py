"""Keys and lines as actions: a terminal is read key by key, anything else line by line."""

from __future__ import annotations

import codecs
import os
import re
import select
import sys
from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

ARROWS = {"\x1b[A": "up", "\x1b[B": "down", "\x1b[C": "right", "\x1b[D": "left"}
ARROWS |= {key.replace("[", "O"): move for key, move in ARROWS.items()}  # as some terminals send them
LETTERS = {"w": "up", "a": "left", "s": "down", "d": "right", " ": "stay", ".": "stay"}
KEY = re.compile(r"\x1b\[[0-9;]*[A-Za-z~]|\x1bO.|.", re.DOTALL)
BEGUN = re.compile(r"\x1b(\[[0-9;]*|O)?\Z")
"""A key that the next read may go on with: a terminal may hand over its characters in pieces."""
ESCAPE_S = 0.15
"""How long a key may take to arrive; after that what there is stands alone, as Escape does."""
QUIT = ("q", "\x04", "\x1b")


class UnknownAction(ValueError):
    """What was typed is no action."""


@runtime_checkable
class Typed(Protocol):
    """What can be read: a terminal, or lines."""

    def isatty(self) -> bool: ...
    def fileno(self) -> int: ...
    def __iter__(self) -> Iterator[str]: ...


def actions_from(stream: Typed, actions: Sequence[str]) -> Iterator[int]:
    """The numbers of the actions that are typed, until the end or a q.

    Args:
        stream: a terminal (arrow keys, WASD, blank to stay, digits for the n-th action) or a text with an action on each line, by name
            or by number from 1.
        actions: their names.

    Raises:
        UnknownAction: a line of a text that is no action; keys that mean nothing are passed over.

    >>> import io
    >>> list(actions_from(io.StringIO("left\\n2\\n"), ["left", "right"]))
    [0, 1]
    """
    if stream.isatty():
        yield from _keys(stream.fileno(), actions)
        return
    for number, line in enumerate(stream, start=1):
        word = line.strip()
        if word == "q":
            return
        if not word:
            continue
        found = _named(word, actions)
        if found is None:
            raise UnknownAction(
                f"line {number} says {word!r}, which is no action. Write one of {', '.join(actions)}, or q."
            )
        yield found


def action_of(key: str, actions: Sequence[str]) -> int | None:
    """The action that a key means, or None."""
    move = ARROWS.get(key) or LETTERS.get(key.lower())
    return actions.index(move) if move in actions else _named(key, actions)


def _named(word: str, actions: Sequence[str]) -> int | None:
    if word in actions:
        return list(actions).index(word)
    return int(word) - 1 if word.isdecimal() and word.isascii() and 1 <= int(word) <= len(actions) else None


def _keys(terminal: int, actions: Sequence[str]) -> Iterator[int]:
    import termios  # not everywhere; where it is missing there is no such terminal either
    import tty

    before = termios.tcgetattr(terminal)
    try:
        tty.setcbreak(terminal)
        decode = codecs.getincrementaldecoder("utf-8")(errors="replace").decode
        while True:
            read = os.read(terminal, 64)
            typed = decode(read)
            while (
                BEGUN.search(typed)
                and select.select([terminal], [], [], ESCAPE_S)[0]
                and (more := os.read(terminal, 64))
            ):
                typed += decode(more)
            for key in KEY.findall(typed) if read else [QUIT[0]]:
                if key in QUIT:
                    return
                found = action_of(key, actions)
                if found is not None:
                    yield found
    finally:
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)


def standard_input() -> Typed:
    """Where a command reads from."""
    return sys.stdin
