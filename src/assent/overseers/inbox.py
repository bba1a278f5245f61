"""The overseer is people: questions wait on the ledger until somebody answers them, or until their time is up."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Inbox:
    """Questions stay on the ledger for people to answer.

    Attributes:
        wait_s: seconds until an unanswered question expires and the null action is done; None waits for ever.

    Raises:
        ValueError: `wait_s` is not above 0, or 10^10 or more.

    >>> Inbox(wait_s=600).wait_s
    600
    """

    wait_s: float | None = None

    def __post_init__(self) -> None:
        if self.wait_s is not None and not 0 < self.wait_s < 1e10:
            raise ValueError(
                f"wait_s = {self.wait_s}: people need more than 0 seconds to answer, and fewer than 10^10; None waits for ever."
            )
