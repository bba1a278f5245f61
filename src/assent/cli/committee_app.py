"""assent committee and what is under it: the options. Each command imports its work when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

committee = typer.Typer(
    help="Make many members for the price of a few, and measure what they are worth.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

MOST_SEED = 2**53 - 1
Json = Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")]
Seed = Annotated[int, typer.Option(min=0, max=2**31 - 1, help="Decides everything that is random.")]
ProblemName = Annotated[str, typer.Argument(metavar="PROBLEM", help="digits, mnist or mnist-4k.")]
WayName = Annotated[
    str, typer.Argument(metavar="WAY", help="How members are made; `assent committee ways` lists them.")
]
Data = Annotated[
    Path | None, typer.Option(help="Folder with mnist.npz; what ASSENT_DATA names when left out. Digits need none.")
]
Folder = Annotated[
    Path | None, typer.Option("--work", help="Folder for finished trainings: whoever starts again goes on from there.")
]


@committee.command("ways")
def ways_(json: Json = False) -> None:
    """List the ways to make members."""
    from assent.cli.committees import ways as work

    work(json=json)


@committee.command("fit")
def fit_(
    way: WayName,
    problem: ProblemName,
    members: Annotated[int, typer.Option("--members", min=1, help="How many.")] = 16,
    out: Annotated[
        Path | None, typer.Option(help="The committee's file; WAY-PROBLEM.safetensors when left out.")
    ] = None,
    seed: Seed = 0,
    data: Data = None,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Make a committee and keep it in a file."""
    from assent.cli.committees import fit as work

    work(way, problem, members=members, out=out, seed=seed, data=data, folder=folder, json=json)


@committee.command("curve")
def curve_(
    problem: ProblemName,
    way: Annotated[list[str] | None, typer.Option(help="Only this way; may be repeated.")] = None,
    most: Annotated[int, typer.Option(min=1, help="Members of the largest committees.")] = 1_024,
    out: Annotated[Path, typer.Option(help="Folder for tables and pictures, and for finished trainings.")] = Path(
        "assent-committees"
    ),
    seed: Seed = 0,
    data: Data = None,
    json: Json = False,
) -> None:
    """Measure and draw independent members against what they cost, for 1, 2, 4 and more members."""
    from assent.cli.committees import curve as work

    work(problem, names=way, most=most, out=out, seed=seed, data=data, json=json)


@committee.command("compare")
def compare_(
    problem: ProblemName,
    what: Annotated[list[str], typer.Argument(metavar="WAY|FILE...", help="Ways, and files of committees.")],
    members: Annotated[int, typer.Option("--members", min=1, help="How many of each way.")] = 16,
    seed: Seed = 0,
    data: Data = None,
    folder: Folder = None,
    json: Json = False,
) -> None:
    """Put committees side by side: accuracy, log-losses, likeness, cost, and wrong acts at equal asking."""
    from assent.cli.committees import compare as work

    work(problem, what, members=members, seed=seed, data=data, folder=folder, json=json)


@committee.command("inspect")
def inspect_(
    file: Annotated[Path, typer.Argument(help="A committee's file.")],
    json: Json = False,
) -> None:
    """Say what is in a committee's file: members, roots, form, size, and what it cost."""
    from assent.cli.committees import inspect as work

    work(file, json=json)
