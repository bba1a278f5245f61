"""Committee: members of one or several forms, their weights, their roots, and what they cost. It is a `Hypotheses`."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np
from numpy.typing import ArrayLike, NDArray

from assent.committees.costs import Cost
from assent.committees.files import read, write
from assent.committees.forms.catalogue import as_arrays, from_arrays
from assent.committees.forms.form import Form, Learns, Places, Unlearnable, checked_places
from assent.committees.forms.prior import Prior
from assent.committees.forms.stacked import Stacked, stacked
from assent.committees.forms.tangent import tangent_members
from assent.committees.models import mlp
from assent.committees.softmax import best_temperature, divided, log_softmax, mean_by_weight, normalised
from assent.committees.splits import Labelled
from assent.core import Answer, Grade, bayes_update

MIXED = "mixed"


@dataclass(frozen=True, eq=False)
class Committee:
    """Members and what is believed of them. Immutable: whatever changes it gives another.

    As a `Hypotheses` each member's row is its softmax, `(1 - floor)` of it mixed with half a floor of uniform: so that no member is lost at
    its first surprise, and what is missing is asked. Its memory is the parts as they are now. Members of the forms `tangent` and
    `features` learn from every answer, as if they had been fitted to it with all others; members of other forms stay as they are, and only
    their weights move. An observation that is not finite gives rows of NaN, which are asked, and teaches nothing.

    Attributes:
        parts: members by form, in order.
        log_weights: float64 [N], normalised.
        roots: integers [N], which training each member stems from.
        temperature: what all logits are divided by, above 0.
        scales: what each part's logits are divided by beforehand, one for each part: temperatures of committees that were joined.
        cost: what it took. Two committees that differ in nothing else are the same.
        names: [N], of the members.
        dropped: names of members that were left out because their loss was not finite.
        floor: in (0, 1).
    """

    static_fields: ClassVar[tuple[str, ...]] = ("parts", "temperature", "scales", "cost", "names", "dropped", "floor")
    parts: tuple[Form, ...]
    log_weights: NDArray[np.float64]
    roots: NDArray[np.int64]
    temperature: float
    cost: Cost = field(compare=False)
    names: tuple[str, ...]
    dropped: tuple[str, ...] = ()
    floor: float = 0.02
    scales: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        parts: Form | Sequence[Form],
        *,
        roots: ArrayLike | None = None,
        cost: Cost | None = None,
        names: Sequence[str] = (),
        temperature: float = 1.0,
        dropped: Sequence[str] = (),
        floor: float = 0.02,
    ) -> Committee:
        """Members with equal weights.

        Args:
            roots: integers [N]; every member its own when left out.
            names: one for each; "member 1", ... when left out.

        Raises:
            ValueError: no members, parts for other classes or items, or a number of roots or names that does not fit.
        """
        members = tuple(parts) if isinstance(parts, Sequence) else (parts,)
        number = sum(part.num_members for part in members)
        stems = np.arange(number) if roots is None else np.asarray(roots, dtype=np.int64)
        called = tuple(names) or tuple(f"member {place + 1}" for place in range(number))
        if number == 0 or stems.shape != (number,) or len(called) != number:
            raise ValueError(
                f"There are {number} members, {stems.size} roots and {len(called)} names; give at least one member, and as many of each."
            )
        kinds = {(part.num_classes, part.input_shape) for part in members}
        if len(kinds) > 1:
            raise ValueError(
                f"The parts answer differently shaped questions (classes, items): {sorted(kinds)}; give parts for the same."
            )
        if not (0 < floor < 1 and 0 < temperature < math.inf):
            raise ValueError(
                f"floor = {floor}, temperature = {temperature}: the floor lies in (0, 1), the temperature is above 0."
            )
        uniform = np.full(number, -math.log(number))
        scales = (1.0,) * len(members)
        return cls(members, uniform, stems, float(temperature), cost or Cost(), called, tuple(dropped), floor, scales)

    @property
    def num_members(self) -> int:
        return len(self.log_weights)

    @property
    def num_actions(self) -> int:
        """C, the classes."""
        return self.parts[0].num_classes

    @property
    def num_contexts(self) -> None:
        return None

    @property
    def remembers(self) -> bool:
        return False

    @property
    def grade(self) -> Grade:
        return "heuristic"

    @property
    def form(self) -> str:
        """What its members are: the parts' form, or "mixed"."""
        kinds = {part.kind for part in self.parts}
        return kinds.pop() if len(kinds) == 1 else MIXED

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Of one item."""
        return self.parts[0].input_shape

    @property
    def learns(self) -> bool:
        """Whether some members learn from an answer themselves."""
        return any(isinstance(part, Learns) for part in self.parts)

    def logits(self, x: ArrayLike) -> NDArray[np.floating[Any]]:
        """Every member's logits `[N, B, C]` of items `[B, ...]`, over their part's scale, as they are before the temperature.

        Raises:
            ValueError: items of another shape.
        """
        return self._logits(self.parts, self._items(x))

    def log_probs(self, x: ArrayLike) -> NDArray[np.float64]:
        """Every member's log-probabilities `[N, B, C]`; NaN throughout where one is not finite."""
        return log_softmax(divided(self.logits(x), self._divisor))

    def log_probs_as(self, memory: tuple[Form, ...], x: ArrayLike) -> NDArray[np.float64]:
        """`log_probs` of the members as they are in `memory`, which `learn` gave."""
        return log_softmax(divided(self._logits(memory, self._items(x)), self._divisor))

    @property
    def _divisor(self) -> float:
        """The temperature; NaN, so that all is asked, if it is none."""
        return self.temperature if self.temperature > 0 else math.nan

    def _logits(self, parts: Sequence[Form], items: NDArray[np.floating[Any]]) -> NDArray[np.floating[Any]]:
        found = [
            logits if scale == 1.0 else divided(logits, scale)
            for logits, scale in zip((part.logits(items) for part in parts), self.scales, strict=True)
        ]
        return np.concatenate(found) if len(found) > 1 else found[0]

    def mean_log_probs(self, x: ArrayLike) -> NDArray[np.float64]:
        """Log of the members' mean probability by weight, `[B, C]`; NaN throughout where some member cannot be read."""
        return mean_by_weight(self.log_probs(x), self.log_weights)

    def subset(self, places: Places) -> Committee:
        """The members at these places, in that order within each part, their weights as they are to each other.

        The cost stays that of the whole committee.

        Raises:
            IndexError: there is no such member, or none is named.
            ValueError: all these have weight 0.
        """
        chosen = checked_places(places, self.num_members)
        parts, order, scales, first = list[Form](), list[NDArray[np.int64]](), list[float](), 0
        for part, scale in zip(self.parts, self.scales, strict=True):
            mine = chosen[(chosen >= first) & (chosen < first + part.num_members)]
            if len(mine):
                parts.append(part.subset(mine - first))
                order.append(mine)
                scales.append(scale)
            first += part.num_members
        places = np.concatenate(order)
        return replace(
            self,
            parts=tuple(parts),
            log_weights=normalised(self.log_weights[places]),
            roots=self.roots[places],
            names=tuple(self.names[place] for place in places),
            scales=tuple(scales),
        )

    def top(self, k: int) -> Committee:
        """The k heaviest members, or all if there are fewer; of equal ones the first.

        Raises:
            ValueError: k is below 1.
        """
        if k < 1:
            raise ValueError(f"k = {k}: a committee has at least one member.")
        return self.subset(np.sort(np.argsort(-self.log_weights, kind="stable")[:k]))

    def draw(self, rng: np.random.Generator) -> Committee:
        """One member by weight, as a committee: for whoever follows one random model for a while."""
        return self.subset([int(rng.choice(self.num_members, p=np.exp(self.log_weights)))])

    def concat(self, *others: Committee) -> Committee:
        """All members together, each with the temperature of its committee; weights count in proportion to numbers of members.

        The floor is the first committee's.

        Raises:
            ValueError: committees for other classes or items.
        """
        every = (self, *others)
        shifted, roots = 0, list[NDArray[np.int64]]()
        for one in every:
            _, stems = np.unique(one.roots, return_inverse=True)
            roots.append(stems.ravel() + shifted)
            shifted += int(stems.max()) + 1
        joined = Committee.of(
            [part for one in every for part in one.parts],
            roots=np.concatenate(roots),
            cost=sum((one.cost for one in others), self.cost),
            names=[name for one in every for name in one.names],
            dropped=[name for one in every for name in one.dropped],
            floor=self.floor,
        )
        weights = [one.log_weights + math.log(one.num_members / joined.num_members) for one in every]
        scales = tuple(one.temperature * scale for one in every for scale in one.scales)
        return replace(joined, log_weights=normalised(np.concatenate(weights)), scales=scales)

    def observe(self, x: ArrayLike, y: int) -> Committee:
        """The committee after one labelled item: members that learn have learned it, and weights have moved by what was likely.

        Samples of what is known after the data are samples of it after one datum more, each as likely as before. So members of a part that
        learns move together, by what they gave the label on average; others move each by its own. Who cannot say what is likely sleeps.

        Args:
            x: one item.
            y: its label.

        Raises:
            ValueError: another shape, a number that is not finite, or no such label.
        """
        item, label = self._items(np.asarray(x)[None])[0], _label(y)
        if not np.isfinite(item).all() or not 0 <= label < self.num_actions:
            raise ValueError(
                f"The item holds {int((~np.isfinite(item)).sum())} numbers that are not finite, the label is {y}; give finite numbers and "
                f"a label from 0 to {self.num_actions - 1}."
            )
        said, first = self.log_policy(self.parts, item)[:, label], 0
        awake = ~np.isnan(said)
        for part in self.parts:
            mine = np.arange(self.num_members)
            mine = mine[(mine >= first) & (mine < first + part.num_members) & awake]
            if isinstance(part, Learns) and mine.size:
                weights = self.log_weights[mine]
                said[mine] = np.logaddexp.reduce(weights + said[mine]) - np.logaddexp.reduce(weights)
            first += part.num_members
        weights = np.asarray(bayes_update(self.log_weights, np.where(awake, said, 0.0), awake=awake))
        return replace(self, parts=_observed(self.parts, item, label), log_weights=weights)

    def tempered(self, data: Labelled) -> Committee:
        """The committee with the one temperature at which the members' mean has the least log-loss on `data`. Validation, never test.

        Raises:
            ValueError: logits that are not finite, or labels that there are not.
        """
        logits, labels = self.logits(data.x), np.asarray(data.y)
        unread = int((~np.isfinite(logits).all(axis=(0, 2))).sum())
        if unread or labels.min() < 0 or labels.max() >= self.num_actions:
            raise ValueError(
                f"Some member's logits are not finite at {unread} of {len(labels)} items, and labels go from {labels.min()} to "
                f"{labels.max()} of {self.num_actions} classes: no temperature can be chosen by them. Leave out what cannot be read."
            )
        return replace(self, temperature=best_temperature(logits, labels, self.log_weights))

    @staticmethod
    def example() -> Committee:
        """Two random networks and two draws from the tangent space of another after three data, for two inputs and three actions."""
        model = mlp((2,), (4,), 3)
        first, second, root = (model.init(jax.random.key(number)) for number in range(3))
        x = np.asarray([[0.0, 1.0], [1.0, 0.0], [-1.0, -1.0]], dtype=np.float32)
        words = np.asarray(jax.random.key_data(jax.random.key(3)))
        samples = tangent_members(model, root, x, np.arange(3), prior=Prior(), key=words, numbers=np.arange(2))
        return Committee.of([Stacked(model, stacked([first, second])), samples], roots=[0, 1, 2, 2])

    # what the core asks of its members

    def log_prior(self) -> NDArray[np.float64]:
        return self.log_weights

    def init(self) -> tuple[Form, ...]:
        return self.parts

    def log_policy(self, memory: tuple[Form, ...], obs: Any) -> NDArray[np.float64]:
        """Rows `[N, C]` after the floor; NaN in every entry of a row that cannot be read.

        Raises:
            ValueError: `obs` has another shape than an item.
        """
        item = self._items(np.asarray(obs)[None])
        if not (np.isfinite(item).all() and 0 < self.floor < 1):
            return np.full((self.num_members, self.num_actions), np.nan)
        log_probs = self.log_probs_as(memory, item)[:, 0]
        lifted = (1.0 - self.floor) * np.exp(log_probs) + self.floor / (2.0 * self.num_actions)
        return np.log(lifted)

    def advance(self, memory: tuple[Form, ...], obs: Any, action: Any) -> tuple[Form, ...]:
        return memory

    def learn(self, memory: tuple[Form, ...], obs: Any, answer: Answer) -> tuple[Form, ...]:
        """The memory after an answer; as it was after an observation that is not finite. Raises as `log_policy`."""
        item = self._items(np.asarray(obs)[None])[0]
        if not np.isfinite(item).all():
            return memory
        return _observed(memory, item, _label(answer.action))

    # on disk

    def save(self, path: Path | str, *, made_on: Mapping[str, Any] | None = None) -> None:
        """Everything into one safetensors file; masks stay bits.

        Args:
            made_on: what else the file should say, as JSON; `assent.committees.files.made_on` reads it. The command line writes problem
                and seed there, so that nobody measures members on what they learned from.

        Raises:
            ValueError: the path is no file's.
        """
        parts, arrays = as_arrays(self.parts)
        arrays |= {"log_weights": self.log_weights, "roots": self.roots}
        about = {
            "parts": parts,
            "temperature": self.temperature,
            "scales": self.scales,
            "cost": {field.name: getattr(self.cost, field.name) for field in fields(self.cost)},
            "names": self.names,
            "dropped": self.dropped,
            "floor": self.floor,
            "made_on": dict(made_on or {}),
        }
        write(path, about, arrays)

    @staticmethod
    def load(path: Path | str) -> Committee:
        """What `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: a file of something else, of a later version, or with arrays of another architecture.
        """
        about, arrays = read(path)
        try:
            return _restored(about, arrays)
        except KeyError as error:
            raise ValueError(f"{path} does not say {error}, which a committee needs; save it again.") from error
        except TypeError as error:
            raise ValueError(f"{path} says what no committee has: {error}; save it again.") from error
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from error

    def _items(self, x: ArrayLike) -> NDArray[np.floating[Any]]:
        items = np.asarray(x)
        if items.dtype.kind not in "fiub":
            raise ValueError(f"Items are of the type {items.dtype}; give real numbers.")
        if items.shape[1:] != self.input_shape or items.ndim == 0:
            raise ValueError(f"Items have the shape {items.shape}; give [B, {', '.join(map(str, self.input_shape))}].")
        with np.errstate(
            over="ignore"
        ):  # what single precision cannot hold becomes infinite, and that is no observation
            return items if items.dtype == np.float32 else items.astype(np.float32)


def _restored(about: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> Committee:
    parts = from_arrays(about["parts"], arrays)
    if arrays["roots"].dtype.kind not in "iu":
        raise ValueError(f"The roots are of the type {arrays['roots'].dtype}; they are integers.")
    called = [*about["names"], *about["dropped"]]
    if isinstance(about["names"], str) or not all(isinstance(name, str) for name in called):
        raise ValueError(f"The members' names are {about['names']!r}; they are a list of texts.")
    if not all(isinstance(value, int | float) and 0 <= value < math.inf for value in about["cost"].values()):
        raise ValueError(f"The cost is {about['cost']}; each is a number from 0 on.")
    committee = Committee.of(
        parts,
        roots=arrays["roots"],
        cost=Cost(**about["cost"]),
        names=about["names"],
        temperature=about["temperature"],
        dropped=about["dropped"],
        floor=about["floor"],
    )
    scales = tuple(float(scale) for scale in about["scales"])
    if len(scales) != len(parts) or not all(0 < scale < math.inf for scale in scales):
        raise ValueError(f"There are scales {scales} for {len(parts)} parts; a committee has one above 0 for each.")
    weights = arrays["log_weights"]
    if weights.shape != (committee.num_members,) or not abs(np.exp(weights).sum() - 1.0) <= 1e-6:
        raise ValueError(
            f"There are {weights.size} weights, of a sum of {np.exp(weights).sum():.6g}; {committee.num_members} members have as many, and "
            "a sum of 1."
        )
    return replace(committee, log_weights=weights, scales=scales)


def _label(value: Any) -> int:
    """An integer, and no other number."""
    found = np.asarray(value)
    if found.ndim or found.dtype.kind not in "iu":
        raise ValueError(f"The label is {value!r}; give one integer.")
    return int(found)


def _observed(parts: tuple[Form, ...], item: NDArray[np.floating[Any]], label: int) -> tuple[Form, ...]:
    return tuple(_learned(part, item, label) for part in parts)


def _learned(part: Form, item: NDArray[np.floating[Any]], label: int) -> Form:
    if not isinstance(part, Learns):
        return part
    try:
        return part.observed(item, label)
    except Unlearnable:  # its rows are NaN there, which is asked
        return part
