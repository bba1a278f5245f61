"""The commands and their options. Each imports its work when it is called, so that `--help` stays quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from assent.cli.committee_app import committee
from assent.cli.forecast_app import forecast

HELP = """Let a model act alone exactly where every plausible model agrees; put every other decision before an overseer.

Exit codes: 0 done and every check held · 1 a check or claim failed · 2 wrong usage or configuration · 3 halted by the overseer ·
4 stopped with questions open · 5 the ledger was refused (damaged, newer, read-only, full) · 130 interrupted.

With --json, standard output carries only JSON lines, the first "launch", the last "done"; everything else goes to standard error.
"""

app = typer.Typer(help=HELP, no_args_is_help=True, add_completion=True, rich_markup_mode=None)
log = typer.Typer(help="Read and check the ledger.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(log, name="log")
study = typer.Typer(help="Put claims to the test.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(study, name="study")
imitate = typer.Typer(help="Imitate an overseer: certificates, and peers.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(imitate, name="imitate")
world = typer.Typer(help="The levels: list, show, check.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(world, name="world")
app.add_typer(forecast, name="forecast")
app.add_typer(committee, name="committee")

Json = Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")]
MOST_SEED = 2**53 - 1
"""The greatest whole number that JSON holds exactly."""

Seed = Annotated[int, typer.Option(min=0, max=MOST_SEED, help="Decides everything that is random.")]
OnlySeed = Annotated[
    int | None, typer.Option("--seed", min=0, max=MOST_SEED, help="Only runs that were made with this seed.")
]
LedgerPath = Annotated[Path, typer.Option("--ledger", help="The ledger's file.")]
AnyRun = Annotated[str | None, typer.Argument(help="One run; all of them when left out.")]
RunName = Annotated[str, typer.Argument(help="The run's name on the ledger.")]
LevelName = Annotated[str, typer.Argument(help="A level's name, or the path of its file.")]
PeersWorld = Annotated[str, typer.Argument(metavar="WORLD", help="cliff, frozen-lake, twins or digits.")]
PeersSeeds = Annotated[int, typer.Option(min=1, help="How many seeds, one after the other.")]
PeersSteps = Annotated[int | None, typer.Option(min=1, help="Fewer rounds than the world has.")]
PeersMethods = Annotated[list[str] | None, typer.Option(help="Only this method, by its key; may be repeated.")]
PeersOut = Annotated[Path, typer.Option(help="Folder for tables and pictures, and for what is finished.")]
DEFAULT_LEDGER = Path("assent.db")


def _version(wanted: bool) -> bool:
    if wanted:
        import assent

        typer.echo(assent.__version__)
        raise typer.Exit
    return wanted


@app.callback()
def _common(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


@app.command()
def demo(
    seed: Seed = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many seeds the tables are over.")] = 20,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one for each core when left out.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the ledger and the report.")] = Path("assent-demo"),
    json: Json = False,
) -> None:
    """The main job on real input, beside its peers; checks its own claims and exits 1 if one fails."""
    from assent.cli.demo import demo as work

    work(seed=seed, seeds=seeds, workers=workers, out=out, json=json)


@app.command()
def run(
    what: Annotated[
        str,
        typer.Argument(
            metavar="PRESET|FILE.toml",
            help="digits, twins, treachery, cliff, frozen-lake, taxi, cart-pole, lava, pits, off-switch, or a configuration file.",
        ),
    ],
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=MOST_SEED, help="Decides everything that is random, together with the run's name."),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--run", help="The run's name; PRESET-SEED when left out, with a number if that is taken."),
    ] = None,
    ledger: Annotated[Path | None, typer.Option("--ledger", help="The ledger's file; assent.db when left out.")] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Stop after so many decisions.")] = None,
    committee: Annotated[
        str | None,
        typer.Option(
            help="digits: how its 17 members are made, tangent for instance; `assent committee ways` lists ways."
        ),
    ] = None,
    overseer_cost: Annotated[
        float | None, typer.Option(min=0, help="off-switch: what each step with the overseer costs.")
    ] = None,
    rate: Annotated[
        float | None, typer.Option(min=0, max=1, help="off-switch: chance of a correction in a step.")
    ] = None,
    eps: Annotated[
        float | None, typer.Option(min=0, max=1, help="off-switch: chance that a correction is wrong.")
    ] = None,
    believed_eps: Annotated[
        float | None, typer.Option(min=0, max=1, help="off-switch: the same, as the agent believes it to be.")
    ] = None,
    level: Annotated[str | None, typer.Option(help="off-switch: another level, or a .level.toml file.")] = None,
    draws: Annotated[
        int | None,
        typer.Option(min=1, help="off-switch: so many rewards are drawn from a prior that has no list of them."),
    ] = None,
    pace: Annotated[float, typer.Option(min=0, help="off-switch: seconds between steps on a terminal.")] = 0.4,
    json: Json = False,
) -> None:
    """Run an agent in a world, every decision on the ledger. Ctrl-C leaves a run that `assent resume` goes on with."""
    from assent.cli.runs import run as work

    terms = {
        "cost": overseer_cost,
        "rate": rate,
        "eps": eps,
        "believed_eps": believed_eps,
        "level": level,
        "draws": draws,
    }
    work(
        what,
        seed=seed,
        name=name,
        ledger=ledger,
        steps=steps,
        json=json,
        committee=committee,
        overseer=terms,
        pace=pace,
    )


@app.command()
def resume(name: RunName, ledger: LedgerPath = DEFAULT_LEDGER, seed: OnlySeed = None, json: Json = False) -> None:
    """Go on with a run that was broken off, as if it never had been."""
    from assent.cli.runs import resume as work

    work(name, ledger=ledger, seed=seed, json=json)


@app.command()
def replay(name: RunName, ledger: LedgerPath = DEFAULT_LEDGER, seed: OnlySeed = None, json: Json = False) -> None:
    """Derive every decision of a run again and report the first that differs; exits 1 if one does."""
    from assent.cli.replay import replay as work

    work(name, ledger=ledger, seed=seed, json=json)


@app.command()
def report(
    name: RunName,
    ledger: LedgerPath = DEFAULT_LEDGER,
    out: Annotated[Path | None, typer.Option(help="The page's file; RUN.html when left out.")] = None,
    seed: OnlySeed = None,
    json: Json = False,
) -> None:
    """Write the report of a run: one self-contained HTML page."""
    from assent.cli.runs import report as work

    work(name, ledger=ledger, out=out, seed=seed, json=json)


@app.command()
def play(
    level: LevelName,
    seed: Seed = 0,
    steps: Annotated[int, typer.Option(min=1, help="Stop after so many steps.")] = 100,
    json: Json = False,
) -> None:
    """Play a level by hand: arrow keys or WASD in a terminal, else an action's name on each line of standard input."""
    from assent.cli.play import play as work

    work(level, seed=seed, steps=steps, json=json)


@app.command()
def doctor(seed: Seed = 0, json: Json = False) -> None:
    """Check this installation: versions, SQLite, extras, and a short run of the whole loop."""
    from assent.cli.doctor import doctor as work

    work(seed=seed, json=json)


@app.command()
def oracle(
    level: Annotated[str, typer.Argument(metavar="LEVEL|FILE.toml", help="A level by its name, or one of your own.")],
    overseer_cost: Annotated[
        str | None, typer.Option("--overseer-cost", help="Cost of a step with the overseer.")
    ] = None,
    rate: Annotated[str | None, typer.Option("--rate", help="Chance of a correction in a step.")] = None,
    eps: Annotated[str | None, typer.Option("--eps", help="Chance of a wrong answer.")] = None,
    discount: Annotated[str | None, typer.Option("--discount", help="Discount of the world.")] = None,
    horizon: Annotated[
        int | None, typer.Option(min=1, help="Steps of the tree; as many as take about a second when left out.")
    ] = None,
    seed: Annotated[
        int, typer.Option(min=0, max=MOST_SEED, help="Kept in the launch record: nothing here is random.")
    ] = 0,
    json: Json = False,
) -> None:
    """Print exact values of a level, as fractions where they are rational: keep the overseer or not, and where that turns."""
    from assent.cli.oracle import oracle as work

    work(
        level,
        overseer_cost=overseer_cost,
        rate=rate,
        eps=eps,
        discount=discount,
        horizon=horizon,
        seed=seed,
        json=json,
    )


@log.command("verify")
def log_verify(
    name: AnyRun = None,
    ledger: LedgerPath = DEFAULT_LEDGER,
    seed: OnlySeed = None,
    json: Json = False,
) -> None:
    """Check the chain and every invariant; exits 1 if anything was altered."""
    from assent.cli.logs import verify as work

    work(name, ledger=ledger, seed=seed, json=json)


@log.command("head")
def log_head(
    name: AnyRun = None,
    ledger: LedgerPath = DEFAULT_LEDGER,
    seed: OnlySeed = None,
    json: Json = False,
) -> None:
    """Print where each chain ends. Keep it elsewhere: with it a cut tail or a rewritten file shows."""
    from assent.cli.logs import head as work

    work(name, ledger=ledger, seed=seed, json=json)


@log.command("show")
def log_show(
    name: RunName,
    ledger: LedgerPath = DEFAULT_LEDGER,
    since: Annotated[int, typer.Option(min=0, help="Only events after this number.")] = 0,
    kind: Annotated[list[str] | None, typer.Option(help="Only events of this kind; may be repeated.")] = None,
    most: Annotated[int, typer.Option(min=1, help="At most so many events.")] = 50,
    seed: OnlySeed = None,
    json: Json = False,
) -> None:
    """Print events of a run."""
    from assent.cli.logs import show as work

    work(name, ledger=ledger, since=since, kinds=kind, most=most, seed=seed, json=json)


@log.command("export")
def log_export(
    out: Annotated[Path, typer.Argument(help="The JSON lines file to write.")],
    name: Annotated[str | None, typer.Option("--run", help="One run; all of them when left out.")] = None,
    ledger: LedgerPath = DEFAULT_LEDGER,
    seed: OnlySeed = None,
    json: Json = False,
) -> None:
    """Write events as JSON lines, with their hashes: whoever has the file can check it without the ledger."""
    from assent.cli.logs import export as work

    work(out, name=name, ledger=ledger, seed=seed, json=json)


@study.command("list")
def study_list(json: Json = False) -> None:
    """Print every study with its claim, and the collections of them."""
    from assent.cli.study import study_list as work

    work(json=json)


@study.command("run")
def study_run(
    name: Annotated[str, typer.Argument(help="A study, or a collection of them; `assent study list` names them.")],
    quick: Annotated[bool, typer.Option("--quick", help="A small grid: rough figures in little time.")] = False,
    seed: Seed = 0,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Seeds for each cell; each study's own when left out.")
    ] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one for each core when left out.")] = None,
    backend: Annotated[
        str, typer.Option(help="serial, processes or ray: where the cells run. Changes no result.")
    ] = "processes",
    out: Annotated[Path, typer.Option(help="Folder for tables, pictures and pages.")] = Path("assent-studies"),
    json: Json = False,
) -> None:
    """Run a study or a collection: tables, pictures, one page. Ctrl-C stops it; the same command goes on where it was.

    A claim that fails is a finding and is reported as one; the command exits 0 when every verdict was reached.
    """
    from assent.cli.study import study_run as work

    work(name, quick=quick, seed=seed, seeds=seeds, workers=workers, backend=backend, out=out, json=json)


@imitate.command("bench")
def imitate_bench(
    world: PeersWorld,
    seed: Seed = 0,
    seeds: PeersSeeds = 20,
    steps: PeersSteps = None,
    method: PeersMethods = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one for each core when left out.")] = None,
    with_imitation: Annotated[
        bool,
        typer.Option(
            "--with-imitation", help="cliff, frozen-lake: also run the package imitation, in an environment of its own."
        ),
    ] = False,
    out: PeersOut = Path("assent-imitate"),
    json: Json = False,
) -> None:
    """Compare every method at the usual setting of its dial, on the same rounds: queries, failures, switches."""
    from assent.cli.imitate_bench import bench as work

    work(
        world,
        seed=seed,
        seeds=seeds,
        steps=steps,
        methods=method,
        workers=workers,
        out=out,
        with_imitation=with_imitation,
        json=json,
    )


@imitate.command("frontier")
def imitate_frontier(
    world: PeersWorld,
    seed: Seed = 0,
    seeds: PeersSeeds = 20,
    steps: PeersSteps = None,
    method: PeersMethods = None,
    workers: Annotated[int | None, typer.Option(min=1, help="Processes; one for each core when left out.")] = None,
    out: PeersOut = Path("assent-imitate"),
    json: Json = False,
) -> None:
    """Turn every method's dial and draw failures while learning against queries. Ctrl-C stops it; the same command goes on where it was."""
    from assent.cli.imitate_bench import frontier as work

    work(world, seed=seed, seeds=seeds, steps=steps, methods=method, workers=workers, out=out, json=json)


@imitate.command("certificate")
def imitate_certificate(
    name: RunName, ledger: LedgerPath = DEFAULT_LEDGER, seed: OnlySeed = None, json: Json = False
) -> None:
    """Print what a safety reviewer would sign or refuse of a run; exits 1 if nothing can be signed."""
    from assent.cli.certificate import certificate as work

    work(name, ledger=ledger, seed=seed, json=json)


@imitate.command("explain")
def imitate_explain(
    name: RunName,
    question: Annotated[str, typer.Argument(help="The question's id, or the number of its decision.")],
    ledger: LedgerPath = DEFAULT_LEDGER,
    seed: OnlySeed = None,
    json: Json = False,
) -> None:
    """Print why a question was asked: who keeps which action from being done alone, and what the answer taught."""
    from assent.cli.certificate import explain as work

    work(name, question, ledger=ledger, seed=seed, json=json)


@world.command("list")
def world_list(json: Json = False) -> None:
    """Print every level with its title."""
    from assent.cli.world import world_list as work

    work(json=json)


@world.command("show")
def world_show(
    level: LevelName,
    picture: Annotated[Path | None, typer.Option(help="Write a picture to this file, .png or .svg.")] = None,
    json: Json = False,
) -> None:
    """Print a level: its board, its overseer, its rewards."""
    from assent.cli.world import world_show as work

    work(level, picture=picture, json=json)


@world.command("check")
def world_check(
    levels: Annotated[
        list[str] | None, typer.Argument(help="Names or files; every level of the package when left out.")
    ] = None,
    json: Json = False,
) -> None:
    """Check level files, tables included; exits 1 if one cannot be right, and says why."""
    from assent.cli.world import world_check as work

    work(levels, json=json)
