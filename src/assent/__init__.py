"""assent: act alone exactly where every plausible model agrees, and put every other decision before an overseer."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from assent.agents.imitator import Imitator as Imitator
    from assent.core import AlphaSet as AlphaSet
    from assent.core import Answer as Answer
    from assent.core import Assent as Assent
    from assent.core import Belief as Belief
    from assent.core import Confidence as Confidence
    from assent.core import Everyone as Everyone
    from assent.core import Minimum as Minimum
    from assent.core import MinLeaders as MinLeaders
    from assent.core import Mixture as Mixture
    from assent.core import OneAnswer as OneAnswer
    from assent.core import RatioSet as RatioSet
    from assent.core import Rotation as Rotation
    from assent.core import SureAbove as SureAbove
    from assent.core import TopK as TopK
    from assent.core import Veto as Veto
    from assent.core import decide as decide
    from assent.core import propose_and_veto as propose_and_veto
    from assent.hypotheses.tables import Tables as Tables
    from assent.hypotheses.wrap import wrap as wrap
    from assent.ledger import Ledger as Ledger
    from assent.overseers.absent import Absent as Absent
    from assent.overseers.demonstrator import Demonstrator as Demonstrator
    from assent.overseers.inbox import Inbox as Inbox
    from assent.overseers.noisy import Noisy as Noisy
    from assent.overseers.scripted import Scripted as Scripted
    from assent.session import Acted as Acted
    from assent.session import Asked as Asked
    from assent.session import Session as Session

_HOMES = {
    "assent.agents.imitator": ("Imitator",),
    "assent.core": (
        *(
            "AlphaSet",
            "Answer",
            "Assent",
            "Belief",
            "Confidence",
            "Everyone",
            "MinLeaders",
            "Minimum",
            "Mixture",
            "OneAnswer",
        ),
        *("RatioSet", "Rotation", "SureAbove", "TopK", "Veto", "decide", "propose_and_veto"),
    ),
    "assent.hypotheses.tables": ("Tables",),
    "assent.hypotheses.wrap": ("wrap",),
    "assent.ledger": ("Ledger",),
    "assent.overseers.absent": ("Absent",),
    "assent.overseers.demonstrator": ("Demonstrator",),
    "assent.overseers.inbox": ("Inbox",),
    "assent.overseers.noisy": ("Noisy",),
    "assent.overseers.scripted": ("Scripted",),
    "assent.session": ("Acted", "Asked", "Session"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}
__all__ = ["__version__", *sorted(_HOME)]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    # on first use, so that `import assent` and `assent --help` load nothing that they do not need
    if name not in _HOME:
        raise AttributeError(f"module 'assent' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOME})
