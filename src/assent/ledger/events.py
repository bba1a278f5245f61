"""What an event is, which kinds there are, and what each kind's body must hold."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from operator import index
from typing import Any, Final, SupportsIndex, cast

from assent.ledger.canonical import canonical
from assent.ledger.errors import EventRefused

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the ledger. `at_us`: microseconds since 1970, UTC; `prev`, `hash`: 32 bytes; `seq` starts at 1."""

    run: str
    seq: int
    at_us: int
    kind: str
    actor: str
    body: dict[str, Any]
    prev: bytes
    hash: bytes


@dataclass(frozen=True, slots=True)
class _Form:
    required: frozenset[str]
    optional: frozenset[str] = frozenset()


def _form(required: str, optional: str = "") -> _Form:
    return _Form(frozenset(required.split()), frozenset(optional.split()))


_FORMS: Final[dict[str, _Form]] = {
    "open": _form("format version seed agent config environment view"),
    "act": _form("step attempt action u ask below mass minimum leaders", "obs order theta risk"),
    "ask": _form(
        "question step attempt digest obs u ask leaders reason wait_s dossier", "null_action order theta risk legal"
    ),
    "request": _form("step about"),
    "claim": _form("question fence lease_s"),
    "release": _form("question fence"),
    "answer": _form("question choice digest idem", "lesson stated"),
    "refuse": _form("question choice digest idem why"),
    "volunteer": _form("step choice obs note"),
    "veto": _form("step action instead reason"),
    "apply": _form("cause surprise leaders effective"),
    "expire": _form("question action"),
    "withdraw": _form("question reason"),
    "halt": _form("reason"),
    "resume": _form("reason"),
    "outcome": _form("step truth"),
    "checkpoint": _form("applied_seq belief log_weight"),
    "alarm": _form("name detail"),
    "close": _form("reason"),
}
KINDS: Final[tuple[str, ...]] = tuple(_FORMS)
DECISIONS: Final[frozenset[str]] = frozenset({"act", "ask"})
FENCED: Final[frozenset[str]] = DECISIONS | {"apply", "checkpoint", "veto"}
"""What only the session that holds the run writes."""
DECISIVE: Final[frozenset[str]] = frozenset({"CoverageFailed"})
"""Alarms after which acts are charged otherwise: who holds the run knows of them, so nobody else may write them."""
AFTER_CLOSE: Final[frozenset[str]] = frozenset({"outcome", "refuse", "alarm"})
REFUSALS: Final[tuple[str, ...]] = ("conflict", "late", "changed", "withdrawn", "lease")
_DOSSIER: Final[frozenset[str]] = frozenset(
    ("members", "rows", "weights", "leading", "minimum", "assent", "dissent", "truncated")
)

_CUT: Final[frozenset[str]] = frozenset(("actions", "others"))
"""What a dossier has beside these if it leaves actions out."""


def count_options(dossier: Mapping[str, Any]) -> int:
    """How many options a question with this sound `dossier` has: those that it shows, and those that it leaves out.

    >>> count_options({"assent": [0.5, 0.25], "others": {"count": 3}})
    5
    """
    return len(dossier["assent"]) + (dossier["others"]["count"] if "others" in dossier else 0)


def check_body(kind: str, body: Body) -> None:
    """Nothing, if the body has the keys of its kind; raises EventRefused that names the missing and unknown ones.

    >>> check_body("halt", {"reason": "smoke"})
    >>> check_body("halt", {"why": "smoke"})
    Traceback (most recent call last):
    ...
    assent.ledger.errors.EventRefused: The body of a 'halt' event lacks reason and has the unknown key why. ...
    """
    form = _FORMS.get(kind)
    if form is None:
        raise EventRefused(f"There is no event of kind {kind!r}. The kinds are: {', '.join(KINDS)}.")
    keys = body.keys()
    if form.required <= keys and (len(keys) == len(form.required) or keys <= form.required | form.optional):
        return
    raise EventRefused(_keys_sentence(kind, form, {str(key) for key in keys}))


def _keys_sentence(kind: str, form: _Form, keys: set[str]) -> str:
    lacks = sorted(form.required - keys)
    extra = sorted(keys - form.required - form.optional)
    parts: list[str] = []
    if lacks:
        parts.append(f"lacks {', '.join(lacks)}")
    if extra:
        parts.append(f"has the unknown key{'s' if len(extra) > 1 else ''} {', '.join(extra)}")
    may = f" and may have {', '.join(sorted(form.optional))}" if form.optional else ""
    return f"The body of a {kind!r} event {' and '.join(parts)}. It must have {', '.join(sorted(form.required))}{may}."


def check_ask(run: str, body: Body) -> int:
    """The number of options of an `ask` body; raises EventRefused where it does not fit together."""
    check_body("ask", body)
    step, attempt = body["step"], body["attempt"]
    if not (is_count(step) and is_count(attempt)):
        raise EventRefused(f"step and attempt of a question count from 0; they are {step!r} and {attempt!r}.")
    if body["question"] != question_id(run, step, attempt):
        raise EventRefused(
            f"The question is called {body['question']!r}; at step {step}, attempt {attempt} of run {run!r} it must "
            f"be called {question_id(run, step, attempt)!r}, so that a repeated step is the same question."
        )
    _check_digest(body["digest"])
    options = _options(body["dossier"])
    null_action = body.get("null_action")
    if null_action is not None and not is_action(null_action, options):
        raise EventRefused(
            f"null_action is {null_action!r}; it must be one of the options 0 to {options - 1}, or -1 for doing nothing."
        )
    _check_legal(body.get("legal"), options)
    wait_s = body["wait_s"]
    if wait_s is not None and not (isinstance(wait_s, (int, float)) and 0 <= wait_s < 1e10):
        raise EventRefused(f"wait_s is {wait_s!r}; it is a number of seconds from 0 up, or None for no deadline.")
    return options


def _check_legal(legal: Any, options: int) -> None:
    if legal is None:
        return
    listed: list[Any] = list(legal) if isinstance(legal, list) else []  # pyright: ignore[reportUnknownArgumentType]
    if len(listed) != options or not all(isinstance(one, bool) for one in listed):
        raise EventRefused(f"legal is {legal!r}; it must hold true or false for each of the {options} options.")


def _options(dossier: Any) -> int:
    if not isinstance(dossier, Mapping):
        raise EventRefused(f"The dossier of a question is a mapping; this is a {type(dossier).__name__}.")
    keys: set[str] = {str(key) for key in dossier}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    extra = keys ^ _DOSSIER
    if extra and extra != set(_CUT):
        raise EventRefused(
            f"A dossier has the keys {', '.join(sorted(_DOSSIER))}, and actions and others where it leaves actions out, not "
            f"{', '.join(sorted(keys))}."
        )
    if len(dossier["assent"]) < 1:  # pyright: ignore[reportUnknownArgumentType]
        raise EventRefused("The dossier has an empty assent, so the question has no options. Give a number for each.")
    if "actions" in keys:
        _check_cut(dossier, len(dossier["assent"]))  # pyright: ignore[reportUnknownArgumentType]
    return count_options(dossier)  # pyright: ignore[reportUnknownArgumentType]


def _check_cut(dossier: Mapping[str, Any], shown: int) -> None:
    actions: Any = dossier["actions"]
    others: Any = dossier["others"]
    listed: list[Any] = list(actions) if isinstance(actions, list) else []  # pyright: ignore[reportUnknownArgumentType]
    more: dict[str, Any] = dict(others) if isinstance(others, Mapping) else {}  # pyright: ignore[reportUnknownArgumentType]
    count: Any = more.get("count")
    sound = (
        is_count(count)
        and count > 0
        and more.keys() == {"count", "assent", "minimum", "mass"}
        and len(listed) == shown
        and all(is_count(one) for one in listed)
        and all(one < other for one, other in itertools.pairwise([*listed, shown + count]))
    )
    if not sound:
        raise EventRefused(
            f"A dossier that leaves actions out names in `actions` the {shown} options that it shows, ascending, and in `others` how many "
            f"more there are (count), with assent, minimum and mass; it has {len(listed)} actions, and others = {others!r}."
        )


def _check_digest(digest: Any) -> None:
    if not (isinstance(digest, str) and len(digest) == 64 and set(digest) <= set("0123456789abcdef")):
        raise EventRefused(f"The digest is {digest!r}; it must be 64 hexadecimal digits, from digest_of_question.")


def is_count(value: Any) -> bool:
    """True for a whole number from 0 up that is not a bool."""
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def is_action(value: Any, options: int) -> bool:
    """True for an option, and for -1: nothing at all is done."""
    return isinstance(value, int) and not isinstance(value, bool) and -1 <= value < options


def check_name(what: str, name: object) -> str:
    """The name itself if it can name a run or an actor: 1 to 200 printable characters; raises EventRefused."""
    if isinstance(name, str) and 0 < len(name) <= 200 and name.isprintable():
        return name
    raise EventRefused(f"The {what} is {name!r}; it must be 1 to 200 printable characters.")


def whole(what: str, value: object) -> int:
    """`value` as an int if it is a whole number of any library and no truth value; raises EventRefused."""
    if not isinstance(value, bool):
        try:
            return index(cast("SupportsIndex", value))
        except TypeError:
            pass
    raise EventRefused(f"The {what} is {value!r}; it must be a whole number.")


def microseconds(seconds: float) -> int:
    """Whole microseconds, so that every reader of the events computes the same deadline."""
    return round(seconds * 1_000_000)


def question_id(run: str, step: int, attempt: int) -> str:
    """The id of the question at this place of a run: the same place is the same question.

    >>> question_id("demo", 7, 0)
    'demo/7.0'
    """
    return f"{run}/{step}.{attempt}"


def digest_of_question(*, run: str, step: int, attempt: int, obs: Any, options: Any, dossier: Body) -> str:
    """64 hexadecimal digits of what was asked: an answer to another text has another digest.

    SHA-256 over the RFC 8785 JSON of the six arguments. `obs` is encoded (assent.ledger.codec); `options` are the
    labels, or their number. Raises EventRefused for what JSON cannot hold.
    """
    asked = {"run": run, "step": step, "attempt": attempt, "obs": obs, "options": options, "dossier": dossier}
    return sha256(canonical(asked)).hexdigest()
