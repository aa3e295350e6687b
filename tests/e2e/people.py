"""Who is who, as identity's store and the shards have it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from journeys.engine.profile import Profile, decode
from journeys.identity.claims import Claims, Identifier
from journeys.identity.config import IdentityConfig
from journeys.identity.records import Node, decode_node, holder_of
from schemas.touchpoint import ProfileId
from tests.e2e.world import World

Said = tuple[str, str]
"""An identifier: namespace and value."""

Group = frozenset[Said]


async def identity(world: World) -> tuple[dict[str, bytes], dict[ProfileId, Node]]:
    """All records of identifiers by token, and all nodes."""
    records = await _values(world, world.settings.keys.identifier(""))
    nodes = await _values(world, world.settings.keys.node(""))
    return records, {ProfileId(name): decode_node(raw) for name, raw in nodes.items()}


async def partition(world: World, said: Iterable[Said], config: IdentityConfig) -> set[Group]:
    """Which of these are one person's, by the records of identity; there are no others."""
    claims = Claims(config)
    found = {claims.identifier(":".join(one)): one for one in said}
    names = {one.token: said for one, said in found.items() if isinstance(one, Identifier)}
    records, _ = await identity(world)
    groups: dict[ProfileId | None, set[Said]] = defaultdict(set)
    for token, raw in records.items():
        groups[holder_of(raw)].add(names[token])
    return set(map(frozenset, groups.values()))


async def live(world: World) -> dict[str, Profile]:
    """The profiles of all shards that are no redirects."""
    shards = (await world.stored()).values()
    stored = {name: decode(raw) for profiles in shards for name, raw in profiles.items()}
    return {name: profile for name, profile in stored.items() if not profile.redirect}


def identified(profile: Profile) -> Group:
    """The identifiers that a profile shows."""
    return frozenset((n, value) for n, values in profile.identifiers.items() for value in values)


def depth(nodes: Mapping[ProfileId, Node]) -> int:
    """The longest way from a profile to the one it ended in."""

    def steps(profile: ProfileId) -> int:
        found, node = 0, nodes[profile]
        while node.to is not None:
            found, node = found + 1, nodes[node.to]
        return found

    return max(map(steps, nodes))


async def _values(world: World, prefix: str) -> dict[str, bytes]:
    keys = [key async for key in world.redis.scan_iter(f"{prefix}*", count=5000)]
    values = await world.redis.mget(keys) if keys else []
    return {key.decode().removeprefix(prefix): raw for key, raw in zip(keys, values, strict=True)}
