"""One record of a touchpoint topic to one `Touchpoint`, whichever form it has."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import ContractError
from ..touchpoint import Millis, Touchpoint
from .document import read_object
from .mapped import Mapping
from .native import WATERMARK, touchpoint_from

_CALLS = ("track", "identify", "alias", "group", "page", "screen")
_CALL_MARKS = ("messageId", "userId", "anonymousId", "previousId", "groupId", "writeKey")
_OPERATIONS = ("c", "u", "d", "r", "t", "m")


class Raw(NamedTuple):
    """A record as it lies on its topic; `timestamp` in ms, negative where it has none.

    Any object with these attributes does as well, so a consumer's record need not be copied.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Sequence[tuple[str, bytes | None]] = ()


def decode(raw: Raw, mapping: Mapping | None, now: Millis) -> Touchpoint:
    """The touchpoint a record says, as of `now`; `mapping` is its topic's.

    Raises ContractError for all that breaks the contract, and nothing else: what a sender writes
    never stops a partition. The same record gives the same touchpoint, but for a time that lies
    ahead of `now`.
    """
    if raw.value is None:
        raise ContractError(
            "no-value",
            "",
            "The record has no value (a tombstone).",
            "Touchpoints are facts and cannot be taken back; send another one.",
        )
    if raw.headers:
        _refuse_events_by_header(raw.headers)
    document = read_object(raw.value)
    if type(document.get("identifiers")) is not dict:
        _refuse_other_forms(document)
    if mapping is not None and not _is_native(document):
        document = mapping.native(document)
    received = Millis(raw.timestamp) if raw.timestamp >= 0 else now
    origin = (raw.topic, raw.partition, raw.offset)
    return touchpoint_from(document, origin, raw.topic, received, now)


def _is_native(document: dict[str, Any]) -> bool:
    return type(document.get("type")) is str and (
        type(document.get("identifiers")) is dict or document["type"] == WATERMARK
    )


def _refuse_events_by_header(headers: Sequence[tuple[str, bytes | None]]) -> None:
    for name, value in headers:
        folded = name.lower()
        kind = (value or b"")[:24].lower()  # Kafka allows a header without a value
        structured = folded == "content-type" and kind.startswith(b"application/cloudevents")
        if structured or folded == "ce_specversion":
            _refuse_form("CloudEvents", f"/headers/{name}")


def _refuse_other_forms(document: dict[str, Any]) -> None:
    """By their marks, and only without native identifiers: our `type` may be `track` too."""
    if "specversion" in document and "data" in document:
        _refuse_form("CloudEvents", "/specversion")
    if "op" in document and _is_change(document):
        _refuse_form("Debezium", "/op")
    if "payload" in document and "schema" in document:
        payload = document["payload"]
        if type(payload) is dict and _is_change(payload):
            _refuse_form("Debezium", "/payload/op")
    if document.get("type") in _CALLS and any(mark in document for mark in _CALL_MARKS):
        _refuse_form("Segment", "/type")


def _is_change(document: dict[str, Any]) -> bool:
    return type(document.get("source")) is dict and document.get("op") in _OPERATIONS


def _refuse_form(form: str, path: str) -> None:
    raise ContractError(
        "not-supported-yet",
        path,
        f"This is the {form} form, which is not supported yet.",
        "Send the native form, or describe the record with a mapping under `sources:`.",
    )
