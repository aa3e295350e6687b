"""Keys of instances: values compare as texts (rule 1)."""

from typing import Any


def as_text(value: Any) -> str | None:
    """`12` and `12.0` are the same key, `true` is that of a boolean; None stays None."""
    match value:
        case None | str():
            return value
        case bool():
            return "true" if value else "false"
        case float() if value.is_integer():
            return str(int(value))
        case _:
            return str(value)
