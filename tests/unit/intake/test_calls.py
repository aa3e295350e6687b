"""Calls of Segment's and RudderStack's libraries, with the payloads of Segment's specification."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.errors import ContractError
from schemas.intake import Raw, compile_mapping, decode
from schemas.intake.native import read_time, written_time
from schemas.touchpoint import Millis, Touchpoint

NOW = Millis(1_772_400_000_000)
HOUR = 3_600_000
SPEC = [
    (f"{Path(sample['file']).stem}-{sample['line']}", sample["payload"])
    for sample in json.loads(
        (Path(__file__).parent / "data" / "segment-spec-payloads.json").read_text()
    )
]
NOT_SAID_WHICH = {"missing-field": "/type"}
NOBODYS = {"no-identifier": "/userId"}


def _decoded(call: dict[str, Any], stamp: int = NOW - 5) -> Touchpoint:
    return decode(Raw("web", 3, 17, stamp, b"k", orjson.dumps(call)), None, NOW)


def _track(**fields: Any) -> Touchpoint:
    return _decoded({"type": "track", "event": "Order Completed", "userId": "u1"} | fields)


def _ms(text: str) -> Millis:
    return read_time(text)


@pytest.mark.parametrize("payload", [p for _, p in SPEC], ids=[name for name, _ in SPEC])
def test_a_payload_of_the_specification_is_taken_or_refused_for_what_it_lacks(
    payload: dict[str, Any],
) -> None:
    named = payload.get("userId") or payload.get("anonymousId")
    try:
        refused = None
        touchpoint = _decoded(payload)
    except ContractError as error:
        refused = {error.code: error.path}

    if "type" not in payload:
        assert refused == NOT_SAID_WHICH
    elif not named:
        assert refused == NOBODYS
    else:
        assert refused is None
        assert payload.get("userId") in (None, *touchpoint.identifiers["user_id"])
        assert payload.get("anonymousId") in (None, *touchpoint.identifiers.get("cookie", ()))
        assert payload.get("properties", {}).items() <= touchpoint.properties.items()


def test_of_the_specification_every_kind_of_call_is_taken() -> None:
    taken = Counter(payload["type"] for _, payload in SPEC if "type" in payload)

    assert taken == {"track": 28, "identify": 4, "alias": 2, "group": 2, "page": 2, "screen": 2}


def test_a_track_call_is_read_whole() -> None:
    touchpoint = _track(
        anonymousId="a1",
        messageId="m1",
        channel="web",
        timestamp="2026-03-01T03:30:00.250Z",
        receivedAt="2026-03-01T03:30:01Z",
        properties={"orderId": "9912", "revenue": 199.0, "email": "li@example.com"},
        context={
            "ip": "8.8.8.8",
            "userAgent": "Mozilla",
            "campaign": {"source": "news"},
            "traits": {"first_name": "Li", "phone": "138 0013 8000"},
            "device": {"id": "D1", "advertisingId": "AD1", "adTrackingEnabled": True},
        },
        integrations={"All": True},
    )

    assert touchpoint == Touchpoint(
        id="m1",
        type="order_completed",
        time=Millis(1_772_335_800_250),
        received=Millis(NOW - 5),
        source="web",
        channel="web",
        identifiers={
            "user_id": ("u1",),
            "cookie": ("a1",),
            "phone": ("138 0013 8000",),
            "email": ("li@example.com",),
            "device_id": ("D1", "AD1"),
        },
        properties={
            "orderId": "9912",
            "revenue": 199.0,
            "email": "li@example.com",
            "context": {"campaign": {"source": "news"}},
        },
        traits={"first_name": "Li", "phone": "138 0013 8000"},
    )


@pytest.mark.parametrize(
    ("event", "type_"),
    [
        ("Order Completed", "order_completed"),
        ("  Push Notification: Tapped! ", "push_notification:_tapped"),
        ("Order_Confirmation", "Order_Confirmation"),
        ("order.paid", "order.paid"),
        ("下单 成功", "下单_成功"),
        (404, "404"),
    ],
)
def test_an_event_becomes_a_type_that_a_map_can_name(event: Any, type_: str) -> None:
    assert _track(event=event).type == type_


@pytest.mark.parametrize(
    ("written", "happened"),
    [
        # Segment has stamped it: `timestamp` is corrected.
        (
            {
                "timestamp": "2026-03-01T10:00:00Z",
                "originalTimestamp": "2026-03-01T12:00:00Z",
                "sentAt": "2026-03-01T12:00:01Z",
                "receivedAt": "2026-03-01T10:00:01Z",
            },
            "2026-03-01T10:00:00Z",
        ),
        (
            {"timestamp": "2026-03-01T10:00:00Z", "receivedAt": "2026-03-01T11:00:00Z"},
            "2026-03-01T10:00:00Z",
        ),
        # Stamped, and not corrected: two hours fast, sent 30 s later.
        (
            {
                "originalTimestamp": "2026-03-01T12:00:00Z",
                "sentAt": "2026-03-01T12:00:30Z",
                "receivedAt": "2026-03-01T10:00:30Z",
            },
            "2026-03-01T10:00:00Z",
        ),
        # A device without a clock.
        (
            {
                "originalTimestamp": "1970-01-01T00:00:10Z",
                "sentAt": "1970-01-01T00:00:40Z",
                "receivedAt": "2026-03-01T10:00:30Z",
            },
            "2026-03-01T10:00:00Z",
        ),
        ({"originalTimestamp": "2026-03-01T12:00:00Z"}, "2026-03-01T12:00:00Z"),
        ({"receivedAt": "2026-03-01T12:00:00Z"}, "2026-03-01T12:00:00Z"),
        ({"timestamp": "2026-03-01T12:00:00"}, "2026-03-01T12:00:00Z"),
        ({"timestamp": "2026-03-01T12:00:00+08:00"}, "2026-03-01T04:00:00Z"),
        (
            {"timestamp": None, "originalTimestamp": "2026-03-01T12:00:00.123456Z"},
            "2026-03-01T12:00:00.123Z",
        ),
    ],
)
def test_a_call_is_dated_by_the_collectors_clock(written: dict[str, Any], happened: str) -> None:
    assert _track(**written).time == _ms(happened)


@pytest.mark.parametrize("off", [-2 * HOUR, 0, 2 * HOUR])
def test_a_call_nobody_stamped_is_corrected_by_the_stamp_of_its_record(off: int) -> None:
    called, sent = written_time(Millis(NOW - 30_000 + off)), written_time(Millis(NOW + off))
    call = {"type": "track", "event": "a", "userId": "u", "timestamp": called, "sentAt": sent}

    assert _decoded(call, stamp=NOW).time == NOW - 30_000


def test_a_replayed_call_keeps_the_time_of_its_device() -> None:
    called, sent = "2026-01-01T10:00:00Z", "2026-01-01T10:00:30Z"
    call = {"type": "track", "event": "a", "userId": "u", "timestamp": called, "sentAt": sent}

    assert _decoded(call).time == _ms(called)


def test_a_call_without_any_time_is_dated_by_its_record() -> None:
    assert _track().time == NOW - 5


def test_a_call_from_far_ahead_is_refused_at_its_own_field() -> None:
    with pytest.raises(ContractError, match="time-in-the-future") as refused:
        _track(timestamp="2027-01-01T00:00:00Z")

    assert refused.value.path == "/timestamp"


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"event": "x" * 201}, "/event"),
        ({"messageId": "x" * 501}, "/messageId"),
        ({"userId": "x" * 513}, "/userId"),
        ({"context": {"traits": 1}}, "/context/traits"),
        ({"context": {"device": []}}, "/context/device"),
    ],
)
def test_the_path_leads_into_the_call(fields: dict[str, Any], path: str) -> None:
    with pytest.raises(ContractError) as refused:
        _track(**fields)

    assert refused.value.path == path


def test_an_identify_call_brings_traits_of_either_specification() -> None:
    traits = {"email": "li@example.com", "plan": "premium"}
    segment = _decoded({"type": "identify", "userId": "u", "traits": traits})
    rudder = _decoded({"type": "identify", "userId": "u", "context": {"traits": traits}})

    assert segment.type == "identify"
    assert segment.traits == rudder.traits == traits
    assert segment.identifiers == rudder.identifiers
    assert segment.identifiers["email"] == ("li@example.com",)


def test_a_groups_traits_are_not_those_of_the_person() -> None:
    group = {"name": "Initech", "email": "office@initech.example", "phone": "010 8888 8888"}
    touchpoint = _decoded(
        {"type": "group", "userId": "u", "groupId": "g1", "traits": group}
        | {"context": {"traits": {"first_name": "Peter"}}}
    )

    assert touchpoint.identifiers == {"user_id": ("u",)}
    assert touchpoint.traits == {"first_name": "Peter"}
    assert touchpoint.properties == {"groupId": "g1", "traits": group}


def test_a_page_is_told_with_its_name_and_category() -> None:
    page = {"type": "page", "anonymousId": "a", "name": "Home", "category": "Docs"}
    touchpoint = _decoded(page | {"properties": {"url": "/"}})

    assert touchpoint.type == "page"
    assert touchpoint.properties == {"name": "Home", "category": "Docs", "url": "/"}


@pytest.mark.parametrize(
    ("previous", "identifiers"),
    [
        ("a1", {"user_id": ("u1",), "cookie": ("a1",)}),
        ("other", {"user_id": ("u1",), "cookie": ("a1", "other")}),
        ("li@example.com", {"user_id": ("u1", "li@example.com"), "cookie": ("a1",)}),
    ],
)
def test_an_alias_names_both_sides(previous: str, identifiers: dict[str, Any]) -> None:
    touchpoint = _decoded(
        {"type": "alias", "userId": "u1", "anonymousId": "a1", "previousId": previous}
    )

    assert touchpoint.identifiers == identifiers


def test_external_ids_of_a_person_are_hers_by_their_own_names() -> None:
    context = {
        "externalIds": [
            {"id": "138 0013 8000", "type": "phone", "collection": "users", "encoding": "none"},
            {"id": "acct", "type": "account_id", "collection": "accounts", "encoding": "none"},
            {"id": "A-9", "type": "android.idfa", "collection": "users", "encoding": "none"},
            "junk",
        ],
        "externalId": [{"id": 77, "type": "crm_id"}],
    }

    identifiers = _track(context=context).identifiers

    assert identifiers == {
        "user_id": ("u1",),
        "phone": ("138 0013 8000",),
        "device_id": ("A-9",),
        "crm_id": ("77",),
    }


def test_a_device_that_may_not_be_tracked_is_not_known_by_its_advertising_id() -> None:
    device = {"id": "D1", "advertisingId": "AD1", "adTrackingEnabled": False}

    assert _track(context={"device": device}).identifiers["device_id"] == ("D1",)


def test_what_people_typed_into_a_trait_never_refuses_a_call() -> None:
    traits = {"email": ["no", "address"], "phone": "1" * 600}

    assert _track(context={"traits": traits}).identifiers == {"user_id": ("u1",)}


def test_numeric_ids_are_texts() -> None:
    assert _track(userId=42, messageId=7).identifiers["user_id"] == ("42",)


def test_a_foreign_record_that_happens_to_be_of_a_calls_type_goes_through_the_mapping() -> None:
    mapping = compile_mapping("book", {"type": "page.read", "identifiers": {"phone": "{{ p }}"}})
    value = orjson.dumps({"type": "page", "p": "1"})

    assert decode(Raw("book", 0, 1, NOW, None, value), mapping, NOW).type == "page.read"


def test_a_call_on_a_mapped_topic_is_a_call() -> None:
    mapping = compile_mapping("book", {"type": "page.read", "identifiers": {"phone": "{{ p }}"}})
    value = orjson.dumps({"type": "page", "userId": "u", "p": "1"})

    assert decode(Raw("book", 0, 1, NOW, None, value), mapping, NOW).type == "page"
