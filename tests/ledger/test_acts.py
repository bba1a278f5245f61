"""Bodies of acts as columns of numbers; whatever is no act is refused."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.ledger.acts import ACT_COLUMNS, parse_acts
from assent.ledger.canonical import canonical_text
from tests.ledger.support import act

numbers = st.integers(0, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
acts = st.fixed_dictionaries(dict.fromkeys(act(0), numbers))


def columns(bodies):
    return [[float(body[name]) for name in ACT_COLUMNS] for body in bodies]


@given(st.lists(acts, max_size=5))
def test_each_act_is_one_row(bodies):
    texts = [canonical_text(body) for body in bodies]
    assert parse_acts(texts).tolist() == columns([json.loads(text) for text in texts])


PLAIN = canonical_text(act(3))


@pytest.mark.parametrize(
    "text",
    [
        PLAIN.replace('"ask"', '"ask1"'),
        PLAIN.replace('"below"', '"blow"'),
        PLAIN.replace('"ask":0.25', '"ask":'),
        PLAIN.replace('"ask":0.25', '"ask":0.2.5'),
        PLAIN.replace('"ask":0.25', '"ask":"0.25"'),
        PLAIN.replace('"ask":0.25', '"ask":null'),
        PLAIN.replace('"ask":0.25', '"ask":[0.25]'),
        PLAIN + "," + PLAIN,
        "7",
        "",
    ],
)
def test_what_is_no_act_is_refused(text):
    for bodies in ([text], [PLAIN, text], [text, PLAIN]):
        with pytest.raises((ValueError, KeyError, TypeError)):
            parse_acts(bodies)


def test_keys_in_another_order_are_read_by_name():
    # Wrong variant: to take the numbers as they stand would read `ask` as `below`.
    body = dict(reversed(act(3).items()))
    text = json.dumps(body, separators=(",", ":"))
    assert parse_acts([text]).tolist() == columns([act(3)])


def test_no_acts():
    assert parse_acts([]).shape == (0, 7)
    assert parse_acts([]).dtype == np.float64
