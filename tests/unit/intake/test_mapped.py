"""Foreign records through a mapping of `sources:`."""

from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pytest

from schemas.errors import ContractError
from schemas.intake import MappingError, Raw, compile_mapping, decode
from schemas.touchpoint import Touchpoint

NOW = 1_772_400_000_000
TILL = {
    "topic": "pos.receipts",
    "format": "mapped",
    "id": "{{ receipt_no }}",
    "type": "order.paid",
    "time": "{{ ts }}",
    "timezone": "Asia/Shanghai",
    "channel": "pos",
    "lateness": "6h",
    "identifiers": {"phone": "{{ mobile }}", "member_card": "{{ card }}"},
    "properties": {"amount": "{{ amount | number }}", "store": "{{ shop }}"},
}
RECEIPT = {
    "receipt_no": 9912,
    "ts": "2026-03-01 11:30:00",
    "mobile": "13800138000",
    "card": "",
    "amount": "199.00",
    "shop": "store-17",
}


def _decoded(record: dict[str, Any], **entry: Any) -> Touchpoint:
    mapping = compile_mapping("till", TILL | entry)
    return decode(Raw("pos.receipts", 0, 5, NOW, None, orjson.dumps(record)), mapping, NOW)


def test_a_receipt_becomes_a_touchpoint() -> None:
    touchpoint = _decoded(RECEIPT)

    assert touchpoint == Touchpoint(
        id="9912",
        type="order.paid",
        time=1_772_335_800_000,
        received=NOW,
        source="till",
        channel="pos",
        identifiers={"phone": ("13800138000",)},
        properties={"amount": 199.0, "store": "store-17"},
    )


@pytest.mark.parametrize(
    ("template", "value", "becomes"),
    [
        ("{{ x }}", 5, 5),
        ("{{ x }}", [1, {"a": 2}], [1, {"a": 2}]),
        ("{{ x.y.1 }}", {"y": ["a", "b"]}, "b"),
        ("{{ x.y }}", "no object", None),
        ("{{x|number}}", "12", 12),
        ("{{ x | number }}", " -1.5 ", -1.5),
        ("{{ x | number }}", "", None),
        ("{{ x | integer }}", "12.0", 12),
        ("{{ x | boolean }}", "No", False),
        ("{{ x | boolean }}", True, True),
        ('{{ x | remove: "," | number }}', "1,234.5", 1234.5),
        ("{{ x | upcase }}", "abc", "ABC"),
        ("No. {{ x }}", 7, "No. 7"),
        ("{{ x }}-{{ x }}", "a", "a-a"),
        ("{% if x > 3 %}many{% endif %}", 4, "many"),
        ("{% if x > 3 %}many{% endif %}", 3, None),
        ("{{ 收银机 }}", None, None),
        ("a constant", 1, "a constant"),
        (12, 1, 12),
    ],
)
def test_a_template_keeps_or_makes_a_type(template: Any, value: Any, becomes: Any) -> None:
    touchpoint = _decoded(RECEIPT | {"x": value}, properties={"x": template})

    assert touchpoint.properties.get("x") == becomes
    assert type(touchpoint.properties.get("x")) is type(becomes)


@pytest.mark.parametrize(
    ("template", "value"),
    [
        ("{{ x | number }}", "12 pounds"),
        ("{{ x | number }}", "nan"),
        ("{{ x | number }}", "1_000"),
        ("{{ x | number }}", "1e999"),
        ("{{ x | number }}", True),
        ("{{ x | number }}", [1]),
        ("{{ x | integer }}", "1.5"),
        ("{{ x | boolean }}", "perhaps"),
    ],
)
def test_a_value_of_another_type_is_refused(template: str, value: Any) -> None:
    with pytest.raises(ContractError) as refused:
        _decoded(RECEIPT | {"x": value}, properties={"x": template})

    assert (refused.value.code, refused.value.path) == ("wrong-type", "/properties/x")


@pytest.mark.parametrize(
    ("written", "millis"),
    [
        ("2026-03-01T11:30:00", 1_772_335_800_000),
        ("2026-03-01T11:30:00Z", 1_772_364_600_000),
        ("2026-03-01", 1_772_294_400_000),
        (1_772_335_800, 1_772_335_800_000),
        (1_772_335_800_123, 1_772_335_800_123),
    ],
)
def test_a_time_without_an_offset_is_local_to_the_source(written: Any, millis: int) -> None:
    assert _decoded(RECEIPT | {"ts": written}).time == millis


@pytest.mark.parametrize(
    ("written", "code"),
    [("soon", "bad-time"), (True, "bad-time"), (1e300, "time-out-of-range")],
)
def test_a_time_that_is_none_is_refused(written: Any, code: str) -> None:
    with pytest.raises(ContractError) as refused:
        _decoded(RECEIPT | {"ts": written})

    assert refused.value.code == code


def test_a_template_that_fails_or_grows_refuses_the_record() -> None:
    for template in ("{{ x | divided_by: 0 }}", "{% for n in (1..99999) %}{{ x }}{% endfor %}"):
        with pytest.raises(ContractError) as refused:
            _decoded(RECEIPT | {"x": 5}, properties={"x": template})

        assert (refused.value.code, refused.value.path) == ("cannot-map", "/properties/x")


def test_a_column_may_have_any_name() -> None:
    row = RECEIPT | {"self": "a", "": "b", "Unit Price": "1.5"}

    touchpoint = _decoded(
        row, properties={"x": "{{ self }}-", "y": "{{ ['Unit Price'] | number }}"}
    )

    assert touchpoint.properties == {"x": "a-", "y": 1.5}


def test_the_zone_of_the_workspace_holds_where_the_source_names_none() -> None:
    entry = {k: v for k, v in TILL.items() if k != "timezone"}

    mapping = compile_mapping("till", entry, ZoneInfo("America/New_York"))

    assert mapping.native(RECEIPT)["time"] == "2026-03-01T11:30:00-05:00"


def test_a_record_without_any_identifier_is_refused() -> None:
    with pytest.raises(ContractError, match="no-identifier"):
        _decoded(RECEIPT | {"mobile": None})


def test_an_identifier_may_be_a_list_of_texts_and_whole_numbers() -> None:
    touchpoint = _decoded(RECEIPT | {"mobile": [13800138000, "13900139000"]})

    assert touchpoint.identifiers["phone"] == ("13800138000", "13900139000")


def test_the_traits_and_consents_of_a_person_can_be_mapped() -> None:
    touchpoint = _decoded(
        RECEIPT | {"city": "杭州", "sms": "1"},
        traits={"city": "{{ city }}"},
        consents={"sms": "{{ sms | boolean }}"},
    )

    assert touchpoint.traits == {"city": "杭州"}
    assert touchpoint.consents == {"sms": True}


@pytest.mark.parametrize(
    ("entry", "code", "path"),
    [
        ({"idd": "x"}, "unknown-key", ("idd",)),
        ({"type": ""}, "missing-field", ("type",)),
        ({"identifiers": {}}, "missing-field", ("identifiers",)),
        ({"properties": ["x"]}, "wrong-type", ("properties",)),
        ({"timezone": "Mars/Olympus"}, "no-such-zone", ("timezone",)),
        ({"format": "csv"}, "unknown-format", ("format",)),
        ({"id": "{{ x | nosuchfilter }}"}, "bad-template", ("id",)),
        ({"properties": {"a": "{% if %}"}}, "bad-template", ("properties", "a")),
        ({"traits": {"a": "{{ x"}}, "bad-template", ("traits", "a")),
    ],
)
def test_a_wrong_mapping_is_refused_before_any_record(
    entry: dict[str, Any], code: str, path: tuple[str, ...]
) -> None:
    with pytest.raises(MappingError) as refused:
        compile_mapping("till", TILL | entry)

    assert [(p.code, p.path) for p in refused.value.problems] == [(code, path)]


def test_all_that_is_wrong_with_a_mapping_is_said_at_once() -> None:
    with pytest.raises(MappingError) as refused:
        compile_mapping("till", {"idd": 1, "timezone": "Mars/Olympus"})

    codes = [p.code for p in refused.value.problems]
    assert codes == ["unknown-key", "missing-field", "missing-field", "no-such-zone"]
