"""The published JSON Schemas, held to real records and to what the decoder refuses."""

from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from schemas.deadletter import LARGEST_VALUE, dead_letter
from schemas.errors import ContractError
from schemas.intake import Raw, decode
from schemas.published import json_schemas
from tests.poison import POISON, Poison
from tests.unit.engine.test_contracts import eventful

NOW = 1_772_400_000_000
SCHEMAS = json_schemas()
WHOLE = {
    "id": "ord-9912-paid",
    "type": "order.paid",
    "time": "2026-03-01T11:30:00+08:00",
    "channel": "pos",
    "source": "store-17-till-2",
    "identifiers": {"phone": "138 0013 8000", "member_card": ["C-88123"], "email": None},
    "properties": {"order_id": "9912", "amount": 199.0},
    "traits": {"first_name": "Li"},
    "consents": {"sms": True},
    "backfill": False,
    "more": "than we know",
}
MARK = {"type": "source.watermark", "properties": {"source": "till", "upto": 1_772_335_800_000}}
OF_SHAPE = {"missing-field", "empty-text", "too-long", "wrong-type", "no-identifier"}
NATIVE = [
    p for p in POISON if p.code in OF_SHAPE and not p.headers and b'"type":"order.paid"' in p.value
]


def _validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(SCHEMAS[name], format_checker=FormatChecker())


def _problems(name: str, record: Any) -> list[str]:
    return [error.message for error in _validator(name).iter_errors(record)]


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_schema_is_one_and_says_which(name: str) -> None:
    Draft202012Validator.check_schema(SCHEMAS[name])

    assert SCHEMAS[name]["$id"] == f"urn:wayline:{name}"
    assert orjson.loads(orjson.dumps(SCHEMAS[name])) == SCHEMAS[name]


@pytest.mark.parametrize("record", [WHOLE, MARK, {"type": "a", "identifiers": {"phone": ["1"]}}])
def test_a_touchpoint_that_is_taken_is_valid(record: dict[str, Any]) -> None:
    decode(Raw("t", 0, 1, NOW, None, orjson.dumps(record)), None, NOW)  # type: ignore[arg-type]

    assert _problems("touchpoint", record) == []


@pytest.mark.parametrize("poison", NATIVE, ids=lambda p: p.name)
def test_a_touchpoint_that_is_refused_for_its_shape_is_not_valid(poison: Poison) -> None:
    assert _problems("touchpoint", orjson.loads(poison.value or b""))


def test_what_the_engine_says_is_valid() -> None:
    told = [output for output in eventful() if output.kind != "inbox"]
    assert {output.kind.split(".")[0] for output in told} == {"actions", "transitions"}
    for output in told:
        name = "transition" if output.kind == "transitions" else "action"

        assert _problems(name, orjson.loads(output.value)) == []


def test_what_lacks_its_id_is_not_valid() -> None:
    for name, key in (("action", "action_id"), ("transition", "id")):
        kind = "transitions" if name == "transition" else "actions."
        record = next(orjson.loads(o.value) for o in eventful() if o.kind.startswith(kind))
        del record[key]

        assert _problems(name, record)


@pytest.mark.parametrize("value", [b"{}", b"x" * (LARGEST_VALUE + 1)])
def test_the_headers_of_a_dead_letter_are_valid(value: bytes) -> None:
    raw = Raw("touchpoints", 3, 17, NOW, None, value, (("traceparent", b"00-aa"),))
    error = ContractError("wrong-type", "/id", "It is a number.", "Send a text.")
    headers: Mapping[str, bytes | None] = dict(dead_letter(raw, error).headers)

    texts = {name: text.decode() for name, text in headers.items() if text is not None}

    assert _problems("dead-letter-headers", texts) == []
    assert _problems("dead-letter-headers", texts | {"__connect.errors.offset": "x"})
    assert _problems("dead-letter-headers", {"traceparent": "00-aa"})


def test_headers_of_what_the_engine_says_are_valid() -> None:
    told = [output for output in eventful() if output.kind != "inbox"]
    for output in told:
        headers = {name: value.decode() for name, value in output.headers}
        headers |= {"wayline-shard": "3", "wayline-offset": str(output.offset)}
        name = "action-headers" if output.kind.startswith("actions.") else "output-headers"

        assert _problems(name, headers) == []


RESULT = {"type": "action.failed", "identifiers": {"phone": "1"}, "properties": {"action_id": "a"}}
REQUEST = {"type": "map.requested", "identifiers": {"phone": "1"}, "properties": {"map": "m"}}


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("action-result", RESULT),
        ("action-result", {**RESULT, "properties": {"action_id": "a", "hard": True}}),
        ("source-watermark", MARK),
        ("map-requested", {**REQUEST, "properties": {"map": "m", "key": "k", "with": {"a": 1}}}),
    ],
)
def test_what_the_engine_reads_is_valid(name: str, record: dict[str, Any]) -> None:
    decode(Raw("t", 0, 1, NOW, None, orjson.dumps(record)), None, NOW)  # type: ignore[arg-type]

    assert _problems(name, record) == []


@pytest.mark.parametrize(
    ("name", "record"),
    [
        ("action-result", {**RESULT, "type": "action.lost"}),
        ("action-result", {**RESULT, "properties": {}}),
        ("action-result", {**RESULT, "identifiers": {}}),
        ("map-requested", {**REQUEST, "properties": {"key": "k"}}),
        ("source-watermark", {"type": "source.watermark", "properties": {"source": "till"}}),
    ],
)
def test_what_the_engine_could_not_use_is_not(name: str, record: dict[str, Any]) -> None:
    assert _problems(name, record)
