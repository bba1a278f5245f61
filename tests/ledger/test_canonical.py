"""canonical() is RFC 8785; the oracle is the rfc8785 package."""

import enum
import json
import math

import numpy as np
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from assent.ledger import EventRefused, canonical
from assent.ledger.reading import parse

SAFE = 2**53 - 1
numbers = st.integers(-SAFE, SAFE) | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]))
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=6),
    max_leaves=30,
)


@given(values)
def test_equal_to_the_reference(value):
    assert canonical(value) == rfc8785.dumps(value)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_float_as_the_reference_writes_it(value):
    assert canonical({"x": value}) == rfc8785.dumps({"x": value})


@pytest.mark.parametrize("value", [1e-4, math.nextafter(1e-4, 0), 1e16, math.nextafter(1e16, 0), -1e-4, -1e16, 5e-324])
def test_floats_at_the_edges_of_the_quick_path(value):
    assert canonical([value]) == rfc8785.dumps([value])


@given(values)
def test_what_was_parsed_is_the_same_again(value):
    assert canonical(parse(canonical(value))) == canonical(value)


def test_examples_of_the_rfc():
    body = {"numbers": [333333333.33333329, 1e30, 4.50, 2e-3, 1e-27], "literals": [None, True, False]}
    assert canonical(body) == b'{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27]}'
    keys = {"\u20ac": 1, "\r": 2, "\ufb33": 3, "1": 4, "\U0001f600": 5, "\x80": 6, "\xf6": 7}
    assert list(json.loads(canonical(keys)).values()) == [2, 4, 6, 7, 1, 5, 3]


def test_sorting_by_code_points_is_rejected():
    # Wrong variant: json.dumps(sort_keys=True) puts U+FB33 before U+1F600; UTF-16 puts it after.
    body = {"\ufb33": 1, "\U0001f600": 2}
    wrong = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    assert canonical(body) == rfc8785.dumps(body) != wrong


def test_minus_zero_and_whole_floats_have_one_form():
    assert canonical([-0.0, 0.0, 1.0, -2.0, 1e15]) == b"[0,0,1,-2,1000000000000000]"


class Colour(enum.IntEnum):
    RED = 3


class Word(enum.StrEnum):
    ASK = "ask"


def test_subclasses_are_what_they_extend():
    assert canonical([Colour.RED, Word.ASK, np.float64(0.5), (1, 2)]) == b'[3,"ask",0.5,[1,2]]'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_what_json_cannot_hold_is_a_sentence(value):
    with pytest.raises(EventRefused, match=r"no place in JSON.*went wrong before"):
        canonical({"u": value})


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        (2**53, "beyond 2"),
        (-(2**53), "beyond 2"),
        ({1: 2}, "not text"),
        ({"a": {2.5: 2}}, "not text"),
        (["\ud800"], "lone surrogate"),
        ({"\ud800": 1}, "lone surrogate"),
        ({"a": {1, 2}}, "cannot hold a set"),
        (np.int64(3), "cannot hold a int64"),
        (b"x", "cannot hold a bytes"),
    ],
)
def test_refusals(value, sentence):
    with pytest.raises(EventRefused, match=sentence):
        canonical(value)


def test_a_body_that_contains_itself_is_refused():
    body: dict = {}
    body["body"] = body
    with pytest.raises(EventRefused, match="contains itself"):
        canonical(body)


def test_many_shapes_do_not_fill_the_memory():
    from assent.ledger.canonical import _shapes

    for number in range(3000):
        assert canonical({f"k{number}": 1}) == f'{{"k{number}":1}}'.encode()
    assert len(_shapes) <= 1024
