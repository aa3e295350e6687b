"""What breaks the contract is refused, each by its own code, and nothing else is raised."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.errors import ContractError
from schemas.intake import Mapping, Raw, compile_mapping, decode
from schemas.intake.document import read_object
from tests.poison import POISON, Poison

NOW = 1_772_400_000_000


@pytest.mark.parametrize("poison", POISON, ids=lambda p: p.name)
def test_a_poisonous_record_is_refused_by_its_code(poison: Poison) -> None:
    raw = Raw("touchpoints", 0, 7, NOW, None, poison.value, poison.headers)

    with pytest.raises(ContractError) as refused:
        decode(raw, None, NOW)

    assert refused.value.code == poison.code
    assert refused.value.what.endswith((".", "?"))
    assert refused.value.mend.endswith(".")


def test_the_table_is_long_and_names_each_row_once() -> None:
    assert len(POISON) >= 120
    assert len({p.name for p in POISON}) == len(POISON)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_but_a_contract_error(value: bytes) -> None:
    with suppress(ContractError):
        decode(Raw("touchpoints", 0, 7, NOW, None, value), None, NOW)


_scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | st.text()
_values = _scalars | st.lists(_scalars, max_size=2) | st.dictionaries(st.text(), _scalars)


@given(st.dictionaries(st.sampled_from(["type", "id", "time", "identifiers", "traits"]), _values))
def test_no_object_raises_anything_but_a_contract_error(document: dict[str, object]) -> None:
    with suppress(ContractError):
        decode(Raw("t", 0, 7, NOW, None, json.dumps(document).encode()), None, NOW)


_attributes = st.sampled_from(
    [
        "ce_specversion",
        "CE_id",
        "ce_source",
        "ce_type",
        "ce_time",
        "ce_datacontenttype",
        "ce_x",
        "ce_",
        "content-type",
    ]
)
_contents = (
    st.none()
    | st.binary(max_size=20)
    | st.sampled_from(b"1.0 /x 2026-03-01T00:00:00Z application/json text/json".split())
    | st.sampled_from(["", "+json", "-batch+json"]).map(
        lambda t: f"application/cloudevents{t}".encode()
    )
)
_announced = st.lists(st.tuples(_attributes, _contents), max_size=6)
_MAPPINGS = [
    None,
    compile_mapping("m", {"type": "{{ ce.type }}", "identifiers": {"user_id": "{{ ce.id }}"}}),
    compile_mapping(
        "d",
        {
            "format": "debezium",
            "type": "row.{{ op }}",
            "time": "{{ row.at }}",
            "identifiers": {"phone": "{{ row.mobile }}"},
            "properties": {"n": "{{ row.n | number }}", "t": "{{ row.t | date: '%Y' }}"},
        },
    ),
]


@given(st.none() | st.binary(max_size=100), _announced, st.sampled_from(_MAPPINGS))
def test_no_bytes_and_headers_raise_anything_but_a_contract_error(
    value: bytes | None, headers: list[tuple[str, bytes | None]], mapping: Mapping | None
) -> None:
    with suppress(ContractError):
        decode(Raw("t", 0, 7, NOW, None, value, headers), mapping, NOW)


def _forms(names: list[str], inner: list[str]) -> st.SearchStrategy[dict[str, object]]:
    """Objects of these fields, whose values may be what is expected, or anything."""
    times = st.sampled_from(["2026-03-01T00:00:00Z", "1970-01-01T00:00:00", "0001-01-01", "9999"])
    within = st.dictionaries(st.sampled_from(inner), _values | times, max_size=4)
    words = st.sampled_from(["1.0", "/x", "track", "alias", "group", "c", "d", "r", "t", '{"n":1}'])
    return st.dictionaries(st.sampled_from(names), words | times | within | _values)


_calls = _forms(
    [
        "type",
        "event",
        "userId",
        "anonymousId",
        "previousId",
        "groupId",
        "messageId",
        "context",
        "traits",
        "properties",
    ],
    ["traits", "device", "id", "advertisingId", "externalIds", "externalId", "email", "phone"],
)
_dated = _forms(["timestamp", "originalTimestamp", "sentAt", "receivedAt"], ["a"])
_events = _forms(
    [
        "specversion",
        "id",
        "source",
        "type",
        "time",
        "subject",
        "datacontenttype",
        "data",
        "data_base64",
        "ext",
        "X",
    ],
    ["identifiers", "properties", "traits", "consents", "phone", "backfill", "channel"],
)
_changes = _forms(
    ["op", "source", "before", "after", "ts_ms", "schema", "payload"],
    ["ts_ms", "lsn", "table", "op", "source", "after", "at", "mobile", "n", "t"],
)


@settings(max_examples=200, deadline=None)
@given(
    st.tuples(_calls, _dated).map(lambda both: {"type": "track", "event": "a"} | both[0] | both[1])
    | _events.map(lambda event: {"specversion": "1.0"} | event)
    | _changes.map(lambda change: {"op": "c", "source": {}} | change),
    st.sampled_from(_MAPPINGS),
)
def test_no_record_of_any_form_raises_anything_but_a_contract_error(
    document: dict[str, object], mapping: Mapping | None
) -> None:
    with suppress(ContractError):
        decode(Raw("t", 0, 7, NOW, None, json.dumps(document).encode()), mapping, NOW)


_keys = st.sampled_from(["a", "b", 'c"', "d:", "e f"])


@st.composite
def _object_text(draw: st.DrawFn, depth: int = 2) -> tuple[str, bool]:
    """A JSON object as text with random spaces, and whether some object in it has a key twice."""
    names = draw(st.lists(_keys, max_size=4))
    twice = len(set(names)) < len(names)
    parts = []
    for name in names:
        inner = json.dumps(draw(st.sampled_from([1, '":', " :", '"x":1'])))
        if depth and draw(st.booleans()):
            inner, deeper = draw(_object_text(depth=depth - 1))
            twice = twice or deeper
        blanks = draw(st.lists(st.sampled_from(["", " ", "\n", "\t"]), min_size=3, max_size=3))
        parts.append(f"{blanks[0]}{json.dumps(name)}{blanks[1]}:{blanks[2]}{inner}")
    return "{" + ",".join(parts) + "}", twice


@given(_object_text())
def test_a_key_that_is_there_twice_is_always_found(case: tuple[str, bool]) -> None:
    text, twice = case

    try:
        read_object(text.encode())
        found = False
    except ContractError as error:
        found = error.code == "duplicate-key"

    assert found == twice
