"""Change events of Debezium: a row that was created, updated, deleted or read by a snapshot.

A row is nobody's touchpoint by itself: the topic's mapping says what it means. It sees the event
(`op`, `before`, `after`, `source`, `ts_ms`) and besides `row`: the row as it is, or as it last was.
"""

from hashlib import blake2b
from typing import Any, NamedTuple, Never

import orjson

from ..errors import ContractError
from ..touchpoint import Millis
from .document import named, read_object
from .foreign import Foreign
from .mapped import Mapping

_OPERATIONS = ("c", "u", "d", "r", "t", "m")
_WITHOUT_ROW = {"t": "A table was emptied", "m": "A message was written to the database's log"}
_POSITION = (
    *("file", "pos", "row", "lsn", "txId", "commit_lsn", "change_lsn", "event_serial_no"),
    *("scn", "ssn", "rs_id", "ord", "vgtid", "commit_ts"),
)
"""Where connectors say in `source` at which place of the database's log a change stands."""


class Change(NamedTuple):
    """A change event without the envelope of its schema, and the path that leads to it."""

    event: dict[str, Any]
    place: str


def change_in(document: dict[str, Any]) -> Change | None:
    """The change event that a record is; None where it is none."""
    if "op" in document:
        return Change(document, "") if _is_change(document) else None
    if "payload" in document and "schema" in document:
        payload = document["payload"]
        if type(payload) is dict and _is_change(payload):
            return Change(payload, "/payload")
    return None


def read_change(change: Change, mapping: Mapping | None) -> Foreign:
    """The native form of a change, by its topic's mapping. Raises ContractError.

    Where the mapping does not say otherwise it happened when the database says, its id is made of
    the place in the database's log (a connector that starts again sends again), and what a
    snapshot read is history.
    """
    event, place = change
    operation: str = event["op"]
    if operation in _WITHOUT_ROW:
        raise ContractError(
            "no-row",
            f"{place}/op",
            f"{_WITHOUT_ROW[operation]}, which tells of no person.",
            "Let the connector skip it: skipped.operations of Debezium.",
        )
    if mapping is None:
        raise ContractError(
            "no-mapping",
            f"{place}/op",
            "This is a change event of Debezium, and nothing says what its table means.",
            "Describe its topic under `sources:`, with `format: debezium`.",
        )
    before, after = _row(event, "before", place), _row(event, "after", place)
    if not (row := after or before):
        raise ContractError(
            "no-row",
            f"{place}/{'before' if operation == 'd' else 'after'}",
            "The change event carries no row.",
            "Let the database log whole rows, such as by REPLICA IDENTITY FULL of PostgreSQL.",
        )
    form = mapping.native(event | {"before": before, "after": after, "row": row})
    if "id" not in form and (name := _name(event)):
        form["id"] = name
    if operation == "r":
        form["backfill"] = True
    places = {} if "time" in form else {"/time": f"{place}/source/ts_ms"}
    return Foreign(form, _happened(event), places)


def refuse_no_change() -> Never:
    """For a record of a topic that is declared to hold change events."""
    raise ContractError(
        "not-a-change",
        "/op",
        "Its topic holds change events of Debezium, and this is none.",
        "Write `format: mapped` where the connector flattens its events.",
    )


def _is_change(document: dict[str, Any]) -> bool:
    return type(document.get("source")) is dict and document.get("op") in _OPERATIONS


def _row(event: dict[str, Any], name: str, place: str) -> dict[str, Any] | None:
    """MongoDB's connector writes its documents as texts."""
    value = event.get(name)
    if value is None or isinstance(value, dict):
        return value
    if isinstance(value, str):
        try:
            return read_object(value.encode())
        except ContractError as error:
            path = f"{place}/{name}{error.path}"
            raise ContractError(error.code, path, error.what, error.mend) from None
    raise ContractError(
        "wrong-type",
        f"{place}/{name}",
        f"It is {named(value)} where a row is expected.",
        "Send the event as Debezium made it.",
    )


def _name(event: dict[str, Any]) -> str:
    """An id that is the same when the change comes again; empty where the log's place is unknown.

    Rows may share a place (one statement, one transaction), so the row itself is part of it.
    """
    source = event["source"]
    position = {name: source[name] for name in _POSITION if source.get(name) is not None}
    if not position:
        return ""
    said = [event["op"], position, event.get("before"), event.get("after")]
    content = orjson.dumps(said, option=orjson.OPT_SORT_KEYS)
    return f"{source.get('table') or 'change'}-{blake2b(content, digest_size=16).hexdigest()}"[:500]


def _happened(event: dict[str, Any]) -> Millis | None:
    """When the database committed it; else when the connector saw it."""
    for place in (event["source"], event):
        stamp = place.get("ts_ms")
        if isinstance(stamp, int) and not isinstance(stamp, bool) and stamp > 0:
            return Millis(stamp)
    return None
