"""What a command prints: sentences and tables for people, JSON lines for programs, and the exit code for both."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

import typer
from rich.console import Console

OK, FAILED, USAGE, HALTED, OPEN, STORAGE, INTERRUPTED = 0, 1, 2, 3, 4, 5, 130


class Output:
    """One command's output. With `as_json`, standard output holds JSON lines only: a launch record, records, a done record.

    With `as_csv` it is left to whoever writes a table; sentences go to standard error in both cases.
    """

    def __init__(self, command: str, *, as_json: bool, as_csv: bool = False, **launch: Any) -> None:
        self.as_json = as_json
        # no markup: a run's name or an event's body is text, whatever brackets it holds
        self.people = Console(stderr=as_json or as_csv, highlight=False, markup=False, emoji=False)
        with _output_ends():
            self.record("launch", command=command, **launch)
        if as_json and as_csv:
            self.fail(USAGE, "--csv and --json both want standard output; give one of them.")

    def record(self, kind: str, **fields: Any) -> None:
        """One JSON line; nothing without --json."""
        if self.as_json:
            sys.stdout.write(json.dumps({"record": kind, **fields}) + "\n")
            sys.stdout.flush()

    def say(self, *what: Any) -> None:
        """For people: texts, and whatever Rich can draw."""
        self.people.print(*(visible(item, lines=True) if isinstance(item, str) else item for item in what))

    def table(self, table: Any, *, least: int) -> None:
        """A table for people, at least so many columns wide: a narrower terminal breaks its lines, and no number is cut."""
        width = self.people.width
        self.people.width = max(width, least)
        try:
            self.people.print(table, crop=False)
        finally:
            self.people.width = width

    def plain(self, text: str) -> None:
        """For people, without wrapping."""
        self.people.print(visible(text, lines=True), soft_wrap=True)

    def done(self, code: int = OK, **fields: Any) -> NoReturn:
        """The last record, and the end of the command."""
        self.record("done", exit=code, **fields)
        raise typer.Exit(code)

    def fail(self, code: int, sentence: str) -> NoReturn:
        """An error sentence, and the end of the command."""
        self.people.print(f"assent: {visible(sentence, lines=True)}", style="bold red", soft_wrap=True)
        self.done(code, error=sentence)


def visible(text: str, *, lines: bool = False) -> str:
    """Text from anywhere, an agent perhaps, without the control characters that a terminal would obey; `lines` keeps line ends."""
    return "".join(
        character if character.isprintable() or (lines and character == "\n") else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )


@contextmanager
def _output_ends() -> Iterator[None]:
    """Ends the command where standard output does: quietly if nobody reads on, as `head` does not, with a sentence if it is full."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno not in (errno.EPIPE, errno.ENOSPC, errno.EFBIG, errno.EDQUOT):
            raise
        with suppress(OSError, ValueError):  # what is left goes nowhere, so that the last flush cannot fail too
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if error.errno == errno.EPIPE:
            raise typer.Exit(OK) from None
        sys.stderr.write(f"assent: the output could not be written: {error.strerror}. Send it to another place.\n")
        raise typer.Exit(USAGE) from None


@contextmanager
def errors_end(output: Output) -> Iterator[None]:
    """Turns the errors that users can do something about into a sentence and an exit code."""
    from assent.fold import BeliefDiffers
    from assent.ledger import (
        Halted,
        LedgerBusy,
        LedgerDamaged,
        LedgerError,
        LedgerFull,
        LedgerNewer,
        LedgerReadOnly,
        LedgerRemote,
    )

    try:
        with _output_ends():
            yield
    except Halted as error:
        output.fail(HALTED, str(error))
    except BeliefDiffers as error:
        output.fail(FAILED, str(error))
    except (LedgerDamaged, LedgerNewer, LedgerReadOnly, LedgerFull, LedgerRemote, LedgerBusy) as error:
        output.fail(STORAGE, str(error))
    except json.JSONDecodeError as error:
        output.fail(
            STORAGE,
            f"an event on the ledger is not JSON any more ({error}). See `assent log verify`; restore a backup.",
        )
    except OSError as error:
        about = (
            error
            if error.errno is None
            else f"{error.filename}: {error.strerror}. Name another place, or make this one."
        )
        output.fail(USAGE, str(about))
    except MemoryError as error:
        output.fail(
            USAGE, f"there is too little memory for this ({error}); ask for less: fewer members, items or lives."
        )
    except (LedgerError, ValueError, ModuleNotFoundError) as error:
        output.fail(USAGE, str(error))
    except KeyboardInterrupt:
        output.fail(INTERRUPTED, "interrupted.")
