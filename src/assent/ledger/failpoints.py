"""Places where a test may kill the process, to show that nothing acknowledged is ever lost."""

from __future__ import annotations

import os
import signal
from itertools import product
from typing import Final

VARIABLE: Final = "ASSENT_FAILPOINT"
OPERATIONS: Final = (
    *("open", "flush", "ask", "claim", "release", "answer", "expire", "withdraw"),
    *("halt", "resume", "volunteer", "veto", "apply", "close", "migrate"),
)
STAGES: Final = ("begin", "insert", "project", "commit")
FAILPOINTS: Final[tuple[str, ...]] = tuple(
    f"{side}:{operation}.{stage}" for operation, stage, side in product(OPERATIONS, STAGES, ("before", "after"))
)
_passed: dict[str, int] = {}


def failpoint(name: str) -> None:
    """Nothing; but where ASSENT_FAILPOINT is `name` or `name:count`, the count-th pass ends the process with SIGKILL.

    The variable is read at each pass, so a forked child can be given its own.
    """
    wanted = os.environ.get(VARIABLE)
    if wanted is None or not wanted.startswith(name):
        return
    count = wanted[len(name) :] or ":1"
    if count[0] != ":" or not count[1:].isdigit():
        return  # another point whose name begins alike
    _passed[name] = _passed.get(name, 0) + 1
    if _passed[name] >= int(count[1:]):
        os.kill(os.getpid(), signal.SIGKILL)
