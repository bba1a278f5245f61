"""The alarm that no member explains the overseer: a test that may be looked at after every answer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from assent.core.arrays import Array, namespace, safe_log
from assent.core.assent import Assent
from assent.core.guards import Context, withhold
from assent.core.tallies import Done


@dataclass(frozen=True, eq=False)
class Evidence:
    """What speaks against all members at once, group by group; G groups of contexts, H members, A actions.

    Attributes:
        log_members: `[G, H]`, nats: the likelihood of the group's answers under each member.
        log_table: `[G]`, nats: the same under a table that learned as it went.
        counts: `[G, A]`, the answers.
        fired: boolean `[G]`.
    """

    static_fields: ClassVar[tuple[str, ...]] = ()
    log_members: Array
    log_table: Array
    counts: Array
    fired: Array


@dataclass(frozen=True, eq=False)
class Unexplained:
    """Ask for ever in a group of contexts once its answers are better explained by a plain table than by any member.

    For each group g the evidence is `E = prod u(a_k) / max_i prod p_i(a_k)` over its answers so far, u being the Krichevsky-Trofimov
    estimate `(count + 1/2) / (n + A/2)` made before each. If some member is the overseer's model, E is at most a likelihood ratio of
    expectation 1, and by Ville's inequality the chance that it ever reaches `G / delta` in some group is at most `delta`, however often one
    looks (universal inference: Wasserman, Ramdas and Balakrishnan, PNAS 2020). A fired group is asked from then on; the others go on.

    Members must be policies: of a family it would have to know the best one. Only answers tell, so without audits an error that all
    members share is never seen. One alarm over all contexts would be drowned by those that are explained well: that is what the groups
    are for.

    Attributes:
        num_actions: A.
        delta: in (0, 1), the chance of a false alarm, over all groups and all time.
        groups: integers `[S]`, the group of each context, from 0; each context is its own where None and contexts are numbered, and
            all are one where they are not.
        num_groups: G, where `groups` is given.

    Raises:
        ValueError: `delta` is outside (0, 1), or `num_actions` or `num_groups` below 1.
    """

    static_fields: ClassVar[tuple[str, ...]] = ("num_actions", "num_groups")
    reason: ClassVar[str] = "unexplained"
    num_actions: int
    delta: Array | float = 0.01
    groups: Array | None = None
    num_groups: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.delta < 1:
            raise ValueError(
                f"delta = {self.delta} is outside (0, 1): it is the chance of a false alarm; 0.01 is usual."
            )
        if self.num_actions < 1 or (self.num_groups is not None and self.num_groups < 1):
            raise ValueError(
                f"num_actions = {self.num_actions}, num_groups = {self.num_groups}: there is at least one of each."
            )
        if (self.groups is None) != (self.num_groups is None):
            raise ValueError(
                "groups and num_groups come together: the group of each context, and how many groups there are."
            )
        if self.groups is not None and self.num_groups is not None:
            given = np.asarray(self.groups)
            if given.ndim != 1 or given.dtype.kind not in "iu" or not ((given >= 0) & (given < self.num_groups)).all():
                raise ValueError(
                    f"groups = {given}: give one whole number from 0 to {self.num_groups - 1} for each context; another would never fire."
                )

    @staticmethod
    def example() -> Unexplained:
        """One for four actions."""
        return Unexplained(4)

    def start(self, like: Array, num_contexts: int | None) -> Evidence:
        xp = namespace(like)
        if self.groups is not None and num_contexts is not None and self.groups.shape[0] != num_contexts:
            raise ValueError(f"groups names {self.groups.shape[0]} contexts of {num_contexts}: give the group of each.")
        groups = self.num_groups or num_contexts or 1
        return Evidence(
            log_members=xp.zeros((groups, like.shape[0]), dtype=like.dtype),
            log_table=xp.zeros(groups, dtype=like.dtype),
            counts=xp.zeros((groups, self.num_actions), dtype=like.dtype),
            fired=xp.zeros(groups, dtype=xp.bool),
        )

    def __call__(self, assent: Assent, context: Context, tally: Evidence) -> Assent:
        xp = namespace(assent.probs)
        if context.obs is None and tally.fired.shape[0] > 1:
            return withhold(assent, xp.asarray(False))
        return withhold(assent, ~tally.fired[self._group(context.obs, tally)])

    def count(self, tally: Evidence, done: Done) -> Evidence:
        return tally

    def hear(self, tally: Evidence, obs: Any, action: Array, log_policy: Array) -> Evidence:
        xp = namespace(tally.counts)
        num_groups = tally.counts.shape[0]
        here = xp.arange(num_groups) == self._group(obs, tally)
        chosen = xp.arange(self.num_actions) == xp.asarray(action)
        seen = xp.sum(xp.where(chosen[None, :], tally.counts, 0.0), axis=1)
        total = xp.sum(tally.counts, axis=1)
        estimate = safe_log((seen + 0.5) / (total + 0.5 * self.num_actions))
        # a member that cannot be read says nothing here: it is given the benefit of the doubt
        said = xp.where(log_policy[:, action] <= 0, log_policy[:, action], 0.0)
        log_members = xp.where(here[:, None], tally.log_members + said[None, :], tally.log_members)
        log_table = xp.where(here, tally.log_table + estimate, tally.log_table)
        best = xp.max(log_members, axis=1)
        against = xp.where(xp.isfinite(best), log_table - xp.where(xp.isfinite(best), best, 0.0), float("inf"))
        fired = tally.fired | (
            here & (against >= math.log(num_groups) - xp.log(xp.asarray(self.delta, dtype=best.dtype)))
        )
        counts = tally.counts + xp.astype(here[:, None] & chosen[None, :], tally.counts.dtype)
        return Evidence(log_members, log_table, counts, fired)

    def _group(self, obs: Any, tally: Evidence) -> Any:
        if self.groups is not None:
            number = isinstance(obs, int | np.integer)
            if not number and getattr(obs, "shape", None) != ():
                raise ValueError(
                    f"groups tells the group of each numbered context, and {obs!r} is no number. Leave groups out, for one group of all, "
                    "or number the contexts."
                )
            if number and not 0 <= obs < self.groups.shape[0]:
                raise ValueError(
                    f"context {obs} is in no group: groups names those from 0 to {self.groups.shape[0] - 1}."
                )
            return self.groups[obs]
        return obs if tally.counts.shape[0] > 1 else 0
