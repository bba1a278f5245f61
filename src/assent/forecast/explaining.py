"""What the words mean: a few sentences each, for readers who would rather not open the report. The sentences are in data/words.toml."""

from __future__ import annotations

from assent.forecast.datasets import read


def words() -> tuple[str, ...]:
    """Every word that something is written about.

    >>> "detection" in words()
    True
    """
    return tuple(read("words").values["words"])


def explain(word: str) -> tuple[str, ...]:
    """The sentences about a word.

    Raises:
        ValueError: nothing is written about it.

    >>> explain("detection")[0]
    'How likely a failure is noticed. Clean decisions count for that share, because a failure may have passed unseen.'
    """
    known = read("words").values["words"]
    if word not in known:
        raise ValueError(f"Nothing is written about {word!r}; give one of {', '.join(known)}.")
    return tuple(known[word]["sentences"])
