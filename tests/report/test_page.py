"""Laws of the page: any events give a well-formed, self-contained, deterministic page without foreign markup."""

import base64
import hashlib
import re
from collections import Counter
from importlib import resources
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assent.report import render, summarise, write
from tests.report.make_events import from_bodies, make_run, opening
from tests.report.reading import BODIES, NASTY, figures, parse, runs, visible

FORBIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
ORDER = [
    "headline",
    "asks",
    "errors",
    "dissent",
    "mass",
    "committee",
    "questions",
    "corrections",
    "refused",
    "configuration",
    "chain",
]


def page_of(bodies: list[tuple[str, dict[str, Any]]], *, actor: str = "agent") -> str:
    return render(summarise(from_bodies(bodies, actor=actor)))


@pytest.fixture(scope="module")
def made_up() -> str:
    return render(summarise(make_run(decisions=400)))


@settings(max_examples=40)
@given(runs, st.sampled_from(NASTY))
@pytest.mark.slow
def test_any_events_give_a_harmless_page(bodies: list[tuple[str, dict[str, Any]]], actor: str) -> None:
    page = page_of(bodies, actor=actor)
    tree = parse(page)
    assert not FORBIDDEN.search(page)
    assert_self_contained(tree)
    kinds = Counter(kind for kind, _ in bodies)
    shown = figures(tree)
    assert shown["decisions"] == str(kinds["act"] + kinds["ask"])
    assert (shown["acts"], shown["asks"]) == (str(kinds["act"]), str(kinds["ask"]))
    assert shown["alarms"] == str(kinds["alarm"])
    assert shown.get("corrections", "0") == str(kinds["volunteer"])
    assert shown.get("refusals", "0") == str(kinds["refuse"])


def assert_self_contained(tree: ElementTree.Element) -> None:
    """No script, no fetch, no handler: only the empty icon and patterns inside the same drawing are referred to."""
    ids: set[str] = set()
    for element in tree.iter():
        assert element.tag not in {"script", "iframe", "object", "embed", "img", "image", "use", "foreignObject", "a"}
        assert element.tag != "form"
        for name, value in element.attrib.items():
            assert not name.startswith("on")
            assert name != "style"
            assert name not in {"src", "srcset", "action"}
            if name in {"href", "xlink:href"}:
                assert value == "data:,"
            if "url(" in value:
                assert re.fullmatch(r"url\(#[a-z0-9-]+\)", value)
            if name == "id":
                assert value not in ids
                ids.add(value)


@pytest.mark.parametrize("nasty", NASTY)
def test_agent_text_stays_text_wherever_it_stands(nasty: str) -> None:
    fields = ["reason", "question", "note", "name", "why", "version", "obs", "actor"]
    filled: dict[str, Any] = dict.fromkeys(fields, nasty) | {"detail": {nasty: nasty}}
    filled |= {"agent": {"rule": nasty, "grade": nasty, "members": [nasty], nasty: nasty}, "config": {nasty: [nasty]}}
    filled |= {"environment": {nasty: nasty}, "view": {"labels": [nasty]}}
    filled["dossier"] = {"members": [nasty], "rows": [[0.5, 0.5]], "weights": [1.0], "leading": [True], "dissent": [0]}
    page = page_of([(kind, filled) for kind in ("open", "ask", *sorted(BODIES))], actor=nasty)
    tree = parse(page)
    assert_self_contained(tree)
    assert not FORBIDDEN.search(page)
    assert "<script" not in page
    assert "x" * 241 not in page
    assert {element.tag for element in tree.iter()} <= ALLOWED


HTML = """
html head meta title link style body header main footer section article p h1 h2 h3 b i ul li span div figure figcaption
table thead tbody tr th td details summary dl dt dd code br
"""
ALLOWED = {*HTML.split(), "svg", "desc", "g", "line", "rect", "path", "text", "circle", "defs", "pattern"}


def test_escaping_is_what_keeps_the_page_whole() -> None:
    """The wrong variant: a page whose text went in unescaped is rejected by the same reader."""
    page = page_of([("open", opening()), ("halt", {"reason": "<script>alert(1)</script>"})])
    parse(page)
    with pytest.raises(AssertionError):
        parse(page.replace("&lt;script&gt;", "<script>").replace("&lt;/script&gt;", "</script>"))


@settings(max_examples=8)
@given(runs)
def test_the_same_events_give_the_same_bytes(bodies: list[tuple[str, dict[str, Any]]]) -> None:
    assert page_of(bodies) == page_of(bodies)


def test_numbers_come_from_the_events_only() -> None:
    """The template holds no digit of its own outside tags, expressions and the viewport's settings."""
    source = resources.files("assent.report").joinpath("templates/report.html").read_text(encoding="utf-8")
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|<[^>]*>", "", source, flags=re.DOTALL)
    assert not re.search(r"\d", text)


def test_no_digit_is_shown_that_was_not_counted() -> None:
    """With no events at all, the only numbers on the page are the five zeros of the tiles."""
    tree = parse(render(summarise([])))
    assert re.findall(r"\d+", visible(tree)) == ["0"] * 5


def test_the_style_is_allowed_by_its_hash_and_nothing_else_is(made_up: str) -> None:
    style = re.search(r"<style>(.*?)</style>", made_up, flags=re.DOTALL)
    assert style is not None
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    assert f'content="{policy}"' in made_up
    assert "@import" not in style[1]
    assert "url(" not in style[1]
    assert "http" not in made_up.replace("http-equiv", "")


def test_sections_stand_in_order(made_up: str) -> None:
    assert [e.get("id") for e in parse(made_up).iter("section")] == ORDER


def test_every_drawing_has_a_name_and_a_description(made_up: str) -> None:
    for drawing in parse(made_up).iter("svg"):
        assert drawing.get("role") == "img"
        children = {child.get("id"): "".join(child.itertext()) for child in drawing}
        assert children[drawing.get("aria-labelledby")]
        assert children[drawing.get("aria-describedby")]


@pytest.mark.parametrize(
    "bodies",
    [
        [],
        [("open", opening())],
        [("open", opening()), ("act", {"step": 0, "action": 1, "ask": 0.0, "mass": 1.0, "leaders": 3})],
        [("open", opening()), ("ask", {"question": "q", "step": 0, "ask": 1.0})],
        [("act", {}), ("ask", {}), ("apply", {}), ("answer", {}), ("outcome", {}), ("checkpoint", {})],
    ],
    ids=["nothing", "open only", "no asks", "no acts", "empty bodies"],
)
def test_a_short_or_empty_record_gives_a_whole_page(bodies: list[tuple[str, dict[str, Any]]]) -> None:
    tree = parse(page_of(bodies))
    assert [e.get("id") for e in tree.iter("section")] == ORDER


def test_unknown_outcomes_are_said_to_be_unknown() -> None:
    words = visible(parse(page_of([("act", {"step": 0, "action": 1})])))
    assert "not known : no outcome was recorded" in words
    assert "wrong 0 times" not in words


def test_a_collapse_is_marked() -> None:
    page = page_of([("open", opening()), ("act", {"leaders": 3}), ("act", {"leaders": 1})])
    assert "The committee collapsed to one" in page
    assert 'class="collapse-name"' in page
    assert 'class="collapse-name"' not in page_of([("open", opening()), ("act", {"leaders": 3})])


def test_values_that_are_not_finite_leave_a_gap_and_a_note() -> None:
    bodies = [("act", {"ask": float("nan")}), ("act", {"ask": 0.5}), ("checkpoint", {"log_weight": [float("nan")] * 2})]
    page = page_of(bodies)
    assert "1 ask mass not recorded or not finite: left as gaps" in page
    assert "1 set of weights not recorded or not finite: left as gaps" in page


def test_write_gives_the_numbers_and_the_file(tmp_path: Path) -> None:
    events = make_run(decisions=120)
    summary = write(events, tmp_path / "report.html")
    written = (tmp_path / "report.html").read_bytes()
    assert written == render(summarise(events)).encode()
    assert str(tmp_path).encode() not in written
    assert str(Path(__file__).parents[2]).encode() not in written
    assert len(summary.decisions) == 120


def test_a_long_run_stays_a_small_page() -> None:
    bodies: list[tuple[str, dict[str, Any]]] = [("open", opening())]
    bodies += [("act", {"step": i, "action": 0, "ask": (i % 97) / 97, "leaders": 3 + i % 2}) for i in range(6_000)]
    assert len(page_of(bodies)) < 400_000
