"""The uniform numbers of a run: written down, addressed at random, independent of each other, uniform."""

from __future__ import annotations

import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.core import uniforms
from assent.core.chances import Chances

# Test vectors. They may never change: with other numbers no run on any ledger could be resumed or checked again.
VECTORS = {
    (0, "", 0, "decide"): ["0x1.89ec61aca435cp-2", "0x1.f5fcfaad60e78p-2", "0x1.9f17f267d2b00p-8"],
    (0, "vault", 0, "decide"): ["0x1.a40a205d2b028p-3", "0x1.629829c44df67p-1", "0x1.419a42a7cb1e2p-2"],
    (0, "vault", 0, "overseer"): ["0x1.be472c9a6de03p-1", "0x1.9e32c2b8e83aep-2", "0x1.af36c43c61ce8p-1"],
    (-1, "vault", 2**40 + 3, "decide"): ["0x1.9c7fbefa877f8p-4", "0x1.bab650369783cp-2", "0x1.4815b8c7c1aeap-1"],
    (2**70, "Ünïcode/0", 5, "decide"): ["0x1.93d44af687d80p-1", "0x1.04798d18ccdc2p-2", "0x1.8418ce0550259p-1"],
}


@pytest.mark.parametrize("at", VECTORS, ids=repr)
def test_known_values(at: tuple[int, str, int, str]) -> None:
    seed, run, start, stream = at
    drawn = uniforms(seed, run, start=start, count=3, stream=stream)
    assert [value.hex() for value in drawn.tolist()] == VECTORS[at]


def _philox(seed: int, run: str, stream: str, number: int) -> float:
    """Philox-4x64-10 in plain whole numbers, after Salmon et al. (2011), section 3.3 and table 2."""
    digest = hashlib.sha256(f"assent/uniforms/1\0{seed}\0{run}\0{stream}".encode()).digest()
    key = [int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:16], "little")]
    word, mask = 2**64, 2**64 - 1
    counter = [(number // 4 + 1) & mask, 0, 0, 0]  # NumPy counts up before it draws
    for _ in range(10):
        high0, low0 = divmod(0xD2E7470EE14C6C93 * counter[0], word)
        high1, low1 = divmod(0xCA5A826395121157 * counter[2], word)
        counter = [high1 ^ counter[1] ^ key[0], low1, high0 ^ counter[3] ^ key[1], low0]
        key = [(key[0] + 0x9E3779B97F4A7C15) & mask, (key[1] + 0xBB67AE8584CAA73B) & mask]
    return (counter[number % 4] >> 11) * 2.0**-53


@pytest.mark.parametrize("number", [0, 1, 3, 4, 6, 1023, 2**33 + 5])
def test_against_philox_written_out(number: int) -> None:
    assert uniforms(7, "vault", start=number, count=1).tolist() == [_philox(7, "vault", "decide", number)]


@given(st.integers(0, 200), st.integers(0, 50))
def test_any_number_can_be_had_without_those_before_it(start: int, count: int) -> None:
    whole = uniforms(3, "run", start=0, count=250)
    assert uniforms(3, "run", start=start, count=count).tolist() == whole[start : start + count].tolist()


def test_uniform_by_kolmogorov_and_smirnov() -> None:
    number = 100_000
    drawn = np.sort(uniforms(1, "uniform", start=0, count=number))
    grid = np.arange(number) / number
    gap = max((drawn - grid).max(), (grid + 1 / number - drawn).max())
    # P(sqrt(n) D > 2.3) = 2 exp(-2 * 2.3^2) = 5e-5
    assert math.sqrt(number) * gap < 2.3
    assert ((drawn >= 0) & (drawn < 1)).all()
    # the wrong variant, 32 bits for two numbers, repeats values: 1e5 draws of 2^53 give a repeat with chance 6e-7
    assert np.unique(drawn).size == number


@pytest.mark.parametrize(
    "other", [(0, "vault", "overseer"), (1, "vault", "decide"), (0, "vaulu", "decide"), (0, "vault ", "decide")]
)
def test_streams_are_independent(other: tuple[int, str, str]) -> None:
    number = 20_000
    first = uniforms(0, "vault", start=0, count=number)
    second = uniforms(other[0], other[1], start=0, count=number, stream=other[2])
    # correlation of independent numbers: standard error 1 / sqrt(n); five of them, at lags 0 and 1
    for lag in (0, 1):
        assert abs(np.corrcoef(first[lag:], second[: number - lag])[0, 1]) < 5 / math.sqrt(number)
    assert not np.isin(first, second).any()
    # and all 16 x 16 cells of a pair are filled evenly: chi-square with 255 degrees of freedom, mean 255, deviation 22.6
    cells = np.histogram2d(first, second, bins=16, range=[[0, 1], [0, 1]])[0]
    expected = number / 256
    assert ((cells - expected) ** 2 / expected).sum() < 255 + 6 * math.sqrt(510)


def test_successive_numbers_are_independent() -> None:
    drawn = uniforms(0, "vault", start=0, count=50_000)
    for lag in range(1, 9):
        assert abs(np.corrcoef(drawn[lag:], drawn[:-lag])[0, 1]) < 5 / math.sqrt(len(drawn) - lag)


@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, -1)])
def test_nothing_before_the_start(start: int, count: int) -> None:
    with pytest.raises(ValueError, match=rf"start = {start}, count = {count}: .* use values >= 0"):
        uniforms(0, "run", start=start, count=count)


def test_names_cannot_run_together() -> None:
    for run, stream in (("a\0b", "c"), ("a", "b\0c")):  # both would be hashed as a, NUL, b, NUL, c
        with pytest.raises(ValueError, match="NUL ends a name"):
            uniforms(0, run, start=0, count=1, stream=stream)


def test_none_is_none() -> None:
    assert uniforms(0, "run", start=5, count=0).shape == (0,)


@given(st.lists(st.one_of(st.integers(0, 3000), st.sampled_from([0, 1023, 1024, 2**40])), max_size=20))
def test_number_by_number_in_any_order(steps: list[int]) -> None:
    """Drawn in blocks behind the scenes: forwards, back, and across a block's edge."""
    numbers = Chances(5, "run", stream="overseer")
    for step in steps:
        assert numbers[step] == uniforms(5, "run", start=step, count=1, stream="overseer")[0]
        assert type(numbers[step]) is float
