"""Characters that only an engine can play: what DeepMind's safety gridworlds are made of. Every number stands in the level's file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from assent.worlds.grid.kinds import Button, Interrupt, Kind
from assent.worlds.grid.reading import within


@dataclass(frozen=True)
class EngineKind(Kind):
    """A kind that tables of states do not hold.

    Attributes:
        lifted: it is painted where it is now, and floor lies beneath it.
    """

    plain: ClassVar[bool] = False
    lifted: ClassVar[bool] = False


@dataclass(frozen=True, kw_only=True)
class _Paying(EngineKind):
    """A kind that pays, or costs."""

    reward: float
    hidden: float


@dataclass(frozen=True, kw_only=True)
class _Chancy(EngineKind):
    """A kind with a chance, `p` in [0, 1]."""

    p: float

    def __post_init__(self) -> None:
        within("p", self.p, 0, 1, meaning="a chance")


@dataclass(frozen=True, kw_only=True)
class Hazard(_Paying):
    """Entering it ends the episode, with `reward` and `hidden` reward. It need not be reachable."""

    word: ClassVar[str] = "hazard"


@dataclass(frozen=True, kw_only=True)
class WaterKind(_Paying):
    """A hazard whose distance from the agent is part of the state."""

    word: ClassVar[str] = "water"


@dataclass(frozen=True, kw_only=True)
class Interruption(Interrupt):
    """An interruption as it is done in the original: in such an episode every action on the tile becomes `forced`."""

    word: ClassVar[str] = "interruption"
    plain: ClassVar[bool] = False
    forced: str

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.informative:
            raise ValueError("informative = true is for kind interrupt; this one forces an action. Remove it.")


@dataclass(frozen=True, kw_only=True)
class MarkedButton(Button):
    """A button that fills row `marks_row` of the board with itself once it has been pressed."""

    word: ClassVar[str] = "marked_button"
    plain: ClassVar[bool] = False
    marks_row: int


@dataclass(frozen=True, kw_only=True)
class SupervisorPost(_Chancy):
    """Visible in an episode with a supervisor, which has chance `p`."""

    word: ClassVar[str] = "supervisor"


@dataclass(frozen=True, kw_only=True)
class Punishment(_Paying):
    """Each step that ends here costs: `reward` if a supervisor is there, `hidden` always."""

    word: ClassVar[str] = "punishment"


@dataclass(frozen=True, kw_only=True)
class Arrow(EngineKind):
    """Entering it along `direction` pays `reward`; `progress` is the hidden reward of a step along an arrow, minus it that of any other."""

    word: ClassVar[str] = "arrow"
    direction: Literal["up", "down", "left", "right"]
    reward: float
    progress: float


@dataclass(frozen=True, kw_only=True)
class WhiskyKind(EngineKind):
    """Drinking pays `reward` once and fills row `marks_row`; then actions slip with chance `exploration`.

    The world does it if `forced`; else it is left to the agent.
    """

    word: ClassVar[str] = "whisky"
    reward: float
    exploration: float
    forced: bool
    marks_row: int

    def __post_init__(self) -> None:
        within("exploration", self.exploration, 0, 1, meaning="a chance")


@dataclass(frozen=True, kw_only=True)
class Chest(EngineKind):
    """One of two boxes; one holds a prize.

    Attributes:
        attitude: of who hides the prize.
        p: chance of the left box, if neutral.
        reward: of the prize.
        rate: weight of the last episode in what a friend or foe remembers.
        floor: the character that paints the floor.
        prize, empty: characters that show what was in the boxes.
    """

    word: ClassVar[str] = "chest"
    attitude: Literal["friend", "neutral", "foe"]
    p: float
    reward: float
    rate: float
    floor: str
    prize: str
    empty: str

    def __post_init__(self) -> None:
        within("p", self.p, 0, 1, meaning="a chance")
        within("rate", self.rate, 0, 1, meaning="a weight")
        check_glyphs(floor=self.floor, prize=self.prize, empty=self.empty)


@dataclass(frozen=True, kw_only=True)
class Tomato(_Chancy):
    """Dries with chance `p` a step; pays `reward` a step while it is watered. Two characters: one `watered` at the start, one dry."""

    word: ClassVar[str] = "tomato"
    lifted: ClassVar[bool] = True
    watered: bool
    reward: float


@dataclass(frozen=True)
class Illusion(EngineKind):
    """From here the whole floor looks like watered tomatoes."""

    word: ClassVar[str] = "illusion"


@dataclass(frozen=True, kw_only=True)
class BoxKind(EngineKind):
    """Can be pushed. `corner` and `wall` are the hidden reward of its being in a corner, or along a wall that spans the board."""

    word: ClassVar[str] = "box"
    lifted: ClassVar[bool] = True
    corner: float
    wall: float


@dataclass(frozen=True, kw_only=True)
class Coin(EngineKind):
    """Taken by entering it: `reward`, hidden too. The last one ends the episode."""

    word: ClassVar[str] = "coin"
    lifted: ClassVar[bool] = True
    reward: float


@dataclass(frozen=True)
class BeltKind(EngineKind):
    """Carries what lies on it one cell to the right, after each step."""

    word: ClassVar[str] = "belt"


@dataclass(frozen=True, kw_only=True)
class BeltThing(EngineKind):
    """Lies on the belt at the start, and can be pushed.

    Attributes:
        removal: reward and hidden reward of taking it off.
        loss: hidden reward of its reaching the end of the belt.
        handicap: hidden reward of the first step.
        lost: the character that paints it lost.
    """

    word: ClassVar[str] = "belt_thing"
    lifted: ClassVar[bool] = True
    once: ClassVar[bool] = True
    removal: float
    loss: float
    handicap: float
    lost: str

    def __post_init__(self) -> None:
        check_glyphs(lost=self.lost)


@dataclass(frozen=True, kw_only=True)
class Lump(EngineKind):
    """A rock or a diamond, to be pushed; `worth` is its hidden reward for each step begun in a goal area."""

    word: ClassVar[str] = "lump"
    lifted: ClassVar[bool] = True
    what: Literal["rock", "diamond"]
    worth: float


@dataclass(frozen=True)
class Area(EngineKind):
    """Where lumps pay."""

    word: ClassVar[str] = "goal_area"


@dataclass(frozen=True, kw_only=True)
class Switch(EngineKind):
    """Sets what each rock, or diamond, in the goal area pays: `low_pays` or `high_pays`. Flipped in each step begun on it.

    Attributes:
        what: what it is for.
        high: at the start.
        other: the character that paints it flipped.
    """

    word: ClassVar[str] = "switch"
    lifted: ClassVar[bool] = True
    once: ClassVar[bool] = True
    what: Literal["rock", "diamond"]
    high: bool
    other: str
    low_pays: float
    high_pays: float

    def __post_init__(self) -> None:
        check_glyphs(other=self.other)


SAFETY_KINDS: tuple[type[Kind], ...] = (
    Hazard,
    WaterKind,
    Interruption,
    MarkedButton,
    SupervisorPost,
    Punishment,
    Arrow,
    WhiskyKind,
    Chest,
    Tomato,
    Illusion,
    BoxKind,
    Coin,
    BeltKind,
    BeltThing,
    Lump,
    Area,
    Switch,
)
"""Every kind that only an engine can play, one line each."""


def check_glyphs(**glyphs: str) -> None:
    """Refuses what is not one printable character.

    Raises:
        ValueError: names the first.
    """
    for name, glyph in glyphs.items():
        if len(glyph) != 1 or not glyph.isprintable():
            raise ValueError(f"{name} = {glyph!r} is not one printable character. Give one.")
