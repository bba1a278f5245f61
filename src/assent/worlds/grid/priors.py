"""What a level says about the rewards that are possible: the checked settings of each kind of prior, and its hypotheses' names."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import combinations, product
from typing import Any, ClassVar

from assent.hypotheses.rewards.enumerated import MAX_HYPOTHESES
from assent.worlds.grid.reading import LevelError, as_table, build, shown, within

NONE_OF_THESE = "none of these"
"""The hypothesis that rewards nothing: whatever is shown is equally likely under it, so that it takes over what no other explains."""


@dataclass(frozen=True)
class At:
    """A reward for one action in one place (a state's name, or a character: all of its cells)."""

    place: str
    action: str
    reward: float


@dataclass(frozen=True)
class ListedReward:
    """One hypothesis. Rewards are for each step, for entering a character or state, for an action, or for an action in a place."""

    name: str
    weight: float = 1.0
    step: float = 0.0
    enter: Mapping[str, float] = field(default_factory=dict)
    act: Mapping[str, float] = field(default_factory=dict)
    at: tuple[At, ...] = ()


@dataclass(frozen=True)
class Listed:
    """Hypotheses written out, one `[[prior.reward]]` each."""

    word: ClassVar[str] = "listed"
    reward: tuple[ListedReward, ...]

    def __post_init__(self) -> None:
        if not self.reward:
            raise ValueError("there is no [[prior.reward]]. Write one for each hypothesis.")
        _check_weights([one.weight for one in self.reward])
        name, times = Counter(one.name for one in self.reward).most_common(1)[0]
        if times > 1:
            raise ValueError(f"the name {name!r} is given to {times} hypotheses. Give each its own.")


@dataclass(frozen=True)
class Goals:
    """Each choice of `k` goals among the candidates is a hypothesis: `reward` for entering one of them, `step` for each step.

    Candidates are the plain floor cells ("floor"), or characters, one a candidate.
    """

    word: ClassVar[str] = "goals"
    candidates: str = "floor"
    k: int = 1
    reward: float = 1.0
    step: float = 0.0
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise ValueError(f"k = {self.k}: at least one candidate has to be a goal.")
        if len(set(self.candidates)) < len(self.candidates) and self.candidates != "floor":
            raise ValueError(f"candidates = {self.candidates!r} names a character twice. Name each once.")
        _check_weights(self.weights)


@dataclass(frozen=True)
class Doors:
    """One hypothesis for each action that may be shown, in the one place that does not end: reward 1 for it."""

    word: ClassVar[str] = "doors"
    weights: tuple[float, ...] | None = None

    def __post_init__(self) -> None:
        _check_weights(self.weights)


@dataclass(frozen=True)
class Linear:
    """Every assignment of a value of `grid` to every feature (a character or state, counted on entering), all equally likely."""

    word: ClassVar[str] = "linear"
    features: tuple[str, ...]
    grid: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.features or not self.grid:
            raise ValueError("features and grid need at least one entry each.")
        for name in ("features", "grid"):
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} = {list(getattr(self, name))} holds an entry twice. Give each once.")


@dataclass(frozen=True)
class Gaussian:
    """Rewards of each place and action, independent, normal with this mean and standard deviation."""

    word: ClassVar[str] = "gaussian"
    mean: float = 0.0
    sd: float = 1.0

    def __post_init__(self) -> None:
        _check_sd(self.sd)


@dataclass(frozen=True)
class SpikeSlab:
    """Rewards of each place and action, independent: 0 with chance 1 - q, else normal."""

    word: ClassVar[str] = "spike_slab"
    q: float
    mean: float = 0.0
    sd: float = 1.0

    def __post_init__(self) -> None:
        within("q", self.q, 0, 1, meaning="the chance that a reward is not 0")
        _check_sd(self.sd)


@dataclass(frozen=True)
class Mixture:
    """Several priors, `weights` between them (equal when left out), and the chance that none of them holds the truth."""

    word: ClassVar[str] = "mixture"
    parts: tuple[Any, ...]
    weights: tuple[float, ...] | None = None
    none_of_these: float = 0.0

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("parts is empty. Give at least one prior.")
        if not 0 <= self.none_of_these < 1:
            raise ValueError(
                f"none_of_these = {self.none_of_these} is outside [0, 1): it is a chance, and not all there is."
            )
        _check_weights(self.weights)
        if self.weights is not None and len(self.weights) != len(self.parts):
            raise ValueError(f"weights has {len(self.weights)} entries for {len(self.parts)} parts. Give one for each.")


Prior = Listed | Goals | Doors | Linear | Gaussian | SpikeSlab | Mixture
PRIORS: tuple[type[Any], ...] = (Listed, Goals, Doors, Linear, Gaussian, SpikeSlab, Mixture)


def read_prior(table: object, where: str, *, nested: bool = False) -> Prior:
    """The prior that a table asks for.

    Raises:
        LevelError: an unknown kind, or settings that cannot be.
    """
    given = as_table(table, where)
    words = {kind.word: kind for kind in PRIORS if not (nested and kind is Mixture)}
    word = given.get("kind")
    if not isinstance(word, str) or word not in words:
        said = "is missing" if "kind" not in given else f"= {shown(word)} is unknown"
        raise LevelError(f"{where}: kind {said}. Give one of {', '.join(words)}.")
    settings = {key: value for key, value in given.items() if key != "kind"}
    if word != Mixture.word:
        return build(words[word], settings, where)
    listed = settings.get("parts", [])
    if not isinstance(listed, list):
        raise LevelError(f"{where}: parts = {shown(listed)} is no list. Write [[prior.parts]] for each.")
    parts = tuple(read_prior(part, f"{where}: parts[{number}]", nested=True) for number, part in enumerate(listed))
    rest = build(_Shares, {key: value for key, value in settings.items() if key != "parts"}, where, besides=["parts"])
    try:
        return Mixture(parts, rest.weights, rest.none_of_these)
    except ValueError as error:
        raise LevelError(f"{where}: {error}") from error


@dataclass(frozen=True)
class _Shares:
    weights: tuple[float, ...] | None = None
    none_of_these: float = 0.0


def as_mapping(prior: Prior) -> Mapping[str, Any]:
    """The settings with all defaults filled in: `kind` and the keys of the file; tuples for lists.

    >>> as_mapping(Gaussian())
    {'kind': 'gaussian', 'mean': 0.0, 'sd': 1.0}
    """
    if isinstance(prior, Mixture):
        parts = tuple(as_mapping(part) for part in prior.parts)
        return {"kind": prior.word, "parts": parts, "weights": prior.weights, "none_of_these": prior.none_of_these}
    return {"kind": prior.word, **asdict(prior)}


@dataclass(frozen=True)
class Vocabulary:
    """What a prior may speak of: places by name, each with how many cells; floor cells by name; actions; those that may be shown."""

    places: Mapping[str, int]
    floor: tuple[str, ...]
    actions: tuple[str, ...]
    answers: tuple[str, ...]


def check_prior(prior: Prior, scene: Vocabulary, where: str) -> None:
    """Refuses what names a place or action that there is not, and more hypotheses than can be enumerated.

    Raises:
        LevelError: with the name or number seen.
    """
    for part in prior.parts if isinstance(prior, Mixture) else ():
        check_prior(part, scene, where)
    if isinstance(prior, Listed):
        for one in prior.reward:
            _check_listed(one, scene, f"{where}: reward {one.name!r}")
    if isinstance(prior, Linear):
        _check_places(prior.features, scene, f"{where}: features")
    if isinstance(prior, Goals):
        _check_goals(prior, scene, where)
    if isinstance(prior, Doors) and not scene.answers:
        raise LevelError(
            f"{where}: there is no action that may be shown, so there is no door. Give [overseer] answers."
        )
    count = num_hypotheses(prior, scene)
    if count is not None and count > MAX_HYPOTHESES:
        seen = f"{count:,}" if count < 10**18 else "over 10^18"
        raise LevelError(
            f"{where}: there are {seen} hypotheses; at most {MAX_HYPOTHESES:,} can be enumerated. Give fewer."
        )
    weights = prior.weights if isinstance(prior, Goals | Doors) else None
    if weights is not None and len(weights) != count:
        raise LevelError(f"{where}: weights has {len(weights)} entries for {count} hypotheses. Give one for each.")
    names = Counter(hypothesis_names(prior, scene))
    if len(names) < names.total():
        name, times = names.most_common(1)[0]
        raise LevelError(
            f"{where}: {times} hypotheses are called {name!r}. Give names or features that tell them apart."
        )


def num_hypotheses(prior: Prior, scene: Vocabulary) -> int | None:
    """How many hypotheses there are; None where they are not countable."""
    match prior:
        case Listed():
            return len(prior.reward)
        case Goals():
            return math.comb(len(_candidates(prior, scene)), prior.k)
        case Doors():
            return len(scene.answers)
        case Linear():
            return len(prior.grid) ** len(prior.features)
        case Mixture():
            counts = [num_hypotheses(part, scene) for part in prior.parts]
            return None if None in counts else sum(count for count in counts if count is not None)
        case _:
            return None


def hypothesis_names(prior: Prior, scene: Vocabulary) -> Iterator[str]:
    """The names of the hypotheses, in order; none for priors over real numbers.

    Listed ones have theirs; goals are joined by +; doors are called as their actions; linear ones are like "x 1, y -1"; those of a
    mixture of several parts have the part's number in front, and "none of these" comes last.
    """
    match prior:
        case Listed():
            yield from (one.name for one in prior.reward)
        case Goals():
            yield from ("+".join(some) for some in combinations(_candidates(prior, scene), prior.k))
        case Doors():
            yield from scene.answers
        case Linear():
            for values in product(prior.grid, repeat=len(prior.features)):
                yield ", ".join(f"{one} {_brief(value)}" for one, value in zip(prior.features, values, strict=True))
        case Mixture():
            for number, part in enumerate(prior.parts):
                front = f"{number + 1}: " if len(prior.parts) > 1 else ""
                yield from (front + name for name in hypothesis_names(part, scene))
            if prior.none_of_these > 0:
                yield NONE_OF_THESE
        case _:
            return


def _brief(value: float) -> str:
    """The number in as few digits as tell it from every other."""
    return str(int(value)) if value.is_integer() and abs(value) < 10**15 else repr(value)


def places_named(prior: Prior, scene: Vocabulary) -> Iterator[str]:
    """The places that a prior speaks of; one may come more than once."""
    match prior:
        case Listed():
            for one in prior.reward:
                yield from (*one.enter, *(at.place for at in one.at))
        case Goals():
            yield from _candidates(prior, scene)
        case Linear():
            yield from prior.features
        case Mixture():
            for part in prior.parts:
                yield from places_named(part, scene)
        case _:
            return


def _candidates(prior: Goals, scene: Vocabulary) -> tuple[str, ...]:
    return scene.floor if prior.candidates == "floor" else tuple(prior.candidates)


def _check_goals(prior: Goals, scene: Vocabulary, where: str) -> None:
    if prior.candidates != "floor":
        _check_places(tuple(prior.candidates), scene, f"{where}: candidates")
    count = len(_candidates(prior, scene))
    if prior.k > count:
        raise LevelError(f"{where}: k = {prior.k} goals among {count} candidates. Give fewer goals or more candidates.")


def _check_listed(one: ListedReward, scene: Vocabulary, where: str) -> None:
    _check_places((*one.enter, *(at.place for at in one.at)), scene, where)
    for action in (*one.act, *(at.action for at in one.at)):
        if action not in scene.actions:
            raise LevelError(f"{where}: {action!r} is no action. The actions are {', '.join(scene.actions)}.")


def _check_places(names: Sequence[str], scene: Vocabulary, where: str) -> None:
    for name in names:
        if name not in scene.places:
            known = ", ".join(repr(place) for place, _ in zip(scene.places, range(20), strict=False))
            raise LevelError(
                f"{where}: {name!r} is no place. Places are {known}{' …' if len(scene.places) > 20 else ''}."
            )


def _check_weights(weights: Sequence[float] | None) -> None:
    if weights is None:
        return
    for number, weight in enumerate(weights):
        if weight < 0:
            raise ValueError(f"weight {number} is {weight}, below 0. Give numbers of at least 0.")
    if not 0 < sum(weights) < math.inf:
        raise ValueError(f"the weights sum to {sum(weights)}. Their sum has to be above 0, and finite.")


def _check_sd(sd: float) -> None:
    if sd <= 0:
        raise ValueError(f"sd = {sd}: a standard deviation is above 0.")
