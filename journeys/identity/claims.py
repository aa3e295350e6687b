"""A claim: what one touchpoint says about who it was, normalised and in order of strength."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from journeys.identity.config import IdentityConfig
from journeys.identity.normalise import LONGEST, Unusable, normalise
from journeys.identity.tokens import token
from schemas.touchpoint import Millis

LONGEST_RAW = 4 * LONGEST
"""What is longer is refused unread: it must not fill the memory of the cache."""

REMEMBERED = 50_000
"""Identifiers whose normal form is kept; a phone costs 22 µs to normalise."""

SETS_REMEMBERED, IN_A_SET = 20_000, 4
"""Sets of identifiers whose claim is kept: people come again by the same ones. The bounds are the
memory that a sender of nothing but new and long ones can fill, 50 MB.
"""

Rejection = tuple[str, str]
"""(identifier as the sender wrote it, `namespace:value`; reason)."""


class Identifier(Struct, frozen=True, gc=False):
    """A normalised identifier. `order` sorts a claim, strongest first."""

    namespace: str
    value: str
    token: str
    link: str
    order: tuple[bool, int, str, str]


class Claim(Struct, frozen=True, gc=False):
    """`links` can identify, in order of strength, `tokens` are theirs; `aside` is only noted.

    `usable` are both, by namespace, as a touchpoint carries them onwards. `time` is event time;
    `cause` names the touchpoint in the records of merges.
    """

    links: tuple[Identifier, ...]
    tokens: tuple[str, ...]
    time: Millis
    aside: tuple[Identifier, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    cause: str = ""
    usable: dict[str, tuple[str, ...]] = {}


class Claims:
    """Reads claims by one configuration; remembers what it read, the results are pure."""

    def __init__(self, config: IdentityConfig) -> None:
        self._config = config
        self._identify = lru_cache(REMEMBERED)(self._identified)
        self._again = lru_cache(SETS_REMEMBERED)(self._claimed)
        self._blocked = frozenset(map(self._as_normalised, config.blocked_values))

    def read(
        self, identifiers: Mapping[str, tuple[str, ...]], time: Millis, cause: str = ""
    ) -> Claim:
        """The claim in a touchpoint's identifiers; their order changes nothing."""
        few = sum(map(len, identifiers.values())) <= IN_A_SET
        claimed = self._again if few else self._claimed
        return replace(claimed(tuple(identifiers.items())), time=time, cause=cause)

    def _claimed(self, identifiers: tuple[tuple[str, tuple[str, ...]], ...]) -> Claim:
        """The claim, but for when and by what."""
        links: dict[str, Identifier] = {}
        aside: dict[str, Identifier] = {}
        rejected: list[Rejection] = []
        for namespace, values in identifiers:
            for raw in values:
                one = self._identify(namespace, raw) if len(raw) <= LONGEST_RAW else "invalid"
                if isinstance(one, str):
                    rejected.append((f"{namespace}:{raw[:LONGEST]}", one))
                elif one.link == "never":
                    aside[one.token] = one
                    rejected.append((f"{namespace}:{raw}", "never"))
                else:
                    links[one.token] = one
        kept = _by_strength(links.values())
        most = self._config.max_event_ids
        for one in kept[most:]:
            rejected.append((f"{one.namespace}:{one.value}", "ignored"))
        kept, noted = kept[:most], _by_strength(aside.values())
        return Claim(
            kept,
            tuple([one.token for one in kept]),
            Millis(0),
            noted,
            tuple(sorted(rejected)),
            usable=_by_namespace(kept + noted),
        )

    def _identified(self, namespace: str, raw: str) -> Identifier | str:
        """The identifier, or the reason why it is none."""
        rules = self._config.namespace(namespace)
        if rules is None:
            return "unknown_namespace"
        try:
            value = normalise(raw, rules, self._config)
        except Unusable as unusable:
            return unusable.reason
        if f"{namespace}:{value}" in self._blocked:
            return "blocked"
        return Identifier(
            namespace,
            value,
            token(namespace, value, self._config.key),
            rules.link,
            (rules.link == "resolve", rules.rank, namespace, value),
        )

    def _as_normalised(self, blocked: str) -> str:
        namespace, _, raw = blocked.partition(":")
        rules = self._config.namespace(namespace)
        try:
            return f"{namespace}:{normalise(raw, rules, self._config)}" if rules else blocked
        except Unusable:
            return blocked


def _by_strength(found: Collection[Identifier]) -> tuple[Identifier, ...]:
    return tuple(sorted(found, key=attrgetter("order")) if len(found) > 1 else found)


def _by_namespace(found: Iterable[Identifier]) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for one in found:
        values[one.namespace] = (*values.get(one.namespace, ()), one.value)
    return values
