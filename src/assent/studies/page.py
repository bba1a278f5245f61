"""Draws a study, or a collection of them, as one self-contained HTML page: no scripts, no addresses, light and dark."""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Mapping, Sequence

from markupsafe import Markup

from assent.report.figures import STYLE
from assent.report.figures.alone import report_style
from assent.report.palette import css
from assent.report.svg import Child, tag
from assent.report.text import clean, count, duration, plural
from assent.studies.runner import Outcome
from assent.studies.study import NARROW, WIDE, Collection, Figure, Finding

_STYLE = """
.verdict{border-left:5px solid var(--answer);background:var(--panel);border-radius:0 10px 10px 0;padding:12px 18px;margin:14px 0 0}
.verdict.fails{border-left-color:var(--bad)}
.verdict p{max-width:none;margin:0}
.verdict .word{font-weight:700;color:var(--answer)}
.verdict.fails .word{color:var(--bad)}
.exact{color:var(--muted);font-size:15px;margin-top:6px !important}
.advice{margin-top:16px}
.answer{font-size:19px;line-height:1.55}
.toc td:first-child{white-space:nowrap}
h3.study{font-size:21px;margin-top:44px}
section>p.about{max-width:none;color:var(--muted)}
"""

SYMBOLS = {
    "gamma": "how much the next step counts against this one, between 0 and 1",
    "lambda": "the chance that the overseer speaks in a step",
    "eps": "how often she is wrong",
    "eps^": "how often the agent believes her to be wrong",
    "c": "what a step with the overseer there costs",
    "c*": "the cost above which the agent disables her",
    "n": "how many doors there are, unless the claim counts something else by it",
    "k": "how many answers more spoke for one door than for the other",
    "K": "the k at which the agent stops listening",
    "U": "what acting is truly worth",
    "mu": "the mean of the belief about U",
    "sigma": "how wide that belief is",
    "beta": "how well she tells good from bad: the greater, the better",
}
"""What the letters in claims and figures stand for."""


def glossary(texts: Sequence[str]) -> str:
    """What the letters in some texts stand for, in one line; nothing where there are none.

    >>> glossary(["It keeps her up to c*.", "K does not matter."])
    'c* is the cost above which the agent disables her; K is the k at which the agent stops listening.'
    >>> glossary(["4k items of mnist-4k"])
    ''
    """
    words = {word for text in texts for word in re.findall(r"(?<!\w)[A-Za-z][\w^*]*", text)}
    said = [f"{letter} is {meaning}" for letter, meaning in SYMBOLS.items() if letter in words]
    return f"{'; '.join(said)}." if said else ""


def study_page(outcome: Outcome) -> str:
    """The page of one study."""
    study = outcome.study
    body = [
        _header("assent · study", study.title, _run_words([outcome])),
        tag(
            "main",
            tag("section", *_study_parts(outcome, heading="h2"), *_letters([outcome]), *_facts(outcome)),
            _notes([outcome], study.name),
        ),
    ]
    return _document(study.title, body)


def collection_page(collection: Collection, outcomes: Mapping[str, Outcome]) -> str:
    """The page of a collection: the answer first, then every study with its picture, then what was run."""
    headline, sentences = collection.answer({name: _finding(outcome) for name, outcome in outcomes.items()})
    done = [outcomes[study.name] for study in collection.studies if study.name in outcomes]
    lead = tag(
        "section",
        tag("p", _long(headline), class_="lead"),
        *(tag("p", _long(text), class_="more") for text in collection.about),
        tag("h2", "The answer", class_="sub"),
        *(tag("p", _long(text), class_="answer") for text in sentences),
        *_letters(done),
        aria_label="In plain words",
    )
    parts = [
        tag(
            "section",
            tag("h2", part.heading),
            tag("p", _long(part.about), class_="about"),
            *(
                child
                for study in part.studies
                if study.name in outcomes
                for child in _study_parts(outcomes[study.name], heading="h3")
            ),
        )
        for part in collection.parts
    ]
    body = [
        _header("assent · studies", collection.question, _run_words(done)),
        tag("main", lead, *parts, _overview(done), _notes(done, collection.name)),
    ]
    return _document(collection.question, body)


def _finding(outcome: Outcome) -> Finding:
    return Finding(outcome.verdict.holds, outcome.score)


def _letters(outcomes: Sequence[Outcome]) -> list[Child]:
    """What the letters stand for that the claims and exact figures of some studies use."""
    said = glossary([text for outcome in outcomes for text in (outcome.study.claim, outcome.verdict.figure)])
    return [tag("p", tag("b", "Letters. "), _long(said), class_="say")] if said else []


def _header(over: str, title: str, meta: str) -> Markup:
    return tag("header", tag("p", over, class_="over"), tag("h1", _long(title)), tag("p", meta, class_="meta"))


def _study_parts(outcome: Outcome, *, heading: str) -> list[Child]:
    """Question, what was seen in plain words, the claim and its figures, pictures and advice of one study."""
    study, verdict = outcome.study, outcome.verdict
    parts: list[Child] = []
    if heading == "h3":
        parts.append(tag("h3", _long(study.title), class_="study", id=study.name))
    parts += [
        tag(
            "div",
            tag("p", tag("span", "Holds. " if verdict.holds else "Fails. ", class_="word"), _long(verdict.sentence)),
            tag("p", tag("b", "Exactly, the claim: "), _long(study.claim), class_="exact"),
            tag("p", tag("b", "Measured: "), _long(verdict.figure), class_="exact"),
            class_="verdict" if verdict.holds else "verdict fails",
        ),
    ]
    parts += [_drawn(figure, f"{study.name}-{figure.name}") for figure in study.figures(outcome.rows)]
    parts.append(tag("p", tag("b", "For a designer. "), _long(study.advice), class_="advice"))
    return parts


def _drawn(figure: Figure, name: str) -> Markup:
    wide, narrow = figure.draw(WIDE, f"{name}-wide"), figure.draw(NARROW, f"{name}-narrow")
    both = (tag("div", wide, class_="wide"), tag("div", narrow, class_="narrow"))
    return tag("figure", *both, tag("figcaption", _long(figure.caption)))


def _facts(outcome: Outcome) -> list[Child]:
    """Source, yardstick and every number of the score, as a table."""
    facts = [("source", outcome.study.source), ("yardstick", outcome.study.yardstick)]
    facts += [(name.replace("_", " "), _number(value)) for name, value in outcome.score.items()]
    rows = [tag("tr", tag("th", name, scope="row"), tag("td", _long(value))) for name, value in facts]
    return [tag("h2", "What it rests on", class_="sub"), tag("table", tag("tbody", *rows), class_="facts")]


def _overview(outcomes: Sequence[Outcome]) -> Markup:
    head = tag("tr", *(tag("th", words) for words in ("study", "claim", "exact figures", "source")))
    rows = [
        tag(
            "tr",
            tag("td", tag("a", outcome.study.name, href=f"#{outcome.study.name}")),
            tag("td", "holds" if outcome.verdict.holds else "fails"),
            tag("td", _long(outcome.verdict.figure)),
            tag("td", _long(outcome.study.source)),
        )
        for outcome in outcomes
    ]
    table = tag("table", tag("thead", head), tag("tbody", *rows), class_="toc")
    return tag("section", tag("h2", "Every verdict in one table"), tag("div", table, class_="scroll", tabindex="0"))


def _notes(outcomes: Sequence[Outcome], name: str) -> Markup:
    """How to get the same figures again."""
    first = outcomes[0]
    words = ["assent", "study", "run", name, "--seed", str(first.seed), *(["--quick"] if first.quick else [])]
    if any(outcome.seeds != outcome.study.seeds for outcome in outcomes):
        words += ["--seeds", str(first.seeds)]
    tests = [tag("li", tag("b", f"{o.study.name}: "), _long(o.study.yardstick)) for o in outcomes]
    return tag(
        "section",
        tag("h2", "How to check this"),
        tag("p", "The same command gives the same figures, whatever the machine and the number of processes:"),
        tag("p", tag("code", shlex.join(words), class_="hash")),
        tag("p", "What each study measures, and what would have shown its claim wrong:"),
        tag("ul", *tests),
        tag("p", f"Work: {duration(sum(o.seconds for o in outcomes))} of one core.", class_="say"),
    )


def _run_words(outcomes: Sequence[Outcome]) -> str:
    rows, cells = sum(len(o.rows) for o in outcomes), sum(o.cells for o in outcomes)
    held = sum(o.verdict.holds for o in outcomes)
    small = " · the small grid of --quick: figures are rough" if outcomes[0].quick else ""
    studies = f"{held} of {plural(len(outcomes), 'claim')} held" if len(outcomes) > 1 else "one claim"
    return f"{studies} · {plural(cells, 'cell')} · {count(rows)} rows · seed {outcomes[0].seed}{small}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) < 1e15 else f"{value:.6g}"


def _long(value: str) -> Markup:
    """A sentence of our own, escaped; longer than what the report cuts."""
    return Markup.escape(clean(value, limit=4000))


def _document(title: str, body: Sequence[Markup]) -> str:
    style = css() + report_style() + STYLE + _STYLE
    digest = base64.b64encode(hashlib.sha256(style.encode("utf-8")).digest()).decode("ascii")
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    head = tag(
        "head",
        Markup('<meta charset="utf-8"/>'),
        Markup('<meta http-equiv="Content-Security-Policy" content="{}"/>').format(Markup(policy)),
        Markup('<meta name="viewport" content="width=device-width, initial-scale=1"/>'),
        Markup('<meta name="referrer" content="no-referrer"/><meta name="color-scheme" content="light dark"/>'),
        tag("title", _long(title)),
        Markup('<link rel="icon" href="data:,"/>'),
        Markup(f"<style>{style}</style>"),
    )
    return f"<!doctype html>\n{tag('html', head, tag('body', *body), lang='en')}\n"
