"""CloudEvents in structured and binary mode, with the conformance samples."""

import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from schemas.errors import ContractError
from schemas.intake import Raw, compile_mapping, decode
from schemas.intake.native import read_time
from schemas.touchpoint import Millis, Touchpoint

NOW = Millis(1_772_400_000_000)
SAMPLES = Path(__file__).parent / "data" / "cloudevents"
KIND = b"application/cloudevents+json"
STRUCTURED = (("content-type", KIND),)
SAID = {
    "channel": "pos",
    "identifiers": {"phone": "138 0013 8000"},
    "properties": {"amount": 199.0},
    "traits": {"first_name": "Li"},
    "consents": {"sms": True},
}
EVENT = {
    "specversion": "1.0",
    "id": "ord-9912",
    "source": "/store-17/till-2",
    "type": "order.paid",
    "time": "2026-03-01T03:30:00.250Z",
    "data": SAID,
}
SUBJECT = compile_mapping(
    "shop", {"type": "{{ ce.type }}", "identifiers": {"user_id": "{{ ce.subject }}"}}
)
ANYBODY = compile_mapping("shop", {"type": "{{ ce.type }}", "identifiers": {"user_id": "u"}})


def _samples(name: str, key: str) -> list[Any]:
    tests = json.loads((SAMPLES / name).read_text())["tests"]
    return [pytest.param(test[key], id=test["id"]) for test in tests]


def _structured(event: Any, mapping: Any = None, headers: Any = STRUCTURED) -> Touchpoint:
    return decode(Raw("t", 3, 17, NOW - 5, b"k", orjson.dumps(event), headers), mapping, NOW)


def _binary(data: bytes | None, mapping: Any = None, **attributes: str) -> Touchpoint:
    said = {"specversion": "1.0", "id": "1", "source": "/x", "type": "order.paid"} | attributes
    headers = tuple((f"ce_{name}", value.encode()) for name, value in said.items())
    kind = ("content-type", b"application/json")
    return decode(Raw("t", 3, 17, NOW - 5, b"k", data, (kind, *headers)), mapping, NOW)


def _refusal(event: Any, mapping: Any = None) -> tuple[str, str]:
    with pytest.raises(ContractError) as refused:
        _structured(event, mapping)
    return refused.value.code, refused.value.path


@pytest.mark.parametrize("event", _samples("valid-events.json", "event"))
def test_a_valid_event_is_a_touchpoint_once_somebody_says_whose(event: dict[str, Any]) -> None:
    touchpoint = _structured(event, ANYBODY)

    assert touchpoint.id == f"{event['source']}#{event['id']}"
    assert touchpoint.type == event["type"]
    said = event.get("time")
    assert touchpoint.time == (read_time(said) if said else NOW - 5)
    assert _refusal(event)[0] in {"no-identifier", "data-not-json"}


@pytest.mark.parametrize("event", _samples("invalid-events.json", "event"))
def test_an_invalid_event_is_refused_whatever_the_mapping(event: dict[str, Any]) -> None:
    code, path = _refusal(event, ANYBODY)

    assert code in {
        *("missing-field", "empty-text", "wrong-type", "bad-time", "bad-attribute"),
        *("unknown-specversion", "two-data"),
    }
    assert path.startswith("/")


@pytest.mark.parametrize("batch", _samples("invalid-batches.json", "batch"))
def test_a_batch_is_no_record(batch: list[Any]) -> None:
    assert _refusal(batch)[0] == "not-an-object"


def test_the_structured_form_is_read_whole() -> None:
    touchpoint = _structured(EVENT | {"subject": "order 9912", "tenant": "acme", "priority": 3})

    assert touchpoint == Touchpoint(
        id="ord-9912",
        type="order.paid",
        time=Millis(1_772_335_800_250),
        received=Millis(NOW - 5),
        source="/store-17/till-2",
        channel="pos",
        identifiers={"phone": ("138 0013 8000",)},
        properties={"amount": 199.0, "subject": "order 9912", "tenant": "acme", "priority": 3},
        traits={"first_name": "Li"},
        consents={"sms": True},
    )


def test_the_binary_form_says_the_same() -> None:
    attributes = {k: v for k, v in EVENT.items() if k != "data"} | {"tenant": "acme"}
    structured = _structured(EVENT | {"tenant": "acme"})

    assert _binary(orjson.dumps(SAID), None, **attributes) == structured


def test_the_example_of_the_kafka_binding_is_read_in_both_modes() -> None:
    # kafka-protocol-binding.feature
    attributes = {
        "id": "1234-1234-1234",
        "type": "com.example.someevent",
        "source": "/mycontext/subcontext",
        "time": "2018-04-05T03:56:24Z",
    }
    data = {"message": "Hello World!"}
    mapping = compile_mapping(
        "shop",
        {
            "type": "{{ ce.type }}",
            "identifiers": {"user_id": "{{ ce.source }}"},
            "properties": {"message": "{{ message }}", "kind": "{{ ce.datacontenttype }}"},
        },
    )
    event = {"specversion": "1.0", "datacontenttype": "application/json", "data": data}

    binary = _binary(orjson.dumps(data), mapping, **attributes)
    structured = [
        _structured(event | attributes, mapping, (("content-type", kind),))
        for kind in (
            b"application/cloudevents+json",
            b"application/cloudevents+json; charset=utf-8",
        )
    ]

    assert structured == [binary, binary]
    assert binary.properties == {"message": "Hello World!", "kind": "application/json"}
    assert binary.time == read_time("2018-04-05T03:56:24Z")


def test_an_event_without_headers_is_known_by_its_specversion() -> None:
    event = EVENT | {"data": {"buyer": "u1"}}
    mapping = compile_mapping("shop", {"type": "a", "identifiers": {"user_id": "{{ buyer }}"}})

    assert _structured(EVENT, None, ()) == _structured(EVENT)
    assert _structured(event, mapping, ()) == _structured(event, mapping)


def test_a_structured_event_may_repeat_its_attributes_in_headers() -> None:
    headers = (("ce_specversion", b"1.0"), ("ce_id", b"other"), *STRUCTURED)

    assert _structured(EVENT, None, headers).id == "ord-9912"


def test_where_no_mapping_names_it_the_id_is_that_of_the_event() -> None:
    ours = _structured(EVENT | {"data": {}, "subject": "u1"}, SUBJECT)

    assert (ours.source, ours.id) == ("shop", "/store-17/till-2#ord-9912")
    assert ours.identifiers == {"user_id": ("u1",)}
    assert ours.time == 1_772_335_800_250


def test_a_binary_event_without_data_is_no_tombstone() -> None:
    assert _binary(None, SUBJECT, subject="u1").identifiers == {"user_id": ("u1",)}
    assert _binary(b"", SUBJECT, subject="u1").type == "order.paid"


def test_data_that_is_no_object_is_the_mappings_to_use() -> None:
    mapping = compile_mapping("shop", {"type": "a", "identifiers": {"user_id": "{{ data }}"}})

    assert _structured(EVENT | {"data": "u7"}, mapping).identifiers == {"user_id": ("u7",)}


def test_attributes_of_the_transport_are_no_properties() -> None:
    event = EVENT | {"partitionkey": "u1", "traceparent": "00-aa", "tracestate": "x=1"}

    assert _structured(event) == _structured(EVENT)


def test_a_property_is_not_hidden_by_an_extension_of_its_name() -> None:
    assert _structured(EVENT | {"amount": 1}).properties["amount"] == 199.0


def test_headers_of_any_case_and_empty_ones_are_read() -> None:
    value = orjson.dumps({"identifiers": {"phone": "1"}})
    headers = (
        *(("CE_SpecVersion", b"1.0"), ("Ce_Id", b"1"), ("ce_source", b"/x"), ("ce_type", b"a")),
        *(("Content-Type", None), ("ce_datacontenttype", b"text/plain"), ("ce_x", None)),
    )

    assert decode(Raw("t", 0, 1, NOW, None, value, headers), None, NOW).source == "/x"


@pytest.mark.parametrize("kind", ["application/json", "text/json", "application/vnd.a+json; v=1"])
def test_every_media_type_of_json_will_do(kind: str) -> None:
    headers = tuple((f"ce_{n}", str(EVENT[n]).encode()) for n in EVENT if n != "data")
    value = orjson.dumps(SAID)
    raw = Raw("t", 0, 1, NOW, None, value, (*headers, ("content-type", kind.encode())))

    assert decode(raw, None, NOW).channel == "pos"


@pytest.mark.parametrize(
    ("event", "path"),
    [
        (EVENT | {"data": {"identifiers": {"phone": [1]}}}, "/data/identifiers/phone/0"),
        (EVENT | {"data": {"identifiers": {}}}, "/data/identifiers"),
        (EVENT | {"data": {"a": 1}}, "/data/identifiers"),
        (EVENT | {"data": SAID | {"traits": 1}}, "/data/traits"),
        (EVENT | {"type": "x" * 201}, "/type"),
        (EVENT | {"time": "2028-01-01T00:00:00Z"}, "/time"),
    ],
)
def test_the_path_leads_into_the_event(event: dict[str, Any], path: str) -> None:
    assert _refusal(event)[1] == path


@pytest.mark.parametrize(
    ("attributes", "path"),
    [({"id": "x" * 501}, "/headers/ce_id"), ({"time": "2028-01-01T00:00:00Z"}, "/headers/ce_time")],
)
def test_the_path_leads_to_the_header(attributes: dict[str, str], path: str) -> None:
    with pytest.raises(ContractError) as refused:
        _binary(orjson.dumps(SAID), None, **attributes)

    assert refused.value.path == path


def test_small_letters_in_a_time_are_those_of_rfc_3339() -> None:
    assert _structured(EVENT | {"time": "2026-03-01t03:30:00.250z"}) == _structured(EVENT)


def test_a_media_type_has_no_case() -> None:
    event = {name: value for name, value in EVENT.items() if name != "specversion"}

    with pytest.raises(ContractError, match="missing-field") as refused:
        _structured(event, None, (("Content-Type", b"Application/CloudEvents+JSON"),))

    assert refused.value.path == "/specversion"
