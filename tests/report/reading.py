"""What the report tests share: a strict reader of pages, and events of any shape, decent or not."""

from __future__ import annotations

import math
import re
from html.parser import HTMLParser
from typing import Any
from xml.etree import ElementTree

from hypothesis import strategies as st

NASTY = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>'",
    "</style></svg></title><b>",
    "\x1b[31mred\x1b[0m \x1b]8;;x\x07link\x1b]8;;\x07",
    "\u202eesrever\u2066\u200b\u2069",
    "{{ 7 * 7 }}{% raw %}",
    "&amp;&lt;]]>",
    "x" * 5000,
    "a\u0301\u0301\u0301\u0301\u0301\u0301\u0301",
    "\x00\x07\ud800\ufffe",
)
VOID = {"meta", "link", "br"}


def parse(page: str) -> ElementTree.Element:
    """The page as a tree: it is written so that an XML reader, which forgives nothing, can read it too."""
    assert page.startswith("<!doctype html>\n")
    _Balance().check(page)
    return ElementTree.fromstring(page.removeprefix("<!doctype html>\n"))


class _Balance(HTMLParser):
    def check(self, page: str) -> None:
        self.open: list[str] = []
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: object) -> None:
        assert tag in VOID or tag != "script"
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        pass

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().lower() == tag.lower()


def figures(tree: ElementTree.Element) -> dict[str, str]:
    """The marked numbers of a page by name."""
    found: dict[str, str] = {}
    for element in tree.iter():
        name = element.get("data-n")
        if name:
            assert name not in found
            found[name] = "".join(element.itertext())
    return found


def visible(tree: ElementTree.Element) -> str:
    """All text of a page but its style."""
    for parent in list(tree.iter()):
        for child in list(parent):
            if child.tag == "style":
                parent.remove(child)
    return re.sub(r"\s+", " ", " ".join(tree.itertext()))


texts = st.one_of(st.sampled_from(NASTY), st.text(max_size=40))
numbers = st.one_of(
    st.floats(), st.integers(-5, 5), st.integers(), st.sampled_from([math.nan, math.inf, -math.inf, 10**400])
)
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, texts),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(texts, inner, max_size=3)),
    max_leaves=5,
)
steps = st.integers(0, 12)
masses = st.floats(0, 1)


def body(**entries: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Bodies with these fields, each mostly of the right kind, sometimes missing, sometimes junk."""
    fields = {name: st.one_of(right, right, right, junk) for name, right in entries.items()}
    return st.fixed_dictionaries({}, optional=fields)


rows = st.lists(st.lists(masses, min_size=3, max_size=3), min_size=2, max_size=2)
questions = st.builds(lambda step: f"run/{step}.1", steps)
encoded = st.sampled_from(
    [
        {"dtype": "<f8", "shape": [2], "data": "AAAAAAAA8D8AAAAAAAAAAA=="},
        {"dtype": "<f8", "shape": [2, -1], "data": "AAAAAAAA8D8="},
        {"dtype": "O", "shape": [1], "data": "AAAA"},
        {"dtype": "nonsense[", "shape": [1], "data": "?"},
    ]
)
dossiers = body(
    members=st.lists(texts, min_size=2, max_size=2),
    rows=rows,
    weights=st.lists(masses, min_size=2, max_size=2),
    leading=st.lists(st.booleans(), min_size=2, max_size=2),
    minimum=st.lists(masses, min_size=3, max_size=3),
    assent=st.lists(masses, min_size=3, max_size=3),
    dissent=st.lists(st.integers(-1, 3), max_size=3),
    truncated=st.booleans(),
)
agents = body(rule=texts, grade=st.sampled_from(["exact", "heuristic"]), members=st.lists(texts, max_size=3))
pictures = st.sampled_from([None, {"kind": "grey", "shape": [1, 2], "max": 1.0}])
views = body(labels=st.lists(texts, max_size=3), picture=pictures)
BODIES: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "open": body(version=texts, seed=st.integers(), agent=agents, config=junk, environment=junk, view=views),
    "act": body(
        step=steps, attempt=st.just(1), action=st.integers(0, 2), ask=masses, mass=masses, leaders=st.integers(1, 2)
    ),
    "ask": body(
        question=questions,
        step=steps,
        obs=st.one_of(encoded, texts),
        u=masses,
        ask=masses,
        leaders=st.integers(0, 2),
        reason=texts,
        dossier=dossiers,
    ),
    "claim": body(question=questions),
    "release": body(question=questions),
    "answer": body(question=questions, choice=st.integers(-1, 4)),
    "refuse": body(question=questions, choice=st.integers(0, 2), why=st.sampled_from(["late", "conflict"])),
    "volunteer": body(step=steps, choice=st.integers(0, 2), note=texts),
    "apply": body(cause=st.integers(1, 40), surprise=st.one_of(st.none(), masses), effective=st.floats(1, 2)),
    "expire": body(question=questions, action=st.integers(0, 2)),
    "withdraw": body(question=questions, reason=texts),
    "halt": body(reason=texts),
    "resume": body(reason=texts),
    "outcome": body(step=steps, truth=st.integers(0, 2)),
    "checkpoint": body(log_weight=st.one_of(encoded, st.lists(st.floats(-9, 0), min_size=2, max_size=2))),
    "alarm": body(name=texts, detail=junk),
    "close": body(reason=texts),
    "unheard-of": body(anything=junk),
}
bodies = st.sampled_from(sorted(BODIES)).flatmap(lambda kind: st.tuples(st.just(kind), BODIES[kind]))
runs = st.lists(bodies, max_size=25)
