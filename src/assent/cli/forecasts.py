"""forecast, forecast reproduce, calculate, elicit, explain, ask."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from assent.cli.forecast_output import must_have_folder, registry_errors, write_csv
from assent.cli.output import FAILED, OK, USAGE, Output, errors_end, visible
from assent.forecast import answers
from assent.forecast.asked import OWN
from assent.forecast.exact import percent, rational, short
from assent.forecast.explaining import explain as sentences
from assent.forecast.explaining import words


def forecast(
    inputs: dict[str, Any],
    *,
    more: Sequence[str],
    rules: Path | None,
    show: str | None,
    pictures: Path | None,
    png: bool,
    register: str | None,
    file: Path,
    csv: bool,
    json: bool,
) -> None:
    """`assent forecast`."""
    output = Output("forecast", as_json=json, as_csv=csv, inputs=inputs)
    with errors_end(output), registry_errors(output):
        must_have_folder(pictures, png=png)
        asked = {**inputs, **_named(more, known=inputs)}
        own = [name for name in asked if name in OWN and name not in inputs]
        if own:
            raise ValueError(f"--set {own[0]} is no input of a kind of rule; give it as --{own[0].replace('_', '-')}.")
        if rules is not None:
            asked["rules"] = _rule_file(rules)
        wanted = [part.strip() for part in (show or "").split(",") if part.strip()]
        several = "," in str(asked.get("none_by", ""))
        extra = ["conditional"] if several and "conditional" not in wanted else []
        asked["show"] = ",".join(["why", *(part for part in [*wanted, *extra] if part != "why")])
        address = answers.link("forecast", asked)
        found = answers.answer(address)
        if csv:
            write_csv(_rows(found))
        elif not json:
            _say(output, found)
            if (
                "none_by" not in asked
                and asked.get("trials", "calendar") != "trials"
                and not {"preset", "rules"} & set(asked)
            ):
                output.plain(
                    f"\nNothing was said of how long it has not happened: this is the answer of {_time(found['forecasts'][0]['none_by'])}. "
                    "Give --none-by, the date until which it is known not to have happened."
                )
        made = _pictures(found, asked, pictures, png=png)
        for path in made:
            output.plain(f"Picture {path}")
        if register is not None:
            _register(output, found, register, file)
        if json:
            output.record("forecast", **answers.plain(found))
        output.done(OK, forecasts=len(found["forecasts"]), pictures=[str(path) for path in made])


def _rule_file(path: Path) -> str:
    """Its text; a mark of the byte order before it is no part of it."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"The rule file {path} is not text in UTF-8 ({error}); save it as that.") from error


def _named(pairs: Sequence[str], *, known: Mapping[str, Any]) -> dict[str, str]:
    """`name=value` of each."""
    found: dict[str, str] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        name = name.strip().replace("-", "_")
        if not (name and equals):
            raise ValueError(f"{pair!r} is no input; give name=value, such as n=1000.")
        if name in found or name in known:
            raise ValueError(f"{name} was given twice; give it once.")
        found[name] = value.strip()
    return found


def _say(output: Output, found: Mapping[str, Any]) -> None:
    forecasts = found["forecasts"]
    if len(forecasts) == 1:
        one = forecasts[0]
        output.plain(
            f"{one['percent']}{_fraction(one)}  by {_time(one['by'])}, given none by {_time(one['none_by'])}\n"
        )
        for sentence in one["why"]:
            output.plain(f"  {sentence}")
        output.plain("\nRests on:")
        for sentence in one["assumptions"]:
            output.plain(f"  - {sentence}")
    elif "conditional" not in found:
        table = _table(output, f"Given none by {_time(forecasts[0]['none_by'])}", "by", "probability", "")
        for one in forecasts:
            table.add_row(_time(one["by"]), one["percent"], one["fraction"] or "")
        output.say(table)
        output.plain(f"\nWhy, for {_time(forecasts[-1]['by'])}:")
        for sentence in forecasts[-1]["why"]:
            output.plain(f"  {sentence}")
        output.plain("\nRests on:")
        for sentence in forecasts[-1]["assumptions"]:
            output.plain(f"  - {sentence}")
    for part, say in _SAYS.items():
        if part in found:
            say(output, found[part])
    output.plain(
        f"\nNumbers of the report: {found['data']['name']} {found['data']['version']}, sha256 {found['data']['sha256'][:12]}…"
    )
    output.plain(f"This forecast again: assent forecast ask '{found['address']}'")


def _table(output: Output, title: str, *columns: str) -> Table:
    """A table under its title, which is printed at once: a title of Rich's own breaks at the table's width."""
    output.plain(title)
    return Table(*columns, box=None)


def _fraction(one: Mapping[str, Any]) -> str:
    return f" (= {one['fraction']})" if one["fraction"] else ""


def _time(value: float) -> str:
    return f"{value:.10g}" if abs(value) < 1e6 else f"{value:,.0f}"


def _say_conditional(output: Output, part: Mapping[str, Any]) -> None:
    table = _table(
        output,
        "\nProbability by, given none by",
    )
    table.add_column("none by")
    for target in part["by"]:
        table.add_column(_time(target), justify="right")
    for date, row in zip(part["none_by"], part["probability"], strict=True):
        table.add_row(_time(date), *("" if value is None else percent(value) for value in row))
    output.say(table)


def _say_cdf(output: Output, part: Mapping[str, Any]) -> None:
    table = _table(output, "\nProbability by time", "by", "probability")
    pairs = list(zip(part["times"], part["probability"], strict=True))
    for time, probability in pairs[:: max(1, len(pairs) // 20)]:
        table.add_row(_time(time), percent(probability))
    output.say(table)


def _say_weights(output: Output, part: Mapping[str, Any]) -> None:
    table = _table(
        output,
        "\nWeights",
        "rule",
        "at the start",
        f"none by {_time(part['times'][0])}",
        f"none by {_time(part['times'][-1])}",
    )
    for name, row in part["weights"].items():
        table.add_row(visible(name), percent(part["start"][name]), percent(row[0]), percent(row[-1]))
    output.say(table)


def _say_quantiles(output: Output, part: Mapping[str, Any]) -> None:
    table = _table(output, f"\nWhen, given none by {_time(part['none_by'])}", "with probability", "by")
    for share, time in part["times"].items():
        table.add_row(percent(float(share)), "never, within 1e12" if time == float("inf") else _time(round(time, 1)))
    output.say(table)


def _say_spread(output: Output, part: Mapping[str, Any]) -> None:
    low, middle, high = (percent(value) for value in part["band"])
    output.plain(
        f"\nSpread by {_time(part['by'])}: {percent(part['probability'])}; 5 %, 50 %, 95 % of the rules' answers: {low}, {middle}, {high}."
    )
    output.plain(f"Without weights the mean would be {percent(part['plain'])}: not the forecast.")


def _say_tornado(output: Output, part: Mapping[str, Any]) -> None:
    table = _table(
        output,
        f"\nOne input at a time, others at their medians ({percent(part['base'])})",
        "input",
        "from",
        "to",
        "answer from",
        "to",
    )
    for one in part["inputs"]:
        table.add_row(one["name"], one["low"], one["high"], percent(one["at_low"]), percent(one["at_high"]))
    output.say(table)


def _say_sobol(output: Output, part: Mapping[str, Any]) -> None:
    table = _table(output, "\nShare of the variance that each input explains", "input", "alone", "with interactions")
    for one in part["inputs"]:
        first, total = one["error"]
        table.add_row(one["name"], f"{one['first']:.3f} ± {first:.3f}", f"{one['total']:.3f} ± {total:.3f}")
    output.say(table)


_SAYS = {
    "conditional": _say_conditional,
    "cdf": _say_cdf,
    "weights": _say_weights,
    "quantiles": _say_quantiles,
    "spread": _say_spread,
    "tornado": _say_tornado,
    "sobol": _say_sobol,
}


def _rows(found: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row for each forecast, and rows for every part that was asked for."""
    columns = ("none_by", "by", "probability", "log_survival", "fraction", "method")
    rows = [{"part": "forecast", **{name: one[name] for name in columns}} for one in found["forecasts"]]
    since = found["forecasts"][0]["none_by"]
    for part, tell in _TOLD.items():
        if part in found:
            rows += [{"part": part, **row} for row in tell(found[part], since)]
    return rows


def _cdf_rows(part: Mapping[str, Any], since: float) -> list[dict[str, Any]]:
    curves = {"": part["probability"], **part.get("rules", {})}
    return [
        {"rule": rule, "none_by": since, "by": time, "probability": value}
        for rule, values in curves.items()
        for time, value in zip(part["times"], values, strict=True)
    ]


def _conditional_rows(part: Mapping[str, Any], since: float) -> list[dict[str, Any]]:
    return [
        {"none_by": date, "by": time, "probability": value}
        for date, line in zip(part["none_by"], part["probability"], strict=True)
        for time, value in zip(part["by"], line, strict=True)
    ]


def _weight_rows(part: Mapping[str, Any], since: float) -> list[dict[str, Any]]:
    return [
        {"rule": rule, "none_by": time, "weight": value}
        for rule, values in part["weights"].items()
        for time, value in zip(part["times"], values, strict=True)
    ]


def _quantile_rows(part: Mapping[str, Any], since: float) -> list[dict[str, Any]]:
    return [{"none_by": since, "probability": share, "by": time} for share, time in part["times"].items()]


def _spread_rows(part: Mapping[str, Any], since: float) -> list[dict[str, Any]]:
    low, middle, high = part["band"]
    plain = {name: value for name, value in part.items() if not isinstance(value, tuple)}
    return [{**plain, "low": low, "median": middle, "high": high}]


def _input_rows(part: Mapping[str, Any], since: float) -> list[dict[str, Any]]:
    return [
        {"input": one["name"], **{key: one[key] for key in one if key not in ("name", "error")}}
        for one in part["inputs"]
    ]


_TOLD = {
    "cdf": _cdf_rows,
    "conditional": _conditional_rows,
    "weights": _weight_rows,
    "quantiles": _quantile_rows,
    "spread": _spread_rows,
    "tornado": _input_rows,
    "sobol": _input_rows,
}


def _pictures(found: Mapping[str, Any], asked: Mapping[str, Any], folder: Path | None, *, png: bool) -> list[Path]:
    if folder is None:
        return []
    from assent.cli.forecast_pictures import of_forecast

    return of_forecast(asked, folder, png=png)


def _register(output: Output, found: Mapping[str, Any], question: str, file: Path) -> None:
    from assent.forecast.registry import Registry

    if len(found["forecasts"]) > 1:
        raise ValueError(
            f"There are {len(found['forecasts'])} forecasts; register one at a time, with one target and one evidence date."
        )
    one = found["forecasts"][0]
    number = Registry(file).register(question, one["probability"], method=one["method"], inputs=found["address"])
    output.plain(
        f"Registered as forecast {number} in {file}. Later: assent forecast resolve {number} yes|no|ambiguous --file {file}"
    )


def reproduce(what: str, *, csv: bool, json: bool) -> None:
    """`assent forecast reproduce`."""
    output = Output("forecast reproduce", as_json=json, as_csv=csv, what=what)
    if what != "davidson2021":
        output.fail(USAGE, f"there is nothing to reproduce called {what!r}; give davidson2021.")
    from assent.forecast.reproduce import cells, summary

    with errors_end(output):
        found = cells()
        if csv:
            write_csv([{name: getattr(cell, name) for name in cell.__dataclass_fields__} for cell in found])
        elif not json:
            _say_cells(output, found)
        for cell in found if json else ():
            output.record("cell", **{name: getattr(cell, name) for name in cell.__dataclass_fields__})
        unexplained = [cell for cell in found if not cell.agrees and not cell.reason]
        if not csv:
            output.plain(f"\n{summary(found)}")
        output.done(
            FAILED if unexplained else OK,
            cells=len(found),
            agree=sum(cell.agrees for cell in found),
            summary=summary(found),
        )


def _say_cells(output: Output, cells: Sequence[Any]) -> None:
    """Every table of the report, with a number at each cell that differs; the reasons under those numbers at the end."""
    title, differ = None, [cell for cell in cells if not cell.agrees]
    table = Table()
    for cell in cells:
        if (cell.section, cell.table) != title:
            if title is not None:
                output.say(table)
            title = (cell.section, cell.table)
            table = _table(
                output, "\n" + visible(f"{cell.section}  {cell.table}"), "row", "column", "printed", "computed", ""
            )
        value = "" if cell.value is None else f"{cell.value:.6g}"
        mark = "" if cell.agrees else f"differs [{differ.index(cell) + 1}]"
        table.add_row(visible(str(cell.row)), visible(str(cell.column)), cell.printed, value, mark)
    output.say(table)
    output.plain("\nWhat differs, and why, as far as it is known:")
    for number, cell in enumerate(differ, 1):
        computed = "not computed" if cell.value is None else f"computed {cell.value:.6g}"
        counted = "" if cell.counted else " (not among the 256)"
        where = visible(f"{cell.section}, {cell.row}, {cell.column}")
        output.plain(f"  {number}. {where}: printed {cell.printed}, {computed}{counted}. {visible(cell.reason)}")


def calculate(formula: str | None, inputs: Sequence[str], *, json: bool) -> None:
    """`assent forecast calculate`."""
    output = Output("forecast calculate", as_json=json, formula=formula, inputs=list(inputs))
    with errors_end(output):
        if formula is None:
            _say_formulas(output)
            output.done(OK)
        found = answers.answer(answers.link(f"calculate/{formula}", _named(inputs, known={})))
        for name, value in found["result"].items():
            output.plain(f"{name:14} {value if not isinstance(value, float) else f'{value:.10g}'}")
        output.record("result", **answers.plain(found))
        output.done(OK)


def _say_formulas(output: Output) -> None:
    table = Table("formula", "inputs", "what it gives", box=None)
    for name, one in answers.defaults()["formulas"].items():
        listed = ", ".join(key if default == "needed" else f"[{key}]" for key, default in one["inputs"].items())
        table.add_row(name, listed, one["about"])
        output.record("formula", name=name, **answers.plain(one))
    output.say(table)


def elicit(judgements: Sequence[str], *, virtual_successes: str | None, json: bool) -> None:
    """`assent forecast elicit`."""
    output = Output("forecast elicit", as_json=json, judgements=list(judgements))
    with errors_end(output):
        given = {"judgements": ",".join(judgements)} | (
            {} if virtual_successes is None else {"virtual_successes": virtual_successes}
        )
        found = answers.answer(answers.link("calculate/elicit", given))["result"]
        ftp = found["fraction"] or f"{found['ftp']:.6g}"
        output.plain(
            f"First-trial probability {ftp} (1 in {short(1 / found['ftp'])}), virtual successes {short(found['virtual_successes'])} "
            f"({short(found['beta'])} virtual failures)."
        )
        output.plain(f"So: assent forecast --ftp {ftp} --vs {float(rational('vs', found['virtual_successes'])):.6g} …")
        output.record("prior", **answers.plain(found))
        output.done(OK)


def explain(word: str | None, *, json: bool) -> None:
    """`assent forecast explain`."""
    output = Output("forecast explain", as_json=json, word=word)
    with errors_end(output):
        if word is None:
            output.plain("Words: " + ", ".join(words()))
            output.done(OK, words=list(words()))
        found = sentences(word)
        for sentence in found:
            output.plain(sentence)
        output.done(OK, sentences=list(found))


def ask(address: str, *, json: bool) -> None:
    """`assent forecast ask`: the bytes, and a line end; with --json the same as a record."""
    if json:
        output = Output("forecast ask", as_json=True, address=address)
        with errors_end(output):
            output.record("answer", answer=answers.plain(answers.answer(address)))
            output.done(OK)
    status, content = answers.respond(address)
    sys.stdout.buffer.write(content + b"\n")
    sys.stdout.buffer.flush()
    raise typer.Exit(OK if status == 200 else USAGE)
