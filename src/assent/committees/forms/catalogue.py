"""All forms by name, and their members as the arrays of one file and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assent.committees.forms.adapters import Adapters
from assent.committees.forms.composed import Composed
from assent.committees.forms.features import Features
from assent.committees.forms.form import Form
from assent.committees.forms.masked import Masked
from assent.committees.forms.stacked import Stacked
from assent.committees.forms.tangent import Tangent

Arrays = dict[str, NDArray[Any]]

FORMS: dict[str, Callable[[Mapping[str, Any], Mapping[str, NDArray[Any]]], Form]] = {
    kind.kind: kind.restored for kind in (Stacked, Masked, Composed, Tangent, Features, Adapters)
}


def as_arrays(parts: Sequence[Form]) -> tuple[list[dict[str, Any]], Arrays]:
    """The settings of each part, as JSON's values, and the arrays of all, named by part."""
    settings = [{"form": part.kind, **part.settings()} for part in parts]
    arrays = {
        f"{number} {name}": np.ascontiguousarray(array)
        for number, part in enumerate(parts)
        for name, array in part.arrays().items()
    }
    return settings, arrays


def from_arrays(settings: Sequence[Mapping[str, Any]], arrays: Mapping[str, NDArray[Any]]) -> list[Form]:
    """The parts that `as_arrays` was given; arrays of other names are passed over.

    Raises:
        KeyError: a setting or an array is missing.
        ValueError: an unknown form, or arrays of another architecture.
    """
    parts = list[Form]()
    for number, own in enumerate(settings):
        if own["form"] not in FORMS:
            raise ValueError(f"There are members of the form {own['form']!r}; known are {', '.join(FORMS)}.")
        head = f"{number} "
        mine = {name.removeprefix(head): array for name, array in arrays.items() if name.startswith(head)}
        parts.append(FORMS[own["form"]](own, mine))
    return parts
