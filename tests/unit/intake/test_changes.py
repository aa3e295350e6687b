"""Change events of Debezium, through the mapping of their topic."""

from typing import Any

import orjson
import pytest

from schemas.errors import ContractError
from schemas.intake import Raw, compile_mapping, decode, says_nothing
from schemas.touchpoint import Millis, Touchpoint

NOW = Millis(1_772_400_000_000)
COMMITTED = 1_772_335_800_250
ORDERS = {
    "topic": "shop.public.orders",
    "format": "debezium",
    "type": "order.{% if op == 'd' %}deleted{% elsif before %}changed{% else %}created{% endif %}",
    "identifiers": {"phone": "{{ row.mobile }}"},
    "properties": {
        "order_id": "{{ row.id }}",
        "was": "{{ before.status }}",
        "is": "{{ after.status }}",
        "table": "{{ source.table }}",
    },
}
NEW = {"id": 7, "mobile": "13800138000", "status": "new"}
PAID = NEW | {"status": "paid"}
SOURCE = {"connector": "postgresql", "db": "shop", "schema": "public", "table": "orders"}
SOURCE |= {"ts_ms": COMMITTED, "txId": 555, "lsn": 24023128, "snapshot": "false"}


def _event(op: str, before: Any, after: Any, **source: Any) -> dict[str, Any]:
    whole = {"op": op, "before": before, "after": after, "source": SOURCE | source}
    return whole | {"ts_ms": COMMITTED + 900, "transaction": None}


def _decoded(event: Any, offset: int = 5, **entry: Any) -> Touchpoint:
    mapping = compile_mapping("orders", ORDERS | entry)
    raw = Raw("shop.public.orders", 0, offset, NOW - 5, b'{"id":7}', orjson.dumps(event))
    return decode(raw, mapping, NOW)


def _refusal(event: Any, **entry: Any) -> tuple[str, str]:
    with pytest.raises(ContractError) as refused:
        _decoded(event, **entry)
    return refused.value.code, refused.value.path


def test_a_new_row_is_what_the_mapping_says() -> None:
    touchpoint = _decoded(_event("c", None, NEW))

    assert touchpoint == Touchpoint(
        id=touchpoint.id,
        type="order.created",
        time=Millis(COMMITTED),
        received=Millis(NOW - 5),
        source="orders",
        identifiers={"phone": ("13800138000",)},
        properties={"order_id": 7, "is": "new", "table": "orders"},
    )


def test_a_change_shows_what_was_and_what_is() -> None:
    touchpoint = _decoded(_event("u", NEW, PAID))

    assert touchpoint.type == "order.changed"
    assert (touchpoint.properties["was"], touchpoint.properties["is"]) == ("new", "paid")


def test_a_deleted_row_is_still_somebodys() -> None:
    touchpoint = _decoded(_event("d", PAID, None))

    assert touchpoint.type == "order.deleted"
    assert touchpoint.identifiers == {"phone": ("13800138000",)}


def test_what_a_snapshot_reads_is_history() -> None:
    assert _decoded(_event("r", None, NEW)).backfill
    assert not _decoded(_event("c", None, NEW)).backfill


def test_the_envelope_of_the_schema_changes_nothing() -> None:
    event = _event("u", NEW, PAID)

    assert _decoded({"schema": {"type": "struct"}, "payload": event}) == _decoded(event)


def test_a_change_that_comes_again_has_the_same_id() -> None:
    change = _event("u", NEW, PAID)
    again = change | {"ts_ms": COMMITTED + 99_000}
    later = _event("u", NEW, PAID, lsn=24023999)
    beside = _event("u", NEW | {"id": 8}, PAID | {"id": 8})

    ids = [_decoded(each, n).id for n, each in enumerate([change, again, later, beside])]

    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_without_a_place_in_the_log_the_record_names_the_change() -> None:
    event = {"op": "c", "after": NEW, "source": {"connector": "custom"}}

    assert _decoded(event).id == "shop.public.orders-0-5"
    assert _decoded(event).time == NOW - 5


def test_the_mapping_may_name_id_and_time_itself() -> None:
    row = NEW | {"paid_at": 1_772_335_800_250_000}
    touchpoint = _decoded(
        _event("c", None, row), id="{{ row.id }}-{{ row.status }}", time="{{ row.paid_at }}"
    )

    assert (touchpoint.id, touchpoint.time) == ("7-new", COMMITTED)


@pytest.mark.parametrize(
    "number", [COMMITTED, COMMITTED * 1000, COMMITTED * 1_000_000, COMMITTED // 1000]
)
def test_databases_count_in_any_unit(number: int) -> None:
    time = _decoded(_event("c", None, NEW | {"at": number}), time="{{ row.at }}").time

    assert time // 1000 == COMMITTED // 1000


def test_documents_of_mongodb_are_texts() -> None:
    touchpoint = _decoded(_event("c", None, orjson.dumps(NEW).decode()))

    assert touchpoint.properties == {"order_id": 7, "is": "new", "table": "orders"}


def test_a_change_goes_through_an_ordinary_mapping_too() -> None:
    assert _decoded(_event("c", None, NEW), format="mapped").type == "order.created"


@pytest.mark.parametrize(
    ("event", "code", "path"),
    [
        (_event("t", None, None), "no-row", "/op"),
        (_event("m", None, None) | {"message": {"prefix": "x"}}, "no-row", "/op"),
        (_event("u", None, None), "no-row", "/after"),
        (_event("d", None, None), "no-row", "/before"),
        (_event("c", None, [1]), "wrong-type", "/after"),
        (_event("c", None, "no json"), "not-json", "/after"),
        ({"schema": {}, "payload": _event("t", None, None)}, "no-row", "/payload/op"),
        (_event("c", None, NEW | {"mobile": None}), "no-identifier", "/identifiers"),
        (NEW, "not-a-change", "/op"),
        (_event("x", None, NEW), "not-a-change", "/op"),
        (_event("c", None, NEW, ts_ms=NOW + 2 * 86_400_000), "time-in-the-future", "/source/ts_ms"),
    ],
)
def test_a_change_that_cannot_be_told_of_is_refused(event: Any, code: str, path: str) -> None:
    assert _refusal(event) == (code, path)


def test_a_native_record_on_a_topic_of_changes_stays_native() -> None:
    assert _decoded({"type": "a", "identifiers": {"phone": "1"}}).source == "shop.public.orders"


def test_the_tombstone_after_a_delete_is_passed_over_and_no_other() -> None:
    tombstone = Raw("shop.public.orders", 0, 6, NOW, b'{"id":7}', None)
    changes, rows = (
        compile_mapping("o", ORDERS),
        compile_mapping("o", ORDERS | {"format": "mapped"}),
    )

    assert says_nothing(tombstone, changes)
    assert not says_nothing(tombstone, rows)
    assert not says_nothing(tombstone, None)
    assert not says_nothing(tombstone._replace(value=b"{}"), changes)
