"""Laws of identity under every rule: batching changes nothing, lists are exact, limits hold."""

import asyncio
from collections import Counter
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.identity.claims import Claim, Claims
from journeys.identity.config import identity_config
from journeys.identity.decide import Verdict, decide
from journeys.identity.known import known
from journeys.identity.limits import namespace_of
from journeys.identity.operations import Operation, operation
from journeys.identity.overlay import Overlay
from journeys.identity.records import Node, decode_holding, decode_node
from schemas.touchpoint import Millis, ProfileId
from streams.identities import resolve
from streams.identities_memory import MemoryIdentities
from tests.contract.stores import opened

CONFIG = identity_config(
    {
        "touch_interval": 3,
        "max_identifiers": 7,
        "max_merges": 3,
        "shared": ["device_id:kiosk"],
        "sources": {"shop": {"link": "none"}},
        "namespaces": {
            "user_id": {"limit": 1},
            "phone": {"limit": 2, "norm": []},
            "email": {"limit": {"max": 2, "window": 4}, "norm": [], "on_conflict": "share"},
            "landline": {"norm": []},
            "cookie": {"limit": 2, "ttl": "9s"},
        },
    }
)
CLAIMS = Claims(CONFIG)

ones = st.sampled_from(
    [
        *("user_id:u1", "user_id:u2", "user_id:u3", "phone:p1", "phone:p2", "phone:p3"),
        *("email:m1", "email:m2", "landline:l1", "device_id:d1", "device_id:d2"),
        *("device_id:kiosk", "cookie:c1", "cookie:c2", "cookie:c3"),
    ]
)
times = st.integers(1, 20).map(lambda seconds: Millis(1000 * seconds))
claims = st.builds(
    lambda said, time, source, verified: CLAIMS.read(_by_name(said), time, "x", source, verified),
    st.lists(ones, min_size=1, max_size=4, unique=True),
    times,
    st.sampled_from(["app", "app", "shop"]),
    st.sampled_from([(), ("phone",)]),
)
asked = st.builds(
    lambda kind, said, time: operation(kind, said, CLAIMS, time),
    st.sampled_from(["unbind", "erase", "split", "unshare"]),
    st.lists(ones, min_size=1, max_size=2, unique=True),
    times,
)
stories = st.lists(st.one_of(claims, claims, claims, asked), min_size=1, max_size=25)


def _by_name(said: Sequence[str]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for name, _, value in (one.partition(":") for one in said):
        found[name] = (*found.get(name, ()), value)
    return found


@given(stories, st.integers(2, 9))
@settings(max_examples=400, deadline=None)
def test_a_batch_decides_what_its_claims_would_one_by_one(story, size):
    one_by_one, in_batches = asyncio.run(both_ways(story, size))

    assert in_batches == one_by_one


async def test_what_a_batch_freed_is_nobodys_for_the_rest_of_it():
    identities = MemoryIdentities()
    await opened(identities)
    linked = CLAIMS.read(_by_name(["user_id:u1", "phone:p1"]), Millis(1000))
    alone = CLAIMS.read(_by_name(["phone:p1"]), Millis(2001))
    [first] = (await resolve(identities, [linked], CONFIG)).decisions

    unbind = operation("unbind", ["phone:p1"], CLAIMS, Millis(2000))
    _, found = (await resolve(identities, [unbind, alone], CONFIG)).decisions

    assert found.profile not in {None, first.profile}


@given(stories)
@settings(max_examples=400, deadline=None)
def test_lists_are_exact_and_no_limit_is_exceeded(story):
    nodes, owners = asyncio.run(ended(story))

    live = {name: node for name, node in nodes.items() if not (node.to or node.erased)}
    for token, owner in owners.items():
        assert token in live[owner].identifiers
    for profile, node in live.items():
        assert all(owners.get(token) == profile for token in node.identifiers)
        counts = Counter(map(namespace_of, node.identifiers))
        assert all(counts[name] <= most for name, most in LIMITS.items())
        assert sum(counts.values()) <= 7
        assert len(node.aliases) <= 3


@given(stories, st.lists(claims, min_size=1, max_size=9))
@settings(max_examples=400, deadline=None)
def test_who_is_known_at_once_is_who_would_be_decided_on(story, more):
    identities = asyncio.run(told(story))
    records, nodes = vars(identities)["_records"], vars(identities)["_nodes"]
    for claim in (one for one in (*story, *more) if isinstance(one, Claim)):
        held = {token: records.get(token) for token in claim.tokens}
        [answer] = known([claim], held, claim.time - CONFIG.touch_interval)
        if answer is None:
            continue

        verdict = decide(claim, Overlay(held, nodes, CONFIG), CONFIG)
        taken = Overlay(held, nodes, CONFIG).take(claim)

        assert answer == taken
        assert (verdict.roots, answer.links) == ((answer.profile,), claim.tokens)
        assert verdict == Verdict(verdict.roots, touched=verdict.touched)


def test_who_was_seen_not_long_ago_is_known_at_once():
    linked = CLAIMS.read(_by_name(["user_id:u1", "phone:p1"]), Millis(9000))
    records = vars(asyncio.run(told([linked])))["_records"]

    [lately], [longer_ago] = known([linked], records, 9000), known([linked], records, 9001)

    assert lately is not None
    assert longer_ago is None


def test_who_came_back_after_an_erasure_is_not_known_by_what_was_said_before_it():
    before, after = (CLAIMS.read(_by_name(["user_id:u1"]), Millis(time)) for time in (1000, 3000))
    erase = operation("erase", ["user_id:u1"], CLAIMS, Millis(2000))
    records = vars(asyncio.run(told([before, erase, after])))["_records"]

    assert known([before], records, 0) == [None]


LIMITS = {"user_id": 1, "phone": 2, "landline": 2, "cookie": 2, "device_id": 20}


async def both_ways(story: Sequence[Claim | Operation], size: int) -> list[object]:
    results: list[object] = []
    for step in (1, size):
        identities = MemoryIdentities()
        await opened(identities)
        decisions = []
        for start in range(0, len(story), step):
            resolved = await resolve(identities, story[start : start + step], CONFIG)
            decisions += [(d.profile, d.links, d.rejected, d.merges) for d in resolved.decisions]
        _, owners = await picture(identities)
        results.append((decisions, owners))
    return results


async def ended(
    story: Sequence[Claim | Operation],
) -> tuple[dict[str, Node], dict[str, ProfileId]]:
    return await picture(await told(story))


async def told(story: Sequence[Claim | Operation]) -> MemoryIdentities:
    """Identity after all of it, one by one."""
    identities = MemoryIdentities()
    await opened(identities)
    for one in story:
        await resolve(identities, [one], CONFIG)
    return identities


async def picture(
    identities: MemoryIdentities,
) -> tuple[dict[str, Node], dict[str, ProfileId]]:
    stored = vars(identities)
    held = {token: decode_holding(raw) for token, raw in stored["_records"].items()}
    nodes = {profile: decode_node(raw) for profile, raw in stored["_nodes"].items()}
    return nodes, {token: one.owner for token, one in held.items() if one.linked}
