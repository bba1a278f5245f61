"""The command line: `assent`. Nothing heavy is imported before a command needs it."""

from __future__ import annotations


def main() -> None:
    """Runs the command that the arguments name; the exit codes are listed by `assent --help`."""
    from assent.cli.app import app

    app(prog_name="assent")
