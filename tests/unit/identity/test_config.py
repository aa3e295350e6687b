"""The identity part of a workspace's configuration."""

import pytest

from journeys.identity.config import IdentityConfigError, identity_config
from journeys.identity.namespaces import EVERYTHING


def test_nothing_configured_has_the_namespaces_of_the_handbook():
    config = identity_config({})

    assert config.namespace("customer_id").cls == "person"  # type: ignore[union-attr]
    assert config.namespace("phone").norm == ("phone",)  # type: ignore[union-attr]
    assert config.namespace("qr").link == "never"  # type: ignore[union-attr]


def test_a_family_of_namespaces_covers_its_members_only():
    config = identity_config({})

    assert config.namespace("openid.wx_1-a") is not None
    assert config.namespace("openid") is None
    assert config.namespace("openid.") is None
    assert config.namespace("openid.*") is None
    assert config.namespace("openid.a b") is None
    assert config.namespace("phone.home") is None


def test_what_is_configured_is_laid_over_the_defaults_word_by_word():
    config = identity_config(
        {
            "region": "DE",
            "namespaces": {
                "phone": {"rank": 61},
                "loyalty": {"cls": "person", "rank": 31, "norm": ["upper_alnum"]},
            },
        }
    )

    phone = config.namespace("phone")
    assert phone is not None
    assert (phone.rank, phone.norm, phone.cls) == (61, ("phone",), "contact")
    assert config.namespace("loyalty") is not None


def test_whether_a_token_names_a_person_is_told_by_its_namespace():
    config = identity_config({})

    assert config.is_person("customer_id:x")
    assert config.is_person("unionid.p1:x")
    assert not config.is_person("cookie:x")
    assert not config.is_person("gone:x")


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"consistency": "strict"}, "consistency"),
        ({"storage": {"values": "raw"}}, "storage.values"),
        ({"storage": {"key_env": "MY_KEY"}}, "storage.key_env"),
    ],
)
def test_what_is_decided_otherwise_is_refused_by_name(raw, path):
    with pytest.raises(IdentityConfigError) as refused:
        identity_config(raw)

    assert [problem.path for problem in refused.value.problems] == [path]


def test_the_page_of_rules_is_read_whole():
    config = identity_config(
        {
            "version": 3,
            "tenant": "acme",
            "touch_interval": 60,
            "tombstone_ttl": "90d",
            "survivor": "known_then_oldest",
            "consistency": "fast",
            "alias_ttl": "400d",
            "storage": {"values": "hmac", "key_env": "WAYLINE_IDENTITY_KEY"},
            "max_identifiers": None,
            "max_merges": 7,
            "shared": ["device_id:kiosk-1"],
            "sources": {"callcenter": {"link": "none"}, "pos": {"ignore": ["cookie"]}},
            "namespaces": {
                "phone": {"limit": {"max": 2, "window": 3600}, "on_conflict": "share"},
                "cookie": {"limit": None, "share_after": None, "ttl": "400d"},
            },
        }
    )

    assert (config.alias_ttl, config.tombstone_ttl) == (400 * 86_400_000, 90 * 86_400_000)
    assert config.tenant == "acme"
    assert (config.max_identifiers, config.max_merges, config.touch_interval) == (None, 7, 60_000)
    assert config.source("callcenter").looks_up
    assert config.source("pos").ignores == {"cookie"}
    assert config.source("app") == EVERYTHING
    phone, cookie = config.namespaces["phone"], config.namespaces["cookie"]
    assert (phone.limit, phone.window, phone.on_conflict) == (2, 3_600_000, "share")
    assert (cookie.limit, cookie.share_after, cookie.on_conflict) == (None, None, "move")
    assert cookie.ttl == 400 * 86_400_000


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ({"namespace": {}}, "namespace"),
        ({"namespaces": {"phone": {"rang": 3}}}, "namespaces.phone.rang"),
        ({"namespaces": {"phone": {"rank": 70}}}, "namespaces.email.rank"),
        ({"namespaces": {"phone": {"cls": "human"}}}, "namespaces.phone.cls"),
        ({"namespaces": {"phone": {"norm": ["sms"]}}}, "namespaces.phone.norm"),
        ({"namespaces": {"phone": {"norm": "phone"}}}, "namespaces.phone.norm"),
        ({"namespaces": {"phone": {"on_conflict": "win"}}}, "namespaces.phone.on_conflict"),
        ({"namespaces": {"a b": {"cls": "device", "rank": 7}}}, "namespaces.a b"),
        ({"namespaces": {"badge": {"rank": 7}}}, "namespaces.badge.cls"),
        ({"namespaces": {"badge": 7}}, "namespaces.badge"),
        ({"namespaces": ["phone"]}, "namespaces"),
        ({"region": "China"}, "region"),
        ({"version": "3"}, "version"),
        ({"blocked": {"pattern": ["("]}}, "blocked.pattern"),
        ({"blocked": {"exakt": []}}, "blocked.exakt"),
        ({"blocked_values": ["x"]}, "blocked_values"),
        ({"survivor": "newest"}, "survivor"),
        ({"alias_ttl": 400}, "alias_ttl"),
        ({"tombstone_ttl": "2h"}, "tombstone_ttl"),
        ({"tenant": 7}, "tenant"),
        ({"namespaces": {"email": {"fold_gmail": "yes"}}}, "namespaces.email.fold_gmail"),
        ({"namespaces": {"phone": {"fold_gmail": True}}}, "namespaces.phone.fold_gmail"),
        ({"shared": ["kiosk"]}, "shared"),
        ({"sources": {"pos": "cookie"}}, "sources.pos"),
        ({"sources": {"pos": {"link": "some"}}}, "sources.pos.link"),
        ({"max_merges": 0}, "max_merges"),
        ({"namespaces": {"cookie": {"ttl": 400}}}, "namespaces.cookie.ttl"),
        ({"namespaces": {"cookie": {"ttl": "1h"}}}, "namespaces.cookie.ttl"),
        ({"touch_interval": -1}, "touch_interval"),
        ({"namespaces": {"phone": {"limit": "3"}}}, "namespaces.phone.limit"),
        ({"namespaces": {"phone": {"limit": {"window": 3}}}}, "namespaces.phone.limit.max"),
        ({"namespaces": {"phone": {"limit": {"max": 3, "per": 1}}}}, "namespaces.phone.limit.per"),
        ({"namespaces": {"phone": {"share_after": 1}}}, "namespaces.phone.share_after"),
        ({"namespaces": {"user_id": {"on_conflict": "move"}}}, "namespaces.user_id.on_conflict"),
    ],
)
def test_a_mistake_is_told_with_its_place(raw, path):
    with pytest.raises(IdentityConfigError) as refused:
        identity_config(raw)

    problems = refused.value.problems
    assert problems[0].path == path
    assert all(problem.what and problem.mend for problem in problems)


def test_a_person_id_may_move_where_that_is_confirmed():
    moves = {"on_conflict": "move", "confirmed": True}

    config = identity_config({"namespaces": {"user_id": moves}})

    assert config.namespaces["user_id"].on_conflict == "move"


def test_all_mistakes_are_told_at_once():
    with pytest.raises(IdentityConfigError) as refused:
        identity_config({"region": "?", "max_merges": "3", "colour": "red"})

    assert [problem.path for problem in refused.value.problems] == [
        "region",
        "max_merges",
        "colour",
    ]
