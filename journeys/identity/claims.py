"""A claim: what one touchpoint says about who it was, normalised and in order of strength."""

from collections.abc import Collection, Iterable, Mapping
from functools import lru_cache
from operator import attrgetter

from msgspec import Struct
from msgspec.structs import replace

from journeys.identity.config import IdentityConfig
from journeys.identity.namespaces import EVERYTHING, Namespace, Source
from journeys.identity.normalise import LONGEST, Unusable, normalise
from journeys.identity.tokens import token
from schemas.touchpoint import Millis

LONGEST_RAW = 4 * LONGEST
"""What is longer is refused unread: it must not fill the memory of the cache."""

REMEMBERED = 50_000
"""Identifiers whose normal form is kept, at some 550 bytes each: all in all 27 MB. One that is not
among them costs 3 µs more, a phone of another form than most 22 µs.
"""

Rejection = tuple[str, str]
"""(identifier as the sender wrote it, `namespace:value`; reason)."""

_order = attrgetter("order")


class Identifier(Struct, frozen=True, gc=False):
    """A normalised identifier. `order` sorts a claim, strongest first."""

    namespace: str
    value: str
    token: str
    rules: Namespace
    order: tuple[bool, int, str, str]


class Claim(Struct, frozen=True, gc=False):
    """`links` can identify, in order of strength, `tokens` are theirs; `aside` is only noted.

    `usable` are both and the `shared`, by namespace, as a touchpoint carries them onwards. `time`
    is event time; `cause` names the touchpoint in the records of merges. `verified` are tokens,
    `shared` the devices declared so. One that `looks_up` links nothing; one that only `finds` does
    not even begin a profile.
    """

    links: tuple[Identifier, ...]
    tokens: tuple[str, ...]
    time: Millis
    aside: tuple[Identifier, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    cause: str = ""
    usable: dict[str, tuple[str, ...]] = {}
    shared: tuple[Identifier, ...] = ()
    verified: frozenset[str] = frozenset()
    looks_up: bool = False
    finds: bool = False


class Claims:
    """Reads claims by one configuration; remembers what it read, the results are pure."""

    def __init__(self, config: IdentityConfig) -> None:
        self._config = config
        self._identify = lru_cache(REMEMBERED)(self._identified)
        self._blocked = frozenset(map(self._as_normalised, config.blocked_values))
        self._shared = frozenset(map(self._as_normalised, config.shared))

    def read(
        self,
        identifiers: Mapping[str, tuple[str, ...]],
        time: Millis,
        cause: str = "",
        source: str = "",
        verified: Collection[str] = (),
    ) -> Claim:
        """The claim in a touchpoint's identifiers; their order changes nothing.

        `verified` names those that the sender has proof of: a namespace, or `namespace:value`.
        """
        policy = self._config.source(source)
        claim = self._plain(identifiers, time, cause) if policy is EVERYTHING else None
        if claim is None:
            claim = self._claimed(identifiers, time, cause, policy)
        return replace(claim, verified=self._verified(claim, verified)) if verified else claim

    def identifier(self, written: str) -> Identifier | str:
        """The identifier in `namespace:value`, or the reason why there is none."""
        namespace, _, raw = written.partition(":")
        return self._identify(namespace, raw) if len(raw) <= LONGEST_RAW else "invalid"

    def _plain(
        self, identifiers: Mapping[str, tuple[str, ...]], time: Millis, cause: str
    ) -> Claim | None:
        """The claim where there is nothing to it but one usable identifier of each namespace.

        That is most of the stream: what every claim might need besides would double its 3 µs.
        """
        if len(identifiers) > self._config.max_event_ids or self._shared:
            return None
        found: list[Identifier] = []
        for namespace, values in identifiers.items():
            if len(values) != 1 or len(values[0]) > LONGEST_RAW:
                return None
            one = self._identify(namespace, values[0])
            if isinstance(one, str) or one.rules.link == "never":
                return None
            found.append(one)
        if len(found) > 1:
            found.sort(key=_order)
        tokens = tuple([one.token for one in found])
        usable: dict[str, tuple[str, ...]] = {one.namespace: (one.value,) for one in found}
        return Claim(tuple(found), tokens, time, cause=cause, usable=usable)

    def _claimed(
        self,
        identifiers: Mapping[str, tuple[str, ...]],
        time: Millis,
        cause: str,
        policy: Source,
    ) -> Claim:
        """Any claim, but for how sure it is."""
        links: dict[str, Identifier] = {}
        aside: dict[str, Identifier] = {}
        rejected: list[Rejection] = []
        for namespace, values in identifiers.items():
            for raw in values:
                one = self._taken(namespace, raw, policy)
                if isinstance(one, str):
                    rejected.append((f"{namespace}:{raw[:LONGEST]}", one))
                elif one.rules.link == "never":
                    aside[one.token] = one
                    rejected.append((f"{namespace}:{raw}", "never"))
                else:
                    links[one.token] = one
        kept = _by_strength(links.values())
        most = self._config.max_event_ids
        rejected += [(named(one), "ignored") for one in kept[most:]]
        kept, shared = self._without_shared(kept[:most])
        if kept:
            rejected += [(named(one), "shared") for one in shared]
        return Claim(
            kept,
            tuple([one.token for one in kept]),
            time,
            _by_strength(aside.values()),
            tuple(sorted(rejected)),
            cause,
            _by_namespace([*kept, *shared, *_by_strength(aside.values())]),
            shared,
            looks_up=policy.looks_up,
        )

    def _taken(self, namespace: str, raw: str, policy: Source) -> Identifier | str:
        if namespace in policy.ignores:
            return "ignored"
        return self._identify(namespace, raw) if len(raw) <= LONGEST_RAW else "invalid"

    def _without_shared(
        self, found: tuple[Identifier, ...]
    ) -> tuple[tuple[Identifier, ...], tuple[Identifier, ...]]:
        if not self._shared or self._shared.isdisjoint(map(named, found)):
            return found, ()
        declared = tuple(one for one in found if named(one) in self._shared)
        return tuple(one for one in found if named(one) not in self._shared), declared

    def _verified(self, claim: Claim, verified: Collection[str]) -> frozenset[str]:
        sure = {self._as_normalised(one) for one in verified}
        return frozenset(
            one.token for one in claim.links if one.namespace in sure or named(one) in sure
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
        if self._blocked and f"{namespace}:{value}" in self._blocked:
            return "blocked"
        return Identifier(
            namespace,
            value,
            token(namespace, value, self._config.key),
            rules,
            (rules.link == "resolve", rules.rank, namespace, value),
        )

    def _as_normalised(self, blocked: str) -> str:
        namespace, _, raw = blocked.partition(":")
        rules = self._config.namespace(namespace)
        try:
            return f"{namespace}:{normalise(raw, rules, self._config)}" if rules else blocked
        except Unusable:
            return blocked


def named(one: Identifier) -> str:
    """As it is written: `namespace:value`, normalised."""
    return f"{one.namespace}:{one.value}"


def _by_strength(found: Collection[Identifier]) -> tuple[Identifier, ...]:
    return tuple(sorted(found, key=_order) if len(found) > 1 else found)


def _by_namespace(found: Iterable[Identifier]) -> dict[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for one in found:
        values[one.namespace] = (*values.get(one.namespace, ()), one.value)
    return values
