"""One person as Redis shows her: who she is, where she is, what comes next, what she did last."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec
from redis.asyncio import Redis

from console.connections import redis_of, shards_of
from console.masking import in_full, masked
from console.refusals import Refused
from journeys.engine.effects import Shard
from journeys.engine.profile import Instance, Profile, Remembered, decode
from journeys.identity.claims import Claims, Identifier
from journeys.identity.config import IdentityConfig, identity_config
from journeys.identity.records import FREE, decode_holding
from journeys.identity.tokens import ID_LENGTH
from schemas.topics import shard_of
from schemas.touchpoint import Millis, ProfileId
from streams.library import Library
from streams.settings import Settings

LAST = 10
"""So many touchpoints are shown, the newest first."""

LAST_MOMENT = 253_402_300_799_999
"""The last millisecond that Python's calendar knows."""

Shown = Callable[[Any], Any]
"""How a value is shown: masked, or as it is."""


@dataclass(frozen=True, slots=True)
class Found:
    """Whom an identifier leads to. `profile` is None while nobody has it."""

    given: str
    normalised: str
    token: str
    profile: ProfileId | None


@dataclass(frozen=True, slots=True)
class Person:
    """A profile as stored in its shard; `merged` are the ids that led here."""

    id: ProfileId
    shard: int
    profile: Profile
    merged: tuple[ProfileId, ...]


async def who(settings: Settings, identifier: str) -> Found:
    """Whom `namespace:value` leads to; raises Refused for one that can identify nobody."""
    namespace, colon, value = identifier.partition(":")
    if not (colon and value):
        raise Refused(
            f"{identifier} is neither an identifier, as in phone:13800138000, nor a profile's id."
        )
    async with redis_of(settings) as redis:
        config = await rules_in_force(settings, redis)
        claim = Claims(config).read({namespace: (value,)}, Millis(0))
        if not claim.links:
            reason = claim.rejected[0][1] if claim.rejected else "unknown_namespace"
            raise Refused(f"{identifier} can identify nobody ({reason}).")
        one: Identifier = claim.links[0]
        record: Any = await redis.get(settings.keys.identifier(one.token))
        held = decode_holding(record) if record else None
        owner = held.owner if held and held.state != FREE else None
        return Found(identifier, f"{one.namespace}:{one.value}", one.token, owner)


async def show(settings: Settings, whom: str) -> Person:
    """The person of a profile id or identifier, redirects followed; raises Refused for nobody."""
    profile = ProfileId(whom)
    if ":" in whom or len(whom) != ID_LENGTH:
        found = await who(settings, whom)
        if found.profile is None:
            raise Refused(f"Nobody has {found.normalised}.")
        profile = found.profile
    shards = await shards_of(settings)
    async with redis_of(settings) as redis:
        merged: tuple[ProfileId, ...] = ()
        while profile not in merged:
            shard = shard_of(profile, shards)
            stored: Any = await redis.get(settings.keys.profile(shard, profile))
            if stored is None:
                break
            person = decode(stored)
            if person.erasure:
                raise Refused("She was erased; what is done by these identifiers begins anew.")
            if not person.redirect:
                return Person(profile, shard, person, merged)
            merged, profile = (*merged, profile), ProfileId(person.redirect)
    raise Refused(f"There is no profile {profile} in the shards yet, or it was forgotten.")


def as_json(person: Person, *, reveal: bool) -> dict[str, Any]:
    """All that is shown of a person; identifiers and values are masked unless revealed."""
    profile = person.profile
    traits = {name: value for name, (value, _) in profile.traits.items()}
    shown = in_full if reveal else masked
    return {
        "profile": person.id,
        "shard": person.shard,
        "merged_from": list(person.merged),
        "known": profile.known,
        "last_seen": moment(profile.last_seen),
        "identifiers": shown(profile.identifiers),
        "traits": shown(traits),
        "tags": profile.tag_list,
        "consents": {name: given for name, (given, _) in profile.consents.items()},
        "instances": [_instance(each, shown) for each in profile.instances],
        "touchpoints": [_touchpoint(each, shown) for each in reversed(profile.remembered[-LAST:])],
    }


async def rules_in_force(settings: Settings, redis: Redis) -> IdentityConfig:
    """The rules of the workspace in force; the defaults while nothing was published."""
    key = settings.secret_identity_key()
    facts: Any = await redis.hget(settings.keys.meta(0), "facts")
    if facts is None:
        return identity_config({}, key)
    shard = msgspec.msgpack.decode(facts, type=Shard)
    if not shard.settings:
        return identity_config({}, key)
    library = Library(settings.connection, settings.topics)
    await library.prepare(shard)
    return identity_config(library.workspace(shard.settings).identity, key)


def moment(at: int) -> str:
    """UTC to the second, with a Z; empty for none, and for one beyond the year 9999."""
    if not 0 < at <= LAST_MOMENT:
        return ""
    text = datetime.fromtimestamp(at / 1000, UTC).isoformat(" ", "seconds")
    return text.removesuffix("+00:00") + "Z"


def _instance(instance: Instance, shown: Shown) -> dict[str, Any]:
    timers = sorted(timer.deadline for timer in instance.timers)
    return {
        "map": instance.map,
        "version": instance.version,
        "key": shown(instance.key),
        "stage": instance.stage,
        "since": moment(instance.since),
        "entered": moment(instance.entered),
        "next_timer": moment(timers[0]) if timers else "",
        "at_the_gate": [
            {"action": each.place, "due": moment(each.due), "since": moment(each.stood)}
            for each in instance.gate
        ],
        "stuck": instance.stuck,
    }


def _touchpoint(kept: Remembered, shown: Shown) -> dict[str, Any]:
    return {
        "time": moment(kept.time),
        "type": kept.type,
        "id": kept.id,
        "source": kept.source,
        "properties": shown(kept.properties),
    }
