"""How two identifiers came to be one person's: where each began, and the merges that joined them.

Told from the person's node in identity and the rows of `identity.merges`. A merge whose row has
gone with the topic's retention is still told, without its cause.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from console.connections import redis_of
from console.masking import masked_identifier
from console.people import Person, moment, rules_in_force, show, who
from console.refusals import Refused
from journeys.identity.claims import Claims, Identifier
from journeys.identity.config import IdentityConfig
from journeys.identity.records import Node, decode_node
from schemas.touchpoint import Millis, ProfileId
from streams.identities import RedisIdentities
from streams.reading import read_to_end
from streams.settings import Settings

Row = Mapping[str, Any]
"""A row of `identity.merges` on a merge."""


@dataclass(frozen=True, slots=True)
class Step:
    """`linked`: an identifier came to `profile`; `merged`: `profile` ended in `into`.

    `time` is event time, ms, None where nobody knows it any more. `cause` names the touchpoint of
    a merge, `links` are the tokens in it; of `linked` the one token.
    """

    kind: Literal["linked", "merged"]
    time: Millis | None
    profile: ProfileId
    links: tuple[str, ...] = ()
    into: ProfileId | None = None
    cause: str = ""


@dataclass(frozen=True, slots=True)
class Why:
    """`one` and `other` are tokens; `profile` is whose both are, None where they are not one's.

    `names` leads from tokens to `namespace:value`, as far as the person's profile has them.
    """

    one: str
    other: str
    profile: ProfileId | None
    steps: tuple[Step, ...]
    names: Mapping[str, str]


async def why(settings: Settings, identifier: str, other: str) -> Why:
    """How the two came together; raises Refused where one of them can identify nobody."""
    first, second = await who(settings, identifier), await who(settings, other)
    names = {first.token: first.normalised, second.token: second.normalised}
    if first.profile is None or first.profile != second.profile:
        return Why(first.token, second.token, None, (), names)
    async with redis_of(settings) as redis:
        raw = (await RedisIdentities(redis, settings.keys).nodes([first.profile]))[first.profile]
        config = await rules_in_force(settings, redis)
    node = decode_node(raw) if raw else Node(Millis(0))
    rows = await _rows(settings, node.aliases) if node.aliases else []
    steps = together(first.profile, node, rows, (first.token, second.token))
    found = {**names_of(await _person(settings, first.profile), config), **names}
    return Why(first.token, second.token, first.profile, tuple(steps), found)


def together(
    profile: ProfileId, node: Node, rows: Iterable[Row], tokens: Sequence[str]
) -> list[Step]:
    """Where these identifiers of a live profile began, and the merges between, in event time.

    What happened to the profile after both were in one is left out. No steps for a shared device.
    """
    died = {row["from"]: row for row in rows}
    linked = [
        Step("linked", node.identifiers[token].first, _origin(node, token, profile), (token,))
        for token in dict.fromkeys(tokens)
        if token in node.identifiers
    ]
    ways = [list(_way(step.profile, profile, died)) for step in linked]
    common = [step for step in ways[0] if all(step in way for way in ways)] if ways else []
    merged = dict.fromkeys(step for way in ways for step in way if step not in common)
    return sorted([*linked, *merged], key=lambda step: (step.time or 0, step.kind))


def names_of(person: Person | None, config: IdentityConfig) -> dict[str, str]:
    """Token -> `namespace:value` of the identifiers her profile remembers."""
    claims, found = Claims(config), {}
    for namespace, values in person.profile.identifiers.items() if person else ():
        for value in values:
            one = claims.identifier(f"{namespace}:{value}")
            if isinstance(one, Identifier):
                found[one.token] = f"{namespace}:{value}"
    return found


def as_json(found: Why, *, reveal: bool) -> dict[str, Any]:
    """All of it; identifiers are masked unless revealed, and tokens where nobody knows them."""
    named = _names(found, reveal=reveal)
    return {
        "one": named(found.one),
        "other": named(found.other),
        "profile": found.profile,
        "steps": [
            {
                "kind": step.kind,
                "time": moment(step.time or 0),
                "profile": step.profile,
                "into": step.into,
                "cause": step.cause,
                "links": [named(token) for token in step.links],
            }
            for step in found.steps
        ],
    }


def lines(found: Why, *, reveal: bool) -> list[str]:
    """The same for people to read, a line for each step."""
    named = _names(found, reveal=reveal)
    both = f"{named(found.one)} and {named(found.other)}"
    if found.profile is None:
        return [f"{both} are not one person's."]
    head = f"{both} are one person's, {found.profile}."
    if not found.steps:
        return [head, "It is a shared device, which links nothing."]
    return [head, *(_line(step, named) for step in found.steps)]


def _line(step: Step, named: Callable[[str], str]) -> str:
    when = moment(step.time or 0) or "at a time no longer known"
    if step.kind == "linked":
        return f"{when}  {named(step.links[0])} came to {step.profile}"
    cause = step.cause or "an operation or a repair"
    by = f", by {', '.join(map(named, step.links))}" if step.links else ""
    return f"{when}  {step.profile} ended in {step.into}: {cause}{by}"


def _names(found: Why, *, reveal: bool) -> Callable[[str], str]:
    def named(token: str) -> str:
        if (name := found.names.get(token)) is None:
            return token
        return name if reveal else masked_identifier(name)

    return named


def _origin(node: Node, token: str, profile: ProfileId) -> ProfileId:
    return node.identifiers[token].origin or profile


def _way(start: ProfileId, end: ProfileId, died: Mapping[ProfileId, Row]) -> Iterator[Step]:
    """The merges from where an identifier began to the profile that lives."""
    profile, passed = start, {start}
    while profile != end:
        row = died.get(profile)
        if row is None or row["into"] in passed:
            yield Step("merged", None, profile, into=end)
            return
        cause = row["cause"]
        yield Step(
            *("merged", row["ts"] or None, profile, tuple(cause["links"])),
            *(row["into"], cause["event_id"]),
        )
        profile = row["into"]
        passed.add(profile)


async def _rows(settings: Settings, losers: Collection[ProfileId]) -> list[Row]:
    wanted = {loser.encode() for loser in losers}
    read = read_to_end(settings.connection, [settings.topics.merges])
    rows = [orjson.loads(record.value) async for record in read if record.key in wanted]
    return [row for row in rows if row["type"] == "profile.merged"]


async def _person(settings: Settings, profile: ProfileId) -> Person | None:
    """None while her shard is behind identity, or where she was forgotten."""
    try:
        return await show(settings, profile)
    except Refused:
        return None
