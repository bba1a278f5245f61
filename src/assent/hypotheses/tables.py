"""Tables: a bank of tabular policies over a finite set of contexts, with an exact posterior."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from assent.core import Answer, Array, Grade
from assent.core.arrays import namespace, rounding, safe_log
from assent.hypotheses.observations import context_of
from assent.hypotheses.prior import log_prior_of


@dataclass(frozen=True, eq=False)
class Tables:
    """N policies over S contexts and A actions; an observation is a context's number.

    Nothing is remembered and rows never change, so an assent depends only on the context and the weights, and whoever drives
    the agent may keep it until the next answer (`num_contexts` says so).

    Attributes:
        log_rows: `[S, A, N]`, log-probabilities; the members lie last, where the minimum and the update run over them.
        log_prior_weights: `[N]`, normalised.
        names: one for each member.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("names",)
    log_rows: Array
    log_prior_weights: Array
    names: tuple[str, ...] = ()

    @classmethod
    def of(cls, policies: Array, *, prior: Array | None = None, names: Sequence[str] = ()) -> Tables:
        """The bank of `policies` `[N, S, A]` (probabilities; rows may sum to less than 1) with prior weights `prior` `[N]`.

        The prior is scaled to sum to 1 and is uniform when left out.

        Raises:
            ValueError: no members, contexts or actions; a row that is not a sub-distribution (names member and context); prior
                weights of the wrong length, negative, not finite or all zero; names of the wrong length.

        >>> import numpy as np
        >>> bank = Tables.of(np.asarray([[[0.75, 0.25]], [[0.5, 0.5]]]))
        >>> bank.num_members, bank.num_contexts, bank.num_actions
        (2, 1, 2)
        """
        xp = namespace(policies)
        if policies.ndim != 3 or 0 in policies.shape:
            raise ValueError(
                f"policies has shape {tuple(policies.shape)}; expected [members, contexts, actions] with at least one of each. "
                "An empty committee cannot decide anything."
            )
        _refuse_bad_rows(policies)
        num_members = int(policies.shape[0])
        weights = (
            xp.ones(num_members, dtype=policies.dtype) if prior is None else xp.asarray(prior, dtype=policies.dtype)
        )
        if names and len(names) != num_members:
            raise ValueError(f"{len(names)} names for {num_members} members: give one for each, or none.")
        return cls(
            log_rows=safe_log(xp.permute_dims(policies, (1, 2, 0))),
            log_prior_weights=log_prior_of(weights, num_members=num_members),
            names=tuple(names) or tuple(f"member {i}" for i in range(num_members)),
        )

    @property
    def num_members(self) -> int:
        return int(self.log_rows.shape[2])

    @property
    def num_actions(self) -> int:
        return int(self.log_rows.shape[1])

    @property
    def num_contexts(self) -> int:
        return int(self.log_rows.shape[0])

    @property
    def grade(self) -> Grade:
        return "exact"

    @property
    def remembers(self) -> bool:
        return False

    @property
    def fixed(self) -> bool:
        """True: no answer changes a row."""
        return True

    def log_prior(self) -> Array:
        return self.log_prior_weights

    def init(self) -> tuple[()]:
        return ()

    def log_policy(self, memory: Any, obs: Any) -> Array:
        """The members' rows in context `obs`, `[N, A]`.

        Raises:
            IndexError: `obs` is no whole number, or one outside 0 … S - 1 (a negative one would count from the end).
        """
        rows = self.log_rows[context_of(obs, self.num_contexts), :, :]
        return namespace(rows).permute_dims(rows, (1, 0))

    def advance(self, memory: Any, obs: Any, action: Array) -> Any:
        return memory

    def learn(self, memory: Any, obs: Any, answer: Answer) -> Any:
        return memory


def _refuse_bad_rows(policies: Array) -> None:
    xp = namespace(policies)
    if not xp.isdtype(policies.dtype, "real floating"):
        raise ValueError(f"policies has dtype {policies.dtype}; expected probabilities in a floating-point dtype.")
    readable = xp.all(xp.isfinite(policies) & (policies >= 0), axis=2) & (
        xp.sum(policies, axis=2) <= 1 + rounding(xp, policies)
    )
    if not bool(xp.all(readable)):
        first = int(xp.argmax(xp.astype(~xp.reshape(readable, (-1,)), xp.int32)))
        member, context = divmod(first, int(policies.shape[1]))
        raise ValueError(
            f"the row of member {member} in context {context} is {policies[member, context, :]}: not a sub-distribution. Each entry "
            "must be a finite number >= 0 and the sum at most 1."
        )
