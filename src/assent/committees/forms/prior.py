"""What is believed of logits in a tangent space before any data."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from assent.committees.kernels.tangents import Kernel

MOST_VARIANCE = 1e8
"""Of a logit before any data, in units of the targets: above it nothing is learned of an item, for a target is lost in rounding."""


@dataclass(frozen=True)
class Prior:
    """What is believed before the data of logits in a tangent space.

    Attributes:
        kernel: see `assent.committees.kernels.tangents.Kernel`. With `entk` members are exact draws from the posterior. The two others put
            one kernel for all logits into the solution, while prior draws come from the whole tangent space: an approximation.
        variance: of a logit before any data, in units of the targets (1 for the right label), averaged over the data.
        noise: variance of the targets.
        spread: what deviations from the posterior's mean are multiplied by: below 1 members are nearer to it, and to each other.
        centre: how many times the root's own logits are what is believed at first; 0 is what the published linearisations call
            the centred one.
    """

    kernel: Kernel = "averaged"
    variance: float = 2.5
    noise: float = 0.01
    spread: float = 0.3
    centre: float = 0.0

    def __post_init__(self) -> None:
        if self.kernel not in ("entk", "averaged", "pntk"):
            raise ValueError(f"The kernel {self.kernel!r} is unknown; give entk, averaged or pntk.")
        if not (
            0 < self.variance < np.inf
            and 0 < self.noise < np.inf
            and 0 <= self.spread < np.inf
            and np.isfinite(self.centre)
        ):
            raise ValueError(
                f"variance = {self.variance}, noise = {self.noise}, spread = {self.spread}, centre = {self.centre}: variances are above "
                "0, the spread is at least 0, and the centre a number."
            )
