"""assent forecast and what is under it: the options. Each command imports its work when it is called."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    Context = typer.Context
else:
    Context = typer.Context.__mro__[1]  # what Typer really passes

forecast = typer.Typer(
    help="How likely is what has never happened? Probabilities by date, and of a running agent's first unseen failure.",
    invoke_without_command=True,
    rich_markup_mode=None,
)

Json = Annotated[bool, typer.Option("--json", help="JSON lines on standard output.")]
LedgerPath = Annotated[Path, typer.Option("--ledger", help="The ledger's file.")]
RegistryPath = Annotated[Path, typer.Option("--file", help="The file of registered forecasts.")]
DEFAULT_REGISTRY = Path("forecasts.jsonl")
DEFAULT_LEDGER = Path("assent.db")


@forecast.callback()
def forecast_(
    context: Context,
    ftp: Annotated[
        str | None, typer.Option(help="First-trial probability, 1/300, or a distribution, '1/1000 to 1/100'.")
    ] = None,
    virtual_successes: Annotated[
        str | None, typer.Option("--virtual-successes", "--vs", help="How firmly it is believed; 1 when left out.")
    ] = None,
    start: Annotated[str | None, typer.Option(help="When trying began; 1956 when left out, and 0 for trials.")] = None,
    none_by: Annotated[
        str | None,
        typer.Option(
            help="By when nothing had happened; the start when left out. Several with commas give a conditional table. A year is its "
            "beginning."
        ),
    ] = None,
    by: Annotated[str | None, typer.Option(help="Target date or number of trials; several with commas.")] = None,
    trials: Annotated[
        str | None,
        typer.Option(
            help="What counts as trying: calendar (when left out), researcher-years, compute, lifetime, evolution, log-uniform, even, "
            "weighted-years, series, conjunctive, sequential, trials, impossible. `assent forecast ask defaults` lists their inputs."
        ),
    ] = None,
    growth: Annotated[str | None, typer.Option(help="researcher-years: growth a year, such as 11 %.")] = None,
    expected_growth: Annotated[
        str | None, typer.Option(help="researcher-years, compute: growth that the first-trial probability is for.")
    ] = None,
    importance: Annotated[
        str | None, typer.Option(help="compute: doublings of compute that one doubling of research is worth.")
    ] = None,
    spend: Annotated[str | None, typer.Option(help="compute: dollars for the largest run in 2036.")] = None,
    set: Annotated[
        list[str] | None,
        typer.Option("--set", help="Any other input of the kind, as name=value; may be repeated."),
    ] = None,
    preset: Annotated[str | None, typer.Option(help="The report's view: low, central or high.")] = None,
    rules: Annotated[Path | None, typer.Option(help="A rule file, FILE.toml, with several weighted rules.")] = None,
    convention: Annotated[
        str | None, typer.Option(help="bayes, or davidson2021 as in the report's published figures.")
    ] = None,
    draws: Annotated[
        int | None, typer.Option(min=100, help="Draws of uncertain inputs; 100,000 when left out.")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Of those draws; 0 when left out.")] = None,
    show: Annotated[
        str | None,
        typer.Option(help="More: cdf, conditional, weights, quantiles, spread, tornado, sobol; with commas."),
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="A folder for pictures of the forecast.")] = None,
    png: Annotated[bool, typer.Option("--png", help="Pictures as PNG too; needs assent[png].")] = False,
    register: Annotated[
        str | None, typer.Option(help="Write the forecast down under this question, to be resolved and scored.")
    ] = None,
    file: RegistryPath = DEFAULT_REGISTRY,
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values on standard output.")] = False,
    json: Json = False,
) -> None:
    """Print how likely something that has never happened is by a date, and why.

    For example: assent forecast --ftp 1/300 --start 1956 --none-by 2020 --by 2036
    """
    if context.invoked_subcommand is not None:
        given = ["--" + name.replace("_", "-") for name in context.params if _typed(context, name)]
        if given:
            raise typer.BadParameter(
                f"{', '.join(given)} came before {context.invoked_subcommand}; that command has options of its own, after its name."
            )
        return
    inputs = {
        "ftp": ftp,
        "virtual_successes": virtual_successes,
        "start": start,
        "growth": growth,
        "expected_growth": expected_growth,
        "importance": importance,
        "spend": spend,
    }
    asked = {
        "trials": trials,
        "preset": preset,
        "convention": convention,
        "none_by": none_by,
        "by": by,
        "draws": draws,
        "seed": seed,
    }
    if not any(_typed(context, name) for name in context.params):
        typer.echo(context.get_help())
        raise typer.Exit
    from assent.cli.forecasts import forecast as work

    work(
        {name: value for name, value in {**inputs, **asked}.items() if value is not None},
        more=set or [],
        rules=rules,
        show=show,
        pictures=pictures,
        png=png,
        register=register,
        file=file,
        csv=csv,
        json=json,
    )


def _typed(context: Context, name: str) -> bool:
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


@forecast.command("deployment")
def forecast_deployment(
    runs: Annotated[
        list[str], typer.Argument(metavar="RUN…", help="Runs on the ledger; the last is the one that runs now.")
    ],
    ledger: LedgerPath = DEFAULT_LEDGER,
    ahead: Annotated[int, typer.Option(min=1, help="How many unsupervised decisions the forecast is for.")] = 1000,
    ftp: Annotated[
        str, typer.Option(help="Chance that the first decision fails, fixed before the deployment.")
    ] = "1/1000",
    source: Annotated[str, typer.Option(help="Where that is from; printed beside it.")] = "",
    virtual_successes: Annotated[
        str, typer.Option("--virtual-successes", "--vs", help="How firmly it is believed.")
    ] = "1",
    detection: Annotated[str, typer.Option(help="Chance that a failure was noticed.")] = "1",
    watched: Annotated[
        bool, typer.Option("--watched", help="Somebody watched every decision and would have corrected a failure.")
    ] = False,
    carry: Annotated[
        list[str] | None,
        typer.Option(help="Share that decisions of earlier models count with: 0.5, or RUN=0.5; may be repeated."),
    ] = None,
    cluster: Annotated[str, typer.Option(help="Decisions that come together.")] = "1",
    correlation: Annotated[str, typer.Option(help="Between decisions of a cluster.")] = "0",
    delta: Annotated[float, typer.Option(min=0, help="Risk that a guarantee is wrong.")] = 0.05,
    theta: Annotated[float, typer.Option(min=0, help="Probability given beforehand to never failing.")] = 0.5,
    target: Annotated[float, typer.Option(min=0, help="Wanted chance of a failure in the decisions ahead.")] = 0.01,
    headline: Annotated[str, typer.Option(help="The method that counts, fixed before.")] = "semi-informative",
    forbidden: Annotated[
        int | None, typer.Option(min=0, help="An action that must never be done, for the Gumbel tail.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="A folder for pictures.")] = None,
    png: Annotated[bool, typer.Option("--png", help="Pictures as PNG too; needs assent[png].")] = False,
    register: Annotated[
        bool,
        typer.Option(
            "--register",
            help="Write down the rows of beliefs, which give a probability, to be resolved from the ledger.",
        ),
    ] = False,
    file: RegistryPath = DEFAULT_REGISTRY,
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values on standard output.")] = False,
    json: Json = False,
) -> None:
    """Forecast the first failure that nobody has seen, from a run's own ledger: eight methods, each with what it promises."""
    from assent.cli.forecast_deployment import deployment as work

    work(
        runs,
        ledger=ledger,
        settings={
            "ahead": float(ahead),
            "ftp": ftp,
            "source": source,
            "virtual_successes": virtual_successes,
            "delta": delta,
            "theta": theta,
            "target": target,
            "headline": headline,
            "forbidden": forbidden,
        },
        evidence={"detection": detection, "cluster": cluster, "correlation": correlation},
        carry=carry or [],
        watched=watched,
        pictures=pictures,
        png=png,
        register=register,
        file=file,
        csv=csv,
        json=json,
    )


@forecast.command("resolve")
def forecast_resolve(
    number: Annotated[int | None, typer.Argument(help="The forecast's number; left out with --ledger.")] = None,
    outcome: Annotated[str | None, typer.Argument(help="yes, no or ambiguous.")] = None,
    note: Annotated[str, typer.Option(help="How it is known.")] = "",
    ledger: Annotated[
        Path | None, typer.Option(help="Resolve every open forecast about a run from this ledger.")
    ] = None,
    file: RegistryPath = DEFAULT_REGISTRY,
    json: Json = False,
) -> None:
    """Write down what came of a registered forecast."""
    from assent.cli.forecast_deployment import resolve as work

    work(number, outcome, note=note, ledger=ledger, file=file, json=json)


@forecast.command("score")
def forecast_score(
    file: Annotated[Path, typer.Argument(help="The file of registered forecasts.")] = DEFAULT_REGISTRY,
    head: Annotated[
        str | None, typer.Option(help="A last hash that was kept elsewhere; it has to be that of some line.")
    ] = None,
    pictures: Annotated[Path | None, typer.Option(help="A folder for the calibration diagram.")] = None,
    png: Annotated[bool, typer.Option("--png", help="Pictures as PNG too; needs assent[png].")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values on standard output.")] = False,
    json: Json = False,
) -> None:
    """Print how good the registered forecasts were: Brier, log, baseline and peer scores, and calibration."""
    from assent.cli.forecast_deployment import score as work

    work(file, head=head, pictures=pictures, png=png, csv=csv, json=json)


@forecast.command("reproduce")
def forecast_reproduce(
    what: Annotated[str, typer.Argument(help="davidson2021.")],
    csv: Annotated[bool, typer.Option("--csv", help="Comma-separated values on standard output.")] = False,
    json: Json = False,
) -> None:
    """Compute the report's tables and compare them cell by cell; exits 1 if a cell differs without a known reason."""
    from assent.cli.forecasts import reproduce as work

    work(what, csv=csv, json=json)


@forecast.command("calculate")
def forecast_calculate(
    formula: Annotated[
        str | None, typer.Argument(help="One of the formulas; all of them are listed when left out.")
    ] = None,
    inputs: Annotated[list[str] | None, typer.Argument(help="Its inputs, as name=value.")] = None,
    json: Json = False,
) -> None:
    """Evaluate one formula: bounds, clean decisions needed, unseen kinds, tails, scores."""
    from assent.cli.forecasts import calculate as work

    work(formula, inputs or [], json=json)


@forecast.command("elicit")
def forecast_elicit(
    judgements: Annotated[list[str], typer.Argument(help="One or two of trials:probability, such as 100:25%.")],
    virtual_successes: Annotated[
        str | None, typer.Option("--virtual-successes", "--vs", help="With one judgement; 1 when left out.")
    ] = None,
    json: Json = False,
) -> None:
    """Turn one or two judgements into a first-trial probability, or say why none has them."""
    from assent.cli.forecasts import elicit as work

    work(judgements, virtual_successes=virtual_successes, json=json)


@forecast.command("explain")
def forecast_explain(
    word: Annotated[str | None, typer.Argument(help="A word; all of them are listed when left out.")] = None,
    json: Json = False,
) -> None:
    """Print what a word means, and where it is from."""
    from assent.cli.forecasts import explain as work

    work(word, json=json)


@forecast.command("ask")
def forecast_ask(
    address: Annotated[str, typer.Argument(help="Such as 'forecast?ftp=1/300&none_by=2020&by=2036'.")],
    json: Json = False,
) -> None:
    """Print the JSON answer of an address: the same bytes for the same address, wherever it is asked."""
    from assent.cli.forecasts import ask as work

    work(address, json=json)
