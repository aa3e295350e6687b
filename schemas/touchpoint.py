"""A touchpoint as it travels inside Wayline: what every accepted form becomes.

It is a msgspec struct in array form, so fields are only ever appended, with defaults. Structs
that come in thousands and cannot hold themselves have `gc=False`: collections took 6 % of a worker.
Outsiders' forms, and the checks on them, are in `schemas.intake`.
"""

from typing import Any, NewType

from msgspec import Struct

ProfileId = NewType("ProfileId", str)
Millis = NewType("Millis", int)
"""Milliseconds since 1970-01-01T00:00:00Z."""


class Touchpoint(Struct, frozen=True, array_like=True, gc=False):
    """What a channel reports about one person at one moment.

    `id` and `source` together name it: two with the same pair are one fact.
    `time` is when it happened, `received` the broker's stamp on its source topic.
    `identifiers` holds what the sender wrote until stitch replaces it by normalised values;
    `verified` names the namespaces, or the single identifiers, that the sender has proof of.
    """

    id: str
    type: str
    time: Millis
    received: Millis
    source: str
    channel: str = ""
    identifiers: dict[str, tuple[str, ...]] = {}
    properties: dict[str, Any] = {}
    traits: dict[str, Any] = {}
    consents: dict[str, bool] = {}
    backfill: bool = False
    verified: tuple[str, ...] = ()
