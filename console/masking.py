"""What a person could be recognised by, without its middle: enough to tell apart, not to use."""

from collections.abc import Mapping
from typing import Any

LONG_NUMBER = 7
"""From so many digits on a number may be a phone's, a card's or a place's; amounts are shorter."""


def masked(value: Any) -> Any:
    """Texts and long numbers without their middle, wherever they stand; the rest stays."""
    match value:
        case bool() | None:
            return value
        case int() | float():
            digits = sum(sign.isdigit() for sign in str(value))
            return value if digits < LONG_NUMBER else _cut(str(value))
        case Mapping():
            return {name: masked(each) for name, each in value.items()}
        case list() | tuple():
            return [masked(each) for each in value]
        case _:
            return _cut(str(value))


def masked_identifier(written: str) -> str:
    """Of `namespace:value` the value."""
    namespace, _, value = written.partition(":")
    return f"{namespace}:{masked(value)}"


def in_full(value: Any) -> Any:
    """What `--reveal` puts in the place of `masked`."""
    return value


def _cut(text: str) -> str:
    kept = 2 if len(text) > 6 else 0
    return text[:kept] + "…" + text[len(text) - kept :]
