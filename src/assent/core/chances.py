"""The uniform numbers of a run: a counter-based stream, so that any round's number can be had without the ones before it."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

_PER_BLOCK = 4  # Philox-4x64 gives four 64-bit words for each value of its counter


def uniforms(seed: int, run: str, *, start: int, count: int, stream: str = "decide") -> NDArray[np.float64]:
    """Numbers `start` to `start + count - 1` of the stream of a run, `[count]`, uniform in [0, 1) with 53 random bits.

    The stream depends on `(seed, run, stream)` only, through SHA-256 and Philox-4x64-10 (Salmon, Moraes, Dror and Shaw,
    "Parallel random numbers: as easy as 1, 2, 3", SC 2011). One number a round decides ask and action alike; streams of other
    names serve simulated overseers.

    Raises:
        ValueError: `start` or `count` is negative, or a name holds the character NUL.

    >>> whole = uniforms(0, "vault", start=0, count=10)
    >>> bool((uniforms(0, "vault", start=7, count=3) == whole[7:]).all())
    True
    """
    if start < 0 or count < 0:
        raise ValueError(
            f"start = {start}, count = {count}: a stream has no numbers before its start; use values >= 0."
        )
    if "\0" in run + stream:
        raise ValueError(f"run = {run!r}, stream = {stream!r}: NUL ends a name, so none may hold it; leave it out.")
    digest = hashlib.sha256(f"assent/uniforms/1\0{seed}\0{run}\0{stream}".encode()).digest()
    key = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
    first, skip = divmod(start, _PER_BLOCK)
    words = np.random.Philox(key=key, counter=[first, 0, 0, 0]).random_raw(skip + count)
    return (words[skip:] >> np.uint64(11)).astype(np.float64) * 2.0**-53


class Chances:
    """A stream of a run, number by number: `chances[step]` is a float in [0, 1), whatever was asked for before.

    >>> bool(Chances(0, "vault", stream="decide")[7] == uniforms(0, "vault", start=7, count=1)[0])
    True
    """

    _BLOCK = 1024  # drawn at once, since making a generator costs more than a thousand numbers

    def __init__(self, seed: int, run: str, *, stream: str) -> None:
        self._of = (seed, run)
        self._stream = stream
        self._start = 0
        self._numbers: list[float] = []

    def __getitem__(self, step: int) -> float:
        if not 0 <= step - self._start < len(self._numbers):
            self._start = step
            self._numbers = uniforms(*self._of, start=step, count=self._BLOCK, stream=self._stream).tolist()
        return self._numbers[step - self._start]
