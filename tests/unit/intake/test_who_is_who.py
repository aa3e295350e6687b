"""Calls go through decode, claims and identity: who is who then, as Segment's pages promise it."""

from typing import Any

import orjson
import pytest

from journeys.identity.claims import Claims
from journeys.identity.config import IdentityConfig, identity_config
from schemas.intake import Raw, decode
from schemas.touchpoint import Millis
from streams.identities import resolve
from streams.identities_memory import MemoryIdentities

NOW = Millis(1_772_400_000_000)
CONFIG = identity_config({})
SEVERAL_USER_IDS = identity_config({"namespaces": {"user_id": {"limit": 5}}})

IPHONE = {"app": {"name": "SegKicks"}, "device": {"id": "ios_abc123", "type": "ios"}}
ANDROID = {"app": {"name": "SegKicks"}, "device": {"id": "and_1a2b3c4d", "type": "android"}}


def _track(event: str = "App Opened", **fields: Any) -> dict[str, Any]:
    return {"type": "track", "event": event, **fields}


def _identify(**fields: Any) -> dict[str, Any]:
    return {"type": "identify", **fields}


async def _who(calls: list[dict[str, Any]], config: IdentityConfig = CONFIG) -> str:
    """A letter for each call: equal ones are of one person once all have been heard."""
    claims, identities = Claims(config), MemoryIdentities()
    await identities.begin_repair()
    await identities.end_repair()
    found: list[str] = []
    gone: dict[str, str] = {}
    for n, call in enumerate(calls):
        stamp = NOW - 1_000_000 + n * 1000
        touchpoint = decode(Raw("web", 0, n, stamp, None, orjson.dumps(call)), None, NOW)
        claim = claims.read(touchpoint.identifiers, touchpoint.time, f"web/{touchpoint.id}")
        decision = (await resolve(identities, [claim], config)).decisions[0]
        assert decision.profile is not None
        found.append(decision.profile)
        gone |= dict(decision.merges)
    last = [_at_the_end(profile, gone) for profile in found]
    letters = dict(zip(dict.fromkeys(last), "abcdefgh", strict=False))
    return "".join(letters[profile] for profile in last)


def _at_the_end(profile: str, gone: dict[str, str]) -> str:
    while profile in gone:
        profile = gone[profile]
    return profile


async def test_what_she_did_before_she_registered_is_hers_on_every_device() -> None:
    calls = [
        _track(anonymousId="anon_123", context=IPHONE),
        _track("ShoeA Clicked", anonymousId="anon_123", context=IPHONE),
        _identify(anonymousId="anon_123", userId="abc123def", context=IPHONE),
        _track(anonymousId="anon_456", context=ANDROID),
        _identify(anonymousId="anon_456", userId="abc123def", context=ANDROID),
        _track("Order Completed", userId="abc123def"),
        _track(anonymousId="anon_789", context=IPHONE),
    ]

    assert await _who(calls) == "aaaaaaa"


async def test_the_user_of_a_track_call_is_the_visitor_in_it() -> None:
    calls = [
        {"type": "page", "anonymousId": "anon_123"},
        _track("User Signup", anonymousId="anon_123", userId="use_123"),
        _track(userId="use_123"),
    ]

    assert await _who(calls) == "aaa"


async def test_a_newsletter_reader_is_known_by_her_address_before_she_has_a_user_id() -> None:
    address = {"email": "jvisitor@thissite.com"}
    calls = [
        {"type": "page", "anonymousId": "bd077b70", "userId": None},
        _identify(anonymousId="bd077b70", traits=address),
        _track("Email Opened", anonymousId="from-the-mail", context={"traits": address}),
        _identify(anonymousId="another-browser", userId="u1", traits=address),
        {"type": "screen", "userId": "u1"},
    ]

    assert await _who(calls) == "aaaaa"


@pytest.mark.parametrize(("visitor", "user"), [("a-1", "u-1"), ("z-1", "u-1")])
@pytest.mark.parametrize("anonymous", [{}, {"anonymousId": "z-9"}])
async def test_an_alias_makes_the_visitor_the_user(
    visitor: str, user: str, anonymous: dict[str, str]
) -> None:
    calls = [
        _track(anonymousId=visitor),
        {"type": "alias", "previousId": visitor, "userId": user} | anonymous,
        _identify(userId=user),
        _track(anonymousId=visitor),
    ]

    assert await _who(calls) == "aaaa"


async def test_an_alias_finds_a_user_who_was_there_before() -> None:
    calls = [
        _identify(userId="u-1"),
        _track(anonymousId="a-1"),
        {"type": "alias", "previousId": "a-1", "userId": "u-1"},
    ]

    assert await _who(calls) == "aaa"


async def test_an_alias_of_an_address_joins_users_where_a_person_may_have_several_ids() -> None:
    calls = [
        _identify(userId="jen@email.com"),
        _identify(userId="507f191e81"),
        {"type": "alias", "previousId": "jen@email.com", "userId": "507f191e81"},
    ]

    assert await _who(calls, SEVERAL_USER_IDS) == "aaa"
    assert await _who(calls) in {"abb", "aba"}  # by default a person has one, and both remain


async def test_two_who_log_in_on_one_browser_stay_two() -> None:
    calls = [
        _identify(anonymousId="tablet", userId="ann"),
        _identify(anonymousId="tablet", userId="bob"),
        _track(userId="ann"),
        _track(anonymousId="tablet"),
    ]

    assert await _who(calls) == "abab"


async def test_colleagues_are_not_one_person() -> None:
    office = {"name": "Initech", "email": "office@initech.com", "phone": "010 8888 8888"}
    calls = [
        {"type": "group", "userId": "peter", "groupId": "g1", "traits": office},
        {"type": "group", "userId": "milton", "groupId": "g1", "traits": office},
        _track(userId="peter", context={"groupId": "g1"}),
    ]

    assert await _who(calls) == "aba"
