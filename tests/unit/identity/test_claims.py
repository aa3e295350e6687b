"""Claims: identifiers in order of strength, under tokens that tell nobody anything."""

from itertools import permutations

from journeys.identity.claims import LONGEST_RAW, Claims
from journeys.identity.config import identity_config
from journeys.identity.tokens import profile_id, token
from schemas.touchpoint import Millis

NOW = Millis(1000)
CONFIG = identity_config({})
CLAIMS = Claims(CONFIG)


def test_the_strongest_identifier_comes_first_in_whatever_order_they_were_sent():
    sent = [("cookie", ("c1",)), ("phone", ("13800138000",)), ("customer_id", ("17", "16"))]
    claims = [CLAIMS.read(dict(order), NOW) for order in permutations(sent)]

    assert {claim.tokens for claim in claims} == {claims[0].tokens}
    strengths = [(one.namespace, one.value) for one in claims[0].links]
    assert strengths == [
        ("customer_id", "16"),
        ("customer_id", "17"),
        ("phone", "+8613800138000"),
        ("cookie", "c1"),
    ]


def test_one_identifier_written_twice_is_one():
    claim = CLAIMS.read({"phone": ("13800138000", "+86 138 0013 8000")}, NOW)

    assert claim.usable == {"phone": ("+8613800138000",)}
    assert len(claim.tokens) == 1


def test_what_cannot_identify_is_named_with_its_reason_as_it_was_written():
    claim = CLAIMS.read(
        {
            "phone": ("12",),
            "user_id": ("null",),
            "shoe_size": ("42",),
            "openid": ("x",),
            "qr": ("store-12",),
            "cookie": ("x" * (LONGEST_RAW + 1),),
        },
        NOW,
    )

    assert claim.tokens == ()
    assert [(written[:20], why) for written, why in claim.rejected] == [
        ("cookie:xxxxxxxxxxxxx", "invalid"),
        ("openid:x", "unknown_namespace"),
        ("phone:12", "invalid"),
        ("qr:store-12", "never"),
        ("shoe_size:42", "unknown_namespace"),
        ("user_id:null", "blocked"),
    ]


def test_an_identifier_that_never_links_stays_on_the_touchpoint():
    claim = CLAIMS.read({"qr": ("store-12",), "cookie": ("c1",)}, NOW)

    assert len(claim.tokens) == 1
    assert claim.usable == {"cookie": ("c1",), "qr": ("store-12",)}


def test_a_blocked_value_is_blocked_however_it_is_written():
    claims = Claims(identity_config({"blocked_values": ["phone:13800138000"]}))

    claim = claims.read({"phone": ("+86 138 0013 8000", "13800138001")}, NOW)

    assert claim.usable == {"phone": ("+8613800138001",)}
    assert claim.rejected == (("phone:+86 138 0013 8000", "blocked"),)


def test_of_too_many_identifiers_the_strongest_are_looked_at():
    claims = Claims(identity_config({"max_event_ids": 2}))

    claim = claims.read({"cookie": ("b", "a"), "customer_id": ("17",)}, NOW)

    assert claim.usable == {"customer_id": ("17",), "cookie": ("a",)}
    assert claim.rejected == (("cookie:b", "ignored"),)


def test_a_token_tells_the_namespace_and_nothing_else():
    found = token("phone", "+8613800138000", b"secret")

    assert found.startswith("phone:")
    assert len(found) == len("phone:") + 22
    assert "138" not in found
    assert found != token("phone", "+8613800138000", b"another")
    assert (
        found.partition(":")[2] != token("landline", "+8613800138000", b"secret").partition(":")[2]
    )


def test_equal_strings_of_two_apps_are_two_identifiers():
    claim = CLAIMS.read({"openid.app1": ("oSAME",), "openid.app2": ("oSAME",)}, NOW)

    assert len({one.partition(":")[2] for one in claim.tokens}) == 2


def test_a_profile_id_is_a_function_of_its_first_identifier_for_ever():
    assert profile_id("cookie:abc", 0, b"key") == "tBTRHz4TLygbTZ-E-Rc4iQ"
    assert profile_id("cookie:abc", 1, b"key") != profile_id("cookie:abc", 0, b"key")
