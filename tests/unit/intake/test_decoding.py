"""What an accepted record becomes."""

import orjson
import pytest

from schemas.errors import ContractError
from schemas.inbox import Arrived
from schemas.inbox import decode as decode_inbox
from schemas.inbox import encode as encode_inbox
from schemas.intake import Raw, compile_mapping, decode
from schemas.intake.native import NativeTouchpoint, written_time
from schemas.touchpoint import Touchpoint

NOW = 1_772_400_000_000
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def _decoded(now: int = NOW, stamp: int = NOW - 5, **fields: object) -> Touchpoint:
    form = {"type": "order.paid", "identifiers": {"phone": "1"}} | fields
    return decode(Raw("touchpoints", 3, 17, stamp, b"k", orjson.dumps(form)), None, now)


def test_the_native_form_is_read_whole() -> None:
    touchpoint = _decoded(
        id="ord-9912-paid",
        time="2026-03-01T11:30:00.250+08:00",
        channel="pos",
        source="store-17-till-2",
        identifiers={"phone": "138 0013 8000", "member_card": ["C-1", "C-2", "C-1"]},
        properties={"order_id": "9912", "amount": 199.0},
        traits={"first_name": "Li", "nickname": None},
        consents={"sms": True},
        backfill=True,
        verified=["phone"],
        campaign="nobody declared this",
    )

    assert touchpoint == Touchpoint(
        id="ord-9912-paid",
        type="order.paid",
        time=1_772_335_800_250,
        received=NOW - 5,
        source="store-17-till-2",
        channel="pos",
        identifiers={"phone": ("138 0013 8000",), "member_card": ("C-1", "C-2")},
        properties={"order_id": "9912", "amount": 199.0},
        traits={"first_name": "Li", "nickname": None},
        consents={"sms": True},
        backfill=True,
        verified=("phone",),
    )


def test_what_is_missing_comes_from_where_the_record_lies() -> None:
    touchpoint = _decoded()

    assert touchpoint.id == "touchpoints-3-17"
    assert touchpoint.time == NOW - 5
    assert touchpoint.source == "touchpoints"


def test_null_says_the_same_as_leaving_a_field_out() -> None:
    nulls = dict.fromkeys(["id", "time", "source", "channel", "properties", "traits", "consents"])

    assert _decoded(**nulls, backfill=None) == _decoded()


def test_a_record_without_a_timestamp_is_dated_now() -> None:
    touchpoint = _decoded(stamp=-1)

    assert (touchpoint.time, touchpoint.received) == (NOW, NOW)


@pytest.mark.parametrize(
    ("ahead", "becomes"),
    [(5 * MINUTE, 5 * MINUTE), (5 * MINUTE + 1, 0), (DAY, 0), (-400 * DAY, -400 * DAY)],
)
def test_a_time_a_little_ahead_is_now(ahead: int, becomes: int) -> None:
    touchpoint = _decoded(time=written_time(NOW + ahead))

    assert touchpoint.time - NOW == becomes


def test_a_time_more_than_a_day_ahead_is_refused() -> None:
    with pytest.raises(ContractError, match="time-in-the-future"):
        _decoded(time=written_time(NOW + DAY + 1))


def test_a_stamp_of_a_producer_whose_clock_is_wrong_is_refused_as_well() -> None:
    with pytest.raises(ContractError, match="time-in-the-future"):
        _decoded(stamp=NOW + 2 * DAY)


@pytest.mark.parametrize("upto", ["2026-03-01T03:30:00Z", 1_772_335_800_000])
def test_a_watermark_needs_no_identifier_and_says_upto_in_ms(upto: object) -> None:
    properties = {"source": "till", "upto": upto}

    touchpoint = _decoded(type="source.watermark", identifiers={}, properties=properties)

    assert touchpoint.properties == {"source": "till", "upto": 1_772_335_800_000}


@pytest.mark.parametrize(
    "properties",
    [
        {"x": 2**63 - 1, "y": -(2**63), "z": 1e30},
        {"x": "1234567890123456789012345"},
        {"x": '":":":', "y": [{"a": " : "}], "z": r"\u0000"},
        {"x": {"a": {"a": [{"a": 1}]}}},
    ],
)
def test_what_only_looks_like_poison_is_taken_as_it_is(properties: dict[str, object]) -> None:
    touchpoint = _decoded(properties=properties)

    assert touchpoint.properties == properties


def test_32_levels_are_allowed() -> None:
    value: object = 1
    for _ in range(30):
        value = [value]

    touchpoint = _decoded(properties={"x": value})

    assert touchpoint.properties == {"x": value}


def test_white_space_and_the_order_of_keys_change_nothing() -> None:
    form = {"type": "a", "identifiers": {"phone": "1"}, "properties": {"x": [{"y": 1}]}}
    pretty = orjson.dumps(dict(reversed(form.items())), option=orjson.OPT_INDENT_2)

    one = decode(Raw("t", 0, 1, NOW, None, orjson.dumps(form)), None, NOW)
    other = decode(Raw("t", 0, 1, NOW, None, pretty.replace(b'":', b'"\r\n\t:')), None, NOW)

    assert one == other


def test_a_native_touchpoint_may_have_a_type_that_segment_uses_too() -> None:
    assert _decoded(type="track", userId="u1").type == "track"


def test_a_header_of_another_content_changes_nothing() -> None:
    value = b'{"type":"a","identifiers":{"phone":"1"}}'
    headers = (("content-type", b"application/json"), ("Content-Type", None), ("x", b"\xff"))

    assert decode(Raw("t", 0, 1, NOW, None, value, headers), None, NOW).type == "a"


def test_the_path_leads_to_the_place() -> None:
    with pytest.raises(ContractError) as refused:
        _decoded(identifiers={"phone": ["1", 2]})

    assert refused.value.path == "/identifiers/phone/1"


def test_what_was_decoded_survives_the_inbox() -> None:
    touchpoint = _decoded(properties={"x": 2**63 - 1, "y": -(2**63), "z": {"a": [None, 1.5]}})
    record = Arrived("p1", touchpoint, ("t",), ("touchpoints", 3, 17))

    assert decode_inbox(encode_inbox(record)) == record


def test_a_native_record_on_a_mapped_topic_stays_native() -> None:
    mapping = compile_mapping(
        "till", {"type": "order.paid", "identifiers": {"phone": "{{ mobile }}"}}
    )
    value = b'{"type":"page.viewed","identifiers":{"cookie":"c"}}'

    touchpoint = decode(Raw("pos.receipts", 0, 1, NOW, None, value), mapping, NOW)

    assert (touchpoint.type, touchpoint.source) == ("page.viewed", "pos.receipts")


def test_a_foreign_record_may_have_a_field_called_identifiers() -> None:
    mapping = compile_mapping(
        "crm", {"type": "contact.changed", "identifiers": {"phone": "{{ identifiers.tel }}"}}
    )
    value = b'{"identifiers":{"tel":"1"},"kind":7}'

    touchpoint = decode(Raw("crm", 0, 1, NOW, None, value), mapping, NOW)

    assert (touchpoint.type, touchpoint.identifiers) == ("contact.changed", {"phone": ("1",)})


def test_the_json_schema_requires_the_type_alone() -> None:
    schema = NativeTouchpoint.model_json_schema()

    assert schema["required"] == ["type"]
    assert schema["properties"]["time"]["format"] == "date-time"
