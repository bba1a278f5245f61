"""Series and distributions over the decisions of a run."""

from __future__ import annotations

from collections import deque

BINS = 20
WINDOW = 100


def trailing_rate(asked: list[bool]) -> tuple[float, ...]:
    """Share of asks among the last `WINDOW` decisions at each decision; of all so far while there are fewer."""
    window: deque[bool] = deque(maxlen=WINDOW)
    total, out = 0, list[float]()
    for flag in asked:
        total += flag - (window[0] if len(window) == WINDOW else 0)
        window.append(flag)
        out.append(total / len(window))
    return tuple(out)


def histogram(values: list[float | None]) -> tuple[tuple[int, ...], int]:
    """Counts in `BINS` equal bins of [0, 1] (the last one closed), and how many values were outside or unreadable."""
    bins, unreadable = [0] * BINS, 0
    for value in values:
        # A left-over computed as 1 - sum may miss [0, 1] by rounding; more than that is no probability.
        if value is None or not -1e-9 <= value <= 1 + 1e-9:
            unreadable += 1
        else:
            bins[min(max(int(value * BINS), 0), BINS - 1)] += 1
    return tuple(bins), unreadable
