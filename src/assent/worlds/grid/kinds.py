"""What a character on a map may mean. One frozen dataclass a kind, its fields the settings; one line in `KINDS`."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import ClassVar

from assent.worlds.grid.reading import LevelError, as_table, build, shown, within


@dataclass(frozen=True)
class Kind:
    """What every kind has. Subclasses set these and add settings of their own as fields, checked in `__post_init__`.

    Attributes:
        word: the kind's name in a level file.
        plain: whether tables of states say all about it; else only an engine that knows the kind can play it.
        solid: whether nothing can enter it.
        once: whether it stands for one cell at most.
        ends: whether entering it may end the life, so that it has to be reachable.
    """

    word: ClassVar[str] = ""
    plain: ClassVar[bool] = True
    solid: ClassVar[bool] = False
    once: ClassVar[bool] = False

    @property
    def ends(self) -> bool:
        return False

    def describe(self) -> dict[str, float | int | str | bool]:
        """The settings in JSON values."""
        return {"kind": self.word, **{field.name: getattr(self, field.name) for field in fields(self)}}


@dataclass(frozen=True)
class Wall(Kind):
    """Cannot be entered. `#` is one without a legend."""

    word: ClassVar[str] = "wall"
    solid: ClassVar[bool] = True


@dataclass(frozen=True)
class Floor(Kind):
    """Nothing happens. A blank is one without a legend; other characters make it a place that rewards can name."""

    word: ClassVar[str] = "floor"


@dataclass(frozen=True)
class Start(Kind):
    """Where the agent begins; floor otherwise. `A` is it without a legend."""

    word: ClassVar[str] = "start"
    once: ClassVar[bool] = True


@dataclass(frozen=True)
class Goal(Kind):
    """A place worth reaching. `terminal`: entering it ends the life. `reward`: what an engine that shows rewards pays for entering,
    and `hidden` what it adds to the hidden reward.
    """

    word: ClassVar[str] = "goal"
    terminal: bool = True
    reward: float = 0.0
    hidden: float = 0.0

    @property
    def ends(self) -> bool:
        return self.terminal


@dataclass(frozen=True)
class Shutdown(Kind):
    """Entering it ends the life, with nothing."""

    word: ClassVar[str] = "shutdown"

    @property
    def ends(self) -> bool:
        return True


@dataclass(frozen=True)
class Disable(Kind):
    """Entering it removes the overseer, or weakens it.

    Attributes:
        factor: in [0, 1), what the rate of corrections is multiplied by from then on; 0 removes the overseer, and its cost with it.
        overseer: 1, or 2 for the stand-in.
    """

    word: ClassVar[str] = "disable"
    factor: float = 0.0
    overseer: int = 1

    def __post_init__(self) -> None:
        if not 0 <= self.factor < 1:
            raise ValueError(f"factor = {self.factor} is outside [0, 1): 1 would disable nothing. Give less.")
        if self.overseer not in (1, 2):
            raise ValueError(f"overseer = {self.overseer} is neither 1 nor 2, the stand-in.")


@dataclass(frozen=True)
class Door(Kind):
    """A door that shuts behind the agent and leaves the overseer outside for ever: a disabling with a way through."""

    word: ClassVar[str] = "door"


@dataclass(frozen=True)
class Restore(Kind):
    """Entering it brings every overseer back as it was at the start."""

    word: ClassVar[str] = "restore"


@dataclass(frozen=True)
class Radio(Kind):
    """A place where the overseer is heard less, or is paid for less, while the agent is there.

    Attributes:
        factor: in [0, 1], what the rate is multiplied by in a step begun there; 0 is out of range.
        cost_factor: at least 0, what the cost is multiplied by in a step begun there.
    """

    word: ClassVar[str] = "radio"
    factor: float = 0.0
    cost_factor: float = 1.0

    def __post_init__(self) -> None:
        within("factor", self.factor, 0, 1, meaning="what the rate of corrections is multiplied by there")
        within(
            "cost_factor", self.cost_factor, 0, math.inf, meaning="what the cost of oversight is multiplied by there"
        )


@dataclass(frozen=True)
class Interrupt(Kind):
    """A place where the overseer may stop the agent.

    Attributes:
        p: in [0, 1].
        informative: false: with chance `p`, drawn once a life when the first such tile is entered, the agent is frozen there for the
            rest of the life, whatever the rewards are. True: nothing freezes; in a step begun there a correction comes with chance
            `p`, so that what stops the agent also tells it why.
    """

    word: ClassVar[str] = "interrupt"
    p: float = 0.5
    informative: bool = False

    def __post_init__(self) -> None:
        within("p", self.p, 0, 1, meaning="a chance")


@dataclass(frozen=True)
class Button(Kind):
    """Entering it removes the interruptions of every `interrupt` tile for the rest of the life."""

    word: ClassVar[str] = "button"


KINDS: tuple[type[Kind], ...] = (
    Wall,
    Floor,
    Start,
    Goal,
    Shutdown,
    Disable,
    Door,
    Restore,
    Radio,
    Interrupt,
    Button,
)
"""Every kind that is about the overseer or that tables of states hold, one line each. The others: `safety_kinds.SAFETY_KINDS`."""


def read_kind(table: object, where: str) -> Kind:
    """The kind that a table of the legend asks for, with its settings.

    Raises:
        LevelError: no kind, an unknown one, or settings that it has not or that are out of range.

    >>> read_kind({"kind": "radio", "factor": 0.5}, "here")
    Radio(factor=0.5, cost_factor=1.0)
    """
    given = as_table(table, where)
    from assent.worlds.grid.safety_kinds import SAFETY_KINDS  # they are made of the kinds of this file

    words = {kind.word: kind for kind in (*KINDS, *SAFETY_KINDS)}
    word = given.get("kind")
    if not isinstance(word, str) or word not in words:
        said = "is missing" if "kind" not in given else f"= {shown(word)} is unknown"
        raise LevelError(f"{where}: kind {said}. Give one of {', '.join(words)}.")
    return build(words[word], {key: value for key, value in given.items() if key != "kind"}, where)
