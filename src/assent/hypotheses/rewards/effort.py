"""How much is drawn for a belief that cannot be added up exactly."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np


@dataclass(frozen=True)
class Effort:
    """Chains, draws and particles. More is slower and less noisy.

    Attributes:
        chains: chains over optimal values.
        warmup: moves thrown away after each correction.
        draws: moves kept after each correction; at least 4.
        particles: weighted rewards.
        moves: tries to move each of them when they are resampled.

    Raises:
        ValueError: a number that is too small, or not whole.

    >>> Effort(chains=64).draws
    160
    """

    chains: int = 128
    warmup: int = 30
    draws: int = 160
    particles: int = 4_000
    moves: int = 12

    def __post_init__(self) -> None:
        least = {"chains": 8, "warmup": 0, "draws": 4, "particles": 16, "moves": 1}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int | np.integer):
                raise ValueError(f"{field.name} = {value}: give a whole number of at least {least[field.name]}.")
            if value < least[field.name]:
                raise ValueError(f"{field.name} = {value}: at least {least[field.name]} are needed.")
