"""Calls of Segment's and RudderStack's libraries: track, identify, alias, group, page, screen.

What their specifications say of identifiers and clocks holds here: `userId` becomes `user_id`,
`anonymousId` becomes `cookie` (also on phones: it names an installation), and device clocks are
corrected. Traits of a group are no traits of the person.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Never

from ..errors import ContractError
from ..touchpoint import Millis
from .document import named
from .foreign import Foreign, object_at, text_at
from .native import WATERMARK, read_time

CALLS = ("track", "identify", "alias", "group", "page", "screen")
STAMP_FITS = 24 * 3600 * 1000
"""So far from `sentAt`, ms, the record's stamp still is the moment a collector received the call;
farther off it is that of a replay."""

_MARKS = (
    *("messageId", "userId", "anonymousId", "previousId", "groupId", "writeKey", "event"),
    *("originalTimestamp", "integrations"),
)
_KEPT = ("app", "campaign", "groupId", "locale", "page", "referrer", "timezone")
"""Parts of `context` that journeys ask for; addresses and fingerprints of devices stay out."""
_NAMEABLE = re.compile(r"[\w.:/-]{1,128}")
_UNNAMEABLE = re.compile(r"[^\w.:/-]+")
_LONGEST = 512
_NAMESPACES = {
    "anonymous_id": "cookie",
    "android.id": "device_id",
    "android.idfa": "device_id",
    "ios.id": "device_id",
    "ios.idfa": "device_id",
}
_PLACES = {
    "/id": "/messageId",
    "/time": "/timestamp",
    "/identifiers/user_id": "/userId",
    "/identifiers/cookie": "/anonymousId",
}


def is_call(document: dict[str, Any], *, by_type_alone: bool) -> bool:
    """Whether this is a call. A record that a mapping may describe needs more than its type."""
    return document.get("type") in CALLS and (
        by_type_alone or any(mark in document for mark in _MARKS)
    )


def refuse_call_without_type(document: dict[str, Any]) -> None:
    """Raises ContractError where the record is one and only lacks its type."""
    has_event = isinstance(document.get("event"), str) and (
        "userId" in document or "anonymousId" in document or "properties" in document
    )
    if "type" not in document and (has_event or document.get("action") in CALLS):
        raise ContractError(
            "missing-field",
            "/type",
            "This looks like a call of Segment, and it does not say which.",
            'Send its type, such as "type": "track".',
        )


def read_call(call: dict[str, Any], received: Millis) -> Foreign:
    """The native form of a call that a record stamped `received` holds. Raises ContractError."""
    kind: str = call["type"]
    context = object_at(call, "context")
    traits = object_at(context, "traits", "/context")
    own = object_at(call, "traits")
    if kind == "identify":
        traits = traits | own
    properties = _properties(call, kind, context, own)
    document = {
        "type": _type(call) if kind == "track" else kind,
        "id": text_at(call, "messageId") or text_at(call, "id") or None,
        "channel": text_at(call, "channel"),
        "identifiers": _identifiers(call, context, traits),
        "properties": properties,
        "traits": traits,
    }
    places = _PLACES | {"/type": "/event"} if kind == "track" else _PLACES
    return Foreign(document, _happened(call, received), places)


def _type(call: dict[str, Any]) -> str:
    """The event's name as a map can write it: `Order Completed` is `order_completed`."""
    event = text_at(call, "event")
    type_ = event
    if not _NAMEABLE.fullmatch(event):
        type_ = _UNNAMEABLE.sub("_", event.strip().lower()).strip("_")
    if not type_:
        _refuse_missing("/event", "A track call names its event.", "Name what happened.")
    if type_ == WATERMARK or type_.startswith("identity."):
        raise ContractError(
            "reserved-type",
            "/event",
            f'"{type_}" is a word of the engine, and calls come from browsers and phones.',
            "Name the event otherwise; a service may send it in the native form.",
        )
    return type_


def _properties(
    call: dict[str, Any], kind: str, context: dict[str, Any], own: dict[str, Any]
) -> dict[str, Any]:
    """What the call tells of itself, and of where it was made."""
    found: dict[str, Any] = {}
    if kind == "group":
        if not text_at(call, "groupId"):
            _refuse_missing("/groupId", "A group call names its group.", "Send its id.")
        found = {"groupId": text_at(call, "groupId"), "traits": own}
    for name in ("name", "category") if kind in ("page", "screen") else ():
        if value := text_at(call, name):
            found[name] = value
    if kept := {name: context[name] for name in _KEPT if context.get(name) is not None}:
        found["context"] = kept
    return found | object_at(call, "properties")


def _identifiers(
    call: dict[str, Any], context: dict[str, Any], traits: dict[str, Any]
) -> dict[str, str | list[str]]:
    found: dict[str, list[str]] = {}
    for namespace, value in (
        ("user_id", text_at(call, "userId")),
        ("cookie", text_at(call, "anonymousId")),
        *_previous(call),
        *_contacts(call, traits),
        *_devices(object_at(context, "device", "/context")),
        *_externals(context),
    ):
        if value and value not in (values := found.setdefault(namespace, [])):
            values.append(value)
    if not any(found.values()):
        raise ContractError(
            "no-identifier",
            "/userId",
            "The call says neither userId nor anonymousId.",
            "Libraries send one of them by themselves; over HTTP, write it.",
        )
    return {name: v[0] if len(v) == 1 else v for name, v in found.items()}


def _previous(call: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Of an alias: `previousId` may be of either kind, and no field says which.

    An address names a user. All else is taken for an anonymous id: under `user_id` it would take
    the place of the user's real one, of which a person has one by default.
    """
    if call["type"] != "alias":
        return
    previous = text_at(call, "previousId")
    known = [name for name in ("userId", "anonymousId", "previousId") if text_at(call, name)]
    if len(known) == 1:
        missing = "/userId" if previous else "/previousId"
        _refuse_missing(missing, "An alias joins two identifiers.", "Send the other one, too.")
    yield "user_id" if "@" in previous else "cookie", previous


def _contacts(call: dict[str, Any], traits: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Traits are typed in by people, so what is no address is a trait and nothing more."""
    for namespace in ("email", "phone"):
        yield namespace, _short(traits.get(namespace))
    if call["type"] == "track":
        yield "email", _short(object_at(call, "properties").get("email"))


def _devices(device: dict[str, Any]) -> Iterator[tuple[str, str]]:
    yield "device_id", _short(device.get("id"))
    if device.get("adTrackingEnabled") is not False:
        yield "device_id", _short(device.get("advertisingId"))


def _externals(context: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """`externalIds` of Segment, `externalId` of RudderStack; those of accounts are not hers."""
    for name in ("externalIds", "externalId"):
        listed = context.get(name)
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and each.get("collection", "users") == "users":
                namespace = _short(each.get("type"))[:200]
                yield _NAMESPACES.get(namespace, namespace) or "external_id", _short(each.get("id"))


def _short(value: Any) -> str:
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return text if isinstance(text, str) and len(text) <= _LONGEST else ""


def _happened(call: dict[str, Any], received: Millis) -> Millis | None:
    """When it happened by the collector's clock.

    `timestamp` is corrected once a collector has stamped the call. Before that, the device's
    clock is off by what lies between `sentAt` and the moment the call was received.
    """
    stamp, written = _time(call, "timestamp"), _time(call, "originalTimestamp")
    arrived, sent = _time(call, "receivedAt"), _time(call, "sentAt")
    if stamp is not None and (arrived is not None or written is not None):
        return stamp
    written = stamp if written is None else written
    if written is None or sent is None:
        return arrived if written is None else written
    if arrived is None:
        arrived = received if abs(received - sent) <= STAMP_FITS else sent
    happened = arrived - (sent - written)
    if happened < 0:
        raise ContractError(
            "time-out-of-range",
            "/sentAt",
            "By its clock the call was made so long before it was sent that it lies before 1970.",
            "Check the device's clock.",
        )
    return Millis(happened)


def _time(call: dict[str, Any], name: str) -> Millis | None:
    """ISO 8601; what names no zone is UTC, as both specifications say."""
    text = call.get(name)
    if text is None:
        return None
    if not isinstance(text, str):
        what = f"It is {named(text)} where a time is expected."
        raise ContractError("wrong-type", f"/{name}", what, "Send an ISO 8601 text.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return read_time(text, f"/{name}")
    if moment.tzinfo is None:
        text = moment.replace(tzinfo=UTC).isoformat()
    return read_time(text, f"/{name}")


def _refuse_missing(path: str, what: str, mend: str) -> Never:
    raise ContractError("missing-field", path, what, mend)
