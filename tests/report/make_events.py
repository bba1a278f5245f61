"""Events of a made-up but plausible run: a small conservative imitator on 8 by 8 digits, written without assent itself.

Thirteen nearest-centroid members, one of them planted (it reads 4 as 9), asking with what the minimum over the leading
members leaves over, re-weighted on answers only.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

MEMBERS = (
    "ash",
    "birch",
    "cedar",
    "elm",
    "fir",
    "hazel",
    "larch",
    "maple",
    "oak",
    "pine",
    "rowan",
    "willow",
    "planted",
)
LABELS = tuple("0123456789")


@dataclass(frozen=True)
class Event:
    run: str
    seq: int
    at_us: int
    kind: str
    actor: str
    body: Mapping[str, Any]
    hash: bytes


@dataclass
class Writer:
    run: str = "digits"
    at_us: int = 1_767_268_800_000_000
    events: list[Event] = field(default_factory=list)

    def add(self, kind: str, body: Mapping[str, Any], *, actor: str = "agent", after_s: float = 0.01) -> int:
        self.at_us += round(after_s * 1e6)
        seq = len(self.events) + 1
        previous = self.events[-1].hash if self.events else b""
        digest = hashlib.sha256(previous + json.dumps([seq, kind, body], sort_keys=True, default=str).encode()).digest()
        self.events.append(Event(self.run, seq, self.at_us, kind, actor, body, digest))
        return seq


def from_bodies(bodies: Iterable[tuple[str, Mapping[str, Any]]], *, actor: str = "agent") -> list[Event]:
    writer = Writer()
    for kind, body in bodies:
        writer.add(kind, body, actor=actor)
    return writer.events


def encode(array: np.ndarray) -> dict[str, Any]:
    little = np.ascontiguousarray(array, dtype="<f8")
    return {"dtype": "<f8", "shape": list(array.shape), "data": base64.b64encode(little.tobytes()).decode()}


def opening(*, grade: str = "heuristic") -> dict[str, Any]:
    agent = {
        "rule": "minimum",
        "leading": "mass 0.95",
        "guards": ["stakes"],
        "temper": 1.0,
        "members": list(MEMBERS),
        "num_actions": 10,
        "grade": grade,
    }
    return {
        "format": 1,
        "version": "0.1.0",
        "seed": 7,
        "agent": agent,
        "config": {"alpha": 0.02, "world": "digits", "overseer": "demonstrator", "wait_s": 600},
        "environment": {"python": "3.11.7", "platform": "Linux x86_64", "numpy": "2.4.6"},
        "view": {"labels": list(LABELS), "picture": {"kind": "grey", "shape": [8, 8], "max": 16.0}},
    }


def pictures(random: np.random.Generator, size: int, *, real: bool) -> tuple[np.ndarray, np.ndarray]:
    """Scikit-learn's digits (slow to import), or noisy pictures of ten random patterns."""
    if not real:
        truth = random.integers(0, 10, size)
        centres = random.uniform(0, 16, (10, 64))
        return np.clip(0.55 * centres[truth] + 4 + random.normal(0, 6, (size, 64)), 0, 16).round(), truth
    from sklearn.datasets import load_digits  # pyright: ignore[reportMissingImports]

    data, target = load_digits(return_X_y=True)
    order = random.permutation(len(target))[:size]
    return np.asarray(data)[order], np.asarray(target)[order]


def committee(random: np.random.Generator, data: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Probabilities `[T, H, A]` of nearest-centroid members, each fitted to a few examples through its own mask."""
    rows = []
    for member in range(len(MEMBERS)):
        few = 9 if member < 4 else 25 if member < 8 else 60
        mask = random.random(64) < (0.55 if member < 4 else 0.9)
        centres = np.stack([data[random.choice(np.flatnonzero(truth == label), few)].mean(0) for label in range(10)])
        far = (((data[:, None, :] - centres[None]) * mask) ** 2).sum(-1)
        score = -far / (70 if member < 8 else 48)
        if MEMBERS[member] == "planted":
            score[:, [4, 9]] = score[:, [9, 4]]
        score -= score.max(1, keepdims=True)
        probs = np.exp(score)
        rows.append(0.9995 * probs / probs.sum(1, keepdims=True) + 0.00005)
    return np.stack(rows, axis=1)


def make_run(*, decisions: int = 1300, seed: int = 7, collapse: bool = False, real: bool = False) -> list[Event]:
    """About one question in eight, fading; some expire, one answer is refused, two corrections are volunteered."""
    random = np.random.default_rng(seed)
    data, truth = pictures(random, decisions, real=real)
    probs = committee(random, data, truth)
    writer = Writer(run="collapse" if collapse else "digits")
    writer.add("open", opening())
    log_weight = np.zeros(len(MEMBERS))
    late: list[tuple[int, int]] = []
    for step in range(decisions):
        weights = np.exp(log_weight - log_weight.max())
        weights /= weights.sum()
        order = np.argsort(-weights, kind="stable")
        needed = int(np.searchsorted(np.cumsum(weights[order]), 0.96)) + 1
        leading = np.zeros(len(MEMBERS), dtype=bool)
        leading[order[: max(needed, 1 if collapse else 3)]] = True
        log_weight = _decide(
            writer, random, step, data[step], int(truth[step]), probs[step], weights, leading, log_weight
        )
        late.append((step, int(truth[step])))
        if step % 50 == 49:
            for past, known in late[:47]:
                writer.add("outcome", {"step": past, "truth": known}, actor="world")
            late.clear()
        if step % 100 == 99:
            body = {"applied_seq": len(writer.events), "belief": "0" * 64, "log_weight": encode(log_weight)}
            writer.add("checkpoint", body)
        if step in (412, 977):
            body = {"step": step, "choice": int(truth[step]), "obs": encode(data[step]), "note": "seen while auditing"}
            seq = writer.add("volunteer", body, actor="ana", after_s=4.0)
            log_weight = log_weight + np.log(probs[step][:, truth[step]])
            writer.add("apply", _applied(seq, 0.31, leading, weights))
        if step == 640:
            writer.add("alarm", {"name": "ask rate above its band", "detail": {"band": 0.2, "seen": 0.24}})
        if step == 900:
            writer.add("halt", {"reason": "lunch"}, actor="ana")
            writer.add("resume", {"reason": "back"}, actor="ana", after_s=1800)
    writer.add("close", {"reason": "end of the stream"})
    return writer.events


def _decide(writer, random, step, obs, truth, rows, weights, leading, log_weight):
    minimum = rows[leading].min(0)
    ask = float(1 - minimum.sum())
    u = float(random.random())
    if u >= ask:
        edges = ask + np.cumsum(minimum)
        action = min(int(np.searchsorted(edges, u, side="right")), 9)
        body = {"step": step, "attempt": 1, "action": action, "u": u, "ask": ask, "mass": float(minimum[action])}
        body |= {"below": float(minimum[:action].sum()), "minimum": float(minimum[action])}
        writer.add("act", body | {"leaders": int(leading.sum())})
        return log_weight
    best = int((weights @ rows).argmax())
    dissent = [i for i in range(len(MEMBERS)) if leading[i] and rows[i].argmax() != best]
    dossier = {
        "members": list(MEMBERS),
        "rows": rows.tolist(),
        "weights": weights.tolist(),
        "leading": leading.tolist(),
        "minimum": minimum.tolist(),
        "assent": minimum.tolist(),
        "dissent": dissent,
        "truncated": False,
    }
    key = f"{writer.run}/{step}.1"
    body = {"question": key, "step": step, "attempt": 1, "digest": "a" * 64, "obs": encode(obs), "u": u, "ask": ask}
    body |= {"leaders": int(leading.sum()), "reason": "disagreement", "wait_s": 600, "dossier": dossier}
    writer.add("ask", body)
    if random.random() < 0.03:
        writer.add("expire", {"question": key, "action": 0}, actor="clock", after_s=600)
        late = {"question": key, "choice": truth, "digest": "a" * 64, "idem": f"late-{step}", "why": "late"}
        writer.add("refuse", late, actor="ben", after_s=12)
        return log_weight
    writer.add("claim", {"question": key, "fence": 1, "lease_s": 60}, actor="ana", after_s=1)
    reply = {"question": key, "choice": truth, "digest": "a" * 64, "idem": f"i-{step}"}
    seq = writer.add("answer", reply, actor="ana", after_s=float(random.gamma(3, 1.4)))
    surprise = -float(np.log(weights @ rows[:, truth]))
    after = log_weight + (0.35 if writer.run == "collapse" else 0.16) * np.log(rows[:, truth])
    again = np.exp(after - after.max())
    writer.add("apply", _applied(seq, surprise, leading, again / again.sum()))
    return after


def _applied(cause: int, surprise: float, leading: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    effective = float(1 / (weights**2).sum())
    return {"cause": cause, "surprise": surprise, "leaders": int(leading.sum()), "effective": effective}
