"""What recipes have in common: a committee from pieces of work, with its cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from assent.committees.committee import Committee
from assent.committees.costs import Cost
from assent.committees.forms.form import Form
from assent.committees.work import Pieces


def counted(n: int) -> int:
    """n, checked.

    Raises:
        ValueError: it is below 1.
    """
    if n < 1:
        raise ValueError(f"n = {n}: a committee has at least one member.")
    return n


def committee_of(
    form: Form | Sequence[Form],
    pieces: Pieces,
    names: Sequence[str],
    *,
    one_root: bool = False,
    dropped: Sequence[str] = (),
    more: Cost | None = None,
) -> Committee:
    """Members from pieces of work, one a piece, or all of one root.

    Args:
        names: of all pieces, those that were dropped included; or of the members, if they have one root.
        one_root: whether all members stem from one training.
        dropped: members of one root that were left out.
        more: what was spent beside the pieces.
    """
    forms = tuple(form) if isinstance(form, Sequence) else (form,)
    number = sum(part.num_members for part in forms)
    kept = names if one_root else [names[place] for place in pieces.numbers]
    left_out = dropped if one_root else [names[place] for place in pieces.dropped]
    return Committee.of(
        forms,
        roots=np.zeros(number, dtype=np.int64) if one_root else np.arange(number),
        cost=costed(forms, pieces.cost + (more or Cost())),
        names=kept,
        dropped=left_out,
    )


def costed(forms: Sequence[Form], spent: Cost) -> Cost:
    """`spent`, with what one use will take and what is kept."""
    return replace(
        spent,
        infer_flops=sum(part.infer_flops() for part in forms),
        num_bytes=sum(part.num_bytes for part in forms),
    )
