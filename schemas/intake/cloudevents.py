"""CloudEvents 1.0 in Kafka's structured and binary mode.

The attributes say what a touchpoint is (`source` and `id` name it, `type`, `time`), the data says
whose: as `identifiers` beside `properties`, `traits` and `consents`, or through the topic's
mapping, which sees the fields of the data and the attributes as `ce`.
"""

import re
from collections.abc import Mapping as AnyMapping
from collections.abc import Sequence
from typing import Any, Never

from ..errors import ContractError
from ..touchpoint import Millis
from .document import named, read_object
from .foreign import Foreign
from .mapped import Mapping
from .native import read_time

Headers = Sequence[tuple[str, bytes | None]]

_PREFIX = "ce_"
_MEDIA = b"application/cloudevents"
_REQUIRED = ("id", "source", "type")
_OPTIONAL = ("datacontenttype", "dataschema", "subject", "time")
_CARRIED = ("channel", "identifiers", "properties", "traits", "consents", "backfill")
_TRANSPORT = frozenset(
    (
        *(*_REQUIRED, "specversion", "datacontenttype", "dataschema", "time"),
        *("partitionkey", "traceparent", "tracestate"),
    )
)
"""Attributes that say nothing about the touchpoint itself, or have a place of their own."""
_NAME = re.compile(r"[a-z0-9]+")
# RFC 3339, section 5.6: to the second, and with an offset; Python reads more than that.
_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+\s*(;.*)?", re.DOTALL)
_JSON_TYPE = re.compile(r"[^/;\s]+/([^/;\s]+\+)?json\s*(;.*)?", re.DOTALL | re.IGNORECASE)


def event_by_headers(
    headers: Headers, value: bytes | None, mapping: Mapping | None
) -> Foreign | None:
    """The native form of an event that headers announce; None where they announce none.

    A media type of CloudEvents wins over attributes in headers, which structured events may
    repeat. Raises ContractError.
    """
    binary = False
    for name, content in headers:
        folded = name.lower()
        if folded == "content-type":
            kind = content or b""  # Kafka allows a header without a value
            if kind[: len(_MEDIA)].lower() == _MEDIA:
                return _structured(name, kind, value, mapping)
        elif folded == "ce_specversion":
            binary = True
    return _binary(headers, value, mapping) if binary else None


def is_event(document: AnyMapping[str, Any]) -> bool:
    """Whether a record without such headers is a structured event all the same."""
    return "specversion" in document


def read_event(document: dict[str, Any], mapping: Mapping | None) -> Foreign:
    """The native form of a structured event. Raises ContractError."""
    if document.get("data_base64") is not None:
        _refuse_base64(document)
    attributes = {
        name: value
        for name, value in document.items()
        if value is not None and name not in ("data", "data_base64")
    }
    happened = _checked(attributes, "/")
    places = {f"/{name}": f"/data/{name}" for name in _CARRIED}
    return _event(attributes, document.get("data"), mapping, happened, places)


def _structured(header: str, kind: bytes, value: bytes | None, mapping: Mapping | None) -> Foreign:
    path = f"/headers/{header}"
    subtype = kind[len(_MEDIA) :].split(b";")[0].strip().lower()
    if subtype.startswith(b"-batch"):
        raise ContractError(
            "not-an-object", path, "This is a batch of events.", "Send one event per record."
        )
    if subtype != b"+json" and subtype:
        shown = subtype.decode(errors="replace")
        raise ContractError(
            "not-json", path, f'The event is in the format "{shown}".', "Send it as JSON."
        )
    if value is None:
        raise ContractError(
            "no-value", "", "The event has no value.", "Send its attributes and data as JSON."
        )
    return read_event(read_object(value), mapping)


def _binary(headers: Headers, value: bytes | None, mapping: Mapping | None) -> Foreign:
    attributes: dict[str, Any] = {}
    for name, content in headers:
        folded = name.lower()
        if folded == "content-type":
            attribute = "datacontenttype"
        elif folded.startswith(_PREFIX) and folded != "ce_datacontenttype":
            attribute = folded.removeprefix(_PREFIX)
        else:
            continue
        if content is None:
            continue
        if attribute in attributes:
            raise ContractError(
                "duplicate-key", f"/headers/{name}", "It is there twice.", "Keep one of the two."
            )
        attributes[attribute] = _header_text(name, content)
    happened = _checked(attributes, "/headers/ce_")
    kind = attributes.get("datacontenttype", "")
    if kind and not _JSON_TYPE.fullmatch(kind):
        _refuse_data(f'The data is "{kind[:80]}".', "/headers/content-type")
    data = read_object(value) if value else None
    places = {f"/{name}": f"/headers/ce_{name}" for name in (*_REQUIRED, "time")}
    return _event(attributes, data, mapping, happened, places)


def _header_text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError:
        raise ContractError(
            "not-utf8", f"/headers/{name}", "The header is not UTF-8.", "Send UTF-8."
        ) from None


def _event(
    attributes: dict[str, Any],
    data: Any,
    mapping: Mapping | None,
    happened: Millis | None,
    places: AnyMapping[str, str],
) -> Foreign:
    """The native form of attributes that were checked, and of data that was read."""
    if isinstance(data, dict) and type(data.get("identifiers")) is dict:
        form = {name: data[name] for name in _CARRIED if name in data}
        properties = data.get("properties")
        if properties is None or isinstance(properties, dict):
            form["properties"] = _said_beside(attributes) | (properties or {})
        return Foreign(form | {name: attributes[name] for name in _REQUIRED}, happened, places)
    if mapping is not None:
        fields = data if isinstance(data, dict) else {"data": data}
        form = mapping.native({**fields, "ce": attributes})
        form.setdefault("id", f"{attributes['source']}#{attributes['id']}")
        return Foreign(form, happened)
    if data is not None and not isinstance(data, dict):
        _refuse_data(f"The data is {named(data)}.", "/data")
    raise ContractError(
        "no-identifier",
        places.get("/identifiers", "/identifiers"),
        "Nothing says whose event this is.",
        "Give `identifiers` in the data, or describe the topic under `sources:`.",
    )


def _said_beside(attributes: AnyMapping[str, Any]) -> dict[str, Any]:
    """`subject` and extensions: facts about the touchpoint, where no property has the name."""
    return {name: value for name, value in attributes.items() if name not in _TRANSPORT}


def _checked(attributes: AnyMapping[str, Any], place: str) -> Millis | None:
    """When it happened. Raises ContractError for what CloudEvents 1.0 does not allow."""
    version = attributes.get("specversion")
    if version is None:
        _refuse_missing(f"{place}specversion")
    if version != "1.0":
        raise ContractError(
            "unknown-specversion",
            f"{place}specversion",
            f'"{str(version)[:20]}" is no version of CloudEvents that is known here.',
            'Send version "1.0".',
        )
    for name in _REQUIRED:
        if name not in attributes:
            _refuse_missing(place + name)
    for name, value in attributes.items():
        _check_attribute(name, value, place + name)
    if not _MEDIA_TYPE.fullmatch(attributes.get("datacontenttype", "a/b")):
        _refuse_attribute(f"{place}datacontenttype", "It is no media type.")
    return _time(attributes["time"], f"{place}time") if "time" in attributes else None


def _time(text: str, path: str) -> Millis:
    if not _TIME.fullmatch(text):
        what = f'"{text[:40]}" is no time of RFC 3339.'
        raise ContractError("bad-time", path, what, 'Write it like "2026-03-01T03:30:00Z".')
    return read_time(text.upper(), path)


def _check_attribute(name: str, value: Any, path: str) -> None:
    if not _NAME.fullmatch(name):
        _refuse_attribute(path, "Names of attributes are of small letters a-z and digits.")
    if isinstance(value, str):
        if not value and (name in _REQUIRED or name in _OPTIONAL):
            raise ContractError(
                "empty-text", path, "The text is empty.", "Leave it out or fill it."
            )
    elif name in _REQUIRED or name in _OPTIONAL or not isinstance(value, int):
        raise ContractError(
            "wrong-type",
            path,
            f"It is {named(value)}, which this attribute cannot be.",
            "Send a text in quotes; extensions may be whole numbers and booleans, too.",
        )


def _refuse_missing(path: str) -> Never:
    raise ContractError(
        "missing-field", path, "It is not there.", "Every CloudEvent needs this attribute."
    )


def _refuse_attribute(path: str, what: str) -> Never:
    raise ContractError("bad-attribute", path, what, "Write it as CloudEvents 1.0 says.")


def _refuse_base64(document: AnyMapping[str, Any]) -> Never:
    if document.get("data") is not None:
        raise ContractError(
            "two-data", "/data_base64", "There is `data` as well.", "Keep one of the two."
        )
    _refuse_data("The data is binary.", "/data_base64")


def _refuse_data(what: str, path: str) -> Never:
    raise ContractError(
        "data-not-json", path, what, "Send the data as a JSON object, with a JSON media type."
    )
