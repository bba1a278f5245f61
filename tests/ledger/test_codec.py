"""Arrays to JSON and back, bit for bit."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from assent.ledger import EventRefused, canonical, decode, encode

dtypes = st.one_of(
    hnp.boolean_dtypes(),
    hnp.integer_dtypes(endianness="?"),
    hnp.floating_dtypes(endianness="?"),
    hnp.complex_number_dtypes(endianness="?"),
    hnp.unicode_string_dtypes(endianness="?"),
    hnp.datetime64_dtypes(endianness="?"),
)


@given(hnp.arrays(dtypes, hnp.array_shapes(min_dims=0, min_side=0, max_side=4)))
def test_arrays_come_back_bit_for_bit(array):
    back = decode(json.loads(canonical(encode(array))))
    assert back.dtype == array.dtype
    assert back.shape == array.shape
    assert back.tobytes() == array.tobytes()


def test_the_form_of_the_contract():
    assert encode(np.array([1.0, 2.0])) == {"dtype": "<f8", "shape": [2], "data": "AAAAAAAA8D8AAAAAAAAAQA=="}


def test_order_in_memory_does_not_matter():
    # Wrong variant: taking the buffer as it lies would transpose a Fortran array.
    array = np.asfortranarray(np.arange(6).reshape(2, 3))
    assert (decode(encode(array)) == array).all()
    assert (decode(encode(array[:, ::2])) == array[:, ::2]).all()


@given(st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False) | st.text())
def test_plain_values_pass_through(value):
    encoded = encode(value)
    if isinstance(value, float) and not math.isfinite(value):
        assert decode(encoded) == value
    else:
        assert encoded == value
        assert type(encoded) is type(value)


def test_what_json_cannot_hold_becomes_an_array():
    assert np.isnan(decode(encode(math.nan)))
    assert decode(encode([math.inf]))[0] == math.inf
    assert decode(encode(2**60)) == 2**60
    canonical(encode({"a": [math.nan, 2**60]}))


def test_numpy_scalars_become_numbers():
    assert encode([np.float32(0.5), np.int64(3), np.bool_(True), np.str_("x")]) == [0.5, 3, True, "x"]


def test_the_decoded_array_can_be_written_to():
    array = decode(encode(np.zeros(3)))
    array[0] = 1
    assert array[0] == 1


def test_nested_values():
    value = {"screen": np.eye(2, dtype=np.uint8), "tuple": (1, [2, None])}
    back = decode(encode(value))
    assert (back["screen"] == value["screen"]).all()
    assert back["tuple"] == [1, [2, None]]


@pytest.mark.parametrize(
    "value",
    [
        np.array([object()]),
        np.zeros(2, dtype=[("a", int)]),
        object(),
        {"dtype": 1, "shape": 2, "data": 3},
        {1, 2},
    ],
)
def test_refusals(value):
    with pytest.raises(EventRefused):
        encode(value)


@pytest.mark.parametrize(
    "changes",
    [
        {"dtype": "|O"},
        {"dtype": "nonsense"},
        {"shape": [3]},
        {"shape": [-1, 7]},
        {"data": "AAA"},
        {"data": 3},
        {"data": "ü"},
    ],
)
def test_a_damaged_array_is_a_sentence(changes):
    with pytest.raises(EventRefused, match="cannot be read"):
        decode({**encode(np.zeros(2)), **changes})
