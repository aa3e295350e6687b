"""What senders write, and which identifier it is."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.identity.config import identity_config
from journeys.identity.normalise import LONGEST, Unusable, normalise

CONFIG = identity_config({"region": "CN"})


def normal(namespace: str, raw: str) -> str:
    rules = CONFIG.namespace(namespace)
    assert rules is not None
    return normalise(raw, rules, CONFIG)


@pytest.mark.parametrize(
    ("namespace", "raw", "value"),
    [
        ("phone", "138 0013 8000", "+8613800138000"),
        ("phone", "+86-138-0013-8000", "+8613800138000"),
        ("phone", "0086 13800138000", "+8613800138000"),
        ("phone", "１３８００１３８０００", "+8613800138000"),
        ("phone", "\u200b13800138000\ufeff", "+8613800138000"),
        ("phone", "+44 20 7946 0018", "+442079460018"),
        ("landline", "010-6234 5678", "+861062345678"),
        ("email", " Jane.Doe@Example.COM ", "jane.doe@example.com"),
        ("email", "'a+b@x.io'", "a+b@x.io"),
        ("member_card", "c 88-123", "C88123"),
        ("device_id", "6D92078A-8246-4BA4", "6d92078a-8246-4ba4"),
        ("cookie", "AbC", "AbC"),
        ("user_id", '"u1"', "u1"),
        ("user_id", "u\u00001", "u1"),
        ("openid.wx1234", "oABC", "oABC"),
        ("customer_id", "17850", "17850"),
    ],
)
def test_one_identifier_however_it_is_written(namespace: str, raw: str, value: str):
    assert normal(namespace, raw) == value


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        ("Jane.Doe+shop@GMail.com", "janedoe@gmail.com"),
        ("j.a.n.e.doe@googlemail.com", "janedoe@gmail.com"),
        ("Jane.Doe+shop@example.com", "jane.doe+shop@example.com"),
        ("+shop@gmail.com", "+shop@gmail.com"),
    ],
)
def test_googles_mailboxes_are_folded_where_that_is_asked_for(raw: str, value: str):
    config = identity_config({"namespaces": {"email": {"fold_gmail": True}}})

    assert normalise(raw, config.namespaces["email"], config) == value


@pytest.mark.parametrize(
    ("namespace", "raw", "reason"),
    [
        ("user_id", "", "blocked"),
        ("user_id", "  ", "blocked"),
        ("user_id", '" "', "blocked"),
        ("user_id", "NULL", "blocked"),
        ("user_id", "'NaN'", "blocked"),
        ("user_id", "[object Object]", "blocked"),
        ("user_id", "0000-000", "blocked"),
        ("device_id", "00000000-0000-0000-0000-000000000000", "blocked"),
        ("cookie", "AAaaAA", "blocked"),
        ("email", "test@test.com", "blocked"),
        ("member_card", "- -", "blocked"),
        ("phone", "12", "invalid"),
        ("phone", "call me", "invalid"),
        ("phone", "+86 138 0013 8000 99", "invalid"),
        ("email", "jane", "invalid"),
        ("email", "jane@localhost", "invalid"),
        ("email", "a b@x.io", "invalid"),
        ("email", "a" * 250 + "@x.io", "invalid"),
        ("cookie", "ab" * LONGEST, "invalid"),
    ],
)
def test_what_identifies_nobody_says_why(namespace: str, raw: str, reason: str):
    with pytest.raises(Unusable) as refused:
        normal(namespace, raw)

    assert refused.value.reason == reason


@given(st.text(max_size=80), st.sampled_from(["cookie", "email", "member_card", "device_id"]))
def test_a_normalised_value_is_short_visible_and_without_blanks_around_it(raw, namespace):
    try:
        value = normal(namespace, raw)
    except Unusable:
        return

    assert 1 <= len(value) <= LONGEST
    assert value == value.strip()
    assert "\u200b" not in value


@given(st.sampled_from(["", "+86"]), st.from_regex(r"1[0-9]{10}", fullmatch=True))
@settings(max_examples=2000)
def test_a_chinese_mobile_is_what_the_library_makes_of_it(prefix: str, digits: str):
    written = prefix + digits
    phone = CONFIG.namespaces["phone"]
    expected = by_the_library(written)
    if expected is None:
        with pytest.raises(Unusable):
            normalise(written, phone, CONFIG)
    else:
        assert normalise(written, phone, CONFIG) == expected


def by_the_library(written: str) -> str | None:
    try:
        number = phonenumbers.parse(written, "CN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))
