"""One record of a touchpoint topic to one `Touchpoint`, whichever form it has."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from ..errors import ContractError
from ..touchpoint import Millis, Touchpoint
from .calls import is_call, read_call, refuse_call_without_type
from .changes import change_in, read_change, refuse_no_change
from .cloudevents import event_by_headers, is_event, read_event
from .document import read_object
from .foreign import Foreign
from .mapped import Mapping
from .native import WATERMARK, touchpoint_from


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

    Forms are tried in this order, and the first that fits is taken: CloudEvents by their headers,
    the native form, CloudEvents without headers, calls of Segment and RudderStack, changes of
    Debezium, the mapping.

    Raises ContractError for all that breaks the contract, and nothing else: what a sender writes
    never stops a partition. The same record gives the same touchpoint, but for a time that lies
    ahead of `now`.
    """
    received = Millis(raw.timestamp) if raw.timestamp >= 0 else now
    if raw.headers and (event := event_by_headers(raw.headers, raw.value, mapping)):
        return _from_foreign(event, raw, received, now)
    if raw.value is None:
        raise ContractError(
            "no-value",
            "",
            "The record has no value (a tombstone).",
            "Touchpoints are facts and cannot be taken back; send another one.",
        )
    document = read_object(raw.value)
    if type(document.get("identifiers")) is dict and (
        mapping is None or type(document.get("type")) is str
    ):
        origin = (raw.topic, raw.partition, raw.offset)
        return touchpoint_from(document, origin, raw.topic, received, now)
    return _from_foreign(_foreign(document, mapping, received), raw, received, now)


def says_nothing(raw: Raw, mapping: Mapping | None) -> bool:
    """Whether a refused record is but the tombstone behind a row's delete: no dead letter."""
    return raw.value is None and mapping is not None and mapping.changes


def _foreign(document: dict[str, Any], mapping: Mapping | None, received: Millis) -> Foreign:
    if is_event(document):
        return read_event(document, mapping)
    if is_call(document, by_type_alone=mapping is None):
        return read_call(document, received)
    if (change := change_in(document)) is not None:
        return read_change(change, mapping)
    if document.get("type") == WATERMARK:
        return Foreign(document)
    if mapping is not None:
        if mapping.changes:
            refuse_no_change()
        return Foreign(mapping.native(document))
    refuse_call_without_type(document)
    return Foreign(document)


def _from_foreign(foreign: Foreign, raw: Raw, received: Millis, now: Millis) -> Touchpoint:
    origin = (raw.topic, raw.partition, raw.offset)
    document, happened = foreign.document, foreign.happened
    try:
        return touchpoint_from(document, origin, raw.topic, received, now, happened)
    except ContractError as error:
        raise foreign.placed(error) from None
