"""Keys of a terminal: modified ones mean nothing, and one that comes in two pieces is one key."""

from __future__ import annotations

import os
import pty
import termios
import threading
import time
from collections.abc import Sequence

import pytest

from assent.cli.keys import actions_from

MOVES = ("left", "right", "up", "down", "stay")


def typed(pieces: Sequence[bytes]) -> tuple[list[int], bool]:
    """The actions that pieces typed shortly after each other mean, and whether reading went on after them."""
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, encoding="utf-8") as terminal:
        found: list[int] = []
        reader = threading.Thread(target=lambda: found.extend(actions_from(terminal, MOVES)), daemon=True)
        reader.start()
        while termios.tcgetattr(ours)[3] & termios.ICANON:  # what is typed before the reader is ready is dropped
            time.sleep(0.01)
        for piece in pieces:
            os.write(ours, piece)
            time.sleep(0.03)
        time.sleep(0.4)
        alive = reader.is_alive()
        if alive:
            os.write(ours, b"q")
        reader.join(timeout=20)
        assert not reader.is_alive()
    os.close(ours)
    return found, alive


@pytest.mark.parametrize(
    ("pieces", "actions"),
    [
        ([b"\x1b[1;5C"], []),  # Ctrl-Right
        ([b"\x1b[15~"], []),  # F5
        ([b"\x1b[1;5C\x1b[A"], [2]),
        ([b"\x1b", b"[A"], [2]),
        ([b"\x1b[", b"D"], [0]),
        ([b"\x1bO", b"C"], [1]),
        ([b"\x1b[1;", b"5C", b"s"], [3]),
        (["ü".encode()[:1], "ü".encode()[1:], b"w"], [2]),
    ],
)
def test_keys_of_several_characters_are_one_key(pieces: list[bytes], actions: list[int]) -> None:
    assert typed(pieces) == (actions, True)


def test_escape_alone_ends() -> None:
    assert typed([b"d", b"\x1b"]) == ([1], False)
