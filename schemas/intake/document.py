"""A record's bytes as one JSON object, or the exact reason why they are none.

orjson alone is not strict enough: it keeps the last of two equal keys and rounds integers beyond
64 bits. One walk over the values finds both; the walk goes level by level, so that no nesting of
the sender's can exhaust our stack.
"""

import json
from typing import Any, Never

import orjson

from ..errors import ContractError

MAX_BYTES = 256 * 1024
MAX_DEPTH = 32
_TWO_63 = 2**63
_INT64 = range(-_TWO_63, _TWO_63)
_CONTAINERS = frozenset((dict, list))
_NUMBERS = frozenset((int, float))
_DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_BLANKS = b" \t\r\n"


def read_object(value: bytes) -> dict[str, Any]:
    """The object in these bytes: finite numbers, integers of 64 bits, unique keys, no NUL.

    Raises ContractError for anything else, more than 256 kB, or more than 32 levels.
    """
    if len(value) > MAX_BYTES:
        raise ContractError(
            "too-large",
            "",
            f"The record has {len(value):,} bytes; {MAX_BYTES:,} are allowed.",
            "Send what the journeys need, and a reference to the rest.",
        )
    try:
        document = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        _refuse_text(value, error)
    if type(document) is not dict:
        raise ContractError(
            "not-an-object",
            "",
            f"The record is {named(document)}.",
            "Send one JSON object, {...}, per record.",
        )
    if not _is_plain(value, document):
        _audit(value, document)
    if rb"\u0000" in value:
        _refuse_nul(document)
    return document


def named(value: object) -> str:
    """What kind of JSON value this is, in the words of a sentence."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a text"
        case list():
            return "a list"
        case _:
            return "an object"


def _is_plain(value: bytes, document: dict[str, Any]) -> bool:
    """Whether the text surely holds no long number, no key twice, no deep nesting.

    Measured: 1.7 us, where the walk of `_audit` takes 4. Without white space each key, kept or
    dropped by orjson, shows as `":`; so if their number is that of the keys found in the upper
    two levels, none was dropped. Eighteen digits fit into 64 bits.
    """
    text = value.translate(_DIGITS_AS_ZEROS, _BLANKS)
    keys = len(document)
    for field in document.values():
        if type(field) is dict:
            keys += len(field)
    return (
        text.count(b'":') == keys and _LONG_NUMBER not in text and text.count(b"[") <= MAX_DEPTH - 2
    )


def _audit(value: bytes, document: dict[str, Any]) -> None:
    """Finds out for certain what `_is_plain` could not exclude.

    Reading the text again for keys that are there twice costs as much as all else together, and
    is needed only where fewer keys were kept than seem to be written.
    """
    keys, has_long_number = _walked(document)
    if has_long_number:
        _refuse_long_integers(value)
    if keys != value.translate(None, _BLANKS).count(b'":'):
        _refuse_duplicate_keys(value)


def _walked(document: dict[str, Any]) -> tuple[int, bool]:
    """How many keys there are, and whether some number may be too long for 64 bits."""
    depth, keys, has_long_number = 0, 0, False
    level: list[Any] = [document]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            _refuse_depth()
        keys += sum([len(container) for container in level if type(container) is dict])
        below: list[Any] = []
        for container in level:
            for inner in container.values() if type(container) is dict else container:
                if type(inner) in _CONTAINERS:
                    below.append(inner)
                elif type(inner) in _NUMBERS and not -_TWO_63 < inner < _TWO_63:
                    has_long_number = True
        level = below
    return keys, has_long_number


def _refuse_duplicate_keys(value: bytes) -> None:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ContractError(
            "duplicate-key", f"/{twice}", "The key is there twice.", "Keep one of the two."
        )

    json.loads(value, object_pairs_hook=unique)


def _refuse_nul(document: dict[str, Any]) -> None:
    """The text may say backslash-u-0000 about something else, so the values decide."""
    stack: list[tuple[str, Any]] = [("", document)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, str) and "\0" in value:
            raise ContractError(
                "nul-character",
                path,
                "The text holds the character U+0000.",
                "Remove it; most stores cannot hold it.",
            )
        if isinstance(value, dict):
            stack += [(f"{path}/{name}", inner) for name, inner in value.items()]
            stack += [(f"{path}/{name[:20]}", name) for name in value if "\0" in name]
        elif isinstance(value, list):
            stack += [(f"{path}/{n}", inner) for n, inner in enumerate(value)]


def _refuse_long_integers(value: bytes) -> None:
    """orjson makes floats of integers beyond 64 bits; only the text tells them from 1e30."""

    def fits(digits: str) -> int:
        if (number := int(digits)) in _INT64:
            return number
        raise ContractError(
            "number-out-of-range",
            "",
            f"The number {digits[:30]} does not fit into 64 bits.",
            "Send long digits, such as an id, as a text in quotes.",
        )

    json.loads(value, parse_int=fits)


def _refuse_depth() -> Never:
    raise ContractError(
        "too-deep",
        "",
        f"The record is nested deeper than {MAX_DEPTH} levels.",
        "Flatten it, or send the nested part as a text.",
    )


def _refuse_text(value: bytes, error: orjson.JSONDecodeError) -> Never:
    """Says why the bytes are no JSON; orjson's words only choose where to look."""
    if value.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        raise ContractError(
            "byte-order-mark",
            "",
            "The record begins with a byte order mark.",
            "Send UTF-8 without one.",
        )
    try:
        text = value.decode()
    except UnicodeDecodeError as bad:
        raise ContractError(
            "not-utf8", "", f"Byte {bad.start + 1} is not UTF-8.", "Send UTF-8."
        ) from None
    if "depth limit" in error.msg:
        _refuse_depth()
    if "surrogate" in error.msg:
        raise ContractError(
            "lone-surrogate",
            "",
            f"Half of a surrogate pair stands alone, near character {error.pos + 1}.",
            "Cut texts between characters, not between UTF-16 units.",
        )
    _refuse_numbers(text)
    raise ContractError(
        "not-json",
        "",
        f"The record is not JSON: line {error.lineno}, column {error.colno}.",
        "Send one JSON object per record.",
    )


def _refuse_numbers(text: str) -> None:
    """The standard library reads NaN and 1e999, so it can tell them from broken text."""

    def not_finite(word: str) -> Never:
        raise ContractError(
            "number-not-finite",
            "",
            f"{word} is no JSON number.",
            "Leave the field out where there is no value.",
        )

    def finite(word: str) -> float:
        if abs(number := float(word)) == float("inf"):
            raise ContractError(
                "number-out-of-range",
                "",
                f"The number {word[:30]} is too large.",
                "Send numbers below 1e308.",
            )
        return number

    try:
        json.loads(text, parse_constant=not_finite, parse_float=finite, parse_int=finite)
    except (ValueError, RecursionError):
        return
