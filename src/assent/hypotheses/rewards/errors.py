"""What goes wrong with beliefs about rewards."""

from __future__ import annotations


class MisspecifiedModel(ValueError):
    """An answer to which the belief gave probability 0. Nothing was learned from it; what to do is up to whoever holds the belief.

    Renormalising would hide that the prior, or what is believed of the overseer, is wrong. An agent asks or stops.
    """
