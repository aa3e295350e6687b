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


CLOUD_EVENT = {"specversion": "1.0", "id": "1", "source": "/x", "type": "order.paid", "data": {}}
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
    # Forms that are recognised, and not built yet
    Poison("a CloudEvent", "not-supported-yet", orjson.dumps(CLOUD_EVENT)),
    Poison(
        "a CloudEvent by its content type",
        "not-supported-yet",
        b"{}",
        (("Content-Type", b"application/cloudevents+json; charset=UTF-8"),),
    ),
    Poison("a binary CloudEvent", "not-supported-yet", b"{}", (("ce_specversion", b"1.0"),)),
    Poison(
        "a Segment call",
        "not-supported-yet",
        b'{"type":"track","event":"Order Completed","userId":"u1","properties":{}}',
    ),
    Poison("a Debezium change", "not-supported-yet", orjson.dumps(CHANGE)),
    Poison(
        "a Debezium change in its schema",
        "not-supported-yet",
        orjson.dumps({"schema": {}, "payload": CHANGE}),
    ),
)
