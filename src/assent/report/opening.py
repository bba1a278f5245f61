"""Reads the `open` event: who decides, what the options are called, how an observation is drawn."""

from __future__ import annotations

import math

from . import fields
from .records import EventLike, Opening, Picture
from .text import clean

MAX_MEMBERS = 4096


def read_opening(event: EventLike) -> Opening:
    """The opening of a run as far as its event says."""
    body, agent, view = event.body, fields.mapping(event.body, "agent"), fields.mapping(event.body, "view")
    settings = {f"agent.{k}": v for k, v in fields.flatten(agent) if k != "members"}
    settings |= {f"config.{k}": v for k, v in fields.flatten(fields.mapping(body, "config"))}
    grade, rule = fields.text(agent, "grade"), fields.text(agent, "rule")
    return Opening(
        at_us=event.at_us,
        version=clean(v, limit=60) if (v := fields.text(body, "version")) else None,
        seed=fields.integer(body, "seed"),
        rule=clean(rule, limit=60) if rule else None,
        grade=clean(grade, limit=40) if grade else None,
        members=fields.texts(agent, "members")[:MAX_MEMBERS],
        labels=fields.texts(view, "labels"),
        picture=_picture(fields.mapping(view, "picture")),
        settings=tuple(settings.items()),
        environment=fields.flatten(fields.mapping(body, "environment")),
    )


def _picture(view: fields.Body) -> Picture | None:
    shape = [n for n in fields.integers(view, "shape") if n > 0]
    maximum = fields.real(view, "max")
    if fields.text(view, "kind") != "grey" or len(shape) != 2 or maximum is None or not 0 < maximum < math.inf:
        return None
    return Picture(shape=(shape[0], shape[1]), maximum=maximum)
