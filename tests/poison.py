"""Records that break the contract of touchpoints, each with the code it is refused by.

None depends on the clock, so the table serves the decoder's tests and a running pipeline alike.
"""

from typing import Any, NamedTuple

import orjson


class Poison(NamedTuple):
    name: str
    code: str
    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()


def _native(**fields: Any) -> bytes:
    return orjson.dumps({"type": "order.paid", "identifiers": {"phone": "13800138000"}} | fields)


def _with(properties: bytes) -> bytes:
    return b'{"type":"order.paid","identifiers":{"phone":"1"},"properties":{"x":%b}}' % properties


def _nested(levels: int, opening: bytes = b"[", closing: bytes = b"]") -> bytes:
    return _with(opening * levels + b"1" + closing * levels)


def _call(**fields: Any) -> bytes:
    return orjson.dumps({"type": "track", "event": "Order Completed", "userId": "u1"} | fields)


def _event(**fields: Any) -> bytes:
    event = {"specversion": "1.0", "id": "1", "source": "/x", "type": "order.paid", "data": _SAID}
    return orjson.dumps(event | fields)


def _kind(subtype: str) -> tuple[str, bytes]:
    return "Content-Type", f"application/{subtype}".encode()


_SAID = {"identifiers": {"phone": "13800138000"}}
BINARY = (
    ("ce_specversion", b"1.0"),
    ("ce_id", b"1"),
    ("ce_source", b"/x"),
    ("ce_type", b"order.paid"),
)
CHANGE = {"op": "c", "source": {"table": "orders"}, "after": {"id": 1}}

POISON = (
    # Bytes
    Poison("a tombstone", "no-value", None),
    Poison("no bytes", "not-json", b""),
    Poison("white space", "not-json", b" \n"),
    Poison("bad UTF-8", "not-utf8", b'{"type":"order.paid\xff"}'),
    Poison("UTF-8 of a surrogate", "not-utf8", _with(b'"\xed\xa0\x80"')),
    Poison("Latin-1", "not-utf8", '{"type":"café"}'.encode("latin-1")),
    Poison("UTF-16", "byte-order-mark", '{"type":"x"}'.encode("utf-16")),
    Poison("a byte order mark", "byte-order-mark", b"\xef\xbb\xbf" + _native()),
    Poison("too many bytes", "too-large", _native(properties={"x": "y" * 262_144})),
    Poison("a raw control character", "not-json", _with(b'"a\tb"')),
    # JSON
    Poison("plain text", "not-json", b"hello"),
    Poison("cut off", "not-json", _native()[:-7]),
    Poison("two objects", "not-json", _native() + _native()),
    Poison("a trailing comma", "not-json", b'{"type":"x",}'),
    Poison("single quotes", "not-json", b"{'type':'x'}"),
    Poison("keys that are no texts", "not-json", b'{"type":"x",1:2}'),
    Poison("XML", "not-json", b"<touchpoint/>"),
    Poison("a lone high surrogate", "lone-surrogate", _with(rb'"\ud83d"')),
    Poison("a lone low surrogate", "lone-surrogate", _with(rb'"\ude00 x"')),
    Poison("NaN", "number-not-finite", _with(b"NaN")),
    Poison("Infinity", "number-not-finite", _with(b"-Infinity")),
    Poison("1e999", "number-out-of-range", _with(b"1e999")),
    Poison("a number of 400 digits", "number-out-of-range", _with(b"1" * 400)),
    Poison("beyond 64 bits", "number-out-of-range", _with(b"18446744073709551616")),
    Poison("beyond signed 64 bits", "number-out-of-range", _with(b"9223372036854775808")),
    Poison("below signed 64 bits", "number-out-of-range", _with(b"-9223372036854775809")),
    Poison(
        "a long number deep inside", "number-out-of-range", _with(b'[{"a":123456789012345678901}]')
    ),
    Poison("NUL in a value", "nul-character", _with(rb'"a\u0000b"')),
    Poison("NUL in a key", "nul-character", _with(rb'{"a\u0000":1}')),
    Poison("a key twice", "duplicate-key", b'{"type":"a","type":"b","identifiers":{"phone":"1"}}'),
    Poison("a key twice, spaced", "duplicate-key", b'{"type":"a", "type" : "b", "id":"1"}'),
    Poison("a key twice, deep", "duplicate-key", _with(b'[{"a":{"b":1,"b":2}}]')),
    Poison("a key twice, escaped", "duplicate-key", _with(rb'{"a":1,"\u0061":2}')),
    Poison("31 lists inside properties", "too-deep", _nested(31)),
    Poison("31 objects inside properties", "too-deep", _nested(31, b'{"a":', b"}")),
    Poison("100,000 brackets", "too-deep", _nested(100_000)),
    Poison("a list", "not-an-object", b"[" + _native() + b"]"),
    Poison("null", "not-an-object", b"null"),
    Poison("a text", "not-an-object", b'"order.paid"'),
    Poison("a number", "not-an-object", b"42"),
    # Shape
    Poison("no type", "missing-field", b'{"identifiers":{"phone":"1"}}'),
    Poison("an empty object", "missing-field", b"{}"),
    Poison("an empty type", "empty-text", _native(type="")),
    Poison("a blank type", "empty-text", _native(type="  ")),
    Poison("a type that never ends", "too-long", _native(type="x" * 201)),
    Poison("a type that is a number", "wrong-type", _native(type=7)),
    Poison("null for the type", "wrong-type", _native(type=None)),
    Poison("an id that is a number", "wrong-type", _native(id=9912)),
    Poison("an id that never ends", "too-long", _native(id="x" * 501)),
    Poison("an empty id", "empty-text", _native(id="")),
    Poison("an empty source", "empty-text", _native(source="")),
    Poison("a channel that is a list", "wrong-type", _native(channel=["pos"])),
    Poison("properties as a list", "wrong-type", _native(properties=[1])),
    Poison("properties as a text", "wrong-type", _native(properties='{"a":1}')),
    Poison("traits as a number", "wrong-type", _native(traits=1)),
    Poison("a consent as a text", "wrong-type", _native(consents={"sms": "yes"})),
    Poison("a consent as 1", "wrong-type", _native(consents={"sms": 1})),
    Poison("backfill as a text", "wrong-type", _native(backfill="true")),
    Poison("identifiers as a list", "wrong-type", _native(identifiers=["13800138000"])),
    Poison("an identifier as a number", "wrong-type", _native(identifiers={"phone": 13800138000})),
    Poison("an identifier as an object", "wrong-type", _native(identifiers={"phone": {"n": "1"}})),
    Poison("identifiers, one a number", "wrong-type", _native(identifiers={"phone": ["1", 2]})),
    Poison("an identifier that never ends", "too-long", _native(identifiers={"phone": "1" * 513})),
    Poison("an identifier without a name", "empty-text", _native(identifiers={"": "1"})),
    Poison("no identifiers", "no-identifier", b'{"type":"order.paid"}'),
    Poison("no identifier in it", "no-identifier", _native(identifiers={})),
    Poison(
        "only empty identifiers", "no-identifier", _native(identifiers={"phone": "", "a": None})
    ),
    Poison(
        "a crowd of identifiers",
        "too-many-identifiers",
        _native(identifiers={"phone": [str(n) for n in range(51)]}),
    ),
    # Time
    Poison("a time that is none", "bad-time", _native(time="yesterday")),
    Poison("an empty time", "bad-time", _native(time="")),
    Poison("30 February", "bad-time", _native(time="2026-02-30T00:00:00Z")),
    Poison("a time as a number", "wrong-type", _native(time=1772335800000)),
    Poison("a time without a zone", "time-without-zone", _native(time="2026-03-01T11:30:00")),
    Poison("beyond year 9999", "time-out-of-range", _native(time="10000-01-01T00:00:00Z")),
    Poison("the zero of some clocks", "time-out-of-range", _native(time="0001-01-01T00:00:00Z")),
    Poison("the far future", "time-in-the-future", _native(time="9998-01-01T00:00:00Z")),
    # The engine's own words
    Poison("a watermark of nobody", "bad-watermark", b'{"type":"source.watermark"}'),
    Poison(
        "a watermark without upto",
        "bad-watermark",
        b'{"type":"source.watermark","properties":{"source":"till"}}',
    ),
    Poison(
        "a watermark up to never",
        "bad-time",
        b'{"type":"source.watermark","properties":{"source":"till","upto":"never"}}',
    ),
    # Calls of Segment and RudderStack
    Poison("a call of nobody", "no-identifier", _call(userId=None)),
    Poison("a call of nobody's empty ids", "no-identifier", _call(userId="", anonymousId="")),
    Poison("a call without its type", "missing-field", b'{"event":"Order Completed","userId":"u"}'),
    Poison("a call by its old type", "missing-field", b'{"action":"track","user_id":"u"}'),
    Poison("a track without an event", "missing-field", _call(event=None)),
    Poison("a track of blanks", "missing-field", _call(event=" ?! ")),
    Poison("a track whose event is a list", "wrong-type", _call(event=["a"])),
    Poison("a track that never ends", "too-long", _call(event="x" * 201)),
    Poison("a track in the engine's name", "reserved-type", _call(event="identity.erase")),
    Poison("a track of a watermark", "reserved-type", _call(event="source.watermark")),
    Poison("a user id that is an object", "wrong-type", _call(userId={"id": 1})),
    Poison("a user id that never ends", "too-long", _call(userId="u" * 513)),
    Poison("a message id that is true", "wrong-type", _call(messageId=True)),
    Poison("a context that is a text", "wrong-type", _call(context="web")),
    Poison("traits that are a list", "wrong-type", _call(context={"traits": []})),
    Poison("properties of a call as a text", "wrong-type", _call(properties="{}")),
    Poison("a group without an id", "missing-field", _call(type="group")),
    Poison("an alias of one", "missing-field", _call(type="alias")),
    Poison("a call at no time", "bad-time", _call(timestamp="noon")),
    Poison("a call at a number", "wrong-type", _call(sentAt=1772335800)),
    Poison(
        "a call made before 1970",
        "time-out-of-range",
        _call(
            originalTimestamp="1970-01-02T00:00:00Z",
            sentAt="2026-01-01T00:00:00Z",
            receivedAt="2020-01-01T00:00:00Z",
        ),
    ),
    # CloudEvents
    Poison("an event of nobody", "no-identifier", _event(data={})),
    Poison("an event without data", "no-identifier", _event(data=None)),
    Poison("an event with a text", "data-not-json", _event(data="text")),
    Poison("an event with bytes", "data-not-json", _event(data=None, data_base64="e30=")),
    Poison("an event with two datas", "two-data", _event(data_base64="e30=")),
    Poison("an event of 0.3", "unknown-specversion", _event(specversion="0.3")),
    Poison("an event without an id", "missing-field", _event(id=None)),
    Poison("an event with a number for its id", "wrong-type", _event(id=1)),
    Poison("an event with an empty source", "empty-text", _event(source="")),
    Poison("an event at lunchtime", "bad-time", _event(time="lunchtime")),
    Poison("an event to the minute", "bad-time", _event(time="2026-03-01T11:30Z")),
    Poison("an extension with a capital", "bad-attribute", _event(storeId="17")),
    Poison("an extension of a fraction", "wrong-type", _event(store=1.5)),
    Poison("an event of no media type", "bad-attribute", _event(datacontenttype="xyz")),
    Poison(
        "an event whose properties are a list",
        "wrong-type",
        _event(data=_SAID | {"properties": []}),
    ),
    Poison("an event in Avro", "not-json", b"Obj", (_kind("cloudevents+avro"),)),
    Poison("a batch of events", "not-an-object", b"[]", (_kind("cloudevents-batch+json"),)),
    Poison(
        "an announced event that is none",
        "missing-field",
        b"{}",
        (_kind("CloudEvents+json; charset=UTF-8"),),
    ),
    Poison("an announced event without value", "no-value", None, (_kind("cloudevents+json"),)),
    Poison(
        "a binary event without attributes", "missing-field", b"{}", (("ce_specversion", b"1.0"),)
    ),
    Poison("a binary event of nobody", "no-identifier", b"{}", BINARY),
    Poison("a binary event in XML", "data-not-json", b"<a/>", (*BINARY, _kind("xml"))),
    Poison("a binary event with an id twice", "duplicate-key", b"{}", (*BINARY, ("ce_id", b"2"))),
    Poison("a binary event with bad UTF-8", "not-utf8", b"{}", (*BINARY, ("ce_x", b"\xff"))),
    Poison("a binary event that is cut off", "not-json", b'{"identifiers"', BINARY),
    # Changes of Debezium
    Poison("a change without a mapping", "no-mapping", orjson.dumps(CHANGE)),
    Poison("a change in its schema", "no-mapping", orjson.dumps({"schema": {}, "payload": CHANGE})),
    Poison("a table that was emptied", "no-row", orjson.dumps(CHANGE | {"op": "t"})),
    Poison("a message in the log", "no-row", orjson.dumps(CHANGE | {"op": "m"})),
)
